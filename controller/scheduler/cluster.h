// The nodes, by number, and which of them meet which constraints.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "controller/scheduler/scheduler.h"

namespace zoe::scheduler {

using NodeNumber = uint32_t;

struct NodeSlot {
  Node node;
  bool known = false;  // false: only named, by a replica that is said to be on it
  Resources held;      // by replicas of jobs that are on it
  int32_t held_tasks = 0;
  Resources spare;  // of that, what elastic replicas have that can be told to leave
};

// Constraints that are asked for together.
struct Class {
  std::vector<std::string> constraints;
  std::vector<uint8_t> allowed;  // by NodeNumber: schedulable, and meets all of them
  int32_t users = 0;
};

// A number stays its node's for ever.
class Cluster {
 public:
  NodeNumber NumberOf(const std::string& id);
  // Returns true if a node came or left.
  bool Set(const Node& node);
  bool Remove(const std::string& id);

  int32_t AcquireClass(const std::vector<std::string>& constraints);
  void ReleaseClass(int32_t number);

  size_t size() const { return slots_.size(); }
  NodeSlot& slot(NodeNumber n) { return slots_[n]; }
  const NodeSlot& slot(NodeNumber n) const { return slots_[n]; }
  const Class& clas(int32_t number) const { return classes_[static_cast<size_t>(number)]; }
  const std::vector<NodeNumber>& by_id() const { return by_id_; }  // known ones, in order of ids
  const Resources& total() const { return total_; }                // capacity of all that are known
  // Grows whenever what can ever fit may have changed.
  uint64_t version() const { return version_; }

 private:
  void Judge(NodeNumber n);
  uint8_t Allows(const Class& clas, NodeNumber n) const;

  std::vector<NodeSlot> slots_;
  std::unordered_map<std::string, NodeNumber> numbers_;
  std::vector<NodeNumber> by_id_;
  std::vector<Class> classes_;
  std::vector<int32_t> unused_classes_;
  std::map<std::vector<std::string>, int32_t> class_numbers_;
  Resources total_;
  uint64_t version_ = 1;
};

}  // namespace zoe::scheduler
