#include "reconcilers/execution/service_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/unit/reconcilers/scene.h"

namespace zoe::execution {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

SwarmServiceSpec Make(const std::string& services, const ExecutionOptions& options = {},
                      const Place& place = {}) {
  const Scene scene(services);
  return ToSwarmService(scene.execution, scene.execution.spec.application->services.at(0),
                        {"net1", place}, options);
}

SwarmServiceSpec MakeAsUser(const std::string& services) {
  return Make(services, {}, {.has_user = true, .uid = 1001, .gid = 1002, .has_workspace = true});
}

TEST(ServiceSpec, AFullServiceBecomesAFullSwarmService) {
  const SwarmServiceSpec spec = Make(R"(
- name: master
  image: registry:5000/zoe/spark:3.5
  command: [spark-class, Master]
  args: [-p, "1"]
  env: [{name: A, value: b}, {name: C, value: "{{.Node.Hostname}}"}]
  resources: {requests: {cpu: 500m, memory: 512Mi}, limits: {memory: 1Gi}}
  replicas: {total: 3, essential: 1}
  readiness: {tcp: {port: 8080}, periodSeconds: 3, timeoutSeconds: 4, failureThreshold: 5, initialDelaySeconds: 6}
  constraints: ["node.labels.gpu == true"]
  mounts: [{workspace: true, path: /mnt/workspace, readOnly: true}]
  restart: {policy: on-failure, maxAttempts: 3}
  workDir: /mnt/workspace
  user: "1000:1000"
  shmSize: 64Mi
  stopGracePeriodSeconds: 7
  update: {parallelism: 2, order: start-first, failureAction: rollback}
  endpointMode: vip
)",
                                     {"dep", "/srv/ws", "udp://10.0.0.1:12201"});
  EXPECT_EQ(spec.name, SwarmServiceName("dep", "uid-1", "master"));
  EXPECT_THAT(spec.labels,
              UnorderedElementsAre(Pair("zoe.deployment", "dep"), Pair("zoe.namespace", "alice"),
                                   Pair("zoe.kind", "Execution"), Pair("zoe.name", "run"),
                                   Pair("zoe.uid", "uid-1"), Pair("zoe.service", "master")));
  EXPECT_EQ(spec.container_labels, spec.labels);
  EXPECT_EQ(spec.replicas, 3u);
  EXPECT_EQ(spec.image, "registry:5000/zoe/spark:3.5");
  EXPECT_THAT(spec.command, ElementsAre("spark-class", "Master"));
  EXPECT_THAT(spec.args, ElementsAre("-p", "1"));
  EXPECT_THAT(spec.env, ElementsAre("A=b", "C={{.Node.Hostname}}"));
  EXPECT_EQ(spec.hostname, "master-{{.Task.Slot}}.run");
  EXPECT_THAT(spec.dns_search, ElementsAre("run"));
  EXPECT_THAT(spec.dns_options, ElementsAre("ndots:1"));
  EXPECT_THAT(spec.networks,
              ElementsAre(SwarmNetworkAttachment{"net1", {"master.run", "master.run.alice"}}));
  EXPECT_THAT(spec.mounts, ElementsAre(SwarmMount{"/srv/ws/dep/alice", "/mnt/workspace", true}));
  EXPECT_THAT(spec.constraints, ElementsAre("node.labels.gpu == true"));
  EXPECT_EQ(spec.cpu_request_nano, 500'000'000);
  EXPECT_EQ(spec.cpu_limit_nano, 0);
  EXPECT_EQ(spec.memory_request_bytes, 512 << 20);
  EXPECT_EQ(spec.memory_limit_bytes, 1 << 30);
  EXPECT_EQ(spec.shm_bytes, 64 << 20);
  EXPECT_EQ(spec.dir, "/mnt/workspace");
  EXPECT_EQ(spec.user, "1000:1000");
  EXPECT_EQ(spec.stop_grace_period, Duration(7'000));
  EXPECT_EQ(spec.restart_condition, RestartCondition::kOnFailure);
  EXPECT_EQ(spec.restart_max_attempts, 3u);
  EXPECT_EQ(spec.restart_delay, Duration(5'000));
  EXPECT_EQ(spec.gelf_address, "udp://10.0.0.1:12201");
  EXPECT_EQ(spec.force_update, 0u);
  EXPECT_EQ(spec.update_parallelism, 2u);
  EXPECT_EQ(spec.update_order, UpdateOrder::kStartFirst);
  EXPECT_EQ(spec.update_failure_action, FailureAction::kRollback);
  EXPECT_EQ(spec.endpoint_mode, EndpointMode::kVip);
  ASSERT_TRUE(spec.healthcheck);
  EXPECT_EQ(spec.healthcheck->interval, Duration(3'000));
  EXPECT_EQ(spec.healthcheck->timeout, Duration(4'000));
  EXPECT_EQ(spec.healthcheck->retries, 5);
  EXPECT_EQ(spec.healthcheck->start_period, Duration(6'000));
}

TEST(ServiceSpec, AMinimalServiceHasSwarmsQuietDefaults) {
  const SwarmServiceSpec spec = Make("- {name: a, image: i}\n");
  EXPECT_EQ(spec.replicas, 1u);
  EXPECT_EQ(spec.restart_condition, RestartCondition::kAny);
  EXPECT_EQ(spec.restart_max_attempts, 0u);
  EXPECT_EQ(spec.endpoint_mode, EndpointMode::kDnsrr);
  EXPECT_FALSE(spec.healthcheck);
  EXPECT_THAT(spec.mounts, IsEmpty());
  EXPECT_EQ(spec.gelf_address, "");
  EXPECT_TRUE(spec.init);
}

TEST(ServiceSpec, RestartPoliciesAreReadAsTheContractSays) {
  EXPECT_EQ(Make("- {name: a, image: i, monitor: true}\n").restart_condition,
            RestartCondition::kNone);
  EXPECT_EQ(Make("- {name: a, image: i, restart: {policy: never}}\n").restart_condition,
            RestartCondition::kNone);
  // To Swarm 0 attempts are no limit; to a user they are none.
  EXPECT_EQ(Make("- {name: a, image: i, restart: {policy: on-failure, maxAttempts: 0}}\n")
                .restart_condition,
            RestartCondition::kNone);
}

TEST(ServiceSpec, ALimitWithoutARequestReservesTheLimit) {
  const SwarmServiceSpec spec =
      Make("- {name: a, image: i, resources: {limits: {cpu: 2, memory: 1Gi}}}\n");
  EXPECT_EQ(spec.cpu_request_nano, 2'000'000'000);
  EXPECT_EQ(spec.memory_request_bytes, 1 << 30);
}

TEST(ServiceSpec, NamesFitSwarmAndNeverMeetAnotherObjects) {
  const std::string longest(63, 'x');
  EXPECT_EQ(SwarmServiceName("zoe", "u", longest).size(), 63u);
  EXPECT_THAT(SwarmServiceName("zoe", "u", "web"), HasSubstr("web-"));
  EXPECT_EQ(SwarmServiceName("zoe", "u", "web"), SwarmServiceName("zoe", "u", "web"));
  EXPECT_NE(SwarmServiceName("zoe", "u", "web"), SwarmServiceName("zoe", "v", "web"));
  EXPECT_NE(SwarmServiceName("zoe", "u", "web"), SwarmServiceName("eoz", "u", "web"));
  EXPECT_NE(SwarmServiceName("zoe", "u", longest),
            SwarmServiceName("zoe", "u", longest.substr(1) + "y"));
  EXPECT_EQ(NetworkName("zoe", "alice"), "zoe-zoe-alice");
  EXPECT_LE(NetworkName("zoe", longest).size(), 63u);
  EXPECT_NE(NetworkName("zoe", longest), NetworkName("zoe", longest.substr(1) + "y"));
}

TEST(ServiceSpec, ContainersRunAsTheUserWithoutCapabilities) {
  const SwarmServiceSpec spec = MakeAsUser(
      "- {name: a, image: i, env: [{name: X, value: y}], mounts: [{hostPath: /data, path: /data}, "
      "{workspace: true, path: /ws}, {workspace: true, path: /other}]}\n");
  EXPECT_EQ(spec.user, "1001:1002");
  EXPECT_THAT(spec.env, ElementsAre("X=y", "HOME=/ws", "USER=alice", "LOGNAME=alice"));
  EXPECT_THAT(spec.capability_drop, ElementsAre("ALL"));
  EXPECT_THAT(spec.capability_add, IsEmpty());
  EXPECT_THAT(MakeAsUser("- {name: a, image: i}\n").env,
              ElementsAre("HOME=/tmp", "USER=alice", "LOGNAME=alice"));
}

TEST(ServiceSpec, WhatTheServiceSaysOfItsUserAndItsVariablesStands) {
  SwarmServiceSpec spec = MakeAsUser(
      "- {name: a, image: i, env: [{name: HOME, value: /h}, {name: LOGNAME, value: \"\"}]}\n");
  EXPECT_THAT(spec.env, ElementsAre("HOME=/h", "LOGNAME=", "USER=alice"));
  spec = MakeAsUser("- {name: a, image: i, user: root}\n");
  EXPECT_EQ(spec.user, "root");
  EXPECT_THAT(spec.env, IsEmpty());
  EXPECT_THAT(spec.capability_drop, ElementsAre("CAP_MKNOD", "CAP_NET_RAW", "CAP_SETFCAP"));
}

TEST(ServiceSpec, AUidWithoutAGidIsNotLeftInGroupZero) {
  EXPECT_EQ(Make("- {name: a, image: i}\n", {}, {.has_user = true, .uid = 7}).user, "7:7");
}

TEST(ServiceSpec, WithoutAUserContainersKeepDockersCapabilitiesButThree) {
  const SwarmServiceSpec spec = Make("- {name: a, image: i}\n");
  EXPECT_EQ(spec.user, "");
  EXPECT_THAT(spec.env, IsEmpty());
  EXPECT_THAT(spec.capability_drop, ElementsAre("CAP_MKNOD", "CAP_NET_RAW", "CAP_SETFCAP"));
  EXPECT_THAT(spec.capability_add, IsEmpty());
}

TEST(ServiceSpec, CapabilitiesThatAreGrantedAreAddedAndNotDropped) {
  constexpr const char* kGranted =
      "- {name: a, image: i, capabilities: [SYS_PTRACE, NET_RAW, NET_RAW]}\n";
  SwarmServiceSpec spec = Make(kGranted);
  EXPECT_THAT(spec.capability_add, ElementsAre("CAP_NET_RAW", "CAP_SYS_PTRACE"));
  EXPECT_THAT(spec.capability_drop, ElementsAre("CAP_MKNOD", "CAP_SETFCAP"));
  spec = MakeAsUser(kGranted);
  EXPECT_THAT(spec.capability_add, ElementsAre("CAP_NET_RAW", "CAP_SYS_PTRACE"));
  EXPECT_THAT(spec.capability_drop, ElementsAre("ALL"));
  EXPECT_THAT(Make("- {name: a, image: i, capabilities: [ALL]}\n").capability_add,
              ElementsAre("ALL"));
}

TEST(ServiceSpec, AMountIsTheWorkspaceAHostPathOrTheWorkspacesVolume) {
  constexpr const char* kMounts =
      "- {name: a, image: i, mounts: [{hostPath: /data, path: /d, readOnly: true}, "
      "{workspace: true, path: /ws}]}\n";
  EXPECT_THAT(Make(kMounts, {"dep", "/srv/ws"}).mounts,
              ElementsAre(SwarmMount{"/data", "/d", true, "", {}},
                          SwarmMount{"/srv/ws/dep/alice", "/ws", false, "", {}}));
  Place place{.has_user = true, .uid = 7, .has_workspace = true};
  place.volume = v1::WorkspaceVolume{"local", {{"type", "nfs"}, {"device", ":/export"}}};
  EXPECT_THAT(
      Make(kMounts, {"dep", "/srv/ws"}, place).mounts,
      ElementsAre(
          SwarmMount{"/data", "/d", true, "", {}},
          SwarmMount{
              "zoe-dep-alice", "/ws", false, "local", {{"type", "nfs"}, {"device", ":/export"}}}));
}

TEST(ServiceSpec, TheTemplateHashFollowsTheContainersAndNothingElse) {
  const SwarmServiceSpec a =
      Make("- {name: a, image: i, mounts: [{workspace: true, path: /ws}]}\n");
  const std::string hash = TemplateHash(a);
  using Change = std::function<void(SwarmServiceSpec&)>;
  for (const Change& change :
       {Change([](auto& s) { s.labels["x"] = "y"; }), Change([](auto& s) { s.replicas = 9; }),
        Change([](auto& s) { s.update_parallelism = 9; })}) {
    SwarmServiceSpec b = a;
    change(b);
    EXPECT_EQ(TemplateHash(b), hash);
    EXPECT_TRUE(SameTasks(a, b));
  }
  const std::vector<Change> template_changes = {
      [](auto& s) { s.image += "x"; },
      [](auto& s) { s.command = {"x"}; },
      [](auto& s) { s.args = {"x"}; },
      [](auto& s) { s.env = {"x"}; },
      [](auto& s) { s.hostname += "x"; },
      [](auto& s) { s.dir = "x"; },
      [](auto& s) { s.user = "x"; },
      [](auto& s) { s.container_labels["x"] = ""; },
      [](auto& s) {
        s.mounts.push_back({"x", "y", false});
      },
      [](auto& s) { s.mounts[0].volume_driver = "x"; },
      [](auto& s) { s.mounts[0].volume_options["x"] = "y"; },
      [](auto& s) { s.ports.push_back({.target = 1}); },
      [](auto& s) {
        s.secrets.push_back({"x", "y", "z"});
      },
      [](auto& s) { s.capability_add = {"x"}; },
      [](auto& s) { s.capability_drop = {"x"}; },
      [](auto& s) { s.networks[0].network_id = "x"; },
      [](auto& s) { s.networks[0].aliases.clear(); },
      [](auto& s) { s.dns_search.clear(); },
      [](auto& s) { s.dns_options.clear(); },
      [](auto& s) { s.constraints = {"x"}; },
      [](auto& s) { s.cpu_request_nano = 1; },
      [](auto& s) { s.cpu_limit_nano = 1; },
      [](auto& s) { s.memory_request_bytes = 1; },
      [](auto& s) { s.memory_limit_bytes = 1; },
      [](auto& s) { s.shm_bytes = 1; },
      [](auto& s) { s.healthcheck.emplace(); },
      [](auto& s) { s.init = false; },
      [](auto& s) { s.stop_grace_period += Duration(1); },
      [](auto& s) { s.restart_condition = RestartCondition::kNone; },
      [](auto& s) { s.restart_delay += Duration(1); },
      [](auto& s) { s.restart_max_attempts = 1; },
      [](auto& s) { s.gelf_address = "x"; },
      [](auto& s) { s.force_update = 1; },
      [](auto& s) { s.endpoint_mode = EndpointMode::kVip; }};
  for (size_t i = 0; i < template_changes.size(); ++i) {
    SwarmServiceSpec b = a;
    template_changes[i](b);
    EXPECT_NE(TemplateHash(b), hash) << i;
    EXPECT_FALSE(SameTasks(a, b)) << i;
    EXPECT_NE(DescribeChange(a, b), "") << i;
  }
  EXPECT_EQ(DescribeChange(a, a), "");
}

}  // namespace
}  // namespace zoe::execution
