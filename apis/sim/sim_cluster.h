// The model of a Swarm: nodes, placement, task states, restarts, rolling updates, failures. One
// thread, no locks, no clock of its own: time is handed in, and what is due happens in RunUntil.
// What it imitates is measured against a real dockerd by test/conformance/swarm.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/ports/swarm.h"

namespace zoe::sim {

// What a container of a service does. The default is read from its image and command (ReadProgram).
struct Program {
  std::string reject;         // not empty: the task is rejected with this error (image missing)
  std::string start_error;    // not empty: the container can't start (command missing), exit 127
  Duration healthy_after{0};  // with a healthcheck: from start to `running`
  std::optional<Duration> run_for;  // absent: until stopped
  int exit_code = 0;
  std::vector<std::string> output;  // lines that it prints when it starts
  // Of what it reserves (or, where that is nothing, of a tenth of a CPU and 64 MiB), what it uses.
  double used_part = 0.5;
};
// Knows what small tests write: `sleep N`, `true`, `false`, `echo TEXT`, `sh -c "echo a; sleep 1;
// exit 3"`; an image whose name contains "missing" or "no-such" is rejected, a command named so
// does not start. Anything else runs until it is stopped.
Program ReadProgram(const SwarmServiceSpec& spec, int32_t slot);

struct Delays {
  Duration assign{5}, prepare{10}, start{20};  // new -> assigned -> preparing -> running
  Duration stop{20};                           // asked to stop -> gone
  Duration network_free{100};                  // removed network: until its name can be used again
};

struct NodeOptions {
  std::string name;
  int64_t cpu_nano = 0, memory_bytes = 0;
  bool manager = false;
  Labels labels, engine_labels = {};
};

class Cluster {
 public:
  using ProgramReader = std::function<Program(const SwarmServiceSpec&, int32_t slot)>;
  Cluster(std::vector<NodeOptions> nodes, Delays delays, ProgramReader reader);
  ~Cluster();

  // Lets everything that is due until `now` happen, in order. Returns when the next thing is due
  // (max(): nothing).
  SteadyTime RunUntil(SteadyTime now, WallTime wall);

  // The Engine API's calls; errors as the port describes them.
  Expected<std::string> CreateService(const SwarmServiceSpec& spec);
  Expected<void> UpdateService(const std::string& id, uint64_t version,
                               const SwarmServiceSpec& spec);
  Expected<void> RemoveService(const std::string& id);
  Expected<std::string> CreateNetwork(const SwarmNetworkSpec& spec);
  Expected<void> RemoveNetwork(const std::string& id);
  Expected<std::string> CreateSecret(const std::string& name, const Labels& labels,
                                     std::string_view data);
  Expected<void> RemoveSecret(const std::string& id);

  std::vector<SwarmService> Services(
      const std::function<bool(const SwarmServiceSpec&)>& wanted) const;
  Observation Observe(const std::string& deployment, const std::string& uid) const;
  // That Observe has something to say about.
  std::set<std::string> Uids() const;
  std::vector<SwarmTask> Tasks() const;
  // Of the deployment's tasks that run on nodes that are heard of.
  std::vector<SwarmUsage> Usage(const std::string& deployment) const;
  const SwarmService* FindService(const std::string& name) const;
  const SwarmService* GetService(const std::string& id) const;
  std::vector<SwarmNetwork> Networks() const;
  std::vector<SwarmNode> Nodes() const;
  std::vector<std::string> Subnets() const;
  std::vector<SwarmSecret> Secrets() const;
  // What a task reads of it, for tests; nullptr if it isn't there.
  const std::string* SecretData(const std::string& id) const;
  struct LogLine {
    int32_t slot;
    std::string task_id;
    WallTime time;
    std::string text;
  };
  std::vector<LogLine> Logs(const std::string& service_id) const;
  // Whether one of the tasks that are meant may still print.
  bool MayPrint(const LogQuery& query) const;

  // ---- trouble, by hand (sim_trouble.cc). What it imitates: lab measurements of a real Swarm of
  // three nodes.

  // The node's power, and what its managers notice of it at once: tasks of a node that is down are
  // replaced; what ran there has failed when it is back.
  void SetNodeUp(const std::string& name, bool up);
  // Its cable. Its tasks run on, unseen, beside their replacements; once it is plugged in again,
  // what was replaced is stopped.
  void SetNodeCut(const std::string& name, bool cut);
  void SetNodeAvailability(const std::string& name, std::string availability);
  // For `silence` no manager answers and nothing is decided. The next leader knows every node as
  // `unknown` until it reports, `report` later: nothing is replaced because of that, its tasks
  // count as they were (apis/docker does so for a minute), and what ended meanwhile ends now. It
  // has forgotten how often tasks were restarted. `with_node`, if any, stays unknown for 40 s, then
  // it is down.
  void LoseLeader(Duration silence, Duration report = Duration(5'000),
                  const std::string& with_node = "");
  bool has_leader() const { return silent_until_ <= now_; }
  // Ends the running task of a slot with this exit code; out_of_memory: the kernel kills it (137)
  // for its memory. False if none runs.
  bool EndTask(const std::string& service_name, int32_t slot, int exit_code,
               bool out_of_memory = false);
  // As its allocator and updater do: the service gets another version, and nothing else of it
  // changes.
  void BumpVersion(const std::string& service_name);
  // RemoveNetwork is refused, "in use by task", for so long.
  void HoldNetwork(const std::string& name, Duration time);
  // Without registry, a task whose image its node has never run is rejected.
  void SetRegistryUp(bool up) { registry_up_ = up; }
  // How often an image was asked for at the registry, by image.
  const std::map<std::string, int>& pulls() const { return pulls_; }

  // Labels of the owners whose services, tasks, networks or secrets changed since the last call,
  // none twice.
  std::vector<Labels> TakeTouched();
  // What has changed since the last call of what there is room for: nodes, or what the tasks of
  // these deployments ("": of none) reserve on them.
  struct Room {
    bool nodes = false;
    std::set<std::string> deployments;
  };
  Room TakeRoom() { return std::exchange(room_, {}); }

 private:
  struct Task;
  struct Slot;
  struct Service;
  struct Node;
  struct Network;
  struct Secret;

  void At(Duration delay, std::function<void()> action);
  Task* FindTask(const std::string& id) const;
  void Touch(const Labels& labels);
  std::string NewId();
  SwarmNetwork View(const std::string& id, const Network& network) const;
  Expected<void> Check(const SwarmServiceSpec& spec, const std::string& id) const;
  Expected<void> CheckPorts(const SwarmServiceSpec& spec, const std::string& id) const;
  void Publish(SwarmService& service) const;  // chooses ports of the routing mesh
  void Allocate();                            // gives subnets to networks that have none
  bool Address(Task& task);                   // false: a network of it has no address to give
  bool AddressService(Service& service);      // the same for its VIPs
  void FreeVips(Service& service);
  bool HasRoom(const SwarmServiceSpec& spec) const;

  void Reconcile(Service& service);                   // slots against replicas
  int32_t Dispensable(const Service& service) const;  // the number of the slot that goes first
  void StartTask(Service& service, int32_t slot);
  bool IsCurrent(const Task& task) const;
  void Place(const std::string& task_id);
  std::string WhyNot(const Task& task, std::vector<Node*>& fits);
  static bool Meets(const Node& node, const std::string& constraint);
  bool IsDirty(const Task& task, const SwarmServiceSpec& spec) const;  // to be replaced
  void Reserve(Task& task, Node& node);
  void Prepare(const std::string& task_id);
  void Run(const std::string& task_id);
  void Finish(const std::string& task_id);
  void BindPorts(Task& task);
  void End(Task& task, TaskState state, std::string error, std::optional<int> exit_code);
  void AfterEnd(const std::string& service_id, int32_t slot, const std::string& task_id);
  void Move(Task& task);                     // its node is no longer for it
  void Stop(Task& task, TaskState desired);  // towards shutdown or remove
  void Release(Task& task);                  // frees its addresses and its node's resources
  void RetryPending();
  void Roll(const std::string& service_id, uint64_t update);
  void FailUpdate(Service& service, const std::string& task_id);
  void Drop(const std::string& task_id);
  // True if nobody hears of what happens to the task, or decides: `action` is done when somebody
  // does.
  bool Unheard(const Task& task, std::function<void()> action);
  bool Undecided(std::function<void()> action);
  void Lose(Node& node);
  void Hear(Node& node);
  void Orphan(Node& node);
  bool Pull(Task& task);  // false: its image can't be had

  const Delays delays_;
  const ProgramReader reader_;
  SteadyTime now_{};
  WallTime wall_{};
  uint64_t index_ = 10, ids_ = 0, order_ = 0;
  std::map<std::pair<SteadyTime, uint64_t>, std::function<void()>> due_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<std::string, std::unique_ptr<Service>> services_;
  std::map<std::string, std::string> service_names_;
  std::map<std::string, std::unique_ptr<Task>> tasks_;
  std::map<std::string, std::set<std::string>> services_by_uid_, tasks_by_uid_;
  std::set<std::string> pending_;
  std::map<std::string, Network> networks_;
  std::map<std::string, Secret> secrets_;
  std::map<std::string, SteadyTime> busy_network_names_, held_networks_;  // by name, until
  SteadyTime silent_until_{};
  std::vector<std::function<void()>> undecided_;
  bool registry_up_ = true;
  std::map<std::string, int> pulls_;
  std::vector<Labels> touched_;
  std::set<std::string> touched_owners_;
  Room room_;
};

}  // namespace zoe::sim
