#include "reconcilers/schedule/job.h"

#include <algorithm>
#include <chrono>

#include "reconcilers/execution/assess.h"
#include "reconcilers/execution/grant.h"
#include "specs/v1/quota.h"
#include "specs/v1/template.h"

namespace zoe::schedule {
namespace {

constexpr int kSteps = 16;
constexpr int64_t kNanoPerMilli = 1'000'000;
// More than any node has (281,474 CPUs, 256 TiB), and little enough to count what stands.
constexpr int64_t kMost = int64_t{1} << 48;

const v1::ServiceStatus* Find(const v1::ExecutionStatus& status, const std::string& name) {
  const auto it = std::ranges::find(status.services, name, &v1::ServiceStatus::name);
  return it == status.services.end() ? nullptr : &*it;
}

// Nothing is granted to one that waits, whatever is left in its status.
scheduler::Service ToService(const v1::Execution& execution, const v1::Service& service,
                             bool waits) {
  scheduler::Service s;
  s.name = service.name;
  s.request = RequestOf(service);
  s.total = service.replicas.total;
  s.essential = service.essential();
  s.constraints = service.constraints;
  if (waits) return s;
  s.granted = execution::Granted(execution, service);
  if (const v1::ServiceStatus* status = Find(execution.status, service.name)) {
    s.ended = std::min(status->ended, s.granted);
    s.nodes = status->nodes;
  }
  return s;
}

int32_t PlacedOf(const scheduler::Service& service) {
  int32_t placed = 0;
  for (const scheduler::Placed& p : service.placed) placed += p.replicas;
  return placed;
}

}  // namespace

std::string JobId(const v1::Execution& execution) {
  return execution.meta.ns + "/" + execution.meta.name;
}

scheduler::Resources RequestOf(const v1::Service& service) {
  const v1::Usage usage = v1::RequestsOf(service);
  return {std::min(usage.cpu_milli, kMost / kNanoPerMilli) * kNanoPerMilli,
          std::min(usage.memory_bytes, kMost)};
}

bool IsEnding(const v1::Execution& execution) {
  return execution::ModeOf(execution) != execution::Mode::kActive;
}

std::optional<scheduler::Job> ToJob(const v1::Execution& execution, std::string_view deployment) {
  const v1::ExecutionSpec& spec = execution.spec;
  const v1::ExecutionStatus& status = execution.status;
  if (!spec.application) return std::nullopt;
  scheduler::Job job;
  job.id = JobId(execution);
  job.user = execution.meta.ns;
  job.fixed = IsEnding(execution);
  if (!job.fixed && (status.observed_generation != execution.meta.generation || !status.queued_at ||
                     !v1::RenderServices(execution, deployment).ok()))
    return std::nullopt;
  const bool waits = job.fixed || execution::IsQueued(execution);
  for (const v1::Service& service : spec.application->services)
    job.services.push_back(ToService(execution, service, waits));
  if (job.fixed) return job;
  job.started = !waits;
  job.priority = spec.priority;
  job.queued_at = *status.queued_at;
  const auto& declared = spec.expected_duration_seconds ? spec.expected_duration_seconds
                                                        : spec.active_deadline_seconds;
  if (declared) job.duration = job.remaining = std::chrono::seconds(*declared);
  return job;
}

void SetSeen(const std::map<std::string, ServiceTasks>* tasks,
             const std::optional<WallTime>& started_at, WallTime now, scheduler::Job& job) {
  bool stuck = false;
  for (scheduler::Service& s : job.services) {
    s.placed.clear();
    if (tasks == nullptr) continue;
    const auto it = tasks->find(s.name);
    if (it == tasks->end()) continue;
    for (const auto& [node, replicas] : it->second.placed) s.placed.push_back({node, replicas});
    stuck = stuck ||
            (it->second.homeless > 0 && PlacedOf(s) + s.ended < std::min(s.essential, s.granted));
  }
  if (!stuck || job.fixed) {
    job.stuck_since.reset();
  } else if (!job.stuck_since || *job.stuck_since > now) {  // a calendar may be put back
    job.stuck_since = now;
  }
  if (!job.duration) return;
  const Duration passed = started_at ? std::max(Duration(0), now - *started_at) : Duration(0);
  const auto steps = std::min<Duration::rep>(kSteps, passed * kSteps / *job.duration);
  job.remaining = *job.duration * (kSteps - steps) / kSteps;
}

bool IsOnItsWay(const scheduler::Job& job) {
  return std::ranges::any_of(
      job.services, [](const scheduler::Service& s) { return PlacedOf(s) + s.ended < s.granted; });
}

bool LacksElastic(const scheduler::Job& job) {
  return job.started && std::ranges::any_of(job.services, [](const scheduler::Service& s) {
           return s.granted < s.total;
         });
}

}  // namespace zoe::schedule
