#include "controller/cache/informer.h"

#include <algorithm>

#include "controller/runtime/log.h"
#include "specs/v1/store_info.h"

namespace zoe {
namespace {

constexpr Duration kFirstRetry{50}, kLastRetry{2'000};

Expected<std::shared_ptr<Entry>> Decode(const Record& record) {
  const v1::Kind* kind = v1::FindKind(record.key.kind);
  if (!kind) return MakeError(Code::kInternal, "unknown kind " + record.key.kind);
  ZOE_ASSIGN(std::shared_ptr<ObjectBase> object, v1::DecodeStored(*kind, record.bytes));
  // What the record says of itself must not lead elsewhere than the key under which it stands.
  if (object->meta.name != record.key.name || object->meta.ns != record.key.ns) {
    return MakeError(Code::kInternal, "the record names another object");
  }
  object->meta.resource_version = record.revision;
  auto entry = std::make_shared<Entry>();
  entry->key = record.key;
  entry->revision = record.revision;
  entry->kind = kind;
  entry->json = v1::EncodeJson(*kind, *object);
  entry->object = std::move(object);
  return entry;
}

// The store as a whole can't answer now, in contrast to: this record can't be read.
bool IsOutage(Code code) {
  return code == Code::kUnavailable || code == Code::kOutcomeUnknown || code == Code::kCancelled ||
         code == Code::kTooManyRequests || code == Code::kConflict;
}

}  // namespace

Informer::Informer(Store& store, Cache& cache, const Clock& clock, Metrics& metrics,
                   IdentityCallback identity)
    : store_(store),
      cache_(cache),
      clock_(clock),
      tell_identity_(std::move(identity)),
      changes_(metrics.CounterOf("zoe_informer_changes_total", "Changes read from the store.")),
      relists_(metrics.CounterOf("zoe_informer_relists_total", "Complete listings of the store.")),
      failures_(metrics.CounterOf("zoe_informer_failures_total", "Reads that the store refused.")),
      behind_(metrics.GaugeOf("zoe_informer_behind", "Changes announced and not read yet.")),
      unreadable_count_(
          metrics.GaugeOf("zoe_informer_unreadable", "Stored objects that can't be decoded.")) {}

Informer::~Informer() { Stop(); }

void Informer::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Informer::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  watch_.reset();
}

void Informer::Run() {
  while (true) {
    const bool worked = PumpOnce();
    MutexLock lock(mutex_);
    if (stopping_) return;
    if (worked) continue;
    if (retry_at_) {
      clock_.WaitUntil(wake_, lock.native(), *retry_at_);
    } else if (queue_.empty() && !gap_) {
      clock_.WaitUntil(wake_, lock.native(), SteadyTime::max());
    }
  }
}

bool Informer::PumpOnce() {
  if (retry_at_ && clock_.Now() < *retry_at_) return false;
  bool gap = false, changed = false;
  Expected<void> result = Subscribe();
  if (result.ok()) {
    {
      const MutexLock lock(mutex_);
      // Taken back before the listing: a gap that opens during it needs another one.
      gap = std::exchange(gap_, false);
      changed = !queue_.empty();
    }
    if (gap) result = Relist();
    if (result.ok() && changed) result = Follow();
  }
  if (result.ok()) {
    Recovered();
    return gap || changed;
  }
  Failed(result.error());
  return false;
}

Expected<void> Informer::Subscribe() {
  if (watch_) return {};
  Feed feed;
  feed.on_change = [this](const Change& change) {
    const MutexLock lock(mutex_);
    queue_.push_back(change);
    wake_.notify_all();
  };
  feed.on_gap = [this] {
    const MutexLock lock(mutex_);
    queue_.clear();  // the listing shows all of it
    gap_ = true;
    wake_.notify_all();
  };
  ZOE_ASSIGN(watch_, store_.Subscribe(std::move(feed)));
  return {};
}

Expected<void> Informer::Relist() {
  Expected<Listing> listing = store_.List("");
  const Expected<void> whole = listing.ok() ? CheckIdentity(*listing) : listing.error();
  if (!whole.ok()) {
    const MutexLock lock(mutex_);
    gap_ = true;
    return whole;
  }
  relists_.Add();
  read_ahead_.clear();
  const auto awaited = std::exchange(skipped_, {});
  skipped_revisions_.clear();
  for (const auto& [key, reason] : unreadable_) cache_.SetUnreadable(key, false);
  unreadable_.clear();
  // In a store that was made anew, equal revisions mean nothing.
  const bool same_store = identity_known_ && listing->revision >= position_;
  std::vector<EntryPtr> entries;
  entries.reserve(listing->records.size());
  for (const Record& record : listing->records) {
    EntryPtr known = same_store ? cache_.Get(record.key) : nullptr;
    if (known && known->revision == record.revision) {
      entries.push_back(std::move(known));
      continue;
    }
    Expected<std::shared_ptr<Entry>> entry = Decode(record);
    if (entry.ok()) {
      entries.push_back(std::move(entry).value());
    } else {
      SetUnreadable(record.key, &entry.error());
    }
  }
  unreadable_count_.Set(static_cast<double>(unreadable_.size()));
  position_ = listing->revision;
  log::Debug("store listed", {{"objects", std::to_string(entries.size())},
                              {"revision", std::to_string(position_)}});
  cache_.ReplaceAll(std::move(entries), position_);
  for (const auto& [key, revision] : awaited) cache_.SetAwaited(key, false);
  SettleIdentity();
  return {};
}

// The one record that every store has: a listing that lacks it may lack others. Without it, its
// absence is news.
Expected<void> Informer::CheckIdentity(const Listing& listing) {
  const Key& key = v1::StoreInfoKey();
  const auto listed = std::ranges::find(listing.records, key, &Record::key);
  const EntryPtr shown = cache_.Get(key);
  if (listed != listing.records.end()) {
    const auto entry = Decode(*listed);
    if (!shown || !entry.ok() || shown->json != (*entry)->json) ExpectIdentity();
    identity_ = listed->revision;
    return {};
  }
  const Expected<Record> record = store_.Get(key);
  if (record.ok()) {
    return MakeError(Code::kUnavailable, "IncompleteListing",
                     "the store was listed without " + key.ToString() + ", which it has");
  }
  if (record.error().code != Code::kNotFound) return record.error();
  if (shown) ExpectIdentity();
  identity_ = listing.revision;
  return {};
}

void Informer::ExpectIdentity() {
  if (std::exchange(identity_known_, false) && tell_identity_) tell_identity_(false);
}

void Informer::SettleIdentity() {
  if (identity_known_ || position_ < identity_ || skipped_.contains(v1::StoreInfoKey())) return;
  identity_known_ = true;
  if (tell_identity_) tell_identity_(true);
}

Expected<void> Informer::Follow() {
  std::deque<Change> batch;
  {
    const MutexLock lock(mutex_);
    batch.swap(queue_);
  }
  behind_.Set(static_cast<double>(batch.size()));
  std::unordered_map<Key, Revision> last;
  for (const Change& change : batch) {
    last[change.key] = change.revision;
    if (change.revision <= position_ || change.key != v1::StoreInfoKey()) continue;
    ExpectIdentity();
    identity_ = std::max(identity_, change.revision);
  }
  while (!batch.empty()) {
    const Change& change = batch.front();
    // The listing showed everything up to its revision.
    if (change.revision > position_) {
      const auto ahead = read_ahead_.find(change.key);
      const bool in_hand = ahead != read_ahead_.end() && ahead->second.revision == change.revision;
      if (!in_hand && !change.deleted && last[change.key] > change.revision) {
        Skip(change);
      } else if (Expected<void> result = Handle(change); !result.ok()) {
        PutBack(std::move(batch));
        return result;
      }
      changes_.Add();
      position_ = change.revision;
      cache_.AdvanceTo(position_, Complete());
      SettleIdentity();
    }
    batch.pop_front();
  }
  behind_.Set(0);
  return {};
}

void Informer::PutBack(std::deque<Change> changes) {
  const MutexLock lock(mutex_);
  if (gap_) return;
  queue_.insert(queue_.begin(), std::make_move_iterator(changes.begin()),
                std::make_move_iterator(changes.end()));
}

Expected<void> Informer::Handle(const Change& change) {
  if (change.deleted) {
    cache_.Erase(change.key, change.revision);
    SetUnreadable(change.key, nullptr);
    Settle(change.key);
    return {};
  }
  const auto ahead = read_ahead_.find(change.key);
  if (ahead != read_ahead_.end()) {
    if (ahead->second.revision > change.revision) {
      Skip(change);
      return {};
    }
    const Record record = std::move(ahead->second);
    read_ahead_.erase(ahead);
    if (record.revision == change.revision) {
      Publish(record);
      return {};
    }
  }
  const EntryPtr known = cache_.Get(change.key);
  if (known && known->revision >= change.revision) {  // the listing read it late
    Settle(change.key);
    return {};
  }
  return Read(change);
}

Expected<void> Informer::Read(const Change& change) {
  Expected<Record> record = store_.Get(change.key);
  if (!record.ok()) {
    if (record.error().code == Code::kNotFound) {
      Skip(change);  // its deletion follows in the feed
      return {};
    }
    if (IsOutage(record.error().code)) return std::move(record).error();
    SetUnreadable(change.key, &record.error());
    Settle(change.key);
    return {};
  }
  if (record->revision < change.revision) {
    return MakeError(Code::kUnavailable, "the store answers with an older version of " +
                                             change.key.ToString() + " than it announced");
  }
  if (record->revision == change.revision) {
    Publish(*record);
    return {};
  }
  if (change.key == v1::StoreInfoKey()) identity_ = std::max(identity_, record->revision);
  // Publishing it now would break the order of revisions; reading it again later might never meet a
  // version that stands still.
  read_ahead_.insert_or_assign(change.key, std::move(record).value());
  Skip(change);
  return {};
}

void Informer::Publish(const Record& record) {
  Expected<std::shared_ptr<Entry>> entry = Decode(record);
  SetUnreadable(record.key, entry.ok() ? nullptr : &entry.error());
  if (entry.ok()) cache_.Apply(std::move(entry).value());
  Settle(record.key);
}

void Informer::Skip(const Change& change) {
  if (skipped_.emplace(change.key, change.revision).second) {
    skipped_revisions_.insert(change.revision);
    cache_.SetAwaited(change.key, true);
  }
}

void Informer::Settle(const Key& key) {
  const auto it = skipped_.find(key);
  if (it == skipped_.end()) return;
  skipped_revisions_.erase(skipped_revisions_.find(it->second));
  skipped_.erase(it);
  cache_.SetAwaited(key, false);
}

Revision Informer::Complete() const {
  return skipped_revisions_.empty() ? position_ : *skipped_revisions_.begin() - 1;
}

void Informer::SetUnreadable(const Key& key, const Error* error) {
  if (!error) {
    if (unreadable_.erase(key) == 0) return;
    cache_.SetUnreadable(key, false);
  } else {
    log::Warn("a stored object can't be read; it is left as it is",
              {{"object", key.ToString()}, {"error", error->ToString()}});
    unreadable_.insert_or_assign(key, error->message);
    cache_.SetUnreadable(key, true);
  }
  unreadable_count_.Set(static_cast<double>(unreadable_.size()));
}

void Informer::Failed(const Error& error) {
  failures_.Add();
  if (retry_delay_ == Duration{0}) {
    log::Warn("the store does not answer; what is known stays readable",
              {{"error", error.ToString()}});
  }
  retry_delay_ = std::clamp(retry_delay_ * 2, kFirstRetry, kLastRetry);
  retry_at_ = clock_.Now() + retry_delay_;
}

void Informer::Recovered() {
  if (retry_delay_ > Duration{0}) log::Info("the store answers again");
  retry_delay_ = Duration{0};
  retry_at_.reset();
}

}  // namespace zoe
