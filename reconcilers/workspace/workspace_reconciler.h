#pragma once

#include <vector>

#include "controller/loop/reconciler.h"
#include "controller/ports/files.h"
#include "reconcilers/workspace/execute.h"
#include "reconcilers/workspace/options.h"

namespace zoe {

// Makes each Workspace's directory stand, measures it, and removes it when it is to go. The rules
// stand in plan.h, what is said in status.h. Thread-safe.
//
// Asks to be called again for the next look or measurement, and sooner while a trouble lasts or a
// long work is under way. A trouble of the filesystem is no error of the pass: it stands in
// condition Ready.
class WorkspaceReconciler : public Reconciler {
 public:
  // All must outlive the reconciler.
  WorkspaceReconciler(Files& files, const Cache& cache, WorkspaceOptions options);

  Expected<Result> Reconcile(const Context& ctx, const Key& key, StatusDraft& draft) override;

 private:
  Files& files_;
  const Cache& cache_;
  const WorkspaceOptions options_;
  workspace::Measurements measurements_;
};

// ControllerOptions::related: the Workspace of a User whose uid or gid changes, and the one whose
// deletion waits for an Execution.
void AddConcernedWorkspaces(const Cache& cache, const CacheEvent& event, std::vector<Key>& keys);

}  // namespace zoe
