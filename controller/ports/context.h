#pragma once

#include <stop_token>

#include "controller/ports/clock.h"

namespace zoe {

// What a call that may block is given: the time, when to stop, and how long it may take. Cheap to
// copy.
struct Context {
  const Clock& clock;
  std::stop_token stop = {};
  SteadyTime deadline = SteadyTime::max();

  bool Done() const { return stop.stop_requested() || clock.Now() >= deadline; }
  // The same with at most `timeout` from now.
  Context WithTimeout(Duration timeout) const;
  // `d` +- 10 %, so that resyncs of many keys spread out.
  Duration Jittered(Duration d) const;
};

}  // namespace zoe
