// The Docker Swarm as the control loop sees it. Implementations: apis/docker (Engine API), apis/sim
// (simulated); one conformance suite (test/conformance/swarm). All lists are limited to objects
// with this deployment's label unless said otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/ports/context.h"
#include "controller/ports/exec.h"
#include "specs/meta/expected.h"
#include "specs/meta/key.h"
#include "specs/meta/time.h"

namespace zoe {

// Labels on everything that we make (contract).
inline constexpr std::string_view kLabelDeployment = "zoe.deployment",
                                  kLabelNamespace = "zoe.namespace", kLabelKind = "zoe.kind",
                                  kLabelName = "zoe.name", kLabelUid = "zoe.uid",
                                  kLabelService = "zoe.service", kLabelStore = "zoe.store";

using Labels = std::map<std::string, std::string>;
// "" if it isn't there.
std::string LabelOf(const Labels& labels, std::string_view name);

// A bind mount of the host path `source`; or, with a driver, a volume of the name `source`, made by
// each node's engine when it is first used.
struct SwarmMount {
  std::string source, target;
  bool read_only = false;
  std::string volume_driver;
  std::map<std::string, std::string> volume_options;
  bool operator==(const SwarmMount&) const = default;
};

struct SwarmNetworkAttachment {
  std::string network_id;
  std::vector<std::string> aliases;  // DNS names of all tasks
  bool operator==(const SwarmNetworkAttachment&) const = default;
};

struct SwarmHealthcheck {
  std::vector<std::string> test;  // as Docker's: {"CMD", ...} or {"CMD-SHELL", "..."}
  Duration interval{}, timeout{}, start_period{};
  int retries = 0;
  bool operator==(const SwarmHealthcheck&) const = default;
};

// A published TCP port. Host mode: on the node that runs the task; else on every node (routing
// mesh), which Swarm refuses (kInvalid) with EndpointMode::kDnsrr. Of a host port that another
// service's task has, Swarm tells by leaving the task pending: "no suitable node (host-mode port
// already in use on 3 nodes)". A port that the routing mesh uses is refused (kInvalid).
struct SwarmPort {
  int32_t target = 0;
  int32_t published = 0;  // 0 in a spec: Docker chooses
  bool host_mode = true;
  bool operator==(const SwarmPort&) const = default;
};

// A secret as a file that only root can read (mode 0400), at /run/secrets/FILE. Swarm refuses
// (kInvalid) a service whose secret isn't there, or isn't of that name.
struct SwarmSecretFile {
  std::string secret_id, secret_name, file;
  bool operator==(const SwarmSecretFile&) const = default;
};

enum class RestartCondition { kNone, kOnFailure, kAny };
enum class UpdateOrder { kStopFirst, kStartFirst };
enum class FailureAction { kPause, kRollback };
enum class EndpointMode { kDnsrr, kVip };

// Every field that we ever set on a Swarm service, all of them explicit. What Swarm reports is read
// back into the same struct, so that "does it need an update?" is operator== : an update that
// changes nothing must never be sent (it overwrites the rollback target). `replicas` and everything
// under "task" are told apart by SameTasks.
struct SwarmServiceSpec {
  std::string name;  // <= 63, unique in the Swarm, can't change
  Labels labels;     // on the service, not on its containers
  uint64_t replicas = 0;

  // task: a change of anything here replaces the containers
  std::string image;
  std::vector<std::string> command, args;
  std::vector<std::string> env;  // "NAME=value"; may hold Swarm's own templates
  std::string hostname;          // may hold Swarm's own templates
  std::string dir, user;
  Labels container_labels;
  std::vector<SwarmMount> mounts;
  std::vector<SwarmNetworkAttachment> networks;
  std::vector<std::string> dns_search, dns_options;
  std::vector<std::string> constraints;
  int64_t cpu_request_nano = 0, cpu_limit_nano = 0;  // 1e9 is one CPU; 0: none
  int64_t memory_request_bytes = 0, memory_limit_bytes = 0;
  int64_t shm_bytes = 0;  // 0: Docker's default
  std::optional<SwarmHealthcheck> healthcheck;
  std::vector<SwarmPort> ports;  // TCP
  std::vector<SwarmSecretFile> secrets;
  std::vector<std::string> capability_add, capability_drop;  // Docker's form: "CAP_NET_RAW", "ALL"
  bool init = true;  // tini as pid 1: signals reach the program, zombies are reaped
  Duration stop_grace_period{10'000};
  RestartCondition restart_condition = RestartCondition::kAny;
  Duration restart_delay{
      5'000};  // Docker's default: an image that is missing is asked for at most this often
  uint64_t restart_max_attempts = 0;  // 0: no limit
  std::string gelf_address;           // empty: the engine's default log driver
  uint64_t force_update = 0;          // another value restarts the containers

  // how a change rolls
  uint64_t update_parallelism = 1;
  UpdateOrder update_order = UpdateOrder::kStopFirst;
  FailureAction update_failure_action = FailureAction::kPause;
  EndpointMode endpoint_mode = EndpointMode::kDnsrr;

  // Only ever set in what was read: someone else set what we never set (a published port, a secret,
  // a volume…). Differs from every desired spec, so that the next update mends it.
  bool altered = false;

  bool operator==(const SwarmServiceSpec&) const = default;
};

// True if going from a to b replaces no container (labels, replicas and update policy may differ).
bool SameTasks(const SwarmServiceSpec& a, const SwarmServiceSpec& b);

enum class UpdateState {
  kNone,
  kUpdating,
  kPaused,
  kCompleted,
  kRollbackStarted,
  kRollbackPaused,
  kRollbackCompleted
};

struct SwarmService {
  std::string id;
  uint64_t version = 0;
  SwarmServiceSpec spec;
  UpdateState update_state = UpdateState::kNone;
  std::string update_message;
  std::vector<SwarmPort> published;  // of the routing mesh, with the ports that Swarm chose
};

// In Swarm's order; a task only moves forward.
enum class TaskState {
  kNew,
  kPending,
  kAssigned,
  kAccepted,
  kPreparing,
  kReady,
  kStarting,
  kRunning,
  kComplete,
  kShutdown,
  kFailed,
  kRejected,
  kRemove,
  kOrphaned,
};
std::string_view TaskStateName(TaskState state);  // "running"
inline bool IsTerminal(TaskState s) { return s >= TaskState::kComplete; }

struct SwarmTask {
  std::string id, service_id, node_id, node_name;
  int32_t slot = 0;
  TaskState state = TaskState::kNew, desired_state = TaskState::kRunning;
  std::string message,
      error;  // Swarm's words: "no suitable node (insufficient resources on 3 nodes)"
  std::optional<int> exit_code;  // of a task that ran and ended
  // Of one that was killed (exit code 137): by the kernel, because it wanted more than its memory
  // limit. Absent: not known, as its node's engine can't be reached or has forgotten it.
  std::optional<bool> out_of_memory = {};
  WallTime created_at{}, timestamp{};  // timestamp: of the state
  bool node_down = false;  // its node is down (SwarmNode::ready is false): `state` may be stale
  std::string container_id;
  std::vector<std::string> addresses;  // "10.0.1.5", in its networks, where they are known
  std::vector<SwarmPort> ports;  // host mode, with those that the engine chose, once it runs; by
                                 // target
  // What it reserves on its node, whoever's task it is, until its state is terminal.
  int64_t cpu_request_nano = 0, memory_request_bytes = 0;
};

// What a task's container uses, over a short time until `at`.
struct SwarmUsage {
  std::string task_id, node_id;
  int64_t cpu_nano = 0;      // CPUs, 1e9 is one
  int64_t memory_bytes = 0;  // without what the kernel can take back (inactive file cache)
  WallTime at{};
  Duration window{};  // that cpu_nano is the mean of
};

struct Observation {
  std::vector<SwarmService> services;  // of one object
  std::vector<SwarmTask> tasks;  // of these services, old ones that Swarm still remembers included
};

struct SwarmNetworkSpec {
  std::string name;
  Labels labels;
  std::string subnet;  // CIDR; empty: Swarm chooses
  bool encrypted = false, internal = false, attachable = false;
  bool operator==(const SwarmNetworkSpec&) const = default;
};
struct SwarmNetwork {
  std::string id;
  SwarmNetworkSpec spec;
  // False: it has no addresses yet (a moment after it was made), or, its subnet overlapping that of
  // another network, none until that one goes. Its spec says neither subnet nor `encrypted` then.
  bool allocated = true;
};

struct SwarmSecret {
  std::string id, name;
  Labels labels;
};

struct SwarmNode {
  std::string id, name, address, engine_version;
  std::string os = "linux", architecture;  // in Go's words: "amd64"; empty: not known
  WallTime created_at{};                   // when it joined
  bool manager = false, leader = false, ready = false;
  std::string availability;  // active | pause | drain
  int64_t cpu_nano = 0, memory_bytes = 0;
  Labels labels;
  Labels engine_labels;  // set by the node's own configuration; "engine.labels." in constraints
};

// SwarmHint::kind of a change that is no object's of ours: of nodes, or of what others' services
// reserve on them.
inline constexpr std::string_view kCapacityHint = "Capacity";

// A service, its tasks, a network or a secret of ours may have changed. An empty kind: anything may
// have (reconnected, list again).
struct SwarmHint {
  std::string kind, ns, name;  // from the labels: of the owner, e.g. Execution/alice/wordcount
};

struct LogQuery {
  std::string service_id;
  int32_t slot = 0;     // 0: all tasks
  std::string task_id;  // not empty: this task's alone, which belongs to the service
  bool follow = false, timestamps = false;
  std::optional<int64_t> tail, since_seconds;
};
// One piece of container output with its line break. Return false to end.
using LogSink = std::function<bool(std::string_view line)>;

// Thread-safe. Errors: kUnavailable (no manager answers; nothing done), kOutcomeUnknown (a write
// was sent, no reply), kNotFound, kConflict
// ("update out of sequence"), kAlreadyExists (name taken), kInvalid (the Engine refuses the spec;
// its message), kInternal (nonsense), kCancelled (by ctx.stop, or a write past ctx.lease: nothing
// done). Every call ends by ctx (10 s if it has no deadline). No call
// retries a write.
class Swarm {
 public:
  virtual ~Swarm() = default;

  // Services labelled zoe.uid=`uid` and their tasks, read now: sees every write that has returned
  // before.
  virtual Expected<Observation> Observe(const Context& ctx, const std::string& uid) = 0;
  // All services of this deployment, without tasks.
  virtual Expected<std::vector<SwarmService>> ListServices(const Context& ctx) = 0;
  // Whole Swarm: any service's tasks that are not terminal count for capacity; used by views and by
  // the scheduler's loop, not by each object's.
  virtual Expected<std::vector<SwarmTask>> ListTasks(const Context& ctx) = 0;
  virtual Expected<std::vector<SwarmNetwork>> ListNetworks(const Context& ctx) = 0;
  virtual Expected<std::vector<SwarmNode>> ListNodes(const Context& ctx) = 0;  // whole Swarm
  // Of this deployment's running tasks on the nodes whose engines can be reached: what is missing
  // isn't known. Measured at most every few seconds, and only when somebody asks.
  virtual Expected<std::vector<SwarmUsage>> Usage(const Context& ctx) = 0;

  // Writes of one object go out together, as many at a time as the connection allows; results in
  // the order of the arguments.
  virtual std::vector<Expected<std::string>> CreateServices(
      const Context& ctx, std::span<const SwarmServiceSpec> specs) = 0;  // ids
  virtual Expected<void> UpdateService(const Context& ctx, const std::string& id, uint64_t version,
                                       const SwarmServiceSpec& spec) = 0;
  virtual std::vector<Expected<void>> RemoveServices(
      const Context& ctx, std::span<const std::string> ids) = 0;  // gone already: ok

  // By exact name, whoever owns it: to tell an own ghost from a stranger after kAlreadyExists.
  // kNotFound.
  virtual Expected<SwarmService> FindService(const Context& ctx, const std::string& name) = 0;

  // Overlaps aren't refused. With the subnet of another overlay network, even in part: it is made,
  // but gets no addresses, and its tasks stay `new` without a word; when the other one goes, its
  // addresses go to one of those that wait. With the subnet of a node's own bridge (docker0,
  // docker_gwbridge): tasks on that node are rejected for ever, "Pool overlaps with other one on
  // this address space". So whoever plans subnets asks ListSubnets first.
  virtual Expected<std::string> CreateNetwork(const Context& ctx,
                                              const SwarmNetworkSpec& spec) = 0;  // id
  virtual Expected<void> RemoveNetwork(
      const Context& ctx, const std::string& id) = 0;  // kConflict while in use; gone already: ok

  // IPv4 subnets (CIDR) that a new network must not overlap, as far as the manager that answers
  // knows them: those of all overlays, whoever owns them, of its own bridges (other nodes' may
  // differ), and each node's address as a /32. None twice.
  virtual Expected<std::vector<std::string>> ListSubnets(const Context& ctx) = 0;

  // Secrets of this deployment; their contents can never be read again.
  virtual Expected<std::vector<SwarmSecret>> ListSecrets(const Context& ctx) = 0;
  // Its id. `name`: at most 64 of [a-zA-Z0-9-_.], unique in the Swarm; data: 1 .. 500,000 bytes.
  virtual Expected<std::string> CreateSecret(const Context& ctx, const std::string& name,
                                             const Labels& labels, std::string_view data) = 0;
  // kConflict while a service uses it; gone already: ok.
  virtual Expected<void> RemoveSecret(const Context& ctx, const std::string& id) = 0;

  // Streams until the end, the sink's false, or ctx. kNotFound.
  virtual Expected<void> Logs(const Context& ctx, const LogQuery& query, const LogSink& sink) = 0;

  // Runs a command in a running container, or attaches to its main process: once it returns, that
  // is under way. kNotFound: there is no such container; kConflict: it doesn't run; kInvalid: the
  // engine refuses it; kUnavailable: the node's engine can't be reached, with what to do about it.
  virtual Expected<std::unique_ptr<ExecSession>> Exec(const Context& ctx,
                                                      const ExecRequest& request) = 0;

  // Hints until the Watch is destroyed; the callback must only post. Task changes emit no events in
  // Swarm: an implementation may poll, fast only within the window opened by ExpectChanges, slowly
  // at rest.
  virtual Expected<std::unique_ptr<class SwarmWatch>> Subscribe(
      std::function<void(const SwarmHint&)> on_hint) = 0;
  // Tasks are converging: look closely (every 50 ms or so) for `window` from now. Cheap; called
  // after every write and unsettled pass.
  virtual void ExpectChanges(Duration window) = 0;

  // kUnavailable with the reason if no manager answers. At most 1 s.
  virtual Expected<void> Ping(const Context& ctx) = 0;
};

class SwarmWatch {
 public:
  virtual ~SwarmWatch() = default;
};

}  // namespace zoe
