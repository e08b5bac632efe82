// Query strings and the options in them.
#pragma once

#include <cstdint>
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

  bool whole() const { return labels.empty() && fields.empty(); }
  bool Matches(const Entry& entry) const;
};

struct ListOptions {
  Selection selection;
  int64_t limit = 0;
  std::string continue_token;
  bool watch = false, bookmarks = false, send_initial = false;
  Revision resource_version = 0;  // 0: any, absent
  int64_t timeout_seconds = 0;    // 0: the server's choice
};
// kBadRequest: a selector, field or number that can't be read.
Expected<ListOptions> ParseListOptions(const Query& query, const v1::Kind& kind,
                                       const std::string& ns);

struct WriteOptions {
  bool dry_run = false;
  v1::Strictness strictness = v1::Strictness::kStrict;
  bool may_set_password = true;  // of a User; false: kForbidden
};
// fieldValidation defaults to Strict, as kubectl asks for: a misspelt field must not be lost
// silently.
Expected<WriteOptions> ParseWriteOptions(const Query& query);

// How the answer is to be written.
enum class Format { kJson, kYaml, kTable, kNone };
// The first of the Accept header's alternatives that we can write. kNone: none (406).
Format ParseAccept(std::string_view accept);

}  // namespace zoe::server
