// A schedule: what users do and what goes wrong, when. A value that is made from a seed, printed
// one step per line, read back, and shrunk.
//
//   world seed=17 controllers=2 hints=lost
//   @1250 put good {"apiVersion":"zoe/v1","kind":"Execution", ...}
//   @1300 crash 0 3000
//
// Times are milliseconds since the beginning, in ascending order. "#" begins a line that says
// nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "specs/codec/value.h"
#include "specs/meta/expected.h"
#include "specs/meta/time.h"

namespace zoe::sim_test {

struct Step {
  Duration at{};
  std::string act;                 // a name of Acts() (play.h)
  std::vector<std::string> words;  // its arguments
  codec::Value document;           // null: none
  bool operator==(const Step&) const = default;
};

struct Schedule {
  std::map<std::string, std::string> world;  // "seed", "controllers", ...: see MakeWorld (play.h)
  std::vector<Step> steps;
  bool operator==(const Schedule&) const = default;
};

std::string ToString(const Step& step);
std::string ToString(const Schedule& schedule);
// kInvalid with the line. Does not know acts.
Expected<Schedule> ParseSchedule(std::string_view text);

// The steps of those indexes, in their order.
Schedule Keep(const Schedule& schedule, const std::vector<size_t>& indexes);

// The fewest of `count` things, in their order, with which it still fails, as far as leaving out
// runs of them, and then each alone, finds it. Precondition: it fails with all. Asks at most
// `tries` times.
std::vector<size_t> Shrink(size_t count, int tries,
                           const std::function<bool(const std::vector<size_t>&)>& fails);

// With members and items of the documents' specs left out, and times and gaps halved, as long as it
// still fails. Asks at most `tries` times.
Schedule Simplify(Schedule schedule, int tries, const std::function<bool(const Schedule&)>& fails);

}  // namespace zoe::sim_test
