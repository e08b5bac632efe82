// What to do about the difference between an execution and the world: pure. The part worth reading.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "controller/loop/reconciler.h"
#include "reconcilers/execution/assess.h"

namespace zoe::execution {

struct RemoveServices {
  std::vector<std::string> ids;
};
// Of a namespace that belongs to no User. A User's is its own reconciler's affair.
struct EnsureNetwork {
  std::string ns;
  std::string name;  // of the network
};
// The workspace of a namespace without a Workspace and thus without an owner: everybody may write
// there, as in /tmp.
struct EnsureDirectory {
  std::string path;
};
// Go out together. A network id that is empty stands for the network of an EnsureNetwork before it.
struct CreateServices {
  std::vector<SwarmServiceSpec> specs;
};
struct UpdateService {
  std::string service, id;
  uint64_t version = 0;
  SwarmServiceSpec spec;  // network id as above
  bool rolls = false;     // replaces containers
};

struct Action {
  std::variant<RemoveServices, EnsureNetwork, EnsureDirectory, CreateServices, UpdateService> what;
  std::vector<PendingEvent> events;  // to be recorded once it is done
};

// "create master, worker": for logs and tests.
std::string ToString(const Action& action);

// The actions in the order in which they must be done. None: the world is as it should be, or an
// end has come that must be reported before anything is removed with which its outcome would be
// forgotten.
//
//  - A service is created once the essential replicas of every lower startupOrder are ready; all
//  that may be created go out in one action.
//  - A service that differs from its declaration is updated, once per difference: what Swarm rolled
//  back is not sent again, only what doesn't
//    concern containers.
//  - A service of this execution that is no longer declared is removed.
//  - While it is queued, nothing of it stands: what does is removed.
//  - While the namespace isn't ready, nothing is created and nothing updated: what runs runs on.
std::vector<Action> Plan(const Picture& picture);

}  // namespace zoe::execution
