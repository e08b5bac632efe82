#include "test/sim/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "apis/memory/memory_store.h"
#include "controller/cache/informer.h"
#include "controller/loop/controller.h"
#include "reconcilers/execution/execution_reconciler.h"
#include "reconcilers/execution/service_spec.h"
#include "reconcilers/gateway/gateway_reconciler.h"
#include "reconcilers/namespace/network.h"
#include "reconcilers/sweep/sweeper.h"
#include "reconcilers/user/user_reconciler.h"
#include "reconcilers/workspace/workspace_reconciler.h"
#include "specs/codec/value.h"
#include "specs/v1/event.h"
#include "specs/v1/kinds.h"
#include "specs/v1/template.h"
#include "test/memory_files.h"
#include "test/sim/fickle_swarm.h"
#include "test/sim/read.h"

namespace zoe::sim_test {
namespace {

// The spec that stands in `yaml`.
template <class T>
typename T::Spec ParseSpec(const std::string& kind, const std::string& yaml) {
  std::istringstream lines(yaml);
  std::string document = "apiVersion: zoe/v1\nkind: " + kind + "\nmetadata: {name: x" +
                         (kind == "User" ? "" : ", namespace: alice") + "}\nspec:\n";
  for (std::string line; std::getline(lines, line);) document += "  " + line + "\n";
  const auto parsed = codec::ParseYaml(document);
  if (!parsed.ok()) throw std::runtime_error(parsed.error().ToString());
  const auto decoded = v1::Decode(parsed->at(0));
  if (!decoded.ok()) throw std::runtime_error(decoded.error().ToString());
  return static_cast<const T&>(*decoded->object).spec;
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
  Expected<std::vector<Candidate>> Candidates() override { return inner_.Candidates(); }
  Store& ForLeader() override { return *this; }
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
        networks(*world.swarm_, {.pool = {*ParseSubnet("10.192.0.0/16")}}),
        executions({*world.swarm_, *world.files_, cache, networks}, {}),
        users(cache, *world.guarded_, *world.swarm_, networks),
        workspaces(*world.files_, cache, {.measure_interval = std::chrono::hours(24)}),
        gateways(*world.swarm_, *world.guarded_, cache, networks, {}),
        sweeper(cache, *world.guarded_, *world.swarm_, "zoe") {
    Add(world, seed, "Execution", executions, ExecutionsConcernedBy);
    Add(world, seed, "User", users, UserReconciler::Related);
    Add(world, seed, "Workspace", workspaces, AddConcernedWorkspaces);
    Add(world, seed, "Gateway", gateways, GatewayReconciler::Related);
    controllers.push_back(std::make_unique<Controller>(
        ControllerOptions{.name = "sweep", .only = Sweeper::SweepKey(), .seed = seed}, sweeper,
        Ports(world)));
    for (const auto& controller : controllers) controller->SetLease(SteadyTime::max());
  }
  ControllerPorts Ports(World& world) {
    return {*world.guarded_, cache, *world.swarm_, world.clock, metrics, events};
  }
  using Related = void (*)(const Cache&, const CacheEvent&, std::vector<Key>&);
  void Add(World& world, uint64_t seed, const char* kind, Reconciler& reconciler, Related related) {
    ControllerOptions options{.name = kind, .kind = kind, .seed = seed};
    options.related = [this, related](const CacheEvent& event, std::vector<Key>& keys) {
      related(cache, event, keys);
    };
    controllers.push_back(std::make_unique<Controller>(options, reconciler, Ports(world)));
  }

  Metrics metrics;
  Cache cache;
  Informer informer;
  EventRecorder events;
  Networks networks;
  ExecutionReconciler executions;
  UserReconciler users;
  WorkspaceReconciler workspaces;
  GatewayReconciler gateways;
  Sweeper sweeper;
  std::vector<std::unique_ptr<Controller>> controllers;
};

World::World(Fault fault, uint64_t seed, Luck luck)
    : fault_(fault), seed_(seed), luck_(luck), store_(MakeMemoryStore({.threaded = false})) {
  guarded_ = std::make_unique<GuardedStore>(*this);
  SimOptions options;
  options.threaded = false;
  options.fault = [this](std::string_view call) { return GuardSwarm(call); };
  swarm_ = std::make_unique<FickleSwarm>(options, clock, luck_.hints, random_);
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

World::~World() { engine_.reset(); }  // its watches are the Swarm's

void World::Restart() {
  engine_.reset();
  swarm_->ForgetLate();
  dead_ = false;
  engine_ = std::make_unique<Engine>(*this, seed_ + static_cast<uint64_t>(starts_++));
}

SimFault World::Guard(bool write) {
  if (dead_) return SimFault::kBefore;
  if (!write) return SimFault::kNone;
  Fault::Kind kind = ++writes_ == fault_.at_write ? fault_.kind : Fault::Kind::kNone;
  if (luck_.faults > 0 && std::uniform_real_distribution<>()(random_) < luck_.faults)
    kind = static_cast<Fault::Kind>(1 + random_() % 3);
  switch (kind) {
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
    v1::Execution execution = *Load<v1::Execution>(*store_, KeyOf(name));
    execution.spec = ParseSpec<v1::Execution>("Execution", spec);
    ++execution.meta.generation;
    ASSERT_TRUE(store_
                    ->Replace(KeyOf(name), record->revision,
                              v1::EncodeJson(*v1::FindKind("Execution"), execution))
                    .ok());
    return;
  }
  v1::Execution execution;
  execution.meta.name = KeyOf(name).name;
  execution.meta.ns = KeyOf(name).ns;
  execution.meta.uid = "uid-" + std::to_string(++uids_);
  execution.meta.generation = 1;
  execution.meta.creation_timestamp = clock.WallNow();
  execution.meta.finalizers = {std::string(v1::kExecutionFinalizer)};
  execution.spec = ParseSpec<v1::Execution>("Execution", spec);
  ASSERT_TRUE(
      store_->Create(KeyOf(name), v1::EncodeJson(*v1::FindKind("Execution"), execution)).ok());
}

void World::Annotate(const std::string& name, std::string_view annotation,
                     const std::string& value) {
  const auto record = store_->Get(KeyOf(name));
  ASSERT_TRUE(record.ok());
  v1::Execution execution = *Load<v1::Execution>(*store_, KeyOf(name));
  execution.meta.annotations[std::string(annotation)] = value;
  ASSERT_TRUE(store_
                  ->Replace(KeyOf(name), record->revision,
                            v1::EncodeJson(*v1::FindKind("Execution"), execution))
                  .ok());
}

void World::ApplyUser(const std::string& name, const std::string& spec) {
  const Key key{"User", "", name};
  const v1::Kind& kind = *v1::FindKind("User");
  const auto record = store_->Get(key);
  v1::User user;
  if (record.ok()) {
    user = *Load<v1::User>(*store_, key);
  } else {
    user.meta.name = name;
    user.meta.uid = "uid-" + std::to_string(++uids_);
    user.meta.creation_timestamp = clock.WallNow();
    user.meta.finalizers = {std::string(v1::kUserFinalizer)};
  }
  ++user.meta.generation;
  user.spec = ParseSpec<v1::User>("User", spec);
  if (!user.spec.uid) user.spec.uid = user.spec.gid = 1'000;
  users_.insert(name);
  const std::string bytes = v1::EncodeJson(kind, user);
  ASSERT_TRUE(
      (record.ok() ? store_->Replace(key, record->revision, bytes) : store_->Create(key, bytes))
          .ok());
}

void World::Delete(const std::string& name) { Delete(KeyOf(name)); }

void World::Delete(const Key& key) {
  const auto record = store_->Get(key);
  if (!record.ok()) return;
  const v1::Kind& kind = *v1::FindKind(key.kind);
  const std::shared_ptr<ObjectBase> object = *v1::DecodeStored(kind, record->bytes);
  if (object->meta.deletion_timestamp) return;
  object->meta.deletion_timestamp = clock.WallNow();
  ++object->meta.generation;
  ASSERT_TRUE((object->meta.finalizers.empty()
                   ? store_->Delete(key, record->revision)
                   : store_->Replace(key, record->revision, v1::EncodeJson(kind, *object)))
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

void World::RemoveNetworkByHand(const std::string& ns) {
  swarm_->With([&](sim::Cluster& cluster) {
    for (const SwarmService& s : cluster.Services([&](const auto& spec) {
           return LabelOf(spec, kLabelKind) == "Gateway" && LabelOf(spec, kLabelNamespace) == ns;
         }))
      (void)cluster.RemoveService(s.id);
    for (const SwarmNetwork& n : cluster.Networks()) {
      if (n.spec.name == NetworkName("zoe", ns)) (void)cluster.RemoveNetwork(std::string(n.id));
    }
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
  swarm_->TellLate();
  while (!dead_ && engine_->informer.PumpOnce()) did = true;
  for (const auto& controller : engine_->controllers) {
    if (!dead_) did |= controller->Step();
  }
  if (!dead_) (void)engine_->events.Flush();
  if (dead_) {
    Restart();
    did = true;
  }
  if (writes_ != checked_) CheckInvariants();
  checked_ = writes_;
  return did;
}

void World::EnqueueAll() {
  for (const auto& controller : engine_->controllers) controller->EnqueueAll();
}

Place World::PlaceIn(const std::string& ns) const { return PlaceOf(engine_->cache, ns); }

void World::Run(Duration d) {
  const SteadyTime target = clock.Now() + d;
  for (int steps = 0; steps < 200'000; ++steps) {
    if (Step()) continue;
    SteadyTime next = swarm_->RunDue();
    for (const auto& controller : engine_->controllers)
      next = std::min(next, controller->NextDue());
    if (next > target) return clock.AdvanceTo(target);
    clock.AdvanceTo(std::max(next, clock.Now() + Duration(1)));
  }
  FAIL() << "the control loop does not come to rest";
}

}  // namespace zoe::sim_test
