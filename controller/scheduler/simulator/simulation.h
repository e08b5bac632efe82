// One trace, one player, and what came of it.
#pragma once

#include <array>

#include "controller/scheduler/simulator/player.h"

namespace zoe::scheduler::simulator {

// Of some values: seconds, or ratios.
struct Spread {
  double mean = 0, median = 0, p95 = 0, most = 0;
};
Spread Summarize(std::vector<double> values);  // percentiles by nearest rank; none: zeros

struct Measures {
  int32_t jobs = 0;
  Spread turnaround;  // from arrival to end
  Spread queueing;    // from arrival to the first start
  Spread slowdown;    // turnaround by the duration with all replicas
};

struct Outcome {
  Measures all;
  std::array<Measures, kClasses> of_class;
  double cpu = 0, memory = 0;  // mean shares that were allocated until the last arrival
  int32_t restarts = 0;        // of jobs that were put back and began anew
  int64_t taken = 0;           // replicas, from jobs that went on
};

// Plays until all jobs have ended; `loss` as in World. kInternal: the player overcommitted a
// machine, granted what the Swarm finds no node for, never came to rest, or left jobs waiting
// though nothing happens any more.
Expected<Outcome> Simulate(const std::vector<TraceJob>& trace, const Machines& machines,
                           Player& player, Duration loss = {});

}  // namespace zoe::scheduler::simulator
