#include "reconcilers/execution/execution_reconciler.h"

#include <tuple>

#include "reconcilers/execution/execute.h"
#include "reconcilers/execution/status.h"
#include "specs/v1/quota.h"
#include "specs/v1/user.h"

namespace zoe {
namespace {

using namespace execution;

constexpr Duration kSettle{1'000};        // after acting, should the Swarm's hint get lost
constexpr Duration kAtOnce{1};            // the end is reported: now what still runs can go
constexpr Duration kConvergence{10'000};  // how long tasks are watched closely

bool IsRefusal(const Error& error) {
  return error.code == Code::kInvalid || error.code == Code::kAlreadyExists ||
         error.reason == "WorkspaceUnavailable" || error.reason == "PoolExhausted";
}

// How long executions may run may be another time now.
bool ConcernsRuntime(const CacheEvent& event) {
  if (event.entry->key.kind == "Quota") {
    const auto told = [](const Entry& entry) {
      const v1::QuotaSpec& spec = static_cast<const v1::Quota&>(*entry.object).spec;
      return std::tuple(v1::RuntimeOf(spec), spec.roles);
    };
    return !event.previous || told(*event.previous) != told(*event.entry);
  }
  if (event.entry->key.kind != "User") return false;
  const auto told = [](const Entry& entry) {
    const v1::UserSpec& spec = static_cast<const v1::User&>(*entry.object).spec;
    return std::tuple(spec.quota, spec.role);
  };
  return !event.previous || told(*event.previous) != told(*event.entry);
}

}  // namespace

ExecutionReconciler::ExecutionReconciler(Ports ports, ExecutionOptions options)
    : ports_(ports), options_(std::move(options)) {}

Expected<Result> ExecutionReconciler::Reconcile(const Context& ctx, const Key&,
                                                StatusDraft& draft) {
  if (!draft.object) return Result{};  // deleted and cleaned up
  const v1::Execution before = static_cast<const v1::Execution&>(*draft.object);
  const WallTime now = ctx.clock.WallNow();
  ZOE_ASSIGN(Observed observed, Observe(ctx, ports_, before));
  const Expected<Picture> picture = Assess(before, std::move(observed), now, options_);
  if (!picture.ok()) {
    ReportInvalid(before, picture.error(), now, draft);
    return picture.error();
  }
  const std::vector<Action> actions = Plan(*picture);
  Report(*picture, draft);  // before acting: a failed action must not hide what was seen
  const bool settled = IsSettled(*picture, actions);
  if (!settled) ports_.swarm.ExpectChanges(kConvergence);
  const Expected<void> done = Execute(ctx, ports_, actions, draft);
  if (!done.ok()) {
    IsRefusal(done.error()) ? ReportRefusal(before, done.error(), now, draft)
                            : ReportUnfinished(before, draft);
    return done.error();
  }
  const Duration next =
      NextDeadline(*picture, static_cast<const v1::Execution&>(*draft.object).status);
  if (picture->ended()) return Result{.requeue_after = kAtOnce};
  // The last task of what was removed: should the hint of its end get lost.
  if (picture->mode == Mode::kTerminating && !settled && actions.empty())
    return Result{.requeue_after = kConvergence};
  if (actions.empty()) return Result{.requeue_after = next};
  return Result{.requeue_after = next == Duration(0) ? kSettle : std::min(next, kSettle)};
}

void ExecutionsConcernedBy(const Cache& cache, const CacheEvent& event, std::vector<Key>& keys) {
  if (!ConcernsPlace(event) && !ConcernsRuntime(event)) return;
  const bool everybody = event.entry->key.kind == "Quota";
  const std::string ns = everybody ? "" : NamespaceOf(event.entry->key);
  for (const EntryPtr& entry : cache.List("Execution", ns).entries) {
    const auto& execution = static_cast<const v1::Execution&>(*entry->object);
    if (ModeOf(execution) == Mode::kActive) keys.push_back(entry->key);
  }
}

}  // namespace zoe
