#include "controller/runtime/system_clock.h"

namespace zoe {

WallTime SystemClock::WallNow() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

SteadyTime SystemClock::Now() const { return std::chrono::steady_clock::now(); }

void SystemClock::WaitUntil(std::condition_variable& cv, std::unique_lock<std::mutex>& lock,
                            SteadyTime deadline) const {
  // wait_until overflows inside some C libraries when given the end of time.
  if (deadline == SteadyTime::max()) {
    cv.wait(lock);
  } else {
    cv.wait_until(lock, deadline);
  }
}

}  // namespace zoe
