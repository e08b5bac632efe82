#include "reconcilers/gateway/effects.h"

#include <optional>

#include "reconcilers/gateway/observe.h"
#include "specs/v1/user.h"

namespace zoe::gateway {
namespace {

// What would stand for the gateway; nothing where there is none or it may not run.
std::optional<SwarmServiceSpec> SpecOf(const Cache& cache, const v1::Gateway* gateway,
                                       const v1::User* user, const Options& options) {
  if (gateway == nullptr || ModeOf(*gateway, user) != Mode::kOpen) return {};
  const Access access = AccessOf(cache, *gateway, user);
  return ToSwarmService(*gateway, SecretsOf(*gateway, access, options), {}, options);
}

std::vector<std::string> Compare(const std::string& name,
                                 const std::optional<SwarmServiceSpec>& from,
                                 const std::optional<SwarmServiceSpec>& to) {
  const std::string container = "gateway " + name + ": 1 container would be ";
  if (!from && to) return {container + "started"};
  if (from && !to) return {container + "removed"};
  if (!from || SameTasks(*from, *to)) return {};
  return {container + "restarted (" + DescribeChange(*from, *to) + ")"};
}

}  // namespace

std::vector<std::string> EffectsOn(const Cache& cache, const Options& options,
                                   const ObjectBase* before, const ObjectBase& after) {
  if (const auto* gateway = dynamic_cast<const v1::Gateway*>(&after)) {
    const auto user = cache.Get<v1::User>({"User", "", after.meta.ns});
    const auto* old = dynamic_cast<const v1::Gateway*>(before);
    return Compare(after.meta.name, SpecOf(cache, old, user.get(), options),
                   SpecOf(cache, gateway, user.get(), options));
  }
  const auto* user = dynamic_cast<const v1::User*>(&after);
  if (user == nullptr) return {};
  const std::string& ns = after.meta.name;
  const auto gateway = cache.Get<v1::Gateway>({"Gateway", ns, ns});
  if (before == nullptr && !gateway && user->spec.enabled)
    return Compare(ns, {}, SwarmServiceSpec{});
  const auto* old = dynamic_cast<const v1::User*>(before);
  return Compare(ns, SpecOf(cache, gateway.get(), old, options),
                 SpecOf(cache, gateway.get(), user, options));
}

}  // namespace zoe::gateway
