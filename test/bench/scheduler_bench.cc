// How long one decision takes with 10,000 waiting and 1,000 nodes: from scratch, and after one
// change. CPU time of the one thread. Usage: scheduler_bench [waiting nodes].
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "controller/scheduler/scheduler.h"

namespace zoe::scheduler {
namespace {

constexpr int64_t kCpu = 1'000'000'000, kGi = int64_t{1} << 30;
const WallTime kStart{std::chrono::hours{500'000}};

double Milliseconds(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
  };
  const double begin = now();
  work();
  return now() - begin;
}

struct World {
  World(int waiting, int count, bool full, int shapes, Policy policy)
      : scheduler({.policy = policy}), nodes(count), random(1) {
    for (int n = 0; n < count; ++n) {
      Node node{.id = "node" + std::to_string(10'000 + n),
                .role = "worker",
                .capacity = {32 * kCpu, 128 * kGi}};
      if (n % 10 == 0) node.labels["gpu"] = "true";
      scheduler.SetNode(node);
      for (int i = 0; full && i < 8; ++i) Run(n, i);
    }
    for (int j = 0; j < waiting; ++j) scheduler.SetJob(Waiting(j, shapes));
  }

  std::string NodeId(int n) const { return "node" + std::to_string(10'000 + n); }

  // Eight on a node, which leave 1 to 3 CPUs of it, or 4 of a few: enough for one replica of those
  // who wait, not for all of them, nor for those that want to grow.
  Job Running(int node, int i) const {
    Job job{.id = "user" + std::to_string(i) + "/run" + std::to_string(node), .started = true};
    job.user = "user" + std::to_string(i);
    job.queued_at = kStart - std::chrono::hours(1);
    job.duration = job.remaining = std::chrono::minutes(10 + (node * 7 + i) % 100);
    const int64_t cpu = i == 0 ? (node % 500 == 3 ? 4 : 5 + node % 3) : i == 1 ? 6 : 3;
    Service service{.name = "worker", .request = {cpu * kCpu, 14 * kGi}, .granted = 1};
    service.placed = {{NodeId(node), 1}};
    if (i == 1) service.total = 4;
    job.services = {service};
    return job;
  }
  void Run(int node, int i) { scheduler.SetJob(Running(node, i)); }

  Job Waiting(int j, int shapes) {
    const int shape = j % shapes;
    Job job{.id = "user" + std::to_string(j % 100) + "/wait" + std::to_string(j)};
    job.user = "user" + std::to_string(j % 100);
    job.priority = j % 3;
    job.queued_at = kStart + std::chrono::milliseconds(j);
    job.duration = job.remaining = std::chrono::minutes(1 + static_cast<int>(random() % 600));
    const int64_t milli = shapes > 1000 ? shape : shape * 10;
    Service master{.name = "master", .request = {4 * kCpu, 4 * kGi}};
    Service worker{.name = "worker",
                   .request = {4 * kCpu + milli * 1'000'000, 8 * kGi},
                   .total = 8,
                   .essential = 2 + shape % 3};
    if (shape % 10 == 0) worker.constraints = {"node.labels.gpu == true"};
    job.services = {master, worker};
    return job;
  }

  Scheduler scheduler;
  int nodes;
  std::mt19937 random;
};

struct Timing {
  std::vector<double> times;
  void Print(const char* what, size_t grants) {
    std::sort(times.begin(), times.end());
    std::printf("| %s | %zu | %.2f | %.2f |\n", what, grants, times[times.size() / 2],
                times.back());
    std::fflush(stdout);
  }
};

void Measure(const char* name, int waiting, int nodes, bool full, int shapes, Policy policy,
             Duration later = {}) {
  const WallTime now = kStart + later;
  Timing scratch, again, ended, changed, submitted, list;
  size_t grants = 0;
  for (int round = 0; round < 5; ++round) {
    World world(waiting, nodes, full, shapes, policy);
    scratch.times.push_back(
        Milliseconds([&] { grants = world.scheduler.Decide(now).grants.size(); }));
    for (int i = 0; full && i < 20; ++i) {
      again.times.push_back(Milliseconds([&] { world.scheduler.Decide(now); }));
      ended.times.push_back(Milliseconds([&] {
        world.scheduler.RemoveJob(world.Running(i * 7, 2).id);
        world.scheduler.Decide(now);
      }));
      world.Run(i * 7, 2);
      world.scheduler.Decide(now);
      Job one = world.Waiting(waiting + i, shapes);
      submitted.times.push_back(Milliseconds([&] {
        world.scheduler.SetJob(one);
        world.scheduler.Decide(now);
      }));
      Node node{.id = world.NodeId(i * 5), .role = "worker", .capacity = {32 * kCpu, 128 * kGi}};
      node.foreign = {kCpu / 10, kGi};
      changed.times.push_back(Milliseconds([&] {
        world.scheduler.SetNode(node);
        world.scheduler.Decide(now);
      }));
      list.times.push_back(Milliseconds([&] {
        for (int j = 0; j < 20; ++j) world.scheduler.Explain(world.scheduler.Queue().at(j));
      }));
    }
  }
  std::printf("| **%s** | | | |\n", name);
  scratch.Print("from scratch", grants);
  if (!full) return;
  again.Print("nothing changed", 0);
  ended.Print("one ended", 0);
  submitted.Print("one submitted", 0);
  changed.Print("one node changed", 0);
  list.Print("the queue, and why the first 20 wait", 0);
}

}  // namespace
}  // namespace zoe::scheduler

int main(int argc, char** argv) {
  using zoe::scheduler::Measure;
  using zoe::scheduler::Policy;
  const int waiting = argc > 2 ? std::atoi(argv[1]) : 10'000;
  const int nodes = argc > 2 ? std::atoi(argv[2]) : 1'000;
  std::printf("| decision | grants | median ms | most ms |\n|---|---|---|---|\n");
  Measure("full cluster, 30 demands, priority", waiting, nodes, true, 30, Policy::kPriority);
  Measure("shortest-remaining", waiting, nodes, true, 30, Policy::kShortestRemaining);
  Measure("dynamic-size", waiting, nodes, true, 30, Policy::kDynamicSize);
  Measure("fair-share", waiting, nodes, true, 30, Policy::kFairShare);
  Measure("priority, room kept for the head", waiting, nodes, true, 30, Policy::kPriority,
          std::chrono::hours(1));
  Measure("300 demands, priority", waiting, nodes, true, 300, Policy::kPriority);
  Measure("all demands differ, priority", waiting, nodes, true, waiting, Policy::kPriority);
  Measure("empty cluster, 30 demands, priority", waiting, nodes, false, 30, Policy::kPriority);
  Measure("empty cluster, all demands differ", waiting, nodes, false, waiting, Policy::kPriority);
  return 0;
}
