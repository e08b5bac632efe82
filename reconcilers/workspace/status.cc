#include "reconcilers/workspace/status.h"

#include <algorithm>

namespace zoe::workspace {
namespace {

void Set(v1::Workspace& workspace, WallTime now, Condition condition) {
  condition.observed_generation = workspace.meta.generation;
  SetCondition(workspace.status.conditions, std::move(condition), now);
}

bool Contains(const std::vector<Action>& actions, const Action& wanted) {
  return std::ranges::find(actions, wanted) != actions.end();
}

Condition ReadyOf(const Observed& seen, const Plan& plan, const Done& done) {
  const auto no = [](std::string reason, std::string message) {
    return Condition{"Ready", "False", std::move(reason), std::move(message)};
  };
  if (done.failed) return no(done.failed->reason, done.failed->message);
  if (plan.trouble) return no(plan.trouble->reason, plan.trouble->message);
  if (seen.workspace.meta.deletion_timestamp) return no("Terminating", plan.waiting);
  if (seen.workspace.spec.volume)
    return {"Ready", "True", "Volume", "Docker volume " + seen.volume};
  return {"Ready", "True", "Ready", seen.tree.path()};
}

void ReportPlace(const Observed& seen, const Done& done, v1::WorkspaceStatus& status) {
  const std::string path = seen.workspace.spec.volume ? "" : seen.tree.path();
  const bool stands = done.made || (seen.look && seen.look->state == TreeLook::State::kPresent);
  if (path != status.path && (path.empty() || stands)) {
    status.path = path;
    status.used_bytes.reset();
    status.used_files.reset();
    status.measured_at.reset();
  }
  status.volume = seen.workspace.spec.volume ? seen.volume : "";
}

void ReportQuota(v1::Workspace& workspace, WallTime now) {
  const v1::WorkspaceStatus& status = workspace.status;
  if (!workspace.spec.quota) {
    std::erase_if(workspace.status.conditions,
                  [](const Condition& condition) { return condition.type == "OverQuota"; });
    return;
  }
  if (!status.used_bytes)
    return Set(workspace, now, {"OverQuota", "Unknown", "NotMeasured", "not counted yet"});
  const std::string quota = workspace.spec.quota->text();
  const bool over = *status.used_bytes > workspace.spec.quota->whole();
  Set(workspace, now,
      {"OverQuota", over ? "True" : "False", over ? "OverQuota" : "WithinQuota",
       over ? "more is used than " + quota + ": remove files, or ask for more" : ""});
}

void TellChanges(const v1::Workspace& before, const v1::Workspace& after, const Observed& seen,
                 const Done& done, StatusDraft& draft) {
  if (done.made) draft.Event("Created", "made " + seen.tree.path());
  if (done.mended) draft.Event("Mended", "gave " + seen.tree.path() + " its owner and mode");
  if (done.removed) draft.Event("Removed", "removed " + seen.tree.path());
  for (const char* type : {"Ready", "OverQuota"}) {
    const Condition* old = FindCondition(before.status.conditions, type);
    const Condition* now = FindCondition(after.status.conditions, type);
    const bool changed = now && (!old || old->status != now->status || old->reason != now->reason);
    const bool bad = now && now->status == (now->type == "Ready" ? "False" : "True");
    if (changed && bad && now->reason != "Terminating") draft.Warn(now->reason, now->message);
  }
}

}  // namespace

void Report(const Observed& seen, const Plan& plan, const Done& done, WallTime now,
            StatusDraft& draft) {
  auto& workspace = static_cast<v1::Workspace&>(*draft.object);
  auto& finalizers = workspace.meta.finalizers;
  if (Contains(plan.actions, Release{})) {
    std::erase(finalizers, v1::kWorkspaceFinalizer);
    draft.remove = finalizers.empty();
    return;
  }
  if (!workspace.meta.deletion_timestamp &&
      std::ranges::find(finalizers, v1::kWorkspaceFinalizer) == finalizers.end()) {
    finalizers.emplace_back(v1::kWorkspaceFinalizer);
  }
  // A new spec is held against what is there now: it is counted again, over several passes if need
  // be.
  if (workspace.status.observed_generation != workspace.meta.generation)
    workspace.status.measured_at.reset();
  workspace.status.observed_generation = workspace.meta.generation;
  ReportPlace(seen, done, workspace.status);
  if (done.usage) {
    workspace.status.used_bytes = done.usage->bytes;
    workspace.status.used_files = done.usage->files;
    workspace.status.measured_at = now;
  }
  Set(workspace, now, ReadyOf(seen, plan, done));
  ReportQuota(workspace, now);
  TellChanges(seen.workspace, workspace, seen, done, draft);
}

}  // namespace zoe::workspace
