// Objects as text: -o json, yaml, name, jsonpath, custom-columns, and the rows of tables.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "cli/jsonpath.h"
#include "cli/resource.h"
#include "specs/codec/value.h"
#include "specs/meta/time.h"

namespace zoe::cli {

struct Output {
  enum class Format { kTable, kWide, kJson, kYaml, kName, kJsonPath, kColumns };
  Format format = Format::kTable;
  std::optional<JsonPath> path;
  std::vector<std::pair<std::string, JsonPath>> columns;
  bool managed_fields = false;  // shown by json and yaml

  bool IsTable() const {
    return format == Format::kTable || format == Format::kWide || format == Format::kColumns;
  }
};

// The value of -o. kBadRequest.
Expected<Output> ParseOutput(const std::string& text);

// One object in any format that is no table. Json and yaml leave metadata.managedFields out unless
// they are to be shown, of a list's items too.
void PrintObject(std::ostream& out, const Output& output, const codec::Value& object);
// Several: a List for json, yaml and jsonpath.
void PrintList(std::ostream& out, const Output& output, std::vector<codec::Value> objects);

struct RowStyle {
  bool with_namespace = false, with_kind = false, with_labels = false;
};
std::vector<std::string> Headers(const Resource& resource, const Output& output,
                                 const RowStyle& style);
std::vector<std::string> Row(const Resource& resource, const codec::Value& object,
                             const Output& output, const RowStyle& style, WallTime now);

// "3m20s" from RFC 3339 text; "<unknown>" if there is none.
std::string Age(const std::string& since, WallTime now);
WallTime Now();

// The condition of that type in status.conditions; nullptr if there is none.
const codec::Value* Condition(const codec::Value& object, std::string_view type);
int64_t IntAt(const codec::Value& value, std::string_view path);
// "a=1,b=2" or "<none>".
std::string LabelText(const codec::Value& object);

}  // namespace zoe::cli
