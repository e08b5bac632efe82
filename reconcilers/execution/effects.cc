#include "reconcilers/execution/effects.h"

#include <algorithm>
#include <map>

#include "reconcilers/execution/assess.h"
#include "reconcilers/execution/grant.h"
#include "reconcilers/execution/service_spec.h"
#include "specs/v1/template.h"
#include "specs/v1/user.h"
#include "specs/v1/workspace.h"

namespace zoe::execution {
namespace {

// By the service's name; what is not to run has none.
using Specs = std::map<std::string, SwarmServiceSpec>;

std::string Containers(uint64_t count) {
  return std::to_string(count) + (count == 1 ? " container" : " containers");
}

Expected<Specs> SpecsOf(const v1::Execution& execution, const Place& place,
                        const ExecutionOptions& options) {
  Specs specs;
  if (ModeOf(execution) != Mode::kActive || !execution.spec.application) return specs;
  ZOE_ASSIGN(const auto services, v1::RenderServices(execution, options.deployment));
  for (const v1::Service& service : services) {
    SwarmServiceSpec& spec = specs[service.name];
    spec = ToSwarmService(execution, service, {"", place}, options);
    if (options.queued) spec.replicas = static_cast<uint64_t>(Granted(execution, service));
  }
  return specs;
}

// "" if the change touches no container of the service.
std::string Difference(const SwarmServiceSpec& from, const SwarmServiceSpec& to) {
  std::string text;
  const auto add = [&text](uint64_t count, const std::string& what) {
    if (count > 0)
      text += text.empty() ? Containers(count) + " would be " + what
                           : ", " + std::to_string(count) + " " + what;
  };
  if (!SameTasks(from, to)) {
    SwarmServiceSpec same = to;  // in all that concerns no container
    same.labels = from.labels;
    same.replicas = from.replicas;
    same.update_parallelism = from.update_parallelism;
    same.update_order = from.update_order;
    same.update_failure_action = from.update_failure_action;
    add(std::min(from.replicas, to.replicas), "restarted (" + DescribeChange(from, same) + ")");
  }
  const std::string scaled =
      " (replicas " + std::to_string(from.replicas) + " -> " + std::to_string(to.replicas) + ")";
  if (to.replicas > from.replicas) add(to.replicas - from.replicas, "started" + scaled);
  if (from.replicas > to.replicas) add(from.replicas - to.replicas, "removed" + scaled);
  return text;
}

std::vector<std::string> Compare(const Specs& from, const Specs& to) {
  std::vector<std::string> effects;
  const auto tell = [&](const std::string& service, const std::string& what) {
    if (!what.empty()) effects.push_back("service " + service + ": " + what);
  };
  for (const auto& [name, spec] : from) {
    const auto kept = to.find(name);
    if (kept != to.end()) {
      tell(name, Difference(spec, kept->second));
    } else if (spec.replicas > 0) {
      tell(name, Containers(spec.replicas) + " would be removed (no longer declared)");
    }
  }
  for (const auto& [name, spec] : to) {
    if (!from.contains(name) && spec.replicas > 0)
      tell(name, Containers(spec.replicas) + " would be started (new service)");
  }
  return effects;
}

uint64_t Total(const Specs& specs) {
  uint64_t total = 0;
  for (const auto& [name, spec] : specs) total += spec.replicas;
  return total;
}

// Nothing of it has been made yet, and what will be follows the newest declaration anyhow.
bool IsWaiting(const v1::Execution& execution) {
  const std::string& phase = execution.status.phase;
  return phase == v1::kPending || phase == v1::kQueued;
}

std::vector<std::string> OfExecution(const v1::Execution* before, v1::Execution after,
                                     const Place& place, const ExecutionOptions& options) {
  if (before != nullptr) after.status = before->status;
  const Expected<Specs> to = SpecsOf(after, place, options);
  if (!to.ok()) return {};
  if (before == nullptr) {
    if (Total(*to) == 0) return {};
    return {Containers(Total(*to)) + " would be started"};
  }
  const Expected<Specs> from = SpecsOf(*before, place, options);
  if (!from.ok() || IsWaiting(*before)) return {};
  if (before->spec.suspend != after.spec.suspend) {
    const bool stops = after.spec.suspend;
    const uint64_t count = Total(stops ? *from : *to);
    if (count == 0) return {};
    return {Containers(count) + (stops ? " would be removed" : " would be started") + " (suspend " +
            (stops ? "false -> true)" : "true -> false)")};
  }
  return Compare(*from, *to);
}

// What the namespace's executions would notice of another place.
std::vector<std::string> OfPlace(const Cache& cache, const ExecutionOptions& options,
                                 const std::string& ns, const Place& before, const Place& after) {
  std::vector<std::string> effects;
  if (before.uid == after.uid && before.gid == after.gid && before.volume == after.volume)
    return effects;
  for (const EntryPtr& entry : cache.List("Execution", ns).entries) {
    const auto& execution = static_cast<const v1::Execution&>(*entry->object);
    const auto from = SpecsOf(execution, before, options), to = SpecsOf(execution, after, options);
    if (!from.ok() || !to.ok() || IsWaiting(execution)) continue;
    for (const std::string& effect : Compare(*from, *to))
      effects.push_back("execution " + execution.meta.name + ", " + effect);
  }
  return effects;
}

}  // namespace

std::vector<std::string> EffectsOn(const Cache& cache, const ExecutionOptions& options,
                                   const ObjectBase* before, const ObjectBase& after) {
  if (const auto* execution = dynamic_cast<const v1::Execution*>(&after)) {
    return OfExecution(dynamic_cast<const v1::Execution*>(before), *execution,
                       PlaceOf(cache, after.meta.ns), options);
  }
  const auto* user = dynamic_cast<const v1::User*>(&after);
  const auto* workspace = dynamic_cast<const v1::Workspace*>(&after);
  if (user == nullptr && workspace == nullptr) return {};
  const std::string& ns = user != nullptr ? after.meta.name : after.meta.ns;
  const auto known_user = cache.Get<v1::User>({"User", "", ns});
  const auto known_workspace = cache.Get<v1::Workspace>({"Workspace", ns, ns});
  const auto place = [&](const v1::User* of, const v1::Workspace* with) {
    return PlaceOf({.user = of, .workspace = with}, ns);
  };
  if (user != nullptr) {
    return OfPlace(cache, options, ns,
                   place(dynamic_cast<const v1::User*>(before), known_workspace.get()),
                   place(user, known_workspace.get()));
  }
  return OfPlace(cache, options, ns,
                 place(known_user.get(), dynamic_cast<const v1::Workspace*>(before)),
                 place(known_user.get(), workspace));
}

}  // namespace zoe::execution
