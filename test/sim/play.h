// Plays schedules in a World, and judges how they end.
//
// A  the world ends as it does by the same acts of users with nothing going wrong, one controller
//    alone
// B  nothing is written more often than there, but for what a fault has hit (World::excused);
//    judged where users leave time between their acts and nobody but us changes the Swarm
// C  at rest nothing is written (World::ExpectAtRest)
//
// Beside these every invariant of the World holds at each step, what was put as good runs in the
// end, what was put to end has ended, and no error is logged.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "test/sim/schedule.h"
#include "test/sim/world.h"

namespace zoe::sim_test {

// What a step may be.
struct Act {
  std::string_view name, arguments;
  bool by_user = false;
  bool kills = false;  // changes the Swarm behind our back: other writes may be needed than without
};
const std::vector<Act>& Acts();
// Every step is one of those and has their arguments.
Expected<void> Check(const Schedule& schedule);

// How a schedule ended.
struct Ending {
  std::vector<std::string> failures;  // of everything but A and B
  std::string world;                  // World::Describe
  std::map<std::string, int> ledger, excused;
  Duration lasted{0};  // simulated
  int writes = 0, calls = 0;
};
struct PlayOptions {
  std::function<void(World&)> prepare = {};            // before the first step
  std::function<void(const std::string&)> trace = {};  // hears of each step as it is made
};
Ending Play(const Schedule& schedule, const PlayOptions& options = {});

// The acts of its users alone, with one controller.
Schedule Undisturbed(const Schedule& schedule);

// Remembers how the last undisturbed schedule ended: those that come in a row with the same users'
// acts play it once.
class Jury {
 public:
  explicit Jury(PlayOptions options = {}) : options_(std::move(options)) {}
  // Everything that is wrong with how it ends; each begins with what found it ("A: ...").
  std::vector<std::string> Judge(const Schedule& schedule);
  // Of the last one judged.
  const Ending& ending() const { return ending_; }

 private:
  const PlayOptions options_;
  std::string text_;
  Ending undisturbed_, ending_;
};

// What found a failure, to tell whether another one is the same.
std::string Signature(const std::vector<std::string>& failures);

// A schedule that fails, brought down to what it takes to fail in the same way.
struct Shrunk {
  std::vector<size_t> kept;  // of its steps
  Schedule simple;           // these, simplified: its own text, which no seed makes
};
Shrunk ShrinkFailure(const Schedule& schedule, const std::string& signature, Jury& jury,
                     std::chrono::seconds longest);

}  // namespace zoe::sim_test
