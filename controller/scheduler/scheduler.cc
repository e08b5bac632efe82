#include "controller/scheduler/scheduler.h"

#include <algorithm>

#include "controller/scheduler/explain.h"
#include "controller/scheduler/resources.h"
#include "controller/scheduler/round.h"

namespace zoe::scheduler {

struct Scheduler::State {
  explicit State(const Options& o) : options(o) {}

  Options options;
  Cluster cluster;
  JobTable jobs{cluster};
  Line line{options};
  std::map<std::string, Limits> limits;
  std::vector<Use> use;
  Watched watched;
  Outcome outcome;
  bool nodes_came_or_left = false;
  // Made when somebody asks.
  bool listed = false;
  std::vector<std::string> queue;
  std::vector<int32_t> positions;  // by job; 0: doesn't wait

  World world() { return {options, cluster, jobs, line, limits, use, watched}; }
  void Count(const JobSlot& slot, int sign);
  void Watch(JobNumber job);
  void Forget(JobNumber job);
  void List();
};

void Scheduler::State::Count(const JobSlot& slot, int sign) {
  if (!slot.job.started) return;
  use.resize(jobs.users());
  Use& u = use[static_cast<size_t>(slot.user)];
  u.executions += sign;
  u.services += sign * static_cast<int64_t>(slot.services.size());
  Add(u.resources, slot.granted, sign);
}

void Scheduler::State::Watch(JobNumber job) {
  const JobSlot& slot = jobs.slot(job);
  if (!slot.used) return;
  if (slot.runs() && slot.job.stuck_since) watched.stuck.insert(job);
  for (size_t i = 0; i < slot.services.size(); ++i) {
    const Service& service = slot.job.services[i];
    const Standing standing = StandingOf(cluster, service, slot.services[i]);
    if (standing.missing > 0 || standing.leaving > 0) watched.moving.insert(job);
    if (!slot.runs()) continue;
    if (service.granted < service.total) {
      watched.hungry.insert(job);
      ++watched.appetites[{slot.services[i].clas, service.request, 1}];
    }
    if (!slot.services[i].spare.empty()) watched.rich.insert(job);
  }
  if (slot.job.started && slot.job.remaining) watched.ends.emplace(*slot.job.remaining, job);
}

void Scheduler::State::Forget(JobNumber job) {
  watched.stuck.erase(job);
  watched.moving.erase(job);
  watched.rich.erase(job);
  const JobSlot& slot = jobs.slot(job);
  if (slot.job.remaining) watched.ends.erase({*slot.job.remaining, job});
  if (watched.hungry.erase(job) == 0) return;
  for (size_t i = 0; i < slot.services.size(); ++i) {
    const Service& service = slot.job.services[i];
    if (service.granted >= service.total) continue;
    const auto it = watched.appetites.find({slot.services[i].clas, service.request, 1});
    if (--it->second == 0) watched.appetites.erase(it);
  }
}

Scheduler::Scheduler(Options options) : state_(std::make_unique<State>(options)) {}
Scheduler::~Scheduler() = default;
Scheduler::Scheduler(Scheduler&&) noexcept = default;
Scheduler& Scheduler::operator=(Scheduler&&) noexcept = default;

void Scheduler::SetNode(const Node& node) {
  if (state_->cluster.Set(node)) state_->nodes_came_or_left = true;
}

void Scheduler::RemoveNode(const std::string& id) {
  if (state_->cluster.Remove(id)) state_->nodes_came_or_left = true;
}

void Scheduler::SetJob(const Job& job) {
  State& s = *state_;
  if (const JobSlot* before = s.jobs.Find(job.id)) {
    if (before->job == job) return;
    s.Count(*before, -1);
    if (before->waits()) s.line.Left();
    s.Forget(s.jobs.NumberOf(*before));
  }
  const JobNumber number = s.jobs.Set(job).number;
  s.Count(s.jobs.slot(number), 1);
  s.Watch(number);
  s.line.Enter(s.jobs, number);
}

void Scheduler::RemoveJob(const std::string& id) {
  State& s = *state_;
  const JobSlot* slot = s.jobs.Find(id);
  if (slot == nullptr) return;
  s.Count(*slot, -1);
  if (slot->waits()) s.line.Left();
  s.Forget(s.jobs.NumberOf(*slot));
  s.jobs.Remove(id);
}

void Scheduler::SetLimits(const std::string& user, const Limits& limits) {
  if (limits == Limits{}) {
    state_->limits.erase(user);
  } else {
    state_->limits[user] = limits;
  }
}

Decision Scheduler::Decide(WallTime now) {
  State& s = *state_;
  s.use.resize(s.jobs.users());
  if (s.nodes_came_or_left) {
    s.watched = {};
    for (JobNumber n = 0; n < s.jobs.size(); ++n) {
      s.jobs.LookAgain(n);
      s.Watch(n);
    }
    s.nodes_came_or_left = false;
  }
  s.listed = false;
  const World world = s.world();
  return Round(world, now, s.outcome).Run();
}

void Scheduler::State::List() {
  if (listed) return;
  listed = true;
  positions.assign(jobs.size(), 0);
  size_t count = 0;
  queue.resize(outcome.waiting.size());
  for (const Outcome::Waiting& place : outcome.waiting) {
    if (jobs.stamp(place.job) != place.stamp) continue;
    queue[count] = jobs.slot(place.job).job.id;
    positions[place.job] = static_cast<int32_t>(++count);
  }
  queue.resize(count);
}

const std::vector<std::string>& Scheduler::Queue() const {
  state_->List();
  return state_->queue;
}

Explanation Scheduler::Explain(const std::string& job) const {
  State& s = *state_;
  s.List();
  const JobSlot* slot = s.jobs.Find(job);
  if (slot == nullptr || !slot->waits()) return {};
  const JobNumber number = s.jobs.NumberOf(*slot);
  const int32_t position = number < s.positions.size() ? s.positions[number] : 0;
  if (position == 0) return {};
  if (s.cluster.size() > s.outcome.board.size() || s.jobs.users() > s.outcome.use.size())
    return {position, "Queued", "what there is has changed since the last decision"};
  const World world = s.world();
  Explanation why = WhyItWaits(world, s.outcome, number);
  why.position = position;
  return why;
}

Resources Scheduler::Free() const {
  const State& s = *state_;
  Resources sum;
  for (const NodeNumber n : s.cluster.by_id()) {
    if (!s.cluster.slot(n).node.schedulable || n >= s.outcome.board.size()) continue;
    const Resources& free = s.outcome.board.free(n);
    Add(sum, {std::max<int64_t>(0, free.cpu_nano), std::max<int64_t>(0, free.memory_bytes)});
  }
  Add(sum, s.outcome.assumed, -1);
  return {std::max<int64_t>(0, sum.cpu_nano), std::max<int64_t>(0, sum.memory_bytes)};
}

}  // namespace zoe::scheduler
