// What lists keep between requests: assembled bodies, and the snapshots that later pages are cut
// from.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apis/server/exchange.h"
#include "controller/cache/cache.h"

namespace zoe::server {

// The items of whole lists, as text, while nothing of the kind changes. Thread-safe.
class ListBodies {
 public:
  // `[{...},{...}]` as of `version` of the kind; nullptr if it is not kept.
  Body Find(const v1::Kind& kind, const std::string& ns, uint64_t version) const;
  void Keep(const v1::Kind& kind, const std::string& ns, uint64_t version, Body items);

 private:
  struct Kept {
    uint64_t version = 0;
    Body items;
  };
  mutable std::mutex mutex_;
  std::map<std::pair<const v1::Kind*, std::string>, Kept> kept_;
};

// Snapshots that are being read page by page, so that all pages tell of the same moment. The oldest
// go first. Thread-safe.
class Pages {
 public:
  using SnapshotPtr = std::shared_ptr<const Snapshot>;
  void Keep(const v1::Kind& kind, const std::string& ns, SnapshotPtr snapshot);
  // nullptr if it is no longer kept.
  SnapshotPtr Find(const v1::Kind& kind, const std::string& ns, Revision revision) const;

 private:
  struct Kept {
    const v1::Kind* kind;
    std::string ns;
    SnapshotPtr snapshot;
    SteadyTime until;
  };
  mutable std::mutex mutex_;
  std::deque<Kept> kept_;
};

// The list as it was at `revision`, made from the cache's history. kExpired if that no longer
// reaches back so far.
Expected<Snapshot> SnapshotAt(const Cache& cache, const v1::Kind& kind, const std::string& ns,
                              Revision revision);

// A part of a list. `more`: members of its metadata that lead to the next one.
struct Page {
  Pages::SnapshotPtr snapshot;
  std::vector<EntryPtr> entries;
  std::string more;
};

// A list up to its items; it ends with "}".
std::string ListHead(std::string_view api_version, std::string_view kind, Revision revision,
                     const std::string& more = {});
std::string JoinItems(const std::vector<EntryPtr>& entries);

}  // namespace zoe::server
