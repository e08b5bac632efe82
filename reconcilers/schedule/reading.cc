#include "reconcilers/schedule/reading.h"

#include <algorithm>

namespace zoe::schedule {
namespace {

// Swarm's constraints know a machine by the name that its kernel gives it, not by Go's.
std::string MachineOf(const std::string& architecture) {
  if (architecture == "amd64") return "x86_64";
  return architecture == "arm64" ? "aarch64" : architecture;
}

scheduler::Node ToNode(const SwarmNode& node) {
  scheduler::Node n;
  n.id = node.id;
  n.name = node.name;
  n.role = node.manager ? "manager" : "worker";
  n.os = node.os;
  n.architecture = MachineOf(node.architecture);
  n.address = node.address;
  n.labels = node.labels;
  n.engine_labels = node.engine_labels;
  n.schedulable = node.ready && node.availability == "active";
  n.capacity = {node.cpu_nano, node.memory_bytes};
  return n;
}

void AddTo(scheduler::Node& node, const scheduler::Resources& request, int32_t tasks, bool leaves) {
  node.foreign.cpu_nano += request.cpu_nano * tasks;
  node.foreign.memory_bytes += request.memory_bytes * tasks;
  node.foreign_tasks += tasks;
  if (!leaves) return;
  node.leaving.cpu_nano += request.cpu_nano * tasks;
  node.leaving.memory_bytes += request.memory_bytes * tasks;
}

// What a place in the queue would not help with, and another node would not either.
bool IsHomeless(const SwarmTask& task) {
  if (task.desired_state > TaskState::kRunning || task.error.empty()) return false;
  for (const std::string_view other : {"port", "plugin", "platform", "volume", "max replicas"}) {
    if (task.error.find(other) != std::string::npos) return false;
  }
  return task.error.starts_with("no suitable node");
}

}  // namespace

Reading Read(const std::vector<SwarmNode>& nodes, const std::vector<SwarmTask>& tasks,
             const Owners& owners) {
  Reading reading;
  for (const SwarmNode& node : nodes) reading.nodes.emplace(node.id, ToNode(node));
  for (const SwarmTask& task : tasks) {
    if (IsTerminal(task.state)) continue;
    const scheduler::Resources request{task.cpu_request_nano, task.memory_request_bytes};
    const auto owner = owners.find(task.service_id);
    const bool ours = owner != owners.end() && !owner->second.uid.empty();
    const auto node = reading.nodes.find(task.node_id);
    const bool leaves = task.desired_state > TaskState::kRunning;
    if (!ours) {
      if (node != reading.nodes.end()) AddTo(node->second, request, 1, leaves);
      continue;
    }
    ServiceTasks& service = reading.ours[owner->second.uid][owner->second.service];
    service.request = request;
    if (task.node_id.empty()) {
      if (IsHomeless(task)) ++service.homeless;
      continue;
    }
    const bool gone =
        task.node_down || node == reading.nodes.end() || (leaves && !node->second.schedulable);
    if (!gone) ++service.placed[task.node_id];
  }
  return reading;
}

void AddForeign(const std::map<std::string, ServiceTasks>& services, const scheduler::Job* job,
                std::map<std::string, scheduler::Node>& nodes) {
  for (const auto& [name, tasks] : services) {
    if (job != nullptr &&
        std::ranges::find(job->services, name, &scheduler::Service::name) != job->services.end())
      continue;
    for (const auto& [id, replicas] : tasks.placed)
      AddTo(nodes.at(id), tasks.request, replicas, true);
  }
}

}  // namespace zoe::schedule
