// Copies between a workspace and local files.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/output.h"
#include "cli/table.h"
#include "cli/workspace.h"

namespace zoe::cli {
namespace {

namespace fs = std::filesystem;
using codec::Value;

Error System(const std::string& what) {
  return MakeError(Code::kUnavailable, what + ": " + std::strerror(errno));
}

std::string LastStep(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool IsDirectory(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

// A local file that is written beside its place and takes it when it is whole. What is there and is
// no file, such as /dev/null, is written to.
class LocalFile {
 public:
  explicit LocalFile(const std::string& path) : path_(path) {}
  ~LocalFile() {
    if (fd_ >= 0) close(fd_);
    if (!temporary_.empty()) unlink(temporary_.c_str());
  }
  LocalFile(const LocalFile&) = delete;
  LocalFile& operator=(const LocalFile&) = delete;

  Expected<void> Open() {
    struct stat there {};
    mode_ = 0666;
    if (stat(path_.c_str(), &there) == 0) {
      std::error_code error;
      if (const fs::path real = fs::canonical(path_, error); !error) path_ = real.string();
      if (!S_ISREG(there.st_mode)) {
        fd_ = open(path_.c_str(), O_WRONLY | O_CLOEXEC);
        return fd_ >= 0 ? Expected<void>() : System(path_);
      }
      mode_ = there.st_mode & 0777;
    }
    const fs::path place(path_);
    std::string name =
        (place.parent_path() / ("." + place.filename().string())).string() + ".XXXXXX";
    fd_ = mkostemp(name.data(), O_CLOEXEC);
    if (fd_ < 0) return System(path_);
    temporary_ = name;
    const mode_t mask = umask(0);
    umask(mask);
    fchmod(fd_, mode_ == 0666 ? 0666 & ~mask : mode_);
    return {};
  }

  bool Write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        error_ = errno;
        return false;
      }
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  Expected<void> Commit() {
    errno = error_;
    const bool closed = error_ == 0 && close(std::exchange(fd_, -1)) == 0;
    if (!closed) return System(path_);
    if (temporary_.empty()) return {};
    if (rename(temporary_.c_str(), path_.c_str()) != 0) return System(path_);
    temporary_.clear();
    return {};
  }

 private:
  std::string path_, temporary_;
  mode_t mode_ = 0;
  int fd_ = -1, error_ = 0;
};

// Names in a local directory, sorted.
Expected<std::vector<std::string>> Names(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (auto it = fs::directory_iterator(directory, error); !error && it != fs::directory_iterator();
       it.increment(error))
    names.push_back(it->path().filename().string());
  if (error) return MakeError(Code::kUnavailable, directory + ": " + error.message());
  std::sort(names.begin(), names.end());
  return names;
}

// A name that a server gives must not lead elsewhere.
bool IsPlain(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
}

}  // namespace

void Copier::Refuse(const std::string& what, const std::string& why) {
  view_.Clear();
  session_.err() << "error: " << OneLine(what) << ": " << why << '\n';
  ++refused_;
}

void Copier::Show(const std::string& name, uint64_t bytes, const std::optional<uint64_t>& length) {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (!view_.enabled() || now - shown_ < std::chrono::milliseconds(200)) return;
  shown_ = now;
  std::string line = name + "  " + Bytes(static_cast<int64_t>(bytes));
  if (length && *length > 0) {
    line += " of " + Bytes(static_cast<int64_t>(*length)) + "  " +
            std::to_string(bytes * 100 / *length) + "%";
  }
  const auto milliseconds = std::chrono::duration_cast<Duration>(now - begun_).count();
  if (milliseconds > 0) {
    const auto total = static_cast<int64_t>(bytes_ + bytes);
    line += "  " + Bytes(total * 1000 / milliseconds) + "/s";
  }
  view_.Draw({line});
}

int Copier::Finish(std::string_view verb) {
  view_.Clear();
  if (files_ != 1 || refused_ > 0) {
    session_.err() << verb << ' ' << files_ << " files, " << Bytes(static_cast<int64_t>(bytes_))
                   << (refused_ > 0 ? "; " + std::to_string(refused_) + " were not copied" : "")
                   << '\n';
  }
  return refused_ > 0 ? kFailed : kOk;
}

// A file goes to `local`; of a directory only the listing is returned.
Expected<Fetched> Copier::Download(const std::string& remote, const std::string& local) {
  const bool to_stdout = local == "-";
  std::optional<LocalFile> file;
  std::optional<Error> broken;
  uint64_t bytes = 0;
  const auto open = [&] {
    if (to_stdout || file) return true;
    file.emplace(IsDirectory(local) ? Below(local, LastStep(remote)) : local);
    if (const auto opened = file->Open(); !opened.ok()) broken = opened.error();
    return !broken.has_value();
  };
  const auto take = [&](std::string_view piece, const std::optional<uint64_t>& length) {
    if (!open()) return false;
    bytes += piece.size();
    Show(remote, bytes, length);
    if (!to_stdout) return file->Write(piece);
    session_.out().write(piece.data(), static_cast<std::streamsize>(piece.size()));
    return session_.out().good();
  };
  ZOE_ASSIGN(Fetched fetched, workspace_.Fetch(remote, take));
  if (fetched.directory) return fetched;
  open();  // an empty file
  if (broken) return *broken;
  if (file) ZOE_TRY(file->Commit());
  ++files_;
  bytes_ += bytes;
  return fetched;
}

void Copier::GetTree(const Value& listing, const std::string& remote, const std::string& local) {
  if (mkdir(local.c_str(), 0777) != 0 && errno != EEXIST) {
    Refuse(local, std::strerror(errno));
    return;
  }
  for (const Value& item : listing.Find("items")->as_array()) {
    const std::string name = item.StringAt("name"), type = item.StringAt("type");
    const std::string from = Below(remote, name), to = Below(local, name);
    if (!IsPlain(name)) {
      Refuse(from, "no name for a local file");
    } else if (type != "file" && type != "directory") {
      Refuse(from, "neither file nor directory" +
                       (type == "symlink" ? " but a link to " + OneLine(item.StringAt("target"))
                                          : std::string()));
    } else {
      const auto fetched = Download(from, to);
      if (!fetched.ok()) {
        Refuse(from, fetched.error().message);
      } else if (fetched->directory) {
        GetTree(fetched->listing, from, to);
      }
    }
  }
}

int Copier::Get(const std::string& remote, std::string local, bool recursive) {
  if (local.empty()) local = remote.empty() ? "." : LastStep(remote);
  auto fetched = Download(remote, local);
  if (!fetched.ok()) {
    view_.Clear();
    return session_.Fail(fetched.error());
  }
  if (!fetched->directory) return Finish("got");
  if (!recursive || local == "-") {
    return session_.Fail("\"" + (remote.empty() ? "/" : remote) + "\" is a directory" +
                         (recursive ? "" : ": -r takes it whole"));
  }
  if (IsDirectory(local) && !remote.empty()) local = Below(local, LastStep(remote));
  GetTree(fetched->listing, remote, local);
  return Finish("got");
}

Expected<void> Copier::Upload(const std::string& local, const std::string& remote) {
  std::optional<uint64_t> length;
  uint64_t bytes = 0;
  if (local == "-") {
    std::istream& in = session_.io().in;
    const auto source = [&](char* buffer, size_t size) -> Expected<size_t> {
      in.read(buffer, static_cast<std::streamsize>(size));
      if (in.bad()) return MakeError(Code::kUnavailable, "stdin can't be read");
      bytes += static_cast<uint64_t>(in.gcount());
      Show(remote, bytes, length);
      return static_cast<size_t>(in.gcount());
    };
    ZOE_TRY(workspace_.Put(remote, length, source));
  } else {
    const int fd = open(local.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return System(local);
    struct stat seen {};
    if (fstat(fd, &seen) == 0 && S_ISREG(seen.st_mode))
      length = static_cast<uint64_t>(seen.st_size);
    const auto source = [&](char* buffer, size_t size) -> Expected<size_t> {
      ssize_t n;
      do n = read(fd, buffer, size);
      while (n < 0 && errno == EINTR);
      if (n < 0) return System(local);
      bytes += static_cast<uint64_t>(n);
      Show(remote, bytes, length);
      return static_cast<size_t>(n);
    };
    const auto put = workspace_.Put(remote, length, source);
    close(fd);
    if (!put.ok() && length && bytes < *length && put.error().code != Code::kForbidden)
      return MakeError(put.error().code, put.error().message);
    ZOE_TRY(put);
  }
  ++files_;
  bytes_ += bytes;
  return {};
}

void Copier::PutTree(const std::string& local, const std::string& remote) {
  if (const auto made = workspace_.MakeDirectory(remote); !made.ok()) {
    Refuse(remote, made.error().message);
    return;
  }
  const auto names = Names(local);
  if (!names.ok()) {
    Refuse(local, names.error().message);
    return;
  }
  for (const std::string& name : *names) {
    const std::string from = Below(local, name), to = Below(remote, name);
    std::error_code ignored;
    const fs::file_status link = fs::symlink_status(from, ignored);
    const fs::file_status status = fs::status(from, ignored);
    if (fs::is_directory(status) && !fs::is_symlink(link)) {
      PutTree(from, to);
    } else if (fs::is_regular_file(status)) {
      if (const auto put = Upload(from, to); !put.ok()) Refuse(from, put.error().message);
    } else {
      Refuse(from, fs::is_directory(status) ? "a link to a directory is not followed"
                                            : "neither file nor directory");
    }
  }
}

int Copier::Put(const std::string& local, std::string remote, bool into, bool recursive) {
  const bool from_stdin = local == "-";
  if (!from_stdin) {
    std::error_code error;
    const fs::file_status status = fs::status(local, error);
    if (!fs::exists(status)) return session_.Fail(local + ": no such file or directory");
    if (fs::is_directory(status) && !recursive)
      return session_.Fail(local + " is a directory: -r sends it whole");
  }
  // What is wrong is said before anything is sent: a refusal on the way may go unheard.
  const auto there = workspace_.Look(remote);
  if (!there.ok()) return session_.Fail(there.error());
  const bool directory = *there == Workspace::Seen::kDirectory;
  if (directory || into) {
    if (from_stdin) {
      return session_.Fail("\"" + (remote.empty() ? "/" : remote) +
                           "\" is a directory: give stdin a name in it");
    }
    std::error_code ignored;
    const fs::path real = fs::canonical(local, ignored);
    if (!(remote.empty() && (local == "." || local.ends_with("/."))))
      remote = Below(remote, real.filename().string());
  }
  const size_t slash = remote.rfind('/');
  const std::string parent = slash == std::string::npos ? "" : remote.substr(0, slash);
  if (*there == Workspace::Seen::kNothing && (from_stdin || !IsDirectory(local))) {
    const auto holder = workspace_.Look(parent);
    if (!holder.ok()) return session_.Fail(holder.error());
    if (*holder != Workspace::Seen::kDirectory) {
      return session_.Fail("\"" + parent +
                           "\" is no directory in the workspace: \"zoe files mkdir " + parent +
                           "\" makes it");
    }
  }
  if (!from_stdin && IsDirectory(local)) {
    PutTree(local, remote);
    return Finish("put");
  }
  if (const auto put = Upload(local, remote); !put.ok()) {
    view_.Clear();
    return session_.Fail(put.error());
  }
  return Finish("put");
}

}  // namespace zoe::cli
