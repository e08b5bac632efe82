#include "reconcilers/execution/observe.h"

#include <algorithm>

#include "controller/identity/store_identity.h"
#include "controller/quota/quota.h"
#include "reconcilers/execution/assess.h"

namespace zoe::execution {

Expected<Observed> Observe(const Context& ctx, const Ports& ports, const v1::Execution& execution) {
  Observed observed;
  // Tasks and services first: without a quorum they fail, whereas Docker then answers /networks
  // with local networks only.
  ZOE_ASSIGN(Observation seen, ports.swarm.Observe(ctx, execution.meta.uid));
  observed.services = std::move(seen.services);
  observed.tasks = std::move(seen.tasks);
  if (ModeOf(execution) != Mode::kActive) return observed;
  const auto confined = [](const v1::ServiceStatus& s) { return s.nodes.size() > 1; };
  if (std::ranges::any_of(execution.status.services, confined)) {
    ZOE_ASSIGN(observed.nodes, ports.swarm.ListNodes(ctx));
  }
  observed.place = PlaceOf(ports.cache, execution.meta.ns);
  observed.store_id = StoreIdOf(ports.cache);
  if (const auto quota = QuotaOf(ports.cache, execution.meta.ns)) {
    observed.runtime = v1::RuntimeOf(quota->spec);
    if (observed.runtime) observed.quota = quota->meta.name;
  }
  const Expected<SwarmNetwork> network = ports.networks.Find(ctx, execution.meta.ns);
  if (network.ok()) {
    observed.network_id = network->id;
  } else if (network.error().code != Code::kNotFound &&
             network.error().code != Code::kAlreadyExists) {  // that is told by who needs it
    return network.error();
  }
  return observed;
}

}  // namespace zoe::execution
