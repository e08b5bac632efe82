#include "controller/scheduler/simulator/baselines.h"

#include <gtest/gtest.h>

#include <map>

#include "controller/scheduler/simulator/simulation.h"

namespace zoe::scheduler::simulator {
namespace {

constexpr int64_t kCpu = 1'000'000'000;

// A replica takes one of a machine's four places.
constexpr Machines kOneMachine{1, {4 * kCpu, 4 << 20}};

TraceJob Make(const std::string& id, int submitted, int duration, int32_t total,
              int32_t essential) {
  return {.id = id,
          .submitted = std::chrono::seconds(submitted),
          .duration = std::chrono::seconds(duration),
          .declared = std::chrono::seconds(duration),
          .total = total,
          .essential = essential,
          .request = {kCpu, 1 << 20}};
}

// When each ended, in seconds.
std::map<std::string, double> Ends(const std::vector<TraceJob>& trace, Player& player,
                                   const Machines& machines = kOneMachine) {
  struct Recorder : Player {
    explicit Recorder(Player& p) : other(p) {}
    void Submitted(const World& world, int job) override { other.Submitted(world, job); }
    void Ended(const World& world, int job) override {
      ends[world.trace()[job].id] = static_cast<double>(world.now().count()) / 1000;
      other.Ended(world, job);
    }
    std::optional<Duration> Decide(World& world) override { return other.Decide(world); }
    Player& other;
    std::map<std::string, double> ends;
  } recorder(player);
  const auto outcome = Simulate(trace, machines, recorder);
  EXPECT_TRUE(outcome.ok()) << outcome.error().ToString();
  return recorder.ends;
}

std::map<std::string, double> Ends(const std::vector<TraceJob>& trace, const std::string& name) {
  const auto baseline = ParseBaseline(name);
  EXPECT_TRUE(baseline.has_value()) << name;
  return Ends(trace, *MakeBaseline(*baseline));
}

using Result = std::map<std::string, double>;

TEST(Baselines, AreCalledByNames) {
  for (const char* name : {"fifo-rigid", "psjf-elastic", "srpt-flexible", "hrrn-preemptive",
                           "psjf2-rigid", "srpt3-flexible"}) {
    const auto baseline = ParseBaseline(name);
    ASSERT_TRUE(baseline) << name;
    EXPECT_EQ(BaselineName(*baseline), name);
  }
  for (const char* name : {"", "fifo", "fifo2-rigid", "hrrn3-elastic", "psjf4-rigid", "zoe-fifo"}) {
    EXPECT_FALSE(ParseBaseline(name)) << name;
  }
  EXPECT_EQ(Baselines().size(), 16u);
}

// b could run beside a, but c, which came before it, is too large.
TEST(Baselines, RigidOnesLetNobodyPassAndGiveAllReplicasAtOnce) {
  const std::vector<TraceJob> trace = {Make("a", 0, 10, 3, 1), Make("c", 1, 10, 4, 1),
                                       Make("b", 2, 10, 1, 1)};
  EXPECT_EQ(Ends(trace, "fifo-rigid"), (Result{{"a", 10}, {"c", 20}, {"b", 30}}));
  // b is no shorter, but c is the larger one: by time x replicas, b is first.
  EXPECT_EQ(Ends(trace, "psjf2-rigid"), (Result{{"a", 10}, {"b", 12}, {"c", 22}}));
}

// c starts with the one place left, and has all four after a: 9 of its 40 were done until then.
TEST(Baselines, ElasticOnesStartWithWhatThereIsAndServeTheFirstUntilItHasAll) {
  const std::vector<TraceJob> trace = {Make("a", 0, 10, 3, 3), Make("c", 1, 10, 4, 1),
                                       Make("b", 2, 2, 1, 1)};
  EXPECT_EQ(Ends(trace, "fifo-elastic"), (Result{{"a", 10}, {"c", 17.75}, {"b", 19.75}}));
}

// b's essential replica is placed before a's elastic ones, when both are waiting.
TEST(Baselines, FlexibleOnesPlaceEssentialsBeforeElasticReplicasOfThoseBefore) {
  const std::vector<TraceJob> trace = {Make("x", 0, 10, 4, 4), Make("a", 1, 10, 3, 1),
                                       Make("b", 2, 10, 2, 1)};
  // After x: a gets 3 places, b 1; b the second one once a has ended.
  EXPECT_EQ(Ends(trace, "fifo-flexible"), (Result{{"x", 10}, {"a", 20}, {"b", 25}}));
  const std::vector<TraceJob> full = {Make("x", 0, 10, 4, 4), Make("a", 1, 10, 4, 1),
                                      Make("b", 2, 10, 3, 3)};
  // All of a's replicas leave no room unused: b waits for it.
  EXPECT_EQ(Ends(full, "fifo-flexible"), (Result{{"x", 10}, {"a", 20}, {"b", 30}}));
}

TEST(Baselines, PreemptiveOnesTakeElasticReplicasOfLongerJobs) {
  const std::vector<TraceJob> trace = {Make("a", 0, 10, 4, 1), Make("b", 1, 3, 3, 3)};
  // a works with 4 for 1 s, with 1 for 3 s, then 33 of its 40 are left for 4.
  EXPECT_EQ(Ends(trace, "srpt-preemptive"), (Result{{"b", 4}, {"a", 12.25}}));
  EXPECT_EQ(Ends(trace, "srpt-flexible"), (Result{{"a", 10}, {"b", 13}}));
  EXPECT_EQ(Ends(trace, "fifo-preemptive"), (Result{{"a", 10}, {"b", 13}}));
}

TEST(Baselines, WhoHasWaitedLongForAShortJobHasTheHighestResponseRatio) {
  const std::vector<TraceJob> trace = {Make("x", 0, 20, 4, 4), Make("long", 1, 100, 4, 4),
                                       Make("short", 15, 10, 4, 4)};
  // At 20 s: 1 + 19/100 against 1 + 5/10.
  EXPECT_EQ(Ends(trace, "hrrn-rigid"), (Result{{"x", 20}, {"short", 30}, {"long", 130}}));
  EXPECT_EQ(Ends(trace, "fifo-rigid"), (Result{{"x", 20}, {"long", 120}, {"short", 130}}));
}

TEST(Baselines, KnowDurationsAsTheyAreDeclared) {
  std::vector<TraceJob> trace = {Make("x", 0, 20, 4, 4), Make("a", 1, 10, 4, 4),
                                 Make("b", 2, 5, 4, 4)};
  trace[2].declared = std::chrono::seconds(60);
  EXPECT_EQ(Ends(trace, "psjf-rigid"), (Result{{"x", 20}, {"a", 30}, {"b", 35}}));
  EXPECT_EQ(Ends(trace, "srpt-rigid"), (Result{{"x", 20}, {"a", 30}, {"b", 35}}));
}

// One that does what the test says.
struct Scripted : Player {
  void Submitted(const World&, int) override {}
  void Ended(const World&, int) override {}
  std::optional<Duration> Decide(World& world) override { return decide(world); }
  std::function<std::optional<Duration>(World&)> decide;
};

TEST(World, WorkIsDoneByTheReplicasThatStandOnceTheEssentialOnesDo) {
  Scripted player;
  player.decide = [&](World& world) -> std::optional<Duration> {
    switch (world.now().count()) {
      case 0:
        world.Add(0, 0, 1);
        return Duration(5000);  // not enough to work
      case 5000:
        world.Add(0, 0, 1);
        return Duration(10'000);
      case 10'000:
        world.Add(0, 0, 2);
        return Duration(12'000);
      case 12'000:
        world.Remove(0, 0, 1);
        break;
      default:
        break;
    }
    return std::nullopt;
  };
  // 40 replica-seconds: 2 x 5, 4 x 2, then 22 by 3.
  EXPECT_EQ(Ends({Make("a", 0, 10, 4, 2)}, player), (Result{{"a", 19.334}}));
}

// b starts at 1 s in the room of three of a's replicas, each of which loses 2 s.
TEST(World, AReplicaThatIsTakenAwayLosesWhatItIsToldTo) {
  Scripted player;
  player.decide = [](World& world) -> std::optional<Duration> {
    if (world.now() == Duration(0)) world.Add(0, 0, 4);
    if (world.now() == Duration(1000)) {
      world.Remove(0, 0, 3);
      world.Add(1, 0, 3);
    }
    return std::nullopt;
  };
  const auto outcome = Simulate({Make("a", 0, 10, 4, 1), Make("b", 1, 3, 3, 3)}, kOneMachine,
                                player, Duration(2000));
  ASSERT_TRUE(outcome.ok()) << outcome.error().ToString();
  // 4 of a's 40 were done, 6 are lost: at most all that were, so 40 remain for one.
  EXPECT_DOUBLE_EQ(outcome->all.turnaround.most, 41);
  EXPECT_EQ(outcome->taken, 3);
}

TEST(World, APlayerThatGivesAwayMoreThanThereIsFails) {
  Scripted player;
  player.decide = [](World& world) -> std::optional<Duration> {
    world.Add(0, 0, 5);
    return std::nullopt;
  };
  const auto outcome = Simulate({Make("a", 0, 10, 5, 1)}, kOneMachine, player);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().message, "a has 1 replicas too many on machine 0");
}

TEST(World, APlayerThatLeavesAJobWaitingForEverFails) {
  Scripted player;
  player.decide = [](World&) { return std::nullopt; };
  EXPECT_EQ(Simulate({Make("a", 0, 10, 1, 1)}, kOneMachine, player).error().message,
            "1 jobs wait for ever");
  player.decide = [](World& world) { return world.now() + Duration(1); };
  EXPECT_EQ(Simulate({Make("a", 0, 10, 1, 1)}, kOneMachine, player).error().message,
            "1 jobs wait for ever");
}

TEST(Statistics, PercentilesAreByNearestRank) {
  std::vector<double> values;
  for (int i = 20; i >= 1; --i) values.push_back(i);
  const Spread spread = Summarize(values);
  EXPECT_DOUBLE_EQ(spread.mean, 10.5);
  EXPECT_DOUBLE_EQ(spread.median, 10);
  EXPECT_DOUBLE_EQ(spread.p95, 19);
  EXPECT_DOUBLE_EQ(spread.most, 20);
  EXPECT_DOUBLE_EQ(Summarize({}).mean, 0);
}

}  // namespace
}  // namespace zoe::scheduler::simulator
