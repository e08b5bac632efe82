#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apis/memory/memory_store.h"
#include "apis/sim/sim_swarm.h"
#include "controller/cache/informer.h"
#include "controller/loop/controller.h"
#include "controller/runtime/manual_clock.h"
#include "reconcilers/user/plan.h"
#include "reconcilers/user/user_reconciler.h"
#include "specs/v1/application.h"
#include "specs/v1/credential.h"
#include "specs/v1/event.h"
#include "specs/v1/execution.h"
#include "specs/v1/kinds.h"

namespace zoe {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// ---- the plan alone

v1::User Alice() {
  v1::User user;
  user.spec.network.addresses = 200;
  user.meta.name = "alice";
  user.meta.uid = "uid-alice";
  user.meta.generation = 1;
  user.meta.finalizers = {std::string(v1::kUserFinalizer)};
  user.spec.uid = 1001;
  return user;
}

std::vector<std::string> Planned(const v1::User& user, const user::Observed& observed) {
  std::vector<std::string> actions;
  for (const user::Action& action : user::Plan(user, observed))
    actions.push_back(user::ToString(action));
  return actions;
}

TEST(UserPlan, WhatIsMissingIsMade) {
  user::Observed observed;
  EXPECT_THAT(
      Planned(Alice(), observed),
      ElementsAre("network alice", "create Workspace/alice/alice", "create Gateway/alice/alice"));
  observed.workspace = std::make_shared<v1::Workspace>();
  EXPECT_THAT(Planned(Alice(), observed),
              ElementsAre("network alice", "create Gateway/alice/alice"));
  observed.gateway = std::make_shared<v1::Gateway>();
  observed.stranger = MakeError(Code::kAlreadyExists, "theirs");
  EXPECT_THAT(Planned(Alice(), observed), IsEmpty());
  observed.stranger.reset();
  observed.network = SwarmNetwork{"n", {}};
  EXPECT_THAT(Planned(Alice(), observed), IsEmpty());
}

TEST(UserPlan, TheEndComesInOrderAndEachWaitsForWhatGoesBefore) {
  v1::User user = Alice();
  user.meta.deletion_timestamp = WallTime{};
  user::Observed observed;
  observed.network = SwarmNetwork{"n", {}};
  observed.events = {{"Event", "alice", "e"}};
  observed.members = {{{"Application", "alice", "app"}},   {{"Credential", "alice", "login"}},
                      {{"Execution", "alice", "a"}, true}, {{"Execution", "alice", "b"}},
                      {{"Gateway", "alice", "alice"}},     {{"Workspace", "alice", "alice"}}};
  std::vector<std::vector<std::string>> steps;
  while (!observed.members.empty()) {
    steps.push_back(Planned(user, observed));
    for (const user::Member& gone : user::NextToGo(observed)) std::erase(observed.members, gone);
  }
  EXPECT_THAT(steps, ElementsAre(ElementsAre("delete Execution/alice/b"),
                                 ElementsAre("delete Gateway/alice/alice"),
                                 ElementsAre("delete Application/alice/app"),
                                 ElementsAre("delete Workspace/alice/alice"),
                                 ElementsAre("delete Credential/alice/login")));
  EXPECT_THAT(Planned(user, observed), ElementsAre("delete Event/alice/e", "remove network"));
}

// ---- the pass, under the engine

class UserTest : public testing::Test {
 protected:
  UserTest() { loop.SetLease(SteadyTime::max()); }

  void Sync() {
    while (informer.PumpOnce()) {
    }
  }
  void Run(Duration d) {
    const SteadyTime end = clock.Now() + d;
    while (true) {
      const SteadyTime due = swarm.RunDue();
      Sync();
      if (loop.Step()) continue;
      (void)events.Flush();
      const SteadyTime next = std::min({due, loop.NextDue(), end});
      if (next >= end) break;
      clock.AdvanceTo(std::max(next, clock.Now() + 1ms));
    }
    clock.AdvanceTo(end);
    Sync();
  }

  template <class T>
  void Put(const T& object, std::string_view kind) {
    const Key key{std::string(kind), object.meta.ns, object.meta.name};
    const auto record = store->Get(key);
    const std::string bytes = v1::EncodeJson(*v1::FindKind(kind), object);
    ASSERT_TRUE(
        (record.ok() ? store->Replace(key, record->revision, bytes) : store->Create(key, bytes))
            .ok());
  }
  template <class T>
  T Get(const std::string& kind, const std::string& ns, const std::string& name) {
    const auto record = store->Get({kind, ns, name});
    if (!record.ok()) return T();
    return static_cast<const T&>(**v1::DecodeStored(*v1::FindKind(kind), record->bytes));
  }
  template <class T>
  void PutMember(const std::string& kind, const std::string& name, bool finalizer = false) {
    T object;
    object.meta.ns = "alice";
    object.meta.name = name;
    object.meta.uid = "uid-" + name;
    if (finalizer) object.meta.finalizers = {"test/hold"};
    Put(object, kind);
  }
  bool Stands(const std::string& kind, const std::string& ns, const std::string& name) {
    return store->Get({kind, ns, name}).ok();
  }
  // As its own reconciler would.
  template <class T>
  void SetReady(const std::string& kind, bool ready = true, const std::string& reason = "Ready") {
    T object = Get<T>(kind, "alice", "alice");
    SetCondition(object.status.conditions, {"Ready", ready ? "True" : "False", reason, "words"},
                 clock.WallNow());
    Put(object, kind);
  }
  template <class T>
  void Release(const std::string& kind, const std::string& name) {
    const Key key{kind, "alice", name};
    const auto record = store->Get(key);
    ASSERT_TRUE(record.ok()) << key.ToString();
    EXPECT_TRUE(Get<T>(kind, "alice", name).meta.deletion_timestamp) << key.ToString();
    ASSERT_TRUE(store->Delete(key, record->revision).ok());
  }
  v1::User User() { return Get<v1::User>("User", "", "alice"); }
  std::string Ready(std::string_view type = "Ready") {
    const v1::User user = User();
    const Condition* c = FindCondition(user.status.conditions, type);
    return c == nullptr ? "absent" : c->status + " " + c->reason;
  }
  std::string Message(std::string_view type) {
    const v1::User user = User();
    return FindCondition(user.status.conditions, type)->message;
  }
  std::vector<std::string> Events() {
    std::vector<std::string> texts;
    const auto listing = store->List("Event");
    for (const Record& record : listing->records) {
      const v1::Event event = Get<v1::Event>("Event", record.key.ns, record.key.name);
      texts.push_back(event.reason + ": " + event.message);
    }
    return texts;
  }
  void MakeReady() {
    Put(Alice(), "User");
    Run(2s);
    SetReady<v1::Workspace>("Workspace");
    SetReady<v1::Gateway>("Gateway");
    Run(2s);
    ASSERT_EQ(Ready(), "True Ready");
  }
  void RequestDeletion() {
    v1::User user = User();
    user.meta.deletion_timestamp = clock.WallNow();
    Put(user, "User");
  }
  // One pass as if the cache showed `user`.
  Expected<Result> Pass(const v1::User& user) {
    StatusDraft draft;
    draft.object = std::make_shared<v1::User>(user);
    return users.Reconcile({clock}, {"User", "", user.meta.name}, draft);
  }

  ManualClock clock;
  Metrics metrics;
  std::unique_ptr<Store> store = MakeMemoryStore({.threaded = false});
  Cache cache;
  Informer informer{*store, cache, clock, metrics};
  SimSwarm swarm{{.threaded = false}, clock};
  EventRecorder events{*store, clock, metrics};
  Networks networks{swarm, {.pool = {*ParseSubnet("10.192.0.0/11")}}};
  UserReconciler users{cache, *store, swarm, networks};
  Controller loop{
      {.name = "user",
       .kind = "User",
       .related = [this](const CacheEvent& event,
                         std::vector<Key>& keys) { UserReconciler::Related(cache, event, keys); }},
      users,
      {*store, cache, swarm, clock, metrics, events}};
};

TEST_F(UserTest, GetsItsNetworkItsWorkspaceAndItsGateway) {
  Put(Alice(), "User");
  Run(2s);
  const auto network = networks.Find({clock}, "alice");
  ASSERT_TRUE(network.ok());
  EXPECT_EQ(User().status.network, "zoe-zoe-alice");
  EXPECT_EQ(User().status.subnet, "10.192.0.0/24");
  const auto workspace = Get<v1::Workspace>("Workspace", "alice", "alice");
  EXPECT_EQ(workspace.spec.uid, 1001);
  EXPECT_EQ(workspace.spec.gid, 1001);
  EXPECT_FALSE(workspace.meta.uid.empty());
  EXPECT_TRUE(workspace.meta.creation_timestamp);
  EXPECT_THAT(workspace.meta.finalizers, ElementsAre(v1::kWorkspaceFinalizer));
  ASSERT_EQ(workspace.meta.owner_references.size(), 1u);
  EXPECT_EQ(workspace.meta.owner_references[0].uid, "uid-alice");
  EXPECT_THAT(Get<v1::Gateway>("Gateway", "alice", "alice").meta.finalizers,
              ElementsAre(v1::kGatewayFinalizer));
  EXPECT_EQ(Ready("NetworkReady"), "True Ready");
  EXPECT_EQ(Ready("WorkspaceReady"), "False Starting");
  EXPECT_EQ(Ready(), "False Starting");
}

TEST_F(UserTest, IsReadyWhenItsPartsAre) {
  MakeReady();
  SetReady<v1::Workspace>("Workspace", false, "NoSpace");
  Run(1s);
  EXPECT_EQ(Ready(), "False NoSpace");
  EXPECT_EQ(Ready("WorkspaceReady"), "False NoSpace");
  EXPECT_EQ(Message("WorkspaceReady"), "words");
}

TEST_F(UserTest, OfADisabledOneTheGatewayNeedNotBeReady) {
  MakeReady();
  v1::User user = User();
  user.spec.enabled = false;
  Put(user, "User");
  SetReady<v1::Gateway>("Gateway", false, "Disabled");
  Run(1s);
  EXPECT_EQ(Ready("GatewayReady"), "False Disabled");
  EXPECT_EQ(Ready(), "True Ready");
}

TEST_F(UserTest, WhatIsRemovedByHandComesBackAndAnEventSaysSo) {
  MakeReady();
  for (const std::string kind : {"Workspace", "Gateway"}) {
    const Key key{kind, "alice", "alice"};
    ASSERT_TRUE(store->Delete(key, store->Get(key)->revision).ok());
  }
  ASSERT_TRUE(swarm.RemoveNetwork({clock}, networks.Find({clock}, "alice")->id).ok());
  Run(10s);
  EXPECT_TRUE(Stands("Workspace", "alice", "alice"));
  EXPECT_TRUE(Stands("Gateway", "alice", "alice"));
  EXPECT_EQ(networks.Find({clock}, "alice")->spec.subnet, "10.192.0.0/24");
  EXPECT_THAT(
      Events(),
      AllOf(Contains("DriftMended: the network of alice was removed from outside: made again"),
            Contains("DriftMended: workspace alice was removed from outside: made again"),
            Contains("DriftMended: gateway alice was removed from outside: made again")));
}

TEST_F(UserTest, LaterEditsOfItsPartsAreRespected) {
  MakeReady();
  auto workspace = Get<v1::Workspace>("Workspace", "alice", "alice");
  workspace.spec.reclaim_policy = v1::kDelete;
  Put(workspace, "Workspace");
  v1::User user = User();
  user.spec.network.addresses = 5'000;
  user.spec.network.encrypted = true;
  ++user.meta.generation;
  Put(user, "User");
  Run(2s);
  EXPECT_EQ(Get<v1::Workspace>("Workspace", "alice", "alice").spec.reclaim_policy, v1::kDelete);
  EXPECT_EQ(Ready("NetworkReady"), "True Ready");
  EXPECT_THAT(Message("NetworkReady"),
              AllOf(HasSubstr("5000 addresses"), HasSubstr("encryption"),
                    HasSubstr("takes effect when the network is made again")));
  EXPECT_EQ(networks.Find({clock}, "alice")->spec.subnet, "10.192.0.0/24");
  EXPECT_EQ(User().status.observed_generation, 2);
}

TEST_F(UserTest, WithoutTheFinalizerNothingIsMadeBeforeItStands) {
  v1::User user = Alice();
  user.meta.finalizers.clear();
  Put(user, "User");
  Sync();
  while (User().meta.finalizers.empty()) ASSERT_TRUE(loop.Step());
  EXPECT_FALSE(Stands("Workspace", "alice", "alice"));
  Run(2s);
  EXPECT_THAT(User().meta.finalizers, ElementsAre(v1::kUserFinalizer));
  EXPECT_TRUE(Stands("Workspace", "alice", "alice"));
}

TEST_F(UserTest, SettledPassesWriteNothing) {
  MakeReady();
  Run(1min);
  const int before = swarm.writes();
  const Revision revision = store->List("")->revision;
  for (int i = 0; i < 10; ++i) {
    loop.EnqueueAll();
    Run(1s);
  }
  EXPECT_EQ(swarm.writes(), before);
  EXPECT_EQ(store->List("")->revision, revision);
}

TEST_F(UserTest, GoesInOrderAndSaysWhatItWaitsFor) {
  MakeReady();
  PutMember<v1::Execution>("Execution", "run-a", true);
  PutMember<v1::Execution>("Execution", "run-b", true);
  PutMember<v1::Application>("Application", "app");
  PutMember<v1::Credential>("Credential", "login");
  Run(1s);
  RequestDeletion();
  Run(2s);
  EXPECT_EQ(Ready(), "False Terminating");
  EXPECT_THAT(Message("Ready"), HasSubstr("Execution run-a, run-b"));
  EXPECT_TRUE(Stands("Application", "alice", "app"));
  EXPECT_FALSE(Get<v1::Gateway>("Gateway", "alice", "alice").meta.deletion_timestamp);
  Release<v1::Execution>("Execution", "run-a");
  Run(2s);
  EXPECT_FALSE(Get<v1::Gateway>("Gateway", "alice", "alice").meta.deletion_timestamp);
  Release<v1::Execution>("Execution", "run-b");
  Run(2s);
  EXPECT_THAT(Message("Ready"), HasSubstr("Gateway alice"));
  EXPECT_TRUE(Stands("Application", "alice", "app"));
  Release<v1::Gateway>("Gateway", "alice");
  Run(2s);
  EXPECT_FALSE(Stands("Application", "alice", "app"));
  EXPECT_TRUE(Stands("Credential", "alice", "login"));
  EXPECT_TRUE(networks.Find({clock}, "alice").ok());
  Release<v1::Workspace>("Workspace", "alice");
  Run(2s);
  EXPECT_FALSE(Stands("User", "", "alice"));
  EXPECT_THAT(store->List("Credential")->records, IsEmpty());
  EXPECT_THAT(swarm.ListNetworks({clock}).value(), IsEmpty());
}

TEST_F(UserTest, WaitsWhileContainersUseItsNetwork) {
  MakeReady();
  SwarmServiceSpec stranger;
  stranger.name = "somebodys";
  stranger.image = "i";
  stranger.networks = {{networks.Find({clock}, "alice")->id, {}}};
  std::string id;
  swarm.With([&](sim::Cluster& cluster) { id = *cluster.CreateService(stranger); });
  RequestDeletion();
  Run(1s);
  Release<v1::Gateway>("Gateway", "alice");
  Run(1s);
  Release<v1::Workspace>("Workspace", "alice");
  Run(5s);
  EXPECT_THAT(Message("Ready"), HasSubstr("the network: "));
  EXPECT_TRUE(Stands("User", "", "alice"));
  swarm.With([&](sim::Cluster& cluster) { (void)cluster.RemoveService(id); });
  Run(5s);
  EXPECT_FALSE(Stands("User", "", "alice"));
}

TEST_F(UserTest, WhatTheCacheDoesNotShowIsAskedOfTheStore) {
  v1::User user = Alice();
  user.meta.deletion_timestamp = clock.WallNow();
  Put(user, "User");
  Sync();
  PutMember<v1::Execution>("Execution", "young", true);  // the cache doesn't know it
  ASSERT_TRUE(store->Create({"Application", "alice", "damaged"}, "{").ok());
  EXPECT_TRUE(Pass(user).ok());
  EXPECT_TRUE(Get<v1::Execution>("Execution", "alice", "young").meta.deletion_timestamp);
  Release<v1::Execution>("Execution", "young");
  Run(5s);
  EXPECT_FALSE(Stands("Application", "alice", "damaged"));
  EXPECT_FALSE(Stands("User", "", "alice"));
}

TEST_F(UserTest, ForOneThatIsGoneNothingIsMade) {
  Sync();
  EXPECT_EQ(Pass(Alice()).error().code, Code::kConflict);
  EXPECT_THAT(store->List("")->records, IsEmpty());
  EXPECT_THAT(swarm.ListNetworks({clock}).value(), IsEmpty());
}

TEST_F(UserTest, OfOneThatWasMadeAgainNothingIsRemoved) {
  MakeReady();
  PutMember<v1::Execution>("Execution", "run", true);
  Sync();
  v1::User gone = Alice();
  gone.meta.uid = "its predecessor";
  gone.meta.deletion_timestamp = clock.WallNow();
  EXPECT_EQ(Pass(gone).error().code, Code::kConflict);
  EXPECT_FALSE(Get<v1::Execution>("Execution", "alice", "run").meta.deletion_timestamp);
}

TEST_F(UserTest, ASubnetThatIsTakenIsSaidAndTheRestIsMade) {
  MakeReady();
  v1::User bob = Alice();
  bob.meta.name = "bob";
  bob.meta.uid = "uid-bob";
  bob.spec.network.subnet = "10.192.0.0/16";
  Put(bob, "User");
  Run(2s);
  const v1::User seen = Get<v1::User>("User", "", "bob");
  const Condition* network = FindCondition(seen.status.conditions, "NetworkReady");
  ASSERT_NE(network, nullptr);
  EXPECT_EQ(network->reason, "SubnetTaken");
  EXPECT_THAT(network->message, HasSubstr("10.192.0.0/24"));
  EXPECT_EQ(FindCondition(seen.status.conditions, "Ready")->reason, "SubnetTaken");
  EXPECT_TRUE(Stands("Workspace", "bob", "bob"));
}

TEST_F(UserTest, RemovedAndMadeAgainAtOnceItWaitsForTheName) {
  Put(Alice(), "User");
  Run(2s);
  RequestDeletion();
  Run(1s);
  Release<v1::Gateway>("Gateway", "alice");
  Run(1s);
  Release<v1::Workspace>("Workspace", "alice");
  while (Stands("User", "", "alice")) Run(10ms);
  v1::User again = Alice();
  again.meta.uid = "uid-again";
  Put(again, "User");
  Run(20ms);
  EXPECT_EQ(Ready("NetworkReady"), "False NetworkBusy");
  Run(10s);
  EXPECT_EQ(Ready("NetworkReady"), "True Ready");
  EXPECT_EQ(Get<v1::Workspace>("Workspace", "alice", "alice").meta.owner_references.at(0).uid,
            "uid-again");
  EXPECT_THAT(Events(), Not(Contains(HasSubstr("NetworkBusy"))));
}

}  // namespace
}  // namespace zoe
