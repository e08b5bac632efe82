#include "reconcilers/execution/observe.h"

#include "reconcilers/execution/assess.h"
#include "reconcilers/namespace/network.h"

namespace zoe::execution {

Expected<Observed> Observe(const Context& ctx, Swarm& swarm, const v1::Execution& execution,
                           const ExecutionOptions& options) {
  Observed observed;
  // Tasks and services first: without a quorum they fail, whereas Docker then answers /networks
  // with local networks only.
  ZOE_ASSIGN(Observation seen, swarm.Observe(ctx, execution.meta.uid));
  observed.services = std::move(seen.services);
  observed.tasks = std::move(seen.tasks);
  if (ModeOf(execution) != Mode::kActive) return observed;
  ZOE_ASSIGN(const std::vector<SwarmNetwork> networks, swarm.ListNetworks(ctx));
  const std::string name = NetworkName(options.deployment, execution.meta.ns);
  for (const SwarmNetwork& network : networks) {
    if (network.spec.name == name) observed.network_id = network.id;
  }
  return observed;
}

}  // namespace zoe::execution
