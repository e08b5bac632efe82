#pragma once

#include "controller/ports/clock.h"

namespace zoe {

// The operating system's time: calendar time in UTC, and a steady time that never goes back.
class SystemClock : public Clock {
 public:
  WallTime WallNow() const override;
  SteadyTime Now() const override;
  void WaitUntil(std::condition_variable& cv, std::unique_lock<std::mutex>& lock,
                 SteadyTime deadline) const override;
};

}  // namespace zoe
