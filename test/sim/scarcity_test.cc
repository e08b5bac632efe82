// Less room than is wanted. The simulated Swarm has three nodes of 8 CPUs and 16 GiB.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/runtime/log.h"
#include "specs/codec/value.h"
#include "specs/v1/kinds.h"
#include "test/sim/scenario.h"
#include "test/sim/world.h"

namespace zoe::sim_test {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// A node for each of them.
std::string Rigid(int replicas, const std::string& more = "") {
  return "application:\n  services:\n  - {name: rank, image: \"mpi:1\", replicas: {total: " +
         std::to_string(replicas) + "}, resources: {requests: {cpu: 8, memory: 1Gi}}" + more +
         "}\n";
}
std::string Elastic(int total, const std::string& more = "") {
  return "application:\n  services:\n  - {name: worker, image: \"w:1\", replicas: {total: " +
         std::to_string(total) + ", essential: 1}, resources: {requests: {cpu: 4}}}\n" + more;
}
constexpr const char* kForAWhile =
    R"(, monitor: true, restart: {policy: never}, command: [sh, -c, "sleep 10"])";

int Granted(World& w, const std::string& name) {
  const auto execution = w.Get(name);
  return execution && !execution->status.services.empty()
             ? execution->status.services[0].granted.value_or(-1)
             : -1;
}
int Position(World& w, const std::string& name) { return w.Get(name)->status.queue_position; }
std::string Admitted(World& w, const std::string& name) {
  const Condition* c = FindCondition(w.Get(name)->status.conditions, "Admitted");
  return c == nullptr ? "" : c->status + " " + c->reason;
}
void MakeStranger(World& w, uint64_t replicas) {
  w.WithCluster([&](sim::Cluster& cluster) {
    SwarmServiceSpec spec;
    spec.name = "big";
    spec.image = "their/other";
    spec.replicas = replicas;
    spec.cpu_request_nano = 8'000'000'000;
    ASSERT_TRUE(cluster.CreateService(spec).ok());
  });
}

const std::vector<Scenario>& Scenarios() {
  static const std::vector<Scenario> scenarios = {
      {"OneWaitsAndStartsWhenAnotherEnds",
       [](World& w) {
         w.Apply("first", Rigid(3, kForAWhile));
         w.Run(2s);
         w.Apply("second", Rigid(3, kForAWhile));
         w.Run(5s);
         EXPECT_EQ(w.Phase("first"), v1::kRunning);
         EXPECT_EQ(w.Phase("second"), v1::kQueued);
         EXPECT_EQ(Position(w, "second"), 1);
         EXPECT_THAT(Admitted(w, "second"), StartsWith("False "));
         w.Run(40s);
         EXPECT_EQ(w.Phase("first"), v1::kSucceeded);
         EXPECT_EQ(w.Phase("second"), v1::kSucceeded);
       }},
      {"ElasticReplicasGiveWayAndComeBack",
       [](World& w) {
         w.Apply("elastic", Elastic(6));
         w.Run(10s);
         EXPECT_EQ(Granted(w, "elastic"), 6);
         w.Apply("rigid", Rigid(2));
         w.Run(20s);
         EXPECT_EQ(w.Phase("rigid"), v1::kRunning);
         EXPECT_EQ(w.Phase("elastic"), v1::kRunning);
         EXPECT_LE(Granted(w, "elastic"), 2);
         w.Delete("rigid");
         w.Run(20s);
         EXPECT_EQ(Granted(w, "elastic"), 6);
       }},
      {"ALostNodeSendsAGangBackToTheQueue",
       [](World& w) {
         w.Apply("gang", Rigid(3));
         w.Run(10s);
         EXPECT_EQ(w.Phase("gang"), v1::kRunning);
         const auto queued_at = w.Get("gang")->status.queued_at;
         w.NodeUp("sim2", false);
         w.Run(90s);
         EXPECT_EQ(w.Phase("gang"), v1::kQueued);
         EXPECT_EQ(Granted(w, "gang"), 0);
         EXPECT_EQ(w.Get("gang")->status.queued_at, queued_at);
         w.NodeUp("sim2", true);
         w.Run(60s);
         EXPECT_EQ(w.Phase("gang"), v1::kRunning);
       }},
      {"WhatIsSuspendedMakesRoom",
       [](World& w) {
         w.Apply("first", Rigid(3));
         w.Run(5s);
         w.Apply("second", Rigid(2));
         w.Run(5s);
         EXPECT_EQ(w.Phase("second"), v1::kQueued);
         w.Apply("first", Rigid(3) + "suspend: true\n");
         w.Run(20s);
         EXPECT_EQ(w.Phase("first"), v1::kSuspended);
         EXPECT_EQ(w.Phase("second"), v1::kRunning);
         w.Apply("first", Rigid(3));
         w.Run(10s);
         EXPECT_EQ(w.Phase("first"), v1::kQueued);
         w.Delete("second");
         w.Run(30s);
         EXPECT_EQ(w.Phase("first"), v1::kRunning);
       }},
      {"WhatIsTooLargeForEverWaitsAndHoldsUpNobody",
       [](World& w) {
         w.Apply("huge", Rigid(4));
         w.Run(5s);
         w.Apply("small", Rigid(1));
         w.Run(15s);
         EXPECT_EQ(w.Phase("huge"), v1::kQueued);
         EXPECT_EQ(w.Phase("small"), v1::kRunning);
       }},
  };
  return scenarios;
}

class ScarcityScenario : public testing::TestWithParam<Scenario> {
 protected:
  static void SetUpTestSuite() { log::Configure(log::Level::kError, false); }
};

TEST_P(ScarcityScenario, EndsTheSameWhateverWriteFails) { PlayWithEachFault(GetParam()); }

INSTANTIATE_TEST_SUITE_P(All, ScarcityScenario, testing::ValuesIn(Scenarios()),
                         [](const auto& scenario) { return scenario.param.name; });

class Scarcity : public testing::Test {
 protected:
  static void SetUpTestSuite() { log::Configure(log::Level::kError, false); }
  World w;
};

TEST_F(Scarcity, NothingIsWrittenWhileNothingChanges) {
  w.Apply("elastic", Elastic(9));
  w.Run(10s);
  w.Apply("waits", Rigid(4));
  w.Run(1min);
  EXPECT_EQ(w.Phase("waits"), v1::kQueued);
  EXPECT_EQ(w.Phase("elastic"), v1::kRunning);
  w.ExpectAtRest(1h);
}

// Without a hint it would be seen half a minute later.
TEST_F(Scarcity, WhatOthersTakeAndFreeIsSeenAtOnce) {
  MakeStranger(w, 2);
  w.Run(5s);
  w.Apply("gang", Rigid(3));
  w.Run(40s);
  EXPECT_EQ(w.Phase("gang"), v1::kQueued);
  w.WithCluster([&](sim::Cluster& cluster) {
    EXPECT_TRUE(cluster.RemoveService(cluster.FindService("big")->id).ok());
  });
  EXPECT_TRUE(w.RunUntil([&] { return Granted(w, "gang") == 3; }, 2s));
}

TEST_F(Scarcity, ANodeThatComesBackIsUsedAtOnce) {
  w.NodeUp("sim1", false);
  w.Run(10s);
  w.Apply("gang", Rigid(3));
  w.Run(40s);
  EXPECT_EQ(w.Phase("gang"), v1::kQueued);
  w.NodeUp("sim1", true);
  EXPECT_TRUE(w.RunUntil([&] { return Granted(w, "gang") == 3; }, 2s));
}

TEST_F(Scarcity, WhenHintsGetLostItLooksAgain) {
  MakeStranger(w, 2);
  w.Apply("gang", Rigid(3));
  w.Run(40s);
  w.SetHints(Hints::kNone);
  w.WithCluster([&](sim::Cluster& cluster) {
    EXPECT_TRUE(cluster.RemoveService(cluster.FindService("big")->id).ok());
  });
  EXPECT_TRUE(w.RunUntil([&] { return Granted(w, "gang") == 3; }, 32s));
}

TEST_F(Scarcity, AGrantIsToldOnce) {
  w.Apply("first", Rigid(3, kForAWhile));
  w.Apply("second", Rigid(3));
  w.Run(30s);
  EXPECT_THAT(w.Events(), Contains(StartsWith("Queued: position 1 in the queue")));
  EXPECT_THAT(w.Events(), Contains("Admitted: may run: rank 3/3"));
}

TEST_F(Scarcity, ConditionsStandInTheSameOrderWhoeverWaited) {
  w.Apply("first", Rigid(3));
  w.Apply("second", Rigid(3));
  w.Run(10s);
  for (const char* name : {"first", "second"}) {
    const auto execution = w.Get(name);
    std::vector<std::string> types;
    for (const Condition& c : execution->status.conditions) types.push_back(c.type);
    EXPECT_THAT(types, ElementsAre("Admitted", "EssentialReady", "Ready", "Complete", "Degraded"));
  }
}

// What ran before there was a queue is not stopped by the first one.
TEST_F(Scarcity, WhatRanBeforeAnythingWasGrantedRunsOn) {
  w.Apply("run", Elastic(5));
  w.Run(10s);
  const auto ledger = w.ledger();
  v1::Execution execution = *w.Get("run");
  for (v1::ServiceStatus& s : execution.status.services) s.granted.reset();
  const Key key{"Execution", "alice", "run"};
  const v1::Kind& kind = *v1::FindKind("Execution");
  w.CrashController(0, 1s);
  w.Run(0s);
  execution.meta.resource_version = 0;
  ASSERT_TRUE(
      w.truth().Replace(key, w.truth().Get(key)->revision, v1::EncodeJson(kind, execution)).ok());
  w.Run(20s);
  EXPECT_EQ(Granted(w, "run"), 5);
  EXPECT_EQ(w.Phase("run"), v1::kRunning);
  EXPECT_EQ(w.ledger(), ledger);
  w.ExpectAtRest();
}

// The first twenty know their place exactly, the others to a tenth: whoever leaves the front of a
// long queue has few others told.
TEST_F(Scarcity, PlacesAreToldExactlyOnlyAtTheFront) {
  constexpr int kWaiting = 120;
  w.Apply("runs", Rigid(3));
  w.Run(5s);
  for (int i = 0; i < kWaiting; ++i) {
    w.Apply("wait-" + std::to_string(1000 + i), Rigid(3));
    w.Run(1s);
  }
  w.Run(10s);
  EXPECT_EQ(Position(w, "wait-1000"), 1);
  EXPECT_EQ(Position(w, "wait-1019"), 20);
  EXPECT_EQ(Position(w, "wait-1119"), 120);
  w.Run(5min);
  const int before = w.writes();
  w.Delete("wait-1000");
  w.Run(30s);
  EXPECT_EQ(Position(w, "wait-1001"), 1);
  EXPECT_EQ(Position(w, "wait-1020"), 20);
  EXPECT_EQ(Position(w, "wait-1119"), 120);
  EXPECT_LE(w.writes() - before, 30);
  for (int i = 1; i <= 11; ++i) w.Delete("wait-" + std::to_string(1000 + i));
  w.Run(30s);
  EXPECT_EQ(Position(w, "wait-1012"), 1);
  EXPECT_EQ(Position(w, "wait-1119"), 108);
}

// Its record has no byte left for a grant.
TEST(ScarcityOfRecords, WhatIsTooLargeToBeGrantedAnythingIsInNobodysWay) {
  log::Configure(log::Level::kError, false);
  World w(WorldOptions{.seed = 1});
  w.Run(2s);
  const v1::Kind& kind = *v1::FindKind("Execution");
  const auto documents = codec::ParseYaml(
      "{apiVersion: zoe/v1, kind: Execution, metadata: {name: full, namespace: alice, uid: u-full, "
      "generation: 1}, spec: {" +
      std::string("application: {services: [{name: s, image: i}]}}, ") +
      "status: {phase: Pending, observedGeneration: 1, queuedAt: 2020-01-01T00:00:00Z}}");
  auto decoded = v1::Decode(documents->front());
  ASSERT_TRUE(decoded.ok()) << decoded.error().ToString();
  ObjectBase& full = *decoded->object;
  full.meta.annotations["x"];
  full.meta.annotations["x"].resize(kMaxRecordBytes - v1::EncodeJson(kind, full).size(), 'x');
  const std::string bytes = v1::EncodeJson(kind, full);
  ASSERT_EQ(bytes.size(), kMaxRecordBytes);
  ASSERT_TRUE(w.truth().Create({"Execution", "alice", "full"}, bytes).ok());
  w.Apply("other", Rigid(1));
  w.Run(10s);
  EXPECT_EQ(w.Phase("other"), v1::kRunning);
  EXPECT_EQ(w.Phase("full"), v1::kPending);
}

// Several controllers: whoever leads next finds grants in the store, and gives nothing twice.
TEST(ScarcityOfSeveral, TheNextLeaderGoesOnWhereTheLastOneWas) {
  log::Configure(log::Level::kError, false);
  for (int at = 1; at <= 24; ++at) {
    SCOPED_TRACE(at);
    World w(WorldOptions{.seed = static_cast<uint64_t>(at), .controllers = 2});
    w.OnCall({.call = "Store.Replace", .controller = kAny, .nth = at},
             [&w] { w.CrashController(kCalling, 20s); });
    w.Apply("first", Rigid(3, kForAWhile));
    w.Apply("second", Elastic(6));
    w.Apply("third", Rigid(2));
    w.Run(90s);
    EXPECT_EQ(w.Phase("first"), v1::kSucceeded);
    EXPECT_EQ(w.Phase("second"), v1::kRunning);
    EXPECT_EQ(w.Phase("third"), v1::kRunning);
    w.Settle();
    w.ExpectAtRest();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace zoe::sim_test
