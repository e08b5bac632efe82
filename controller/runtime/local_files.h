#pragma once

#include <functional>
#include <memory>
#include <string>

#include "controller/ports/files.h"

namespace zoe {

// The shared filesystem as this machine has it mounted. Thread-safe. A call that the filesystem
// does not answer in time (a network mount whose server is away) is left to its thread, and no
// other is tried until that ends; this does not hold for EnsureDirectory and FileTree, which wait.
class LocalFiles : public Files {
 public:
  struct Options {
    std::string fstab = "/etc/fstab";
    Duration patience{5'000};
    // Called before each guarded call, on the thread that makes it: for tests, which make it hang.
    std::function<void()> before = {};
  };

  LocalFiles() : LocalFiles(Options()) {}
  explicit LocalFiles(Options options);

  Expected<void> EnsureDirectory(const std::string& path, const Ownership& owner) override;
  Expected<TreeLook> Look(const TreePath& tree) override;
  Expected<void> EnsureTree(const TreePath& tree, const Ownership& owner, Make make) override;
  Expected<bool> RemoveTree(const TreePath& tree, const StepBudget& budget) override;
  Expected<std::unique_ptr<Measurement>> Measure(const TreePath& tree) override;
  Expected<std::unique_ptr<FileTree>> Open(const TreePath& tree) override;

 private:
  class Guard;
  class GuardedMeasurement;
  const Options options_;
  const std::shared_ptr<Guard> guard_;
};

}  // namespace zoe
