#include <algorithm>
#include <set>

#include "apis/server/pods.h"
#include "specs/meta/quantity.h"

namespace zoe::server {
namespace {

constexpr int64_t kNanoPerMilli = 1'000'000;

struct Reserved {
  int64_t cpu_nano = 0, memory_bytes = 0, tasks = 0;
};

// By node id, of all tasks that are on it.
std::map<std::string_view, Reserved> ReservedByNode(const SwarmPicture& picture) {
  std::map<std::string_view, Reserved> reserved;
  for (const SwarmTask& task : picture.tasks) {
    if (IsTerminal(task.state) || task.node_id.empty()) continue;
    Reserved& node = reserved[task.node_id];
    ++node.tasks;
    node.cpu_nano += task.cpu_request_nano;
    node.memory_bytes += task.memory_request_bytes;
  }
  return reserved;
}

std::map<std::string, std::string> Amounts(int64_t cpu_nano, int64_t memory_bytes) {
  return {{"cpu", Quantity::Milli(cpu_nano / kNanoPerMilli).text()},
          {"memory", Quantity::Whole(memory_bytes).text()}};
}

core::NodeSpec SpecOf(const SwarmNode& node) {
  core::NodeSpec spec;
  spec.unschedulable = node.availability != "active";
  if (spec.unschedulable)
    spec.taints = {{.key = "node.kubernetes.io/unschedulable",
                    .effect = node.availability == "drain" ? "NoExecute" : "NoSchedule"}};
  return spec;
}

core::NodeStatus StatusOf(const SwarmNode& node, const Reserved& reserved) {
  core::NodeStatus status;
  status.capacity = status.allocatable = Amounts(node.cpu_nano, node.memory_bytes);
  status.allocated = Amounts(reserved.cpu_nano, reserved.memory_bytes);
  status.allocated["pods"] = std::to_string(reserved.tasks);
  status.conditions = {{.type = "Ready",
                        .status = node.ready ? "True" : "False",
                        .reason = node.ready ? "NodeReady" : "NodeDown",
                        .message = node.ready ? "the node answers"
                                              : "the Swarm's managers don't hear from the node"}};
  status.addresses = {{"InternalIP", node.address}, {"Hostname", node.name}};
  status.node_info = {.machine_id = node.id,
                      .container_runtime_version = "docker://" + node.engine_version,
                      .kubelet_version = node.engine_version,
                      .operating_system = node.os,
                      .architecture = node.architecture};
  return status;
}

}  // namespace

std::map<std::string, std::string> NodeNames(const std::vector<SwarmNode>& nodes) {
  std::vector<const SwarmNode*> by_age;
  for (const SwarmNode& node : nodes) by_age.push_back(&node);
  std::ranges::sort(by_age, {}, [](const SwarmNode* n) { return std::pair(n->created_at, n->id); });
  std::map<std::string, std::string> names;
  std::set<std::string> taken;
  for (const SwarmNode* node : by_age) {
    std::string name;
    for (const char c : node->name) {
      const bool capital = c >= 'A' && c <= 'Z';
      const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
      name += capital ? static_cast<char>(c + 32) : plain ? c : '-';
    }
    if (name.empty() || name.front() == '.' || name.front() == '-') name.insert(0, "node");
    if (taken.contains(name)) name += "-" + node->id.substr(0, 5);
    taken.insert(name);
    names[node->id] = std::move(name);
  }
  return names;
}

Labels NodeLabelsOf(const SwarmNode& node, const std::string& name) {
  Labels labels = node.labels;
  labels["kubernetes.io/hostname"] = name;
  labels["kubernetes.io/os"] = node.os;
  if (!node.architecture.empty()) labels["kubernetes.io/arch"] = node.architecture;
  labels[node.manager ? "node-role.kubernetes.io/manager" : "node-role.kubernetes.io/worker"] = "";
  if (node.leader) labels["node-role.kubernetes.io/leader"] = "";
  return labels;
}

std::vector<std::shared_ptr<ObjectBase>> MakeNodes(const SwarmPicture& picture) {
  auto reserved = ReservedByNode(picture);
  const auto names = NodeNames(picture.nodes);
  std::vector<std::shared_ptr<ObjectBase>> nodes;
  for (const SwarmNode& from : picture.nodes) {
    auto node = std::make_shared<core::Node>();
    node->meta.name = names.at(from.id);
    node->meta.uid = from.id;
    node->meta.labels = NodeLabelsOf(from, node->meta.name);
    if (from.created_at != WallTime{})
      node->meta.creation_timestamp = std::chrono::floor<std::chrono::seconds>(from.created_at);
    node->spec = SpecOf(from);
    node->status = StatusOf(from, reserved[from.id]);
    nodes.push_back(std::move(node));
  }
  return nodes;
}

}  // namespace zoe::server
