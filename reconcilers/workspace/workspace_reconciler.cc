#include "reconcilers/workspace/workspace_reconciler.h"

#include "reconcilers/workspace/status.h"
#include "specs/v1/user.h"

namespace zoe {
namespace {

using namespace workspace;

constexpr Duration kAtOnce{1};

}  // namespace

WorkspaceReconciler::WorkspaceReconciler(Files& files, const Cache& cache, WorkspaceOptions options)
    : files_(files), cache_(cache), options_(std::move(options)) {}

Expected<Result> WorkspaceReconciler::Reconcile(const Context& ctx, const Key& key,
                                                StatusDraft& draft) {
  if (!draft.object) {  // deleted and cleaned up
    measurements_.Forget(key);
    return Result{};
  }
  const WallTime now = ctx.clock.WallNow();
  const Observed observed =
      Observe(files_, cache_, static_cast<const v1::Workspace&>(*draft.object), options_);
  const workspace::Plan plan = MakePlan(observed, now, options_);
  const Done done = Execute(files_, measurements_, observed, plan, options_);
  Report(observed, plan, done, now, draft);
  if (draft.remove || (observed.workspace.spec.volume && !plan.trouble)) return Result{};
  if (done.failed || plan.trouble)
    return Result{.requeue_after = ctx.Jittered(options_.trouble_interval)};
  if (done.removed) return Result{.requeue_after = kAtOnce};
  if (done.more) return Result{.requeue_after = options_.step_pause};
  if (done.uncounted) return Result{.requeue_after = ctx.Jittered(options_.look_interval)};
  const auto& status = static_cast<const v1::Workspace&>(*draft.object).status;
  const Duration measuring = std::max(kAtOnce, NextMeasurement(status, options_) - now);
  return Result{.requeue_after = ctx.Jittered(std::min(options_.look_interval, measuring))};
}

void AddConcernedWorkspaces(const Cache& cache, const CacheEvent& event, std::vector<Key>& keys) {
  const Key& changed = event.entry->key;
  if (changed.kind == "User") {
    const auto owner = [](const EntryPtr& entry) {
      const v1::UserSpec& spec = static_cast<const v1::User&>(*entry->object).spec;
      return std::pair(spec.uid, spec.gid);
    };
    if (!event.previous || owner(event.previous) != owner(event.entry))
      keys.push_back({"Workspace", changed.name, changed.name});
  }
  if (changed.kind == "Execution") {
    const Key key{"Workspace", changed.ns, changed.ns};
    const auto workspace = cache.Get<v1::Workspace>(key);
    if (workspace && workspace->meta.deletion_timestamp) keys.push_back(key);
  }
}

}  // namespace zoe
