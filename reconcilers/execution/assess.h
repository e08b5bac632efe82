// What the observed world means for an execution: pure. Plan and status are drawn from the same
// picture.
#pragma once

#include <string>
#include <vector>

#include "reconcilers/execution/history.h"
#include "reconcilers/execution/observe.h"
#include "reconcilers/execution/service_spec.h"
#include "specs/v1/execution.h"

namespace zoe::execution {

// What an execution's services are wanted for.
enum class Mode {
  kActive,       // they should run, once the scheduler lets them
  kSuspended,    // none should stand
  kFinished,     // nothing runs again, whatever happens to its spec; those that ended by themselves
                 // stay, so that their logs can be read
  kTerminating,  // it is being deleted: none should stand
};
Mode ModeOf(const v1::Execution& execution);

struct ServicePicture {
  v1::Service service;                     // rendered
  int wanted = 0;                          // replicas: as many as are granted
  SwarmServiceSpec desired;                // its network's id is empty while there is no network
  const SwarmService* observed = nullptr;  // null: there is none
  ServiceHistory history;
  const v1::ServiceStatus* before = nullptr;  // as last reported
  bool open = false;      // every essential replica of each lower startupOrder is ready
  bool held = false;      // Swarm rolled this very template back (docs/decisions/0004)
  bool confines = false;  // what differs is only where tasks may be, and there they are
  bool rolling = false;   // its containers are being replaced, or are about to be
  bool waiting = false;   // something is to be done about it, but not before the namespace is ready

  // What the service should be now: the declaration, except for containers that Swarm has refused
  // to have.
  SwarmServiceSpec Target() const;
  // The declaration's containers are what Swarm was told to run.
  bool UpToDate() const {
    return observed != nullptr && (confines || SameTasks(desired, observed->spec));
  }

  int ready() const { return history.ready; }
  // Replicas that run, or have done their work.
  int served() const { return history.ready + history.done; }
  // Nothing of it is granted: it isn't made before.
  bool Ungranted() const { return wanted == 0 && service.replicas.total > 0; }
  bool Satisfied() const {
    return (observed != nullptr || Ungranted()) && served() >= service.essential();
  }
};

// How an execution ends.
struct Verdict {
  enum class Kind { kNone, kSucceeded, kFailed } kind = Kind::kNone;
  std::string reason, message;
  bool final = false;  // whatever backoffLimit says: another attempt would end so, too
};

// When one that has started at that time has run for too long, and how it ends then.
struct Deadline {
  WallTime at{};
  Verdict verdict;
};

struct Picture {
  const v1::Execution* execution = nullptr;  // as it was when the pass began
  Observed observed;
  WallTime now{};
  Mode mode = Mode::kActive;
  std::vector<ServicePicture> services;     // kActive only; in the order of the spec
  std::vector<const SwarmService*> strays;  // kActive only: of this execution, but no longer
                                            // declared, or of an attempt before this one
  Verdict verdict;                          // kActive only
  bool queued = false;  // kActive only: it waits for the scheduler, and nothing of it may stand
  // kActive only: the verdict is a failure, but spec.backoffLimit lets it be tried again.
  bool again = false;
  // kActive only. Why nothing is started or changed now, in words: what stands runs on as it is.
  // Empty: nothing is waited for.
  std::string waiting_for;
  ExecutionOptions options;

  bool ended() const { return verdict.kind != Verdict::Kind::kNone; }

  Picture() = default;
  Picture(Picture&&) = default;  // pointers into `observed` stay valid
  Picture& operator=(Picture&&) = default;
};

// A task that stays `new` so long has got no address: its network is full, which Swarm tells nobody
// (SwarmKit, allocator).
inline constexpr Duration kAddressPatience{30'000};

// Swarm says nothing of an update for a moment after it has taken it, and nothing at all of one
// that finds no container to replace. So long an update that was sent counts as under way.
inline constexpr Duration kUpdatePatience{2'000};
// How often a User's network that is missing is looked for.
inline constexpr Duration kNetworkPatience{1'000};

// Since when, by our clock, an update is under way; nothing if none was at the last pass.
std::optional<WallTime> RollingSince(const v1::ExecutionStatus& status);

// `execution` must outlive the picture. kInvalid with causes: the spec can't be rendered, or its
// namespace can't give what it mounts.
//
// An execution ends, in this order of precedence:
//  - when the tasks of all its monitor services have ended for good: well if all of them exited
//  with 0;
//  - badly when so many replicas of another service are lost that its essential ones can't run any
//  more;
//  - without monitors, when the tasks of all services have ended for good: well;
//  - badly when activeDeadlineSeconds have passed since startedAt, or the runtime of its user's
//  Quota.
Expected<Picture> Assess(const v1::Execution& execution, Observed observed, WallTime now,
                         const ExecutionOptions& options);

// nullopt: it may run as long as it likes, or hasn't started.
std::optional<Deadline> DeadlineOf(const Picture& picture,
                                   const std::optional<WallTime>& started_at);

}  // namespace zoe::execution
