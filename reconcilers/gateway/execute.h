#pragma once

#include <vector>

#include "controller/loop/reconciler.h"
#include "controller/ports/swarm.h"
#include "reconcilers/gateway/plan.h"

namespace zoe::gateway {

// Does the actions in their order; each one's events go into `draft` when it is done. Ends at the
// first that fails; the next pass plans again. Errors, besides the Swarm's own: kAlreadyExists
// NameConflict (somebody else has our service's name: it is not touched), kConflict for what
// vanished meanwhile.
Expected<void> Execute(const Context& ctx, Swarm& swarm, const std::vector<Action>& actions,
                       StatusDraft& draft);

}  // namespace zoe::gateway
