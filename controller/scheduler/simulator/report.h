// What came of all policies on all traces, side by side.
#pragma once

#include <iosfwd>

#include "controller/scheduler/simulator/simulation.h"

namespace zoe::scheduler::simulator {

struct Result {
  std::string policy;
  std::vector<Outcome> outcomes;  // one per trace
};

// Of one value of each outcome.
struct Over {
  double mean = 0, least = 0, most = 0;
};
Over OverTraces(const Result& result, double (*value)(const Outcome&));

// Markdown tables: all jobs, then each class that there is. Times in minutes, means over the
// traces; "12 (10-14)" is with the least and the most; `taken`: replicas, by job.
void WriteTables(std::ostream& out, const std::vector<Result>& results);
// One line for each policy, trace and class; seconds. `traces` are their names, as `--seed` or a
// file's.
void WriteCsv(std::ostream& out, const std::vector<Result>& results,
              const std::vector<std::string>& traces);
// Two bars for each policy, mean and 95th percentile of turnaround: an SVG.
void WritePlot(std::ostream& out, const std::vector<Result>& results, const std::string& title);

}  // namespace zoe::scheduler::simulator
