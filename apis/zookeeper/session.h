// One ZooKeeper session over the C client: asynchronous calls, own types. The only file that
// includes the client's header is session.cc.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "specs/meta/expected.h"
#include "specs/meta/time.h"

struct _zhandle;

namespace zoe::zookeeper {

enum class Rc {
  kOk,
  kNoNode,
  kNodeExists,
  kBadVersion,
  kNoAuth,
  kNotEmpty,
  kLost,     // sent, but no reply: a write may have happened
  kNotSent,  // the session is over or closed: nothing happened
  kOther,
};

struct NodeStat {
  int64_t czxid = 0, mzxid = 0;
  int32_t version = 0;
};

struct Reply {
  Rc rc = Rc::kOk;
  std::string bytes;                  // Get: data; Create: the path; on kOther: the client's words
  NodeStat stat;                      // Get, Exists; Multi: of the last kSet
  std::vector<std::string> children;  // Children: names, unordered
  size_t failed = 0;                  // Multi: the operation that refused
};

// What another process needs to take a session over, or to end it: a credential. No id: none.
struct SessionId {
  int64_t id = 0;
  std::string secret;  // bytes
};

enum class CreateMode { kPersistent, kSequential, kEphemeralSequential };

struct Op {
  enum class Kind { kCheck, kCreate, kSet, kDelete };
  Kind kind;
  std::string path;
  std::string bytes = {};
  int32_t version = -1;  // -1: any
  CreateMode mode = CreateMode::kPersistent;
};

class Session {
 public:
  enum class State { kConnecting, kConnected, kOver };
  struct Events {
    // Run on the client's threads: must only post.
    std::function<void(State)> on_state;
    std::function<void(std::string path)> on_node;  // a watched node changed
  };
  struct Options {
    std::string hosts;        // "h1:p1,h2:p2"; IPv6 as "[::1]:2181"
    std::string credentials;  // "user:password" or empty; also decides the ACL of created nodes
    Duration timeout{};
    SessionId attach = {};  // this session is taken over, or is over; else a new one begins
  };
  // Runs once per call, on one of the client's threads or, if nothing could be sent, on the
  // caller's: must only post. Every call ends: the client gives up on a silent server after 2/3 of
  // the session timeout, and Close ends what is left.
  using Done = std::function<void(Reply)>;

  // Returns before there is a connection. kUnavailable, if no host's name can be resolved.
  static Expected<std::shared_ptr<Session>> Start(const Options& options, Events events);
  ~Session() { Close(); }

  // Ends the session (its ephemeral nodes go at once if there is a connection). Afterwards nothing
  // runs any more. Not to be called from a callback. May take up to 3 s when the server is silent.
  void Close();
  // What the server granted; as asked before the first connection.
  Duration timeout() const { return Duration(timeout_.load()); }
  // Known from the first connection on.
  SessionId id() const;

  void Get(const std::string& path, bool watch, Done done);
  void Exists(const std::string& path, bool watch, Done done);
  void Children(const std::string& path, Done done);
  void Create(const std::string& path, const std::string& bytes, CreateMode mode, Done done);
  void Delete(const std::string& path, Done done);
  // All or nothing, and one zxid for all.
  void Multi(std::vector<Op> ops, Done done);
  // Answers once this session's server has caught up with the leader.
  void Sync(const std::string& path, Done done);

 private:
  struct Callbacks;  // the functions that the C client calls
  struct Call;       // a call that is under way
  struct MultiCall;
  Session(Options options, Events events)
      : options_(std::move(options)), events_(std::move(events)) {}
  template <class F>
  void Issue(Done done, F send);
  template <class F>
  void Send(std::unique_ptr<Call> call, F send);
  std::unique_ptr<Call> Take(Call* call);

  const Options options_;
  const Events events_;
  std::atomic<Duration::rep> timeout_{0};
  mutable std::mutex id_mutex_;
  SessionId id_;
  std::shared_mutex mutex_;  // shared: a call is handed to the client; exclusive: handle_ goes
  _zhandle* handle_ = nullptr;
  std::mutex multi_mutex_;

  std::mutex calls_mutex_;
  std::condition_variable calls_ended_;
  std::unordered_set<Call*> calls_;  // owned; the client holds plain pointers
};

}  // namespace zoe::zookeeper
