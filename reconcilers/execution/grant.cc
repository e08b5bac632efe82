#include "reconcilers/execution/grant.h"

#include <algorithm>
#include <string_view>

namespace zoe::execution {
namespace {

constexpr std::string_view kIs = "node.id == ", kIsNot = "node.id != ";

const v1::ServiceStatus* FindStatus(const v1::ExecutionStatus& status, const std::string& name) {
  const auto it = std::ranges::find(status.services, name, &v1::ServiceStatus::name);
  return it == status.services.end() ? nullptr : &*it;
}

bool AnythingDecided(const v1::ExecutionStatus& status) {
  return std::ranges::any_of(status.services,
                             [](const v1::ServiceStatus& s) { return s.granted.has_value(); });
}

bool NamesNode(const std::string& constraint) {
  return constraint.starts_with(kIs) || constraint.starts_with(kIsNot);
}

std::vector<std::string> WithoutNodes(std::vector<std::string> constraints) {
  std::erase_if(constraints, NamesNode);
  return constraints;
}

bool MayBeOn(const std::string& node, const std::vector<std::string>& constraints) {
  return std::ranges::all_of(constraints, [&](const std::string& constraint) {
    if (constraint.starts_with(kIs)) return constraint.substr(kIs.size()) == node;
    return !constraint.starts_with(kIsNot) || constraint.substr(kIsNot.size()) != node;
  });
}

}  // namespace

bool IsQueued(const v1::Execution& execution) {
  const v1::ExecutionStatus& status = execution.status;
  bool enough = true, undecided = false, nothing = true;
  if (execution.spec.application) {
    for (const v1::Service& service : execution.spec.application->services) {
      const v1::ServiceStatus* of = FindStatus(status, service.name);
      const bool decided = of != nullptr && of->granted;
      undecided = undecided || !decided;
      enough = enough && (decided ? *of->granted : 0) >= service.essential();
      nothing = nothing && (!decided || *of->granted == 0);
    }
  }
  const bool of_before = status.started_at && !AnythingDecided(status);
  return nothing && !of_before && (undecided || !enough);
}

int Granted(const v1::Execution& execution, const v1::Service& service) {
  const v1::ServiceStatus* of = FindStatus(execution.status, service.name);
  const int total = std::max(0, service.replicas.total);
  if (of != nullptr && of->granted) return std::clamp(*of->granted, 0, total);
  return AnythingDecided(execution.status) ? 0 : total;
}

void TakeGrants(v1::ExecutionStatus& status) {
  status.queue_position = 0;
  for (v1::ServiceStatus& s : status.services) {
    s.granted.reset();
    s.nodes.clear();
  }
}

std::vector<std::string> Confine(const std::vector<std::string>& nodes,
                                 const std::vector<SwarmNode>& all) {
  std::vector<std::string> constraints;
  if (nodes.empty()) return constraints;
  if (nodes.size() == 1) return {std::string(kIs) + nodes.front()};
  for (const SwarmNode& node : all) {
    if (std::ranges::find(nodes, node.id) == nodes.end())
      constraints.push_back(std::string(kIsNot) + node.id);
  }
  std::ranges::sort(constraints);
  return constraints;
}

bool OnlyConfines(const SwarmService& from, const SwarmServiceSpec& to,
                  const std::vector<SwarmTask>& tasks) {
  SwarmServiceSpec confined = from.spec;
  if (WithoutNodes(confined.constraints) != WithoutNodes(to.constraints)) return false;
  confined.constraints = to.constraints;
  return SameTasks(confined, to) && std::ranges::all_of(tasks, [&](const SwarmTask& t) {
           return t.service_id != from.id || t.node_id.empty() || IsTerminal(t.state) ||
                  t.desired_state > TaskState::kRunning || MayBeOn(t.node_id, to.constraints);
         });
}

bool OnlyRegrants(const SwarmServiceSpec& from, const SwarmServiceSpec& to) {
  SwarmServiceSpec regranted = from;
  if (WithoutNodes(from.constraints) != WithoutNodes(to.constraints)) return false;
  regranted.constraints = to.constraints;
  regranted.replicas = to.replicas;
  return regranted == to;
}

}  // namespace zoe::execution
