#pragma once

#include "controller/ports/files.h"

namespace zoe {

// The shared filesystem as this machine has it mounted. Thread-safe.
class LocalFiles : public Files {
 public:
  Expected<void> EnsureDirectory(const std::string& path, const Ownership& owner) override;
};

}  // namespace zoe
