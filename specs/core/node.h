// Node: a member of the Swarm.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "specs/meta/meta.h"
#include "specs/schema/type.h"

namespace zoe::core {

struct Taint {
  std::string key, value, effect;
  bool operator==(const Taint&) const = default;
};

struct NodeSpec {
  bool unschedulable = false;
  std::vector<Taint> taints;
  bool operator==(const NodeSpec&) const = default;
};

struct NodeCondition {
  std::string type, status, reason, message;
  std::optional<WallTime> last_heartbeat_time, last_transition_time;
  bool operator==(const NodeCondition&) const = default;
};

struct NodeAddress {
  std::string type, address;
  bool operator==(const NodeAddress&) const = default;
};

struct NodeSystemInfo {
  std::string machine_id, kernel_version, os_image, container_runtime_version, kubelet_version,
      operating_system, architecture;
  // Clients with types of their own refuse a node without these.
  std::string boot_id, system_uuid, kube_proxy_version;
  bool operator==(const NodeSystemInfo&) const = default;
};

struct NodeStatus {
  // "cpu", "memory", "pods": quantities.
  std::map<std::string, std::string> capacity, allocatable;
  std::map<std::string, std::string> allocated;  // beyond Kubernetes': what tasks reserve
  std::vector<NodeCondition> conditions;
  std::vector<NodeAddress> addresses;
  NodeSystemInfo node_info;
  bool operator==(const NodeStatus&) const = default;
};

struct Node : Object<NodeSpec, NodeStatus> {};

}  // namespace zoe::core

namespace zoe::schema {
template <>
const Type& Describe<core::Node>();
}
