#include "controller/loop/vitals.h"

#include <cstdlib>

#include "controller/runtime/log.h"

namespace zoe {
namespace {

constexpr Duration kEvery{5'000};
// Of the look at the Swarm: several managers share it.
constexpr Duration kPatience{3'000};
// What a busy machine and a clock that is kept by NTP may differ.
constexpr Duration kStall{2'000}, kJump{2'000};

Duration Whole(auto d) { return std::chrono::duration_cast<Duration>(d); }
std::string Ms(Duration d) { return std::to_string(d.count()); }

}  // namespace

Vitals::Vitals(Store& store, Swarm& swarm, const Clock& clock, Metrics& metrics)
    : store_(store),
      swarm_(swarm),
      clock_(clock),
      store_up_(metrics.GaugeOf("zoe_store_up", "1 while the store answers.")),
      swarm_up_(metrics.GaugeOf("zoe_swarm_up", "1 while a manager of the Swarm answers.")),
      nodes_ready_(metrics.GaugeOf("zoe_swarm_nodes", "Nodes of the Swarm, as last read.",
                                   {{"state", "ready"}})),
      nodes_down_(metrics.GaugeOf("zoe_swarm_nodes", "Nodes of the Swarm, as last read.",
                                  {{"state", "down"}})),
      clock_jumps_(metrics.CounterOf("zoe_clock_jumps_total",
                                     "Times at which the machine's clock was set.")),
      stalls_(metrics.CounterOf(
          "zoe_stalls_total", "Times at which this process stood still for two seconds or more.")) {
}

void Vitals::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Vitals::Stop() {
  stop_.request_stop();
  {
    const MutexLock lock(mutex_);
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Vitals::Run() {
  while (!stop_.stop_requested()) {
    Look();
    MutexLock lock(mutex_);
    while (!stop_.stop_requested() && clock_.Now() < due_)
      clock_.WaitUntil(wake_, lock.native(), due_);
  }
}

void Vitals::Look() {
  LookAtTime();
  const Expected<void> store = store_.Ping();
  Tell(store.ok(), store.ok() ? nullptr : &store.error(), store_up_, store_answers_,
       {"the store answers", "the store does not answer"});
  const Context ctx = Context{clock_, stop_.get_token()}.WithTimeout(kPatience);
  const auto nodes = swarm_.ListNodes(ctx);
  if (nodes.ok() || !stop_.stop_requested())
    Tell(nodes.ok(), nodes.ok() ? nullptr : &nodes.error(), swarm_up_, swarm_answers_,
         {"the Swarm answers", "the Swarm does not answer"});
  if (nodes.ok()) LookAtNodes(*nodes);
  due_ = clock_.Now() + kEvery;
}

void Vitals::LookAtTime() {
  const SteadyTime now = clock_.Now();
  const WallTime wall = clock_.WallNow();
  if (due_ != SteadyTime{}) {
    const Duration late = Whole(now - due_);
    if (late >= kStall) {
      stalls_.Add();
      log::Warn("this process stood still", {{"ms", Ms(late)}});
    }
    const Duration jump = Whole(wall - wall_at_) - Whole(now - looked_at_);
    if (std::abs(jump.count()) >= kJump.count()) {
      clock_jumps_.Add();
      log::Warn("the machine's clock was set", {{"by_ms", Ms(jump)}});
    }
  }
  looked_at_ = now;
  wall_at_ = wall;
}

void Vitals::Tell(bool answers, const Error* why, Gauge& gauge, bool& told, const Words& words) {
  gauge.Set(answers ? 1 : 0);
  if (std::exchange(told, answers) == answers) return;
  if (answers) {
    log::Info(words.good);
  } else {
    log::Warn(words.bad, {{"reason", why->message}});
  }
}

void Vitals::LookAtNodes(const std::vector<SwarmNode>& nodes) {
  int ready = 0;
  std::map<std::string, bool> now;
  for (const SwarmNode& node : nodes) {
    ready += node.ready;
    now[node.name] = node.ready;
    const auto before = nodes_.find(node.name);
    const bool was_ready = before == nodes_.end() || before->second;
    if (was_ready && !node.ready) log::Warn("a node is down", {{"node", node.name}});
    if (!was_ready && node.ready) log::Info("a node is ready again", {{"node", node.name}});
  }
  for (const auto& [name, was_ready] : nodes_) {
    if (!now.contains(name)) log::Info("a node has left the Swarm", {{"node", name}});
  }
  nodes_ready_.Set(ready);
  nodes_down_.Set(static_cast<double>(nodes.size()) - ready);
  nodes_ = std::move(now);
}

}  // namespace zoe
