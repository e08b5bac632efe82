// Workspace: a user's directory on the shared filesystem. A namespace has at most one, named as the
// namespace. Field docs, defaults and bounds stand in workspace.cc.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "specs/meta/meta.h"
#include "specs/meta/quantity.h"

namespace zoe::v1 {

// Holds a Workspace until its directory has been dealt with.
inline constexpr std::string_view kWorkspaceFinalizer = "zoe/workspace";
inline constexpr std::string_view kRetain = "Retain", kDelete = "Delete";

// A Docker volume instead of a bind mount, for sites where each container's engine mounts the
// filesystem itself.
struct WorkspaceVolume {
  std::string driver = "local";
  std::map<std::string, std::string> options;
  bool operator==(const WorkspaceVolume&) const = default;
};

struct WorkspaceSpec {
  std::optional<int64_t> uid, gid;  // of the directory; filled from the User
  std::string mode = "0750";        // octal
  std::string reclaim_policy{kRetain};
  std::optional<Quantity> quota;  // bytes; soft
  std::optional<WorkspaceVolume> volume;
  bool operator==(const WorkspaceSpec&) const = default;
};

struct WorkspaceStatus {
  int64_t observed_generation = 0;
  std::string path;    // on every Docker host; empty with a volume
  std::string volume;  // Docker's volume; empty with a directory
  // Of the last complete measurement.
  std::optional<int64_t> used_bytes, used_files;
  std::optional<WallTime> measured_at;
  std::vector<Condition> conditions;  // Ready, OverQuota
  bool operator==(const WorkspaceStatus&) const = default;
};

using Workspace = Object<WorkspaceSpec, WorkspaceStatus>;

// The Docker volume of a namespace whose Workspace is one.
inline std::string VolumeName(std::string_view deployment, std::string_view ns) {
  return "zoe-" + std::string(deployment) + "-" + std::string(ns);
}

}  // namespace zoe::v1
