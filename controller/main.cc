// zoe-controller: reads its options, chooses the concrete classes, starts everything in order,
// stops it in reverse.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <mutex>
#include <optional>
#include <thread>

#include "apis/docker/docker_swarm.h"
#include "apis/memory/memory_store.h"
#include "apis/server/first_admin.h"
#include "apis/server/server.h"
#include "apis/sim/sim_swarm.h"
#include "apis/sqlite/sqlite_store.h"
#include "apis/zookeeper/znode.h"
#include "apis/zookeeper/zookeeper_store.h"
#include "controller/backup/backup.h"
#include "controller/backup/restore.h"
#include "controller/cache/informer.h"
#include "controller/identity/store_identity.h"
#include "controller/loop/controller.h"
#include "controller/loop/event_recorder.h"
#include "controller/loop/leader_gate.h"
#include "controller/loop/replica.h"
#include "controller/loop/vitals.h"
#include "controller/options.h"
#include "controller/runtime/local_files.h"
#include "controller/runtime/log.h"
#include "controller/runtime/manager.h"
#include "controller/runtime/system_clock.h"
#include "reconcilers/execution/effects.h"
#include "reconcilers/execution/execution_reconciler.h"
#include "reconcilers/garbage/garbage_collector.h"
#include "reconcilers/gateway/effects.h"
#include "reconcilers/gateway/gateway_reconciler.h"
#include "reconcilers/namespace/network.h"
#include "reconcilers/schedule/schedule_loop.h"
#include "reconcilers/sweep/sweeper.h"
#include "reconcilers/user/user_reconciler.h"
#include "reconcilers/workspace/workspace_reconciler.h"
#include "webhooks/admission/admission.h"

namespace zoe {
namespace {

constexpr char kDefaultConfig[] = "/etc/zoe/controller.conf";
constexpr int kExitFailed = 1, kExitUsage = 2;
// How long the API waits at the start for the store to be read, so that the first answer is already
// a complete one.
constexpr Duration kFirstSync{5'000};
constexpr Duration kStopTimeout{5'000};
// Each start with --store memory: is a new world: what the one before has left is swept.
constexpr char kMemoryStoreId[] = "memory";

// One line on stderr for each line of the message.
int Complain(const Error& error, int exit_code) {
  std::string text = "zoe-controller: ";
  for (const char c : error.ToString()) {
    text += c;
    if (c == '\n') text += "zoe-controller: ";
  }
  std::fprintf(stderr, "%s\n", text.c_str());
  return exit_code;
}

// ---- the concrete classes

Expected<std::unique_ptr<Store>> OpenStore(const Options& options, bool make = true) {
  const std::string_view url = options.store;
  if (url == "memory:") return MakeMemoryStore();
  constexpr std::string_view kSqlite = "sqlite:";
  if (url.starts_with(kSqlite)) {
    auto store = OpenSqliteStore(std::string(url.substr(kSqlite.size())));
    if (store.ok() || store.error().reason != "StoreNotWritable") return store;
    Error error = std::move(store).error();
    error.message += " (choose another place with --store sqlite:PATH)";
    return error;
  }
  ZOE_ASSIGN(ZooKeeperOptions zookeeper, ParseZooKeeperUrl(url));
  zookeeper.deployment = options.deployment;
  zookeeper.state_dir = options.state_dir;
  zookeeper.make = make;
  return OpenZooKeeperStore(zookeeper);
}

int CantOpen(const Options& options, Error error) {
  const bool usage = options.store.starts_with("zk://") && !ParseZooKeeperUrl(options.store).ok();
  error.message = "--store: " + error.message;
  return Complain(error, usage ? kExitUsage : kExitFailed);
}

Expected<std::unique_ptr<Swarm>> OpenSwarm(const Options& options, const Clock& clock) {
  SwarmUrl url = SplitSwarmUrl(options.swarm);
  if (url.simulated) {
    ZOE_ASSIGN(std::vector<sim::NodeOptions> nodes, ParseSimNodes(url.simulation));
    SimOptions simulation;
    simulation.deployment = options.deployment;
    simulation.nodes = std::move(nodes);
    return std::unique_ptr<Swarm>(MakeSimSwarm(std::move(simulation), clock));
  }
  EndpointSource source;
  if (!url.zookeeper.empty()) {
    ZOE_ASSIGN(const ZooKeeperOptions node, ParseZooKeeperUrl(url.zookeeper));
    source = {ZnodeName(node),
              [node](auto on_value) { return FollowZnode(node, std::move(on_value)); }};
  }
  return OpenDockerSwarm({.endpoints = std::move(url.endpoints),
                          .source = std::move(source),
                          .tls_ca = options.swarm_tls_ca,
                          .tls_cert = options.swarm_tls_cert,
                          .tls_key = options.swarm_tls_key,
                          .deployment = options.deployment,
                          .node_engine = options.node_engine},
                         clock);
}

std::string ChosenAdminPassword() {
  const char* password = std::getenv("ZOE_ADMIN_PASSWORD");
  return password == nullptr ? "" : password;
}

void PrintAdminPassword(const std::string& password) {
  std::printf("user admin has the password %s (it is not shown again)\n", password.c_str());
  std::fflush(stdout);
}

ServerOptions MakeServerOptions(const Options& options) {
  ServerOptions server;
  server.listen = options.listen;
  constexpr std::string_view kLocalhost = "localhost:";
  if (server.listen.starts_with(kLocalhost)) {
    server.listen = "127.0.0.1:" + server.listen.substr(kLocalhost.size());
  }
  server.tls_cert = options.tls_cert;
  server.tls_key = options.tls_key;
  server.auth = options.auth == "none" ? AuthMode::kNone : AuthMode::kPassword;
  server.version = ZOE_VERSION;
  return server;
}

// The options have been checked.
AdmissionOptions MakeAdmissionOptions(const Options& options) {
  AdmissionOptions admission;
  admission.deployment = options.deployment;
  admission.users_make_namespaces = options.auth != "none";
  admission.host_paths = v1::ParseAllowedPaths(options.allow_host_paths).value();
  admission.capabilities = v1::ParseAllowedCapabilities(options.allow_capabilities).value();
  admission.guest_idle_seconds = std::stoi(options.guest_idle_timeout);
  return admission;
}

// The options have been checked.
NetworkOptions MakeNetworkOptions(const Options& options, const Cache& cache) {
  NetworkOptions networks{.deployment = options.deployment,
                          .encrypted = options.network_encrypted == "true",
                          .store_id = [&cache] { return StoreIdOf(cache); }};
  std::string_view pool = options.network_pool;
  while (!pool.empty()) {
    const size_t comma = std::min(pool.find(','), pool.size());
    if (const auto subnet = ParseSubnet(pool.substr(0, comma))) networks.pool.push_back(*subnet);
    pool.remove_prefix(std::min(comma + 1, pool.size()));
  }
  return networks;
}

// Absent: everything starts at once. The options have been checked.
std::optional<ScheduleOptions> MakeScheduleOptions(const Options& options) {
  const auto policy = scheduler::ParsePolicy(options.scheduler_policy);
  if (!policy) return std::nullopt;
  return ScheduleOptions{
      .deployment = options.deployment,
      .scheduler = {.policy = *policy,
                    .placement = *scheduler::ParsePlacement(options.placement_policy),
                    .patience = std::chrono::seconds(std::stoi(options.queue_patience)),
                    .backfill = std::chrono::seconds(std::stoi(options.queue_backfill)),
                    .reclaim = options.elastic_reclaim == "true",
                    .preempt = options.preemption == "priority"}};
}

// What dry runs tell.
decltype(ServerDeps::effects) MakeEffects(const Options& options, const Cache& cache) {
  const ExecutionOptions executions{.deployment = options.deployment,
                                    .workspace_root = options.workspace_root,
                                    .gelf_address = options.gelf_address,
                                    .queued = MakeScheduleOptions(options).has_value()};
  const gateway::Options gateways{.deployment = options.deployment,
                                  .image = options.gateway_image,
                                  .gelf_address = options.gelf_address};
  return [&cache, executions, gateways](const ObjectBase* before, const ObjectBase& after) {
    std::vector<std::string> effects = execution::EffectsOn(cache, executions, before, after);
    std::ranges::move(gateway::EffectsOn(cache, gateways, before, after),
                      std::back_inserter(effects));
    return effects;
  };
}

// ---- everything together

// What everything else uses, and the API. Members are destroyed in reverse order: each uses only
// those above it.
struct Process {
  Process(const Options& options, std::unique_ptr<Store> the_store, const v1::StoreInfo& identity,
          std::unique_ptr<Swarm> the_swarm, const SystemClock& the_clock)
      : people_log_in(options.auth != "none"),
        clock(the_clock),
        real_store(std::move(the_store)),
        guard(cache, metrics, identity),
        store(MakeGuardedStore(*real_store, guard)),
        swarm(std::move(the_swarm)),
        admission(cache, MakeAdmissionOptions(options)),
        first_admin(*store, cache, admission, clock, ChosenAdminPassword(), PrintAdminPassword),
        server(MakeServerOptions(options),
               {*store, cache, *swarm, admission, metrics, clock, [this] { return guard.Check(); },
                &files, options.workspace_root, options.deployment, MakeEffects(options, cache)}) {}

  const bool people_log_in;
  const SystemClock& clock;
  Metrics metrics;
  LocalFiles files;
  Cache cache;
  std::unique_ptr<Store> real_store;
  StoreGuard guard;
  std::unique_ptr<Store> store;  // what everybody uses: the guard's
  std::unique_ptr<Swarm> swarm;
  Informer informer{*store, cache, clock, metrics, [this](bool known) { guard.OnIdentity(known); }};
  EventRecorder events{store->ForLeader(), clock, metrics};
  Admission admission;
  FirstAdmin first_admin;
  Server server;
  Vitals vitals{*store, *swarm, clock, metrics};
};

std::string HostName() {
  char host[256] = "localhost";
  gethostname(host, sizeof host - 1);
  return host;
}

// Where others reach the server that listens at `url`.
std::string OwnUrl(std::string url) {
  for (const std::string_view any : {"//0.0.0.0:", "//[::]:"}) {
    const size_t at = url.find(any);
    if (at != std::string::npos) url.replace(at + 2, any.size() - 3, HostName());
  }
  return url;
}

// Where browsers reach the API.
std::string PublicUrl(const Options& options, const Server& server) {
  return options.public_url.empty() ? OwnUrl(server.url()) : options.public_url;
}

// What other controllers are told of this one. The server listens.
std::string Identity(const Server& server, const Clock& clock) {
  return EncodeReplica({.id = HostName() + "/" + std::to_string(getpid()),
                        .url = OwnUrl(server.url()),
                        .since = std::chrono::floor<std::chrono::seconds>(clock.WallNow())});
}

// The reconcilers and the loops that run them.
struct Loops {
  Loops(Process& p, const Options& options)
      : networks(*p.swarm, MakeNetworkOptions(options, p.cache)),
        executions({*p.swarm, p.files, p.cache, networks},
                   {.deployment = options.deployment,
                    .workspace_root = options.workspace_root,
                    .gelf_address = options.gelf_address,
                    .public_url = PublicUrl(options, p.server),
                    .queued = MakeScheduleOptions(options).has_value()}),
        gateways(*p.swarm, p.store->ForLeader(), p.cache, networks,
                 {.deployment = options.deployment,
                  .image = options.gateway_image,
                  .gelf_address = options.gelf_address}),
        users(p.cache, p.store->ForLeader(), *p.swarm, networks),
        workspaces(p.files, p.cache,
                   {.deployment = options.deployment, .workspace_root = options.workspace_root}),
        sweeper(p.cache, p.store->ForLeader(), *p.swarm, options.deployment,
                {&p.metrics, &p.events}),
        garbage(p.cache, p.store->ForLeader()) {
    const ControllerPorts ports{
        p.store->ForLeader(), p.cache, *p.swarm, p.clock, p.metrics, p.events};
    using Add = void (*)(const Cache&, const CacheEvent&, std::vector<Key>&);
    const auto run = [&](const char* name, const char* kind, Reconciler& reconciler, Add related) {
      ControllerOptions loop{.name = name, .kind = kind};
      loop.related = [&cache = p.cache, related](const CacheEvent& event, std::vector<Key>& keys) {
        related(cache, event, keys);
      };
      controllers.push_back(std::make_unique<Controller>(loop, reconciler, ports));
    };
    run("user", "User", users, UserReconciler::Related);
    run("gateway", "Gateway", gateways, GatewayReconciler::Related);
    run("workspace", "Workspace", workspaces, AddConcernedWorkspaces);
    run("execution", "Execution", executions, ExecutionsConcernedBy);
    controllers.push_back(std::make_unique<Controller>(
        ControllerOptions{
            .name = "garbage",
            .related = [this](const CacheEvent& event,
                              std::vector<Key>& keys) { garbage.Related(event, keys); },
            .all = [this](std::vector<Key>& keys) { garbage.All(keys); }},
        garbage, ports));
    controllers.push_back(std::make_unique<Controller>(
        ControllerOptions{.name = "sweep", .only = Sweeper::SweepKey()}, sweeper, ports));
    if (auto scheduling = MakeScheduleOptions(options)) {
      schedule.emplace(p.cache, p.store->ForLeader(), *p.swarm,
                       ScheduleLoop::Reports{p.metrics, p.events}, *std::move(scheduling));
      controllers.push_back(std::make_unique<Controller>(
          ControllerOptions{
              .name = "schedule",
              .only = ScheduleLoop::Key(),
              .related = ScheduleLoop::Related,
              .hinted = [this](const SwarmHint& hint) { return schedule->Hears(hint); }},
          *schedule, ports));
    }
    std::vector<LeaderCallback> listeners;
    for (const auto& controller : controllers)
      listeners.push_back([&c = *controller](SteadyTime until) { c.SetLease(until); });
    p.guard.SetLoops(std::move(listeners));
    leader.emplace(*p.store, p.clock, p.metrics, Identity(p.server, p.clock),
                   std::vector<LeaderCallback>{
                       [&guard = p.guard](SteadyTime until) { guard.SetLease(until); }});
  }

  void Start(const StoreGuard& guard) {
    for (const auto& controller : controllers) controller->Start();
    leader->Start();
    resignation = std::jthread([this, &guard](const std::stop_token& stop) {
      if (guard.AwaitTakeOver(stop)) Resign();
    });
  }
  void Stop() {
    const std::lock_guard lock(stopping);
    for (const auto& controller : controllers) controller->Stop();
  }
  // For good: a later version's controllers are to lead.
  void Resign() {
    Stop();
    Release();
  }
  void Release() {
    const std::lock_guard lock(stopping);
    leader->Release();
  }

  Networks networks;
  ExecutionReconciler executions;
  GatewayReconciler gateways;
  UserReconciler users;
  WorkspaceReconciler workspaces;
  Sweeper sweeper;
  GarbageCollector garbage;
  std::optional<ScheduleLoop> schedule;
  std::vector<std::unique_ptr<Controller>> controllers;
  std::optional<LeaderGate> leader;
  std::mutex stopping;
  std::jthread resignation;
};

void StartInformer(Process& process) {
  process.informer.Start();
  const SteadyTime deadline = process.clock.Now() + kFirstSync;
  // WaitFor can't be used: which revision is the first is not known before.
  while (!process.cache.synced() && process.clock.Now() < deadline) usleep(1'000);
  if (!process.cache.synced()) log::Warn("the store has not been read yet; starting all the same");
}

// Stopped in reverse: no more requests, no more keys and the passes joined, leadership given back,
// then what these have used.
void AddComponents(Manager& manager, const Options& options, Process& p,
                   std::optional<Loops>& loops) {
  manager.Add({"informer",
               [&p]() -> Expected<void> {
                 StartInformer(p);
                 return {};
               },
               [&p] { p.informer.Stop(); }});
  manager.Add({"vitals",
               [&p]() -> Expected<void> {
                 p.vitals.Start();
                 return {};
               },
               [&p] { p.vitals.Stop(); }});
  manager.Add({"leadership", {}, [&loops] {
                 if (loops) loops->Release();
               }});
  manager.Add({"events", {}, [&p] { p.events.Stop(); }});
  manager.Add({"loops", {}, [&loops] {
                 if (loops) loops->Stop();
               }});
  manager.Add({"server", [&p] { return p.server.Start(); }, [&p] { p.server.Stop(); }});
  if (p.people_log_in) {
    manager.Add(
        {"first admin", [&p] { return p.first_admin.Start(); }, [&p] { p.first_admin.Stop(); }});
  }
  // Only now: a second controller that was started by mistake ends at the taken address, before it
  // has touched the Swarm; and what executions tell about their endpoints begins with the address.
  manager.Add({"reconcilers",
               [&options, &p, &loops]() -> Expected<void> {
                 loops.emplace(p, options);
                 p.events.Start();
                 loops->Start(p.guard);
                 return {};
               },
               {}});
}

void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  constexpr rlim_t kWanted = 16'384;
  if (limit.rlim_cur >= kWanted) return;
  limit.rlim_cur = std::min(limit.rlim_max, kWanted);
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Waits for the signal that ends the process. One that comes before start-up is over ends it at
// once, wherever it hangs: nothing has been promised to anybody yet, and what the store has is safe
// at any moment.
class StopSignal {
 public:
  StopSignal() {
    std::thread([state = state_] {
      const int signal = WaitForStopSignal();
      const std::lock_guard lock(state->mutex);
      if (!state->started) _exit(0);
      state->signal.set_value(signal);
    }).detach();  // a start that fails leaves it waiting
  }
  void Started() {
    const std::lock_guard lock(state_->mutex);
    state_->started = true;
  }
  int Wait() { return state_->signal.get_future().get(); }

 private:
  struct State {
    std::mutex mutex;
    bool started = false;
    std::promise<int> signal;
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

int Run(const Options& options) {
  log::Level level = log::Level::kInfo;
  log::ParseLevel(options.log_level, level);
  log::Configure(level, options.log_format == "json");
  RaiseFileLimit();
  StopSignal stop_signal;

  const SystemClock clock;
  auto swarm = OpenSwarm(options, clock);
  if (!swarm.ok()) {
    Error error = std::move(swarm).error();
    const bool secret = options.swarm.find('@') != std::string::npos;
    error.message = "--swarm" + (secret ? "" : " " + options.swarm) + ": " + error.message;
    return Complain(error, error.code == Code::kInvalid ? kExitUsage : kExitFailed);
  }
  auto store = OpenStore(options);
  if (!store.ok()) return CantOpen(options, store.error());
  const auto identity =
      EnsureStoreInfo(**store, clock.WallNow(), options.store == "memory:" ? kMemoryStoreId : "");
  if (!identity.ok()) return CantOpen(options, identity.error());
  Process process(options, std::move(store).value(), *identity, std::move(swarm).value(), clock);
  std::optional<Loops> loops;
  // What hangs holds nothing that the store doesn't have.
  Manager manager(kStopTimeout, [](const std::string&) { _exit(0); });
  AddComponents(manager, options, process, loops);
  if (auto started = manager.Start(); !started.ok()) {
    Error error = std::move(started).error();
    if (error.code == Code::kUnavailable) error.message += " (choose another with --listen)";
    return Complain(error, kExitFailed);
  }
  stop_signal.Started();
  std::printf("listening on %s\n", process.server.url().c_str());
  std::fflush(stdout);
  const int signal = stop_signal.Wait();
  log::Info("stopping", {{"signal", std::to_string(signal)}});
  manager.Stop();
  return 0;
}

// ---- backups

int CantKeep() {
  return Complain(MakeError(Code::kInvalid, "--store memory: keeps nothing: name another --store"),
                  kExitUsage);
}

// Nothing is made where there is no store; and where SQLite's lock is another's, reading is allowed
// all the same.
Expected<std::unique_ptr<Store>> OpenForReading(const Options& options) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (options.store.starts_with(kSqlite))
    return OpenSqliteStoreForReading(options.store.substr(kSqlite.size()));
  return OpenStore(options, false);
}

std::string Summary(const Backup& backup) {
  return std::to_string(backup.records.size()) + " objects of deployment " + backup.deployment +
         (backup.store_id.empty() ? "" : ", store " + backup.store_id) + ", revision " +
         std::to_string(backup.revision) + ", " + FormatTime(backup.created_at);
}

int WriteBackup(Options options, const std::string& path) {
  if (options.store == "memory:") return CantKeep();
  options.state_dir.clear();  // that of the controllers, whose sessions these are
  const SystemClock clock;
  const auto store = OpenForReading(options);
  if (!store.ok()) return CantOpen(options, store.error());
  auto backup = TakeBackup(**store, options.deployment, clock.WallNow());
  if (!backup.ok()) return CantOpen(options, backup.error());
  backup->program = ZOE_VERSION;
  const auto text = EncodeBackup(*backup);
  if (!text.ok()) return Complain(text.error(), kExitFailed);
  const auto written = WriteBackupFile(path, *text);
  if (!written.ok()) return Complain(written.error(), kExitFailed);
  std::fprintf(path == "-" ? stderr : stdout, "backed up %s\n", Summary(*backup).c_str());
  return 0;
}

int ReadBackup(Options options, const std::string& path, const std::string& from_deployment) {
  if (options.store == "memory:") return CantKeep();
  options.state_dir.clear();
  const auto text = ReadBackupFile(path);
  if (!text.ok()) return Complain(text.error(), kExitFailed);
  const auto backup = ParseBackup(*text, path == "-" ? "stdin" : path);
  if (!backup.ok()) return Complain(backup.error(), kExitFailed);
  const auto store = OpenStore(options);
  if (!store.ok()) return CantOpen(options, store.error());
  const SystemClock clock;
  const auto restored = Restore(
      **store, *backup, {.deployment = options.deployment, .from_deployment = from_deployment},
      clock.WallNow());
  if (!restored.ok()) return Complain(restored.error(), kExitFailed);
  std::printf("restored %s: %d written, %d removed that were there before\n",
              Summary(*backup).c_str(), restored->written, restored->removed);
  return 0;
}

int WriteConfig(const std::string& path) {
  const std::string text = ConfigText();
  if (std::ifstream existing(path); std::filesystem::is_regular_file(path) && existing) {
    const std::string old(std::istreambuf_iterator<char>(existing), {});
    if (!old.empty() && old != text) {
      return Complain(MakeError(Code::kAlreadyExists,
                                path + " exists and was edited: name another file, or remove it"),
                      kExitFailed);
    }
  }
  std::ofstream file(path, std::ios::trunc);
  file << text << std::flush;
  if (file.good()) return 0;
  return Complain(MakeError(Code::kUnavailable, "can't write " + path), kExitFailed);
}

int Main(int argc, char** argv) {
  BlockStopSignals();
  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  const auto invocation = ReadOptions(
      arguments, [](const char* name) { return std::getenv(name); }, kDefaultConfig);
  if (!invocation.ok()) return Complain(invocation.error(), kExitUsage);
  switch (invocation->action) {
    case Invocation::Action::kHelp:
      std::fputs(HelpText().c_str(), stdout);
      return 0;
    case Invocation::Action::kVersion:
      std::puts("zoe-controller " ZOE_VERSION);
      return 0;
    case Invocation::Action::kWriteConfig:
      return WriteConfig(invocation->config_to_write);
    case Invocation::Action::kBackup:
      UnblockStopSignals();
      return WriteBackup(invocation->options, invocation->backup);
    case Invocation::Action::kRestore:
      UnblockStopSignals();
      return ReadBackup(invocation->options, invocation->backup, invocation->from_deployment);
    case Invocation::Action::kRun:
      return Run(invocation->options);
  }
  return kExitFailed;
}

}  // namespace
}  // namespace zoe

int main(int argc, char** argv) { return zoe::Main(argc, argv); }
