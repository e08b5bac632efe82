// What to do about the difference between a gateway and the world: pure.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "controller/loop/reconciler.h"
#include "reconcilers/gateway/observe.h"

namespace zoe::gateway {

struct RemoveServices {
  std::vector<std::string> ids;
};
struct CreateSecret {
  std::string name;
  Labels labels;
  std::string data;
};
struct RemoveSecrets {
  std::vector<std::string> ids;
};
// A secret whose id is empty is one that a CreateSecret before it makes.
struct CreateService {
  SwarmServiceSpec spec;
};
struct UpdateService {
  std::string id;
  uint64_t version = 0;
  SwarmServiceSpec spec;  // secrets as above
};

struct Action {
  std::variant<RemoveServices, CreateSecret, RemoveSecrets, CreateService, UpdateService> what;
  std::vector<PendingEvent> events;  // to be recorded once it is done
};

// "create service": for tests. Never what a secret holds.
std::string ToString(const Action& action);

// The actions in the order in which they must be done. None: the world is as it should be, or
// something must happen first (the network).
//
//  - Secrets are made before the service that has them, and removed once no service has them.
//  - A gateway that is disabled or deleted has no service, and then no secrets.
std::vector<Action> Plan(const v1::Gateway& gateway, const Observed& observed,
                         const Options& options);

}  // namespace zoe::gateway
