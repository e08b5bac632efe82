#include "specs/meta/meta.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace zoe {

void SetCondition(std::vector<Condition>& conditions, Condition condition, WallTime now) {
  const auto at = std::find_if(conditions.begin(), conditions.end(),
                               [&](const Condition& c) { return c.type == condition.type; });
  if (at == conditions.end()) {
    condition.last_transition_time = now;
    conditions.push_back(std::move(condition));
    return;
  }
  const bool same = at->status == condition.status && at->last_transition_time.has_value();
  condition.last_transition_time = same ? at->last_transition_time : now;
  *at = std::move(condition);
}

const Condition* FindCondition(const std::vector<Condition>& conditions, std::string_view type) {
  for (const Condition& condition : conditions) {
    if (condition.type == type) return &condition;
  }
  return nullptr;
}

std::string NewUid() {
  unsigned char bytes[16];
  // Up to 256 bytes come whole, or not at all when a signal came before the kernel's pool was
  // ready: getrandom(2).
  while (getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) {
    if (errno != EINTR) std::abort();
  }
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);  // version 4
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);  // variant of RFC 4122
  static constexpr char kHex[] = "0123456789abcdef";
  std::string uid;
  uid.reserve(36);
  for (size_t i = 0; i < sizeof bytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) uid += '-';
    uid += kHex[bytes[i] >> 4];
    uid += kHex[bytes[i] & 15];
  }
  return uid;
}

}  // namespace zoe
