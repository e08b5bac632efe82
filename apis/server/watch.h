// Watches: streams of changes, pulled from the cache's history as fast as each client takes them.
#pragma once

#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "apis/server/exchange.h"
#include "apis/server/query.h"
#include "apis/server/table.h"
#include "controller/cache/cache.h"

namespace zoe::server {

// How a watcher wants objects written.
struct WireForm {
  Accepted accepted;
  TableObject include = TableObject::kMetadata;
  bool operator==(const WireForm&) const = default;
};

// A change with its wire forms, each encoded when the first watcher asks for it and shared by all.
class WireEvent {
 public:
  explicit WireEvent(CacheEvent event) : event_(std::move(event)) {}
  const CacheEvent& event() const { return event_; }
  // `{"type":...,"object":...}` and a line break.
  const Body& Encoded(ChangeType type, const WireForm& form, WallTime now) const;

 private:
  struct Wire {
    ChangeType type;
    WireForm form;
    Body body;
  };
  CacheEvent event_;
  mutable std::vector<Wire> encoded_;
};

struct Batch {
  Revision since = 0, upto = 0;
  std::vector<WireEvent> events;
};

// The changes that watchers of one thread look at. Watchers that keep up ask for the same ones, and
// share one batch.
class WatchHub {
 public:
  explicit WatchHub(const Clock& clock) : clock_(clock) {}
  // Changes of a kind, whose cache is always the same one, after `since`, not necessarily all;
  // those that came since the last Refresh may be missing. kExpired if they are no longer known, or
  // if the cache is not yet at `since`.
  Expected<std::shared_ptr<const Batch>> Changes(const Cache& cache, const v1::Kind& kind,
                                                 Revision since);
  // The cache may have changed.
  void Refresh() { ++epoch_; }
  WallTime WallNow() const { return clock_.WallNow(); }

 private:
  struct Latest {
    uint64_t epoch = 0;
    std::shared_ptr<const Batch> batch;
  };
  const Clock& clock_;
  uint64_t epoch_ = 0;
  std::map<const v1::Kind*, Latest> latest_;
};

struct WatchTimes {
  SteadyTime end;
  Duration bookmark_interval{};
};

// Starts the stream on `exchange`, or answers with the error. On the connection's thread.
void ServeWatch(const ExchangePtr& exchange, const Cache& cache, const ListOptions& options,
                const WireForm& form, Duration bookmark_interval);

// The head of an event line up to the object; the tail is "}\n".
std::string EncodeEvent(std::string_view type, std::string_view object_json);

}  // namespace zoe::server
