#include "specs/v1/quota.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "specs/schema/names.h"
#include "specs/v1/checks.h"
#include "specs/v1/describe.h"
#include "specs/v1/kinds.h"
#include "specs/v1/user.h"

namespace zoe::schema {

using v1::Quota, v1::QuotaSpec, v1::QuotaStatus;

template <>
const Type& Describe<QuotaSpec>() {
  static const Type type =
      Struct<QuotaSpec>("QuotaSpec",
                        "Limits of each user to whom the Quota is given. What is absent is not "
                        "limited. Executions that are finished, suspended or being deleted don't "
                        "count; one that waits in the queue does.")
          .Add("roles", &QuotaSpec::roles,
               "Roles whose users have this Quota unless their spec.quota names another one. Each "
               "role can stand in one Quota only.")
          .Enum({v1::kRoleAdmin, v1::kRoleUser, v1::kRoleGuest})
          .ListSet()
          .Example("[user, guest]")
          .Add("executions", &QuotaSpec::executions, "How many executions at one time.")
          .AtLeast(0)
          .Example("5")
          .Add("cpu", &QuotaSpec::cpu,
               "CPUs that they request together. Essential replicas count from the start; elastic "
               "ones are granted while there is room below the limit.")
          .Example("8")
          .Add("memory", &QuotaSpec::memory,
               "Memory that they request together, counted as cpu is.")
          .Example("32Gi")
          .Add("services", &QuotaSpec::services, "How many services they have together.")
          .AtLeast(0)
          .Example("20")
          .Add("runtime", &QuotaSpec::runtime,
               "How long each execution may run, from its start; then it fails, as by "
               "activeDeadlineSeconds. A number of seconds, or numbers with the units s, m and h.")
          .AnyScalar()
          .Must(v1::MustBeRuntime)
          .Example("8h")
          .Aka({"runtimeSeconds", "duration"})
          .Add("maxPriority", &QuotaSpec::max_priority, "The highest spec.priority that they take.")
          .Range(-1'000'000'000, 1'000'000'000)
          .Example("0")
          .Aka({"priority"})
          .Build();
  return type;
}

template <>
const Type& Describe<QuotaStatus>() {
  static const Type type =
      Struct<QuotaStatus>("QuotaStatus", "A Quota has nothing to report.").Build();
  return type;
}

template <>
const Type& Describe<Quota>() {
  static const Type type =
      Struct<Quota>("Quota",
                    "What each of the users to whom it is given may have at one time: those whose "
                    "spec.quota names it, and those of its roles that name none.")
          .Constant("apiVersion", v1::kApiVersion, "Version of this format.")
          .Constant("kind", "Quota", "Kind of object.")
          .Add("metadata", &Quota::meta, "Name, labels and history.")
          .Required()
          .Example("{name: students}")
          .Add("spec", &Quota::spec, "The limits.")
          .Example("{executions: 5, cpu: 8, memory: 32Gi}")
          .Add("status", &Quota::status, "Nothing.")
          .Build();
  return type;
}

}  // namespace zoe::schema

namespace zoe::v1 {
namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

int64_t Sum(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? kMost : sum;
}

int64_t Product(int64_t a, int64_t b) {
  int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? kMost : product;
}

std::string Number(int64_t value) { return std::to_string(value); }
std::string Cpus(int64_t milli) { return Quantity::Milli(milli).text(); }
std::string Bytes(int64_t bytes) { return Quantity::Whole(bytes).text(); }

// Nothing for what needs nothing any more.
template <typename Replicas>
Usage SumOf(const Execution& execution, const Replicas& replicas) {
  if (execution.spec.suspend || execution.meta.deletion_timestamp || IsFinished(execution.status))
    return {};
  Usage sum{.executions = 1};
  if (!execution.spec.application) return sum;
  for (const Service& service : execution.spec.application->services) {
    Usage all = RequestsOf(service) * replicas(service);
    all.services = 1;
    sum = sum + all;
  }
  return sum;
}

int32_t GrantedOf(const Execution& execution, const Service& service) {
  const auto& all = execution.status.services;
  const auto status = std::ranges::find(all, service.name, &ServiceStatus::name);
  return status == all.end() ? 0 : std::min(status->granted.value_or(0), service.replicas.total);
}

// A limit of a Quota, and where that stands in what is counted.
struct Limited {
  std::string_view name;
  int64_t Usage::*amount;
  std::string (*text)(int64_t amount);
  int64_t limit;
  std::string limit_text;  // as it was written
  std::string_view field;  // of an Execution
};

std::vector<Limited> LimitsOf(const QuotaSpec& spec) {
  std::vector<Limited> limits;
  if (spec.executions)
    limits.push_back({"executions", &Usage::executions, Number, *spec.executions,
                      Number(*spec.executions), "spec"});
  if (spec.cpu)
    limits.push_back({"cpu", &Usage::cpu_milli, Cpus, spec.cpu->milli(), spec.cpu->text(),
                      "spec.application.services[].resources.requests.cpu"});
  if (spec.memory)
    limits.push_back({"memory", &Usage::memory_bytes, Bytes, spec.memory->whole(),
                      spec.memory->text(),
                      "spec.application.services[].resources.requests.memory"});
  if (spec.services)
    limits.push_back({"services", &Usage::services, Number, *spec.services, Number(*spec.services),
                      "spec.application.services"});
  return limits;
}

// The limits that an execution passes, for the message and the causes.
struct Excess {
  const std::string& quota;
  std::string requested = {}, used = {}, limited = {};
  std::vector<Cause> causes = {};

  static void Append(std::string& list, std::string_view name, const std::string& value) {
    list += (list.empty() ? "" : ",") + std::string(name) + "=" + value;
  }
  // Kubernetes'.
  std::string Words(const std::string& request, const std::string& use,
                    const std::string& limit) const {
    return "exceeded quota: " + quota + ", requested: " + request +
           (use.empty() ? "" : ", used: " + use) + ", limited: " + limit;
  }
  void Add(std::string_view name, const std::string& request, const std::string& use,
           const std::string& limit, std::string_view field) {
    Append(requested, name, request);
    if (!use.empty()) Append(used, name, use);
    Append(limited, name, limit);
    causes.push_back({.field = std::string(field),
                      .reason = "FieldValueForbidden",
                      .message = Words(std::string(name) + "=" + request,
                                       use.empty() ? "" : std::string(name) + "=" + use,
                                       std::string(name) + "=" + limit)});
  }
};

}  // namespace

Usage operator+(const Usage& a, const Usage& b) {
  return {Sum(a.executions, b.executions), Sum(a.services, b.services),
          Sum(a.cpu_milli, b.cpu_milli), Sum(a.memory_bytes, b.memory_bytes)};
}

Usage operator*(const Usage& usage, int64_t times) {
  return {Product(usage.executions, times), Product(usage.services, times),
          Product(usage.cpu_milli, times), Product(usage.memory_bytes, times)};
}

Usage RequestsOf(const Service& service) {
  const auto& [requests, limits] = service.resources;
  const auto& cpu = requests.cpu ? requests.cpu : limits.cpu;
  const auto& memory = requests.memory ? requests.memory : limits.memory;
  return {.cpu_milli = cpu ? cpu->milli() : 0, .memory_bytes = memory ? memory->whole() : 0};
}

Usage CountedOf(const Execution& execution) {
  return SumOf(execution, [](const Service& service) { return service.essential(); });
}

Usage HeldOf(const Execution& execution) {
  return SumOf(execution, [&](const Service& service) {
    return std::max(service.essential(), GrantedOf(execution, service));
  });
}

bool WantsMore(const Execution& wanted, const Execution* before) {
  const Usage now = CountedOf(wanted), then = before == nullptr ? Usage{} : CountedOf(*before);
  return now.executions > then.executions || now.services > then.services ||
         now.cpu_milli > then.cpu_milli || now.memory_bytes > then.memory_bytes;
}

bool EnlargesGranted(const Execution& wanted, const Execution& before) {
  if (!wanted.spec.application || !before.spec.application) return false;
  const std::vector<Service>& old_services = before.spec.application->services;
  return std::ranges::any_of(wanted.spec.application->services, [&](const Service& service) {
    const auto old = std::ranges::find(old_services, service.name, &Service::name);
    if (old == old_services.end() || GrantedOf(wanted, service) <= service.essential())
      return false;
    const Usage now = RequestsOf(service), then = RequestsOf(*old);
    return now.cpu_milli > then.cpu_milli || now.memory_bytes > then.memory_bytes;
  });
}

std::optional<Duration> RuntimeOf(const QuotaSpec& spec) {
  if (spec.runtime.empty()) return {};
  const auto runtime = ParseDuration(spec.runtime);
  return runtime.ok() ? std::optional(*runtime) : std::nullopt;
}

std::vector<QuotaLine> CompareWithQuota(const QuotaSpec& spec, const Usage& used) {
  std::vector<QuotaLine> lines;
  for (const Limited& limited : LimitsOf(spec)) {
    const int64_t amount = used.*limited.amount;
    lines.push_back(
        {limited.name, limited.limit_text, limited.text(amount), amount > limited.limit});
  }
  return lines;
}

Expected<void> CheckQuota(const Quota& quota, const Execution& wanted, const Execution* before,
                          const Usage& others, Usage (*count)(const Execution&)) {
  const Usage now = count(wanted), then = before == nullptr ? Usage{} : count(*before);
  Excess excess{quota.meta.name};
  for (const Limited& limit : LimitsOf(quota.spec)) {
    const int64_t more = now.*limit.amount - then.*limit.amount;
    const int64_t used = Sum(others.*limit.amount, then.*limit.amount);
    if (more > 0 && Sum(used, more) > limit.limit)
      excess.Add(limit.name, limit.text(more), limit.text(used), limit.limit_text, limit.field);
  }
  const auto& highest = quota.spec.max_priority;
  const int32_t priority = wanted.spec.priority;
  if (highest && priority > *highest && (before == nullptr || priority > before->spec.priority))
    excess.Add("priority", Number(priority), "", Number(*highest), "spec.priority");
  if (excess.causes.empty()) return {};
  Error error = MakeError(Code::kForbidden, "QuotaExceeded",
                          "executions.zoe " + schema::Quote(wanted.meta.name) + " is forbidden: " +
                              excess.Words(excess.requested, excess.used, excess.limited));
  error.causes = std::move(excess.causes);
  return error;
}

}  // namespace zoe::v1
