#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "controller/runtime/system_clock.h"
#include "test/unit/controller/world.h"

namespace zoe {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

std::string Text(const CacheEvent& event) {
  const char* type = event.type == ChangeType::kAdded      ? "+"
                     : event.type == ChangeType::kModified ? "~"
                                                           : "-";
  return type + event.entry->key.name + "@" + std::to_string(event.revision);
}

std::vector<std::string> Since(const Cache& cache, Revision since) {
  const auto changes = cache.Since("Execution", since, 1'000'000);
  if (!changes.ok()) return {std::string(CodeName(changes.error().code))};
  std::vector<std::string> texts;
  for (const CacheEvent& event : changes->events) texts.push_back(Text(event));
  return texts;
}

std::string At(const std::string& text, Revision revision) {
  return text + "@" + std::to_string(revision);
}

struct CacheTest : testing::Test {
  World w;
  Revision Create(const std::string& name, const std::string& ns = "alice") {
    return CreateExecution(w.store.inner(), ExecutionKey(name, ns));
  }
  Revision Change(const std::string& name) {
    return Edit(w.store.inner(), ExecutionKey(name), [](v1::Execution& e) { ++e.spec.priority; });
  }
  Revision Delete(const std::string& name) {
    Store& store = w.store.inner();
    return store.Delete(ExecutionKey(name), store.Get(ExecutionKey(name))->revision).value();
  }
};

TEST_F(CacheTest, IsSyncedOnlyAfterEverythingWasListed) {
  Create("a");
  const Revision last = Create("b");
  EXPECT_FALSE(w.cache.synced());
  w.Pump();
  EXPECT_TRUE(w.cache.synced());
  EXPECT_GE(w.cache.revision(), last);
  EXPECT_EQ(w.cache.List("Execution").entries.size(), 2u);
}

TEST_F(CacheTest, ShowsAnObjectDecodedAndEncodedWithItsRevision) {
  w.Pump();
  const Revision revision = CreateExecution(w.store, ExecutionKey("a"), 7);
  w.Pump();
  const EntryPtr entry = w.cache.Get(ExecutionKey("a"));
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->revision, revision);
  EXPECT_EQ(entry->object->meta.resource_version, revision);
  EXPECT_EQ(w.cache.Get<v1::Execution>(ExecutionKey("a"))->spec.priority, 7);
  EXPECT_EQ(entry->json, v1::EncodeJson(ExecutionKind(), *entry->object));
  EXPECT_THAT(entry->json,
              testing::HasSubstr("\"resourceVersion\":\"" + std::to_string(revision) + "\""));
  EXPECT_FALSE(w.cache.Get(ExecutionKey("b")));
  EXPECT_FALSE(w.cache.Get({"Nothing", "", "a"}));
}

TEST_F(CacheTest, ListsByNamespaceInOrder) {
  for (const char* name : {"c", "a", "b"}) Create(name, "bob");
  Create("z", "alice");
  Create("a", "carol");
  w.Pump();
  std::string all, bob;
  for (const auto& e : w.cache.List("Execution").entries)
    all += e->key.ns + "/" + e->key.name + " ";
  for (const auto& e : w.cache.List("Execution", "bob").entries) bob += e->key.name;
  EXPECT_EQ(all, "alice/z bob/a bob/b bob/c carol/a ");
  EXPECT_EQ(bob, "abc");
  EXPECT_TRUE(w.cache.List("Execution", "bo").entries.empty());
}

TEST_F(CacheTest, TellsChangesSinceARevisionOncePerChange) {
  w.Pump();
  const Revision start = w.cache.revision();
  const Revision a = Create("a");
  w.Pump();
  const Revision b = Create("b");
  w.Pump();
  const Revision a2 = Change("a");
  w.Pump();
  const Revision b2 = Delete("b");
  w.Pump();
  EXPECT_THAT(Since(w.cache, start),
              ElementsAre(At("+a", a), At("+b", b), At("~a", a2), At("-b", b2)));
  EXPECT_THAT(Since(w.cache, b), ElementsAre(At("~a", a2), At("-b", b2)));
  EXPECT_THAT(Since(w.cache, b2), ElementsAre());
  const auto two = w.cache.Since("Execution", start, 2).value();
  EXPECT_EQ(two.events.size(), 2u);
  EXPECT_EQ(two.upto, b);
  EXPECT_EQ(w.cache.Since("Execution", start, 10)->upto, b2);
}

TEST_F(CacheTest, ADeletionShowsTheLastVersionWithTheDeletionsRevision) {
  Create("a");
  w.Pump();
  const Revision deleted = Delete("a");
  w.Pump();
  const CacheEvent event = w.cache.Since("Execution", deleted - 1, 1)->events.at(0);
  EXPECT_EQ(event.entry->object->meta.resource_version, deleted);
  EXPECT_THAT(event.entry->json,
              testing::HasSubstr("\"resourceVersion\":\"" + std::to_string(deleted) + "\""));
  EXPECT_EQ(event.previous->key, ExecutionKey("a"));
}

TEST(CacheHistory, IsBoundedAndExpiresWatchesFromBefore) {
  World w(4);
  w.Pump();
  const Revision start = w.cache.revision();
  for (int i = 0; i < 6; ++i) {
    CreateExecution(w.store.inner(), ExecutionKey("e" + std::to_string(i)));
    w.Pump();
  }
  EXPECT_THAT(Since(w.cache, start), ElementsAre("Expired"));
  EXPECT_EQ(Since(w.cache, w.cache.revision() - 4).size(), 4u);
  EXPECT_THAT(Since(w.cache, w.cache.revision() + 1), ElementsAre("Expired"));
}

TEST_F(CacheTest, CountsChangesOfAKind) {
  w.Pump();
  const uint64_t executions = w.cache.KindVersion("Execution");
  const uint64_t applications = w.cache.KindVersion("Application");
  Create("a");
  w.Pump();
  EXPECT_NE(w.cache.KindVersion("Execution"), executions);
  EXPECT_EQ(w.cache.KindVersion("Application"), applications);
}

TEST_F(CacheTest, ChangesOfOneKeyThatWaitTogetherBecomeOneAndOrderIsKept) {
  w.Pump();
  const Revision start = w.cache.revision();
  Create("a");
  const Revision b = Create("b");
  Change("a");
  const Revision a = Change("a");
  w.Pump();
  EXPECT_THAT(Since(w.cache, start), ElementsAre(At("+b", b), At("+a", a)));
}

TEST_F(CacheTest, AnObjectWhoseTurnHasNotComeIsAwaited) {
  w.Pump();
  Create("a");
  Create("b");
  Change("a");
  bool here = true, awaited = false;
  const auto listening = w.cache.Listen([&](const CacheEvent& event) {
    if (event.entry->key.name != "b") return;
    awaited = w.cache.Awaited(ExecutionKey("a"));
    here = w.cache.Get(ExecutionKey("a")) != nullptr;
  });
  w.Pump();
  EXPECT_TRUE(awaited);
  EXPECT_FALSE(here);
  EXPECT_FALSE(w.cache.Awaited(ExecutionKey("a")));
  EXPECT_TRUE(w.cache.Get(ExecutionKey("a")));
}

TEST_F(CacheTest, NothingIsAwaitedAfterAListing) {
  w.Pump();
  Create("a");
  w.store.before = [&](const std::string& call, const Key&) -> Expected<void> {
    if (call == "Get") Change("a");
    return {};
  };
  w.informer.PumpOnce();
  EXPECT_TRUE(w.cache.Awaited(ExecutionKey("a")));
  w.store.before = nullptr;
  w.store.feed.on_gap();
  w.Pump();
  EXPECT_FALSE(w.cache.Awaited(ExecutionKey("a")));
  EXPECT_TRUE(w.cache.Get(ExecutionKey("a")));
}

TEST_F(CacheTest, ADeletionIsNeverCoalescedAway) {
  Create("a");
  w.Pump();
  const Revision start = w.cache.revision();
  const Revision gone = Delete("a");
  const Revision again = Create("a");
  w.Pump();
  EXPECT_THAT(Since(w.cache, start), ElementsAre(At("-a", gone), At("+a", again)));
}

// A write lands between the change and its read: the read brings the later version, whose turn has
// not come.
TEST_F(CacheTest, AVersionReadAheadIsShownInItsTurn) {
  w.Pump();
  const Revision start = w.cache.revision();
  Revision b = 0, a2 = 0;
  bool done = false;
  w.store.before = [&](const std::string& call, const Key& key) -> Expected<void> {
    if (call == "Get" && key.name == "a" && !done) {
      done = true;
      b = CreateExecution(w.store.inner(), ExecutionKey("b"));
      a2 = Change("a");
    }
    return {};
  };
  const Revision a = Create("a");
  EXPECT_TRUE(w.informer.PumpOnce());
  // The first change of `a` is read but not shown: whoever wrote it must not go on yet.
  EXPECT_FALSE(w.cache.WaitFor(a, Duration(0)));
  w.Pump();
  EXPECT_THAT(Since(w.cache, start), ElementsAre(At("+b", b), At("+a", a2)));
  EXPECT_TRUE(w.cache.WaitFor(a2, Duration(0)));
}

TEST_F(CacheTest, ASlowReaderOfAHotObjectStillGetsForward) {
  w.Pump();
  Create("a");
  int writes = 0;
  w.store.before = [&](const std::string& call, const Key&) -> Expected<void> {
    if (call == "Get" && ++writes < 1000) Change("a");
    return {};
  };
  Revision shown = 0;
  for (int i = 0; i < 50; ++i) {
    Change("a");
    w.informer.PumpOnce();
    if (const EntryPtr entry = w.cache.Get(ExecutionKey("a"))) shown = entry->revision;
  }
  EXPECT_GT(shown, 20);
}

TEST_F(CacheTest, ListenersHearChangesUntilTheirHandleGoes) {
  std::vector<std::string> heard;
  auto handle = w.cache.Listen([&](const CacheEvent& e) { heard.push_back(Text(e).substr(0, 2)); });
  Create("a");
  w.Pump();
  Change("a");
  w.Pump();
  handle.reset();
  Delete("a");
  w.Pump();
  EXPECT_THAT(heard, ElementsAre("+a", "~a"));
}

TEST_F(CacheTest, AfterAGapEverythingIsListedAndDifferencesAreTold) {
  Create("stays");
  Create("changes");
  Create("goes");
  w.Pump();
  std::vector<std::string> heard;
  const auto handle =
      w.cache.Listen([&](const CacheEvent& e) { heard.push_back(Text(e).substr(0, 3)); });
  const Revision before = w.cache.revision();
  Change("changes");
  Delete("goes");
  Create("new");
  w.store.feed.on_gap();  // what was announced so far is lost
  w.Pump();
  EXPECT_THAT(heard, testing::UnorderedElementsAre("~ch", "-go", "+ne"));
  EXPECT_THAT(Since(w.cache, before), ElementsAre("Expired"));
  EXPECT_THAT(Since(w.cache, w.cache.revision()), ElementsAre());
  EXPECT_EQ(w.cache.List("Execution").entries.size(), 3u);
}

TEST_F(CacheTest, AGapInWhichNothingHappenedExpiresNoWatch) {
  Create("a");
  w.Pump();
  const Revision start = w.cache.revision();
  const Revision b = Create("b");
  w.Pump();
  w.store.feed.on_gap();
  w.Pump();
  EXPECT_THAT(Since(w.cache, start), ElementsAre(At("+b", b)));
}

TEST_F(CacheTest, WhileTheStoreIsAwayWhatIsKnownStaysReadable) {
  Create("a");
  w.Pump();
  bool away = true;
  int calls = 0;
  w.store.before = [&](const std::string&, const Key&) -> Expected<void> {
    ++calls;
    if (away) return MakeError(Code::kUnavailable, "away");
    return {};
  };
  const Revision b = Create("b");
  EXPECT_FALSE(w.informer.PumpOnce());
  EXPECT_FALSE(w.informer.PumpOnce());
  EXPECT_EQ(calls, 1) << "tries again only when time has passed";
  EXPECT_TRUE(w.cache.Get(ExecutionKey("a")));
  for (int i = 0; i < 10; ++i) {
    w.clock.Advance(seconds(2));
    EXPECT_FALSE(w.informer.PumpOnce());
  }
  EXPECT_EQ(calls, 11);
  away = false;
  w.clock.Advance(seconds(2));
  w.Pump();
  EXPECT_EQ(w.cache.Get(ExecutionKey("b"))->revision, b);
}

TEST_F(CacheTest, AStoreThatIsAwayAtTheStartIsTriedAgain) {
  bool away = true;
  w.store.before = [&](const std::string&, const Key&) -> Expected<void> {
    if (away) return MakeError(Code::kUnavailable, "away");
    return {};
  };
  w.Pump();
  EXPECT_FALSE(w.cache.synced());
  away = false;
  w.clock.Advance(seconds(2));
  w.Pump();
  EXPECT_TRUE(w.cache.synced());
}

TEST_F(CacheTest, AnUnreadableRecordIsKeptAsideAndStopsNobody) {
  Store& store = w.store.inner();
  const Key bad = ExecutionKey("bad");
  ASSERT_TRUE(store.Create(bad, "{not json").ok());
  ASSERT_TRUE(store.Create({"Unknown", "alice", "x"}, "{}").ok());
  Create("good");
  w.Pump();
  EXPECT_TRUE(w.cache.synced());
  EXPECT_TRUE(w.cache.Get(ExecutionKey("good")));
  EXPECT_TRUE(w.cache.Unreadable(bad));
  EXPECT_FALSE(w.cache.Unreadable(ExecutionKey("good")));
  EXPECT_THAT(w.metrics.Exposition(), testing::HasSubstr("zoe_informer_unreadable 2"));

  // A good object that is damaged later keeps its last readable version.
  ASSERT_TRUE(
      store.Replace(ExecutionKey("good"), store.Get(ExecutionKey("good"))->revision, "[]").ok());
  Create("other");
  w.Pump();
  EXPECT_TRUE(w.cache.Get(ExecutionKey("good")));
  EXPECT_TRUE(w.cache.Unreadable(ExecutionKey("good")));
  EXPECT_TRUE(w.cache.Get(ExecutionKey("other")));
  w.store.feed.on_gap();
  w.Pump();
  EXPECT_TRUE(w.cache.Get(ExecutionKey("good"))) << "nor does a relist drop it";

  // Written anew it is whole again.
  ASSERT_TRUE(store.Replace(bad, store.Get(bad)->revision, Bytes(MakeExecution(bad))).ok());
  w.Pump();
  EXPECT_FALSE(w.cache.Unreadable(bad));
  EXPECT_TRUE(w.cache.Get(bad));
}

TEST_F(CacheTest, ARecordThatNamesAnotherObjectIsUnreadable) {
  ASSERT_TRUE(w.store.Create(ExecutionKey("a"), Bytes(MakeExecution(ExecutionKey("b")))).ok());
  w.Pump();
  EXPECT_TRUE(w.cache.Unreadable(ExecutionKey("a")));
  EXPECT_FALSE(w.cache.Get(ExecutionKey("b")));
}

TEST(CacheThreads, WritersReadTheirOwnWritesAndWatchersSeeEveryStep) {
  SystemClock clock;
  Metrics metrics;
  FaultStore store(true);
  Cache cache(100'000);
  Informer informer(store, cache, clock, metrics);
  informer.Start();
  ASSERT_TRUE([&] {
    const auto deadline = clock.Now() + seconds(10);
    while (!cache.synced() && clock.Now() < deadline) std::this_thread::yield();
    return cache.synced();
  }());
  const Revision start = cache.revision();
  constexpr int kWriters = 4, kRounds = 150;
  std::atomic<int> stale{0}, late{0};
  std::atomic<bool> writing{true};
  std::vector<std::thread> writers;
  for (int t = 0; t < kWriters; ++t) {
    writers.emplace_back([&, t] {
      Store& inner = store.inner();
      for (int n = 0; n < kRounds; ++n) {
        const Key key = ExecutionKey("t" + std::to_string(t) + "-" + std::to_string(n % 5));
        const auto record = inner.Get(key);
        Expected<Revision> written = Revision{0};
        bool gone = false;
        if (!record.ok()) {
          written = inner.Create(key, Bytes(MakeExecution(key, n)));
        } else if (n % 7 == 6) {
          written = inner.Delete(key, record->revision);
          gone = true;
        } else {
          written = inner.Replace(key, record->revision, Bytes(MakeExecution(key, n)));
        }
        if (!written.ok() || !cache.WaitFor(*written, seconds(20))) {
          ++late;
          continue;
        }
        const EntryPtr entry = cache.Get(key);
        if (gone ? entry != nullptr : (!entry || entry->revision != *written)) ++stale;
      }
    });
  }
  // A watcher that only follows Since must arrive at the same world.
  std::map<std::string, Revision> world;
  Revision upto = start;
  int disorder = 0;
  const auto follow = [&] {
    const auto changes = cache.Since("Execution", upto, 10).value();
    Revision last = upto;
    for (const CacheEvent& event : changes.events) {
      if (event.revision <= last) ++disorder;
      last = event.revision;
      if (event.type == ChangeType::kDeleted) {
        world.erase(event.entry->key.name);
      } else {
        const bool known = world.contains(event.entry->key.name);
        if (known != (event.type == ChangeType::kModified)) ++disorder;
        world[event.entry->key.name] = event.revision;
      }
    }
    upto = changes.upto;
  };
  std::thread watcher([&] {
    while (writing) follow();
  });
  for (auto& writer : writers) writer.join();
  writing = false;
  watcher.join();
  while (upto < cache.revision()) follow();
  informer.Stop();
  EXPECT_EQ(stale, 0);
  EXPECT_EQ(late, 0);
  EXPECT_EQ(disorder, 0);
  std::map<std::string, Revision> truth;
  const Listing listing = store.inner().List("Execution").value();
  for (const Record& r : listing.records) truth[r.key.name] = r.revision;
  EXPECT_EQ(world, truth);
}

}  // namespace
}  // namespace zoe
