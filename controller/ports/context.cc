#include "controller/ports/context.h"

#include <cstdint>

namespace zoe {
namespace {

// splitmix64's finalizer: neighbouring inputs give unrelated outputs.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

Context Context::WithTimeout(Duration timeout) const {
  Context limited = *this;
  const SteadyTime now = clock.Now();
  // Compared as a difference in milliseconds so that a huge timeout can't overflow into the past.
  const auto left = std::chrono::duration_cast<Duration>(deadline - now);
  if (timeout < left) limited.deadline = now + timeout;
  return limited;
}

// The clock's nanoseconds are the source of chance: a run under a manual clock replays exactly.
Duration Context::Jittered(Duration d) const {
  const auto ticks = static_cast<uint64_t>(clock.Now().time_since_epoch().count());
  const double unit = static_cast<double>(Mix(ticks) >> 11) / 9007199254740992.0;  // [0, 1)
  return Duration(static_cast<Duration::rep>(static_cast<double>(d.count()) * (0.9 + 0.2 * unit)));
}

}  // namespace zoe
