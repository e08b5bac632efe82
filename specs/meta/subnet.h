// IPv4 subnets in CIDR notation, as overlay networks have them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zoe {

struct Subnet {
  uint32_t address = 0;  // host byte order; bits beyond the prefix are 0
  int prefix = 0;        // 0 .. 32

  uint64_t size() const { return uint64_t{1} << (32 - prefix); }
  uint64_t first() const { return address; }
  uint64_t last() const { return address + size() - 1; }
  bool Overlaps(const Subnet& other) const {
    return first() <= other.last() && other.first() <= last();
  }
  std::string ToString() const;  // "10.1.2.0/24"
  bool operator==(const Subnet&) const = default;
};

// "10.1.2.0/24"; an address alone is a /32. nullopt if it isn't one. Host bits are cut off:
// "10.1.2.3/24" is 10.1.2.0/24.
std::optional<Subnet> ParseSubnet(std::string_view text);

}  // namespace zoe
