#include "test/sim/world.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "test/memory_files.h"
#include "test/sim/chance.h"
#include "test/sim/guarded.h"
#include "test/sim/process.h"
#include "test/sim/users.h"

namespace zoe::sim_test {
namespace {

constexpr const char* kFaultNames[] = {"none", "crash", "lost", "unavailable"};
// Steps in a row in which no time passes.
constexpr int kTooManySteps = 20'000;

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

class World::Guard : public CallGuard {
 public:
  explicit Guard(World& world) : world_(world) {}
  Verdict Before(const Call& call) override { return world_.BeforeCall(call); }
  void InFlight(const Call& call) override { world_.InFlight(call); }
  bool After(const Call& call, const Error* error) override {
    return world_.AfterCall(call, error);
  }

 private:
  World& world_;
};

World::Machine::Machine(const Clock& world) : clock(world) {}

World::Machine::~Machine() = default;

World::World(const WorldOptions& options)
    : options_(options),
      luck_(options.luck),
      random_(options.seed),
      ensemble_(clock, options.session_timeout),
      people_(std::make_unique<Users>(ensemble_, clock, options.admission)),
      guard_(std::make_unique<Guard>(*this)) {
  SeedChance(options.seed);
  identity_ = *EnsureStoreInfo(truth(), clock.WallNow());
  SimOptions swarm;
  swarm.threaded = false;
  swarm.nodes = options.nodes;
  swarm.fault = [this](std::string_view) { return swarm_answers_; };
  swarm_ = std::make_unique<FickleSwarm>(swarm, clock, luck_.hints, random_);
  files_ = std::make_unique<MemoryFiles>();
  swarm_->With([this](sim::Cluster& cluster) {
    SwarmServiceSpec spec;
    spec.name = "stranger";
    spec.image = "their/image";
    stranger_id_ = *cluster.CreateService(spec);
    (void)*cluster.CreateNetwork({.name = "theirs"});
  });
  for (int i = 0; i < options.controllers; ++i) {
    machines_.push_back(std::make_unique<Machine>(clock));
    Start(*machines_.back());
  }
}

World::~World() { machines_.clear(); }  // their watches are the Swarm's

// ---- processes

World::Machine* World::Resolve(int i) {
  if (i == kCalling) return frames_.empty() ? nullptr : frames_.back()->machine;
  const auto number = static_cast<size_t>(i);
  if (i >= 0) return number < machines_.size() ? machines_[number].get() : nullptr;
  const int session = ensemble_.Leader();
  for (const auto& machine : machines_) {
    if (machine->process && session != 0 && machine->process->client().session() == session)
      return machine.get();
  }
  return nullptr;
}

World::Machine* World::Up(int i) {
  Machine* machine = Resolve(i);
  return machine != nullptr && machine->process && !machine->process->dead ? machine : nullptr;
}

int World::NumberOf(const Machine& machine) const {
  const auto it =
      std::ranges::find_if(machines_, [&](const auto& one) { return one.get() == &machine; });
  return static_cast<int>(it - machines_.begin());
}

void World::Start(Machine& machine) {
  // The session of the process before is found on the machine's disk.
  if (machine.old_session != 0) ensemble_.EndSession(std::exchange(machine.old_session, 0));
  machine.stopping = false;
  machine.process = std::make_unique<Process>(
      Process::Outside{NumberOf(machine), *guard_, ensemble_.Connect(options_.feed_delay), *swarm_,
                       *files_, machine.clock, options_.seed + static_cast<uint64_t>(starts_++)});
  machine.api = std::make_unique<Api>(machine.process->store(), machine.process->cache(),
                                      machine.clock, options_.admission);
}

void World::Bury(Machine& machine, bool killed) {
  if (killed) {
    machine.old_session = machine.process->client().session();
    machine.process->client().Abandon();
  }
  machine.api.reset();
  machine.process.reset();
  machine.starts_at = clock.Now() + std::exchange(machine.down, Duration(0));
  machine.paused_until = {};
}

void World::SetWires(Machine& machine) {
  SimStore& client = machine.process->client();
  const SteadyTime now = clock.Now();
  client.SetCut(now < machine.cut_until);
  client.SetLagging(now < machine.lags_until);
  client.SetAlone(now < machine.alone_until);
  const bool deaf = now < std::max(machine.deaf_until, swarm_away_until_);
  if (machine.process->SetDeaf(deaf) && !deaf) machine.process->HearOfSwarm({});
}

bool World::StepMachine(Machine& machine) {
  if (machine.stepping) return false;
  if (machine.process && machine.process->dead) Bury(machine, true);
  if (!machine.process) {
    if (clock.Now() < machine.starts_at) return false;
    Start(machine);
    return true;
  }
  SetWires(machine);
  SimStore& client = machine.process->client();
  const bool was_paused = client.paused(), paused = clock.Now() < machine.paused_until;
  client.SetPaused(paused);
  if (paused) return false;
  machine.stepping = true;
  const bool did = was_paused ? machine.process->StepBlindly() : machine.process->Step();
  machine.stepping = false;
  if (!machine.process->dead && !machine.stopping) return did || was_paused;
  Bury(machine, machine.process->dead);
  return true;
}

// ---- time

bool World::Step() {
  while (!agenda_.empty() && agenda_.begin()->first <= clock.Now()) {
    const auto act = std::move(agenda_.begin()->second);
    agenda_.erase(agenda_.begin());
    act();
  }
  ensemble_.SetQuorum(clock.Now() >= away_until_);
  ensemble_.RunDue();
  swarm_->RunDue();
  swarm_->TellLate();
  bool did = false;
  for (const auto& machine : machines_) did |= StepMachine(*machine);
  CheckInvariants();
  return did;
}

SteadyTime World::NextDue() {
  const SteadyTime now = clock.Now();
  SteadyTime next = std::min(swarm_->RunDue(), ensemble_.RunDue());
  const auto at = [&](SteadyTime when) {
    if (when > now) next = std::min(next, when);
  };
  if (!agenda_.empty()) next = std::min(next, agenda_.begin()->first);
  at(away_until_);
  at(swarm_away_until_);
  for (const auto& machine : machines_) {
    if (!machine->process) {
      next = std::min(next, machine->starts_at);
      continue;
    }
    for (const SteadyTime until :
         {machine->cut_until, machine->lags_until, machine->alone_until, machine->deaf_until})
      at(until);
    if (now < machine->paused_until) {
      next = std::min(next, machine->paused_until);
    } else if (!machine->stepping) {
      next = std::min(next, machine->process->NextDue());
    }
  }
  return next;
}

void World::RunWhile(const std::function<SteadyTime()>& target) {
  for (int steps = 0; steps < kTooManySteps; ++steps) {
    if (target() < clock.Now()) return;
    if (Step()) continue;
    const SteadyTime end = target(), next = NextDue();
    if (next > end) return clock.AdvanceTo(end);
    const SteadyTime before = clock.Now();
    clock.AdvanceTo(std::max(next, before + Duration(1)));
    steps = 0;
  }
  FAIL() << "the control loop does not come to rest";
}

void World::Run(Duration d) {
  RunWhile([end = clock.Now() + d] { return end; });
}

bool World::RunUntil(const std::function<bool()>& done, Duration d) {
  const SteadyTime end = clock.Now() + d;
  RunWhile([&] { return done() ? clock.Now() - Duration(1) : end; });
  return done();
}

void World::Settle() {
  EndFaults();
  Run(std::chrono::minutes(30));
}

void World::EnqueueAll() {
  for (const auto& machine : machines_) {
    if (machine->process) machine->process->EnqueueAll();
  }
}

int World::Leader() const {
  const int session = ensemble_.Leader();
  for (size_t i = 0; i < machines_.size(); ++i) {
    if (machines_[i]->process && session != 0 &&
        machines_[i]->process->client().session() == session)
      return static_cast<int>(i);
  }
  return kAny;
}

}  // namespace zoe::sim_test
