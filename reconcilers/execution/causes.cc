#include "reconcilers/execution/causes.h"

#include <algorithm>

namespace zoe::execution {
namespace {

constexpr int kKilled = 137;  // 128 + SIGKILL

// "512Mi"
std::string Size(int64_t bytes) {
  int64_t unit = int64_t{1} << 30;
  for (const char* name : {"Gi", "Mi", "Ki"}) {
    if (bytes % unit == 0) return std::to_string(bytes / unit) + name;
    unit >>= 10;
  }
  return std::to_string(bytes);
}

bool OutOfMemory(const SwarmTask& t) { return t.exit_code == kKilled && t.out_of_memory == true; }

bool Fits(const v1::RestartRule& rule, Cause cause, std::optional<int> exit_code) {
  if (rule.on_node_lost) return cause == Cause::kNodeLost;
  if (rule.on_out_of_memory) return cause == Cause::kOutOfMemory;
  const bool ran = cause == Cause::kExitCode || cause == Cause::kOutOfMemory;
  return ran && exit_code &&
         std::ranges::find(rule.on_exit_codes, *exit_code) != rule.on_exit_codes.end();
}

}  // namespace

bool HasFailed(const SwarmTask& t) {
  return t.state == TaskState::kFailed || t.state == TaskState::kRejected ||
         t.state == TaskState::kOrphaned;
}

bool LostWithNode(const SwarmTask& t) {
  return t.node_down && !IsTerminal(t.state) && t.desired_state > TaskState::kRunning;
}

Cause CauseOf(const SwarmTask& t) {
  if (LostWithNode(t) || t.state == TaskState::kOrphaned || t.state == TaskState::kShutdown)
    return Cause::kNodeLost;
  if (OutOfMemory(t)) return Cause::kOutOfMemory;
  return t.exit_code ? Cause::kExitCode : Cause::kNotStarted;
}

std::string Ending(const SwarmTask& t, int64_t limit) {
  const std::string node = t.node_name.empty() ? t.node_id : t.node_name;
  if (LostWithNode(t)) return "node " + node + " is down";
  if (t.state == TaskState::kComplete) return "task: exit (0)";
  if (OutOfMemory(t))
    return "out of memory" + (limit > 0 ? ": it wanted more than its limit of " + Size(limit) : "");
  std::string words = t.error.empty() ? t.message : t.error;
  // Swarm's own words for this exit code hide what it stands for.
  if (t.exit_code == kKilled && words == "task: non-zero exit (137)")
    return "killed (exit code 137)";
  return words;
}

Ruling RuleOn(const v1::Service& service, Cause cause, std::optional<int> exit_code) {
  const auto& rules = service.restart.rules;
  for (size_t i = 0; i < rules.size(); ++i) {
    if (!Fits(rules[i], cause, exit_code)) continue;
    return {rules[i].action == "fail"     ? Consequence::kLost
            : rules[i].action == "ignore" ? Consequence::kIgnore
                                          : Consequence::kCount,
            i};
  }
  if (service.restart_policy() == "never") return {};
  return {cause == Cause::kNodeLost ? Consequence::kIgnore : Consequence::kCount, {}};
}

}  // namespace zoe::execution
