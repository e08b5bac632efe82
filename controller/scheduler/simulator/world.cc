#include "controller/scheduler/simulator/world.h"

#include <algorithm>

namespace zoe::scheduler::simulator {

World::World(const std::vector<TraceJob>& trace, const Machines& machines, Duration loss)
    : trace_(trace),
      machines_(machines),
      loss_(loss),
      runs_(trace.size()),
      free_(machines.count, machines.each),
      tasks_(machines.count),
      expected_(trace.size()) {
  for (size_t i = 0; i < trace.size(); ++i) runs_[i].left = trace[i].Work();
}

int64_t World::Left(int job) const {
  const Run& run = runs_[job];
  const int64_t rate = run.replicas >= trace_[job].essential ? run.replicas : 0;
  return std::max<int64_t>(0, run.left - rate * (now_ - run.since).count());
}

int32_t World::Room(const Resources& free, const Resources& request) {
  return static_cast<int32_t>(
      std::min(free.cpu_nano / request.cpu_nano, free.memory_bytes / request.memory_bytes));
}

void World::Settle(int job) {
  runs_[job].left = Left(job);
  runs_[job].since = now_;
  if (expected_[job]) ends_.erase({*expected_[job], job});
  expected_[job].reset();
}

void World::Expect(int job) {
  Run& run = runs_[job];
  if (run.replicas < trace_[job].essential) return;
  if (!run.started) run.started = now_;
  expected_[job] = now_ + Duration((run.left + run.replicas - 1) / run.replicas);
  ends_.insert({*expected_[job], job});
}

void World::Change(int job, int machine, int32_t replicas) {
  if (replicas == 0) return;
  Run& run = runs_[job];
  const Resources& request = trace_[job].request;
  if (run.on.empty()) run.on.resize(machines_.count);
  const int32_t too_many =
      replicas > 0 ? replicas - Room(free_[machine], request) : -replicas - run.on[machine];
  if (too_many > 0 || !run.submitted || run.ended) {
    Fail(trace_[job].id + " has " + std::to_string(too_many) + " replicas too many on machine " +
         std::to_string(machine));
  }
  Settle(job);
  run.on[machine] += replicas;
  run.replicas += replicas;
  if (run.replicas > trace_[job].total) Fail(trace_[job].id + " has more than it asked for");
  tasks_[machine] += replicas;
  free_[machine].cpu_nano -= replicas * request.cpu_nano;
  free_[machine].memory_bytes -= replicas * request.memory_bytes;
  used_.cpu_nano += replicas * request.cpu_nano;
  used_.memory_bytes += replicas * request.memory_bytes;
  Expect(job);
}

void World::Fail(const std::string& violation) {
  if (violation_.empty()) violation_ = violation;
}

void World::Add(int job, int machine, int32_t replicas) { Change(job, machine, replicas); }
void World::Remove(int job, int machine, int32_t replicas) {
  if (replicas == 0) return;
  Settle(job);
  Run& run = runs_[job];
  run.taken += replicas;
  run.left = std::min(trace_[job].Work(), run.left + replicas * loss_.count());
  Change(job, machine, -replicas);
}

void World::Restart(int job) {
  for (size_t m = 0; m < runs_[job].on.size(); ++m) {
    Change(job, static_cast<int>(m), -runs_[job].on[m]);
  }
  runs_[job].left = trace_[job].Work();
  ++runs_[job].restarts;
}

std::optional<Duration> World::Next() const {
  std::optional<Duration> next;
  if (arrived_ < trace_.size()) next = trace_[arrived_].submitted;
  if (!ends_.empty() && (!next || ends_.begin()->first < *next)) next = ends_.begin()->first;
  return next;
}

void World::Advance(Duration time) {
  // After the last arrival the machines only empty: that says nothing about a policy.
  const Duration counted = std::min(time, trace_.back().submitted);
  if (counted > now_) {
    const auto passed = static_cast<double>((counted - now_).count());
    cpu_time_ += passed * static_cast<double>(used_.cpu_nano);
    memory_time_ += passed * static_cast<double>(used_.memory_bytes);
  }
  now_ = std::max(now_, time);
}

std::vector<int> World::TakeSubmitted() {
  std::vector<int> jobs;
  for (; arrived_ < trace_.size() && trace_[arrived_].submitted <= now_; ++arrived_) {
    runs_[arrived_].submitted = true;
    jobs.push_back(static_cast<int>(arrived_));
  }
  return jobs;
}

std::vector<int> World::TakeEnded() {
  std::vector<int> jobs;
  while (!ends_.empty() && ends_.begin()->first <= now_) {
    const int job = ends_.begin()->second;
    for (int m = 0; m < machines_.count; ++m) Change(job, m, -runs_[job].on[m]);
    runs_[job].ended = now_;
    jobs.push_back(job);
  }
  return jobs;
}

double World::cpu_allocated() const {
  const double all = static_cast<double>(machines_.each.cpu_nano) * machines_.count;
  return cpu_time_ / all /
         std::max<double>(1, static_cast<double>(trace_.back().submitted.count()));
}

double World::memory_allocated() const {
  const double all = static_cast<double>(machines_.each.memory_bytes) * machines_.count;
  return memory_time_ / all /
         std::max<double>(1, static_cast<double>(trace_.back().submitted.count()));
}

}  // namespace zoe::scheduler::simulator
