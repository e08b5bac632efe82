// HTTP client of Zoe's own API, used by the command line and by tests. Objects travel as
// codec::Value, so that kinds which this program doesn't know pass through whole.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "specs/codec/value.h"
#include "specs/meta/expected.h"
#include "specs/meta/time.h"

namespace zoe::client {

using Query = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string_view method, url;
  int status = 0;  // 0: no answer
  Duration took{};
};

struct Options {
  std::string server = "http://127.0.0.1:4850";  // a missing scheme is http
  std::string token;                             // Bearer; wins over user and password
  std::string user, password;                    // HTTP Basic
  std::string ca_file;                           // PEM; empty: the system's authorities
  Duration timeout = std::chrono::seconds(30);   // of each step: connect, send, each read
  std::function<void(const Request&)>
      on_request;  // for verbose output; called on the calling thread
};

struct WatchEvent {
  std::string type;  // ADDED, MODIFIED, DELETED, BOOKMARK
  codec::Value object;
};

// "/apis/zoe/v1" + namespaces/NS (if not empty) + plural + name (if not empty), escaped.
std::string ResourcePath(std::string_view base, std::string_view ns, std::string_view plural,
                         std::string_view name = {});

// The document at an absolute http(s) URL, at most `limit` bytes. Sends no credentials.
Expected<std::string> Fetch(const std::string& url, size_t limit);

// Thread-safe. No proxy is ever used. Errors: what the server said (its Status object, with
// causes), or
//   kUnavailable     no connection, or a read that got no whole answer: nothing was done
//   kOutcomeUnknown  a write was sent and its answer lost
//   kCancelled       the stop token ended a stream
// A GET whose kept-alive connection turns out to be dead is sent once more; a write never is.
class Client {
 public:
  // kInvalid: the server's address or the CA file can't be used. Connects to nothing yet.
  static Expected<std::unique_ptr<Client>> Open(Options options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  const std::string& server() const;  // normalized

  Expected<codec::Value> Get(std::string_view path, const Query& query = {});
  // A collection, all pages of it: `items` complete, `metadata.resourceVersion` of the first page.
  Expected<codec::Value> List(std::string_view path, Query query = {});
  Expected<codec::Value> Create(std::string_view path, const codec::Value& object,
                                const Query& query = {});
  Expected<codec::Value> Replace(std::string_view path, const codec::Value& object,
                                 const Query& query = {});
  Expected<codec::Value> MergePatch(std::string_view path, const codec::Value& patch,
                                    const Query& query = {});
  Expected<codec::Value> Delete(std::string_view path, const Query& query = {});
  // A body of any type, such as /readyz.
  Expected<std::string> GetText(std::string_view path, const Query& query = {});

  // Streams end with ok when the server ends them or the callback returns false, on the calling
  // thread, which they block. Reconnecting is the caller's: it knows the last resourceVersion.
  // Watch adds watch=1. kExpired: list again. A connection silent for `silence` counts as lost
  // (kUnavailable).
  Expected<void> Watch(std::string_view path, const Query& query, std::stop_token stop,
                       Duration silence, const std::function<bool(WatchEvent)>& on_event);
  // Raw bytes as they come, such as an execution's log.
  Expected<void> Stream(std::string_view path, const Query& query, std::stop_token stop,
                        Duration silence, const std::function<bool(std::string_view)>& on_bytes);

 private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace zoe::client
