// What tasks of other deployments reserve on the nodes. Swarm has no events of tasks: after one of
// their services or containers they are looked at until what it led to is done.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/ports/swarm.h"

namespace zoe::docker {

// Pure: one thread, no I/O.
class Others {
 public:
  // Nothing is known: of what there is, or of what has happened meanwhile.
  void Begin(SteadyTime now);
  // Something happened to one of their services, or one of their containers ended.
  void Happened(SteadyTime now);
  // When to look next; max(): not before something happens.
  SteadyTime due() const { return due_; }
  // All tasks of the Swarm. True if there is other room on the nodes than at the last look, or it
  // is the first.
  bool Look(const std::vector<SwarmTask>& tasks,
            const std::function<bool(const SwarmTask&)>& is_ours, SteadyTime now);

 private:
  using Reserved = std::map<std::string, std::pair<int64_t, int64_t>>;  // by node: CPU, memory
  std::optional<Reserved> reserved_;
  SteadyTime happened_at_{}, due_ = SteadyTime::max();
  Duration least_{0}, pause_{0};
};

}  // namespace zoe::docker
