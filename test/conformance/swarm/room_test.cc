// Room on the nodes: what tasks reserve and use; who is told when there is more or less.
#include <algorithm>
#include <optional>

#include "test/conformance/swarm/suite.h"

namespace zoe::testing {
namespace {

class SwarmRoomConformance : public SwarmConformance {
 protected:
  SwarmServiceSpec Theirs(const std::string& name, const std::string& script = "sleep 1000") {
    SwarmServiceSpec spec = Spec(name, script);
    spec.labels = {{"zoe.deployment", "other"}};
    spec.cpu_request_nano = 300'000'000;
    spec.memory_request_bytes = 64 << 20;
    return spec;
  }
  // Of all tasks of a service that hold room.
  std::vector<SwarmTask> Holders(const std::string& service_id) {
    auto tasks = swarm().ListTasks(Ctx());
    EXPECT_TRUE(tasks.ok());
    if (!tasks) return {};
    std::erase_if(*tasks, [&](const SwarmTask& t) {
      return t.service_id != service_id || IsTerminal(t.state) || t.node_id.empty();
    });
    return *std::move(tasks);
  }
  bool Told(Hints& hints) {
    return Until("a hint of the room", [&] { return hints.Has(std::string(kCapacityHint), ""); });
  }
  // Anything may have changed, when it begins: that is no hint of what happens then.
  std::unique_ptr<Hints> Begun() {
    auto hints = Subscribe();
    Until("begun", [&] { return hints->Has("", "") || !world().docker(); });
    hints->Clear();
    return hints;
  }
};

TEST_F(SwarmRoomConformance, TasksSayWhatTheyReserveWhosesoeverTheyAre) {
  SwarmServiceSpec ours = Spec("ours");
  ours.cpu_request_nano = 250'000'000;
  ours.memory_request_bytes = 32 << 20;
  const std::string id = Create(ours);
  const auto their_id = world().CreateStranger(Theirs("theirs"));
  ASSERT_TRUE(their_id.ok()) << their_id.error().message;
  const auto placed = [&] { return Holders(id).size() == 1 && Holders(*their_id).size() == 1; };
  ASSERT_TRUE(Until("both placed", placed));
  EXPECT_EQ(Holders(id)[0].cpu_request_nano, 250'000'000);
  EXPECT_EQ(Holders(id)[0].memory_request_bytes, 32 << 20);
  EXPECT_EQ(Holders(*their_id)[0].cpu_request_nano, 300'000'000);
  EXPECT_EQ(Holders(*their_id)[0].memory_request_bytes, 64 << 20);
  EXPECT_EQ(Tasks(id)[0].cpu_request_nano, 250'000'000) << "observed, too";
  world().RemoveStranger(*their_id);
  EXPECT_TRUE(Until("theirs gone", [&] { return Holders(*their_id).empty(); }));
}

TEST_F(SwarmRoomConformance, WhatRunningTasksUseIsMeasured) {
  SwarmServiceSpec busy = Spec("busy", "while :; do :; done");
  busy.cpu_request_nano = 800'000'000;
  busy.cpu_limit_nano = 500'000'000;
  busy.memory_request_bytes = 32 << 20;
  const std::string busy_id = Create(busy), idle_id = Create(Spec("idle"));
  const auto their_id = world().CreateStranger(Theirs("theirs"));
  ASSERT_TRUE(their_id.ok());
  ASSERT_TRUE(UntilRunning(busy_id, 1) && UntilRunning(idle_id, 1));
  const auto of = [&](const std::string& service_id) -> std::optional<SwarmUsage> {
    const auto usage = swarm().Usage(Ctx());
    EXPECT_TRUE(usage.ok()) << usage.error().message;
    const auto tasks = Tasks(service_id, TaskState::kRunning);
    if (!usage || tasks.size() != 1) return std::nullopt;
    const auto it = std::ranges::find(*usage, tasks[0].id, &SwarmUsage::task_id);
    return it == usage->end() ? std::nullopt : std::optional(*it);
  };
  std::optional<SwarmUsage> used;
  ASSERT_TRUE(Until("measured", [&] { return (used = of(busy_id)).has_value(); }));
  EXPECT_EQ(used->node_id, Tasks(busy_id)[0].node_id);
  // A loop uses what its limit leaves it, or less on a machine that is busy with others.
  EXPECT_GT(used->cpu_nano, 50'000'000);
  EXPECT_LT(used->cpu_nano, 650'000'000);
  EXPECT_GT(used->memory_bytes, 10'000);
  EXPECT_LT(used->memory_bytes, 64 << 20);
  EXPECT_GE(used->window, Duration(500));
  EXPECT_LT(world().clock().WallNow() - used->at, Duration(60'000));
  const auto idle = of(idle_id);
  ASSERT_TRUE(idle.has_value());
  if (world().docker()) {
    EXPECT_LT(idle->cpu_nano, used->cpu_nano / 2);
  }
  const auto all = swarm().Usage(Ctx());
  for (const SwarmTask& task : Holders(*their_id))
    EXPECT_EQ(std::ranges::find(*all, task.id, &SwarmUsage::task_id), all->end()) << "theirs";
  world().RemoveStranger(*their_id);
  Remove(busy_id);
  ASSERT_TRUE(Until("gone", [&] { return Tasks(busy_id).empty(); }));
  EXPECT_TRUE(Until("no longer measured", [&] {
    const auto now = swarm().Usage(Ctx());
    return now.ok() && std::ranges::find(*now, used->task_id, &SwarmUsage::task_id) == now->end();
  }));
}

TEST_F(SwarmRoomConformance, RoomThatOthersTakeAndFreeIsTold) {
  const auto hints = Begun();
  const auto their_id = world().CreateStranger(Theirs("theirs"));
  ASSERT_TRUE(their_id.ok()) << their_id.error().message;
  ASSERT_TRUE(Told(*hints));
  ASSERT_TRUE(Until("placed", [&] { return Holders(*their_id).size() == 1; }));
  // Every hint of its coming has come once another one is told after it.
  const std::string ours = Create(Spec("ours"));
  ASSERT_TRUE(UntilRunning(ours, 1));
  ASSERT_TRUE(Until("told", [&] { return hints->Has("Execution", uid()); }));
  hints->Clear();
  world().RemoveStranger(*their_id);
  ASSERT_TRUE(Until("gone", [&] { return Holders(*their_id).empty(); }));
  EXPECT_TRUE(Told(*hints));
}

TEST_F(SwarmRoomConformance, RoomThatATaskOfOthersFreesByItsEndIsTold) {
  SwarmServiceSpec spec = Theirs("theirs", "sleep 2");
  spec.restart_condition = RestartCondition::kNone;
  const auto their_id = world().CreateStranger(spec);
  ASSERT_TRUE(their_id.ok()) << their_id.error().message;
  ASSERT_TRUE(Until("placed", [&] { return Holders(*their_id).size() == 1; }));
  const auto hints = Begun();
  ASSERT_TRUE(Until("ended", [&] { return Holders(*their_id).empty(); }));
  EXPECT_TRUE(Told(*hints));
  world().RemoveStranger(*their_id);
}

TEST_F(SwarmRoomConformance, OwnServicesAreNoMatterOfOthersRoom) {
  const auto hints = Begun();
  SwarmServiceSpec spec = Spec("ours");
  spec.cpu_request_nano = 100'000'000;
  const std::string id = Create(spec);
  ASSERT_TRUE(UntilRunning(id, 1));
  Remove(id);
  ASSERT_TRUE(Until("gone", [&] { return Holders(id).empty(); }));
  ASSERT_TRUE(Until("told", [&] { return hints->Has("Execution", uid()); }));
  EXPECT_FALSE(hints->Has(std::string(kCapacityHint), ""));
}

TEST_F(SwarmRoomConformance, ANodeThatIsPausedTakesNoTasksAndThatIsTold) {
  const auto hints = Begun();
  world().SetAvailability("pause");
  EXPECT_TRUE(Told(*hints));
  EXPECT_EQ(swarm().ListNodes(Ctx())->at(0).availability, "pause");
  const std::string id = Create(Spec("web"));
  EXPECT_TRUE(Until("told to wait", [&] {
    const auto tasks = Tasks(id, TaskState::kPending);
    return tasks.size() == 1 &&
           tasks[0].error == "no suitable node (1 node not available for new tasks)";
  }));
  hints->Clear();
  world().SetAvailability("active");
  EXPECT_TRUE(Told(*hints));
  EXPECT_TRUE(UntilRunning(id, 1));
}

TEST_F(SwarmRoomConformance, WhatIsTooLargeAndMeetsNoConstraintIsToldAsTooLarge) {
  const SwarmNode node = swarm().ListNodes(Ctx())->at(0);
  SwarmServiceSpec spec = Spec("web");
  spec.memory_request_bytes = node.memory_bytes + 1;
  spec.constraints = {"node.labels.gpu == true"};
  const std::string id = Create(spec);
  Until("told to wait", [&] {
    const auto tasks = Tasks(id, TaskState::kPending);
    return tasks.size() == 1 &&
           tasks[0].error == "no suitable node (insufficient resources on 1 node)";
  });
}

TEST_F(SwarmRoomConformance, ConstraintsAreReadInWhateverCaseAndUnknownOnesMetByNobody) {
  const SwarmNode node = swarm().ListNodes(Ctx())->at(0);
  ASSERT_EQ(LabelOf(node.engine_labels, "rack"), "r1");
  struct Row {
    std::string constraint;
    bool met;
  };
  const std::vector<Row> rows = {
      {"Node.Role == MANAGER", true},         {"node.id == " + node.id, true},
      {"node.id != " + node.id, false},       {"node.hostname==" + node.name, true},
      {"node.ip == " + node.address, true},   {"node.ip != 10.250.0.0/16", true},
      {"node.platform.arch == X86_64", true}, {"node.platform.arch == amd64", false},
      {"engine.labels.rack == R1", true},     {"engine.labels.Rack == r1", false},
      {"engine.labels.rack != r1", false},    {"node.labels.gpu != true", true},
      {"node.color == red", false},           {"node.color != red", false}};
  std::vector<std::string> ids;
  for (const Row& row : rows) {
    SwarmServiceSpec spec = Spec("c" + std::to_string(ids.size()));
    spec.constraints = {row.constraint};
    ids.push_back(Create(spec));
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    Until(rows[i].constraint + (rows[i].met ? " is met" : " is not met"), [&] {
      const auto tasks = Tasks(ids[i]);
      if (tasks.size() != 1) return false;
      if (rows[i].met) return tasks[0].state >= TaskState::kAssigned;
      return tasks[0].error == "no suitable node (scheduling constraints not satisfied on 1 node)";
    });
  }
}

}  // namespace
}  // namespace zoe::testing
