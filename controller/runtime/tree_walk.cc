#include "controller/runtime/tree_walk.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <vector>

namespace zoe::files {
namespace {

// Trees may be thousands of levels deep.
constexpr size_t kMaxOpen = 64;
constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK;
constexpr int64_t kStatBlock = 512;

class Spending {
 public:
  explicit Spending(const StepBudget& budget)
      : left_(budget.entries), until_(std::chrono::steady_clock::now() + budget.time) {}

  bool Take() {
    if (left_ == 0) return false;
    --left_;
    return std::chrono::steady_clock::now() < until_;
  }

 private:
  size_t left_;
  const SteadyTime until_;
};

// Depth first. Of the directories above only the nearest are held open: from further down the way
// back leads through "..", and must lead to the same directory.
class TreeCount : public Measurement {
 public:
  explicit TreeCount(Fd top) : top_(std::move(top)) {}

  Expected<std::optional<Usage>> Step(const StepBudget& budget) override {
    if (top_ && !Enter(std::move(top_))) return PathError(errno, "");
    Spending spending(budget);
    while (!levels_.empty()) {
      if (!spending.Take()) return std::optional<Usage>();
      if (const dirent* entry = NextEntry(levels_.back().directory.get())) {
        if (!Count(entry->d_name)) return PathError(errno, "");
      } else if (errno != 0 || !Leave()) {
        return PathError(errno, "");
      }
    }
    return std::optional(usage_);
  }

 private:
  struct Level {
    DirectoryPtr directory;
    dev_t device;
    ino_t inode;
    long position = 0;  // while `directory` is closed
  };

  bool Enter(Fd fd) {
    struct stat status {};
    if (fstat(fd.get(), &status) != 0) return false;
    DirectoryPtr directory = ReadDirectory(std::move(fd));
    if (!directory) return false;
    levels_.push_back({std::move(directory), status.st_dev, status.st_ino});
    if (levels_.size() > kMaxOpen) {
      Level& far = levels_[levels_.size() - 1 - kMaxOpen];
      far.position = telldir(far.directory.get());
      far.directory.reset();
    }
    return true;
  }

  bool Leave() {
    const Level left = std::move(levels_.back());
    levels_.pop_back();
    if (levels_.empty() || levels_.back().directory) return true;
    Level& above = levels_.back();
    Fd fd(openat(dirfd(left.directory.get()), "..", kDirectoryFlags | O_CLOEXEC));
    struct stat status {};
    if (!fd || fstat(fd.get(), &status) != 0) return false;
    if (status.st_dev != above.device || status.st_ino != above.inode) {
      errno = ESTALE;  // moved meanwhile
      return false;
    }
    above.directory = ReadDirectory(std::move(fd));
    if (!above.directory) return false;
    seekdir(above.directory.get(), above.position);
    return true;
  }

  bool Count(const char* name) {
    const int directory = dirfd(levels_.back().directory.get());
    struct stat status {};
    if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0)
      return errno == ENOENT;
    const bool is_directory = S_ISDIR(status.st_mode);
    const auto names = is_directory ? 1 : std::max<int64_t>(1, status.st_nlink);
    usage_.bytes += status.st_blocks * kStatBlock / names;
    ++usage_.files;
    if (!is_directory) return true;
    Fd fd = OpenBeneath(directory, name, kDirectoryFlags, Links::kNoMounts);
    if (fd) return Enter(std::move(fd));
    // Gone or replaced meanwhile, another filesystem, or not ours to read.
    return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EXDEV ||
           errno == EACCES;
  }

  Fd top_;
  std::vector<Level> levels_;
  Usage usage_;
};

class Removal {
 public:
  Removal(int parent, const std::string& path, const StepBudget& budget)
      : parent_(parent), path_(path), spending_(budget) {}

  Expected<bool> Run(const std::string& name) {
    // A filesystem of its own may be mounted at the top; removing that top will say so.
    Fd top = OpenBeneath(parent_, name, kDirectoryFlags, Links::kNone);
    if (!top || !Enter(std::move(top), name)) return PathError(errno, path_);
    while (!levels_.empty()) {
      const dirent* entry = NextEntry(levels_.back().directory.get());
      if (entry == nullptr && errno != 0) return PathError(errno, path_);
      if (entry == nullptr) {
        ZOE_TRY(Leave());
        continue;
      }
      if (!spending_.Take()) return false;
      ZOE_TRY(RemoveEntry(entry->d_name, entry->d_type));
    }
    return true;
  }

 private:
  struct Level {
    DirectoryPtr directory;
    std::string name;
    bool progress = false;  // since it was last read from its beginning
    int fd() const { return dirfd(directory.get()); }
  };

  bool Enter(Fd fd, std::string name) {
    DirectoryPtr directory = ReadDirectory(std::move(fd));
    if (!directory) return false;
    levels_.push_back({std::move(directory), std::move(name)});
    return true;
  }

  // The directory has been read to its end.
  Expected<void> Leave() {
    Level& level = levels_.back();
    const int above = levels_.size() > 1 ? levels_[levels_.size() - 2].fd() : parent_;
    if (unlinkat(above, level.name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) {
      levels_.pop_back();
      if (!levels_.empty()) levels_.back().progress = true;
      return {};
    }
    const bool filled = errno == ENOTEMPTY || errno == EEXIST;
    // Somebody else fills it, or the filesystem has not shown all while we removed.
    if (!filled || !level.progress) return PathError(errno, path_);
    level.progress = false;
    rewinddir(level.directory.get());
    return {};
  }

  Expected<void> RemoveEntry(const std::string& name, unsigned char type) {
    Level& level = levels_.back();
    if (type != DT_DIR) {
      if (unlinkat(level.fd(), name.c_str(), 0) == 0) {
        level.progress = true;
        return {};
      }
      if (errno == ENOENT) return {};
      if (errno != EISDIR && errno != EPERM) return PathError(errno, path_);
    }
    if (levels_.size() >= kMaxOpen) return Raise(name);
    Fd fd = OpenBeneath(level.fd(), name, kDirectoryFlags, Links::kNoMounts);
    if (fd && Enter(std::move(fd), name)) return {};
    if (errno == ENOENT) return {};
    const bool replaced = errno == ENOTDIR || errno == ELOOP;
    if (replaced) return type == DT_DIR ? RemoveEntry(name, DT_UNKNOWN) : PathError(EPERM, path_);
    if (errno == EXDEV)
      return MakeError(Code::kUnavailable, "Unavailable",
                       "\"" + path_ + "\" can't be removed: something is mounted within it");
    return PathError(errno, path_);
  }

  // What lies too deep is moved up to the top, and met again there.
  Expected<void> Raise(const std::string& name) {
    uint64_t random = 0;
    if (getrandom(&random, sizeof(random), 0) != sizeof(random)) return PathError(errno, path_);
    char raised[48];
    std::snprintf(raised, sizeof(raised), ".zoe-removed-%016llx",
                  static_cast<unsigned long long>(random));
    if (renameat(levels_.back().fd(), name.c_str(), levels_.front().fd(), raised) != 0 &&
        errno != ENOENT) {
      return PathError(errno, path_);
    }
    levels_.back().progress = levels_.front().progress = true;
    return {};
  }

  const int parent_;
  const std::string path_;
  Spending spending_;
  std::vector<Level> levels_;
};

}  // namespace

DirectoryPtr ReadDirectory(Fd fd) {
  DirectoryPtr directory(fdopendir(fd.get()));
  if (directory) fd.release();
  return directory;
}

const dirent* NextEntry(DIR* directory) {
  while (true) {
    errno = 0;
    const dirent* entry = readdir(directory);
    if (entry == nullptr) return nullptr;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return entry;
  }
}

std::unique_ptr<Measurement> CountTree(Fd top) {
  return std::make_unique<TreeCount>(std::move(top));
}

Expected<bool> RemoveStep(int parent, const std::string& name, const std::string& path,
                          const StepBudget& budget) {
  return Removal(parent, path, budget).Run(name);
}

}  // namespace zoe::files
