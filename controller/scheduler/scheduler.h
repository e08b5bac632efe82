// Who runs now, with how many replicas and where: pure. No I/O, no clock, no threads.
//
// Words: an execution's `essential` replicas must all be granted at once, or none (gang); the rest
// are elastic: granted while there is room, taken back when others' essentials need it. A grant is
// a fact of the store (v1::ServiceStatus::granted) before anything is done about it; what was
// granted and isn't seen on a node yet is assumed to be coming and its room is nobody else's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "specs/meta/expected.h"
#include "specs/meta/time.h"

namespace zoe::scheduler {

struct Resources {
  int64_t cpu_nano = 0, memory_bytes = 0;  // 1e9 is one CPU
  bool operator==(const Resources&) const = default;
};

struct Node {
  std::string id, name;
  std::string role, os, architecture;  // as in Swarm's constraints: manager | worker; x86_64
  std::map<std::string, std::string> labels, engine_labels;
  bool schedulable = true;  // it is ready, and its availability is active
  Resources capacity;
  Resources foreign;  // reserved by tasks on it that belong to no job
  int32_t foreign_tasks = 0;
  Resources leaving;    // of what is foreign: by tasks that are told to go
  std::string address;  // "10.0.0.7"
  bool operator==(const Node&) const = default;
};

// Replicas of a service on a node, seen in the Swarm.
struct Placed {
  std::string node;  // id
  int32_t replicas = 0;
  bool operator==(const Placed&) const = default;
};

struct Service {
  std::string name;
  Resources request;  // of one replica
  int32_t total = 1, essential = 1;
  std::vector<std::string> constraints;  // Swarm's: "node.labels.gpu == true"
  int32_t granted = 0;                   // as the store says
  int32_t ended = 0;               // of those, that ended for good: they need no room any more
  std::vector<Placed> placed;      // may be more than granted, while they are being taken away
  std::vector<std::string> nodes;  // node ids that the grant confines it to; empty: any
  bool operator==(const Service&) const = default;
};

struct Job {
  std::string id;    // unique, stable: "alice/wordcount"
  std::string user;  // whose share and limits: the namespace
  int32_t priority = 0;
  WallTime queued_at{};  // when it entered the queue; kept when it is put back
  bool started = false;  // its essentials have been granted
  bool fixed = false;    // what it has stays as it is, whatever happens: it is ending
  // How long it runs with all its replicas, and how much of that is left; absent: not declared.
  std::optional<Duration> duration, remaining;
  // Since when the Swarm finds no node for an essential replica that was granted.
  std::optional<WallTime> stuck_since;
  std::vector<Service> services;
  bool operator==(const Job&) const = default;
};

// Of what one user's started executions have together; absent: none.
struct Limits {
  std::string quota;  // its name, for messages
  std::optional<int64_t> executions, cpu_nano, memory_bytes, services;
  bool operator==(const Limits&) const = default;
};

enum class Policy {
  kFifo,               // by queued_at
  kPriority,           // higher priority first, then by queued_at. The others, too, put higher
                       // priority first, and order those of the same one
  kSize,               // smallest first: dominant share of the cluster x duration, where declared
  kDynamicSize,        // as kSize, but the size shrinks with the time waited
  kShortestRemaining,  // least remaining work first; not declared: after those that are
  kFairShare,          // of the user with the smallest dominant share first
};
enum class Placement {
  kSwarm,   // the Swarm chooses among nodes that meet the constraints
  kSpread,  // least used nodes
  kPack,    // as few nodes as possible
};
// "shortest-remaining"; nullopt: no such policy.
std::optional<Policy> ParsePolicy(std::string_view name);
std::optional<Placement> ParsePlacement(std::string_view name);

struct Options {
  Policy policy = Policy::kPriority;
  Placement placement = Placement::kSwarm;
  // Who has waited so long goes before everybody who came later, whatever the policy says.
  Duration patience{std::chrono::hours{4}};
  // How long others may start past the first one in the queue, from when it entered the queue; then
  // the nodes that it will start on are kept for it. Those that end (by their duration) before it
  // could start may always.
  Duration backfill{std::chrono::minutes{10}};
  bool reclaim = true;   // elastic replicas give way to essentials that wait
  bool preempt = false;  // whole executions give way to those of higher priority
  // How long essentials of a started job may find no node before it is put back into the queue.
  Duration restore{std::chrono::seconds{30}};
};

enum class Change { kStart, kGrow, kShrink, kRequeue };

// A change of what a job has. Replicas of all its services, in their order.
struct Grant {
  std::string job;
  Change change = Change::kStart;
  std::vector<int32_t> replicas;
  std::vector<std::vector<std::string>> nodes;  // per service: ids; empty: any
  // "Reclaimed", "2 replicas of worker give way to alice/train". For the job's user: jobs of others
  // are not named.
  std::string reason, message;
};

struct Decision {
  std::vector<Grant> grants;  // changes only; shrinkages first
  // When the passing of time alone may change the decision; nullopt: never.
  std::optional<WallTime> next;
};

// Why a job waits, and what would let it run.
struct Explanation {
  int32_t position = 0;  // 1 is next
  // Queued | InsufficientCpu | InsufficientMemory | InsufficientResources (both, or in pieces too
  // small) | Unschedulable (no node meets a constraint, or is large enough, ever) | QuotaExceeded |
  // ReservedForOthers (there is room, which is kept for who is first)
  std::string reason;
  std::string message;
};

// The world as it was last told, and what to do about it. Decide is a function of what Set* have
// told, in whatever order and however often, of the options and of `now`; work grows with what
// changed since the last call. A value, in one thread.
class Scheduler {
 public:
  explicit Scheduler(Options options);
  ~Scheduler();
  Scheduler(Scheduler&&) noexcept;
  Scheduler& operator=(Scheduler&&) noexcept;

  void SetNode(const Node& node);  // new or changed
  void RemoveNode(const std::string& id);
  void SetJob(const Job& job);  // that waits or runs: one that ended is removed
  void RemoveJob(const std::string& id);
  void SetLimits(const std::string& user, const Limits& limits);  // empty Limits: none

  // Changes nothing of what was told: who carries a grant out tells it by SetJob. Asked again
  // before that, it says the same.
  Decision Decide(WallTime now);
  // Ids of the jobs that wait, first one first, as of the last Decide: without those it granted, or
  // that were told anew since.
  const std::vector<std::string>& Queue() const;
  // Of one that waits, as of the last Decide.
  Explanation Explain(const std::string& job) const;
  // Of those, how much of the nodes' capacity is free: not reserved, not assumed.
  Resources Free() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace zoe::scheduler
