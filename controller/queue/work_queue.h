#pragma once

#include <condition_variable>
#include <deque>
#include <optional>
#include <queue>
#include <random>
#include <stop_token>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "controller/ports/clock.h"
#include "controller/runtime/metrics.h"
#include "controller/runtime/mutex.h"
#include "specs/meta/key.h"

namespace zoe {

// High: what a user just did, or what just happened. Low: resyncs and backlogs.
enum class Priority { kHigh, kLow };

// Keys that wait to be reconciled. A key stands in it at most once, with the highest priority and
// the earliest time that was asked for. A key that was taken is handed to nobody else until Done;
// added meanwhile, it comes back after Done. Within a priority: first in, first out. Every 16th key
// taken is a low one, so that a flood of high ones starves nobody. Thread-safe.
class WorkQueue {
 public:
  struct Options {
    Duration backoff_first{5}, backoff_last{std::chrono::minutes{5}};
    uint64_t seed = 1;  // of the backoff's jitter
  };

  // `name` labels the metrics: zoe_queue_length, _delayed, _adds_total, _retries_total,
  // _latency_seconds.
  WorkQueue(const Clock& clock, Metrics& metrics, std::string_view name)
      : WorkQueue(clock, metrics, name, Options()) {}
  WorkQueue(const Clock& clock, Metrics& metrics, std::string_view name, Options options);

  void Add(const Key& key, Priority priority);
  // Not before `delay` has passed; a key that is ready already, or due earlier, keeps its time.
  void AddAfter(const Key& key, Duration delay, Priority priority);
  // After a failure: AddAfter with a delay that doubles with every failure in a row (5 ms .. 5 min,
  // 20 % jitter), but at least `at_least`. Returns the delay.
  Duration AddBackoff(const Key& key, Priority priority, Duration at_least = Duration{0});
  // Failures in a row so far.
  int Failures(const Key& key) const;
  // The failures are over: the next AddBackoff starts small again.
  void Forget(const Key& key);

  // Waits for a key. nullopt after ShutDown and once `stop` is requested.
  std::optional<Key> Take(std::stop_token stop);
  // Takes a key that is ready now, if there is one.
  std::optional<Key> TryTake();
  // Ends the work that Take began.
  void Done(const Key& key);

  // While closed nothing is handed out; adding goes on. A queue begins open.
  void SetOpen(bool open);
  // Nothing is handed out any more, ever.
  void ShutDown();

  // Keys that are ready, without those in work.
  size_t size() const;
  size_t in_work() const;
  // When the earliest delayed key is due; nullopt without one.
  std::optional<SteadyTime> NextDue() const;

 private:
  struct Item {
    bool ready = false, in_work = false, again = false;
    Priority priority = Priority::kLow;  // of ready or again
    uint64_t ticket = 0;                 // of its place in a line; others are stale
    SteadyTime since;                    // when ready or again was asked for
    std::optional<SteadyTime> due;
    Priority due_priority = Priority::kLow;
    int failures = 0;
  };
  struct Place {
    Key key;
    uint64_t ticket;
  };
  struct Delayed {
    SteadyTime due;
    uint64_t order;
    Key key;
    bool operator>(const Delayed& o) const {
      return std::tie(due, order) > std::tie(o.due, o.order);
    }
  };

  void AddLocked(const Key& key, Priority priority) ZOE_REQUIRES(mutex_);
  void AddAfterLocked(const Key& key, Duration delay, Priority priority) ZOE_REQUIRES(mutex_);
  void Enqueue(const Key& key, Item& item, Priority priority, SteadyTime since)
      ZOE_REQUIRES(mutex_);
  void Compact() ZOE_REQUIRES(mutex_);
  void PromoteDue() ZOE_REQUIRES(mutex_);
  std::optional<Key> TakeLocked() ZOE_REQUIRES(mutex_);
  std::optional<Key> TakeFrom(std::deque<Place>& line) ZOE_REQUIRES(mutex_);
  void Drop(const Key& key) ZOE_REQUIRES(mutex_);
  void Publish() ZOE_REQUIRES(mutex_);

  const Clock& clock_;
  const Options options_;
  Gauge& high_length_;
  Gauge& low_length_;
  Gauge& delayed_length_;
  Counter& adds_;
  Counter& retries_;
  Histogram& latency_;

  mutable Mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<Key, Item> items_
      ZOE_GUARDED_BY(mutex_);  // what nothing is known of is not in it
  std::deque<Place> lines_[2] ZOE_GUARDED_BY(mutex_);
  size_t ready_[2] ZOE_GUARDED_BY(mutex_) = {0, 0};
  size_t working_ ZOE_GUARDED_BY(mutex_) = 0;
  std::priority_queue<Delayed, std::vector<Delayed>, std::greater<>> delayed_
      ZOE_GUARDED_BY(mutex_);
  uint64_t tickets_ ZOE_GUARDED_BY(mutex_) = 0;
  uint64_t taken_ ZOE_GUARDED_BY(mutex_) = 0;
  std::mt19937_64 random_ ZOE_GUARDED_BY(mutex_);
  bool open_ ZOE_GUARDED_BY(mutex_) = true;
  bool shut_down_ ZOE_GUARDED_BY(mutex_) = false;
};

}  // namespace zoe
