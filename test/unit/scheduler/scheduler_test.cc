#include "controller/scheduler/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/unit/scheduler/world.h"

namespace zoe::scheduler {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// A scheduler, and the Swarm that does what it says.
class Cluster {
 public:
  explicit Cluster(Options options = {}) : scheduler(options), swarm(1) {}

  void Add(const Node& node) {
    swarm.Set(node);
    scheduler.SetNode(node);
  }
  void Add(const Job& job) {
    swarm.Set(job);
    scheduler.SetJob(job);
  }
  void End(const std::string& id) {
    swarm.End(id);
    scheduler.RemoveJob(id);
  }
  void Remove(const std::string& node) {
    swarm.Remove(node);
    scheduler.RemoveNode(node);
    swarm.Tell(scheduler);
  }
  // One decision, carried out.
  Decision Step() {
    Decision decision = scheduler.Decide(now);
    for (const Grant& grant : decision.grants) swarm.Apply(grant);
    swarm.Work();
    swarm.Tell(scheduler);
    return decision;
  }
  // Decisions, carried out, until there is nothing to change.
  int Settle() {
    for (int steps = 0; steps < 100; ++steps) {
      if (Step().grants.empty()) return steps;
    }
    ADD_FAILURE() << "it never comes to rest";
    return 100;
  }
  int32_t Granted(const std::string& id, size_t service = 0) const {
    return swarm.jobs().at(id).services.at(service).granted;
  }
  bool Runs(const std::string& id) const { return swarm.jobs().at(id).started; }

  Scheduler scheduler;
  FakeSwarm swarm;
  WallTime now = kStart;
};

// ---- admission

TEST(Admission, AllEssentialsStartAtOnceOrNone) {
  Cluster c;
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
  Cluster c;
  c.Add(MakeNode("a", 4, 8));
  c.Add(MakeJob("u/exact", {MakeService(1, 1, 4, 8)}));
  EXPECT_THAT(c.Step().grants, SizeIs(1));
  EXPECT_EQ(c.scheduler.Free(), Resources{});
}

TEST(Admission, OthersTasksHaveTheirRoom) {
  Cluster c;
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
  Cluster c;
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
  Cluster c;
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
  Cluster c({.backfill = minutes(10)});
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
  Cluster c({.policy = Policy::kPriority, .backfill = minutes(0)});
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
  Cluster c({.backfill = minutes(0)});
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
  Cluster c({.backfill = minutes(0)});
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

// ---- elastic replicas

TEST(Elastic, TheyFillWhatIsLeftAndGiveWay) {
  Cluster c;
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
  Cluster c;
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
  Cluster c;
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
  Cluster c;
  c.Add(MakeNode("a", 4));
  c.Add(MakeNode("b", 4));
  c.Add(MakeJob("u/rigid", {MakeService(2, 2, 1)}));
  c.Add(MakeJob("u/elastic", {MakeService(6, 1, 1)}, seconds(1)));
  c.Settle();
  c.Add(MakeJob("v/x", {MakeService(2, 2, 4)}, seconds(2)));
  EXPECT_THAT(c.Step().grants, IsEmpty());
}

TEST(Elastic, OnlyThoseOnUsefulNodesGive) {
  Cluster c;
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
  Cluster c;
  c.Add(MakeNode("a", 12));
  c.Add(MakeJob("u/1", {MakeService(20, 1, 1)}));
  c.Add(MakeJob("u/2", {MakeService(20, 1, 1)}, seconds(1)));
  c.Add(MakeJob("u/3", {MakeService(20, 1, 1)}, seconds(2)));
  c.Settle();
  for (const char* id : {"u/1", "u/2", "u/3"}) EXPECT_EQ(c.Granted(id), 4) << id;
}

TEST(Elastic, TheShortestGetsAllWhereSizeCounts) {
  Cluster c({.policy = Policy::kShortestRemaining});
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
  Cluster c({.policy = Policy::kSize});
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
  Cluster c({.policy = Policy::kSize});
  c.Add(MakeNode("a", 12));
  c.Add(MakeJob("u/old", {MakeService(20, 1, 1)}));
  c.Add(MakeJob("u/young", {MakeService(20, 1, 1)}, hours(1)));
  c.now += hours(2);
  c.Settle();
  EXPECT_EQ(c.Granted("u/young"), 11);
  EXPECT_EQ(c.Granted("u/old"), 1);
}

TEST(Elastic, WhatIsEndingBitByBitKeepsWhatItHas) {
  Cluster c;
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
  Cluster c({.reclaim = false});
  c.Add(MakeNode("a", 4));
  c.Add(MakeJob("u/dask", {MakeService(4, 1, 1)}));
  c.Settle();
  c.Add(MakeJob("v/x", {MakeService(1, 1, 2)}));
  EXPECT_THAT(c.Step().grants, IsEmpty());
}

// ---- preemption

TEST(Preemption, TheLowestAndYoungestGoAndNoMoreThanItTakes) {
  Cluster c({.preempt = true});
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
    Cluster c({.preempt = allowed});
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
  Cluster c({.patience = hours(1), .preempt = true});
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
  Cluster c({.reclaim = false});
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
  Cluster c({.reclaim = false});
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
  Cluster c;
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
  Cluster c({.backfill = minutes(0)});
  c.Add(MakeNode("a", 2));
  c.scheduler.SetLimits("u", {.quota = "q", .executions = 0});
  c.Add(MakeJob("u/1", {MakeService(1, 1, 2)}));
  c.Add(MakeJob("v/1", {MakeService(1, 1, 1)}, seconds(1)));
  c.Settle();
  EXPECT_TRUE(c.Runs("v/1"));
}

TEST(Limit, WhoExceedsThemDoesNotHideWhoIsFirst) {
  Cluster c({.backfill = minutes(0)});
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

// ---- trouble

TEST(Trouble, EssentialsOfALostNodeTakeRoomFromElasticReplicas) {
  Cluster c;
  c.Add(MakeNode("a", 4));
  c.Add(MakeNode("b", 4));
  Job one = MakeJob("u/one", {MakeService(3, 3, 1)});
  one.services[0].constraints = {"node.id == b"};
  Job elastic = MakeJob("v/elastic", {MakeService(4, 1, 1)}, seconds(1));
  elastic.services[0].constraints = {"node.id != b"};
  c.Add(one);
  c.Add(elastic);
  c.Settle();
  ASSERT_EQ(c.Granted("v/elastic"), 4);
  c.Remove("b");
  Job moved = c.swarm.jobs().at("u/one");
  moved.services[0].constraints = {};
  c.Add(moved);
  c.Settle();
  EXPECT_TRUE(c.Runs("u/one"));
  EXPECT_TRUE(c.swarm.AllStand()) << c.swarm.WhoHasNoNode();
  EXPECT_EQ(c.Granted("v/elastic"), 1);
}

TEST(Trouble, WhoFindsNoNodeForTooLongGoesBackToItsPlace) {
  Scheduler s({.restore = seconds(30)});
  s.SetNode(MakeNode("a", 1));
  Job job = MakeJob("u/x", {MakeService(2, 2, 1)});
  job.started = true;
  job.services[0].granted = 2;
  job.services[0].placed = {{"a", 1}};
  job.stuck_since = kStart;
  s.SetJob(job);
  const Decision wait = s.Decide(kStart + seconds(29));
  EXPECT_THAT(wait.grants, IsEmpty());
  EXPECT_EQ(wait.next, kStart + seconds(30));
  const Decision back = s.Decide(kStart + seconds(30));
  ASSERT_THAT(back.grants, SizeIs(1));
  EXPECT_EQ(back.grants[0].change, Change::kRequeue);
  EXPECT_THAT(back.grants[0].replicas, ElementsAre(0));
  EXPECT_EQ(back.grants[0].reason, "NodeLost");
}

TEST(Trouble, ElasticReplicasWithoutANodeAreTakenBack) {
  Cluster c;
  c.Add(MakeNode("a", 4));
  c.Add(MakeNode("b", 4));
  c.Add(MakeJob("u/x", {MakeService(8, 2, 1)}));
  c.Settle();
  ASSERT_EQ(c.Granted("u/x"), 8);
  c.Remove("b");
  c.Settle();
  EXPECT_EQ(c.Granted("u/x"), 4);
  EXPECT_TRUE(c.swarm.AllStand());
}

TEST(Trouble, WhatIsEndingStaysAsItIs) {
  Scheduler s({.preempt = true});
  s.SetNode(MakeNode("a", 4));
  Job ending = MakeJob("u/ending", {MakeService(4, 1, 1)});
  ending.started = ending.fixed = true;
  ending.services[0].granted = 4;
  ending.services[0].placed = {{"a", 4}};
  ending.stuck_since = kStart;
  s.SetJob(ending);
  Job x = MakeJob("v/x", {MakeService(1, 1, 1)});
  x.priority = 9;
  s.SetJob(x);
  EXPECT_THAT(s.Decide(kStart + hours(1)).grants, IsEmpty());
  EXPECT_THAT(s.Queue(), ElementsAre("v/x"));
}

TEST(Trouble, EndedReplicasNeedNoRoom) {
  Cluster c;
  c.Add(MakeNode("a", 4));
  Job job = MakeJob("u/batch", {MakeService(4, 4, 1)});
  job.started = true;
  job.services[0].granted = 4;
  job.services[0].ended = 3;
  job.services[0].placed = {{"a", 1}};
  c.Add(job);
  c.Add(MakeJob("v/x", {MakeService(3, 3, 1)}));
  c.Settle();
  EXPECT_TRUE(c.Runs("v/x"));
}

// ---- placement

TEST(Placing, PackUsesFewNodesAndSpreadMany) {
  for (const Placement placement : {Placement::kPack, Placement::kSpread}) {
    Cluster c({.placement = placement});
    for (const char* id : {"a", "b", "c"}) c.Add(MakeNode(id, 4));
    c.Add(MakeJob("u/1", {MakeService(1, 1, 1)}));
    c.Settle();
    c.Add(MakeJob("u/2", {MakeService(3, 3, 1)}, seconds(1)));
    const Decision decision = c.Step();
    ASSERT_THAT(decision.grants, SizeIs(1));
    EXPECT_THAT(decision.grants[0].nodes[0], SizeIs(placement == Placement::kPack ? 1 : 3));
    EXPECT_TRUE(c.swarm.AllStand());
  }
}

TEST(Placing, TheSwarmChoosesWhereItCanDoNoHarm) {
  Cluster c;
  for (const char* id : {"a", "b", "c"}) c.Add(MakeNode(id, 8));
  c.Add(MakeJob("u/1", {MakeService(1, 1, 1), MakeService(2, 2, 1, 0, "other")}));
  const Decision decision = c.Step();
  ASSERT_THAT(decision.grants, SizeIs(1));
  EXPECT_THAT(decision.grants[0].nodes, ElementsAre(IsEmpty(), IsEmpty()));
}

// The Swarm could put the small one where the large one must go.
TEST(Placing, WhereTheSwarmCouldBlockTheGrantItIsConfined) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    Scheduler s({});
    FakeSwarm swarm(seed);
    swarm.Set(MakeNode("a", 4));
    swarm.Set(MakeNode("b", 2));
    swarm.Set(MakeJob("u/1", {MakeService(1, 1, 1, 0, "small"), MakeService(1, 1, 4, 0, "large")}));
    swarm.Tell(s);
    const Decision decision = s.Decide(kStart);
    ASSERT_THAT(decision.grants, SizeIs(1));
    EXPECT_THAT(decision.grants[0].nodes[0], ElementsAre("b"));
    swarm.Apply(decision.grants[0]);
    EXPECT_TRUE(swarm.Work());
  }
}

// ---- words

TEST(Explaining, SaysWhatIsMissing) {
  Cluster c;
  c.Add(MakeNode("a", 4, 8));
  c.Add(MakeJob("u/runs", {MakeService(1, 1, 2, 2)}));
  c.Settle();
  c.Add(MakeJob("v/cpu", {MakeService(1, 1, 3, 1)}));
  c.Add(MakeJob("v/memory", {MakeService(1, 1, 1, 7)}));
  c.Add(MakeJob("v/both", {MakeService(1, 1, 3, 7)}));
  c.Step();
  Explanation why = c.scheduler.Explain("v/cpu");
  EXPECT_EQ(why.reason, "InsufficientCpu");
  EXPECT_EQ(why.message,
            "wants cpu=3 and memory=1Gi for its essential replicas (1 replica of worker); free on "
            "nodes that it may use: cpu=2 and memory=6Gi; missing: cpu=1; it starts when that is "
            "free");
  why = c.scheduler.Explain("v/memory");
  EXPECT_EQ(why.reason, "InsufficientMemory");
  EXPECT_THAT(why.message, HasSubstr("; missing: memory=1Gi;"));
  EXPECT_EQ(c.scheduler.Explain("v/both").reason, "InsufficientResources");
  EXPECT_EQ(c.scheduler.Explain("u/runs").position, 0);
}

TEST(Explaining, SaysThatNothingIsFreeOfWhatIsMissing) {
  Cluster c;
  c.Add(MakeNode("a", 4, 8));
  c.Add(MakeJob("u/runs", {MakeService(1, 1, 4, 2)}));
  c.Settle();
  c.Add(MakeJob("v/x", {MakeService(1, 1, 1, 1)}));
  c.Add(MakeJob("v/y", {MakeService(1, 1, 1)}));
  c.Step();
  EXPECT_THAT(c.scheduler.Explain("v/x").message,
              HasSubstr("free on nodes that it may use: cpu=0 and memory=6Gi; missing: cpu=1;"));
  EXPECT_THAT(c.scheduler.Explain("v/y").message,
              HasSubstr("free on nodes that it may use: cpu=0; missing: cpu=1;"));
}

TEST(Explaining, SaysWhenPiecesAreTooSmall) {
  Cluster c;
  c.Add(MakeNode("a", 3));
  c.Add(MakeNode("b", 3));
  c.Add(MakeJob("u/1", {MakeService(2, 2, 2)}));
  c.Settle();
  c.Add(MakeJob("v/x", {MakeService(1, 1, 2)}));
  c.Step();
  const Explanation why = c.scheduler.Explain("v/x");
  EXPECT_EQ(why.reason, "InsufficientCpu");
  EXPECT_THAT(why.message, HasSubstr("in pieces too small: the largest is cpu=1"));
}

TEST(Explaining, SaysWhatNoNodeHas) {
  Cluster c;
  c.Add(MakeNode("a", 4));
  Job gpu = MakeJob("u/gpu", {MakeService(1, 1, 1)});
  gpu.services[0].constraints = {"node.role == worker", "node.labels.gpu == true"};
  c.Add(gpu);
  c.Add(MakeJob("u/huge", {MakeService(1, 1, 64)}));
  c.Add(MakeJob("u/wide", {MakeService(9, 9, 1)}));
  c.Step();
  EXPECT_EQ(c.scheduler.Explain("u/gpu").reason, "Unschedulable");
  EXPECT_EQ(c.scheduler.Explain("u/gpu").message,
            "no node meets node.labels.gpu == true, which worker wants");
  EXPECT_THAT(c.scheduler.Explain("u/huge").message,
              HasSubstr("no node is large enough for one replica of worker: it wants cpu=64"));
  EXPECT_THAT(c.scheduler.Explain("u/wide").message, HasSubstr("want cpu=9 at once"));
}

TEST(Names, OfPoliciesAndPlacements) {
  EXPECT_EQ(ParsePolicy("shortest-remaining"), Policy::kShortestRemaining);
  EXPECT_EQ(ParsePolicy("Fifo"), std::nullopt);
  EXPECT_EQ(ParsePlacement("pack"), Placement::kPack);
  EXPECT_EQ(ParsePlacement(""), std::nullopt);
}

}  // namespace
}  // namespace zoe::scheduler
