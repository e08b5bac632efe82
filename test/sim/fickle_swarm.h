#pragma once

#include <algorithm>
#include <functional>
#include <random>
#include <utility>
#include <vector>

#include "apis/sim/sim_swarm.h"

namespace zoe::sim_test {

enum class Hints { kAll, kLost, kReordered, kNone };

// The simulated Swarm with its hints as luck has them.
class FickleSwarm : public SimSwarm {
 public:
  // `luck` and `random` outlive it.
  FickleSwarm(SimOptions options, const Clock& clock, const Hints& luck, std::mt19937_64& random)
      : SimSwarm(std::move(options), clock), luck_(luck), random_(random) {}

  Expected<std::unique_ptr<SwarmWatch>> Subscribe(
      std::function<void(const SwarmHint&)> on_hint) override {
    return SimSwarm::Subscribe([this, on_hint = std::move(on_hint)](const SwarmHint& hint) {
      if (luck_ == Hints::kLost && random_() % 2 == 0) return;
      if (luck_ == Hints::kNone) return;
      if (luck_ != Hints::kReordered) return on_hint(hint);
      late_.emplace_back(on_hint, hint);
    });
  }
  // Hints that were held back, in any order, some twice.
  void TellLate() {
    auto late = std::exchange(late_, {});
    std::shuffle(late.begin(), late.end(), random_);
    for (const auto& [on_hint, hint] : late) {
      for (uint64_t times = 1 + random_() % 2; times > 0; --times) on_hint(hint);
    }
  }
  void ForgetLate() { late_.clear(); }

 private:
  const Hints& luck_;
  std::mt19937_64& random_;
  std::vector<std::pair<std::function<void(const SwarmHint&)>, SwarmHint>> late_;
};

}  // namespace zoe::sim_test
