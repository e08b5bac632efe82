#include "test/sim/chance.h"

#include <sys/random.h>

#include <algorithm>
#include <cstring>
#include <random>

namespace {

std::mt19937_64 chance;

}  // namespace

// Instead of the C library's.
extern "C" ssize_t getrandom(void* buffer, size_t length, unsigned) {
  auto* bytes = static_cast<unsigned char*>(buffer);
  for (size_t i = 0; i < length; i += sizeof(uint64_t)) {
    const uint64_t word = chance();
    std::memcpy(bytes + i, &word, std::min(sizeof word, length - i));
  }
  return static_cast<ssize_t>(length);
}

namespace zoe::sim_test {

void SeedChance(uint64_t seed) { chance.seed(seed); }

}  // namespace zoe::sim_test
