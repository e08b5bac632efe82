#pragma once

#include <atomic>
#include <stop_token>

#include "controller/ports/clock.h"

namespace zoe {

// What a call that may block is given: the time, when to stop, how long it may take and until when
// it may change anything. Cheap to copy.
struct Context {
  const Clock& clock;
  std::stop_token stop = {};
  SteadyTime deadline = SteadyTime::max();
  // The lease of the leader on whose behalf this happens; moved by its renewals. Null: for ever.
  const std::atomic<SteadyTime>* lease = nullptr;

  bool Done() const { return stop.stop_requested() || clock.Now() >= deadline; }
  // Asked by adapters of the Swarm right before a write is sent.
  bool MayWrite() const { return lease == nullptr || clock.Now() < lease->load(); }
  // The same with at most `timeout` from now.
  Context WithTimeout(Duration timeout) const;
  // `d` +- 10 %, so that resyncs of many keys spread out.
  Duration Jittered(Duration d) const;
};

}  // namespace zoe
