// T1 .. T7: a process ends, or is told nothing, in the middle of several writes.
#include <functional>
#include <map>
#include <utility>

#include "test/sim/pattern.h"

namespace zoe::sim_test {
namespace {

using Intermediate = Pattern;

// A life with a write of every sort: a user with a place, an execution, a change of counts and of
// images, other keys of a gateway, a job that ends, a suspension, a deletion.
void LiveALife(World& w) {
  w.ApplyUser("ann");
  w.Apply("ann/run", kPair);
  w.Apply("ann/job", kJob);
  w.Run(15s);
  w.ApplyUser("ann", std::string("sshKeys: [\"") + kSshKey + "\"]");
  w.Apply("ann/run", Web("web:2", 3));
  w.Run(15s);
  w.Apply("ann/run", Web("web:2", 3) + "suspend: true\n");
  w.Run(10s);
  w.Apply("ann/run", Web("web:2", 1));
  w.Run(10s);
  w.Delete("ann/job");
  w.Run(10s);
}

struct Ended {
  std::string world;
  std::map<std::string, int> ledger, excused;
  int writes = 0;
};

Ended Live(const std::function<void(World&)>& live, const std::function<void(World&)>& prepare) {
  World w(WorldOptions{.seed = 7});
  if (prepare) prepare(w);
  live(w);
  w.Settle();
  w.ExpectAtRest();
  return {w.Describe(), w.ledger(), w.excused(), w.writes()};
}

// The same writes, each as often, but for those whose fate a fault has left open.
void ExpectSameWrites(const Ended& faulty, const Ended& plain) {
  std::map<std::string, std::pair<int, int>> both;
  for (const auto& [line, times] : faulty.ledger) both[line].first = times;
  for (const auto& [line, times] : plain.ledger) both[line].second = times;
  for (const auto& [line, times] : both) {
    const auto excuse = faulty.excused.find(line);
    const int allowed = excuse == faulty.excused.end() ? 0 : excuse->second;
    EXPECT_LE(std::abs(times.first - times.second), allowed)
        << line << ": " << times.first << " times, without a fault " << times.second;
  }
}

struct Blow {
  const char* name;
  CallPoint::Where where;
  void (*act)(World&);
};
constexpr Blow kBlows[] = {
    {"crash before", CallPoint::kBefore, [](World& w) { w.CrashController(kCalling); }},
    {"crash after", CallPoint::kAfter, [](World& w) { w.CrashController(kCalling); }},
    {"crash after, back in three seconds", CallPoint::kAfter,
     [](World& w) { w.CrashController(kCalling, 3s); }},
    {"lost reply", CallPoint::kAfter, [](World& w) { w.LoseReply(); }},
    {"refused", CallPoint::kBefore, [](World& w) { w.RefuseCall(); }},
};

// Strikes at each write there is.
void StrikeEverywhere(const std::function<void(World&)>& live, const std::string& call = "") {
  const Ended plain = Live(live, {});
  ASSERT_FALSE(testing::Test::HasFailure()) << "without a fault";
  for (const Blow& blow : kBlows) {
    for (int k = 1; k <= plain.writes; ++k) {
      SCOPED_TRACE(std::string(blow.name) + " write " + std::to_string(k) + " " + call);
      bool struck = false;
      const Ended ended = Live(live, [&](World& w) {
        w.OnCall({.call = call, .where = blow.where, .nth = k}, [&struck, &w, &blow] {
          struck = true;
          blow.act(w);
        });
      });
      if (!struck) break;
      EXPECT_EQ(ended.world, plain.world);
      ExpectSameWrites(ended, plain);
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST_F(Intermediate, T01_ABlowAtEachWriteOfALifeChangesNeitherItsEndNorItsWrites) {
  StrikeEverywhere(LiveALife);
}

TEST_F(Intermediate, T02_AServiceWhoseMakerDiedIsAdoptedAndNotMadeAgain) {
  World w;
  std::string made;
  w.Apply("run", Web("w:1"));
  w.OnCall({.call = "Swarm.CreateService alice/run/web", .where = CallPoint::kAfter}, [&] {
    made = ServiceOf(w, "run", "web").id;
    w.CrashController(kCalling, 5s);
  });
  w.Run(20s);
  ASSERT_NE(made, "");
  EXPECT_EQ(ServiceOf(w, "run", "web").id, made);
  EXPECT_EQ(Written(w, "Swarm.CreateService alice/run/web"), 1);
  ExpectRuns(w, "run");
  w.ExpectAtRest();
}

TEST_F(Intermediate, T03_AGatewayThatIsHalfMadeLeavesNothingBehind) {
  for (int k = 1; k <= 12; ++k) {
    SCOPED_TRACE("crash after write " + std::to_string(k));
    World w;
    w.OnCall({.where = CallPoint::kAfter, .nth = k}, [&] {
      w.CrashController(kCalling, 1s);
      w.Delete(kAnn);
    });
    w.ApplyUser("ann");
    w.Run(2min);
    if (w.Stands(kAnn)) w.Delete(kAnn);  // there were fewer writes
    w.Settle();
    w.ExpectAtRest();
    EXPECT_FALSE(w.Stands(kAnn));
    EXPECT_THAT(Secrets(w), testing::IsEmpty());
    EXPECT_EQ(NetworkId(w, "ann"), "");
  }
}

TEST_F(Intermediate, T04_ADeletionIsFinishedByWhoeverComesNextAndTouchesNobodyElse) {
  World w;
  w.Apply("run", kPair);
  w.Apply("stays", kPair);
  w.Run(15s);
  const std::string other = ServiceOf(w, "stays", "worker").id;
  for (const char* call : {"Swarm.RemoveService alice/run", "Store.Delete Execution/alice/run"}) {
    w.OnCall({.call = call, .where = CallPoint::kBefore}, [&] { w.CrashController(kCalling, 3s); });
    w.OnCall({.call = call, .where = CallPoint::kAfter}, [&] { w.CrashController(kCalling, 3s); });
  }
  w.Delete("run");
  w.Run(60s);
  EXPECT_EQ(w.Phase("run"), "gone");
  EXPECT_EQ(ServiceOf(w, "stays", "worker").id, other);
  EXPECT_EQ(Written(w, "Swarm.RemoveService alice/stays"), 0);
  w.Settle();
  w.ExpectAtRest();
}

TEST_F(Intermediate, T05_TheOldSecretsOfAGatewayStayUntilNoTaskHasThem) {
  for (const char* call :
       {"Swarm.CreateSecret ann", "Swarm.UpdateService Gateway/ann", "Swarm.RemoveSecret"}) {
    for (const CallPoint::Where where : {CallPoint::kBefore, CallPoint::kAfter}) {
      SCOPED_TRACE(std::string(call) + (where == CallPoint::kBefore ? ", before" : ", after"));
      World w;
      w.ApplyUser("ann");
      w.Run(20s);
      const std::vector<std::string> old = Secrets(w);
      ASSERT_EQ(old.size(), 3u);
      bool struck = false;
      w.OnCall({.call = "Swarm.RemoveSecret"}, [&] {
        w.WithCluster([](sim::Cluster& cluster) {
          for (const SwarmService& s : cluster.Services([](const auto&) { return true; }))
            EXPECT_NE(s.update_state, UpdateState::kUpdating) << "a task may need the old one yet";
        });
      });
      w.OnCall({.call = call, .where = where}, [&] {
        struck = true;
        w.CrashController(kCalling, 10s);
        const std::vector<std::string> now = Secrets(w);
        if (!std::string_view(call).starts_with("Swarm.RemoveSecret")) {
          for (const std::string& name : old) EXPECT_THAT(now, testing::Contains(name));
        }
      });
      w.ApplyUser("ann", std::string("sshKeys: [\"") + kSshKey + "\"]");
      w.Run(60s);
      EXPECT_TRUE(struck);
      const std::vector<std::string> now = Secrets(w);
      EXPECT_EQ(now.size(), 3u);
      EXPECT_NE(now, old);
      w.WithCluster([&](sim::Cluster& cluster) {
        const auto gateways = cluster.Services(
            [](const auto& spec) { return LabelOf(spec, kLabelKind) == "Gateway"; });
        ASSERT_EQ(gateways.size(), 1u);
        for (const SwarmSecretFile& file : gateways[0].spec.secrets)
          EXPECT_THAT(now, testing::Contains(file.secret_name));
      });
      EXPECT_EQ(w.UserReady("ann"), "True Ready");
      w.Settle();
      w.ExpectAtRest();
    }
  }
}

TEST_F(Intermediate, T06_WhatWasDoneAlthoughItsReplyWasLostIsNotDoneTwice) {
  World w;
  w.SetFaults(0);
  for (const char* call :
       {"Swarm.CreateNetwork", "Swarm.CreateSecret", "Swarm.CreateService", "Swarm.UpdateService",
        "Swarm.RemoveService", "Store.Create", "Store.Replace", "Store.Delete"}) {
    for (int n = 1; n <= 3; ++n)
      w.OnCall({.call = call, .where = CallPoint::kAfter, .nth = n}, [&] { w.LoseReply(); });
  }
  w.ApplyUser("ann");
  w.Apply("ann/job", kJob);
  w.Run(2min);
  EXPECT_EQ(w.Phase("ann/job"), v1::kSucceeded);
  EXPECT_EQ(TasksOf(w, "ann/job", "client").size(), 1u) << "the job ran more than once";
  EXPECT_EQ(Written(w, "Swarm.CreateService ann/job/client"), 1);
  EXPECT_EQ(Written(w, "Swarm.CreateService Gateway/ann"), 1);
  EXPECT_EQ(Written(w, "Swarm.CreateNetwork ann"), 1);
  EXPECT_EQ(Secrets(w).size(), 3u);
  w.Settle();
  w.ExpectAtRest();
}

TEST_F(Intermediate, T07_AnApplyOfSeveralObjectsThatBrokeOffIsFinishedByTheNextOne) {
  World w;
  const auto document = [](int i) {
    return "{apiVersion: zoe/v1, kind: Execution, metadata: {name: run" + std::to_string(i) +
           ", namespace: alice}, spec: {application: {services: [{name: web, image: \"w:1\"}]}}}";
  };
  w.api = 0;
  w.Run(1s);
  std::vector<bool> stored;
  for (int i = 1; i <= 5; ++i) {
    if (i == 4) w.StoreAway(10s);
    const auto done = w.Put(document(i));
    stored.push_back(done.ok());
    EXPECT_TRUE(done.ok() || done.error().code == Code::kUnavailable);
  }
  EXPECT_THAT(stored, testing::ElementsAre(true, true, true, false, false));
  w.Run(20s);
  for (int i = 1; i <= 3; ++i) ExpectRuns(w, "run" + std::to_string(i));
  EXPECT_EQ(w.Phase("run4"), "gone");
  for (int i = 1; i <= 5; ++i) EXPECT_TRUE(w.Put(document(i)).ok());
  w.Run(20s);
  for (int i = 1; i <= 5; ++i) {
    const std::string name = "run" + std::to_string(i);
    ExpectRuns(w, name);
    EXPECT_EQ(w.Get(name)->meta.generation, 1) << "applied again without a change";
    EXPECT_EQ(Written(w, "Swarm.CreateService alice/" + name), 1);
  }
  w.Settle();
  w.ExpectAtRest();
}

}  // namespace
}  // namespace zoe::sim_test
