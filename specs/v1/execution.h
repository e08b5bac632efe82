// Execution: one run of an application. Field docs, defaults and bounds stand in execution.cc.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "specs/v1/application.h"

namespace zoe::v1 {

struct ApplicationRef {
  std::string name, ns;  // YAML: namespace; default: the execution's own
  bool operator==(const ApplicationRef&) const = default;
};

struct Idle {
  int32_t timeout_seconds = 0;
  std::string probe;
  bool operator==(const Idle&) const = default;
};

struct ExecutionSpec {
  // Written inline, or filled by admission from application_ref when the execution is created
  // (webhooks/admission): a later edit of the Application changes no running execution.
  std::optional<ApplicationSpec> application;
  std::optional<ApplicationRef> application_ref;
  std::map<std::string, std::string> parameters;  // scalars, kept as text
  int32_t priority = 0;
  bool suspend = false;
  std::optional<int64_t> active_deadline_seconds, ttl_seconds_after_finished;
  std::optional<int64_t> expected_duration_seconds;  // with all replicas; for the queue's order
  int32_t backoff_limit = 0;  // how often it is tried again from the queue after it has failed
  std::optional<Idle> idle;
  bool operator==(const ExecutionSpec&) const = default;
};

inline constexpr std::string_view kPending = "Pending", kQueued = "Queued", kStarting = "Starting",
                                  kRunning = "Running", kSucceeded = "Succeeded",
                                  kFailed = "Failed", kSuspended = "Suspended",
                                  kTerminating = "Terminating";

struct ServiceStatus {
  std::string name;
  int32_t total = 0, essential = 0, running = 0, ready = 0, restarts = 0;
  int32_t ended = 0;  // replicas that ended for good
  // The scheduler's: replicas that may run (absent: never decided), and the ids of the nodes that
  // they are confined to (empty: any).
  std::optional<int32_t> granted;
  std::vector<std::string> nodes;
  std::optional<int32_t> exit_code;  // of the last task that ended: the highest of the newest
                                     // tasks, when all have ended
  std::string message;
  // What the reconciler must remember about rolling changes and restarts (docs/decisions/0003,
  // 0004). YAML: lastRestartTime, update, updateFailed.
  std::optional<WallTime>
      last_restart_time;  // creation of the newest replacement that `restarts` counts
  std::string
      update;  // hash of the containers' template last sent as an update; empty once it has rolled
  bool update_failed = false;  // Swarm rolled `update` back: not sent again
  bool operator==(const ServiceStatus&) const = default;
};

struct Endpoint {
  std::string service, name;
  std::string url;      // of the API's proxy
  std::string address;  // within the namespace's network
  std::string via;      // SOCKS5 proxy that leads there
  bool operator==(const Endpoint&) const = default;
};

struct ExecutionStatus {
  std::string phase;
  int64_t observed_generation = 0;
  int32_t queue_position = 0;
  int32_t attempts = 0;  // how often it has failed and was put back into the queue
  std::optional<WallTime> queued_at, started_at, finished_at;
  std::vector<ServiceStatus> services;
  std::vector<Endpoint> endpoints;
  std::vector<Condition> conditions;  // Admitted, EssentialReady, Ready, Complete, Degraded
  bool operator==(const ExecutionStatus&) const = default;
};

using Execution = Object<ExecutionSpec, ExecutionStatus>;

// True for Succeeded and Failed.
bool IsFinished(const ExecutionStatus& status);

// Annotation: a change of its value restarts every container (set by `zoe restart` to the time, RFC
// 3339).
inline constexpr std::string_view kRestartedAt = "zoe/restartedAt";
// Finalizer of the execution reconciler.
inline constexpr std::string_view kExecutionFinalizer = "zoe/execution";

}  // namespace zoe::v1
