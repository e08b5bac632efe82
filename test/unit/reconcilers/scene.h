// A small world for tables: one execution, what is seen of it, and what a pass makes of both. No
// fakes: everything under test is pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "reconcilers/execution/plan.h"
#include "reconcilers/execution/status.h"

namespace zoe::execution {

inline const WallTime kNow = WallTime{std::chrono::seconds{1'700'000'000}};

// What a pass did: actions as text, the status that it leaves, events as "Reason: message"
// (warnings with "! " before).
struct Pass {
  std::vector<std::string> actions;
  std::vector<Action> raw;
  v1::Execution after;
  bool remove = false, request_deletion = false, settled = false;
  Duration next{0};
  std::vector<std::string> events;

  // "True AllReplicasReady: 4/4 replicas ready"
  std::string Condition(std::string_view type) const;
  const v1::ServiceStatus& Service(const std::string& name) const;
};

class Scene {
 public:
  // `services` is YAML: the list under spec.application.services. The world is empty.
  explicit Scene(const std::string& services);

  // A service stands as it is declared, without tasks.
  Scene& Stand(const std::string& service);
  // All of them stand, and every replica runs.
  Scene& Converge();
  SwarmService& SwarmServiceOf(const std::string& service);
  // Adds a task, newer than all before. The returned reference is valid until the next one is
  // added.
  SwarmTask& Task(const std::string& service, int slot, TaskState state, std::string error = "");
  // The namespace belongs to a User 1001:1002 with a Workspace, both ready.
  Scene& GiveUser();
  Scene& Unready(const std::string& waiting_for);
  Scene& RunAll(const std::string& service, int replicas);
  v1::Service& Declared(const std::string& service);
  // As the scheduler's loop would write it.
  Scene& Grant(const std::string& service, int replicas, std::vector<std::string> nodes = {});
  // As a user's edit: generation grows.
  Scene& Edit(const std::function<void(v1::ExecutionSpec&)>& change);
  Scene& Advance(Duration by);

  // One pass; its status becomes the scene's, as the engine would store it. The world stays as it
  // is.
  Pass Look();

  v1::Execution execution;
  Observed observed;
  WallTime now = kNow;
  ExecutionOptions options;

 private:
  int tasks_ = 0;
};

}  // namespace zoe::execution
