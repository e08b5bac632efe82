// The pure parts of the scheduler's loop; the loop itself: test/sim/scarcity_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "reconcilers/schedule/grant.h"
#include "reconcilers/schedule/job.h"
#include "reconcilers/schedule/reading.h"

namespace zoe::schedule {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kCpu = 1'000'000'000;
const WallTime kNow{std::chrono::seconds{1'700'000'000}};

SwarmNode Node(const std::string& id) {
  SwarmNode node;
  node.id = node.name = id;
  node.ready = true;
  node.availability = "active";
  node.cpu_nano = 8 * kCpu;
  return node;
}

SwarmTask Task(const std::string& service, const std::string& node) {
  SwarmTask task;
  task.service_id = service;
  task.node_id = node;
  task.state = node.empty() ? TaskState::kPending : TaskState::kRunning;
  task.cpu_request_nano = kCpu;
  return task;
}

const Owners kOwners = {{"s", {"uid", "web"}}, {"other", {}}};

TEST(ScheduleReading, WhatIsNotOursIsForeign) {
  const Reading r = Read({Node("a"), Node("b")},
                         {Task("s", "a"), Task("other", "b"), Task("never seen", "b")}, kOwners);
  EXPECT_EQ(r.nodes.at("a").foreign_tasks, 0);
  EXPECT_EQ(r.nodes.at("b").foreign.cpu_nano, 2 * kCpu);
  EXPECT_EQ(r.nodes.at("b").foreign_tasks, 2);
  EXPECT_EQ(r.ours.at("uid").at("web").placed.at("a"), 1);
}

TEST(ScheduleReading, WhatHasEndedOrIsOnADeadNodeNeedsNoRoom) {
  SwarmTask ended = Task("s", "a"), lost = Task("s", "a"), leaves = Task("s", "b");
  ended.state = TaskState::kComplete;
  lost.node_down = true;
  leaves.desired_state = TaskState::kShutdown;
  SwarmNode drained = Node("b");
  drained.availability = "drain";
  const Reading r = Read({Node("a"), drained}, {ended, lost, leaves, Task("s", "a")}, kOwners);
  EXPECT_EQ(r.ours.at("uid").at("web").placed, (std::map<std::string, int32_t>{{"a", 1}}));
  EXPECT_FALSE(r.nodes.at("b").schedulable);
}

TEST(ScheduleReading, WhatIsStillBeingStoppedNeedsItsRoom) {
  SwarmTask leaves = Task("s", "a");
  leaves.desired_state = TaskState::kRemove;
  EXPECT_EQ(Read({Node("a")}, {leaves}, kOwners).ours.at("uid").at("web").placed.at("a"), 1);
}

TEST(ScheduleReading, OnlyWantOfRoomOrOfANodeMakesHomeless) {
  SwarmTask room = Task("s", ""), port = Task("s", ""), fresh = Task("s", "");
  room.error = "no suitable node (1 node not available for new tasks; insufficient resources on 2)";
  port.error = "no suitable node (host-mode port already in use on 3 nodes)";
  EXPECT_EQ(Read({Node("a")}, {room, port, fresh}, kOwners).ours.at("uid").at("web").homeless, 1);
}

TEST(ScheduleReading, AServiceThatItsJobDoesNotKnowIsForeign) {
  Reading r = Read({Node("a")}, {Task("s", "a")}, kOwners);
  scheduler::Job job;
  job.services.push_back({.name = "web"});
  AddForeign(r.ours.at("uid"), &job, r.nodes);
  EXPECT_EQ(r.nodes.at("a").foreign_tasks, 0);
  AddForeign(r.ours.at("uid"), nullptr, r.nodes);
  EXPECT_EQ(r.nodes.at("a").foreign.cpu_nano, kCpu);
  EXPECT_EQ(r.nodes.at("a").leaving.cpu_nano, kCpu);
}

TEST(ScheduleReading, ForeignTasksThatAreToldToGoLeaveRoom) {
  SwarmTask leaves = Task("other", "a");
  leaves.desired_state = TaskState::kShutdown;
  const Reading r = Read({Node("a")}, {leaves, Task("other", "a")}, kOwners);
  EXPECT_EQ(r.nodes.at("a").foreign.cpu_nano, 2 * kCpu);
  EXPECT_EQ(r.nodes.at("a").leaving.cpu_nano, kCpu);
}

// Two services: one master, workers of which one is essential.
v1::Execution Execution() {
  v1::Execution e;
  e.meta.ns = "alice";
  e.meta.name = "run";
  e.meta.generation = e.status.observed_generation = 1;
  e.spec.application.emplace();
  v1::Service master, worker;
  master.name = "master";
  worker.name = "worker";
  master.image = worker.image = "i:1";
  worker.replicas = {.total = 4, .essential = 1};
  worker.resources.limits.cpu = Quantity::Milli(1500);
  e.spec.application->services = {master, worker};
  e.status.queued_at = kNow;
  e.status.services = {{.name = "master"}, {.name = "worker"}};
  return e;
}

v1::Execution Granted(int32_t master, int32_t worker) {
  v1::Execution e = Execution();
  e.status.services[0].granted = master;
  e.status.services[1].granted = worker;
  return e;
}

TEST(ScheduleJob, WaitsUntilItsEssentialReplicasAreGranted) {
  EXPECT_FALSE(ToJob(Execution(), "zoe")->started);
  EXPECT_FALSE(ToJob(Granted(0, 0), "zoe")->started);
  const auto job = ToJob(Granted(1, 2), "zoe");
  EXPECT_TRUE(job->started);
  EXPECT_EQ(job->id, "alice/run");
  EXPECT_EQ(job->services[1].granted, 2);
  EXPECT_EQ(job->services[1].request.cpu_nano, 1'500'000'000);
  EXPECT_TRUE(LacksElastic(*job));
  EXPECT_FALSE(LacksElastic(*ToJob(Granted(1, 4), "zoe")));
}

TEST(ScheduleJob, RequestsThatNoNodeHasAreNoNumberBelowTheirOwn) {
  v1::Service service;
  service.resources.requests.cpu = Quantity::Milli(std::numeric_limits<int64_t>::max());
  service.resources.requests.memory = Quantity::Whole(std::numeric_limits<int64_t>::max());
  const scheduler::Resources request = RequestOf(service);
  EXPECT_GT(request.cpu_nano, 200'000 * kCpu);
  EXPECT_EQ(request.memory_bytes, int64_t{1} << 48);
}

TEST(ScheduleJob, IsNoneBeforeItsReconcilerHasLookedOrWhenItCanNotRun) {
  v1::Execution unseen = Execution(), wrong = Execution();
  unseen.meta.generation = 2;
  EXPECT_FALSE(ToJob(unseen, "zoe"));
  wrong.spec.application->services[0].args = {"{{nonsense}}"};
  EXPECT_FALSE(ToJob(wrong, "zoe"));
}

TEST(ScheduleJob, IsFixedAndHasNothingOnceItEnds) {
  for (const auto& end : std::vector<std::function<void(v1::Execution&)>>{
           [](v1::Execution& e) { e.spec.suspend = true; },
           [](v1::Execution& e) { e.status.phase = v1::kSucceeded; },
           [](v1::Execution& e) { e.meta.deletion_timestamp = kNow; }}) {
    v1::Execution e = Granted(1, 2);
    end(e);
    const auto job = ToJob(e, "zoe");
    EXPECT_TRUE(job->fixed);
    EXPECT_EQ(job->services[1].granted, 0);
  }
}

TEST(ScheduleJob, IsStuckSinceItsEssentialReplicasFindNoNode) {
  auto job = *ToJob(Granted(1, 2), "zoe");
  std::map<std::string, ServiceTasks> tasks;
  tasks["master"].placed["a"] = 1;
  tasks["worker"].homeless = 1;
  tasks["worker"].placed["a"] = 1;
  SetSeen(&tasks, kNow, kNow, job);
  EXPECT_FALSE(job.stuck_since);  // an elastic one
  EXPECT_TRUE(IsOnItsWay(job));
  tasks["worker"].placed.clear();
  SetSeen(&tasks, kNow, kNow, job);
  SetSeen(&tasks, kNow, kNow + std::chrono::seconds(9), job);
  EXPECT_EQ(job.stuck_since, kNow);
  SetSeen(&tasks, kNow, kNow - std::chrono::hours(1), job);
  EXPECT_EQ(job.stuck_since, kNow - std::chrono::hours(1));
  tasks["worker"] = {.placed = {{"a", 2}}};
  SetSeen(&tasks, kNow, kNow, job);
  EXPECT_FALSE(job.stuck_since);
  EXPECT_FALSE(IsOnItsWay(job));
}

TEST(ScheduleJob, SaysInStepsHowMuchOfItsTimeIsLeft) {
  v1::Execution e = Granted(1, 4);
  e.spec.active_deadline_seconds = 1600;
  auto job = *ToJob(e, "zoe");
  const auto left = [&](int64_t after) {
    SetSeen(nullptr, kNow, kNow + std::chrono::seconds(after), job);
    return std::chrono::duration_cast<std::chrono::seconds>(*job.remaining).count();
  };
  EXPECT_EQ(left(0), 1600);
  EXPECT_EQ(left(99), 1600);
  EXPECT_EQ(left(100), 1500);
  EXPECT_EQ(left(2000), 0);
  EXPECT_EQ(left(-50), 1600);
  e.spec.expected_duration_seconds = 800;
  EXPECT_EQ(*ToJob(e, "zoe")->duration, std::chrono::seconds(800));
}

TEST(ScheduleGrant, IsWrittenWithItsNodesAndTold) {
  v1::Execution e = Execution();
  e.status.phase = v1::kQueued;
  e.status.queue_position = 3;
  const PendingEvent event = Carry({.job = "alice/run", .replicas = {1, 2}, .nodes = {{}, {"a"}}},
                                   *ToJob(e, "zoe"), kNow, e);
  EXPECT_EQ(e.status.services[1].granted, 2);
  EXPECT_THAT(e.status.services[1].nodes, ElementsAre("a"));
  EXPECT_EQ(e.status.queue_position, 0);
  EXPECT_EQ(FindCondition(e.status.conditions, "Admitted")->status, "True");
  EXPECT_EQ(event.message, "may run: master 1/1, worker 2/4");
}

TEST(ScheduleGrant, GoingBackToTheQueueKeepsThePlaceInIt) {
  v1::Execution e = Granted(1, 3);
  e.status.started_at = kNow;
  const PendingEvent event = Carry({.change = scheduler::Change::kRequeue,
                                    .replicas = {0, 0},
                                    .nodes = {{}, {}},
                                    .reason = "NodeLost",
                                    .message = "its essential replicas found no node for 30s"},
                                   *ToJob(e, "zoe"), kNow, e);
  EXPECT_EQ(e.status.phase, v1::kQueued);
  EXPECT_FALSE(e.status.started_at);
  EXPECT_EQ(e.status.queued_at, kNow);
  EXPECT_EQ(e.status.services[1].granted, 0);
  EXPECT_FALSE(ToJob(e, "zoe")->started);
  EXPECT_TRUE(event.warning);
  EXPECT_EQ(event.reason, "NodeLost");
}

TEST(ScheduleGrant, WhatRanBeforeIsGrantedWhatItDeclares) {
  v1::Execution e = Execution();
  EXPECT_FALSE(PutRight(kNow, e));
  e.status.started_at = kNow;
  EXPECT_TRUE(PutRight(kNow, e));
  EXPECT_EQ(e.status.services[1].granted, 4);
  EXPECT_FALSE(PutRight(kNow, e));
  e.spec.application->services[1].replicas.total = 2;
  EXPECT_TRUE(PutRight(kNow, e));
  EXPECT_EQ(e.status.services[1].granted, 2);
}

TEST(ScheduleGrant, PlacesAreToldExactlyAtTheFrontAndToATenthBehind) {
  v1::ExecutionStatus status;
  for (const auto& [told, is, well] : std::vector<std::tuple<int, int, bool>>{{0, 1, false},
                                                                              {2, 1, false},
                                                                              {21, 20, false},
                                                                              {20, 21, false},
                                                                              {100, 91, true},
                                                                              {100, 90, false},
                                                                              {100, 109, true},
                                                                              {100, 110, false},
                                                                              {0, 500, false}}) {
    status.queue_position = told;
    EXPECT_EQ(SaysPosition(status, is), well) << told << " " << is;
  }
}

TEST(ScheduleGrant, WhoWaitsFarBehindIsToldNothingThatChanges) {
  v1::Execution front = Execution(), behind = Execution(), never = Execution();
  EXPECT_TRUE(Wait({2, "InsufficientCpu", "1 CPU is missing"}, kNow, front));
  EXPECT_FALSE(Wait({1, "InsufficientCpu", "1 CPU is missing"}, kNow, front));
  Wait({40, "InsufficientCpu", "1 CPU is missing"}, kNow, behind);
  Wait({40, "Unschedulable", "no node has label gpu"}, kNow, never);
  const auto said = [](const v1::Execution& e) {
    const Condition* c = FindCondition(e.status.conditions, "Admitted");
    return c->status + " " + c->reason + ": " + c->message;
  };
  EXPECT_EQ(said(front), "False InsufficientCpu: position 1 in the queue: 1 CPU is missing");
  EXPECT_EQ(said(behind), "False Queued: position 40 in the queue");
  EXPECT_THAT(said(never), HasSubstr("Unschedulable: position 40 in the queue: no node has"));
  EXPECT_EQ(behind.status.phase, v1::kQueued);
}

}  // namespace
}  // namespace zoe::schedule
