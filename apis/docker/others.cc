#include "apis/docker/others.h"

#include <algorithm>

namespace zoe::docker {
namespace {

// Looks are ever further apart. The tasks of a service come a moment after it, and what is to end
// has its grace period.
constexpr Duration kFirstPause{100}, kLastPause{2'000}, kLeast{1'000}, kMost{120'000};

// It will take room, or free some, soon. What finds no node says why in `error`.
bool IsUnsettled(const SwarmTask& task) {
  if (IsTerminal(task.state) || task.node_down) return false;
  if (task.desired_state > TaskState::kRunning) return !task.node_id.empty();
  return task.state < TaskState::kAssigned && task.error.empty();
}

}  // namespace

void Others::Begin(SteadyTime now) {
  happened_at_ = due_ = now;
  least_ = Duration(0);
  pause_ = kFirstPause;
}

void Others::Happened(SteadyTime now) {
  Begin(now);
  least_ = kLeast;
}

bool Others::Look(const std::vector<SwarmTask>& tasks,
                  const std::function<bool(const SwarmTask&)>& is_ours, SteadyTime now) {
  Reserved reserved;
  bool unsettled = false;
  for (const SwarmTask& task : tasks) {
    if (is_ours(task)) continue;
    unsettled = unsettled || IsUnsettled(task);
    const bool reserves = task.cpu_request_nano != 0 || task.memory_request_bytes != 0;
    if (IsTerminal(task.state) || task.node_id.empty() || !reserves) continue;
    auto& [cpu, memory] = reserved[task.node_id];
    cpu += task.cpu_request_nano;
    memory += task.memory_request_bytes;
  }
  const bool again = now - happened_at_ < (unsettled ? kMost : least_);
  due_ = again ? now + pause_ : SteadyTime::max();
  pause_ = std::min(pause_ * 2, kLastPause);
  if (reserved_ == reserved) return false;
  reserved_ = std::move(reserved);
  return true;
}

}  // namespace zoe::docker
