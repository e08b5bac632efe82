#include "apis/server/watch.h"

#include <algorithm>
#include <optional>

#include "apis/server/status.h"
#include "apis/server/table.h"

namespace zoe::server {
namespace {

constexpr size_t kBatchEvents = 64;
constexpr size_t kFillBytes = 256 * 1024;  // about what is handed to the socket at a time
constexpr int64_t kDefaultTimeoutSeconds = 3600;
constexpr Duration kMaxLag{1'000};

std::string_view TypeName(ChangeType type) {
  switch (type) {
    case ChangeType::kAdded:
      return "ADDED";
    case ChangeType::kModified:
      return "MODIFIED";
    case ChangeType::kDeleted:
      break;
  }
  return "DELETED";
}

std::string EncodeBookmark(const v1::Kind& kind, Revision revision, bool ends_initial) {
  std::string object =
      "{\"apiVersion\":\"zoe/v1\",\"kind\":\"" + std::string(kind.name) + "\",\"metadata\":{";
  if (ends_initial) object += "\"annotations\":{\"k8s.io/initial-events-end\":\"true\"},";
  object += "\"resourceVersion\":\"" + std::to_string(revision) + "\"}}";
  return EncodeEvent("BOOKMARK", object);
}

// What a change is to a watcher of some of the objects: one that leaves the selection is deleted,
// one that enters it is added. Nothing if it is neither before nor after.
std::optional<ChangeType> TypeFor(const Selection& selection, const CacheEvent& event) {
  const bool now = event.type != ChangeType::kDeleted && selection.Matches(*event.entry);
  const bool before = event.type != ChangeType::kAdded &&
                      selection.Matches(event.previous ? *event.previous : *event.entry);
  if (now && before) return ChangeType::kModified;
  if (now) return ChangeType::kAdded;
  if (before) return ChangeType::kDeleted;
  return std::nullopt;
}

class Watcher final : public Producer {
 public:
  Watcher(WatchHub& hub, ListOptions options, bool table, WatchTimes times)
      : hub_(hub),
        options_(std::move(options)),
        table_(table),
        times_(times),
        position_(options_.resource_version) {
    const SteadyTime now = std::chrono::steady_clock::now();
    next_bookmark_ = now + times_.bookmark_interval;
    ahead_until_ = now + kMaxLag;
  }

  // Begins with the objects of `snapshot` as if they had been added.
  void StartWith(Snapshot snapshot) {
    position_ = snapshot.revision;
    initial_ = std::move(snapshot.entries);
    announce_end_ = options_.send_initial && options_.bookmarks;
  }

  void Fill(Pieces& out) override {
    FillInitial(out);
    if (next_initial_ < initial_.size()) return;
    initial_.clear();
    next_initial_ = 0;
    if (announce_end_) {
      announce_end_ = false;
      out.Add(
          std::make_shared<std::string>(EncodeBookmark(*options_.selection.kind, position_, true)));
    }
    if (!FillChanges(out)) return;
    const SteadyTime now = std::chrono::steady_clock::now();
    const bool over = now >= times_.end;
    if (options_.bookmarks && (over || now >= next_bookmark_)) {
      next_bookmark_ = now + times_.bookmark_interval;
      out.Add(std::make_shared<std::string>(
          EncodeBookmark(*options_.selection.kind, position_, false)));
    }
    out.end = over;
  }

  SteadyTime next() const override {
    SteadyTime next = times_.end;
    if (options_.bookmarks) next = std::min(next, next_bookmark_);
    if (ahead_until_ != SteadyTime::min()) next = std::min(next, ahead_until_);
    return next;
  }

 private:
  void FillInitial(Pieces& out) {
    for (; next_initial_ < initial_.size() && out.bytes < kFillBytes; ++next_initial_) {
      const EntryPtr& entry = initial_[next_initial_];
      if (!options_.selection.Matches(*entry)) continue;
      out.Add(WireEvent({ChangeType::kAdded, entry->revision, entry, nullptr})
                  .Encoded(ChangeType::kAdded, table_, hub_.WallNow()));
    }
  }

  // False if there is more, or the watch has failed.
  bool FillChanges(Pieces& out) {
    // Another replica's revision may be ahead of this cache for a moment; one that stays ahead
    // comes from another store's life.
    if (position_ > hub_.revision() && std::chrono::steady_clock::now() < ahead_until_)
      return false;
    ahead_until_ = SteadyTime::min();
    while (out.bytes < kFillBytes) {
      auto batch = hub_.Changes(*options_.selection.kind, position_);
      if (!batch.ok()) {
        out.Add(std::make_shared<std::string>(EncodeEvent("ERROR", StatusJson(batch.error()))));
        out.end = true;
        return false;
      }
      for (const WireEvent& event : (*batch)->events) {
        if (event.event().revision <= position_) continue;
        if (const auto type = TypeFor(options_.selection, event.event()))
          out.Add(event.Encoded(*type, table_, hub_.WallNow()));
      }
      position_ = std::max(position_, (*batch)->upto);
      if ((*batch)->events.size() < kBatchEvents) return true;
    }
    return false;
  }

  WatchHub& hub_;
  const ListOptions options_;
  const bool table_;
  const WatchTimes times_;
  Revision position_;  // every change up to here has been given
  std::vector<EntryPtr> initial_;
  size_t next_initial_ = 0;
  bool announce_end_ = false;
  SteadyTime next_bookmark_;
  SteadyTime ahead_until_;  // min(): position_ has been reached
};

}  // namespace

std::string EncodeEvent(std::string_view type, std::string_view object_json) {
  std::string line;
  line.reserve(object_json.size() + type.size() + 24);
  line += "{\"type\":\"";
  line += type;
  line += "\",\"object\":";
  line += object_json;
  line += "}\n";
  return line;
}

const Body& WireEvent::Encoded(ChangeType type, bool table, WallTime now) const {
  Body& body = encoded_[static_cast<size_t>(type) * 2 + (table ? 1 : 0)];
  if (!body) {
    const Entry& entry = *event_.entry;
    body = std::make_shared<std::string>(EncodeEvent(
        TypeName(type),
        table ? EncodeTable(*entry.kind, {&event_.entry, 1}, entry.revision, {.now = now})
              : entry.json));
  }
  return body;
}

Expected<std::shared_ptr<const Batch>> WatchHub::Changes(const v1::Kind& kind, Revision since) {
  Latest& latest = latest_[&kind];
  if (latest.batch && latest.batch->since == since && latest.epoch == epoch_) return latest.batch;
  ZOE_ASSIGN(Cache::Changes changes, cache_.Since(kind.name, since, kBatchEvents));
  auto batch = std::make_shared<Batch>();
  batch->since = since;
  batch->upto = changes.upto;
  for (CacheEvent& event : changes.events) batch->events.emplace_back(std::move(event));
  latest = {epoch_, batch};
  return latest.batch;
}

void ServeWatch(const ExchangePtr& exchange, const Cache& cache, ListOptions options, bool table,
                Duration bookmark_interval) {
  const int64_t seconds = std::min<int64_t>(
      options.timeout_seconds > 0 ? options.timeout_seconds : kDefaultTimeoutSeconds, 86'400);
  const WatchTimes times{std::chrono::steady_clock::now() + std::chrono::seconds(seconds),
                         bookmark_interval};
  const v1::Kind& kind = *options.selection.kind;
  const bool from_now = options.resource_version == 0 || options.send_initial;
  if (!from_now && options.resource_version <= cache.revision()) {
    if (auto known = exchange->hub().Changes(kind, options.resource_version); !known.ok()) {
      return exchange->Send(ErrorResponse(known.error()));
    }
  }
  const std::string ns = options.selection.ns;
  auto watcher = std::make_shared<Watcher>(exchange->hub(), std::move(options), table, times);
  if (from_now) watcher->StartWith(cache.List(kind.name, ns));
  Response head;
  if (table) head.content_type = "application/json;as=Table;v=v1;g=meta.k8s.io";
  exchange->Stream(std::move(head), std::move(watcher));
}

}  // namespace zoe::server
