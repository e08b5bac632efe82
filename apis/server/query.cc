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
  if (names && std::ranges::find(*names, entry.key.name) == names->end()) return false;
  if (!labels.Matches(entry.object->meta.labels)) return false;
  return std::all_of(fields.begin(), fields.end(), [&](const FieldRequirement& field) {
    const std::string* value = FieldOf(*kind, *entry.object, field.path);
    return value != nullptr && (*value == field.value) == field.equal;
  });
}

Error InvalidOption(std::string_view options, std::string field, std::string reason,
                    std::string message) {
  Error error = MakeError(Code::kInvalid, std::string(options) + ".meta.k8s.io \"\" is invalid");
  error.causes = {{std::move(field), std::move(reason), std::move(message)}};
  return error;
}

Expected<Revision> ParseResourceVersion(const Query& query) {
  return query.Int("resourceVersion", 0);
}

namespace {

// Kubernetes' rules for what excludes what.
Expected<void> CheckMatch(const Query& query, const ListOptions& options) {
  constexpr const char* kMatch = "resourceVersionMatch";
  const auto refuse = [](const char* field, std::string message) {
    return InvalidOption("ListOptions", field, "FieldValueForbidden", std::move(message));
  };
  const bool matches = options.match != RevisionMatch::kNone;
  if (options.watch && options.send_initial && options.match != RevisionMatch::kNotOlderThan)
    return refuse(kMatch,
                  "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  if (options.watch && !options.send_initial && matches)
    return refuse(
        kMatch, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
  if (!options.watch && options.send_initial)
    return refuse("sendInitialEvents", "sendInitialEvents is forbidden for list");
  if (matches && !options.continue_token.empty())
    return refuse(kMatch, "resourceVersionMatch is forbidden when continue is provided");
  if (!options.watch && matches && query.Get("resourceVersion").empty())
    return refuse(kMatch, "resourceVersionMatch is forbidden unless resourceVersion is provided");
  if (options.match == RevisionMatch::kExact && options.resource_version == 0)
    return refuse(kMatch, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
  if (!options.watch && !options.continue_token.empty() && options.resource_version != 0)
    return MakeError(Code::kBadRequest,
                     "specifying resource version is not allowed when using continue");
  return {};
}

Expected<void> ParseRevisions(const Query& query, ListOptions& options) {
  ZOE_ASSIGN(options.resource_version, ParseResourceVersion(query));
  const std::string_view match = query.Get("resourceVersionMatch");
  if (match == "Exact") {
    options.match = RevisionMatch::kExact;
  } else if (match == "NotOlderThan") {
    options.match = RevisionMatch::kNotOlderThan;
  } else if (!match.empty()) {
    return InvalidOption(
        "ListOptions", "resourceVersionMatch", "FieldValueNotSupported",
        "\"" + std::string(match) + "\": supported values: \"Exact\", \"NotOlderThan\"");
  }
  if (!query.Get("sendInitialEvents").empty()) {
    ZOE_ASSIGN(options.send_initial, query.Bool("sendInitialEvents", false));
  }
  return CheckMatch(query, options);
}

Expected<void> CheckFields(const v1::Kind& kind, const std::vector<FieldRequirement>& fields) {
  if (fields.empty()) return {};
  const auto probe = kind.make();
  for (const FieldRequirement& field : fields) {
    if (FieldOf(kind, *probe, field.path) != nullptr) continue;
    return MakeError(Code::kBadRequest,
                     "field label not supported: " + field.path + ": " + std::string(kind.plural) +
                         " can be selected by metadata.name, metadata.namespace and, where there "
                         "is one, status.phase");
  }
  return {};
}

}  // namespace

Expected<ListOptions> ParseListOptions(const Query& query, const v1::Kind& kind,
                                       const std::string& ns) {
  ListOptions options;
  options.selection.kind = &kind;
  options.selection.ns = ns;
  if (query.empty()) return options;
  ZOE_ASSIGN(options.selection.labels, Selector::Parse(query.Get("labelSelector")));
  ZOE_ASSIGN(options.selection.fields, ParseFieldSelector(query.Get("fieldSelector")));
  ZOE_TRY(CheckFields(kind, options.selection.fields));
  ZOE_ASSIGN(options.limit, query.Int("limit", 0));
  options.continue_token = query.Get("continue");
  ZOE_ASSIGN(options.watch, query.Bool("watch", false));
  ZOE_ASSIGN(options.bookmarks, query.Bool("allowWatchBookmarks", false));
  ZOE_ASSIGN(options.timeout_seconds, query.Int("timeoutSeconds", 0));
  ZOE_TRY(ParseRevisions(query, options));
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
  return options;
}

namespace {

struct Alternative {
  std::string_view media, as, group, version;
  double quality = 1;
};

Alternative ParseAlternative(std::string_view text) {
  Alternative alternative;
  alternative.media = Trim(Cut(text, ';'));
  while (!text.empty()) {
    std::string_view value = Trim(Cut(text, ';'));
    const std::string_view name = Trim(Cut(value, '='));
    value = Trim(value);
    if (name == "as") alternative.as = value;
    if (name == "g") alternative.group = value;
    if (name == "v") alternative.version = value;
    if (name == "q")
      std::from_chars(value.data(), value.data() + value.size(), alternative.quality);
  }
  return alternative;
}

Accepted FormOf(const Alternative& wanted, bool list) {
  const bool json = wanted.media == "application/json" || wanted.media == "application/*" ||
                    wanted.media == "*/*";
  const bool yaml = wanted.media == "application/yaml" || wanted.media == "text/yaml";
  if (wanted.as.empty()) return {json ? Format::kJson : (yaml ? Format::kYaml : Format::kNone)};
  const bool known = wanted.version == "v1" || wanted.version == "v1beta1";
  if (!json || !known || wanted.group != "meta.k8s.io") return {Format::kNone};
  const bool beta = wanted.version != "v1";
  if (wanted.as == "Table") return {Format::kTable, beta};
  if (wanted.as == (list ? "PartialObjectMetadataList" : "PartialObjectMetadata"))
    return {Format::kMetadata, beta};
  return {Format::kNone};
}

}  // namespace

Accepted ParseAccept(std::string_view accept, bool list) {
  if (accept.empty() || accept == "application/json" || accept == "*/*") return {};
  Accepted best{Format::kNone};
  double quality = 0;
  while (!accept.empty()) {
    const Alternative wanted = ParseAlternative(Cut(accept, ','));
    if (!(wanted.quality > quality)) continue;
    const Accepted form = FormOf(wanted, list);
    if (form.format == Format::kNone) continue;
    best = form;
    quality = wanted.quality;
  }
  return best;
}

}  // namespace zoe::server
