#include "controller/runtime/manual_clock.h"

#include <vector>

namespace zoe {

ManualClock::ManualClock(WallTime start) : wall_(start), now_(std::chrono::hours{1}) {}

WallTime ManualClock::WallNow() const {
  const MutexLock lock(mutex_);
  return wall_;
}

SteadyTime ManualClock::Now() const {
  const MutexLock lock(mutex_);
  return now_;
}

void ManualClock::WaitUntil(std::condition_variable& cv, std::unique_lock<std::mutex>& lock,
                            SteadyTime deadline) const {
  std::list<Waiter>::iterator self;
  {
    const MutexLock own(mutex_);
    if (now_ >= deadline) return;
    self = waiters_.insert(waiters_.end(), Waiter{&cv, lock.mutex(), deadline});
    changed_.notify_all();
  }
  cv.wait(lock);
  // Advance may hold `self` and wait for the caller's mutex: give it away until Advance is through.
  lock.unlock();
  {
    MutexLock own(mutex_);
    while (self->being_woken) changed_.wait(own.native());
    waiters_.erase(self);
  }
  lock.lock();
}

void ManualClock::Advance(Duration by) {
  std::vector<std::list<Waiter>::iterator> due;
  {
    const MutexLock lock(mutex_);
    wall_ += by;
    now_ += by;
    for (auto it = waiters_.begin(); it != waiters_.end(); ++it) {
      if (it->deadline > now_ || it->being_woken) continue;
      it->being_woken = true;
      due.push_back(it);
    }
  }
  // With the waiter's own mutex held it is either in cv.wait already, or gone from it: no wake-up
  // is lost.
  for (const auto& waiter : due) {
    const std::lock_guard lock(*waiter->mutex);
    waiter->cv->notify_all();
  }
  const MutexLock lock(mutex_);
  for (const auto& waiter : due) waiter->being_woken = false;
  changed_.notify_all();
}

void ManualClock::AdvanceTo(SteadyTime when) {
  const SteadyTime now = Now();
  if (when > now) Advance(std::chrono::ceil<Duration>(when - now));
}

bool ManualClock::AwaitWaiters(int count) const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  MutexLock lock(mutex_);
  while (static_cast<int>(waiters_.size()) < count) {
    if (changed_.wait_until(lock.native(), deadline) == std::cv_status::timeout) return false;
  }
  return true;
}

}  // namespace zoe
