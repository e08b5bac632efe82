#include "reconcilers/user/user_reconciler.h"

#include <algorithm>

#include "reconcilers/user/execute.h"
#include "reconcilers/user/status.h"

namespace zoe {
namespace {

using namespace user;

constexpr Duration kAtOnce{1};      // the finalizer is written
constexpr Duration kSettle{1'000};  // after acting, and while the network is in use
constexpr Duration kNameBusy{500};  // a removed network's name stays taken for some seconds
constexpr Duration kAddresses{50};  // until a network that was made has them
constexpr Duration kUnwatched{30'000};

const std::vector<Condition>& ConditionsOf(const Entry& entry) {
  return entry.key.kind == "Workspace"
             ? static_cast<const v1::Workspace&>(*entry.object).status.conditions
             : static_cast<const v1::Gateway&>(*entry.object).status.conditions;
}

bool ReadyDiffers(const CacheEvent& event) {
  if (event.previous == nullptr) return true;
  const Condition* now = FindCondition(ConditionsOf(*event.entry), "Ready");
  const Condition* before = FindCondition(ConditionsOf(*event.previous), "Ready");
  if (now == nullptr || before == nullptr) return now != before;
  return now->status != before->status || now->reason != before->reason ||
         now->message != before->message;
}

// Makes or removes the network, or waits for that.
bool ConcernsNetwork(const Error& error) {
  return error.code == Code::kInvalid || error.code == Code::kAlreadyExists ||
         error.reason == "PoolExhausted" || error.reason == "NetworkInUse";
}

}  // namespace

UserReconciler::UserReconciler(const Cache& cache, Store& store, Swarm& swarm, Networks& networks)
    : cache_(cache), store_(store), swarm_(swarm), networks_(networks) {}

void UserReconciler::Related(const Cache& cache, const CacheEvent& event, std::vector<Key>& keys) {
  const Key& key = event.entry->key;
  if (key.ns.empty() || key.kind == "Event") return;
  const bool part = key.kind == "Workspace" || key.kind == "Gateway";
  if (part && event.type == ChangeType::kModified) {
    if (ReadyDiffers(event)) keys.push_back({"User", "", key.ns});
    return;
  }
  if (event.type != ChangeType::kDeleted) return;
  const auto user = cache.Get<v1::User>({"User", "", key.ns});
  if (user && (part || user->meta.deletion_timestamp)) keys.push_back({"User", "", key.ns});
}

Expected<Result> UserReconciler::Reconcile(const Context& ctx, const Key&, StatusDraft& draft) {
  if (!draft.object) return Result{};  // deleted and cleaned up
  const v1::User before = static_cast<const v1::User&>(*draft.object);
  const bool held = std::ranges::count(before.meta.finalizers, v1::kUserFinalizer) > 0;
  if (!held && before.meta.deletion_timestamp) return Result{};  // somebody else's finalizer
  if (!held) {
    // First, so that nothing stands of a User that can vanish without us.
    draft.object->meta.finalizers.emplace_back(v1::kUserFinalizer);
    return Result{.requeue_after = kAtOnce};
  }
  const WallTime now = ctx.clock.WallNow();
  ZOE_ASSIGN(Observed observed, Observe(ctx, {cache_, store_, networks_}, before));
  const std::vector<Action> actions = Plan(before, observed);
  Report(before, observed, networks_.options(), now,
         draft);  // a failure must not hide what is seen
  const Expected<void> done =
      Execute(ctx, {store_, swarm_, networks_}, before, actions, observed, draft);
  if (!done.ok()) {
    if (ConcernsNetwork(done.error())) ReportNetwork(before, done.error(), now, draft);
    if (done.error().reason == "NetworkBusy") return Result{.requeue_after = kNameBusy};
    if (done.error().reason == "NetworkInUse") return Result{.requeue_after = kSettle};
    return done.error();
  }
  if (!actions.empty()) Report(before, observed, networks_.options(), now, draft);
  if (observed.network && !observed.network->allocated)
    return Result{.requeue_after = actions.empty() ? kSettle : kAddresses};
  if (!actions.empty()) return Result{.requeue_after = kSettle};
  const bool waits = observed.stranger || !before.spec.enabled;
  return Result{.requeue_after = waits ? ctx.Jittered(kUnwatched) : Duration(0)};
}

}  // namespace zoe
