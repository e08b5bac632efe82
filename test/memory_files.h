// A shared filesystem in memory, for tests: which directories stand, whose they are, what is wrong.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "controller/ports/files.h"

namespace zoe {

// Directories of trees only; files below them are two numbers. Thread-safe.
class MemoryFiles : public Files {
 public:
  struct Directory {
    Ownership owner;
    Usage usage;
    bool operator==(const Directory& other) const {
      return owner.uid == other.owner.uid && owner.gid == other.owner.gid &&
             owner.mode == other.owner.mode && usage.bytes == other.usage.bytes &&
             usage.files == other.usage.files;
    }
  };
  struct World {
    std::map<std::string, Directory> directories;  // by path: trees' tops and what is above them
    std::optional<TreeLook> look;                  // what is seen, whatever stands
    std::optional<Error> broken;                   // what each call ends in
    size_t steps = 1;                              // that a measurement or a removal takes
    int writes = 0;                                // calls that changed something
  };

  // For tests to look at the world and to change it.
  template <class F>
  auto With(F&& act) {
    const std::lock_guard lock(mutex_);
    return std::forward<F>(act)(world_);
  }

  Expected<void> EnsureDirectory(const std::string& path, const Ownership& owner) override {
    const std::lock_guard lock(mutex_);
    if (world_.broken) return *world_.broken;
    if (world_.directories.try_emplace(path, Directory{owner, {}}).second) ++world_.writes;
    return {};
  }

  Expected<TreeLook> Look(const TreePath& tree) override {
    const std::lock_guard lock(mutex_);
    if (world_.broken) return *world_.broken;
    if (world_.look) return *world_.look;
    TreeLook look;
    look.capacity_bytes = uint64_t{1} << 40;
    look.available_bytes = uint64_t{1} << 39;
    const std::string parent = tree.path().substr(0, tree.path().rfind('/'));
    if (const auto it = world_.directories.find(tree.path()); it != world_.directories.end()) {
      look.uid = it->second.owner.uid.value_or(0);
      look.gid = it->second.owner.gid.value_or(0);
      look.mode = it->second.owner.mode;
    } else if (world_.directories.contains(parent)) {
      look.state = TreeLook::State::kMissing;
    } else if (world_.directories.contains(tree.root)) {
      look.state = TreeLook::State::kNoParent;
    } else {
      look.state = TreeLook::State::kNoRoot;
    }
    return look;
  }

  Expected<void> EnsureTree(const TreePath& tree, const Ownership& owner, Make make) override {
    const std::lock_guard lock(mutex_);
    if (world_.broken) return *world_.broken;
    const std::string parent = tree.path().substr(0, tree.path().rfind('/'));
    if ((make < Make::kBetween && !world_.directories.contains(parent)) ||
        (make < Make::kRoot && !world_.directories.contains(tree.root))) {
      return MakeError(Code::kUnavailable, "RootMissing", parent + " is not there");
    }
    ++world_.writes;
    world_.directories.try_emplace(tree.root);
    world_.directories.try_emplace(parent);
    Ownership& kept = world_.directories[tree.path()].owner;
    if (owner.uid) kept.uid = owner.uid;
    if (owner.gid) kept.gid = owner.gid;
    kept.mode = owner.mode;
    return {};
  }

  Expected<bool> RemoveTree(const TreePath& tree, const StepBudget&) override {
    const std::lock_guard lock(mutex_);
    if (world_.broken) return *world_.broken;
    ++world_.writes;
    if (++removals_[tree.path()] < world_.steps) return false;
    removals_.erase(tree.path());
    world_.directories.erase(tree.path());
    return true;
  }

  Expected<std::unique_ptr<Measurement>> Measure(const TreePath& tree) override {
    const std::lock_guard lock(mutex_);
    if (world_.broken) return *world_.broken;
    return std::unique_ptr<Measurement>(std::make_unique<Count>(*this, tree.path()));
  }

  Expected<std::unique_ptr<FileTree>> Open(const TreePath& tree) override {
    return MakeError(Code::kUnavailable, "RootMissing", tree.path() + " has no files in memory");
  }

 private:
  class Count : public Measurement {
   public:
    Count(MemoryFiles& files, std::string path) : files_(files), path_(std::move(path)) {}

    Expected<std::optional<Usage>> Step(const StepBudget&) override {
      const std::lock_guard lock(files_.mutex_);
      if (files_.world_.broken) return *files_.world_.broken;
      if (++steps_ < files_.world_.steps) return std::optional<Usage>();
      const auto it = files_.world_.directories.find(path_);
      if (it == files_.world_.directories.end())
        return MakeError(Code::kUnavailable, "RootMissing", path_ + " is not there");
      return std::optional(it->second.usage);
    }

   private:
    MemoryFiles& files_;
    const std::string path_;
    size_t steps_ = 0;
  };

  std::mutex mutex_;
  World world_;
  std::map<std::string, size_t> removals_;  // steps done
};

}  // namespace zoe
