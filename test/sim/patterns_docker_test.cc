// T39 .. T45: what the Swarm does that nobody expects of it.
#include "test/sim/pattern.h"

namespace zoe::sim_test {
namespace {

using DockerPattern = Pattern;

TEST_F(DockerPattern, T39_ACallThatFailsWhicheverItIsEndsTheSame) {
  const auto live = [](World& w) {
    w.ApplyUser("ann");
    w.Apply("ann/run", kPair);
    w.Run(15s);
    w.Delete("ann/run");
    w.Run(15s);
  };
  World plain;
  live(plain);
  plain.Settle();
  for (const char* call :
       {"Swarm.Observe", "Swarm.ListServices", "Swarm.ListNetworks", "Swarm.ListNodes",
        "Swarm.ListSubnets", "Swarm.ListSecrets", "Swarm.Create", "Swarm.Remove"}) {
    for (int k = 1; k <= 12; ++k) {
      SCOPED_TRACE(std::string(call) + " " + std::to_string(k));
      World w;
      w.OnCall({.call = call, .writes_only = false, .nth = k}, [&] { w.RefuseCall(); });
      w.OnCall({.call = call, .where = CallPoint::kAfter, .writes_only = false, .nth = k + 2},
               [&] { w.LoseReply(); });
      live(w);
      w.Settle();
      w.ExpectAtRest();
      EXPECT_EQ(w.Describe(), plain.Describe());
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST_F(DockerPattern, T40_ANetworkThatIsHeldByATaskIsRemovedWhenItIsFree) {
  World w;
  w.ApplyUser("ann");
  w.Run(20s);
  w.WithCluster([](sim::Cluster& cluster) { cluster.HoldNetwork("zoe-zoe-ann", 60s); });
  const int calls = w.calls();
  w.Delete(kAnn);
  w.Run(55s);
  EXPECT_EQ(w.UserReady("ann"), "False Terminating");
  EXPECT_LT(w.calls() - calls, 1'000);
  w.Run(20s);
  EXPECT_EQ(w.UserReady("ann"), "gone");
  EXPECT_EQ(NetworkId(w, "ann"), "");
  w.Settle();
  w.ExpectAtRest();
}

// Somebody tears the network down with everything on it, and makes nothing again.
void TearNetworkDown(World& w, const std::string& ns, const std::vector<std::string>& spared) {
  w.WithCluster([&](sim::Cluster& cluster) {
    std::map<std::string, SwarmServiceSpec> kept;
    for (const SwarmService& s :
         cluster.Services([&](const auto& spec) { return LabelOf(spec, kLabelNamespace) == ns; })) {
      if (std::ranges::count(spared, LabelOf(s.spec, kLabelService)) == 0) {
        (void)cluster.RemoveService(s.id);
        continue;
      }
      SwarmServiceSpec without = s.spec;
      without.networks.clear();
      (void)cluster.UpdateService(s.id, s.version, without);
    }
    for (const SwarmNetwork& n : cluster.Networks()) {
      if (zoe::LabelOf(n.spec.labels, kLabelNamespace) == ns)
        (void)cluster.RemoveNetwork(std::string(n.id));
    }
  });
}

TEST_F(DockerPattern, T40_ServicesFollowANetworkThatIsMadeAgainUnderANewId) {
  for (const char* user : {"ann", "alice"}) {
    const std::string ns = user;
    SCOPED_TRACE(ns);
    World w;
    if (ns == "ann") w.ApplyUser("ann");
    w.Apply(ns + "/run", kPair);
    w.Run(30s);
    const std::string before = NetworkId(w, ns);
    ASSERT_NE(before, "");
    TearNetworkDown(w, ns, {"worker"});
    w.Run(60s);
    const std::string now = NetworkId(w, ns);
    EXPECT_NE(now, before);
    for (const char* service : {"master", "worker"}) {
      const SwarmService found = ServiceOf(w, ns + "/run", service);
      ASSERT_EQ(found.spec.networks.size(), 1u) << service;
      EXPECT_EQ(found.spec.networks[0].network_id, now) << service;
    }
    EXPECT_EQ(ReasonOf(w, ns + "/run", "Ready"), "AllReplicasReady");
    w.Settle();
    w.ExpectAtRest();
  }
}

TEST_F(DockerPattern, T41_ATaskWithoutAnAddressIsToldOfWithinHalfAMinuteWithItsNetwork) {
  for (const char* mode : {"dnsrr", "vip"}) {
    SCOPED_TRACE(mode);
    World w;
    w.ApplyUser("ann", "network: {subnet: 10.77.0.0/28}");
    w.Run(20s);
    w.Apply("ann/run", Web("w:1", 12, std::string(", endpointMode: ") + mode));
    w.Run(32s);
    EXPECT_EQ(ReasonOf(w, "ann/run", "Ready"), "NoAddress");
    EXPECT_THAT(MessageOf(w, "ann/run", "EssentialReady"),
                testing::HasSubstr("no address in network zoe-zoe-ann"));
    EXPECT_THAT(w.Events(), testing::Contains(testing::HasSubstr("NoAddress")));
    const int writes = w.writes();
    w.Run(10min);
    EXPECT_LT(w.writes() - writes, 3);
    w.Apply("ann/run", Web("w:1", 4, std::string(", endpointMode: ") + mode));
    w.Run(30s);
    EXPECT_EQ(ReasonOf(w, "ann/run", "Ready"), "AllReplicasReady");
  }
}

TEST_F(DockerPattern, T42_ANodeThatIsAwayForLongIsReplacedAndItsGhostsEnd) {
  for (const Duration away : {Duration(15s), Duration(1h), Duration(25h)}) {
    for (const bool cut : {false, true}) {
      SCOPED_TRACE(std::to_string(away.count()) + (cut ? " ms, cut off" : " ms, without power"));
      World w;
      w.Apply("run", Web("w:1", 6));
      w.Run(20s);
      const auto set = [&](bool up) {
        w.WithCluster([&](sim::Cluster& cluster) {
          cut ? cluster.SetNodeCut("sim2", !up) : cluster.SetNodeUp("sim2", up);
        });
      };
      set(false);
      w.Run(10s);
      ExpectRuns(w, "run");
      EXPECT_EQ(w.Get("run")->status.services.at(0).ready, 6) << "a slot with two tasks is one";
      EXPECT_EQ(TasksOf(w, "run", "web").size(), 8u);
      const int restarts = w.Get("run")->status.services.at(0).restarts;
      w.Run(away - 10s);
      const auto ghosts = [&] {
        const auto tasks = TasksOf(w, "run", "web");
        return std::ranges::count_if(tasks, [](const SwarmTask& t) {
          return !IsTerminal(t.state) && t.desired_state > TaskState::kRunning;
        });
      };
      EXPECT_EQ(ghosts(), away > 24h ? 0 : 2);
      set(true);
      w.Run(20s);
      EXPECT_EQ(ghosts(), 0);
      EXPECT_EQ(w.Get("run")->status.services.at(0).ready, 6);
      EXPECT_EQ(w.Get("run")->status.services.at(0).restarts, restarts);
      EXPECT_EQ(Written(w, "Swarm."), 2) << "a network and a service: Swarm does the rest";
      w.Settle();
      w.ExpectAtRest();
    }
  }
}

TEST_F(DockerPattern, T42_AnExecutionOnANodeThatIsAwayCanBeDeletedAndLeavesNoGhost) {
  World w;
  w.Apply("run", Web("w:1", 6));
  w.Run(20s);
  w.WithCluster([](sim::Cluster& cluster) { cluster.SetNodeCut("sim2", true); });
  w.Run(10s);
  w.Delete("run");
  w.Run(30s);
  EXPECT_EQ(w.Phase("run"), "gone");
  w.Run(25h);
  std::vector<SwarmTask> left;
  w.WithCluster([&](sim::Cluster& cluster) { left = cluster.Tasks(); });
  EXPECT_TRUE(left.empty());
  w.ExpectAtRest();
}

TEST_F(DockerPattern, T43_AJobThatHasRunIsNotRunAgainByAnEdit) {
  World w;
  w.Apply("job", kJob);
  w.Run(10s);
  ASSERT_EQ(w.Phase("job"), v1::kSucceeded);
  ASSERT_TRUE(
      w.Put(
           std::string("{apiVersion: zoe/v1, kind: Execution, metadata: {name: job, namespace: "
                       "alice, labels: {color: blue}}, spec: {priority: 7, application: {services: "
                       "[{name: client, image: \"c:2\", monitor: true}]}}}"))
          .ok());
  w.Annotate("job", v1::kRestartedAt, "2026-01-31T12:00:00Z");
  w.Run(10min);
  EXPECT_EQ(w.Phase("job"), v1::kSucceeded);
  EXPECT_EQ(TasksOf(w, "job", "client").size(), 1u);
  EXPECT_EQ(Written(w, "Swarm.UpdateService"), 0);
  w.Settle();
  w.ExpectAtRest();
}

// A part that runs once, beside one that runs on.
constexpr const char* kPrepared = R"(
application:
  services:
  - {name: prepare, image: "p:1", command: ["true"], restart: {policy: on-failure}}
  - {name: web, image: "w:1", startupOrder: 1}
)";

TEST_F(DockerPattern, T43_APartThatHasRunIsNotRunAgainByWhatIsNotItsOwn) {
  World w;
  w.Apply("run", kPrepared);
  w.Run(10s);
  ExpectRuns(w, "run");
  // An update that changes nothing of its template.
  w.ChangeByHand("run", "prepare",
                 [](SwarmServiceSpec& spec) { spec.labels["zoe.name"] = "another"; });
  w.Run(8min);
  EXPECT_EQ(ServiceOf(w, "run", "prepare").spec.labels.at("zoe.name"), "run");
  EXPECT_EQ(TasksOf(w, "run", "prepare").size(), 1u);
  // Another image of the other part.
  std::string edited = kPrepared;
  edited.replace(edited.find("w:1"), 3, "w:2");
  w.Apply("run", edited);
  w.Run(20s);
  EXPECT_EQ(TasksOf(w, "run", "prepare").size(), 1u);
  ExpectRuns(w, "run");
  w.Settle();
  w.ExpectAtRest();
}

TEST_F(DockerPattern, T44_ARegistryThatIsDownIsNotHammeredAndRunsGoOnWhenItIsBack) {
  World w;
  w.Apply("run", Web("w:1", 4));
  w.Run(20s);
  w.WithCluster([](sim::Cluster& cluster) { cluster.SetRegistryUp(false); });
  w.Apply("fresh", Web("new:1", 2));
  w.NodeUp("sim2", false);
  w.Run(10min);
  EXPECT_EQ(w.Get("run")->status.services.at(0).ready, 4) << "the other nodes have its image";
  EXPECT_EQ(ReasonOf(w, "fresh", "EssentialReady"), "ImageNotFound");
  int pulls = 0;
  w.WithCluster([&](sim::Cluster& cluster) { pulls = cluster.pulls().at("new:1"); });
  EXPECT_LE(pulls, 2 * 600 / 5 + 2) << "Swarm's own delay between two attempts";
  EXPECT_EQ(Written(w, "Swarm.CreateService alice/fresh"), 1);
  EXPECT_EQ(Written(w, "Swarm.UpdateService"), 0);
  w.WithCluster([](sim::Cluster& cluster) { cluster.SetRegistryUp(true); });
  w.NodeUp("sim2", true);
  w.Run(20s);
  ExpectRuns(w, "fresh");
  w.Settle();
  w.ExpectAtRest();
}

TEST_F(DockerPattern, T45_FailuresOfThePastDegradeNothingThatRunsNow) {
  World w;
  w.Apply("run", Web("w:1", 2, ", restart: {policy: on-failure, maxAttempts: 10}"));
  w.Run(10s);
  for (int i = 0; i < 4; ++i) {
    w.EndTask("run", "web", 1, 1);
    w.Run(10s);
  }
  EXPECT_EQ(TasksOf(w, "run", "web").size(), 6u) << "four failed ones are remembered";
  EXPECT_EQ(w.Phase("run"), v1::kRunning);
  EXPECT_EQ(ReasonOf(w, "run", "Ready"), "AllReplicasReady");
  EXPECT_EQ(FindCondition(w.Get("run")->status.conditions, "Degraded")->status, "False");
  EXPECT_EQ(w.Get("run")->status.services.at(0).message, "");
  EXPECT_EQ(w.Get("run")->status.services.at(0).restarts, 4);
  w.Settle();
  EXPECT_EQ(w.Get("run")->status.services.at(0).restarts, 4);
  w.ExpectAtRest();
}

}  // namespace
}  // namespace zoe::sim_test
