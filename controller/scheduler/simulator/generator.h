// Workloads like those of the authors of the first Zoe: many small jobs and a few very large ones,
// which come in bursts; most are elastic, the rest need all of their replicas.
#pragma once

#include "controller/scheduler/simulator/trace.h"

namespace zoe::scheduler::simulator {

struct Workload {
  uint64_t seed = 1;
  int32_t jobs = 4000;
  Machines machines;
  // What the jobs need, in the resource that they need most of, of what the machines could give
  // between the first and the last arrival.
  double load = 0.9;
  double rigid = 0.2, interactive = 0;  // shares of the jobs; the rest is elastic
  int32_t users = 20;
  // Of the logarithm of declared by true duration: 0 is the truth; with 0.5, one in six declares
  // less than 0.6 of it, one in six more than 1.65 times as much.
  double error = 0;
};

// The same jobs for the same Workload, in order of arrival. Each fits on the empty machines.
std::vector<TraceJob> Generate(const Workload& workload);

}  // namespace zoe::scheduler::simulator
