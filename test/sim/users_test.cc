// People and their places: scenarios with each write hit by each fault, as in scenario_test, and
// random lives under constant bad luck.
//
// A failure names its fault (ZOE_SIM_FAULT=crash:7) or its seed (ZOE_SIM_SEED=17).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "controller/runtime/log.h"
#include "test/sim/scenario.h"
#include "test/sim/world.h"

namespace zoe::sim_test {
namespace {

using namespace std::chrono_literals;

constexpr const char* kRun = R"(
application:
  services:
  - {name: master, image: "m:1", mounts: [{workspace: true, path: /w}]}
  - {name: worker, image: "w:1", startupOrder: 1, replicas: {total: 2}}
)";

Key UserKey(const std::string& name) { return {"User", "", name}; }

const std::vector<Scenario>& Scenarios() {
  static const std::vector<Scenario> scenarios = {
      {"AUserGetsAPlaceAndRuns",
       [](World& w) {
         w.ApplyUser("ann");
         w.Apply("ann/run", kRun);
         w.Run(20s);
         EXPECT_EQ(w.UserReady("ann"), "True Ready");
         EXPECT_EQ(w.Phase("ann/run"), v1::kRunning);
       }},
      {"SeveralUsersHaveNetworksOfTheirOwn",
       [](World& w) {
         w.ApplyUser("ann", "network: {addresses: 500}");
         w.ApplyUser("bob");
         w.ApplyUser("cy", "network: {subnet: 10.77.0.0/24, encrypted: true}");
         w.Run(20s);
         EXPECT_EQ(w.UserReady("bob"), "True Ready");
       }},
      {"ThePartsAreRemovedByHand",
       [](World& w) {
         w.ApplyUser("ann");
         w.Run(10s);
         w.Delete({"Workspace", "ann", "ann"});
         w.Run(5s);
         w.Delete({"Gateway", "ann", "ann"});
         w.Run(5s);
         w.RemoveNetworkByHand("ann");
         w.Run(30s);
         EXPECT_EQ(w.UserReady("ann"), "True Ready");
       }},
      {"TheNetworkOfARunIsRemovedWhileItsUserIsDisabled",
       [](World& w) {
         w.ApplyUser("ann", "enabled: false");
         w.Run(10s);
         EXPECT_EQ(w.UserReady("ann"), "True Ready");
         w.RemoveNetworkByHand("ann");
         w.Run(60s);
         w.Apply("ann/run", kRun);
         w.Run(20s);
         EXPECT_EQ(w.Phase("ann/run"), v1::kRunning);
         w.ApplyUser("ann");
         w.Run(20s);
       }},
      {"AUserIsDeletedWithARunningExecution",
       [](World& w) {
         w.ApplyUser("ann");
         w.ApplyUser("bob");
         w.Run(5s);
         w.Apply("ann/run", kRun);
         w.Apply("bob/run", kRun);
         w.Run(20s);
         w.Delete(UserKey("ann"));
         w.Run(40s);
         EXPECT_EQ(w.UserReady("ann"), "gone");
         EXPECT_EQ(w.Phase("bob/run"), v1::kRunning);
       }},
      {"AUserIsDeletedWhileItsPlaceIsMade",
       [](World& w) {
         w.ApplyUser("ann");
         w.Apply("ann/run", kRun);
         w.Run(15ms);
         w.Delete(UserKey("ann"));
         w.Run(40s);
         EXPECT_EQ(w.UserReady("ann"), "gone");
       }},
      {"AUserIsDeletedAndMadeAgain",
       [](World& w) {
         w.ApplyUser("ann");
         w.Run(10s);
         w.Delete(UserKey("ann"));
         while (w.Stands(UserKey("ann"))) w.Run(100ms);
         w.ApplyUser("ann");
         w.Run(60s);
         EXPECT_EQ(w.UserReady("ann"), "True Ready");
       }},
  };
  return scenarios;
}

class UsersTest : public testing::TestWithParam<Scenario> {
 protected:
  static void SetUpTestSuite() { log::Configure(log::Level::kError, false); }
};

TEST_P(UsersTest, EndTheSameWhateverWriteFails) { PlayWithEachFault(GetParam()); }

INSTANTIATE_TEST_SUITE_P(All, UsersTest, testing::ValuesIn(Scenarios()),
                         [](const auto& scenario) { return scenario.param.name; });

// ---- random lives

void DoSomething(World& w, std::mt19937_64& random) {
  const std::string name = std::vector<std::string>{"ann", "bob", "cy"}[random() % 3];
  const std::string run = name + "/run";
  const std::string ready = w.UserReady(name);
  const bool there = ready != "gone" && ready != "False Terminating";
  switch (random() % 10) {
    case 0:
      if (ready != "gone") w.Delete(UserKey(name));
      break;
    case 1:
    case 2:
      if (there) w.ApplyUser(name, random() % 3 == 0 ? "enabled: false" : "{}");
      break;
    case 3:
      w.Delete(Key{"Workspace", name, name});
      break;
    case 4:
      w.Delete(Key{"Gateway", name, name});
      break;
    case 5:
      w.RemoveNetworkByHand(name);
      break;
    case 6:
      w.Delete(run);
      break;
    case 7:
      if (ready == "gone") w.ApplyUser(name);
      break;
    default:
      if (ready == "gone") w.ApplyUser(name);
      if (there) w.Apply(run, kRun);
  }
}

void Live(uint64_t seed) {
  SCOPED_TRACE("replay with ZOE_SIM_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  const Hints hints = std::vector<Hints>{Hints::kAll, Hints::kLost, Hints::kReordered}[seed % 3];
  World world({}, seed, {.faults = 0.05, .hints = hints});
  for (int i = 0; i < 25; ++i) {
    DoSomething(world, random);
    world.Run(
        Duration(static_cast<int64_t>(random() % 4 == 0 ? random() % 20'000 : random() % 300)));
    if (testing::Test::HasFailure()) return;
  }
  world.EndBadLuck();
  world.Run(15min);  // what a lost hint would have told is seen by a resync
  world.ExpectAtRest();
}

TEST(RandomLives, EndAsDeclared) {
  log::Configure(log::Level::kError, false);
  if (const char* only = std::getenv("ZOE_SIM_SEED")) return Live(std::strtoull(only, nullptr, 10));
  for (uint64_t seed = 1; seed <= 60 && !testing::Test::HasFailure(); ++seed) Live(seed);
}

}  // namespace
}  // namespace zoe::sim_test
