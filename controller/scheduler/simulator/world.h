// The machines and the jobs on them as time passes. Work is done in proportion to the replicas that
// stand, once the essential ones do; a job ends when its work is done. Exact: whole milliseconds
// and replica-milliseconds.
#pragma once

#include <set>

#include "controller/scheduler/simulator/trace.h"

namespace zoe::scheduler::simulator {

struct Run {
  bool submitted = false;
  int32_t replicas = 0;     // that stand
  std::vector<int32_t> on;  // of those, per machine
  int64_t left = 0;         // replica-milliseconds, at `since`
  Duration since{};
  std::optional<Duration> started;  // when its essentials stood for the first time
  std::optional<Duration> ended;
  int32_t restarts = 0;
  int32_t taken = 0;  // replicas, while it went on
};

class World {
 public:
  // The trace must outlive it and be in order of arrival. `loss`: what a replica that is taken from
  // a job has done in vain and others must do again.
  World(const std::vector<TraceJob>& trace, const Machines& machines, Duration loss = {});

  Duration now() const { return now_; }
  const std::vector<TraceJob>& trace() const { return trace_; }
  const std::vector<Run>& runs() const { return runs_; }
  const Machines& machines() const { return machines_; }
  const std::vector<Resources>& free() const { return free_; }
  const std::vector<int32_t>& tasks() const { return tasks_; }  // replicas per machine
  // Replica-milliseconds that a job still needs.
  int64_t Left(int job) const;

  // How many more replicas of a job fit on a machine.
  static int32_t Room(const Resources& free, const Resources& request);
  // Replicas that come and go, now. More than there is room for, or than stand: a violation.
  void Add(int job, int machine, int32_t replicas);
  void Remove(int job, int machine, int32_t replicas);
  // All of its replicas go, and what it has done is lost.
  void Restart(int job);

  // When the next job arrives or ends; nullopt: none does, ever.
  std::optional<Duration> Next() const;
  // Lets time pass until then at the latest `time`; must not be after Next().
  void Advance(Duration time);
  // Who has arrived and who has ended by now, each told once. Those that ended have left.
  std::vector<int> TakeSubmitted();
  std::vector<int> TakeEnded();

  // Mean shares of the machines that were allocated until the last arrival.
  double cpu_allocated() const;
  double memory_allocated() const;
  void Fail(const std::string& violation);
  // What went wrong first: "j4 has 3 replicas too many on machine 2"; empty: nothing.
  const std::string& violation() const { return violation_; }

 private:
  void Settle(int job);  // before its replicas change
  void Expect(int job);  // after
  void Change(int job, int machine, int32_t replicas);

  const std::vector<TraceJob>& trace_;
  const Machines machines_;
  const Duration loss_;
  std::vector<Run> runs_;
  std::vector<Resources> free_;
  std::vector<int32_t> tasks_;
  std::set<std::pair<Duration, int>> ends_;
  std::vector<std::optional<Duration>> expected_;  // each job's entry in ends_
  size_t arrived_ = 0;                             // of the trace
  Duration now_{};
  Resources used_;
  double cpu_time_ = 0, memory_time_ = 0;  // used, times milliseconds
  std::string violation_;
};

}  // namespace zoe::scheduler::simulator
