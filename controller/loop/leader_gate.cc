#include "controller/loop/leader_gate.h"

#include "controller/runtime/log.h"

namespace zoe {

LeaderGate::LeaderGate(Store& store, const Clock& clock, Metrics& metrics, std::string identity,
                       std::vector<LeaderCallback> listeners)
    : store_(store),
      clock_(clock),
      gauge_(metrics.GaugeOf("zoe_leader", "1 while this process reconciles.")),
      lease_left_(metrics.GaugeOf(
          "zoe_leader_lease_left_seconds",
          "What was left of the leader's lease when it was last renewed: little if the store's "
          "servers are slow.")),
      terms_(metrics.CounterOf("zoe_leader_terms_total", "Times that this process began to lead.")),
      lost_(metrics.CounterOf("zoe_leader_lost_total",
                              "Times that this process lost the lead against its will.")),
      identity_(std::move(identity)),
      listeners_(std::move(listeners)) {}

LeaderGate::~LeaderGate() { Release(); }

void LeaderGate::Start() {
  thread_ = std::thread([this] { Run(); });
}

void LeaderGate::Run() {
  constexpr Duration kRetry{1'000};
  bool told = false;
  while (true) {
    Expected<std::unique_ptr<Watch>> campaign =
        store_.Campaign(identity_, [this](SteadyTime until) { OnLease(until); });
    if (campaign.ok()) {
      campaign_ = std::move(campaign).value();
      return;
    }
    if (!told) {
      log::Warn("can't stand for election yet", {{"error", campaign.error().ToString()}});
    }
    told = true;
    MutexLock lock(mutex_);
    const SteadyTime retry_at = clock_.Now() + kRetry;
    while (!stopping_ && clock_.Now() < retry_at) {
      clock_.WaitUntil(changed_, lock.native(), retry_at);
    }
    if (stopping_) return;
  }
}

void LeaderGate::OnLease(SteadyTime until) {
  for (const auto& listener : listeners_) listener(until);
  const bool leading = until != kNotLeading;
  if (leading && lease_end_ != kNotLeading && lease_end_ != SteadyTime::max()) {
    lease_left_.Set(std::chrono::duration<double>(lease_end_ - clock_.Now()).count());
  }
  lease_end_ = until;
  const MutexLock lock(mutex_);
  if (leading_ == leading) return;
  leading_ = leading;
  gauge_.Set(leading ? 1 : 0);
  (leading ? terms_ : lost_).Add();
  log::Info(leading ? "leading" : "not leading");
}

void LeaderGate::Release() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  campaign_.reset();
  const MutexLock lock(mutex_);
  leading_ = false;
  gauge_.Set(0);
}

bool LeaderGate::leading() const {
  const MutexLock lock(mutex_);
  return leading_;
}

}  // namespace zoe
