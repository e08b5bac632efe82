#include "apis/sim/sim_swarm.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "specs/meta/quantity.h"

namespace zoe {

struct SimSwarm::Lists {
  std::map<std::string, Observation> by_uid;
  std::vector<SwarmService> services;
  std::vector<SwarmTask> tasks;
  std::vector<SwarmUsage> usage;
  std::vector<SwarmNetwork> networks;
  std::vector<SwarmNode> nodes;
  std::vector<std::string> subnets;
  std::vector<SwarmSecret> secrets;
};

struct SimSwarm::State {
  State(std::vector<sim::NodeOptions> nodes, const SimOptions& options)
      : cluster(std::move(nodes), options.delays, options.reader) {}

  std::mutex mutex;
  std::condition_variable changed;
  sim::Cluster cluster;
  Lists remembered;
  bool stopping = false;
  bool written = false;  // since the thread last looked at the cluster
  std::atomic<int> writes{0};

  // Held while callbacks run, so that a Handle's destructor waits for them. Taken before `mutex`,
  // never after.
  std::recursive_mutex notify_mutex;
  std::map<int, std::function<void(const SwarmHint&)>> subscribers;
  int next_subscriber = 0;
  std::thread thread;
};

class SimSwarm::Handle : public SwarmWatch {
 public:
  Handle(State& state, int id) : state_(state), id_(id) {}
  ~Handle() override {
    const std::lock_guard lock(state_.notify_mutex);
    state_.subscribers.erase(id_);
  }

 private:
  State& state_;
  const int id_;
};

namespace {

std::vector<sim::NodeOptions> EqualNodes(int count, int64_t cpus, int64_t memory_bytes) {
  std::vector<sim::NodeOptions> nodes;
  for (int i = 1; i <= count; ++i) {
    nodes.push_back({.name = "sim" + std::to_string(i),
                     .cpu_nano = cpus * 1'000'000'000,
                     .memory_bytes = memory_bytes,
                     .manager = i == 1});
  }
  return nodes;
}

}  // namespace

Expected<std::vector<sim::NodeOptions>> ParseSimNodes(std::string_view text) {
  int64_t nodes = 3, cpus = 8, memory = int64_t{16} << 30;
  const auto bad = [&](std::string_view what) {
    return MakeError(Code::kInvalid,
                     "sim: " + std::string(what) +
                         ": expected nodes=N,cpus=N,memory=Q such as nodes=3,cpus=8,memory=16Gi");
  };
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    const size_t eq = item.find('=');
    if (eq == std::string_view::npos) return bad("\"" + std::string(item) + "\" has no value");
    const std::string_view name = item.substr(0, eq), value = item.substr(eq + 1);
    if (name == "memory") {
      ZOE_ASSIGN(const Quantity q, Quantity::Parse(value));
      memory = q.whole();
      continue;
    }
    if (name != "nodes" && name != "cpus")
      return bad("unknown setting \"" + std::string(name) + "\"");
    int64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() || number < 1 ||
        number > 10'000) {
      return bad("\"" + std::string(item) + "\" is not a number from 1 to 10000");
    }
    (name == "nodes" ? nodes : cpus) = number;
  }
  return EqualNodes(static_cast<int>(nodes), cpus, memory);
}

SimSwarm::SimSwarm(SimOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {
  state_ = std::make_unique<State>(
      options_.nodes.empty() ? EqualNodes(3, 8, int64_t{16} << 30) : options_.nodes, options_);
  if (options_.threaded) state_->thread = std::thread([this] { Loop(); });
}

SimSwarm::~SimSwarm() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->changed.notify_all();
  }
  if (state_->thread.joinable()) state_->thread.join();
}

void SimSwarm::Loop() {
  std::unique_lock lock(state_->mutex);
  while (!state_->stopping) {
    state_->written = false;
    const SteadyTime next = state_->cluster.RunUntil(clock_.Now(), clock_.WallNow());
    lock.unlock();
    Notify();
    lock.lock();
    // What was written while the lock was free has made `next` stale.
    if (!state_->stopping && !state_->written && next > clock_.Now()) {
      clock_.WaitUntil(state_->changed, lock, next);
    }
  }
}

SteadyTime SimSwarm::RunDue() {
  SteadyTime next;
  {
    const std::lock_guard lock(state_->mutex);
    next = state_->cluster.RunUntil(clock_.Now(), clock_.WallNow());
  }
  Notify();
  return next;
}

// Sends what changed since the last time. With a thread of its own only that thread sends, so that
// a caller's write never runs its own hint.
void SimSwarm::Notify() {
  const std::lock_guard notify(state_->notify_mutex);
  std::vector<Labels> touched;
  sim::Cluster::Room room;
  {
    const std::lock_guard lock(state_->mutex);
    touched = state_->cluster.TakeTouched();
    room = state_->cluster.TakeRoom();
  }
  for (const Labels& labels : touched) {
    if (LabelOf(labels, kLabelDeployment) != options_.deployment ||
        LabelOf(labels, kLabelKind).empty())
      continue;
    const SwarmHint hint{LabelOf(labels, kLabelKind), LabelOf(labels, kLabelNamespace),
                         LabelOf(labels, kLabelName)};
    for (const auto& [id, subscriber] : state_->subscribers) subscriber(hint);
  }
  room.deployments.erase(options_.deployment);
  if (!room.nodes && room.deployments.empty()) return;
  const SwarmHint capacity{std::string(kCapacityHint), "", ""};
  for (const auto& [id, subscriber] : state_->subscribers) subscriber(capacity);
}

template <class F>
auto SimSwarm::Call(const Context& ctx, std::string_view name, bool write, F f) -> decltype(f()) {
  if (ctx.Done() || (write && !ctx.MayWrite()))
    return MakeError(Code::kCancelled, std::string(name) + ": stopped before it began");
  const SimFault fault = options_.fault ? options_.fault(name) : SimFault::kNone;
  return Do(fault, name, write, std::move(f));
}

template <class F>
auto SimSwarm::Do(SimFault fault, std::string_view name, bool write, F f) -> decltype(f()) {
  const std::lock_guard lock(state_->mutex);
  state_->cluster.RunUntil(clock_.Now(), clock_.WallNow());
  if (fault == SimFault::kBefore || !state_->cluster.has_leader())
    return MakeError(Code::kUnavailable, std::string(name) + ": no manager answers (simulated)");
  auto result = f();
  if (write) {
    state_->writes++;
    state_->written = true;
    state_->changed.notify_all();
  }
  if (fault == SimFault::kAfter) {
    return MakeError(write ? Code::kOutcomeUnknown : Code::kUnavailable,
                     std::string(name) + ": the reply was lost (simulated)");
  }
  return result;
}

template <class F, class G>
auto SimSwarm::Read(const Context& ctx, std::string_view name, F now, G past)
    -> Expected<decltype(now())> {
  using Answer = Expected<decltype(now())>;
  if (ctx.Done())
    return MakeError(Code::kCancelled, std::string(name) + ": stopped before it began");
  const SimFault fault = options_.fault ? options_.fault(name) : SimFault::kNone;
  return Do(fault, name, false, [&]() -> Answer {
    if (fault == SimFault::kEmpty) return Answer(decltype(now())());
    return Answer(fault == SimFault::kStale ? past(state_->remembered) : now());
  });
}

void SimSwarm::Remember() {
  const std::lock_guard lock(state_->mutex);
  sim::Cluster& cluster = state_->cluster;
  cluster.RunUntil(clock_.Now(), clock_.WallNow());
  Lists lists;
  for (const std::string& uid : cluster.Uids())
    lists.by_uid[uid] = cluster.Observe(options_.deployment, uid);
  lists.services = Services();
  lists.tasks = cluster.Tasks();
  lists.usage = cluster.Usage(options_.deployment);
  lists.networks = Networks();
  lists.nodes = cluster.Nodes();
  lists.subnets = cluster.Subnets();
  lists.secrets = Secrets();
  state_->remembered = std::move(lists);
}

// ---- what is this deployment's, under the lock

std::vector<SwarmService> SimSwarm::Services() const {
  return state_->cluster.Services([&](const SwarmServiceSpec& spec) {
    return LabelOf(spec.labels, kLabelDeployment) == options_.deployment;
  });
}

std::vector<SwarmNetwork> SimSwarm::Networks() const {
  std::vector<SwarmNetwork> networks = state_->cluster.Networks();
  std::erase_if(networks, [&](const SwarmNetwork& n) {
    return LabelOf(n.spec.labels, kLabelDeployment) != options_.deployment;
  });
  return networks;
}

std::vector<SwarmSecret> SimSwarm::Secrets() const {
  std::vector<SwarmSecret> secrets = state_->cluster.Secrets();
  std::erase_if(secrets, [&](const SwarmSecret& s) {
    return LabelOf(s.labels, kLabelDeployment) != options_.deployment;
  });
  return secrets;
}

// ---- the port

Expected<Observation> SimSwarm::Observe(const Context& ctx, const std::string& uid) {
  return Read(
      ctx, "Observe", [&] { return state_->cluster.Observe(options_.deployment, uid); },
      [&](const Lists& past) {
        const auto it = past.by_uid.find(uid);
        return it == past.by_uid.end() ? Observation() : it->second;
      });
}

Expected<std::vector<SwarmService>> SimSwarm::ListServices(const Context& ctx) {
  return Read(
      ctx, "ListServices", [&] { return Services(); },
      [](const Lists& past) { return past.services; });
}

Expected<std::vector<SwarmTask>> SimSwarm::ListTasks(const Context& ctx) {
  return Read(
      ctx, "ListTasks", [&] { return state_->cluster.Tasks(); },
      [](const Lists& past) { return past.tasks; });
}

Expected<std::vector<SwarmNetwork>> SimSwarm::ListNetworks(const Context& ctx) {
  return Read(
      ctx, "ListNetworks", [&] { return Networks(); },
      [](const Lists& past) { return past.networks; });
}

Expected<std::vector<SwarmNode>> SimSwarm::ListNodes(const Context& ctx) {
  return Read(
      ctx, "ListNodes", [&] { return state_->cluster.Nodes(); },
      [](const Lists& past) { return past.nodes; });
}

Expected<std::vector<SwarmUsage>> SimSwarm::Usage(const Context& ctx) {
  return Read(
      ctx, "Usage", [&] { return state_->cluster.Usage(options_.deployment); },
      [](const Lists& past) { return past.usage; });
}

std::vector<Expected<std::string>> SimSwarm::CreateServices(
    const Context& ctx, std::span<const SwarmServiceSpec> specs) {
  std::vector<Expected<std::string>> results;
  for (const SwarmServiceSpec& spec : specs) {
    results.push_back(
        Call(ctx, "CreateService", true, [&] { return state_->cluster.CreateService(spec); }));
  }
  return results;
}

Expected<void> SimSwarm::UpdateService(const Context& ctx, const std::string& id, uint64_t version,
                                       const SwarmServiceSpec& spec) {
  return Call(ctx, "UpdateService", true,
              [&] { return state_->cluster.UpdateService(id, version, spec); });
}

std::vector<Expected<void>> SimSwarm::RemoveServices(const Context& ctx,
                                                     std::span<const std::string> ids) {
  std::vector<Expected<void>> results;
  for (const std::string& id : ids) {
    results.push_back(Call(ctx, "RemoveService", true, [&]() -> Expected<void> {
      auto removed = state_->cluster.RemoveService(id);
      if (!removed.ok() && removed.error().code != Code::kNotFound) return removed;
      return {};
    }));
  }
  return results;
}

Expected<SwarmService> SimSwarm::FindService(const Context& ctx, const std::string& name) {
  return Call(ctx, "FindService", false, [&]() -> Expected<SwarmService> {
    if (const SwarmService* service = state_->cluster.FindService(name)) return *service;
    return MakeError(Code::kNotFound, "service " + name + " not found");
  });
}

Expected<std::string> SimSwarm::CreateNetwork(const Context& ctx, const SwarmNetworkSpec& spec) {
  return Call(ctx, "CreateNetwork", true, [&] { return state_->cluster.CreateNetwork(spec); });
}

Expected<void> SimSwarm::RemoveNetwork(const Context& ctx, const std::string& id) {
  return Call(ctx, "RemoveNetwork", true, [&]() -> Expected<void> {
    auto removed = state_->cluster.RemoveNetwork(id);
    if (!removed.ok() && removed.error().code != Code::kNotFound) return removed;
    return {};
  });
}

Expected<std::vector<std::string>> SimSwarm::ListSubnets(const Context& ctx) {
  return Read(
      ctx, "ListSubnets", [&] { return state_->cluster.Subnets(); },
      [](const Lists& past) { return past.subnets; });
}

Expected<std::vector<SwarmSecret>> SimSwarm::ListSecrets(const Context& ctx) {
  return Read(
      ctx, "ListSecrets", [&] { return Secrets(); },
      [](const Lists& past) { return past.secrets; });
}

Expected<std::string> SimSwarm::CreateSecret(const Context& ctx, const std::string& name,
                                             const Labels& labels, std::string_view data) {
  return Call(ctx, "CreateSecret", true,
              [&] { return state_->cluster.CreateSecret(name, labels, data); });
}

Expected<void> SimSwarm::RemoveSecret(const Context& ctx, const std::string& id) {
  return Call(ctx, "RemoveSecret", true, [&]() -> Expected<void> {
    auto removed = state_->cluster.RemoveSecret(id);
    if (!removed.ok() && removed.error().code != Code::kNotFound) return removed;
    return {};
  });
}

Expected<void> SimSwarm::Logs(const Context& ctx, const LogQuery& query, const LogSink& sink) {
  size_t sent = 0;
  bool live = true;
  for (bool first = true;; first = false) {
    std::vector<sim::Cluster::LogLine> lines;
    ZOE_TRY(Call(ctx, "Logs", false, [&]() -> Expected<void> {
      if (!state_->cluster.GetService(query.service_id))
        return MakeError(Code::kNotFound, "service " + query.service_id + " not found");
      lines = state_->cluster.Logs(query.service_id);
      live = state_->cluster.MayPrint(query);
      return {};
    }));
    std::erase_if(lines, [&](const auto& line) {
      return (query.slot != 0 && line.slot != query.slot) ||
             (!query.task_id.empty() && line.task_id != query.task_id);
    });
    if (first && query.tail &&
        lines.size() > static_cast<size_t>(std::max<int64_t>(0, *query.tail))) {
      sent = lines.size() - static_cast<size_t>(std::max<int64_t>(0, *query.tail));
    }
    for (; sent < lines.size(); ++sent) {
      const std::string stamp = query.timestamps ? FormatTime(lines[sent].time) + " " : "";
      if (!sink(stamp + lines[sent].text + "\n")) return {};
    }
    if (!query.follow || !live || ctx.Done()) return {};
    std::unique_lock lock(state_->mutex);
    if (!state_->cluster.GetService(query.service_id)) return {};
    clock_.WaitUntil(state_->changed, lock, std::min(ctx.deadline, clock_.Now() + Duration(200)));
    if (ctx.Done() || !state_->cluster.GetService(query.service_id)) return {};
  }
}

Expected<std::unique_ptr<ExecSession>> SimSwarm::Exec(const Context&, const ExecRequest&) {
  return MakeError(Code::kUnavailable, "the simulated Swarm runs no programs");
}

Expected<std::unique_ptr<SwarmWatch>> SimSwarm::Subscribe(
    std::function<void(const SwarmHint&)> on_hint) {
  const std::lock_guard lock(state_->notify_mutex);
  const int id = state_->next_subscriber++;
  state_->subscribers[id] = std::move(on_hint);
  return std::unique_ptr<SwarmWatch>(std::make_unique<Handle>(*state_, id));
}

void SimSwarm::ExpectChanges(Duration) {}  // every change is told anyway

Expected<void> SimSwarm::Ping(const Context& ctx) {
  return Call(ctx, "Ping", false, []() -> Expected<void> { return {}; });
}

void SimSwarm::With(const std::function<void(sim::Cluster&)>& act) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->cluster.RunUntil(clock_.Now(), clock_.WallNow());
    act(state_->cluster);
    state_->written = true;
    state_->changed.notify_all();
  }
  if (!options_.threaded) Notify();
}

int SimSwarm::writes() const { return state_->writes; }

std::unique_ptr<SimSwarm> MakeSimSwarm(SimOptions options, const Clock& clock) {
  return std::make_unique<SimSwarm>(std::move(options), clock);
}

}  // namespace zoe
