#pragma once

#include <string>

#include "controller/ports/files.h"

namespace zoe {

struct WorkspaceOptions {
  std::string deployment = "zoe";
  std::string workspace_root = "/var/lib/zoe/workspaces";
  // How often a directory that is well is looked at (nothing tells when somebody removes it), one
  // that isn't, and how often its files are counted.
  Duration look_interval{30'000};
  Duration trouble_interval{10'000};
  Duration measure_interval{std::chrono::minutes{10}};
  // What one pass may do of a long work, and the pause after it.
  StepBudget step = {};
  Duration step_pause{200};
};

}  // namespace zoe
