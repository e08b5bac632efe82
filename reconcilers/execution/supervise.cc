#include "reconcilers/execution/supervise.h"

#include <algorithm>
#include <charconv>

#include "reconcilers/execution/causes.h"

namespace zoe::execution {
namespace {

constexpr Duration kFirstDelay{5'000}, kLastDelay{300'000};

bool IsRolling(UpdateState state) {
  return state == UpdateState::kUpdating || state == UpdateState::kRollbackStarted;
}

std::optional<Replacement> ReadOne(std::string_view text) {
  Replacement one;
  const size_t arrow = text.find('>');
  if (arrow == text.npos || arrow == 0) return {};
  one.task = text.substr(0, arrow);
  text.remove_prefix(arrow + 1);
  one.counted = text.ends_with('c');
  if (one.counted) text.remove_suffix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), one.slot);
  if (error != std::errc() || end != text.data() + text.size() || one.slot < 1) return {};
  return one;
}

}  // namespace

std::string WriteReplacements(const std::vector<Replacement>& replacements) {
  std::string text;
  for (const Replacement& r : replacements)
    text +=
        (text.empty() ? "" : ",") + r.task + ">" + std::to_string(r.slot) + (r.counted ? "c" : "");
  return text;
}

std::vector<Replacement> ReadReplacements(std::string_view text) {
  std::vector<Replacement> replacements;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    if (auto one = ReadOne(text.substr(0, comma))) replacements.push_back(*std::move(one));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return replacements;
}

Duration RestartDelay(int restarts) {
  return std::min(kLastDelay, kFirstDelay * (1 << std::clamp(restarts, 0, 10)));
}

Supervisor::Supervisor(const SwarmService& service, const v1::Service& declared,
                       std::vector<const SwarmTask*> newest, WallTime now)
    : service_(service), declared_(declared), newest_(std::move(newest)), now_(now) {
  replacements_ = ReadReplacements(LabelOf(service.spec.labels, kLabelReplaced));
  // A slot that was scaled away, or rolled, is a replica like any other when it is filled again.
  std::erase_if(replacements_, [&](const Replacement& r) {
    return std::ranges::find(newest_, r.task, &SwarmTask::id) == newest_.end();
  });
}

bool Supervisor::IsReplaced(const SwarmTask& newest) const {
  return std::ranges::find(replacements_, newest.id, &Replacement::task) != replacements_.end();
}

const SwarmTask* Supervisor::Before(const SwarmTask& task) const {
  const auto r = std::ranges::find(replacements_, task.slot, &Replacement::slot);
  if (r == replacements_.end()) return nullptr;
  const auto before = std::ranges::find(newest_, r->task, &SwarmTask::id);
  return before == newest_.end() || (*before)->id == task.id ? nullptr : *before;
}

Supervisor::Attempts Supervisor::AttemptsBefore(const SwarmTask& task) const {
  Attempts attempts;
  const SwarmTask* before = Before(task);
  for (; before != nullptr && attempts.all < static_cast<int>(replacements_.size());
       before = Before(*before)) {
    ++attempts.all;
    attempts.counted +=
        std::ranges::find(replacements_, before->id, &Replacement::task)->counted ? 1 : 0;
  }
  return attempts;
}

// As SwarmKit looks for one (orchestrator/replicated, addTasks). Where it finds another one,
// because more changed at the same time, the replica's attempts are counted anew.
int32_t Supervisor::FreeSlot() const {
  const auto taken = [&](int32_t slot) {
    return std::ranges::find(newest_, slot, &SwarmTask::slot) != newest_.end() ||
           std::ranges::find(replacements_, slot, &Replacement::slot) != replacements_.end();
  };
  int32_t slot = 1;
  while (taken(slot)) ++slot;
  return slot;
}

void Supervisor::Judge(const SwarmTask& newest, SlotHistory& slot) {
  const Attempts before = AttemptsBefore(newest);
  const bool over = slot.state == SlotState::kDone && declared_.restart_policy() == "always";
  if (slot.state != SlotState::kLost && !over) return;
  slot.failures = before.counted + 1;
  const Cause cause = CauseOf(newest);
  const Ruling ruling = RuleOn(declared_, cause, newest.exit_code);
  const bool counts = ruling.consequence == Consequence::kCount;
  if (ruling.consequence == Consequence::kLost) {
    slot.rule = ruling.rule;
    return;
  }
  if (counts && declared_.restart.max_attempts &&
      before.counted + 1 > *declared_.restart.max_attempts)
    return;
  if (replacements_.size() >= kMostReplaced) return;
  slot.state = SlotState::kWaiting;
  slot.exit_code.reset();
  if (over) {
    slot.trouble = Trouble::kTaskFailed;
    slot.message = Ending(newest, 0);
  }
  // An update replaces what has ended as well.
  if (IsRolling(service_.update_state)) return;
  const WallTime due = newest.timestamp + RestartDelay(before.all);
  // Clocks differ: what ended in the future has ended long ago.
  if (cause == Cause::kNodeLost || now_ >= due || newest.timestamp > now_) {
    replacements_.push_back({newest.id, FreeSlot(), counts});
  } else {
    next_ = next_ ? std::min(*next_, due) : due;
  }
}

}  // namespace zoe::execution
