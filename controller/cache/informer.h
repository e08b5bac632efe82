#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "controller/cache/cache.h"
#include "controller/ports/clock.h"
#include "controller/ports/store.h"
#include "controller/runtime/metrics.h"
#include "controller/runtime/mutex.h"

namespace zoe {

// Keeps a Cache equal to a Store: lists everything once, then follows the change feed in order of
// revision. Changes of one key that wait together become one; changes are never reordered. After a
// gap in the feed everything is listed again. While the store is away the cache stays readable and
// the informer tries again (50 ms .. 2 s). A record that can't be decoded is logged, counted
// (zoe_informer_unreadable), kept aside (Cache::Unreadable), and stops nobody else. A listing
// without the StoreInfo that the store has when asked for it is no listing, but a failure.
class Informer {
 public:
  // Called on the informer's thread: with false before a change is published that comes after one
  // of the StoreInfo which the cache doesn't show yet, with true once the cache shows what the
  // StoreInfo is (or that there is none) and everything from before. Must only post.
  using IdentityCallback = std::function<void(bool known)>;

  // All must outlive the informer; nobody else writes the cache.
  Informer(Store& store, Cache& cache, const Clock& clock, Metrics& metrics,
           IdentityCallback identity = {});
  ~Informer();  // Stop()

  // Follows on a thread of its own, until Stop.
  void Start();
  void Stop();

  // Does on the caller's thread what is to be done now: subscribes, lists, follows. True if
  // something was done, false when there was nothing to do or the store is away (then it tries
  // again once the clock has moved on). Instead of Start, never beside it.
  bool PumpOnce();

 private:
  // A change that was read from the store newer than the feed's position: published when the feed
  // gets there.
  using ReadAhead = std::unordered_map<Key, Record>;

  void Run();
  Expected<void> Subscribe();
  Expected<void> Relist();
  Expected<void> Follow();
  Expected<void> Handle(const Change& change);
  Expected<void> Read(const Change& change);
  void Publish(const Record& record);
  void Skip(const Change& change);
  void Settle(const Key& key);
  Revision Complete() const;
  void ExpectIdentity();
  void SettleIdentity();
  Expected<void> CheckIdentity(const Listing& listing);
  void SetUnreadable(const Key& key, const Error* error);
  void PutBack(std::deque<Change> changes);
  void Failed(const Error& error);
  void Recovered();

  Store& store_;
  Cache& cache_;
  const Clock& clock_;
  const IdentityCallback tell_identity_;
  Counter& changes_;
  Counter& relists_;
  Counter& failures_;
  Gauge& behind_;
  Gauge& unreadable_count_;

  // The informer's thread only.
  ReadAhead read_ahead_;
  std::map<Key, Revision> skipped_;  // first change of a key that is not shown yet
  std::multiset<Revision> skipped_revisions_;
  std::map<Key, std::string> unreadable_;
  Revision position_ = 0;  // of the feed
  Revision identity_ = 0;  // of the newest change of the StoreInfo that is known
  bool identity_known_ = false;
  std::optional<SteadyTime> retry_at_;
  Duration retry_delay_{0};
  std::unique_ptr<Watch> watch_;

  mutable Mutex mutex_;
  std::condition_variable wake_;
  std::deque<Change> queue_ ZOE_GUARDED_BY(mutex_);
  bool gap_ ZOE_GUARDED_BY(mutex_) = true;
  bool stopping_ ZOE_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace zoe
