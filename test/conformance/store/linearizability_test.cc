// The checker itself: histories that it must accept, and every anomaly that it must find.
#include "test/conformance/store/linearizability.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <random>

namespace zoe::conformance {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Key kA{"Execution", "alice", "a"}, kB{"Execution", "alice", "b"};

SteadyTime At(int ms) { return SteadyTime(Duration(1'000'000 + ms)); }

// A history by hand. Times are in milliseconds; a call lasts from the first to the second.
struct Told {
  std::vector<Operation> operations;
  std::vector<FeedLog::Event> order;

  Operation& Add(int store, int from, int to, Operation operation) {
    operation.store = store;
    operation.invoked = At(from);
    operation.returned = At(to);
    operations.push_back(std::move(operation));
    return operations.back();
  }
  Operation& Create(int store, int from, int to, Key key, std::string bytes, Revision revision) {
    return Add(store, from, to,
               {.act = Act::kCreate,
                .key = std::move(key),
                .bytes = std::move(bytes),
                .revision = revision});
  }
  Operation& Replace(int store, int from, int to, Key key, Revision expected, std::string bytes,
                     Revision revision) {
    return Add(store, from, to,
               {.act = Act::kReplace,
                .key = std::move(key),
                .expected = expected,
                .bytes = std::move(bytes),
                .revision = revision});
  }
  Operation& Delete(int store, int from, int to, Key key, Revision expected, Revision revision) {
    return Add(
        store, from, to,
        {.act = Act::kDelete, .key = std::move(key), .expected = expected, .revision = revision});
  }
  Operation& Get(int store, int from, int to, Key key, Revision revision, std::string bytes) {
    return Add(
        store, from, to,
        {.act = Act::kGet, .key = std::move(key), .bytes = std::move(bytes), .revision = revision});
  }
  Operation& Missing(int store, int from, int to, Key key) {
    Operation& o = Get(store, from, to, std::move(key), 0, "");
    o.error = Code::kNotFound;
    return o;
  }
  void Happened(const Key& key, Revision revision, bool deleted = false) {
    order.push_back({.change = {key, revision, deleted}});
  }
  Violations Search(Reads reads = Reads::kPresent) const {
    return CheckLinearizable(operations, reads);
  }
  Violations Order(Reads reads = Reads::kPresent) const {
    return CheckOrder(operations, order, reads);
  }
};

Operation& Unknown(Operation& operation) {
  operation.error = Code::kOutcomeUnknown;
  operation.revision = 0;
  return operation;
}
Operation& Refused(Operation& operation, Code code) {
  operation.error = code;
  operation.revision = 0;
  return operation;
}

TEST(LinearizabilityTest, AnEmptyHistoryIsInOrder) {
  EXPECT_THAT(Told().Search(), IsEmpty());
  EXPECT_THAT(Told().Order(), IsEmpty());
}

TEST(LinearizabilityTest, ConcurrentSwapsOfWhichOneWinsAreInOrder) {
  Told t;
  t.Create(1, 0, 10, kA, "one", 2);
  t.Replace(1, 20, 60, kA, 2, "two", 3);
  Refused(t.Replace(2, 20, 50, kA, 2, "three", 0), Code::kConflict);
  t.Get(3, 25, 55, kA, 2, "one");  // before the winner
  t.Get(3, 56, 59, kA, 3, "two");  // after it, before it has returned
  t.Delete(2, 70, 80, kA, 3, 5);
  t.Missing(1, 90, 95, kA);
  t.Create(1, 96, 99, kA, "again", 7);
  t.Happened(kA, 2), t.Happened(kA, 3), t.Happened(kA, 5, true), t.Happened(kA, 7);
  EXPECT_THAT(t.Search(), IsEmpty());
  EXPECT_THAT(t.Order(), IsEmpty());
}

TEST(LinearizabilityTest, ALostUpdateIsFound) {
  Told t;
  t.Create(1, 0, 10, kA, "one", 2);
  t.Replace(1, 20, 30, kA, 2, "two", 3);
  t.Replace(2, 20, 40, kA, 2, "three", 4);  // both on the same revision
  t.Happened(kA, 2), t.Happened(kA, 3), t.Happened(kA, 4);
  EXPECT_THAT(t.Search(), ElementsAre(HasSubstr("no order explains")));
  EXPECT_THAT(t.Search(Reads::kPerStore), ElementsAre(HasSubstr("no order explains")));
  EXPECT_THAT(t.Order(), ElementsAre(HasSubstr("did not expect")));
}

TEST(LinearizabilityTest, AnAcknowledgedWriteThatIsGoneIsFound) {
  Told t;
  t.Create(1, 0, 10, kA, "one", 2);
  t.Missing(1, 20, 30, kA);
  EXPECT_THAT(t.Search(), ElementsAre(HasSubstr("no order explains")));
  EXPECT_THAT(t.Order(), testing::Contains(HasSubstr("the feed has not told")));
  t.operations.pop_back();
  t.Create(1, 40, 50, kA, "two", 3);  // as if nothing had been there
  EXPECT_THAT(t.Search(Reads::kPerStore), ElementsAre(HasSubstr("no order explains")));
}

TEST(LinearizabilityTest, AReadOfThePastIsFoundWhereItIsForbidden) {
  Told t;
  t.Create(1, 0, 10, kA, "one", 2);
  t.Replace(1, 20, 30, kA, 2, "two", 3);
  t.Get(2, 40, 50, kA, 2, "one");
  t.Happened(kA, 2), t.Happened(kA, 3);
  EXPECT_THAT(t.Search(Reads::kPresent), ElementsAre(HasSubstr("no order explains")));
  EXPECT_THAT(t.Order(Reads::kPresent), ElementsAre(HasSubstr("not so at any moment")));
  EXPECT_THAT(t.Search(Reads::kPerStore), IsEmpty());
  EXPECT_THAT(t.Order(Reads::kPerStore), IsEmpty());  // a follower may lag
  t.Get(2, 60, 70, kA, 3, "two");
  t.Get(2, 80, 90, kA, 2, "one");  // but not go back
  EXPECT_THAT(t.Order(Reads::kPerStore), ElementsAre(HasSubstr("not so at any moment")));
}

TEST(LinearizabilityTest, AStoreThatForgetsItsOwnWriteIsFound) {
  Told t;
  t.Create(1, 0, 10, kA, "one", 2);
  t.Replace(1, 20, 30, kA, 2, "two", 3);
  t.Get(1, 40, 50, kA, 2, "one");
  t.Happened(kA, 2), t.Happened(kA, 3);
  EXPECT_THAT(t.Order(Reads::kPerStore), ElementsAre(HasSubstr("not so at any moment")));
}

TEST(LinearizabilityTest, AReadThatGoesBackOverAnotherObjectIsFound) {
  Told t;
  t.Create(1, 0, 10, kA, "one", 2);
  t.Create(1, 20, 30, kB, "two", 3);
  t.Get(2, 40, 50, kB, 3, "two");
  t.Missing(2, 60, 70, kA);  // older than what it has seen of b
  t.Happened(kA, 2), t.Happened(kB, 3);
  EXPECT_THAT(t.Order(Reads::kPerStore), ElementsAre(HasSubstr("not so at any moment")));
}

TEST(LinearizabilityTest, AReadOfTheFutureIsFound) {
  Told t;
  t.Create(1, 0, 10, kA, "one", 2);
  t.Get(2, 20, 30, kA, 3, "two");
  t.Replace(1, 40, 50, kA, 2, "two", 3);
  t.Happened(kA, 2), t.Happened(kA, 3);
  EXPECT_THAT(t.Search(), ElementsAre(HasSubstr("no order explains")));
  EXPECT_THAT(t.Order(Reads::kPerStore), ElementsAre(HasSubstr("not so at any moment")));
}

TEST(LinearizabilityTest, AValueThatNobodyWroteIsFound) {
  Told t;
  t.Create(1, 0, 10, kA, "one", 2);
  t.Get(2, 20, 30, kA, 2, "other");
  EXPECT_THAT(t.Search(Reads::kPerStore), testing::Contains(HasSubstr("nobody has written")));
}

TEST(LinearizabilityTest, ARefusedWriteThatShowsIsFound) {
  Told t;
  Refused(t.Create(1, 0, 10, kA, "one", 0), Code::kUnavailable);
  t.Get(2, 20, 30, kA, 2, "one");
  EXPECT_THAT(t.Search(Reads::kPerStore), testing::Contains(HasSubstr("what was refused")));
}

TEST(LinearizabilityTest, AnUnknownWriteMayHaveHappenedOrNot) {
  Told t;
  t.Create(1, 0, 10, kA, "one", 2);
  Unknown(t.Replace(1, 20, 30, kA, 2, "two", 0));
  EXPECT_THAT(t.Search(), IsEmpty());
  t.Get(2, 40, 50, kA, 2, "one");
  EXPECT_THAT(t.Search(), IsEmpty());
  t.Get(2, 60, 70, kA, 5, "two");  // late, but it may
  EXPECT_THAT(t.Search(), IsEmpty());
  t.Replace(2, 80, 90, kA, 5, "three", 6);
  t.Happened(kA, 2), t.Happened(kA, 5), t.Happened(kA, 6);
  EXPECT_THAT(t.Search(), IsEmpty());
  EXPECT_THAT(t.Order(), IsEmpty());
  t.Get(2, 95, 99, kA, 2, "one");
  EXPECT_THAT(t.Search(), ElementsAre(HasSubstr("no order explains")));
}

TEST(LinearizabilityTest, AnUnknownWriteIsBuiltUponWithoutHavingBeenRead) {
  Told t;
  t.Create(1, 0, 10, kA, "one", 2);
  Unknown(t.Replace(1, 20, 30, kA, 2, "two", 0));
  t.Replace(2, 40, 50, kA, 4, "three", 6);  // 4 can only be what became of the unknown one
  EXPECT_THAT(t.Search(Reads::kPerStore), IsEmpty());
  t.Replace(2, 60, 70, kA, 6, "four", 7);
  t.Delete(1, 80, 90, kA, 5, 9);  // but nobody wrote 5
  EXPECT_THAT(t.Search(Reads::kPerStore), ElementsAre(HasSubstr("no order explains")));
}

TEST(LinearizabilityTest, ADoubleApplyIsFound) {
  Told t;
  Unknown(t.Create(1, 0, 10, kA, "one", 0));
  t.Get(2, 20, 30, kA, 2, "one");
  t.Delete(2, 40, 50, kA, 2, 3);
  t.Get(2, 60, 70, kA, 4, "one");  // the create has been sent again
  t.Happened(kA, 2), t.Happened(kA, 3, true), t.Happened(kA, 4);
  EXPECT_THAT(t.Search(), testing::Contains(HasSubstr("one write, two revisions")));
  EXPECT_THAT(t.Order(), testing::Contains(HasSubstr("nobody's write")));
}

TEST(LinearizabilityTest, AResurrectedObjectIsFound) {
  Told t;
  t.Create(1, 0, 10, kA, "one", 2);
  t.Delete(1, 20, 30, kA, 2, 3);
  t.Get(2, 40, 50, kA, 2, "one");
  EXPECT_THAT(t.Search(), ElementsAre(HasSubstr("no order explains")));
  t.operations.pop_back();
  t.Replace(2, 40, 50, kA, 2, "two", 4);  // on what is deleted
  t.Happened(kA, 2), t.Happened(kA, 3, true), t.Happened(kA, 4);
  EXPECT_THAT(t.Search(Reads::kPerStore), ElementsAre(HasSubstr("no order explains")));
  EXPECT_THAT(t.Order(Reads::kPerStore), ElementsAre(HasSubstr("did not expect")));
}

TEST(LinearizabilityTest, AWriteAfterItsReadBackIsFound) {
  Told t;
  t.Create(1, 0, 10, kA, "one", 2);
  Unknown(t.Replace(1, 20, 30, kA, 2, "two", 0));
  t.Get(1, 40, 50, kA, 2, "one");  // so it has not happened
  t.Create(2, 60, 70, kB, "other", 3);
  t.Get(2, 80, 90, kA, 4, "two");  // and yet
  t.Happened(kA, 2), t.Happened(kB, 3), t.Happened(kA, 4);
  EXPECT_THAT(t.Order(Reads::kPerStore), ElementsAre(HasSubstr("should have resolved it")));
}

TEST(LinearizabilityTest, AWriteOfAKilledProcessCantComeAfterItsEnd) {
  Told t;
  t.Create(1, 0, 10, kA, "one", 2);
  Operation& killed = Unknown(t.Replace(1, 20, 30, kA, 2, "two", 0));
  killed.returned = SteadyTime::max();
  killed.latest = At(30);
  t.Get(2, 40, 45, kA, 2, "one");
  EXPECT_THAT(t.Search(), IsEmpty());
  t.Get(2, 50, 60, kA, 3, "two");
  EXPECT_THAT(t.Search(), ElementsAre(HasSubstr("no order explains")));
}

TEST(LinearizabilityTest, RevisionsThatDoNotFollowTheClockAreFound) {
  Told t;
  t.Create(1, 0, 10, kA, "one", 5);
  t.Create(1, 20, 30, kB, "two", 4);
  t.Happened(kB, 4), t.Happened(kA, 5);
  EXPECT_THAT(t.Search(), IsEmpty());  // each object for itself
  EXPECT_THAT(t.Order(Reads::kPerStore), ElementsAre(HasSubstr("with a smaller revision")));
}

TEST(LinearizabilityTest, AListIsJudgedRecordByRecord) {
  Told t;
  t.Create(1, 0, 10, kA, "one", 2);
  t.Create(1, 20, 30, kB, "two", 3);
  t.Replace(1, 40, 50, kA, 2, "three", 4);
  t.Happened(kA, 2), t.Happened(kB, 3), t.Happened(kA, 4);
  Operation list{.act = Act::kList,
                 .key = {"Execution", "", ""},
                 .revision = 3,
                 .records = {{kA, 4, "three"}, {kB, 3, "two"}}};
  t.Add(2, 60, 70, list);
  EXPECT_THAT(t.Order(Reads::kPerStore), IsEmpty());
  t.operations.back().records = {{kA, 2, "one"}, {kB, 3, "two"}};
  EXPECT_THAT(t.Order(Reads::kPerStore), IsEmpty());
  t.operations.back().revision = 4;
  EXPECT_THAT(t.Order(Reads::kPerStore), ElementsAre(HasSubstr("shows Execution/alice/a at 2")));
  t.operations.back().records = {{kA, 4, "three"}};
  EXPECT_THAT(t.Order(Reads::kPerStore), ElementsAre(HasSubstr("b missing")));
}

TEST(LinearizabilityTest, RefusalsAreJudgedLikeReads) {
  Told t;
  t.Create(1, 0, 10, kA, "one", 2);
  t.Happened(kA, 2);
  Refused(t.Replace(2, 20, 30, kA, 2, "two", 0), Code::kNotFound);  // its server lags
  EXPECT_THAT(t.Order(Reads::kPerStore), IsEmpty());
  EXPECT_THAT(t.Order(Reads::kPresent), ElementsAre(HasSubstr("not so at any moment")));
  EXPECT_THAT(t.Search(Reads::kPresent), ElementsAre(HasSubstr("no order explains")));
  t.operations.pop_back();
  Refused(t.Replace(1, 20, 30, kA, 2, "two", 0), Code::kConflict);  // it is at 2
  EXPECT_THAT(t.Order(Reads::kPerStore), ElementsAre(HasSubstr("not so at any moment")));
  t.operations.pop_back();
  Refused(t.Create(2, 20, 30, kB, "two", 0), Code::kAlreadyExists);  // decided by the leader
  EXPECT_THAT(t.Search(Reads::kPerStore), ElementsAre(HasSubstr("no order explains")));
}

TEST(LinearizabilityTest, AnOldTermThatWritesAgainIsFound) {
  Told t;
  t.Create(1, 0, 10, kA, "one", 2).term = 7;
  t.Create(2, 20, 30, kB, "two", 3).term = 8;
  t.Happened(kA, 2), t.Happened(kB, 3);
  EXPECT_THAT(t.Order(), IsEmpty());
  t.Replace(1, 40, 50, kA, 2, "three", 4).term = 7;
  t.Happened(kA, 4);
  EXPECT_THAT(t.Order(), ElementsAre(HasSubstr("after the next one had written")));
}

class FeedTest : public testing::Test {
 protected:
  FeedTest() {
    for (int i = 2; i <= 6; ++i) {
      const Key key{"Execution", "alice", std::to_string(i)};
      t_.Create(1, 10 * i, 10 * i + 5, key, "v" + std::to_string(i), i);
      t_.Happened(key, i);
    }
  }
  void Hear(std::initializer_list<int> revisions) {  // 0: a gap
    for (const int revision : revisions) {
      revision == 0 ? feed_.feed().on_gap()
                    : feed_.feed().on_change(t_.order[static_cast<size_t>(revision - 2)].change);
    }
  }
  Violations Check() { return CheckFeed(t_.operations, t_.order, feed_); }

  Told t_;
  FeedLog feed_;
};

TEST_F(FeedTest, AWholeFeedIsFine) {
  feed_.SubscribedAt(At(0));
  Hear({2, 3, 4, 5, 6});
  EXPECT_THAT(Check(), IsEmpty());
}
TEST_F(FeedTest, AFeedThatBeginsLaterIsFine) {
  feed_.SubscribedAt(At(36));
  Hear({4, 5, 6});
  EXPECT_THAT(Check(), IsEmpty());
}
TEST_F(FeedTest, AGapExcusesWhatIsMissing) {
  feed_.SubscribedAt(At(0));
  Hear({2, 0, 5, 6});
  EXPECT_THAT(Check(), IsEmpty());
}
TEST_F(FeedTest, AMissingChangeIsFound) {
  feed_.SubscribedAt(At(0));
  Hear({2, 3, 5, 6});
  EXPECT_THAT(Check(), ElementsAre(HasSubstr("left out 4")));
}
TEST_F(FeedTest, AMissingFirstChangeIsFound) {
  feed_.SubscribedAt(At(0));
  Hear({3, 4, 5, 6});
  EXPECT_THAT(Check(), ElementsAre(HasSubstr("left out 2")));
}
TEST_F(FeedTest, AMissingLastChangeIsFound) {
  feed_.SubscribedAt(At(0));
  Hear({2, 3, 4, 5});
  EXPECT_THAT(Check(), ElementsAre(HasSubstr("ended at 5")));
}
TEST_F(FeedTest, AChangeToldTwiceIsFound) {
  feed_.SubscribedAt(At(0));
  Hear({2, 3, 3, 4, 5, 6});
  EXPECT_THAT(Check(), ElementsAre(HasSubstr("at 3 after 3")));
}
TEST_F(FeedTest, ChangesInTheWrongOrderAreFound) {
  feed_.SubscribedAt(At(0));
  Hear({2, 4, 3, 5, 6});
  EXPECT_THAT(Check(), testing::Contains(HasSubstr("at 3 after 4")));
}

TEST(HistoryTest, AJournalTellsWhatReturnedAndWhatDidNot) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  History history("x", fds[1]);
  Operation done{
      .store = 3, .act = Act::kReplace, .key = kA, .expected = 7, .bytes = "x", .invoked = At(1)};
  history.Begin(done);
  Operation cut{
      .store = 4, .act = Act::kDelete, .key = {"User", "", "bob"}, .expected = 2, .invoked = At(2)};
  history.Begin(cut);
  done.returned = At(3);
  done.error = Code::kConflict;
  history.Add(done);
  char bytes[4096];
  const ssize_t size = read(fds[0], bytes, sizeof(bytes));
  close(fds[0]), close(fds[1]);
  ASSERT_GT(size, 0);
  const std::string lines(bytes, static_cast<size_t>(size));
  const std::vector<Operation> read_back = ReadJournal(lines + "I 17 2 2 Exec", At(9));
  ASSERT_EQ(read_back.size(), 2u);
  EXPECT_EQ(read_back[0].ToString(), done.ToString());
  EXPECT_TRUE(read_back[1].unknown());
  EXPECT_EQ(read_back[1].key, cut.key);
  EXPECT_EQ(read_back[1].latest, At(9));
}

// ---- speed, and random histories of a register that is right by construction

// Clients that call a perfect store at random moments; `unknown` of them get no answer, and half
// of those writes still happen. Effects are in the order in which they are made here.
std::vector<Operation> Perfect(int count, int clients, int unknown_percent, uint64_t seed) {
  std::minstd_rand random(static_cast<unsigned>(seed));
  std::vector<int> free_at(static_cast<size_t>(clients), 0);
  std::vector<Operation> operations;
  Revision now = 1, object = 0;
  std::string bytes;
  int time = 0;
  for (int i = 0; i < count; ++i) {
    const size_t client = random() % free_at.size();
    time = std::max(time, free_at[client]) + 1;  // the moment of effect
    Operation o{.store = static_cast<int>(client), .key = kA};
    o.invoked = At(std::max(free_at[client], time - static_cast<int>(random() % 20)));
    free_at[client] = time + 1 + static_cast<int>(random() % 20);
    o.returned = At(free_at[client]);
    ++free_at[client];
    const bool unknown = static_cast<int>(random() % 100) < unknown_percent;
    const bool lost = unknown && random() % 2 == 0;
    o.act = object == 0
                ? Act::kCreate
                : std::vector{Act::kReplace, Act::kReplace, Act::kGet, Act::kDelete}[random() % 4];
    if (o.act == Act::kGet) {
      o.revision = object;
      o.bytes = bytes;
    } else {
      o.expected = object;
      if (o.act != Act::kDelete) o.bytes = "v" + std::to_string(i);
      if (!lost) {
        o.revision = ++now;
        object = o.act == Act::kDelete ? 0 : now;
        bytes = o.bytes;
      }
      if (unknown) Unknown(o);
    }
    operations.push_back(std::move(o));
  }
  return operations;
}

TEST(LinearizabilityTest, TenThousandOperationsOnOneObjectAreJudgedInSeconds) {
  const auto start = std::chrono::steady_clock::now();
  SearchFigures figures;
  EXPECT_THAT(CheckLinearizable(Perfect(10'000, 16, 3, 1), Reads::kPresent, &figures), IsEmpty());
  const auto took = std::chrono::steady_clock::now() - start;
  RecordProperty("steps", std::to_string(figures.steps));
  std::printf("10000 operations, %lu steps, %.2f s\n", static_cast<unsigned long>(figures.steps),
              std::chrono::duration<double>(took).count());
  EXPECT_LT(took, std::chrono::seconds(20));
}

TEST(LinearizabilityTest, EveryPerfectHistoryIsAccepted) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    const auto operations = Perfect(60, 6, 15, seed);
    EXPECT_THAT(CheckLinearizable(operations, Reads::kPresent), IsEmpty()) << "seed " << seed;
    EXPECT_THAT(CheckLinearizable(operations, Reads::kPerStore), IsEmpty()) << "seed " << seed;
  }
}

// One acknowledged write is taken out of each: what was built on it has no ground.
TEST(LinearizabilityTest, EveryHistoryWithALostWriteIsRefused) {
  int refused = 0, tried = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    std::vector<Operation> operations = Perfect(60, 6, 0, seed);
    const auto victim = std::ranges::find_if(operations.begin() + 10, operations.end() - 10,
                                             [](const Operation& o) { return o.write(); });
    operations.erase(victim);
    ++tried;
    refused += CheckLinearizable(operations, Reads::kPerStore).empty() ? 0 : 1;
  }
  EXPECT_EQ(refused, tried);
}

}  // namespace
}  // namespace zoe::conformance
