#include "specs/schema/markdown.h"

#include <algorithm>

namespace zoe::schema {
namespace {

// The struct that a type holds or is; nullptr: none.
const Type* StructIn(const Type& type) {
  const Type* inner = &type;
  while (inner->element != nullptr) inner = inner->element;
  return inner->shape == Shape::kStruct ? inner : nullptr;
}

std::string NameOf(const Type& type, const Field& field, bool plural) {
  const char* s = plural ? "s" : "";
  switch (type.shape) {
    case Shape::kString:
      return (field.any_scalar ? "scalar" : "string") + std::string(s);
    case Shape::kInteger:
      return field.integer_as_string ? "string" : "integer" + std::string(s);
    case Shape::kBoolean:
      return "boolean" + std::string(s);
    case Shape::kQuantity:
      return plural ? "quantities" : "quantity";
    case Shape::kTime:
      return "time" + std::string(s);
    case Shape::kRaw:
      return "mapping";
    case Shape::kOptional:
      return NameOf(*type.element, field, plural);
    case Shape::kList:
      return "list of " + NameOf(*type.element, field, true);
    case Shape::kMap:
      return "map of " + NameOf(*type.element, field, true);
    case Shape::kStruct:
      return std::string(type.name);
  }
  return "";
}

std::string Anchor(std::string_view heading) {
  std::string out(heading);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

// Text for a cell of a table.
std::string Cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string Row(const Field& field) {
  std::string type = TypeName(field);
  if (const Type* inner = StructIn(*field.type)) {
    const std::string name(inner->name);
    type.replace(type.rfind(name), name.size(), "[" + name + "](#" + Anchor(name) + ")");
  }
  const bool shown = !field.default_text.empty() && field.default_text != "false";
  const std::string value = shown ? "`" + field.default_text + "`" : "";
  const std::string bounds = Bounds(field);
  std::string meaning(field.doc);
  if (!bounds.empty()) meaning += " " + bounds;
  if (!field.example.empty()) meaning += " Example: `" + std::string(field.example) + "`";
  return "| `" + std::string(field.name) + "`" + (field.required ? " (required)" : "") + " | " +
         type + " | " + Cell(value) + " | " + Cell(meaning) + " |\n";
}

}  // namespace

std::string TypeName(const Field& field) { return NameOf(*field.type, field, false); }

std::string Bounds(const Field& field) {
  std::string out;
  const auto add = [&out](const std::string& sentence) {
    out += (out.empty() ? "" : " ") + sentence;
  };
  if (field.constant.empty() && !field.values.empty()) {
    std::string values;
    for (const std::string_view value : field.values) {
      values += (values.empty() ? "`" : ", `") + std::string(value) + "`";
    }
    add("One of " + values + ".");
  }
  if (!field.constant.empty()) add("Always `" + std::string(field.constant) + "`.");
  if (field.minimum && field.maximum) {
    add("From " + std::to_string(*field.minimum) + " to " + std::to_string(*field.maximum) + ".");
  } else if (field.minimum) {
    add("At least " + std::to_string(*field.minimum) + ".");
  }
  if (!field.least.empty()) add("At least " + std::string(field.least) + ".");
  if (field.max_length > 0) add("At most " + std::to_string(field.max_length) + " bytes.");
  if (field.min_items > 0) add("At least " + std::to_string(field.min_items) + ".");
  if (field.max_items > 0) add("At most " + std::to_string(field.max_items) + ".");
  return out;
}

std::string Markdown(const Type& type, std::vector<const Type*>& described) {
  described.push_back(&type);
  std::string out = "### " + std::string(type.name) + "\n\n" + std::string(type.doc) + "\n\n";
  if (!type.fields.empty()) out += "| Field | Type | Default | Meaning |\n|---|---|---|---|\n";
  for (const Field& field : type.fields) out += Row(field);
  if (!type.fields.empty()) out += "\n";
  for (const Field& field : type.fields) {
    const Type* inner = StructIn(*field.type);
    if (inner == nullptr) continue;
    if (std::find(described.begin(), described.end(), inner) != described.end()) continue;
    out += Markdown(*inner, described);
  }
  return out;
}

}  // namespace zoe::schema
