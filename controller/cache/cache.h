// The informer cache: every object of the store, decoded and encoded, with the recent changes.
// Written by the informer alone (informer.h), read by reconcilers and by the wires.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/ports/clock.h"
#include "specs/meta/expected.h"
#include "specs/meta/key.h"
#include "specs/meta/meta.h"
#include "specs/v1/kinds.h"

namespace zoe {

// An immutable version of one object. Shared, never changed.
struct Entry {
  Key key;
  Revision revision = 0;
  const v1::Kind* kind = nullptr;
  std::shared_ptr<const ObjectBase> object;  // meta.resource_version == revision
  std::string json;                          // v1::EncodeJson(object): GET's answer, byte for byte
  uint64_t sequence = 0;                     // of the change that brought it; see Event
};
using EntryPtr = std::shared_ptr<const Entry>;

enum class ChangeType { kAdded, kModified, kDeleted };

// One change as a watcher sees it. For kDeleted `entry` is the last version, re-encoded with the
// deletion's revision.
struct CacheEvent {
  ChangeType type;
  Revision revision = 0;
  EntryPtr entry;
  EntryPtr previous;  // kModified: the version before (selectors: a change may leave or enter a
                      // watcher's selection)
};

// A list that is true at `revision`. The entries are shared.
struct Snapshot {
  std::vector<EntryPtr> entries;  // ordered by namespace, name
  Revision revision = 0;
};

// Thread-safe. Reads never block on I/O.
class Cache {
 public:
  explicit Cache(size_t history = 8192);

  // nullptr if there is none.
  EntryPtr Get(const Key& key) const;
  template <class T>
  std::shared_ptr<const T> Get(const Key& key) const {
    const EntryPtr entry = Get(key);
    return entry ? std::static_pointer_cast<const T>(entry->object) : nullptr;
  }
  // `ns` empty: all namespaces.
  Snapshot List(std::string_view kind, std::string_view ns = {}) const;
  Revision revision() const;
  bool synced() const;
  // Counts changes of one kind: equal values mean that List(kind) is still the same (for cached
  // list bodies).
  uint64_t KindVersion(std::string_view kind) const;

  // Waits until the cache shows every change up to `revision`: a writer reads its own write. False
  // after `timeout` (real time).
  bool WaitFor(Revision revision, Duration timeout) const;
  // True for an object that stands in the store but can't be read (damaged, or written by a later
  // version). Get and List don't have it, or have its last readable version: whoever removes what
  // belongs to no object must ask here first.
  bool Unreadable(const Key& key) const;
  // True for an object that stands in the store, and of which Get has no version or not the present
  // one: that is shown when its turn comes in the order of changes. Objects that were made later
  // may be here already, so whoever acts on the absence of one asks here first, then Get.
  bool Awaited(const Key& key) const;

  // Changes of a kind after `since`, at most `max`, oldest first. kExpired if the history no longer
  // reaches back that far, and if `since` is still ahead of revision() (WaitFor it first). `upto`
  // is the revision that the answer is complete to (a bookmark, the next `since`).
  struct Changes {
    std::vector<CacheEvent> events;
    Revision upto = 0;
  };
  Expected<Changes> Since(std::string_view kind, Revision since, size_t max) const;

  // Called after each change, on the informer's thread: must only post. Removed when the handle
  // goes; no call runs after that. Don't destroy the handle inside the listener, nor while holding
  // a lock that the listener takes.
  using Listener = std::function<void(const CacheEvent&)>;
  std::shared_ptr<void> Listen(Listener listener);

 private:
  friend class Informer;
  friend class Projection;
  // Its one writer only. `sequence` is set here.
  void Apply(std::shared_ptr<Entry> entry);  // ignored if not newer
  void Erase(const Key& key, Revision revision);
  // After a gap. Differences become events for listeners; if there are any, watches from before
  // expire.
  void ReplaceAll(std::vector<EntryPtr> entries, Revision revision);
  // `published`: every later event has a higher revision. `complete`: what WaitFor waits for; lower
  // while a change is still to be read.
  void AdvanceTo(Revision published, Revision complete);
  void SetUnreadable(const Key& key, bool unreadable);
  void SetAwaited(const Key& key, bool awaited);
  // The implementation's members stand in this header's private part; cache/ owns them.
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace zoe
