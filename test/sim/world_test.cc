// Several controllers: who acts when one of them dies, stands still or is cut off.
#include "test/sim/world.h"

#include <gtest/gtest.h>

#include <random>

#include "controller/runtime/log.h"

namespace zoe::sim_test {
namespace {

using namespace std::chrono_literals;

std::string Web(const std::string& image, int replicas = 2) {
  return "application:\n  services:\n  - {name: web, image: \"" + image +
         "\", replicas: {total: " + std::to_string(replicas) + "}}\n";
}

class WorldTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { log::Configure(log::Level::kError, false); }

  // How long until somebody else than `before` leads.
  static Duration Handover(World& world, int before) {
    const SteadyTime start = world.clock.Now();
    while (world.Leader() == before || world.Leader() < 0) {
      world.Run(10ms);
      if (world.clock.Now() > start + 1min) break;
    }
    return std::chrono::duration_cast<Duration>(world.clock.Now() - start);
  }
  static std::set<std::string> Tasks(World& world) {
    std::set<std::string> ids;
    world.WithCluster([&](sim::Cluster& cluster) {
      for (const SwarmTask& task : cluster.Tasks()) ids.insert(task.id);
    });
    return ids;
  }

  World world{WorldOptions{.controllers = 3}};
};

TEST_F(WorldTest, TheNextControllerTakesOverWithoutTouchingAContainer) {
  world.Apply("run", Web("w:1"));
  world.Run(10s);
  ASSERT_EQ(world.Phase("run"), v1::kRunning);
  const auto tasks = Tasks(world);
  const auto ledger = world.ledger();
  world.CrashController(kLeader, 1h);
  EXPECT_LE(Handover(world, 0), 7s);
  world.Run(1min);
  EXPECT_EQ(Tasks(world), tasks);
  EXPECT_EQ(world.ledger(), ledger);
  world.Apply("run", Web("w:2"));
  world.Run(30s);
  world.ExpectAtRest(15min);
}

TEST_F(WorldTest, AnOrderlyStopHandsOverAtOnceAndSoDoesARestart) {
  world.StopController(0, 1h);
  EXPECT_LE(Handover(world, 0), 10ms);
  const int second = world.Leader();
  world.CrashController(second, 500ms);
  EXPECT_LE(Handover(world, second), 510ms) << "the session was found and ended";
}

TEST_F(WorldTest, WhoWasPausedInACallWritesNothingAfterwards) {
  world.Apply("run", Web("w:1"));
  world.Run(10s);
  world.Apply("run", Web("w:2"));
  world.OnCall({.call = "Swarm.UpdateService"}, [this] {
    world.PauseController(kCalling, 30s);
    EXPECT_EQ(world.Leader(), 1);
  });
  world.At(10s, [this] { world.Apply("run", Web("w:3")); });
  world.Run(1min);
  EXPECT_EQ(world.ledger().at("Swarm.UpdateService alice/run/web"), 2);
  world.ExpectAtRest(15min);
}

TEST_F(WorldTest, WhatWasSentBeforeThePauseComesTooLateToDoHarm) {
  world.Apply("run", Web("w:1"));
  world.Run(10s);
  world.Apply("run", Web("w:2"));
  world.OnCall({.call = "Swarm.UpdateService", .where = CallPoint::kInFlight},
               [this] { world.PauseController(kCalling, 30s); });
  world.At(10s, [this] { world.Apply("run", Web("w:3")); });
  world.Run(2min);
  world.ExpectAtRest(15min);
}

TEST_F(WorldTest, WhoIsCutOffFromTheStoreStopsBeforeTheNextOneBegins) {
  world.Apply("run", Web("w:1"));
  world.Run(10s);
  world.CutFromStore(kLeader, 30s);
  world.ChangeByHand("run", "web", [](SwarmServiceSpec& spec) { spec.replicas = 5; });
  world.Run(2min);
  EXPECT_EQ(world.Leader(), 1);
  world.ExpectAtRest(15min);
}

TEST_F(WorldTest, AnApiThatIsBehindKeepsWhatItAcknowledges) {
  world.Run(1s);  // before it has read the store an API writes nothing
  world.LagStore(2, 20s);
  world.api = 2;
  world.Apply("run", Web("w:1"));
  world.Run(5s);
  world.Apply("run", Web("w:2"));
  world.Run(1min);
  world.ExpectAtRest(15min);
}

TEST_F(WorldTest, ARunIsAFunctionOfItsOptionsAndActs) {
  const auto live = [](uint64_t seed) {
    World one(WorldOptions{.seed = seed, .controllers = 2, .luck = {.faults = 0.1}});
    one.ApplyUser("ann");
    one.Apply("ann/run", Web("w:1"));
    one.Run(5s);
    one.CrashController(kLeader, 3s);
    one.Apply("ann/run", Web("w:2", 3));
    one.Run(1min);
    return std::tuple(one.calls(), one.writes(), one.ledger(), one.excused(), one.Events());
  };
  EXPECT_EQ(live(5), live(5));
}

// ---- trouble without a plan

void Disturb(World& world, std::mt19937_64& random) {
  const int i = static_cast<int>(random() % 4) - 1;
  const Duration d(static_cast<int64_t>(random() % 15'000));
  switch (random() % 12) {
    case 0:
      return world.CrashController(i, d);
    case 1:
      return world.StopController(i, d);
    case 2:
      return world.PauseController(i, d);
    case 3:
      return world.CutFromStore(i, d);
    case 4:
      return world.ExpireSession(i);
    case 5:
      return world.LagStore(i, d);
    case 6:
      return world.LoneServer(i, d);
    case 7:
      return world.StoreAway(d);
    case 8:
      return world.CutFromSwarm(i, d);
    case 9:
      return world.SwarmLeaderLost(d);
    case 10:
      return world.TrimLog();
    default: {
      const auto where = static_cast<CallPoint::Where>(random() % 3);
      const int nth = 1 + static_cast<int>(random() % 4);
      if (random() % 2 == 0)
        return world.OnCall({.where = where, .nth = nth},
                            [&world, d] { world.PauseController(kCalling, d); });
      return world.OnCall({.where = where, .nth = nth},
                          [&world] { world.CrashController(kCalling); });
    }
  }
}

void Act(World& world, std::mt19937_64& random, bool users_go) {
  const std::string user = random() % 2 == 0 ? "ann" : "bob";
  switch (random() % 6) {
    case 0:
      return (void)world.Remove(Key{"Execution", user, "run"});
    case 1:
      if (users_go && random() % 4 == 0) return (void)world.Remove(Key{"User", "", user});
      return;
    case 2:
      return (void)world.Put("apiVersion: zoe/v1\nkind: User\nmetadata: {name: " + user + "}\n");
    default:
      return (void)world.Put(
          "apiVersion: zoe/v1\nkind: Execution\nmetadata: {name: run, namespace: " + user +
          "}\nspec: {application: {services: [{name: web, image: 'w:" +
          std::to_string(random() % 3) + "'}]}}\n");
  }
}

void Live(uint64_t seed) {
  SCOPED_TRACE("replay with ZOE_SIM_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  WorldOptions options{.seed = seed,
                       .controllers = 1 + static_cast<int>(seed % 3),
                       .feed_delay = Duration(seed % 4 == 0 ? 300 : 0)};
  options.admission.users_make_namespaces = true;
  World world(options);
  for (int i = 0; i < 20 && !testing::Test::HasFailure(); ++i) {
    // An API that is behind may let something into the namespace of a User that has just gone.
    const bool users_go = seed % 2 == 0;
    const int api = static_cast<int>(random() % 4);
    world.api = !users_go && api < options.controllers ? api : kAny;
    Act(world, random, users_go);
    if (random() % 2 == 0) Disturb(world, random);
    world.Run(
        Duration(static_cast<int64_t>(random() % 4 == 0 ? random() % 20'000 : random() % 300)));
  }
  if (testing::Test::HasFailure()) return;
  world.Settle();
  world.ExpectAtRest(15min);
}

// ZOE_SIM_LIVES=5000 for a long run.
uint64_t Lives() {
  const char* lives = std::getenv("ZOE_SIM_LIVES");
  return lives == nullptr ? 60 : std::strtoull(lives, nullptr, 10);
}

TEST_F(WorldTest, WhateverHappensItEndsAsDeclared) {
  if (const char* only = std::getenv("ZOE_SIM_SEED")) return Live(std::strtoull(only, nullptr, 10));
  for (uint64_t seed = 1; seed <= Lives() && !HasFailure(); ++seed) Live(seed);
}

}  // namespace
}  // namespace zoe::sim_test
