// Query strings and the options in them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/cache/cache.h"
#include "specs/meta/expected.h"
#include "specs/meta/selector.h"
#include "specs/v1/kinds.h"

namespace zoe::server {

// kBadRequest for a broken escape.
Expected<std::string> PercentDecode(std::string_view text, bool plus_is_space);

// "a=1&b=2", decoded. Unknown parameters are nobody's business: Kubernetes ignores them too.
class Query {
 public:
  static Expected<Query> Parse(std::string_view text);

  bool empty() const { return values_.empty(); }
  // The first value of that name; nullptr if absent.
  const std::string* Find(std::string_view name) const;
  std::string_view Get(std::string_view name) const;
  // Every value of that name, in order.
  std::vector<std::string_view> All(std::string_view name) const {
    std::vector<std::string_view> found;
    for (const auto& [key, value] : values_) {
      if (key == name) found.push_back(value);
    }
    return found;
  }
  // Absent and "": `otherwise`. kBadRequest if it can't be read. A parameter without a value
  // ("?follow") is true.
  Expected<bool> Bool(std::string_view name, bool otherwise) const;
  Expected<int64_t> Int(std::string_view name, int64_t otherwise) const;  // not negative

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

// Which objects of a kind a list or watch is about.
struct Selection {
  const v1::Kind* kind = nullptr;
  std::string ns;
  Selector labels;
  std::vector<FieldRequirement> fields;
  std::optional<std::vector<std::string>> names;  // only these

  bool whole() const { return labels.empty() && fields.empty() && !names; }
  bool Matches(const Entry& entry) const;
};

// What resourceVersion means to a list (Kubernetes' table): absent the most recent; without a
// match, and with kNotOlderThan, at least that; kExact just that.
enum class RevisionMatch { kNone, kNotOlderThan, kExact };

struct ListOptions {
  Selection selection;
  int64_t limit = 0;  // 0: none
  std::string continue_token;
  bool watch = false, bookmarks = false;
  std::optional<bool> send_initial;
  Revision resource_version = 0;  // 0: any, or absent
  RevisionMatch match = RevisionMatch::kNone;
  int64_t timeout_seconds = 0;  // 0: the server's choice
  std::shared_ptr<void> keep;   // held as long as a watch lasts
};
// kBadRequest: a selector, field or number that can't be read; kInvalid: options that exclude each
// other.
Expected<ListOptions> ParseListOptions(const Query& query, const v1::Kind& kind,
                                       const std::string& ns);
// Of a GET of one object.
Expected<Revision> ParseResourceVersion(const Query& query);

// Options of a request that are wrong; `options` is their kind, "ListOptions". kInvalid.
Error InvalidOption(std::string_view options, std::string field, std::string reason,
                    std::string message);

struct WriteOptions {
  bool dry_run = false;
  v1::Strictness strictness = v1::Strictness::kStrict;
  bool may_set_password = true;                  // of a User; false: kForbidden
  std::string field_manager = "zoe-controller";  // whose the changed fields are
  std::string subresource;                       // through which: "", "status", "scale"
  bool force = false;                            // of an apply: take what others own
};
// fieldValidation defaults to Strict, as kubectl asks for: a misspelt field must not be lost
// silently.
Expected<WriteOptions> ParseWriteOptions(const Query& query);

// How the answer is to be written. kMetadata: PartialObjectMetadata, of a list
// PartialObjectMetadataList.
enum class Format { kJson, kYaml, kTable, kMetadata, kNone };
struct Accepted {
  Format format = Format::kJson;
  bool beta = false;  // of meta.k8s.io/v1beta1, not v1
  std::string_view meta_version() const { return beta ? "v1beta1" : "v1"; }
  bool operator==(const Accepted&) const = default;
};
// The alternative of the Accept header that its sender likes best among those that we can write
// (RFC 9110 12.5.1). kNone: none (406). `list`: the answer is a list; a watch is none.
Accepted ParseAccept(std::string_view accept, bool list = false);

}  // namespace zoe::server
