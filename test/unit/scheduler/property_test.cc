// Random worlds, each the same for the same seed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>

#include "controller/scheduler/scheduler.h"
#include "test/unit/scheduler/world.h"

namespace zoe::scheduler {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class Chance {
 public:
  explicit Chance(unsigned seed) : random_(seed) {}
  int Upto(int most) { return static_cast<int>(random_() % static_cast<unsigned>(most + 1)); }
  int Between(int least, int most) { return least + Upto(most - least); }
  bool OneIn(int n) { return Upto(n - 1) == 0; }
  std::mt19937& random() { return random_; }

 private:
  std::mt19937 random_;
};

Options RandomOptions(Chance& chance) {
  Options options;
  options.policy = static_cast<Policy>(chance.Upto(5));
  options.placement = static_cast<Placement>(chance.Upto(2));
  options.patience = minutes(chance.Between(5, 60));
  options.backfill = minutes(chance.Upto(10));
  options.reclaim = !chance.OneIn(4);
  options.preempt = chance.OneIn(3);
  return options;
}

Node RandomNode(Chance& chance, int number) {
  Node node = MakeNode("n" + std::to_string(number), chance.Between(2, 12), chance.Between(4, 32));
  if (chance.OneIn(3)) node.labels["gpu"] = "true";
  if (chance.OneIn(4)) node.role = "manager";
  if (chance.OneIn(3)) {
    node.foreign = {kCpu / 2, kGi};
    node.foreign_tasks = chance.Between(1, 4);
  }
  return node;
}

Job RandomJob(Chance& chance, int number, WallTime now) {
  Job job = MakeJob(
      std::string(1, static_cast<char>('a' + chance.Upto(3))) + "/" + std::to_string(number), {});
  const int services = chance.Between(1, 3);
  for (int i = 0; i < services; ++i) {
    const int total = chance.Between(1, 5);
    Service s = MakeService(total, chance.Between(0, total), chance.Upto(4), chance.Upto(6),
                            "s" + std::to_string(i));
    if (chance.OneIn(3)) s.request.cpu_nano = kCpu / 2;
    if (chance.OneIn(5)) s.constraints = {"node.labels.gpu == true"};
    if (chance.OneIn(8)) s.constraints.push_back("node.role != manager");
    job.services.push_back(s);
  }
  job.priority = chance.OneIn(3) ? chance.Upto(3) : 0;
  job.queued_at = now;
  if (chance.OneIn(2)) job.duration = job.remaining = minutes(chance.Between(1, 90));
  return job;
}

std::string Print(const Scheduler& scheduler, const Decision& decision) {
  std::string text;
  for (const Grant& g : decision.grants) {
    text += g.job + " " + std::to_string(static_cast<int>(g.change)) + " [";
    for (size_t i = 0; i < g.replicas.size(); ++i) {
      text += std::to_string(g.replicas[i]) + "(";
      for (const std::string& n : g.nodes[i]) text += n + " ";
      text += ") ";
    }
    text += "] " + g.reason + " " + g.message + "\n";
  }
  if (decision.next) text += "next " + FormatTime(*decision.next) + "\n";
  text += "free " + std::to_string(scheduler.Free().cpu_nano) + "\n";
  for (const std::string& id : scheduler.Queue()) {
    const Explanation why = scheduler.Explain(id);
    text += std::to_string(why.position) + " " + id + " " + why.reason + " " + why.message + "\n";
  }
  return text;
}

std::string FromScratch(const Options& options, const FakeSwarm& swarm,
                        const std::map<std::string, Limits>& limits, WallTime now, Chance& chance) {
  Scheduler fresh(options);
  std::vector<std::function<void()>> tell;
  for (const auto& [id, node] : swarm.nodes()) tell.push_back([&] { fresh.SetNode(node); });
  for (const auto& [id, job] : swarm.jobs()) tell.push_back([&] { fresh.SetJob(job); });
  for (const auto& [user, limit] : limits) tell.push_back([&] { fresh.SetLimits(user, limit); });
  std::shuffle(tell.begin(), tell.end(), chance.random());
  for (const auto& one : tell) one();
  const Decision decision = fresh.Decide(now);
  return Print(fresh, decision);
}

// Nothing that essentials need is taken, nothing beyond what was declared given.
void ExpectSane(const Options& options, const FakeSwarm& swarm, const Decision& decision) {
  for (const Grant& grant : decision.grants) {
    const Job& job = swarm.jobs().at(grant.job);
    EXPECT_EQ(job.started, grant.change != Change::kStart) << grant.job;
    ASSERT_EQ(grant.replicas.size(), job.services.size());
    ASSERT_EQ(grant.nodes.size(), job.services.size());
    for (size_t i = 0; i < job.services.size(); ++i) {
      const Service& s = job.services[i];
      EXPECT_LE(grant.replicas[i], s.total);
      if (grant.change == Change::kRequeue) {
        EXPECT_EQ(grant.replicas[i], 0);
        EXPECT_TRUE(job.stuck_since || options.preempt);
      } else {
        EXPECT_GE(grant.replicas[i], std::min(s.essential, s.total));
      }
      if (grant.change == Change::kGrow) {
        EXPECT_GE(grant.replicas[i], s.granted);
      }
      if (grant.change == Change::kShrink) {
        EXPECT_LE(grant.replicas[i], s.granted);
      }
    }
  }
}

void ExpectWithinLimits(const FakeSwarm& swarm, const std::map<std::string, Limits>& limits) {
  for (const auto& [user, limit] : limits) {
    int64_t executions = 0, cpu = 0;
    for (const auto& [id, job] : swarm.jobs()) {
      if (job.user != user || !job.started) continue;
      ++executions;
      for (const Service& s : job.services) cpu += s.request.cpu_nano * s.granted;
    }
    EXPECT_LE(executions, *limit.executions);
    EXPECT_LE(cpu, *limit.cpu_nano);
  }
}

TEST(Property, IncrementalEqualsFromScratchInWorldsFullOfTrouble) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Chance chance(seed);
    const Options options = RandomOptions(chance);
    Scheduler scheduler(options);
    FakeSwarm swarm(seed);
    WallTime now = kStart;
    std::map<std::string, Limits> limits;
    if (chance.OneIn(2))
      limits["a"] = {.quota = "q", .executions = 2, .cpu_nano = chance.Between(2, 8) * kCpu};
    for (const auto& [user, limit] : limits) scheduler.SetLimits(user, limit);
    int nodes = 0, jobs = 0;
    for (; nodes < 4; ++nodes) swarm.Set(RandomNode(chance, nodes));
    for (int step = 0; step < 40; ++step) {
      if (chance.OneIn(2)) swarm.Set(RandomJob(chance, jobs++, now));
      if (chance.OneIn(4) && !swarm.jobs().empty()) {
        const auto it =
            std::next(swarm.jobs().begin(), chance.Upto(static_cast<int>(swarm.jobs().size()) - 1));
        scheduler.RemoveJob(it->first);
        swarm.End(std::string(it->first));
      }
      if (chance.OneIn(10)) swarm.Set(RandomNode(chance, nodes++));
      if (chance.OneIn(10) && swarm.nodes().size() > 1) {
        const std::string id = swarm.nodes().begin()->first;
        swarm.Remove(id);
        scheduler.RemoveNode(id);
      }
      if (chance.OneIn(8)) {
        Node node = swarm.nodes().begin()->second;
        node.schedulable = !node.schedulable;
        swarm.Set(node);
      }
      swarm.Work(chance.Upto(6));
      for (auto& [id, job] : swarm.jobs()) {
        if (job.started && chance.OneIn(6)) job.stuck_since = now;
        if (chance.OneIn(3)) job.stuck_since.reset();
        if (job.started && chance.OneIn(12)) job.fixed = true;
      }
      swarm.Tell(scheduler);
      const Decision decision = scheduler.Decide(now);
      const std::string said = Print(scheduler, decision);
      ASSERT_EQ(said, Print(scheduler, scheduler.Decide(now))) << "step " << step;
      ASSERT_EQ(said, FromScratch(options, swarm, limits, now, chance)) << "step " << step;
      ExpectSane(options, swarm, decision);
      for (const Grant& grant : decision.grants) swarm.Apply(grant);
      ExpectWithinLimits(swarm, limits);
      now += seconds(chance.Upto(120));
      if (testing::Test::HasFailure()) return;
    }
  }
}

// Whatever the Swarm chooses, in whatever order, and whenever it is asked: each replica that was
// granted finds a node.
TEST(Property, NoGrantIsWithoutANode) {
  int grants = 0, confined = 0;
  for (unsigned seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Chance chance(seed);
    const Options options = RandomOptions(chance);
    Scheduler scheduler(options);
    FakeSwarm swarm(seed);
    WallTime now = kStart;
    for (int n = chance.Between(1, 5); n > 0; --n) swarm.Set(RandomNode(chance, n));
    for (int step = 0, jobs = 0; step < 40; ++step) {
      if (chance.OneIn(2)) swarm.Set(RandomJob(chance, jobs++, now));
      if (chance.OneIn(5) && !swarm.jobs().empty()) {
        const auto it =
            std::next(swarm.jobs().begin(), chance.Upto(static_cast<int>(swarm.jobs().size()) - 1));
        scheduler.RemoveJob(it->first);
        swarm.End(std::string(it->first));
      }
      swarm.Tell(scheduler);
      const Decision decision = scheduler.Decide(now);
      for (const Grant& grant : decision.grants) {
        swarm.Apply(grant);
        EXPECT_NE(grant.reason, "NoRoom") << "step " << step << ": " << grant.message;
        ++grants;
        confined += std::ranges::any_of(grant.nodes, [](const auto& n) { return !n.empty(); });
      }
      ASSERT_TRUE(swarm.Work(chance.OneIn(3) ? 1 << 30 : chance.Upto(3)))
          << "step " << step << ": " << swarm.WhoHasNoNode();
      now += seconds(chance.Upto(120));
    }
    ASSERT_TRUE(swarm.Work()) << swarm.WhoHasNoNode();
  }
  EXPECT_GT(grants, 1000);
  EXPECT_GT(confined, 0);
  EXPECT_LT(confined, grants);
}

// A cluster that is always wanted by small ones. Nobody runs longer than an hour.
struct Crowd {
  explicit Crowd(const Options& o) : options(o), scheduler(o), swarm(7) {
    for (int n = 0; n < 3; ++n) swarm.Set(MakeNode("n" + std::to_string(n), 4));
  }

  void Minute(Chance& chance) {
    for (int i = 0; i < 2; ++i) {
      Job job = MakeJob("crowd/" + std::to_string(jobs++),
                        {MakeService(chance.Between(1, 2), 1, chance.Between(1, 2))});
      job.queued_at = now;
      job.priority = 5;
      if (declared) job.duration = job.remaining = minutes(chance.Between(5, 55));
      ends[job.id] = job.duration.value_or(minutes(chance.Between(5, 55)));
      swarm.Set(job);
    }
    for (int round = 0; round < 20; ++round) {
      swarm.Tell(scheduler);
      const Decision decision = scheduler.Decide(now);
      for (const Grant& grant : decision.grants) {
        swarm.Apply(grant);
        if (grant.change == Change::kStart) started[grant.job] = now;
      }
      EXPECT_TRUE(swarm.Work());
      if (decision.grants.empty()) break;
    }
    now += minutes(1);
    for (const auto& [id, since] : std::map(started)) {
      if (!swarm.jobs().contains(id)) continue;
      Job& job = swarm.jobs().at(id);
      if (job.duration) job.remaining = std::max(Duration(0), *job.duration - (now - since));
      if (now - since < ends.at(id)) continue;
      swarm.End(id);
      scheduler.RemoveJob(id);
    }
  }

  Options options;
  Scheduler scheduler;
  FakeSwarm swarm;
  WallTime now = kStart;
  bool declared = false;
  int jobs = 0;
  std::map<std::string, Duration> ends;
  std::map<std::string, WallTime> started;
};

// Bound: patience, and then (backfill + the longest run) for each that was there before and itself.
TEST(Property, NobodyStarvesBeyondTheBound) {
  for (const Policy policy : {Policy::kFifo, Policy::kPriority, Policy::kSize, Policy::kDynamicSize,
                              Policy::kShortestRemaining, Policy::kFairShare}) {
    for (const bool declared : {false, true}) {
      SCOPED_TRACE("policy " + std::to_string(static_cast<int>(policy)) +
                   (declared ? " declared" : " blind"));
      Chance chance(3);
      Crowd crowd({.policy = policy, .patience = hours(2), .backfill = minutes(10)});
      crowd.declared = declared;
      for (int minute = 0; minute < 15; ++minute) crowd.Minute(chance);
      Job all = MakeJob("big/all", {MakeService(3, 3, 4)});  // the whole cluster
      all.queued_at = crowd.now;
      const int before = static_cast<int>(crowd.scheduler.Queue().size());
      if (declared) all.duration = all.remaining = hours(1);
      crowd.ends["big/all"] = hours(1);
      crowd.swarm.Set(all);
      const Duration bound = crowd.options.patience + (hours(1) + crowd.options.backfill) * 2;
      while (!crowd.started.contains("big/all") &&
             crowd.now < all.queued_at + bound + before * minutes(70))
        crowd.Minute(chance);
      ASSERT_TRUE(crowd.started.contains("big/all"));
      // Those before it are small and end within the hour, three at a time and more.
      RecordProperty("waited",
                     static_cast<int>((crowd.started.at("big/all") - all.queued_at) / minutes(1)));
      if (before == 0) {
        EXPECT_LE(crowd.started.at("big/all") - all.queued_at, bound);
      }
    }
  }
}

TEST(Property, TheHeadIsNotDelayedBeyondItsBound) {
  for (const Placement placement : {Placement::kSwarm, Placement::kSpread, Placement::kPack}) {
    for (const bool declared : {false, true}) {
      Chance chance(5);
      Crowd crowd({.policy = Policy::kPriority, .placement = placement, .backfill = minutes(10)});
      crowd.declared = declared;
      for (int minute = 0; minute < 30; ++minute) crowd.Minute(chance);
      Job head = MakeJob("big/head", {MakeService(2, 2, 4)});
      head.queued_at = crowd.now;
      head.priority = 9;
      crowd.ends["big/head"] = hours(1);
      crowd.swarm.Set(head);
      while (!crowd.started.contains("big/head") && crowd.now < head.queued_at + hours(9))
        crowd.Minute(chance);
      EXPECT_LE(crowd.started.at("big/head") - head.queued_at, minutes(10) + hours(1));
    }
  }
}

}  // namespace
}  // namespace zoe::scheduler
