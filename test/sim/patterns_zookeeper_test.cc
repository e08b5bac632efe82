// T33 .. T38: the store goes, comes, and tells nothing. A real ensemble's part: see patterns.md.
#include "test/sim/pattern.h"

namespace zoe::sim_test {
namespace {

using ZooKeeperPattern = Pattern;

// Something in each phase of making, changing and removing.
void LiveShortly(World& w) {
  w.ApplyUser("ann");
  w.Apply("ann/run", kPair);
  w.Run(15s);
  w.Apply("ann/run", Web("web:2"));
  w.Run(15s);
  w.Delete("ann/run");
  w.Run(15s);
}

TEST_F(ZooKeeperPattern, T33_ASessionThatExpiresInAnyPhaseEndsTheSame) {
  World plain(WorldOptions{.controllers = 2});
  LiveShortly(plain);
  plain.Settle();
  for (int k = 1; k <= plain.writes(); ++k) {
    SCOPED_TRACE("expired at write " + std::to_string(k));
    World w(WorldOptions{.controllers = 2});
    w.OnCall({.where = k % 2 == 0 ? CallPoint::kBefore : CallPoint::kAfter, .nth = k},
             [&] { w.CutFromStore(kCalling, 8s); });  // of a session of 6 s
    LiveShortly(w);
    w.Settle();
    w.ExpectAtRest();
    EXPECT_EQ(w.Describe(), plain.Describe());
    if (testing::Test::HasFailure()) return;
  }
}

TEST_F(ZooKeeperPattern, T34_AConnectionThatIsLostInAnyWriteOfTheStoreEndsTheSame) {
  World plain;
  LiveShortly(plain);
  plain.Settle();
  for (const char* call : {"Store.Create", "Store.Replace", "Store.Delete"}) {
    for (int k = 1;; ++k) {
      SCOPED_TRACE(std::string(call) + " " + std::to_string(k));
      World w;
      bool struck = false;
      w.OnCall(
          {.call = call, .where = k % 2 == 0 ? CallPoint::kAfter : CallPoint::kInFlight, .nth = k},
          [&] {
            struck = true;
            w.CutFromStore(kCalling, 2s);
            w.LoseReply();
          });
      LiveShortly(w);
      w.Settle();
      if (!struck) break;
      w.ExpectAtRest();
      EXPECT_EQ(w.Describe(), plain.Describe());
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST_F(ZooKeeperPattern, T35_AShortDisconnectChangesNoLeaderAndNothingIsWrittenPastTheLease) {
  World w(WorldOptions{.controllers = 2});
  w.Apply("run", Web("w:1"));
  w.Run(10s);
  const int leader = w.Leader();
  w.CutFromStore(leader, 5'500ms);  // of a session of 6 s and a lease of 4
  w.Run(4'100ms);
  const int before = w.writes();
  w.RemoveByHand("run", "web");
  w.Run(1'300ms);
  EXPECT_EQ(Written(w, "Swarm.CreateService alice/run/web"), 1);
  EXPECT_EQ(w.writes(), before);
  EXPECT_EQ(w.Leader(), leader);
  w.Run(5s);
  EXPECT_EQ(w.Leader(), leader);
  EXPECT_EQ(Written(w, "Swarm.CreateService alice/run/web"), 2) << "no key was lost";
  w.Run(10s);
  ExpectRuns(w, "run");
  w.Settle();
  w.ExpectAtRest();
}

TEST_F(ZooKeeperPattern, T37_FiveMinutesWithoutAQuorumRefuseWritesAndEndUnaided) {
  World w(WorldOptions{.controllers = 3});
  w.ApplyUser("ann");
  w.Apply("ann/run", kPair);
  w.Run(30s);
  const std::vector<std::string> ran = Running(w);
  w.StoreAway(5min);
  w.Run(10s);
  const int writes = Written(w, "");
  for (w.api = 0; w.api < 3; ++w.api) {
    const auto done = w.Put(std::string(
        "{apiVersion: zoe/v1, kind: Execution, metadata: {name: late, namespace: alice}, spec: "
        "{application: {services: [{name: web, image: \"w:1\"}]}}}"));
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.error().code, Code::kUnavailable);
  }
  w.api = kAny;
  w.RemoveByHand("ann/run", "master");
  w.Run(4min);
  EXPECT_EQ(Written(w, ""), writes) << "nobody can prove that it leads";
  w.Run(80s);
  ExpectRuns(w, "ann/run");
  EXPECT_EQ(w.Phase("late"), "gone");
  int kept = 0;
  for (const std::string& id : ran) kept += std::ranges::count(Running(w), id) > 0;
  EXPECT_EQ(kept, static_cast<int>(ran.size()) - 1);
  w.Settle();
  w.ExpectAtRest();
}

TEST_F(ZooKeeperPattern, T38_AClockThatJumpsByAnHourMovesNothingButTimesOfDay) {
  for (const Duration jump : {Duration(1h), Duration(-1h)}) {
    SCOPED_TRACE(std::to_string(jump.count()) + " ms");
    World w(WorldOptions{.controllers = 2});
    w.ApplyUser("ann");
    w.Apply("ann/run", kPair);
    w.Run(30s);
    const int leader = w.Leader();
    const std::vector<std::string> ran = Running(w);
    w.JumpWallClock(jump);
    w.Run(10s);
    EXPECT_EQ(w.Leader(), leader);
    EXPECT_EQ(Running(w), ran);
    w.Apply("ann/run", Web("web:2"));
    w.JumpWallClock(jump);
    w.Run(20s);
    EXPECT_EQ(ReasonOf(w, "ann/run", "Ready"), "AllReplicasReady") << "in time, not in an hour";
    w.EndTask("ann/run", "web", 1, 1);
    w.Run(20s);
    EXPECT_EQ(w.Get("ann/run")->status.services.at(0).restarts, 1);
    w.Apply("ann/job", kJob);
    w.Run(20s);
    EXPECT_EQ(w.Phase("ann/job"), v1::kSucceeded);
    w.Settle();
    w.ExpectAtRest();
  }
}

TEST_F(ZooKeeperPattern, T38_ACalendarOfOneMachineThatGoesBackWhileItUpdatesHoldsNothingUp) {
  for (const Duration jump : {Duration(1h), Duration(-1h)}) {
    SCOPED_TRACE(std::to_string(jump.count()) + " ms");
    World w;
    w.Apply("run", Web("w:1"));
    w.Run(10s);
    w.OnCall({.call = "Swarm.UpdateService", .where = CallPoint::kAfter},
             [&] { w.At(5ms, [&] { w.SkewWallClock(0, jump); }); });
    w.Apply("run", Web("w:2"));
    w.Run(30s);
    EXPECT_EQ(ReasonOf(w, "run", "Ready"), "AllReplicasReady");
    w.Settle();
    w.ExpectAtRest();
  }
}

TEST_F(ZooKeeperPattern, T38_ALeaderThatStandsStillForHalfAMinuteIsReplacedOnce) {
  World w(WorldOptions{.controllers = 3});
  w.Apply("run", kPair);
  w.Run(10s);
  const int leader = w.Leader();
  w.PauseController(leader, 30s);
  w.Apply("run", Web("web:2", 3));
  w.Run(7s);
  const int next = w.Leader();
  EXPECT_NE(next, leader);
  w.Run(10s);
  ExpectRuns(w, "run");
  w.Run(60s);
  EXPECT_EQ(w.Leader(), next);
  EXPECT_EQ(Written(w, "Swarm.CreateService alice/run/web"), 1);
  w.Settle();
  w.ExpectAtRest();
}

}  // namespace
}  // namespace zoe::sim_test
