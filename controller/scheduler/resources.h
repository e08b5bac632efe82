// Arithmetic of what replicas take and nodes have.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "controller/scheduler/scheduler.h"

namespace zoe::scheduler {

// What can't be counted stays at the greatest number, or the smallest.
inline int64_t Sum(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

inline int64_t Product(int64_t a, int64_t b) {
  int64_t product = 0;
  if (!__builtin_mul_overflow(a, b, &product)) return product;
  return (a < 0) != (b < 0) ? std::numeric_limits<int64_t>::min()
                            : std::numeric_limits<int64_t>::max();
}

inline void Add(Resources& to, const Resources& what, int64_t times = 1) {
  to.cpu_nano = Sum(to.cpu_nano, Product(what.cpu_nano, times));
  to.memory_bytes = Sum(to.memory_bytes, Product(what.memory_bytes, times));
}

// What isn't asked for need not be there: a replica that reserves nothing fits on every node.
inline bool Fits(const Resources& request, const Resources& free) {
  return (request.cpu_nano <= free.cpu_nano || request.cpu_nano == 0) &&
         (request.memory_bytes <= free.memory_bytes || request.memory_bytes == 0);
}

// How many such replicas fit, at most `most`.
inline int32_t Slots(const Resources& free, const Resources& request, int32_t most) {
  if (!Fits(request, free)) return 0;
  int64_t slots = most;
  if (request.cpu_nano > 0) slots = std::min(slots, free.cpu_nano / request.cpu_nano);
  if (request.memory_bytes > 0) slots = std::min(slots, free.memory_bytes / request.memory_bytes);
  return static_cast<int32_t>(slots);
}

// The larger of the two parts of `whole` that `what` is.
inline double DominantShare(const Resources& what, const Resources& whole) {
  const auto part = [](int64_t a, int64_t b) {
    return b > 0 ? static_cast<double>(a) / static_cast<double>(b) : 0.0;
  };
  return std::max(part(what.cpu_nano, whole.cpu_nano), part(what.memory_bytes, whole.memory_bytes));
}

}  // namespace zoe::scheduler
