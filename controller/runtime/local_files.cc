#include "controller/runtime/local_files.h"

#include <fcntl.h>
#include <mntent.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <future>
#include <system_error>
#include <thread>
#include <vector>

#include "controller/runtime/fd.h"
#include "controller/runtime/file_tree.h"
#include "controller/runtime/tree_walk.h"

namespace zoe {
namespace {

using namespace files;

constexpr int kLookFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
constexpr int kChangeFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK;
constexpr uint32_t kBetweenMode = 0755;

// `below` without its last name, and that name.
std::pair<std::string, std::string> Split(const std::string& below) {
  const size_t slash = below.rfind('/');
  if (slash == std::string::npos) return {"", below};
  return {below.substr(0, slash), below.substr(slash + 1)};
}

Fd OpenRoot(const TreePath& tree) {
  return Fd(open(tree.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

std::vector<std::string> MountPoints(const char* table) {
  std::vector<std::string> points;
  FILE* file = setmntent(table, "re");
  if (file == nullptr) return points;
  mntent entry{};
  std::vector<char> text(16 * 1024);
  while (getmntent_r(file, &entry, text.data(), static_cast<int>(text.size())) != nullptr)
    points.emplace_back(entry.mnt_dir);
  endmntent(file);
  return points;
}

bool IsWithin(const std::string& path, const std::string& directory) {
  return path == directory || path.starts_with(directory + "/");
}

// What fstab wants mounted at the root or above it, and isn't.
bool IsUnmounted(const std::string& root, const std::string& fstab) {
  const std::string place = std::filesystem::path(root).lexically_normal().string();
  for (const std::string& wanted : MountPoints(fstab.c_str())) {
    if (!wanted.starts_with('/') || wanted == "/" || !IsWithin(place, wanted)) continue;
    const auto mounted = MountPoints("/proc/self/mounts");
    if (std::ranges::find(mounted, wanted) == mounted.end()) return true;
  }
  return false;
}

TreeLook::State Absence(int error, TreeLook::State absent) {
  return error == ENOENT ? absent : TreeLook::State::kNotDirectory;
}

bool IsAbsence(int error) {
  return error == ENOENT || error == ENOTDIR || error == ELOOP || error == EXDEV;
}

bool LookAtFilesystem(int fd, TreeLook& look) {
  struct statvfs status {};
  if (fstatvfs(fd, &status) != 0) return false;
  look.read_only = (status.f_flag & ST_RDONLY) != 0;
  look.capacity_bytes = uint64_t{status.f_blocks} * status.f_frsize;
  look.available_bytes = uint64_t{status.f_bavail} * status.f_frsize;
  if (status.f_files > 0) look.available_files = status.f_favail;
  return true;
}

Expected<TreeLook> LookAt(const TreePath& tree, const std::string& fstab) {
  using State = TreeLook::State;
  TreeLook look;
  const auto unmounted = [&] { return IsUnmounted(tree.root, fstab); };
  const Fd root = OpenRoot(tree);
  if (!root && !IsAbsence(errno)) return TreeError(errno, tree.root);
  if (!root) {
    look.state = Absence(errno, State::kNoRoot);
    if (unmounted()) look.state = State::kUnmounted;
    return look;
  }
  if (!LookAtFilesystem(root.get(), look)) return TreeError(errno, tree.root);
  const auto [between, name] = Split(tree.below);
  const Fd parent = OpenBeneath(root.get(), between, kLookFlags, Links::kNone);
  if (!parent && !IsAbsence(errno)) return TreeError(errno, tree.root + "/" + between);
  if (!parent) {
    look.state = Absence(errno, State::kNoParent);
    if (unmounted()) look.state = State::kUnmounted;
    return look;
  }
  const Fd top = OpenBeneath(parent.get(), name, kLookFlags, Links::kNone);
  if (!top && !IsAbsence(errno)) return TreeError(errno, tree.path());
  if (!top) {
    look.state = Absence(errno, State::kMissing);
    return look;
  }
  struct stat status {};
  if (fstat(top.get(), &status) != 0 || !LookAtFilesystem(top.get(), look))
    return TreeError(errno, tree.path());
  look.uid = status.st_uid;
  look.gid = status.st_gid;
  look.mode = status.st_mode & 07777;
  return look;
}

Expected<void> MakeRoot(const std::string& root, Files::Make make) {
  if (make < Files::Make::kRoot) return TreeError(ENOENT, root);
  std::error_code error;
  if (make == Files::Make::kAll) {
    std::filesystem::create_directories(std::filesystem::path(root).parent_path(), error);
    if (error) return TreeError(error.value(), root);
  }
  if (mkdir(root.c_str(), kBetweenMode) != 0 && errno != EEXIST) return TreeError(errno, root);
  return {};
}

Error NotGiven(int error, const std::string& path, const Ownership& owner) {
  Error refused = TreeError(error, "can't give " + path + " its owner");
  if (error != EPERM && error != EACCES) return refused;
  refused.message = "can't give " + path + " to " + std::to_string(owner.uid.value_or(getuid())) +
                    ":" + std::to_string(owner.gid.value_or(getgid())) + ": " + ErrnoText(error) +
                    "; the controller must run as root there, which an NFS export must not squash";
  return refused;
}

Expected<void> MakeTree(const TreePath& tree, const Ownership& owner, Files::Make make) {
  Fd level = OpenRoot(tree);
  if (!level && errno == ENOENT) {
    ZOE_TRY(MakeRoot(tree.root, make));
    level = OpenRoot(tree);
  }
  if (!level) return TreeError(errno, tree.root);
  for (size_t begin = 0; begin < tree.below.size();) {
    const size_t end = std::min(tree.below.find('/', begin), tree.below.size());
    const std::string name = tree.below.substr(begin, end - begin);
    const std::string path = tree.root + "/" + tree.below.substr(0, end);
    const bool last = end == tree.below.size();
    bool made = false;
    if (last || make >= Files::Make::kBetween) {
      made = mkdirat(level.get(), name.c_str(), 0700) == 0;
      if (!made && errno != EEXIST) return TreeError(errno, "can't make " + path);
    }
    level = OpenBeneath(level.get(), name, last || made ? kChangeFlags : kLookFlags, Links::kNone);
    if (!level) return TreeError(errno, path);
    const Ownership wanted = last ? owner : Ownership{.mode = kBetweenMode};
    if ((last || made) && !SetOwner(level.get(), wanted)) return NotGiven(errno, path, wanted);
    begin = end + 1;
  }
  return {};
}

Expected<Fd> OpenTop(const TreePath& tree, int flags) {
  const Fd root = OpenRoot(tree);
  if (!root) return TreeError(errno, tree.root);
  Fd top = OpenBeneath(root.get(), tree.below, flags, Links::kNone);
  if (!top) return TreeError(errno, tree.path());
  return top;
}

// Errors within a tree, said of the tree as a whole.
Error OfTree(Error error, const TreePath& tree) {
  if (error.reason.empty()) error.reason = "Unavailable";
  return MakeError(Code::kUnavailable, error.reason, tree.path() + ": " + error.message);
}

Expected<bool> RemoveSome(const TreePath& tree, const StepBudget& budget) {
  const auto [between, name] = Split(tree.below);
  const Fd root = OpenRoot(tree);
  if (!root) return TreeError(errno, tree.root);
  const Fd parent = OpenBeneath(root.get(), between, kLookFlags, Links::kNone);
  if (!parent && errno == ENOENT) return true;
  if (!parent) return TreeError(errno, tree.root + "/" + between);
  auto removed = RemoveStep(parent.get(), name, name, budget);
  if (removed.ok()) return removed;
  if (removed.error().code == Code::kNotFound) return true;
  return OfTree(std::move(removed).error(), tree);
}

}  // namespace

// The kernel may hold a call to a network filesystem for ever, and a thread that it holds can't be
// ended.
class LocalFiles::Guard {
 public:
  explicit Guard(const Options& options)
      : patience_(options.patience), before_(options.before), held_(std::make_shared<Held>()) {}

  // `call` owns what it uses: it may end long after this returns.
  template <class T>
  Expected<T> Run(const std::string& path, std::function<Expected<T>()> call) {
    if (held_->calls > 0) return NotResponding(path);
    auto task = std::make_shared<std::packaged_task<Expected<T>()>>(
        [before = before_, call = std::move(call)] {
          if (before) before();
          return call();
        });
    auto result = task->get_future();
    const auto left = std::make_shared<std::atomic<int>>(0);  // 1: by its caller, 2: it ended first
    try {
      std::thread([task, left, held = held_] {
        (*task)();
        int expected = 0;
        if (!left->compare_exchange_strong(expected, 2)) --held->calls;
      }).detach();
    } catch (const std::system_error& error) {
      return MakeError(Code::kUnavailable, "Unavailable", path + ": " + error.what());
    }
    if (result.wait_for(patience_) == std::future_status::ready) return result.get();
    ++held_->calls;
    int expected = 0;
    if (left->compare_exchange_strong(expected, 1)) return NotResponding(path);
    --held_->calls;
    return result.get();
  }

 private:
  struct Held {
    std::atomic<int> calls{0};
  };

  static Error NotResponding(const std::string& path) {
    return MakeError(Code::kUnavailable, "NotResponding",
                     path + ": the filesystem does not answer: is its server up?");
  }

  const Duration patience_;
  const std::function<void()> before_;
  const std::shared_ptr<Held> held_;
};

class LocalFiles::GuardedMeasurement : public Measurement {
 public:
  GuardedMeasurement(std::shared_ptr<Guard> guard, TreePath tree,
                     std::unique_ptr<Measurement> count)
      : guard_(std::move(guard)), tree_(std::move(tree)), count_(std::move(count)) {}

  Expected<std::optional<Usage>> Step(const StepBudget& budget) override {
    auto step = guard_->Run<std::optional<Usage>>(
        tree_.path(), [count = count_, budget] { return count->Step(budget); });
    if (step.ok()) return step;
    return step.error().code == Code::kUnavailable ? step : OfTree(step.error(), tree_);
  }

 private:
  const std::shared_ptr<Guard> guard_;
  const TreePath tree_;
  const std::shared_ptr<Measurement> count_;  // with a call that is held
};

LocalFiles::LocalFiles(Options options)
    : options_(std::move(options)), guard_(std::make_shared<Guard>(options_)) {}

Expected<void> LocalFiles::EnsureDirectory(const std::string& path, const Ownership& owner) {
  namespace fs = std::filesystem;
  std::error_code error;
  const bool made = fs::create_directories(path, error);
  if (!error && made) {
    // Whatever the umask says: containers run as other users.
    fs::permissions(path, fs::perms{owner.mode}, error);
  }
  if (!error && !fs::is_directory(path, error) && !error) {
    error = std::make_error_code(std::errc::not_a_directory);
  }
  if (!error) return {};
  return MakeError(Code::kUnavailable, "WorkspaceUnavailable",
                   "can't make directory " + path + ": " + error.message());
}

Expected<TreeLook> LocalFiles::Look(const TreePath& tree) {
  return guard_->Run<TreeLook>(tree.path(),
                               [tree, fstab = options_.fstab] { return LookAt(tree, fstab); });
}

Expected<void> LocalFiles::EnsureTree(const TreePath& tree, const Ownership& owner, Make make) {
  return guard_->Run<void>(tree.path(), [=] { return MakeTree(tree, owner, make); });
}

Expected<bool> LocalFiles::RemoveTree(const TreePath& tree, const StepBudget& budget) {
  return guard_->Run<bool>(tree.path(), [=] { return RemoveSome(tree, budget); });
}

Expected<std::unique_ptr<Measurement>> LocalFiles::Measure(const TreePath& tree) {
  using Count = std::unique_ptr<Measurement>;
  ZOE_ASSIGN(Count count, guard_->Run<Count>(tree.path(), [tree]() -> Expected<Count> {
    ZOE_ASSIGN(Fd top, OpenTop(tree, kChangeFlags));
    return CountTree(std::move(top));
  }));
  return Count(std::make_unique<GuardedMeasurement>(guard_, tree, std::move(count)));
}

Expected<std::unique_ptr<FileTree>> LocalFiles::Open(const TreePath& tree) {
  ZOE_ASSIGN(Fd top, OpenTop(tree, kLookFlags));
  return MakeFileTree(std::move(top));
}

}  // namespace zoe
