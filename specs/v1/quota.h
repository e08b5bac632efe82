// Quota: what each user to whom it is given may have at one time, and what counts against it. Field
// docs, defaults and bounds stand in quota.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "specs/meta/meta.h"
#include "specs/meta/quantity.h"
#include "specs/meta/time.h"
#include "specs/v1/execution.h"

namespace zoe::v1 {

// Limits; absent: none.
struct QuotaSpec {
  std::vector<std::string> roles;  // whose users have this Quota if they name none
  std::optional<int64_t> executions, services;
  std::optional<Quantity> cpu, memory;
  std::string runtime;  // of each execution; a duration, empty: no limit
  std::optional<int32_t> max_priority;
  bool operator==(const QuotaSpec&) const = default;
};

struct QuotaStatus {
  bool operator==(const QuotaStatus&) const = default;
};

using Quota = Object<QuotaSpec, QuotaStatus>;

// What executions need, or have.
struct Usage {
  int64_t executions = 0, services = 0;
  int64_t cpu_milli = 0, memory_bytes = 0;
  bool operator==(const Usage&) const = default;
};
// Sums that can't be counted stay at the greatest number.
Usage operator+(const Usage& a, const Usage& b);
Usage operator*(const Usage& usage, int64_t times);

// What Swarm reserves for one replica: what is requested, else the limit.
Usage RequestsOf(const Service& service);
// What an execution counts for: itself, its services, and the requests of its essential replicas,
// without which it doesn't run. Nothing if it is finished, suspended or being deleted.
Usage CountedOf(const Execution& execution);

// The same with the elastic replicas that are granted.
Usage HeldOf(const Execution& execution);

// True if `wanted` counts for more of anything than `before` did (null: it is new).
bool WantsMore(const Execution& wanted, const Execution* before);

// True if elastic replicas that are granted request more in `wanted` than they did: what the
// scheduler has held to the limits already.
bool EnlargesGranted(const Execution& wanted, const Execution& before);

// spec.runtime; nullopt: no limit.
std::optional<Duration> RuntimeOf(const QuotaSpec& spec);

// One limit and what is held against it; texts as people write them: "cpu", "500m".
struct QuotaLine {
  std::string_view name;  // executions, services, cpu, memory
  std::string limit, used;
  bool over = false;  // used is more than limit
};
// Of the limits that `spec` has.
std::vector<QuotaLine> CompareWithQuota(const QuotaSpec& spec, const Usage& used);

// Whether `wanted` may stand beside executions that count for `others`. `before`: what it was until
// now, null if it is new; a limit of which it wants no more than that refuses nothing, however much
// is used. kForbidden, in Kubernetes' words, with a cause for each limit: limit, use and request.
// `count` says what an execution counts for, as it did for others.
Expected<void> CheckQuota(const Quota& quota, const Execution& wanted, const Execution* before,
                          const Usage& others, Usage (*count)(const Execution&) = CountedOf);

}  // namespace zoe::v1
