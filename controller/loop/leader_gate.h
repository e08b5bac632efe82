#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "controller/ports/clock.h"
#include "controller/ports/store.h"
#include "controller/runtime/metrics.h"
#include "controller/runtime/mutex.h"

namespace zoe {

// Takes part in the election of the one process that reconciles, and tells who must know. While the
// store is away it tries again to stand for election, once a second.
class LeaderGate {
 public:
  // `listeners` run on the store's thread with every change and renewal: they must only
  // post. Losing comes through at once.
  LeaderGate(Store& store, const Clock& clock, Metrics& metrics, std::string identity,
             std::vector<LeaderCallback> listeners);
  ~LeaderGate();  // Release()

  void Start();
  // Gives leadership back. Only after what it guards has ended.
  void Release();
  bool leading() const;

 private:
  void Run();
  void OnLease(SteadyTime until);

  Store& store_;
  const Clock& clock_;
  Gauge& gauge_;
  Gauge& lease_left_;
  Counter& terms_;
  Counter& lost_;
  const std::string identity_;
  const std::vector<LeaderCallback> listeners_;
  SteadyTime lease_end_ = kNotLeading;  // the store's thread
  std::unique_ptr<Watch> campaign_;     // the gate's thread, then Release
  mutable Mutex mutex_;
  std::condition_variable changed_;
  bool leading_ ZOE_GUARDED_BY(mutex_) = false;
  bool stopping_ ZOE_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace zoe
