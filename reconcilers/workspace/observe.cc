#include "reconcilers/workspace/observe.h"

#include <algorithm>
#include <cstdlib>

#include "specs/v1/user.h"

namespace zoe::workspace {
namespace {

Ownership OwnerOf(const Cache& cache, const v1::Workspace& workspace) {
  const v1::WorkspaceSpec& spec = workspace.spec;
  Ownership owner{.uid = spec.uid,
                  .gid = spec.gid,
                  .mode = static_cast<uint32_t>(std::strtoul(spec.mode.c_str(), nullptr, 8))};
  if (const auto user = cache.Get<v1::User>({"User", "", workspace.meta.ns})) {
    if (!owner.uid) owner.uid = user->spec.uid;
    if (!owner.gid) owner.gid = user->spec.gid ? user->spec.gid : user->spec.uid;
  }
  return owner;
}

bool RootWasUsed(const Cache& cache, const std::string& directory) {
  const auto entries = cache.List("Workspace").entries;
  return std::ranges::any_of(entries, [&](const EntryPtr& entry) {
    const auto& other = static_cast<const v1::Workspace&>(*entry->object);
    return other.status.path.starts_with(directory);
  });
}

std::vector<std::string> Users(const Cache& cache, const std::string& ns) {
  std::vector<std::string> users;
  for (const EntryPtr& entry : cache.List("Execution", ns).entries) {
    if (HasContainers(static_cast<const v1::Execution&>(*entry->object)))
      users.push_back(entry->key.name);
  }
  return users;
}

}  // namespace

bool HasContainers(const v1::Execution& execution) {
  const v1::ExecutionStatus& status = execution.status;
  const auto runs = [](const v1::ServiceStatus& service) { return service.running > 0; };
  return execution.meta.deletion_timestamp || status.phase == v1::kStarting ||
         status.phase == v1::kRunning || std::ranges::any_of(status.services, runs);
}

Observed Observe(Files& files, const Cache& cache, const v1::Workspace& workspace,
                 const WorkspaceOptions& options) {
  Observed seen;
  seen.workspace = workspace;
  seen.owner = OwnerOf(cache, workspace);
  seen.tree = WorkspaceTree(options.workspace_root, options.deployment, workspace.meta.ns);
  seen.volume = v1::VolumeName(options.deployment, workspace.meta.ns);
  if (workspace.meta.deletion_timestamp) seen.users = Users(cache, workspace.meta.ns);
  if (workspace.spec.volume) return seen;
  auto look = files.Look(seen.tree);
  if (!look.ok()) {
    seen.trouble = std::move(look).error();
    return seen;
  }
  const bool lost =
      look->state == TreeLook::State::kNoRoot || look->state == TreeLook::State::kNoParent;
  if (lost) {
    seen.root_was_used =
        RootWasUsed(cache, options.workspace_root + "/" + options.deployment + "/");
  }
  seen.look = *look;
  return seen;
}

}  // namespace zoe::workspace
