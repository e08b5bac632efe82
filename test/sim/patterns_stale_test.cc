// T8 .. T14: what was read is older than what is true.
#include "test/sim/pattern.h"

namespace zoe::sim_test {
namespace {

using Stale = Pattern;

TEST_F(Stale, T08_NobodyActsOnAVersionOlderThanOneThatWasActedOn) {
  World w(WorldOptions{.controllers = 2});
  w.Apply("run", Web("w:1"));
  w.Run(10s);
  // The second one sees the past from here on, and takes over in it.
  const int old = w.Leader();
  const int next = 1 - old;
  w.LagStore(next, 30s);
  w.Apply("run", Web("w:2"));
  w.Run(5s);
  ASSERT_EQ(ServiceOf(w, "run", "web").spec.image, "w:2");
  w.CrashController(old, 5min);
  for (int i = 0; i < 60; ++i) {
    w.EndTask("run", "web", 1, 1);
    w.Run(1s);
    ASSERT_EQ(ServiceOf(w, "run", "web").spec.image, "w:2");
  }
  EXPECT_EQ(w.Leader(), next);
  EXPECT_EQ(Written(w, "Swarm.UpdateService alice/run/web"), 1);
  w.Settle();
  w.ExpectAtRest();
}

TEST_F(Stale, T08_WhoLagsBehindItsOwnWritesDoesNotUndoThem) {
  World w;
  w.Apply("run", Web("w:1"));
  w.Run(10s);
  for (int replicas = 3; replicas <= 6; ++replicas) {
    w.LagStore(0, 5s);
    w.Apply("run", Web("w:2", replicas));
    w.ChangeByHand("run", "web", [](SwarmServiceSpec& spec) { spec.replicas = 9; });
    w.Run(4s);
    const uint64_t before = ServiceOf(w, "run", "web").spec.replicas;
    EXPECT_TRUE(before == static_cast<uint64_t>(replicas) ||
                before == static_cast<uint64_t>(replicas == 3 ? 2 : replicas - 1));
    w.Run(10s);
    EXPECT_EQ(ServiceOf(w, "run", "web").spec.replicas, static_cast<uint64_t>(replicas));
  }
  w.Settle();
  w.ExpectAtRest();
}

// The controller is about to write, or to remove, when what it looks at goes and comes again.
TEST_F(Stale, T09_AnObjectRecreatedUnderTheSameNameSurvivesTheOldView) {
  for (const char* call : {"Store.Delete Execution/alice/run", "Store.Replace Execution/alice/run",
                           "Swarm.RemoveService alice/run", "Swarm.CreateService alice/run"}) {
    SCOPED_TRACE(call);
    World w;
    w.Apply("run", Web("w:1"));
    if (!std::string_view(call).starts_with("Swarm.Create")) w.Run(10s);
    std::string made;
    w.OnCall({.call = call}, [&] {
      w.Forget("run");
      w.Apply("run", Web("w:2"));
      made = w.Get("run")->meta.uid;
    });
    if (!std::string_view(call).starts_with("Swarm.Create")) w.Delete("run");
    w.Run(2min);
    ASSERT_NE(made, "");
    ASSERT_NE(w.Phase("run"), "gone");
    EXPECT_EQ(w.Get("run")->meta.uid, made);
    ExpectRuns(w, "run");
    EXPECT_EQ(ServiceOf(w, "run", "web").spec.image, "w:2");
    w.Settle();
    w.ExpectAtRest();  // nothing of the first one is left
  }
}

TEST_F(Stale, T09_AUserRecreatedUnderTheSameNameHasAPlaceOfItsOwn) {
  for (int k = 1; k <= 14; ++k) {
    SCOPED_TRACE("recreated at write " + std::to_string(k));
    World w;
    w.ApplyUser("ann");
    w.Run(20s);
    bool struck = false;
    w.OnCall({.nth = k}, [&] {
      struck = true;
      const auto record = w.truth().Get(kAnn);
      if (record.ok()) (void)w.truth().Delete(kAnn, record->revision);
      w.ApplyUser("ann");
    });
    w.Delete(kAnn);
    w.Run(5min);
    if (!struck) w.ApplyUser("ann");
    w.Settle();
    EXPECT_EQ(w.UserReady("ann"), "True Ready");
    w.ExpectAtRest();
    EXPECT_EQ(Secrets(w).size(), 3u);
    if (testing::Test::HasFailure()) return;
  }
}

TEST_F(Stale, T10_WhatIsMissingInTheOlderOfTwoViewsIsNotRemoved) {
  World w(WorldOptions{.controllers = 2});
  w.Apply("run", Web("w:1"));
  w.Run(10s);
  const std::string web = ServiceOf(w, "run", "web").id;
  // The Swarm as it was before the spec grew, then the spec as it was before.
  w.SwarmAnswers(SimFault::kStale);
  w.Apply("run", kPair);
  w.Apply("other", kPair);
  w.Run(20s);
  w.SwarmAnswers(SimFault::kNone);
  w.Run(20s);
  ExpectRuns(w, "run");
  ExpectRuns(w, "other");
  EXPECT_EQ(ServiceOf(w, "run", "web").id, "");  // no longer declared
  const std::vector<std::string> ran = Running(w);
  w.LagStore(w.Leader(), 20s);
  w.Apply("third", kPair);
  w.Run(10s);
  w.StopController(w.Leader(), 10s);
  w.Run(60s);
  for (const std::string& id : ran) EXPECT_THAT(Running(w), testing::Contains(id));
  EXPECT_EQ(Written(w, "Swarm.RemoveService alice/other"), 0);
  w.Settle();
  w.ExpectAtRest();
}

TEST_F(Stale, T11_EmptyListsOfTheSwarmRemoveNothing) {
  World w;
  w.ApplyUser("ann", "enabled: false");
  w.ApplyUser("bob");
  w.Apply("bob/run", kPair);
  w.Apply("run", kPair);
  w.Run(30s);
  const std::vector<std::string> ran = Running(w);
  const std::vector<std::string> secrets = Secrets(w);
  const std::string ann = NetworkId(w, "ann"), bob = NetworkId(w, "bob");
  w.SwarmAnswers(SimFault::kEmpty);
  w.Run(12min);
  w.SwarmAnswers(SimFault::kNone);
  w.Settle();
  EXPECT_EQ(Running(w), ran);
  EXPECT_EQ(Secrets(w), secrets);
  EXPECT_EQ(NetworkId(w, "ann"), ann);
  EXPECT_EQ(NetworkId(w, "bob"), bob);
  w.ExpectAtRest();
}

TEST_F(Stale, T11_EmptyListsOfTheStoreRemoveNothing) {
  World w;
  w.ApplyUser("ann", "enabled: false");
  w.ApplyUser("bob");
  w.Apply("bob/run", kPair);
  w.Apply("run", kPair);
  w.Run(30s);
  const std::vector<std::string> ran = Running(w);
  const std::string ann = NetworkId(w, "ann"), bob = NetworkId(w, "bob");
  // The process that runs, told to list everything again; then one that starts.
  for (const bool fresh : {false, true}) {
    if (fresh) {
      w.CrashController(0);
      w.Run(1ms);
    }
    w.StoreListsEmpty(0, true);
    w.TrimLog();
    w.Run(12min);
    w.StoreListsEmpty(0, false);
    w.TrimLog();
    w.Settle();
    EXPECT_EQ(Running(w), ran);
    EXPECT_EQ(NetworkId(w, "ann"), ann);
    EXPECT_EQ(NetworkId(w, "bob"), bob);
  }
  w.ExpectAtRest();
}

TEST_F(Stale, T12_ALeaderThatWakesAfterItsSessionExpiredWritesNothing) {
  const auto play = [](World& w) {
    w.ApplyUser("ann");
    w.Apply("ann/run", kPair);
    w.Run(30s);
    w.Apply("ann/run", Web("web:2", 3));
    w.Run(60s);
  };
  World plain(WorldOptions{.controllers = 2});
  play(plain);
  plain.Settle();
  for (int k = 1; k <= plain.writes(); ++k) {
    SCOPED_TRACE("paused before write " + std::to_string(k));
    World w(WorldOptions{.controllers = 2});
    bool struck = false;
    w.OnCall({.nth = k}, [&] {
      struck = true;
      w.PauseController(kCalling, 25s);
    });
    play(w);
    w.Settle();
    if (!struck) break;
    w.ExpectAtRest();  // and at each step: who doesn't lead sends nothing
    EXPECT_EQ(w.Describe(), plain.Describe());
    for (const auto& [line, times] : w.ledger()) {
      const bool once = line.starts_with("Swarm.Create") && !line.starts_with("Swarm.CreateSecret");
      EXPECT_TRUE(!once || times == 1) << line << ": " << times;
    }
    if (testing::Test::HasFailure()) return;
  }
}

TEST_F(Stale, T13_AVersionThatTheSwarmCountsUpMeanwhileIsReadAgain) {
  World w;
  w.Apply("run", Web("w:1"));
  w.Run(10s);
  const auto bump = [&] {
    w.WithCluster([&](sim::Cluster& cluster) { cluster.BumpVersion(w.SwarmName("run", "web")); });
  };
  const CallPoint update{.call = "Swarm.UpdateService alice/run/web"};
  for (int n = 1; n <= 3; ++n) w.OnCall({.call = update.call, .nth = n}, bump);
  w.ChangeByHand("run", "web", [](SwarmServiceSpec& spec) { spec.env = {"THEIRS=1"}; });
  const int before = w.writes();
  w.Apply("run", Web("w:2", 3));
  w.Run(10s);
  EXPECT_EQ(ServiceOf(w, "run", "web").spec.image, "w:2");
  EXPECT_EQ(ServiceOf(w, "run", "web").spec.replicas, 3u);
  EXPECT_LT(w.writes() - before, 12);
  w.Settle();
  w.ExpectAtRest();
  // A quarrel that does not end slows down.
  const int calm = w.calls();
  for (int n = 1; n <= 2'000; ++n) w.OnCall({.call = update.call}, bump);
  for (int n = 0; n < 100; ++n) w.OnCall({.call = update.call, .nth = 1}, bump);
  w.Apply("run", Web("w:3", 3));
  w.Run(60s);
  EXPECT_LT(w.calls() - calm, 400);
  w.Settle();
  EXPECT_EQ(ServiceOf(w, "run", "web").spec.image, "w:3");
}

TEST_F(Stale, T14_WhoeverWroteFindsItsOwnWriteWhenItWritesAgain) {
  World w(WorldOptions{.controllers = 2, .feed_delay = 2s});
  w.Run(5s);
  const auto document = [](int replicas) {
    return "{apiVersion: zoe/v1, kind: Execution, metadata: {name: run, namespace: alice}, spec: "
           "{application: {services: [{name: web, image: \"w:1\", replicas: {total: " +
           std::to_string(replicas) + "}}]}}}";
  };
  for (int i = 1; i <= 6; ++i) {
    w.api = i % 2;  // whose caches are two seconds old
    const auto done = w.Put(document(i));
    EXPECT_TRUE(done.ok()) << done.error().ToString();
  }
  EXPECT_EQ(w.Get("run")->meta.generation, 6);
  w.api = kAny;
  w.Run(30s);
  EXPECT_EQ(ServiceOf(w, "run", "web").spec.replicas, 6u);
  w.Settle();
  w.ExpectAtRest();
}

}  // namespace
}  // namespace zoe::sim_test
