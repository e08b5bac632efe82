// A small API server with state, for tests of its clients: objects by path, a history to watch, and
// an interceptor for everything that a real server does only on a bad day. Speaks plain HTTP/1.1 on
// a loopback port of its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "specs/codec/value.h"

namespace zoe::test {

struct FakeRequest {
  std::string method, path;                           // without the query
  std::map<std::string, std::string> query, headers;  // header names in lower case
  std::string body;
};

struct FakeReply {
  int status = 200;
  std::string body;
  std::string type = "application/json";
  std::string headers = {};  // more of them, each line with its \r\n
  bool drop = false;         // close the connection instead of answering
  // The Content-Length that is said, whatever the body is; then the connection is closed.
  std::optional<uint64_t> claimed;
};

class FakeApi {
 public:
  // On ::1 with `ipv6`; the url is empty if there is no such address.
  explicit FakeApi(bool ipv6 = false);
  ~FakeApi();
  FakeApi(const FakeApi&) = delete;
  FakeApi& operator=(const FakeApi&) = delete;

  std::string url() const {
    if (port_ == 0) return "";
    return (ipv6_ ? "http://[::1]:" : "http://127.0.0.1:") + std::to_string(port_);
  }

  // Creates or replaces, as a controller would: no generation changes. `path` ends with the
  // object's name.
  void Put(const std::string& path, codec::Value object);
  void Remove(const std::string& path);
  std::optional<codec::Value> Find(const std::string& path);
  // All requests so far, in order.
  std::vector<FakeRequest> requests();
  // How many requests of a method, of paths that begin so.
  size_t Count(const std::string& method, const std::string& prefix = "/");

  // Ends every watch without a word; the next ones go on from where they say.
  void DropWatches();
  // Watches from before now are answered with 410.
  void ForgetHistory();
  // Blocks until so many watches are open. False after ten seconds.
  bool AwaitWatches(size_t count);

  // Asked first; an answer of its own goes instead. Set before the first request.
  std::function<std::optional<FakeReply>(const FakeRequest&)> intercept;
  // Deleting marks such objects only, as finalizers do.
  std::atomic<bool> keep_deleted{false};

 private:
  struct Change {
    int64_t version;
    std::string type, collection, name;
    codec::Value object;
  };
  void Accept();
  void Serve(int fd);
  bool Answer(int fd, const FakeRequest& request);
  void ServeWatch(int fd, const FakeRequest& request);
  FakeReply Handle(const FakeRequest& request);
  FakeReply List(const FakeRequest& request);
  FakeReply Apply(const FakeRequest& request, bool dry);
  void Record(const std::string& type, const std::string& path, codec::Value& object);

  const bool ipv6_;
  int listener_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, codec::Value> objects_;
  // What a manager applied last, by the object's path and the manager.
  std::map<std::pair<std::string, std::string>, codec::Value> applied_;
  std::vector<Change> history_;
  std::vector<FakeRequest> requests_;
  std::vector<int> open_;
  int64_t version_ = 100, oldest_ = 0;
  uint64_t drops_ = 0;
  size_t watches_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

// {"kind": "Status", …}
std::string StatusBody(int code, const std::string& reason, const std::string& message,
                       const std::string& causes = "[]");

}  // namespace zoe::test
