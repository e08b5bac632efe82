#include "apis/server/query.h"

#include <algorithm>
#include <charconv>

namespace zoe::server {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Error BadValue(std::string_view name, std::string_view value, std::string_view wanted) {
  return MakeError(Code::kBadRequest, "query parameter " + std::string(name) + ": \"" +
                                          std::string(value) + "\" is not " + std::string(wanted));
}

std::string_view Trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

std::string_view Cut(std::string_view& rest, char separator) {
  const size_t at = std::min(rest.find(separator), rest.size());
  const std::string_view head = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return head;
}

// The value of a field-selector path; nullptr if the kind has none such.
const std::string* FieldOf(const v1::Kind& kind, const ObjectBase& object, std::string_view path) {
  if (path == "metadata.name") return &object.meta.name;
  if (path == "metadata.namespace") return &object.meta.ns;
  return kind.field == nullptr ? nullptr : kind.field(object, path);
}

}  // namespace

Expected<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return MakeError(
            Code::kBadRequest,
            "the URL holds a broken escape: % must be followed by two hexadecimal digits");
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

Expected<Query> Query::Parse(std::string_view text) {
  Query query;
  while (!text.empty()) {
    std::string_view value = Cut(text, '&');
    if (value.empty()) continue;
    const std::string_view name = Cut(value, '=');
    ZOE_ASSIGN(std::string decoded_name, PercentDecode(name, true));
    ZOE_ASSIGN(std::string decoded_value, PercentDecode(value, true));
    query.values_.emplace_back(std::move(decoded_name), std::move(decoded_value));
  }
  return query;
}

const std::string* Query::Find(std::string_view name) const {
  for (const auto& [key, value] : values_) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string_view Query::Get(std::string_view name) const {
  const std::string* value = Find(name);
  return value == nullptr ? std::string_view() : *value;
}

Expected<bool> Query::Bool(std::string_view name, bool otherwise) const {
  const std::string* value = Find(name);
  if (value == nullptr) return otherwise;
  if (value->empty() || *value == "1" || *value == "true" || *value == "True") return true;
  if (*value == "0" || *value == "false" || *value == "False") return false;
  return BadValue(name, *value, "true or false");
}

Expected<int64_t> Query::Int(std::string_view name, int64_t otherwise) const {
  const std::string_view value = Get(name);
  if (value.empty()) return otherwise;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < 0) {
    return BadValue(name, value, "a whole number from 0");
  }
  return number;
}

bool Selection::Matches(const Entry& entry) const {
  if (!ns.empty() && entry.key.ns != ns) return false;
  if (!labels.Matches(entry.object->meta.labels)) return false;
  return std::all_of(fields.begin(), fields.end(), [&](const FieldRequirement& field) {
    const std::string* value = FieldOf(*kind, *entry.object, field.path);
    return value != nullptr && (*value == field.value) == field.equal;
  });
}

Expected<ListOptions> ParseListOptions(const Query& query, const v1::Kind& kind,
                                       const std::string& ns) {
  ListOptions options;
  options.selection.kind = &kind;
  options.selection.ns = ns;
  if (query.empty()) return options;
  ZOE_ASSIGN(options.selection.labels, Selector::Parse(query.Get("labelSelector")));
  ZOE_ASSIGN(options.selection.fields, ParseFieldSelector(query.Get("fieldSelector")));
  if (!options.selection.fields.empty()) {
    const auto probe = kind.make();
    for (const FieldRequirement& field : options.selection.fields) {
      if (FieldOf(kind, *probe, field.path) == nullptr) {
        return MakeError(
            Code::kBadRequest,
            "fieldSelector: " + std::string(kind.plural) + " can't be selected by \"" + field.path +
                "\"; metadata.name, metadata.namespace and, where there is one, status.phase can");
      }
    }
  }
  ZOE_ASSIGN(options.limit, query.Int("limit", 0));
  options.continue_token = query.Get("continue");
  ZOE_ASSIGN(options.watch, query.Bool("watch", false));
  ZOE_ASSIGN(options.bookmarks, query.Bool("allowWatchBookmarks", false));
  ZOE_ASSIGN(options.send_initial, query.Bool("sendInitialEvents", false));
  ZOE_ASSIGN(options.resource_version, query.Int("resourceVersion", 0));
  ZOE_ASSIGN(options.timeout_seconds, query.Int("timeoutSeconds", 0));
  return options;
}

Expected<WriteOptions> ParseWriteOptions(const Query& query) {
  WriteOptions options;
  const std::string_view dry_run = query.Get("dryRun");
  if (!dry_run.empty() && dry_run != "All") return BadValue("dryRun", dry_run, "All");
  options.dry_run = !dry_run.empty();
  const std::string_view validation = query.Get("fieldValidation");
  if (validation == "Warn") {
    options.strictness = v1::Strictness::kWarn;
  } else if (validation == "Ignore") {
    options.strictness = v1::Strictness::kIgnore;
  } else if (!validation.empty() && validation != "Strict") {
    return BadValue("fieldValidation", validation, "Strict, Warn or Ignore");
  }
  const std::string_view propagation = query.Get("propagationPolicy");
  if (!propagation.empty() && propagation != "Background" && propagation != "Foreground" &&
      propagation != "Orphan") {
    return BadValue("propagationPolicy", propagation, "Background, Foreground or Orphan");
  }
  return options;
}

Format ParseAccept(std::string_view accept) {
  if (accept.empty() || accept == "application/json" || accept == "*/*") return Format::kJson;
  while (!accept.empty()) {
    std::string_view rest = Cut(accept, ',');
    const std::string_view media = Trim(Cut(rest, ';'));
    std::string_view as, group;
    while (!rest.empty()) {
      std::string_view value = Trim(Cut(rest, ';'));
      const std::string_view name = Cut(value, '=');
      if (name == "as") as = value;
      if (name == "g") group = value;
    }
    const bool json = media == "application/json" || media == "application/*" || media == "*/*";
    if (json && as == "Table" && group == "meta.k8s.io") return Format::kTable;
    if (json && as.empty()) return Format::kJson;
    if ((media == "application/yaml" || media == "text/yaml") && as.empty()) return Format::kYaml;
  }
  return Format::kNone;
}

}  // namespace zoe::server
