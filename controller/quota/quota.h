// Which Quota limits whom. A namespace is a user's: what stands in it counts against the user's
// Quota, whoever made it.
#pragma once

#include <memory>
#include <string>

#include "controller/cache/cache.h"
#include "controller/scheduler/scheduler.h"
#include "specs/v1/quota.h"
#include "specs/v1/user.h"

namespace zoe {

// The Quota of a user: the one that spec.quota names; without that, or while there is no such
// Quota, the one whose roles have the user's, the first by name should there be several. nullptr:
// no limits.
std::shared_ptr<const v1::Quota> QuotaOf(const Cache& cache, const v1::User& user);
// Of the User whose namespace it is; nullptr too where there is no such User.
std::shared_ptr<const v1::Quota> QuotaOf(const Cache& cache, const std::string& ns);

// What the scheduler is to know of that: SetLimits(ns, LimitsOf(cache, ns)). Changes with the
// User of the namespace and with any Quota.
scheduler::Limits LimitsOf(const Cache& cache, const std::string& ns);

// What the executions of a namespace count for together, but for one (its name; empty: none), by
// `count` of each.
v1::Usage UsageOf(const Cache& cache, const std::string& ns, const std::string& without = {},
                  v1::Usage (*count)(const v1::Execution&) = v1::CountedOf);

}  // namespace zoe
