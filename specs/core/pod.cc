#include "specs/core/pod.h"

#include "specs/schema/meta.h"

namespace zoe::schema {

template <>
const Type& Describe<core::ContainerPort>() {
  using core::ContainerPort;
  static const Type type =
      Struct<ContainerPort>("ContainerPort", "A port that the container listens on.")
          .Add("containerPort", &ContainerPort::container_port, "Number in the container.")
          .Add("hostPort", &ContainerPort::host_port, "Number on the node, if it is published.")
          .OmitZero()
          .Add("protocol", &ContainerPort::protocol, "Transport.")
          .Build();
  return type;
}

template <>
const Type& Describe<core::EnvVar>() {
  using core::EnvVar;
  static const Type type =
      Struct<EnvVar>("EnvVar",
                     "An environment variable; its value is not told: it may be a secret.")
          .Add("name", &EnvVar::name, "Its name.")
          .Build();
  return type;
}

template <>
const Type& Describe<core::ResourceRequirements>() {
  using core::ResourceRequirements;
  static const Type type =
      Struct<ResourceRequirements>("ResourceRequirements", "What the container may use.")
          .Add("limits", &ResourceRequirements::limits, "The most that it gets.")
          .Add("requests", &ResourceRequirements::requests, "What is reserved for it.")
          .Build();
  return type;
}

template <>
const Type& Describe<core::VolumeMount>() {
  using core::VolumeMount;
  static const Type type = Struct<VolumeMount>("VolumeMount", "Where a volume is in the container.")
                               .Add("name", &VolumeMount::name, "Of spec.volumes.")
                               .Add("readOnly", &VolumeMount::read_only, "Not to be written.")
                               .Add("mountPath", &VolumeMount::mount_path, "Absolute path.")
                               .Build();
  return type;
}

template <>
const Type& Describe<core::Container>() {
  using core::Container;
  static const Type type =
      Struct<Container>("Container", "The container of a service.")
          .Add("name", &Container::name, "The service's name.")
          .Add("image", &Container::image, "What it runs.")
          .Add("command", &Container::command, "Replaces the image's entry point.")
          .Add("args", &Container::args, "Arguments of the program.")
          .Add("workingDir", &Container::working_dir, "Where the program starts.")
          .Add("ports", &Container::ports, "What it listens on.")
          .Add("env", &Container::env, "Names of its environment variables.")
          .Add("resources", &Container::resources, "What it may use.")
          .Add("volumeMounts", &Container::volume_mounts, "Its volumes.")
          .Build();
  return type;
}

template <>
const Type& Describe<core::HostPathVolumeSource>() {
  using core::HostPathVolumeSource;
  static const Type type =
      Struct<HostPathVolumeSource>("HostPathVolumeSource", "A directory of the node.")
          .Add("path", &HostPathVolumeSource::path, "Absolute path.")
          .Build();
  return type;
}

template <>
const Type& Describe<core::Volume>() {
  using core::Volume;
  static const Type type = Struct<Volume>("Volume", "Files that the container sees.")
                               .Add("name", &Volume::name, "For volumeMounts.")
                               .Add("hostPath", &Volume::host_path, "A directory of the node.")
                               .Build();
  return type;
}

template <>
const Type& Describe<core::PodSpec>() {
  using core::PodSpec;
  static const Type type =
      Struct<PodSpec>("PodSpec", "What was asked of the Swarm.")
          .Add("volumes", &PodSpec::volumes, "Files that the container sees.")
          .Add("containers", &PodSpec::containers, "The one container.")
          .Add("restartPolicy", &PodSpec::restart_policy,
               "When the Swarm starts another container in its place.")
          .Enum({"Always", "OnFailure", "Never"})
          .Add("terminationGracePeriodSeconds", &PodSpec::termination_grace_period_seconds,
               "Seconds from the signal to end until it is killed.")
          .Add("nodeName", &PodSpec::node_name, "The node that it was given to.")
          .Add("hostname", &PodSpec::hostname, "The container's name for itself.")
          .Build();
  return type;
}

template <>
const Type& Describe<core::ContainerStateWaiting>() {
  using core::ContainerStateWaiting;
  static const Type type =
      Struct<ContainerStateWaiting>("ContainerStateWaiting", "It is still to start.")
          .Add("reason", &ContainerStateWaiting::reason, "Why, in one word.")
          .Add("message", &ContainerStateWaiting::message, "The Swarm's words.")
          .Build();
  return type;
}

template <>
const Type& Describe<core::ContainerStateRunning>() {
  using core::ContainerStateRunning;
  static const Type type =
      Struct<ContainerStateRunning>("ContainerStateRunning", "It runs.")
          .Add("startedAt", &ContainerStateRunning::started_at, "When it started.")
          .Build();
  return type;
}

template <>
const Type& Describe<core::ContainerStateTerminated>() {
  using core::ContainerStateTerminated;
  static const Type type =
      Struct<ContainerStateTerminated>("ContainerStateTerminated", "It has ended.")
          .Add("exitCode", &ContainerStateTerminated::exit_code, "Of the program.")
          .Add("reason", &ContainerStateTerminated::reason, "Completed, Error, or what it met.")
          .Add("message", &ContainerStateTerminated::message, "The Swarm's words.")
          .Add("startedAt", &ContainerStateTerminated::started_at,
               "When the Swarm made the task: of one that has ended it remembers no more.")
          .Add("finishedAt", &ContainerStateTerminated::finished_at, "When it ended.")
          .Add("containerID", &ContainerStateTerminated::container_id, "docker:// and its id.")
          .Build();
  return type;
}

template <>
const Type& Describe<core::ContainerState>() {
  using core::ContainerState;
  static const Type type = Struct<ContainerState>("ContainerState", "One of three.")
                               .Add("waiting", &ContainerState::waiting, "It is still to start.")
                               .Add("running", &ContainerState::running, "It runs.")
                               .Add("terminated", &ContainerState::terminated, "It has ended.")
                               .Build();
  return type;
}

template <>
const Type& Describe<core::ContainerStatus>() {
  using core::ContainerStatus;
  static const Type type =
      Struct<ContainerStatus>("ContainerStatus", "How a container is.")
          .Add("name", &ContainerStatus::name, "The service's name.")
          .Add("state", &ContainerStatus::state, "How it is.")
          .Add("lastState", &ContainerStatus::last_state, "How the one before it ended.")
          .Add("ready", &ContainerStatus::ready, "Whether it can be used.")
          .Always()
          .Add("restartCount", &ContainerStatus::restart_count,
               "How many before it the Swarm still remembers.")
          .Add("image", &ContainerStatus::image, "What it runs.")
          .Always()
          .Add("imageID", &ContainerStatus::image_id, "The image's digest, where it is known.")
          .Always()
          .Add("containerID", &ContainerStatus::container_id, "docker:// and its id.")
          .Add("started", &ContainerStatus::started, "Whether it runs.")
          .Always()
          .Build();
  return type;
}

template <>
const Type& Describe<core::PodIP>() {
  using core::PodIP;
  static const Type type = Struct<PodIP>("PodIP", "An address of the container.")
                               .Add("ip", &PodIP::ip, "IPv4 or IPv6.")
                               .Build();
  return type;
}

template <>
const Type& Describe<core::PodStatus>() {
  using core::PodStatus;
  static const Type type =
      Struct<PodStatus>("PodStatus", "How the container is.")
          .Add("phase", &PodStatus::phase, "Where it stands.")
          .Enum({"Pending", "Running", "Succeeded", "Failed", "Unknown"})
          .Add("conditions", &PodStatus::conditions, "What is true of it, or not.")
          .ListMap({"type"})
          .Add("message", &PodStatus::message, "What it waits for, or why it has failed.")
          .Add("reason", &PodStatus::reason, "The same in one word.")
          .Add("hostIP", &PodStatus::host_ip, "Address of its node.")
          .Add("podIP", &PodStatus::pod_ip, "Its address in the network of its namespace.")
          .Add("podIPs", &PodStatus::pod_ips, "The same, as a list.")
          .ListMap({"ip"})
          .Add("startTime", &PodStatus::start_time, "When the Swarm made its task.")
          .Add("containerStatuses", &PodStatus::container_statuses, "The one container.")
          .Add("qosClass", &PodStatus::qos_class, "How much of its resources is reserved.")
          .Enum({"Guaranteed", "Burstable", "BestEffort"})
          .Build();
  return type;
}

template <>
const Type& Describe<core::Pod>() {
  using core::Pod;
  static const Type type =
      Struct<Pod>("Pod",
                  "A container of an Execution or of a Gateway: the newest task that the Swarm has "
                  "in one of a service's slots. Read only.")
          .Constant("apiVersion", "v1", "Version of this format.")
          .Constant("kind", "Pod", "Kind of object.")
          .Add("metadata", &Pod::meta, "Name, labels and history.")
          .Add("spec", &Pod::spec, "What was asked of the Swarm.")
          .Add("status", &Pod::status, "How it is.")
          .Build();
  return type;
}

}  // namespace zoe::schema
