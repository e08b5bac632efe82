#include "reconcilers/execution/assess.h"

#include <algorithm>

#include "reconcilers/execution/grant.h"
#include "reconcilers/execution/supervise.h"
#include "reconcilers/namespace/network.h"
#include "specs/v1/template.h"

namespace zoe::execution {
namespace {

bool RolledBack(UpdateState state) {
  return state == UpdateState::kRollbackStarted || state == UpdateState::kRollbackPaused ||
         state == UpdateState::kRollbackCompleted;
}

bool Held(const ServicePicture& s) {
  if (s.observed == nullptr || s.before == nullptr || s.before->update.empty()) return false;
  if (SameTasks(s.desired, s.observed->spec) || s.before->update != TemplateHash(s.desired))
    return false;
  return s.before->update_failed || RolledBack(s.observed->update_state);
}

// A calendar that was put back would have it last for as long.
bool JustNow(WallTime since, WallTime now) {
  return now - since < kUpdatePatience && since - now < kUpdatePatience;
}

bool Rolling(const ServicePicture& s, const v1::ExecutionStatus& status, WallTime now) {
  if (s.observed == nullptr || s.wanted == 0) return false;
  const UpdateState state = s.observed->update_state;
  if (state == UpdateState::kRollbackStarted) return true;
  if (s.waiting) return state == UpdateState::kUpdating;
  if (s.held) return false;
  if (!s.UpToDate() || state == UpdateState::kUpdating) return true;
  const std::optional<WallTime> since = RollingSince(status);
  return state == UpdateState::kNone && since && JustNow(*since, now) && s.before &&
         s.before->update == TemplateHash(s.desired);
}

const v1::ServiceStatus* FindStatus(const v1::ExecutionStatus& status, const std::string& name) {
  for (const v1::ServiceStatus& s : status.services) {
    if (s.name == name) return &s;
  }
  return nullptr;
}

std::string WaitsFor(const Picture& picture) {
  const Place& place = picture.observed.place;
  if (!place.ready) return place.waiting_for;
  if (!place.has_user || !picture.observed.network_id.empty()) return "";
  return "network " + NetworkName(picture.options.deployment, picture.execution->meta.ns) +
         " is missing: it is being made again";
}

// What an attempt before this one has left has ended badly already.
bool OfThisAttempt(const Picture& picture, const SwarmService& service) {
  return LabelOf(service.spec.labels, kLabelAttempt) ==
         AttemptLabel(picture.execution->status.attempts);
}

void FindStrays(Picture& picture) {
  for (const SwarmService& service : picture.observed.services) {
    const bool declared = std::ranges::any_of(
        picture.services, [&](const ServicePicture& s) { return s.observed == &service; });
    if (!declared) picture.strays.push_back(&service);
  }
}

// What is replaced keeps its slot beside those that are wanted. Another template is run in all
// slots anew.
void AskForReplacements(ServicePicture& s) {
  if (s.wanted == 0 || s.history.replaced == 0 || !(s.UpToDate() || s.held)) return;
  s.desired.replicas += static_cast<uint64_t>(s.history.replaced);
  s.desired.labels[std::string(kLabelReplaced)] = s.history.replacements;
}

ServicePicture Look(const Picture& picture, v1::Service service) {
  ServicePicture s;
  const Observed& observed = picture.observed;
  s.desired =
      ToSwarmService(*picture.execution, service,
                     {observed.network_id, observed.place, observed.store_id}, picture.options);
  s.before = FindStatus(picture.execution->status, service.name);
  s.wanted = service.replicas.total;
  if (picture.options.queued) {
    s.wanted = Granted(*picture.execution, service);
    s.desired.replicas = static_cast<uint64_t>(s.wanted);
    if (s.before != nullptr)
      std::ranges::move(Confine(s.before->nodes, observed.nodes),
                        std::back_inserter(s.desired.constraints));
  }
  s.service = std::move(service);
  for (const SwarmService& candidate : picture.observed.services) {
    if (candidate.spec.name == s.desired.name && OfThisAttempt(picture, candidate))
      s.observed = &candidate;
  }
  if (s.observed != nullptr) {
    s.confines = OnlyConfines(*s.observed, s.desired, picture.observed.tasks);
    s.history = ReadHistory(*s.observed, picture.observed.tasks,
                            s.before ? s.before->last_restart_time : std::nullopt,
                            {&s.service, picture.now});
    const auto& waits_since = s.history.oldest_unaddressed;
    if (waits_since && picture.now - *waits_since >= kAddressPatience) {
      s.history.trouble = Trouble::kNoAddress;
      s.history.message = "no address in network " +
                          NetworkName(picture.options.deployment, picture.execution->meta.ns) +
                          " for more than 30 s: it may be full";
    }
  }
  s.held = Held(s);
  AskForReplacements(s);
  s.waiting =
      !picture.waiting_for.empty() && (s.observed == nullptr || s.Target() != s.observed->spec);
  s.rolling = Rolling(s, picture.execution->status, picture.now);
  return s;
}

void OpenOrders(std::vector<ServicePicture>& services) {
  for (ServicePicture& s : services) {
    s.open = std::ranges::all_of(services, [&](const ServicePicture& other) {
      if (other.service.startup_order >= s.service.startup_order) return true;
      return other.Satisfied() || other.service.essential() == 0;
    });
  }
}

// Swarm is at work on a change that was sent: the failures of what was before don't count against
// what comes.
bool BeingReplaced(const ServicePicture& s) { return s.UpToDate() && s.rolling; }

// All its replicas have ended for good.
bool Ended(const ServicePicture& s) {
  if (s.history.lost > 0 && BeingReplaced(s)) return false;
  return s.observed != nullptr && s.history.AllEnded() &&
         static_cast<int>(s.history.slots.size()) >= s.service.replicas.total;
}

std::string DescribeLoss(const ServicePicture& s) {
  for (const SlotHistory& slot : s.history.slots) {
    if (slot.state != SlotState::kLost) continue;
    std::string text = "service " + s.service.name + ": replica " + std::to_string(slot.slot);
    if (slot.failures > 1) text += ", after " + std::to_string(slot.failures) + " attempts,";
    text += slot.exit_code ? " ended with exit code " + std::to_string(*slot.exit_code) : " ended";
    if (!slot.message.empty()) text += ": " + slot.message;
    if (slot.rule) text += " (restart.rules[" + std::to_string(*slot.rule) + "])";
    return text;
  }
  return "service " + s.service.name;
}

bool LostByRule(const ServicePicture& s) {
  return std::ranges::any_of(s.history.slots,
                             [](const SlotHistory& slot) { return slot.rule.has_value(); });
}

bool NeverRestarts(const ServicePicture& s) {
  return IsSupervised(s.service) ? s.service.restart_policy() == "never"
                                 : s.desired.restart_condition == RestartCondition::kNone;
}

Verdict Failed(const ServicePicture& s, std::string reason) {
  const bool by_rule = LostByRule(s);
  if (by_rule) reason = "RestartRule";
  if (s.history.trouble == Trouble::kImageNotFound) reason = "ImageNotFound";
  return {Verdict::Kind::kFailed, std::move(reason), DescribeLoss(s), by_rule};
}

Verdict JudgeMonitors(const std::vector<ServicePicture>& services) {
  for (const ServicePicture& s : services) {
    if (s.service.monitor && !Ended(s)) return {};
  }
  std::string names;
  for (const ServicePicture& s : services) {
    if (!s.service.monitor) continue;
    if (s.history.lost > 0) return Failed(s, "MonitorFailed");
    names += (names.empty() ? "" : ", ") + s.service.name;
  }
  return {Verdict::Kind::kSucceeded, "MonitorsSucceeded", names + " ended with exit code 0"};
}

Verdict JudgeServices(const Picture& picture) {
  const auto& services = picture.services;
  const bool monitored =
      std::ranges::any_of(services, [](const ServicePicture& s) { return s.service.monitor; });
  if (monitored) {
    Verdict verdict = JudgeMonitors(services);
    if (verdict.kind != Verdict::Kind::kNone) return verdict;
  }
  bool all_ended = !monitored, any = false;
  for (const ServicePicture& s : services) {
    const int total = s.service.replicas.total;
    if (!s.service.monitor && !BeingReplaced(s) && total - s.history.lost < s.service.essential()) {
      return Failed(s, NeverRestarts(s) ? "TaskFailed" : "AttemptsExhausted");
    }
    if (total == 0) continue;
    any = true;
    all_ended = all_ended && Ended(s);
  }
  if (all_ended && any)
    return {Verdict::Kind::kSucceeded, "AllServicesEnded", "the tasks of all services have ended"};
  return {};
}

// As a Kubernetes Job: it has further attempts, or has used them up.
void CountAttempts(Picture& picture) {
  Verdict& verdict = picture.verdict;
  const int limit = picture.execution->spec.backoff_limit;
  if (verdict.kind != Verdict::Kind::kFailed || verdict.final || limit == 0) return;
  picture.again = picture.execution->status.attempts < limit;
  if (picture.again) return;
  verdict.message = "the last of " + std::to_string(limit + 1) +
                    " attempts has failed: " + verdict.reason + ": " + verdict.message;
  verdict.reason = "BackoffLimitExceeded";
}

Verdict Judge(const Picture& picture) {
  Verdict verdict = JudgeServices(picture);
  if (verdict.kind != Verdict::Kind::kNone) return verdict;
  const auto deadline = DeadlineOf(picture, picture.execution->status.started_at);
  if (deadline && picture.now >= deadline->at) return deadline->verdict;
  return {};
}

}  // namespace

SwarmServiceSpec ServicePicture::Target() const {
  if (!held) return desired;
  SwarmServiceSpec target = observed->spec;
  target.labels = desired.labels;
  target.replicas = desired.replicas;
  target.update_parallelism = desired.update_parallelism;
  target.update_order = desired.update_order;
  target.update_failure_action = desired.update_failure_action;
  return target;
}

std::optional<WallTime> RollingSince(const v1::ExecutionStatus& status) {
  const Condition* ready = FindCondition(status.conditions, "Ready");
  if (ready == nullptr || ready->status != "False" || ready->reason != "Updating") return {};
  return ready->last_transition_time;
}

std::optional<Deadline> DeadlineOf(const Picture& picture,
                                   const std::optional<WallTime>& started_at) {
  std::optional<Deadline> deadline;
  if (!started_at) return deadline;
  if (const auto& seconds = picture.execution->spec.active_deadline_seconds) {
    deadline = {*started_at + std::chrono::seconds(*seconds),
                {.kind = Verdict::Kind::kFailed,
                 .reason = "DeadlineExceeded",
                 .message = "ran longer than activeDeadlineSeconds: " + std::to_string(*seconds),
                 .final = true}};
  }
  const auto& runtime = picture.observed.runtime;
  if (runtime && (!deadline || *started_at + *runtime < deadline->at)) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*runtime).count();
    deadline = {*started_at + *runtime,
                {.kind = Verdict::Kind::kFailed,
                 .reason = "RuntimeExceeded",
                 .message = "ran longer than the runtime that quota " + picture.observed.quota +
                            " allows: " + std::to_string(seconds) + " s",
                 .final = true}};
  }
  return deadline;
}

Mode ModeOf(const v1::Execution& execution) {
  if (execution.meta.deletion_timestamp) return Mode::kTerminating;
  if (v1::IsFinished(execution.status)) return Mode::kFinished;
  return execution.spec.suspend ? Mode::kSuspended : Mode::kActive;
}

Expected<Picture> Assess(const v1::Execution& execution, Observed observed, WallTime now,
                         const ExecutionOptions& options) {
  Picture picture;
  picture.execution = &execution;
  picture.observed = std::move(observed);
  picture.now = now;
  picture.mode = ModeOf(execution);
  picture.options = options;
  if (picture.mode != Mode::kActive) return Expected<Picture>(std::move(picture));
  if (!execution.spec.application) {
    return MakeError(Code::kInvalid, "NoApplication",
                     "spec.application is missing: spec.applicationRef has not been resolved");
  }
  ZOE_ASSIGN(std::vector<v1::Service> services, v1::RenderServices(execution, options.deployment));
  picture.waiting_for = WaitsFor(picture);
  picture.services.reserve(services.size());
  for (v1::Service& service : services)
    picture.services.push_back(Look(picture, std::move(service)));
  OpenOrders(picture.services);
  FindStrays(picture);
  picture.queued = options.queued && IsQueued(execution);
  picture.verdict = Judge(picture);
  // What ended well before it could be put back has ended.
  if (picture.queued && picture.verdict.kind == Verdict::Kind::kFailed) picture.verdict = {};
  CountAttempts(picture);
  return Expected<Picture>(std::move(picture));
}

}  // namespace zoe::execution
