#include "test/sim/process.h"

#include <algorithm>

#include "test/sim/guarded.h"

namespace zoe::sim_test {
namespace {

constexpr Duration kFlushAgain{1'000}, kReadAgain{100};

}  // namespace

Process::Process(Outside outside)
    : clock_(outside.clock),
      client_(std::move(outside.store)),
      guarded_(MakeGuardedStore(*client_, outside.number, outside.guard)),
      swarm_(MakeGuardedSwarm(outside.swarm, outside.number, outside.guard,
                              [this](Hint on_hint) -> Hint {
                                hints_.push_back(on_hint);
                                return [this, alive = std::weak_ptr(alive_),
                                        on_hint = std::move(on_hint)](const SwarmHint& hint) {
                                  if (!alive.expired() && !deaf_) on_hint(hint);
                                };
                              })),
      failures_(metrics_.CounterOf("zoe_informer_failures_total", "Reads that the store refused.")),
      guard_(cache_, metrics_, outside.identity),
      store_(zoe::MakeGuardedStore(*guarded_, guard_)),
      informer_(*store_, cache_, clock_, metrics_,
                [this](bool known) { guard_.OnIdentity(known); }),
      events_(store_->ForLeader(), clock_, metrics_),
      networks_(*swarm_, {.pool = {*ParseSubnet("10.192.0.0/16")},
                          .store_id = [this] { return StoreIdOf(cache_); }}),
      executions_({*swarm_, outside.files, cache_, networks_}, {.queued = true}),
      users_(cache_, store_->ForLeader(), *swarm_, networks_),
      workspaces_(outside.files, cache_, {.measure_interval = std::chrono::hours(24)}),
      gateways_(*swarm_, store_->ForLeader(), cache_, networks_, {}),
      sweeper_(cache_, store_->ForLeader(), *swarm_, "zoe", {&metrics_, &events_}),
      garbage_(cache_, store_->ForLeader()),
      schedule_(cache_, store_->ForLeader(), *swarm_, {metrics_, events_}, {}) {
  const ControllerPorts ports{store_->ForLeader(), cache_, *swarm_, clock_, metrics_, events_};
  using Related = void (*)(const Cache&, const CacheEvent&, std::vector<Key>&);
  const auto run = [&](const char* kind, Reconciler& reconciler, Related related) {
    ControllerOptions options{.name = kind, .kind = kind, .seed = outside.seed};
    options.related = [this, related](const CacheEvent& event, std::vector<Key>& keys) {
      related(cache_, event, keys);
    };
    controllers_.push_back(std::make_unique<Controller>(options, reconciler, ports));
  };
  run("Execution", executions_, ExecutionsConcernedBy);
  run("User", users_, UserReconciler::Related);
  run("Workspace", workspaces_, AddConcernedWorkspaces);
  run("Gateway", gateways_, GatewayReconciler::Related);
  controllers_.push_back(std::make_unique<Controller>(
      ControllerOptions{
          .name = "garbage",
          .related = [this](const CacheEvent& event,
                            std::vector<Key>& keys) { garbage_.Related(event, keys); },
          .all = [this](std::vector<Key>& keys) { garbage_.All(keys); },
          .seed = outside.seed},
      garbage_, ports));
  controllers_.push_back(std::make_unique<Controller>(
      ControllerOptions{.name = "sweep", .only = Sweeper::SweepKey(), .seed = outside.seed},
      sweeper_, ports));
  controllers_.push_back(std::make_unique<Controller>(
      ControllerOptions{.name = "schedule",
                        .only = ScheduleLoop::Key(),
                        .related = ScheduleLoop::Related,
                        .hinted = [this](const SwarmHint& hint) { return schedule_.Hears(hint); },
                        .seed = outside.seed},
      schedule_, ports));
  std::vector<LeaderCallback> loops;
  for (const auto& controller : controllers_)
    loops.push_back([&loop = *controller](SteadyTime until) { loop.SetLease(until); });
  guard_.SetLoops(std::move(loops));
  campaign_ = *client_->Campaign("controller-" + std::to_string(outside.number),
                                 [this](SteadyTime until) { guard_.SetLease(until); });
}

Process::~Process() = default;

bool Process::Loops() {
  bool did = false;
  for (const auto& controller : controllers_) {
    if (!dead) did |= controller->Step();
  }
  if (!dead && clock_.Now() >= flush_at_)
    flush_at_ = events_.Flush() ? SteadyTime{} : clock_.Now() + kFlushAgain;
  return did;
}

bool Process::Step() {
  bool did = client_->Pump();
  const double failures = failures_.value();
  while (!dead && informer_.PumpOnce()) {
    did = true;
    refused_ = false;
  }
  refused_ |= failures_.value() != failures;
  return Loops() || did;
}

bool Process::StepBlindly() { return Loops(); }

SteadyTime Process::NextDue() const {
  SteadyTime next = client_->NextDue();
  if (refused_) next = std::min(next, clock_.Now() + kReadAgain);
  if (flush_at_ > clock_.Now()) next = std::min(next, flush_at_);
  for (const auto& controller : controllers_) next = std::min(next, controller->NextDue());
  return next;
}

void Process::HearOfSwarm(const SwarmHint& hint) {
  for (const Hint& on_hint : hints_) on_hint(hint);
}

void Process::EnqueueAll() {
  for (const auto& controller : controllers_) controller->EnqueueAll();
}

}  // namespace zoe::sim_test
