#include <algorithm>

#include "apis/server/api.h"
#include "apis/server/pipe.h"
#include "apis/server/status.h"
#include "specs/v1/execution.h"

namespace zoe::server {
namespace {

constexpr int64_t kMaxReplica = 1'000'000;

// The service whose log is meant: the one that is named, the only one, the monitor.
Expected<std::string> ChooseService(const v1::Execution& execution, std::string_view asked) {
  if (!execution.spec.application)
    return MakeError(Code::kBadRequest, "this execution has no services");
  const auto& services = execution.spec.application->services;
  std::string names;
  const v1::Service* monitor = nullptr;
  int monitors = 0;
  for (const v1::Service& service : services) {
    if (service.name == asked) return service.name;
    names += (names.empty() ? "" : ", ") + service.name;
    if (!service.monitor) continue;
    monitor = &service;
    ++monitors;
  }
  if (!asked.empty()) {
    return MakeError(Code::kBadRequest, "service \"" + std::string(asked) +
                                            "\" is not one of this execution's: " + names);
  }
  if (services.size() == 1) return services.front().name;
  if (monitors == 1) return monitor->name;
  return MakeError(Code::kBadRequest,
                   "a service must be chosen, by ?service= (zoe logs: -s): " + names);
}

struct LogRequest {
  std::string service;
  LogQuery query;
};

Expected<LogRequest> ParseLogRequest(const Query& query, const v1::Execution& execution) {
  LogRequest request;
  ZOE_ASSIGN(request.service, ChooseService(execution, query.Get("service")));
  ZOE_ASSIGN(request.query.follow, query.Bool("follow", false));
  ZOE_ASSIGN(request.query.timestamps, query.Bool("timestamps", false));
  if (!query.Get("replica").empty()) {
    ZOE_ASSIGN(const int64_t replica, query.Int("replica", 0));
    if (replica < 1 || replica > kMaxReplica)
      return MakeError(Code::kBadRequest,
                       "query parameter replica: replicas are counted from 1, found " +
                           std::string(query.Get("replica")));
    request.query.slot = static_cast<int32_t>(replica);
  }
  if (!query.Get("tailLines").empty()) {
    ZOE_ASSIGN(request.query.tail, query.Int("tailLines", 0));
  }
  if (!query.Get("sinceSeconds").empty()) {
    ZOE_ASSIGN(request.query.since_seconds, query.Int("sinceSeconds", 0));
  }
  return request;
}

// A replica has a log if it is wanted, or if the Swarm still remembers it.
bool HasReplica(const SwarmService& service, const Observation& seen, int32_t slot) {
  return slot <= static_cast<int64_t>(service.spec.replicas) ||
         std::any_of(seen.tasks.begin(), seen.tasks.end(), [&](const SwarmTask& task) {
           return task.service_id == service.id && task.slot == slot;
         });
}

Expected<std::string> FindServiceId(Swarm& swarm, const Context& ctx, const Entry& entry,
                                    const LogRequest& request) {
  ZOE_ASSIGN(const Observation seen,
             swarm.Observe(ctx.WithTimeout(Duration(10'000)), entry.object->meta.uid));
  const std::string who =
      "service \"" + request.service + "\" of execution \"" + entry.key.name + "\" has no ";
  for (const SwarmService& candidate : seen.services) {
    const auto label = candidate.spec.labels.find(std::string(kLabelService));
    if (label == candidate.spec.labels.end() || label->second != request.service) continue;
    if (HasReplica(candidate, seen, request.query.slot)) return candidate.id;
    return MakeError(Code::kNotFound, who + "replica " + std::to_string(request.query.slot) +
                                          ": it has " + std::to_string(candidate.spec.replicas));
  }
  return MakeError(Code::kNotFound, who + "log: it has not been started, or has been removed");
}

}  // namespace

// The answer begins with the first line, or at once when following; after `limit` bytes it ends.
void Api::StreamLog(const ExchangePtr& exchange, const LogQuery& query,
                    std::optional<int64_t> limit) {
  static constexpr std::string_view kText = "text/plain; charset=utf-8";
  const auto pipe = std::make_shared<Pipe>();
  bool begun = false;
  const auto begin = [&] {
    begun = true;
    exchange->Stream({.content_type = kText}, pipe);
  };
  if (query.follow) begin();
  const Context ctx{deps_.clock, exchange->stop()};
  const auto result = deps_.swarm.Logs(ctx, query, [&](std::string_view line) {
    if (limit) {
      line = line.substr(0, static_cast<size_t>(*limit));
      *limit -= static_cast<int64_t>(line.size());
    }
    if (!begun) begin();
    const bool taken = pipe->Push(line);
    exchange->Wake();
    return taken && (!limit || *limit > 0);
  });
  if (!begun && !result.ok())
    return Reply(exchange, ErrorResponse(result.error(), &exchange->route));
  if (!begun)
    return Reply(exchange, {.content_type = kText, .body = std::make_shared<std::string>()});
  pipe->End(!result.ok());
  exchange->Wake();
  Count(*exchange, 200);
}

void Api::Log(const ExchangePtr& exchange) {
  const Route& route = exchange->route;
  const auto fail = [&](const Error& error) { Reply(exchange, ErrorResponse(error, &route)); };
  const EntryPtr entry = deps_.cache.Get(route.key());
  if (!entry) return fail(NotFound(route.key()));
  auto request =
      ParseLogRequest(exchange->query, static_cast<const v1::Execution&>(*entry->object));
  if (!request.ok()) return fail(request.error());
  const bool posted = logs_.Post([this, exchange, entry, request = std::move(request).value()] {
    LogQuery query = request.query;
    auto service = FindServiceId(deps_.swarm, {deps_.clock, exchange->stop()}, *entry, request);
    if (!service.ok()) return Reply(exchange, ErrorResponse(service.error(), &exchange->route));
    query.service_id = std::move(*service);
    StreamLog(exchange, query, {});
  });
  if (!posted) fail(MakeError(Code::kTooManyRequests, "too many logs are being read: try again"));
}

}  // namespace zoe::server
