#include "apis/server/table.h"

#include <algorithm>

#include "specs/codec/value.h"

namespace zoe::server {
namespace {

using codec::AppendJsonString;

// The end of the value that starts at `at`: past its closing bracket or quote, or at the comma or
// bracket after a scalar.
size_t SkipValue(std::string_view json, size_t at) {
  int depth = 0;
  for (bool quoted = false; at < json.size(); ++at) {
    const char c = json[at];
    if (quoted) {
      if (c == '\\') ++at;
      quoted = c != '"';
      if (!quoted && depth == 0) return at + 1;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') {
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    }
    if (c == ',' && depth == 0) return at;
  }
  return json.size();
}

bool IsInteger(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.size() < 18 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void AppendColumns(std::string& out, const v1::Kind& kind) {
  out += "\"columnDefinitions\":[";
  for (size_t i = 0; i < kind.columns.size(); ++i) {
    const v1::Column& column = kind.columns[i];
    if (i > 0) out += ',';
    out += "{\"name\":";
    AppendJsonString(out, column.name);
    out += ",\"type\":";
    AppendJsonString(out, column.type);
    out += ",\"format\":\"";
    if (i == 0) out += "name";
    out += "\",\"description\":";
    AppendJsonString(out, column.description);
    out += ",\"priority\":" + std::to_string(column.priority) + "}";
  }
  out += ']';
}

// Kubernetes' servers show ages; its clients print cells as they come.
std::string AgeOf(const std::string& date, WallTime now) {
  const auto time = ParseTime(date);
  return time.ok() ? FormatAge(std::max(Duration(0), Duration(now - *time))) : date;
}

void AppendRow(std::string& out, const v1::Kind& kind, const Entry& entry,
               const TableOptions& options) {
  const TableObject object = options.object;
  out += "{\"cells\":[";
  for (size_t i = 0; i < kind.columns.size(); ++i) {
    if (i > 0) out += ',';
    std::string cell = kind.columns[i].cell(*entry.object);
    if (kind.columns[i].type == "date") cell = AgeOf(cell, options.now);
    if (kind.columns[i].type == "integer" && IsInteger(cell)) {
      out += cell;
    } else {
      AppendJsonString(out, cell);
    }
  }
  out += ']';
  if (object == TableObject::kObject) {
    out += ",\"object\":" + entry.json;
  } else if (object == TableObject::kMetadata) {
    out += ",\"object\":" + EncodeMetadata(entry, options.version);
  }
  out += '}';
}

}  // namespace

std::string_view TopLevelMember(std::string_view json, std::string_view name) {
  size_t at = 1;
  while (at < json.size() && json[at] == '"') {
    const size_t key_end = SkipValue(json, at);
    const std::string_view key = json.substr(at + 1, key_end - at - 2);
    const size_t value_end = SkipValue(json, key_end + 1);
    if (key == name) return json.substr(key_end + 1, value_end - key_end - 1);
    at = value_end + 1;
  }
  return {};
}

std::string EncodeTable(const v1::Kind& kind, std::span<const EntryPtr> entries, Revision revision,
                        const TableOptions& options) {
  std::string out = "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/" +
                    std::string(options.version) + "\",\"metadata\":{\"resourceVersion\":\"" +
                    std::to_string(revision) + "\"";
  out += options.more;
  out += "},";
  AppendColumns(out, kind);
  out += ",\"rows\":[";
  bool first = true;
  for (const EntryPtr& entry : entries) {
    if (!first) out += ',';
    first = false;
    AppendRow(out, kind, *entry, options);
  }
  out += "]}";
  return out;
}

Expected<TableObject> ParseIncludeObject(const Query& query) {
  const std::string_view include = query.Get("includeObject");
  if (include == "None") return TableObject::kNone;
  if (include == "Object") return TableObject::kObject;
  if (include.empty() || include == "Metadata") return TableObject::kMetadata;
  return MakeError(Code::kBadRequest, "includeObject: Invalid value: \"" + std::string(include) +
                                          "\": must be 'Metadata', 'Object', 'None', or empty");
}

std::string EncodeMetadata(const Entry& entry, std::string_view version) {
  return "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/" +
         std::string(version) +
         "\",\"metadata\":" + std::string(TopLevelMember(entry.json, "metadata")) + "}";
}

std::string JoinMetadata(const std::vector<EntryPtr>& entries, std::string_view version) {
  std::string out = "[";
  for (const EntryPtr& entry : entries) {
    if (out.size() > 1) out += ',';
    out += EncodeMetadata(*entry, version);
  }
  return out + "]";
}

Response EncodeOne(const EntryPtr& entry, Accepted accepted, TableObject include, WallTime now) {
  if (accepted.format == Format::kMetadata)
    return Response{.prefix = EncodeMetadata(*entry, accepted.meta_version())};
  if (accepted.format != Format::kTable) return Response{.body = Body(entry, &entry->json)};
  return Response{
      .content_type = kTableTypes[accepted.beta],
      .prefix = EncodeTable(*entry->kind, {&entry, 1}, entry->revision,
                            {.object = include, .now = now, .version = accepted.meta_version()})};
}

}  // namespace zoe::server
