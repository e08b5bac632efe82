// What to do about the difference between a User and the world: pure. The part worth reading.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "controller/loop/reconciler.h"
#include "reconcilers/user/observe.h"

namespace zoe::user {

struct EnsureNetwork {
  NetworkNeed need;
};
// The Workspace or the Gateway, without uid and creationTimestamp.
struct CreateObject {
  Key key;
  std::shared_ptr<ObjectBase> object;
};
// As a user's DELETE: what has finalizers goes when these have gone.
struct DeleteObject {
  Key key;
};
struct RemoveNetwork {
  std::string id;
};

struct Action {
  std::variant<EnsureNetwork, CreateObject, DeleteObject, RemoveNetwork> what;
  std::vector<PendingEvent> events;  // to be recorded if it made a difference
};

// "network alice", "create Workspace/alice/alice", "delete ...", "remove network": for logs and
// tests.
std::string ToString(const Action& action);

// The actions in the order in which they must be done. None: the world is as it should be, or
// something is waited for.
//
// What is missing is made, whoever removed it. What is there is respected as it is: a Workspace or
// Gateway that was edited, a network whose settings differ from the spec (containers may run in
// it).
//
// A User that is being deleted: Executions go first, then the Gateway, then all other objects but
// the Workspace, then the Workspace, then Credentials, then Events and the network. Each waits
// until what goes before it has gone.
std::vector<Action> Plan(const v1::User& user, const Observed& observed);

// Of a User that is being deleted: the objects that go now, while the others wait. Empty: none is
// left.
std::vector<Member> NextToGo(const Observed& observed);

}  // namespace zoe::user
