#pragma once

#include <string>

#include "specs/meta/expected.h"

namespace zoe {

// The shared filesystem that holds workspaces.
class Files {
 public:
  virtual ~Files() = default;
  // Makes the directory and its parents if missing (mode 0755). kUnavailable with the system's
  // reason.
  virtual Expected<void> EnsureDirectory(const std::string& path) = 0;
};

}  // namespace zoe
