// Restarts by cause, and attempts from the queue: what runs again, and what never does. Those with
// faults as in scenario_test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "reconcilers/execution/supervise.h"
#include "test/sim/scenario.h"
#include "test/sim/world.h"

namespace zoe::sim_test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// Of one service `job`.
std::string Job(const std::string& restart, const std::string& more = "",
                const std::string& spec = "") {
  return "application:\n  services:\n  - {name: job, image: \"j:1\", restart: {" + restart + "}" +
         more + "}\n" + spec;
}
constexpr const char* kOnceUnlessItsNodeGoes =
    "policy: never, rules: [{onNodeLost: true, action: ignore}]";

std::vector<SwarmTask> TasksOf(World& w, const std::string& name = "run") {
  std::vector<SwarmTask> tasks;
  const std::string service = w.SwarmName(name, "job");
  w.WithCluster([&](sim::Cluster& cluster) {
    const SwarmService* stands = cluster.FindService(service);
    for (const SwarmTask& t : cluster.Tasks()) {
      if (stands != nullptr && t.service_id == stands->id) tasks.push_back(t);
    }
  });
  return tasks;
}

std::optional<SwarmTask> Running(World& w) {
  for (const SwarmTask& t : TasksOf(w)) {
    if (t.state == TaskState::kRunning && t.desired_state == TaskState::kRunning && !t.node_down)
      return t;
  }
  return {};
}

// Once one runs, it ends so.
void End(World& w, int exit_code, bool out_of_memory = false) {
  w.RunUntil([&] { return Running(w).has_value(); }, 10min);
  const auto task = Running(w);
  ASSERT_TRUE(task);
  const std::string service = w.SwarmName("run", "job");
  w.WithCluster([&](sim::Cluster& cluster) {
    EXPECT_TRUE(cluster.EndTask(service, task->slot, exit_code, out_of_memory));
  });
}

std::string Told(World& w, const char* type) {
  const auto execution = w.Get("run");
  const Condition* c = execution ? FindCondition(execution->status.conditions, type) : nullptr;
  return c == nullptr ? "none" : c->status + " " + c->reason + ": " + c->message;
}

const std::vector<Scenario>& Scenarios() {
  static const std::vector<Scenario> scenarios = {
      {"AMonitorThatNeverRestartsOutlivesItsNode",
       [](World& w) {
         w.Apply("run", Job(kOnceUnlessItsNodeGoes, ", monitor: true"));
         w.Run(10s);
         ASSERT_TRUE(Running(w));
         const std::string node = Running(w)->node_name;
         w.NodeUp(node, false);
         w.Run(30s);
         ASSERT_TRUE(Running(w));
         EXPECT_EQ(TasksOf(w).size(), 2u);
         w.NodeUp(node, true);
         w.Run(30s);
         EXPECT_EQ(w.Phase("run"), v1::kRunning) << Told(w, "Complete");
         End(w, 0);
         w.Run(30s);
         EXPECT_EQ(w.Phase("run"), v1::kSucceeded) << Told(w, "Complete");
         EXPECT_EQ(TasksOf(w).size(), 2u) << "with the logs of both";
       }},
      {"AttemptsFromTheQueueAreUsedUp",
       [](World& w) {
         w.Apply("run", Job("policy: never", ", command: [sh, -c, \"sleep 1; exit 3\"]",
                            "backoffLimit: 2\n"));
         w.Run(2min);
         EXPECT_EQ(w.Phase("run"), v1::kFailed);
         EXPECT_THAT(Told(w, "Complete"),
                     HasSubstr("False BackoffLimitExceeded: the last of 3 attempts has failed: "
                               "TaskFailed: service job: replica 1 ended with exit code 3"));
         EXPECT_EQ(w.Get("run")->status.attempts, 2);
         EXPECT_EQ(TasksOf(w).size(), 1u) << "with the logs of the last";
       }},
  };
  return scenarios;
}

class EachFault : public testing::TestWithParam<int> {};

TEST_P(EachFault, EndsTheSame) { PlayWithEachFault(Scenarios()[GetParam()]); }

INSTANTIATE_TEST_SUITE_P(All, EachFault, testing::Range(0, static_cast<int>(Scenarios().size())),
                         [](const auto& row) { return Scenarios()[row.param].name; });

TEST(Causes, OfTheSameEndSomeCountAndOthersDoNot) {
  World w;
  w.Apply("run", Job("policy: on-failure, maxAttempts: 1, rules: [{onExitCodes: [75], action: "
                     "ignore}]"));
  for (const int code : {75, 3, 75, 75, 75, 75, 75, 75, 75}) End(w, code);
  w.RunUntil([&] { return w.Phase("run") == v1::kRunning; }, 10min);
  w.Run(30s);
  EXPECT_EQ(w.Phase("run"), v1::kRunning);
  w.ExpectAtRest();
  End(w, 3);
  w.Run(10min);
  EXPECT_EQ(w.Phase("run"), v1::kFailed);
  EXPECT_THAT(Told(w, "Complete"),
              HasSubstr("False AttemptsExhausted: service job: replica 10, after 2 attempts,"));
  EXPECT_EQ(w.Get("run")->status.services[0].restarts, 9);
  w.ExpectAtRest();
}

TEST(Causes, AnEndForMemoryFailsAtOnce) {
  World w;
  w.Apply("run", Job("policy: always, rules: [{onOutOfMemory: true, action: fail}]",
                     ", resources: {limits: {memory: 64Mi}}", "backoffLimit: 5\n"));
  End(w, 137);
  End(w, 137, true);
  w.Run(1s);
  EXPECT_EQ(w.Phase("run"), v1::kFailed);
  EXPECT_EQ(w.Get("run")->status.attempts, 0);
  EXPECT_THAT(Told(w, "Complete"), HasSubstr("False RestartRule: service job: replica 2, after 2 "
                                             "attempts, ended with exit code 137: out of memory: "
                                             "it wanted more than its limit of 64Mi"));
  w.ExpectAtRest();
}

TEST(Causes, WhatARuleLosesIsNotTriedAgainWhileTheRestRunsOn) {
  World w;
  w.Apply("run", Job("policy: always, rules: [{onExitCodes: [64], action: fail}]",
                     ", replicas: {total: 3, essential: 1}"));
  End(w, 64);
  w.Run(1h);
  EXPECT_EQ(w.Phase("run"), v1::kRunning);
  EXPECT_EQ(TasksOf(w).size(), 3u);
  EXPECT_EQ(Told(w, "Degraded"),
            "True ReplicasLost: job: 1 of 3 replicas are lost: task: non-zero exit (64)");
}

TEST(Causes, NothingRunsTwiceThatIsNeverRestarted) {
  for (const char* restart : {"policy: never",
                              "policy: never, rules: [{onExitCodes: [75], action: "
                              "count}]"}) {
    World w;
    w.Apply("run", Job(restart));
    w.Run(10s);
    ASSERT_TRUE(Running(w));
    const std::string node = Running(w)->node_name;
    w.NodeUp(node, false);
    w.Run(1min);
    EXPECT_THAT(Told(w, "Complete"),
                HasSubstr("False TaskFailed: service job: replica 1 ended: node " + node));
    w.NodeUp(node, true);
    w.Run(10min);
    EXPECT_LE(TasksOf(w).size(), 1u) << restart;
    w.ExpectAtRest();
  }
}

TEST(Causes, NothingIsRestartedWhileNoControllerIsThere) {
  World w;
  w.Apply("run", Job(kOnceUnlessItsNodeGoes));
  w.Run(10s);
  w.StopController(0, 10min);
  w.Run(1s);
  End(w, 3);
  w.Run(5min);
  EXPECT_EQ(TasksOf(w).size(), 1u);
  w.Run(10min);
  EXPECT_EQ(w.Phase("run"), v1::kFailed);
}

TEST(Causes, ReplicasThatWereMovedStayAsManyAsAreWanted) {
  World w;
  w.Apply("run", Job("policy: on-failure, rules: [{onExitCodes: [64], action: fail}]",
                     ", replicas: {total: 4, essential: 1}"));
  w.Run(10s);
  w.NodeAvailability("sim1", "drain");
  w.Run(1min);
  w.NodeAvailability("sim1", "active");
  End(w, 3);
  w.Run(1min);
  EXPECT_EQ(w.Get("run")->status.services[0].ready, 4);
  w.Apply("run", Job("policy: on-failure, rules: [{onExitCodes: [64], action: fail}]",
                     ", replicas: {total: 2, essential: 1}"));
  w.Run(1min);
  EXPECT_EQ(w.Get("run")->status.services[0].ready, 2);
  w.ExpectAtRest();
}

}  // namespace
}  // namespace zoe::sim_test
