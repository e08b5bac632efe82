// The log of a pod: of one task alone, or of the one before it in the same slot.
#include <algorithm>
#include <tuple>

#include "apis/server/api.h"
#include "apis/server/pods.h"
#include "apis/server/status.h"
#include "specs/core/kinds.h"
#include "specs/core/pod.h"

namespace zoe::server {
namespace {

struct PodLogRequest {
  LogQuery query;
  std::string container;
  bool previous = false;
  std::optional<int64_t> limit_bytes;
};

Error Bad(std::string message) { return MakeError(Code::kBadRequest, std::move(message)); }

Expected<std::optional<int64_t>> SinceSeconds(const Query& query, WallTime now) {
  const bool seconds = !query.Get("sinceSeconds").empty(), time = !query.Get("sinceTime").empty();
  if (seconds && time) return Bad("at most one of `sinceTime` or `sinceSeconds` may be specified");
  if (seconds) {
    ZOE_ASSIGN(const int64_t since, query.Int("sinceSeconds", 0));
    return std::optional(since);
  }
  if (!time) return std::optional<int64_t>();
  const auto since = ParseTime(query.Get("sinceTime"));
  if (!since.ok()) return Bad("query parameter sinceTime: " + since.error().message);
  const auto passed = std::chrono::floor<std::chrono::seconds>(now) -
                      std::chrono::floor<std::chrono::seconds>(*since);
  return std::optional<int64_t>(std::max<int64_t>(0, passed.count()));
}

Expected<PodLogRequest> ParsePodLog(const Query& query, WallTime now) {
  PodLogRequest request;
  request.container = query.Get("container");
  ZOE_ASSIGN(request.query.follow, query.Bool("follow", false));
  ZOE_ASSIGN(request.query.timestamps, query.Bool("timestamps", false));
  ZOE_ASSIGN(request.previous, query.Bool("previous", false));
  if (!query.Get("tailLines").empty()) {
    ZOE_ASSIGN(request.query.tail, query.Int("tailLines", 0));
  }
  ZOE_ASSIGN(request.query.since_seconds, SinceSeconds(query, now));
  if (!query.Get("limitBytes").empty()) {
    ZOE_ASSIGN(request.limit_bytes, query.Int("limitBytes", 0));
    if (*request.limit_bytes < 1) return Bad("query parameter limitBytes: must be at least 1");
  }
  return request;
}

Error WaitsToStart(const core::Pod& pod) {
  const auto& states = pod.status.container_statuses;
  const bool known = !states.empty() && states.front().state.waiting;
  return Bad("container \"" + pod.spec.containers.front().name + "\" in pod \"" + pod.meta.name +
             "\" is waiting to start: " +
             (known ? states.front().state.waiting->reason : "ContainerCreating"));
}

// Which task's log it is. Kubernetes' words for what can't be read.
Expected<void> FindTask(Swarm& swarm, const Context& ctx, const Entry& entry,
                        PodLogRequest& request) {
  const auto& pod = static_cast<const core::Pod&>(*entry.object);
  const std::string container = pod.spec.containers.front().name,
                    who = " in pod \"" + entry.key.name;
  if (!request.container.empty() && request.container != container)
    return Bad("container " + request.container + " is not valid for pod " + entry.key.name);
  ZOE_ASSIGN(Observation seen,
             swarm.Observe(ctx.WithTimeout(Duration(10'000)), LabelOf(pod.meta.labels, kLabelUid)));
  std::ranges::sort(seen.tasks, {}, [](const SwarmTask& task) {
    return std::tuple(task.created_at, std::string_view(task.id));
  });
  const auto task = std::ranges::find(seen.tasks, pod.meta.uid, &SwarmTask::id);
  if (task == seen.tasks.end())
    return MakeError(Code::kNotFound, "pods \"" + entry.key.name + "\" not found");
  request.query.service_id = task->service_id;
  request.query.task_id = task->id;
  // While a restart waits, the log is that of the container before it, as kubelet has it.
  if (request.previous || task->container_id.empty()) {
    const auto before = std::find_if(
        std::make_reverse_iterator(task), seen.tasks.rend(), [&](const SwarmTask& other) {
          return other.service_id == task->service_id && other.slot == task->slot &&
                 !other.container_id.empty();
        });
    if (before == seen.tasks.rend() && !request.previous) return WaitsToStart(pod);
    if (before == seen.tasks.rend())
      return Bad("previous terminated container \"" + container + "\"" + who + "\" not found");
    request.query.task_id = before->id;
  }
  return {};
}

}  // namespace

void Api::PodLog(const ExchangePtr& exchange) {
  auto parsed = ParsePodLog(exchange->query, deps_.clock.WallNow());
  if (!parsed.ok()) return Reply(exchange, ErrorResponse(parsed.error(), &exchange->route));
  const auto read = [this, exchange, request = std::move(*parsed)]() mutable {
    const EntryPtr entry = CacheOf(*exchange->route.kind).Get(exchange->route.key());
    const auto found = entry
                           ? FindTask(deps_.swarm, {deps_.clock, exchange->stop()}, *entry, request)
                           : NotFound(exchange->route);
    if (!found.ok()) return Reply(exchange, ErrorResponse(found.error(), &exchange->route));
    StreamLog(exchange, request.query, request.limit_bytes);
  };
  views_.Refresh(*exchange->route.kind, [this, exchange, read](const Expected<void>& result) {
    if (!result.ok()) return Reply(exchange, ErrorResponse(result.error(), &exchange->route));
    if (logs_.Post(read)) return;
    Reply(exchange, ErrorResponse(MakeError(Code::kTooManyRequests,
                                            "too many logs are being read: try again"),
                                  &exchange->route));
  });
}

}  // namespace zoe::server
