// Where the Engines of a Swarm's managers are, as they are known at one moment.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "specs/meta/expected.h"

namespace zoe::docker {

// One Engine. Thread-safe.
class Endpoint {
 public:
  // `tls`: tcp:// means TLS too. kInvalid: it can't be read, and what is expected.
  static Expected<std::shared_ptr<Endpoint>> Parse(const std::string& text, bool tls);

  const std::string& text() const { return text_; }                // as given, for messages
  const std::string& base() const { return base_; }                // "http://localhost"
  const std::string& unix_socket() const { return unix_socket_; }  // path, or empty

  // "/v1.41" once agreed, else empty.
  std::string version() const;
  void Agree(std::string version);
  void Forget() { Agree(""); }

 private:
  Endpoint(std::string text, std::string base, std::string unix_socket)
      : text_(std::move(text)), base_(std::move(base)), unix_socket_(std::move(unix_socket)) {}

  const std::string text_, base_, unix_socket_;
  mutable std::mutex mutex_;
  std::string version_;
};

// A call keeps the one that it has begun with.
struct Managers {
  std::vector<std::shared_ptr<Endpoint>> endpoints;
  std::atomic<size_t> preferred{0};  // index of the one that is asked first
};

// "a, b" -> {"a", "b"}: as a file or a znode may have it, with blanks and a line's end.
std::vector<std::string> SplitEndpoints(std::string_view text);

}  // namespace zoe::docker
