// Lost nodes, where replicas go, and what those who wait are told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/unit/scheduler/test_cluster.h"

namespace zoe::scheduler {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// ---- trouble

TEST(Trouble, EssentialsOfALostNodeTakeRoomFromElasticReplicas) {
  TestCluster c;
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
  TestCluster c;
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
  TestCluster c;
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
    TestCluster c({.placement = placement});
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
  TestCluster c;
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
  TestCluster c;
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
  TestCluster c;
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
  TestCluster c;
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
  TestCluster c;
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
