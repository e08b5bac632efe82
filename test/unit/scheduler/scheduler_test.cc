// Who starts, in which order, and who may pass.
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

// ---- admission

TEST(Admission, AllEssentialsStartAtOnceOrNone) {
  TestCluster c;
  c.Add(MakeNode("a", 4));
  c.Add(MakeJob("u/big", {MakeService(3, 3, 1), MakeService(1, 1, 2, 0, "master")}));
  EXPECT_THAT(c.Step().grants, IsEmpty());
  EXPECT_EQ(c.scheduler.Explain("u/big").reason, "Unschedulable");
  c.Add(MakeNode("b", 4));
  const Decision decision = c.Step();
  ASSERT_THAT(decision.grants, SizeIs(1));
  EXPECT_EQ(decision.grants[0].change, Change::kStart);
  EXPECT_THAT(decision.grants[0].replicas, ElementsAre(3, 1));
  EXPECT_TRUE(c.swarm.AllStand());
}

TEST(Admission, AReplicaTakesExactlyWhatIsFree) {
  TestCluster c;
  c.Add(MakeNode("a", 4, 8));
  c.Add(MakeJob("u/exact", {MakeService(1, 1, 4, 8)}));
  EXPECT_THAT(c.Step().grants, SizeIs(1));
  EXPECT_EQ(c.scheduler.Free(), Resources{});
}

TEST(Admission, OthersTasksHaveTheirRoom) {
  TestCluster c;
  Node node = MakeNode("a", 4);
  node.foreign = {2 * kCpu, 0};
  c.Add(node);
  c.Add(MakeJob("u/x", {MakeService(1, 1, 3)}));
  EXPECT_THAT(c.Step().grants, IsEmpty());
  node.foreign = {1 * kCpu, 0};
  c.Add(node);
  EXPECT_THAT(c.Step().grants, SizeIs(1));
}

TEST(Admission, WhatWasGrantedAndIsNotSeenIsNobodyElses) {
  Scheduler s({});
  s.SetNode(MakeNode("a", 4));
  Job first = MakeJob("u/first", {MakeService(1, 1, 3)});
  s.SetJob(first);
  ASSERT_THAT(s.Decide(kStart).grants, SizeIs(1));
  first.started = true;
  first.services[0].granted = 1;
  s.SetJob(first);
  s.SetJob(MakeJob("u/second", {MakeService(1, 1, 3)}));
  EXPECT_THAT(s.Decide(kStart).grants, IsEmpty());
  EXPECT_EQ(s.Free(), (Resources{kCpu, 1024 * kGi}));
}

TEST(Admission, WhatWasJustGrantedIsNotTakenBackBeforeTheSwarmHasPlacedIt) {
  Scheduler s({});
  for (const char* id : {"a", "b"}) s.SetNode(MakeNode(id, 4));
  Job old = MakeJob("u/old", {MakeService(5, 5, 1)});
  old.started = true;
  old.services[0].granted = 5;
  old.services[0].placed = {{"a", 3}, {"b", 2}};
  s.SetJob(old);
  Job dask = MakeJob("u/dask", {MakeService(6, 1, 1)});
  s.SetJob(dask);
  const Decision start = s.Decide(kStart);
  ASSERT_THAT(start.grants, SizeIs(1));
  ASSERT_THAT(start.grants[0].replicas, ElementsAre(3));
  dask.started = true;
  dask.services[0].granted = 3;
  dask.services[0].nodes = start.grants[0].nodes[0];
  s.SetJob(dask);
  EXPECT_THAT(s.Decide(kStart).grants, IsEmpty());
}

TEST(Admission, AskedTwiceItSaysTheSame) {
  Scheduler s({});
  s.SetNode(MakeNode("a", 4));
  s.SetJob(MakeJob("u/x", {MakeService(4, 1, 1)}));
  const Decision one = s.Decide(kStart), two = s.Decide(kStart);
  ASSERT_THAT(one.grants, SizeIs(1));
  ASSERT_THAT(two.grants, SizeIs(1));
  EXPECT_EQ(one.grants[0].replicas, two.grants[0].replicas);
  EXPECT_THAT(s.Queue(), IsEmpty());
}

TEST(Admission, ConstraintsAndAvailabilityChooseNodes) {
  TestCluster c;
  Node gpu = MakeNode("gpu", 4);
  gpu.labels["gpu"] = "True";
  gpu.engine_labels["rack"] = "7";
  gpu.role = "manager";
  c.Add(gpu);
  c.Add(MakeNode("plain", 4));
  const auto wants = [&](const std::string& id, const std::string& constraint) {
    Job job = MakeJob(id, {MakeService(1, 1, 1)});
    job.services[0].constraints = {constraint};
    c.Add(job);
  };
  wants("u/1", "node.labels.gpu == true");
  wants("u/2", "engine.labels.rack==7");
  wants("u/3", "node.role != worker");
  wants("u/4", "node.hostname == gpu");
  c.Settle();
  for (const char* id : {"u/1", "u/2", "u/3", "u/4"})
    EXPECT_THAT(c.swarm.jobs().at(id).services[0].placed, ElementsAre(Placed{"gpu", 1})) << id;
  wants("u/5", "node.id == gpu");
  c.Settle();
  EXPECT_FALSE(c.Runs("u/5"));
  gpu.schedulable = false;
  c.Add(gpu);
  wants("u/6", "node.labels.gpu != true");
  c.Settle();
  EXPECT_THAT(c.swarm.jobs().at("u/6").services[0].placed, ElementsAre(Placed{"plain", 1}));
  EXPECT_THAT(c.scheduler.Explain("u/5").message, HasSubstr("node.id == gpu"));
}

TEST(Admission, NodesThatAGrantConfinesToAreKept) {
  TestCluster c;
  c.Add(MakeNode("a", 4));
  c.Add(MakeNode("b", 4));
  Job pinned = MakeJob("u/pinned", {MakeService(2, 2, 1)});
  pinned.started = true;
  pinned.services[0].granted = 2;
  pinned.services[0].nodes = {"b"};
  c.Add(pinned);
  c.Add(MakeJob("u/three", {MakeService(1, 1, 3)}));
  c.Add(MakeJob("u/two", {MakeService(1, 1, 2)}, seconds(1)));
  EXPECT_THAT(c.scheduler.Decide(kStart).grants, SizeIs(2));
}

// ---- order

std::vector<std::string> StartOrder(Options options, const std::vector<Job>& jobs,
                                    WallTime now = kStart + minutes(1)) {
  Scheduler s(options);
  s.SetNode(MakeNode("a", 100, 100));
  Job all = MakeJob("z/all", {MakeService(1, 1, 100, 100)});
  all.started = true;
  all.services[0].granted = 1;
  all.services[0].placed = {{"a", 1}};
  s.SetJob(all);
  for (const Job& job : jobs) s.SetJob(job);
  EXPECT_THAT(s.Decide(now).grants, IsEmpty());
  return s.Queue();
}

Job Wants(const std::string& id, int64_t cpu, int later, int priority = 0,
          std::optional<Duration> duration = std::nullopt) {
  Job job = MakeJob(id, {MakeService(1, 1, cpu)}, seconds(later));
  job.priority = priority;
  job.duration = job.remaining = duration;
  return job;
}

TEST(Order, FifoKnowsNoPriority) {
  EXPECT_THAT(StartOrder({.policy = Policy::kFifo},
                         {Wants("u/b", 1, 2, 9), Wants("u/a", 1, 1), Wants("u/c", 1, 2)}),
              ElementsAre("u/a", "u/b", "u/c"));
}

TEST(Order, PriorityThenAge) {
  EXPECT_THAT(StartOrder({.policy = Policy::kPriority},
                         {Wants("u/b", 1, 2, 9), Wants("u/a", 1, 1), Wants("u/c", 1, 1, 9)}),
              ElementsAre("u/c", "u/b", "u/a"));
}

TEST(Order, SizeIsShareTimesDuration) {
  EXPECT_THAT(
      StartOrder({.policy = Policy::kSize},
                 {Wants("u/long", 2, 0, 0, hours(10)), Wants("u/wide", 40, 1, 0, minutes(5)),
                  Wants("u/small", 4, 2, 0, minutes(5)), Wants("u/first", 90, 3, 1)}),
      ElementsAre("u/first", "u/small", "u/wide", "u/long"));
}

TEST(Order, ADynamicSizeShrinksWithTheTimeWaited) {
  const std::vector<Job> jobs = {Wants("u/large", 20, 0, 0, hours(1)),
                                 Wants("u/small", 10, 3 * 3600, 0, hours(1))};
  const Options options{.policy = Policy::kDynamicSize, .patience = hours(100)};
  EXPECT_THAT(StartOrder(options, jobs, kStart + seconds(1)), ElementsAre("u/small", "u/large"));
  EXPECT_THAT(StartOrder(options, jobs, kStart + hours(3)), ElementsAre("u/large", "u/small"));
}

TEST(Order, ShortestRemainingPutsTheUndeclaredLast) {
  Job half = Wants("u/half", 10, 3, 0, hours(1));
  half.remaining = minutes(30);
  EXPECT_THAT(StartOrder({.policy = Policy::kShortestRemaining},
                         {Wants("u/unknown", 1, 0), Wants("u/hour", 10, 1, 0, hours(1)), half}),
              ElementsAre("u/half", "u/hour", "u/unknown"));
}

TEST(Order, FairShareTakesTurnsBetweenUsers) {
  EXPECT_THAT(StartOrder({.policy = Policy::kFairShare},
                         {Wants("a/1", 10, 0), Wants("a/2", 10, 1), Wants("a/3", 10, 2),
                          Wants("b/1", 15, 3), Wants("b/2", 10, 4), Wants("c/1", 50, 5, 1)}),
              ElementsAre("c/1", "a/1", "b/1", "a/2", "b/2", "a/3"));
}

TEST(Order, WhoHasWaitedTooLongGoesBeforeEverybodyWhoCameLater) {
  for (const Policy policy : {Policy::kPriority, Policy::kSize, Policy::kDynamicSize,
                              Policy::kShortestRemaining, Policy::kFairShare}) {
    const std::vector<Job> jobs = {Wants("u/old", 90, 0, 0, hours(9)),
                                   Wants("u/older", 90, -1, 0, hours(9)),
                                   Wants("u/new", 1, 600, 9, minutes(1))};
    const Options options{.policy = policy, .patience = hours(1)};
    EXPECT_EQ(StartOrder(options, jobs, kStart + minutes(59)).front(), "u/new");
    EXPECT_THAT(StartOrder(options, jobs, kStart + hours(1)),
                ElementsAre("u/older", "u/old", "u/new"));
  }
}

// ---- back-filling

TEST(Backfill, OthersPassAFreshHeadAndNotAnOldOne) {
  TestCluster c({.backfill = minutes(10)});
  c.Add(MakeNode("a", 4));
  Job runs = MakeJob("u/runs", {MakeService(1, 1, 2)});
  c.Add(runs);
  c.Settle();
  c.Add(MakeJob("u/head", {MakeService(1, 1, 4)}));
  c.Add(MakeJob("u/small", {MakeService(1, 1, 1)}, seconds(1)));
  const Decision decision = c.Step();
  ASSERT_THAT(decision.grants, SizeIs(1));
  EXPECT_EQ(decision.grants[0].job, "u/small");
  EXPECT_EQ(decision.next, kStart + minutes(10));
  c.now += minutes(10);
  c.Add(MakeJob("u/late", {MakeService(1, 1, 1)}, minutes(9)));
  EXPECT_THAT(c.Step().grants, IsEmpty());
  EXPECT_EQ(c.scheduler.Explain("u/late").reason, "ReservedForOthers");
  EXPECT_THAT(c.scheduler.Explain("u/late").message, HasSubstr("u/head"));
  c.Add(MakeJob("v/late", {MakeService(1, 1, 1)}, minutes(9)));
  EXPECT_THAT(c.Step().grants, IsEmpty());
  EXPECT_THAT(c.scheduler.Explain("v/late").message, HasSubstr("for an execution of another user"));
  c.End("v/late");
  c.End("u/runs");
  EXPECT_THAT(c.Step().grants, IsEmpty());
  c.End("u/small");
  ASSERT_THAT(c.Step().grants, SizeIs(1));
  EXPECT_TRUE(c.Runs("u/head"));
}

TEST(Backfill, WhoEndsBeforeTheHeadCouldStartPassesAlways) {
  TestCluster c({.policy = Policy::kPriority, .backfill = minutes(0)});
  c.Add(MakeNode("a", 4));
  Job runs = MakeJob("u/runs", {MakeService(1, 1, 2)});
  runs.duration = runs.remaining = hours(1);
  c.Add(runs);
  c.Settle();
  c.Add(MakeJob("u/head", {MakeService(1, 1, 4)}));
  const auto add = [&](const std::string& id, std::optional<Duration> duration) {
    Job job = MakeJob(id, {MakeService(1, 1, 1)}, seconds(1));
    job.duration = job.remaining = duration;
    c.Add(job);
  };
  add("u/short", minutes(50));
  add("u/long", minutes(70));
  add("u/unknown", std::nullopt);
  c.Settle();
  EXPECT_TRUE(c.Runs("u/short"));
  EXPECT_FALSE(c.Runs("u/long"));
  EXPECT_FALSE(c.Runs("u/unknown"));
  EXPECT_THAT(c.scheduler.Explain("u/head").message, HasSubstr(FormatTime(kStart + hours(1))));
}

TEST(Backfill, OnlyNodesThatTheHeadWantsAreKept) {
  TestCluster c({.backfill = minutes(0)});
  c.Add(MakeNode("a", 4));
  c.Add(MakeNode("b", 2));
  c.Add(MakeJob("u/runs", {MakeService(1, 1, 3)}));
  c.Settle();
  c.Add(MakeJob("u/head", {MakeService(1, 1, 4)}));
  c.Add(MakeJob("u/one", {MakeService(1, 1, 1)}, seconds(1)));
  c.Add(MakeJob("u/two", {MakeService(1, 1, 1)}, seconds(2)));
  c.Add(MakeJob("u/three", {MakeService(1, 1, 1)}, seconds(3)));
  c.Settle();
  EXPECT_TRUE(c.Runs("u/one"));
  EXPECT_TRUE(c.Runs("u/two"));
  EXPECT_FALSE(c.Runs("u/three"));
}

TEST(Backfill, WhatCanNeverRunIsInNobodysWay) {
  TestCluster c({.backfill = minutes(0)});
  c.Add(MakeNode("a", 4));
  Job gpu = MakeJob("u/gpu", {MakeService(1, 1, 1)});
  gpu.services[0].constraints = {"node.labels.gpu == true"};
  c.Add(gpu);
  c.Add(MakeJob("u/huge", {MakeService(1, 1, 64)}));
  c.Add(MakeJob("u/wide", {MakeService(9, 9, 1)}));
  c.Add(MakeJob("u/x", {MakeService(4, 4, 1)}, seconds(1)));
  EXPECT_THAT(c.Step().grants, SizeIs(1));
  EXPECT_TRUE(c.Runs("u/x"));
}

}  // namespace
}  // namespace zoe::scheduler
