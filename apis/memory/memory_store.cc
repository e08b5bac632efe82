#include "apis/memory/memory_store.h"

#include <map>
#include <mutex>
#include <utility>

#include "apis/memory/change_feed.h"
#include "apis/memory/sole_candidate.h"
#include "apis/memory/store_errors.h"

namespace zoe {
namespace {

class MemoryStore : public Store {
 public:
  explicit MemoryStore(const MemoryStoreOptions& options)
      : threaded_(options.threaded), feed_(options.threaded) {}

  Expected<Record> Get(const Key& key) override {
    const std::lock_guard lock(mutex_);
    const auto it = objects_.find(key);
    if (it == objects_.end()) return NotFoundError(key);
    return Record{key, it->second.revision, it->second.bytes};
  }

  Expected<Listing> List(std::string_view kind) override {
    const std::lock_guard lock(mutex_);
    Listing listing{.revision = revision_};
    auto it =
        kind.empty() ? objects_.begin() : objects_.lower_bound(Key{std::string(kind), "", ""});
    for (; it != objects_.end() && (kind.empty() || it->first.kind == kind); ++it)
      listing.records.push_back({it->first, it->second.revision, it->second.bytes});
    return listing;
  }

  Expected<Revision> Create(const Key& key, std::string bytes) override {
    if (bytes.size() > kMaxRecordBytes) return TooLargeError(key, bytes.size());
    return Write([&]() -> Expected<Revision> {
      if (objects_.contains(key)) return AlreadyExistsError(key);
      objects_.emplace(key, Value{revision_ + 1, std::move(bytes)});
      return Commit(key, false);
    });
  }

  Expected<Revision> Replace(const Key& key, Revision expected, std::string bytes) override {
    if (bytes.size() > kMaxRecordBytes) return TooLargeError(key, bytes.size());
    return Write([&]() -> Expected<Revision> {
      ZOE_ASSIGN(const auto it, At(key, expected));
      it->second = {revision_ + 1, std::move(bytes)};
      return Commit(key, false);
    });
  }

  Expected<Revision> Delete(const Key& key, Revision expected) override {
    return Write([&]() -> Expected<Revision> {
      ZOE_ASSIGN(const auto it, At(key, expected));
      objects_.erase(it);
      return Commit(key, true);
    });
  }

  Expected<Revision> Turn(const Key& place) override {
    const std::lock_guard lock(mutex_);
    return turns_[{place.kind, place.ns}];
  }

  Expected<Revision> WriteInTurn(const Key& key, Revision expected, std::string bytes,
                                 Revision turn) override {
    if (bytes.size() > kMaxRecordBytes) return TooLargeError(key, bytes.size());
    return Write([&]() -> Expected<Revision> {
      Revision& last = turns_[{key.kind, key.ns}];
      if (last != turn) return TurnTakenError(key);
      if (expected != 0) {
        ZOE_ASSIGN(const auto it, At(key, expected));
        it->second = {revision_ + 1, std::move(bytes)};
      } else if (!objects_.emplace(key, Value{revision_ + 1, bytes}).second) {
        return AlreadyExistsError(key);
      }
      return last = Commit(key, false);
    });
  }

  Expected<std::unique_ptr<Watch>> Subscribe(Feed feed) override {
    const std::lock_guard lock(mutex_);
    return feed_.Subscribe(std::move(feed), revision_);
  }

  Expected<std::unique_ptr<Watch>> Campaign(std::string identity,
                                            LeaderCallback callback) override {
    return candidate_.Campaign(std::move(identity), callback);
  }

  Expected<std::vector<Candidate>> Candidates() override { return candidate_.List(); }

  Store& ForLeader() override { return *this; }

  Expected<void> Ping() override { return {}; }

 private:
  struct Value {
    Revision revision = 0;
    std::string bytes;
  };
  using Objects = std::map<Key, Value>;

  template <class F>
  Expected<Revision> Write(F write) {
    Expected<Revision> result = [&] {
      const std::lock_guard lock(mutex_);
      return write();
    }();
    if (!threaded_) feed_.Drain();
    return result;
  }

  Expected<Objects::iterator> At(const Key& key, Revision expected) {
    const auto it = objects_.find(key);
    if (it == objects_.end()) return NotFoundError(key);
    if (it->second.revision != expected) return ConflictError(key, expected, it->second.revision);
    return it;
  }

  Revision Commit(const Key& key, bool deleted) {
    feed_.Publish({key, ++revision_, deleted});
    return revision_;
  }

  const bool threaded_;
  std::mutex mutex_;
  Objects objects_;
  std::map<std::pair<std::string, std::string>, Revision> turns_;  // by kind and namespace
  Revision revision_ = 1;  // an empty store is at 1 already: 0 means "none"
  ChangeFeed feed_;
  SoleCandidate candidate_;
};

}  // namespace

std::unique_ptr<Store> MakeMemoryStore(const MemoryStoreOptions& options) {
  return std::make_unique<MemoryStore>(options);
}

}  // namespace zoe
