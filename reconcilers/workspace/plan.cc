#include "reconcilers/workspace/plan.h"

namespace zoe::workspace {
namespace {

using State = TreeLook::State;

// Less than this is full: the next small file may still fit, the one after it doesn't.
constexpr uint64_t kLeastBytes = 64 * 1024;
// Where one machine without a shared filesystem keeps workspaces.
constexpr std::string_view kOwnPlace = "/var/lib/zoe/";

Error Trouble(const char* reason, std::string message) {
  return MakeError(Code::kUnavailable, reason, std::move(message));
}

Error Missing(const std::string& what) {
  return Trouble("RootMissing", what +
                                    ": mount the shared filesystem there, or make the directory if "
                                    "it is to be a local one");
}

std::optional<Error> TroubleOf(const Observed& seen) {
  if (seen.trouble) return seen.trouble;
  const TreeLook& look = *seen.look;
  const std::string& root = seen.tree.root;
  if (look.state == State::kUnmounted)
    return Trouble("RootMissing", "what /etc/fstab has for " + root +
                                      " is not mounted: mount the shared filesystem there");
  if (look.state == State::kNoRoot && seen.root_was_used) return Missing(root + " is not there");
  if (look.state == State::kNoParent && seen.root_was_used)
    return Missing(root + " no longer holds the directory of this deployment");
  if (look.state == State::kNotDirectory)
    return Trouble("NotADirectory",
                   seen.tree.path() + " is no directory, or leads through a symbolic link below " +
                       root + ": move it away");
  if (look.state == State::kNoRoot) return {};
  if (look.read_only) return Trouble("ReadOnly", "the filesystem of " + root + " is read-only");
  if (look.capacity_bytes > 0 && look.available_bytes < kLeastBytes)
    return Trouble("NoSpace", "the filesystem of " + root + " is full");
  if (look.available_files && *look.available_files == 0)
    return Trouble("NoSpace", "the filesystem of " + root + " can hold no more files");
  return {};
}

std::optional<EnsureTree> Making(const Observed& seen) {
  switch (seen.look->state) {
    case State::kNoRoot:
      return EnsureTree{seen.tree.root.starts_with(kOwnPlace) ? Files::Make::kAll
                                                              : Files::Make::kRoot};
    case State::kNoParent:
      return EnsureTree{Files::Make::kBetween};
    case State::kMissing:
      return EnsureTree{};
    case State::kPresent:
      break;
    case State::kUnmounted:
    case State::kNotDirectory:
      return {};
  }
  const TreeLook& look = *seen.look;
  const Ownership& owner = seen.owner;
  const bool right = owner.uid.value_or(look.uid) == look.uid &&
                     owner.gid.value_or(look.gid) == look.gid && owner.mode == look.mode;
  return right ? std::nullopt : std::optional(EnsureTree{});
}

std::string Names(const std::vector<std::string>& names) {
  constexpr size_t kNamed = 3;
  std::string text;
  for (size_t i = 0; i < names.size() && i < kNamed; ++i) text += (i > 0 ? ", " : "") + names[i];
  if (names.size() > kNamed) text += " and " + std::to_string(names.size() - kNamed) + " more";
  return text;
}

// What has the directory's name and is none is not ours to remove.
bool IsGone(const TreeLook& look, bool root_was_used) {
  const bool never_made = look.state == State::kNoRoot || look.state == State::kNoParent;
  return look.state == State::kMissing || look.state == State::kNotDirectory ||
         (never_made && !root_was_used);
}

Plan PlanDeletion(const Observed& seen) {
  const v1::WorkspaceSpec& spec = seen.workspace.spec;
  if (spec.volume || spec.reclaim_policy != v1::kDelete) return {.actions = {Release{}}};
  if (!seen.users.empty())
    return {.waiting = "executions have containers with it: " + Names(seen.users)};
  if (seen.look && IsGone(*seen.look, seen.root_was_used)) return {.actions = {Release{}}};
  if (seen.look && seen.look->state == State::kPresent && !seen.look->read_only)
    return {.actions = {RemoveTree{}}, .waiting = "its files are being removed"};
  return {.trouble = TroubleOf(seen)};
}

}  // namespace

WallTime NextMeasurement(const v1::WorkspaceStatus& status, const WorkspaceOptions& options) {
  return status.measured_at ? *status.measured_at + options.measure_interval : WallTime{};
}

Plan MakePlan(const Observed& seen, WallTime now, const WorkspaceOptions& options) {
  if (seen.workspace.meta.deletion_timestamp) return PlanDeletion(seen);
  Plan plan;
  if (seen.workspace.spec.volume) return plan;
  plan.trouble = TroubleOf(seen);
  if (!seen.look) return plan;
  const bool blocked = plan.trouble && plan.trouble->reason != "NoSpace";
  const std::optional<EnsureTree> making = blocked ? std::nullopt : Making(seen);
  if (making) plan.actions.emplace_back(*making);
  const bool stands = seen.look->state == State::kPresent || making;
  const v1::Workspace& workspace = seen.workspace;
  const bool other = workspace.status.path != seen.tree.path() ||
                     workspace.status.observed_generation != workspace.meta.generation;
  if (stands && (other || now >= NextMeasurement(workspace.status, options)))
    plan.actions.emplace_back(Measure{});
  return plan;
}

}  // namespace zoe::workspace
