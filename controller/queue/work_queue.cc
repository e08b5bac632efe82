#include "controller/queue/work_queue.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace zoe {
namespace {

constexpr uint64_t kLowEvery = 16;

double Seconds(SteadyTime::duration d) { return std::chrono::duration<double>(d).count(); }

Gauge& LengthOf(Metrics& metrics, std::string_view name, const char* priority) {
  return metrics.GaugeOf("zoe_queue_length", "Keys that are ready to be reconciled.",
                         {{"queue", std::string(name)}, {"priority", priority}});
}

}  // namespace

WorkQueue::WorkQueue(const Clock& clock, Metrics& metrics, std::string_view name, Options options)
    : clock_(clock),
      options_(options),
      high_length_(LengthOf(metrics, name, "high")),
      low_length_(LengthOf(metrics, name, "low")),
      delayed_length_(metrics.GaugeOf("zoe_queue_delayed", "Keys that wait for their time.",
                                      {{"queue", std::string(name)}})),
      adds_(metrics.CounterOf("zoe_queue_adds_total", "Keys added, repeated ones included.",
                              {{"queue", std::string(name)}})),
      retries_(metrics.CounterOf("zoe_queue_retries_total", "Keys added after a failure.",
                                 {{"queue", std::string(name)}})),
      latency_(metrics.HistogramOf("zoe_queue_latency_seconds", "From ready to taken.",
                                   {{"queue", std::string(name)}})),
      random_(options.seed) {}

void WorkQueue::Add(const Key& key, Priority priority) {
  const MutexLock lock(mutex_);
  AddLocked(key, priority);
}

void WorkQueue::AddLocked(const Key& key, Priority priority) {
  if (shut_down_) return;
  adds_.Add();
  Item& item = items_[key];
  item.due.reset();  // now is earlier
  const bool raised = priority == Priority::kHigh && item.priority == Priority::kLow;
  const SteadyTime now = clock_.Now();
  if (item.in_work) {
    if (!item.again) item.since = now;
    if (!item.again || raised) item.priority = priority;
    item.again = true;
  } else if (!item.ready) {
    Enqueue(key, item, priority, now);
  } else if (raised) {
    --ready_[static_cast<int>(Priority::kLow)];
    Enqueue(key, item, priority, item.since);
  }
  Publish();
}

void WorkQueue::Enqueue(const Key& key, Item& item, Priority priority, SteadyTime since) {
  item.ready = true;
  item.again = false;
  item.priority = priority;
  item.since = since;
  item.ticket = ++tickets_;
  lines_[static_cast<int>(priority)].push_back({key, item.ticket});
  ++ready_[static_cast<int>(priority)];
  changed_.notify_one();
}

void WorkQueue::AddAfter(const Key& key, Duration delay, Priority priority) {
  const MutexLock lock(mutex_);
  AddAfterLocked(key, delay, priority);
}

void WorkQueue::AddAfterLocked(const Key& key, Duration delay, Priority priority) {
  if (delay <= Duration{0}) {
    AddLocked(key, priority);
    return;
  }
  if (shut_down_) return;
  adds_.Add();
  Item& item = items_[key];
  if (item.ready || item.again) return;
  const SteadyTime due = clock_.Now() + delay;
  item.due_priority = item.due ? std::min(item.due_priority, priority) : priority;
  if (item.due && *item.due <= due) return;
  const bool first = delayed_.empty() || due < delayed_.top().due;
  Compact();
  item.due = due;
  delayed_.push({due, ++tickets_, key});
  if (first) changed_.notify_one();  // somebody waits for a later one
  Publish();
}

// Entries that an earlier one overtook stay in the heap until their time, which may be far away.
void WorkQueue::Compact() {
  if (delayed_.size() < 1024 || delayed_.size() < 4 * items_.size()) return;
  std::vector<Delayed> live;
  for (const auto& [key, item] : items_) {
    if (item.due) live.push_back({*item.due, ++tickets_, key});
  }
  delayed_ = decltype(delayed_)(std::greater<>(), std::move(live));
}

Duration WorkQueue::AddBackoff(const Key& key, Priority priority, Duration at_least) {
  const MutexLock lock(mutex_);
  Item& item = items_[key];
  const double doubled =
      static_cast<double>(options_.backoff_first.count()) * std::exp2(std::min(item.failures, 30));
  const double limited = std::min(doubled, static_cast<double>(options_.backoff_last.count()));
  const double jitter = std::uniform_real_distribution<double>(0.8, 1.2)(random_);
  const Duration delay =
      std::max({Duration{1}, at_least, Duration{static_cast<Duration::rep>(limited * jitter)}});
  ++item.failures;
  retries_.Add();
  AddAfterLocked(key, delay, priority);
  return delay;
}

int WorkQueue::Failures(const Key& key) const {
  const MutexLock lock(mutex_);
  const auto it = items_.find(key);
  return it == items_.end() ? 0 : it->second.failures;
}

void WorkQueue::Forget(const Key& key) {
  const MutexLock lock(mutex_);
  const auto it = items_.find(key);
  if (it == items_.end()) return;
  it->second.failures = 0;
  Drop(key);
}

std::optional<Key> WorkQueue::Take(std::stop_token stop) {
  // Ends the wait below; with the mutex held, so that it can't fall between the check and the wait.
  const std::stop_callback wake(stop, [this] {
    const MutexLock lock(mutex_);
    changed_.notify_all();
  });
  MutexLock lock(mutex_);
  while (!shut_down_ && !stop.stop_requested()) {
    if (std::optional<Key> key = TakeLocked()) return key;
    // A closed queue promotes nothing: only opening it ends the wait.
    const bool timed = open_ && !delayed_.empty();
    clock_.WaitUntil(changed_, lock.native(), timed ? delayed_.top().due : SteadyTime::max());
  }
  return std::nullopt;
}

std::optional<Key> WorkQueue::TryTake() {
  const MutexLock lock(mutex_);
  return shut_down_ ? std::nullopt : TakeLocked();
}

void WorkQueue::PromoteDue() {
  const SteadyTime now = clock_.Now();
  while (!delayed_.empty() && delayed_.top().due <= now) {
    const Delayed top = delayed_.top();
    delayed_.pop();
    const auto it = items_.find(top.key);
    if (it == items_.end() || it->second.due != top.due) continue;  // an earlier one won
    Item& item = it->second;
    item.due.reset();
    if (item.in_work) {
      if (!item.again) {
        item.priority = item.due_priority;
        item.since = top.due;
      }
      item.again = true;
    } else if (!item.ready) {
      Enqueue(top.key, item, item.due_priority, top.due);
    }
  }
}

std::optional<Key> WorkQueue::TakeLocked() {
  if (!open_) return std::nullopt;
  PromoteDue();
  const bool low_first = (taken_ + 1) % kLowEvery == 0;
  std::optional<Key> key = TakeFrom(lines_[low_first ? 1 : 0]);
  if (!key) key = TakeFrom(lines_[low_first ? 0 : 1]);
  if (!key) return std::nullopt;
  ++taken_;
  ++working_;
  Item& item = items_[*key];
  --ready_[static_cast<int>(item.priority)];
  item.ready = false;
  item.in_work = true;
  latency_.Observe(Seconds(clock_.Now() - item.since));
  Publish();
  // notify_one may have met a thread that was about to leave: pass it on.
  if (ready_[0] + ready_[1] > 0) changed_.notify_one();
  return key;
}

std::optional<Key> WorkQueue::TakeFrom(std::deque<Place>& line) {
  while (!line.empty()) {
    Place place = std::move(line.front());
    line.pop_front();
    const auto it = items_.find(place.key);
    if (it == items_.end() || !it->second.ready || it->second.ticket != place.ticket) continue;
    return std::move(place.key);
  }
  return std::nullopt;
}

void WorkQueue::Done(const Key& key) {
  const MutexLock lock(mutex_);
  const auto it = items_.find(key);
  if (it == items_.end() || !it->second.in_work) return;
  it->second.in_work = false;
  --working_;
  if (it->second.again && !shut_down_) {
    Enqueue(key, it->second, it->second.priority, it->second.since);
  }
  Drop(key);
  Publish();
}

void WorkQueue::Drop(const Key& key) {
  const auto it = items_.find(key);
  const Item& item = it->second;
  if (!item.ready && !item.in_work && !item.again && !item.due && item.failures == 0) {
    items_.erase(it);
  }
}

void WorkQueue::SetOpen(bool open) {
  const MutexLock lock(mutex_);
  open_ = open;
  changed_.notify_all();
}

void WorkQueue::ShutDown() {
  const MutexLock lock(mutex_);
  shut_down_ = true;
  changed_.notify_all();
}

size_t WorkQueue::size() const {
  const MutexLock lock(mutex_);
  return ready_[0] + ready_[1];
}

size_t WorkQueue::in_work() const {
  const MutexLock lock(mutex_);
  return working_;
}

std::optional<SteadyTime> WorkQueue::NextDue() const {
  const MutexLock lock(mutex_);
  std::optional<SteadyTime> next;
  for (const auto& [key, item] : items_) {
    if (item.due && (!next || *item.due < *next)) next = item.due;
  }
  return next;
}

void WorkQueue::Publish() {
  high_length_.Set(static_cast<double>(ready_[0]));
  low_length_.Set(static_cast<double>(ready_[1]));
  delayed_length_.Set(static_cast<double>(delayed_.size()));
}

}  // namespace zoe
