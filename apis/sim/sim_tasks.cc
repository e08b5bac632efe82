// A task's life in the simulated Swarm: placement, states, restarts, rolling updates.
#include <algorithm>
#include <cctype>
#include <climits>
#include <functional>

#include "apis/sim/sim_state.h"
#include "specs/meta/subnet.h"

namespace zoe::sim {
namespace {

std::string Plural(size_t n) { return std::to_string(n) + (n == 1 ? " node" : " nodes"); }

std::string Trim(std::string_view text) {
  const size_t from = text.find_first_not_of(' '), to = text.find_last_not_of(' ');
  return from == std::string_view::npos ? "" : std::string(text.substr(from, to - from + 1));
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// What an engine takes for containers that ask for any port of its host.
constexpr int32_t kFirstHostPort = 32'768, kLastHostPort = 60'999;

bool Failed(TaskState state) {
  return state == TaskState::kFailed || state == TaskState::kRejected;
}

}  // namespace

// Slots 1..replicas hold a task that should run; higher ones go.
void Cluster::Reconcile(Service& service) {
  const auto wanted = static_cast<int32_t>(service.view.spec.replicas);
  const auto count = [&] { return static_cast<int32_t>(service.slots.size()); };
  for (int32_t slot = 1; count() < wanted; ++slot) {
    if (!service.slots.contains(slot)) StartTask(service, slot);
  }
  while (count() > wanted) {
    const auto slot = service.slots.find(Dispensable(service));
    const std::vector<std::string> history = std::move(slot->second.history);
    service.slots.erase(slot);
    for (const std::string& id : history) {
      if (Task* task = FindTask(id)) Stop(*task, TaskState::kRemove);
    }
  }
}

// SwarmKit (orchestrator/replicated): those that don't run go first, be it that they have done
// their work, then those on the node that has most of them. The last among equals.
int32_t Cluster::Dispensable(const Service& service) const {
  const auto running = [&](const Slot& slot) -> const Task* {
    for (const std::string& id : slot.history) {
      const Task* task = FindTask(id);
      if (task != nullptr && task->view.state == TaskState::kRunning) return task;
    }
    return nullptr;
  };
  std::map<std::string, int> on_node;
  for (const auto& [number, slot] : service.slots) {
    if (const Task* task = running(slot)) ++on_node[task->view.node_id];
  }
  int32_t first = 0;
  int most = -1;
  for (const auto& [number, slot] : service.slots) {
    const Task* task = running(slot);
    const int others = task == nullptr ? INT_MAX : on_node[task->view.node_id];
    if (others < most) continue;
    most = others;
    first = number;
  }
  return first;
}

void Cluster::StartTask(Service& service, int32_t number) {
  auto task = std::make_unique<Task>();
  task->view.id = NewId();
  task->view.service_id = service.view.id;
  task->view.slot = number;
  task->view.created_at = task->view.timestamp = wall_;
  task->view.message = "created";
  task->spec = service.spec;
  task->view.cpu_request_nano = service.spec->cpu_request_nano;
  task->view.memory_request_bytes = service.spec->memory_request_bytes;
  task->uid = LabelOf(service.spec->labels, kLabelUid);
  const std::string id = task->view.id;
  Slot& slot = service.slots[number];
  const bool restarted = !slot.history.empty();
  slot.history.push_back(id);
  // Swarm remembers five old tasks of a slot, or as many as the restart policy counts.
  const size_t keep = std::max<size_t>(5, service.spec->restart_max_attempts + 1);
  while (slot.history.size() > keep + 1) {
    Drop(slot.history.front());
    slot.history.erase(slot.history.begin());
  }
  tasks_by_uid_[task->uid].insert(id);
  tasks_.emplace(id, std::move(task));
  At(restarted ? service.spec->restart_delay : delays_.assign, [this, id] { Place(id); });
}

// As SwarmKit does (scheduler/filter.go): each node counts for the first of these that it fails,
// and what most of them fail is said first.
std::string Cluster::WhyNot(const Task& task, std::vector<Node*>& fits) {
  const SwarmServiceSpec& spec = *task.spec;
  struct Reason {
    size_t nodes;
    std::string text;
  };
  size_t unavailable = 0, full = 0, constrained = 0, no_port = 0;
  for (const auto& node : nodes_) {
    const auto meets = [&](const std::string& constraint) { return Meets(*node, constraint); };
    const auto taken = [&](const SwarmPort& port) {
      return port.host_mode && node->host_ports.contains(port.published);
    };
    const NodeOptions& has = node->options;
    if (!node->ready() || node->availability != "active") {
      ++unavailable;
    } else if (spec.cpu_request_nano > has.cpu_nano - node->cpu_used ||
               spec.memory_request_bytes > has.memory_bytes - node->memory_used) {
      ++full;
    } else if (!std::ranges::all_of(spec.constraints, meets)) {
      ++constrained;
    } else if (std::ranges::any_of(spec.ports, taken)) {
      ++no_port;
    } else {
      fits.push_back(node.get());
    }
  }
  std::vector<Reason> reasons = {
      {unavailable, Plural(unavailable) + " not available for new tasks"},
      {full, "insufficient resources on " + Plural(full)},
      {constrained, "scheduling constraints not satisfied on " + Plural(constrained)},
      {no_port, "host-mode port already in use on " + Plural(no_port)}};
  std::ranges::stable_sort(reasons, std::greater(), &Reason::nodes);
  std::string why;
  for (const Reason& reason : reasons) {
    if (reason.nodes > 0) why += (why.empty() ? "" : "; ") + reason.text;
  }
  return "no suitable node (" + why + ")";
}

// SwarmKit (constraint/constraint.go): keys and values in whatever case, names of labels as they
// are, and no node meets what it doesn't know.
bool Cluster::Meets(const Node& node, const std::string& constraint) {
  const bool equal = constraint.find("==") != std::string::npos;
  const size_t op = constraint.find(equal ? "==" : "!=");
  if (op == std::string::npos) return false;
  const std::string key = Trim(constraint.substr(0, op)), value = Trim(constraint.substr(op + 2));
  const std::string small = Lower(key);
  constexpr std::string_view kNode = "node.labels.", kEngine = "engine.labels.";
  std::string actual;
  if (small == "node.id") {
    actual = node.id;
  } else if (small == "node.hostname") {
    actual = node.options.name;
  } else if (small == "node.role") {
    actual = node.options.manager ? "manager" : "worker";
  } else if (small == "node.platform.os") {
    actual = "linux";
  } else if (small == "node.platform.arch") {
    actual = "x86_64";
  } else if (small == "node.ip") {
    const auto subnet = ParseSubnet(value.find('/') == value.npos ? value + "/32" : value);
    const auto own = ParseSubnet(node.address + "/32");
    return subnet && own && subnet->Overlaps(*own) == equal;
  } else if (small.starts_with(kNode)) {
    actual = LabelOf(node.options.labels, key.substr(kNode.size()));
  } else if (small.starts_with(kEngine)) {
    actual = LabelOf(node.options.engine_labels, key.substr(kEngine.size()));
  } else {
    return false;
  }
  return (Lower(actual) == Lower(value)) == equal;
}

// SwarmKit (orchestrator/task.go): where constraints are all that differs, who is on a node that
// meets the new ones stays.
bool Cluster::IsDirty(const Task& task, const SwarmServiceSpec& spec) const {
  SwarmServiceSpec kept = *task.spec;
  if (SameTasks(kept, spec)) return false;
  kept.constraints = spec.constraints;
  const auto node =
      std::ranges::find(nodes_, task.view.node_id, [](const auto& n) { return n->id; });
  return !SameTasks(kept, spec) || node == nodes_.end() ||
         !std::ranges::all_of(spec.constraints,
                              [&](const std::string& c) { return Meets(**node, c); });
}

void Cluster::Reserve(Task& task, Node& node) {
  task.node = &node;
  ++node.tasks;
  ++node.tasks_by_service[task.view.service_id];
  node.cpu_used += task.spec->cpu_request_nano;
  node.memory_used += task.spec->memory_request_bytes;
  for (const SwarmPort& port : task.spec->ports) {
    if (port.host_mode && port.published != 0) node.host_ports.insert(port.published);
  }
  task.view.node_id = node.id;
  task.view.node_name = node.options.name;
  room_.deployments.insert(LabelOf(task.spec->labels, kLabelDeployment));
}

void Cluster::Place(const std::string& task_id) {
  Task* task = FindTask(task_id);
  if (!task || IsTerminal(task->view.state) || task->view.desired_state != TaskState::kRunning)
    return;
  if (Undecided([this, task_id] { Place(task_id); })) return;
  if (!Address(*task)) {  // it stays `new`, without a word
    pending_.insert(task_id);
    return;
  }
  std::vector<Node*> fits;
  const std::string why = WhyNot(*task, fits);
  if (fits.empty()) {
    if (task->view.state != TaskState::kPending || task->view.error != why) {
      task->view.state = TaskState::kPending;
      task->view.message = "pending task scheduling";
      task->view.error = why;
      task->view.timestamp = wall_;
      Touch(task->spec->labels);
    }
    pending_.insert(task_id);
    return;
  }
  pending_.erase(task_id);
  // SwarmKit: the node with the fewest tasks of the service, of those with the fewest tasks.
  Reserve(*task, **std::ranges::min_element(fits, {}, [&](const Node* n) {
    const auto of_service = n->tasks_by_service.find(task->view.service_id);
    return std::pair(of_service == n->tasks_by_service.end() ? 0 : of_service->second, n->tasks);
  }));
  task->view.state = TaskState::kPreparing;
  task->view.message = "preparing";
  task->view.error.clear();
  task->view.timestamp = wall_;
  task->program = reader_(*task->spec, task->view.slot);
  At(delays_.prepare, [this, task_id] { Prepare(task_id); });
}

void Cluster::Prepare(const std::string& task_id) {
  Task* task = FindTask(task_id);
  if (!task || task->view.state != TaskState::kPreparing) return;
  if (Unheard(*task, [this, task_id] { Prepare(task_id); })) return;
  if (!Pull(*task) && task->program.reject.empty())
    task->program.reject = "No such image: " + task->spec->image;
  if (!task->program.reject.empty())
    return End(*task, TaskState::kRejected, task->program.reject, std::nullopt);
  task->view.state = TaskState::kStarting;
  task->view.message = "starting";
  task->view.timestamp = wall_;
  task->view.container_id = "ctr" + task_id;
  const Duration health = task->spec->healthcheck ? task->program.healthy_after : Duration(0);
  At(delays_.start + health, [this, task_id] { Run(task_id); });
}

void Cluster::Run(const std::string& task_id) {
  Task* task = FindTask(task_id);
  if (!task || task->view.state != TaskState::kStarting) return;
  if (Unheard(*task, [this, task_id] { Run(task_id); })) return;
  if (!task->program.start_error.empty())
    return End(*task, TaskState::kFailed, task->program.start_error, 127);
  task->view.state = TaskState::kRunning;
  task->view.message = "started";
  task->view.timestamp = wall_;
  BindPorts(*task);
  Touch(task->spec->labels);
  const auto it = services_.find(task->view.service_id);
  // A task may start while its slot is being scaled away.
  if (it != services_.end() && it->second->slots.contains(task->view.slot)) {
    auto& replaced = it->second->slots.at(task->view.slot).stop_when_running;
    for (const std::string& old_id : std::exchange(replaced, {})) {
      if (Task* old = FindTask(old_id)) Stop(*old, TaskState::kShutdown);
    }
  }
  if (!task->program.run_for) return;
  At(*task->program.run_for, [this, task_id] { Finish(task_id); });
}

void Cluster::Finish(const std::string& task_id) {
  Task* task = FindTask(task_id);
  if (!task || task->view.state != TaskState::kRunning) return;
  if (Unheard(*task, [this, task_id] { Finish(task_id); })) return;
  const int code = task->program.exit_code;
  End(*task, code == 0 ? TaskState::kComplete : TaskState::kFailed,
      code == 0 ? "" : "task: non-zero exit (" + std::to_string(code) + ")", code);
}

// The engine's part: ports that the spec leaves open are chosen when the container starts.
void Cluster::BindPorts(Task& task) {
  Node& node = *task.node;
  task.view.ports.clear();
  for (SwarmPort port : task.spec->ports) {
    if (!port.host_mode) continue;
    while (port.published == 0) {
      node.last_port = std::clamp(node.last_port + 1, kFirstHostPort, kLastHostPort + 1);
      if (node.last_port > kLastHostPort) node.last_port = kFirstHostPort;
      if (node.host_ports.insert(node.last_port).second) port.published = node.last_port;
    }
    task.view.ports.push_back(port);
  }
  std::ranges::stable_sort(task.view.ports, {}, &SwarmPort::target);
}

void Cluster::Release(Task& task) {
  if (std::exchange(task.addressed, false)) {
    for (const auto& attachment : task.spec->networks) {
      const auto it = networks_.find(attachment.network_id);
      if (it != networks_.end()) it->second.addresses--;
    }
    At(Duration(0), [this] { RetryPending(); });
  }
  if (!task.node) return;
  for (const auto& ports : {task.spec->ports, task.view.ports}) {
    for (const SwarmPort& port : ports) {
      if (port.host_mode) task.node->host_ports.erase(port.published);
    }
  }
  task.node->tasks--;
  if (--task.node->tasks_by_service[task.view.service_id] == 0)
    task.node->tasks_by_service.erase(task.view.service_id);
  room_.deployments.insert(LabelOf(task.spec->labels, kLabelDeployment));
  task.node->cpu_used -= task.spec->cpu_request_nano;
  task.node->memory_used -= task.spec->memory_request_bytes;
  task.node = nullptr;
  At(Duration(0), [this] { RetryPending(); });
}

void Cluster::RetryPending() {
  const std::set<std::string> pending = pending_;
  for (const std::string& id : pending) Place(id);
}

void Cluster::End(Task& task, TaskState state, std::string error, std::optional<int> exit_code) {
  task.view.state = state;
  task.view.message =
      state == TaskState::kComplete ? "finished" : std::string(TaskStateName(state));
  task.view.error = std::move(error);
  task.view.exit_code = exit_code;
  task.view.timestamp = wall_;
  pending_.erase(task.view.id);
  Release(task);
  Touch(task.spec->labels);
  AfterEnd(task.view.service_id, task.view.slot, task.view.id);
}

// Swarm's restart supervisor: the current task of a slot ended while it should run.
void Cluster::AfterEnd(const std::string& service_id, int32_t number, const std::string& task_id) {
  Task* task = FindTask(task_id);
  if (task && task->view.desired_state == TaskState::kRemove) return Drop(task_id);
  const auto it = services_.find(service_id);
  if (it == services_.end()) return Drop(task_id);
  Service& service = *it->second;
  const auto slot = service.slots.find(number);
  if (!task || slot == service.slots.end() || slot->second.history.back() != task_id) return;
  if (task->view.desired_state != TaskState::kRunning) return;
  task->view.desired_state = TaskState::kShutdown;
  const bool failed = Failed(task->view.state);
  if (failed && service.view.update_state == UpdateState::kUpdating && task->spec == service.spec) {
    FailUpdate(service, task_id);
    // Back to fewer replicas, its slot may be gone, and the task with it.
    if (!service.slots.contains(number)) return;
  }
  const RestartCondition condition = service.spec->restart_condition;
  if (condition == RestartCondition::kNone ||
      (condition == RestartCondition::kOnFailure && !failed))
    return;
  const uint64_t limit = service.spec->restart_max_attempts;
  if (limit > 0 && slot->second.restarts >= limit) return;
  slot->second.restarts++;
  StartTask(service, number);
}

void Cluster::Stop(Task& task, TaskState desired) {
  const std::string id = task.view.id;
  task.view.desired_state = desired;
  const bool on_node = task.view.state > TaskState::kAssigned && !IsTerminal(task.view.state);
  if (IsTerminal(task.view.state)) {
    if (desired == TaskState::kRemove) Drop(id);
    return;
  }
  if (on_node && task.view.node_down) return;  // nobody is there to stop it
  At(on_node ? delays_.stop : Duration(0), [this, id] {
    Task* stopped = FindTask(id);
    if (!stopped || IsTerminal(stopped->view.state)) return;
    if (stopped->node && !stopped->node->ready()) return;  // it hears of it when it is back
    End(*stopped, TaskState::kShutdown, "", std::nullopt);
  });
}

void Cluster::Drop(const std::string& task_id) {
  const auto it = tasks_.find(task_id);
  if (it == tasks_.end()) return;
  Release(*it->second);
  Touch(it->second->spec->labels);
  pending_.erase(task_id);
  auto& of_uid = tasks_by_uid_[it->second->uid];
  of_uid.erase(task_id);
  if (of_uid.empty()) tasks_by_uid_.erase(it->second->uid);
  tasks_.erase(it);
}

// One look at a roll-out: replaces the next slots once the ones before run.
void Cluster::Roll(const std::string& service_id, uint64_t update) {
  const auto it = services_.find(service_id);
  if (it == services_.end() || it->second->update != update) return;
  if (Undecided([this, service_id, update] { Roll(service_id, update); })) return;
  Service& service = *it->second;
  const bool back = service.view.update_state == UpdateState::kRollbackStarted;
  std::vector<int32_t> dirty;
  uint64_t in_flight = 0;
  for (auto& [number, slot] : service.slots) {
    const Task* task = FindTask(slot.history.back());
    if (!task || task->spec != service.spec) {
      // What has ended for good is no reason to run it again, except that a rollback leaves nothing
      // as it found it (SwarmKit, UpdatableTasksInSlot).
      const bool ended = task && IsTerminal(task->view.state);
      if (task && !IsDirty(*task, *service.spec) && !(back && ended)) continue;
      dirty.push_back(number);
    } else if (task->view.state < TaskState::kRunning) {
      ++in_flight;
    }
  }
  if (dirty.empty() && in_flight == 0) {
    service.view.update_state = back ? UpdateState::kRollbackCompleted : UpdateState::kCompleted;
    service.view.update_message = back ? "rollback completed" : "update completed";
    service.view.version = ++index_;
    Touch(service.view.spec.labels);
    return;
  }
  const uint64_t limit =
      service.spec->update_parallelism == 0 ? UINT64_MAX : service.spec->update_parallelism;
  for (const int32_t number : dirty) {
    if (in_flight++ >= limit) break;
    Slot& slot = service.slots[number];
    slot.restarts = 0;
    const std::string old = slot.history.back();
    const bool start_first = service.spec->update_order == UpdateOrder::kStartFirst;
    StartTask(service, number);
    if (start_first) {
      slot.stop_when_running.push_back(old);
    } else if (Task* task = FindTask(old)) {
      Stop(*task, TaskState::kShutdown);
    }
  }
  At(Duration(10), [this, service_id, update] { Roll(service_id, update); });
}

void Cluster::FailUpdate(Service& service, const std::string& task_id) {
  const std::string cause = " due to failure or early termination of task " + task_id;
  service.view.version = ++index_;
  const uint64_t update = ++service.update;
  if (service.spec->update_failure_action == FailureAction::kPause || !service.previous) {
    service.view.update_state = UpdateState::kPaused;
    service.view.update_message = "update paused" + cause;
    return;
  }
  service.view.update_state = UpdateState::kRollbackStarted;
  service.view.update_message = "update rolled back" + cause;
  service.spec = service.previous;
  service.view.spec = *service.spec;
  Reconcile(service);
  At(Duration(0), [this, id = service.view.id, update] { Roll(id, update); });
}

}  // namespace zoe::sim
