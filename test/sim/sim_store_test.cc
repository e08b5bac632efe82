// The model of the replicated store: what one client sees of another's writes, and who leads.
#include "test/sim/sim_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/sim/clock.h"
#include "test/sim/truth.h"

namespace zoe::sim_test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

const Key kA{"Execution", "alice", "a"}, kB{"Execution", "alice", "b"};

class SimStoreTest : public testing::Test {
 protected:
  void Pass(Duration d) {
    clock.Advance(d);
    ensemble.RunDue();
  }
  static LeaderCallback Into(SteadyTime& lease) {
    return [&lease](SteadyTime until) { lease = until; };
  }
  WorldClock clock;
  Ensemble ensemble{clock, 6s};
  std::unique_ptr<SimStore> one = ensemble.Connect(Duration(0)), two = ensemble.Connect(1s);
};

TEST_F(SimStoreTest, ReadsStandStillWhileAClientLagsUntilItWritesItself) {
  const Revision first = *one->Create(kA, "1");
  two->SetLagging(true);
  ASSERT_TRUE(one->Replace(kA, first, "2").ok());
  EXPECT_EQ(two->Get(kA)->bytes, "1");
  EXPECT_EQ(two->List("")->records.size(), 1u);
  EXPECT_EQ(two->Replace(kA, first, "3").error().code, Code::kConflict);
  EXPECT_EQ(two->Get(kA)->bytes, "2") << "what refused the write was the truth";
  ASSERT_TRUE(one->Delete(kA, one->Get(kA)->revision).ok());
  EXPECT_TRUE(two->Get(kA).ok());
  ASSERT_TRUE(two->Create(kB, "1").ok());
  EXPECT_EQ(two->Get(kA).error().code, Code::kNotFound);
}

TEST_F(SimStoreTest, AListingIsAtARevisionThatTheFeedTells) {
  SteadyTime lease = kNotLeading;
  Revision heard = 0;
  const auto watch = one->Subscribe(
      {.on_change = [&](const Change& change) { heard = change.revision; }, .on_gap = [] {}});
  ASSERT_TRUE(one->Create(kA, "1").ok());
  const auto campaign = *two->Campaign("two", Into(lease));
  one->Pump();
  EXPECT_EQ(one->List("")->revision, heard);
}

TEST_F(SimStoreTest, TheFeedComesLateAndInOrderAndHasAGapAfterANewSession) {
  std::vector<std::string> heard;
  const auto watch =
      two->Subscribe({.on_change = [&](const Change& c) { heard.push_back(c.key.name); },
                      .on_gap = [&] { heard.push_back("gap"); }});
  ASSERT_TRUE(one->Create(kB, "1").ok());
  ASSERT_TRUE(one->Create(kA, "1").ok());
  two->Pump();
  EXPECT_TRUE(heard.empty());
  Pass(1s);
  two->Pump();
  EXPECT_THAT(heard, ElementsAre("b", "a"));
  two->SetCut(true);
  Pass(7s);
  ASSERT_TRUE(one->Delete(kA, one->Get(kA)->revision).ok());
  EXPECT_EQ(two->Get(kA).error().code, Code::kUnavailable);
  two->SetCut(false);
  two->Pump();
  EXPECT_THAT(heard, ElementsAre("b", "a", "gap"));
  EXPECT_EQ(two->Get(kA).error().code, Code::kNotFound);
}

TEST_F(SimStoreTest, AShortCutHasNoGapACutLogHas) {
  std::vector<std::string> heard;
  const auto watch =
      one->Subscribe({.on_change = [&](const Change& c) { heard.push_back(c.key.name); },
                      .on_gap = [&] { heard.push_back("gap"); }});
  one->SetCut(true);
  ASSERT_TRUE(two->Create(kA, "1").ok());
  Pass(3s);
  one->SetCut(false);
  one->Pump();
  EXPECT_THAT(heard, ElementsAre("a"));
  ASSERT_TRUE(two->Create(kB, "1").ok());
  ensemble.TrimLog();
  one->Pump();
  EXPECT_THAT(heard, ElementsAre("a", "gap"));
}

TEST_F(SimStoreTest, WhoLagsHearsOfTheGapOnceItSeesTheCut) {
  int gaps = 0;
  const auto watch = one->Subscribe({.on_change = [](const Change&) {}, .on_gap = [&] { ++gaps; }});
  one->SetLagging(true);
  ASSERT_TRUE(two->Create(kA, "1").ok());
  ensemble.TrimLog();
  one->Pump();
  EXPECT_EQ(gaps, 0);
  one->SetLagging(false);
  one->Pump();
  EXPECT_EQ(gaps, 1);
}

TEST_F(SimStoreTest, TheNextInLineLeadsOnceTheSessionBeforeItIsOver) {
  SteadyTime first = kNotLeading, second = kNotLeading;
  const auto a = *one->Campaign("one", Into(first));
  const auto b = *two->Campaign("two", Into(second));
  EXPECT_EQ(first, clock.Now() + 4s);
  EXPECT_EQ(second, kNotLeading);
  EXPECT_TRUE(two->Candidates()->at(0).leading);
  Pass(2500ms);
  one->Pump();
  EXPECT_EQ(first, clock.Now() + 3500ms) << "asked each second";
  one->SetCut(true);
  Pass(3500ms);
  one->Pump();
  two->Pump();
  EXPECT_EQ(first, kNotLeading);
  EXPECT_EQ(second, kNotLeading);
  Pass(2500ms);
  two->Pump();
  EXPECT_NE(second, kNotLeading);
  EXPECT_EQ(ensemble.Leader(), two->session());
}

TEST_F(SimStoreTest, APausedLeaderIsToldTooLateAndItsWritesProveNothing) {
  SteadyTime first = kNotLeading, second = kNotLeading;
  const auto a = *one->Campaign("one", Into(first));
  const auto b = *two->Campaign("two", Into(second));
  ASSERT_TRUE(one->ForLeader().Create(kA, "1").ok());
  EXPECT_EQ(two->ForLeader().Create(kB, "1").error().reason, "NotLeading");
  one->SetPaused(true);
  Pass(7s);
  two->Pump();
  ASSERT_TRUE(two->ForLeader().Create(kB, "1").ok());
  one->SetPaused(false);
  EXPECT_LT(first, clock.Now());
  EXPECT_NE(first, kNotLeading);
  EXPECT_FALSE(one->ForLeader().Replace(kA, one->view(), "late").ok());
  one->Pump();
  EXPECT_EQ(first, kNotLeading);
  EXPECT_EQ(ensemble.Get(kA, ensemble.head())->bytes, "1");
}

TEST_F(SimStoreTest, AnOrderlyEndHandsOverAtOnce) {
  SteadyTime first = kNotLeading, second = kNotLeading;
  auto a = *one->Campaign("one", Into(first));
  const auto b = *two->Campaign("two", Into(second));
  a.reset();
  two->Pump();
  EXPECT_NE(second, kNotLeading);
}

TEST_F(SimStoreTest, WithoutAQuorumNobodyIsAnsweredAndNoSessionEnds) {
  SteadyTime lease = kNotLeading;
  const auto watch = *one->Campaign("one", Into(lease));
  const int session = one->session();
  ensemble.SetQuorum(false);
  EXPECT_EQ(one->Get(kA).error().code, Code::kUnavailable);
  Pass(60s);
  one->Pump();
  EXPECT_EQ(lease, kNotLeading);
  ensemble.SetQuorum(true);
  one->Pump();
  EXPECT_EQ(one->session(), session);
  EXPECT_EQ(lease, clock.Now() + 4s);
}

TEST_F(SimStoreTest, AServerAloneAnswersReadsOfThePastAndLetsNobodyLead) {
  SteadyTime lease = kNotLeading;
  const auto watch = *one->Campaign("one", Into(lease));
  one->SetAlone(true);
  ASSERT_TRUE(two->Create(kA, "1").ok());
  EXPECT_EQ(one->Get(kA).error().code, Code::kNotFound);
  EXPECT_EQ(one->Create(kB, "1").error().code, Code::kOutcomeUnknown);
  EXPECT_FALSE(two->Get(kB).ok());
  Pass(4s);
  one->Pump();
  EXPECT_EQ(lease, kNotLeading);
  Pass(3s);
  EXPECT_EQ(ensemble.Leader(), 0);
}

}  // namespace
}  // namespace zoe::sim_test
