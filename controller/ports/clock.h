#pragma once

#include <condition_variable>
#include <mutex>

#include "specs/meta/time.h"

namespace zoe {

// All time of the controller: the system's (runtime/system_clock.h) or a test's
// (runtime/manual_clock.h). Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime WallNow() const = 0;
  virtual SteadyTime Now() const = 0;
  // Waits on `cv` until it is notified or Now() >= deadline; SteadyTime::max() waits for a
  // notification only. May wake early.
  virtual void WaitUntil(std::condition_variable& cv, std::unique_lock<std::mutex>& lock,
                         SteadyTime deadline) const = 0;
};

}  // namespace zoe
