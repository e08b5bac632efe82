#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/cache/cache.h"
#include "controller/ports/files.h"
#include "controller/ports/swarm.h"
#include "reconcilers/namespace/network.h"
#include "reconcilers/namespace/place.h"
#include "specs/v1/execution.h"

namespace zoe::execution {

// What a pass works with.
struct Ports {
  Swarm& swarm;
  Files& files;
  const Cache& cache;
  Networks& networks;
};

// The world, as far as one execution is concerned.
struct Observed {
  std::vector<SwarmService> services;  // labelled with its uid
  std::vector<SwarmTask>
      tasks;  // theirs, old ones and those of services that are being removed included
  std::string
      network_id;  // of its namespace's network; empty: there is none, or nothing here needs it
  Place place;     // what its namespace gives; empty where nothing here needs it
  std::string store_id;  // of the store that the execution stands in
  // What the Quota of the namespace's user lets it run, and its name; no limit: neither.
  std::optional<Duration> runtime = {};
  std::string quota = {};
  std::vector<SwarmNode> nodes;  // the Swarm's, where a grant confines tasks to several of them
};

// Errors are the Swarm's. Nothing of it is cached: every write that has returned is seen.
Expected<Observed> Observe(const Context& ctx, const Ports& ports, const v1::Execution& execution);

}  // namespace zoe::execution
