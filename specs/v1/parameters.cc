#include "specs/v1/parameters.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "specs/meta/quantity.h"
#include "specs/schema/names.h"
#include "specs/v1/template.h"

namespace zoe::v1 {
namespace {

bool ParseInteger(std::string_view text, int64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// Comparable within one type; nothing if the text is not of that type.
std::optional<int64_t> Magnitude(std::string_view type, std::string_view text) {
  int64_t number = 0;
  if (type == "integer" && ParseInteger(text, number)) return number;
  if (type == "quantity") {
    if (const auto quantity = Quantity::Parse(text); quantity.ok()) return quantity->milli();
  }
  return std::nullopt;
}

std::string TypeProblem(std::string_view type, const std::string& text) {
  if (type == "boolean") {
    return text == "true" || text == "false"
               ? ""
               : "must be true or false, found " + schema::Quote(text);
  }
  if (type == "integer")
    return Magnitude(type, text) ? "" : "must be an integer, found " + schema::Quote(text);
  if (type == "quantity")
    return Magnitude(type, text)
               ? ""
               : "must be a quantity such as 500m or 2Gi, found " + schema::Quote(text);
  return "";
}

bool IsListed(const Parameter& parameter, const std::string& text) {
  const auto magnitude = Magnitude(parameter.type, text);
  return std::any_of(
      parameter.enum_values.begin(), parameter.enum_values.end(), [&](const std::string& value) {
        return value == text || (magnitude && Magnitude(parameter.type, value) == magnitude);
      });
}

}  // namespace

std::string ParameterProblem(const Parameter& parameter, const std::string& text) {
  std::string problem = TypeProblem(parameter.type, text);
  if (!problem.empty()) return problem;
  if (!parameter.enum_values.empty() && !IsListed(parameter, text)) {
    const std::vector<std::string_view> values(parameter.enum_values.begin(),
                                               parameter.enum_values.end());
    return "must be one of " + schema::Join(values) + ", found " + schema::Quote(text) +
           schema::DidYouMean(text, values);
  }
  const auto magnitude = Magnitude(parameter.type, text);
  if (!magnitude) return "";
  if (parameter.minimum && Magnitude(parameter.type, *parameter.minimum) > magnitude) {
    return "must be at least " + *parameter.minimum + ", found " + text;
  }
  // An unreadable bound is reported where it is declared, and bounds nothing here.
  const auto maximum =
      parameter.maximum ? Magnitude(parameter.type, *parameter.maximum) : std::nullopt;
  if (maximum && *magnitude > *maximum)
    return "must be at most " + *parameter.maximum + ", found " + text;
  return "";
}

void CheckDeclared(const std::vector<Parameter>& parameters, std::string_view path,
                   std::vector<Cause>& causes) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& parameter = parameters[i];
    const std::string here = std::string(path) + "[" + std::to_string(i) + "]";
    const auto add = [&](const char* field, std::string message) {
      causes.push_back(
          {.field = here + field, .reason = "FieldValueInvalid", .message = std::move(message)});
    };
    if (!parameter.name.empty() && !names.insert(parameter.name).second) {
      causes.push_back({.field = here + ".name",
                        .reason = "FieldValueDuplicate",
                        .message = "the name " + schema::Quote(parameter.name) +
                                   " is taken by another parameter"});
    }
    const bool ordered = parameter.type == "integer" || parameter.type == "quantity";
    bool bounds_good = true;
    for (const auto& [field, bound] :
         {std::pair{".minimum", &parameter.minimum}, std::pair{".maximum", &parameter.maximum}}) {
      if (!*bound) continue;
      std::string problem = ordered ? TypeProblem(parameter.type, **bound)
                                    : "only an integer or a quantity has bounds";
      bounds_good = bounds_good && problem.empty();
      if (!problem.empty()) add(field, std::move(problem));
    }
    if (bounds_good && parameter.minimum && parameter.maximum &&
        Magnitude(parameter.type, *parameter.minimum) >
            Magnitude(parameter.type, *parameter.maximum)) {
      add(".minimum", "must not be more than maximum (" + *parameter.maximum + "), found " +
                          *parameter.minimum);
    }
    for (size_t j = 0; j < parameter.enum_values.size(); ++j) {
      std::string problem = TypeProblem(parameter.type, parameter.enum_values[j]);
      if (!problem.empty()) add((".enum[" + std::to_string(j) + "]").c_str(), std::move(problem));
    }
    if (!parameter.default_value) continue;
    std::string problem = ParameterProblem(parameter, *parameter.default_value);
    if (!problem.empty()) add(".default", std::move(problem));
  }
}

Expected<std::map<std::string, std::string>> ResolveParameters(
    const std::vector<Parameter>& declared, const std::map<std::string, std::string>& given,
    std::string_view path) {
  std::map<std::string, std::string> values;
  std::vector<Cause> causes;
  const auto add = [&](const std::string& name, const char* reason, std::string message) {
    causes.push_back(
        {.field = std::string(path) + "." + name, .reason = reason, .message = std::move(message)});
  };
  std::vector<std::string_view> names;
  for (const Parameter& parameter : declared) {
    names.push_back(parameter.name);
    const auto found = given.find(parameter.name);
    if (found == given.end() && !parameter.default_value) {
      add(parameter.name, "FieldValueRequired",
          "is required: the application declares it without a default" +
              (parameter.description.empty() ? "" : " (" + parameter.description + ")"));
      continue;
    }
    const std::string& value = found == given.end() ? *parameter.default_value : found->second;
    std::string problem = ParameterProblem(parameter, value);
    if (!problem.empty()) add(parameter.name, "FieldValueInvalid", std::move(problem));
    values.emplace(parameter.name, value);
  }
  for (const auto& [name, value] : given) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    const std::string suggestion = schema::DidYouMean(name, names);
    const std::string known = names.empty() ? ": the application declares none"
                                            : ", declared are: " + schema::Join(names);
    add(name, "FieldValueNotFound",
        "unknown parameter " + schema::Quote(name) + (suggestion.empty() ? known : suggestion));
  }
  if (causes.empty()) return values;
  Error error = MakeError(Code::kInvalid, "Invalid", "parameters are invalid");
  error.causes = std::move(causes);
  return error;
}

Expected<std::map<std::string, std::string>> ExecutionParameters(const Execution& execution) {
  const std::vector<Parameter>& declared = execution.spec.application->parameters;
  if (declared.empty() && !execution.spec.application_ref) return execution.spec.parameters;
  return ResolveParameters(declared, execution.spec.parameters, "spec.parameters");
}

}  // namespace zoe::v1
