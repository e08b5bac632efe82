// Tasks: how they fail, wait, become healthy; what they print; who is told.
#include <algorithm>
#include <set>
#include <thread>

#include "test/conformance/swarm/suite.h"

namespace zoe::testing {
namespace {

TEST_F(SwarmConformance, RestartsAfterFailureUntilAttemptsAreExhausted) {
  SwarmServiceSpec spec = Spec("job", "exit 3");
  spec.restart_condition = RestartCondition::kOnFailure;
  spec.restart_max_attempts = 2;
  const std::string id = Create(spec);
  ASSERT_TRUE(Until("three failures", [&] { return Tasks(id, TaskState::kFailed).size() == 3; }));
  for (const SwarmTask& task : Tasks(id)) {
    EXPECT_EQ(task.exit_code, 3);
    EXPECT_NE(task.error.find("non-zero exit (3)"), std::string::npos) << task.error;
    EXPECT_EQ(task.slot, 1);
  }
  ASSERT_TRUE(Until("given up", [&] {
    const auto tasks = Tasks(id);
    return std::ranges::all_of(tasks, [](const SwarmTask& t) {
      return IsTerminal(t.state) && t.desired_state >= TaskState::kShutdown;
    });
  }));
  EXPECT_EQ(Tasks(id).size(), 3u);
}

TEST_F(SwarmConformance, JobThatEndsWellIsComplete) {
  for (const auto condition : {RestartCondition::kNone, RestartCondition::kOnFailure}) {
    SwarmServiceSpec spec = Spec(condition == RestartCondition::kNone ? "none" : "fail", "exit 0");
    spec.restart_condition = condition;
    const std::string id = Create(spec);
    ASSERT_TRUE(Until("complete", [&] { return Tasks(id, TaskState::kComplete).size() == 1; }));
    EXPECT_EQ(Tasks(id)[0].exit_code, 0);
    EXPECT_EQ(Tasks(id).size(), 1u);
  }
}

TEST_F(SwarmConformance, OnlyAnotherTemplateRunsWhatHasEndedAgain) {
  SwarmServiceSpec spec = Spec("job", "exit 0");
  spec.restart_condition = RestartCondition::kNone;
  const std::string id = Create(spec);
  ASSERT_TRUE(Until("complete", [&] { return Tasks(id, TaskState::kComplete).size() == 1; }));
  const auto update = [&] {
    return swarm().UpdateService(Ctx(), id, Service(id).version, spec).ok();
  };
  ASSERT_TRUE(update()) << "an update that changes nothing";
  spec.labels["color"] = "blue";
  ASSERT_TRUE(update());
  ASSERT_TRUE(UntilRunning(Create(Spec("other")), 1));  // Swarm had its time
  EXPECT_EQ(Tasks(id).size(), 1u);
  spec.env = {"A=2"};
  ASSERT_TRUE(Until("updated", update));
  EXPECT_TRUE(Until("again", [&] { return Tasks(id, TaskState::kComplete).size() == 2; }));
}

TEST_F(SwarmConformance, NeverRestartedJobStaysFailed) {
  SwarmServiceSpec spec = Spec("job", "exit 7");
  spec.restart_condition = RestartCondition::kNone;
  const std::string id = Create(spec);
  ASSERT_TRUE(Until("failed", [&] { return Tasks(id, TaskState::kFailed).size() == 1; }));
  EXPECT_EQ(Tasks(id)[0].exit_code, 7);
  EXPECT_EQ(Tasks(id).size(), 1u);
}

TEST_F(SwarmConformance, WhatNeverRestartsKeepsItsSlotAndOneMoreReplicaGetsTheNext) {
  SwarmServiceSpec spec = Spec("job", "exit 7");
  spec.restart_condition = RestartCondition::kNone;
  const std::string id = Create(spec);
  ASSERT_TRUE(Until("failed", [&] { return Tasks(id, TaskState::kFailed).size() == 1; }));
  spec.replicas = 2;
  spec.labels["replaced"] = Tasks(id)[0].id;
  ASSERT_TRUE(Until(
      "updated", [&] { return swarm().UpdateService(Ctx(), id, Service(id).version, spec).ok(); }));
  ASSERT_TRUE(Until("failed again", [&] { return Tasks(id, TaskState::kFailed).size() == 2; }));
  std::set<int32_t> slots;
  for (const SwarmTask& task : Tasks(id)) slots.insert(task.slot);
  EXPECT_EQ(slots, (std::set<int32_t>{1, 2}));
  EXPECT_EQ(Service(id).spec, spec);
}

TEST_F(SwarmConformance, WhatNeverRestartsIsNotMovedFromANodeThatIsDrained) {
  SwarmServiceSpec spec = Spec("job");
  spec.restart_condition = RestartCondition::kNone;
  const std::string id = Create(spec), moved = Create(Spec("web"));
  ASSERT_TRUE(UntilRunning(id, 1));
  ASSERT_TRUE(UntilRunning(moved, 1));
  world().SetAvailability("drain");
  Until("stopped",
        [&] { return Tasks(id, TaskState::kShutdown).size() == 1 && Tasks(moved).size() == 2; });
  EXPECT_EQ(Tasks(id).size(), 1u);
  world().SetAvailability("active");
  EXPECT_TRUE(UntilRunning(moved, 1));
  EXPECT_EQ(Tasks(id).size(), 1u);
}

TEST_F(SwarmConformance, AlwaysRestartsAfterAGoodEndToo) {
  SwarmServiceSpec spec = Spec("job", "exit 0");
  spec.restart_condition = RestartCondition::kAny;
  const std::string id = Create(spec);
  Until("ended twice", [&] { return Tasks(id, TaskState::kComplete).size() >= 2; });
}

TEST_F(SwarmConformance, MissingImageIsRejectedWithTheReason) {
  SwarmServiceSpec spec = Spec("web");
  spec.image = "no-such-image:1";
  spec.restart_condition = RestartCondition::kNone;
  const std::string id = Create(spec);
  ASSERT_TRUE(Until("rejected", [&] { return Tasks(id, TaskState::kRejected).size() == 1; }));
  EXPECT_NE(Tasks(id)[0].error.find("No such image: no-such-image:1"), std::string::npos);
  EXPECT_FALSE(Tasks(id)[0].exit_code.has_value());
}

TEST_F(SwarmConformance, MissingCommandFailsWith127) {
  SwarmServiceSpec spec = Spec("web");
  spec.command = {"no-such-command"};
  spec.init = false;
  spec.restart_condition = RestartCondition::kNone;
  const std::string id = Create(spec);
  ASSERT_TRUE(Until("failed", [&] { return Tasks(id, TaskState::kFailed).size() == 1; }));
  EXPECT_EQ(Tasks(id)[0].exit_code, 127);
  EXPECT_NE(Tasks(id)[0].error.find("executable file not found"), std::string::npos);
}

TEST_F(SwarmConformance, WhatDoesNotFitWaitsAndIsPlacedWhenThereIsRoom) {
  const auto nodes = swarm().ListNodes(Ctx());
  ASSERT_TRUE(nodes.ok());
  ASSERT_EQ(nodes->size(), 1u);
  EXPECT_TRUE((*nodes)[0].ready && (*nodes)[0].manager && (*nodes)[0].leader);
  EXPECT_EQ((*nodes)[0].availability, "active");
  EXPECT_GT((*nodes)[0].cpu_nano, 0);
  SwarmServiceSpec first = Spec("first"), second = Spec("second");
  first.memory_request_bytes = second.memory_request_bytes = (*nodes)[0].memory_bytes / 10 * 6;
  const std::string first_id = Create(first);
  ASSERT_TRUE(UntilRunning(first_id, 1));
  const std::string second_id = Create(second);
  ASSERT_TRUE(Until("told to wait", [&] {
    const auto tasks = Tasks(second_id, TaskState::kPending);
    return tasks.size() == 1 &&
           tasks[0].error == "no suitable node (insufficient resources on 1 node)";
  }));
  Remove(first_id);
  EXPECT_TRUE(UntilRunning(second_id, 1));
}

TEST_F(SwarmConformance, ConstraintThatNobodyMeetsWaits) {
  SwarmServiceSpec spec = Spec("web");
  spec.constraints = {"node.labels.gpu==true"};
  const std::string id = Create(spec);
  Until("told to wait", [&] {
    const auto tasks = Tasks(id, TaskState::kPending);
    return tasks.size() == 1 &&
           tasks[0].error == "no suitable node (scheduling constraints not satisfied on 1 node)";
  });
}

TEST_F(SwarmConformance, HealthcheckDelaysRunning) {
  SwarmServiceSpec spec = Spec("web", "sleep 0.7; touch /tmp/healthy; sleep 1000");
  spec.healthcheck = {
      {"CMD-SHELL", "cat /tmp/healthy"}, Duration(200), Duration(2'000), Duration(10'000), 3};
  const std::string id = Create(spec);
  bool starting = false;
  ASSERT_TRUE(Until("running", [&] {
    starting = starting || !Tasks(id, TaskState::kStarting).empty();
    return Tasks(id, TaskState::kRunning).size() == 1;
  }));
  EXPECT_TRUE(starting);
}

TEST_F(SwarmConformance, NetworksAreListedKeptWhileUsedAndRemoved) {
  SwarmNetworkSpec spec;
  spec.name = Named("net");
  spec.labels = {{"zoe.deployment", "conf"}, {"zoe.kind", "Namespace"}};
  spec.subnet = "10.123.45.0/24";
  spec.internal = spec.attachable = true;
  const auto id = swarm().CreateNetwork(Ctx(), spec);
  ASSERT_TRUE(id.ok()) << id.error().message;
  const auto again = swarm().CreateNetwork(Ctx(), spec);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, Code::kAlreadyExists);
  SwarmNetworkSpec theirs = spec;
  theirs.name = Named("theirs");
  theirs.subnet = "10.123.46.0/24";
  theirs.labels = {{"zoe.deployment", "other"}};
  const auto their_id = swarm().CreateNetwork(Ctx(), theirs);
  ASSERT_TRUE(their_id.ok());

  const auto networks = swarm().ListNetworks(Ctx());
  ASSERT_TRUE(networks.ok());
  const auto it = std::ranges::find(*networks, *id, &SwarmNetwork::id);
  ASSERT_NE(it, networks->end());
  EXPECT_TRUE(it->spec == spec);
  EXPECT_EQ(std::ranges::find(*networks, *their_id, &SwarmNetwork::id), networks->end());

  SwarmServiceSpec user = Spec("user");
  user.networks = {{*id, {"user.pair"}}};
  const std::string service = Create(user);
  ASSERT_TRUE(UntilRunning(service, 1));
  const auto in_use = swarm().RemoveNetwork(Ctx(), *id);
  ASSERT_FALSE(in_use.ok());
  EXPECT_EQ(in_use.error().code, Code::kConflict);
  Remove(service);
  EXPECT_TRUE(Until("removed", [&] { return swarm().RemoveNetwork(Ctx(), *id).ok(); }));
  EXPECT_TRUE(swarm().RemoveNetwork(Ctx(), *id).ok());
  EXPECT_TRUE(swarm().RemoveNetwork(Ctx(), *their_id).ok());
  const auto left = swarm().ListNetworks(Ctx());
  ASSERT_TRUE(left.ok());
  EXPECT_EQ(std::ranges::find(*left, *id, &SwarmNetwork::id), left->end());
  EXPECT_TRUE(Until("the name is free", [&] {
    const auto made = swarm().CreateNetwork(Ctx(), spec);
    return made.ok() && swarm().RemoveNetwork(Ctx(), *made).ok();
  }));
}

TEST_F(SwarmConformance, ServicesAndTheirTasksAnswerToTheirNames) {
  if (!world().docker()) GTEST_SKIP() << "the simulator has no DNS";
  const std::string network = Network("net");
  SwarmServiceSpec web = Spec("web");
  web.replicas = 2;
  web.hostname = "web-{{.Task.Slot}}.pair";
  web.networks = {{network, {"web.pair", "web.pair.alice"}}};
  const std::string web_id = Create(web);
  ASSERT_TRUE(UntilRunning(web_id, 2));
  SwarmServiceSpec client = Spec("client",
                                 "for n in web.pair web.pair.alice web-1.pair web-2.pair web; do "
                                 "until getent hosts $n; do sleep 0.1; done; done; "
                                 "test $(getent ahostsv4 web.pair | grep -c STREAM) = 2");
  client.networks = {{network, {"client.pair"}}};
  client.dns_search = {"pair"};
  client.dns_options = {"ndots:1"};
  client.restart_condition = RestartCondition::kNone;
  const std::string client_id = Create(client);
  EXPECT_TRUE(
      Until("every name known", [&] { return !Tasks(client_id, TaskState::kComplete).empty(); }));
}

std::vector<std::string> Lines(Swarm& swarm, const Context& ctx, const LogQuery& query) {
  std::vector<std::string> lines;
  const auto read = swarm.Logs(ctx, query, [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  });
  EXPECT_TRUE(read.ok()) << read.error().message;
  return lines;
}

TEST_F(SwarmConformance, LogsHaveATailSlotsAndTimestamps) {
  SwarmServiceSpec spec = Spec("web", "echo one; echo two; echo three; sleep 1000");
  spec.replicas = 2;
  const std::string id = Create(spec);
  ASSERT_TRUE(UntilRunning(id, 2));
  ASSERT_TRUE(
      Until("six lines", [&] { return Lines(swarm(), Ctx(), {.service_id = id}).size() == 6; }));
  const std::vector<std::string> all = {"one\n", "two\n", "three\n"};
  EXPECT_EQ(Lines(swarm(), Ctx(), {.service_id = id, .slot = 2}), all);
  const std::vector<std::string> last = {"two\n", "three\n"};
  EXPECT_EQ(Lines(swarm(), Ctx(), {.service_id = id, .slot = 1, .tail = 2}), last);
  EXPECT_EQ(Lines(swarm(), Ctx(), {.service_id = id, .tail = 1}),
            std::vector<std::string>{"three\n"});
  EXPECT_TRUE(Lines(swarm(), Ctx(), {.service_id = id, .tail = 0}).empty());
  EXPECT_EQ(Lines(swarm(), Ctx(), {.service_id = id, .since_seconds = 3600}).size(), 6u);
  for (const std::string& line :
       Lines(swarm(), Ctx(), {.service_id = id, .slot = 1, .timestamps = true})) {
    const auto time = ParseTime(line.substr(0, line.find(' ')));
    ASSERT_TRUE(time.ok()) << line;
    EXPECT_LT(world().clock().WallNow() - *time, std::chrono::minutes(1));
  }
}

TEST_F(SwarmConformance, ATaskHasALogOfItsOwn) {
  SwarmServiceSpec spec = Spec("web", "echo once; echo more; exit 1");
  spec.restart_delay = Duration(100);
  const std::string id = Create(spec);
  ASSERT_TRUE(Until("two tasks ended", [&] { return Tasks(id, TaskState::kFailed).size() >= 2; }));
  const std::vector<std::string> all = {"once\n", "more\n"};
  for (const SwarmTask& task : Tasks(id, TaskState::kFailed)) {
    LogQuery query{.service_id = id, .task_id = task.id};
    EXPECT_EQ(Lines(swarm(), Ctx(), query), all);
    query.follow = true;
    query.tail = 1;
    EXPECT_EQ(Lines(swarm(), Ctx(), query), std::vector<std::string>{"more\n"});
  }
}

TEST_F(SwarmConformance, LogsOfNothingAreNotFound) {
  for (const int slot : {0, 1}) {
    const auto read = swarm().Logs(Ctx(), {.service_id = "nosuchservice", .slot = slot},
                                   [](std::string_view) { return true; });
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().code, Code::kNotFound);
  }
}

TEST_F(SwarmConformance, FollowedLogsEndWithTheSinkTheContextOrTheService) {
  const std::string id = Create(Spec("web", "echo one; echo two; sleep 1000"));
  ASSERT_TRUE(UntilRunning(id, 1));
  for (const int slot : {0, 1}) {
    const LogQuery query{.service_id = id, .slot = slot, .follow = true};
    int lines = 0;
    EXPECT_TRUE(swarm().Logs(Ctx(), query, [&](std::string_view) { return ++lines < 2; }).ok());
    EXPECT_EQ(lines, 2);
    std::stop_source stop;
    Context ctx = Ctx();
    ctx.stop = stop.get_token();
    EXPECT_TRUE(swarm()
                    .Logs(ctx, query,
                          [&](std::string_view) {
                            stop.request_stop();
                            return true;
                          })
                    .ok());
    EXPECT_TRUE(
        swarm().Logs(Ctx(Duration(300)), query, [](std::string_view) { return true; }).ok());
  }
  std::vector<std::thread> followers;
  std::atomic<int> begun = 0;
  for (const int slot : {0, 1}) {
    followers.emplace_back([&, slot] {
      EXPECT_TRUE(swarm()
                      .Logs(Ctx(Duration(60'000)), {.service_id = id, .slot = slot, .follow = true},
                            [&](std::string_view line) {
                              begun += line == "two\n";
                              return true;
                            })
                      .ok());
    });
  }
  EXPECT_TRUE(Until("both follow", [&] { return begun == 2; }));
  const SteadyTime removed = world().clock().Now();
  Remove(id);
  for (std::thread& follower : followers) follower.join();
  EXPECT_LT(world().clock().Now() - removed, std::chrono::seconds(15));
}

TEST_F(SwarmConformance, FollowedLogsEndWhenTheTasksHaveEndedForGood) {
  SwarmServiceSpec spec = Spec("web", "echo one; sleep 1; echo two; exit 0");
  spec.restart_condition = RestartCondition::kNone;
  const std::string id = Create(spec);
  ASSERT_TRUE(UntilRunning(id, 1));
  for (const int slot : {0, 1}) {
    const SteadyTime begun = world().clock().Now();
    const auto lines =
        Lines(swarm(), Ctx(Duration(60'000)), {.service_id = id, .slot = slot, .follow = true});
    EXPECT_FALSE(lines.empty());
    EXPECT_LT(world().clock().Now() - begun, std::chrono::seconds(10));
  }
}

TEST_F(SwarmConformance, HintsTellWhoseThingsChanged) {
  SwarmServiceSpec theirs = Spec("theirs");
  theirs.labels["zoe.deployment"] = "other";
  theirs.labels["zoe.name"] = "stranger";
  const auto hints = Subscribe();
  swarm().ExpectChanges(Duration(30'000));
  const auto stranger = world().CreateStranger(theirs);
  const std::string id = Create(Spec("web", "sleep 1; exit 1"));
  ASSERT_TRUE(Until("told of the create", [&] { return hints->Has("Execution", uid()); }));
  ASSERT_TRUE(UntilRunning(id, 1));
  hints->Clear();
  // A hint from then on tells of the failure: who looks when told sees it.
  ASSERT_TRUE(Until("told of the failure", [&] {
    if (!hints->Has("Execution", uid())) return false;
    hints->Clear();
    return !Tasks(id, TaskState::kFailed).empty();
  }));
  Remove(id);
  ASSERT_TRUE(Until("gone", [&] { return Observe().tasks.empty(); }));
  hints->Clear();
  const std::string second = Create(Spec("web"));
  ASSERT_TRUE(UntilRunning(second, 1));
  ASSERT_TRUE(Until("told again", [&] { return hints->Has("Execution", uid()); }));
  hints->Clear();
  Remove(second);
  EXPECT_TRUE(Until("told of the removal", [&] { return hints->Has("Execution", uid()); }));
  EXPECT_FALSE(hints->Has("Execution", "stranger"));
  world().RemoveStranger(*stranger);
}

TEST_F(SwarmConformance, HintsComeAlsoWhenNothingWasExpected) {
  const std::string id = Create(Spec("web", "sleep 2; exit 1"));
  ASSERT_TRUE(UntilRunning(id, 1));
  const auto hints = Subscribe();
  EXPECT_TRUE(Until("told of the failure", [&] { return hints->Has("Execution", uid()); }));
}

TEST_F(SwarmConformance, CancelledCallsDoNothing) {
  std::stop_source stop;
  stop.request_stop();
  Context ctx = Ctx();
  ctx.stop = stop.get_token();
  const SwarmServiceSpec spec = Spec("web");
  EXPECT_FALSE(swarm().Observe(ctx, uid()).ok());
  EXPECT_FALSE(swarm().CreateServices(ctx, {&spec, 1})[0].ok());
  EXPECT_TRUE(Observe().services.empty());
}

// Last: it stops whatever runs.
TEST_F(SwarmConformance, UnavailableWhileNoManagerAnswersAndWellAfterwards) {
  const std::string id = Create(Spec("web"));
  ASSERT_TRUE(UntilRunning(id, 1));
  EXPECT_TRUE(swarm().Ping(Ctx()).ok());
  const auto hints = Subscribe();
  world().Down();
  const auto ping = swarm().Ping(Ctx());
  ASSERT_FALSE(ping.ok());
  EXPECT_EQ(ping.error().code, Code::kUnavailable);
  const auto seen = swarm().Observe(Ctx(), uid());
  ASSERT_FALSE(seen.ok());
  EXPECT_EQ(seen.error().code, Code::kUnavailable);
  const SwarmServiceSpec spec = Spec("other");
  const auto created = swarm().CreateServices(Ctx(), {&spec, 1});
  ASSERT_FALSE(created[0].ok());
  EXPECT_EQ(created[0].error().code, Code::kUnavailable);
  hints->Clear();
  world().Up();
  EXPECT_TRUE(Until("answers", [&] { return swarm().Ping(Ctx()).ok(); }));
  EXPECT_TRUE(Until("services are there", [&] {
    const auto services = swarm().ListServices(Ctx());
    return services.ok() && !services->empty();
  }));
  EXPECT_TRUE(UntilRunning(id, 1));
  EXPECT_TRUE(swarm().FindService(Ctx(), Named("other")).error().code == Code::kNotFound);
  if (world().docker()) {
    EXPECT_TRUE(Until("told to look at everything", [&] { return hints->Has("", ""); }));
  }
}

}  // namespace
}  // namespace zoe::testing
