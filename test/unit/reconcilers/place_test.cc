#include "reconcilers/namespace/place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apis/memory/memory_store.h"
#include "controller/cache/informer.h"
#include "controller/runtime/manual_clock.h"
#include "reconcilers/execution/execution_reconciler.h"
#include "specs/v1/gateway.h"
#include "specs/v1/kinds.h"
#include "specs/v1/quota.h"
#include "specs/v1/user.h"

namespace zoe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kAlice = "alice";

class PlaceTest : public testing::Test {
 protected:
  PlaceTest() {
    user.meta.name = kAlice;
    user.spec.uid = 1001;
    user.spec.gid = 1002;
    Say(user.status.conditions, "NetworkReady", "True");
    for (Meta* meta : {&workspace.meta, &gateway.meta}) {
      meta->name = kAlice;
      meta->ns = kAlice;
    }
    Say(workspace.status.conditions, "Ready", "True");
    Say(gateway.status.conditions, "Ready", "True");
    gateway.status.socks = "socks5h://10.0.0.5:30123";
    // The keys that each change concerns.
    listening = cache.Listen(
        [this](const CacheEvent& event) { ExecutionsConcernedBy(cache, event, concerned); });
    Pump();
  }

  static void Say(std::vector<Condition>& conditions, const char* type, const char* status,
                  const char* reason = "", const char* message = "") {
    SetCondition(conditions, {type, status, reason, message, {}, 1}, WallTime{});
  }

  void Pump() {
    while (informer.PumpOnce()) {
    }
  }

  template <class T>
  void Put(const char* kind, const T& object) {
    const Key key{kind, object.meta.ns, object.meta.name};
    const std::string bytes = v1::EncodeJson(*v1::FindKind(kind), object);
    const auto record = store->Get(key);
    const auto put =
        record.ok() ? store->Replace(key, record->revision, bytes) : store->Create(key, bytes);
    ASSERT_TRUE(put.ok());
    Pump();
  }
  void PutAll() {
    Put("User", user);
    Put("Workspace", workspace);
    Put("Gateway", gateway);
  }
  std::string WaitsFor() { return PlaceOf(cache, kAlice).waiting_for; }

  ManualClock clock;
  Metrics metrics;
  std::unique_ptr<Store> store = MakeMemoryStore({.threaded = false});
  Cache cache;
  Informer informer{*store, cache, clock, metrics};
  std::vector<Key> concerned;
  std::shared_ptr<void> listening;
  v1::User user;
  v1::Workspace workspace;
  v1::Gateway gateway;
};

TEST_F(PlaceTest, ANamespaceWithoutAUserIsReadyAndGivesNothing) {
  EXPECT_EQ(PlaceOf(cache, kAlice), Place{});
}

TEST_F(PlaceTest, AUsersPlaceIsReadyWhenNetworkAndWorkspaceAre) {
  Put("User", user);
  EXPECT_EQ(WaitsFor(), "workspace alice is being made");
  EXPECT_FALSE(PlaceOf(cache, kAlice).ready);
  Put("Workspace", workspace);
  Place wanted{.has_user = true, .uid = 1001, .gid = 1002, .has_workspace = true};
  EXPECT_EQ(PlaceOf(cache, kAlice), wanted);
  workspace.spec.volume.emplace();
  PutAll();
  wanted.volume.emplace();
  wanted.has_gateway = true;
  wanted.via = "socks5h://10.0.0.5:30123";
  EXPECT_EQ(PlaceOf(cache, kAlice), wanted);
  EXPECT_EQ(PlaceOf(cache, "bob"), Place{});
}

TEST_F(PlaceTest, SaysWhatIsWaitedForAndWhy) {
  user.status.conditions.clear();
  PutAll();
  EXPECT_EQ(WaitsFor(), "the network of user alice is being made");
  Say(user.status.conditions, "NetworkReady", "False", "PoolExhausted", "no /24 is free");
  PutAll();
  EXPECT_EQ(WaitsFor(), "the network of user alice is not ready: no /24 is free");
  Say(user.status.conditions, "NetworkReady", "True");
  Say(workspace.status.conditions, "Ready", "False", "ReadOnly");
  PutAll();
  EXPECT_EQ(WaitsFor(), "workspace alice is not ready: ReadOnly");
  Say(workspace.status.conditions, "Ready", "True");
  workspace.meta.deletion_timestamp = WallTime{};
  PutAll();
  EXPECT_EQ(WaitsFor(), "workspace alice is being deleted");
  user.meta.deletion_timestamp = WallTime{};
  PutAll();
  EXPECT_EQ(WaitsFor(), "user alice is being deleted");
}

TEST_F(PlaceTest, WithoutItsUidNobodyStartsAsRoot) {
  user.spec.uid.reset();
  PutAll();
  EXPECT_EQ(WaitsFor(), "user alice has no spec.uid yet");
}

// Of what is written several times only the last version is shown, when its turn comes: an
// execution may be here before the user that was there first.
TEST_F(PlaceTest, AUserThatIsStillToBeShownIsWaitedFor) {
  const auto write = [&](const char* kind, const auto& object) {
    const Key key{kind, object.meta.ns, object.meta.name};
    const std::string bytes = v1::EncodeJson(*v1::FindKind(kind), object);
    const auto record = store->Get(key);
    const auto put =
        record.ok() ? store->Replace(key, record->revision, bytes) : store->Create(key, bytes);
    ASSERT_TRUE(put.ok());
  };
  v1::Execution execution;
  execution.meta.name = "run";
  execution.meta.ns = kAlice;
  write("User", user);
  write("Execution", execution);
  user.spec.email = "alice@example.org";
  write("User", user);
  Place seen;
  const auto watching = cache.Listen([&](const CacheEvent& event) {
    if (event.entry->key.kind == "Execution") seen = PlaceOf(cache, kAlice);
  });
  Pump();
  EXPECT_FALSE(seen.ready);
  EXPECT_EQ(seen.waiting_for, "user alice can't be read yet");
  EXPECT_EQ(WaitsFor(), "workspace alice is being made");
}

TEST_F(PlaceTest, AUserThatIsDamagedIsWaitedFor) {
  ASSERT_TRUE(store->Create({"User", "", kAlice}, "{").ok());
  Pump();
  EXPECT_EQ(WaitsFor(), "user alice can't be read yet");
}

TEST_F(PlaceTest, AWorkspaceThatStandsAloneIsWaitedFor) {
  workspace.status.conditions.clear();
  Put("Workspace", workspace);
  const Place place = PlaceOf(cache, kAlice);
  EXPECT_EQ(place.waiting_for, "workspace alice is being made");
  EXPECT_FALSE(place.ready);
  EXPECT_FALSE(place.has_user);
  EXPECT_FALSE(place.uid);
}

TEST_F(PlaceTest, AGatewayThatIsNotReadyLeadsNowhere) {
  Say(gateway.status.conditions, "Ready", "False", "Starting");
  PutAll();
  EXPECT_EQ(PlaceOf(cache, kAlice).via, "");
  EXPECT_TRUE(PlaceOf(cache, kAlice).has_gateway);
  EXPECT_TRUE(PlaceOf(cache, kAlice).ready);
  gateway.meta.deletion_timestamp = WallTime{};
  PutAll();
  EXPECT_FALSE(PlaceOf(cache, kAlice).has_gateway);
}

TEST_F(PlaceTest, OnlyChangesOfThePlaceConcernUnfinishedExecutionsOfTheNamespace) {
  v1::Execution execution;
  execution.meta.ns = kAlice;
  execution.meta.name = "run";
  Put("Execution", execution);
  execution.meta.name = "done";
  execution.status.phase = v1::kSucceeded;
  Put("Execution", execution);
  execution.meta.name = "other";
  execution.meta.ns = "bob";
  execution.status.phase = v1::kRunning;
  Put("Execution", execution);
  EXPECT_THAT(concerned, IsEmpty());
  const Key run{"Execution", kAlice, "run"};
  PutAll();
  EXPECT_THAT(concerned, ElementsAre(run, run, run));

  concerned.clear();
  workspace.status.used_bytes = 7;
  Say(workspace.status.conditions, "OverQuota", "True");
  user.spec.ssh_keys = {"ssh-ed25519 AAAA"};
  Say(user.status.conditions, "GatewayReady", "False");
  gateway.spec.shell = true;
  gateway.status.ssh_port = 7;
  PutAll();
  EXPECT_THAT(concerned, IsEmpty());

  Say(workspace.status.conditions, "Ready", "False", "NoSpace");
  Put("Workspace", workspace);
  EXPECT_THAT(concerned, ElementsAre(run));
  gateway.status.socks = "socks5h://10.0.0.6:1";
  Put("Gateway", gateway);
  EXPECT_THAT(concerned, ElementsAre(run, run));
  const auto record = store->Get({"Workspace", kAlice, kAlice});
  ASSERT_TRUE(store->Delete({"Workspace", kAlice, kAlice}, record->revision).ok());
  Pump();
  EXPECT_THAT(concerned, ElementsAre(run, run, run));
}

TEST_F(PlaceTest, WhoMayRunLongerOrShorterNowIsConcernedAndNobodyElse) {
  v1::Execution execution;
  execution.meta.ns = kAlice;
  execution.meta.name = "run";
  Put("Execution", execution);
  Put("User", user);
  concerned.clear();
  const Key run{"Execution", kAlice, "run"};
  v1::Quota quota;
  quota.meta.name = "students";
  quota.spec.runtime = "1h";
  Put("Quota", quota);
  EXPECT_THAT(concerned, ElementsAre(run));
  quota.spec.executions = 3;
  quota.spec.runtime = "60m";
  Put("Quota", quota);
  EXPECT_THAT(concerned, ElementsAre(run));
  quota.spec.runtime = "30m";
  Put("Quota", quota);
  user.spec.quota = "students";
  Put("User", user);
  EXPECT_THAT(concerned, ElementsAre(run, run, run));
}

}  // namespace
}  // namespace zoe
