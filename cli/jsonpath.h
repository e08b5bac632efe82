// kubectl's JSONPath templates: "{.items[*].metadata.name}", "{range
// .items[*]}{.metadata.name}{\"\\n\"}{end}", filters such as
// "{.status.conditions[?(@.type==\"Ready\")].status}". Source: Kubernetes' "JSONPath Support".
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "specs/codec/value.h"
#include "specs/meta/expected.h"

namespace zoe::cli {

// One step of a path.
struct PathStep {
  enum class Kind { kField, kIndex, kSlice, kWildcard, kRecursive, kFilter, kUnion };
  Kind kind = Kind::kField;
  std::string field;
  int64_t begin = 0, end = 0, stride = 1;  // kIndex uses begin
  bool has_begin = false, has_end = false;
  std::vector<PathStep> parts;  // kUnion: fields and indexes; kFilter: the left side
  std::vector<PathStep> right;  // kFilter: the right side, if it is a path
  std::string op;               // kFilter: == != < <= > >=; empty: exists
  codec::Value literal;         // kFilter: the right side, if it is none
  bool right_is_path = false;
};
using Path = std::vector<PathStep>;

class JsonPath {
 public:
  // kBadRequest says where the template is wrong.
  static Expected<JsonPath> Parse(std::string_view text);
  // A bare path in any of the spellings ".a.b", "a.b", "{.a.b}".
  static Expected<JsonPath> ParseRelaxed(std::string_view text);

  // What it prints. A key that isn't there prints nothing.
  std::string Print(const codec::Value& root) const;
  // The values which its first path selects.
  std::vector<const codec::Value*> Select(const codec::Value& root) const;

  struct Node {
    enum class Kind { kText, kPath, kRange };
    Kind kind = Kind::kText;
    std::string text;
    Path path;
    std::vector<Node> body;
  };

 private:
  std::vector<Node> nodes_;
};

// A value as JSONPath prints it: strings bare, everything else as JSON.
std::string PathText(const codec::Value& value);

}  // namespace zoe::cli
