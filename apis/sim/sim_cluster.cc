#include "apis/sim/sim_cluster.h"

#include <algorithm>
#include <cstdio>

#include "apis/sim/sim_state.h"

namespace zoe::sim {

Cluster::Cluster(std::vector<NodeOptions> nodes, Delays delays, ProgramReader reader)
    : delays_(delays), reader_(std::move(reader)) {
  for (NodeOptions& options : nodes) {
    nodes_.push_back(std::make_unique<Node>());
    nodes_.back()->options = std::move(options);
    nodes_.back()->id = "node" + std::to_string(nodes_.size());
    // All of them are this machine's.
    nodes_.back()->address = "127.0.0." + std::to_string(1 + ((nodes_.size() - 1) % 254));
  }
}

Cluster::~Cluster() = default;

void Cluster::At(Duration delay, std::function<void()> action) {
  due_[{now_ + delay, ++order_}] = std::move(action);
}

SteadyTime Cluster::RunUntil(SteadyTime now, WallTime wall) {
  while (!due_.empty() && due_.begin()->first.first <= now) {
    auto first = due_.extract(due_.begin());
    now_ = std::max(now_, first.key().first);
    wall_ = wall - std::chrono::duration_cast<Duration>(now - now_);
    first.mapped()();
  }
  now_ = std::max(now_, now);
  wall_ = wall;
  return due_.empty() ? SteadyTime::max() : due_.begin()->first.first;
}

std::string Cluster::NewId() {
  char text[32];
  std::snprintf(text, sizeof text, "sim%022llx", static_cast<unsigned long long>(++ids_));
  return text;
}

void Cluster::Touch(const Labels& labels) {
  std::string owner;
  for (const auto label : {kLabelDeployment, kLabelKind, kLabelNamespace, kLabelName})
    owner += LabelOf(labels, label) + "/";
  if (touched_owners_.insert(owner).second) touched_.push_back(labels);
}

std::vector<Labels> Cluster::TakeTouched() {
  touched_owners_.clear();
  return std::exchange(touched_, {});
}

Cluster::Task* Cluster::FindTask(const std::string& id) const {
  const auto it = tasks_.find(id);
  return it == tasks_.end() ? nullptr : it->second.get();
}

Expected<std::string> Cluster::CreateService(const SwarmServiceSpec& spec) {
  if (spec.name.empty() || spec.name.size() > 63)
    return MakeError(Code::kInvalid, "name must be valid as a DNS name component");
  if (service_names_.contains(spec.name)) {
    return MakeError(Code::kAlreadyExists, "name conflicts with an existing object: service " +
                                               spec.name + " already exists");
  }
  ZOE_TRY(Check(spec, ""));
  auto service = std::make_unique<Service>();
  service->view.id = NewId();
  service->view.version = ++index_;
  service->view.spec = spec;
  Publish(service->view);
  service->spec = std::make_shared<const SwarmServiceSpec>(spec);
  const std::string id = service->view.id;
  service_names_[spec.name] = id;
  services_by_uid_[LabelOf(spec.labels, kLabelUid)].insert(id);
  Touch(spec.labels);
  Reconcile(*services_.emplace(id, std::move(service)).first->second);
  return id;
}

Expected<void> Cluster::UpdateService(const std::string& id, uint64_t version,
                                      const SwarmServiceSpec& spec) {
  const auto it = services_.find(id);
  if (it == services_.end()) return MakeError(Code::kNotFound, "service " + id + " not found");
  Service& service = *it->second;
  if (service.view.version != version) return MakeError(Code::kConflict, "update out of sequence");
  if (spec.name != service.view.spec.name)
    return MakeError(Code::kInvalid, "renaming services is not supported");
  ZOE_TRY(Check(spec, id));
  const auto dirty = [&](const auto& slot) {
    const Task* task = FindTask(slot.second.history.back());
    return task == nullptr || IsDirty(*task, spec);
  };
  const bool rolls = !SameTasks(spec, service.view.spec) &&
                     (service.slots.empty() || std::ranges::any_of(service.slots, dirty));
  service.previous = service.spec;
  service.spec = std::make_shared<const SwarmServiceSpec>(spec);
  services_by_uid_[LabelOf(service.view.spec.labels, kLabelUid)].erase(id);
  services_by_uid_[LabelOf(spec.labels, kLabelUid)].insert(id);
  Touch(service.view.spec.labels);
  const SwarmServiceSpec& before = service.view.spec;
  if (spec.networks != before.networks || spec.endpoint_mode != before.endpoint_mode)
    FreeVips(service);
  service.view.spec = spec;
  Publish(service.view);
  service.view.version = ++index_;
  service.view.update_state = rolls ? UpdateState::kUpdating : UpdateState::kNone;
  service.view.update_message = rolls ? "update in progress" : "";
  Touch(spec.labels);
  Reconcile(service);
  if (rolls) Roll(id, ++service.update);
  return {};
}

Expected<void> Cluster::RemoveService(const std::string& id) {
  const auto it = services_.find(id);
  if (it == services_.end()) return MakeError(Code::kNotFound, "service " + id + " not found");
  Service& service = *it->second;
  Touch(service.view.spec.labels);
  FreeVips(service);
  service_names_.erase(service.view.spec.name);
  auto& of_uid = services_by_uid_[LabelOf(service.view.spec.labels, kLabelUid)];
  of_uid.erase(id);
  if (of_uid.empty()) services_by_uid_.erase(LabelOf(service.view.spec.labels, kLabelUid));
  std::vector<std::string> tasks;
  for (auto& [number, slot] : service.slots)
    tasks.insert(tasks.end(), slot.history.begin(), slot.history.end());
  services_.erase(it);
  for (const std::string& task_id : tasks) {
    if (Task* task = FindTask(task_id)) Stop(*task, TaskState::kRemove);
  }
  return {};
}

std::vector<SwarmService> Cluster::Services(
    const std::function<bool(const SwarmServiceSpec&)>& wanted) const {
  std::vector<SwarmService> found;
  for (const auto& [id, service] : services_) {
    if (wanted(service->view.spec)) found.push_back(service->view);
  }
  return found;
}

Observation Cluster::Observe(const std::string& deployment, const std::string& uid) const {
  Observation seen;
  if (const auto of_uid = services_by_uid_.find(uid); of_uid != services_by_uid_.end()) {
    for (const std::string& id : of_uid->second) {
      const SwarmService& service = services_.at(id)->view;
      if (LabelOf(service.spec.labels, kLabelDeployment) == deployment)
        seen.services.push_back(service);
    }
  }
  if (const auto of_uid = tasks_by_uid_.find(uid); of_uid != tasks_by_uid_.end()) {
    for (const std::string& id : of_uid->second) {
      const Task& task = *tasks_.at(id);
      if (LabelOf(task.spec->labels, kLabelDeployment) == deployment)
        seen.tasks.push_back(task.view);
    }
  }
  return seen;
}

std::vector<SwarmTask> Cluster::Tasks() const {
  std::vector<SwarmTask> tasks;
  for (const auto& [id, task] : tasks_) tasks.push_back(task->view);
  return tasks;
}

std::vector<SwarmUsage> Cluster::Usage(const std::string& deployment) const {
  constexpr int64_t kLittleCpu = 100'000'000, kLittleMemory = int64_t{64} << 20;
  std::vector<SwarmUsage> usage;
  for (const auto& [id, task] : tasks_) {
    const bool ours = LabelOf(task->spec->labels, kLabelDeployment) == deployment;
    if (!ours || task->view.state != TaskState::kRunning || !task->node->ready()) continue;
    const auto part = [used = task->program.used_part](int64_t reserved, int64_t little) {
      return static_cast<int64_t>(used * static_cast<double>(reserved > 0 ? reserved : little));
    };
    usage.push_back({.task_id = id,
                     .node_id = task->node->id,
                     .cpu_nano = part(task->spec->cpu_request_nano, kLittleCpu),
                     .memory_bytes = part(task->spec->memory_request_bytes, kLittleMemory),
                     .at = wall_,
                     .window = Duration(1'000)});
  }
  return usage;
}

std::set<std::string> Cluster::Uids() const {
  std::set<std::string> uids;
  for (const auto& [uid, ids] : services_by_uid_) uids.insert(uid);
  for (const auto& [uid, ids] : tasks_by_uid_) uids.insert(uid);
  return uids;
}

const SwarmService* Cluster::FindService(const std::string& name) const {
  const auto it = service_names_.find(name);
  return it == service_names_.end() ? nullptr : &services_.at(it->second)->view;
}

const SwarmService* Cluster::GetService(const std::string& id) const {
  const auto it = services_.find(id);
  return it == services_.end() ? nullptr : &it->second->view;
}

std::vector<SwarmNode> Cluster::Nodes() const {
  std::vector<SwarmNode> nodes;
  for (const auto& node : nodes_) {
    SwarmNode view;
    view.id = node->id;
    view.name = node->options.name;
    view.address = node->address;
    view.engine_version = "simulated";
    view.manager = node->options.manager;
    view.leader = node->options.manager && node == nodes_.front();
    // What a new leader hasn't heard of yet counts as it was (apis/docker does so for a minute).
    view.ready = node->ready() || node->state == Node::State::kUnknown;
    view.availability = node->availability;
    view.cpu_nano = node->options.cpu_nano;
    view.memory_bytes = node->options.memory_bytes;
    view.labels = node->options.labels;
    view.engine_labels = node->options.engine_labels;
    view.architecture = "amd64";
    nodes.push_back(std::move(view));
  }
  return nodes;
}

std::vector<Cluster::LogLine> Cluster::Logs(const std::string& service_id) const {
  std::vector<LogLine> lines;
  for (const auto& [id, task] : tasks_) {
    if (task->view.service_id != service_id || task->view.container_id.empty()) continue;
    for (const std::string& text : task->program.output)
      lines.push_back({task->view.slot, id, task->view.created_at, text});
  }
  return lines;
}

bool Cluster::MayPrint(const LogQuery& query) const {
  return std::ranges::any_of(tasks_, [&](const auto& entry) {
    const SwarmTask& task = entry.second->view;
    return task.service_id == query.service_id && (query.slot == 0 || task.slot == query.slot) &&
           (query.task_id.empty() || task.id == query.task_id) && !IsTerminal(task.state);
  });
}

}  // namespace zoe::sim
