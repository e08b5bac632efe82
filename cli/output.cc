#include "cli/output.h"

#include <algorithm>

namespace zoe::cli {
namespace {

using codec::Value;
using Format = Output::Format;

constexpr std::string_view kNone = "<none>";

std::string Upper(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return upper;
}

bool Shown(const v1::Column& column, const Output& output) {
  return column.priority == 0 || output.format == Format::kWide;
}

std::vector<std::string> Cells(const Resource& resource, const Value& object, const Output& output,
                               WallTime now) {
  std::vector<std::string> cells;
  const auto decoded = v1::DecodeStored(*resource.known, codec::ToJson(object));
  if (!decoded.ok()) return {object.StringAt("metadata.name"), "<unknown>"};
  for (const v1::Column& column : resource.known->columns) {
    if (!Shown(column, output)) continue;
    std::string cell = column.cell == nullptr ? "" : column.cell(**decoded);
    if (column.type == "date") cell = Age(cell, now);
    cells.push_back(std::move(cell));
  }
  return cells;
}

Expected<Output> ParseColumns(std::string_view text) {
  Output output{.format = Format::kColumns};
  while (!text.empty()) {
    // A comma inside brackets belongs to the path.
    size_t end = 0;
    for (int depth = 0; end < text.size() && (text[end] != ',' || depth > 0); ++end) {
      if (text[end] == '[' || text[end] == '(') ++depth;
      if (text[end] == ']' || text[end] == ')') --depth;
    }
    const std::string_view column = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t colon = column.find(':');
    if (colon == std::string_view::npos || colon == 0) {
      return MakeError(Code::kBadRequest,
                       "custom-columns wants NAME:.path,… and not \"" + std::string(column) + "\"");
    }
    ZOE_ASSIGN(JsonPath path, JsonPath::ParseRelaxed(column.substr(colon + 1)));
    output.columns.emplace_back(std::string(column.substr(0, colon)), std::move(path));
  }
  if (output.columns.empty())
    return MakeError(Code::kBadRequest, "custom-columns wants NAME:.path,…");
  return output;
}

Value WithoutManagedFields(Value object) {
  Value* meta = object.Find("metadata");
  if (meta != nullptr && meta->is_object()) meta->Remove("managedFields");
  Value* items = object.Find("items");
  if (items != nullptr && items->is_array())
    for (Value& item : items->as_array()) item = WithoutManagedFields(std::move(item));
  return object;
}

}  // namespace

Expected<Output> ParseOutput(const std::string& text) {
  constexpr std::string_view kPath = "jsonpath=", kColumns = "custom-columns=";
  if (text.empty()) return Output{};
  if (text == "wide") return Output{.format = Format::kWide};
  if (text == "json") return Output{.format = Format::kJson};
  if (text == "yaml") return Output{.format = Format::kYaml};
  if (text == "name") return Output{.format = Format::kName};
  if (text.starts_with(kColumns))
    return ParseColumns(std::string_view(text).substr(kColumns.size()));
  if (text.starts_with(kPath)) {
    Output output{.format = Format::kJsonPath};
    ZOE_ASSIGN(output.path, JsonPath::Parse(std::string_view(text).substr(kPath.size())));
    return output;
  }
  return MakeError(
      Code::kBadRequest,
      "-o takes one of wide, json, yaml, name, jsonpath=…, custom-columns=…, not \"" + text + "\"");
}

void PrintObject(std::ostream& out, const Output& output, const Value& object) {
  const auto shown = [&] { return output.managed_fields ? object : WithoutManagedFields(object); };
  switch (output.format) {
    case Format::kYaml: {
      const std::string text = codec::ToYaml(shown());
      out << text << (text.ends_with('\n') ? "" : "\n");
      return;
    }
    case Format::kName: {
      const auto resource = ResourceOf(object);
      out << (resource.ok() ? resource->Label(object.StringAt("metadata.name"))
                            : object.StringAt("metadata.name"))
          << '\n';
      return;
    }
    case Format::kJsonPath:
      out << output.path->Print(object);
      return;
    default: {
      const std::string text = codec::ToPrettyJson(shown(), 4);
      out << text << (text.ends_with('\n') ? "" : "\n");
    }
  }
}

void PrintList(std::ostream& out, const Output& output, std::vector<Value> objects) {
  if (output.format == Format::kName) {
    for (const Value& object : objects) PrintObject(out, output, object);
    return;
  }
  Value list;
  list.Set("apiVersion", "v1");
  list.Set("items", std::move(objects));
  list.Set("kind", "List");
  list.Set("metadata",
           codec::Object{{.key = "resourceVersion", .value = Value(""), .position = {}}});
  PrintObject(out, output, list);
}

std::vector<std::string> Headers(const Resource& resource, const Output& output,
                                 const RowStyle& style) {
  std::vector<std::string> headers;
  if (output.format == Format::kColumns) {
    for (const auto& [name, path] : output.columns) headers.push_back(name);
    return headers;
  }
  if (style.with_namespace) headers.emplace_back("NAMESPACE");
  for (const v1::Column& column : resource.known->columns) {
    if (Shown(column, output)) headers.push_back(Upper(column.name));
  }
  if (style.with_labels) headers.emplace_back("LABELS");
  return headers;
}

std::vector<std::string> Row(const Resource& resource, const Value& object, const Output& output,
                             const RowStyle& style, WallTime now) {
  std::vector<std::string> row;
  if (output.format == Format::kColumns) {
    for (const auto& [name, path] : output.columns) {
      std::string cell;
      for (const Value* value : path.Select(object))
        cell += (cell.empty() ? "" : ",") + PathText(*value);
      row.push_back(cell.empty() ? std::string(kNone) : cell);
    }
    return row;
  }
  row = Cells(resource, object, output, now);
  for (std::string& cell : row) {
    if (cell.empty()) cell = kNone;
  }
  if (style.with_kind) {
    // The object's own name, whichever column shows it.
    const std::string name = object.StringAt("metadata.name");
    const auto cell = std::find(row.begin(), row.end(), name);
    if (cell != row.end()) *cell = resource.Label(name);
  }
  if (style.with_namespace) {
    const std::string ns = object.StringAt("metadata.namespace");
    row.insert(row.begin(), ns.empty() ? std::string(kNone) : ns);
  }
  if (style.with_labels) row.push_back(LabelText(object));
  return row;
}

std::string Age(const std::string& since, WallTime now) {
  const auto time = ParseTime(since);
  if (since.empty() || !time.ok()) return "<unknown>";
  return FormatAge(std::max(Duration::zero(), now - *time));
}

WallTime Now() { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

const Value* Condition(const Value& object, std::string_view type) {
  const Value* conditions = object.At("status.conditions");
  if (conditions == nullptr || !conditions->is_array()) return nullptr;
  for (const Value& condition : conditions->as_array()) {
    if (condition.StringAt("type") == type) return &condition;
  }
  return nullptr;
}

int64_t IntAt(const Value& value, std::string_view path) {
  const Value* found = value.At(path);
  return found != nullptr && found->kind() == Value::Kind::kInt ? found->as_int() : 0;
}

std::string LabelText(const Value& object) {
  const Value* labels = object.At("metadata.labels");
  std::string text;
  if (labels != nullptr && labels->is_object()) {
    for (const codec::Member& label : labels->as_object()) {
      text += (text.empty() ? "" : ",") + label.key + "=" + label.value.ScalarText();
    }
  }
  return text.empty() ? std::string(kNone) : text;
}

}  // namespace zoe::cli
