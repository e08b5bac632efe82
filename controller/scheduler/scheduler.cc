#include "controller/scheduler/scheduler.h"

#include <algorithm>
#include <tuple>

#include "controller/scheduler/constraint.h"

namespace zoe::scheduler {
namespace {

bool Fits(const Resources& request, const Resources& free) {
  return request.cpu_nano <= free.cpu_nano && request.memory_bytes <= free.memory_bytes;
}

void Take(Resources& from, const Resources& what, int64_t times = 1) {
  from.cpu_nano -= what.cpu_nano * times;
  from.memory_bytes -= what.memory_bytes * times;
}

using Room = std::map<std::string, Resources>;

}  // namespace

struct Scheduler::State {
  Options options;
  std::map<std::string, Node> nodes;
  std::map<std::string, Job> jobs;
  std::map<std::string, Limits> limits;
  std::vector<std::string> queue;
  std::map<std::string, Explanation> why;
  Room room;

  bool Place(const Service& service, Room& where) const {
    std::string best;
    for (const auto& [id, node] : nodes) {
      if (!node.schedulable || !Fits(service.request, where[id])) continue;
      if (!std::ranges::all_of(service.constraints,
                               [&](const std::string& c) { return Meets(node, c); }))
        continue;
      if (best.empty() || where[id].cpu_nano > where[best].cpu_nano) best = id;
    }
    if (best.empty()) return false;
    Take(where[best], service.request);
    return true;
  }

  void Look() {
    room.clear();
    for (const auto& [id, node] : nodes) {
      room[id] = node.capacity;
      Take(room[id], node.foreign);
    }
    for (const auto& [id, job] : jobs) {
      for (const Service& s : job.services) {
        for (const Placed& p : s.placed) {
          if (nodes.contains(p.node)) Take(room[p.node], s.request, p.replicas);
        }
      }
    }
    for (const auto& [id, job] : jobs) {
      for (const Service& s : job.services) {
        int32_t unseen = s.granted - s.ended;
        for (const Placed& p : s.placed) unseen -= p.replicas;
        for (; unseen > 0; --unseen) Place(s, room);
      }
    }
  }

  std::vector<const Job*> Order(bool started) const {
    std::vector<const Job*> order;
    for (const auto& [id, job] : jobs) {
      if (job.started == started && !job.fixed) order.push_back(&job);
    }
    std::ranges::sort(order, [&](const Job* a, const Job* b) {
      const int32_t pa = options.policy == Policy::kFifo ? 0 : -a->priority,
                    pb = options.policy == Policy::kFifo ? 0 : -b->priority;
      return std::tie(pa, a->queued_at, a->id) < std::tie(pb, b->queued_at, b->id);
    });
    return order;
  }
};

Scheduler::Scheduler(Options options) : state_(std::make_unique<State>()) {
  state_->options = options;
}
Scheduler::~Scheduler() = default;
Scheduler::Scheduler(Scheduler&&) noexcept = default;
Scheduler& Scheduler::operator=(Scheduler&&) noexcept = default;

void Scheduler::SetNode(const Node& node) { state_->nodes[node.id] = node; }
void Scheduler::RemoveNode(const std::string& id) { state_->nodes.erase(id); }
void Scheduler::SetJob(const Job& job) { state_->jobs[job.id] = job; }
void Scheduler::RemoveJob(const std::string& id) { state_->jobs.erase(id); }
void Scheduler::SetLimits(const std::string& user, const Limits& limits) {
  state_->limits[user] = limits;
}

Decision Scheduler::Decide(WallTime) {
  State& s = *state_;
  s.Look();
  s.queue.clear();
  s.why.clear();
  Decision decision;
  for (const bool started : {false, true}) {
    for (const Job* job : s.Order(started)) {
      Room where = s.room;
      Grant grant{.job = job->id, .change = started ? Change::kGrow : Change::kStart};
      bool all = true, changed = !started;
      for (const Service& service : job->services) {
        int32_t n = started ? service.granted : 0;
        if (!started) {
          for (; n < service.essential && all; ++n) all = s.Place(service, where);
        }
        grant.replicas.push_back(n);
      }
      for (size_t i = 0; all && i < job->services.size(); ++i) {
        for (; grant.replicas[i] < job->services[i].total && s.Place(job->services[i], where);
             ++grant.replicas[i])
          changed = true;
      }
      if (!all) {
        s.queue.push_back(job->id);
        s.why[job->id] = {static_cast<int32_t>(s.queue.size()), "InsufficientResources",
                          "waits for room"};
      } else if (changed) {
        grant.nodes.resize(job->services.size());
        s.room = where;
        decision.grants.push_back(std::move(grant));
      }
    }
  }
  return decision;
}

const std::vector<std::string>& Scheduler::Queue() const { return state_->queue; }
Explanation Scheduler::Explain(const std::string& job) const {
  const auto it = state_->why.find(job);
  return it == state_->why.end() ? Explanation{} : it->second;
}
Resources Scheduler::Free() const {
  Resources sum;
  for (const auto& [id, node] : state_->nodes) {
    if (const auto it = state_->room.find(id); node.schedulable && it != state_->room.end())
      Take(sum, it->second, -1);
  }
  return sum;
}

}  // namespace zoe::scheduler
