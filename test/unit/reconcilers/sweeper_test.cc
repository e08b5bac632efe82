#include "reconcilers/sweep/sweeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apis/memory/memory_store.h"
#include "apis/sim/sim_swarm.h"
#include "controller/cache/informer.h"
#include "controller/identity/store_identity.h"
#include "controller/runtime/manual_clock.h"
#include "reconcilers/namespace/network.h"
#include "specs/v1/event.h"
#include "specs/v1/execution.h"
#include "specs/v1/gateway.h"
#include "specs/v1/kinds.h"
#include "specs/v1/user.h"

namespace zoe {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAre;

class Sweep : public testing::Test {
 protected:
  Sweep() {
    swarm.With([](sim::Cluster& cluster) {
      SwarmServiceSpec stranger;
      stranger.name = "stranger";
      (void)cluster.CreateService(stranger);
    });
  }

  void Sync() {
    while (informer.PumpOnce()) {
    }
  }

  Revision Put(const std::string& ns, const std::string& name, const std::string& uid) {
    v1::Execution execution;
    execution.meta.name = name;
    execution.meta.ns = ns;
    execution.meta.uid = uid;
    return *store->Create({"Execution", ns, name},
                          v1::EncodeJson(*v1::FindKind("Execution"), execution));
  }

  void PutService(const std::string& ns, const std::string& name, const std::string& uid,
                  const std::string& deployment = "zoe", const std::string& store_id = "",
                  const std::string& kind = "Execution") {
    SwarmServiceSpec spec;
    spec.name = name + "-" + uid;
    spec.labels = {{"zoe.deployment", deployment},
                   {"zoe.namespace", ns},
                   {"zoe.kind", kind},
                   {"zoe.name", name},
                   {"zoe.uid", uid}};
    if (!store_id.empty()) spec.labels["zoe.store"] = store_id;
    swarm.With([&](sim::Cluster& cluster) { ASSERT_TRUE(cluster.CreateService(spec).ok()); });
  }

  void PutNetwork(const std::string& ns, const std::string& deployment = "zoe",
                  const std::string& store_id = "") {
    swarm.With([&](sim::Cluster& cluster) {
      SwarmNetworkSpec spec;
      spec.name = NetworkName(deployment, ns);
      spec.labels = {{"zoe.deployment", deployment}, {"zoe.namespace", ns}};
      if (!store_id.empty()) spec.labels["zoe.store"] = store_id;
      ASSERT_TRUE(cluster.CreateNetwork(spec).ok());
    });
  }

  Duration Pass() {
    StatusDraft draft;
    const auto result = sweeper.Reconcile(ctx, Sweeper::SweepKey(), draft);
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().ToString());
    return result.ok() ? result->requeue_after : Duration(-1);
  }

  std::vector<std::string> Services() {
    std::vector<std::string> names;
    swarm.With([&](sim::Cluster& cluster) {
      for (const SwarmService& s : cluster.Services([](const auto&) { return true; }))
        names.push_back(s.spec.name);
    });
    return names;
  }

  std::vector<std::string> Networks() {
    std::vector<std::string> names;
    swarm.With([&](sim::Cluster& cluster) {
      for (const SwarmNetwork& n : cluster.Networks()) names.push_back(n.spec.name);
    });
    return names;
  }

  ManualClock clock;
  Metrics metrics;
  std::unique_ptr<Store> store = MakeMemoryStore({.threaded = false});
  Cache cache;
  Informer informer{*store, cache, clock, metrics};
  SimSwarm swarm{{.threaded = false}, clock};
  Sweeper sweeper{cache, *store, swarm, "zoe", {&metrics, nullptr}};
  Context ctx{clock};
};

TEST_F(Sweep, NothingIsRemovedBeforeTheStoreHasBeenRead) {
  PutService("alice", "gone", "u1");
  PutNetwork("alice");
  EXPECT_GT(Pass(), Duration(0));
  clock.Advance(std::chrono::hours(1));
  Pass();
  EXPECT_THAT(Services(), UnorderedElementsAre("stranger", "gone-u1"));
  EXPECT_THAT(Networks(), UnorderedElementsAre("zoe-zoe-alice"));
}

TEST_F(Sweep, ServicesWithoutOwnerGoAndOthersStay) {
  Put("alice", "here", "u1");
  Put("alice", "again", "u3");
  PutService("alice", "here", "u1");
  PutService("alice", "gone", "u2");
  PutService("alice", "again", "u2");  // its owner was deleted and made again
  PutService("alice", "gone", "u9", "other");
  Sync();
  Pass();
  EXPECT_THAT(Services(), UnorderedElementsAre("stranger", "here-u1", "gone-u9"));
}

TEST_F(Sweep, TheStoreIsAskedBeforeAnythingIsRemoved) {
  Sync();
  Put("alice", "young", "u1");  // the cache doesn't know it yet
  PutService("alice", "young", "u1");
  PutNetwork("alice");
  Pass();
  clock.Advance(std::chrono::seconds(20));
  Pass();
  EXPECT_THAT(Services(), UnorderedElementsAre("stranger", "young-u1"));
  EXPECT_THAT(Networks(), UnorderedElementsAre("zoe-zoe-alice"));
}

TEST_F(Sweep, ANetworkWithoutServicesIsKeptWhileTheStoreHasAnExecutionOfItsNamespace) {
  Sync();
  Put("alice", "young", "u1");  // the cache doesn't know it yet
  PutNetwork("alice");
  Pass();
  clock.Advance(std::chrono::seconds(20));
  Pass();
  EXPECT_THAT(Networks(), UnorderedElementsAre("zoe-zoe-alice"));
}

TEST_F(Sweep, TheNetworkOfAnEmptyNamespaceGoesAfterTenSeconds) {
  const Revision revision = Put("alice", "run", "u1");
  PutNetwork("alice");
  PutNetwork("bob");
  PutNetwork("bob", "other");
  Sync();
  EXPECT_EQ(Pass(), Duration(10'000));
  clock.Advance(Duration(9'999));
  EXPECT_EQ(Pass(), Duration(1));
  EXPECT_THAT(Networks(), UnorderedElementsAre("zoe-zoe-alice", "zoe-zoe-bob", "zoe-other-bob"));
  clock.Advance(Duration(1));
  Pass();
  EXPECT_THAT(Networks(), UnorderedElementsAre("zoe-zoe-alice", "zoe-other-bob"));
  ASSERT_TRUE(store->Delete({"Execution", "alice", "run"}, revision).ok());
  Sync();
  EXPECT_EQ(Pass(), Duration(10'000));
  clock.Advance(Duration(5'000));
  const Revision back = Put("alice", "run", "u2");  // the ten seconds begin anew
  Sync();
  Pass();
  ASSERT_TRUE(store->Delete({"Execution", "alice", "run"}, back).ok());
  Sync();
  clock.Advance(Duration(5'000));
  EXPECT_EQ(Pass(), Duration(10'000));
  clock.Advance(Duration(10'000));
  EXPECT_EQ(Pass(), Duration(300'000));
  EXPECT_THAT(Networks(), UnorderedElementsAre("zoe-other-bob"));
}

TEST_F(Sweep, TheNetworkOfAUserOrAGatewayIsKept) {
  v1::User alice;
  alice.meta.name = "alice";
  v1::Gateway bob;
  bob.meta.ns = bob.meta.name = "bob";
  const Revision user =
      *store->Create({"User", "", "alice"}, v1::EncodeJson(*v1::FindKind("User"), alice));
  PutNetwork("alice");
  PutNetwork("bob");
  Sync();
  ASSERT_TRUE(  // the cache doesn't know it yet
      store->Create({"Gateway", "bob", "bob"}, v1::EncodeJson(*v1::FindKind("Gateway"), bob)).ok());
  Pass();
  clock.Advance(std::chrono::seconds(20));
  Pass();
  EXPECT_THAT(Networks(), UnorderedElementsAre("zoe-zoe-alice", "zoe-zoe-bob"));
  ASSERT_TRUE(store->Delete({"User", "", "alice"}, user).ok());
  Sync();
  Pass();
  clock.Advance(std::chrono::seconds(20));
  Pass();
  EXPECT_THAT(Networks(), UnorderedElementsAre("zoe-zoe-bob"));
}

TEST_F(Sweep, SecretsWithoutOwnerGoOnceNothingUsesThem) {
  const auto put = [&](const std::string& name, const std::string& uid,
                       const std::string& deployment = "zoe") {
    return *swarm.CreateSecret(ctx, name,
                               {{"zoe.deployment", deployment},
                                {"zoe.namespace", "alice"},
                                {"zoe.kind", "Gateway"},
                                {"zoe.name", "alice"},
                                {"zoe.uid", uid}},
                               "secret");
  };
  v1::Gateway gateway;
  gateway.meta.ns = gateway.meta.name = "alice";
  gateway.meta.uid = "u1";
  ASSERT_TRUE(
      store
          ->Create({"Gateway", "alice", "alice"}, v1::EncodeJson(*v1::FindKind("Gateway"), gateway))
          .ok());
  Sync();
  put("here", "u1");
  put("gone", "u0");
  put("theirs", "u0", "other");
  SwarmServiceSpec user;
  user.name = "user";
  user.secrets = {{put("used", "u0"), "used", "file"}};
  std::string id;
  swarm.With([&](sim::Cluster& cluster) { id = *cluster.CreateService(user); });
  const auto secrets = [&] {
    std::vector<std::string> names;
    const auto listed = swarm.ListSecrets(ctx);
    for (const SwarmSecret& secret : *listed) names.push_back(secret.name);
    return names;
  };
  EXPECT_EQ(Pass(), Duration(10'000));
  EXPECT_THAT(secrets(), UnorderedElementsAre("here", "used"));
  swarm.With([&](sim::Cluster& cluster) {
    (void)cluster.RemoveService(id);
    EXPECT_TRUE(std::ranges::any_of(cluster.Secrets(),
                                    [](const SwarmSecret& s) { return s.name == "theirs"; }));
  });
  EXPECT_EQ(Pass(), Duration(300'000));
  EXPECT_THAT(secrets(), UnorderedElementsAre("here"));
}

// An empty store beside a living Swarm is a lost one.
TEST_F(Sweep, WhatAnotherStoreHasMadeIsLeftAloneAndReported) {
  v1::StoreInfo info = NewStoreInfo(clock.WallNow(), "this");
  info.spec.replaced = {"before"};
  ASSERT_TRUE(store->Create(v1::StoreInfoKey(), EncodeStoreInfo(info)).ok());
  Put("alice", "adopted", "u1");
  PutService("alice", "adopted", "u1", "zoe", "lost");
  PutService("alice", "lost", "u2", "zoe", "lost");
  PutService("alice", "mine", "u3", "zoe", "this");
  PutService("alice", "first", "u4", "zoe", "before");
  PutService("alice", "old", "u5");
  PutNetwork("carol", "zoe", "lost");
  PutNetwork("dave", "zoe", "this");
  ASSERT_TRUE(swarm
                  .CreateSecret(ctx, "secret",
                                {{"zoe.deployment", "zoe"},
                                 {"zoe.kind", "Gateway"},
                                 {"zoe.name", "carol"},
                                 {"zoe.namespace", "carol"},
                                 {"zoe.uid", "u6"},
                                 {"zoe.store", "lost"}},
                                "x")
                  .ok());
  Sync();
  Pass();
  clock.Advance(std::chrono::seconds(20));
  Pass();
  EXPECT_THAT(Services(), UnorderedElementsAre("stranger", "adopted-u1", "lost-u2"));
  EXPECT_THAT(Networks(), UnorderedElementsAre("zoe-zoe-carol"));
  EXPECT_EQ(swarm.ListSecrets(ctx)->size(), 1u);
  EXPECT_EQ(metrics.GaugeOf("zoe_sweep_foreign_store", "").value(), 3);
}

TEST_F(Sweep, WhatIsNotUnderstoodOwnsToo) {
  ASSERT_TRUE(store->Create({"Unheard", "alice", "of"}, "{}").ok());
  ASSERT_TRUE(store->Create({"Unheard", "", "cluster"}, "{}").ok());
  ASSERT_TRUE(store->Create({"Execution", "alice", "later"}, "{\"unheardOf\":1}").ok());
  PutService("alice", "of", "u1", "zoe", "", "Unheard");
  PutService("alice", "cluster", "u2", "zoe", "", "Unheard");
  PutService("alice", "later", "u3");
  PutService("alice", "gone", "u4", "zoe", "", "Unheard");
  Sync();
  Pass();
  EXPECT_THAT(Services(), UnorderedElementsAre("stranger", "of-u1", "cluster-u2", "later-u3"));
}

TEST_F(Sweep, T11NoNetworkGoesByAListingThatLacksTheStoresOwnRecord) {
  ASSERT_TRUE(EnsureStoreInfo(*store, clock.WallNow()).ok());
  PutNetwork("alice");
  Sync();
  const Record own = store->Get(v1::StoreInfoKey()).value();
  ASSERT_TRUE(store->Delete(own.key, own.revision).ok());  // the cache doesn't know it yet
  Pass();
  clock.Advance(std::chrono::seconds(20));
  StatusDraft draft;
  EXPECT_FALSE(sweeper.Reconcile(ctx, Sweeper::SweepKey(), draft).ok());
  EXPECT_THAT(Networks(), UnorderedElementsAre("zoe-zoe-alice"));
}

TEST_F(Sweep, EventsAreKeptForAnHour) {
  const v1::Kind& kind = *v1::FindKind("Event");
  for (const int minutes : {59, 61}) {
    v1::Event event;
    event.meta.ns = "alice";
    event.meta.name = "e" + std::to_string(minutes);
    event.last_timestamp = clock.WallNow() - std::chrono::minutes(minutes);
    ASSERT_TRUE(
        store->Create({"Event", "alice", event.meta.name}, v1::EncodeJson(kind, event)).ok());
  }
  Sync();
  Pass();
  const auto left = store->List("Event");
  ASSERT_EQ(left->records.size(), 1u);
  EXPECT_EQ(left->records[0].key.name, "e59");
}

TEST_F(Sweep, ASettledWorldIsLeftAlone) {
  Put("alice", "here", "u1");
  PutService("alice", "here", "u1");
  PutNetwork("alice");
  Sync();
  const int writes = swarm.writes();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Pass(), Duration(300'000));
  EXPECT_EQ(swarm.writes(), writes);
}

}  // namespace
}  // namespace zoe
