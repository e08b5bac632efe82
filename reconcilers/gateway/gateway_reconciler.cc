#include "reconcilers/gateway/gateway_reconciler.h"

#include "reconcilers/gateway/execute.h"
#include "reconcilers/gateway/status.h"
#include "specs/v1/user.h"

namespace zoe {
namespace {

using namespace gateway;

constexpr Duration kSettle{1'000};        // after acting, should the Swarm's hint get lost
constexpr Duration kNetwork{200};         // until a network that was just made has addresses
constexpr Duration kConvergence{10'000};  // how long tasks are watched closely

std::string NetworkState(const ObjectBase& user) {
  const auto& conditions = static_cast<const v1::User&>(user).status.conditions;
  const Condition* condition = FindCondition(conditions, "NetworkReady");
  return condition == nullptr ? "" : condition->status;
}

// What a gateway depends on: the spec, and whether there is a network.
bool Matters(const CacheEvent& event) {
  if (event.type != ChangeType::kModified || !event.previous) return true;
  const ObjectBase& now = *event.entry->object;
  const ObjectBase& before = *event.previous->object;
  return now.meta.generation != before.meta.generation ||
         !event.entry->kind->spec_equal(now, before) || NetworkState(now) != NetworkState(before);
}

}  // namespace

GatewayReconciler::GatewayReconciler(Swarm& swarm, Store& store, const Cache& cache,
                                     Networks& networks, GatewayOptions options)
    : swarm_(swarm),
      store_(store),
      cache_(cache),
      networks_(networks),
      options_(std::move(options)) {}

Expected<Result> GatewayReconciler::Reconcile(const Context& ctx, const Key&, StatusDraft& draft) {
  if (!draft.object) return Result{};  // deleted and cleaned up
  const v1::Gateway before = static_cast<const v1::Gateway&>(*draft.object);
  const WallTime now = ctx.clock.WallNow();
  const Expected<Observed> observed =
      Observe(ctx, {swarm_, store_, cache_, networks_}, before, options_);
  if (!observed.ok()) {
    if (observed.error().code == Code::kInvalid) ReportFailure(observed.error(), now, draft);
    return observed.error();
  }
  const std::vector<Action> actions = Plan(before, *observed, options_);
  Report(before, *observed, options_, now, draft);
  const bool settled =
      actions.empty() && IsSettled(*observed, static_cast<const v1::Gateway&>(*draft.object));
  if (!settled) swarm_.ExpectChanges(kConvergence);
  if (const auto done = Execute(ctx, swarm_, actions, draft); !done.ok()) {
    ReportFailure(done.error(), now, draft);
    return done.error();
  }
  if (settled) return Result{};
  const bool waits = observed->mode == Mode::kOpen && !observed->network;
  return Result{.requeue_after = waits ? kNetwork : kSettle};
}

void GatewayReconciler::Related(const Cache& cache, const CacheEvent& event,
                                std::vector<Key>& keys) {
  const Key& key = event.entry->key;
  const bool user = key.kind == "User";
  if (!user && key.kind != "Credential") return;
  const std::string& ns = user ? key.name : key.ns;
  const Key gateway{"Gateway", ns, ns};
  if (user && !Matters(event)) return;
  if (cache.Get(gateway)) keys.push_back(gateway);
}

}  // namespace zoe
