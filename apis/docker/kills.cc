#include "apis/docker/kills.h"

#include <algorithm>

#include "apis/docker/json.h"

namespace zoe::docker {
namespace {

constexpr int kKilled = 137;  // 128 + SIGKILL
constexpr Duration kLimit{1'000}, kPause{2'000};
constexpr size_t kMost = 4096;

bool Concerns(const SwarmTask& task) {
  return task.state == TaskState::kFailed && task.exit_code == kKilled &&
         !task.container_id.empty() && !task.node_down;
}

}  // namespace

const std::optional<bool>* Kills::Known(const SwarmTask& task) const {
  const auto it = known_.find(task.id);
  return it == known_.end() ? nullptr : &it->second;
}

bool Kills::MayAsk(const SwarmTask& task, SteadyTime now) const {
  const auto silent = silent_.find(task.node_id);
  return Concerns(task) && Known(task) == nullptr &&
         (silent == silent_.end() || now - silent->second >= kPause);
}

bool Kills::NeedsNodes(const std::vector<SwarmTask>& tasks, SteadyTime now) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(tasks, [&](const SwarmTask& t) { return MayAsk(t, now); });
}

void Kills::Describe(const Context& ctx, const std::vector<SwarmNode>& nodes,
                     std::vector<SwarmTask>& tasks) {
  const Context limited = ctx.WithTimeout(kLimit);
  for (SwarmTask& task : tasks) {
    if (!Concerns(task)) continue;
    {
      const std::lock_guard lock(mutex_);
      if (const auto* known = Known(task)) task.out_of_memory = *known;
      if (!MayAsk(task, ctx.clock.Now())) continue;
    }
    const auto node = std::ranges::find(nodes, task.node_id, &SwarmNode::id);
    if (node == nodes.end() || limited.Done()) continue;
    const auto answer = Ask(limited, *node, task);
    const std::lock_guard lock(mutex_);
    if (!answer) {
      silent_[task.node_id] = ctx.clock.Now();
      continue;
    }
    if (known_.size() >= kMost) known_.clear();
    known_[task.id] = task.out_of_memory = *answer;
    silent_.erase(task.node_id);
  }
}

Expected<std::optional<bool>> Kills::Ask(const Context& ctx, const SwarmNode& node,
                                         const SwarmTask& task) {
  ZOE_ASSIGN(const auto engine, engines_.Find(ctx, node));
  const auto text = engine->Do(ctx, {"GET", "/containers/" + Escape(task.container_id) + "/json"});
  if (!text) {
    if (text.error().code == Code::kNotFound) return std::optional<bool>();
    engines_.Forget(node.id);
    return text.error();
  }
  return std::optional<bool>(Flag(Child(Json::parse(*text, nullptr, false), "State"), "OOMKilled"));
}

}  // namespace zoe::docker
