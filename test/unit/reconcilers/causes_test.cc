// What the end of a task means, by cause, policy and rule; and how services with rules are
// restarted.
#include "reconcilers/execution/causes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reconcilers/execution/supervise.h"
#include "test/unit/reconcilers/scene.h"

namespace zoe::execution {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kMi = int64_t{1} << 20;

// ---- causes

SwarmTask Ended(TaskState state, std::optional<int> exit_code = {}, std::string error = "") {
  SwarmTask task;
  task.state = state;
  task.desired_state = TaskState::kShutdown;
  task.exit_code = exit_code;
  task.error = std::move(error);
  return task;
}

SwarmTask Killed(std::optional<bool> out_of_memory) {
  SwarmTask task = Ended(TaskState::kFailed, 137, "task: non-zero exit (137)");
  task.out_of_memory = out_of_memory;
  return task;
}

SwarmTask OnLostNode() {
  SwarmTask task;
  task.state = TaskState::kRunning;
  task.desired_state = TaskState::kShutdown;
  task.node_down = true;
  task.node_name = "n2";
  return task;
}

TEST(Cause, IsReadFromATaskAndPutInWords) {
  struct Row {
    SwarmTask task;
    Cause cause;
    std::string words;
  } rows[] = {
      {Ended(TaskState::kFailed, 3, "task: non-zero exit (3)"), Cause::kExitCode,
       "task: non-zero exit (3)"},
      {Ended(TaskState::kComplete, 0), Cause::kExitCode, "task: exit (0)"},
      {Killed(true), Cause::kOutOfMemory, "out of memory: it wanted more than its limit of 512Mi"},
      {Killed(false), Cause::kExitCode, "killed (exit code 137)"},
      {Killed({}), Cause::kExitCode, "killed (exit code 137)"},
      {Ended(TaskState::kFailed, 137, "task: non-zero exit (137): dockerexec: unhealthy container"),
       Cause::kExitCode, "task: non-zero exit (137): dockerexec: unhealthy container"},
      {Ended(TaskState::kRejected, {}, "No such image: x"), Cause::kNotStarted, "No such image: x"},
      {Ended(TaskState::kOrphaned, {}, "task was orphaned"), Cause::kNodeLost, "task was orphaned"},
      {Ended(TaskState::kShutdown), Cause::kNodeLost, ""},
      {OnLostNode(), Cause::kNodeLost, "node n2 is down"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(CauseOf(row.task), row.cause) << row.words;
    EXPECT_EQ(Ending(row.task, 512 * kMi), row.words);
  }
  EXPECT_EQ(Ending(Killed(true), 0), "out of memory");
  EXPECT_EQ(Ending(Killed(true), int64_t{3} << 30),
            "out of memory: it wanted more than its limit of 3Gi");
}

// ---- rules

constexpr const char* kExits = "onExitCodes: [64, 137]";
constexpr const char* kMemory = "onOutOfMemory: true";
constexpr const char* kNode = "onNodeLost: true";

v1::Service Declared(const std::string& policy, const std::string& rules) {
  Scene scene("- {name: a, image: i, resources: {limits: {memory: 1Gi}}, restart: {policy: " +
              policy + ", rules: [" + rules + "]}}\n");
  return scene.Declared("a");
}

std::string Says(const Ruling& ruling) {
  const std::string what = ruling.consequence == Consequence::kLost     ? "lost"
                           : ruling.consequence == Consequence::kIgnore ? "ignore"
                                                                        : "count";
  return ruling.rule ? what + " " + std::to_string(*ruling.rule) : what;
}

TEST(RuleOn, DecidesEachCauseByPolicyAndRule) {
  const std::vector<std::tuple<const char*, Cause, std::optional<int>>> causes = {
      {kExits, Cause::kExitCode, 64},          {kMemory, Cause::kOutOfMemory, 137},
      {kNode, Cause::kNodeLost, std::nullopt}, {"", Cause::kExitCode, 1},
      {"", Cause::kNotStarted, std::nullopt},
  };
  const std::map<std::string, std::string> actions = {
      {"fail", "lost 0"}, {"ignore", "ignore 0"}, {"count", "count 0"}};
  for (const std::string policy : {"never", "on-failure", "always"}) {
    for (const auto& [fits, cause, code] : causes) {
      const std::string by_policy = policy == "never"           ? "lost"
                                    : cause == Cause::kNodeLost ? "ignore"
                                                                : "count";
      EXPECT_EQ(Says(RuleOn(Declared(policy, ""), cause, code)), by_policy) << policy;
      for (const char* on : {kExits, kMemory, kNode}) {
        for (const auto& [action, ruling] : actions) {
          const std::string rule = "{" + std::string(on) + ", action: " + action + "}";
          // 137 is what the kernel's kill looks like, too.
          const bool applies = std::string_view(on) == fits ||
                               (std::string_view(on) == kExits && cause == Cause::kOutOfMemory);
          EXPECT_EQ(Says(RuleOn(Declared(policy, rule), cause, code)), applies ? ruling : by_policy)
              << policy << " " << rule << " " << fits;
        }
      }
    }
  }
}

TEST(RuleOn, TakesTheFirstThatFits) {
  const v1::Service service = Declared("always",
                                       "{onOutOfMemory: true, action: ignore}, {onExitCodes: [3], "
                                       "action: count}, {onExitCodes: [4, 137], action: fail}");
  EXPECT_EQ(Says(RuleOn(service, Cause::kOutOfMemory, 137)), "ignore 0");
  EXPECT_EQ(Says(RuleOn(service, Cause::kExitCode, 3)), "count 1");
  EXPECT_EQ(Says(RuleOn(service, Cause::kExitCode, 137)), "lost 2");
  EXPECT_EQ(Says(RuleOn(service, Cause::kNotStarted, {})), "count");
}

// ---- what is replaced

TEST(Replacements, StandInALabel) {
  const std::vector<Replacement> all = {{"abc", 5, true}, {"def", 12, false}};
  EXPECT_EQ(WriteReplacements(all), "abc>5c,def>12");
  EXPECT_EQ(ReadReplacements("abc>5c,def>12"), all);
  EXPECT_THAT(ReadReplacements(""), IsEmpty());
  EXPECT_THAT(ReadReplacements(">5,x,y>,z>0,w>-1,v>1d,,u>99999999999,t>c"), IsEmpty());
  EXPECT_THAT(ReadReplacements("x,ok>1,"), ElementsAre(Replacement{"ok", 1, false}));
}

TEST(RestartDelay, DoublesUpToFiveMinutes) {
  EXPECT_EQ(RestartDelay(0), Duration(5'000));
  EXPECT_EQ(RestartDelay(1), Duration(10'000));
  EXPECT_EQ(RestartDelay(5), Duration(160'000));
  EXPECT_EQ(RestartDelay(6), Duration(300'000));
  EXPECT_EQ(RestartDelay(1'000), Duration(300'000));
}

// ---- passes

std::string Job(const std::string& restart, const std::string& more = "") {
  return "- {name: job, image: i, restart: {" + restart + "}" + more + "}\n";
}

SwarmTask& Exit(Scene& scene, int slot, int code) {
  SwarmTask& task = scene.Task("job", slot, TaskState::kFailed,
                               "task: non-zero exit (" + std::to_string(code) + ")");
  task.exit_code = code;
  return task;
}

SwarmTask& LoseNode(Scene& scene, int slot) {
  SwarmTask& task = scene.Task("job", slot, TaskState::kRunning);
  task.desired_state = TaskState::kShutdown;
  task.node_down = true;
  task.node_name = "n2";
  return task;
}

// What the pass wants of the Swarm is what the Swarm has from then on.
Pass Follow(Scene& scene) {
  Pass pass = scene.Look();
  for (const Action& action : pass.raw) {
    const auto* update = std::get_if<UpdateService>(&action.what);
    if (update == nullptr) continue;
    SwarmService& service = scene.SwarmServiceOf(update->service);
    service.spec = update->spec;
    ++service.version;
  }
  return pass;
}

std::string Replaced(Scene& scene) {
  return LabelOf(scene.SwarmServiceOf("job").spec.labels, kLabelReplaced);
}

TEST(Rules, LeaveNoRestartToTheSwarm) {
  for (const char* policy : {"never", "on-failure", "always"}) {
    Scene scene(Job(std::string("policy: ") + policy +
                    ", maxAttempts: 3, rules: [{onNodeLost: true, action: count}]"));
    scene.Stand("job");
    EXPECT_EQ(scene.SwarmServiceOf("job").spec.restart_condition, RestartCondition::kNone);
    EXPECT_EQ(scene.SwarmServiceOf("job").spec.restart_max_attempts, 0u);
  }
}

TEST(Rules, RestartInAnotherSlotAfterADelay) {
  Scene scene(Job("policy: on-failure, rules: [{onExitCodes: [64], action: fail}]"));
  scene.Stand("job");
  Exit(scene, 1, 3).timestamp = scene.now;
  Pass pass = scene.Advance(Duration(1'000)).Look();
  EXPECT_THAT(pass.actions, IsEmpty());
  EXPECT_EQ(pass.next, Duration(4'000));
  EXPECT_EQ(pass.Condition("EssentialReady"), "False TaskFailed: job: task: non-zero exit (3)");

  pass = Follow(scene.Advance(Duration(4'000)));
  EXPECT_THAT(pass.actions, ElementsAre("change job"));
  EXPECT_THAT(pass.events, IsEmpty());
  EXPECT_EQ(scene.SwarmServiceOf("job").spec.replicas, 2u);
  EXPECT_EQ(Replaced(scene), "task1>2c");
  EXPECT_THAT(scene.Look().actions, IsEmpty()) << "it is asked for once";

  scene.Task("job", 2, TaskState::kRunning);
  pass = scene.Look();
  EXPECT_THAT(pass.actions, IsEmpty());
  EXPECT_TRUE(pass.settled);
  EXPECT_EQ(pass.Service("job").restarts, 1);
  EXPECT_EQ(pass.Service("job").ready, 1);
  EXPECT_THAT(pass.events, ElementsAre("! Restarted: job: task: non-zero exit (3)",
                                       HasSubstr("Running: 1/1 essential replicas ready")));
  EXPECT_EQ(scene.Look().Service("job").restarts, 1) << "it is counted once";
}

TEST(Rules, FailAtOnceWithoutAnotherAttempt) {
  Scene scene(Job("policy: on-failure, rules: [{onExitCodes: [64], action: fail}]"));
  scene.Stand("job");
  Exit(scene, 1, 64);
  const Pass pass = scene.Look();
  EXPECT_EQ(pass.after.status.phase, v1::kFailed);
  EXPECT_EQ(pass.Condition("Complete"),
            "False RestartRule: service job: replica 1 ended with exit code 64: task: non-zero "
            "exit (64) (restart.rules[0])");
}

TEST(Rules, FailOnOutOfMemoryWithItsLimit) {
  Scene scene(Job("policy: always, rules: [{onOutOfMemory: true, action: fail}]",
                  ", resources: {limits: {memory: 64Mi}}"));
  scene.Stand("job");
  Exit(scene, 1, 137).out_of_memory = true;
  const Pass pass = scene.Look();
  EXPECT_EQ(pass.Condition("Complete"),
            "False RestartRule: service job: replica 1 ended with exit code 137: out of memory: it "
            "wanted more than its limit of 64Mi (restart.rules[0])");
}

TEST(Rules, AreNotNeededToTellWhyItEnded) {
  Scene scene(Job("policy: always", ", resources: {limits: {memory: 64Mi}}"));
  scene.Stand("job");
  Exit(scene, 1, 137).out_of_memory = true;
  scene.Task("job", 1, TaskState::kPreparing);
  const Pass pass = scene.Look();
  EXPECT_EQ(pass.Condition("EssentialReady"),
            "False OutOfMemory: job: out of memory: it wanted more than its limit of 64Mi");
  EXPECT_THAT(pass.events, ElementsAre("! Restarted: job: out of memory: it wanted more than its "
                                       "limit of 64Mi"));
}

TEST(Rules, TakeAKillForNothingElseWhereNobodyKnows) {
  Scene scene(Job("policy: always, rules: [{onOutOfMemory: true, action: fail}]",
                  ", resources: {limits: {memory: 64Mi}}"));
  scene.Stand("job");
  Exit(scene, 1, 137);
  const Pass pass = Follow(scene.Advance(Duration(60'000)));
  EXPECT_THAT(pass.actions, ElementsAre("change job"));
  EXPECT_EQ(pass.Condition("EssentialReady"), "False TaskFailed: job: killed (exit code 137)");
}

TEST(Rules, LetAMonitorThatNeverRestartsOutliveItsNode) {
  Scene scene(Job("policy: never, rules: [{onNodeLost: true, action: ignore}]", ", monitor: true"));
  scene.Stand("job");
  LoseNode(scene, 1);
  Pass pass = Follow(scene);
  EXPECT_THAT(pass.actions, ElementsAre("change job")) << "at once";
  EXPECT_EQ(Replaced(scene), "task1>2");
  EXPECT_EQ(pass.Condition("EssentialReady"), "False TaskFailed: job: node n2 is down");

  scene.Task("job", 2, TaskState::kRunning);
  EXPECT_EQ(scene.Look().after.status.phase, v1::kRunning);

  // The node is back, and its task has failed like any other.
  SwarmTask& old = scene.observed.tasks[0];
  old.node_down = false;
  old.state = TaskState::kFailed;
  old.error = "task: non-zero exit (255)";
  old.exit_code = 255;
  old.timestamp = scene.now;
  pass = scene.Look();
  EXPECT_EQ(pass.after.status.phase, v1::kRunning);
  EXPECT_THAT(pass.actions, IsEmpty());

  SwarmTask& second = scene.observed.tasks[1];
  second.state = TaskState::kComplete;
  second.desired_state = TaskState::kShutdown;
  second.exit_code = 0;
  pass = scene.Look();
  EXPECT_EQ(pass.Condition("Complete"), "True MonitorsSucceeded: job ended with exit code 0");
  pass = scene.Look();
  EXPECT_THAT(pass.actions, IsEmpty()) << "its logs can be read";
}

TEST(Rules, StillLoseAMonitorByItsExitCode) {
  Scene scene(Job("policy: never, rules: [{onNodeLost: true, action: ignore}]", ", monitor: true"));
  scene.Stand("job");
  Exit(scene, 1, 3);
  const Pass pass = scene.Look();
  EXPECT_EQ(pass.Condition("Complete"),
            "False MonitorFailed: service job: replica 1 ended with exit code 3: task: non-zero "
            "exit (3)");
  EXPECT_THAT(scene.Look().actions, IsEmpty()) << "its logs can be read";
}

TEST(Rules, WithoutThemALostNodeEndsWhatNeverRestarts) {
  Scene scene(Job("policy: never"));
  scene.Stand("job");
  LoseNode(scene, 1);
  EXPECT_EQ(scene.Look().Condition("Complete"),
            "False TaskFailed: service job: replica 1 ended: node n2 is down");
}

// Runs the job with these exits (0: its node is lost), each after the delay of the one before.
Pass Fail(Scene& scene, const std::vector<int>& exits) {
  scene.Stand("job");
  int slot = 1;
  Pass pass;
  for (const int code : exits) {
    (code == 0 ? LoseNode(scene, slot) : Exit(scene, slot, code)).timestamp = scene.now;
    pass = Follow(scene.Advance(Duration(300'000)));
    ++slot;
  }
  return pass;
}

TEST(Rules, CountAgainstMaxAttemptsOnlyWhatCounts) {
  const std::string restart =
      "policy: on-failure, maxAttempts: 2, rules: [{onExitCodes: [75], action: ignore}, "
      "{onNodeLost: true, action: count}]";
  const auto last = [&](const std::vector<int>& exits) {
    Scene scene(Job(restart));
    return Fail(scene, exits).Condition("Complete");
  };
  EXPECT_EQ(last({3, 75, 75, 75, 75, 75, 75, 75, 0}), "False InProgress");
  EXPECT_EQ(last({3, 75, 0, 75, 3}),
            "False AttemptsExhausted: service job: replica 5, after 3 attempts, ended with exit "
            "code 3: task: non-zero exit (3)");
  EXPECT_EQ(last({0, 0, 0}),
            "False AttemptsExhausted: service job: replica 3, after 3 attempts, ended: node n2 is "
            "down");
}

TEST(Rules, CountTheAttemptsOfEachReplicaForItself) {
  Scene scene(
      Job("policy: on-failure, maxAttempts: 1, rules: [{onExitCodes: [75], action: ignore}]",
          ", replicas: {total: 3, essential: 2}"));
  scene.Stand("job");
  for (const int slot : {1, 2, 3}) Exit(scene, slot, 3).timestamp = scene.now;
  Follow(scene.Advance(Duration(5'000)));
  EXPECT_EQ(Replaced(scene), "task1>4c,task2>5c,task3>6c");
  EXPECT_EQ(scene.SwarmServiceOf("job").spec.replicas, 6u);
  for (const int slot : {4, 5, 6}) scene.Task("job", slot, TaskState::kRunning);
  Pass pass = Follow(scene);
  EXPECT_EQ(pass.Condition("Ready"), "True AllReplicasReady: 3/3 replicas ready");

  SwarmTask& one = scene.observed.tasks[4];
  one.state = TaskState::kFailed;
  one.desired_state = TaskState::kShutdown;
  one.error = "task: non-zero exit (3)";
  one.exit_code = 3;
  pass = Follow(scene.Advance(Duration(300'000)));
  EXPECT_THAT(pass.actions, IsEmpty());
  EXPECT_EQ(pass.Condition("Degraded"),
            "True ReplicasLost: job: 1 of 3 replicas are lost: task: non-zero exit (3)");
  EXPECT_EQ(pass.after.status.phase, v1::kRunning);
}

TEST(Rules, AskForNoMoreThanIsWantedWhenAllIsReplacedAnyway) {
  Scene scene(Job("policy: on-failure, rules: [{onExitCodes: [64], action: fail}]"));
  Fail(scene, {3});
  ASSERT_EQ(scene.SwarmServiceOf("job").spec.replicas, 2u);
  scene.Task("job", 2, TaskState::kRunning);
  scene.Edit([](v1::ExecutionSpec& spec) { spec.application->services[0].image = "i:2"; });
  const Pass pass = Follow(scene);
  EXPECT_THAT(pass.actions, ElementsAre("roll job"));
  EXPECT_EQ(scene.SwarmServiceOf("job").spec.replicas, 1u);
  EXPECT_EQ(Replaced(scene), "");
}

TEST(Rules, ForgetWhatWasScaledAway) {
  Scene scene(Job("policy: on-failure, rules: [{onExitCodes: [64], action: fail}]",
                  ", replicas: {total: 2, essential: 1}"));
  scene.Stand("job");
  scene.Task("job", 1, TaskState::kRunning);
  Exit(scene, 2, 3);
  Follow(scene.Advance(Duration(60'000)));
  ASSERT_EQ(Replaced(scene), "task2>3c");
  scene.Task("job", 3, TaskState::kRunning);
  scene.Edit([](v1::ExecutionSpec& spec) { spec.application->services[0].replicas.total = 1; });
  Follow(scene);
  ASSERT_EQ(scene.SwarmServiceOf("job").spec.replicas, 2u);
  // Swarm chose the slot that doesn't run: still one too many.
  std::erase_if(scene.observed.tasks, [](const SwarmTask& t) { return t.slot == 2; });
  Follow(scene);
  EXPECT_EQ(scene.SwarmServiceOf("job").spec.replicas, 1u);
  EXPECT_EQ(Replaced(scene), "");
}

TEST(Rules, LetTheSchedulerTakeAndGive) {
  Scene scene(Job("policy: on-failure, rules: [{onExitCodes: [64], action: fail}]",
                  ", replicas: {total: 3, essential: 1}"));
  scene.options.queued = true;
  scene.execution.status.services = {{.name = "job", .granted = 3}};
  scene.execution.status.started_at = scene.now;
  scene.Stand("job");
  for (const int slot : {1, 2, 3}) Exit(scene, slot, 3);
  Follow(scene);
  for (const int slot : {4, 5, 6}) scene.Task("job", slot, TaskState::kRunning);
  EXPECT_EQ(scene.Look().Condition("Ready"), "True AllReplicasReady: 3/3 replicas ready");
  scene.execution.status.services[0].granted = 2;
  const Pass pass = Follow(scene);
  EXPECT_THAT(pass.actions, ElementsAre("change job"));
  EXPECT_EQ(scene.SwarmServiceOf("job").spec.replicas, 5u);
  ASSERT_EQ(pass.raw.size(), 1u);
  ASSERT_EQ(pass.raw[0].events.size(), 1u);
  EXPECT_EQ(pass.raw[0].events[0].reason, "Scaled");
}

TEST(Rules, RestartNothingForEver) {
  Scene scene(Job("policy: on-failure, rules: [{onExitCodes: [3], action: ignore}]"));
  const Pass pass = Fail(scene, std::vector<int>(kMostReplaced, 3));
  EXPECT_EQ(pass.Condition("Complete"), "False InProgress");
  Exit(scene, static_cast<int>(kMostReplaced) + 1, 3);
  EXPECT_THAT(scene.Advance(Duration(300'000)).Look().Condition("Complete"),
              HasSubstr("False AttemptsExhausted"));
}

TEST(Rules, RestartWhatEndedInTheFuture) {
  Scene scene(Job("policy: on-failure, rules: [{onExitCodes: [64], action: fail}]"));
  scene.Stand("job");
  Exit(scene, 1, 3).timestamp = scene.now + std::chrono::hours(1);
  EXPECT_THAT(scene.Look().actions, ElementsAre("change job"));
}

TEST(Rules, MoveWhatRanOnADrainedNode) {
  Scene scene(
      Job("policy: on-failure, maxAttempts: 0, rules: [{onExitCodes: [64], action: fail}]"));
  scene.Stand("job");
  scene.Task("job", 1, TaskState::kShutdown);
  EXPECT_THAT(Follow(scene).actions, ElementsAre("change job"));
  EXPECT_EQ(Replaced(scene), "task1>2");
}

TEST(Rules, RestartWhatAlwaysRunsAlsoAfterItEndedWell) {
  Scene scene(Job("policy: always, rules: [{onExitCodes: [64], action: fail}]"));
  scene.Stand("job");
  scene.Task("job", 1, TaskState::kComplete).exit_code = 0;
  const Pass pass = Follow(scene.Advance(Duration(5'000)));
  EXPECT_THAT(pass.actions, ElementsAre("change job"));
  EXPECT_EQ(pass.Condition("EssentialReady"), "False TaskFailed: job: task: exit (0)");
}

// ---- backoffLimit

TEST(BackoffLimit, EndsWithTheLastAttempt) {
  Scene scene(Job("policy: never"));
  scene.execution.spec.backoff_limit = 1;
  scene.Stand("job");
  Exit(scene, 1, 3);
  Pass pass = scene.Look();
  EXPECT_EQ(pass.after.status.attempts, 1);
  EXPECT_FALSE(v1::IsFinished(pass.after.status));
  EXPECT_THAT(
      pass.Condition("Complete"),
      HasSubstr("attempt 1 of 2 has failed: service job: replica 1 ended with exit code 3"));
  scene.observed.services.clear();
  scene.observed.tasks.clear();
  scene.Look();
  scene.Stand("job");
  Exit(scene, 1, 4);
  pass = scene.Look();
  EXPECT_EQ(pass.after.status.phase, v1::kFailed);
  EXPECT_EQ(pass.Condition("Complete"),
            "False BackoffLimitExceeded: the last of 2 attempts has failed: TaskFailed: service "
            "job: replica 1 ended with exit code 4: task: non-zero exit (4)");
}

TEST(BackoffLimit, HelpsNobodyWhoHasRunTooLong) {
  Scene scene(Job("policy: never"));
  scene.execution.spec.backoff_limit = 1;
  scene.execution.spec.active_deadline_seconds = 60;
  scene.Converge().Look();
  EXPECT_THAT(scene.Advance(Duration(60'000)).Look().Condition("Complete"),
              HasSubstr("False DeadlineExceeded: "));
}

TEST(BackoffLimit, HelpsNobodyWhomARuleFails) {
  Scene scene(Job("policy: on-failure, rules: [{onExitCodes: [64], action: fail}]"));
  scene.execution.spec.backoff_limit = 3;
  scene.Stand("job");
  Exit(scene, 1, 64);
  const Pass pass = scene.Look();
  EXPECT_EQ(pass.after.status.phase, v1::kFailed);
  EXPECT_EQ(pass.after.status.attempts, 0);
  EXPECT_THAT(pass.Condition("Complete"), HasSubstr("False RestartRule: "));
}

}  // namespace
}  // namespace zoe::execution
