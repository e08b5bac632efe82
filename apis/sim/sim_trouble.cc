// What goes wrong in the simulated Swarm: nodes, managers, the registry.
#include <algorithm>

#include "apis/sim/sim_state.h"

namespace zoe::sim {
namespace {

// SwarmKit, dispatcher: a node that a new leader hears nothing of; one that stays away.
constexpr Duration kUnknownUntil{40'000};
constexpr Duration kOrphanedAfter = std::chrono::hours(24);

}  // namespace

// ---- nodes

// The one that its slot would be judged by; start-first, an older one runs beside it.
bool Cluster::IsCurrent(const Task& task) const {
  const auto service = services_.find(task.view.service_id);
  if (service == services_.end()) return false;
  const auto slot = service->second->slots.find(task.view.slot);
  return slot != service->second->slots.end() && slot->second.history.back() == task.view.id;
}

void Cluster::SetNodeUp(const std::string& name, bool up) {
  for (const auto& node : nodes_) {
    if (node->options.name != name || (node->state != Node::State::kDown) == up) continue;
    room_.nodes = true;
    node->state = Node::State::kDown;
    ++node->losses;
    if (!up) {
      node->unheard.clear();
      Lose(*node);
    } else {
      node->state = Node::State::kReady;
      std::vector<std::string> ran;
      for (const auto& [id, task] : tasks_) {
        if (task->node == node.get()) ran.push_back(id);
      }
      for (const std::string& id : ran) {
        Task* task = FindTask(id);
        task->view.node_down = false;
        Touch(task->spec->labels);
        End(*task, TaskState::kFailed, "task: non-zero exit (255)", 255);
      }
    }
    At(Duration(0), [this] { RetryPending(); });
  }
}

void Cluster::SetNodeCut(const std::string& name, bool cut) {
  for (const auto& node : nodes_) {
    if (node->options.name != name) continue;
    room_.nodes = true;
    if (cut && node->ready()) {
      node->state = Node::State::kCut;
      ++node->losses;
      Lose(*node);
    } else if (!cut && node->state == Node::State::kCut) {
      Hear(*node);
    }
    At(Duration(0), [this] { RetryPending(); });
  }
}

// Measured on Docker 20.10: what is never restarted is not moved either, and keeps its slot.
void Cluster::Move(Task& task) {
  const auto service = services_.find(task.view.service_id);
  if (service == services_.end() || !IsCurrent(task)) return;
  if (service->second->spec->restart_condition == RestartCondition::kNone) return;
  StartTask(*service->second, task.view.slot);
}

// It is down as far as anybody knows: its tasks are replaced.
void Cluster::Lose(Node& node) {
  std::vector<std::string> affected;
  for (const auto& [id, task] : tasks_) {
    if (task->node == &node) affected.push_back(id);
  }
  for (const std::string& id : affected) {
    Task* task = FindTask(id);
    Touch(task->spec->labels);
    task->view.node_down = true;
    const auto it = services_.find(task->view.service_id);
    if (it == services_.end() || task->view.desired_state != TaskState::kRunning) continue;
    task->view.desired_state = TaskState::kShutdown;
    Move(*task);
  }
  At(kOrphanedAfter, [this, lost = &node, loss = node.losses] {
    if (lost->losses == loss) Orphan(*lost);
  });
}

void Cluster::Hear(Node& node) {
  node.state = Node::State::kReady;
  ++node.losses;
  std::vector<std::string> there;
  for (const auto& [id, task] : tasks_) {
    if (task->node == &node) there.push_back(id);
  }
  for (const auto& action : std::exchange(node.unheard, {})) At(Duration(0), action);
  At(Duration(0), [this] { RetryPending(); });
  for (const std::string& id : there) {
    Task* task = FindTask(id);
    task->view.node_down = false;
    Touch(task->spec->labels);
    if (task->view.desired_state > TaskState::kRunning) Stop(*task, task->view.desired_state);
  }
}

// Nobody waits for its tasks any longer.
void Cluster::Orphan(Node& node) {
  std::vector<std::string> there;
  for (const auto& [id, task] : tasks_) {
    if (task->node == &node && !IsTerminal(task->view.state)) there.push_back(id);
  }
  for (const std::string& id : there)
    End(*FindTask(id), TaskState::kOrphaned, "task was orphaned", std::nullopt);
}

void Cluster::SetNodeAvailability(const std::string& name, std::string availability) {
  for (const auto& node : nodes_) {
    if (node->options.name != name) continue;
    node->availability = availability;
    room_.nodes = true;
    if (availability == "drain") {
      std::vector<std::string> affected;
      for (const auto& [id, task] : tasks_) {
        if (task->node == node.get() && task->view.desired_state == TaskState::kRunning)
          affected.push_back(id);
      }
      for (const std::string& id : affected) {
        Task* task = FindTask(id);
        Move(*task);
        Stop(*task, TaskState::kShutdown);
      }
    }
    At(Duration(0), [this] { RetryPending(); });
  }
}

// ---- managers

void Cluster::LoseLeader(Duration silence, Duration report, const std::string& with_node) {
  silent_until_ = std::max(silent_until_, now_ + silence);
  for (const auto& node : nodes_) {
    if (!node->ready()) continue;
    node->state = Node::State::kUnknown;
    const uint64_t loss = ++node->losses;
    const bool lost = node->options.name == with_node;
    At(silence + (lost ? kUnknownUntil : report), [this, lost, loss, of = node.get()] {
      if (of->losses != loss) return;
      if (!lost) return Hear(*of);
      of->state = Node::State::kDown;
      of->unheard.clear();
      ++of->losses;
      room_.nodes = true;
      Lose(*of);
    });
  }
  At(silence, [this] {
    if (!has_leader()) return;
    for (auto& [id, service] : services_) {
      Touch(service->view.spec.labels);
      for (auto& [number, slot] : service->slots) slot.restarts = 0;
    }
    for (const auto& action : std::exchange(undecided_, {})) At(Duration(0), action);
    At(Duration(0), [this] { RetryPending(); });
  });
}

bool Cluster::Undecided(std::function<void()> action) {
  if (has_leader()) return false;
  undecided_.push_back(std::move(action));
  return true;
}

bool Cluster::Unheard(const Task& task, std::function<void()> action) {
  if (!task.node || task.node->ready()) return false;
  // What has no power does nothing.
  if (task.node->state != Node::State::kDown) task.node->unheard.push_back(std::move(action));
  return true;
}

void Cluster::BumpVersion(const std::string& service_name) {
  const auto it = service_names_.find(service_name);
  if (it != service_names_.end()) services_.at(it->second)->view.version = ++index_;
}

// ---- tasks, networks, images

bool Cluster::EndTask(const std::string& service_name, int32_t number, int exit_code,
                      bool out_of_memory) {
  const auto it = service_names_.find(service_name);
  if (it == service_names_.end()) return false;
  Service& service = *services_.at(it->second);
  const auto slot = service.slots.find(number);
  if (slot == service.slots.end()) return false;
  Task* task = FindTask(slot->second.history.back());
  if (!task || task->view.state != TaskState::kRunning || !task->node->ready()) return false;
  if (exit_code == 137) task->view.out_of_memory = out_of_memory;
  End(*task, exit_code == 0 ? TaskState::kComplete : TaskState::kFailed,
      exit_code == 0 ? "" : "task: non-zero exit (" + std::to_string(exit_code) + ")", exit_code);
  return true;
}

void Cluster::HoldNetwork(const std::string& name, Duration time) {
  held_networks_[name] = now_ + time;
}

bool Cluster::Pull(Task& task) {
  std::set<std::string>& images = task.node->images;
  if (images.contains(task.spec->image)) return true;
  ++pulls_[task.spec->image];
  if (!registry_up_) return false;
  if (task.program.reject.empty()) images.insert(task.spec->image);
  return true;
}

}  // namespace zoe::sim
