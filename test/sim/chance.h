#pragma once

#include <cstdint>

namespace zoe::sim_test {

// From now on what the system calls random (getrandom: uids) is a function of the seed.
void SeedChance(uint64_t seed);

}  // namespace zoe::sim_test
