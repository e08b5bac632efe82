#include "reconcilers/schedule/grant.h"

#include <algorithm>

namespace zoe::schedule {
namespace {

void SetAdmitted(bool admitted, std::string reason, std::string message, WallTime now,
                 v1::Execution& execution) {
  SetCondition(execution.status.conditions,
               {"Admitted",
                admitted ? "True" : "False",
                std::move(reason),
                std::move(message),
                {},
                execution.meta.generation},
               now);
}

// "worker 2 -> 4, master 1"
std::string Describe(const scheduler::Grant& grant, const scheduler::Job& job) {
  std::string text;
  for (size_t i = 0; i < job.services.size(); ++i) {
    const scheduler::Service& s = job.services[i];
    const int32_t after = grant.replicas[i];
    if (grant.change != scheduler::Change::kStart && after == s.granted) continue;
    text += (text.empty() ? "" : ", ") + s.name + " ";
    text += grant.change == scheduler::Change::kStart
                ? std::to_string(after) + "/" + std::to_string(s.total)
                : std::to_string(s.granted) + " -> " + std::to_string(after);
  }
  return text;
}

PendingEvent EventOf(const scheduler::Grant& grant, const scheduler::Job& job) {
  const std::string replicas = Describe(grant, job);
  const auto say = [&](bool warning, std::string reason) {
    return PendingEvent{warning, grant.reason.empty() ? std::move(reason) : grant.reason,
                        grant.message.empty() ? replicas : grant.message + " (" + replicas + ")"};
  };
  switch (grant.change) {
    case scheduler::Change::kStart:
      return {false, "Admitted", "may run: " + replicas};
    case scheduler::Change::kGrow:
      return {false, "Grown", replicas};
    case scheduler::Change::kShrink:
      return say(false, "Shrunk");
    case scheduler::Change::kRequeue:
      return say(true, "Requeued");
  }
  return {};
}

// "3 -> 2": a tenth or more.
bool MovedFar(int32_t from, int32_t to) { return std::abs(to - from) * 10 >= from; }

}  // namespace

PendingEvent Carry(const scheduler::Grant& grant, const scheduler::Job& job, WallTime now,
                   v1::Execution& execution) {
  v1::ExecutionStatus& status = execution.status;
  for (size_t i = 0; i < job.services.size(); ++i) {
    const auto s =
        std::ranges::find(status.services, job.services[i].name, &v1::ServiceStatus::name);
    if (s == status.services.end()) continue;
    s->granted = grant.replicas[i];
    s->nodes = i < grant.nodes.size() ? grant.nodes[i] : std::vector<std::string>{};
  }
  status.queue_position = 0;
  PendingEvent event = EventOf(grant, job);
  if (grant.change == scheduler::Change::kRequeue) {
    status.phase = v1::kQueued;
    status.started_at.reset();
    SetAdmitted(false, event.reason, event.message, now, execution);
  } else {
    SetAdmitted(true, "Admitted", "", now, execution);
  }
  return event;
}

bool PutRight(WallTime now, v1::Execution& execution) {
  v1::ExecutionStatus& status = execution.status;
  if (!execution.spec.application) return false;
  const bool decided = std::ranges::any_of(
      status.services, [](const v1::ServiceStatus& s) { return s.granted.has_value(); });
  const bool runs_undecided = !decided && status.started_at.has_value();
  bool changed = false;
  for (const v1::Service& service : execution.spec.application->services) {
    const auto s = std::ranges::find(status.services, service.name, &v1::ServiceStatus::name);
    if (s == status.services.end()) continue;
    if (!runs_undecided && s->granted.value_or(0) <= service.replicas.total) continue;
    s->granted = service.replicas.total;
    changed = true;
  }
  if (changed) SetAdmitted(true, "Admitted", "", now, execution);
  return changed;
}

bool SaysPosition(const v1::ExecutionStatus& status, int32_t position) {
  const int32_t told = status.queue_position;
  if (told == position) return true;
  return position > kExact && told > kExact && !MovedFar(told, position);
}

std::optional<PendingEvent> Wait(const scheduler::Explanation& why, WallTime now,
                                 v1::Execution& execution) {
  v1::ExecutionStatus& status = execution.status;
  const bool news = status.queue_position == 0;
  const bool lasting = why.reason == "Unschedulable" || why.reason == "QuotaExceeded";
  const std::string position = "position " + std::to_string(why.position) + " in the queue";
  const bool brief = why.message.empty() || (why.position > kExact && !lasting);
  status.phase = v1::kQueued;
  status.queue_position = why.position;
  SetAdmitted(false, brief ? "Queued" : why.reason,
              brief ? position : position + ": " + why.message, now, execution);
  if (!news) return std::nullopt;
  return PendingEvent{lasting, "Queued", brief ? position : position + ": " + why.message};
}

}  // namespace zoe::schedule
