#include "specs/v1/execution.h"

#include "specs/schema/names.h"
#include "specs/v1/checks.h"
#include "specs/v1/describe.h"
#include "specs/v1/kinds.h"

namespace zoe::schema {

using v1::ApplicationRef, v1::Endpoint, v1::Execution, v1::ExecutionSpec, v1::ExecutionStatus,
    v1::Idle, v1::ServiceStatus;

template <>
const Type& Describe<ApplicationRef>() {
  static const Type type = Struct<ApplicationRef>("ApplicationRef", "Names an Application.")
                               .Add("name", &ApplicationRef::name, "Name of the Application.")
                               .Required()
                               .Must(MustBeDnsLabel)
                               .Example("spark")
                               .Add("namespace", &ApplicationRef::ns,
                                    "Its namespace; catalog holds those that are offered to all.")
                               .Must(MustBeDnsLabel)
                               .Default("the execution's own")
                               .Example("catalog")
                               .Build();
  return type;
}

template <>
const Type& Describe<Idle>() {
  static const Type type =
      Struct<Idle>("Idle", "When the observer ends an execution that nobody uses.")
          .Add("timeoutSeconds", &Idle::timeout_seconds,
               "Seconds without use after which the execution is ended.")
          .Required()
          .AtLeast(1)
          .Example("3600")
          .Add("probe", &Idle::probe,
               "How the observer sees use: the name of one of its probes. Empty: by cpu and "
               "network.")
          .Example("spark")
          .Build();
  return type;
}

template <>
const Type& Describe<ExecutionSpec>() {
  static const Type type =
      Struct<ExecutionSpec>("ExecutionSpec", "What to run: application or applicationRef, and how.")
          .Add("application", &ExecutionSpec::application,
               "The application, inline. With applicationRef the server fills it when the "
               "execution is created, so that a later "
               "change of the Application changes no running execution.")
          .Example("{services: [{name: web, image: zoe/mini:latest}]}")
          .Aka({"app"})
          .Add("applicationRef", &ExecutionSpec::application_ref, "An Application to run.")
          .Example("{name: spark, namespace: catalog}")
          .Aka({"appRef"})
          .Add("parameters", &ExecutionSpec::parameters,
               "Values of the application's parameters. An inline application that declares none "
               "takes any.")
          .AnyScalar()
          .KeysMust(v1::MustBeParameterName)
          .Example("{workers: 3}")
          .Aka({"params"})
          .Add("priority", &ExecutionSpec::priority, "Higher is started first.")
          .Range(-1'000'000'000, 1'000'000'000)
          .Add("suspend", &ExecutionSpec::suspend,
               "True: the containers are removed, the object stays; false starts it again.")
          .Always()
          .Aka({"suspended"})
          .Add("activeDeadlineSeconds", &ExecutionSpec::active_deadline_seconds,
               "Seconds after the start at which the execution fails, if it has not ended. Absent: "
               "none.")
          .Range(1, int64_t{1} << 31)
          .Example("86400")
          .Aka({"timeoutSeconds", "deadlineSeconds"})
          .Add("ttlSecondsAfterFinished", &ExecutionSpec::ttl_seconds_after_finished,
               "Seconds after its end at which the object is deleted. Absent: it is kept.")
          .Range(0, int64_t{1} << 31)
          .Example("604800")
          .Aka({"ttl", "ttlSeconds"})
          .Add(
              "expectedDurationSeconds", &ExecutionSpec::expected_duration_seconds,
              "About how many seconds it runs with all its replicas. Lets the queue put short ones "
              "first, and start those early that end before the next in the queue could start. "
              "Nothing happens when it takes longer. Absent: activeDeadlineSeconds.")
          .Range(1, int64_t{1} << 31)
          .Example("1800")
          .Aka({"durationSeconds", "expectedSeconds"})
          .Add("backoffLimit", &ExecutionSpec::backoff_limit,
               "How often the execution is put back into the queue and tried again after it has "
               "failed, before it is Failed.")
          .Range(0, 1'000)
          .Aka({"retries"})
          .Add("idle", &ExecutionSpec::idle,
               "When the observer ends the execution because nobody uses it. Absent: never.")
          .Example("{timeoutSeconds: 3600}")
          .Build();
  return type;
}

template <>
const Type& Describe<ServiceStatus>() {
  static const Type type =
      Struct<ServiceStatus>("ServiceStatus", "What is seen of a service.")
          .Add("name", &ServiceStatus::name, "Name of the service.")
          .Required()
          .Add("total", &ServiceStatus::total, "Replicas wanted.")
          .Add("essential", &ServiceStatus::essential,
               "Of those, how many are needed to run at all.")
          .Add("running", &ServiceStatus::running, "Replicas whose container runs.")
          .Add("ready", &ServiceStatus::ready,
               "Replicas that run and have passed their readiness probe.")
          .Add("restarts", &ServiceStatus::restarts,
               "Restarts of containers after a failure, over all replicas.")
          .Add("ended", &ServiceStatus::ended, "Replicas that ended for good.")
          .OmitZero()
          .Add("granted", &ServiceStatus::granted,
               "Replicas that the scheduler lets run; absent: it has not decided.")
          .Add("nodes", &ServiceStatus::nodes,
               "Ids of the nodes that they are confined to. Empty: the Swarm chooses.")
          .Add("exitCode", &ServiceStatus::exit_code,
               "The highest exit code of the newest containers, when all have ended.")
          .Add("message", &ServiceStatus::message, "Why it is not as wanted, in words.")
          .Add("lastRestartTime", &ServiceStatus::last_restart_time,
               "When the newest container that replaced another one was created.")
          .Add("update", &ServiceStatus::update,
               "Hash of the change that is rolling, for the controller; empty when it has rolled.")
          .Add("updateFailed", &ServiceStatus::update_failed,
               "True: that change failed and was rolled back; it is not tried again.")
          .Build();
  return type;
}

template <>
const Type& Describe<Endpoint>() {
  static const Type type =
      Struct<Endpoint>("Endpoint", "An address for people to open.")
          .Add("service", &Endpoint::service, "Name of the service.")
          .Add("name", &Endpoint::name, "Name of the port.")
          .Add("url", &Endpoint::url,
               "Address to open: the API's proxy to it; the same as address where there is no "
               "Gateway to "
               "go through, or it speaks something else than plain HTTP.")
          .Add("address", &Endpoint::address,
               "Address within the namespace's network, for users of the gateway.")
          .Add("via", &Endpoint::via, "SOCKS5 proxy that leads into that network: the gateway.")
          .Build();
  return type;
}

template <>
const Type& Describe<ExecutionStatus>() {
  static const Type type =
      Struct<ExecutionStatus>("ExecutionStatus",
                              "How the execution goes; written by the controller.")
          .Add("phase", &ExecutionStatus::phase, "Where it stands, in one word.")
          .Enum({v1::kPending, v1::kQueued, v1::kStarting, v1::kRunning, v1::kSucceeded,
                 v1::kFailed, v1::kSuspended, v1::kTerminating})
          .Add("observedGeneration", &ExecutionStatus::observed_generation,
               "The metadata.generation that was looked at.")
          .OmitZero()
          .Add("queuePosition", &ExecutionStatus::queue_position,
               "Place in the queue, 1 is next; 0 when not queued.")
          .Add("attempts", &ExecutionStatus::attempts,
               "How often it has failed and was put back into the queue; see spec.backoffLimit.")
          .OmitZero()
          .Add("queuedAt", &ExecutionStatus::queued_at, "When it entered the queue.")
          .Add("startedAt", &ExecutionStatus::started_at,
               "When it left Pending: its first containers had been placed.")
          .Add("finishedAt", &ExecutionStatus::finished_at, "When it ended.")
          .Add("services", &ExecutionStatus::services, "What is seen of each service.")
          .ListMap({"name"})
          .Add("endpoints", &ExecutionStatus::endpoints, "Addresses for people to open.")
          .Add("conditions", &ExecutionStatus::conditions,
               "Admitted, EssentialReady, Ready, Complete, Degraded.")
          .ListMap({"type"})
          .Build();
  return type;
}

template <>
const Type& Describe<Execution>() {
  static const Type type =
      Struct<Execution>("Execution", "One run of an application, by reference or inline.")
          .Constant("apiVersion", v1::kApiVersion, "Version of this format.")
          .Constant("kind", "Execution", "Kind of object.")
          .Add("metadata", &Execution::meta, "Name, labels and history.")
          .Required()
          .Example("{name: wordcount}")
          .Add("spec", &Execution::spec, "What to run.")
          .Required()
          .Add("status", &Execution::status, "How it goes; written by the controller.")
          .Build();
  return type;
}

}  // namespace zoe::schema

namespace zoe::v1 {

bool IsFinished(const ExecutionStatus& status) {
  return status.phase == kSucceeded || status.phase == kFailed;
}

}  // namespace zoe::v1
