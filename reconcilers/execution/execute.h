#pragma once

#include <vector>

#include "controller/loop/reconciler.h"
#include "reconcilers/execution/plan.h"

namespace zoe::execution {

// Does the actions in their order; each one's events go into `draft` when it is done. Ends at the
// first that fails, for what comes later may need it, unless the Swarm refused one service's spec
// or name: others don't depend on that. Writes nothing twice; the next pass plans again.
//
// A create that meets its own ghost (an earlier create whose reply was lost) has done what it
// should. Errors, besides the Swarm's own: kAlreadyExists with reason NameConflict (somebody else's
// service has our name: it is not touched), those of Networks::Ensure, kUnavailable with
// WorkspaceUnavailable, kConflict for what vanished meanwhile.
Expected<void> Execute(const Context& ctx, const Ports& ports, const std::vector<Action>& actions,
                       StatusDraft& draft);

}  // namespace zoe::execution
