#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/cache/cache.h"
#include "controller/ports/files.h"
#include "reconcilers/workspace/options.h"
#include "specs/v1/execution.h"
#include "specs/v1/workspace.h"

namespace zoe::workspace {

struct Observed {
  v1::Workspace workspace;
  Ownership owner;  // that the directory should have: the spec's, else the User's
  TreePath tree;
  std::string volume;  // the Docker volume's name, whether it is wanted or not
  // A Workspace of this deployment had its directory below this root before.
  bool root_was_used = false;
  std::vector<std::string> users;  // Executions of the namespace that have containers
  std::optional<TreeLook> look;    // not with a volume
  std::optional<Error> trouble;    // the filesystem could not be looked at
};

Observed Observe(Files& files, const Cache& cache, const v1::Workspace& workspace,
                 const WorkspaceOptions& options);

// Whether the execution has containers, or may have until its object has gone.
bool HasContainers(const v1::Execution& execution);

}  // namespace zoe::workspace
