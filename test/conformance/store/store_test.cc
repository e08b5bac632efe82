// The contract of controller/ports/store.h, on every implementation.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "test/conformance/store/backend.h"
#include "test/conformance/store/recorder.h"

namespace zoe::conformance {
namespace {

class StoreTest : public testing::TestWithParam<BackendParam> {
 protected:
  void SetUp() override {
    Expected<std::unique_ptr<Backend>> backend = GetParam().make();
    if (!backend.ok()) GTEST_SKIP() << backend.error().message;
    backend_ = std::move(backend).value();
    Open();
  }
  void Open() {
    store_.reset();
    Expected<std::unique_ptr<Store>> store = backend_->Open();
    ASSERT_TRUE(store.ok()) << store.error().message;
    store_ = std::move(store).value();
  }
  Revision MustCreate(const Key& key, std::string bytes = "{}") {
    const Expected<Revision> revision = store_->Create(key, std::move(bytes));
    EXPECT_TRUE(revision.ok()) << revision.error().message;
    return revision.value_or(0);
  }
  Revision MustReplace(const Key& key, Revision expected, std::string bytes) {
    const Expected<Revision> revision = store_->Replace(key, expected, std::move(bytes));
    EXPECT_TRUE(revision.ok()) << revision.error().message;
    return revision.value_or(0);
  }

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Store> store_;
};

template <class T>
Code CodeOf(const Expected<T>& result) {
  return result.ok() ? Code{-1} : result.error().code;
}

Key Exec(std::string name) { return {"Execution", "alice", std::move(name)}; }

void InThreads(int count, const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(body, i);
  for (std::thread& thread : threads) thread.join();
}

TEST_P(StoreTest, AMissingObjectIsNotFound) {
  EXPECT_EQ(CodeOf(store_->Get(Exec("a"))), Code::kNotFound);
  EXPECT_EQ(CodeOf(store_->Replace(Exec("a"), 1, "{}")), Code::kNotFound);
  EXPECT_EQ(CodeOf(store_->Delete(Exec("a"), 1)), Code::kNotFound);
}

TEST_P(StoreTest, ACreatedObjectIsReadBackWithItsRevision) {
  const Revision revision = MustCreate(Exec("a"), R"({"spec":1})");
  const Expected<Record> record = store_->Get(Exec("a"));
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->key, Exec("a"));
  EXPECT_EQ(record->bytes, R"({"spec":1})");
  EXPECT_EQ(record->revision, revision);
  EXPECT_GT(revision, 0);
}

TEST_P(StoreTest, CreatingAnObjectTwiceLeavesTheFirst) {
  MustCreate(Exec("a"), "first");
  EXPECT_EQ(CodeOf(store_->Create(Exec("a"), "second")), Code::kAlreadyExists);
  EXPECT_EQ(store_->Get(Exec("a"))->bytes, "first");
}

TEST_P(StoreTest, ReplaceNeedsTheRevisionThatTheObjectIsAt) {
  const Revision first = MustCreate(Exec("a"), "1");
  const Revision second = MustReplace(Exec("a"), first, "2");
  EXPECT_GT(second, first);
  EXPECT_EQ(CodeOf(store_->Replace(Exec("a"), first, "3")), Code::kConflict);
  EXPECT_EQ(CodeOf(store_->Replace(Exec("a"), second + 1, "3")), Code::kConflict);
  EXPECT_EQ(CodeOf(store_->Replace(Exec("a"), 0, "3")), Code::kConflict);
  EXPECT_EQ(store_->Get(Exec("a"))->bytes, "2");
  EXPECT_EQ(store_->Get(Exec("a"))->revision, second);
}

TEST_P(StoreTest, DeleteNeedsTheRevisionThatTheObjectIsAt) {
  const Revision first = MustCreate(Exec("a"), "1");
  const Revision second = MustReplace(Exec("a"), first, "2");
  EXPECT_EQ(CodeOf(store_->Delete(Exec("a"), first)), Code::kConflict);
  const Expected<Revision> gone = store_->Delete(Exec("a"), second);
  ASSERT_TRUE(gone.ok()) << gone.error().message;
  EXPECT_GT(*gone, second);
  EXPECT_EQ(CodeOf(store_->Get(Exec("a"))), Code::kNotFound);
}

TEST_P(StoreTest, ARecreatedObjectIsNotTakenForItsPredecessor) {
  const Revision before = MustCreate(Exec("a"), "1");
  ASSERT_TRUE(store_->Delete(Exec("a"), before).ok());
  const Revision after = MustCreate(Exec("a"), "2");
  EXPECT_GT(after, before);
  EXPECT_EQ(CodeOf(store_->Replace(Exec("a"), before, "3")), Code::kConflict);
  EXPECT_EQ(CodeOf(store_->Delete(Exec("a"), before)), Code::kConflict);
  EXPECT_EQ(store_->Get(Exec("a"))->bytes, "2");
}

TEST_P(StoreTest, EveryWriteOfAnyObjectHasAGreaterRevision) {
  Revision last = 0;
  const auto grows = [&](Revision revision) {
    EXPECT_GT(revision, last);
    last = revision;
  };
  grows(MustCreate(Exec("a")));
  const Revision b = MustCreate({"User", "", "b"});
  grows(b);
  grows(MustReplace(Exec("a"), store_->Get(Exec("a"))->revision, "2"));
  grows(*store_->Delete({"User", "", "b"}, b));
  grows(MustCreate({"Event", "bob", "c"}));
}

TEST_P(StoreTest, AnEmptyStoreListsNothingAtARevision) {
  const Expected<Listing> listing = store_->List("");
  ASSERT_TRUE(listing.ok());
  EXPECT_TRUE(listing->records.empty());
  EXPECT_GT(listing->revision, 0);
  EXPECT_TRUE(store_->List("Execution")->records.empty());
}

TEST_P(StoreTest, AListIsOrderedByKeyAndKeepsToItsKind) {
  const std::vector<Key> keys = {
      {"Event", "alice", "x"},  {"Exec", "alice", "z"},    {"Execution", "", "top"},
      {"Execution", "a", "b"},  {"Execution", "a-b", "a"}, {"Execution", "a.b", "a"},
      {"Execution", "b", "1"},  {"Execution", "b", "10"},  {"Execution", "b", "2"},
      {"Executions", "a", "a"}, {"User", "", "alice"}};
  std::vector<Key> shuffled = keys;
  std::shuffle(shuffled.begin(), shuffled.end(), std::minstd_rand(7));
  Revision newest = 0;
  for (const Key& key : shuffled) newest = MustCreate(key, key.ToString());

  const auto keys_of = [](const Listing& listing) {
    std::vector<Key> found;
    for (const Record& record : listing.records) {
      found.push_back(record.key);
      EXPECT_EQ(record.bytes, record.key.ToString());
    }
    return found;
  };
  const Expected<Listing> all = store_->List("");
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(keys_of(*all), keys);
  EXPECT_GE(all->revision, newest);
  EXPECT_EQ(keys_of(*store_->List("Execution")),
            std::vector<Key>(keys.begin() + 2, keys.begin() + 9));
}

TEST_P(StoreTest, AListIsAtLeastAsNewAsEveryWriteBeforeIt) {
  std::atomic<bool> done = false;
  std::atomic<Revision> written = MustCreate(Exec("a"), "0");
  std::thread writer([&] {
    for (int i = 1; i <= 100; ++i) written = MustReplace(Exec("a"), written, std::to_string(i));
    done = true;
  });
  while (!done) {
    const Revision before = written;
    const Expected<Listing> listing = store_->List("Execution");
    ASSERT_TRUE(listing.ok());
    EXPECT_GE(listing->revision, before);
    EXPECT_GE(listing->records.at(0).revision, before);
  }
  writer.join();
}

TEST_P(StoreTest, TheFeedTellsOfEveryChangeOfEightWritersOnceAndInOrder) {
  Recorder recorder;
  const auto watch = store_->Subscribe(recorder.feed());
  ASSERT_TRUE(watch.ok());
  std::mutex mutex;
  std::map<Revision, Change> written;
  InThreads(8, [&](int thread) {
    const auto note = [&](const Key& key, Expected<Revision> revision, bool deleted) {
      ASSERT_TRUE(revision.ok()) << revision.error().message;
      const std::lock_guard lock(mutex);
      written[*revision] = {key, *revision, deleted};
    };
    for (int i = 0; i < 12; ++i) {
      const Key key = Exec("e-" + std::to_string(thread) + "-" + std::to_string(i));
      note(key, store_->Create(key, "1"), false);
      note(key, store_->Replace(key, store_->Get(key)->revision, "2"), false);
      if (i % 2 == 0) note(key, store_->Delete(key, store_->Get(key)->revision), true);
    }
  });
  ASSERT_TRUE(recorder.WaitForChanges(written.size()));
  const std::vector<Change> changes = recorder.changes();
  ASSERT_EQ(changes.size(), written.size());
  size_t i = 0;
  for (const auto& [revision, change] : written) {  // by revision
    EXPECT_EQ(changes[i].revision, revision);
    EXPECT_EQ(changes[i].key, change.key);
    EXPECT_EQ(changes[i].deleted, change.deleted);
    ++i;
  }
  EXPECT_EQ(recorder.gaps(), 0);
}

TEST_P(StoreTest, TheFeedStartsAtTheSubscription) {
  // A callback that waits holds the feed up, so that earlier changes are still on their way when
  // the recorder subscribes.
  std::promise<void> reached, go_on;
  std::atomic<bool> held = false;
  const auto brake = store_->Subscribe({.on_change =
                                            [&](const Change&) {
                                              if (held.exchange(true)) return;
                                              reached.set_value();
                                              go_on.get_future().wait();
                                            },
                                        .on_gap = [] {}});
  ASSERT_TRUE(brake.ok());
  MustCreate(Exec("held"));
  reached.get_future().wait();
  MustCreate(Exec("before"));
  Recorder recorder;
  const auto watch = store_->Subscribe(recorder.feed());
  go_on.set_value();
  ASSERT_TRUE(watch.ok());
  MustCreate(Exec("after"));
  ASSERT_TRUE(recorder.WaitForChanges(1));
  EXPECT_EQ(recorder.changes().at(0).key, Exec("after"));
}

TEST_P(StoreTest, ARefusedWriteIsNoChange) {
  const Revision revision = MustCreate(Exec("a"));
  Recorder recorder;
  const auto watch = store_->Subscribe(recorder.feed());
  ASSERT_TRUE(watch.ok());
  EXPECT_FALSE(store_->Create(Exec("a"), "{}").ok());
  EXPECT_FALSE(store_->Replace(Exec("a"), revision + 100, "{}").ok());
  EXPECT_FALSE(store_->Delete(Exec("a"), revision + 100).ok());
  MustCreate(Exec("last"));
  ASSERT_TRUE(recorder.WaitForChanges(1));
  EXPECT_EQ(recorder.changes().at(0).key, Exec("last"));
}

TEST_P(StoreTest, EverySubscriberHearsEverything) {
  Recorder one, two;
  auto first = store_->Subscribe(one.feed());
  const auto second = store_->Subscribe(two.feed());
  ASSERT_TRUE(first.ok() && second.ok());
  MustCreate(Exec("a"));
  ASSERT_TRUE(one.WaitForChanges(1) && two.WaitForChanges(1));
  first->reset();
  MustCreate(Exec("b"));
  ASSERT_TRUE(two.WaitForChanges(2));
  EXPECT_EQ(one.changes().size(), 1u);
}

TEST_P(StoreTest, NoCallbackRunsAfterTheEndOfItsWatch) {
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    Revision revision = MustCreate(Exec("a"), "0");
    while (!stop) revision = MustReplace(Exec("a"), revision, "1");
  });
  for (int i = 0; i < 40; ++i) {
    auto alive = std::make_unique<std::atomic<int>>(
        0);  // freed right after the watch: a late callback is a crash under ASan
    std::atomic<int> heard = 0;
    auto watch = store_->Subscribe({.on_change =
                                        [&, raw = alive.get()](const Change&) {
                                          ++*raw;
                                          ++heard;
                                        },
                                    .on_gap = [] {}});
    ASSERT_TRUE(watch.ok());
    if (i % 4 == 0) {
      while (heard == 0) std::this_thread::yield();
    }
    watch->reset();
    const int at_end = heard;
    alive.reset();
    EXPECT_EQ(heard, at_end);
  }
  stop = true;
  writer.join();
}

TEST_P(StoreTest, AWatchMayOutliveItsStore) {
  Recorder recorder;
  Leadership leadership;
  auto watch = store_->Subscribe(recorder.feed());
  auto campaign = store_->Campaign("me", leadership.callback());
  ASSERT_TRUE(watch.ok() && campaign.ok());
  store_.reset();
}

TEST_P(StoreTest, ARecordMayHoldAnyBytesUpToTheLimit) {
  std::string bytes(kMaxRecordBytes, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  const Revision revision = MustCreate(Exec("big"), bytes);
  EXPECT_EQ(store_->Get(Exec("big"))->bytes, bytes);
  std::reverse(bytes.begin(), bytes.end());
  MustReplace(Exec("big"), revision, bytes);
  EXPECT_EQ(store_->List("Execution")->records.at(0).bytes, bytes);
  MustCreate(Exec("empty"), "");
  EXPECT_EQ(store_->Get(Exec("empty"))->bytes, "");
}

TEST_P(StoreTest, ARecordAboveTheLimitIsRefusedAndChangesNothing) {
  const std::string bytes(kMaxRecordBytes + 1, 'x');
  EXPECT_EQ(CodeOf(store_->Create(Exec("big"), bytes)), Code::kTooLarge);
  EXPECT_EQ(CodeOf(store_->Get(Exec("big"))), Code::kNotFound);
  const Revision revision = MustCreate(Exec("big"), "small");
  EXPECT_EQ(CodeOf(store_->Replace(Exec("big"), revision, bytes)), Code::kTooLarge);
  EXPECT_EQ(store_->Get(Exec("big"))->bytes, "small");
}

TEST_P(StoreTest, UnusualNamesAreKeptApart) {
  const std::vector<std::string> names = {".",     "..",   "...", "_",     "a.b",
                                          "a%2Fb", "a/b",  "a b", "Größe", "日本",
                                          "%",     "it's", "-",   "\x01",  std::string(253, 'n')};
  std::set<Key> keys;
  for (const std::string& name : names) {
    keys.insert({"Kind", "ns", name});
    keys.insert({"Kind", name, "name"});
    keys.insert({"Kind", "", name});
  }
  for (const Key& key : keys) MustCreate(key, key.ns + "|" + key.name);
  const Expected<Listing> listing = store_->List("Kind");
  ASSERT_TRUE(listing.ok()) << listing.error().message;
  ASSERT_EQ(listing->records.size(), keys.size());
  auto key = keys.begin();
  for (const Record& record : listing->records) {
    EXPECT_EQ(record.key, *key);
    EXPECT_EQ(record.bytes, key->ns + "|" + key->name);
    EXPECT_EQ(store_->Get(*key)->bytes, record.bytes);
    ++key;
  }
}

TEST_P(StoreTest, OfConcurrentSwapsExactlyOneWinsEachRound) {
  Revision revision = MustCreate(Exec("a"), "0");
  for (int round = 0; round < 25; ++round) {
    std::atomic<int> winners = 0, conflicts = 0;
    std::atomic<Revision> next = 0;
    std::atomic<int> winner = -1;
    InThreads(6, [&](int thread) {
      const Expected<Revision> mine = store_->Replace(Exec("a"), revision, std::to_string(thread));
      if (mine.ok()) {
        ++winners;
        next = *mine;
        winner = thread;
      } else if (mine.error().code == Code::kConflict) {
        ++conflicts;
      }
    });
    ASSERT_EQ(winners, 1);
    ASSERT_EQ(conflicts, 5);
    const Expected<Record> record = store_->Get(Exec("a"));
    ASSERT_EQ(record->revision, next);
    ASSERT_EQ(record->bytes, std::to_string(winner));
    revision = next;
  }
}

TEST_P(StoreTest, ACounterSwappedByManyLosesNoIncrement) {
  MustCreate(Exec("counter"), "0");
  constexpr int kThreads = 4, kEach = 15;
  InThreads(kThreads, [&](int) {
    for (int done = 0; done < kEach;) {
      const Expected<Record> record = store_->Get(Exec("counter"));
      ASSERT_TRUE(record.ok());
      const Expected<Revision> swapped = store_->Replace(
          record->key, record->revision, std::to_string(std::stoi(record->bytes) + 1));
      done += swapped.ok() ? 1 : 0;
      ASSERT_TRUE(swapped.ok() || swapped.error().code == Code::kConflict);
    }
  });
  EXPECT_EQ(store_->Get(Exec("counter"))->bytes, std::to_string(kThreads * kEach));
}

TEST_P(StoreTest, ASwapNeverHitsARecreatedObject) {
  // One thread swaps what it has read, the other keeps deleting and recreating: a swap that
  // succeeds must have replaced the very object that was read, so the bytes say which one it was.
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  MustCreate(Exec("a"), "incarnation 0");
  std::thread recreator([&] {
    for (int i = 1; i <= 60; ++i) {
      for (bool recreated = false; !recreated;) {
        const Expected<Record> now = store_->Get(Exec("a"));
        if (now.ok() && !store_->Delete(now->key, now->revision).ok()) continue;
        recreated = store_->Create(Exec("a"), "incarnation " + std::to_string(i)).ok();
      }
    }
    stop = true;
  });
  InThreads(3, [&](int) {
    while (!stop) {
      const Expected<Record> read = store_->Get(Exec("a"));
      if (!read.ok()) continue;
      const Expected<Revision> mine = store_->Replace(read->key, read->revision, read->bytes);
      if (!mine.ok()) continue;
      const Expected<Record> again = store_->Get(Exec("a"));
      if (again.ok() && again->revision == *mine && again->bytes != read->bytes) ++wrong;
    }
  });
  recreator.join();
  EXPECT_EQ(wrong, 0);
}

TEST_P(StoreTest, OfConcurrentCreatesExactlyOneWins) {
  for (int round = 0; round < 10; ++round) {
    std::atomic<int> winners = 0, losers = 0;
    InThreads(6, [&](int thread) {
      const Expected<Revision> mine =
          store_->Create({"Kind", "ns-" + std::to_string(round), "a"}, std::to_string(thread));
      if (mine.ok()) ++winners;
      if (CodeOf(mine) == Code::kAlreadyExists) ++losers;
    });
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(losers, 5);
  }
}

TEST_P(StoreTest, ATurnIsTakenByOneWriteAndOnlyByWhoSawTheLast) {
  ASSERT_EQ(*store_->Turn(Exec("")), 0);
  const Expected<Revision> a = store_->WriteInTurn(Exec("a"), 0, "1", 0);
  ASSERT_TRUE(a.ok()) << a.error().message;
  EXPECT_EQ(*store_->Turn(Exec("")), *a);
  EXPECT_EQ(store_->Get(Exec("a"))->revision, *a);
  for (const Revision past : {Revision{0}, *a - 1, *a + 1}) {
    const Expected<Revision> late = store_->WriteInTurn(Exec("b"), 0, "1", past);
    EXPECT_EQ(CodeOf(late), Code::kConflict);
    EXPECT_EQ(late.ok() ? "" : late.error().reason, "TurnTaken");
    EXPECT_EQ(CodeOf(store_->WriteInTurn(Exec("a"), *a, "2", past)), Code::kConflict);
  }
  EXPECT_EQ(CodeOf(store_->Get(Exec("b"))), Code::kNotFound);
  const Expected<Revision> changed = store_->WriteInTurn(Exec("a"), *a, "2", *a);
  ASSERT_TRUE(changed.ok()) << changed.error().message;
  EXPECT_EQ(store_->Get(Exec("a"))->bytes, "2");
  EXPECT_EQ(*store_->Turn(Exec("")), *changed);
}

TEST_P(StoreTest, ARefusedWriteTakesNoTurn) {
  const Revision a = *store_->WriteInTurn(Exec("a"), 0, "1", 0);
  EXPECT_EQ(CodeOf(store_->WriteInTurn(Exec("a"), 0, "2", a)), Code::kAlreadyExists);
  EXPECT_EQ(CodeOf(store_->WriteInTurn(Exec("a"), a + 1, "2", a)), Code::kConflict);
  EXPECT_EQ(CodeOf(store_->WriteInTurn(Exec("b"), 1, "2", a)), Code::kNotFound);
  EXPECT_EQ(CodeOf(store_->WriteInTurn(Exec("b"), 0, std::string(kMaxRecordBytes + 1, 'x'), a)),
            Code::kTooLarge);
  EXPECT_EQ(*store_->Turn(Exec("")), a);
  EXPECT_TRUE(store_->WriteInTurn(Exec("b"), 0, "2", a).ok());
}

TEST_P(StoreTest, EachKindInEachNamespaceHasItsOwnTurn) {
  ASSERT_TRUE(store_->WriteInTurn(Exec("a"), 0, "1", 0).ok());
  EXPECT_EQ(*store_->Turn({"Execution", "bob", ""}), 0);
  EXPECT_EQ(*store_->Turn({"Application", "alice", ""}), 0);
  EXPECT_TRUE(store_->WriteInTurn({"Execution", "bob", "a"}, 0, "1", 0).ok());
  EXPECT_TRUE(store_->WriteInTurn({"User", "", "alice"}, 0, "1", 0).ok());
}

TEST_P(StoreTest, WritesOutOfTurnTakeNone) {
  const Revision turn = *store_->WriteInTurn(Exec("a"), 0, "1", 0);
  MustCreate(Exec("b"));
  const Revision a = MustReplace(Exec("a"), turn, "2");
  EXPECT_EQ(*store_->Turn(Exec("")), turn);
  EXPECT_TRUE(store_->WriteInTurn(Exec("a"), a, "3", turn).ok());
}

TEST_P(StoreTest, OfConcurrentWritesInOneTurnExactlyOneWinsAndTheFeedTellsOfIt) {
  Recorder recorder;
  const auto watch = store_->Subscribe(recorder.feed());
  ASSERT_TRUE(watch.ok());
  Revision turn = 0;
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> wins{0};
    std::atomic<Revision> won{0};
    InThreads(6, [&](int thread) {
      const Key key = Exec("e-" + std::to_string(round) + "-" + std::to_string(thread));
      const Expected<Revision> mine = store_->WriteInTurn(key, 0, "x", turn);
      if (mine.ok()) {
        ++wins;
        won = *mine;
      } else {
        EXPECT_EQ(mine.error().reason, "TurnTaken") << mine.error().message;
      }
    });
    ASSERT_EQ(wins, 1) << "round " << round;
    turn = won;
    ASSERT_TRUE(recorder.WaitForChanges(static_cast<size_t>(round) + 1));
    EXPECT_EQ(recorder.changes().back().revision, turn);
  }
  EXPECT_EQ(store_->List("Execution")->records.size(), 20u);
}

TEST_P(StoreTest, ARefusedWriteDoesNotHarmItsNeighbours) {
  MustCreate(Exec("taken"));
  InThreads(8, [&](int thread) {
    for (int i = 0; i < 10; ++i) {
      if (thread % 2 == 0) {
        EXPECT_EQ(CodeOf(store_->Create(Exec("taken"), "{}")), Code::kAlreadyExists);
      } else {
        MustCreate(Exec("free-" + std::to_string(thread) + "-" + std::to_string(i)));
      }
    }
  });
  EXPECT_EQ(store_->List("Execution")->records.size(), 41u);
}

TEST_P(StoreTest, ReopeningFindsEverythingAndRevisionsStillGrow) {
  MustCreate(Exec("a"), "kept");
  const Revision b = MustCreate(Exec("b"));
  const Expected<Revision> last = store_->Delete(Exec("b"), b);
  ASSERT_TRUE(last.ok());
  Open();
  if (!backend_->durable()) {
    EXPECT_TRUE(store_->List("")->records.empty());
    return;
  }
  EXPECT_EQ(store_->Get(Exec("a"))->bytes, "kept");
  EXPECT_EQ(CodeOf(store_->Get(Exec("b"))), Code::kNotFound);
  EXPECT_GE(store_->List("")->revision, *last);
  EXPECT_GT(MustCreate(Exec("c")), *last);
}

TEST_P(StoreTest, ACandidateWithoutRivalsLeads) {
  Leadership leadership;
  const auto campaign = store_->Campaign("me", leadership.callback());
  ASSERT_TRUE(campaign.ok());
  EXPECT_TRUE(leadership.WaitFor(true));
  MustCreate(Exec("a"));  // writes go through while leading
  EXPECT_TRUE(leadership.leading());
  EXPECT_EQ(leadership.calls(), 1);
}

TEST_P(StoreTest, CandidatesAreWhoStandsWithTheOneThatLeadsFirst) {
  EXPECT_TRUE(store_->Candidates()->empty());
  Leadership first, second;
  auto campaign = store_->Campaign("first", first.callback());
  ASSERT_TRUE(campaign.ok() && first.WaitFor(true));
  Expected<std::vector<Candidate>> candidates = store_->Candidates();
  ASSERT_TRUE(candidates.ok()) << candidates.error().message;
  ASSERT_EQ(candidates->size(), 1u);
  EXPECT_EQ((*candidates)[0].identity, "first");
  EXPECT_TRUE((*candidates)[0].leading);
  campaign->reset();
  EXPECT_TRUE(store_->Candidates()->empty());
  campaign = store_->Campaign("again", second.callback());
  ASSERT_TRUE(campaign.ok() && second.WaitFor(true));
  candidates = store_->Candidates();
  ASSERT_TRUE(candidates.ok()) << candidates.error().message;
  ASSERT_EQ(candidates->size(), 1u);
  EXPECT_EQ((*candidates)[0].identity, "again");
}

TEST_P(StoreTest, TheLeadersWritesAreWritesLikeOthers) {
  Leadership leadership;
  const auto campaign = store_->Campaign("me", leadership.callback());
  ASSERT_TRUE(campaign.ok() && leadership.WaitFor(true));
  Recorder recorder;
  Store& leader = store_->ForLeader();
  EXPECT_EQ(&leader, &store_->ForLeader());
  const auto watch = leader.Subscribe(recorder.feed());
  ASSERT_TRUE(watch.ok());
  const Expected<Revision> created = leader.Create(Exec("a"), "1");
  ASSERT_TRUE(created.ok()) << created.error().message;
  EXPECT_EQ(CodeOf(leader.Create(Exec("a"), "2")), Code::kAlreadyExists);
  const Expected<Revision> replaced = leader.Replace(Exec("a"), *created, "2");
  ASSERT_TRUE(replaced.ok()) << replaced.error().message;
  EXPECT_EQ(CodeOf(leader.Replace(Exec("a"), *created, "3")), Code::kConflict);
  EXPECT_EQ(CodeOf(leader.Delete(Exec("a"), *created)), Code::kConflict);
  EXPECT_EQ(leader.Get(Exec("a"))->bytes, "2");
  EXPECT_EQ(leader.List("Execution")->records.size(), 1u);
  EXPECT_EQ(store_->Get(Exec("a"))->revision, *replaced);
  EXPECT_EQ(CodeOf(leader.Create(Exec("big"), std::string(kMaxRecordBytes + 1, 'x'))),
            Code::kTooLarge);
  ASSERT_TRUE(leader.Delete(Exec("a"), *replaced).ok());
  EXPECT_EQ(CodeOf(leader.Replace(Exec("a"), *replaced, "4")), Code::kNotFound);
  ASSERT_TRUE(recorder.WaitForChanges(3));
  EXPECT_EQ(recorder.changes().size(), 3u);
}

// Embedded stores have no rival; where there can be one, who does not lead is refused.
TEST_P(StoreTest, WhoStandsBehindAnotherWritesNothingForTheLeader) {
  const Expected<std::unique_ptr<Store>> rival = backend_->OpenAnother();
  if (!rival.ok()) {
    EXPECT_EQ(rival.error().code, Code::kUnavailable) << rival.error().message;
    return;
  }
  Leadership first, second;
  auto campaign = store_->Campaign("first", first.callback());
  ASSERT_TRUE(campaign.ok() && first.WaitFor(true));
  const auto other = (*rival)->Campaign("second", second.callback());
  ASSERT_TRUE(other.ok());
  const Revision created = MustCreate(Exec("a"), "1");
  Store& follower = (*rival)->ForLeader();
  for (const Expected<Revision>& refused :
       {follower.Create(Exec("b"), "{}"), follower.Replace(Exec("a"), created, "2"),
        follower.Delete(Exec("a"), created)}) {
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, Code::kUnavailable);
    EXPECT_EQ(refused.error().reason, "NotLeading");
  }
  EXPECT_EQ(store_->List("")->records.size(), 1u);
  EXPECT_EQ(store_->Get(Exec("a"))->revision, created);
  EXPECT_TRUE((*rival)->Create(Exec("by a user"), "{}").ok());
  campaign->reset();
  ASSERT_TRUE(second.WaitFor(true));
  EXPECT_TRUE(follower.Create(Exec("b"), "{}").ok());
  EXPECT_EQ(CodeOf(store_->ForLeader().Create(Exec("c"), "{}")), Code::kUnavailable);
}

TEST_P(StoreTest, APingSaysThatTheStoreIsThere) {
  const Expected<void> ping = store_->Ping();
  EXPECT_TRUE(ping.ok()) << ping.error().message;
}

INSTANTIATE_TEST_SUITE_P(Every, StoreTest,
                         testing::Values(MemoryBackend(), SqliteBackend(), ZooKeeperBackend()),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace zoe::conformance
