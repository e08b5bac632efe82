#include "controller/backup/cut.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "specs/v1/store_info.h"

namespace zoe {
namespace {

constexpr Duration kPatience{30'000};

// The changes since the subscription, in order.
class Inbox {
 public:
  Feed MakeFeed() {
    return {.on_change =
                [this](const Change& change) {
                  const std::lock_guard lock(mutex_);
                  changes_.push_back(change);
                  arrived_.notify_all();
                },
            .on_gap =
                [this] {
                  const std::lock_guard lock(mutex_);
                  gap_ = true;
                  arrived_.notify_all();
                }};
  }

  bool gap() const {
    const std::lock_guard lock(mutex_);
    return gap_;
  }

  // All that has come, once one of them is at `revision` or later. False: a gap, or too late.
  bool TakeUpTo(Revision revision, SteadyTime deadline, std::vector<Change>& taken) {
    std::unique_lock lock(mutex_);
    const bool reached = arrived_.wait_until(lock, deadline, [&] {
      return gap_ || (!changes_.empty() && changes_.back().revision >= revision);
    });
    taken = std::exchange(changes_, {});
    return reached && !gap_;
  }
  std::vector<Change> TakeAll() {
    const std::lock_guard lock(mutex_);
    return std::exchange(changes_, {});
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Change> changes_;
  bool gap_ = false;
};

// Brings a listing to one revision: that of the last change taken in, with every object's version
// the one that it had then.
class Cut {
 public:
  explicit Cut(Listing listing) : reached_(listing.revision) {
    for (Record& record : listing.records) {
      ahead_ = std::max(ahead_, record.revision);
      records_.emplace(record.key, std::move(record));
    }
  }

  Revision reached() const { return reached_; }
  // The newest change of which an object here already tells, or that is known to come.
  Revision ahead() const { return ahead_; }
  // What went while the listing was read shows in the feed alone, and that may come late:
  // `revision` is where the store was afterwards.
  void Await(Revision revision) { ahead_ = std::max(ahead_, revision); }
  bool whole() const { return ahead_ <= reached_ && unsettled_.empty(); }

  void Apply(const std::vector<Change>& changes) {
    for (const Change& change : changes) {
      if (change.revision <= reached_) continue;
      reached_ = change.revision;
      const auto known = records_.find(change.key);
      if (known != records_.end() && known->second.revision >= change.revision) continue;
      if (change.deleted) {
        if (known != records_.end()) records_.erase(known);
        unsettled_.erase(change.key);
      } else {
        unsettled_.insert(change.key);
      }
    }
  }

  // Reads what has changed. An object that is gone stays unsettled: its deletion is to come.
  Expected<void> ReadChanged(Store& store) {
    for (auto it = unsettled_.begin(); it != unsettled_.end();) {
      Expected<Record> record = store.Get(*it);
      if (!record.ok() && record.error().code == Code::kNotFound) {
        ahead_ = std::max(ahead_, reached_ + 1);
        ++it;
        continue;
      }
      if (!record.ok()) return record.error();
      ahead_ = std::max(ahead_, record->revision);
      records_.insert_or_assign(*it, std::move(record).value());
      it = unsettled_.erase(it);
    }
    return {};
  }

  Listing Take() {
    Listing listing{.revision = reached_};
    for (auto& [key, record] : records_) listing.records.push_back(std::move(record));
    return listing;
  }

 private:
  std::map<Key, Record> records_;
  std::set<Key> unsettled_;  // changed, and not read since
  Revision reached_ = 0, ahead_ = 0;
};

}  // namespace

Expected<Listing> TakeCut(Store& store) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + kPatience;
  do {
    Inbox inbox;
    ZOE_ASSIGN(const std::unique_ptr<Watch> watch, store.Subscribe(inbox.MakeFeed()));
    ZOE_ASSIGN(Listing listing, store.List(""));
    ZOE_ASSIGN(const Listing after, store.List(v1::kStoreInfo));
    Cut cut(std::move(listing));
    cut.Await(after.revision);
    cut.Apply(inbox.TakeAll());
    while (std::chrono::steady_clock::now() < deadline && !inbox.gap()) {
      ZOE_TRY(cut.ReadChanged(store));
      if (cut.whole()) return cut.Take();
      std::vector<Change> changes;
      if (!inbox.TakeUpTo(cut.ahead(), deadline, changes)) break;
      cut.Apply(changes);
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return MakeError(Code::kUnavailable, "StoreBusy",
                   "the store changes too fast to be read at one moment: try again");
}

}  // namespace zoe
