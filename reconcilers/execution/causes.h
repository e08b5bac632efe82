// Why tasks end, and what a service's restart policy and rules make of that: pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "controller/ports/swarm.h"
#include "specs/v1/application.h"

namespace zoe::execution {

enum class Cause {
  kExitCode,     // its program ended, or was killed
  kOutOfMemory,  // the kernel killed it because it wanted more than its memory limit
  kNodeLost,     // its node went down, or was drained
  kNotStarted,   // it never ran: no such image, mount or command
};

// Swarm tried it in vain, or nobody waits for it any longer.
bool HasFailed(const SwarmTask& task);
// Its node is down, and Swarm no longer wants it: nobody can say how it ended.
bool LostWithNode(const SwarmTask& task);
// Of a task that has failed, was stopped, completed or was lost with its node.
Cause CauseOf(const SwarmTask& task);
// How it ended: what Swarm says, and what Swarm doesn't say: "out of memory: it wanted more than
// its limit of 512Mi", "killed (exit code 137)", "node n2 is down". `limit`: its memory limit in
// bytes; 0: none.
std::string Ending(const SwarmTask& task, int64_t limit);

enum class Consequence {
  kLost,    // the replica is lost
  kIgnore,  // restarted, and not counted
  kCount,   // restarted while maxAttempts lasts
};
struct Ruling {
  Consequence consequence = Consequence::kLost;
  // Which of restart.rules says so: none fits, and the policy does, if absent.
  std::optional<size_t> rule;
  bool operator==(const Ruling&) const = default;
};

// The first rule that fits decides. Where none does: policy never loses the replica; the others
// ignore a lost node and count everything else. `exit_code`: as SwarmTask's.
Ruling RuleOn(const v1::Service& service, Cause cause, std::optional<int> exit_code);

}  // namespace zoe::execution
