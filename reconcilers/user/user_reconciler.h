#pragma once

#include <vector>

#include "controller/cache/cache.h"
#include "controller/loop/reconciler.h"
#include "controller/ports/store.h"
#include "reconcilers/namespace/network.h"

namespace zoe {

// Makes each User's network, Workspace and Gateway stand, and its status say how they do; of a User
// that is deleted everything in its namespace goes, in the order that user/plan.h says, then the
// User. Keeps nothing in memory. Thread-safe.
//
// Asks to be called again after a moment when it has acted, and otherwise only when something
// changes; but of a disabled user, whose network nothing uses, now and then: Docker tells nobody
// that a network was removed.
class UserReconciler : public Reconciler {
 public:
  // All must outlive the reconciler.
  UserReconciler(const Cache& cache, Store& store, Swarm& swarm, Networks& networks);

  Expected<Result> Reconcile(const Context& ctx, const Key& key, StatusDraft& draft) override;

  // The User that a change of another object concerns, for ControllerOptions::related: that of a
  // Workspace or Gateway whose Ready changed or that is gone, and one that is being deleted and had
  // another object less.
  static void Related(const Cache& cache, const CacheEvent& event, std::vector<Key>& keys);

 private:
  const Cache& cache_;
  Store& store_;
  Swarm& swarm_;
  Networks& networks_;
};

}  // namespace zoe
