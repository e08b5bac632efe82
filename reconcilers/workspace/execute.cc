#include "reconcilers/workspace/execute.h"

#include "controller/runtime/log.h"

namespace zoe::workspace {
namespace {

class Executor {
 public:
  Executor(Files& files, Measurements& measurements, const Observed& observed,
           const WorkspaceOptions& options)
      : files_(files), measurements_(measurements), observed_(observed), options_(options) {}

  Expected<void> operator()(const EnsureTree& ensure) {
    ZOE_TRY(files_.EnsureTree(observed_.tree, observed_.owner, ensure.make));
    const bool present = observed_.look->state == TreeLook::State::kPresent;
    (present ? done.mended : done.made) = true;
    return {};
  }

  Expected<void> operator()(const Measure&) {
    auto counted = measurements_.Step(files_, observed_, options_.step);
    done.uncounted = !counted.ok();
    if (!counted.ok()) {
      log::Warn("a workspace's files could not be counted",
                {{"reason", counted.error().reason}, {"error", counted.error().message}});
      return {};
    }
    done.usage = *counted;
    done.more = !done.usage;
    return {};
  }

  Expected<void> operator()(const RemoveTree&) {
    ZOE_ASSIGN(done.removed, files_.RemoveTree(observed_.tree, options_.step));
    done.more = !done.removed;
    return {};
  }

  Expected<void> operator()(const Release&) { return {}; }

  Done done;

 private:
  Files& files_;
  Measurements& measurements_;
  const Observed& observed_;
  const WorkspaceOptions& options_;
};

}  // namespace

Expected<std::optional<Usage>> Measurements::Step(Files& files, const Observed& observed,
                                                  const StepBudget& budget) {
  const Key key{"Workspace", observed.workspace.meta.ns, observed.workspace.meta.name};
  Going going;
  {
    const std::lock_guard lock(mutex_);
    if (auto node = going_.extract(key)) going = std::move(node.mapped());
  }
  if (!going.count || going.path != observed.tree.path()) {
    going.path = observed.tree.path();
    ZOE_ASSIGN(going.count, files.Measure(observed.tree));
  }
  auto usage = going.count->Step(budget);
  if (usage.ok() && !usage->has_value()) {
    const std::lock_guard lock(mutex_);
    going_[key] = std::move(going);
  }
  return usage;
}

void Measurements::Forget(const Key& key) {
  const std::lock_guard lock(mutex_);
  going_.erase(key);
}

Done Execute(Files& files, Measurements& measurements, const Observed& observed, const Plan& plan,
             const WorkspaceOptions& options) {
  Executor executor(files, measurements, observed, options);
  for (const Action& action : plan.actions) {
    const Expected<void> done = std::visit(executor, action);
    if (done.ok()) continue;
    executor.done.failed = done.error();
    break;
  }
  return std::move(executor.done);
}

}  // namespace zoe::workspace
