#pragma once

#include <mutex>

#include "controller/ports/clock.h"

namespace zoe::sim_test {

// The time of a world, which has one thread. Its steady time never goes back; its calendar may
// jump. Steady time starts at one hour, so that "an hour ago" is a valid time.
class WorldClock : public Clock {
 public:
  WallTime WallNow() const override {
    return wall_ + std::chrono::duration_cast<WallTime::duration>(now_ - start_);
  }
  SteadyTime Now() const override { return now_; }
  void WaitUntil(std::condition_variable&, std::unique_lock<std::mutex>&,
                 SteadyTime) const override {}

  void AdvanceTo(SteadyTime when) {
    if (when > now_) now_ = when;
  }
  void Advance(Duration by) { AdvanceTo(now_ + by); }
  void JumpWall(Duration by) { wall_ += by; }

 private:
  const SteadyTime start_{std::chrono::hours(1)};
  SteadyTime now_ = start_;
  WallTime wall_{std::chrono::seconds(1'700'000'000)};
};

// The clock of one machine: its calendar may differ.
class SkewedClock : public Clock {
 public:
  explicit SkewedClock(const Clock& clock) : clock_(clock) {}
  WallTime WallNow() const override { return clock_.WallNow() + skew; }
  SteadyTime Now() const override { return clock_.Now(); }
  void WaitUntil(std::condition_variable&, std::unique_lock<std::mutex>&,
                 SteadyTime) const override {}

  Duration skew{0};

 private:
  const Clock& clock_;
};

}  // namespace zoe::sim_test
