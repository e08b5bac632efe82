#pragma once

#include <vector>

#include "controller/cache/cache.h"
#include "controller/loop/reconciler.h"
#include "controller/ports/store.h"
#include "reconcilers/gateway/service_spec.h"
#include "reconcilers/namespace/network.h"

namespace zoe {

using GatewayOptions = gateway::Options;

// Makes each Gateway stand as a Swarm service on its namespace's network, and its status say where
// it is. Makes Credential NS/gateway (host key, password of programs) once for each namespace; it
// outlives the Gateway, so that one that is made again is known again, and is the User's to remove.
// Keeps nothing in memory. Thread-safe.
class GatewayReconciler : public Reconciler {
 public:
  // All must outlive the reconciler.
  GatewayReconciler(Swarm& swarm, Store& store, const Cache& cache, Networks& networks,
                    GatewayOptions options);

  Expected<Result> Reconcile(const Context& ctx, const Key& key, StatusDraft& draft) override;

  // The Gateway that a change of another object concerns, for ControllerOptions::related: of a
  // User, or of a credential of its namespace.
  static void Related(const Cache& cache, const CacheEvent& event, std::vector<Key>& keys);

 private:
  Swarm& swarm_;
  Store& store_;
  const Cache& cache_;
  Networks& networks_;
  const GatewayOptions options_;
};

}  // namespace zoe
