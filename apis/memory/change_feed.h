// How a store tells its subscribers what changed. Shared by the adapters under apis/.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "controller/ports/store.h"

namespace zoe {

// Who wants to know. Thread-safe; delivery must come from one thread at a time, in order of
// revision. Outlives its store as long as a Watch does, so that either may be destroyed first.
class Subscribers : public std::enable_shared_from_this<Subscribers> {
 public:
  // Hears of changes with a revision above `after`. Destroying the Watch waits for a callback that
  // runs at that moment, so it must not happen inside of one.
  std::unique_ptr<Watch> Add(Feed feed, Revision after);
  void Deliver(const Change& change);
  void DeliverGap();

 private:
  struct Subscriber;
  class Subscription;
  std::vector<std::shared_ptr<Subscriber>> Snapshot() const;

  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Subscriber>> subscribers_;
};

// A queue of changes before the subscribers. Thread-safe.
class ChangeFeed {
 public:
  // threaded: delivered by a thread of its own; otherwise by whoever calls Drain.
  explicit ChangeFeed(bool threaded);
  ~ChangeFeed();
  ChangeFeed(const ChangeFeed&) = delete;
  ChangeFeed& operator=(const ChangeFeed&) = delete;

  std::unique_ptr<Watch> Subscribe(Feed feed, Revision after);
  // Queues; never calls back. Callers publish in order of revision, so under the lock that orders
  // their writes.
  void Publish(Change change);
  // Unthreaded only: delivers what is queued. To be called without locks. If a delivery runs
  // already, that one takes it.
  void Drain();

 private:
  void Run();

  const bool threaded_;
  const std::shared_ptr<Subscribers> subscribers_ = std::make_shared<Subscribers>();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Change> queue_;
  bool stop_ = false, draining_ = false;
  std::thread thread_;
};

}  // namespace zoe
