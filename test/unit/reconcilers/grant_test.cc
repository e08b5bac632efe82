// What becomes of an execution as the scheduler grants it more or less.
#include "reconcilers/execution/grant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reconcilers/execution/effects.h"
#include "test/unit/reconcilers/scene.h"

namespace zoe::execution {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

constexpr const char* kPair = R"(
- {name: master, image: "m:1", startupOrder: 0}
- {name: worker, image: "w:1", startupOrder: 1, replicas: {total: 5, essential: 2}}
)";
constexpr const char* kTry = "- {name: try, image: i, restart: {policy: never}}\n";
constexpr const char* kBatch =
    "- {name: piece, image: i, restart: {policy: on-failure}, replicas: {total: 4, essential: "
    "1}}\n";

// The queue's own rules: a scene in which a scheduler decides.
Scene Queued(const char* services) {
  Scene scene(services);
  scene.options.queued = true;
  return scene;
}

// It runs with a master and `workers`.
Scene Running(int workers) {
  Scene scene = Queued(kPair);
  scene.Grant("master", 1).Grant("worker", workers).Stand("master").RunAll("master", 1);
  scene.Stand("worker").RunAll("worker", workers);
  scene.SwarmServiceOf("worker").spec.replicas = static_cast<uint64_t>(workers);
  scene.Look();
  return scene;
}

SwarmNode Node(std::string id) {
  SwarmNode node;
  node.id = std::move(id);
  return node;
}

struct Row {
  const char* name;
  std::optional<int> master, worker;  // granted
  bool started, queued;
};

TEST(IsQueued, UntilItsEssentialReplicasAreGranted) {
  const std::vector<Row> rows = {
      {"nothing decided", {}, {}, false, true},
      {"all granted nothing", 0, 0, false, true},
      {"put back", 0, 0, true, true},
      {"essentials granted", 1, 2, false, false},
      {"all granted", 1, 5, false, false},
      {"ran before there was a queue", {}, {}, true, false},
      {"a service was added while it ran", 1, {}, true, false},
      {"more became essential while it ran", 1, 1, true, false},
  };
  for (const Row& row : rows) {
    Scene scene(kPair);
    scene.Grant("master", 0).Grant("worker", 0);
    scene.execution.status.services[0].granted = row.master;
    scene.execution.status.services[1].granted = row.worker;
    if (row.started) scene.execution.status.started_at = kNow;
    EXPECT_EQ(IsQueued(scene.execution), row.queued) << row.name;
  }
}

TEST(IsQueued, NotIfNothingOfItIsEssential) {
  Scene scene("- {name: a, image: i, replicas: {total: 2, essential: 0}}\n");
  EXPECT_TRUE(IsQueued(scene.execution));
  EXPECT_FALSE(IsQueued(scene.Grant("a", 0).execution));
}

TEST(QueuedExecution, WaitsForTheSchedulerWithNothingStanding) {
  Scene scene = Queued(kPair);
  const Pass pass = scene.Look();
  EXPECT_THAT(pass.actions, IsEmpty());
  EXPECT_EQ(pass.after.status.phase, v1::kQueued);
  EXPECT_EQ(pass.after.status.queued_at, kNow);
  EXPECT_TRUE(pass.settled);
  EXPECT_EQ(pass.Condition("Admitted"), "False Queued: waits for the scheduler");
  EXPECT_EQ(pass.Condition("EssentialReady"), "False Queued: waits in the queue");
  EXPECT_EQ(pass.Condition("Ready"), "False Queued: waits in the queue");
  EXPECT_EQ(pass.Condition("Complete"), "False InProgress");
  EXPECT_EQ(pass.Condition("Degraded"), "False AsExpected");
  EXPECT_EQ(pass.Service("worker").total, 5);
  EXPECT_EQ(pass.Service("worker").essential, 2);
  EXPECT_FALSE(pass.Service("worker").granted);
}

TEST(QueuedExecution, KeepsWhatTheSchedulerSays) {
  Scene scene = Queued(kPair);
  scene.Look();
  v1::ExecutionStatus& status = scene.execution.status;
  status.queue_position = 3;
  SetCondition(status.conditions,
               {"Admitted", "False", "InsufficientCpu", "position 3: cpu=2 missing", {}, 1}, kNow);
  const v1::ExecutionStatus before = status;
  const Pass pass = scene.Advance(Duration(5)).Look();
  EXPECT_EQ(pass.after.status, before);
  EXPECT_THAT(pass.events, IsEmpty());
}

TEST(QueuedExecution, AnApplicationThatCannotBeRenderedSaysSoFirst) {
  Scene scene = Queued(kTry);
  scene.Declared("try").env.push_back({"X", "{{param.nosuch}}"});
  EXPECT_THAT(scene.Look().Condition("Admitted"), StartsWith("False Invalid"));
}

TEST(GrantedExecution, RunsSoManyReplicasInTheirOrder) {
  Scene scene = Queued(kPair);
  scene.Look();
  scene.Grant("master", 1).Grant("worker", 3);
  Pass pass = scene.Look();
  EXPECT_THAT(pass.actions, ElementsAre("create master"));
  EXPECT_EQ(pass.after.status.phase, v1::kPending);
  EXPECT_EQ(pass.Condition("Admitted"), "True Admitted");
  scene.Stand("master").RunAll("master", 1);
  pass = scene.Look();
  ASSERT_THAT(pass.actions, ElementsAre("create worker"));
  EXPECT_EQ(std::get<CreateServices>(pass.raw[0].what).specs.at(0).replicas, 3u);
  EXPECT_EQ(pass.after.status.phase, v1::kStarting);
  EXPECT_EQ(pass.Service("worker").granted, 3);
}

TEST(GrantedExecution, IsReadyWithWhatIsGranted) {
  Scene scene = Running(3);
  const Pass pass = scene.Look();
  EXPECT_THAT(pass.actions, IsEmpty());
  EXPECT_TRUE(pass.settled);
  EXPECT_EQ(pass.after.status.phase, v1::kRunning);
  EXPECT_EQ(pass.Condition("EssentialReady"),
            "True EssentialReplicasReady: 3/3 essential replicas ready");
  EXPECT_EQ(pass.Condition("Ready"),
            "True AllReplicasReady: 4/4 replicas ready, 2 more when there is room");
  EXPECT_EQ(pass.Service("worker").message, "3 granted, 2 more when there is room");
  EXPECT_EQ(pass.Service("worker").total, 5);
}

TEST(GrantedExecution, GrowsAndShrinksWithoutReplacingAnything) {
  for (const int granted : {5, 2}) {
    Scene scene = Running(3);
    const Pass pass = scene.Grant("worker", granted).Look();
    ASSERT_THAT(pass.actions, ElementsAre("change worker"));
    const auto& update = std::get<UpdateService>(pass.raw[0].what);
    EXPECT_EQ(update.spec.replicas, static_cast<uint64_t>(granted));
    EXPECT_FALSE(update.rolls);
    EXPECT_EQ(pass.after.status.phase, v1::kRunning);
    EXPECT_THAT(pass.events,
                ElementsAre("Scaled: service worker: replicas 3 -> " + std::to_string(granted)));
    EXPECT_EQ(pass.Condition("EssentialReady"),
              "True EssentialReplicasReady: 3/3 essential replicas ready");
  }
}

TEST(GrantedExecution, ScalingByHandIsStillDrift) {
  Scene scene = Running(3);
  scene.SwarmServiceOf("master").spec.replicas = 2;
  scene.SwarmServiceOf("worker").spec.replicas = 9;
  EXPECT_THAT(
      scene.Look().events,
      ElementsAre("! DriftMended: service master differed from its declaration: replicas 2 -> 1",
                  "! DriftMended: service worker differed from its declaration: replicas 9 -> 3"));
}

TEST(GrantedExecution, RunsNoMoreThanIsDeclared) {
  Scene scene = Running(5);
  scene.Edit([&](auto&) { scene.Declared("worker").replicas.total = 4; });
  const Pass pass = scene.Look();
  ASSERT_THAT(pass.actions, ElementsAre("change worker"));
  EXPECT_EQ(std::get<UpdateService>(pass.raw[0].what).spec.replicas, 4u);
}

TEST(GrantedExecution, RunsOnWhenMoreIsDeclaredThanIsGranted) {
  Scene scene = Running(2);
  scene.Edit([&](v1::ExecutionSpec& spec) {
    spec.application->services[1].replicas.essential = 4;
    v1::Service added = spec.application->services[0];
    added.name = "more";
    spec.application->services.push_back(added);
  });
  const Pass pass = scene.Look();
  EXPECT_THAT(pass.actions, IsEmpty());  // the one that was added is made once it is granted
  EXPECT_EQ(pass.Service("more").message, "0 granted, 1 more when there is room");
  EXPECT_EQ(pass.after.status.phase, v1::kStarting);
  EXPECT_TRUE(pass.after.status.started_at);
  EXPECT_EQ(pass.Condition("EssentialReady"),
            "False Queued: worker: 2 of 4 essential replicas granted");
  EXPECT_THAT(pass.Condition("Ready"), StartsWith("False Queued: "));
}

TEST(GrantedExecution, RunsWithoutServicesOfWhichNothingIsGranted) {
  Scene scene =
      Queued("- {name: a, image: i}\n- {name: b, image: i, replicas: {total: 2, essential: 0}}\n");
  scene.Grant("a", 1).Grant("b", 0).Stand("a").RunAll("a", 1);
  Pass pass = scene.Look();
  EXPECT_THAT(pass.actions, IsEmpty());
  EXPECT_EQ(pass.after.status.phase, v1::kRunning);
  EXPECT_TRUE(pass.settled);
  pass = scene.Grant("b", 1).Look();
  EXPECT_THAT(pass.actions, ElementsAre("create b"));
}

TEST(GrantedExecution, CountsReplicasThatHaveEnded) {
  Scene scene = Queued(kBatch);
  scene.Grant("piece", 3).Stand("piece").SwarmServiceOf("piece").spec.replicas = 3;
  scene.Task("piece", 1, TaskState::kComplete);
  scene.Task("piece", 2, TaskState::kComplete);
  scene.Task("piece", 3, TaskState::kRunning);
  Pass pass = scene.Look();
  EXPECT_EQ(pass.Service("piece").ended, 2);
  scene.observed.tasks.back().state = TaskState::kComplete;
  pass = scene.Look();  // the fourth has its work still to do
  EXPECT_EQ(pass.Service("piece").ended, 3);
  EXPECT_FALSE(v1::IsFinished(pass.after.status));
  scene.Grant("piece", 4).SwarmServiceOf("piece").spec.replicas = 4;
  scene.Task("piece", 4, TaskState::kComplete);
  pass = scene.Look();
  EXPECT_EQ(pass.after.status.phase, v1::kSucceeded);
  EXPECT_FALSE(pass.Service("piece").granted);
}

// ---- back into the queue

TEST(RequeuedExecution, IsRemovedAndKeepsItsPlace) {
  Scene scene = Running(3);
  scene.Advance(Duration(60'000)).Grant("master", 0).Grant("worker", 0);
  const Pass pass = scene.Look();
  EXPECT_THAT(pass.actions, ElementsAre("remove id-master, id-worker"));
  EXPECT_THAT(
      pass.events,
      Contains("Removed: removed services master, worker: the execution waits in the queue"));
  EXPECT_EQ(pass.after.status.phase, v1::kQueued);
  EXPECT_EQ(pass.after.status.queued_at, kNow);
  EXPECT_FALSE(pass.after.status.started_at);
  EXPECT_THAT(pass.after.status.endpoints, IsEmpty());
  EXPECT_FALSE(pass.settled);
  EXPECT_EQ(pass.Service("worker").running, 3);  // as yet
  scene.observed.services.clear();
  EXPECT_FALSE(scene.Look().settled);
  scene.observed.tasks.clear();
  EXPECT_TRUE(scene.Look().settled);
  EXPECT_THAT(scene.Grant("master", 1).Grant("worker", 2).Look().events,
              Contains("Created: created services master"));
}

TEST(RequeuedExecution, HasEndedIfItEndedWellBeforeItWasRemoved) {
  Scene scene = Queued("- {name: m, image: i, monitor: true}\n");
  scene.Grant("m", 1).Stand("m").RunAll("m", 1).Look();
  scene.observed.tasks[0].state = TaskState::kComplete;
  scene.Grant("m", 0).execution.status.started_at.reset();
  EXPECT_EQ(scene.Look().after.status.phase, v1::kSucceeded);
}

class Attempts : public testing::TestWithParam<bool> {
 protected:
  Attempts() {
    scene.options.queued = GetParam();
    scene.execution.spec.backoff_limit = 1;
    scene.Grant("try", 1).Stand("try").Task("try", 1, TaskState::kRunning);
    scene.Look();
  }
  void Fail() {
    scene.observed.tasks.back().state = TaskState::kFailed;
    scene.observed.tasks.back().desired_state = TaskState::kShutdown;
    scene.observed.tasks.back().error = "task: non-zero exit (3)";
    scene.observed.tasks.back().exit_code = 3;
  }
  Scene scene{kTry};
};

TEST_P(Attempts, AFailureGoesBackIntoTheQueueWhileOneIsLeft) {
  Fail();
  Pass pass = scene.Look();
  EXPECT_THAT(pass.actions, IsEmpty());  // not before it is stored
  EXPECT_EQ(pass.after.status.phase, v1::kQueued);
  EXPECT_EQ(pass.after.status.attempts, 1);
  EXPECT_EQ(pass.after.status.queued_at, kNow);
  EXPECT_FALSE(pass.after.status.started_at);
  EXPECT_FALSE(pass.after.status.finished_at);
  EXPECT_FALSE(pass.Service("try").granted);
  const std::string why =
      "attempt 1 of 2 has failed: service try: replica 1 ended with exit code 3: task: non-zero "
      "exit (3)";
  EXPECT_THAT(pass.events, ElementsAre("! TaskFailed: " + why));
  EXPECT_EQ(pass.Condition("Complete"), "False InProgress: " + why);
  // What has failed goes, be it granted anew already or not.
  if (GetParam()) {
    EXPECT_THAT(Scene(scene).Look().actions, ElementsAre("remove id-try"));
  }
  pass = scene.Grant("try", 1).Look();
  ASSERT_THAT(pass.actions, ElementsAre("remove id-try", "create try"));
  EXPECT_EQ(pass.after.status.attempts, 1);
  EXPECT_EQ(pass.after.status.phase, v1::kPending);
  scene.observed = {.network_id = "net1"};
  EXPECT_THAT(scene.Stand("try").Look().actions, IsEmpty());
  scene.Task("try", 1, TaskState::kRunning);
  pass = scene.Look();
  EXPECT_EQ(pass.after.status.phase, v1::kRunning);
  EXPECT_EQ(pass.Condition("Complete"), "False InProgress: " + why);
  Fail();
  pass = scene.Look();
  EXPECT_EQ(pass.after.status.phase, v1::kFailed);
  EXPECT_EQ(pass.after.status.attempts, 1);
}

TEST_P(Attempts, ADeadlineIsNoReasonToTryAgain) {
  scene.execution.spec.active_deadline_seconds = 60;
  EXPECT_EQ(scene.Advance(Duration(60'000)).Look().after.status.phase, v1::kFailed);
}

INSTANTIATE_TEST_SUITE_P(All, Attempts, testing::Bool(), [](const auto& param) {
  return param.param ? "WithAScheduler" : "WithoutOne";
});

// ---- who lets go of what was granted

TEST(GrantsEnd, WhenItIsSuspendedAndTheQueueIsEnteredAnew) {
  Scene scene = Running(3);
  scene.execution.status.queue_position = 2;
  scene.execution.spec.suspend = true;
  Pass pass = scene.Look();
  EXPECT_FALSE(pass.Service("worker").granted);
  EXPECT_EQ(pass.after.status.queue_position, 0);
  EXPECT_EQ(pass.Condition("Admitted"), "False Suspended: the execution is suspended");
  scene.observed = {.network_id = "net1"};
  scene.execution.spec.suspend = false;
  pass = scene.Advance(Duration(60'000)).Look();
  EXPECT_EQ(pass.after.status.phase, v1::kQueued);
  EXPECT_EQ(pass.after.status.queued_at, kNow + Duration(60'000));
  EXPECT_EQ(pass.Condition("Admitted"), "False Queued: waits for the scheduler");
}

TEST(GrantsEnd, WhenItIsDeleted) {
  Scene scene = Running(3);
  scene.execution.meta.deletion_timestamp = kNow;
  EXPECT_FALSE(scene.Look().Service("worker").granted);
}

TEST(GrantsEnd, WhenItHasFailed) {
  Scene scene = Running(3);
  scene.execution.spec.active_deadline_seconds = 1;
  const Pass pass = scene.Advance(Duration(1'000)).Look();
  EXPECT_EQ(pass.after.status.phase, v1::kFailed);
  EXPECT_FALSE(pass.Service("worker").granted);
}

TEST(RanBeforeThereWasAQueue, RunsOnUntouched) {
  Scene scene(kPair);
  scene.Converge().Look();
  scene.options.queued = true;
  const v1::ExecutionStatus before = scene.execution.status;
  const Pass pass = scene.Advance(Duration(5)).Look();
  EXPECT_THAT(pass.actions, IsEmpty());
  EXPECT_EQ(pass.after.status, before);
  scene.Grant("master", 1).Grant("worker", 5);
  EXPECT_THAT(scene.Look().actions, IsEmpty());
}

// ---- where

TEST(Confined, ToOneNodeOrAwayFromTheOthers) {
  const std::vector<SwarmNode> nodes = {Node("c"), Node("a"), Node("b"), Node("d")};
  EXPECT_THAT(Confine({}, nodes), IsEmpty());
  EXPECT_THAT(Confine({"b"}, {}), ElementsAre("node.id == b"));
  EXPECT_THAT(Confine({"b", "d"}, nodes), ElementsAre("node.id != a", "node.id != c"));
}

TEST(Confined, NothingIsReplacedWhereTasksAreAlready) {
  Scene scene = Running(2);
  scene.observed.nodes = {Node("a"), Node("b"), Node("c")};
  for (SwarmTask& t : scene.observed.tasks) t.node_id = "a";
  Pass pass = scene.Grant("worker", 2, {"a", "b"}).Look();
  ASSERT_THAT(pass.actions, ElementsAre("change worker"));
  const SwarmServiceSpec sent = std::get<UpdateService>(pass.raw[0].what).spec;
  EXPECT_THAT(sent.constraints, ElementsAre("node.id != c"));
  EXPECT_EQ(pass.Condition("Ready"),
            "True AllReplicasReady: 3/3 replicas ready, 3 more when there is room");
  EXPECT_THAT(pass.events, IsEmpty());
  scene.SwarmServiceOf("worker").spec = sent;
  EXPECT_THAT(scene.Look().actions, IsEmpty());

  pass = scene.Grant("worker", 2, {"b"}).Look();
  EXPECT_THAT(pass.actions, ElementsAre("roll worker"));
  EXPECT_EQ(pass.Condition("Ready"), "False Updating: worker: update in progress");
}

TEST(Confined, AnotherChangeBesideItRolls) {
  Scene scene = Running(2);
  scene.Edit([&](auto&) { scene.Declared("worker").image = "w:2"; });
  EXPECT_THAT(scene.Grant("worker", 2, {"a"}).Look().actions, ElementsAre("roll worker"));
}

// ---- what a change would do

TEST(GrantedEffects, CountWhatIsGranted) {
  const Scene scene = Running(3);
  v1::Execution after = scene.execution;
  after.spec.application->services[1].replicas.total = 9;
  const Cache cache;
  EXPECT_THAT(EffectsOn(cache, scene.options, &scene.execution, after), IsEmpty());
  after.spec.application->services[1].image = "w:2";
  EXPECT_THAT(EffectsOn(cache, scene.options, &scene.execution, after),
              ElementsAre("service worker: 3 containers would be restarted (image w:1 -> w:2)"));
}

}  // namespace
}  // namespace zoe::execution
