// Whether the store answers, so that requests needn't find out one by one.
#pragma once

#include <atomic>
#include <optional>
#include <thread>

#include "controller/ports/clock.h"
#include "controller/ports/store.h"
#include "controller/runtime/metrics.h"

namespace zoe::server {

// Asks once a second. Thread-safe; Start and Stop once each.
class StoreHealth {
 public:
  // All outlive it.
  StoreHealth(Store& store, const Clock& clock, Metrics& metrics);
  ~StoreHealth() { Stop(); }

  void Start();
  void Stop();
  // When it last answered, if that is more than two seconds ago.
  std::optional<WallTime> away_since() const;

 private:
  void Run(const std::stop_token& stop);

  Store& store_;
  const Clock& clock_;
  Gauge& away_seconds_;
  std::atomic<WallTime::rep> away_since_;  // kAnswers: it is not away
  std::jthread thread_;
};

}  // namespace zoe::server
