#include "apis/server/pods.h"

#include <algorithm>
#include <tuple>

#include "specs/meta/quantity.h"

namespace zoe::server {
namespace {

using core::Container;
using core::ContainerStatus;
using core::Pod;

constexpr int64_t kNanoPerMilli = 1'000'000;

WallTime Seconds(WallTime time) { return std::chrono::floor<std::chrono::seconds>(time); }

std::map<std::string, std::string> Amounts(int64_t cpu_nano, int64_t memory_bytes) {
  std::map<std::string, std::string> amounts;
  if (cpu_nano > 0) amounts["cpu"] = Quantity::Milli(cpu_nano / kNanoPerMilli).text();
  if (memory_bytes > 0) amounts["memory"] = Quantity::Whole(memory_bytes).text();
  return amounts;
}

Container ContainerOf(const SwarmService& service) {
  const SwarmServiceSpec& spec = service.spec;
  Container container{.name = ContainerNameOf(service),
                      .image = spec.image,
                      .command = spec.command,
                      .args = spec.args,
                      .working_dir = spec.dir};
  for (const SwarmPort& port : spec.ports)
    container.ports.push_back({.container_port = port.target, .host_port = port.published});
  for (const std::string& variable : spec.env)
    container.env.push_back({variable.substr(0, variable.find('='))});
  container.resources = {.limits = Amounts(spec.cpu_limit_nano, spec.memory_limit_bytes),
                         .requests = Amounts(spec.cpu_request_nano, spec.memory_request_bytes)};
  for (size_t i = 0; i < spec.mounts.size(); ++i) {
    container.volume_mounts.push_back({.name = "mount-" + std::to_string(i + 1),
                                       .mount_path = spec.mounts[i].target,
                                       .read_only = spec.mounts[i].read_only});
  }
  return container;
}

std::string_view RestartPolicy(RestartCondition condition) {
  if (condition == RestartCondition::kNone) return "Never";
  return condition == RestartCondition::kOnFailure ? "OnFailure" : "Always";
}

core::PodSpec SpecOf(const SwarmService& service, const std::string& node_name) {
  core::PodSpec spec;
  for (size_t i = 0; i < service.spec.mounts.size(); ++i) {
    const SwarmMount& mount = service.spec.mounts[i];
    core::Volume volume{.name = "mount-" + std::to_string(i + 1)};
    if (mount.volume_driver.empty()) volume.host_path = {mount.source};
    spec.volumes.push_back(std::move(volume));
  }
  spec.containers = {ContainerOf(service)};
  spec.restart_policy = RestartPolicy(service.spec.restart_condition);
  spec.termination_grace_period_seconds = service.spec.stop_grace_period.count() / 1000;
  spec.node_name = node_name;
  return spec;
}

bool AsksForImage(const std::string& error) {
  return error.find("image") != std::string::npos || error.find("manifest") != std::string::npos;
}

core::ContainerStateTerminated Ended(const SwarmTask& task) {
  core::ContainerStateTerminated ended;
  const bool good = task.state == TaskState::kComplete;
  ended.exit_code = task.exit_code.value_or(good ? 0 : 1);
  ended.reason = good ? "Completed" : "Error";
  if (task.error.find("OOM") != std::string::npos) ended.reason = "OOMKilled";
  if (task.state == TaskState::kRejected) ended.reason = "ContainerCannotRun";
  ended.message = task.error;
  ended.started_at = Seconds(task.created_at);
  ended.finished_at = Seconds(task.timestamp);
  if (!task.container_id.empty()) ended.container_id = "docker://" + task.container_id;
  return ended;
}

// Before its container is made, and after the Swarm has failed to make it: in the words of kubelet.
core::ContainerStateWaiting Waiting(const SwarmTask& task, const SwarmTask* before) {
  if (task.state == TaskState::kRejected)
    return {AsksForImage(task.error) ? "ErrImagePull" : "CreateContainerError", task.error};
  const bool again = before != nullptr && before->state == TaskState::kRejected;
  if (again)
    return {AsksForImage(before->error) ? "ImagePullBackOff" : "CreateContainerError",
            before->error};
  // A restart that has to wait is only to get `ready` until its delay is over.
  const bool delayed = task.desired_state == TaskState::kReady || task.node_id.empty();
  if (delayed && before != nullptr && before->state == TaskState::kFailed)
    return {"CrashLoopBackOff", before->error};
  return {"ContainerCreating", task.message};
}

bool Runs(const SwarmTask& task, const SwarmService& service) {
  // With a health check Swarm calls a container `starting` until it is healthy.
  return task.state == TaskState::kRunning ||
         (task.state == TaskState::kStarting && service.spec.healthcheck &&
          !task.container_id.empty());
}

// Those that ended by themselves or with their node: what the Swarm shut down made place for a
// change or a smaller count.
int32_t Restarts(const PodTasks& slot) {
  return static_cast<int32_t>(
      std::count_if(slot.tasks.begin(), slot.tasks.end() - 1, [](const SwarmTask* task) {
        const bool on_purpose =
            task->state == TaskState::kShutdown || task->state == TaskState::kRemove;
        return task->node_down || (IsTerminal(task->state) && !on_purpose);
      }));
}

ContainerStatus ContainerStatusOf(const PodTasks& slot) {
  const SwarmTask& task = *slot.tasks.back();
  const SwarmTask* before = slot.tasks.size() > 1 ? slot.tasks[slot.tasks.size() - 2] : nullptr;
  ContainerStatus status{.name = ContainerNameOf(*slot.service)};
  status.image = slot.service->spec.image;
  if (const size_t at = status.image.find('@'); at != std::string::npos)
    status.image_id = status.image;
  if (!task.container_id.empty()) status.container_id = "docker://" + task.container_id;
  status.restart_count = Restarts(slot);
  if (before != nullptr && IsTerminal(before->state)) status.last_state.terminated = Ended(*before);
  status.started = Runs(task, *slot.service);
  status.ready = task.state == TaskState::kRunning && !task.node_down;
  if (status.started) {
    status.state.running = {Seconds(task.timestamp)};
  } else if (IsTerminal(task.state) && task.state != TaskState::kRejected) {
    status.state.terminated = Ended(task);
  } else {
    status.state.waiting = Waiting(task, before);
  }
  return status;
}

std::string PhaseOf(const SwarmTask& task, const SwarmService& service) {
  if (task.state == TaskState::kComplete) return "Succeeded";
  if (task.state == TaskState::kRejected &&
      service.spec.restart_condition != RestartCondition::kNone)
    return "Pending";
  if (IsTerminal(task.state)) return "Failed";
  return Runs(task, service) ? "Running" : "Pending";
}

Condition Make(const char* type, bool is, WallTime since, std::string reason = {},
               std::string message = {}) {
  return {.type = type,
          .status = is ? "True" : "False",
          .reason = is ? "" : std::move(reason),
          .message = is ? "" : std::move(message),
          .last_transition_time = Seconds(since)};
}

std::vector<Condition> ConditionsOf(const SwarmTask& task, const core::PodStatus& status) {
  const bool scheduled = !task.node_id.empty();
  std::vector<Condition> conditions = {
      Make("PodScheduled", scheduled, task.created_at, "Unschedulable", task.error),
      Make("Initialized", true, task.created_at)};
  const bool ready = !status.container_statuses.empty() && status.container_statuses[0].ready;
  const char* why = status.phase == "Succeeded" ? "PodCompleted" : "ContainersNotReady";
  if (task.node_down) why = "NodeLost";
  conditions.push_back(Make("ContainersReady", ready, task.timestamp, why, task.error));
  conditions.push_back(Make("Ready", ready, task.timestamp, why, task.error));
  return conditions;
}

std::string QosOf(const SwarmServiceSpec& spec) {
  const bool none = spec.cpu_limit_nano == 0 && spec.memory_limit_bytes == 0 &&
                    spec.cpu_request_nano == 0 && spec.memory_request_bytes == 0;
  if (none) return "BestEffort";
  const bool all = spec.cpu_limit_nano > 0 && spec.memory_limit_bytes > 0 &&
                   spec.cpu_limit_nano == spec.cpu_request_nano &&
                   spec.memory_limit_bytes == spec.memory_request_bytes;
  return all ? "Guaranteed" : "Burstable";
}

core::PodStatus StatusOf(const PodTasks& slot, const std::string& host_ip) {
  const SwarmTask& task = *slot.tasks.back();
  core::PodStatus status;
  status.phase = PhaseOf(task, *slot.service);
  status.start_time = Seconds(task.created_at);
  status.message = task.error;
  if (task.node_down && !IsTerminal(task.state)) status.reason = "NodeLost";
  status.host_ip = host_ip;
  // Nothing is known of a container that has no place yet, unless there was one before it.
  if (!task.node_id.empty() || (slot.tasks.size() > 1 && task.error.empty()))
    status.container_statuses = {ContainerStatusOf(slot)};
  for (const std::string& address : task.addresses) status.pod_ips.push_back({address});
  if (!task.addresses.empty()) status.pod_ip = task.addresses.front();
  status.conditions = ConditionsOf(task, status);
  status.qos_class = QosOf(slot.service->spec);
  return status;
}

// What the Swarm has stopped because nobody wants it any more is no pod; what has ended by itself
// is one as long as its slot is wanted.
bool HasPod(const PodTasks& slot) {
  const SwarmTask& task = *slot.tasks.back();
  if (!IsTerminal(task.state)) return true;
  if (task.desired_state == TaskState::kRemove) return false;
  if (task.slot > static_cast<int64_t>(slot.service->spec.replicas)) return false;
  return task.state == TaskState::kComplete || task.state == TaskState::kFailed ||
         task.state == TaskState::kRejected;
}

}  // namespace

std::string ContainerNameOf(const SwarmService& service) {
  std::string name = LabelOf(service.spec.labels, kLabelService);
  return name.empty() ? "gateway" : name;
}

std::string PodNameOf(const SwarmService& service, const SwarmTask& task) {
  return LabelOf(service.spec.labels, kLabelName) + "-" + ContainerNameOf(service) + "-" +
         std::to_string(task.slot) + "-" +
         task.id.substr(task.id.size() - std::min<size_t>(5, task.id.size()));
}

Meta PodMetaOf(const PodTasks& slot, const LabelsOf& labels_of) {
  const SwarmTask& task = *slot.tasks.back();
  const Labels& given = slot.service->spec.labels;
  Meta meta;
  meta.name = PodNameOf(*slot.service, task);
  meta.ns = LabelOf(given, kLabelNamespace);
  meta.uid = task.id;
  meta.creation_timestamp = Seconds(task.created_at);
  meta.labels = labels_of(given);
  for (const auto& [name, value] : given) {
    if (name.starts_with("zoe.")) meta.labels[name] = value;
  }
  meta.labels[std::string(kLabelReplica)] = std::to_string(task.slot);
  meta.annotations = {
      {std::string(core::kAnnotationTask), task.id},
      {std::string(core::kAnnotationState), std::string(TaskStateName(task.state))}};
  meta.owner_references = {{.api_version = "zoe/v1",
                            .kind = LabelOf(given, kLabelKind),
                            .name = LabelOf(given, kLabelName),
                            .uid = LabelOf(given, kLabelUid),
                            .controller = true}};
  const bool going = task.desired_state >= TaskState::kShutdown && !IsTerminal(task.state);
  if (going) {
    meta.deletion_timestamp = Seconds(task.timestamp);
    meta.deletion_grace_period_seconds = slot.service->spec.stop_grace_period.count() / 1000;
  }
  return meta;
}

std::vector<PodTasks> SlotsOf(const SwarmPicture& picture) {
  std::map<std::string_view, const SwarmService*> services;
  for (const SwarmService& service : picture.services) {
    if (!LabelOf(service.spec.labels, kLabelName).empty()) services[service.id] = &service;
  }
  std::map<std::pair<std::string_view, int32_t>, PodTasks> slots;
  for (const SwarmTask& task : picture.tasks) {
    const auto service = services.find(task.service_id);
    if (service == services.end()) continue;
    PodTasks& slot = slots[{task.service_id, task.slot}];
    slot.service = service->second;
    slot.tasks.push_back(&task);
  }
  std::vector<PodTasks> found;
  for (auto& [place, slot] : slots) {
    std::ranges::sort(slot.tasks, {}, [](const SwarmTask* task) {
      return std::tuple(task->created_at, std::string_view(task->id));
    });
    if (HasPod(slot)) found.push_back(std::move(slot));
  }
  return found;
}

std::vector<std::shared_ptr<ObjectBase>> MakePods(const SwarmPicture& picture,
                                                  const LabelsOf& labels_of) {
  const auto names = NodeNames(picture.nodes);
  std::map<std::string_view, std::string_view> addresses;
  for (const SwarmNode& node : picture.nodes) addresses[node.id] = node.address;
  std::vector<std::shared_ptr<ObjectBase>> pods;
  for (const PodTasks& slot : SlotsOf(picture)) {
    const SwarmTask& task = *slot.tasks.back();
    const auto name = names.find(task.node_id);
    auto pod = std::make_shared<Pod>();
    pod->meta = PodMetaOf(slot, labels_of);
    pod->spec = SpecOf(*slot.service, name == names.end() ? task.node_name : name->second);
    pod->status = StatusOf(slot, std::string(addresses[task.node_id]));
    pods.push_back(std::move(pod));
  }
  return pods;
}

}  // namespace zoe::server
