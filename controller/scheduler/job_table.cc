#include "controller/scheduler/job_table.h"

#include <algorithm>

#include "controller/scheduler/resources.h"

namespace zoe::scheduler {
namespace {

// More than any cluster has.
constexpr int64_t kMostOfOne = int64_t{1} << 56;

}  // namespace

std::string NameFor(const Job& reader, const Job& other) {
  return other.user == reader.user ? other.id : "an execution of another user";
}

Spot TakeOne(Spots& spots) {
  Spot& most = *std::ranges::max_element(spots, {}, &Spot::replicas);
  --most.replicas;
  return {most.node, 1};
}

Standing StandingOf(const Cluster& cluster, const Service& service, const ServiceSlot& slot) {
  Standing s;
  s.alive = std::max(0, service.granted - service.ended);
  for (const Spot& spot : slot.seen) {
    if (cluster.slot(spot.node).known) s.seen += spot.replicas;
  }
  s.missing = std::max(0, s.alive - s.seen);
  s.essential = std::clamp(service.essential - service.ended - s.seen, 0, s.missing);
  s.leaving = std::max(0, s.seen - s.alive);
  return s;
}

const JobSlot* JobTable::Find(const std::string& id) const {
  const auto it = numbers_.find(id);
  return it == numbers_.end() ? nullptr : &slots_[it->second];
}

int32_t JobTable::UserNumber(const std::string& name) {
  const auto [it, fresh] = user_numbers_.try_emplace(name, static_cast<int32_t>(users_.size()));
  if (fresh) users_.push_back(name);
  return it->second;
}

JobTable::Told JobTable::Set(const Job& job) {
  const auto [it, fresh] = numbers_.try_emplace(job.id, static_cast<JobNumber>(slots_.size()));
  if (fresh) {
    if (unused_.empty()) {
      slots_.emplace_back();
      stamps_.push_back(0);
    } else {
      it->second = unused_.back();
      unused_.pop_back();
    }
  }
  JobSlot& slot = slots_[it->second];
  if (!fresh) {
    if (slot.job == job) return {it->second, false};
    Leave(slot);
  }
  slot.job = job;
  slot.used = true;
  stamps_[it->second] = ++last_stamp_;
  Enter(slot);
  return {it->second, true};
}

bool JobTable::Remove(const std::string& id) {
  const auto it = numbers_.find(id);
  if (it == numbers_.end()) return false;
  JobSlot& slot = slots_[it->second];
  Leave(slot);
  slot.used = false;
  slot.job = {};
  stamps_[it->second] = 0;
  unused_.push_back(it->second);
  numbers_.erase(it);
  return true;
}

void JobTable::Enter(JobSlot& slot) {
  slot.user = UserNumber(slot.job.user);
  slot.essential = slot.granted = {};
  slot.services.clear();
  std::vector<Shape::Part> parts;
  for (const Service& service : slot.job.services) {
    ServiceSlot& s = slot.services.emplace_back();
    std::vector<std::string> constraints = service.constraints;
    std::ranges::sort(constraints);
    s.clas = cluster_.AcquireClass(constraints);
    for (const Placed& placed : service.placed) {
      const NodeNumber n = cluster_.NumberOf(placed.node);
      s.seen.push_back({n, placed.replicas});
      Add(cluster_.slot(n).held, service.request, placed.replicas);
      cluster_.slot(n).held_tasks += placed.replicas;
    }
    for (const std::string& id : service.nodes) s.within.push_back(cluster_.NumberOf(id));
    const int32_t essential = std::min(service.essential, service.total);
    Add(slot.essential, service.request, essential);
    Add(slot.granted, service.request, std::max(0, service.granted - service.ended));
    if (essential > 0) parts.push_back({s.clas, service.request, essential});
  }
  // So that what a user has is the same again once it has been added and taken away.
  slot.granted.cpu_nano = std::min(slot.granted.cpu_nano, kMostOfOne);
  slot.granted.memory_bytes = std::min(slot.granted.memory_bytes, kMostOfOne);
  SetSpare(slot);
  if (!slot.waits()) return;
  const auto [it, fresh] = shape_numbers_.try_emplace(parts, static_cast<int32_t>(shapes_.size()));
  if (fresh) {
    if (unused_shapes_.empty()) {
      shapes_.emplace_back();
    } else {
      it->second = unused_shapes_.back();
      unused_shapes_.pop_back();
    }
    shape(it->second) = {.parts = std::move(parts), .sum = slot.essential};
  }
  slot.shape = it->second;
  ++shape(slot.shape).users;
}

void JobTable::SetSpare(JobSlot& slot) {
  if (!slot.runs()) return;
  for (size_t i = 0; i < slot.services.size(); ++i) {
    const Service& service = slot.job.services[i];
    ServiceSlot& s = slot.services[i];
    const Standing standing = StandingOf(cluster_, service, s);
    // Of fewer replicas the Swarm first forgets those that have ended: nothing would get free, and
    // their work be done again.
    if (standing.leaving > 0 || service.ended > 0) continue;
    Spots left;
    for (const Spot& spot : s.seen) {
      if (cluster_.slot(spot.node).known) left.push_back(spot);
    }
    for (int32_t n = standing.seen - service.essential; n > 0; --n) {
      const Spot one = TakeOne(left);
      Add(cluster_.slot(one.node).spare, service.request);
      const auto known = std::ranges::find(s.spare, one.node, &Spot::node);
      if (known == s.spare.end()) {
        s.spare.push_back(one);
      } else {
        ++known->replicas;
      }
    }
  }
}

void JobTable::DropSpare(JobSlot& slot) {
  for (size_t i = 0; i < slot.services.size(); ++i) {
    for (const Spot& spot : slot.services[i].spare)
      Add(cluster_.slot(spot.node).spare, slot.job.services[i].request, -spot.replicas);
    slot.services[i].spare.clear();
  }
}

void JobTable::LookAgain(JobNumber job) {
  DropSpare(slots_[job]);
  if (slots_[job].used) SetSpare(slots_[job]);
}

void JobTable::Leave(JobSlot& slot) {
  DropSpare(slot);
  for (size_t i = 0; i < slot.services.size(); ++i) {
    const ServiceSlot& s = slot.services[i];
    for (const Spot& spot : s.seen) {
      Add(cluster_.slot(spot.node).held, slot.job.services[i].request, -spot.replicas);
      cluster_.slot(spot.node).held_tasks -= spot.replicas;
    }
    cluster_.ReleaseClass(s.clas);
  }
  slot.services.clear();
  if (slot.shape < 0) return;
  Shape& old = shape(slot.shape);
  if (--old.users == 0) {
    shape_numbers_.erase(old.parts);
    unused_shapes_.push_back(slot.shape);
  }
  slot.shape = -1;
}

}  // namespace zoe::scheduler
