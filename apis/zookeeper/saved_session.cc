#include "apis/zookeeper/saved_session.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <optional>
#include <utility>

#include "controller/runtime/log.h"
#include "specs/codec/value.h"

namespace zoe::zookeeper {
namespace {

constexpr std::string_view kPrefix = "zookeeper-session-";
constexpr size_t kMaxBytes = 4096, kMaxFiles = 64, kSecretBytes = 16;
constexpr Duration kPatience{2'000};
constexpr Duration kTimeout{6'000};  // of the session, while it is held to be ended

std::string Hex(std::string_view bytes) {
  std::string text;
  char digits[3];
  for (const char c : bytes) {
    std::snprintf(digits, sizeof(digits), "%02x", static_cast<unsigned char>(c));
    text += digits;
  }
  return text;
}

std::optional<std::string> UnHex(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    unsigned byte = 0;
    const char* at = text.data() + i;
    if (std::from_chars(at, at + 2, byte, 16).ptr != at + 2) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  return bytes.size() * 2 == text.size() ? std::optional(bytes) : std::nullopt;
}

std::string Encode(const SessionPlace& place, const SessionId& id) {
  codec::Value file;
  file.Set("hosts", place.hosts);
  file.Set("path", place.path);
  file.Set("session", std::to_string(id.id));
  file.Set("secret", Hex(id.secret));
  return codec::ToJson(file) + "\n";
}

// nullopt: of another place, or nothing that we wrote.
std::optional<SessionId> Decode(const std::string& bytes, const SessionPlace& place) {
  const auto file = codec::ParseJson(bytes, {.bytes = kMaxBytes, .nodes = 64});
  if (!file.ok() || !file->is_object()) return std::nullopt;
  if (SessionPlace{file->StringAt("hosts"), file->StringAt("path")} != place) return std::nullopt;
  const std::string text = file->StringAt("session");
  SessionId id;
  const char* const end = text.data() + text.size();
  if (std::from_chars(text.data(), end, id.id).ptr != end || id.id == 0) return std::nullopt;
  auto secret = UnHex(file->StringAt("secret"));
  if (!secret || secret->size() != kSecretBytes) return std::nullopt;
  id.secret = std::move(*secret);
  return id;
}

// An open file, closed at the end; the lock on it goes with it.
class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Locked by us, still what stands under its name, and written by nobody but ourselves.
bool IsOfDeadProcess(int fd, const std::string& path) {
  struct stat opened {
  }, named{};
  return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &opened) == 0 &&
         lstat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev && S_ISREG(opened.st_mode) && opened.st_uid == geteuid();
}

std::optional<std::string> ReadAll(int fd) {
  std::string bytes(kMaxBytes + 1, '\0');
  const ssize_t size = pread(fd, bytes.data(), bytes.size(), 0);
  if (size < 0 || static_cast<size_t>(size) > kMaxBytes) return std::nullopt;
  bytes.resize(static_cast<size_t>(size));
  return bytes;
}

std::vector<std::string> FilesIn(const std::string& directory) {
  std::vector<std::string> paths;
  DIR* const dir = opendir(directory.c_str());
  if (dir == nullptr) return paths;
  while (const dirent* entry = readdir(dir)) {
    if (std::string_view(entry->d_name).starts_with(kPrefix) && paths.size() < kMaxFiles)
      paths.push_back(directory + "/" + entry->d_name);
  }
  closedir(dir);
  return paths;
}

// True once the session is over. It is taken over for a moment: only who holds it may end it.
bool End(const std::string& hosts, const SessionId& id, const std::stop_token& stop) {
  struct Waiting {
    std::mutex mutex;
    std::condition_variable_any changed;
    Session::State state = Session::State::kConnecting;
  };
  const auto waiting = std::make_shared<Waiting>();
  const auto on_state = [waiting](Session::State state) {
    const std::lock_guard lock(waiting->mutex);
    if (waiting->state == Session::State::kConnecting) waiting->state = state;
    waiting->changed.notify_all();
  };
  const auto session =
      Session::Start({.hosts = hosts, .credentials = "", .timeout = kTimeout, .attach = id},
                     {.on_state = on_state, .on_node = [](const std::string&) {}});
  if (!session.ok()) return false;
  Session::State state{};
  {
    std::unique_lock lock(waiting->mutex);
    waiting->changed.wait_for(lock, stop, kPatience,
                              [&] { return waiting->state != Session::State::kConnecting; });
    state = waiting->state;
  }
  (*session)->Close();
  return state != Session::State::kConnecting;
}

void EndIfDead(const std::string& path, const SessionPlace& place, const std::stop_token& stop) {
  const File file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.fd() < 0 || !IsOfDeadProcess(file.fd(), path)) return;
  const auto bytes = ReadAll(file.fd());
  const auto id = bytes ? Decode(*bytes, place) : std::nullopt;
  if (!id) return;
  if (!End(place.hosts, *id, stop)) {
    log::Warn(
        "can't end the ZooKeeper session of a controller that has died: it lasts until its "
        "timeout",
        {{"file", path}});
    return;
  }
  log::Info("ended the ZooKeeper session of a controller that has died", {{"file", path}});
  unlink(path.c_str());
}

Error CantSave(const std::string& what) {
  return MakeError(Code::kUnavailable, "can't write " + what + ": " + std::strerror(errno));
}

}  // namespace

SavedSession::~SavedSession() {
  if (fd_ >= 0) close(fd_);
}

// The lock is taken before the name is: nobody meets the file without it.
Expected<void> SavedSession::Save(const SessionId& id) {
  if (directory_.empty()) return {};
  std::error_code error;
  std::filesystem::create_directories(directory_, error);  // opening says what is wrong
  std::string path = path_;
  std::string beside = directory_ + "/.new-" + std::string(kPrefix) + "XXXXXX";
  File file(mkostemp(beside.data(), O_CLOEXEC));  // mode 0600
  if (file.fd() < 0) return CantSave(directory_);
  if (path.empty()) {
    path = directory_ + "/" + std::string(kPrefix) + std::to_string(getpid()) + "-" +
           beside.substr(beside.size() - 6);
  }
  const std::string bytes = Encode(place_, id);
  const bool saved =
      flock(file.fd(), LOCK_EX | LOCK_NB) == 0 &&
      write(file.fd(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
      rename(beside.c_str(), path.c_str()) == 0;
  if (!saved) {
    const Error failure = CantSave(path);
    unlink(beside.c_str());
    return failure;
  }
  if (fd_ >= 0) close(fd_);
  fd_ = file.Release();
  path_ = path;
  return {};
}

void SavedSession::Remove() {
  if (fd_ < 0) return;
  unlink(path_.c_str());
  close(std::exchange(fd_, -1));
}

std::jthread EndDeadSessions(std::string directory, SessionPlace place) {
  if (directory.empty()) return {};
  // Chosen now: what this process saves later is not looked at.
  return std::jthread(
      [files = FilesIn(directory), place = std::move(place)](const std::stop_token& stop) {
        for (const std::string& path : files) {
          if (!stop.stop_requested()) EndIfDead(path, place, stop);
        }
      });
}

}  // namespace zoe::zookeeper
