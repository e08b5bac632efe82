#include "controller/scheduler/cluster.h"

#include <algorithm>

#include "controller/scheduler/constraint.h"
#include "controller/scheduler/resources.h"

namespace zoe::scheduler {

NodeNumber Cluster::NumberOf(const std::string& id) {
  const auto [it, fresh] = numbers_.try_emplace(id, static_cast<NodeNumber>(slots_.size()));
  if (fresh) {
    slots_.emplace_back().node.id = id;
    for (Class& clas : classes_) clas.allowed.push_back(0);
  }
  return it->second;
}

uint8_t Cluster::Allows(const Class& clas, NodeNumber n) const {
  const NodeSlot& slot = slots_[n];
  return slot.known && slot.node.schedulable &&
         std::ranges::all_of(clas.constraints,
                             [&](const std::string& text) { return Meets(slot.node, text); });
}

void Cluster::Judge(NodeNumber n) {
  for (Class& clas : classes_) clas.allowed[n] = Allows(clas, n);
}

bool Cluster::Set(const Node& node) {
  const NodeNumber n = NumberOf(node.id);
  NodeSlot& slot = slots_[n];
  if (slot.known && slot.node == node) return false;
  const bool came = !slot.known;
  ++version_;
  if (came) {
    slot.known = true;
    by_id_.insert(std::ranges::lower_bound(by_id_, node.id, {},
                                           [&](NodeNumber i) { return slots_[i].node.id; }),
                  n);
  } else {
    Add(total_, slot.node.capacity, -1);
  }
  Add(total_, node.capacity);
  slot.node = node;
  Judge(n);
  return came;
}

bool Cluster::Remove(const std::string& id) {
  const auto it = numbers_.find(id);
  if (it == numbers_.end() || !slots_[it->second].known) return false;
  NodeSlot& slot = slots_[it->second];
  ++version_;
  slot.known = false;
  Add(total_, slot.node.capacity, -1);
  std::erase(by_id_, it->second);
  Judge(it->second);
  return true;
}

int32_t Cluster::AcquireClass(const std::vector<std::string>& constraints) {
  const auto [it, fresh] =
      class_numbers_.try_emplace(constraints, static_cast<int32_t>(classes_.size()));
  if (fresh) {
    if (unused_classes_.empty()) {
      classes_.emplace_back();
    } else {
      it->second = unused_classes_.back();
      unused_classes_.pop_back();
    }
    Class& clas = classes_[static_cast<size_t>(it->second)];
    clas.constraints = constraints;
    clas.allowed.assign(slots_.size(), 0);
    for (const NodeNumber n : by_id_) clas.allowed[n] = Allows(clas, n);
  }
  ++classes_[static_cast<size_t>(it->second)].users;
  return it->second;
}

void Cluster::ReleaseClass(int32_t number) {
  Class& clas = classes_[static_cast<size_t>(number)];
  if (--clas.users > 0) return;
  class_numbers_.erase(clas.constraints);
  unused_classes_.push_back(number);
}

}  // namespace zoe::scheduler
