#include "reconcilers/execution/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/unit/reconcilers/scene.h"

namespace zoe::execution {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kWeb = R"(
- name: web
  image: w:1
  replicas: {total: 2, essential: 1}
  update: {failureAction: rollback}
  ports: [{name: http, port: 8080, scheme: http, path: /ui, endpoint: true}, {name: rpc, port: 9, endpoint: true}, {name: own, port: 7}]
)";
constexpr const char* kMonitor = "- {name: w, image: i}\n- {name: m, image: i, monitor: true}\n";

TEST(ExecutionStatus, EndpointsAreShownOnceTheServiceStands) {
  Scene scene(kWeb);
  scene.observed.place.has_gateway = true;
  EXPECT_THAT(scene.Look().after.status.endpoints, IsEmpty());
  const auto endpoints = scene.Stand("web").Look().after.status.endpoints;
  const std::string proxies = "/apis/zoe/v1/namespaces/alice/executions/run/endpoints/";
  EXPECT_THAT(endpoints, ElementsAre(v1::Endpoint{"web", "http", proxies + "http/proxy/ui",
                                                  "http://web.run.alice:8080/ui", ""},
                                     v1::Endpoint{"web", "rpc", proxies + "rpc/proxy/",
                                                  "tcp://web.run.alice:9", ""}));
  scene.execution.spec.suspend = true;
  EXPECT_THAT(scene.Look().after.status.endpoints, IsEmpty());
}

TEST(ExecutionStatus, AnEndpointIsOpenedByTheProxyWhereThatSpeaksWithItAndTellsAWayIn) {
  Scene scene(
      "- {name: a, image: i, ports: [{name: ui, port: 1, scheme: http, endpoint: true}, "
      "{name: tls, port: 2, scheme: https, endpoint: true}, "
      "{name: mail, port: 3, scheme: smtp, endpoint: true}, "
      "{name: stats, port: 4, protocol: udp, endpoint: true}]}\n"
      "- {name: b, image: i, ports: [{name: ui, port: 5, scheme: http, endpoint: true}]}\n");
  scene.Converge();
  scene.options.public_url = "https://zoe.example.org/";
  scene.observed.place.has_gateway = true;
  scene.observed.place.via = "socks5h://10.0.0.5:30123";
  std::vector<std::string> urls, addresses;
  for (const v1::Endpoint& e : scene.Look().after.status.endpoints) {
    urls.push_back(e.url);
    addresses.push_back(e.address);
    EXPECT_EQ(e.via, "socks5h://10.0.0.5:30123");
  }
  const std::string proxies =
      "https://zoe.example.org/apis/zoe/v1/namespaces/alice/executions/run/endpoints/";
  EXPECT_THAT(urls, ElementsAre(proxies + "a.ui/proxy/", addresses[1], addresses[2], addresses[3],
                                proxies + "b.ui/proxy/"));
  EXPECT_THAT(addresses,
              ElementsAre("http://a.run.alice:1/", "https://a.run.alice:2/",
                          "smtp://a.run.alice:3/", "udp://a.run.alice:4", "http://b.run.alice:5/"));
  scene.observed.place.has_gateway = false;
  for (const v1::Endpoint& e : scene.Look().after.status.endpoints) EXPECT_EQ(e.url, e.address);
}

TEST(ExecutionStatus, AProgramThatKeepsTheProxysPathLivesBelowItHoweverItIsReached) {
  const std::string proxy = "/apis/zoe/v1/namespaces/alice/executions/run/endpoints/web/proxy";
  for (const std::string& path : std::vector<std::string>{"/tree", "/", proxy + "/tree"}) {
    Scene scene("- {name: jup, image: i, ports: [{name: web, port: 8888, scheme: http, path: " +
                path + ", endpoint: true, proxyPath: keep}]}\n");
    scene.options.public_url = "http://127.0.0.1:4850";
    scene.observed.place.has_gateway = true;
    const auto endpoints = scene.Converge().Look().after.status.endpoints;
    ASSERT_EQ(endpoints.size(), 1u);
    const std::string lives = proxy + (path == "/" ? "/" : "/tree");
    EXPECT_EQ(endpoints[0].url, "http://127.0.0.1:4850" + lives) << path;
    EXPECT_EQ(endpoints[0].address, "http://jup.run.alice:8888" + lives) << path;
  }
}

TEST(ExecutionStatus, CountsAndWordsStandWithEachService) {
  Scene scene(kWeb);
  scene.Stand("web").RunAll("web", 1).Task("web", 2, TaskState::kPending,
                                           "no suitable node (insufficient resources on 3 nodes)");
  const v1::ServiceStatus web = scene.Look().Service("web");
  EXPECT_EQ(std::tuple(web.total, web.essential, web.running, web.ready), std::tuple(2, 1, 1, 1));
  EXPECT_EQ(web.message, "no suitable node (insufficient resources on 3 nodes)");
  EXPECT_FALSE(web.exit_code);
}

TEST(ExecutionStatus, TimesAreSetOnceAndSuspendingStartsAnew) {
  Scene scene(kWeb);
  Pass pass = scene.Advance(Duration(5)).Look();
  EXPECT_EQ(pass.after.status.queued_at, kNow);
  EXPECT_FALSE(pass.after.status.started_at);
  scene.Converge();
  EXPECT_EQ(scene.Advance(Duration(5)).Look().after.status.started_at, kNow + Duration(10));
  EXPECT_EQ(scene.Advance(Duration(5)).Look().after.status.started_at, kNow + Duration(10));
  scene.execution.spec.suspend = true;
  EXPECT_FALSE(scene.Look().after.status.started_at);
  scene.execution.spec.suspend = false;
  pass = scene.Advance(Duration(5)).Look();
  EXPECT_EQ(pass.after.status.started_at, kNow + Duration(20));
  EXPECT_THAT(pass.events, Contains("Resumed: the execution is resumed"));
}

TEST(ExecutionStatus, TransitionTimesMoveOnlyWithTheirCondition) {
  Scene scene(kWeb);
  scene.Look();
  scene.Converge().Advance(Duration(7)).Look();
  const auto& conditions = scene.execution.status.conditions;
  EXPECT_EQ(FindCondition(conditions, "Admitted")->last_transition_time, kNow);
  EXPECT_EQ(FindCondition(conditions, "Ready")->last_transition_time, kNow + Duration(7));
}

TEST(ExecutionStatus, ADeadlineCountsFromTheStart) {
  Scene scene(kWeb);
  scene.execution.spec.active_deadline_seconds = 60;
  EXPECT_EQ(scene.Look().next, Duration(0));  // not started yet
  scene.Converge();
  EXPECT_EQ(scene.Look().next, Duration(60'000));
  EXPECT_EQ(scene.Advance(Duration(59'999)).Look().after.status.phase, v1::kRunning);
  const Pass pass = scene.Advance(Duration(1)).Look();
  EXPECT_EQ(pass.after.status.phase, v1::kFailed);
  EXPECT_EQ(pass.Condition("Complete"),
            "False DeadlineExceeded: ran longer than activeDeadlineSeconds: 60");
  EXPECT_THAT(pass.events,
              Contains("! DeadlineExceeded: ran longer than activeDeadlineSeconds: 60"));
  EXPECT_THAT(scene.Look().actions, ElementsAre("remove id-web"));
}

TEST(ExecutionStatus, TheRuntimeOfAQuotaCountsFromTheStartAndTheSoonerDeadlineCounts) {
  Scene scene(kWeb);
  scene.execution.spec.backoff_limit = 3;
  scene.observed.quota = "students";
  scene.observed.runtime = Duration(30'000);
  EXPECT_EQ(scene.Advance(Duration(90'000)).Look().next, Duration(0));  // not started yet
  scene.Converge();
  EXPECT_EQ(scene.Look().next, Duration(30'000));
  scene.execution.spec.active_deadline_seconds = 20;
  EXPECT_EQ(scene.Look().next, Duration(20'000));
  scene.execution.spec.active_deadline_seconds = 60;
  EXPECT_EQ(scene.Advance(Duration(29'999)).Look().after.status.phase, v1::kRunning);
  const Pass pass = scene.Advance(Duration(1)).Look();
  EXPECT_EQ(pass.after.status.phase, v1::kFailed);
  EXPECT_EQ(pass.Condition("Complete"),
            "False RuntimeExceeded: ran longer than the runtime that quota students allows: 30 s");
}

TEST(ExecutionStatus, AnEndKeepsItsOutcomeWhenTheServicesAreGone) {
  Scene scene(kMonitor);
  scene.Stand("w")
      .RunAll("w", 1)
      .Stand("m")
      .Task("m", 1, TaskState::kFailed, "task: non-zero exit (4)")
      .exit_code = 4;
  Pass pass = scene.Look();
  EXPECT_EQ(pass.Service("m").exit_code, 4);
  EXPECT_EQ(pass.Service("w").running, 1);
  EXPECT_EQ(pass.after.status.finished_at, kNow);
  scene.observed.services.erase(scene.observed.services.begin());
  pass = scene.Advance(Duration(9)).Look();
  EXPECT_EQ(pass.after.status.phase, v1::kFailed);
  EXPECT_EQ(pass.Service("m").exit_code, 4);
  EXPECT_EQ(pass.Service("w").running, 0);
  EXPECT_EQ(pass.after.status.finished_at, kNow);
  EXPECT_THAT(pass.actions, IsEmpty());
  EXPECT_TRUE(pass.settled);
}

TEST(ExecutionStatus, AFinishedExecutionIsDeletedAfterItsTtl) {
  Scene scene(kMonitor);
  scene.execution.spec.ttl_seconds_after_finished = 30;
  scene.Stand("w").RunAll("w", 1).Stand("m").Task("m", 1, TaskState::kComplete).exit_code = 0;
  scene.Look();
  EXPECT_EQ(scene.Look().next, Duration(30'000));
  EXPECT_FALSE(scene.Advance(Duration(29'999)).Look().request_deletion);
  EXPECT_TRUE(scene.Advance(Duration(1)).Look().request_deletion);
}

TEST(ExecutionStatus, TheFinalizerGoesWhenNothingIsLeft) {
  Scene scene(kWeb);
  scene.Converge();
  scene.execution.meta.deletion_timestamp = kNow;
  EXPECT_FALSE(scene.Look().remove);
  scene.observed.services.clear();
  Pass pass = scene.Look();  // tasks are being stopped
  EXPECT_FALSE(pass.remove);
  EXPECT_FALSE(pass.settled);
  EXPECT_THAT(pass.after.meta.finalizers, ElementsAre(v1::kExecutionFinalizer));
  scene.observed.tasks.erase(scene.observed.tasks.begin());
  scene.observed.tasks[0].node_down = true;  // nobody will ever stop it
  pass = scene.Look();
  EXPECT_TRUE(pass.remove);
  EXPECT_THAT(pass.after.meta.finalizers, IsEmpty());
}

TEST(ExecutionStatus, AnotherFinalizerKeepsTheObject) {
  Scene scene(kWeb);
  scene.execution.meta.finalizers.push_back("somebody/else");
  scene.execution.meta.deletion_timestamp = kNow;
  const Pass pass = scene.Look();
  EXPECT_FALSE(pass.remove);
  EXPECT_THAT(pass.after.meta.finalizers, ElementsAre("somebody/else"));
}

TEST(ExecutionStatus, AMissingFinalizerIsAdded) {
  Scene scene(kWeb);
  scene.execution.meta.finalizers.clear();
  EXPECT_THAT(scene.Look().after.meta.finalizers, ElementsAre(v1::kExecutionFinalizer));
}

TEST(ExecutionStatus, RestartsAreCountedOnceAndNeverFall) {
  Scene scene(kWeb);
  scene.Stand("web").RunAll("web", 2);
  EXPECT_EQ(scene.Look().Service("web").restarts, 0);
  for (int i = 0; i < 3; ++i) {
    for (SwarmTask& t : scene.observed.tasks) {
      if (t.slot == 1 && !IsTerminal(t.state)) {
        t.state = TaskState::kFailed;
        t.error = "task: non-zero exit (9)";
      }
    }
    scene.Task("web", 1, TaskState::kRunning);
    const Pass pass = scene.Look();
    EXPECT_EQ(pass.Service("web").restarts, i + 1);
    EXPECT_THAT(pass.events, ElementsAre("! Restarted: web: task: non-zero exit (9)"));
    EXPECT_EQ(scene.Look().Service("web").restarts, i + 1);
  }
  // Swarm forgets old tasks; then a service is made anew.
  std::erase_if(scene.observed.tasks, [](const SwarmTask& t) { return IsTerminal(t.state); });
  EXPECT_EQ(scene.Look().Service("web").restarts, 3);
  scene.observed.tasks.clear();
  EXPECT_EQ(scene.Look().Service("web").restarts, 3);
}

TEST(ExecutionStatus, AReplacedTaskEndsNothingAlthoughTheCalendarWasPutBack) {
  Scene scene("- {name: main, image: i, monitor: true}");
  scene.Converge();
  ASSERT_EQ(scene.Look().after.status.phase, v1::kRunning);
  SwarmTask& old = scene.observed.tasks.at(0);
  old.state = old.desired_state = TaskState::kShutdown;
  const WallTime before = old.created_at - std::chrono::minutes(5);
  scene.Task("main", 1, TaskState::kRunning).created_at = before;
  EXPECT_EQ(scene.Look().after.status.phase, v1::kRunning);
}

TEST(ExecutionStatus, FailuresBeforeAChangeDoNotCountAgainstIt) {
  Scene scene("- {name: main, image: i, restart: {policy: on-failure, maxAttempts: 1}}");
  scene.Stand("main");
  scene.Task("main", 1, TaskState::kFailed, "task: non-zero exit (1)");
  scene.Task("main", 1, TaskState::kFailed, "task: non-zero exit (1)");
  scene.Task("main", 1, TaskState::kNew);
  scene.SwarmServiceOf("main").update_state = UpdateState::kUpdating;
  EXPECT_EQ(scene.Look().after.status.phase, v1::kStarting);
  scene.observed.tasks.back().state = TaskState::kFailed;
  scene.SwarmServiceOf("main").update_state = UpdateState::kPaused;
  EXPECT_EQ(scene.Look().after.status.phase, v1::kFailed);
}

TEST(ExecutionStatus, SeveralFailuresBetweenTwoLooksAllCount) {
  Scene scene(kWeb);
  scene.Stand("web").RunAll("web", 2).Look();
  scene.observed.tasks[0].state = TaskState::kFailed;
  scene.Task("web", 1, TaskState::kFailed, "task: non-zero exit (1)");
  scene.Task("web", 1, TaskState::kRunning);
  EXPECT_EQ(scene.Look().Service("web").restarts, 2);
}

// ---- the memory of rolled back updates

class RolledBack : public testing::Test {
 protected:
  // An update to image w:2 was sent, and Swarm took it back.
  void RollBack() {
    scene.Converge().Look();
    scene.Edit([&](auto&) { scene.Declared("web").image = "w:2"; });
    ASSERT_THAT(scene.Look().actions, ElementsAre("roll web"));
    SwarmService& web = scene.SwarmServiceOf("web");
    web.update_state = UpdateState::kRollbackStarted;
    web.update_message = "update rolled back due to failure or early termination of task x";
  }
  Scene scene{kWeb};
};

TEST_F(RolledBack, IsNotSentAgain) {
  RollBack();
  const std::string said =
      "True UpdateRolledBack: web: update rolled back due to failure or early termination of task "
      "x";
  Pass pass = scene.Look();
  EXPECT_THAT(pass.actions, IsEmpty());
  EXPECT_EQ(pass.Condition("Degraded"), said);
  EXPECT_THAT(pass.events, Contains(HasSubstr("UpdateRolledBack")));
  scene.SwarmServiceOf("web").update_state = UpdateState::kRollbackCompleted;
  scene.SwarmServiceOf("web").update_message = "rollback completed";
  for (int i = 0; i < 3; ++i) {
    pass = scene.Look();
    EXPECT_THAT(pass.actions, IsEmpty());
    EXPECT_EQ(pass.Condition("Degraded"), said);
    EXPECT_THAT(pass.events, IsEmpty());
  }
}

TEST_F(RolledBack, StillScales) {
  RollBack();
  scene.Look();
  scene.Edit([&](auto&) { scene.Declared("web").replicas.total = 4; });
  const Pass pass = scene.Look();
  ASSERT_THAT(pass.actions, ElementsAre("change web"));
  const SwarmServiceSpec& sent = std::get<UpdateService>(pass.raw[0].what).spec;
  EXPECT_EQ(sent.image, "w:1");
  EXPECT_EQ(sent.replicas, 4u);
  // Any update clears Swarm's own memory of the rollback.
  SwarmService& web = scene.SwarmServiceOf("web");
  web.spec = sent;
  web.update_state = UpdateState::kNone;
  web.update_message.clear();
  const Pass next = scene.Look();
  EXPECT_THAT(next.actions, IsEmpty());
  EXPECT_THAT(next.Condition("Degraded"), HasSubstr("True UpdateRolledBack"));
}

TEST_F(RolledBack, ANewSpecIsSentAtOnce) {
  RollBack();
  scene.Look();
  scene.Edit([&](auto&) { scene.Declared("web").image = "w:3"; });
  EXPECT_THAT(scene.Look().actions, ElementsAre("roll web"));
}

TEST_F(RolledBack, ASpecThatChangedBeforeTheRollbackWasSeenIsSent) {
  RollBack();
  scene.Edit([&](auto&) { scene.Declared("web").image = "w:3"; });
  EXPECT_THAT(scene.Look().actions, ElementsAre("roll web"));
}

TEST_F(RolledBack, ARestartTriesAgain) {
  RollBack();
  scene.Look();
  scene.execution.meta.annotations[std::string(v1::kRestartedAt)] = "now";
  EXPECT_THAT(scene.Look().actions, ElementsAre("roll web"));
}

TEST_F(RolledBack, GoingBackAndForthTriesAgain) {
  RollBack();
  scene.Look();
  scene.SwarmServiceOf("web").update_state = UpdateState::kRollbackCompleted;
  scene.Edit([&](auto&) { scene.Declared("web").image = "w:1"; });
  const Pass back = scene.Look();
  EXPECT_THAT(back.actions, IsEmpty());
  EXPECT_EQ(back.Condition("Degraded"), "False AsExpected");
  scene.Edit([&](auto&) { scene.Declared("web").image = "w:2"; });
  EXPECT_THAT(scene.Look().actions, ElementsAre("roll web"));
}

TEST_F(RolledBack, AnUpdateThatRolledIsForgotten) {
  scene.Converge().Look();
  scene.Edit([&](auto&) { scene.Declared("web").image = "w:2"; });
  const Pass sent = scene.Look();
  EXPECT_NE(sent.Service("web").update, "");
  SwarmService& web = scene.SwarmServiceOf("web");
  web.spec = std::get<UpdateService>(sent.raw[0].what).spec;
  web.update_state = UpdateState::kUpdating;
  EXPECT_NE(scene.Look().Service("web").update, "");
  web.update_state = UpdateState::kCompleted;
  EXPECT_EQ(scene.Look().Service("web").update, "");
  // Now somebody rolls it back by hand: that is drift, and is mended.
  web.spec.image = "w:1";
  web.update_state = UpdateState::kRollbackCompleted;
  EXPECT_THAT(scene.Look().actions, ElementsAre("roll web"));
}

TEST(ExecutionUpdate, IsNotReadyUntilSwarmHasRolledIt) {
  Scene scene(kWeb);
  scene.Converge().Look();
  scene.Edit([&](auto&) { scene.Declared("web").image = "w:2"; });
  const Pass sent = scene.Look();
  const std::string updating = "False Updating: web: update in progress";
  EXPECT_EQ(sent.Condition("Ready"), updating);
  EXPECT_EQ(sent.after.status.phase, v1::kRunning);
  SwarmService& web = scene.SwarmServiceOf("web");
  web.spec = std::get<UpdateService>(sent.raw[0].what).spec;
  const Pass taken = scene.Advance(Duration(10)).Look();
  EXPECT_EQ(taken.Condition("Ready"), updating);
  EXPECT_EQ(taken.next, kUpdatePatience - Duration(10));
  web.update_state = UpdateState::kUpdating;
  EXPECT_EQ(scene.Advance(kUpdatePatience).Look().Condition("Ready"), updating);
  web.update_state = UpdateState::kCompleted;
  EXPECT_EQ(scene.Look().Condition("Ready"), "True AllReplicasReady: 2/2 replicas ready");
}

TEST(ExecutionUpdate, ThatSwarmSaysNothingOfIsReadyAfterAWhile) {
  Scene scene(kWeb);
  scene.Converge().Look();
  scene.Edit([&](auto&) { scene.Declared("web").image = "w:2"; });
  scene.SwarmServiceOf("web").spec = std::get<UpdateService>(scene.Look().raw[0].what).spec;
  EXPECT_EQ(scene.Advance(kUpdatePatience).Look().Condition("Ready"),
            "True AllReplicasReady: 2/2 replicas ready");
}

TEST(ExecutionUpdate, ThatSwarmSaysNothingOfIsReadyAlthoughTheCalendarWasPutBack) {
  Scene scene(kWeb);
  scene.Converge().Look();
  scene.Edit([&](auto&) { scene.Declared("web").image = "w:2"; });
  scene.SwarmServiceOf("web").spec = std::get<UpdateService>(scene.Look().raw[0].what).spec;
  EXPECT_EQ(scene.Advance(-std::chrono::hours(1)).Look().Condition("Ready"),
            "True AllReplicasReady: 2/2 replicas ready");
}

TEST(ExecutionUpdate, ThatIsPausedBlamesNoLaterSpec) {
  Scene scene(kWeb);
  scene.Converge();
  SwarmService& web = scene.SwarmServiceOf("web");
  web.update_state = UpdateState::kPaused;
  web.update_message = "update paused";
  EXPECT_EQ(scene.Look().Condition("Degraded"), "True UpdatePaused: web: update paused");
  scene.Edit([&](auto&) { scene.Declared("web").image = "w:2"; });
  EXPECT_EQ(scene.Look().Condition("Degraded"), "False AsExpected");
}

// ---- events

TEST(ExecutionEvents, DriftIsToldApartFromWhatTheUserChanged) {
  Scene scene(kWeb);
  EXPECT_THAT(scene.Look().events, ElementsAre("Created: created services web"));
  EXPECT_THAT(scene.Converge().Look().events, ElementsAre("Running: 1/1 essential replicas ready"));
  scene.SwarmServiceOf("web").spec.replicas = 7;
  EXPECT_THAT(
      scene.Look().events,
      ElementsAre("! DriftMended: service web differed from its declaration: replicas 7 -> 2"));
  scene.SwarmServiceOf("web").spec.replicas = 2;
  scene.Edit([&](auto&) { scene.Declared("web").image = "w:2"; });
  EXPECT_THAT(scene.Look().events, ElementsAre("Updated: service web: image w:1 -> w:2"));
}

TEST(ExecutionEvents, AServiceThatWasRemovedFromOutsideIsMadeAgainAndTold) {
  Scene scene(kWeb);
  scene.Converge().Look();
  scene.observed.services.clear();
  scene.observed.tasks.clear();
  const Pass pass = scene.Look();
  EXPECT_THAT(pass.actions, ElementsAre("create web"));
  EXPECT_THAT(pass.events,
              Contains("! DriftMended: service web was removed from outside: created again"));
}

TEST(ExecutionEvents, ARefusalIsKeptAndDoesNotFlicker) {
  Scene scene(kWeb);
  const Error error = MakeError(Code::kAlreadyExists, "NameConflict", "taken");
  WallTime first{};
  for (int i = 0; i < 3; ++i) {
    const v1::Execution before = scene.execution;
    StatusDraft draft;
    draft.object = std::make_shared<v1::Execution>(before);
    const auto picture = Assess(before, scene.observed, scene.now, scene.options);
    Report(*picture, draft);
    ReportRefusal(before, error, scene.now, draft);
    scene.execution.status = static_cast<const v1::Execution&>(*draft.object).status;
    const Condition* degraded = FindCondition(scene.execution.status.conditions, "Degraded");
    EXPECT_EQ(degraded->status + degraded->reason, "TrueNameConflict");
    EXPECT_EQ(FindCondition(scene.execution.status.conditions, "EssentialReady")->reason,
              "NameConflict");
    if (i == 0) first = *degraded->last_transition_time;
    EXPECT_EQ(degraded->last_transition_time, first);
    EXPECT_EQ(scene.execution.status == before.status, i > 0);
    scene.Advance(Duration(50));
  }
}

TEST(ExecutionStatus, APassOverTwentyOneServicesTakesFarLessThanAMillisecond) {
  std::string yaml = "- {name: master, image: i}\n";
  for (int i = 0; i < 20; ++i)
    yaml += "- {name: worker" + std::to_string(i) +
            ", image: i, env: [{name: M, value: \"{{dns.master}}\"}]}\n";
  Scene scene(yaml);
  scene.Converge().Look();
  constexpr int kPasses = 20;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kPasses; ++i) scene.Look();
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  RecordProperty("microseconds", std::to_string(took.count() * 1000 / kPasses));
  EXPECT_LT(took.count() / kPasses, 50) << "ms, unoptimized and on a busy machine";
}

}  // namespace
}  // namespace zoe::execution
