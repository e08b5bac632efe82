// One io thread with its connections and watches. Internal to apis/server: the one header with
// Asio's types.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

#include "apis/server/exchange.h"
#include "apis/server/server.h"
#include "apis/server/watch.h"

namespace zoe::server {

class Loop;

// A connection as its loop sees it. All calls on the loop's thread.
class Connection : public Exchange {
 public:
  virtual void Start() = 0;
  virtual void Tick(SteadyTime now) = 0;  // deadlines, and a producer's next()
  virtual void Pump() = 0;  // asks the producer of a streamed answer, if nothing is being written
  virtual void
  Finish() = 0;  // the server stops: close when idle, end a stream, close after a running request
  virtual void Abort() = 0;
};

// What sessions and listener need from the rest of the server.
struct LoopHooks {
  std::function<void(ExchangePtr)> handle;  // a request has come in; on its loop's thread
  std::function<void()> on_closed;          // a connection has ended; on any loop's thread
};

class Loop {
 public:
  Loop(const ServerDeps& deps, const ServerLimits& limits, const LoopHooks& hooks);
  ~Loop();

  void Start();
  // Ends connections in order, after `grace` by force, and joins.
  void BeginStop();
  void EndStop(std::chrono::steady_clock::time_point force_at);

  bool InThread() const { return std::this_thread::get_id() == thread_id_; }
  // The cache has changed. Any thread; cheap.
  void Notify();

  // On the loop's thread.
  void Add(std::shared_ptr<Connection> connection);
  void Remove(const std::shared_ptr<Connection>& connection);
  void SetStreaming(Connection* connection, bool streaming);

  boost::asio::io_context context{1};
  const ServerLimits& limits;
  const LoopHooks& hooks;
  WatchHub hub;
  bool stopping = false;  // on the loop's thread

 private:
  void ScheduleTick();
  // Streams are asked in rounds, a few of them at a time, so that a request need not wait until a
  // change has gone to a thousand watchers. After a long round others have as much time again; what
  // changes meanwhile goes out together in the next one.
  void BeginRound();
  void ContinueRound();
  void EndRound();

  boost::asio::steady_timer tick_, pause_;
  const std::chrono::milliseconds tick_period_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  std::unordered_set<Connection*> streams_;
  std::atomic<size_t> stream_count_{0};
  std::atomic<bool> changed_{false};   // since the round under way began
  std::atomic<bool> in_round_{false};  // or one is posted, or the pause after it
  // On the loop's thread.
  std::vector<Connection*> round_;  // still to be asked
  SteadyTime round_began_;
  std::thread thread_;
  std::atomic<std::thread::id> thread_id_{};
  std::mutex mutex_;
  std::condition_variable emptied_;
  bool empty_ = true;  // guarded by mutex_
};

}  // namespace zoe::server
