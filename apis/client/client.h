// HTTP client of Zoe's own API, used by the command line and by tests. Objects travel as
// codec::Value, so that kinds which this program doesn't know pass through whole.
#pragma once

#include <functional>
#include <memory>
#include <optional>
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
  std::string field_manager;                     // who writes; empty: the server's guess
  // For verbose output, and what an answer's Warning fields say; called on the calling thread.
  std::function<void(const Request&)> on_request;
  std::function<void(const std::string&)> on_warning;
};

struct Applied {
  codec::Value object;
  bool created = false;
  std::vector<std::string> warnings;
};

struct WatchEvent {
  std::string type;  // ADDED, MODIFIED, DELETED, BOOKMARK
  codec::Value object;
};

// What an answer's header fields say of its body.
struct Head {
  std::string content_type;
  std::optional<uint64_t> length;  // absent: it ends when it ends
};
using OnDownload = std::function<bool(const Head& head, std::string_view bytes)>;
// Fills up to `size` bytes of `buffer`, at least one; 0: the end. An error ends the upload.
using Source = std::function<Expected<size_t>(char* buffer, size_t size)>;

// "/apis/zoe/v1" + namespaces/NS (if not empty) + plural + name (if not empty), escaped.
std::string ResourcePath(std::string_view base, std::string_view ns, std::string_view plural,
                         std::string_view name = {});

// A path below another, such as "a/b c" below ".../files": its segments escaped, the slashes kept.
std::string JoinPath(std::string_view base, std::string_view path);

std::string Base64(std::string_view bytes);

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

  // JSON of any path; an empty answer is a null value.
  Expected<codec::Value> Get(std::string_view path, const Query& query = {});
  // A collection, all pages of it: `items` complete, `metadata.resourceVersion` of the first page.
  Expected<codec::Value> List(std::string_view path, Query query = {});
  Expected<codec::Value> Create(std::string_view path, const codec::Value& object,
                                const Query& query = {});
  Expected<codec::Value> Replace(std::string_view path, const codec::Value& object,
                                 const Query& query = {});
  Expected<codec::Value> MergePatch(std::string_view path, const codec::Value& patch,
                                    const Query& query = {});
  // Server-side apply: `query` names the fieldManager. Warnings are in the answer alone.
  Expected<Applied> Apply(std::string_view path, const codec::Value& object, const Query& query);
  // `timeout` takes the place of the options', for what may take its time.
  Expected<codec::Value> Delete(std::string_view path, const Query& query = {},
                                std::optional<Duration> timeout = {});
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

  // The body of a GET, of any size, in pieces as large as the network gives them; memory doesn't
  // grow with it, because nothing is read while `on_bytes` is at work. It is called on another
  // thread, one call at a time, while this one blocks; false ends the download, with ok. A body
  // that ends before its length is kUnavailable. The server may be silent for `silence`; the time
  // that `on_bytes` takes doesn't count.
  Expected<Head> Download(std::string_view path, const Query& query, const std::stop_token& stop,
                          Duration silence, const OnDownload& on_bytes);
  // A PUT of what `source` gives, which is called as on_bytes above is. Without a length it is sent
  // in chunks. A server that refuses before it has everything may go unheard (kUnavailable): ask
  // for what is small first. What the source breaks off or gives less of than `length` is no whole
  // body to the server. Returns the answer (null if it is empty).
  Expected<codec::Value> Upload(std::string_view path, const Query& query,
                                const std::stop_token& stop, Duration silence,
                                std::optional<uint64_t> length, const Source& source);

 private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace zoe::client
