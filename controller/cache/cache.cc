#include "controller/cache/cache.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <shared_mutex>
#include <tuple>

#include "specs/core/kinds.h"

namespace zoe {
namespace {

// The history is bounded by the JSON that it keeps alive too: a few big objects must not hold
// hundreds of megabytes.
constexpr size_t kHistoryBytes = 16 << 20;

// (namespace, name), compared without copying.
struct Place {
  std::string_view ns, name;
};
struct PlaceLess {
  using is_transparent = void;
  static std::tuple<std::string_view, std::string_view> Of(const EntryPtr& e) {
    return {e->key.ns, e->key.name};
  }
  static std::tuple<std::string_view, std::string_view> Of(const Place& p) {
    return {p.ns, p.name};
  }
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    return Of(a) < Of(b);
  }
};

// The objects of one kind and their recent changes.
struct KindState {
  std::set<EntryPtr, PlaceLess> objects;
  std::deque<CacheEvent> history;  // by growing revision
  size_t history_bytes = 0;
  Revision floor = 0;  // changes up to here are not in the history
  uint64_t version = 0;

  EntryPtr Find(const Key& key) const {
    const auto it = objects.find(Place{key.ns, key.name});
    return it == objects.end() ? nullptr : *it;
  }

  void Put(const EntryPtr& entry) {
    const auto it = objects.find(Place{entry->key.ns, entry->key.name});
    if (it == objects.end()) {
      objects.insert(entry);
      return;
    }
    const auto next = objects.erase(it);
    objects.insert(next, entry);
  }

  void Remember(CacheEvent event, size_t limit) {
    history_bytes += event.entry->json.size();
    history.push_back(std::move(event));
    while (history.size() > limit || (history_bytes > kHistoryBytes && history.size() > 1)) {
      floor = history.front().revision;
      history_bytes -= history.front().entry->json.size();
      history.pop_front();
    }
  }

  void Forget(Revision revision) {
    history.clear();
    history_bytes = 0;
    floor = revision;
  }
};

}  // namespace

struct Cache::State {
  explicit State(size_t limit) : history_limit(limit) {
    for (const v1::Kind& kind : v1::Kinds()) kinds[kind.name];
    for (const v1::Kind& kind : v1::InternalKinds()) kinds[kind.name];
    for (const v1::Kind& kind : core::Kinds()) kinds[kind.name];
    for (const v1::Kind& kind : core::MetricsKinds()) kinds[kind.name];
  }
  KindState* KindOf(std::string_view kind) {
    const auto it = kinds.find(kind);
    return it == kinds.end() ? nullptr : &it->second;
  }

  const size_t history_limit;
  mutable std::shared_mutex mutex;  // everything down to the next mutex
  std::map<std::string_view, KindState> kinds;
  std::set<Key> unreadable, awaited;
  Revision revision = 0;
  uint64_t sequence = 0;
  bool synced = false;

  std::mutex wait_mutex;
  std::condition_variable complete_changed;
  std::atomic<Revision> complete{0};
  int waiting = 0;

  // Held while listeners run, so that a removed one isn't running any more.
  std::mutex listeners_mutex;
  std::map<uint64_t, Listener> listeners;
  uint64_t next_listener = 0;

  void Tell(const CacheEvent& event) {
    const std::lock_guard lock(listeners_mutex);
    for (const auto& [id, listener] : listeners) listener(event);
  }

  void Complete(Revision upto) {
    const std::lock_guard lock(wait_mutex);
    complete = upto;
    if (waiting > 0) complete_changed.notify_all();
  }

  // With `mutex` held. What turning the objects of all kinds into `wanted` takes.
  std::vector<CacheEvent> Differences(
      const std::map<std::string_view, std::set<EntryPtr, PlaceLess>>& wanted, Revision upto) const;
};

Cache::Cache(size_t history) : state_(std::make_shared<State>(history)) {}

EntryPtr Cache::Get(const Key& key) const {
  const std::shared_lock lock(state_->mutex);
  const KindState* kind = state_->KindOf(key.kind);
  return kind ? kind->Find(key) : nullptr;
}

Snapshot Cache::List(std::string_view kind_name, std::string_view ns) const {
  Snapshot snapshot;
  const std::shared_lock lock(state_->mutex);
  snapshot.revision = state_->revision;
  const KindState* kind = state_->KindOf(kind_name);
  if (!kind) return snapshot;
  if (ns.empty()) {
    snapshot.entries.assign(kind->objects.begin(), kind->objects.end());
    return snapshot;
  }
  auto it = kind->objects.lower_bound(Place{ns, {}});
  for (; it != kind->objects.end() && (*it)->key.ns == ns; ++it) snapshot.entries.push_back(*it);
  return snapshot;
}

Revision Cache::revision() const {
  const std::shared_lock lock(state_->mutex);
  return state_->revision;
}

bool Cache::synced() const {
  const std::shared_lock lock(state_->mutex);
  return state_->synced;
}

uint64_t Cache::KindVersion(std::string_view kind_name) const {
  const std::shared_lock lock(state_->mutex);
  const KindState* kind = state_->KindOf(kind_name);
  return kind ? kind->version : 0;
}

bool Cache::WaitFor(Revision revision, Duration timeout) const {
  if (state_->complete >= revision) return true;
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  std::unique_lock lock(state_->wait_mutex);
  ++state_->waiting;
  const bool reached = state_->complete_changed.wait_until(
      lock, deadline, [&] { return state_->complete >= revision; });
  --state_->waiting;
  return reached;
}

bool Cache::Unreadable(const Key& key) const {
  const std::shared_lock lock(state_->mutex);
  return state_->unreadable.contains(key);
}

bool Cache::Awaited(const Key& key) const {
  const std::shared_lock lock(state_->mutex);
  return state_->awaited.contains(key);
}

Expected<Cache::Changes> Cache::Since(std::string_view kind_name, Revision since,
                                      size_t max) const {
  Changes changes;
  const std::shared_lock lock(state_->mutex);
  const KindState* kind = state_->KindOf(kind_name);
  if (since > state_->revision || (kind && since < kind->floor)) {
    return MakeError(Code::kExpired, "Expired",
                     "resourceVersion " + std::to_string(since) +
                         " is outside the kept history: list again and watch from that list");
  }
  changes.upto = state_->revision;
  if (!kind) return changes;
  auto it = std::upper_bound(kind->history.begin(), kind->history.end(), since,
                             [](Revision r, const CacheEvent& e) { return r < e.revision; });
  for (; it != kind->history.end(); ++it) {
    if (changes.events.size() == max) {
      changes.upto = changes.events.empty() ? since : changes.events.back().revision;
      break;
    }
    changes.events.push_back(*it);
  }
  return changes;
}

std::shared_ptr<void> Cache::Listen(Listener listener) {
  const std::lock_guard lock(state_->listeners_mutex);
  const uint64_t id = state_->next_listener++;
  state_->listeners.emplace(id, std::move(listener));
  return std::shared_ptr<void>(nullptr, [state = state_, id](void*) {
    const std::lock_guard removal(state->listeners_mutex);
    state->listeners.erase(id);
  });
}

void Cache::Apply(std::shared_ptr<Entry> entry) {
  CacheEvent event{ChangeType::kAdded, entry->revision, entry, nullptr};
  {
    const std::unique_lock lock(state_->mutex);
    KindState* kind = state_->KindOf(entry->key.kind);
    if (!kind) return;
    event.previous = kind->Find(entry->key);
    if (event.previous) {
      if (event.previous->revision >= entry->revision) return;
      event.type = ChangeType::kModified;
    }
    entry->sequence = ++state_->sequence;
    kind->Put(event.entry);
    ++kind->version;
    kind->Remember(event, state_->history_limit);
    state_->revision = std::max(state_->revision, entry->revision);
  }
  state_->Tell(event);
}

namespace {

std::shared_ptr<Entry> LastVersion(const EntryPtr& entry, Revision revision) {
  auto last = std::make_shared<Entry>();
  last->key = entry->key;
  last->revision = revision;
  last->kind = entry->kind;
  std::shared_ptr<ObjectBase> object = entry->kind->clone(*entry->object);
  object->meta.resource_version = revision;
  last->json = v1::EncodeJson(*entry->kind, *object);
  last->object = std::move(object);
  return last;
}

}  // namespace

void Cache::Erase(const Key& key, Revision revision) {
  const EntryPtr entry = Get(key);
  if (!entry || entry->revision >= revision) return;
  const std::shared_ptr<Entry> last = LastVersion(entry, revision);
  const CacheEvent event{ChangeType::kDeleted, revision, last, entry};
  {
    const std::unique_lock lock(state_->mutex);
    KindState* kind = state_->KindOf(key.kind);
    last->sequence = ++state_->sequence;
    kind->objects.erase(kind->objects.find(Place{key.ns, key.name}));
    ++kind->version;
    kind->Remember(event, state_->history_limit);
    state_->revision = std::max(state_->revision, revision);
  }
  state_->Tell(event);
}

std::vector<CacheEvent> Cache::State::Differences(
    const std::map<std::string_view, std::set<EntryPtr, PlaceLess>>& wanted, Revision upto) const {
  std::vector<CacheEvent> events;
  static const std::set<EntryPtr, PlaceLess> none;
  for (const auto& [name, kind] : kinds) {
    const auto it = wanted.find(name);
    const std::set<EntryPtr, PlaceLess>& next = it == wanted.end() ? none : it->second;
    for (const EntryPtr& entry : kind.objects) {
      if (next.contains(entry)) continue;
      if (unreadable.contains(entry->key)) continue;
      events.push_back(
          {ChangeType::kDeleted, upto, LastVersion(entry, std::max(upto, entry->revision)), entry});
    }
    for (const EntryPtr& entry : next) {
      const EntryPtr previous = kind.Find(entry->key);
      if (previous && previous->revision == entry->revision &&
          (previous == entry || previous->json == entry->json))
        continue;
      events.push_back({previous ? ChangeType::kModified : ChangeType::kAdded, entry->revision,
                        entry, previous});
    }
  }
  return events;
}

void Cache::ReplaceAll(std::vector<EntryPtr> entries, Revision revision) {
  std::map<std::string_view, std::set<EntryPtr, PlaceLess>> wanted;
  for (EntryPtr& entry : entries) wanted[entry->kind->name].insert(std::move(entry));
  // Only this thread writes: what is compared here still stands below.
  std::vector<CacheEvent> events;
  bool first = false;
  {
    const std::shared_lock lock(state_->mutex);
    events = state_->Differences(wanted, revision);
    first = !state_->synced;
  }
  {
    const std::unique_lock lock(state_->mutex);
    std::set<std::string_view> changed;
    for (const CacheEvent& event : events) {
      KindState& kind = state_->kinds[event.entry->kind->name];
      changed.insert(event.entry->kind->name);
      const_cast<Entry&>(*event.entry).sequence = ++state_->sequence;  // not shared yet
      if (event.type == ChangeType::kDeleted) {
        kind.objects.erase(kind.objects.find(Place{event.entry->key.ns, event.entry->key.name}));
      } else {
        kind.Put(event.entry);
      }
    }
    const bool expires = first || !events.empty() || revision < state_->revision;
    for (auto& [name, kind] : state_->kinds) {
      if (expires) kind.Forget(revision);
      if (changed.contains(name)) ++kind.version;
    }
    state_->revision = revision;
    state_->synced = true;
  }
  for (const CacheEvent& event : events) state_->Tell(event);
  state_->Complete(revision);
}

void Cache::AdvanceTo(Revision published, Revision complete) {
  {
    const std::unique_lock lock(state_->mutex);
    state_->revision = std::max(state_->revision, published);
  }
  state_->Complete(complete);
}

void Cache::SetUnreadable(const Key& key, bool unreadable) {
  const std::unique_lock lock(state_->mutex);
  if (unreadable) {
    state_->unreadable.insert(key);
  } else {
    state_->unreadable.erase(key);
  }
}

void Cache::SetAwaited(const Key& key, bool awaited) {
  const std::unique_lock lock(state_->mutex);
  if (awaited) {
    state_->awaited.insert(key);
  } else {
    state_->awaited.erase(key);
  }
}

}  // namespace zoe
