// Whole schedules from a seed: a workload, and what goes wrong meanwhile.
#pragma once

#include <cstdint>

#include "test/sim/schedule.h"

namespace zoe::sim_test {

// Of each kSameUsers seeds in a row the users do the same.
inline constexpr uint64_t kSameUsers = 4;

Schedule MakeSchedule(uint64_t seed);

}  // namespace zoe::sim_test
