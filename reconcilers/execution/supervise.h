// Restarts of services whose restart has rules: pure.
//
// Swarm restarts nothing of such a service: its restart condition is `none`. So nothing runs again
// before the rules have been asked, also while no controller is there, and what has ended stays
// with its logs. A task that ended keeps its slot; for another one in its place, one more replica
// is asked for, which Swarm puts into the lowest slot that is free. Which tasks are replaced stands
// in a label of the Swarm service, written together with the number of its replicas
// (docs/decisions/0023).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/ports/swarm.h"
#include "reconcilers/execution/history.h"
#include "specs/v1/application.h"

namespace zoe::execution {

// Of services, not of their containers.
inline constexpr std::string_view kLabelReplaced = "zoe.replaced";

// Restarts of all replicas of a service; then whatever ends is lost. Swarm remembers each of them.
inline constexpr size_t kMostReplaced = 200;

inline bool IsSupervised(const v1::Service& service) { return !service.restart.rules.empty(); }

struct Replacement {
  std::string task;      // that ended
  int32_t slot = 0;      // of the task in its place
  bool counted = false;  // against maxAttempts
  bool operator==(const Replacement&) const = default;
};
// "q1w2e3>5c,r4t5y6>6": `c` is for counted.
std::string WriteReplacements(const std::vector<Replacement>& replacements);
// What can't be read is left out.
std::vector<Replacement> ReadReplacements(std::string_view text);

// The first restart of a replica comes 5 s after its end, each further one after twice as long, 5
// minutes at most; that of a replica whose node was lost at once.
Duration RestartDelay(int restarts);

class Supervisor {
 public:
  // `newest`: of each slot the newest task. All are to outlive this.
  Supervisor(const SwarmService& service, const v1::Service& declared,
             std::vector<const SwarmTask*> newest, WallTime now);

  // The task has, or is to have, another one in its place: its slot is no replica any more.
  bool IsReplaced(const SwarmTask& newest) const;
  // The task that it stands in for; null: it is the first of its replica.
  const SwarmTask* Before(const SwarmTask& task) const;
  // `slot` is what its newest task says by itself, with nobody to restart it: counts the attempts
  // before it, and makes `waiting` of what is to be restarted.
  void Judge(const SwarmTask& newest, SlotHistory& slot);
  // Those that still matter, and those that are due now.
  const std::vector<Replacement>& replacements() const { return replacements_; }
  // When the next one is due.
  std::optional<WallTime> next() const { return next_; }

 private:
  struct Attempts {
    int all = 0, counted = 0;
  };
  Attempts AttemptsBefore(const SwarmTask& task) const;
  int32_t FreeSlot() const;

  const SwarmService& service_;
  const v1::Service& declared_;
  const std::vector<const SwarmTask*> newest_;
  const WallTime now_;
  std::vector<Replacement> replacements_;
  std::optional<WallTime> next_;
};

}  // namespace zoe::execution
