// A scripted Docker engine, for the tests of apis/docker: what no real one can be made to say.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "apis/docker/docker_swarm.h"
#include "apis/docker/engine_client.h"
#include "controller/runtime/system_clock.h"

namespace zoe::docker {

using std::string;

inline string Reply(int status, const string& body, const string& headers = "") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
inline string Message(const string& text) { return "{\"message\":\"" + text + "\"}"; }

enum class Wire { kUnix, kTcp };

// An engine on a unix socket or a port. The script gets "METHOD TARGET" and the body and returns
// the bytes to send; "" closes the connection without a word, kSilence keeps it open; what ends
// with kReset is sent without that, then the connection is reset (kTcp).
class FakeEngine {
 public:
  using Script = std::function<string(const string& request, const string& body)>;
  static inline const string kSilence = "\x01silence", kReset = "\x01reset";

  explicit FakeEngine(Script script, string api_version = "1.41", Wire wire = Wire::kUnix)
      : script_(std::move(script)), version_(std::move(api_version)) {
    wire == Wire::kUnix ? ListenOnSocket() : ListenOnPort();
    EXPECT_EQ(::listen(listener_, 64), 0);
    accepting_ = std::thread([this] { Accept(); });
  }
  ~FakeEngine() {
    ::shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& t : serving_) t.join();
    ::close(listener_);
    if (!dir_.empty()) std::filesystem::remove_all(dir_);
  }

  string endpoint() const { return endpoint_; }
  std::vector<string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  int Count(const string& beginning) const {
    int n = 0;
    for (const string& r : requests()) n += r.starts_with(beginning);
    return n;
  }

 private:
  void ListenOnSocket() {
    string dir = (std::filesystem::temp_directory_path() / "zoe-fake-XXXXXX").string();
    dir_ = ::mkdtemp(dir.data());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const string path = dir_ + "/s";
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    endpoint_ = "unix://" + path;
  }

  void ListenOnPort() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    endpoint_ = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }

  void Accept() {
    for (int fd; (fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      const std::lock_guard lock(mutex_);
      open_.push_back(fd);
      serving_.emplace_back([this, fd] { Serve(fd); });
    }
  }

  void Serve(int fd) {
    string in;
    char buffer[4096];
    for (;;) {
      size_t head;
      while ((head = in.find("\r\n\r\n")) == string::npos) {
        const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
        if (n <= 0) return Close(fd);
        in.append(buffer, static_cast<size_t>(n));
      }
      const string header = in.substr(0, head);
      const size_t at = header.find("Content-Length: ");
      const size_t length = at == string::npos ? 0 : std::stoul(header.substr(at + 16));
      while (in.size() < head + 4 + length) {
        const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
        if (n <= 0) return Close(fd);
        in.append(buffer, static_cast<size_t>(n));
      }
      const string request = header.substr(0, header.find(" HTTP/"));
      const string body = in.substr(head + 4, length);
      in.erase(0, head + 4 + length);
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      string out = request == "GET /_ping" && !version_.empty()
                       ? Reply(200, "OK", "Api-Version: " + version_ + "\r\n")
                       : script_(request, body);
      if (out == kSilence) continue;
      if (out.ends_with(kReset)) {
        out.resize(out.size() - kReset.size());
        (void)!::send(fd, out.data(), out.size(), MSG_NOSIGNAL);
        const linger at_once{1, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        return Close(fd);
      }
      if (!out.empty()) (void)!::send(fd, out.data(), out.size(), MSG_NOSIGNAL);
      if (out.empty() || out.find("X-Close:") != string::npos) return Close(fd);
    }
  }

  // The destructor shuts down what is open: a number that was closed may be someone else's by then.
  void Close(int fd) {
    const std::lock_guard lock(mutex_);
    std::erase(open_, fd);
    ::close(fd);
  }

  const Script script_;
  const string version_;
  string dir_, endpoint_;
  int listener_ = -1;
  mutable std::mutex mutex_;
  std::vector<string> requests_;
  std::vector<int> open_;
  std::vector<std::thread> serving_;
  std::thread accepting_;
};

inline const SystemClock kClock;

inline Context Soon(int ms = 5'000) { return Context{kClock}.WithTimeout(Duration(ms)); }

inline std::unique_ptr<EngineClient> Client(std::vector<string> endpoints) {
  auto client = EngineClient::Open({std::move(endpoints), {}});
  EXPECT_TRUE(client.ok());
  return *std::move(client);
}

inline std::unique_ptr<Swarm> Open(std::vector<string> endpoints) {
  auto swarm = OpenDockerSwarm({.endpoints = std::move(endpoints)}, kClock);
  EXPECT_TRUE(swarm.ok());
  return *std::move(swarm);
}

inline Code CodeOf(const Expected<string>& result) {
  return result.ok() ? Code::kBadRequest : result.error().code;
}

}  // namespace zoe::docker
