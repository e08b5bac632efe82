#include "apis/server/pages.h"

#include <algorithm>

namespace zoe::server {
namespace {

constexpr size_t kMaxBodies = 128;
constexpr size_t kMaxSnapshots = 64;
constexpr std::chrono::minutes kKeepSnapshots{5};

}  // namespace

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
