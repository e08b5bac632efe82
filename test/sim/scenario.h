#pragma once

#include <functional>

#include "test/sim/world.h"

namespace zoe::sim_test {

struct Scenario {
  const char* name;
  std::function<void(World&)> play;
};

// Runs it without a fault, then with each of its writes hit by each fault: the end must be the
// same. ZOE_SIM_FAULT=crash:7 in the environment runs that one alone.
void PlayWithEachFault(const Scenario& scenario);

}  // namespace zoe::sim_test
