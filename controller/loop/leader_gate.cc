#include "controller/loop/leader_gate.h"

#include "controller/runtime/log.h"

namespace zoe {

LeaderGate::LeaderGate(Store& store, const Clock& clock, Metrics& metrics, std::string identity,
                       std::vector<LeaderCallback> listeners)
    : store_(store),
      clock_(clock),
      gauge_(metrics.GaugeOf("zoe_leader", "1 while this process reconciles.")),
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
        store_.Campaign(identity_, [this](SteadyTime until) {
          for (const auto& listener : listeners_) listener(until);
          const bool leading = until != kNotLeading;
          const MutexLock lock(mutex_);
          if (leading_ != leading) log::Info(leading ? "leading" : "not leading");
          leading_ = leading;
          gauge_.Set(leading ? 1 : 0);
        });
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
