// Who gives way to whom, and who grows: elastic replicas, preemption, limits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/unit/scheduler/test_cluster.h"

namespace zoe::scheduler {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// ---- elastic replicas

TEST(Elastic, TheyFillWhatIsLeftAndGiveWay) {
  TestCluster c;
  c.Add(MakeNode("a", 8));
  c.Add(MakeJob("u/dask", {MakeService(1, 1, 1, 0, "master"), MakeService(10, 1, 1)}));
  c.Settle();
  EXPECT_EQ(c.Granted("u/dask", 1), 7);
  c.Add(MakeJob("v/train", {MakeService(1, 1, 3)}));
  const Decision shrink = c.Step();
  ASSERT_THAT(shrink.grants, SizeIs(1));
  EXPECT_EQ(shrink.grants[0].change, Change::kShrink);
  EXPECT_THAT(shrink.grants[0].replicas, ElementsAre(1, 4));
  EXPECT_EQ(shrink.grants[0].reason, "Reclaimed");
  EXPECT_EQ(shrink.grants[0].message,
            "3 replicas of worker give way to an execution of another user");
  const Decision start = c.Step();
  ASSERT_THAT(start.grants, SizeIs(1));
  EXPECT_EQ(start.grants[0].job, "v/train");
  c.Settle();
  EXPECT_EQ(c.Granted("u/dask", 1), 4);
  c.End("v/train");
  c.Settle();
  EXPECT_EQ(c.Granted("u/dask", 1), 7);
}

TEST(Elastic, NothingGivesWayForRoomThatOthersLeave) {
  TestCluster c;
  Node node = MakeNode("a", 8);
  node.foreign.cpu_nano = 4 * kCpu;
  c.Add(node);
  c.Add(MakeJob("u/dask", {MakeService(10, 1, 1)}));
  c.Settle();
  EXPECT_EQ(c.Granted("u/dask"), 4);
  node.leaving.cpu_nano = 4 * kCpu;
  c.Add(node);
  c.Add(MakeJob("v/train", {MakeService(1, 1, 3)}));
  EXPECT_THAT(c.Step().grants, IsEmpty());
  EXPECT_THAT(c.scheduler.Explain("v/train").message, HasSubstr("is on its way"));
  node.foreign = node.leaving = {};
  c.Add(node);
  c.Settle();
  EXPECT_TRUE(c.Runs("v/train"));
  EXPECT_EQ(c.Granted("u/dask"), 5);
}

TEST(Elastic, WhileTheyLeaveNoMoreAreTold) {
  Scheduler s({});
  s.SetNode(MakeNode("a", 4));
  Job dask = MakeJob("u/dask", {MakeService(4, 1, 1)});
  dask.started = true;
  dask.services[0].granted = 4;
  dask.services[0].placed = {{"a", 4}};
  s.SetJob(dask);
  s.SetJob(MakeJob("v/x", {MakeService(1, 1, 2)}));
  const Decision shrink = s.Decide(kStart);
  ASSERT_THAT(shrink.grants, SizeIs(1));
  EXPECT_THAT(shrink.grants[0].replicas, ElementsAre(2));
  dask.services[0].granted = 2;
  s.SetJob(dask);
  s.SetJob(MakeJob("w/later", {MakeService(1, 1, 1)}, seconds(5)));
  const Decision again = s.Decide(kStart);
  EXPECT_THAT(again.grants, IsEmpty());
  EXPECT_THAT(s.Explain("v/x").message, HasSubstr("on its way"));
  dask.services[0].placed = {{"a", 2}};
  s.SetJob(dask);
  const Decision start = s.Decide(kStart);
  ASSERT_THAT(start.grants, SizeIs(2));
  EXPECT_EQ(start.grants[0].change, Change::kShrink);  // for the later one
  EXPECT_THAT(start.grants[0].replicas, ElementsAre(1));
  EXPECT_EQ(start.grants[1].job, "v/x");
}

TEST(Elastic, RoomThatIsOnItsWayIsNotTakenApart) {
  Scheduler s({});
  s.SetNode(MakeNode("a", 4));
  Job dask = MakeJob("u/dask", {MakeService(2, 2, 1)});
  dask.started = true;
  dask.services[0].granted = 2;
  dask.services[0].placed = {{"a", 3}};  // one of them leaves
  s.SetJob(dask);
  s.SetJob(MakeJob("v/first", {MakeService(1, 1, 2)}));
  s.SetJob(MakeJob("w/later", {MakeService(1, 1, 1)}, seconds(5)));
  EXPECT_THAT(s.Decide(kStart).grants, IsEmpty());
  EXPECT_THAT(s.Queue(), ElementsAre("v/first", "w/later"));
}

TEST(Elastic, TheRichestGiveFirst) {
  TestCluster c;
  c.Add(MakeNode("a", 10));
  c.Add(MakeJob("u/poor", {MakeService(3, 1, 1)}));
  c.Add(MakeJob("v/rich", {MakeService(7, 1, 1)}, seconds(1)));
  c.Settle();
  ASSERT_EQ(c.Granted("v/rich"), 7);
  c.Add(MakeJob("w/x", {MakeService(4, 4, 1)}, seconds(2)));
  c.Settle();
  EXPECT_TRUE(c.Runs("w/x"));
  EXPECT_EQ(c.Granted("u/poor"), 3);
  EXPECT_EQ(c.Granted("v/rich"), 3);
}

TEST(Elastic, NothingGivesWayWhereItWouldNotBeEnough) {
  TestCluster c;
  c.Add(MakeNode("a", 4));
  c.Add(MakeNode("b", 4));
  c.Add(MakeJob("u/rigid", {MakeService(2, 2, 1)}));
  c.Add(MakeJob("u/elastic", {MakeService(6, 1, 1)}, seconds(1)));
  c.Settle();
  c.Add(MakeJob("v/x", {MakeService(2, 2, 4)}, seconds(2)));
  EXPECT_THAT(c.Step().grants, IsEmpty());
}

TEST(Elastic, OnlyThoseOnUsefulNodesGive) {
  TestCluster c;
  Node gpu = MakeNode("gpu", 4);
  gpu.labels["gpu"] = "true";
  c.Add(gpu);
  c.Add(MakeNode("a", 8));
  Job on_gpu = MakeJob("u/gpu", {MakeService(4, 1, 1)});
  on_gpu.services[0].constraints = {"node.labels.gpu == true"};
  c.Add(on_gpu);
  Job plain = MakeJob("u/plain", {MakeService(8, 1, 1)});
  plain.services[0].constraints = {"node.labels.gpu != true"};
  c.Add(plain);
  c.Settle();
  Job x = MakeJob("v/x", {MakeService(1, 1, 2)});
  x.services[0].constraints = {"node.labels.gpu == true"};
  c.Add(x);
  c.Settle();
  EXPECT_TRUE(c.Runs("v/x"));
  EXPECT_EQ(c.Granted("u/gpu"), 2);
  EXPECT_EQ(c.Granted("u/plain"), 8);
}

TEST(Elastic, EqualsGetOneInTurn) {
  TestCluster c;
  c.Add(MakeNode("a", 12));
  c.Add(MakeJob("u/1", {MakeService(20, 1, 1)}));
  c.Add(MakeJob("u/2", {MakeService(20, 1, 1)}, seconds(1)));
  c.Add(MakeJob("u/3", {MakeService(20, 1, 1)}, seconds(2)));
  c.Settle();
  for (const char* id : {"u/1", "u/2", "u/3"}) EXPECT_EQ(c.Granted(id), 4) << id;
}

TEST(Elastic, TheShortestGetsAllWhereSizeCounts) {
  TestCluster c({.policy = Policy::kShortestRemaining});
  c.Add(MakeNode("a", 12));
  const auto add = [&](const std::string& id, Duration duration) {
    Job job = MakeJob(id, {MakeService(20, 1, 1)});
    job.duration = job.remaining = duration;
    c.Add(job);
  };
  add("u/long", hours(2));
  add("u/short", hours(1));
  c.Settle();
  EXPECT_EQ(c.Granted("u/short"), 11);
  EXPECT_EQ(c.Granted("u/long"), 1);
}

// The larger one has the shorter duration, and less of it remains.
TEST(Elastic, WhoNeedsLeastInAllGetsAllWhereSizeCounts) {
  TestCluster c({.policy = Policy::kSize});
  c.Add(MakeNode("a", 12));
  Job large = MakeJob("u/large", {MakeService(40, 1, 1)});
  large.duration = hours(1);
  large.remaining = minutes(1);
  Job small = MakeJob("u/small", {MakeService(10, 1, 1)});
  small.duration = small.remaining = hours(2);
  c.Add(large);
  c.Add(small);
  c.Settle();
  EXPECT_EQ(c.Granted("u/small"), 10);
  EXPECT_EQ(c.Granted("u/large"), 2);
}

TEST(Elastic, TheYoungestGetsAllWhereSizeCountsAndNoneSaysHowLong) {
  TestCluster c({.policy = Policy::kSize});
  c.Add(MakeNode("a", 12));
  c.Add(MakeJob("u/old", {MakeService(20, 1, 1)}));
  c.Add(MakeJob("u/young", {MakeService(20, 1, 1)}, hours(1)));
  c.now += hours(2);
  c.Settle();
  EXPECT_EQ(c.Granted("u/young"), 11);
  EXPECT_EQ(c.Granted("u/old"), 1);
}

TEST(Elastic, WhatIsEndingBitByBitKeepsWhatItHas) {
  TestCluster c;
  c.Add(MakeNode("a", 4));
  Job batch = MakeJob("u/batch", {MakeService(5, 1, 1)});
  batch.started = true;
  batch.services[0].granted = 5;
  batch.services[0].ended = 1;
  batch.services[0].placed = {{"a", 4}};
  c.Add(batch);
  c.Add(MakeJob("v/x", {MakeService(1, 1, 2)}));
  EXPECT_THAT(c.Step().grants, IsEmpty());
}

TEST(Elastic, WithoutReclaimNothingIsTakenBack) {
  TestCluster c({.reclaim = false});
  c.Add(MakeNode("a", 4));
  c.Add(MakeJob("u/dask", {MakeService(4, 1, 1)}));
  c.Settle();
  c.Add(MakeJob("v/x", {MakeService(1, 1, 2)}));
  EXPECT_THAT(c.Step().grants, IsEmpty());
}

// ---- preemption

TEST(Preemption, TheLowestAndYoungestGoAndNoMoreThanItTakes) {
  TestCluster c({.preempt = true});
  c.Add(MakeNode("a", 6));
  const auto add = [&](const std::string& id, int priority, int later, int cpu) {
    Job job = MakeJob(id, {MakeService(1, 1, cpu)}, seconds(later));
    job.priority = priority;
    c.Add(job);
  };
  add("u/low-old", 0, 0, 2);
  add("u/low-young", 0, 1, 2);
  add("u/high", 5, 2, 2);
  c.Settle();
  add("v/top", 9, 3, 2);
  const Decision decision = c.Step();
  ASSERT_THAT(decision.grants, SizeIs(1));
  EXPECT_EQ(decision.grants[0].job, "u/low-young");
  EXPECT_EQ(decision.grants[0].change, Change::kRequeue);
  EXPECT_EQ(decision.grants[0].reason, "Preempted");
  EXPECT_EQ(decision.grants[0].message, "gives way to an execution of another user");
  c.Settle();
  EXPECT_TRUE(c.Runs("v/top"));
  EXPECT_FALSE(c.Runs("u/low-young"));
  EXPECT_TRUE(c.Runs("u/low-old"));
}

TEST(Preemption, NeverUnlessAllowedAndNeverAnEqual) {
  for (const bool allowed : {false, true}) {
    TestCluster c({.preempt = allowed});
    c.Add(MakeNode("a", 2));
    Job low = MakeJob("u/low", {MakeService(1, 1, 2)});
    c.Add(low);
    c.Settle();
    Job top = MakeJob("v/top", {MakeService(1, 1, 2)}, seconds(1));
    top.priority = allowed ? 0 : 5;
    c.Add(top);
    EXPECT_THAT(c.Step().grants, IsEmpty());
  }
}

TEST(Preemption, WhoWouldComeFirstAgainIsLeftAlone) {
  TestCluster c({.patience = hours(1), .preempt = true});
  c.Add(MakeNode("a", 2));
  c.Add(MakeJob("u/old", {MakeService(1, 1, 2)}));
  c.Settle();
  c.now += hours(2);
  Job top = MakeJob("v/top", {MakeService(1, 1, 2)}, hours(2));
  top.priority = 9;
  c.Add(top);
  EXPECT_THAT(c.Step().grants, IsEmpty());
}

// ---- limits

TEST(Limit, OfTheUserHoldAtStartAndAtGrowth) {
  TestCluster c({.reclaim = false});
  c.Add(MakeNode("a", 100));
  c.scheduler.SetLimits("u", {.quota = "students", .executions = 2, .cpu_nano = 6 * kCpu});
  c.Add(MakeJob("u/1", {MakeService(10, 1, 2)}));
  c.Settle();
  EXPECT_EQ(c.Granted("u/1"), 3);
  c.Add(MakeJob("u/2", {MakeService(1, 1, 1)}));
  c.Add(MakeJob("v/3", {MakeService(1, 1, 90)}, seconds(1)));
  c.Settle();
  EXPECT_FALSE(c.Runs("u/2"));
  EXPECT_TRUE(c.Runs("v/3"));
  const Explanation why = c.scheduler.Explain("u/2");
  EXPECT_EQ(why.position, 1);
  EXPECT_EQ(why.reason, "QuotaExceeded");
  EXPECT_THAT(why.message, HasSubstr("exceeded quota: students, requested: cpu=1, used: cpu=6, "
                                     "limited: cpu=6"));
  c.scheduler.SetLimits("u", {});
  c.Settle();
  EXPECT_TRUE(c.Runs("u/2"));
}

TEST(Limit, WhatCanNotBeCountedLeavesNoTrace) {
  TestCluster c({.reclaim = false});
  c.Add(MakeNode("a", 100));
  c.scheduler.SetLimits("u", {.quota = "students", .cpu_nano = 6 * kCpu});
  c.Add(MakeJob("u/1", {MakeService(2, 2, 1)}));
  c.Add(MakeJob("u/2", {MakeService(3, 3, 1)}));
  Job huge = MakeJob("u/huge", {});
  for (int i = 0; i < 8; ++i) {
    Service service = MakeService(9999, 9999, 0, 0, std::to_string(i));
    service.request.cpu_nano = service.request.memory_bytes = int64_t{1} << 48;
    huge.services.push_back(service);
  }
  c.Add(huge);
  c.Settle();
  EXPECT_TRUE(c.Runs("u/1") && c.Runs("u/2"));
  EXPECT_FALSE(c.Runs("u/huge"));
  EXPECT_EQ(c.scheduler.Explain("u/huge").reason, "Unschedulable");
  // One that runs is declared anew, twice.
  const Job runs = c.swarm.jobs().at("u/2");
  Job grown = huge;
  grown.id = "u/2";
  grown.started = true;
  for (Service& service : grown.services) service.granted = 9999;
  c.scheduler.SetJob(grown);
  c.scheduler.Decide(c.now);
  c.scheduler.SetJob(runs);
  c.Add(MakeJob("u/3", {MakeService(2, 2, 1)}));
  c.Settle();
  EXPECT_FALSE(c.Runs("u/3"));
  EXPECT_THAT(c.scheduler.Explain("u/3").message, HasSubstr("used: cpu=5"));
}

TEST(Limit, ElasticReplicasOfTheSameUserGiveWayToItsEssentials) {
  TestCluster c;
  c.Add(MakeNode("a", 100));
  c.scheduler.SetLimits("u", {.quota = "students", .cpu_nano = 6 * kCpu});
  c.Add(MakeJob("u/1", {MakeService(10, 1, 2)}));
  c.Add(MakeJob("v/1", {MakeService(10, 1, 2)}));
  c.Settle();
  EXPECT_EQ(c.Granted("u/1"), 3);
  c.Add(MakeJob("u/2", {MakeService(2, 1, 2)}));
  const Decision decision = c.Step();
  ASSERT_THAT(decision.grants, SizeIs(2));
  EXPECT_EQ(decision.grants[0].message, "1 replica of worker gives way to u/2");
  EXPECT_EQ(decision.grants[1].job, "u/2");
  c.Settle();
  EXPECT_EQ(c.Granted("u/1"), 2);
  EXPECT_EQ(c.Granted("u/2"), 1);
  EXPECT_EQ(c.Granted("v/1"), 10);
  // Essentials alone are too much: nothing gives way in vain.
  c.Add(MakeJob("u/3", {MakeService(2, 2, 2)}));
  EXPECT_THAT(c.Step().grants, IsEmpty());
  EXPECT_EQ(c.scheduler.Explain("u/3").reason, "QuotaExceeded");
}

TEST(Limit, WhoExceedsThemIsInNobodysWay) {
  TestCluster c({.backfill = minutes(0)});
  c.Add(MakeNode("a", 2));
  c.scheduler.SetLimits("u", {.quota = "q", .executions = 0});
  c.Add(MakeJob("u/1", {MakeService(1, 1, 2)}));
  c.Add(MakeJob("v/1", {MakeService(1, 1, 1)}, seconds(1)));
  c.Settle();
  EXPECT_TRUE(c.Runs("v/1"));
}

TEST(Limit, WhoExceedsThemDoesNotHideWhoIsFirst) {
  TestCluster c({.backfill = minutes(0)});
  c.Add(MakeNode("a", 4));
  c.Add(MakeJob("x/runs", {MakeService(1, 1, 3)}));
  c.Settle();
  c.scheduler.SetLimits("u", {.quota = "q", .executions = 0});
  c.Add(MakeJob("u/1", {MakeService(1, 1, 4)}));
  c.Add(MakeJob("v/1", {MakeService(1, 1, 4)}, seconds(1)));
  c.Add(MakeJob("v/2", {MakeService(1, 1, 1)}, seconds(2)));
  c.now += seconds(2);
  EXPECT_THAT(c.Step().grants, IsEmpty());
  EXPECT_THAT(c.scheduler.Explain("v/2").message, HasSubstr("v/1"));
}

}  // namespace
}  // namespace zoe::scheduler
