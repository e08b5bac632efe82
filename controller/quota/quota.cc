#include "controller/quota/quota.h"

#include <algorithm>
#include <limits>

namespace zoe {
namespace {

constexpr int64_t kNanoPerMilli = 1'000'000;

int64_t Nano(int64_t milli) {
  int64_t nano = 0;
  return __builtin_mul_overflow(milli, kNanoPerMilli, &nano) ? std::numeric_limits<int64_t>::max()
                                                             : nano;
}

}  // namespace

std::shared_ptr<const v1::Quota> QuotaOf(const Cache& cache, const v1::User& user) {
  if (!user.spec.quota.empty()) {
    if (auto named = cache.Get<v1::Quota>({"Quota", "", user.spec.quota})) return named;
  }
  for (const EntryPtr& entry : cache.List("Quota").entries) {
    auto quota = std::static_pointer_cast<const v1::Quota>(entry->object);
    if (std::ranges::find(quota->spec.roles, user.spec.role) != quota->spec.roles.end())
      return quota;
  }
  return nullptr;
}

std::shared_ptr<const v1::Quota> QuotaOf(const Cache& cache, const std::string& ns) {
  const auto user = cache.Get<v1::User>({"User", "", ns});
  return user ? QuotaOf(cache, *user) : nullptr;
}

scheduler::Limits LimitsOf(const Cache& cache, const std::string& ns) {
  scheduler::Limits limits;
  const auto quota = QuotaOf(cache, ns);
  if (!quota) return limits;
  limits.quota = quota->meta.name;
  limits.executions = quota->spec.executions;
  limits.services = quota->spec.services;
  if (quota->spec.cpu) limits.cpu_nano = Nano(quota->spec.cpu->milli());
  if (quota->spec.memory) limits.memory_bytes = quota->spec.memory->whole();
  return limits;
}

v1::Usage UsageOf(const Cache& cache, const std::string& ns, const std::string& without,
                  v1::Usage (*count)(const v1::Execution&)) {
  v1::Usage sum;
  for (const EntryPtr& entry : cache.List("Execution", ns).entries) {
    if (entry->key.name == without) continue;
    sum = sum + count(static_cast<const v1::Execution&>(*entry->object));
  }
  return sum;
}

}  // namespace zoe
