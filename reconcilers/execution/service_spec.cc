#include "reconcilers/execution/service_spec.h"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <set>
#include <utility>

#include "reconcilers/execution/readiness.h"
#include "reconcilers/execution/supervise.h"
#include "reconcilers/namespace/naming.h"

namespace zoe::execution {
namespace {

std::string Concat(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text += part;
  return text;
}

void SetResources(const v1::Resources& resources, SwarmServiceSpec& spec) {
  constexpr int64_t kNanoPerMilli = 1'000'000;
  const auto cpu = [](const std::optional<Quantity>& q) {
    constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / kNanoPerMilli;
    return q ? std::min(q->milli(), kMost) * kNanoPerMilli : 0;
  };
  const auto bytes = [](const std::optional<Quantity>& q) { return q ? q->whole() : 0; };
  spec.cpu_limit_nano = cpu(resources.limits.cpu);
  spec.memory_limit_bytes = bytes(resources.limits.memory);
  spec.cpu_request_nano =
      resources.requests.cpu ? cpu(resources.requests.cpu) : spec.cpu_limit_nano;
  spec.memory_request_bytes =
      resources.requests.memory ? bytes(resources.requests.memory) : spec.memory_limit_bytes;
}

void SetRestart(const v1::Service& service, SwarmServiceSpec& spec) {
  if (IsSupervised(service)) {
    spec.restart_condition = RestartCondition::kNone;
    return;
  }
  const std::string& policy = service.restart.policy;
  spec.restart_condition = policy == "on-failure" ? RestartCondition::kOnFailure
                           : policy == "always"   ? RestartCondition::kAny
                           : policy == "never"    ? RestartCondition::kNone
                           : service.monitor      ? RestartCondition::kNone
                                                  : RestartCondition::kAny;
  if (!service.restart.max_attempts) return;
  // Swarm reads 0 as "no limit"; to us it means no restart at all.
  if (*service.restart.max_attempts == 0) spec.restart_condition = RestartCondition::kNone;
  spec.restart_max_attempts = static_cast<uint64_t>(*service.restart.max_attempts);
}

uint64_t ForceUpdate(const Meta& meta) {
  const auto it = meta.annotations.find(std::string(v1::kRestartedAt));
  if (it == meta.annotations.end()) return 0;
  return (Fingerprint().Add(it->second).value() & 0x7fffffff) | 1;
}

// Swarm stores both lists as they are written (Docker 20.10), so this order is what it reports.
void SetCapabilities(const v1::Service& service, bool as_user, SwarmServiceSpec& spec) {
  std::set<std::string> added;
  for (const std::string& name : service.capabilities)
    added.insert(name == "ALL" ? name : "CAP_" + name);
  spec.capability_add.assign(added.begin(), added.end());
  if (as_user) {
    spec.capability_drop = {"ALL"};
    return;
  }
  for (const char* name : {"CAP_MKNOD", "CAP_NET_RAW", "CAP_SETFCAP"}) {
    if (!added.contains(name)) spec.capability_drop.emplace_back(name);
  }
}

// See ToSwarmService.
void BecomeUser(const v1::Service& service, const std::string& name, const Place& place,
                SwarmServiceSpec& spec) {
  // A uid alone would come with group 0.
  spec.user = std::to_string(*place.uid) + ":" + std::to_string(place.gid.value_or(*place.uid));
  const auto mount = std::ranges::find_if(service.mounts, &v1::Mount::workspace);
  const std::string home = mount == service.mounts.end() ? "/tmp" : mount->path;
  const std::pair<std::string_view, std::string> defaults[] = {
      {"HOME", home}, {"USER", name}, {"LOGNAME", name}};
  for (const auto& [variable, value] : defaults) {
    if (std::ranges::find(service.env, variable, &v1::EnvVar::name) == service.env.end())
      spec.env.push_back(Concat({variable, "=", value}));
  }
}

SwarmMount ToSwarmMount(const v1::Mount& mount, const std::string& ns, const Place& place,
                        const ExecutionOptions& options) {
  SwarmMount made{.source = mount.host_path, .target = mount.path, .read_only = mount.read_only};
  if (mount.workspace && place.volume) {
    made.source = VolumeName(options.deployment, ns);
    made.volume_driver = place.volume->driver;
    made.volume_options = place.volume->options;
  } else if (mount.workspace) {
    made.source = WorkspacePath(options, ns);
  }
  return made;
}

}  // namespace

std::string SwarmServiceName(std::string_view deployment, std::string_view uid,
                             std::string_view service) {
  const std::string hash = Fingerprint().Add(deployment).Add(uid).Add(service).Hex(12);
  return Shorten(service, kMaxSwarmName - hash.size() - 1) + "-" + hash;
}

std::string AttemptLabel(int attempts) { return attempts == 0 ? "" : std::to_string(attempts); }

std::string WorkspacePath(const ExecutionOptions& options, std::string_view ns) {
  return Concat({options.workspace_root, "/", options.deployment, "/", ns});
}

SwarmServiceSpec ToSwarmService(const v1::Execution& execution, const v1::Service& service,
                                const Site& site, const ExecutionOptions& options) {
  const Meta& meta = execution.meta;
  SwarmServiceSpec spec;
  spec.name = SwarmServiceName(options.deployment, meta.uid, service.name);
  spec.labels = {{std::string(kLabelDeployment), options.deployment},
                 {std::string(kLabelNamespace), meta.ns},
                 {std::string(kLabelKind), "Execution"},
                 {std::string(kLabelName), meta.name},
                 {std::string(kLabelUid), meta.uid},
                 {std::string(kLabelService), service.name}};
  spec.replicas = static_cast<uint64_t>(std::max(0, service.replicas.total));

  spec.image = service.image;
  spec.command = service.command;
  spec.args = service.args;
  for (const v1::EnvVar& var : service.env) spec.env.push_back(var.name + "=" + var.value);
  spec.hostname = service.name + "-{{.Task.Slot}}." + meta.name;
  spec.dir = service.work_dir;
  spec.user = service.user;
  spec.container_labels = spec.labels;
  // Not on containers: a store that takes the place of another one must not replace them.
  if (!site.store_id.empty()) spec.labels[std::string(kLabelStore)] = site.store_id;
  if (execution.status.attempts > 0)
    spec.labels[std::string(kLabelAttempt)] = AttemptLabel(execution.status.attempts);
  for (const v1::Mount& mount : service.mounts)
    spec.mounts.push_back(ToSwarmMount(mount, meta.ns, site.place, options));
  const bool as_user = service.user.empty() && site.place.uid;
  if (as_user) BecomeUser(service, meta.ns, site.place, spec);
  SetCapabilities(service, as_user, spec);
  const std::string alias = service.name + "." + meta.name;
  spec.networks = {{site.network_id, {alias, alias + "." + meta.ns}}};
  spec.dns_search = {meta.name};
  spec.dns_options = {"ndots:1"};
  spec.constraints = service.constraints;
  SetResources(service.resources, spec);
  spec.shm_bytes = service.shm_size ? service.shm_size->whole() : 0;
  if (service.readiness) spec.healthcheck = ToHealthcheck(*service.readiness);
  spec.stop_grace_period = std::chrono::seconds(service.stop_grace_period_seconds);
  SetRestart(service, spec);
  spec.gelf_address = options.gelf_address;
  spec.force_update = ForceUpdate(meta);

  spec.update_parallelism = static_cast<uint64_t>(std::max(0, service.update.parallelism));
  spec.update_order =
      service.update.order == "start-first" ? UpdateOrder::kStartFirst : UpdateOrder::kStopFirst;
  spec.update_failure_action = service.update.failure_action == "rollback"
                                   ? FailureAction::kRollback
                                   : FailureAction::kPause;
  spec.endpoint_mode = service.endpoint_mode == "vip" ? EndpointMode::kVip : EndpointMode::kDnsrr;
  return spec;
}

std::string TemplateHash(const SwarmServiceSpec& spec) {
  Fingerprint hash;
  hash.Add(spec.image)
      .Add(spec.command)
      .Add(spec.args)
      .Add(spec.env)
      .Add(spec.hostname)
      .Add(spec.dir)
      .Add(spec.user);
  for (const auto& [name, value] : spec.container_labels) hash.Add(name).Add(value);
  for (const SwarmMount& m : spec.mounts) {
    hash.Add(m.source).Add(m.target).Add(m.read_only).Add(m.volume_driver);
    for (const auto& [name, value] : m.volume_options) hash.Add(name).Add(value);
  }
  for (const SwarmNetworkAttachment& n : spec.networks) hash.Add(n.network_id).Add(n.aliases);
  hash.Add(spec.dns_search).Add(spec.dns_options).Add(spec.constraints);
  hash.Add(spec.cpu_request_nano).Add(spec.cpu_limit_nano);
  hash.Add(spec.memory_request_bytes).Add(spec.memory_limit_bytes).Add(spec.shm_bytes);
  if (const auto& check = spec.healthcheck) {
    hash.Add(check->test)
        .Add(check->interval.count())
        .Add(check->timeout.count())
        .Add(check->start_period.count())
        .Add(check->retries);
  }
  hash.Add(spec.init)
      .Add(spec.stop_grace_period.count())
      .Add(static_cast<int64_t>(spec.restart_condition));
  hash.Add(spec.restart_delay.count())
      .Add(static_cast<int64_t>(spec.restart_max_attempts))
      .Add(spec.gelf_address);
  for (const SwarmPort& p : spec.ports) hash.Add(p.target).Add(p.published).Add(p.host_mode);
  for (const SwarmSecretFile& f : spec.secrets)
    hash.Add(f.secret_id).Add(f.secret_name).Add(f.file);
  hash.Add(spec.capability_add).Add(spec.capability_drop);
  hash.Add(static_cast<int64_t>(spec.force_update)).Add(static_cast<int64_t>(spec.endpoint_mode));
  return hash.Hex(16);
}

std::string DescribeChange(const SwarmServiceSpec& from, const SwarmServiceSpec& to) {
  std::string text;
  const auto add = [&text](bool differs, const std::string& what) {
    if (differs) text += (text.empty() ? "" : ", ") + what;
  };
  add(from.image != to.image, "image " + from.image + " -> " + to.image);
  add(from.replicas != to.replicas,
      "replicas " + std::to_string(from.replicas) + " -> " + std::to_string(to.replicas));
  add(from.labels != to.labels, "labels");
  add(from.command != to.command, "command");
  add(from.args != to.args, "args");
  add(from.env != to.env, "env");
  add(from.hostname != to.hostname || from.dns_search != to.dns_search ||
          from.dns_options != to.dns_options,
      "names");
  add(from.dir != to.dir, "workDir");
  add(from.user != to.user, "user");
  add(from.container_labels != to.container_labels, "container labels");
  add(from.mounts != to.mounts, "mounts");
  add(from.networks != to.networks, "network");
  add(from.ports != to.ports, "ports");
  add(from.secrets != to.secrets, "secrets");
  add(from.capability_add != to.capability_add || from.capability_drop != to.capability_drop,
      "capabilities");
  add(from.constraints != to.constraints, "constraints");
  add(from.cpu_request_nano != to.cpu_request_nano || from.cpu_limit_nano != to.cpu_limit_nano ||
          from.memory_request_bytes != to.memory_request_bytes ||
          from.memory_limit_bytes != to.memory_limit_bytes || from.shm_bytes != to.shm_bytes,
      "resources");
  add(from.healthcheck != to.healthcheck, "readiness");
  add(from.stop_grace_period != to.stop_grace_period, "stopGracePeriodSeconds");
  add(from.restart_condition != to.restart_condition ||
          from.restart_max_attempts != to.restart_max_attempts ||
          from.restart_delay != to.restart_delay,
      "restart");
  add(from.gelf_address != to.gelf_address, "log address");
  add(from.init != to.init, "init");
  add(from.force_update != to.force_update, "restart requested");
  add(from.update_parallelism != to.update_parallelism || from.update_order != to.update_order ||
          from.update_failure_action != to.update_failure_action,
      "update");
  add(from.endpoint_mode != to.endpoint_mode, "endpointMode");
  return text;
}

}  // namespace zoe::execution
