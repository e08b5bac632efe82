// The shared filesystem that holds workspaces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "specs/meta/expected.h"
#include "specs/meta/time.h"

namespace zoe {

// Of a new file or directory; what is not given is the process's own.
struct Ownership {
  std::optional<int64_t> uid, gid;
  uint32_t mode = 0755;  // of directories
};

// A directory below a root: "zoe/alice" below "/shared". The root is the operator's word and may
// lead through symbolic links; a link in `below` is never followed.
struct TreePath {
  std::string root, below;

  std::string path() const { return root + "/" + below; }
};

// Where the workspace of a namespace is: ROOT/DEPLOYMENT/NAMESPACE.
inline TreePath WorkspaceTree(std::string_view root, std::string_view deployment,
                              std::string_view ns) {
  return {std::string(root), std::string(deployment) + "/" + std::string(ns)};
}

// What is seen of a tree's top and of the filesystem that it is on.
struct TreeLook {
  enum class State {
    kNoRoot,        // the root isn't there
    kUnmounted,     // the root is the mount point, or below one, of what isn't mounted (fstab)
    kNoParent,      // the root is there, what lies between it and the directory isn't
    kMissing,       // only the directory itself isn't there
    kNotDirectory,  // something else has its name, or a part of its path is a symbolic link
    kPresent,
  } state = State::kPresent;
  // Of the directory; kPresent.
  int64_t uid = 0, gid = 0;
  uint32_t mode = 0;
  // Of the filesystem; not with kNoRoot and kUnmounted.
  bool read_only = false;
  uint64_t capacity_bytes = 0, available_bytes = 0;
  std::optional<uint64_t> available_files;  // absent where files are not counted
};

// How much one step of a long work may do; it ends at the first that is used up.
struct StepBudget {
  size_t entries = 20'000;
  Duration time{100};
};

struct Usage {
  int64_t bytes = 0;  // on disk, holes left out; a file with N names counts 1/N for each
  int64_t files = 0;  // files and directories, the top left out
};

// One count of what a tree uses, in steps. Its memory grows neither with the files nor with their
// depth. Used by one thread at a time.
class Measurement {
 public:
  virtual ~Measurement() = default;
  // Nothing while there is more to do. What changes meanwhile may be counted or not; other
  // filesystems mounted within the tree are not. Errors end it: begin another.
  virtual Expected<std::optional<Usage>> Step(const StepBudget& budget) = 0;
};

enum class FileType { kFile, kDirectory, kSymlink, kOther };

struct FileItem {
  std::string name;
  FileType type = FileType::kOther;
  uint64_t size = 0;
  uint32_t mode = 0;  // permissions
  int64_t uid = 0, gid = 0;
  WallTime modified;
  std::string target;   // of a symbolic link
  std::string version;  // another after a change: of inode, size and time
};

// Sorted by name (bytes).
struct FileList {
  std::vector<FileItem> items;
  bool more = false;  // there are names after `last`
  std::string last;   // may have gone meanwhile, and not be among the items
};

// One regular file, being read. Used by one thread at a time.
class FileReader {
 public:
  virtual ~FileReader() = default;
  // As it was when opened.
  virtual const FileItem& item() const = 0;
  // At most `most` bytes from where the last read ended; "" at the end.
  virtual Expected<std::string> Read(size_t most) = 0;
};

// One regular file, being written beside its place under a hidden name (".zoe-upload-..."). Used by
// one thread at a time. Destroyed without Commit it leaves nothing; a process that dies leaves the
// hidden file.
class FileWriter {
 public:
  virtual ~FileWriter() = default;
  virtual Expected<void> Write(std::string_view piece) = 0;
  // Makes it safe on disk, gives it the owner of the tree's top and the permissions of the file
  // that it replaces (else 0644), then its name, all at once: nobody sees half a file. A symbolic
  // link of that name is replaced, not followed.
  struct Committed {
    FileItem item;
    bool created = false;  // nothing had that name before
  };
  virtual Expected<Committed> Commit() = 0;
};

// What lies below one directory. Whatever a path says and whoever changes the tree meanwhile, no
// call reaches anything outside: symbolic links are followed only while they stay within (absolute
// ones lead out), and a link that is itself to be removed or replaced is not followed. Only regular
// files are opened.
//
// Paths are relative, of names separated by "/", "" is the directory itself. kBadRequest: empty
// names, ".", NUL, names over 255 bytes, paths over 4095. kForbidden: "..", a path that leads out
// (reason LeavesWorkspace), no permission (PermissionDenied), what is neither file nor directory
// (SpecialFile). kNotFound. kConflict: of another type than is asked for (IsDirectory,
// NotADirectory), NotEmpty. kTooLarge, reason NoSpace: the disk or a quota is full. kUnavailable:
// ReadOnly, Unavailable. Messages name the path within, not the place on the machine. Thread-safe;
// may block for as long as the filesystem does.
class FileTree {
 public:
  virtual ~FileTree() = default;
  // Of what a symbolic link points to.
  virtual Expected<FileItem> Stat(const std::string& path) = 0;
  // Names after `after`, the first `limit` of them; memory grows with `limit` only.
  virtual Expected<FileList> List(const std::string& path, const std::string& after,
                                  size_t limit) = 0;
  virtual Expected<std::unique_ptr<FileReader>> Read(const std::string& path) = 0;
  // Its directory must be there.
  virtual Expected<std::unique_ptr<FileWriter>> Write(const std::string& path) = 0;
  // With its parents, with the owner of the tree's top; one that is there is left as it is.
  struct Made {
    FileItem item;
    bool created = false;
  };
  virtual Expected<Made> MakeDirectory(const std::string& path) = 0;
  // A file, a link itself, an empty directory; with `recursive` one step of removing any directory.
  // True: it has gone; false: more steps are needed.
  virtual Expected<bool> Remove(const std::string& path, bool recursive,
                                const StepBudget& budget) = 0;
};

// Thread-safe. Errors of all calls but FileTree's: kUnavailable, with one of the reasons
// RootMissing, NotADirectory, ReadOnly, NoSpace, PermissionDenied, NotResponding (the filesystem
// does not answer: the call has been left alone and others fail at once until it ends),
// Unavailable.
class Files {
 public:
  virtual ~Files() = default;
  // Makes the directory and its parents if missing; `owner` is given to what is made. kUnavailable
  // with the system's reason.
  virtual Expected<void> EnsureDirectory(const std::string& path, const Ownership& owner) = 0;

  // Changes nothing.
  virtual Expected<TreeLook> Look(const TreePath& tree) = 0;

  // The highest level that may be made. Every level but the last gets the process's owner and 0755.
  enum class Make {
    kTop,      // only the directory
    kBetween,  // and what lies between it and the root
    kRoot,     // and the root, in a directory that is there
    kAll,      // and the root's parents
  };
  // Makes the directory, or mends owner and mode of the one that is there: of itself only, never of
  // what it holds.
  virtual Expected<void> EnsureTree(const TreePath& tree, const Ownership& owner, Make make) = 0;
  // One step of removing the directory with all that it holds; true once it is gone. Nothing
  // outside is touched: links are removed, not followed, and other filesystems mounted within stay
  // (an error).
  virtual Expected<bool> RemoveTree(const TreePath& tree, const StepBudget& budget) = 0;
  virtual Expected<std::unique_ptr<Measurement>> Measure(const TreePath& tree) = 0;
  // kUnavailable, reason RootMissing, if it isn't there.
  virtual Expected<std::unique_ptr<FileTree>> Open(const TreePath& tree) = 0;
};

}  // namespace zoe
