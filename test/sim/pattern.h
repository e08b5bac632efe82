// What the tests of failure patterns have in common.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "controller/runtime/log.h"
#include "test/sim/read.h"
#include "test/sim/world.h"

namespace zoe::sim_test {

using namespace std::chrono_literals;

inline const Key kAnn{"User", "", "ann"};
inline constexpr const char* kSshKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKDTQFBKdqJnzCQCsXYwwfmTHJHNkSTqRkjDrCBVBHEm ann@home";

// One service `web`.
inline std::string Web(const std::string& image, int replicas = 2, const std::string& more = "") {
  return "application:\n  services:\n  - {name: web, image: \"" + image +
         "\", replicas: {total: " + std::to_string(replicas) + "}" + more + "}\n";
}
inline constexpr const char* kPair = R"(
application:
  services:
  - {name: master, image: "m:1"}
  - {name: worker, image: "w:1", startupOrder: 1, replicas: {total: 2}}
)";
// `client` runs for three seconds, then the execution has succeeded.
inline constexpr const char* kJob = R"(
application:
  services:
  - {name: worker, image: "w:1"}
  - {name: client, image: "c:1", monitor: true, command: [sh, -c, "sleep 3"]}
)";

class Pattern : public testing::Test {
 protected:
  static void SetUpTestSuite() { log::Configure(log::Level::kError, false); }
};

inline std::string ReasonOf(World& w, const std::string& name, std::string_view type) {
  const auto execution = w.Get(name);
  const Condition* condition =
      execution ? FindCondition(execution->status.conditions, type) : nullptr;
  return condition == nullptr ? "" : condition->reason;
}

inline std::string MessageOf(World& w, const std::string& name, std::string_view type) {
  const auto execution = w.Get(name);
  const Condition* condition =
      execution ? FindCondition(execution->status.conditions, type) : nullptr;
  return condition == nullptr ? "" : condition->message;
}

// The Swarm service of an execution's service; one with an empty id if there is none.
inline SwarmService ServiceOf(World& w, const std::string& name, const std::string& service) {
  SwarmService found;
  w.WithCluster([&, swarm_name = w.SwarmName(name, service)](sim::Cluster& cluster) {
    if (const SwarmService* s = cluster.FindService(swarm_name)) found = *s;
  });
  return found;
}

// Every task of it that the Swarm remembers.
inline std::vector<SwarmTask> TasksOf(World& w, const std::string& name,
                                      const std::string& service) {
  const std::string id = ServiceOf(w, name, service).id;
  std::vector<SwarmTask> tasks;
  w.WithCluster([&](sim::Cluster& cluster) { tasks = cluster.Tasks(); });
  std::erase_if(tasks, [&](const SwarmTask& t) { return t.service_id != id; });
  return tasks;
}

inline std::vector<std::string> Secrets(World& w) {
  std::vector<std::string> names;
  w.WithCluster([&](sim::Cluster& cluster) {
    for (const SwarmSecret& secret : cluster.Secrets()) names.push_back(secret.name);
  });
  return names;
}

inline std::string NetworkId(World& w, const std::string& ns) {
  std::string id;
  w.WithCluster([&](sim::Cluster& cluster) {
    for (const SwarmNetwork& n : cluster.Networks()) {
      if (zoe::LabelOf(n.spec.labels, kLabelNamespace) == ns) id = n.id;
    }
  });
  return id;
}

// How often the controllers wrote lines that begin so.
inline int Written(const World& w, const std::string& line) {
  int times = 0;
  for (const auto& [what, count] : w.ledger()) times += what.starts_with(line) ? count : 0;
  return times;
}

// Ids of all containers that ought to run, to tell whether any was replaced.
inline std::vector<std::string> Running(World& w) {
  std::vector<std::string> ids;
  w.WithCluster([&](sim::Cluster& cluster) {
    for (const SwarmTask& t : cluster.Tasks()) {
      if (t.state == TaskState::kRunning && t.desired_state == TaskState::kRunning)
        ids.push_back(t.id);
    }
  });
  std::ranges::sort(ids);
  return ids;
}

inline void ExpectRuns(World& w, const std::string& name) {
  EXPECT_EQ(w.Phase(name), v1::kRunning) << w.Describe();
}

}  // namespace zoe::sim_test
