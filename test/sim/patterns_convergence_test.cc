// T21 .. T32: from wherever the world is, it comes to what is declared, and stays there.
#include "test/sim/pattern.h"

namespace zoe::sim_test {
namespace {

using Convergence = Pattern;

constexpr const char* kEverything = R"(
priority: 3
activeDeadlineSeconds: 864000
ttlSecondsAfterFinished: 100
application:
  services:
  - name: full
    image: "full:1"
    command: [run, "{{execution.name}}"]
    args: [a, "b c", ""]
    env: [{name: Z, value: "{{replica}}"}, {name: A, value: "{{dns.self}}"}]
    ports: [{name: web, port: 8080, protocol: tcp, scheme: http, path: /x, endpoint: true}]
    resources: {requests: {cpu: 250m, memory: 64Mi}, limits: {cpu: 1500m, memory: 128Mi}}
    replicas: {total: 3, essential: 2}
    readiness: {http: {port: 8080, path: /}, periodSeconds: 2}
    constraints: ["node.hostname != nowhere"]
    mounts: [{workspace: true, path: /w}, {workspace: true, path: /r, readOnly: true}]
    restart: {policy: on-failure, maxAttempts: 3}
    update: {parallelism: 2, order: start-first, failureAction: rollback}
    workDir: /w
    user: "1000:1000"
    shmSize: 64Mi
    stopGracePeriodSeconds: 3
)";

TEST_F(Convergence, T21_FromEveryStateThatABrokenLifeLeavesItIsReadyInBoundedSteps) {
  for (int k = 1;; ++k) {
    SCOPED_TRACE("everything stops at write " + std::to_string(k));
    World w;
    bool struck = false;
    w.OnCall({.where = CallPoint::kAfter, .nth = k}, [&] {
      struck = true;
      w.CrashController(kCalling, 10min);
    });
    w.ApplyUser("ann");
    w.Apply("ann/run", kPair);
    w.Run(20s);
    w.Apply("ann/run", Web("web:2"));
    w.Run(20s);
    if (!struck) {
      EXPECT_GT(k, 20);
      return;
    }
    w.EndFaults();
    const int calls = w.calls(), writes = w.writes();
    EXPECT_TRUE(w.RunUntil(
        [&] {
          return ReasonOf(w, "ann/run", "Ready") == "AllReplicasReady" &&
                 w.UserReady("ann") == "True Ready" &&
                 w.Get("ann/run")->status.observed_generation == 2;
        },
        30s));
    EXPECT_LT(w.calls() - calls, 400);
    EXPECT_LT(w.writes() - writes, 60);
    w.Settle();
    w.ExpectAtRest();
    if (testing::Test::HasFailure()) return;
  }
}

TEST_F(Convergence, T22_ASettledWorldIsWrittenToByNobody) {
  World w(WorldOptions{.controllers = 3});
  w.ApplyUser("ann");
  w.ApplyUser("bob", "enabled: false");
  w.Apply("ann/run", kEverything);
  w.Apply("ann/job", kJob);
  w.Apply("bob/paused", std::string(kPair) + "suspend: true\n");
  w.Run(2h);  // what was told in events is forgotten by now
  const int writes = w.writes();
  const Revision revision = w.truth().List("")->revision;
  w.Run(100 * 5min);
  EXPECT_EQ(w.writes(), writes);
  EXPECT_EQ(w.truth().List("")->revision, revision);
  w.ExpectAtRest();
}

TEST_F(Convergence, T23_WhatTheSwarmReportsOfEveryFieldNeedsNoUpdate) {
  World w;
  w.ApplyUser("ann", "network: {addresses: 100}");
  w.Apply("ann/run", kEverything);
  w.Apply("run", kEverything);
  w.Run(1h);
  ExpectRuns(w, "ann/run");
  EXPECT_EQ(Written(w, "Swarm.UpdateService"), 0);
  w.ExpectAtRest();
}

TEST_F(Convergence, T24_GatewayAndExecutionShareANetworkWithoutAQuarrel) {
  World w;
  w.ApplyUser("ann");
  w.Apply("ann/run", kPair);
  // In a namespace without a User each of them makes the network that it needs.
  ASSERT_TRUE(
      w.Put(std::string(
                "{apiVersion: zoe/v1, kind: Gateway, metadata: {name: free, namespace: free}, "
                "spec: {}}"))
          .ok());
  w.Apply("free/run", kPair);
  w.Run(30s);
  EXPECT_EQ(Written(w, "Swarm.CreateNetwork ann"), 1);
  EXPECT_EQ(Written(w, "Swarm.CreateNetwork free"), 1);
  w.Delete("ann/run");
  w.Delete("free/run");
  w.Run(5min);
  EXPECT_NE(NetworkId(w, "ann"), "");
  EXPECT_NE(NetworkId(w, "free"), "");
  w.Apply("ann/run", kPair);
  w.Apply("free/run", kPair);
  w.Delete({"Gateway", "free", "free"});
  w.Run(5min);
  ExpectRuns(w, "ann/run");
  ExpectRuns(w, "free/run");
  EXPECT_EQ(Written(w, "Swarm.CreateNetwork"), 2);
  EXPECT_EQ(Written(w, "Swarm.RemoveNetwork"), 0);
  EXPECT_EQ(Written(w, "Swarm.UpdateService"), 0);
  w.ExpectAtRest();
}

TEST_F(Convergence, T25_WhatCanNotBeSaysSoAndCostsNothing) {
  World w;
  w.Apply("nowhere", Web("w:1", 2, ", constraints: [\"node.labels.gpu == true\"]"));
  w.Apply("big", Web("w:1", 2, ", resources: {requests: {cpu: \"100\"}}"));
  w.Apply("imageless", Web("missing:1"));
  w.Apply("stranger", Web("w:1"));
  w.WithCluster([name = w.SwarmName("stranger", "web")](sim::Cluster& cluster) {
    SwarmServiceSpec spec;
    spec.name = name;
    (void)cluster.CreateService(spec);
  });
  w.Run(1min);
  EXPECT_EQ(ReasonOf(w, "nowhere", "EssentialReady"), "Queued");
  EXPECT_EQ(ReasonOf(w, "nowhere", "Admitted"), "Unschedulable");
  EXPECT_THAT(MessageOf(w, "nowhere", "Admitted"),
              testing::HasSubstr("no node meets node.labels.gpu == true, which web wants"));
  EXPECT_EQ(ReasonOf(w, "big", "Admitted"), "Unschedulable");
  EXPECT_THAT(MessageOf(w, "big", "Admitted"), testing::HasSubstr("no node is large enough"));
  EXPECT_EQ(ReasonOf(w, "imageless", "EssentialReady"), "ImageNotFound");
  EXPECT_EQ(ReasonOf(w, "stranger", "Degraded"), "NameConflict");
  w.Run(10min);
  // The Swarm tries the image again each five seconds, and tells; nobody else is heard of more
  // often than each minute.
  const int calls = w.calls(), writes = w.writes();
  w.Delete("imageless");
  w.Run(1min);
  const int deleted = w.writes();
  EXPECT_LT(deleted - writes, 12);
  w.Run(1h);
  EXPECT_LT(w.calls() - calls, 1'000);
  EXPECT_LT(w.writes() - deleted, 60);
}

TEST_F(Convergence, T26_OneThatAlwaysFailsHoldsUpNobody) {
  World w;
  const CallPoint point{.call = "Swarm.CreateService alice/poison"};
  int refused = 0;
  std::function<void()> refuse = [&] {
    ++refused;
    w.RefuseCall();
    w.OnCall(point, refuse);
  };
  w.OnCall(point, refuse);
  w.Apply("poison", Web("w:1"));
  w.Run(10ms);
  for (int i = 0; i < 20; ++i) w.Apply("run" + std::to_string(i), Web("w:1", 1));
  EXPECT_TRUE(w.RunUntil(
      [&] {
        for (int i = 0; i < 20; ++i) {
          if (w.Phase("run" + std::to_string(i)) != v1::kRunning) return false;
        }
        return true;
      },
      2s));
  w.Run(30min);
  EXPECT_GT(refused, 5);
  EXPECT_LT(refused, 40) << "its delay grows to five minutes";
}

TEST_F(Convergence, T31_DamageByHandIsMendedToldAndStopsAtStrangers) {
  World w;
  w.ApplyUser("ann");
  w.Apply("ann/run", kPair);
  std::string theirs;
  w.WithCluster([&](sim::Cluster& cluster) {
    SwarmServiceSpec spec;
    spec.name = "theirs-too";
    spec.labels = {{"zoe.deployment", "another"}, {"zoe.kind", "Execution"}};
    theirs = *cluster.CreateService(spec);
  });
  w.Run(30s);
  w.RemoveByHand("ann/run", "master");
  w.ChangeByHand("ann/run", "worker", [](SwarmServiceSpec& spec) { spec.replicas = 0; });
  w.Run(10s);
  ExpectRuns(w, "ann/run");
  w.ChangeByHand("ann/run", "worker", [](SwarmServiceSpec& spec) {
    spec.env = {"EVIL=1"};
    spec.labels["zoe.name"] = "somebody-else";
  });
  w.WithCluster([](sim::Cluster& cluster) {
    for (const SwarmService& s : cluster.Services(
             [](const auto& spec) { return LabelOf(spec, kLabelKind) == "Gateway"; })) {
      SwarmServiceSpec spec = s.spec;
      spec.image = "evil:1";
      (void)cluster.UpdateService(s.id, s.version, spec);
    }
  });
  w.Run(8min);
  ExpectRuns(w, "ann/run");
  EXPECT_EQ(w.UserReady("ann"), "True Ready");
  const auto told = w.Events();
  for (const char* what : {"service master was removed from outside", "replicas 0 -> 2", "env"})
    EXPECT_THAT(told, testing::Contains(testing::AllOf(testing::StartsWith("DriftMended"),
                                                       testing::HasSubstr(what))));
  w.WithCluster([&](sim::Cluster& cluster) {
    for (const SwarmSecret& s : cluster.Secrets()) {
      const auto removed = cluster.RemoveSecret(s.id);
      EXPECT_FALSE(removed.ok()) << "it is in use";
    }
  });
  w.RemoveNetworkByHand("ann");  // refused: the execution is on it
  w.Delete("ann/run");
  w.Run(20s);
  const std::string network = NetworkId(w, "ann");
  w.RemoveNetworkByHand("ann");
  w.Run(60s);
  EXPECT_NE(NetworkId(w, "ann"), network);
  EXPECT_EQ(w.UserReady("ann"), "True Ready");
  w.WithCluster([&](sim::Cluster& cluster) { EXPECT_NE(cluster.GetService(theirs), nullptr); });
  w.Settle();
  w.ExpectAtRest();
}

TEST_F(Convergence, T32_ABadImageStopsTheOldOneServesAndAGoodOneRecovers) {
  for (const char* action : {"pause", "rollback"}) {
    SCOPED_TRACE(action);
    const std::string update =
        std::string(", update: {order: start-first, failureAction: ") + action + "}";
    World w;
    const auto web = [&](const std::string& image) {
      return "application:\n  services:\n  - {name: web, image: \"" + image +
             "\", replicas: {total: 4, essential: 3}" + update + "}\n";
    };
    w.Apply("run", web("w:1"));
    w.Run(20s);
    w.Apply("run", web("missing:1"));
    for (int i = 0; i < 60; ++i) {
      w.Run(1s);
      const auto tasks = TasksOf(w, "run", "web");
      const auto serving = std::ranges::count_if(
          tasks, [](const SwarmTask& t) { return t.state == TaskState::kRunning; });
      ASSERT_GE(serving, 3);
    }
    EXPECT_EQ(w.Phase("run"), v1::kRunning);
    EXPECT_EQ(ReasonOf(w, "run", "Degraded"),
              action == std::string("pause") ? "UpdatePaused" : "UpdateRolledBack");
    EXPECT_THAT(MessageOf(w, "run", "Degraded"), testing::HasSubstr("web: update"));
    EXPECT_EQ(Written(w, "Swarm.UpdateService alice/run/web"), 1) << "not sent again and again";
    w.Apply("run", web("w:2"));
    w.Run(30s);
    EXPECT_EQ(ReasonOf(w, "run", "Ready"), "AllReplicasReady");
    EXPECT_EQ(FindCondition(w.Get("run")->status.conditions, "Degraded")->status, "False");
    w.Settle();
    w.ExpectAtRest();
  }
}

}  // namespace
}  // namespace zoe::sim_test
