// What the tasks of one Swarm service say: pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/ports/swarm.h"
#include "specs/v1/application.h"

namespace zoe::execution {

// Why a replica isn't ready, worst first.
enum class Trouble {
  kImageNotFound,
  kUnschedulable,
  kNoAddress,
  kOutOfMemory,
  kTaskFailed,
  kStarting,
  kNone
};

// A slot is a replica's place: Swarm puts a new task into it when the old one has failed.
enum class SlotState {
  kWaiting,  // no task of it runs, one may yet
  kReady,  // runs on a node that is up (with readiness: and healthy, for Swarm says `running` only
           // then)
  kDone,   // ended for good with success: Swarm will not start it again
  kLost,   // ended for good otherwise
};

struct SlotHistory {
  int32_t slot = 0;
  SlotState state = SlotState::kWaiting;
  bool active = false;  // has a task that isn't terminal
  int failures = 0;     // attempts that failed since a task of it was last replaced on purpose
  std::optional<int> exit_code;  // of its newest task, if that has ended
  Trouble trouble = Trouble::kNone;
  std::string message;         // about the trouble, in Swarm's words where it has any
  std::optional<size_t> rule;  // of restart.rules: which lost it, if one did
};

struct ServiceHistory {
  // By number; slots that are being scaled away, or whose tasks are replaced in others, left out.
  std::vector<SlotHistory> slots;
  int ready = 0, done = 0, lost = 0;
  bool placed = false;               // some task has ever been given to a node
  Trouble trouble = Trouble::kNone;  // the worst of its slots
  std::string message;               // Swarm's words about it; not changed by the passing of time
  std::optional<int>
      exit_code;         // the highest of the newest tasks, once all slots have ended for good
  int new_restarts = 0;  // replacements of failed or ended tasks, made after `since`
  std::optional<WallTime> last_restart;        // the newest of them
  std::string restart_cause;                   // how the task before it ended, in Swarm's words
  std::optional<WallTime> oldest_unaddressed;  // creation of the oldest task that is still `new`

  // Of a service that is supervised (supervise.h): replicas beyond those wanted, for the slots of
  // what is replaced; what the service's label is to say of that; when there will be one more.
  int replaced = 0;
  std::string replacements;
  std::optional<WallTime> next_restart;

  bool AllEnded() const;  // at least one slot, and all have ended for good
  bool AnyActive() const;
};

// `spec` is the service's own, as Swarm has it: its restart policy decides what "for good" means.
// `tasks` may hold other services' tasks.
//
// Attempts are counted here, from the tasks that Swarm remembers: restart_max_attempts + 1 of them
// fail before a replica is lost. Swarm's own counter starts again with each new leader (SwarmKit,
// design/orchestrators.md), and a task that was lost with its node is no attempt.
//
// Of a service that stands as supervised, its rules decide that instead, as of `now`: that needs
// the declaration.
struct Supervised {
  const v1::Service* declared = nullptr;  // null: what Swarm does by itself is the whole story
  WallTime now{};
};
ServiceHistory ReadHistory(const SwarmService& service, const std::vector<SwarmTask>& tasks,
                           std::optional<WallTime> since, const Supervised& supervised = {});

}  // namespace zoe::execution
