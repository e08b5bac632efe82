// Amounts of CPU and memory, as objects of the API tell them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "specs/codec/value.h"

namespace zoe::cli {

struct Capacity {
  int64_t cpu = 0, memory = 0;  // in thousandths of a CPU, and bytes
  Capacity& operator+=(const Capacity& more) {
    cpu += more.cpu;
    memory += more.memory;
    return *this;
  }
};

// Of the members cpu and memory of what is at `path`; what isn't there is 0.
Capacity CapacityAt(const codec::Value& value, std::string_view path);
// What containers can reserve of a node.
Capacity CapacityOfNode(const codec::Value& node);

std::string Cores(int64_t milli);                  // "1.5"
std::string Percent(int64_t part, int64_t whole);  // "25%"; "-" of nothing

}  // namespace zoe::cli
