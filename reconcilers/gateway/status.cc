#include "reconcilers/gateway/status.h"

#include <algorithm>

#include "controller/loop/classify.h"

namespace zoe::gateway {
namespace {

bool Runs(const SwarmTask& task) {
  return task.state == TaskState::kRunning && task.desired_state == TaskState::kRunning &&
         !task.node_down;
}

// Of those that fit the newest; nullptr: none does.
template <class Predicate>
const SwarmTask* Newest(const std::vector<SwarmTask>& tasks, Predicate fits) {
  const SwarmTask* newest = nullptr;
  for (const SwarmTask& task : tasks) {
    if (fits(task) && (newest == nullptr || task.created_at >= newest->created_at)) newest = &task;
  }
  return newest;
}

int32_t Published(const std::vector<SwarmPort>& ports, int32_t target) {
  for (const SwarmPort& port : ports) {
    if (port.target == target && port.published != 0) return port.published;
  }
  return 0;
}

void ClearPlace(v1::GatewayStatus& status) {
  status.node.clear();
  status.address.clear();
  status.ssh_port = status.socks_port = 0;
  status.ssh.clear();
  status.socks.clear();
}

// True if it can be reached.
bool FillPlace(const v1::Gateway& gateway, const Observed& observed, const Options& options,
               v1::GatewayStatus& status) {
  ClearPlace(status);
  const SwarmTask* task = Newest(observed.tasks, Runs);
  if (task == nullptr || observed.services.empty()) return false;
  const bool host_mode = gateway.spec.ports.mode != "ingress";
  const auto& ports = host_mode ? task->ports : observed.services.front().published;
  const auto node = std::ranges::find(observed.nodes, task->node_id, &SwarmNode::id);
  if (node == observed.nodes.end()) return false;
  const int32_t ssh = Published(ports, kSshPort), socks = Published(ports, kSocksPort);
  if (node->address.empty() || ssh == 0 || socks == 0) return false;
  status.node = node->name;
  status.address = node->address;
  status.ssh_port = ssh;
  status.socks_port = socks;
  const bool v6 = node->address.find(':') != std::string::npos;
  const std::string host = v6 ? "[" + node->address + "]" : node->address;
  status.ssh = std::string("ssh ") + (gateway.spec.shell ? "" : "-N ") + "-p " +
               std::to_string(ssh) + " -o HostKeyAlias=zoe-" + options.deployment + "-" +
               gateway.meta.ns + " " + status.user + "@" + node->address;
  status.socks = "socks5h://" + host + ":" + std::to_string(socks);
  return true;
}

Condition NotReady(std::string reason, std::string message) {
  return {.type = "Ready",
          .status = "False",
          .reason = std::move(reason),
          .message = std::move(message)};
}

// Why no task runs, in Swarm's words.
Condition Trouble(const Observed& observed) {
  // Swarm makes the next task before it says why the last one failed.
  const auto speaks = [](const SwarmTask& task) { return !task.error.empty() && !task.node_down; };
  const SwarmTask* newest = Newest(observed.tasks, [](const SwarmTask&) { return true; });
  const SwarmTask* worst = Newest(observed.tasks, speaks);
  if (newest == nullptr || worst == nullptr) return NotReady("Starting", "the gateway starts");
  const std::string& words = worst->error;
  if (words.starts_with("No such image")) return NotReady("ImageNotFound", words);
  if (words.starts_with("no suitable node")) {
    return worst == newest ? NotReady("Unschedulable", words)
                           : NotReady("Starting", "the gateway starts");
  }
  // One that is shut down because it was replaced has failed nothing.
  const bool failed = worst->state == TaskState::kFailed || worst->state == TaskState::kRejected;
  return failed ? NotReady("TaskFailed", words) : NotReady("Starting", "the gateway starts");
}

Condition ReadyOf(const v1::Gateway& gateway, const Observed& observed, bool reachable,
                  const v1::GatewayStatus& status) {
  if (observed.mode == Mode::kDeleting) {
    return NotReady("Terminating", observed.services.empty() ? "waiting for its task to end"
                                                             : "the service is being removed");
  }
  if (observed.mode == Mode::kDisabled) {
    return NotReady("Disabled", "user " + gateway.meta.ns + " is disabled");
  }
  if (!observed.network) return NotReady("NetworkNotReady", observed.network_problem);
  if (!reachable) return Trouble(observed);
  std::string message = "on node " + status.node;
  const SwarmService& service = observed.services.front();
  if (service.update_state == UpdateState::kPaused) {
    message += "; the last change did not take: " + service.update_message;
  }
  return {.type = "Ready", .status = "True", .reason = "Running", .message = message};
}

bool NothingLeft(const Observed& observed) {
  const bool ended = std::ranges::all_of(observed.tasks, [](const SwarmTask& task) {
    return IsTerminal(task.state) || task.node_down;
  });
  return ended && observed.services.empty() && observed.secrets.empty();
}

void KeepFinalizer(const Observed& observed, Meta& meta) {
  if (observed.mode != Mode::kDeleting) {
    if (std::ranges::find(meta.finalizers, v1::kGatewayFinalizer) == meta.finalizers.end()) {
      meta.finalizers.emplace_back(v1::kGatewayFinalizer);
    }
  } else if (NothingLeft(observed)) {
    std::erase(meta.finalizers, v1::kGatewayFinalizer);
  }
}

void SetReady(Condition condition, WallTime now, v1::Gateway& gateway) {
  condition.observed_generation = gateway.meta.generation;
  SetCondition(gateway.status.conditions, std::move(condition), now);
}

}  // namespace

void Report(const v1::Gateway& before, const Observed& observed, const Options& options,
            WallTime now, StatusDraft& draft) {
  auto& gateway = static_cast<v1::Gateway&>(*draft.object);
  v1::GatewayStatus& status = gateway.status;
  status.observed_generation = gateway.meta.generation;
  if (observed.mode == Mode::kOpen) {
    status.user = observed.access.account;
    status.host_key = observed.host_key.public_key;
    status.host_key_fingerprint = observed.host_key.fingerprint;
  }
  const bool reachable = FillPlace(gateway, observed, options, status) &&
                         observed.mode == Mode::kOpen && observed.network;
  if (!reachable) ClearPlace(status);
  SetReady(ReadyOf(gateway, observed, reachable, status), now, gateway);
  KeepFinalizer(observed, gateway.meta);
  const bool elsewhere =
      reachable && status.address + std::to_string(status.ssh_port) !=
                       before.status.address + std::to_string(before.status.ssh_port);
  if (elsewhere)
    draft.Event("Running", "reachable at " + status.address + " on node " + status.node);
}

void ReportFailure(const Error& error, WallTime now, StatusDraft& draft) {
  auto& gateway = static_cast<v1::Gateway&>(*draft.object);
  const Condition* ready = FindCondition(gateway.status.conditions, "Ready");
  const bool runs = ready != nullptr && ready->status == "True";
  if (runs || gateway.meta.deletion_timestamp) return;
  SetReady(NotReady(ConditionReason(error), error.message), now, gateway);
}

bool IsSettled(const Observed& observed, const v1::Gateway& reported) {
  if (observed.mode != Mode::kOpen) return observed.tasks.empty();
  const Condition* ready = FindCondition(reported.status.conditions, "Ready");
  const bool runs = ready != nullptr && ready->status == "True";
  const auto moving = [](const SwarmTask& task) {
    return !IsTerminal(task.state) && !task.node_down && !Runs(task);
  };
  return runs && std::ranges::none_of(observed.tasks, moving);
}

}  // namespace zoe::gateway
