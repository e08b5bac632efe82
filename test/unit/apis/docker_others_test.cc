// What others reserve on the nodes: when it is looked at, and what counts as a change.
#include <gtest/gtest.h>

#include <vector>

#include "apis/docker/others.h"

namespace zoe::docker {
namespace {

SteadyTime At(int ms) { return SteadyTime{} + std::chrono::hours(1) + Duration(ms); }

SwarmTask Task(TaskState state, TaskState desired = TaskState::kRunning) {
  SwarmTask task;
  task.service_id = "theirs";
  if (state >= TaskState::kAssigned) task.node_id = "n1";
  task.state = state;
  task.desired_state = desired;
  task.cpu_request_nano = 1'000'000'000;
  return task;
}

bool IsOurs(const SwarmTask& task) { return task.service_id == "ours"; }

// How often it is looked at after `begin`, when every look shows the same tasks.
int Looks(Others& others, const std::vector<SwarmTask>& tasks, int begin) {
  int looks = 0;
  for (int ms = begin; ms < begin + 600'000; ms += 10) {
    if (At(ms) < others.due()) continue;
    others.Look(tasks, IsOurs, At(ms));
    ++looks;
  }
  return looks;
}

TEST(DockerOthers, AreLookedAtOnlyAfterSomethingHappenedAndEverMoreRarely) {
  Others others;
  EXPECT_EQ(others.due(), SteadyTime::max());
  others.Happened(At(0));
  // 0, 100, 300, 700 and 1500 ms: their tasks may come a moment after the event.
  EXPECT_EQ(Looks(others, {Task(TaskState::kRunning)}, 0), 5);
  EXPECT_EQ(others.due(), SteadyTime::max());
  others.Begin(At(700'000));
  EXPECT_EQ(Looks(others, {Task(TaskState::kRunning)}, 700'000), 1);
}

TEST(DockerOthers, AreLookedAtUntilTheyHaveEndedButNotForEver) {
  for (const SwarmTask& task :
       {Task(TaskState::kRunning, TaskState::kRemove), Task(TaskState::kNew)}) {
    Others others;
    others.Happened(At(0));
    const int looks = Looks(others, {task}, 0);
    EXPECT_GT(looks, 50);
    EXPECT_LT(looks, 80);
  }
  SwarmTask waiting = Task(TaskState::kPending);
  waiting.error = "no suitable node (insufficient resources on 1 node)";
  SwarmTask lost = Task(TaskState::kRunning, TaskState::kShutdown);
  lost.node_down = true;
  for (const SwarmTask& task : {waiting, lost}) {
    Others others;
    others.Happened(At(0));
    EXPECT_EQ(Looks(others, {task}, 0), 5);
  }
}

TEST(DockerOthers, OnlyOtherRoomIsAChange) {
  Others others;
  EXPECT_TRUE(others.Look({}, IsOurs, At(0))) << "the first look";
  EXPECT_FALSE(others.Look({}, IsOurs, At(0)));
  EXPECT_FALSE(others.Look({Task(TaskState::kPending)}, IsOurs, At(0)));
  EXPECT_TRUE(others.Look({Task(TaskState::kAssigned)}, IsOurs, At(0)));
  EXPECT_FALSE(others.Look({Task(TaskState::kRunning)}, IsOurs, At(0)));
  EXPECT_FALSE(others.Look({Task(TaskState::kRunning, TaskState::kShutdown)}, IsOurs, At(0)));
  SwarmTask ours = Task(TaskState::kRunning), free = Task(TaskState::kRunning);
  ours.service_id = "ours";
  free.cpu_request_nano = 0;
  EXPECT_FALSE(others.Look({Task(TaskState::kRunning), ours, free}, IsOurs, At(0)));
  EXPECT_TRUE(others.Look({Task(TaskState::kShutdown)}, IsOurs, At(0)));
}

}  // namespace
}  // namespace zoe::docker
