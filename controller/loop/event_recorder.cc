#include "controller/loop/event_recorder.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "controller/runtime/log.h"

namespace zoe {
namespace {

// How many Events are updated without reading them first.
constexpr size_t kRemembered = 1024;

// FNV-1a, 64 bit: stable across versions and machines, as a name must be.
std::string Hash(std::initializer_list<std::string_view> parts) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const std::string_view part : parts) {
    for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash = (hash ^ 0xff) * 0x100000001b3;  // no byte of UTF-8: "ab","c" differs from "a","bc"
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (int i = 15; i >= 0; --i, hash >>= 4) text[static_cast<size_t>(i)] = kDigits[hash & 15];
  return text;
}

Key KeyOf(const v1::Event& event) { return {"Event", event.meta.ns, event.meta.name}; }

bool IsAway(Code code) { return code == Code::kUnavailable || code == Code::kOutcomeUnknown; }

}  // namespace

EventRecorder::EventRecorder(Store& store, const Clock& clock, Metrics& metrics, Options options)
    : store_(store),
      clock_(clock),
      options_(std::move(options)),
      kind_(*v1::FindKind("Event")),
      recorded_(metrics.CounterOf("zoe_events_recorded_total", "Events, repeated ones included.")),
      dropped_(metrics.CounterOf("zoe_events_dropped_total", "Events that were never written.")) {}

EventRecorder::~EventRecorder() { Stop(); }

void EventRecorder::Record(const v1::Kind& kind, const ObjectBase& about,
                           const PendingEvent& pending) {
  const WallTime now = clock_.WallNow();
  v1::Event event;
  event.type = pending.warning ? "Warning" : "Normal";
  event.meta.name = about.meta.name + "." +
                    Hash({kind.name, about.meta.uid, event.type, pending.reason, pending.message,
                          options_.component});
  event.meta.ns = about.meta.ns.empty() ? "default" : about.meta.ns;
  event.involved_object = {std::string(v1::kApiVersion), std::string(kind.name), about.meta.ns,
                           about.meta.name, about.meta.uid};
  event.reason = pending.reason;
  event.message = pending.message;
  event.source = options_.component;
  event.first_timestamp = event.last_timestamp = now;
  recorded_.Add();

  const Key key = KeyOf(event);
  const MutexLock lock(mutex_);
  const auto known = index_.find(key);
  if (known != index_.end()) {
    ++known->second->count;
    known->second->last_timestamp = now;
    return;
  }
  index_[key] = waiting_.insert(waiting_.end(), std::move(event));
  if (waiting_.size() > options_.queue) {
    index_.erase(KeyOf(waiting_.front()));
    waiting_.pop_front();
    dropped_.Add();
  }
  wake_.notify_all();
}

void EventRecorder::Start() {
  thread_ = std::thread([this] { Run(); });
}

void EventRecorder::Run() {
  constexpr Duration kRetry{1'000};
  const Duration pace{std::max(1, 1'000 / options_.per_second)};
  while (true) {
    SteadyTime wake_at = SteadyTime::max();
    {
      MutexLock lock(mutex_);
      while (waiting_.empty() && !stopping_) {
        clock_.WaitUntil(wake_, lock.native(), SteadyTime::max());
      }
      if (stopping_) return;
    }
    wake_at = clock_.Now() + (PopAndWrite() ? pace : kRetry);
    MutexLock lock(mutex_);
    while (!stopping_ && clock_.Now() < wake_at) {
      clock_.WaitUntil(wake_, lock.native(), wake_at);
    }
  }
}

void EventRecorder::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (!thread_.joinable()) return;
  thread_.join();
  const SteadyTime deadline = clock_.Now() + Duration{200};
  bool more = true;
  while (more && clock_.Now() < deadline && PopAndWrite()) {
    const MutexLock lock(mutex_);
    more = !waiting_.empty();
  }
}

bool EventRecorder::Flush() {
  while (true) {
    {
      const MutexLock lock(mutex_);
      if (waiting_.empty()) return true;
    }
    if (!PopAndWrite()) return false;
  }
}

bool EventRecorder::PopAndWrite() {
  v1::Event news;
  {
    const MutexLock lock(mutex_);
    if (waiting_.empty()) return true;
    news = std::move(waiting_.front());
    index_.erase(KeyOf(news));
    waiting_.pop_front();
  }
  const Expected<void> result = Write(news);
  if (result.ok()) return true;
  if (!IsAway(result.error().code)) {
    dropped_.Add();
    log::Debug("event not written",
               {{"event", KeyOf(news).ToString()}, {"error", result.error().ToString()}});
    return true;
  }
  const MutexLock lock(mutex_);
  const Key key = KeyOf(news);
  const auto known = index_.find(key);
  if (known != index_.end()) {  // it happened again meanwhile
    known->second->count += news.count;
    known->second->first_timestamp = news.first_timestamp;
  } else {
    index_[key] = waiting_.insert(waiting_.begin(), std::move(news));
  }
  return false;
}

Expected<void> EventRecorder::Write(const v1::Event& news) {
  const Key key = KeyOf(news);
  const auto known = written_.find(key);
  if (known != written_.end()) {
    Written written = std::move(known->second);
    written_.erase(known);
    Expected<void> result = Replace(key, std::move(written), news);
    if (result.ok()) return result;
    const Code code = result.error().code;
    if (code == Code::kConflict) return Merge(key, news);
    if (code != Code::kNotFound) return result;
  }
  v1::Event event = news;
  event.meta.uid = NewUid();
  event.meta.creation_timestamp = clock_.WallNow();
  Expected<Revision> created = store_.Create(key, v1::EncodeJson(kind_, event));
  if (created.ok()) {
    Remember(key, *created, std::move(event));
    return {};
  }
  if (created.error().code != Code::kAlreadyExists) return std::move(created).error();
  return Merge(key, news);
}

Expected<void> EventRecorder::Merge(const Key& key, const v1::Event& news) {
  ZOE_ASSIGN(const zoe::Record record, store_.Get(key));
  ZOE_ASSIGN(const std::shared_ptr<ObjectBase> object, v1::DecodeStored(kind_, record.bytes));
  return Replace(key, {record.revision, static_cast<const v1::Event&>(*object)}, news);
}

Expected<void> EventRecorder::Replace(const Key& key, Written written, const v1::Event& news) {
  v1::Event event = std::move(written.event);
  event.count += news.count;
  event.last_timestamp = news.last_timestamp;
  event.meta.resource_version = 0;
  ZOE_ASSIGN(const Revision revision,
             store_.Replace(key, written.revision, v1::EncodeJson(kind_, event)));
  Remember(key, revision, std::move(event));
  return {};
}

void EventRecorder::Remember(const Key& key, Revision revision, v1::Event event) {
  if (written_.size() >= kRemembered) written_.clear();  // they are read again when needed
  written_.insert_or_assign(key, Written{revision, std::move(event)});
}

}  // namespace zoe
