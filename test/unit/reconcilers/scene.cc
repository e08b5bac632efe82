#include "test/unit/reconcilers/scene.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "specs/codec/value.h"
#include "specs/v1/kinds.h"
#include "specs/v1/template.h"

namespace zoe::execution {
namespace {

std::string Indented(const std::string& text) {
  std::string out;
  size_t from = 0;
  while (from < text.size()) {
    const size_t to = std::min(text.find('\n', from), text.size());
    out += "    " + text.substr(from, to - from) + "\n";
    from = to + 1;
  }
  return out;
}

}  // namespace

std::string Pass::Condition(std::string_view type) const {
  const zoe::Condition* c = FindCondition(after.status.conditions, type);
  if (c == nullptr) return "none";
  return c->status + " " + c->reason + (c->message.empty() ? "" : ": " + c->message);
}

const v1::ServiceStatus& Pass::Service(const std::string& name) const {
  for (const v1::ServiceStatus& s : after.status.services) {
    if (s.name == name) return s;
  }
  static const v1::ServiceStatus none;
  ADD_FAILURE() << "no status of service " << name;
  return none;
}

Scene::Scene(const std::string& services) {
  const std::string yaml =
      "apiVersion: zoe/v1\nkind: Execution\nmetadata: {name: run, namespace: alice}\nspec:\n  "
      "application:\n    services:\n" +
      Indented(services);
  const auto documents = codec::ParseYaml(yaml);
  if (!documents.ok()) throw std::runtime_error(documents.error().ToString());
  const auto decoded = v1::Decode(documents->at(0));
  if (!decoded.ok()) throw std::runtime_error(decoded.error().ToString());
  execution = static_cast<const v1::Execution&>(*decoded->object);
  execution.meta.uid = "uid-1";
  execution.meta.generation = 1;
  execution.meta.creation_timestamp = kNow;
  execution.meta.finalizers = {std::string(v1::kExecutionFinalizer)};
  observed.network_id = "net1";
}

v1::Service& Scene::Declared(const std::string& service) {
  for (v1::Service& s : execution.spec.application->services) {
    if (s.name == service) return s;
  }
  throw std::runtime_error("no service " + service);
}

Scene& Scene::Stand(const std::string& service) {
  const auto rendered = v1::RenderServices(execution, options.deployment);
  if (!rendered.ok()) throw std::runtime_error(rendered.error().ToString());
  for (const v1::Service& s : *rendered) {
    if (s.name != service) continue;
    SwarmService swarm;
    swarm.id = "id-" + service;
    swarm.version = 7;
    swarm.spec = ToSwarmService(execution, s, {observed.network_id, observed.place}, options);
    observed.services.push_back(swarm);
  }
  return *this;
}

SwarmService& Scene::SwarmServiceOf(const std::string& service) {
  for (SwarmService& s : observed.services) {
    if (s.spec.labels.at(std::string(kLabelService)) == service) return s;
  }
  throw std::runtime_error("service does not stand: " + service);
}

SwarmTask& Scene::Task(const std::string& service, int slot, TaskState state, std::string error) {
  SwarmTask task;
  task.id = "task" + std::to_string(++tasks_);
  task.service_id = SwarmServiceOf(service).id;
  task.slot = slot;
  task.state = state;
  task.error = std::move(error);
  task.created_at = task.timestamp = kNow - std::chrono::hours(1) + std::chrono::seconds(tasks_);
  if (IsTerminal(state)) task.desired_state = TaskState::kShutdown;
  observed.tasks.push_back(task);
  return observed.tasks.back();
}

Scene& Scene::RunAll(const std::string& service, int replicas) {
  for (int slot = 1; slot <= replicas; ++slot) Task(service, slot, TaskState::kRunning);
  return *this;
}

Scene& Scene::Grant(const std::string& service, int replicas, std::vector<std::string> nodes) {
  auto& services = execution.status.services;
  auto s = std::ranges::find(services, service, &v1::ServiceStatus::name);
  if (s == services.end()) s = services.insert(services.end(), {.name = service});
  s->granted = replicas;
  s->nodes = std::move(nodes);
  return *this;
}

Scene& Scene::GiveUser() {
  observed.place = {.has_user = true, .uid = 1001, .gid = 1002, .has_workspace = true};
  return *this;
}

Scene& Scene::Unready(const std::string& waiting_for) {
  observed.place.ready = false;
  observed.place.waiting_for = waiting_for;
  return *this;
}

Scene& Scene::Converge() {
  for (const v1::Service& s : execution.spec.application->services)
    Stand(s.name).RunAll(s.name, s.replicas.total);
  return *this;
}

Scene& Scene::Edit(const std::function<void(v1::ExecutionSpec&)>& change) {
  change(execution.spec);
  ++execution.meta.generation;
  return *this;
}

Scene& Scene::Advance(Duration by) {
  now += by;
  return *this;
}

Pass Scene::Look() {
  const v1::Execution before = execution;
  StatusDraft draft;
  draft.object = std::make_shared<v1::Execution>(execution);
  Pass pass;
  const auto picture = Assess(before, observed, now, options);
  if (!picture.ok()) {
    ReportInvalid(before, picture.error(), now, draft);
  } else {
    pass.raw = Plan(*picture);
    Report(*picture, draft);
    pass.settled = IsSettled(*picture, pass.raw);
    for (const Action& action : pass.raw) {
      pass.actions.push_back(ToString(action));
      draft.events.insert(draft.events.end(), action.events.begin(), action.events.end());
      if (const auto* update = std::get_if<UpdateService>(&action.what))
        ReportUpdateSent(*update, draft);
    }
  }
  pass.after = static_cast<const v1::Execution&>(*draft.object);
  if (picture.ok()) pass.next = NextDeadline(*picture, pass.after.status);
  pass.remove = draft.remove;
  pass.request_deletion = draft.request_deletion;
  for (const PendingEvent& e : draft.events)
    pass.events.push_back((e.warning ? "! " : "") + e.reason + ": " + e.message);
  execution.status = pass.after.status;
  execution.meta.finalizers = pass.after.meta.finalizers;
  return pass;
}

}  // namespace zoe::execution
