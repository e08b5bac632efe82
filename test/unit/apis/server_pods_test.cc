// Tasks as Pods and members as Nodes, without a server.
#include <gtest/gtest.h>

#include "apis/server/pods.h"
#include "specs/core/kinds.h"

namespace zoe::server {
namespace {

SwarmService Service(const std::string& name = "web") {
  SwarmService service{.id = "s-" + name};
  service.spec.replicas = 2;
  service.spec.image = "busybox";
  service.spec.env = {"TOKEN=hush", "EMPTY"};
  service.spec.labels = {{"zoe.namespace", "lab"}, {"zoe.kind", "Execution"}, {"zoe.name", "run"},
                         {"zoe.uid", "u"},         {"zoe.service", name},     {"other", "x"}};
  return service;
}

SwarmTask Task(const std::string& id, TaskState state, int created, int32_t slot = 1) {
  SwarmTask task{.id = id, .service_id = "s-web", .node_id = "n1", .slot = slot, .state = state};
  task.created_at = task.timestamp = WallTime(std::chrono::seconds(created));
  if (state >= TaskState::kRunning) task.container_id = "c" + id;
  if (IsTerminal(state)) task.desired_state = TaskState::kShutdown;
  return task;
}

SwarmPicture Picture(std::vector<SwarmTask> tasks) {
  SwarmNode node{.id = "n1", .name = "Big_Host", .address = "192.0.2.7"};
  return {.services = {Service()}, .tasks = std::move(tasks), .nodes = {node}};
}

std::vector<core::Pod> Pods(const SwarmPicture& picture) {
  std::vector<core::Pod> pods;
  for (const auto& pod : MakePods(picture, [](const Labels&) {
         return Labels{{"zoe.name", "x"}, {"team", "b"}};
       }))
    pods.push_back(static_cast<const core::Pod&>(*pod));
  return pods;
}

// The cell that kubectl prints as STATUS.
std::string StatusOf(const SwarmPicture& picture) {
  const auto pods = Pods(picture);
  return pods.size() == 1 ? core::FindKind("Pod")->columns[2].cell(pods[0]) : "no single pod";
}

TEST(Pods, ARunningTaskIsAReadyPodOfItsObject) {
  SwarmTask task = Task("abcdefgh", TaskState::kRunning, 100);
  task.addresses = {"10.0.1.5"};
  const auto pods = Pods(Picture({task}));
  ASSERT_EQ(pods.size(), 1U);
  const core::Pod& pod = pods[0];
  EXPECT_EQ(pod.meta.name, "run-web-1-defgh");
  EXPECT_EQ(pod.meta.ns, "lab");
  EXPECT_EQ(pod.meta.uid, "abcdefgh");
  EXPECT_EQ(pod.meta.labels.at("zoe.name"), "run");
  EXPECT_EQ(pod.meta.labels.at("team"), "b");
  EXPECT_EQ(pod.meta.labels.at("zoe.replica"), "1");
  EXPECT_FALSE(pod.meta.labels.contains("other"));
  EXPECT_EQ(pod.meta.owner_references[0].kind, "Execution");
  EXPECT_EQ(pod.meta.owner_references[0].uid, "u");
  EXPECT_EQ(pod.spec.node_name, "big-host");
  EXPECT_EQ(pod.status.host_ip, "192.0.2.7");
  EXPECT_EQ(pod.status.pod_ip, "10.0.1.5");
  EXPECT_EQ(pod.status.phase, "Running");
  EXPECT_TRUE(pod.status.container_statuses[0].ready);
  EXPECT_EQ(FindCondition(pod.status.conditions, "Ready")->status, "True");
}

TEST(Pods, ValuesOfEnvironmentVariablesAreNotTold) {
  const SwarmPicture picture = Picture({Task("a", TaskState::kRunning, 100)});
  const auto pods = MakePods(picture, [](const Labels&) { return Labels(); });
  const std::string json = v1::EncodeJson(*core::FindKind("Pod"), *pods[0]);
  EXPECT_NE(json.find(R"("env":[{"name":"TOKEN"},{"name":"EMPTY"}])"), std::string::npos) << json;
  EXPECT_EQ(json.find("hush"), std::string::npos);
}

TEST(Pods, EarlierTasksOfASlotAreRestarts) {
  SwarmTask failed = Task("b", TaskState::kFailed, 50);
  failed.exit_code = 3;
  const auto pods =
      Pods(Picture({Task("c", TaskState::kRunning, 60), failed, Task("a", TaskState::kFailed, 40),
                    Task("d", TaskState::kRunning, 45, 2)}));
  ASSERT_EQ(pods.size(), 2U);
  const core::ContainerStatus& status = pods[0].status.container_statuses[0];
  EXPECT_EQ(pods[0].meta.uid, "c");
  EXPECT_EQ(status.restart_count, 2);
  EXPECT_EQ(status.last_state.terminated->exit_code, 3);
  EXPECT_EQ(pods[1].status.container_statuses[0].restart_count, 0);
}

TEST(Pods, WhatMadePlaceForAChangeIsNoRestart) {
  const auto pods =
      Pods(Picture({Task("c", TaskState::kRunning, 60), Task("b", TaskState::kShutdown, 50),
                    Task("a", TaskState::kFailed, 40)}));
  ASSERT_EQ(pods.size(), 1U);
  EXPECT_EQ(pods[0].status.container_statuses[0].restart_count, 1);
}

TEST(Pods, TheStatusIsInKubernetesWords) {
  EXPECT_EQ(StatusOf(Picture({Task("a", TaskState::kRunning, 1)})), "Running");
  EXPECT_EQ(StatusOf(Picture({Task("a", TaskState::kPreparing, 1)})), "ContainerCreating");
  EXPECT_EQ(StatusOf(Picture({Task("a", TaskState::kComplete, 1)})), "Completed");
  EXPECT_EQ(StatusOf(Picture({Task("a", TaskState::kFailed, 1)})), "Error");
  SwarmTask task = Task("a", TaskState::kPending, 1);
  task.node_id.clear();
  task.error = "no suitable node";
  EXPECT_EQ(StatusOf(Picture({task})), "Pending");
  const auto pods = Pods(Picture({task}));
  EXPECT_EQ(FindCondition(pods[0].status.conditions, "PodScheduled")->message, "no suitable node");
  task = Task("a", TaskState::kRejected, 1);
  task.error = "No such image: missing:latest";
  EXPECT_EQ(StatusOf(Picture({task})), "ErrImagePull");
  EXPECT_EQ(StatusOf(Picture({task, Task("b", TaskState::kPreparing, 2)})), "ImagePullBackOff");
  SwarmTask next = Task("b", TaskState::kReady, 2);
  next.desired_state = TaskState::kReady;
  EXPECT_EQ(StatusOf(Picture({Task("a", TaskState::kFailed, 1), next})), "CrashLoopBackOff");
  task = Task("a", TaskState::kRunning, 1);
  task.desired_state = TaskState::kRemove;
  EXPECT_EQ(StatusOf(Picture({task})), "Terminating");
  task = Task("a", TaskState::kRunning, 1);
  task.node_down = true;
  EXPECT_EQ(StatusOf(Picture({task})), "NodeLost");
  EXPECT_FALSE(Pods(Picture({task}))[0].status.container_statuses[0].ready);
}

TEST(Pods, AContainerThatIsNotHealthyYetRunsButIsNotReady) {
  SwarmPicture picture = Picture({Task("a", TaskState::kStarting, 1)});
  picture.tasks[0].container_id = "c";
  picture.services[0].spec.healthcheck.emplace();
  const auto pods = Pods(picture);
  EXPECT_EQ(pods[0].status.phase, "Running");
  EXPECT_FALSE(pods[0].status.container_statuses[0].ready);
}

TEST(Pods, WhatTheSwarmHasStoppedIsNone) {
  EXPECT_TRUE(Pods(Picture({Task("a", TaskState::kShutdown, 1)})).empty());
  EXPECT_TRUE(Pods(Picture({Task("a", TaskState::kFailed, 1, 3)})).empty());  // of two replicas
  SwarmTask stranger = Task("a", TaskState::kRunning, 1);
  stranger.service_id = "s-other";
  EXPECT_TRUE(Pods(Picture({stranger})).empty());
}

TEST(Nodes, TwoOfOneHostNameHaveTwoNames) {
  SwarmNode first{.id = "n1xxxxx", .name = "same"}, second{.id = "n2xxxxx", .name = "same"};
  first.created_at = WallTime(std::chrono::seconds(2));
  second.created_at = WallTime(std::chrono::seconds(1));
  const auto names = NodeNames({first, second});
  EXPECT_EQ(names.at("n2xxxxx"), "same");
  EXPECT_EQ(names.at("n1xxxxx"), "same-n1xxx");
}

TEST(Nodes, WhatIsAllocatedCountsTheTasksOfEverybody) {
  SwarmTask ours = Task("a", TaskState::kRunning, 100),
            theirs = Task("b", TaskState::kAssigned, 100),
            ended = Task("c", TaskState::kFailed, 100), elsewhere = ours;
  theirs.service_id = ended.service_id = "s-of-somebody-else";
  ours.cpu_request_nano = 500'000'000;
  theirs.cpu_request_nano = ended.cpu_request_nano = 250'000'000;
  theirs.memory_request_bytes = 64 << 20;
  elsewhere.node_id = "n2";
  const auto nodes = MakeNodes(Picture({ours, theirs, ended, elsewhere}));
  ASSERT_EQ(nodes.size(), 1U);
  EXPECT_EQ(
      static_cast<const core::Node&>(*nodes[0]).status.allocated,
      (std::map<std::string, std::string>{{"cpu", "750m"}, {"memory", "64Mi"}, {"pods", "2"}}));
}

}  // namespace
}  // namespace zoe::server
