// The ports of one controller with a guard around each call.
#pragma once

#include <functional>
#include <memory>

#include "controller/ports/store.h"
#include "controller/ports/swarm.h"
#include "test/sim/call.h"
#include "test/sim/fickle_swarm.h"

namespace zoe::sim_test {

// All outlive what is made.
std::unique_ptr<Store> MakeGuardedStore(Store& store, int controller, CallGuard& guard);
// `deliver` hears each hint and the callback that it is for.
using Hint = std::function<void(const SwarmHint&)>;
std::unique_ptr<Swarm> MakeGuardedSwarm(FickleSwarm& swarm, int controller, CallGuard& guard,
                                        std::function<Hint(Hint)> wrap);

// What a service is called in a Call: "alice/run/worker", "Gateway/alice"; a stranger's: its name.
std::string NameOfService(const SwarmServiceSpec& spec);

}  // namespace zoe::sim_test
