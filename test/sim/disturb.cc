#include "test/sim/disturb.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "test/sim/workload.h"

namespace zoe::sim_test {
namespace {

using Words = std::vector<std::string>;

class Disturber {
 public:
  Disturber(uint64_t seed, int controllers, const std::vector<Step>& workload, bool kills)
      : random_(seed), controllers_(controllers), kills_(kills) {
    for (const Step& step : workload) {
      end_ = std::max(end_, step.at + Duration(5'000));
      if (step.act != "put" || step.words[0] == "ends" || step.words[0] == "application") continue;
      const std::string name = step.document.StringAt("metadata.name");
      const std::string ns = step.document.StringAt("metadata.namespace");
      if (!ns.empty()) names_.push_back(ns + "/" + name);
    }
  }
  Step Next() {
    Words words = kills_ && Chance(0.4) ? Killing() : Chance(0.3) ? OnCall() : Plain();
    Step step;
    step.at = Duration(static_cast<int64_t>(Below(static_cast<uint64_t>(end_.count()))));
    step.act = words[0];
    step.words.assign(words.begin() + 1, words.end());
    return step;
  }

 private:
  uint64_t Below(uint64_t n) { return random_() % n; }
  bool Chance(double p) { return std::uniform_real_distribution<>()(random_) < p; }
  // Short ones as likely as long ones.
  std::string Long(double from, double to) {
    const double at = std::uniform_real_distribution<>()(random_);
    return std::to_string(static_cast<int64_t>(from * std::pow(to / from, at)));
  }
  std::string Who() { return Chance(0.5) ? "leader" : std::to_string(Below(controllers_)); }

  Words Plain() {
    switch (Below(16)) {
      case 0:
      case 1:
        return {"crash", Who(), Long(1, 15'000)};
      case 2:
        return {"stop", Who(), Long(1, 15'000)};
      case 3:
      case 4:
        return {"pause", Who(), Long(100, 30'000)};
      case 5:
      case 6:
        return {"cut", Who(), Long(100, 30'000)};
      case 7:
        return {"expire", Who()};
      case 8:
        return {"lag", Who(), Long(100, 30'000)};
      case 9:
        return {"lone", Who(), Long(100, 20'000)};
      case 10:
        return {"away", Long(100, 30'000)};
      case 11:
        return {"deaf", Who(), Long(100, 60'000)};
      case 12:
        return {"leaderless", Long(100, 30'000)};
      case 13:
        return {"faults", Chance(0.5) ? "0.05" : "0.3", Long(1'000, 30'000)};
      case 14:
        return Chance(0.5) ? Words{"trim"} : Words{"hints", Chance(0.5) ? "lost" : "reordered"};
      // What is counted by the calendar (deadlines, times to live) is late by as much as that of a
      // former leader was ahead: less than the simulation settles.
      default:
        // Of tasks that a node lost while it was put back nobody can tell which came first.
        return Chance(0.5) ? Words{"jump", kills_ || Chance(0.5) ? "3600000" : "-300000"}
                           : Words{"skew", Who(), Chance(0.5) ? "600000" : "-300000"};
    }
  }
  Words OnCall() {
    const std::string where = Words{"before", "inflight", "after"}[Below(3)];
    Words words = {"oncall", Chance(0.7) ? "any" : Who(), where, std::to_string(1 + Below(6)),
                   Words{"any", "Swarm.", "Store.", "Swarm.Create", "Store.Replace"}[Below(5)]};
    const Words act = InCall(where == "after");
    words.insert(words.end(), act.begin(), act.end());
    return words;
  }
  Words InCall(bool done) {
    switch (Below(7)) {
      case 0:
        return {"crash", "calling", Long(1, 10'000)};
      case 1:
        return {"pause", "calling", Long(100, 20'000)};
      case 2:
        return {"cut", "calling", Long(100, 20'000)};
      case 3:
      case 4:
        return {"next"};
      default:
        return done ? Words{"lose"} : Words{"refuse"};
    }
  }
  Words Killing() {
    const std::string node = "sim" + std::to_string(1 + Below(3));
    if (names_.empty() || Chance(0.4))
      return {Chance(0.5) ? "node" : "drain", node, Long(500, 30'000)};
    const std::string name = names_[Below(names_.size())], service = std::to_string(Below(3));
    switch (Below(5)) {
      case 0:
      case 1:
        return {"end", name, service, Chance(0.5) ? "1" : "0"};
      case 2:
        return {"remove", name, service};
      case 3:
        return {"network", name.substr(0, name.find('/'))};
      default:
        return {"change", name, service, Words{"image", "replicas", "labels"}[Below(3)]};
    }
  }

  std::mt19937_64 random_;
  const uint64_t controllers_;
  const bool kills_;
  Duration end_{5'000};
  Words names_;
};

}  // namespace

Schedule MakeSchedule(uint64_t seed) {
  std::mt19937_64 users(seed / kSameUsers), random(seed);
  random.discard(4);  // seeds in a row begin alike
  WorkloadOptions options;
  options.kills = users() % 2 == 0;
  options.calm = users() % 4 == 0;
  options.acts = 3 + static_cast<int>(users() % 8);
  Schedule schedule;
  const int controllers = 1 + static_cast<int>(random() % 3);
  schedule.world = {{"seed", std::to_string(seed)}, {"controllers", std::to_string(controllers)}};
  if (random() % 5 == 0) schedule.world["feed"] = std::to_string(random() % 500);
  if (random() % 4 == 0)
    schedule.world["api"] = std::to_string(random() % static_cast<uint64_t>(controllers));
  schedule.steps = MakeWorkload(users(), options);
  Disturber disturber(random(), controllers, schedule.steps, options.kills);
  for (uint64_t n = 1 + random() % 5; n > 0; --n) schedule.steps.push_back(disturber.Next());
  // No server ends the session of a leader before its lease has ended. The simulated ones do at
  // once, which is no harm only to who hears of it at once.
  if (schedule.world.contains("feed"))
    std::erase_if(schedule.steps, [](const Step& step) { return step.act == "expire"; });
  std::ranges::stable_sort(schedule.steps, {}, &Step::at);
  return schedule;
}

}  // namespace zoe::sim_test
