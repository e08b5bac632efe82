#include "test/unit/scheduler/world.h"

#include <algorithm>
#include <tuple>

#include "controller/scheduler/constraint.h"

namespace zoe::scheduler {
namespace {

int32_t PlacedOf(const Service& service) {
  int32_t sum = 0;
  for (const Placed& p : service.placed) sum += p.replicas;
  return sum;
}

int32_t AliveOf(const Service& service) { return std::max(0, service.granted - service.ended); }

Placed& On(Service& service, const std::string& node) {
  const auto it = std::ranges::find(service.placed, node, &Placed::node);
  return it != service.placed.end() ? *it : service.placed.emplace_back(Placed{node, 0});
}

}  // namespace

void FakeSwarm::Remove(const std::string& id) {
  nodes_.erase(id);
  for (auto& [name, job] : jobs_) {
    for (Service& s : job.services)
      std::erase_if(s.placed, [&](const Placed& p) { return p.node == id; });
  }
}

void FakeSwarm::Apply(const Grant& grant) {
  Job& job = jobs_.at(grant.job);
  job.started = grant.change != Change::kRequeue;
  for (size_t i = 0; i < job.services.size(); ++i) {
    job.services[i].granted = grant.replicas.at(i);
    job.services[i].nodes = grant.nodes.at(i);
  }
}

Resources FakeSwarm::FreeOf(const std::string& node) const {
  Resources free = nodes_.at(node).capacity;
  const auto take = [&](const Resources& r, int32_t n) {
    free.cpu_nano -= r.cpu_nano * n;
    free.memory_bytes -= r.memory_bytes * n;
  };
  take(nodes_.at(node).foreign, 1);
  for (const auto& [id, job] : jobs_) {
    for (const Service& s : job.services) {
      for (const Placed& p : s.placed) {
        if (p.node == node) take(s.request, p.replicas);
      }
    }
  }
  return free;
}

int32_t FakeSwarm::TasksOn(const std::string& node) const {
  int32_t tasks = nodes_.at(node).foreign_tasks;
  for (const auto& [id, job] : jobs_) {
    for (const Service& s : job.services) {
      for (const Placed& p : s.placed) tasks += p.node == node ? p.replicas : 0;
    }
  }
  return tasks;
}

bool FakeSwarm::PlaceOne(const Service& service, Service& into) {
  std::vector<std::tuple<int32_t, int32_t, unsigned, std::string>> fits;
  for (const auto& [id, node] : nodes_) {
    if (!node.schedulable) continue;
    if (!service.nodes.empty() && std::ranges::find(service.nodes, id) == service.nodes.end())
      continue;
    if (!std::ranges::all_of(service.constraints, [&](auto& c) { return Meets(node, c); }))
      continue;
    const Resources free = FreeOf(id);
    if ((service.request.cpu_nano > 0 && free.cpu_nano < service.request.cpu_nano) ||
        (service.request.memory_bytes > 0 && free.memory_bytes < service.request.memory_bytes))
      continue;
    int32_t same = 0;
    for (const Placed& p : service.placed) same += p.node == id ? p.replicas : 0;
    fits.emplace_back(same, TasksOn(id), random_(), id);
  }
  if (fits.empty()) return false;
  ++On(into, std::get<3>(*std::ranges::min_element(fits))).replicas;
  return true;
}

bool FakeSwarm::Work(int most) {
  std::vector<Service*> wanting;
  for (auto& [id, job] : jobs_) {
    for (Service& s : job.services) {
      while (PlacedOf(s) > AliveOf(s)) {
        auto top = std::ranges::max_element(s.placed, {}, &Placed::replicas);
        if (--top->replicas == 0) s.placed.erase(top);
      }
      for (int32_t n = PlacedOf(s); n < AliveOf(s); ++n) wanting.push_back(&s);
    }
  }
  std::shuffle(wanting.begin(), wanting.end(), random_);
  bool all = true;
  for (Service* s : wanting) {
    if (most-- <= 0) break;
    all = PlaceOne(*s, *s) && all;
  }
  return all;
}

bool FakeSwarm::AllStand() const { return WhoHasNoNode().empty(); }

std::string FakeSwarm::WhoHasNoNode() const {
  for (const auto& [id, job] : jobs_) {
    for (const Service& s : job.services) {
      if (PlacedOf(s) < AliveOf(s)) return id + ": " + s.name;
    }
  }
  return "";
}

void FakeSwarm::Tell(Scheduler& scheduler) const {
  for (const auto& [id, node] : nodes_) scheduler.SetNode(node);
  for (const auto& [id, job] : jobs_) scheduler.SetJob(job);
}

}  // namespace zoe::scheduler
