#include "reconcilers/execution/history.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <string_view>

#include "reconcilers/execution/causes.h"
#include "reconcilers/execution/supervise.h"

namespace zoe::execution {
namespace {

using SlotTasks = std::vector<const SwarmTask*>;  // oldest first

// A task that fails this much later than its replacement was made didn't cause the replacement: its
// node was lost and came back.
constexpr Duration kClockSkew{1'000};

bool Running(const SwarmTask& t) {
  return t.state == TaskState::kRunning && t.desired_state <= TaskState::kRunning && !t.node_down;
}

// Docker's and registries' words for "there is no such image" (measured; moby
// distribution/errors.go).
bool SaysNoImage(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const std::string_view words :
       {"no such image", "manifest unknown", "manifest for ", "pull access denied",
        "repository does not exist", "invalid reference format"}) {
    if (text.find(words) != std::string::npos) return true;
  }
  return false;
}

int CountFailures(const SlotTasks& tasks, bool completion_counts) {
  int failures = 0;
  for (size_t i = 0; i < tasks.size(); ++i) {
    const SwarmTask& t = *tasks[i];
    if (t.state == TaskState::kShutdown) failures = 0;
    if (!HasFailed(t) && !(completion_counts && t.state == TaskState::kComplete)) continue;
    const bool lost_before =
        i + 1 < tasks.size() && t.timestamp > tasks[i + 1]->created_at + kClockSkew;
    if (!lost_before) ++failures;
  }
  return failures;
}

bool EndedForGood(const SwarmTask& newest, const SwarmService& service, int failures) {
  const SwarmServiceSpec& spec = service.spec;
  const bool given_up = newest.desired_state > TaskState::kRunning;
  if (spec.restart_condition == RestartCondition::kNone) {
    if (LostWithNode(newest)) return true;
    if (newest.state == TaskState::kShutdown)
      return given_up && service.update_state != UpdateState::kUpdating;
    return IsTerminal(newest.state);
  }
  if (newest.state == TaskState::kComplete &&
      spec.restart_condition == RestartCondition::kOnFailure)
    return true;
  if (spec.restart_max_attempts == 0 || Running(newest)) return false;
  if (failures > static_cast<int>(spec.restart_max_attempts)) return true;
  // Swarm marks the old task and makes its replacement in one step: a newest task that it gave up
  // stays the last one.
  return given_up && (HasFailed(newest) || newest.state == TaskState::kComplete);
}

void ExplainWaiting(const SlotTasks& tasks, int64_t memory_limit, SlotHistory& slot) {
  const SwarmTask& newest = *tasks.back();
  if (newest.state == TaskState::kPending && newest.error.starts_with("no suitable node")) {
    slot.trouble = Trouble::kUnschedulable;
    slot.message = newest.error;
    return;
  }
  for (auto it = tasks.rbegin(); it != tasks.rend(); ++it) {
    const SwarmTask& t = **it;
    if (t.state == TaskState::kShutdown) break;
    const bool ended = HasFailed(t) || LostWithNode(t) ||
                       (t.state == TaskState::kComplete && slot.state == SlotState::kWaiting);
    if (!ended) continue;
    slot.trouble = SaysNoImage(t.error)                ? Trouble::kImageNotFound
                   : CauseOf(t) == Cause::kOutOfMemory ? Trouble::kOutOfMemory
                                                       : Trouble::kTaskFailed;
    slot.message = Ending(t, memory_limit);
    return;
  }
  slot.trouble = Trouble::kStarting;
}

SlotHistory ReadSlot(const SlotTasks& tasks, const SwarmService& service) {
  const SwarmTask& newest = *tasks.back();
  SlotHistory slot;
  slot.slot = newest.slot;
  slot.failures = CountFailures(tasks, service.spec.restart_condition == RestartCondition::kAny);
  slot.active = std::ranges::any_of(
      tasks, [](const SwarmTask* t) { return !IsTerminal(t->state) && !LostWithNode(*t); });
  if (IsTerminal(newest.state)) slot.exit_code = newest.exit_code;
  if (EndedForGood(newest, service, slot.failures)) {
    slot.state = newest.state == TaskState::kComplete ? SlotState::kDone : SlotState::kLost;
    if (slot.state == SlotState::kDone && !slot.exit_code) slot.exit_code = 0;
  } else if (std::ranges::any_of(tasks, [](const SwarmTask* t) { return Running(*t); })) {
    slot.state = SlotState::kReady;
  }
  if (slot.state == SlotState::kWaiting || slot.state == SlotState::kLost)
    ExplainWaiting(tasks, service.spec.memory_limit_bytes, slot);
  return slot;
}

// `before` ended, `after` took its place.
void CountRestart(const SwarmTask& before, const SwarmTask& after, const SwarmService& service,
                  std::optional<WallTime> since, ServiceHistory& history) {
  const WallTime made = after.created_at;
  if (since && made <= *since) return;
  ++history.new_restarts;
  if (history.last_restart && made < *history.last_restart) return;
  history.last_restart = made;
  history.restart_cause = Ending(before, service.spec.memory_limit_bytes);
}

void CountRestarts(const SlotTasks& tasks, const SwarmService& service,
                   std::optional<WallTime> since, ServiceHistory& history) {
  for (size_t i = 1; i < tasks.size(); ++i) {
    const SwarmTask& before = *tasks[i - 1];
    if (HasFailed(before) || before.state == TaskState::kComplete || LostWithNode(before))
      CountRestart(before, *tasks[i], service, since, history);
  }
}

std::optional<Supervisor> SupervisorOf(const SwarmService& service, const Supervised& supervised,
                                       const std::map<int32_t, SlotTasks>& by_slot) {
  const bool stands = service.spec.restart_condition == RestartCondition::kNone;
  if (supervised.declared == nullptr || !IsSupervised(*supervised.declared) || !stands) return {};
  std::vector<const SwarmTask*> newest;
  for (const auto& [number, of_slot] : by_slot) newest.push_back(of_slot.back());
  return Supervisor(service, *supervised.declared, std::move(newest), supervised.now);
}

// Managers' calendars differ and may be put back: what Swarm gave up is older than what it wants.
// Within one millisecond the task that has ended is the older one.
bool Older(const SwarmTask* a, const SwarmTask* b) {
  const auto order = [](const SwarmTask* t) {
    const bool wanted = t->desired_state <= TaskState::kRunning;
    return std::tuple(wanted, t->created_at, !IsTerminal(t->state), t->id);
  };
  return order(a) < order(b);
}

}  // namespace

bool ServiceHistory::AllEnded() const {
  return !slots.empty() && done + lost == static_cast<int>(slots.size());
}

bool ServiceHistory::AnyActive() const {
  return std::ranges::any_of(slots, [](const SlotHistory& s) { return s.active; });
}

ServiceHistory ReadHistory(const SwarmService& service, const std::vector<SwarmTask>& tasks,
                           std::optional<WallTime> since, const Supervised& supervised) {
  std::map<int32_t, SlotTasks> by_slot;
  ServiceHistory history;
  for (const SwarmTask& t : tasks) {
    if (t.service_id != service.id || t.desired_state == TaskState::kRemove) continue;
    by_slot[t.slot].push_back(&t);
    history.placed = history.placed || t.state >= TaskState::kAssigned;
    if (t.state == TaskState::kNew && t.desired_state == TaskState::kRunning) {
      history.oldest_unaddressed =
          std::min(history.oldest_unaddressed.value_or(t.created_at), t.created_at);
    }
  }
  for (auto& [number, of_slot] : by_slot) std::ranges::sort(of_slot, Older);
  std::optional<Supervisor> supervisor = SupervisorOf(service, supervised, by_slot);
  int highest = 0;
  bool known = true;
  for (const auto& [number, of_slot] : by_slot) {
    const SwarmTask& newest = *of_slot.back();
    CountRestarts(of_slot, service, since, history);
    if (supervisor) {
      if (const SwarmTask* before = supervisor->Before(*of_slot.front()))
        CountRestart(*before, *of_slot.front(), service, since, history);
      if (supervisor->IsReplaced(newest)) continue;
    }
    SlotHistory slot = ReadSlot(of_slot, service);
    if (supervisor) supervisor->Judge(newest, slot);
    history.ready += slot.state == SlotState::kReady;
    history.done += slot.state == SlotState::kDone;
    history.lost += slot.state == SlotState::kLost;
    known = known && slot.exit_code;
    highest = std::max(highest, slot.exit_code.value_or(0));
    if (slot.trouble < history.trouble) {
      history.trouble = slot.trouble;
      history.message = slot.message;
    }
    history.slots.push_back(std::move(slot));
  }
  if (history.AllEnded() && (known || highest > 0)) history.exit_code = highest;
  if (supervisor) {
    history.replaced = static_cast<int>(supervisor->replacements().size());
    history.replacements = WriteReplacements(supervisor->replacements());
    history.next_restart = supervisor->next();
  }
  return history;
}

}  // namespace zoe::execution
