// What is done about a Workspace. Pure.
//
// A directory that is missing is made; one that has another owner or mode gets its own, alone. What
// is above it is made only where that can't hide that the shared filesystem is not mounted, for
// then all would go to the disk below and vanish from sight once it is:
// - ROOT/DEPLOYMENT, while no Workspace of this deployment has ever had its directory there.
// - ROOT under the same condition, and only in a directory that is there (/var/lib/zoe/workspaces,
//   the default for one machine, with its parents).
// - Neither, while /etc/fstab names a filesystem for ROOT, or for what is above it, that is not
//   mounted.
// Otherwise Ready is False, reason RootMissing, until somebody mounts it, or makes the directory.
//
// A Workspace that is being deleted lets its directory go with reclaimPolicy Delete: when no
// execution of the namespace has containers, in steps. A filesystem that is away is waited for. A
// Docker volume stays on its nodes: Swarm has no way to remove it.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "reconcilers/workspace/observe.h"

namespace zoe::workspace {

// Make the directory or mend it.
struct EnsureTree {
  Files::Make make = Files::Make::kTop;
  bool operator==(const EnsureTree&) const = default;
};
// One step of counting.
struct Measure {
  bool operator==(const Measure&) const = default;
};
// One step of removing.
struct RemoveTree {
  bool operator==(const RemoveTree&) const = default;
};
// The object may go.
struct Release {
  bool operator==(const Release&) const = default;
};
using Action = std::variant<EnsureTree, Measure, RemoveTree, Release>;

struct Plan {
  std::vector<Action> actions;
  std::optional<Error> trouble;  // why it is not Ready, whatever is done
  std::string waiting;           // for what the deletion waits
};

Plan MakePlan(const Observed& observed, WallTime now, const WorkspaceOptions& options);

// When its files are to be counted again; a time in the past: now.
WallTime NextMeasurement(const v1::WorkspaceStatus& status, const WorkspaceOptions& options);

}  // namespace zoe::workspace
