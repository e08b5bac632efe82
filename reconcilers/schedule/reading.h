// What the Swarm says of room: pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "controller/ports/swarm.h"
#include "controller/scheduler/scheduler.h"

namespace zoe::schedule {

// Whose a Swarm service is. `uid` empty: no Execution's of this deployment.
struct Owner {
  std::string uid, service;
};
using Owners = std::unordered_map<std::string, Owner>;  // by the Swarm service's id

// Tasks of one service of an execution.
struct ServiceTasks {
  std::map<std::string, int32_t> placed;  // by node id: those that need room there
  int32_t homeless = 0;                   // that no node has room for, or may have
  scheduler::Resources request;           // of one of them
};

struct Reading {
  std::map<std::string, scheduler::Node> nodes;  // by id; `foreign` without what is in `ours`
  std::unordered_map<std::string, std::map<std::string, ServiceTasks>> ours;  // by uid, service
};

// What is on a node that is down, or leaves one that takes no tasks, needs no room: its replacement
// does.
Reading Read(const std::vector<SwarmNode>& nodes, const std::vector<SwarmTask>& tasks,
             const Owners& owners);

// Adds to what is foreign what an execution's tasks need that its job (null: there is none) doesn't
// know of: these are to go.
void AddForeign(const std::map<std::string, ServiceTasks>& services, const scheduler::Job* job,
                std::map<std::string, scheduler::Node>& nodes);

}  // namespace zoe::schedule
