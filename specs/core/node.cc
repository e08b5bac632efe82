#include "specs/core/node.h"

#include "specs/schema/meta.h"

namespace zoe::schema {

template <>
const Type& Describe<core::Taint>() {
  using core::Taint;
  static const Type type =
      Struct<Taint>("Taint", "Keeps containers away from a node.")
          .Add("key", &Taint::key, "What keeps them away.")
          .Add("value", &Taint::value, "More about it.")
          .Add("effect", &Taint::effect, "NoExecute: those that run there are moved, too.")
          .Enum({"NoSchedule", "NoExecute"})
          .Build();
  return type;
}

template <>
const Type& Describe<core::NodeSpec>() {
  using core::NodeSpec;
  static const Type type =
      Struct<NodeSpec>("NodeSpec", "What the node is there for.")
          .Add("unschedulable", &NodeSpec::unschedulable,
               "The node takes no new containers: its availability in the Swarm is pause or drain.")
          .Add("taints", &NodeSpec::taints, "What keeps containers away.")
          .Build();
  return type;
}

template <>
const Type& Describe<core::NodeCondition>() {
  using core::NodeCondition;
  static const Type type =
      Struct<NodeCondition>("NodeCondition", "One thing that is true of the node, or not.")
          .Add("type", &NodeCondition::type, "What is said.")
          .Add("status", &NodeCondition::status, "Whether it is so.")
          .Enum({"True", "False", "Unknown"})
          .Add("lastHeartbeatTime", &NodeCondition::last_heartbeat_time, "When it was heard last.")
          .Add("lastTransitionTime", &NodeCondition::last_transition_time,
               "When status changed last.")
          .Add("reason", &NodeCondition::reason, "Why, as one CamelCase word for programs.")
          .Add("message", &NodeCondition::message, "Why, for people.")
          .Build();
  return type;
}

template <>
const Type& Describe<core::NodeAddress>() {
  using core::NodeAddress;
  static const Type type =
      Struct<NodeAddress>("NodeAddress", "Where the node is reached.")
          .Add("type", &NodeAddress::type, "InternalIP: what the Swarm's managers use.")
          .Enum({"InternalIP", "Hostname"})
          .Add("address", &NodeAddress::address, "The address, or the name.")
          .Build();
  return type;
}

template <>
const Type& Describe<core::NodeSystemInfo>() {
  using core::NodeSystemInfo;
  static const Type type =
      Struct<NodeSystemInfo>("NodeSystemInfo", "What runs on the node.")
          .Add("machineID", &NodeSystemInfo::machine_id, "The node's id in the Swarm.")
          .Always()
          .Add("systemUUID", &NodeSystemInfo::system_uuid, "Not known to the Swarm: empty.")
          .Always()
          .Add("bootID", &NodeSystemInfo::boot_id, "Not known to the Swarm: empty.")
          .Always()
          .Add("kernelVersion", &NodeSystemInfo::kernel_version, "Not known to the Swarm: empty.")
          .Always()
          .Add("osImage", &NodeSystemInfo::os_image, "Not known to the Swarm: empty.")
          .Always()
          .Add("containerRuntimeVersion", &NodeSystemInfo::container_runtime_version,
               "docker:// and the Engine's version.")
          .Always()
          .Add("kubeletVersion", &NodeSystemInfo::kubelet_version, "The Engine's version.")
          .Always()
          .Add("kubeProxyVersion", &NodeSystemInfo::kube_proxy_version, "There is none: empty.")
          .Always()
          .Add("operatingSystem", &NodeSystemInfo::operating_system, "linux.")
          .Always()
          .Add("architecture", &NodeSystemInfo::architecture, "Of its processors, such as amd64.")
          .Always()
          .Build();
  return type;
}

template <>
const Type& Describe<core::NodeStatus>() {
  using core::NodeStatus;
  static const Type type =
      Struct<NodeStatus>("NodeStatus", "How the node is.")
          .Add("capacity", &NodeStatus::capacity, "What it has: cpu and memory, as quantities.")
          .Add("allocatable", &NodeStatus::allocatable, "What containers can reserve of it.")
          .Add("allocated", &NodeStatus::allocated,
               "What containers reserve of it, whosesoever they are, and how many (pods).")
          .Add("conditions", &NodeStatus::conditions, "What is true of it, or not.")
          .ListMap({"type"})
          .Add("addresses", &NodeStatus::addresses, "Where it is reached.")
          .ListMap({"type"})
          .Add("nodeInfo", &NodeStatus::node_info, "What runs on it.")
          .Build();
  return type;
}

template <>
const Type& Describe<core::Node>() {
  using core::Node;
  static const Type type =
      Struct<Node>("Node", "A member of the Swarm, under its host name. Read only.")
          .Constant("apiVersion", "v1", "Version of this format.")
          .Constant("kind", "Node", "Kind of object.")
          .Add("metadata", &Node::meta, "Name, labels and history.")
          .Add("spec", &Node::spec, "What it is there for.")
          .Add("status", &Node::status, "How it is.")
          .Build();
  return type;
}

}  // namespace zoe::schema
