#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <utility>

#include "controller/ports/files.h"

namespace zoe::files {

// Owns a file descriptor. -1: none.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();

  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// How a path is resolved. Either way it never leaves the directory, whoever changes what while it
// is looked up (openat2, Linux 5.6), and no /proc link is followed.
enum class Links {
  kWithin,    // symbolic links are followed as long as they stay within
  kNone,      // any is an error (ELOOP)
  kNoMounts,  // kNone, and nothing on another filesystem (EXDEV)
};

// Opens `path`, relative to the directory; "" is the directory itself. O_CLOEXEC is set. No Fd:
// errno says why.
Fd OpenBeneath(int directory, const std::string& path, int flags, Links links);

// Gives the open file or directory this owner and mode, where it has another. False: errno.
bool SetOwner(int fd, const Ownership& owner);

FileItem ItemOf(std::string name, const struct stat& status);

// "No such file or directory"
std::string ErrnoText(int error);
// What an errno means to who asked for `path` within a tree: see FileTree in files.h.
Error PathError(int error, const std::string& path);
// What it means for a tree as a whole: see Files in files.h.
Error TreeError(int error, const std::string& what);

}  // namespace zoe::files
