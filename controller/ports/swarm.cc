#include "controller/ports/swarm.h"

namespace zoe {

std::string LabelOf(const Labels& labels, std::string_view name) {
  const auto it = labels.find(std::string(name));
  return it == labels.end() ? "" : it->second;
}

// SwarmKit replaces a task when its task spec or its endpoint spec differs (manager/orchestrator,
// IsTaskDirty): the endpoint mode counts although it stands outside of the task.
bool SameTasks(const SwarmServiceSpec& a, const SwarmServiceSpec& b) {
  SwarmServiceSpec c = b;
  c.labels = a.labels;
  c.replicas = a.replicas;
  c.update_parallelism = a.update_parallelism;
  c.update_order = a.update_order;
  c.update_failure_action = a.update_failure_action;
  return a == c;
}

std::string_view TaskStateName(TaskState state) {
  switch (state) {
    case TaskState::kNew:
      return "new";
    case TaskState::kPending:
      return "pending";
    case TaskState::kAssigned:
      return "assigned";
    case TaskState::kAccepted:
      return "accepted";
    case TaskState::kPreparing:
      return "preparing";
    case TaskState::kReady:
      return "ready";
    case TaskState::kStarting:
      return "starting";
    case TaskState::kRunning:
      return "running";
    case TaskState::kComplete:
      return "complete";
    case TaskState::kShutdown:
      return "shutdown";
    case TaskState::kFailed:
      return "failed";
    case TaskState::kRejected:
      return "rejected";
    case TaskState::kRemove:
      return "remove";
    case TaskState::kOrphaned:
      return "orphaned";
  }
  return "unknown";
}

}  // namespace zoe
