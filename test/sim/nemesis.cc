// What goes wrong.
#include <gtest/gtest.h>

#include <algorithm>

#include "test/sim/process.h"
#include "test/sim/users.h"
#include "test/sim/world.h"

namespace zoe::sim_test {
namespace {

// When a server without the others gives up: syncLimit of ZooKeeper's usual configuration.
constexpr Duration kAlone{10'000};

}  // namespace

void World::CrashController(int i, Duration down) {
  Machine* machine = Up(i);
  if (machine == nullptr) return;
  machine->process->dead = true;
  machine->down = down;
  if (!machine->stepping) Bury(*machine, true);
}

void World::StopController(int i, Duration down) {
  Machine* machine = Up(i);
  if (machine == nullptr) return;
  machine->stopping = true;
  machine->down = down;
  if (!machine->stepping) Bury(*machine, false);
}

void World::PauseController(int i, Duration d) {
  Machine* machine = Up(i);
  if (machine == nullptr) return;
  const bool stands = machine->stepping && clock.Now() < machine->paused_until;
  machine->paused_until = std::max(machine->paused_until, clock.Now() + d);
  machine->process->client().SetPaused(true);
  if (!machine->stepping || stands) return;
  // It stands in a call, which is under way on our own stack.
  RunWhile([machine] { return machine->paused_until; });
  if (machine->process->dead) return;
  machine->process->client().SetPaused(false);
  SetWires(*machine);
  frames_.back()->excused = true;
}

void World::CutFromStore(int i, Duration d) {
  if (Machine* machine = Up(i)) {
    machine->cut_until = std::max(machine->cut_until, clock.Now() + d);
    SetWires(*machine);
  }
}

// Who can't hear of it still has its lease, which no store cuts short.
void World::ExpireSession(int i) {
  Machine* machine = Up(i);
  if (machine == nullptr || !machine->process->client().Heard()) return;
  ensemble_.EndSession(machine->process->client().session());
  machine->process->client().Pump();
}

void World::LagStore(int i, Duration d) {
  if (Machine* machine = Up(i)) {
    machine->lags_until = std::max(machine->lags_until, clock.Now() + d);
    SetWires(*machine);
  }
}

void World::LoneServer(int i, Duration d) {
  Machine* machine = Up(i);
  if (machine == nullptr) return;
  machine->alone_until = std::max(machine->alone_until, clock.Now() + std::min(d, kAlone));
  SetWires(*machine);
  if (d <= kAlone) return;
  At(kAlone, [this, i = NumberOf(*machine), d, era = era_] {
    if (era == era_) CutFromStore(i, d - kAlone);
  });
}

void World::StoreAway(Duration d) {
  away_until_ = std::max(away_until_, clock.Now() + d);
  ensemble_.SetQuorum(clock.Now() >= away_until_);
}

void World::TrimLog() { ensemble_.TrimLog(); }

void World::CutFromSwarm(int i, Duration d) {
  if (Machine* machine = Up(i)) {
    machine->deaf_until = std::max(machine->deaf_until, clock.Now() + d);
    SetWires(*machine);
  }
}

void World::SwarmLeaderLost(Duration d) {
  swarm_away_until_ = std::max(swarm_away_until_, clock.Now() + d);
  swarm_->With([d](sim::Cluster& cluster) { cluster.LoseLeader(d); });
  for (const auto& machine : machines_) {
    if (machine->process) SetWires(*machine);
  }
}

void World::SwarmAnswers(SimFault how) {
  if (how == SimFault::kStale) swarm_->Remember();
  swarm_answers_ = how;
}

void World::StoreListsEmpty(int i, bool empty) {
  if (Machine* machine = Up(i)) machine->process->client().SetListsEmpty(empty);
}

void World::SkewWallClock(int i, Duration by) {
  if (Machine* machine = Resolve(i)) machine->clock.skew += by;
}

void World::OnCall(CallPoint point, std::function<void()> act) {
  hooks_.push_back({std::move(point), std::move(act)});
}

void World::LoseReply() {
  if (!frames_.empty()) frames_.back()->loses = true;
}

void World::RefuseCall() {
  if (!frames_.empty()) frames_.back()->refused = true;
}

void World::At(Duration from_now, std::function<void()> act) {
  agenda_.emplace(clock.Now() + from_now, std::move(act));
}

void World::EndFaults() {
  ++era_;
  over_ = true;
  swarm_answers_ = SimFault::kNone;
  for (int i = 0; i < options_.controllers; ++i) StoreListsEmpty(i, false);
  luck_ = {};
  hooks_.clear();
  const SteadyTime now = clock.Now();
  away_until_ = std::min(away_until_, now);
  swarm_away_until_ = std::min(swarm_away_until_, now);
  ensemble_.SetQuorum(true);
  for (const auto& machine : machines_) {
    for (SteadyTime* until : {&machine->starts_at, &machine->paused_until, &machine->cut_until,
                              &machine->lags_until, &machine->alone_until, &machine->deaf_until})
      *until = std::min(*until, now);
    machine->down = Duration(0);
    if (machine->process && !machine->process->dead) SetWires(*machine);
  }
}

// ---- around each call

Verdict World::BeforeCall(const Call& call) {
  Machine& machine = *machines_[static_cast<size_t>(call.controller)];
  if (machine.process == nullptr || machine.process->dead) return Verdict::kRefuse;
  ++calls_;
  if (call.name.starts_with("Swarm.Remove")) {
    EXPECT_TRUE(machine.process->cache().synced()) << call.name << " before the store was read";
  }
  auto frame = std::make_unique<Frame>(Frame{&call, &machine});
  frames_.push_back(frame.get());
  if (call.write) {
    DrawFault(*frame);
    last_write_ = call.ToString();
    if (last_write_.find(" Event/") != std::string::npos) ++event_writes_;
  }
  RunHooks(call, CallPoint::kBefore);
  const bool swarm = call.name.starts_with("Swarm.");
  const bool cut = swarm && clock.Now() < std::max(machine.deaf_until, swarm_away_until_);
  if (!machine.process->dead && !frame->refused && !cut) {
    frame.release();  // until AfterCall
    return Verdict::kDo;
  }
  Excuse(call);
  frames_.pop_back();
  return Verdict::kRefuse;
}

void World::DrawFault(Frame& frame) {
  const Fault& fault = options_.fault;
  Fault::Kind kind = ++writes_ == fault.at_write && !over_ ? fault.kind : Fault::Kind::kNone;
  if (luck_.faults > 0 && std::uniform_real_distribution<>()(random_) < luck_.faults)
    kind = static_cast<Fault::Kind>(1 + random_() % 3);
  frame.crashes = kind == Fault::Kind::kCrashAfter;
  frame.loses = kind == Fault::Kind::kReplyLost;
  frame.refused = kind == Fault::Kind::kUnavailable;
}

void World::InFlight(const Call& call) {
  if (call.write && call.name.starts_with("Swarm.")) {
    EXPECT_EQ(ensemble_.Leader(), frames_.back()->machine->process->client().session())
        << call.ToString() << " by controller " << call.controller
        << ", which does not lead any more";
  }
  RunHooks(call, CallPoint::kInFlight);
}

bool World::AfterCall(const Call& call, const Error* error) {
  const std::unique_ptr<Frame> frame(frames_.back());
  const bool told = call.name == "Store.Replace" || call.name.starts_with("Store.Get") ||
                    call.name.starts_with("Store.List");
  if (call.write && error == nullptr && !told) {
    const std::string line = call.ToString();
    if (line.find(" Event/") == std::string::npos) ++ledger_[line];
  }
  RunHooks(call, CallPoint::kAfter);
  frames_.pop_back();
  if (frame->crashes) frame->machine->process->dead = true;
  const bool unsure =
      error != nullptr && (error->code == Code::kUnavailable ||
                           error->code == Code::kOutcomeUnknown || error->code == Code::kCancelled);
  if (call.write && (unsure || frame->loses || frame->excused || frame->machine->process->dead))
    Excuse(call);
  return frame->loses;
}

void World::Excuse(const Call& call) {
  if (call.write) ++excused_[call.ToString()];
}

void World::RunHooks(const Call& call, CallPoint::Where where) {
  if (hooks_.empty()) return;
  const std::string line = call.ToString();
  std::vector<std::function<void()>> acts;
  for (auto hook = hooks_.begin(); hook != hooks_.end();) {
    const CallPoint& point = hook->point;
    const bool meant =
        point.where == where && (call.write || !point.writes_only) &&
        line.starts_with(point.call) &&
        (point.controller == kAny || Resolve(point.controller) == frames_.back()->machine);
    if (!meant || --hook->point.nth > 0) {
      ++hook;
      continue;
    }
    acts.push_back(std::move(hook->act));
    hook = hooks_.erase(hook);
  }
  for (const auto& act : acts) act();
}

}  // namespace zoe::sim_test
