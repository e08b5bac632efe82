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

std::string EncodeBookmark(const v1::Kind& kind, const WireForm& form, Revision revision,
                           bool ends_initial) {
  std::string metadata = "{";
  if (ends_initial) metadata += "\"annotations\":{\"k8s.io/initial-events-end\":\"true\"},";
  metadata += "\"resourceVersion\":\"" + std::to_string(revision) + "\"}";
  const std::string meta_version = "meta.k8s.io/" + std::string(form.accepted.meta_version());
  std::string object = "{\"apiVersion\":\"";
  if (form.accepted.format == Format::kTable) {
    object += meta_version + "\",\"kind\":\"Table\",\"columnDefinitions\":[],\"rows\":[]";
  } else if (form.accepted.format == Format::kMetadata) {
    object += meta_version + "\",\"kind\":\"PartialObjectMetadata\"";
  } else {
    object += std::string(kind.api_version) + "\",\"kind\":\"" + std::string(kind.name) + "\"";
  }
  return EncodeEvent("BOOKMARK", object + ",\"metadata\":" + metadata + "}");
}

// An object that leaves a selection is shown as it was while it belonged to it, with the revision
// of the change that took it out.
EntryPtr LastSelected(const CacheEvent& event) {
  auto last = std::make_shared<Entry>(*event.previous);
  std::shared_ptr<ObjectBase> object = last->kind->clone(*last->object);
  object->meta.resource_version = last->revision = event.revision;
  last->json = v1::EncodeJson(*last->kind, *object);
  last->object = std::move(object);
  return last;
}

std::string EncodeObject(const EntryPtr& entry, const WireForm& form, WallTime now) {
  const Response response = EncodeOne(entry, form.accepted, form.include, now);
  return response.body ? *response.body : response.prefix;
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
  Watcher(WatchHub& hub, const Cache& cache, ListOptions options, WireForm form, WatchTimes times)
      : hub_(hub),
        cache_(cache),
        options_(std::move(options)),
        form_(form),
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
    announce_end_ = options_.send_initial.value_or(false) && options_.bookmarks;
  }
  // Begins with what comes after `revision`.
  void StartAt(Revision revision) { position_ = revision; }

  void Fill(Pieces& out) override {
    FillInitial(out);
    if (next_initial_ < initial_.size()) return;
    initial_ = std::vector<EntryPtr>();
    next_initial_ = 0;
    if (announce_end_) {
      announce_end_ = false;
      out.Add(Bookmark(true));
    }
    if (!FillChanges(out)) return;
    const SteadyTime now = std::chrono::steady_clock::now();
    const bool over = now >= times_.end;
    if (options_.bookmarks && (over || now >= next_bookmark_)) {
      next_bookmark_ = now + times_.bookmark_interval;
      out.Add(Bookmark(false));
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
  Body Bookmark(bool ends_initial) const {
    return std::make_shared<std::string>(
        EncodeBookmark(*options_.selection.kind, form_, position_, ends_initial));
  }

  void FillInitial(Pieces& out) {
    for (; next_initial_ < initial_.size() && out.bytes < kFillBytes; ++next_initial_) {
      const EntryPtr& entry = initial_[next_initial_];
      if (!options_.selection.Matches(*entry)) continue;
      out.Add(WireEvent({ChangeType::kAdded, entry->revision, entry, nullptr})
                  .Encoded(ChangeType::kAdded, form_, hub_.WallNow()));
    }
  }

  // False if there is more, or the watch has failed.
  bool FillChanges(Pieces& out) {
    // Another replica's revision may be ahead of this cache for a moment; one that stays ahead
    // comes from another store's life.
    if (position_ > cache_.revision() && std::chrono::steady_clock::now() < ahead_until_)
      return false;
    ahead_until_ = SteadyTime::min();
    while (out.bytes < kFillBytes) {
      auto batch = hub_.Changes(cache_, *options_.selection.kind, position_);
      if (!batch.ok()) {
        out.Add(std::make_shared<std::string>(EncodeEvent("ERROR", StatusJson(batch.error()))));
        out.end = true;
        return false;
      }
      for (const WireEvent& event : (*batch)->events) {
        if (event.event().revision <= position_) continue;
        if (const auto type = TypeFor(options_.selection, event.event()))
          out.Add(event.Encoded(*type, form_, hub_.WallNow()));
      }
      position_ = std::max(position_, (*batch)->upto);
      if ((*batch)->events.size() < kBatchEvents) return true;
    }
    return false;
  }

  WatchHub& hub_;
  const Cache& cache_;
  const ListOptions options_;
  const WireForm form_;
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

const Body& WireEvent::Encoded(ChangeType type, const WireForm& form, WallTime now) const {
  for (const Wire& wire : encoded_) {
    if (wire.type == type && wire.form == form) return wire.body;
  }
  const bool leaves = type == ChangeType::kDeleted && event_.type == ChangeType::kModified;
  const EntryPtr entry = leaves ? LastSelected(event_) : event_.entry;
  encoded_.push_back(
      {type, form,
       std::make_shared<std::string>(EncodeEvent(TypeName(type), EncodeObject(entry, form, now)))});
  return encoded_.back().body;
}

Expected<std::shared_ptr<const Batch>> WatchHub::Changes(const Cache& cache, const v1::Kind& kind,
                                                         Revision since) {
  Latest& latest = latest_[&kind];
  if (latest.batch && latest.batch->since == since && latest.epoch == epoch_) return latest.batch;
  ZOE_ASSIGN(Cache::Changes changes, cache.Since(kind.name, since, kBatchEvents));
  auto batch = std::make_shared<Batch>();
  batch->since = since;
  batch->upto = changes.upto;
  for (CacheEvent& event : changes.events) batch->events.emplace_back(std::move(event));
  latest = {epoch_, batch};
  return latest.batch;
}

void ServeWatch(const ExchangePtr& exchange, const Cache& cache, const ListOptions& options,
                const WireForm& form, Duration bookmark_interval) {
  const int64_t seconds = std::min<int64_t>(
      options.timeout_seconds > 0 ? options.timeout_seconds : kDefaultTimeoutSeconds, 86'400);
  const WatchTimes times{std::chrono::steady_clock::now() + std::chrono::seconds(seconds),
                         bookmark_interval};
  const v1::Kind& kind = *options.selection.kind;
  // Without a resourceVersion what there is comes first, unless that is declined.
  const bool with_initial = options.send_initial.value_or(options.resource_version == 0);
  const bool from_now = !with_initial && options.resource_version == 0;
  if (!with_initial && !from_now && options.resource_version <= cache.revision()) {
    auto known = exchange->hub().Changes(cache, kind, options.resource_version);
    if (!known.ok()) return exchange->Send(ErrorResponse(known.error()));
  }
  auto watcher = std::make_shared<Watcher>(exchange->hub(), cache, options, form, times);
  if (with_initial) watcher->StartWith(cache.List(kind.name, options.selection.ns));
  if (from_now) watcher->StartAt(cache.revision());
  Response head;
  if (form.accepted.format == Format::kTable) head.content_type = kTableTypes[form.accepted.beta];
  exchange->Stream(std::move(head), std::move(watcher));
}

}  // namespace zoe::server
