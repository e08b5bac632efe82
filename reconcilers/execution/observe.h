#pragma once

#include <string>
#include <vector>

#include "controller/ports/swarm.h"
#include "reconcilers/execution/service_spec.h"
#include "specs/v1/execution.h"

namespace zoe::execution {

// The world, as far as one execution is concerned.
struct Observed {
  std::vector<SwarmService> services;  // labelled with its uid
  std::vector<SwarmTask>
      tasks;  // theirs, old ones and those of services that are being removed included
  std::string
      network_id;  // of its namespace's network; empty: there is none, or nothing here needs it
};

// Errors are the Swarm's. Nothing is cached: every write that has returned is seen.
Expected<Observed> Observe(const Context& ctx, Swarm& swarm, const v1::Execution& execution,
                           const ExecutionOptions& options);

}  // namespace zoe::execution
