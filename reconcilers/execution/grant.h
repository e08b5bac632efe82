// What the scheduler lets run, as an execution's own reconciler reads it: pure. It is written by
// the scheduler's loop, v1::ServiceStatus::granted and nodes, and is a fact before anything is done
// about it.
#pragma once

#include <string>
#include <vector>

#include "controller/ports/swarm.h"
#include "specs/v1/execution.h"

namespace zoe::execution {

// Of an execution that should run: it waits for the scheduler, and no service of it may stand. True
// exactly if nothing is granted to it, though something would have to be (a grant covers all
// essential replicas or none), except where it has started (startedAt) and nothing was ever
// decided: that stood there before the queue did, and all is granted. What was granted before the
// execution was declared anew runs on until the scheduler has granted more, or nothing at all.
bool IsQueued(const v1::Execution& execution);

// How many replicas of a service of an execution that isn't queued may run: at most its total.
int Granted(const v1::Execution& execution, const v1::Service& service);

// Nothing is granted any more.
void TakeGrants(v1::ExecutionStatus& status);

// Constraints that confine tasks to these node ids. `all`: the Swarm's nodes, needed for more than
// one id, for Swarm knows no "or".
std::vector<std::string> Confine(const std::vector<std::string>& nodes,
                                 const std::vector<SwarmNode>& all);

// `from` and `to` have the same containers but for the nodes by id that these may be on, and each
// of the service's `tasks` is on one where it may stay: going from one to the other, Swarm replaces
// none that has a container (SwarmKit, IsTaskDirty).
bool OnlyConfines(const SwarmService& from, const SwarmServiceSpec& to,
                  const std::vector<SwarmTask>& tasks);

// What `to` makes of `from` is the scheduler's doing: how many replicas, on which nodes.
bool OnlyRegrants(const SwarmServiceSpec& from, const SwarmServiceSpec& to);

}  // namespace zoe::execution
