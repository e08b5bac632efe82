#include "apis/server/store_health.h"

#include <condition_variable>
#include <limits>
#include <mutex>

namespace zoe::server {
namespace {

constexpr Duration kEvery{1'000}, kPatience{2'000};
constexpr WallTime::rep kAnswers = std::numeric_limits<WallTime::rep>::min();

}  // namespace

StoreHealth::StoreHealth(Store& store, const Clock& clock, Metrics& metrics)
    : store_(store),
      clock_(clock),
      away_seconds_(metrics.GaugeOf("zoe_store_away_seconds",
                                    "For how long the store has not answered; 0 if it does.")),
      away_since_(kAnswers) {}

void StoreHealth::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

void StoreHealth::Stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

std::optional<WallTime> StoreHealth::away_since() const {
  const WallTime::rep since = away_since_.load();
  if (since == kAnswers) return std::nullopt;
  return WallTime(WallTime::duration(since));
}

void StoreHealth::Run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  SteadyTime answered = clock_.Now();
  WallTime answered_at = clock_.WallNow();
  while (!stop.stop_requested()) {
    const SteadyTime asked = clock_.Now();
    const WallTime asked_at = clock_.WallNow();
    if (store_.Ping().ok()) {
      answered = asked;
      answered_at = asked_at;
      away_since_ = kAnswers;
      away_seconds_.Set(0);
    } else if (const auto away = clock_.Now() - answered; away > kPatience) {
      away_since_ = answered_at.time_since_epoch().count();
      away_seconds_.Set(std::chrono::duration<double>(away).count());
    }
    std::unique_lock lock(mutex);
    stopped.wait_for(lock, stop, kEvery, [] { return false; });
  }
}

}  // namespace zoe::server
