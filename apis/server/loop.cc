#include "apis/server/loop.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <exception>
#include <vector>

#include "controller/runtime/log.h"

namespace zoe::server {
namespace asio = boost::asio;
namespace {

constexpr size_t kStreamsAtOnce = 32;
constexpr std::chrono::milliseconds kShortRound{1}, kLongestPause{50};

// Deadlines are looked at this often: exact enough for them, and cheaper than a timer for each
// connection.
std::chrono::milliseconds TickPeriod(const ServerLimits& limits) {
  const Duration shortest = std::min(
      {limits.read_deadline, limits.idle, limits.write_deadline, limits.bookmark_interval});
  return std::clamp(shortest / 4, Duration(10), Duration(250));
}

}  // namespace

Loop::Loop(const ServerDeps& deps, const ServerLimits& the_limits, const LoopHooks& the_hooks)
    : limits(the_limits),
      hooks(the_hooks),
      hub(deps.clock),
      tick_(context),
      pause_(context),
      tick_period_(TickPeriod(the_limits)) {}

Loop::~Loop() {
  if (thread_.joinable()) EndStop(std::chrono::steady_clock::now());
}

void Loop::Start() {
  ScheduleTick();
  thread_ = std::thread([this] {
    thread_id_ = std::this_thread::get_id();
    while (true) {
      try {
        context.run();
        return;
      } catch (const std::exception& error) {  // out of memory, say: it costs one request, not all
        log::Error("a request has failed", {{"reason", error.what()}});
      }
    }
  });
}

void Loop::ScheduleTick() {
  tick_.expires_after(tick_period_);
  tick_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    const SteadyTime now = std::chrono::steady_clock::now();
    const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
    for (const auto& connection : all) connection->Tick(now);
    ScheduleTick();
  });
}

void Loop::Notify() {
  changed_ = true;
  if (stream_count_.load() == 0 || in_round_.exchange(true)) return;
  asio::post(context, [this] { BeginRound(); });
}

void Loop::BeginRound() {
  changed_ = false;  // before looking: a change that comes now makes another round
  hub.Refresh();
  round_.assign(streams_.begin(), streams_.end());
  round_began_ = std::chrono::steady_clock::now();
  ContinueRound();
}

void Loop::ContinueRound() {
  const auto from = round_.end() - static_cast<ptrdiff_t>(std::min(kStreamsAtOnce, round_.size()));
  const std::vector<Connection*> some(from, round_.end());
  round_.erase(from, round_.end());
  if (!round_.empty()) {
    asio::post(context, [this] { ContinueRound(); });
  } else {
    EndRound();
  }
  for (Connection* connection : some) {
    if (streams_.contains(connection)) connection->Pump();
  }
}

void Loop::EndRound() {
  const auto end = [this] {
    in_round_ = false;
    if (changed_) Notify();
  };
  const auto took = std::chrono::steady_clock::now() - round_began_;
  if (took < kShortRound) return end();
  pause_.expires_after(std::min<std::chrono::steady_clock::duration>(took, kLongestPause));
  pause_.async_wait([end](const boost::system::error_code& error) {
    if (!error) end();
  });
}

void Loop::Add(std::shared_ptr<Connection> connection) {
  connections_.insert(std::move(connection));
  const std::lock_guard lock(mutex_);
  empty_ = false;
}

void Loop::Remove(const std::shared_ptr<Connection>& connection) {
  SetStreaming(connection.get(), false);
  if (connections_.erase(connection) == 0) return;
  hooks.on_closed();
  if (!connections_.empty()) return;
  const std::lock_guard lock(mutex_);
  empty_ = true;
  emptied_.notify_all();
}

void Loop::SetStreaming(Connection* connection, bool streaming) {
  if (streaming) {
    streams_.insert(connection);
    hub.Refresh();  // nobody told the hub of changes while there was no stream
  } else {
    streams_.erase(connection);
  }
  stream_count_ = streams_.size();
}

void Loop::BeginStop() {
  asio::post(context, [this] {
    stopping = true;
    const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
    for (const auto& connection : all) connection->Finish();
  });
}

void Loop::EndStop(std::chrono::steady_clock::time_point force_at) {
  {
    std::unique_lock lock(mutex_);
    emptied_.wait_until(lock, force_at, [this] { return empty_; });
  }
  asio::post(context, [this] {
    const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
    for (const auto& connection : all) connection->Abort();
    tick_.cancel();
    context.stop();
  });
  thread_.join();
}

}  // namespace zoe::server
