#pragma once

#include <list>

#include "controller/ports/clock.h"
#include "controller/runtime/mutex.h"

namespace zoe {

// A clock that stands still until Advance. Calendar and steady time move together. For tests and
// simulations, with one thread or many.
class ManualClock : public Clock {
 public:
  // Steady time starts at one hour, so that "an hour ago" is a valid time.
  explicit ManualClock(WallTime start = WallTime{std::chrono::seconds{1'700'000'000}});

  WallTime WallNow() const override;
  SteadyTime Now() const override;
  void WaitUntil(std::condition_variable& cv, std::unique_lock<std::mutex>& lock,
                 SteadyTime deadline) const override;

  // Moves time and wakes every waiter whose deadline has come. The caller must not hold a mutex
  // that a waiter uses.
  void Advance(Duration by);
  // Moves to `when` if that is later than now.
  void AdvanceTo(SteadyTime when);
  // Returns when at least `count` threads wait on this clock (for a deadline or a notification);
  // false after 10 s of real time.
  bool AwaitWaiters(int count) const;

 private:
  struct Waiter {
    std::condition_variable* cv = nullptr;
    std::mutex* mutex = nullptr;
    SteadyTime deadline;
    bool being_woken = false;  // Advance uses the pointers: the waiter must not leave yet
  };

  mutable Mutex mutex_;
  mutable std::condition_variable changed_;
  mutable std::list<Waiter> waiters_ ZOE_GUARDED_BY(mutex_);
  WallTime wall_ ZOE_GUARDED_BY(mutex_);
  SteadyTime now_ ZOE_GUARDED_BY(mutex_);
};

}  // namespace zoe
