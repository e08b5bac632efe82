// Pod: a container of ours, that is, a task of the Swarm.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "specs/meta/meta.h"
#include "specs/schema/type.h"

namespace zoe::core {

struct ContainerPort {
  int32_t container_port = 0, host_port = 0;
  std::string protocol = "TCP";
  bool operator==(const ContainerPort&) const = default;
};

// Values are not told: they may be secrets.
struct EnvVar {
  std::string name;
  bool operator==(const EnvVar&) const = default;
};

struct ResourceRequirements {
  std::map<std::string, std::string> limits, requests;  // "cpu", "memory": quantities
  bool operator==(const ResourceRequirements&) const = default;
};

struct VolumeMount {
  std::string name, mount_path;
  bool read_only = false;
  bool operator==(const VolumeMount&) const = default;
};

struct Container {
  std::string name, image;
  std::vector<std::string> command, args;
  std::string working_dir;
  std::vector<ContainerPort> ports;
  std::vector<EnvVar> env;
  ResourceRequirements resources;
  std::vector<VolumeMount> volume_mounts;
  bool operator==(const Container&) const = default;
};

struct HostPathVolumeSource {
  std::string path;
  bool operator==(const HostPathVolumeSource&) const = default;
};

struct Volume {
  std::string name;
  std::optional<HostPathVolumeSource> host_path;
  bool operator==(const Volume&) const = default;
};

struct PodSpec {
  std::vector<Volume> volumes;
  std::vector<Container> containers;
  std::string restart_policy;  // Always | OnFailure | Never
  std::optional<int64_t> termination_grace_period_seconds;
  std::string node_name, hostname;
  bool operator==(const PodSpec&) const = default;
};

struct ContainerStateWaiting {
  std::string reason, message;
  bool operator==(const ContainerStateWaiting&) const = default;
};
struct ContainerStateRunning {
  std::optional<WallTime> started_at;
  bool operator==(const ContainerStateRunning&) const = default;
};
struct ContainerStateTerminated {
  int32_t exit_code = 0;
  std::string reason, message;
  std::optional<WallTime> started_at, finished_at;
  std::string container_id;
  bool operator==(const ContainerStateTerminated&) const = default;
};

// One of them, or none.
struct ContainerState {
  std::optional<ContainerStateWaiting> waiting;
  std::optional<ContainerStateRunning> running;
  std::optional<ContainerStateTerminated> terminated;
  bool operator==(const ContainerState&) const = default;
};

struct ContainerStatus {
  std::string name;
  ContainerState state, last_state;
  bool ready = false;
  int32_t restart_count = 0;
  std::string image, image_id, container_id;
  bool started = false;
  bool operator==(const ContainerStatus&) const = default;
};

struct PodIP {
  std::string ip;
  bool operator==(const PodIP&) const = default;
};

struct PodStatus {
  std::string phase;  // Pending | Running | Succeeded | Failed | Unknown
  std::vector<Condition> conditions;
  std::string message, reason, host_ip, pod_ip;
  std::vector<PodIP> pod_ips;
  std::optional<WallTime> start_time;
  std::vector<ContainerStatus> container_statuses;
  std::string qos_class;  // Guaranteed | Burstable | BestEffort
  bool operator==(const PodStatus&) const = default;
};

// The Swarm's words for it stand in annotations.
inline constexpr std::string_view kAnnotationTask = "zoe/task", kAnnotationState = "zoe/state";

struct Pod : Object<PodSpec, PodStatus> {};

}  // namespace zoe::core

namespace zoe::schema {
template <>
const Type& Describe<core::Pod>();
}
