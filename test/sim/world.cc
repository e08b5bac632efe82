#include "test/sim/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "apis/memory/memory_store.h"
#include "controller/cache/informer.h"
#include "controller/loop/controller.h"
#include "reconcilers/execution/execution_reconciler.h"
#include "reconcilers/execution/service_spec.h"
#include "reconcilers/sweep/sweeper.h"
#include "specs/codec/value.h"
#include "specs/v1/event.h"
#include "specs/v1/kinds.h"
#include "specs/v1/template.h"
#include "test/memory_files.h"

namespace zoe::sim_test {
namespace {

constexpr const char* kNamespace = "alice";

const v1::Kind& ExecutionKind() { return *v1::FindKind("Execution"); }

Key KeyOf(const std::string& name) { return {"Execution", kNamespace, name}; }

v1::Execution Decode(const Record& record) {
  auto object = v1::DecodeStored(ExecutionKind(), record.bytes);
  if (!object.ok()) throw std::runtime_error(object.error().ToString());
  return static_cast<const v1::Execution&>(**object);
}

v1::ExecutionSpec ParseSpec(const std::string& yaml) {
  std::istringstream lines(yaml);
  std::string document =
      "apiVersion: zoe/v1\nkind: Execution\nmetadata: {name: x, namespace: alice}\nspec:\n";
  for (std::string line; std::getline(lines, line);) document += "  " + line + "\n";
  const auto parsed = codec::ParseYaml(document);
  if (!parsed.ok()) throw std::runtime_error(parsed.error().ToString());
  const auto decoded = v1::Decode(parsed->at(0));
  if (!decoded.ok()) throw std::runtime_error(decoded.error().ToString());
  return static_cast<const v1::Execution&>(*decoded->object).spec;
}

std::string LabelOf(const SwarmServiceSpec& spec, std::string_view label) {
  const auto it = spec.labels.find(std::string(label));
  return it == spec.labels.end() ? "" : it->second;
}

constexpr const char* kFaultNames[] = {"none", "crash", "lost", "unavailable"};

}  // namespace

std::string Fault::ToString() const {
  return std::string(kFaultNames[static_cast<int>(kind)]) + ":" + std::to_string(at_write);
}

std::optional<Fault> Fault::Parse(const std::string& text) {
  const size_t colon = text.find(':');
  for (int i = 0; colon != std::string::npos && i < 4; ++i) {
    if (text.substr(0, colon) == kFaultNames[i])
      return Fault{static_cast<Kind>(i), std::atoi(text.c_str() + colon + 1)};
  }
  return std::nullopt;
}

// The store as the control loop has it.
class World::GuardedStore : public Store {
 public:
  explicit GuardedStore(World& world) : world_(world), inner_(*world.store_) {}

  Expected<Record> Get(const Key& key) override {
    return Call<Record>(false, [&] { return inner_.Get(key); });
  }
  Expected<Listing> List(std::string_view kind) override {
    return Call<Listing>(false, [&] { return inner_.List(kind); });
  }
  Expected<Revision> Create(const Key& key, std::string bytes) override {
    return Call<Revision>(true, [&] { return inner_.Create(key, std::move(bytes)); });
  }
  Expected<Revision> Replace(const Key& key, Revision expected, std::string bytes) override {
    return Call<Revision>(true, [&] { return inner_.Replace(key, expected, std::move(bytes)); });
  }
  Expected<Revision> Delete(const Key& key, Revision expected) override {
    return Call<Revision>(true, [&] { return inner_.Delete(key, expected); });
  }
  Expected<std::unique_ptr<Watch>> Subscribe(Feed feed) override {
    return inner_.Subscribe(std::move(feed));
  }
  Expected<std::unique_ptr<Watch>> Campaign(std::string identity,
                                            LeaderCallback callback) override {
    return inner_.Campaign(std::move(identity), std::move(callback));
  }
  Expected<void> Ping() override { return {}; }

 private:
  template <class T, class F>
  Expected<T> Call(bool write, F call) {
    const SimFault fault = world_.Guard(write);
    if (fault == SimFault::kBefore)
      return MakeError(Code::kUnavailable, "the store is away (simulated)");
    Expected<T> result = call();
    if (fault == SimFault::kAfter)
      return MakeError(Code::kOutcomeUnknown, "the store's reply was lost (simulated)");
    return result;
  }
  World& world_;
  Store& inner_;
};

// One process.
struct World::Engine {
  Engine(World& world, uint64_t seed)
      : informer(*world.guarded_, cache, world.clock, metrics),
        events(*world.guarded_, world.clock, metrics),
        reconciler(*world.swarm_, *world.files_, {}),
        sweeper(cache, *world.guarded_, *world.swarm_, "zoe"),
        executions({.name = "execution", .kind = "Execution", .seed = seed}, reconciler,
                   Ports(world)),
        sweeps({.name = "sweep", .only = Sweeper::SweepKey(), .seed = seed}, sweeper,
               Ports(world)) {
    executions.SetLeading(true);
    sweeps.SetLeading(true);
  }
  ControllerPorts Ports(World& world) {
    return {*world.guarded_, cache, *world.swarm_, world.clock, metrics, events};
  }

  Metrics metrics;
  Cache cache;
  Informer informer;
  EventRecorder events;
  ExecutionReconciler reconciler;
  Sweeper sweeper;
  Controller executions, sweeps;
};

World::World(Fault fault, uint64_t seed)
    : fault_(fault), seed_(seed), store_(MakeMemoryStore({.threaded = false})) {
  guarded_ = std::make_unique<GuardedStore>(*this);
  SimOptions options;
  options.threaded = false;
  options.fault = [this](std::string_view call) { return GuardSwarm(call); };
  swarm_ = std::make_unique<SimSwarm>(options, clock);
  files_ = std::make_unique<MemoryFiles>();
  swarm_->With([this](sim::Cluster& cluster) {
    SwarmServiceSpec spec;
    spec.name = "stranger";
    spec.image = "their/image";
    stranger_id_ = *cluster.CreateService(spec);
    (void)*cluster.CreateNetwork({.name = "theirs"});
  });
  Restart();
}

World::~World() { engine_.reset(); }

void World::Restart() {
  engine_.reset();
  dead_ = false;
  engine_ = std::make_unique<Engine>(*this, seed_ + static_cast<uint64_t>(starts_++));
}

SimFault World::Guard(bool write) {
  if (dead_) return SimFault::kBefore;
  if (!write || ++writes_ != fault_.at_write) return SimFault::kNone;
  switch (fault_.kind) {
    case Fault::Kind::kNone:
      return SimFault::kNone;
    case Fault::Kind::kCrashAfter:
      dead_ = true;
      return SimFault::kNone;
    case Fault::Kind::kReplyLost:
      return SimFault::kAfter;
    case Fault::Kind::kUnavailable:
      return SimFault::kBefore;
  }
  return SimFault::kNone;
}

SimFault World::GuardSwarm(std::string_view call) {
  const bool removes = call.starts_with("Remove");
  const bool write = removes || call.starts_with("Create") || call.starts_with("Update");
  if (removes && !dead_) {
    EXPECT_TRUE(engine_->cache.synced()) << call << " before the store was read";
  }
  return Guard(write);
}

// ---- users and operators

void World::Apply(const std::string& name, const std::string& spec) {
  const auto record = store_->Get(KeyOf(name));
  if (record.ok()) {
    v1::Execution execution = Decode(*record);
    execution.spec = ParseSpec(spec);
    ++execution.meta.generation;
    ASSERT_TRUE(
        store_->Replace(KeyOf(name), record->revision, v1::EncodeJson(ExecutionKind(), execution))
            .ok());
    return;
  }
  v1::Execution execution;
  execution.meta.name = name;
  execution.meta.ns = kNamespace;
  execution.meta.uid = "uid-" + std::to_string(++uids_);
  execution.meta.generation = 1;
  execution.meta.creation_timestamp = clock.WallNow();
  execution.meta.finalizers = {std::string(v1::kExecutionFinalizer)};
  execution.spec = ParseSpec(spec);
  ASSERT_TRUE(store_->Create(KeyOf(name), v1::EncodeJson(ExecutionKind(), execution)).ok());
}

void World::Annotate(const std::string& name, std::string_view annotation,
                     const std::string& value) {
  const auto record = store_->Get(KeyOf(name));
  ASSERT_TRUE(record.ok());
  v1::Execution execution = Decode(*record);
  execution.meta.annotations[std::string(annotation)] = value;
  ASSERT_TRUE(
      store_->Replace(KeyOf(name), record->revision, v1::EncodeJson(ExecutionKind(), execution))
          .ok());
}

void World::Delete(const std::string& name) {
  const auto record = store_->Get(KeyOf(name));
  if (!record.ok()) return;
  v1::Execution execution = Decode(*record);
  if (execution.meta.deletion_timestamp) return;
  execution.meta.deletion_timestamp = clock.WallNow();
  ++execution.meta.generation;
  ASSERT_TRUE(
      store_->Replace(KeyOf(name), record->revision, v1::EncodeJson(ExecutionKind(), execution))
          .ok());
}

void World::Forget(const std::string& name) {
  const auto record = store_->Get(KeyOf(name));
  ASSERT_TRUE(record.ok());
  ASSERT_TRUE(store_->Delete(KeyOf(name), record->revision).ok());
}

std::string World::SwarmName(const std::string& name, const std::string& service) {
  const auto execution = Get(name);
  return execution ? execution::SwarmServiceName("zoe", execution->meta.uid, service) : "";
}

void World::RemoveByHand(const std::string& name, const std::string& service) {
  swarm_->With([&, swarm_name = SwarmName(name, service)](sim::Cluster& cluster) {
    if (const SwarmService* s = cluster.FindService(swarm_name))
      (void)cluster.RemoveService(std::string(s->id));
  });
}

void World::ChangeByHand(const std::string& name, const std::string& service,
                         const std::function<void(SwarmServiceSpec&)>& change) {
  swarm_->With([&, swarm_name = SwarmName(name, service)](sim::Cluster& cluster) {
    const SwarmService* found = cluster.FindService(swarm_name);
    if (found == nullptr) return;
    const SwarmService s = *found;
    SwarmServiceSpec spec = s.spec;
    change(spec);
    (void)cluster.UpdateService(s.id, s.version, spec);
  });
}

void World::EndTask(const std::string& name, const std::string& service, int slot, int exit_code) {
  swarm_->With([&, swarm_name = SwarmName(name, service)](sim::Cluster& cluster) {
    (void)cluster.EndTask(swarm_name, slot, exit_code);
  });
}

// ---- time

bool World::Step() {
  bool did = false;
  swarm_->RunDue();
  while (!dead_ && engine_->informer.PumpOnce()) did = true;
  if (!dead_) did |= engine_->executions.Step();
  if (!dead_) did |= engine_->sweeps.Step();
  if (!dead_) (void)engine_->events.Flush();
  if (dead_) {
    Restart();
    did = true;
  }
  if (writes_ != checked_) CheckInvariants();
  checked_ = writes_;
  return did;
}

void World::Run(Duration d) {
  const SteadyTime target = clock.Now() + d;
  for (int steps = 0; steps < 200'000; ++steps) {
    if (Step()) continue;
    const SteadyTime next =
        std::min({swarm_->RunDue(), engine_->executions.NextDue(), engine_->sweeps.NextDue()});
    if (next > target) return clock.AdvanceTo(target);
    clock.AdvanceTo(std::max(next, clock.Now() + Duration(1)));
  }
  FAIL() << "the control loop does not come to rest";
}

// ---- what is seen

std::optional<v1::Execution> World::Get(const std::string& name) {
  const auto record = store_->Get(KeyOf(name));
  if (!record.ok()) return std::nullopt;
  return Decode(*record);
}

std::string World::Phase(const std::string& name) {
  const auto execution = Get(name);
  return execution ? execution->status.phase : "gone";
}

std::vector<std::string> World::Events() {
  std::vector<std::string> events;
  const auto listing = store_->List("Event");
  for (const Record& record : listing->records) {
    const auto object = v1::DecodeStored(*v1::FindKind("Event"), record.bytes);
    const auto& event = static_cast<const v1::Event&>(**object);
    events.push_back(event.reason + ": " + event.message);
  }
  return events;
}

std::string World::Describe() {
  std::ostringstream out;
  const auto listing = store_->List("Execution");
  for (const Record& record : listing->records) {
    const v1::Execution e = Decode(record);
    out << "execution " << e.meta.name << " " << e.status.phase << " generation "
        << e.status.observed_generation << "\n";
    for (const Condition& c : e.status.conditions)
      out << "  " << c.type << "=" << c.status << " " << c.reason << "\n";
    for (const v1::ServiceStatus& s : e.status.services) {
      out << "  " << s.name << " " << s.ready << "/" << s.total
          << (s.exit_code ? " exit " + std::to_string(*s.exit_code) : "") << "\n";
    }
  }
  std::vector<std::string> lines;
  swarm_->With([&](sim::Cluster& cluster) {
    const std::vector<SwarmTask> tasks = cluster.Tasks();
    for (const SwarmService& s : cluster.Services([](const auto&) { return true; })) {
      const auto running = std::ranges::count_if(tasks, [&](const SwarmTask& t) {
        return t.service_id == s.id && t.state == TaskState::kRunning && !t.node_down;
      });
      lines.push_back("service " + s.spec.name + " " + s.spec.image + " " +
                      std::to_string(running) + "/" + std::to_string(s.spec.replicas));
    }
    for (const SwarmNetwork& n : cluster.Networks()) lines.push_back("network " + n.spec.name);
  });
  std::ranges::sort(lines);
  for (const std::string& line : lines) out << line << "\n";
  return out.str();
}

void World::CheckInvariants() {
  std::set<std::pair<std::string, std::string>> seen;
  swarm_->With([&](sim::Cluster& cluster) {
    const SwarmService* stranger = cluster.GetService(stranger_id_);
    ASSERT_NE(stranger, nullptr) << "a stranger's service was removed";
    EXPECT_EQ(stranger->spec.image, "their/image");
    EXPECT_EQ(stranger->spec.replicas, 0u);
    EXPECT_TRUE(std::ranges::any_of(cluster.Networks(),
                                    [](const SwarmNetwork& n) { return n.spec.name == "theirs"; }));
    for (const SwarmService& s : cluster.Services(
             [](const auto& spec) { return LabelOf(spec, kLabelDeployment) == "zoe"; })) {
      const std::pair identity(LabelOf(s.spec, kLabelUid), LabelOf(s.spec, kLabelService));
      EXPECT_TRUE(seen.insert(identity).second)
          << "two Swarm services for " << identity.first << "/" << identity.second;
    }
  });
  const auto listing = store_->List("Execution");
  for (const Record& record : listing->records) {
    const v1::Execution e = Decode(record);
    int restarts = 0;
    for (const v1::ServiceStatus& s : e.status.services) restarts += s.restarts;
    EXPECT_GE(restarts, restarts_[e.meta.uid]) << "restarts fell";
    restarts_[e.meta.uid] = restarts;
    std::string& end = ends_[e.meta.uid];
    if (!end.empty() && !e.meta.deletion_timestamp) {
      EXPECT_EQ(e.status.phase, end) << "a finished execution came back";
    }
    if (v1::IsFinished(e.status)) end = e.status.phase;
  }
}

void World::ExpectAsDeclared(const v1::Execution& e, const std::vector<SwarmService>& services,
                             const std::vector<SwarmTask>& tasks) {
  if (e.meta.deletion_timestamp || e.spec.suspend) {
    EXPECT_TRUE(services.empty()) << e.meta.name;
    return;
  }
  if (v1::IsFinished(e.status)) {
    for (const SwarmService& s : services) {
      for (const SwarmTask& t : tasks)
        EXPECT_TRUE(t.service_id != s.id || IsTerminal(t.state))
            << e.meta.name << " has ended, a task has not";
    }
    return;
  }
  const auto rendered = v1::RenderServices(e, "zoe");
  ASSERT_TRUE(rendered.ok());
  EXPECT_EQ(e.status.observed_generation, e.meta.generation);
  if (e.status.phase != v1::kRunning) return;
  EXPECT_EQ(services.size(), rendered->size()) << e.meta.name;
  for (const v1::Service& declared : *rendered) {
    const auto it = std::ranges::find_if(services, [&](const SwarmService& s) {
      return LabelOf(s.spec, kLabelService) == declared.name;
    });
    ASSERT_NE(it, services.end()) << e.meta.name << "/" << declared.name;
    const auto status = std::ranges::find_if(
        e.status.services, [&](const v1::ServiceStatus& s) { return s.name == declared.name; });
    ASSERT_NE(status, e.status.services.end());
    const std::string network = it->spec.networks.empty() ? "" : it->spec.networks[0].network_id;
    if (!status->update_failed) {
      EXPECT_EQ(it->spec, execution::ToSwarmService(e, declared, network, {}));
    }
    EXPECT_EQ(it->spec.replicas, static_cast<uint64_t>(declared.replicas.total));
    const auto running = std::ranges::count_if(tasks, [&](const SwarmTask& t) {
      return t.service_id == it->id && t.state == TaskState::kRunning &&
             t.desired_state == TaskState::kRunning && !t.node_down;
    });
    EXPECT_EQ(status->ready, running) << e.meta.name << "/" << declared.name;
  }
}

void World::ExpectAtRest() {
  std::vector<SwarmService> services;
  std::vector<SwarmTask> tasks;
  swarm_->With([&](sim::Cluster& cluster) {
    services =
        cluster.Services([](const auto& spec) { return LabelOf(spec, kLabelDeployment) == "zoe"; });
    tasks = cluster.Tasks();
  });
  const auto listing = store_->List("Execution");
  std::set<std::string> uids;
  for (const Record& record : listing->records) {
    const v1::Execution e = Decode(record);
    uids.insert(e.meta.uid);
    std::vector<SwarmService> own;
    std::ranges::copy_if(services, std::back_inserter(own), [&](const SwarmService& s) {
      return LabelOf(s.spec, kLabelUid) == e.meta.uid;
    });
    ExpectAsDeclared(e, own, tasks);
  }
  for (const SwarmService& s : services)
    EXPECT_TRUE(uids.contains(LabelOf(s.spec, kLabelUid))) << s.spec.name << " belongs to nobody";

  const int before = writes_;
  for (int i = 0; i < 10; ++i) {
    engine_->executions.EnqueueAll();
    engine_->sweeps.EnqueueAll();
    while (Step()) {
    }
  }
  EXPECT_EQ(writes_, before) << "passes over a settled world wrote something";
}

}  // namespace zoe::sim_test
