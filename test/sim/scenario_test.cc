// Each scenario runs without a fault, then with each of its writes hit by each fault: the end must
// be the same.
//
// A failure names the fault; ZOE_SIM_FAULT=crash:7 with --gtest_filter runs that one alone.
#include "test/sim/scenario.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/runtime/log.h"
#include "test/sim/world.h"

namespace zoe::sim_test {
namespace {

using namespace std::chrono_literals;

constexpr const char* kPair = R"(
application:
  services:
  - {name: master, image: "m:1", readiness: {tcp: {port: 1}}}
  - {name: worker, image: "w:1", startupOrder: 1, replicas: {total: 3, essential: 1}}
)";
constexpr const char* kPairBiggerAndNewer = R"(
application:
  services:
  - {name: master, image: "m:1", readiness: {tcp: {port: 1}}}
  - {name: worker, image: "w:2", startupOrder: 1, replicas: {total: 4, essential: 1}}
)";
constexpr const char* kWorkerOnly = R"(
application:
  services:
  - {name: worker, image: "w:1", startupOrder: 1, replicas: {total: 3, essential: 1}}
)";
constexpr const char* kJob = R"(
application:
  services:
  - {name: worker, image: "w:1", replicas: {total: 2}}
  - {name: client, image: "c:1", monitor: true, startupOrder: 1, command: [sh, -c, "sleep 3"]}
)";
constexpr const char* kFailingJob = R"(
application:
  services:
  - {name: worker, image: "w:1"}
  - {name: client, image: "c:1", monitor: true, command: [sh, -c, "sleep 1; exit 3"], restart: {policy: on-failure, maxAttempts: 2}}
)";

std::string Web(const std::string& image, int replicas = 2, const std::string& more = "") {
  return "application:\n  services:\n  - {name: web, image: \"" + image +
         "\", replicas: {total: " + std::to_string(replicas) +
         "}, update: {failureAction: rollback}}\n" + more;
}

const std::vector<Scenario>& Scenarios() {
  static const std::vector<Scenario> scenarios = {
      {"ApplyAndRun",
       [](World& w) {
         w.Apply("run", kPair);
         w.Run(20s);
         EXPECT_EQ(w.Phase("run"), v1::kRunning);
       }},
      {"ApplyRunDelete",
       [](World& w) {
         w.Apply("run", kPair);
         w.Run(20s);
         w.Delete("run");
         w.Run(30s);
         EXPECT_EQ(w.Phase("run"), "gone");
       }},
      {"DeleteWhileStarting",
       [](World& w) {
         w.Apply("run", kPair);
         w.Run(12ms);
         w.Delete("run");
         w.Run(30s);
         EXPECT_EQ(w.Phase("run"), "gone");
       }},
      {"DeleteAndApplyAgainAtOnce",
       [](World& w) {
         w.Apply("run", kPair);
         w.Run(5s);
         w.Delete("run");
         w.Run(5s);
         w.Apply("run", kPair);
         w.Run(30s);
         EXPECT_EQ(w.Phase("run"), v1::kRunning);
       }},
      {"MonitorSucceeds",
       [](World& w) {
         w.Apply("job", kJob);
         w.Run(30s);
         EXPECT_EQ(w.Phase("job"), v1::kSucceeded);
       }},
      {"MonitorSucceedsAndTtlPasses",
       [](World& w) {
         w.Apply("job", std::string(kJob) + "ttlSecondsAfterFinished: 20\n");
         w.Run(60s);
         EXPECT_EQ(w.Phase("job"), "gone");
       }},
      {"MonitorFailsAfterItsAttempts",
       [](World& w) {
         w.Apply("job", kFailingJob);
         w.Run(30s);
         EXPECT_EQ(w.Phase("job"), v1::kFailed);
         EXPECT_EQ(w.Get("job")->status.services.at(1).exit_code, 3);
       }},
      {"AFinishedJobIsNotStartedByAnEdit",
       [](World& w) {
         w.Apply("job", kJob);
         w.Run(20s);
         w.Apply("job", kPair);
         w.Run(20s);
         EXPECT_EQ(w.Phase("job"), v1::kSucceeded);
       }},
      {"SuspendAndResume",
       [](World& w) {
         w.Apply("run", kPair);
         w.Run(10s);
         w.Apply("run", std::string(kPair) + "suspend: true\n");
         w.Run(10s);
         EXPECT_EQ(w.Phase("run"), v1::kSuspended);
         w.Apply("run", kPair);
         w.Run(20s);
         EXPECT_EQ(w.Phase("run"), v1::kRunning);
       }},
      {"ChangeCountsAndImages",
       [](World& w) {
         w.Apply("run", kPair);
         w.Run(10s);
         w.Apply("run", kPairBiggerAndNewer);
         w.Run(10s);
         w.Apply("run", kWorkerOnly);
         w.Run(20s);
         EXPECT_EQ(w.Phase("run"), v1::kRunning);
       }},
      {"EditWhileStarting",
       [](World& w) {
         w.Apply("run", kPair);
         w.Run(20ms);
         w.Apply("run", kPairBiggerAndNewer);
         w.Run(30s);
         EXPECT_EQ(w.Phase("run"), v1::kRunning);
       }},
      {"ABadImageIsRolledBackAndAGoodOneRecovers",
       [](World& w) {
         w.Apply("run", Web("w:1"));
         w.Run(10s);
         w.Apply("run", Web("missing:1"));
         w.Run(60s);
         EXPECT_EQ(w.Phase("run"), v1::kRunning);
         EXPECT_EQ(FindCondition(w.Get("run")->status.conditions, "Degraded")->reason,
                   "UpdateRolledBack");
         w.ExpectAtRest();
         w.Apply("run", Web("missing:1", 4));
         w.Run(30s);
         w.ExpectAtRest();
         w.Apply("run", Web("w:2", 4));
         w.Run(30s);
         EXPECT_EQ(FindCondition(w.Get("run")->status.conditions, "Degraded")->status, "False");
       }},
      {"AMissingImageWaitsUntilItIsCorrected",
       [](World& w) {
         w.Apply("run", Web("missing:1"));
         w.Run(20s);
         EXPECT_EQ(FindCondition(w.Get("run")->status.conditions, "EssentialReady")->reason,
                   "ImageNotFound");
         w.Apply("run", Web("w:1"));
         w.Run(30s);
         EXPECT_EQ(w.Phase("run"), v1::kRunning);
       }},
      {"DriftIsMended",
       [](World& w) {
         w.Apply("run", kPair);
         w.Run(10s);
         w.ChangeByHand("run", "worker", [](SwarmServiceSpec& spec) { spec.replicas = 9; });
         w.Run(10s);
         w.RemoveByHand("run", "master");
         w.Run(10s);
         w.ChangeByHand("run", "master", [](SwarmServiceSpec& spec) { spec.image = "evil"; });
         w.Run(20s);
         EXPECT_EQ(w.Phase("run"), v1::kRunning);
       }},
      {"ANodeIsLostAndComesBack",
       [](World& w) {
         w.Apply("run", kPair);
         w.Run(10s);
         w.WithCluster([](sim::Cluster& c) { c.SetNodeUp("sim2", false); });
         w.Run(10s);
         EXPECT_EQ(w.Phase("run"), v1::kRunning);
         w.WithCluster([](sim::Cluster& c) { c.SetNodeUp("sim2", true); });
         w.Run(20s);
         EXPECT_EQ(w.Phase("run"), v1::kRunning);
       }},
      {"DeletedWhileANodeIsLost",
       [](World& w) {
         w.Apply("run", kPair);
         w.Run(10s);
         w.WithCluster([](sim::Cluster& c) { c.SetNodeUp("sim2", false); });
         w.Run(5s);
         w.Delete("run");
         w.Run(20s);
         EXPECT_EQ(w.Phase("run"), "gone");
         w.WithCluster([](sim::Cluster& c) { c.SetNodeUp("sim2", true); });
         w.Run(20s);
       }},
      {"TasksFailAndAreRestarted",
       [](World& w) {
         w.Apply("run", Web("w:1"));
         w.Run(10s);
         for (int i = 0; i < 7; ++i) {
           w.EndTask("run", "web", 1 + i % 2, 1);
           w.Run(7s);
         }
         EXPECT_EQ(w.Phase("run"), v1::kRunning);
         EXPECT_EQ(w.Get("run")->status.services.at(0).restarts, 7);
       }},
      {"AttemptsOfEssentialReplicasRunOut",
       [](World& w) {
         w.Apply("run",
                 "application:\n  services:\n  - {name: a, image: i}\n"
                 "  - {name: b, image: i, command: [\"false\"], restart: {policy: on-failure, "
                 "maxAttempts: 3}}\n");
         w.Run(30s);
         EXPECT_EQ(w.Phase("run"), v1::kFailed);
       }},
      {"ADeadlinePasses",
       [](World& w) {
         w.Apply("run", std::string(kPair) + "activeDeadlineSeconds: 15\n");
         w.Run(40s);
         EXPECT_EQ(w.Phase("run"), v1::kFailed);
         EXPECT_EQ(FindCondition(w.Get("run")->status.conditions, "Complete")->reason,
                   "DeadlineExceeded");
       }},
      {"ARestartIsAskedFor",
       [](World& w) {
         w.Apply("run", kPair);
         w.Run(10s);
         w.Annotate("run", v1::kRestartedAt, "2026-01-31T12:00:00Z");
         w.Run(20s);
         EXPECT_EQ(w.Phase("run"), v1::kRunning);
       }},
      {"AStrangerHasOurName",
       [](World& w) {
         w.Apply("run", Web("w:1"));
         std::string id;
         w.WithCluster([&, name = w.SwarmName("run", "web")](sim::Cluster& c) {
           SwarmServiceSpec spec;
           spec.name = name;
           id = *c.CreateService(spec);
         });
         w.Run(10s);
         EXPECT_EQ(w.Phase("run"), v1::kPending);
         EXPECT_EQ(FindCondition(w.Get("run")->status.conditions, "Degraded")->reason,
                   "NameConflict");
         w.WithCluster([&](sim::Cluster& c) {
           ASSERT_NE(c.GetService(id), nullptr);
           (void)c.RemoveService(id);
         });
         w.Run(6min);
         EXPECT_EQ(w.Phase("run"), v1::kRunning);
       }},
      {"AnObjectVanishesFromTheStore",
       [](World& w) {
         w.Apply("run", kPair);
         w.Apply("stays", Web("w:1"));
         w.Run(10s);
         w.Forget("run");
         w.Run(30s);
         EXPECT_EQ(w.Phase("stays"), v1::kRunning);
       }},
      {"NothingFitsUntilThereIsRoom",
       [](World& w) {
         for (const char* node : {"sim1", "sim2", "sim3"})
           w.WithCluster([&](sim::Cluster& c) { c.SetNodeAvailability(node, "pause"); });
         w.Apply("run", kPair);
         w.Run(20s);
         EXPECT_EQ(w.Phase("run"), v1::kQueued);
         EXPECT_EQ(w.Get("run")->status.queue_position, 1);
         EXPECT_EQ(FindCondition(w.Get("run")->status.conditions, "Admitted")->status, "False");
         w.WithCluster([&](sim::Cluster& c) { c.SetNodeAvailability("sim3", "active"); });
         w.Run(20s);
         EXPECT_EQ(w.Phase("run"), v1::kRunning);
       }},
  };
  return scenarios;
}

class ScenarioTest : public testing::TestWithParam<Scenario> {
 protected:
  static void SetUpTestSuite() { log::Configure(log::Level::kError, false); }
};

TEST_P(ScenarioTest, EndsTheSameWhateverWriteFails) { PlayWithEachFault(GetParam()); }

INSTANTIATE_TEST_SUITE_P(All, ScenarioTest, testing::ValuesIn(Scenarios()),
                         [](const auto& scenario) { return scenario.param.name; });

}  // namespace
}  // namespace zoe::sim_test
