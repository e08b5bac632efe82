#include "apis/server/pages.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace zoe::server {
namespace {

constexpr size_t kMaxBodies = 128;
constexpr size_t kMaxSnapshots = 64;
constexpr std::chrono::minutes kKeepSnapshots{5};

}  // namespace

std::string ListHead(std::string_view api_version, std::string_view kind, Revision revision,
                     const std::string& more) {
  return "{\"apiVersion\":\"" + std::string(api_version) + "\",\"kind\":\"" + std::string(kind) +
         "List\",\"metadata\":{\"resourceVersion\":\"" + std::to_string(revision) + "\"" + more +
         "},\"items\":";
}

std::string JoinItems(const std::vector<EntryPtr>& entries) {
  size_t bytes = 2;
  for (const EntryPtr& entry : entries) bytes += entry->json.size() + 1;
  std::string out;
  out.reserve(bytes);
  out += '[';
  for (const EntryPtr& entry : entries) {
    if (out.size() > 1) out += ',';
    out += entry->json;
  }
  out += ']';
  return out;
}

Body ListBodies::Find(const v1::Kind& kind, const std::string& ns, uint64_t version) const {
  const std::lock_guard lock(mutex_);
  const auto it = kept_.find({&kind, ns});
  return it != kept_.end() && it->second.version == version ? it->second.items : nullptr;
}

void ListBodies::Keep(const v1::Kind& kind, const std::string& ns, uint64_t version, Body items) {
  const std::lock_guard lock(mutex_);
  if (kept_.size() >= kMaxBodies) kept_.clear();
  kept_[{&kind, ns}] = {version, std::move(items)};
}

Expected<Snapshot> SnapshotAt(const Cache& cache, const v1::Kind& kind, const std::string& ns,
                              Revision revision) {
  const Snapshot now = cache.List(kind.name, ns);
  auto changes = cache.Since(kind.name, revision, std::numeric_limits<size_t>::max());
  if (!changes.ok())
    return MakeError(Code::kExpired, "The resourceVersion for the provided list is too old.");
  // What each object was before the first change after `revision`; null: it was not there.
  std::map<Key, EntryPtr> before;
  for (const CacheEvent& event : changes->events) {
    if (event.revision > now.revision) break;
    if (ns.empty() || event.entry->key.ns == ns) before.emplace(event.entry->key, event.previous);
  }
  Snapshot past{.revision = revision};
  for (const EntryPtr& entry : now.entries) {
    if (!before.contains(entry->key)) past.entries.push_back(entry);
  }
  for (const auto& [key, entry] : before) {
    if (entry) past.entries.push_back(entry);
  }
  std::ranges::sort(past.entries, {},
                    [](const EntryPtr& entry) { return std::tie(entry->key.ns, entry->key.name); });
  return past;
}

void Pages::Keep(const v1::Kind& kind, const std::string& ns, SnapshotPtr snapshot) {
  const SteadyTime now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  while (!kept_.empty() && (kept_.size() >= kMaxSnapshots || kept_.front().until < now))
    kept_.pop_front();
  kept_.push_back({&kind, ns, std::move(snapshot), now + kKeepSnapshots});
}

Pages::SnapshotPtr Pages::Find(const v1::Kind& kind, const std::string& ns,
                               Revision revision) const {
  const std::lock_guard lock(mutex_);
  const auto it = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) {
    return kept.kind == &kind && kept.ns == ns && kept.snapshot->revision == revision;
  });
  return it == kept_.end() ? nullptr : it->snapshot;
}

}  // namespace zoe::server
