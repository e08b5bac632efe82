// Documents made from the schema: random but valid ones, and for each field what else may stand
// there (what may not: wrong.h). Nothing here names a field of a kind, but for the values that mean
// something to the simulated Swarm (programs, images, constraints), which stand in one table.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "specs/codec/value.h"
#include "specs/meta/error.h"
#include "specs/schema/type.h"
#include "specs/v1/kinds.h"

namespace zoe::sim_test {

// A place where a scalar, a list of scalars or a map stands: "spec.services[].ports[].port".
struct Leaf {
  std::string path;
  const schema::Field* field = nullptr;
};
// Of everything below `spec`, in the order of the schema.
std::vector<Leaf> LeavesOf(const v1::Kind& kind);
// The paths of leaves that a document says something about.
std::set<std::string> LeavesIn(const v1::Kind& kind, const codec::Value& document);

// The values at a path with "[]" in it, in the order of the document.
std::vector<codec::Value*> ValuesAt(codec::Value& document, std::string_view path);
// `path` with the indexes of the first place that it leads to; empty: none.
std::string FirstPlace(const codec::Value& document, std::string_view path);
// Takes the first value at `path` out; true if there was one. A path that ends in "[]" is that of a
// list's item.
bool Erase(codec::Value& document, std::string_view path);
// The path of the list item or mapping around.
std::string ItemAround(std::string_view path);
// Without what only says that it may be absent.
const schema::Type& Inner(const schema::Type& type);

// What is wrong with a document; none: it is accepted.
using Judge = std::function<std::vector<Cause>(const codec::Value& document)>;

// What containers may be.
enum class Programs {
  kSteady,    // run until they are stopped
  kTroubled,  // may end, fail, not be there
};

class Generator {
 public:
  Generator(uint64_t seed, Judge judge, Programs programs = Programs::kSteady)
      : random_(seed), judge_(std::move(judge)), programs_(programs) {}

  // A document with the given metadata that the judge accepts. With `wanted`, one that says
  // something about that leaf; nothing if none was found in a few thousand tries.
  std::optional<codec::Value> Make(const v1::Kind& kind, const codec::Value& metadata,
                                   std::string_view wanted = {});
  // `document` with another value at the first place of `leaf`; nothing if no other was found that
  // the judge accepts.
  std::optional<codec::Value> Change(const codec::Value& document, const Leaf& leaf);

  uint64_t Below(uint64_t n) { return random_() % n; }
  bool Chance(double p) { return std::uniform_real_distribution<>()(random_) < p; }

 private:
  codec::Value Struct(const schema::Type& type, const std::string& path, std::string_view wanted);
  codec::Value Of(const schema::Type& type, const schema::Field& field, const std::string& path,
                  std::string_view wanted);
  codec::Value Text(const schema::Field& field);
  codec::Value Integer(const schema::Field& field);
  codec::Value Amount(const schema::Field& field);
  codec::Value Keep(const schema::Field& field, const std::vector<std::string_view>& candidates);
  // Mends what the judge found; false: hopeless.
  bool Repair(codec::Value& document, const v1::Kind& kind, const Cause& cause);

  std::mt19937_64 random_;
  const Judge judge_;
  const Programs programs_;
};

}  // namespace zoe::sim_test
