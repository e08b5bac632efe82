#pragma once

#include "controller/loop/reconciler.h"
#include "reconcilers/execution/observe.h"
#include "reconcilers/execution/options.h"

namespace zoe {

// Makes each Execution's services stand in the Swarm as its spec says, and its status say how they
// do. Waits until its namespace is ready. Reads the Swarm anew in each pass and keeps nothing in
// memory: all that must be remembered stands in the Execution's status or in the Swarm.
// Thread-safe.
//
// What ends an execution is in assess.h, what is done in plan.h, what is said in status.h. A
// finished execution is never started again; a change of its spec only moves observedGeneration
// (and `suspend: true` removes the services that were kept for their logs).
//
// Asks to be called again after a moment when it has acted, at the time of a deadline or TTL, and
// otherwise only when something changes.
class ExecutionReconciler : public Reconciler {
 public:
  // What the ports refer to must outlive the reconciler.
  ExecutionReconciler(execution::Ports ports, ExecutionOptions options);

  Expected<Result> Reconcile(const Context& ctx, const Key& key, StatusDraft& draft) override;

 private:
  const execution::Ports ports_;
  const ExecutionOptions options_;
};

// For ControllerOptions::related: the executions that may run otherwise after this change of their
// namespace's User, Workspace or Gateway, or of a Quota.
void ExecutionsConcernedBy(const Cache& cache, const CacheEvent& event, std::vector<Key>& keys);

}  // namespace zoe
