#include <array>
#include <utility>

#include "controller/scheduler/scheduler.h"

namespace zoe::scheduler {

std::optional<Policy> ParsePolicy(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, Policy>, 6> kNames = {{
      {"fifo", Policy::kFifo},
      {"priority", Policy::kPriority},
      {"size", Policy::kSize},
      {"dynamic-size", Policy::kDynamicSize},
      {"shortest-remaining", Policy::kShortestRemaining},
      {"fair-share", Policy::kFairShare},
  }};
  for (const auto& [known, policy] : kNames) {
    if (known == name) return policy;
  }
  return std::nullopt;
}

std::optional<Placement> ParsePlacement(std::string_view name) {
  if (name == "swarm") return Placement::kSwarm;
  if (name == "spread") return Placement::kSpread;
  if (name == "pack") return Placement::kPack;
  return std::nullopt;
}

}  // namespace zoe::scheduler
