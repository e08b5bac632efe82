#pragma once

#include "controller/loop/reconciler.h"
#include "controller/ports/files.h"
#include "controller/ports/swarm.h"
#include "reconcilers/execution/options.h"

namespace zoe {

// Makes each Execution's services stand in the Swarm as its spec says, and its status say how they
// do. Reads the Swarm anew in each pass and keeps nothing in memory: all that must be remembered
// stands in the Execution's status or in the Swarm. Thread-safe.
//
// What ends an execution is in assess.h, what is done in plan.h, what is said in status.h. A
// finished execution is never started again; a change of its spec only moves observedGeneration
// (and `suspend: true` removes the services that were kept for their logs).
//
// Asks to be called again after a moment when it has acted, at the time of a deadline or TTL, and
// otherwise only when something changes.
class ExecutionReconciler : public Reconciler {
 public:
  // All must outlive the reconciler.
  ExecutionReconciler(Swarm& swarm, Files& files, ExecutionOptions options);

  Expected<Result> Reconcile(const Context& ctx, const Key& key, StatusDraft& draft) override;

 private:
  Swarm& swarm_;
  Files& files_;
  const ExecutionOptions options_;
};

}  // namespace zoe
