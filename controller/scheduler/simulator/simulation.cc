#include "controller/scheduler/simulator/simulation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace zoe::scheduler::simulator {
namespace {

constexpr int kMostIdle = 10'000;

double Seconds(Duration duration) { return static_cast<double>(duration.count()) / 1000; }

Measures Measure(const World& world, std::optional<Class> only) {
  std::vector<double> turnaround, queueing, slowdown;
  for (size_t i = 0; i < world.trace().size(); ++i) {
    const TraceJob& job = world.trace()[i];
    const Run& run = world.runs()[i];
    if (only && job.kind != *only) continue;
    turnaround.push_back(Seconds(*run.ended - job.submitted));
    queueing.push_back(Seconds(*run.started - job.submitted));
    slowdown.push_back(turnaround.back() / Seconds(job.duration));
  }
  return {static_cast<int32_t>(turnaround.size()), Summarize(std::move(turnaround)),
          Summarize(std::move(queueing)), Summarize(std::move(slowdown))};
}

Expected<void> Check(const World& world) {
  if (!world.violation().empty()) return Error{Code::kInternal, "Violated", world.violation()};
  for (const Resources& free : world.free()) {
    if (free != world.machines().each) {
      return Error{Code::kInternal, "NotEmpty", "a machine isn't empty in the end"};
    }
  }
  return {};
}

}  // namespace

Spread Summarize(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto count = static_cast<double>(values.size());
  const auto rank = [&](double share) {
    return values[static_cast<size_t>(std::max(1.0, std::ceil(share * count))) - 1];
  };
  return {std::accumulate(values.begin(), values.end(), 0.0) / count, rank(0.5), rank(0.95),
          values.back()};
}

Expected<Outcome> Simulate(const std::vector<TraceJob>& trace, const Machines& machines,
                           Player& player, Duration loss) {
  World world(trace, machines, loss);
  size_t ended = 0;
  std::optional<Duration> wake;
  int idle = 0;  // how often only the passing of time was waited for, since nothing else comes
  while (ended < trace.size()) {
    std::optional<Duration> next = world.Next();
    idle = next ? 0 : idle + 1;
    if (!next || (wake && *wake < *next)) next = wake;
    if (!next || idle > kMostIdle) {
      return Error{Code::kInternal, "Stuck",
                   std::to_string(trace.size() - ended) + " jobs wait for ever"};
    }
    world.Advance(*next);
    for (const int job : world.TakeEnded()) {
      player.Ended(world, job);
      ++ended;
    }
    for (const int job : world.TakeSubmitted()) player.Submitted(world, job);
    wake = player.Decide(world);
    if (!world.violation().empty()) break;
  }
  ZOE_TRY(Check(world));
  Outcome outcome{.all = Measure(world, std::nullopt)};
  for (int i = 0; i < kClasses; ++i) outcome.of_class[i] = Measure(world, static_cast<Class>(i));
  outcome.cpu = world.cpu_allocated();
  outcome.memory = world.memory_allocated();
  for (const Run& run : world.runs()) {
    outcome.restarts += run.restarts;
    outcome.taken += run.taken;
  }
  return outcome;
}

}  // namespace zoe::scheduler::simulator
