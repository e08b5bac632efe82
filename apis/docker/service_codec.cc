#include "apis/docker/service_codec.h"

#include <algorithm>

#include "apis/docker/json.h"

namespace zoe::docker {
namespace {

constexpr int64_t kNanosPerMilli = 1'000'000;
// How long a replaced task must run for the roll-out to go on: SwarmKit's own default.
constexpr int64_t kMonitorNanos = 5'000 * kNanosPerMilli;
constexpr std::string_view kShm = "/dev/shm";
constexpr int kSecretMode = 0400;
// Container labels that each GELF message carries: whose output it is.
constexpr std::string_view kGelfLabels =
    "zoe.deployment,zoe.namespace,zoe.kind,zoe.name,zoe.uid,zoe.service,"
    "com.docker.swarm.service.name,com.docker.swarm.task.name,com.docker.swarm.task.id,"
    "com.docker.swarm.node.id";

int64_t Nanos(Duration d) { return d.count() * kNanosPerMilli; }
Duration Millis(int64_t nanos) { return Duration(nanos / kNanosPerMilli); }

Json EncodeMounts(const SwarmServiceSpec& spec) {
  Json mounts = Json::array();
  for (const SwarmMount& m : spec.mounts) {
    const bool volume = !m.volume_driver.empty();
    mounts.push_back({{"Type", volume ? "volume" : "bind"},
                      {"Source", m.source},
                      {"Target", m.target},
                      {"ReadOnly", m.read_only}});
    if (volume) {
      mounts.back()["VolumeOptions"] = {
          {"DriverConfig", {{"Name", m.volume_driver}, {"Options", m.volume_options}}}};
    }
  }
  // Swarm services have no shm size; a tmpfs in its place does the same.
  if (spec.shm_bytes > 0) {
    mounts.push_back(
        {{"Type", "tmpfs"}, {"Target", kShm}, {"TmpfsOptions", {{"SizeBytes", spec.shm_bytes}}}});
  }
  return mounts;
}

Json EncodeSecrets(const SwarmServiceSpec& spec) {
  Json secrets = Json::array();
  for (const SwarmSecretFile& s : spec.secrets) {
    secrets.push_back(
        {{"SecretID", s.secret_id},
         {"SecretName", s.secret_name},
         {"File", {{"Name", s.file}, {"UID", "0"}, {"GID", "0"}, {"Mode", kSecretMode}}}});
  }
  return secrets;
}

Json EncodePorts(const SwarmServiceSpec& spec) {
  Json ports = Json::array();
  for (const SwarmPort& p : spec.ports) {
    ports.push_back({{"Protocol", "tcp"},
                     {"TargetPort", p.target},
                     {"PublishedPort", p.published},
                     {"PublishMode", p.host_mode ? "host" : "ingress"}});
  }
  return ports;
}

Json EncodeContainer(const SwarmServiceSpec& spec) {
  Json container = {{"Image", spec.image},
                    {"Labels", spec.container_labels},
                    {"Command", spec.command},
                    {"Args", spec.args},
                    {"Env", spec.env},
                    {"Hostname", spec.hostname},
                    {"Dir", spec.dir},
                    {"User", spec.user},
                    {"Init", spec.init},
                    {"Mounts", EncodeMounts(spec)},
                    {"Secrets", EncodeSecrets(spec)},
                    {"CapabilityAdd", spec.capability_add},
                    {"CapabilityDrop", spec.capability_drop},
                    {"StopGracePeriod", Nanos(spec.stop_grace_period)},
                    {"DNSConfig", {{"Search", spec.dns_search}, {"Options", spec.dns_options}}}};
  if (const auto& check = spec.healthcheck) {
    container["Healthcheck"] = {{"Test", check->test},
                                {"Interval", Nanos(check->interval)},
                                {"Timeout", Nanos(check->timeout)},
                                {"StartPeriod", Nanos(check->start_period)},
                                {"Retries", check->retries}};
  }
  return container;
}

std::string_view ConditionName(RestartCondition condition) {
  if (condition == RestartCondition::kNone) return "none";
  return condition == RestartCondition::kOnFailure ? "on-failure" : "any";
}

Json EncodeTask(const SwarmServiceSpec& spec) {
  Json networks = Json::array();
  for (const SwarmNetworkAttachment& n : spec.networks)
    networks.push_back({{"Target", n.network_id}, {"Aliases", n.aliases}});
  Json task = {
      {"ContainerSpec", EncodeContainer(spec)},
      {"Resources",
       {{"Limits", {{"NanoCPUs", spec.cpu_limit_nano}, {"MemoryBytes", spec.memory_limit_bytes}}},
        {"Reservations",
         {{"NanoCPUs", spec.cpu_request_nano}, {"MemoryBytes", spec.memory_request_bytes}}}}},
      {"RestartPolicy",
       {{"Condition", ConditionName(spec.restart_condition)},
        {"Delay", Nanos(spec.restart_delay)},
        {"MaxAttempts", spec.restart_max_attempts},
        {"Window", 0}}},
      {"Placement", {{"Constraints", spec.constraints}}},
      {"Networks", networks},
      {"ForceUpdate", spec.force_update}};
  if (!spec.gelf_address.empty()) {
    task["LogDriver"] = {
        {"Name", "gelf"},
        {"Options", {{"gelf-address", spec.gelf_address}, {"labels", kGelfLabels}}}};
  }
  return task;
}

Json EncodeRollout(const SwarmServiceSpec& spec, std::string_view failure_action) {
  return {{"Parallelism", spec.update_parallelism},
          {"Delay", 0},
          {"FailureAction", failure_action},
          {"Monitor", kMonitorNanos},
          {"MaxFailureRatio", 0},
          {"Order", spec.update_order == UpdateOrder::kStartFirst ? "start-first" : "stop-first"}};
}

void DecodeMounts(const Json& container, SwarmServiceSpec& spec) {
  for (const Json& m : Child(container, "Mounts")) {
    const std::string type = Text(m, "Type");
    if (type == "tmpfs" && Text(m, "Target") == kShm) {
      spec.shm_bytes = Number(Child(m, "TmpfsOptions"), "SizeBytes");
      continue;
    }
    const Json& volume = Child(m, "VolumeOptions");
    const Json& driver = Child(volume, "DriverConfig");
    spec.mounts.push_back({Text(m, "Source"), Text(m, "Target"), Flag(m, "ReadOnly"),
                           Text(driver, "Name"), ReadLabels(driver, "Options")});
    const bool ours = type == "volume" ? !Text(driver, "Name").empty() : type == "bind";
    if (!ours || !Empty(Child(m, "BindOptions")) || !Empty(Child(volume, "NoCopy")) ||
        !Empty(Child(volume, "Labels")))
      spec.altered = true;
  }
}

void DecodeSecrets(const Json& container, SwarmServiceSpec& spec) {
  for (const Json& s : Child(container, "Secrets")) {
    const Json& file = Child(s, "File");
    spec.secrets.push_back({Text(s, "SecretID"), Text(s, "SecretName"), Text(file, "Name")});
    if (Text(file, "UID") != "0" || Text(file, "GID") != "0" || Number(file, "Mode") != kSecretMode)
      spec.altered = true;
  }
}

// A port that isn't TCP's, or has a name, is none of ours.
bool IsOurs(const Json& port) {
  return Text(port, "Protocol") == "tcp" && Empty(Child(port, "Name"));
}

void DecodeContainer(const Json& container, SwarmServiceSpec& spec) {
  spec.image = Text(container, "Image");
  spec.container_labels = ReadLabels(container, "Labels");
  spec.command = Texts(container, "Command");
  spec.args = Texts(container, "Args");
  spec.env = Texts(container, "Env");
  spec.hostname = Text(container, "Hostname");
  spec.dir = Text(container, "Dir");
  spec.user = Text(container, "User");
  spec.init = Flag(container, "Init");
  spec.stop_grace_period = Millis(Number(container, "StopGracePeriod"));
  const Json& dns = Child(container, "DNSConfig");
  spec.dns_search = Texts(dns, "Search");
  spec.dns_options = Texts(dns, "Options");
  DecodeMounts(container, spec);
  DecodeSecrets(container, spec);
  spec.capability_add = Texts(container, "CapabilityAdd");
  spec.capability_drop = Texts(container, "CapabilityDrop");
  const Json& check = Child(container, "Healthcheck");
  if (!check.is_null()) {
    spec.healthcheck = {Texts(check, "Test"), Millis(Number(check, "Interval")),
                        Millis(Number(check, "Timeout")), Millis(Number(check, "StartPeriod")),
                        static_cast<int>(Number(check, "Retries"))};
  }
  for (const char* never : {"Configs", "Groups", "Hosts", "Sysctls", "Ulimits", "StopSignal", "TTY",
                            "OpenStdin", "ReadOnly", "Privileges"}) {
    if (!Empty(Child(container, never))) spec.altered = true;
  }
  if (!Empty(Child(dns, "Nameservers"))) spec.altered = true;
}

void DecodeLogDriver(const Json& driver, SwarmServiceSpec& spec) {
  if (Empty(driver)) return;
  const Json& options = Child(driver, "Options");
  spec.gelf_address = Text(options, "gelf-address");
  if (Text(driver, "Name") != "gelf" || Text(options, "labels") != kGelfLabels ||
      options.size() != 2)
    spec.altered = true;
}

void DecodeTask(const Json& task, SwarmServiceSpec& spec) {
  DecodeContainer(Child(task, "ContainerSpec"), spec);
  DecodeLogDriver(Child(task, "LogDriver"), spec);
  const Json& limits = Child(Child(task, "Resources"), "Limits");
  const Json& reservations = Child(Child(task, "Resources"), "Reservations");
  spec.cpu_limit_nano = Number(limits, "NanoCPUs");
  spec.memory_limit_bytes = Number(limits, "MemoryBytes");
  spec.cpu_request_nano = Number(reservations, "NanoCPUs");
  spec.memory_request_bytes = Number(reservations, "MemoryBytes");
  const Json& restart = Child(task, "RestartPolicy");
  const std::string condition = Text(restart, "Condition");
  spec.restart_condition = condition == "none"         ? RestartCondition::kNone
                           : condition == "on-failure" ? RestartCondition::kOnFailure
                                                       : RestartCondition::kAny;
  spec.restart_delay = Millis(Number(restart, "Delay"));
  spec.restart_max_attempts = static_cast<uint64_t>(Number(restart, "MaxAttempts"));
  const Json& placement = Child(task, "Placement");
  spec.constraints = Texts(placement, "Constraints");
  for (const Json& n : Child(task, "Networks")) {
    spec.networks.push_back({Text(n, "Target"), Texts(n, "Aliases")});
    if (!Empty(Child(n, "DriverOpts"))) spec.altered = true;
  }
  spec.force_update = static_cast<uint64_t>(Number(task, "ForceUpdate"));
  for (const Json* never :
       {&Child(limits, "Pids"), &Child(reservations, "GenericResources"), &Child(restart, "Window"),
        &Child(placement, "Preferences"), &Child(placement, "MaxReplicas")}) {
    if (!Empty(*never)) spec.altered = true;
  }
}

void DecodeRollout(const Json& service, SwarmServiceSpec& spec) {
  const Json& update = Child(service, "UpdateConfig");
  spec.update_parallelism = static_cast<uint64_t>(Number(update, "Parallelism"));
  spec.update_order =
      Text(update, "Order") == "start-first" ? UpdateOrder::kStartFirst : UpdateOrder::kStopFirst;
  const std::string action = Text(update, "FailureAction");
  spec.update_failure_action =
      action == "rollback" ? FailureAction::kRollback : FailureAction::kPause;
  if (action == "continue" || !Empty(Child(update, "Delay")) ||
      !Empty(Child(update, "MaxFailureRatio")))
    spec.altered = true;
}

SwarmServiceSpec DecodeSpec(const Json& service) {
  SwarmServiceSpec spec;
  spec.name = Text(service, "Name");
  spec.labels = ReadLabels(service, "Labels");
  DecodeTask(Child(service, "TaskTemplate"), spec);
  DecodeRollout(service, spec);
  const Json& replicated = Child(Child(service, "Mode"), "Replicated");
  spec.replicas = static_cast<uint64_t>(Number(replicated, "Replicas"));
  const Json& endpoint = Child(service, "EndpointSpec");
  spec.endpoint_mode =
      Text(endpoint, "Mode") == "dnsrr" ? EndpointMode::kDnsrr : EndpointMode::kVip;
  const Json& ports = Child(endpoint, "Ports");
  spec.ports = ReadPorts(ports);
  if (!replicated.is_object() || !Empty(Child(service, "Networks")) ||
      !std::ranges::all_of(ports, IsOurs))
    spec.altered = true;
  return spec;
}

UpdateState ReadUpdateState(const std::string& name) {
  static const std::map<std::string, UpdateState> kStates = {
      {"updating", UpdateState::kUpdating},
      {"paused", UpdateState::kPaused},
      {"completed", UpdateState::kCompleted},
      {"rollback_started", UpdateState::kRollbackStarted},
      {"rollback_paused", UpdateState::kRollbackPaused},
      {"rollback_completed", UpdateState::kRollbackCompleted}};
  const auto it = kStates.find(name);
  return it == kStates.end() ? UpdateState::kNone : it->second;
}

}  // namespace

Expected<std::string> EncodeService(const SwarmServiceSpec& spec) {
  const bool vip = spec.endpoint_mode == EndpointMode::kVip;
  const bool back = spec.update_failure_action == FailureAction::kRollback;
  return Dump({{"Name", spec.name},
               {"Labels", spec.labels},
               {"TaskTemplate", EncodeTask(spec)},
               {"Mode", {{"Replicated", {{"Replicas", spec.replicas}}}}},
               {"UpdateConfig", EncodeRollout(spec, back ? "rollback" : "pause")},
               {"RollbackConfig", EncodeRollout(spec, "pause")},
               {"EndpointSpec", {{"Mode", vip ? "vip" : "dnsrr"}, {"Ports", EncodePorts(spec)}}}});
}

Expected<std::vector<SwarmService>> DecodeServices(std::string_view text) {
  ZOE_ASSIGN(const Json list, ParseList(text, "GET /services", "ID"));
  std::vector<SwarmService> services;
  for (const Json& item : list) {
    SwarmService service;
    service.id = Text(item, "ID");
    service.version = VersionOf(item);
    service.spec = DecodeSpec(Child(item, "Spec"));
    const Json& update = Child(item, "UpdateStatus");
    service.update_state = ReadUpdateState(Text(update, "State"));
    service.update_message = Text(update, "Message");
    service.published = ReadPorts(Child(Child(item, "Endpoint"), "Ports"));
    std::erase_if(service.published, &SwarmPort::host_mode);
    services.push_back(std::move(service));
  }
  return services;
}

}  // namespace zoe::docker
