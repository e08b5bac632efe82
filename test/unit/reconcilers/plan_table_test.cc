// Rows of {name, world, actions, phase, conditions}: what one pass decides.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/unit/reconcilers/scene.h"

namespace zoe::execution {
namespace {

using testing::ElementsAreArray;

constexpr const char* kPair = R"(
- {name: master, image: "m:1", startupOrder: 0}
- {name: worker, image: "w:1", startupOrder: 1, replicas: {total: 3, essential: 1}}
)";
constexpr const char* kWithMonitor = R"(
- {name: worker, image: "w:1", replicas: {total: 2, essential: 1}}
- {name: client, image: "c:1", monitor: true}
)";
constexpr const char* kRetrying = R"(
- {name: job, image: "j:1", replicas: {total: 2, essential: 1}, restart: {policy: on-failure, maxAttempts: 2}}
)";
constexpr const char* kMounting =
    "- {name: a, image: i, mounts: [{hostPath: /data, path: /d}, {workspace: true, path: /ws}, "
    "{workspace: true, path: /out}]}\n";
constexpr const char* kTooBig = "no suitable node (insufficient resources on 3 nodes)";

struct Row {
  const char* name;
  const char* services;
  std::function<void(Scene&)> arrange;
  std::vector<std::string> actions;
  std::string_view phase;
  std::vector<std::pair<std::string, std::string>> conditions;
};

void Fail(Scene& scene, const std::string& service, int slot, int times) {
  for (int i = 0; i < times; ++i)
    scene.Task(service, slot, TaskState::kFailed, "task: non-zero exit (3)").exit_code = 3;
}

const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = {
      // ---- creation and startup order
      {"the first order is created, the second waits",
       kPair,
       [](Scene&) {},
       {"create master"},
       v1::kPending,
       {{"Admitted", "True Admitted"},
        {"EssentialReady", "False Starting: 0/2 essential replicas ready"},
        {"Ready", "False Starting: 0/4 replicas ready"},
        {"Complete", "False InProgress"},
        {"Degraded", "False AsExpected"}}},
      {"without a network one is made first",
       kPair,
       [](Scene& s) { s.observed.network_id.clear(); },
       {"network zoe-zoe-alice", "create master"},
       v1::kPending,
       {}},
      {"the second order waits while the first starts",
       kPair,
       [](Scene& s) { s.Stand("master").Task("master", 1, TaskState::kStarting); },
       {},
       v1::kStarting,
       {{"EssentialReady", "False Starting: 0/2 essential replicas ready"}}},
      {"the second order follows once the first runs",
       kPair,
       [](Scene& s) { s.Stand("master").RunAll("master", 1); },
       {"create worker"},
       v1::kStarting,
       {{"EssentialReady", "False Starting: 1/2 essential replicas ready"}}},
      {"services of one order are created together",
       "- {name: a, image: i}\n- {name: b, image: i}\n- {name: c, image: i}\n",
       [](Scene&) {},
       {"create a, b, c"},
       v1::kPending,
       {}},
      {"an order waits only for essential replicas",
       "- {name: a, image: i, replicas: {total: 3, essential: 1}}\n- {name: b, image: i, "
       "startupOrder: 5}\n",
       [](Scene& s) { s.Stand("a").Task("a", 2, TaskState::kRunning); },
       {"create b"},
       v1::kStarting,
       {}},
      {"an order that has done its work opens the next",
       "- {name: prepare, image: i, restart: {policy: never}}\n- {name: serve, image: i, "
       "startupOrder: 1}\n",
       [](Scene& s) { s.Stand("prepare").Task("prepare", 1, TaskState::kComplete); },
       {"create serve"},
       v1::kStarting,
       {}},
      {"a later order that stands is not removed when an earlier one fails",
       kPair,
       [](Scene& s) {
         s.Converge();
         s.observed.tasks[0].state = TaskState::kStarting;
       },
       {},
       v1::kStarting,
       {{"EssentialReady", "False Starting: 1/2 essential replicas ready"}}},

      // ---- the namespace
      {"nothing is made before the namespace is ready, its network neither",
       kPair,
       [](Scene& s) {
         s.GiveUser().Unready("workspace alice is not ready: no such file");
         s.observed.network_id.clear();
       },
       {},
       v1::kPending,
       {{"Admitted", "True Admitted"},
        {"EssentialReady", "False NamespaceNotReady: workspace alice is not ready: no such file"},
        {"Ready", "False NamespaceNotReady: workspace alice is not ready: no such file"},
        {"Degraded", "False AsExpected"}}},
      {"a Workspace that stands alone is waited for as well",
       kPair,
       [](Scene& s) { s.Unready("workspace alice is being made"); },
       {},
       v1::kPending,
       {{"EssentialReady", "False NamespaceNotReady: workspace alice is being made"}}},
      {"a User's network is never made here",
       kPair,
       [](Scene& s) {
         s.GiveUser();
         s.observed.network_id.clear();
       },
       {},
       v1::kPending,
       {{"EssentialReady",
         "False NamespaceNotReady: network zoe-zoe-alice is missing: it is being "
         "made again"}}},
      {"with a User's network services are created",
       kPair,
       [](Scene& s) { s.GiveUser(); },
       {"create master"},
       v1::kPending,
       {}},
      {"what runs is not touched when the namespace is unready later",
       kPair,
       [](Scene& s) { s.GiveUser().Converge().Unready("user alice is being deleted"); },
       {},
       v1::kRunning,
       {{"EssentialReady", "True EssentialReplicasReady: 2/2 essential replicas ready"},
        {"Ready", "True AllReplicasReady: 4/4 replicas ready"}}},
      {"what runs is not rolled to what an unready namespace would give",
       kPair,
       [](Scene& s) {
         s.Converge().GiveUser().Unready("workspace alice is being made");
         s.observed.network_id.clear();
       },
       {},
       v1::kRunning,
       {{"EssentialReady", "True EssentialReplicasReady: 2/2 essential replicas ready"},
        {"Ready", "False NamespaceNotReady: workspace alice is being made"}}},
      {"what runs is rolled once the namespace has got its User",
       kPair,
       [](Scene& s) { s.Converge().GiveUser(); },
       {"roll master", "roll worker"},
       v1::kRunning,
       {{"Ready", "False Updating: master: update in progress"}}},
      {"an edit waits for the namespace",
       kPair,
       [](Scene& s) {
         s.GiveUser().Converge().Unready("user alice is being deleted");
         s.Edit([](v1::ExecutionSpec& spec) { spec.application->services[1].image = "w:2"; });
       },
       {},
       v1::kRunning,
       {{"Ready", "False NamespaceNotReady: user alice is being deleted"}}},
      {"of what runs only what is missing waits",
       kPair,
       [](Scene& s) {
         s.GiveUser().Stand("master").RunAll("master", 1).Unready("user alice is being deleted");
       },
       {},
       v1::kStarting,
       {{"EssentialReady", "False NamespaceNotReady: user alice is being deleted"}}},
      {"what is no longer declared goes all the same",
       kPair,
       [](Scene& s) {
         s.GiveUser().Converge().Unready("user alice is being deleted");
         s.Edit([](v1::ExecutionSpec& spec) { spec.application->services.pop_back(); });
       },
       {"remove id-worker"},
       v1::kRunning,
       {}},
      {"a run ends by itself in a namespace that is unready",
       kWithMonitor,
       [](Scene& s) {
         s.GiveUser().Stand("worker").RunAll("worker", 2).Stand("client");
         s.Task("client", 1, TaskState::kComplete).exit_code = 0;
         s.Unready("user alice is being deleted");
       },
       {},
       v1::kSucceeded,
       {{"Complete", "True MonitorsSucceeded: client ended with exit code 0"}}},
      {"the directory of a Workspace is not made here",
       kMounting,
       [](Scene& s) { s.GiveUser(); },
       {"create a"},
       v1::kPending,
       {}},
      {"without a Workspace the directory is made here",
       kMounting,
       [](Scene&) {},
       {"directory /var/lib/zoe/workspaces/zoe/alice", "create a"},
       v1::kPending,
       {}},
      {"of a volume nothing is made",
       "- {name: a, image: i, mounts: [{workspace: true, path: /ws}]}\n",
       [](Scene& s) { s.GiveUser().observed.place.volume.emplace(); },
       {"create a"},
       v1::kPending,
       {}},

      // ---- readiness
      {"all replicas run",
       kPair,
       [](Scene& s) { s.Converge(); },
       {},
       v1::kRunning,
       {{"EssentialReady", "True EssentialReplicasReady: 2/2 essential replicas ready"},
        {"Ready", "True AllReplicasReady: 4/4 replicas ready"},
        {"Degraded", "False AsExpected"}}},
      {"elastic replicas are missing",
       kPair,
       [](Scene& s) {
         s.Stand("master").RunAll("master", 1).Stand("worker").RunAll("worker", 1);
         s.Task("worker", 2, TaskState::kPending, kTooBig);
       },
       {},
       v1::kRunning,
       {{"EssentialReady", "True EssentialReplicasReady: 2/2 essential replicas ready"},
        {"Ready", "False Unschedulable: 2/4 replicas ready"},
        {"Degraded", "False AsExpected"}}},
      {"nothing fits",
       kPair,
       [](Scene& s) { s.Stand("master").Task("master", 1, TaskState::kPending, kTooBig); },
       {},
       v1::kPending,
       {{"EssentialReady", std::string("False Unschedulable: master: ") + kTooBig}}},
      {"running on a node that is down does not count",
       kPair,
       [](Scene& s) {
         s.Converge();
         s.observed.tasks[0].node_down = true;
       },
       {},
       v1::kStarting,
       {{"Ready", "False Starting: 3/4 replicas ready"}}},
      {"a replacement of a lost node says which node",
       "- {name: a, image: i}\n",
       [](Scene& s) {
         SwarmTask& t = s.Stand("a").Task("a", 1, TaskState::kRunning);
         t.node_down = true;
         t.node_name = "n2";
         t.desired_state = TaskState::kShutdown;
         s.Task("a", 1, TaskState::kPreparing);
       },
       {},
       v1::kStarting,
       {{"EssentialReady", "False TaskFailed: a: node n2 is down"}}},
      {"old failures of a healthy service don't matter",
       kPair,
       [](Scene& s) {
         s.Stand("master");
         Fail(s, "master", 1, 3);
         s.RunAll("master", 1).Stand("worker").RunAll("worker", 3);
       },
       {},
       v1::kRunning,
       {{"Ready", "True AllReplicasReady: 4/4 replicas ready"}, {"Degraded", "False AsExpected"}}},
      {"an image that is missing",
       kPair,
       [](Scene& s) {
         s.Stand("master").Task("master", 1, TaskState::kRejected, "No such image: m:1");
         s.Task("master", 1, TaskState::kReady);
       },
       {},
       v1::kStarting,
       {{"EssentialReady", "False ImageNotFound: master: No such image: m:1"}}},
      {"a command that fails at once",
       kPair,
       [](Scene& s) {
         s.Stand("master");
         Fail(s, "master", 1, 2);
         s.Task("master", 1, TaskState::kReady);
       },
       {},
       v1::kStarting,
       {{"EssentialReady", "False TaskFailed: master: task: non-zero exit (3)"}}},
      {"a network without addresses is named after half a minute",
       kPair,
       [](Scene& s) {
         s.Stand("master").Task("master", 1, TaskState::kNew).created_at =
             kNow - std::chrono::seconds(30);
       },
       {},
       v1::kPending,
       {{"EssentialReady",
         "False NoAddress: master: no address in network zoe-zoe-alice for more than 30 s: it may "
         "be full"}}},

      // ---- changes and drift
      {"another count scales",
       kPair,
       [](Scene& s) { s.Converge().Edit([&](auto&) { s.Declared("worker").replicas.total = 5; }); },
       {"change worker"},
       v1::kRunning,
       {{"Ready", "False Starting: 4/6 replicas ready"}}},
      {"another image rolls only its service",
       kPair,
       [](Scene& s) { s.Converge().Edit([&](auto&) { s.Declared("worker").image = "w:2"; }); },
       {"roll worker"},
       v1::kRunning,
       {}},
      {"another update policy touches no container",
       kPair,
       [](Scene& s) {
         s.Converge().Edit([&](auto&) { s.Declared("worker").update.parallelism = 2; });
       },
       {"change worker"},
       v1::kRunning,
       {}},
      {"another store's label is replaced without touching a container",
       kPair,
       [](Scene& s) {
         s.Converge();
         s.observed.store_id = "this";
         s.SwarmServiceOf("master").spec.labels["zoe.store"] = "before";
       },
       {"change master", "change worker"},
       v1::kRunning,
       {{"Ready", "True AllReplicasReady: 4/4 replicas ready"}}},
      {"labels and annotations of the execution touch nothing",
       kPair,
       [](Scene& s) {
         s.Converge();
         s.execution.meta.labels["project"] = "books";
         s.execution.meta.annotations["note"] = "x";
       },
       {},
       v1::kRunning,
       {}},
      {"restartedAt rolls every service",
       kPair,
       [](Scene& s) {
         s.Converge();
         s.execution.meta.annotations[std::string(v1::kRestartedAt)] = "2026-01-31T12:00:00Z";
       },
       {"roll master", "roll worker"},
       v1::kRunning,
       {}},
      {"what was scaled by hand is scaled back",
       kPair,
       [](Scene& s) {
         s.Converge();
         s.SwarmServiceOf("worker").spec.replicas = 9;
       },
       {"change worker"},
       v1::kRunning,
       {}},
      {"what was changed by hand is rolled back to the declaration",
       kPair,
       [](Scene& s) {
         s.Converge();
         s.SwarmServiceOf("master").spec.env = {"X=1"};
       },
       {"roll master"},
       v1::kRunning,
       {}},
      {"a service that is no longer declared goes",
       kPair,
       [](Scene& s) {
         s.Converge().Edit([](v1::ExecutionSpec& spec) { spec.application->services.pop_back(); });
       },
       {"remove id-worker"},
       v1::kRunning,
       {{"Ready", "True AllReplicasReady: 1/1 replicas ready"}}},
      {"a vanished network is made again and followed",
       kPair,
       [](Scene& s) {
         s.Converge();
         s.observed.network_id.clear();
       },
       {"network zoe-zoe-alice", "roll master", "roll worker"},
       v1::kRunning,
       {}},
      {"workspace directories are made before the services",
       "- {name: a, image: i, mounts: [{workspace: true, path: /w}, {workspace: true, path: "
       "/x}]}\n",
       [](Scene&) {},
       {"directory /var/lib/zoe/workspaces/zoe/alice", "create a"},
       v1::kPending,
       {}},
      {"an update that Swarm paused is not sent again",
       kPair,
       [](Scene& s) {
         s.Converge();
         s.SwarmServiceOf("worker").update_state = UpdateState::kPaused;
         s.SwarmServiceOf("worker").update_message =
             "update paused due to failure or early termination of task x";
       },
       {},
       v1::kRunning,
       {{"Degraded",
         "True UpdatePaused: worker: update paused due to failure or early termination of task "
         "x"}}},

      // ---- ends
      {"a monitor that succeeds ends it, and nothing is removed before that is stored",
       kWithMonitor,
       [](Scene& s) {
         s.Stand("worker")
             .RunAll("worker", 2)
             .Stand("client")
             .Task("client", 1, TaskState::kComplete)
             .exit_code = 0;
       },
       {},
       v1::kSucceeded,
       {{"Complete", "True MonitorsSucceeded: client ended with exit code 0"},
        {"Ready", "False Finished: the execution has ended"},
        {"Degraded", "False AsExpected"}}},
      {"an end comes before anything else that is still to do",
       "- {name: m, image: i, monitor: true}\n- {name: late, image: i, startupOrder: 1}\n",
       [](Scene& s) { s.Stand("m").Task("m", 1, TaskState::kComplete).exit_code = 0; },
       {},
       v1::kSucceeded,
       {}},
      {"a monitor that fails ends it badly",
       kWithMonitor,
       [](Scene& s) {
         s.Stand("worker").RunAll("worker", 2).Stand("client");
         Fail(s, "client", 1, 1);
       },
       {},
       v1::kFailed,
       {{"Complete",
         "False MonitorFailed: service client: replica 1 ended with exit code 3: task: non-zero "
         "exit (3)"}}},
      {"a monitor on a node that is lost has failed",
       kWithMonitor,
       [](Scene& s) {
         SwarmTask& t = s.Stand("worker")
                            .RunAll("worker", 2)
                            .Stand("client")
                            .Task("client", 1, TaskState::kRunning);
         t.node_down = true;
         t.node_name = "n3";
         t.desired_state = TaskState::kShutdown;
       },
       {},
       v1::kFailed,
       {{"Complete", "False MonitorFailed: service client: replica 1 ended: node n3 is down"}}},
      {"all replicas of all monitors have to end",
       "- {name: m, image: i, monitor: true, replicas: {total: 2}}\n",
       [](Scene& s) {
         s.Stand("m").Task("m", 1, TaskState::kComplete).exit_code = 0;
         s.Task("m", 2, TaskState::kRunning);
       },
       {},
       v1::kRunning,
       {{"Complete", "False InProgress"}}},
      {"attempts that remain are waited for",
       kRetrying,
       [](Scene& s) {
         s.Stand("job").RunAll("job", 1);
         Fail(s, "job", 2, 2);
         s.Task("job", 2, TaskState::kReady);
       },
       {},
       v1::kRunning,
       {{"Degraded", "False AsExpected"}}},
      {"a lost elastic replica degrades",
       kRetrying,
       [](Scene& s) {
         s.Stand("job").RunAll("job", 1);
         Fail(s, "job", 2, 3);
       },
       {},
       v1::kRunning,
       {{"Degraded", "True ReplicasLost: job: 1 of 2 replicas are lost: task: non-zero exit (3)"},
        {"Ready", "False TaskFailed: 1/2 replicas ready"}}},
      {"lost essential replicas end it",
       kRetrying,
       [](Scene& s) {
         s.Stand("job");
         Fail(s, "job", 1, 3);
         Fail(s, "job", 2, 3);
       },
       {},
       v1::kFailed,
       {{"Complete",
         "False AttemptsExhausted: service job: replica 1, after 3 attempts, ended with exit code "
         "3: task: non-zero exit (3)"}}},
      {"Swarm may try more often than we allow: our count holds",
       kRetrying,
       [](Scene& s) {
         s.Stand("job");
         for (const int slot : {1, 2}) {
           Fail(s, "job", slot, 3);
           s.Task("job", slot, TaskState::kReady);
         }
       },
       {},
       v1::kFailed,
       {}},
      {"an image that is missing ends it only when attempts do",
       "- {name: a, image: i, restart: {policy: on-failure, maxAttempts: 1}}\n",
       [](Scene& s) {
         s.Stand("a").Task("a", 1, TaskState::kRejected, "No such image: i");
         s.Task("a", 1, TaskState::kRejected, "No such image: i");
       },
       {},
       v1::kFailed,
       {{"Complete",
         "False ImageNotFound: service a: replica 1, after 2 attempts, ended: No such image: i"}}},
      {"without a monitor it ends when all services have",
       "- {name: a, image: i, restart: {policy: never}}\n- {name: b, image: i, restart: {policy: "
       "on-failure}}\n",
       [](Scene& s) {
         s.Stand("a").Task("a", 1, TaskState::kComplete);
         s.Stand("b").Task("b", 1, TaskState::kComplete);
       },
       {},
       v1::kSucceeded,
       {{"Complete", "True AllServicesEnded: the tasks of all services have ended"}}},
      {"a service that has done its work counts as served",
       "- {name: a, image: i, restart: {policy: never}}\n- {name: b, image: i}\n",
       [](Scene& s) {
         s.Stand("a").Task("a", 1, TaskState::kComplete);
         s.Stand("b").RunAll("b", 1);
       },
       {},
       v1::kRunning,
       {{"Ready", "True AllReplicasReady: 2/2 replicas ready"}}},
      {"a replica that was shut down on purpose is not a failure",
       "- {name: a, image: i}\n",
       [](Scene& s) {
         s.Stand("a").Task("a", 1, TaskState::kShutdown);
         s.Task("a", 1, TaskState::kPreparing);
       },
       {},
       v1::kStarting,
       {{"EssentialReady", "False Starting: 0/1 essential replicas ready"}}},
      {"slots that are scaled away don't count",
       kPair,
       [](Scene& s) {
         s.Converge();
         s.Task("worker", 4, TaskState::kRunning).desired_state = TaskState::kRemove;
       },
       {},
       v1::kRunning,
       {{"Ready", "True AllReplicasReady: 4/4 replicas ready"}}},

      // ---- finished, suspended, deleted
      {"finished: what still runs goes, what ended stays for its logs",
       kWithMonitor,
       [](Scene& s) {
         s.Stand("worker")
             .RunAll("worker", 2)
             .Stand("client")
             .Task("client", 1, TaskState::kComplete);
         s.execution.status.phase = v1::kSucceeded;
       },
       {"remove id-worker"},
       v1::kSucceeded,
       {}},
      {"finished: an edit starts nothing",
       kWithMonitor,
       [](Scene& s) {
         s.execution.status.phase = v1::kFailed;
         s.Edit([&](auto&) { s.Declared("worker").image = "w:2"; });
       },
       {},
       v1::kFailed,
       {}},
      {"finished and suspended: nothing is kept",
       kWithMonitor,
       [](Scene& s) {
         s.Stand("client").Task("client", 1, TaskState::kComplete);
         s.execution.status.phase = v1::kSucceeded;
         s.execution.spec.suspend = true;
       },
       {"remove id-client"},
       v1::kSucceeded,
       {}},
      {"suspended: the services go",
       kPair,
       [](Scene& s) { s.Converge().Edit([](v1::ExecutionSpec& spec) { spec.suspend = true; }); },
       {"remove id-master, id-worker"},
       v1::kSuspended,
       {{"Admitted", "False Suspended: the execution is suspended"},
        {"EssentialReady", "False Suspended: the execution is suspended"},
        {"Ready", "False Suspended: the execution is suspended"}}},
      {"deleted: the services go",
       kPair,
       [](Scene& s) {
         s.Converge();
         s.execution.meta.deletion_timestamp = kNow;
       },
       {"remove id-master, id-worker"},
       v1::kTerminating,
       {{"Ready", "False Terminating: the execution is being deleted"}}},
      {"deleted after its end: what was kept goes too",
       kWithMonitor,
       [](Scene& s) {
         s.Stand("client").Task("client", 1, TaskState::kComplete);
         s.execution.status.phase = v1::kSucceeded;
         s.execution.meta.deletion_timestamp = kNow;
       },
       {"remove id-client"},
       v1::kTerminating,
       {}},
      {"deleted while suspended",
       kPair,
       [](Scene& s) {
         s.execution.spec.suspend = true;
         s.execution.status.phase = v1::kSuspended;
         s.execution.meta.deletion_timestamp = kNow;
       },
       {},
       v1::kTerminating,
       {}},
      {"a spec that can't be rendered stops nothing that stands",
       "- {name: a, image: i}\n",
       [](Scene& s) {
         s.Converge();
         s.Declared("a").env.push_back({"X", "{{param.nosuch}}"});
       },
       {},
       v1::kPending,
       {}},
  };
  return rows;
}

class PlanTable : public testing::TestWithParam<Row> {};

TEST_P(PlanTable, Decides) {
  const Row& row = GetParam();
  Scene scene(row.services);
  row.arrange(scene);
  const Pass pass = scene.Look();
  EXPECT_THAT(pass.actions, ElementsAreArray(row.actions));
  EXPECT_EQ(pass.after.status.phase, row.phase);
  for (const auto& [type, expected] : row.conditions)
    EXPECT_EQ(pass.Condition(type), expected) << type;
  for (const char* type : {"Admitted", "EssentialReady", "Ready", "Complete", "Degraded"}) {
    if (v1::IsFinished(scene.execution.status)) continue;
    EXPECT_NE(pass.Condition(type), "none") << type;
  }
}

TEST_P(PlanTable, SaysTheSameWhenNothingChanged) {
  const Row& row = GetParam();
  Scene scene(row.services);
  row.arrange(scene);
  const Pass first = scene.Look();
  if (!first.actions.empty() || first.after.status.finished_at) return;
  const v1::ExecutionStatus status = scene.Look().after.status;
  for (int i = 0; i < 3; ++i) {
    const Pass again = scene.Advance(Duration(1)).Look();
    EXPECT_EQ(again.after.status, status);
    EXPECT_TRUE(again.events.empty()) << testing::PrintToString(again.events);
  }
}

TEST(PlanLabels, SaysNothingOfTheStoresLabel) {
  Scene scene(kPair);
  scene.Converge();
  (void)scene.Look();
  ASSERT_TRUE(scene.Look().events.empty());
  scene.observed.store_id = "this";
  const Pass pass = scene.Look();
  EXPECT_EQ(pass.actions.size(), 2u);
  EXPECT_TRUE(pass.events.empty()) << testing::PrintToString(pass.events);
  scene.SwarmServiceOf("worker").spec.replicas = 1;
  EXPECT_FALSE(scene.Look().events.empty());
}

std::string RowName(const testing::TestParamInfo<Row>& info) {
  std::string name;
  bool upper = true;
  for (const char c : std::string(info.param.name)) {
    if (std::isalnum(static_cast<unsigned char>(c)))
      name += upper ? static_cast<char>(std::toupper(c)) : c;
    upper = !std::isalnum(static_cast<unsigned char>(c));
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, PlanTable, testing::ValuesIn(Rows()), RowName);

}  // namespace
}  // namespace zoe::execution
