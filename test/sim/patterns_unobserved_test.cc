// T15 .. T20: what happened was seen by nobody.
#include "test/sim/pattern.h"

namespace zoe::sim_test {
namespace {

using Unobserved = Pattern;

int SwarmWrites(const World& w) { return Written(w, "Swarm."); }

TEST_F(Unobserved, T15_AChangeThatWasTakenBackUnseenHasNoEffect) {
  World w;
  w.Apply("run", Web("a:1"));
  w.Run(10s);
  const std::vector<std::string> ran = Running(w);
  const int before = SwarmWrites(w);
  w.CutFromStore(0, 3s);
  w.Apply("run", Web("b:1", 5));
  w.Apply("run", Web("a:1"));
  w.Run(30s);
  EXPECT_EQ(SwarmWrites(w), before);
  EXPECT_EQ(Running(w), ran);
  EXPECT_EQ(w.Get("run")->status.observed_generation, 3);
  w.ExpectAtRest();
}

TEST_F(Unobserved, T15_OfSeveralChangesThatCameUnseenOnlyTheLastHasAnEffect) {
  World w;
  w.Apply("run", Web("a:1"));
  w.Run(10s);
  w.CutFromStore(0, 3s);
  w.Apply("run", Web("b:1", 5));
  w.Apply("run", Web("c:1"));
  w.Run(30s);
  EXPECT_EQ(Written(w, "Swarm.UpdateService alice/run/web"), 1);
  EXPECT_EQ(ServiceOf(w, "run", "web").spec.image, "c:1");
  for (const SwarmTask& task : TasksOf(w, "run", "web")) EXPECT_LE(task.slot, 2);
  w.ExpectAtRest();
}

TEST_F(Unobserved, T16_WhatCameAndWentUnseenLeavesNothing) {
  for (const Duration cut : {Duration(3s), Duration(20s)}) {
    for (const bool trimmed : {false, true}) {
      SCOPED_TRACE(std::to_string(cut.count()) + (trimmed ? " ms, trimmed" : " ms"));
      World w;
      w.ApplyUser("bob");
      w.Apply("seen", Web("w:1"));
      w.Run(20s);
      const std::string network = NetworkId(w, "bob");
      w.CutFromStore(0, cut);
      w.Apply("never", Web("w:1"));
      w.Delete("never");
      w.ApplyUser("ann");
      w.Apply("ann/never", kPair);
      w.Forget("ann/never");
      w.Forget("seen");
      w.Delete(kAnn);
      if (trimmed) w.TrimLog();
      w.Settle();
      EXPECT_EQ(w.Phase("never"), "gone");
      EXPECT_EQ(w.UserReady("ann"), "gone");
      EXPECT_EQ(NetworkId(w, "alice"), "");
      EXPECT_EQ(NetworkId(w, "bob"), network);
      w.ExpectAtRest();
    }
  }
}

TEST_F(Unobserved, T17_WhateverHintsGetLostAFullLookRepairsEverything) {
  for (const uint64_t seed : {1, 2, 3, 4, 5, 6}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World w(WorldOptions{.seed = seed});
    w.ApplyUser("ann");
    w.Apply("ann/run", kPair);
    w.Apply("run", kPair);
    w.Run(30s);
    w.SetHints(seed % 2 == 0 ? Hints::kNone : Hints::kLost);
    w.RemoveByHand("run", "master");
    w.ChangeByHand("ann/run", "worker", [](SwarmServiceSpec& spec) { spec.replicas = 7; });
    w.ChangeByHand("run", "worker", [](SwarmServiceSpec& spec) { spec.image = "evil"; });
    w.RemoveNetworkByHand("ann");
    w.EndTask("ann/run", "master", 1, 1);
    w.Run(8min);  // a resync each five minutes, spread over half of that
    ExpectRuns(w, "run");
    ExpectRuns(w, "ann/run");
    EXPECT_EQ(ServiceOf(w, "run", "worker").spec.image, "w:1");
    EXPECT_EQ(w.UserReady("ann"), "True Ready");
    w.Settle();
    w.ExpectAtRest();
  }
}

TEST_F(Unobserved, T18_ATaskThatFailedAndCameBackBetweenTwoLooksIsCounted) {
  World w;
  w.Apply("run", Web("w:1"));
  w.Run(10s);
  w.SetHints(Hints::kNone);
  w.EndTask("run", "web", 1, 3);
  w.Run(20s);  // it runs again
  EXPECT_EQ(w.Get("run")->status.services.at(0).restarts, 0);
  w.Run(8min);
  const v1::ServiceStatus status = w.Get("run")->status.services.at(0);
  EXPECT_EQ(status.restarts, 1);
  EXPECT_EQ(status.ready, 2);
  EXPECT_THAT(w.Events(),
              testing::Contains(testing::HasSubstr("Restarted: web: task: non-zero exit (3)")));
  w.Run(20min);
  EXPECT_EQ(w.Get("run")->status.services.at(0).restarts, 1) << "counted once";
}

TEST_F(Unobserved, T19_TasksOfANodeThatWentUnseenAreReportedWhereTheyAre) {
  World w;
  w.ApplyUser("ann");
  w.Apply("ann/run", Web("w:1", 6));
  w.Run(20s);
  v1::Gateway before = *Load<v1::Gateway>(w.truth(), {"Gateway", "ann", "ann"});
  w.SetHints(Hints::kNone);
  w.NodeUp(before.status.node, false);
  w.Run(30min);
  const v1::Gateway now = *Load<v1::Gateway>(w.truth(), {"Gateway", "ann", "ann"});
  EXPECT_NE(now.status.node, before.status.node);
  EXPECT_NE(now.status.address, before.status.address);
  EXPECT_EQ(w.UserReady("ann"), "True Ready");
  EXPECT_EQ(w.Get("ann/run")->status.services.at(0).ready, 6);
  EXPECT_EQ(w.Get("ann/run")->status.endpoints.size(), 0u);
  w.ExpectAtRest();
}

TEST_F(Unobserved, T20_ALostLeaderOfTheManagersReplacesNothingAndHidesNothing) {
  World w;
  w.ApplyUser("ann");
  w.Apply("ann/run", kPair);
  w.Apply("ann/job", kJob);
  w.Run(20s);
  EXPECT_EQ(w.Phase("ann/job"), v1::kSucceeded);
  const std::vector<std::string> ran = Running(w);
  const int before = SwarmWrites(w);
  w.WithCluster([](sim::Cluster& cluster) { cluster.LoseLeader(15s); });
  w.Run(5s);
  w.Apply("ann/late", Web("w:1"));  // acknowledged while nobody can make it
  w.Delete("ann/job");
  w.Run(12s);
  EXPECT_EQ(SwarmWrites(w), before + 1 + 1) << "one service made, one removed";
  EXPECT_EQ(w.Phase("ann/run"), v1::kRunning) << "nodes that are unknown have lost nothing yet";
  w.Run(30s);
  ExpectRuns(w, "ann/run");
  ExpectRuns(w, "ann/late");
  EXPECT_EQ(w.Phase("ann/job"), "gone");
  for (const std::string& id : ran) EXPECT_THAT(Running(w), testing::Contains(id));
  EXPECT_EQ(SwarmWrites(w), before + 1 + 1) << "nodes that are unknown have lost nothing";
  EXPECT_EQ(w.Get("ann/run")->status.services.at(1).restarts, 0);
  w.Settle();
  w.ExpectAtRest();
}

}  // namespace
}  // namespace zoe::sim_test
