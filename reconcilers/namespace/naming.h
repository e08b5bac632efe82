// Names that are derived from others: the same each time, short enough for Swarm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zoe {

// SwarmKit's controlapi: names of services and networks are DNS labels.
inline constexpr size_t kMaxSwarmName = 63;

// FNV-1a with a separator, so that ("ab", "c") and ("a", "bc") differ. Stable for ever: names made
// of it stand in the Swarm. No protection against somebody who wants two things to be alike.
class Fingerprint {
 public:
  Fingerprint& Add(std::string_view text);
  Fingerprint& Add(int64_t number);
  Fingerprint& Add(const std::vector<std::string>& list);
  uint64_t value() const { return hash_; }
  std::string Hex(size_t digits) const;  // at most 16

 private:
  void Byte(unsigned char c) { hash_ = (hash_ ^ c) * 0x100000001b3ull; }
  uint64_t hash_ = 0xcbf29ce484222325ull;
};

// The first `size` bytes, without '-' at the end.
std::string Shorten(std::string_view text, size_t size);

}  // namespace zoe
