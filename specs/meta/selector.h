#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "specs/meta/expected.h"

namespace zoe {

// A label selector: "a=b,c!=d,e in (x,y),f notin (z),g,!h". Empty matches all.
class Selector {
 public:
  static Expected<Selector> Parse(std::string_view text);  // kBadRequest
  bool Matches(const std::map<std::string, std::string>& labels) const;
  bool empty() const { return requirements_.empty(); }

 private:
  enum class Op { kIn, kNotIn, kExists, kNotExists };
  struct Requirement {
    std::string key;
    Op op;
    std::vector<std::string> values;
  };
  std::vector<Requirement> requirements_;
};

// A field selector: "metadata.name=x,status.phase!=Failed" (=, ==, !=). Which fields exist is the
// caller's business.
struct FieldRequirement {
  std::string path;
  bool equal = true;
  std::string value;
};
Expected<std::vector<FieldRequirement>> ParseFieldSelector(std::string_view text);  // kBadRequest

}  // namespace zoe
