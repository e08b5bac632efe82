// Garbage collection under the engine: a store that outlives the process, and processes that die.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "apis/memory/memory_store.h"
#include "apis/sim/sim_swarm.h"
#include "controller/cache/informer.h"
#include "controller/loop/controller.h"
#include "controller/runtime/manual_clock.h"
#include "reconcilers/garbage/garbage_collector.h"
#include "specs/meta/finalizers.h"
#include "specs/v1/application.h"
#include "specs/v1/credential.h"
#include "specs/v1/user.h"
#include "specs/v1/workspace.h"

namespace zoe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Its process dies with the write after `writes` others: from then on nothing gets through.
class MortalStore : public Store {
 public:
  explicit MortalStore(Store& store) : store_(store) {}
  int writes_left = 1'000'000;
  int writes = 0;

  Expected<Record> Get(const Key& key) override {
    if (dead()) return Gone();
    return store_.Get(key);
  }
  Expected<Listing> List(std::string_view kind) override {
    if (dead()) return Gone();
    return store_.List(kind);
  }
  Expected<Revision> Create(const Key& key, std::string bytes) override {
    if (!MayWrite()) return Gone();
    return store_.Create(key, std::move(bytes));
  }
  Expected<Revision> Replace(const Key& key, Revision expected, std::string bytes) override {
    if (!MayWrite()) return Gone();
    return store_.Replace(key, expected, std::move(bytes));
  }
  Expected<Revision> Delete(const Key& key, Revision expected) override {
    if (!MayWrite()) return Gone();
    return store_.Delete(key, expected);
  }
  Expected<Revision> Turn(const Key& place) override {
    return dead() ? Expected<Revision>(Gone()) : store_.Turn(place);
  }
  Expected<Revision> WriteInTurn(const Key& key, Revision expected, std::string bytes,
                                 Revision turn) override {
    if (!MayWrite()) return Gone();
    return store_.WriteInTurn(key, expected, std::move(bytes), turn);
  }
  Expected<std::unique_ptr<Watch>> Subscribe(Feed feed) override {
    return store_.Subscribe(std::move(feed));
  }
  Expected<std::unique_ptr<Watch>> Campaign(std::string identity,
                                            LeaderCallback callback) override {
    return store_.Campaign(std::move(identity), std::move(callback));
  }
  Expected<std::vector<Candidate>> Candidates() override { return store_.Candidates(); }
  Store& ForLeader() override { return *this; }
  Expected<void> Ping() override { return store_.Ping(); }

 private:
  bool dead() const { return writes_left < 0; }
  bool MayWrite() {
    if (--writes_left < 0) return false;
    ++writes;
    return true;
  }
  static Error Gone() { return MakeError(Code::kUnavailable, "the process has died"); }

  Store& store_;
};

// One process that collects.
struct Process {
  Process(Store& the_store, ManualClock& the_clock)
      : clock(the_clock), store(the_store), swarm(MakeSimSwarm({}, clock)) {
    loop.SetLease(SteadyTime::max());
  }
  void Sync() {
    while (informer.PumpOnce()) {
    }
  }
  void Run(Duration d = Duration(20'000)) {
    const SteadyTime end = clock.Now() + d;
    while (true) {
      Sync();
      if (loop.Step()) continue;
      const SteadyTime next = std::min(loop.NextDue(), end);
      if (next >= end) break;
      clock.AdvanceTo(std::max(next, clock.Now() + Duration(1)));
    }
    clock.AdvanceTo(end);
    Sync();
  }

  ManualClock& clock;
  MortalStore store;
  std::unique_ptr<SimSwarm> swarm;
  Metrics metrics;
  Cache cache;
  Informer informer{store, cache, clock, metrics};
  EventRecorder events{store, clock, metrics};
  GarbageCollector collector{cache, store};
  Controller loop{{.name = "garbage",
                   .related = [this](const CacheEvent& event,
                                     std::vector<Key>& keys) { collector.Related(event, keys); },
                   .all = [this](std::vector<Key>& keys) { collector.All(keys); }},
                  collector,
                  {store, cache, *swarm, clock, metrics, events}};
};

class Garbage : public testing::Test {
 protected:
  using Owner = OwnerReference;
  static Owner Of(const std::string& name, bool blocks = false,
                  const std::string& kind = "Application") {
    return {"zoe/v1", kind, name, "uid-" + name, false, blocks};
  }
  void Put(const std::string& name, std::vector<Owner> owners = {},
           std::vector<std::string> finalizers = {}) {
    v1::Application object;
    object.meta.ns = "alice";
    object.meta.name = name;
    object.meta.uid = "uid-" + name;
    object.meta.owner_references = std::move(owners);
    object.meta.finalizers = std::move(finalizers);
    Write("Application", object);
  }
  void Write(const std::string& kind, const ObjectBase& object) {
    const Key key{kind, object.meta.ns, object.meta.name};
    const auto record = store->Get(key);
    const std::string bytes = v1::EncodeJson(*v1::FindKind(kind), object);
    ASSERT_TRUE(
        (record.ok() ? store->Replace(key, record->revision, bytes) : store->Create(key, bytes))
            .ok());
  }
  void Remove(const std::string& name, const std::string& kind = "Application",
              const std::string& ns = "alice") {
    const Key key{kind, ns, name};
    ASSERT_TRUE(store->Delete(key, store->Get(key)->revision).ok());
  }
  // As a DELETE with that policy.
  void RequestDeletion(const std::string& name, std::string_view finalizer) {
    v1::Application object = *Get(name);
    object.meta.deletion_timestamp = WallTime{};
    object.meta.finalizers.emplace_back(finalizer);
    Write("Application", object);
  }
  std::optional<v1::Application> Get(const std::string& name) {
    const auto record = store->Get({"Application", "alice", name});
    if (!record.ok()) return std::nullopt;
    return static_cast<const v1::Application&>(
        **v1::DecodeStored(*v1::FindKind("Application"), record->bytes));
  }
  // "a b!": those that stand, "!" while their deletion is awaited.
  std::vector<std::string> Standing() {
    std::vector<std::string> names;
    const auto listing = store->List("Application");
    for (const Record& record : listing->records)
      names.push_back(record.key.name + (Get(record.key.name)->meta.deletion_timestamp ? "!" : ""));
    return names;
  }
  void Collect() { Process(*store, clock).Run(); }

  ManualClock clock;
  std::unique_ptr<Store> store = MakeMemoryStore({.threaded = false});
};

TEST_F(Garbage, DependentsFollowTheirOwnerInTheBackgroundHoweverDeep) {
  Put("a");
  Put("b", {Of("a")});
  Put("c", {Of("b")});
  Put("d");
  Process process(*store, clock);
  process.Run();
  EXPECT_THAT(Standing(), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(process.store.writes, 0);
  Remove("a");
  process.Run();
  EXPECT_THAT(Standing(), ElementsAre("d"));
}

TEST_F(Garbage, OwnerGoneWhileNobodyCollectedIsNoticed) {
  Put("b", {Of("a")});
  Put("held", {Of("a")}, {"test/hold"});
  Collect();
  EXPECT_THAT(Standing(), ElementsAre("held!"));
}

TEST_F(Garbage, OneOwnerThatStandsIsEnoughAndTheOthersReferencesGo) {
  Put("a");
  Put("b", {Of("gone"), Of("a")});
  Collect();
  ASSERT_TRUE(Get("b"));
  EXPECT_EQ(Get("b")->meta.owner_references, std::vector<Owner>{Of("a")});
}

TEST_F(Garbage, NamesakeWithAnotherUidIsAnotherObject) {
  Put("a");
  Put("b", {{"zoe/v1", "Application", "a", "uid-of-the-former", false, false}});
  Collect();
  EXPECT_THAT(Standing(), ElementsAre("a"));
}

TEST_F(Garbage, ReferencesOfOtherGroupsAndUnreadableOwnersAreTakenToStand) {
  Put("b", {{"apps/v1", "Deployment", "web", "uid", true, true}});
  Put("c", {{"zoe/v1", "Nothing", "web", "uid", true, true}});
  Put("d", {Of("broken")});
  ASSERT_TRUE(store->Create({"Application", "alice", "broken"}, "{nonsense").ok());
  Collect();
  EXPECT_TRUE(Get("b") && Get("c") && Get("d"));
}

TEST_F(Garbage, OwnerOfAnotherNamespaceIsNoOwner) {
  v1::Application other;
  other.meta.ns = "bob";
  other.meta.name = "a";
  other.meta.uid = "uid-a";
  Write("Application", other);
  Put("b", {Of("a")});
  Collect();
  EXPECT_THAT(store->List("Application")->records.size(), 1u);
}

TEST_F(Garbage, OwnerThatTheCacheDoesNotShowYetIsAskedOfTheStore) {
  Process process(*store, clock);
  process.Run();
  Put("b", {Of("a")});
  process.Sync();
  Put("a");
  while (process.loop.Step()) {
  }
  EXPECT_THAT(Standing(), ElementsAre("a", "b"));
}

TEST_F(Garbage, ForegroundWaitsForBlockingDependentsAndTheirs) {
  Put("a");
  Put("b", {Of("a", true)});
  Put("c", {Of("b", true)}, {"test/hold"});
  Put("loose", {Of("a")}, {"test/hold"});
  RequestDeletion("a", kForegroundFinalizer);
  Process process(*store, clock);
  process.Run();
  EXPECT_THAT(Standing(), ElementsAre("a!", "b!", "c!", "loose!"));
  v1::Application c = *Get("c");
  c.meta.finalizers.clear();
  Write("Application", c);
  Remove("c");
  process.Run();
  EXPECT_THAT(Standing(), ElementsAre("loose!"));
}

TEST_F(Garbage, CircleGoesInTheForegroundToo) {
  Put("a", {Of("b", true)});
  Put("b", {Of("a", true)});
  RequestDeletion("a", kForegroundFinalizer);
  Collect();
  EXPECT_THAT(Standing(), IsEmpty());
}

TEST_F(Garbage, WhoBelongsToItselfAwaitsNobody) {
  Put("a", {Of("a", true)});
  RequestDeletion("a", kForegroundFinalizer);
  Collect();
  EXPECT_THAT(Standing(), IsEmpty());
}

TEST_F(Garbage, OrphansLoseTheirReferenceAndStay) {
  Put("a");
  Put("b", {Of("a", true)});
  Put("c", {Of("a"), Of("d")});
  Put("d");
  RequestDeletion("a", kOrphanFinalizer);
  Collect();
  EXPECT_THAT(Standing(), ElementsAre("b", "c", "d"));
  EXPECT_THAT(Get("b")->meta.owner_references, IsEmpty());
  EXPECT_EQ(Get("c")->meta.owner_references, std::vector<Owner>{Of("d")});
}

TEST_F(Garbage, WhatTheUsersReconcilerRemovesIsLeftToIt) {
  v1::User user;
  user.meta.name = "alice";
  user.meta.uid = "uid-alice";
  user.meta.deletion_timestamp = WallTime{};
  user.meta.finalizers = {"zoe/user", std::string(kForegroundFinalizer)};
  Write("User", user);
  v1::Workspace workspace;
  workspace.meta.name = workspace.meta.ns = "alice";
  workspace.meta.owner_references = {Of("alice", true, "User")};
  Write("Workspace", workspace);
  v1::Credential credential;
  credential.meta.name = "login";
  credential.meta.ns = "alice";
  credential.meta.owner_references = {{"zoe/v1", "User", "alice", "uid-of-the-former"}};
  Write("Credential", credential);
  Process process(*store, clock);
  process.Run();
  EXPECT_TRUE(store->Get({"Workspace", "alice", "alice"}).ok());
  EXPECT_FALSE(store->Get({"Credential", "alice", "login"}).ok());
  Remove("alice", "Workspace");
  process.Run();
  const auto left =
      v1::DecodeStored(*v1::FindKind("User"), store->Get({"User", "", "alice"})->bytes);
  EXPECT_THAT((*left)->meta.finalizers, ElementsAre("zoe/user"));
}

TEST_F(Garbage, UsersBelongToNobody) {
  v1::User user;
  user.meta.name = "alice";
  user.meta.owner_references = {Of("gone", true, "User")};
  Write("User", user);
  Collect();
  ASSERT_TRUE(store->Get({"User", "", "alice"}).ok());
}

// Whichever write was the last before a process died, the next one ends with the same world; and a
// settled world is not written to.
TEST_F(Garbage, EndsTheSameAfterACrashAtAnyWrite) {
  for (int crash = 0;; ++crash) {
    store = MakeMemoryStore({.threaded = false});
    for (const char* root : {"a", "f", "o"}) Put(root);
    Put("a1", {Of("a")});
    Put("a2", {Of("a1")});
    Put("f1", {Of("f", true)});
    Put("f2", {Of("f1", true)});
    Put("o1", {Of("o")});
    Put("o2", {Of("o"), Of("never")});
    Remove("a");
    RequestDeletion("f", kForegroundFinalizer);
    RequestDeletion("o", kOrphanFinalizer);
    int writes = 0;
    {
      Process mortal(*store, clock);
      mortal.store.writes_left = crash;
      mortal.Run();
      writes = mortal.store.writes;
    }
    Process next(*store, clock);
    next.Run(std::chrono::minutes(12));
    EXPECT_THAT(Standing(), ElementsAre("o1")) << "crashed after " << crash;
    const int settled = next.store.writes;
    next.Run(std::chrono::minutes(12));
    EXPECT_EQ(next.store.writes, settled);
    if (writes < crash) {
      EXPECT_EQ(settled, 0);
      break;
    }
    ASSERT_LT(crash, 100);
  }
}

}  // namespace
}  // namespace zoe
