#pragma once

#include <string>
#include <vector>

#include "controller/cache/cache.h"
#include "controller/loop/reconciler.h"
#include "controller/ports/store.h"
#include "reconcilers/garbage/dependents.h"

namespace zoe {

// Kubernetes' garbage collection by ownerReferences. A pass is for one object of any kind:
//
//   one that names owners   all of them are gone: it is deleted. Some are: those references go
//   one that is being deleted with the finalizer
//     foregroundDeletion    dependents are deleted; when none that blocks its deletion is left, the
//                           finalizer goes
//     orphan                the dependents' references to it go, then the finalizer
//
// An owner is gone when the store has no object of its kind, namespace and name with its uid; one
// that can't be read, or whose reference leads to another group, is taken to stand. The Workspace
// and the Gateway of a namespace are the User's reconciler's as long as there is a User of that
// name. Internal kinds are deleted like others, but never let go: who made a secret must not lose
// it to a namesake.
//
// Keeps no state but the index. Thread-safe.
class GarbageCollector : public Reconciler {
 public:
  // Both must outlive the collector. Make it before the Controller that runs it: the index must
  // know of a change first.
  GarbageCollector(Cache& cache, Store& store);

  Expected<Result> Reconcile(const Context& ctx, const Key& key, StatusDraft& draft) override;

  // For ControllerOptions::related: the objects that a change may concern; their number grows with
  // that of the changed object's owners and dependents only.
  void Related(const CacheEvent& event, std::vector<Key>& keys) const;
  // For ControllerOptions::all.
  void All(std::vector<Key>& keys) const;

 private:
  enum class Standing { kPresent, kAwaitsDependents, kGone };
  struct Owners {
    std::vector<OwnerReference> present;
    bool awaiting = false, gone = false;
  };

  Expected<Standing> StandingOf(const OwnerReference& reference, const Key& dependent) const;
  Expected<Owners> OwnersOf(const Key& key, const Meta& meta) const;
  // The cached objects that name this one by kind, namespace, name and uid.
  std::vector<EntryPtr> DependentsOf(const Key& key, const Meta& meta) const;
  Expected<void> KeepOwners(const Key& key, const ObjectBase& object,
                            std::vector<OwnerReference> owners);
  void Delete(const Key& key, const Owners& owners, StatusDraft& draft) const;
  Expected<Result> Orphan(const Context& ctx, const Key& key, StatusDraft& draft);
  void Await(const Key& key, StatusDraft& draft) const;
  void AddAwaitingOwners(const Key& key, const Meta& meta, std::vector<Key>& keys) const;

  const Cache& cache_;
  Store& store_;
  const garbage::Dependents dependents_;
};

}  // namespace zoe
