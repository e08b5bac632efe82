#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "specs/meta/expected.h"

namespace zoe {

// Of a new file or directory; what is not given is the process's own.
struct Ownership {
  std::optional<int64_t> uid, gid;
  uint32_t mode = 0755;  // of directories
};

// The shared filesystem that holds workspaces.
class Files {
 public:
  virtual ~Files() = default;
  // Makes the directory and its parents if missing; `owner` is given to what is made. kUnavailable
  // with the system's reason.
  virtual Expected<void> EnsureDirectory(const std::string& path, const Ownership& owner) = 0;
};

}  // namespace zoe
