#include "reconcilers/execution/status.h"

#include <algorithm>

#include "reconcilers/execution/grant.h"
#include "specs/v1/endpoints.h"

namespace zoe::execution {
namespace {

class Conditions {
 public:
  Conditions(std::vector<Condition>& list, int64_t generation, WallTime now)
      : list_(list), generation_(generation), now_(now) {}
  void Set(std::string type, bool value, std::string reason, std::string message) {
    SetCondition(list_,
                 {std::move(type),
                  value ? "True" : "False",
                  std::move(reason),
                  std::move(message),
                  {},
                  generation_},
                 now_);
  }

 private:
  std::vector<Condition>& list_;
  const int64_t generation_;
  const WallTime now_;
};

Conditions ConditionsOf(const Picture& picture, v1::ExecutionStatus& status) {
  return Conditions(status.conditions, picture.execution->meta.generation, picture.now);
}

std::string ReasonOf(const std::vector<Condition>& conditions, std::string_view type) {
  const Condition* condition = FindCondition(conditions, type);
  return condition && condition->status == (type == "Degraded" ? "True" : "False")
             ? condition->reason
             : "";
}

std::string_view TroubleReason(Trouble trouble) {
  switch (trouble) {
    case Trouble::kImageNotFound:
      return "ImageNotFound";
    case Trouble::kUnschedulable:
      return "Unschedulable";
    case Trouble::kNoAddress:
      return "NoAddress";
    case Trouble::kOutOfMemory:
      return "OutOfMemory";
    case Trouble::kTaskFailed:
      return "TaskFailed";
    case Trouble::kStarting:
    case Trouble::kNone:
      return "Starting";
  }
  return "Starting";
}

std::string Count(int n, int of, std::string_view what) {
  return std::to_string(n) + "/" + std::to_string(of) + " " + std::string(what) + " ready";
}

// ---- services

// ", 2 more when there is room"
std::string Elastic(int missing) {
  return missing > 0 ? ", " + std::to_string(missing) + " more when there is room" : "";
}

std::string MessageOf(const Picture& picture, const ServicePicture& s) {
  if (picture.queued) return "";
  if (s.observed == nullptr && !s.Ungranted()) {
    return s.open ? picture.waiting_for
                  : "waits for the services of a lower startupOrder than " +
                        std::to_string(s.service.startup_order);
  }
  if (s.served() < s.wanted) return s.history.message;
  if (s.wanted == s.service.replicas.total) return "";
  return std::to_string(s.wanted) + " granted" + Elastic(s.service.replicas.total - s.wanted);
}

// The memory of a rolling change; see docs/decisions/0004.
void RememberUpdate(const ServicePicture& s, v1::ServiceStatus& status) {
  if (s.held) {
    status.update_failed = true;
    return;
  }
  const bool rolled = s.observed && SameTasks(s.desired, s.observed->spec) &&
                      s.observed->update_state != UpdateState::kNone &&
                      s.observed->update_state != UpdateState::kUpdating &&
                      s.observed->update_state != UpdateState::kPaused;
  if (s.observed != nullptr && !rolled) return;
  status.update.clear();
  status.update_failed = false;
}

v1::ServiceStatus ServiceStatusOf(const Picture& picture, const ServicePicture& s) {
  v1::ServiceStatus status;
  if (s.before != nullptr) status = *s.before;
  status.name = s.service.name;
  status.total = s.service.replicas.total;
  status.essential = s.service.essential();
  status.running = status.ready = s.ready();
  status.restarts += s.history.new_restarts;
  status.ended = s.history.done + s.history.lost;
  if (s.history.last_restart)
    status.last_restart_time = std::max(status.last_restart_time, s.history.last_restart);
  status.exit_code = s.history.exit_code;
  status.message = MessageOf(picture, s);
  RememberUpdate(s, status);
  return status;
}

// The program's own path; one that keeps the proxy's path lives below that.
std::string PathOf(const v1::Port& port, const std::string& proxy_path) {
  const std::string path = port.path.starts_with("/") ? port.path : "/" + port.path;
  const bool below = port.proxy_path == "keep" && v1::IsProxied(port);
  return below && !path.starts_with(proxy_path + "/") ? proxy_path + path : path;
}

std::vector<v1::Endpoint> EndpointsOf(const Picture& picture) {
  const Meta& meta = picture.execution->meta;
  std::string public_url = picture.options.public_url;
  while (public_url.ends_with('/')) public_url.pop_back();
  std::vector<v1::Service> services;
  for (const ServicePicture& s : picture.services) services.push_back(s.service);
  std::vector<v1::Endpoint> endpoints;
  for (const v1::EndpointTarget& target : v1::EndpointsOf(services)) {
    const bool stands = std::ranges::any_of(picture.services, [&](const ServicePicture& s) {
      return s.service.name == target.service && s.observed != nullptr;
    });
    if (!stands) continue;
    const v1::Port& port = target.port;
    const std::string proxy_path = v1::ProxyPath(meta.ns, meta.name, target.id);
    const std::string path = PathOf(port, proxy_path);
    v1::Endpoint endpoint{.service = target.service, .name = port.name};
    endpoint.address =
        target.service + "." + meta.name + "." + meta.ns + ":" + std::to_string(port.port);
    endpoint.address = port.scheme.empty() ? port.protocol + "://" + endpoint.address
                                           : port.scheme + "://" + endpoint.address + path;
    endpoint.url = endpoint.address;
    if (v1::IsProxied(port) && picture.observed.place.has_gateway)
      endpoint.url = public_url + (port.proxy_path == "keep" ? path : proxy_path + path);
    endpoint.via = picture.observed.place.via;
    endpoints.push_back(std::move(endpoint));
  }
  return endpoints;
}

// ---- conditions of an active execution

const ServicePicture* WorstOf(const Picture& picture, bool essential_only) {
  const ServicePicture* worst = nullptr;
  for (const ServicePicture& s : picture.services) {
    const int needed = essential_only ? s.service.essential() : s.wanted;
    if (s.observed == nullptr || s.served() >= needed || s.history.trouble >= Trouble::kStarting)
      continue;
    if (worst == nullptr || s.history.trouble < worst->history.trouble) worst = &s;
  }
  return worst;
}

// The essential replicas of a service that was declared anew and waits for the scheduler.
const ServicePicture* NotGranted(const Picture& picture) {
  const auto it = std::ranges::find_if(
      picture.services, [](const ServicePicture& s) { return s.wanted < s.service.essential(); });
  return it == picture.services.end() ? nullptr : &*it;
}

void ReportReadiness(const Picture& picture, v1::ExecutionStatus& status) {
  int total = 0, declared = 0, served = 0, essential = 0, essential_served = 0;
  for (const ServicePicture& s : picture.services) {
    total += s.wanted;
    declared += s.service.replicas.total;
    served += std::min(s.served(), s.wanted);
    essential += s.service.essential();
    essential_served += std::min(s.served(), s.service.essential());
  }
  Conditions conditions = ConditionsOf(picture, status);
  const std::string essential_count = Count(essential_served, essential, "essential replicas");
  const bool waiting = std::ranges::any_of(picture.services, &ServicePicture::waiting);
  if (essential_served >= essential) {
    conditions.Set("EssentialReady", true, "EssentialReplicasReady", essential_count);
  } else if (waiting) {
    conditions.Set("EssentialReady", false, "NamespaceNotReady", picture.waiting_for);
  } else if (const ServicePicture* ungranted = NotGranted(picture)) {
    conditions.Set("EssentialReady", false, std::string(v1::kQueued),
                   ungranted->service.name + ": " + std::to_string(ungranted->wanted) + " of " +
                       std::to_string(ungranted->service.essential()) +
                       " essential replicas granted");
  } else if (const ServicePicture* worst = WorstOf(picture, true)) {
    conditions.Set("EssentialReady", false, std::string(TroubleReason(worst->history.trouble)),
                   worst->service.name + ": " + worst->history.message);
  } else {
    conditions.Set("EssentialReady", false, "Starting", essential_count);
  }
  const std::string count = Count(served, total, "replicas") + Elastic(declared - total);
  const auto rolling =
      std::ranges::find_if(picture.services, [](const ServicePicture& s) { return s.rolling; });
  if (waiting) {
    conditions.Set("Ready", false, "NamespaceNotReady", picture.waiting_for);
  } else if (served >= total && rolling != picture.services.end()) {
    conditions.Set("Ready", false, "Updating", rolling->service.name + ": update in progress");
  } else if (served >= total && essential_served < essential) {
    conditions.Set("Ready", false, std::string(v1::kQueued), essential_count);
  } else if (served >= total) {
    conditions.Set("Ready", true, "AllReplicasReady", count);
  } else {
    const ServicePicture* worst = WorstOf(picture, false);
    conditions.Set("Ready", false,
                   worst ? std::string(TroubleReason(worst->history.trouble)) : "Starting", count);
  }
}

void ReportDegraded(const Picture& picture, v1::ExecutionStatus& status) {
  Conditions conditions = ConditionsOf(picture, status);
  const Condition* before = FindCondition(picture.execution->status.conditions, "Degraded");
  for (const ServicePicture& s : picture.services) {
    if (!s.observed) continue;
    const UpdateState state = s.observed->update_state;
    const bool paused = state == UpdateState::kPaused || state == UpdateState::kRollbackPaused;
    // A declaration that is about to be sent has not been refused yet.
    if (!s.held && !(paused && s.UpToDate())) continue;
    const std::string reason = s.held ? "UpdateRolledBack" : "UpdatePaused";
    std::string words = s.observed->update_message;
    if (words.empty() || state == UpdateState::kRollbackCompleted) {
      // Swarm explains a rollback only while it is under way.
      if (before && before->status == "True" && before->reason == reason &&
          before->message.starts_with(s.service.name + ": ")) {
        return conditions.Set("Degraded", true, reason, before->message);
      }
      if (words.empty()) words = "the last change was rolled back";
    }
    return conditions.Set("Degraded", true, reason, s.service.name + ": " + words);
  }
  for (const ServicePicture& s : picture.services) {
    if (s.service.monitor || s.history.lost == 0) continue;
    const std::string message = s.service.name + ": " + std::to_string(s.history.lost) + " of " +
                                std::to_string(s.service.replicas.total) +
                                " replicas are lost: " + s.history.message;
    return conditions.Set("Degraded", true, "ReplicasLost", message);
  }
  conditions.Set("Degraded", false, "AsExpected", "");
}

std::string_view ActivePhase(const Picture& picture) {
  const auto satisfied = [](const ServicePicture& s) { return s.Satisfied(); };
  if (std::ranges::all_of(picture.services, satisfied)) return v1::kRunning;
  const auto placed = [](const ServicePicture& s) { return s.history.placed; };
  return std::ranges::any_of(picture.services, placed) ? v1::kStarting : v1::kPending;
}

void ReportEnd(const Picture& picture, v1::ExecutionStatus& status) {
  const bool succeeded = picture.verdict.kind == Verdict::Kind::kSucceeded;
  status.phase = succeeded ? v1::kSucceeded : v1::kFailed;
  status.finished_at = picture.now;
  Conditions conditions = ConditionsOf(picture, status);
  conditions.Set("Complete", succeeded, picture.verdict.reason, picture.verdict.message);
  conditions.Set("EssentialReady", false, "Finished", "the execution has ended");
  conditions.Set("Ready", false, "Finished", "the execution has ended");
  TakeGrants(status);
}

// What the scheduler's loop has said about it stays.
void ReportAdmission(const Picture& picture, v1::ExecutionStatus& status) {
  const v1::ExecutionStatus& before = picture.execution->status;
  const Condition* said = FindCondition(before.conditions, "Admitted");
  Conditions conditions = ConditionsOf(picture, status);
  if (picture.queued) {
    const bool keep = before.phase == v1::kQueued && said != nullptr && said->status == "False";
    conditions.Set("Admitted", false, keep ? said->reason : std::string(v1::kQueued),
                   keep ? said->message : "waits for the scheduler");
  } else {
    const bool keep = picture.options.queued && said != nullptr && said->status == "True";
    conditions.Set("Admitted", true, keep ? said->reason : "Admitted", keep ? said->message : "");
  }
}

void ReportInProgress(const Picture& picture, v1::ExecutionStatus& status) {
  const Condition* said = FindCondition(picture.execution->status.conditions, "Complete");
  const bool again = status.attempts > 0 && said != nullptr && said->reason == "InProgress";
  ConditionsOf(picture, status).Set("Complete", false, "InProgress", again ? said->message : "");
}

// What is known of services that go.
void Forget(v1::ExecutionStatus& status) {
  for (v1::ServiceStatus& s : status.services) {
    s.ended = 0;
    s.message.clear();
    s.update.clear();
    s.update_failed = false;
  }
}

void ReportQueued(const Picture& picture, v1::ExecutionStatus& status) {
  status.phase = v1::kQueued;
  status.started_at.reset();
  status.endpoints.clear();
  Forget(status);
  Conditions conditions = ConditionsOf(picture, status);
  for (const char* type : {"EssentialReady", "Ready"})
    conditions.Set(type, false, std::string(v1::kQueued), "waits in the queue");
  ReportInProgress(picture, status);
  conditions.Set("Degraded", false, "AsExpected", "");
}

// It has failed, and is put back.
void ReportAgain(const Picture& picture, StatusDraft& draft, v1::ExecutionStatus& status) {
  ReportQueued(picture, status);
  TakeGrants(status);
  ++status.attempts;
  const std::string told = "attempt " + std::to_string(status.attempts) + " of " +
                           std::to_string(picture.execution->spec.backoff_limit + 1) +
                           " has failed: " + picture.verdict.message;
  Conditions conditions = ConditionsOf(picture, status);
  conditions.Set("Admitted", false, std::string(v1::kQueued), told);
  conditions.Set("Complete", false, "InProgress", told);
  draft.Warn(picture.verdict.reason, told);
}

void ReportActive(const Picture& picture, StatusDraft& draft, v1::ExecutionStatus& status) {
  status.services.clear();
  for (const ServicePicture& s : picture.services) {
    status.services.push_back(ServiceStatusOf(picture, s));
    if (s.history.new_restarts > 0)
      draft.Warn("Restarted", s.service.name + ": " + s.history.restart_cause);
  }
  status.endpoints = EndpointsOf(picture);
  status.finished_at.reset();
  if (picture.again) return ReportAgain(picture, draft, status);
  ReportAdmission(picture, status);
  if (picture.queued && !picture.ended()) return ReportQueued(picture, status);
  ReportReadiness(picture, status);
  status.phase = ActivePhase(picture);
  if (!status.started_at && (status.phase != v1::kPending || picture.ended())) {
    status.started_at = picture.now;
  }
  if (picture.ended()) {
    ReportEnd(picture, status);
  } else {
    ReportInProgress(picture, status);
  }
  ReportDegraded(picture, status);
}

// ---- executions whose services are not wanted

void CountWhatStillRuns(const Picture& picture, v1::ExecutionStatus& status) {
  for (v1::ServiceStatus& s : status.services) {
    s.running = s.ready = 0;
    for (const SwarmService& service : picture.observed.services) {
      const auto label = service.spec.labels.find(std::string(kLabelService));
      if (label == service.spec.labels.end() || label->second != s.name) continue;
      s.running = s.ready = ReadHistory(service, picture.observed.tasks, {}).ready;
    }
  }
}

void ReportStopped(const Picture& picture, std::string_view reason, const std::string& message,
                   v1::ExecutionStatus& status) {
  status.phase = reason;
  TakeGrants(status);
  Forget(status);
  Conditions conditions = ConditionsOf(picture, status);
  conditions.Set("Admitted", false, std::string(reason), message);
  conditions.Set("EssentialReady", false, std::string(reason), message);
  conditions.Set("Ready", false, std::string(reason), message);
  if (!FindCondition(status.conditions, "Complete") || reason == v1::kSuspended) {
    conditions.Set("Complete", false, std::string(reason), message);
  }
  conditions.Set("Degraded", false, "AsExpected", "");
}

// A task on a node that is down is gone as far as anybody can tell; waiting for it could take a
// day.
bool NothingLeft(const Observed& observed) {
  const auto gone = [](const SwarmTask& t) { return IsTerminal(t.state) || t.node_down; };
  return observed.services.empty() && std::ranges::all_of(observed.tasks, gone);
}

void ReportTerminating(const Picture& picture, v1::Execution& execution, StatusDraft& draft) {
  ReportStopped(picture, v1::kTerminating, "the execution is being deleted", execution.status);
  if (!NothingLeft(picture.observed)) return;
  std::erase(execution.meta.finalizers, v1::kExecutionFinalizer);
  draft.remove = execution.meta.finalizers.empty();
}

// ---- events

void TellChanges(const v1::ExecutionStatus& before, const v1::ExecutionStatus& after,
                 const Verdict& verdict, StatusDraft& draft) {
  if (before.phase != after.phase) {
    if (after.phase == v1::kRunning)
      draft.Event("Running", FindCondition(after.conditions, "EssentialReady")->message);
    if (after.phase == v1::kQueued && before.started_at && before.attempts == after.attempts)
      draft.Warn("Requeued", "nothing is granted any more: back in the queue, at the same place");
    if (after.phase == v1::kSuspended) draft.Event("Suspended", "the execution is suspended");
    if (before.phase == v1::kSuspended && !v1::IsFinished(after))
      draft.Event("Resumed", "the execution is resumed");
    if (after.phase == v1::kSucceeded) draft.Event("Succeeded", verdict.message);
    if (after.phase == v1::kFailed) draft.Warn(verdict.reason, verdict.message);
  }
  const std::string waiting = ReasonOf(after.conditions, "EssentialReady");
  const bool telling =
      waiting == "Unschedulable" || waiting == "ImageNotFound" || waiting == "NoAddress";
  if (telling && waiting != ReasonOf(before.conditions, "EssentialReady")) {
    draft.Warn(waiting, FindCondition(after.conditions, "EssentialReady")->message);
  }
  const std::string degraded = ReasonOf(after.conditions, "Degraded");
  if (!degraded.empty() && degraded != ReasonOf(before.conditions, "Degraded")) {
    draft.Warn(degraded, FindCondition(after.conditions, "Degraded")->message);
  }
}

// A refusal stays a refusal while the same action is refused again and again, though Report knows
// nothing of it.
void KeepTransition(const std::vector<Condition>& before, std::vector<Condition>& after,
                    std::string_view type) {
  const Condition* old = FindCondition(before, type);
  for (Condition& condition : after) {
    if (condition.type == type && old && old->status == condition.status)
      condition.last_transition_time = old->last_transition_time;
  }
}

void Queue(v1::ExecutionStatus& status, const Meta& meta, WallTime now) {
  status.observed_generation = meta.generation;
  if (!status.queued_at) status.queued_at = meta.creation_timestamp.value_or(now);
}

}  // namespace

void Report(const Picture& picture, StatusDraft& draft) {
  auto& execution = static_cast<v1::Execution&>(*draft.object);
  v1::ExecutionStatus& status = execution.status;
  Queue(status, execution.meta, picture.now);
  if (picture.mode == Mode::kActive) {
    if (std::ranges::find(execution.meta.finalizers, v1::kExecutionFinalizer) ==
        execution.meta.finalizers.end()) {
      execution.meta.finalizers.emplace_back(v1::kExecutionFinalizer);
    }
    // Who is resumed goes to the end of the queue.
    if (picture.options.queued && status.phase == v1::kSuspended) status.queued_at = picture.now;
    ReportActive(picture, draft, status);
    return TellChanges(picture.execution->status, status, picture.verdict, draft);
  }
  CountWhatStillRuns(picture, status);
  if (picture.mode == Mode::kFinished) TakeGrants(status);
  status.endpoints.clear();
  if (picture.mode == Mode::kSuspended) {
    status.started_at.reset();
    ReportStopped(picture, v1::kSuspended, "the execution is suspended", status);
  } else if (picture.mode == Mode::kTerminating) {
    ReportTerminating(picture, execution, draft);
  } else if (const auto& ttl = execution.spec.ttl_seconds_after_finished;
             ttl && status.finished_at) {
    draft.request_deletion = picture.now - *status.finished_at >= std::chrono::seconds(*ttl);
  }
  TellChanges(picture.execution->status, status, {}, draft);
}

void ReportInvalid(const v1::Execution& before, const Error& error, WallTime now,
                   StatusDraft& draft) {
  v1::ExecutionStatus& status = static_cast<v1::Execution&>(*draft.object).status;
  Queue(status, before.meta, now);
  if (status.phase.empty()) status.phase = v1::kPending;
  const std::string reason = error.reason.empty() ? "Invalid" : error.reason;
  Conditions conditions(status.conditions, before.meta.generation, now);
  conditions.Set("Admitted", false, reason, error.ToString());
  for (const char* type : {"EssentialReady", "Ready", "Complete", "Degraded"}) {
    if (!FindCondition(status.conditions, type)) conditions.Set(type, false, reason, "");
  }
}

void ReportRefusal(const v1::Execution& before, const Error& error, WallTime now,
                   StatusDraft& draft) {
  std::vector<Condition>& list = static_cast<v1::Execution&>(*draft.object).status.conditions;
  const std::string reason =
      error.reason.empty() ? std::string(CodeName(error.code)) : error.reason;
  Conditions conditions(list, before.meta.generation, now);
  // A network's name that isn't free yet is free in a few seconds: nothing is worse than it was.
  if (reason != "NetworkBusy") conditions.Set("Degraded", true, reason, error.message);
  const Condition* essential = FindCondition(list, "EssentialReady");
  if (!essential || essential->status != "True")
    conditions.Set("EssentialReady", false, reason, error.message);
  KeepTransition(before.status.conditions, list, "Degraded");
}

void ReportUnfinished(const v1::Execution& before, StatusDraft& draft) {
  std::vector<Condition>& list = static_cast<v1::Execution&>(*draft.object).status.conditions;
  const Condition* degraded = FindCondition(before.status.conditions, "Degraded");
  if (!degraded || degraded->status != "True") return;
  for (Condition& condition : list) {
    const Condition* old = FindCondition(before.status.conditions, condition.type);
    const bool hidden = condition.type == "Degraded" && condition.status == "False";
    const bool consequence = condition.type == "EssentialReady" && condition.status == "False" &&
                             old && old->status == "False" && old->reason == degraded->reason;
    if (hidden || consequence) condition = *old;
  }
}

void ReportUpdateSent(const UpdateService& update, StatusDraft& draft) {
  if (!update.rolls) return;
  for (v1::ServiceStatus& s : static_cast<v1::Execution&>(*draft.object).status.services) {
    if (s.name != update.service) continue;
    s.update = TemplateHash(update.spec);
    s.update_failed = false;
  }
}

Duration NextDeadline(const Picture& picture, const v1::ExecutionStatus& status) {
  Duration next{0};
  const auto at = [&](WallTime when) {
    const Duration wait = std::max(Duration(1), when - picture.now);
    next = next == Duration(0) ? wait : std::min(next, wait);
  };
  const v1::ExecutionSpec& spec = picture.execution->spec;
  if (picture.mode == Mode::kFinished && spec.ttl_seconds_after_finished && status.finished_at) {
    at(*status.finished_at + std::chrono::seconds(*spec.ttl_seconds_after_finished));
  }
  if (picture.mode != Mode::kActive || v1::IsFinished(status)) return next;
  if (const auto deadline = DeadlineOf(picture, status.started_at)) at(deadline->at);
  // Nobody tells when a User's network is there again.
  if (!picture.waiting_for.empty() && picture.observed.place.ready)
    at(picture.now + kNetworkPatience);
  for (const ServicePicture& s : picture.services) {
    if (s.history.next_restart) at(*s.history.next_restart);
    const auto& since = s.history.oldest_unaddressed;
    if (since && picture.now - *since < kAddressPatience) at(*since + kAddressPatience);
    const auto rolling_since = RollingSince(status);
    if (s.rolling && rolling_since && picture.now - *rolling_since < kUpdatePatience)
      at(*rolling_since + kUpdatePatience);
  }
  return next;
}

bool IsSettled(const Picture& picture, const std::vector<Action>& actions) {
  if (!actions.empty() || picture.ended()) return false;
  if (picture.mode != Mode::kActive)
    return NothingLeft(picture.observed) || picture.mode == Mode::kFinished;
  if (picture.queued) return NothingLeft(picture.observed);
  return std::ranges::all_of(picture.services, [](const ServicePicture& s) {
    if (s.observed == nullptr) return s.Ungranted();
    return s.served() >= s.wanted && s.observed->update_state != UpdateState::kUpdating &&
           s.observed->update_state != UpdateState::kRollbackStarted;
  });
}

}  // namespace zoe::execution
