#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "apis/memory/memory_store.h"
#include "controller/cache/informer.h"
#include "controller/runtime/local_files.h"
#include "controller/runtime/manual_clock.h"
#include "reconcilers/workspace/workspace_reconciler.h"
#include "specs/v1/execution.h"
#include "specs/v1/kinds.h"
#include "specs/v1/user.h"
#include "test/memory_files.h"

namespace zoe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using State = TreeLook::State;

const Key kKey{"Workspace", "alice", "alice"};
const std::string kPath = "/shared/zoe/alice";

// A store with its cache, a filesystem in memory with its root, and the engine's part of a pass.
class WorkspaceTest : public testing::Test {
 protected:
  WorkspaceTest() {
    files.With([](MemoryFiles::World& world) { world.directories["/shared"]; });
    options.workspace_root = "/shared";
  }

  template <class T>
  void Put(const T& object, const char* kind) {
    const Key key{kind, object.meta.ns, object.meta.name};
    const std::string bytes = v1::EncodeJson(*v1::FindKind(kind), object);
    const auto old = store->Get(key);
    const auto written =
        old.ok() ? store->Replace(key, old->revision, bytes) : store->Create(key, bytes);
    ASSERT_TRUE(written.ok());
    Sync(*written);
  }
  // The store's hints come on a thread of its own.
  void Sync(Revision written) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (cache.revision() < written) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      informer.PumpOnce();
    }
  }
  v1::Workspace Wanted() const {
    v1::Workspace workspace;
    workspace.meta.name = workspace.meta.ns = "alice";
    workspace.meta.uid = "uid-1";
    workspace.meta.generation = 1;
    workspace.spec.uid = 1000;
    workspace.spec.gid = 1001;
    return workspace;
  }
  v1::Workspace Now() const {
    const auto now = cache.Get<v1::Workspace>(kKey);
    return now ? *now : v1::Workspace{};
  }
  void RequestDeletion() {
    v1::Workspace workspace = Now();
    workspace.meta.deletion_timestamp = clock.WallNow();
    Put(workspace, "Workspace");
  }
  void PutExecution(const std::string& name, std::string_view phase) {
    v1::Execution execution;
    execution.meta.name = name;
    execution.meta.ns = "alice";
    execution.meta.uid = "uid-" + name;
    execution.status.phase = phase;
    Put(execution, "Execution");
  }

  // One pass, and what the engine does with its draft. What it asks for.
  Duration Pass() {
    StatusDraft draft;
    const EntryPtr entry = cache.Get(kKey);
    if (entry) draft.object = std::make_shared<v1::Workspace>(Now());
    const auto result = reconciler->Reconcile({clock}, kKey, draft);
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
    events.clear();
    for (const PendingEvent& event : draft.events) events.push_back(event.reason);
    if (draft.remove) {
      const auto deleted = store->Delete(kKey, entry->revision);
      EXPECT_TRUE(deleted.ok());
      if (deleted.ok()) Sync(*deleted);
    } else if (draft.object) {
      const auto& after = static_cast<const v1::Workspace&>(*draft.object);
      wrote = !(after == Now());
      if (wrote) Put(after, "Workspace");
    }
    return result.ok() ? result->requeue_after : Duration(-1);
  }
  // Passes until nothing is written, at most `most`.
  Duration Settle(int most = 10) {
    Duration next{0};
    do {
      next = Pass();
    } while (wrote && --most > 0 && cache.Get(kKey));
    return next;
  }
  std::string Condition(const char* type) const {
    const v1::Workspace now = Now();
    const auto* condition = FindCondition(now.status.conditions, type);
    return condition ? condition->status + "/" + condition->reason : "none";
  }
  std::string Message() const {
    const v1::Workspace now = Now();
    const auto* condition = FindCondition(now.status.conditions, "Ready");
    return condition ? condition->message : "";
  }
  bool Stands() {
    return files.With([](MemoryFiles::World& world) { return world.directories.contains(kPath); });
  }
  int Writes() {
    return files.With([](MemoryFiles::World& world) { return world.writes; });
  }
  void See(TreeLook look) {
    files.With([&](MemoryFiles::World& world) { world.look = look; });
  }
  void SeeAll() {
    files.With([](MemoryFiles::World& world) { world.look.reset(); });
  }

  ManualClock clock;
  Metrics metrics;
  std::unique_ptr<Store> store = MakeMemoryStore();
  Cache cache;
  Informer informer{*store, cache, clock, metrics};
  MemoryFiles files;
  WorkspaceOptions options;
  std::unique_ptr<WorkspaceReconciler> reconciler;
  std::vector<std::string> events;
  bool wrote = false;

  void Start() { reconciler = std::make_unique<WorkspaceReconciler>(files, cache, options); }
  void Start(const v1::Workspace& workspace) {
    Start();
    Put(workspace, "Workspace");
  }
};

TEST_F(WorkspaceTest, TheDirectoryIsMadeAndReadyInOnePassAndThenNothingIsWritten) {
  Start(Wanted());
  Pass();
  EXPECT_EQ(Condition("Ready"), "True/Ready");
  EXPECT_EQ(Now().status.path, kPath);
  EXPECT_EQ(Now().status.observed_generation, 1);
  EXPECT_THAT(Now().meta.finalizers, ElementsAre(v1::kWorkspaceFinalizer));
  EXPECT_THAT(events, ElementsAre("Created"));
  files.With([](MemoryFiles::World& world) {
    const Ownership& owner = world.directories[kPath].owner;
    EXPECT_EQ(owner.uid, 1000);
    EXPECT_EQ(owner.gid, 1001);
    EXPECT_EQ(owner.mode, 0750u);
  });
  const int writes = Writes();
  for (int i = 0; i < 10; ++i) {
    const Duration next = Pass();
    EXPECT_FALSE(wrote);
    EXPECT_THAT(events, IsEmpty());
    EXPECT_GE(next, Duration(20'000)) << "nothing polls fast at rest";
    EXPECT_LE(next, Duration(40'000));
  }
  EXPECT_EQ(Writes(), writes);
}

TEST_F(WorkspaceTest, WhoseItIsTheUserSaysIfTheSpecDoesNot) {
  v1::User user;
  user.meta.name = "alice";
  user.spec.uid = 2000;
  v1::Workspace workspace = Wanted();
  workspace.spec.uid.reset();
  workspace.spec.gid.reset();
  Start(workspace);
  Put(user, "User");
  Settle();
  files.With([](MemoryFiles::World& world) {
    EXPECT_EQ(world.directories[kPath].owner.uid, 2000);
    EXPECT_EQ(world.directories[kPath].owner.gid, 2000);
  });
}

TEST_F(WorkspaceTest, ADirectoryThatIsRemovedOrChangedByHandComesBack) {
  Start(Wanted());
  Settle();
  files.With([](MemoryFiles::World& world) { world.directories.erase(kPath); });
  Pass();
  EXPECT_THAT(events, ElementsAre("Created"));
  EXPECT_TRUE(Stands());
  files.With([](MemoryFiles::World& world) { world.directories[kPath].owner.uid = 0; });
  Pass();
  EXPECT_THAT(events, ElementsAre("Mended"));
  files.With([](MemoryFiles::World& world) {
    EXPECT_EQ(world.directories[kPath].owner.uid, 1000);
    world.directories[kPath].owner.mode = 0777;
  });
  Pass();
  files.With(
      [](MemoryFiles::World& world) { EXPECT_EQ(world.directories[kPath].owner.mode, 0750u); });
}

TEST_F(WorkspaceTest, ARootThatWasUsedIsNotMadeAgainBecauseSomethingShouldBeMountedThere) {
  Start(Wanted());
  Settle();
  files.With([](MemoryFiles::World& world) { world.directories.clear(); });
  const Duration next = Settle();
  EXPECT_EQ(Condition("Ready"), "False/RootMissing");
  EXPECT_THAT(Message(), HasSubstr("mount the shared filesystem there"));
  EXPECT_LE(next, Duration(11'000));
  files.With([](MemoryFiles::World& world) { world.directories["/shared"]; });
  Settle();
  EXPECT_EQ(Condition("Ready"), "False/RootMissing") << "the empty mount point alone won't do";
  EXPECT_FALSE(Stands());
  files.With([](MemoryFiles::World& world) { world.directories["/shared/zoe"]; });
  Settle();
  EXPECT_EQ(Condition("Ready"), "True/Ready");
}

TEST_F(WorkspaceTest, ARootThatWasNeverUsedIsMade) {
  options.workspace_root = "/other";
  Start(Wanted());
  Settle();
  EXPECT_EQ(Condition("Ready"), "True/Ready");
}

struct TroubleRow {
  const char* name;
  TreeLook look;
  const char* reason;
};

TEST_F(WorkspaceTest, TroubleIsSaidAndHealsByItself) {
  const auto look = [](State state, uint64_t available, bool read_only = false) {
    return TreeLook{.state = state,
                    .uid = 1000,
                    .gid = 1001,
                    .mode = 0750,
                    .read_only = read_only,
                    .capacity_bytes = 1 << 30,
                    .available_bytes = available};
  };
  TreeLook no_inodes = look(State::kPresent, 1 << 20);
  no_inodes.available_files = 0;
  const TroubleRow rows[] = {
      {"unmounted", {.state = State::kUnmounted}, "RootMissing"},
      {"read-only", look(State::kPresent, 1 << 20, true), "ReadOnly"},
      {"read-only, missing", look(State::kMissing, 1 << 20, true), "ReadOnly"},
      {"full", look(State::kPresent, 0), "NoSpace"},
      {"out of inodes", no_inodes, "NoSpace"},
      {"a file", look(State::kNotDirectory, 1 << 20), "NotADirectory"},
  };
  Start(Wanted());
  Settle();
  for (const TroubleRow& row : rows) {
    SCOPED_TRACE(row.name);
    See(row.look);
    const int writes = Writes();
    EXPECT_LE(Pass(), Duration(11'000));
    EXPECT_EQ(Condition("Ready"), std::string("False/") + row.reason);
    EXPECT_THAT(events, ElementsAre(row.reason));
    Pass();
    EXPECT_FALSE(wrote);
    EXPECT_EQ(Writes(), writes);
    SeeAll();
    Settle();
    EXPECT_EQ(Condition("Ready"), "True/Ready");
  }
  files.With([](MemoryFiles::World& world) {
    world.broken = MakeError(Code::kUnavailable, "NotResponding", "/shared does not answer");
  });
  EXPECT_LE(Pass(), Duration(11'000));
  EXPECT_EQ(Condition("Ready"), "False/NotResponding");
  EXPECT_EQ(Message(), "/shared does not answer");
}

TEST_F(WorkspaceTest, UseIsCountedInStepsAndAgainOnlyAfterTheInterval) {
  files.With([](MemoryFiles::World& world) { world.steps = 4; });
  Start(Wanted());
  Pass();
  EXPECT_FALSE(Now().status.used_bytes);
  EXPECT_EQ(Condition("Ready"), "True/Ready") << "counting is not waited for";
  files.With([](MemoryFiles::World& world) { world.directories[kPath].usage = {4096, 3}; });
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Pass(), options.step_pause);
  Pass();
  EXPECT_EQ(Now().status.used_bytes, 4096);
  EXPECT_EQ(Now().status.used_files, 3);
  EXPECT_EQ(Now().status.measured_at, clock.WallNow());

  files.With([](MemoryFiles::World& world) { world.directories[kPath].usage = {8192, 4}; });
  clock.Advance(std::chrono::minutes(9));
  Settle();
  EXPECT_EQ(Now().status.used_bytes, 4096);
  clock.Advance(std::chrono::minutes(1));
  for (int i = 0; i < 4; ++i) Pass();
  EXPECT_EQ(Now().status.used_bytes, 8192);
}

TEST_F(WorkspaceTest, TheQuotaIsACondition) {
  v1::Workspace workspace = Wanted();
  workspace.spec.quota = *Quantity::Parse("1Mi");
  files.With([](MemoryFiles::World& world) { world.steps = 2; });
  Start(workspace);
  Pass();
  EXPECT_EQ(Condition("OverQuota"), "Unknown/NotMeasured");
  files.With([](MemoryFiles::World& world) { world.directories[kPath].usage = {1 << 20, 1}; });
  Settle();
  EXPECT_EQ(Condition("OverQuota"), "False/WithinQuota");
  files.With([](MemoryFiles::World& world) { world.directories[kPath].usage = {2 << 20, 1}; });
  clock.Advance(options.measure_interval);
  Pass();
  Pass();
  EXPECT_EQ(Condition("OverQuota"), "True/OverQuota");
  EXPECT_THAT(events, ElementsAre("OverQuota"));
  EXPECT_EQ(Condition("Ready"), "True/Ready") << "nothing is refused";
  workspace = Now();
  workspace.spec.quota = *Quantity::Parse("1Gi");
  ++workspace.meta.generation;
  files.With([](MemoryFiles::World& world) { world.directories[kPath].usage = {3 << 20, 1}; });
  Put(workspace, "Workspace");
  Settle();
  EXPECT_EQ(Condition("OverQuota"), "False/WithinQuota");
  EXPECT_EQ(Now().status.used_bytes, 3 << 20) << "a new spec is held against what is there now";
  workspace = Now();
  workspace.spec.quota.reset();
  Put(workspace, "Workspace");
  Settle();
  EXPECT_EQ(Condition("OverQuota"), "none");
}

TEST_F(WorkspaceTest, FilesStayWhenTheObjectGoes) {
  Start(Wanted());
  Settle();
  PutExecution("running", v1::kRunning);
  RequestDeletion();
  Pass();
  EXPECT_EQ(cache.Get(kKey), nullptr);
  EXPECT_TRUE(Stands());
}

TEST_F(WorkspaceTest, FilesGoWithTheObjectInStepsOnceNobodyUsesThem) {
  v1::Workspace workspace = Wanted();
  workspace.spec.reclaim_policy = v1::kDelete;
  Start(workspace);
  Settle();
  files.With([](MemoryFiles::World& world) { world.steps = 3; });
  PutExecution("running", v1::kRunning);
  PutExecution("finished", v1::kSucceeded);
  RequestDeletion();
  Settle();
  EXPECT_TRUE(Stands());
  EXPECT_EQ(Condition("Ready"), "False/Terminating");
  EXPECT_THAT(Message(), HasSubstr("running"));
  EXPECT_THAT(Message(), testing::Not(HasSubstr("finished")));

  PutExecution("running", v1::kSucceeded);
  Pass();
  EXPECT_TRUE(Stands());
  for (int i = 0; i < 5 && cache.Get(kKey); ++i) Pass();
  EXPECT_FALSE(Stands());
  EXPECT_EQ(cache.Get(kKey), nullptr);
}

TEST_F(WorkspaceTest, AFilesystemThatIsAwayIsWaitedForBeforeTheObjectGoes) {
  v1::Workspace workspace = Wanted();
  workspace.spec.reclaim_policy = v1::kDelete;
  Start(workspace);
  Settle();
  const auto kept = files.With([](MemoryFiles::World& world) {
    return std::exchange(world.directories, {{"/shared", {}}});
  });
  RequestDeletion();
  Settle();
  EXPECT_EQ(Condition("Ready"), "False/RootMissing");
  files.With([&](MemoryFiles::World& world) { world.directories = kept; });
  for (int i = 0; i < 5 && cache.Get(kKey); ++i) Pass();
  EXPECT_EQ(cache.Get(kKey), nullptr);
  EXPECT_FALSE(Stands());
}

TEST_F(WorkspaceTest, WhatHasTheNameOfTheDirectoryAndIsNoneIsLeftAlone) {
  v1::Workspace workspace = Wanted();
  workspace.spec.reclaim_policy = v1::kDelete;
  Start(workspace);
  Settle();
  See({.state = State::kNotDirectory});
  const int writes = Writes();
  RequestDeletion();
  Pass();
  EXPECT_EQ(cache.Get(kKey), nullptr);
  EXPECT_EQ(Writes(), writes);
}

TEST_F(WorkspaceTest, AVolumeIsReadyWithoutADirectory) {
  v1::Workspace workspace = Wanted();
  workspace.spec.volume = v1::WorkspaceVolume{};
  workspace.spec.reclaim_policy = v1::kDelete;
  files.With([](MemoryFiles::World& world) {
    world.broken = MakeError(Code::kUnavailable, "Unavailable", "no filesystem at all");
  });
  Start(workspace);
  EXPECT_EQ(Settle(), Duration(0));
  EXPECT_EQ(Condition("Ready"), "True/Volume");
  EXPECT_EQ(Now().status.volume, "zoe-zoe-alice");
  EXPECT_EQ(Now().status.path, "");
  EXPECT_EQ(Writes(), 0);
  RequestDeletion();
  Pass();
  EXPECT_EQ(cache.Get(kKey), nullptr);
}

TEST_F(WorkspaceTest, OtherObjectsConcernTheWorkspaceOfTheirNamespace) {
  Start(Wanted());
  std::vector<Key> keys;
  const auto concern = [&](const EntryPtr& entry, const EntryPtr& previous) {
    keys.clear();
    AddConcernedWorkspaces(cache, {ChangeType::kModified, 1, entry, previous}, keys);
    return keys;
  };
  v1::User user;
  user.meta.name = "alice";
  user.spec.uid = 2000;
  Put(user, "User");
  const EntryPtr before = cache.Get({"User", "", "alice"});
  EXPECT_THAT(concern(before, nullptr), ElementsAre(kKey));
  EXPECT_THAT(concern(before, before), IsEmpty());
  user.spec.uid = 2001;
  Put(user, "User");
  EXPECT_THAT(concern(cache.Get({"User", "", "alice"}), before), ElementsAre(kKey));
  PutExecution("e", v1::kRunning);
  const EntryPtr execution = cache.Get({"Execution", "alice", "e"});
  EXPECT_THAT(concern(execution, execution), IsEmpty());
  RequestDeletion();
  EXPECT_THAT(concern(execution, execution), ElementsAre(kKey));
}

TEST_F(WorkspaceTest, OnARealFilesystemTheDirectoryStandsAndGoes) {
  std::string name = std::filesystem::temp_directory_path() / "zoe-workspace-XXXXXX";
  const std::filesystem::path root = mkdtemp(name.data());
  options.workspace_root = root / "shared";
  LocalFiles local;
  reconciler = std::make_unique<WorkspaceReconciler>(local, cache, options);
  v1::Workspace workspace = Wanted();
  workspace.spec.reclaim_policy = v1::kDelete;
  if (geteuid() != 0) {
    workspace.spec.uid = geteuid();
    workspace.spec.gid = getegid();
  }
  Put(workspace, "Workspace");
  Settle();
  EXPECT_EQ(Condition("Ready"), "True/Ready") << Message();
  const auto path = root / "shared/zoe/alice";
  EXPECT_TRUE(std::filesystem::is_directory(path));
  std::filesystem::create_directories(path / "a/b/c");
  std::filesystem::create_directory_symlink(root, path / "a/out");
  clock.Advance(options.measure_interval);
  Settle();
  EXPECT_EQ(Now().status.used_files, 4);
  std::filesystem::rename(root / "shared", root / "away");
  Settle();
  EXPECT_EQ(Condition("Ready"), "False/RootMissing");
  std::filesystem::rename(root / "away", root / "shared");
  Settle();
  EXPECT_EQ(Condition("Ready"), "True/Ready");
  RequestDeletion();
  for (int i = 0; i < 5 && cache.Get(kKey); ++i) Pass();
  EXPECT_EQ(cache.Get(kKey), nullptr);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(std::filesystem::exists(root / "shared/zoe"));
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace zoe
