#include "controller/runtime/fd.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace zoe::files {
namespace {

// The kernel gives up a look-up while directories are being moved; whoever moves them for ever must
// not hold us for ever.
constexpr int kLookups = 64;

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) close(fd_);
}

Fd OpenBeneath(int directory, const std::string& path, int flags, Links links) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  if (links != Links::kWithin) how.resolve |= RESOLVE_NO_SYMLINKS;
  if (links == Links::kNoMounts) how.resolve |= RESOLVE_NO_XDEV;
  const char* name = path.empty() ? "." : path.c_str();
  for (int tries = 0; tries < kLookups; ++tries) {
    const long fd = syscall(SYS_openat2, directory, name, &how, sizeof(how));
    if (fd >= 0) return Fd(static_cast<int>(fd));
    if (errno != EAGAIN && errno != EINTR) break;
  }
  return Fd();
}

bool SetOwner(int fd, const Ownership& owner) {
  struct stat now {};
  if (fstat(fd, &now) != 0) return false;
  const uid_t uid = owner.uid ? static_cast<uid_t>(*owner.uid) : now.st_uid;
  const gid_t gid = owner.gid ? static_cast<gid_t>(*owner.gid) : now.st_gid;
  const bool given = uid != now.st_uid || gid != now.st_gid;
  if (given && fchown(fd, uid, gid) != 0) return false;
  // A change of owner may take bits away.
  if (!given && (now.st_mode & 07777) == owner.mode) return true;
  return fchmod(fd, owner.mode) == 0;
}

FileItem ItemOf(std::string name, const struct stat& status) {
  FileItem item;
  item.name = std::move(name);
  item.type = S_ISREG(status.st_mode)   ? FileType::kFile
              : S_ISDIR(status.st_mode) ? FileType::kDirectory
              : S_ISLNK(status.st_mode) ? FileType::kSymlink
                                        : FileType::kOther;
  item.size = item.type == FileType::kFile ? static_cast<uint64_t>(status.st_size) : 0;
  item.mode = status.st_mode & 07777;
  item.uid = status.st_uid;
  item.gid = status.st_gid;
  item.modified = WallTime(std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::seconds(status.st_mtim.tv_sec) +
      std::chrono::nanoseconds(status.st_mtim.tv_nsec)));
  char version[96];
  std::snprintf(version, sizeof(version), "%llx-%llx-%llx-%llx",
                static_cast<unsigned long long>(status.st_ino),
                static_cast<unsigned long long>(status.st_size),
                static_cast<unsigned long long>(status.st_mtim.tv_sec),
                static_cast<unsigned long long>(status.st_mtim.tv_nsec));
  item.version = version;
  return item;
}

std::string ErrnoText(int error) { return std::generic_category().message(error); }

Error PathError(int error, const std::string& path) {
  const std::string name = path.empty() ? "the workspace's directory" : "\"" + path + "\"";
  const auto make = [&](Code code, const char* reason, const std::string& what) {
    return MakeError(code, reason, name + " " + what);
  };
  switch (error) {
    case ENOENT:
      return make(Code::kNotFound, "", "does not exist");
    case EXDEV:
      return make(Code::kForbidden, "LeavesWorkspace", "leads out of the workspace");
    case ELOOP:
      return make(Code::kForbidden, "LeavesWorkspace", "leads through too many symbolic links");
    case ENOTDIR:
      return make(Code::kConflict, "NotADirectory", "is not, or is not in, a directory");
    case EISDIR:
      return make(Code::kConflict, "IsDirectory", "is a directory");
    case ENOTEMPTY:
    case EEXIST:
      return make(Code::kConflict, "NotEmpty", "is not empty");
    case EACCES:
    case EPERM:
      return make(Code::kForbidden, "PermissionDenied",
                  "may not be touched by the controller: " + ErrnoText(error));
    case ENOSPC:
    case EDQUOT:
      return make(Code::kTooLarge, "NoSpace", "has no room: " + ErrnoText(error));
    case EFBIG:
      return make(Code::kTooLarge, "FileTooLarge", "is too large for this filesystem");
    case EROFS:
      return make(Code::kUnavailable, "ReadOnly", "can't be changed: the filesystem is read-only");
    case ENAMETOOLONG:
      return make(Code::kBadRequest, "", "is too long a path");
    default:
      return make(Code::kUnavailable, "Unavailable", "can't be reached: " + ErrnoText(error));
  }
}

Error TreeError(int error, const std::string& what) {
  const char* reason = "Unavailable";
  switch (error) {
    case ENOENT:
      reason = "RootMissing";
      break;
    case ENOTDIR:
    case ELOOP:
    case EXDEV:
    case EEXIST:
      reason = "NotADirectory";
      break;
    case EACCES:
    case EPERM:
      reason = "PermissionDenied";
      break;
    case ENOSPC:
    case EDQUOT:
      reason = "NoSpace";
      break;
    case EROFS:
      reason = "ReadOnly";
      break;
    default:
      break;
  }
  return MakeError(Code::kUnavailable, reason, what + ": " + ErrnoText(error));
}

}  // namespace zoe::files
