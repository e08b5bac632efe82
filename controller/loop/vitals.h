// What an operator has to know of the world around this process: whether store and Swarm answer,
// which nodes are down, and whether its own time runs as it should.
#pragma once

#include <condition_variable>
#include <map>
#include <stop_token>
#include <string>
#include <thread>

#include "controller/ports/clock.h"
#include "controller/ports/store.h"
#include "controller/ports/swarm.h"
#include "controller/runtime/metrics.h"
#include "controller/runtime/mutex.h"

namespace zoe {

// Looks every five seconds, on a thread of its own, and decides nothing: gauges say what is, log
// lines what has changed. Every process does so, whether it leads or not.
class Vitals {
 public:
  Vitals(Store& store, Swarm& swarm, const Clock& clock, Metrics& metrics);
  ~Vitals() { Stop(); }

  void Start();
  void Stop();
  // One look; what the thread does. At most five seconds.
  void Look();

 private:
  void Run();
  void LookAtTime();
  void LookAtNodes(const std::vector<SwarmNode>& nodes);
  struct Words {
    const char *good, *bad;
  };
  void Tell(bool answers, const Error* why, Gauge& gauge, bool& told, const Words& words);

  Store& store_;
  Swarm& swarm_;
  const Clock& clock_;
  Gauge &store_up_, &swarm_up_, &nodes_ready_, &nodes_down_;
  Counter &clock_jumps_, &stalls_;

  // Those of the thread that looks.
  bool store_answers_ = true, swarm_answers_ = true;
  std::map<std::string, bool> nodes_;  // by name: ready
  SteadyTime due_{};                   // when this look was to be; none before the first
  SteadyTime looked_at_{};
  WallTime wall_at_{};

  std::stop_source stop_;
  mutable Mutex mutex_;
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace zoe
