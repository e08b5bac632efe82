#pragma once

#include <vector>

#include "controller/loop/reconciler.h"
#include "controller/ports/store.h"
#include "reconcilers/user/plan.h"

namespace zoe::user {

struct Ports {
  Store& store;
  Swarm& swarm;
  Networks& networks;
};

// Does the actions in their order; each one's events go into `draft` when it has made a difference,
// and `observed` learns what became of the network. A network that can't be had is no reason not to
// make the rest; anything else ends it. Writes nothing twice; the next pass plans again.
//
// Errors, besides those of store, Swarm and Networks: kConflict if the store's User is not the one
// that the pass saw (another uid, or its deletion has been asked for meanwhile): nothing was done.
// kConflict NetworkInUse: the network still has containers.
Expected<void> Execute(const Context& ctx, Ports ports, const v1::User& user,
                       const std::vector<Action>& actions, Observed& observed, StatusDraft& draft);

}  // namespace zoe::user
