#include "controller/runtime/file_tree.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <set>

#include "controller/runtime/tree_walk.h"

namespace zoe::files {
namespace {

constexpr size_t kMaxName = 255;
constexpr uint32_t kFileMode = 0644, kDirectoryMode = 0755;
constexpr uint32_t kKeptMode = 0777;  // of a file that is replaced: no set-user-ID

struct Place {
  std::string parent, name;  // "a/b", "c"; both empty: the top
};

Error BadPath(const std::string& what) { return MakeError(Code::kBadRequest, "the path " + what); }

// Checks the words of a path; what they lead to is the kernel's to check.
Expected<Place> Parse(const std::string& path) {
  if (path.empty()) return Place{};
  if (path.size() >= PATH_MAX)
    return BadPath("is longer than " + std::to_string(PATH_MAX - 1) + " bytes");
  if (path.find('\0') != std::string::npos) return BadPath("has a NUL byte");
  if (path.front() == '/') return BadPath("is not relative to the workspace: it begins with /");
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view name(path.data() + begin, end - begin);
    if (name.empty()) return BadPath("has an empty name: // or / at its end");
    if (name == "..") {
      return MakeError(Code::kForbidden, "LeavesWorkspace",
                       "the path has a name \"..\": nothing leads out of the workspace");
    }
    if (name == ".") return BadPath("has a name \".\"");
    if (name.size() > kMaxName)
      return BadPath("has a name of more than " + std::to_string(kMaxName) + " bytes");
    begin = end + 1;
  }
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return Place{"", path};
  return Place{path.substr(0, slash), path.substr(slash + 1)};
}

class OpenFile : public FileReader {
 public:
  OpenFile(Fd fd, FileItem item, std::string path)
      : fd_(std::move(fd)), item_(std::move(item)), path_(std::move(path)) {}

  const FileItem& item() const override { return item_; }

  Expected<std::string> Read(size_t most) override {
    std::string piece(most, '\0');
    ssize_t got = 0;
    do {
      got = read(fd_.get(), piece.data(), piece.size());
    } while (got < 0 && errno == EINTR);
    if (got < 0) return PathError(errno, path_);
    piece.resize(static_cast<size_t>(got));
    return piece;
  }

 private:
  const Fd fd_;
  const FileItem item_;
  const std::string path_;
};

// What may be replaced by a file: nothing, a file, a link. `status` is of what is there.
Expected<bool> CheckReplaceable(int directory, const Place& place, const std::string& path,
                                struct stat& status) {
  if (fstatat(directory, place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return false;
    return PathError(errno, path);
  }
  if (S_ISDIR(status.st_mode)) return PathError(EISDIR, path);
  if (S_ISREG(status.st_mode) || S_ISLNK(status.st_mode)) return true;
  return MakeError(Code::kConflict, "SpecialFile", "\"" + path + "\" is no regular file");
}

class NewFile : public FileWriter {
 public:
  NewFile(Fd directory, Place place, std::string path, Ownership owner)
      : directory_(std::move(directory)),
        place_(std::move(place)),
        path_(std::move(path)),
        owner_(owner) {}
  ~NewFile() override {
    if (!hidden_.empty()) unlinkat(directory_.get(), hidden_.c_str(), 0);
  }

  Expected<void> Begin() {
    struct stat status {};
    ZOE_TRY(CheckReplaceable(directory_.get(), place_, path_, status));
    uint64_t random = 0;
    if (getrandom(&random, sizeof(random), 0) != sizeof(random)) return PathError(errno, path_);
    char name[48];
    std::snprintf(name, sizeof(name), ".zoe-upload-%016llx",
                  static_cast<unsigned long long>(random));
    fd_ = Fd(
        openat(directory_.get(), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd_) return PathError(errno, path_);
    hidden_ = name;
    return {};
  }

  Expected<void> Write(std::string_view piece) override {
    while (!piece.empty()) {
      const ssize_t put = write(fd_.get(), piece.data(), piece.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return PathError(errno, path_);
      piece.remove_prefix(static_cast<size_t>(put));
    }
    return {};
  }

  Expected<Committed> Commit() override {
    struct stat status {};
    ZOE_ASSIGN(const bool replaces, CheckReplaceable(directory_.get(), place_, path_, status));
    if (replaces && S_ISREG(status.st_mode)) owner_.mode = status.st_mode & kKeptMode;
    if (!SetOwner(fd_.get(), owner_) || fsync(fd_.get()) != 0 ||
        renameat(directory_.get(), hidden_.c_str(), directory_.get(), place_.name.c_str()) != 0) {
      return PathError(errno, path_);
    }
    hidden_.clear();
    fsync(directory_.get());  // not every filesystem can
    if (fstat(fd_.get(), &status) != 0) return PathError(errno, path_);
    return Committed{ItemOf(place_.name, status), !replaces};
  }

 private:
  const Fd directory_;
  const Place place_;
  const std::string path_;
  Ownership owner_;
  Fd fd_;
  std::string hidden_;
};

class Tree : public FileTree {
 public:
  explicit Tree(Fd top) : top_(std::move(top)) {}

  Expected<FileItem> Stat(const std::string& path) override {
    ZOE_ASSIGN(const Place place, Parse(path));
    struct stat status {};
    ZOE_TRY(OpenPath(path, status));
    return ItemOf(place.name, status);
  }

  Expected<FileList> List(const std::string& path, const std::string& after,
                          size_t limit) override {
    ZOE_TRY(Parse(path));
    Fd fd = OpenBeneath(top_.get(), path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, Links::kWithin);
    const DirectoryPtr directory = fd ? ReadDirectory(std::move(fd)) : nullptr;
    if (!directory) return PathError(errno, path);
    std::set<std::string> names;  // the first limit + 1
    while (const dirent* entry = NextEntry(directory.get())) {
      if (entry->d_name <= after) continue;
      if (names.size() > limit && *names.rbegin() <= entry->d_name) continue;
      names.emplace(entry->d_name);
      if (names.size() > limit + 1) names.erase(std::prev(names.end()));
    }
    if (errno != 0) return PathError(errno, path);
    FileList list;
    list.more = names.size() > limit;
    if (list.more) names.erase(std::prev(names.end()));
    if (!names.empty()) list.last = *names.rbegin();
    for (const std::string& name : names) AddItem(dirfd(directory.get()), name, list.items);
    return list;
  }

  Expected<std::unique_ptr<FileReader>> Read(const std::string& path) override {
    ZOE_ASSIGN(const Place place, Parse(path));
    struct stat status {};
    ZOE_ASSIGN(const Fd found, OpenPath(path, status));
    if (S_ISDIR(status.st_mode)) return PathError(EISDIR, path);
    if (!S_ISREG(status.st_mode)) {
      return MakeError(Code::kForbidden, "SpecialFile",
                       "\"" + path + "\" is a device, a pipe or a socket: only files can be read");
    }
    // What was looked at is what is opened, whatever has its name by now.
    const std::string self = "/proc/self/fd/" + std::to_string(found.get());
    Fd fd(open(self.c_str(), O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    if (!fd) return PathError(errno, path);
    return std::unique_ptr<FileReader>(
        std::make_unique<OpenFile>(std::move(fd), ItemOf(place.name, status), path));
  }

  Expected<std::unique_ptr<FileWriter>> Write(const std::string& path) override {
    ZOE_ASSIGN(Place place, Parse(path));
    if (place.name.empty()) return PathError(EISDIR, path);
    ZOE_ASSIGN(Fd directory, OpenParent(place, O_RDONLY));
    ZOE_ASSIGN(const Ownership owner, Owner(kFileMode));
    auto file = std::make_unique<NewFile>(std::move(directory), std::move(place), path, owner);
    ZOE_TRY(file->Begin());
    return std::unique_ptr<FileWriter>(std::move(file));
  }

  Expected<Made> MakeDirectory(const std::string& path) override {
    ZOE_ASSIGN(const Place place, Parse(path));
    ZOE_ASSIGN(const Ownership owner, Owner(kDirectoryMode));
    Fd fd = OpenBeneath(top_.get(), "", O_PATH | O_DIRECTORY, Links::kNone);
    bool created = false;
    for (size_t end = 0; fd && end < path.size(); ++end) {
      const size_t begin = end;
      end = std::min(path.find('/', begin), path.size());
      // From the top each time: a link may lead to anywhere within.
      Fd next = OpenBeneath(top_.get(), path.substr(0, end), O_PATH | O_DIRECTORY, Links::kWithin);
      created = !next && errno == ENOENT;
      if (created) {
        ZOE_ASSIGN(next, MakeOne(fd.get(), path.substr(begin, end - begin), owner, path));
      }
      fd = std::move(next);
    }
    struct stat status {};
    if (!fd || fstat(fd.get(), &status) != 0) return PathError(errno, path);
    return Made{ItemOf(place.name, status), created};
  }

  Expected<bool> Remove(const std::string& path, bool recursive,
                        const StepBudget& budget) override {
    ZOE_ASSIGN(const Place place, Parse(path));
    if (place.name.empty()) {
      return MakeError(Code::kForbidden, "the workspace's directory goes with its Workspace only");
    }
    ZOE_ASSIGN(const Fd parent, OpenParent(place, O_PATH));
    if (unlinkat(parent.get(), place.name.c_str(), 0) == 0) return true;
    if (errno != EISDIR && errno != EPERM) return PathError(errno, path);
    const int refused = errno;
    if (unlinkat(parent.get(), place.name.c_str(), AT_REMOVEDIR) == 0) return true;
    if (errno == ENOTDIR) return PathError(refused, path);
    if ((errno != ENOTEMPTY && errno != EEXIST) || !recursive) return PathError(errno, path);
    return RemoveStep(parent.get(), place.name, path, budget);
  }

 private:
  Expected<Fd> OpenPath(const std::string& path, struct stat& status) const {
    Fd fd = OpenBeneath(top_.get(), path, O_PATH, Links::kWithin);
    if (!fd || fstat(fd.get(), &status) != 0) return PathError(errno, path);
    return fd;
  }

  Expected<Fd> OpenParent(const Place& place, int flags) const {
    Fd fd = OpenBeneath(top_.get(), place.parent, flags | O_DIRECTORY, Links::kWithin);
    if (!fd) return PathError(errno, place.parent);
    return fd;
  }

  // Files belong to whom the workspace belongs to.
  Expected<Ownership> Owner(uint32_t mode) const {
    struct stat status {};
    if (fstat(top_.get(), &status) != 0) return PathError(errno, "");
    return Ownership{.uid = status.st_uid, .gid = status.st_gid, .mode = mode};
  }

  static Expected<Fd> MakeOne(int parent, const std::string& name, const Ownership& owner,
                              const std::string& path) {
    // EEXIST: a link to nothing, or somebody was quicker.
    if (mkdirat(parent, name.c_str(), 0700) != 0) {
      return PathError(errno == EEXIST ? ENOTDIR : errno, path);
    }
    Fd fd = OpenBeneath(parent, name, O_RDONLY | O_DIRECTORY, Links::kNone);
    if (!fd || !SetOwner(fd.get(), owner)) return PathError(errno, path);
    return fd;
  }

  // What has gone meanwhile is left out.
  static void AddItem(int directory, const std::string& name, std::vector<FileItem>& items) {
    struct stat status {};
    if (fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0)
      return;
    FileItem item = ItemOf(name, status);
    if (item.type == FileType::kSymlink) {
      char target[PATH_MAX];
      const ssize_t length = readlinkat(directory, name.c_str(), target, sizeof(target));
      if (length > 0) item.target.assign(target, static_cast<size_t>(length));
    }
    items.push_back(std::move(item));
  }

  const Fd top_;
};

}  // namespace

std::unique_ptr<FileTree> MakeFileTree(Fd top) { return std::make_unique<Tree>(std::move(top)); }

}  // namespace zoe::files
