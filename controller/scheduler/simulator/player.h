// Who decides, while a world goes by.
#pragma once

#include <memory>

#include "controller/scheduler/simulator/world.h"

namespace zoe::scheduler::simulator {

class Player {
 public:
  virtual ~Player() = default;
  virtual void Submitted(const World& world, int job) = 0;
  virtual void Ended(const World& world, int job) = 0;
  // Adds and removes replicas. Asked after everything that happened at one time. Answers when it
  // wants to be asked again though nothing happens; nullopt: never.
  virtual std::optional<Duration> Decide(World& world) = 0;
};

}  // namespace zoe::scheduler::simulator
