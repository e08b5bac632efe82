#include "reconcilers/garbage/dependents.h"

#include <algorithm>

#include "specs/meta/finalizers.h"

namespace zoe::garbage {
namespace {

bool Holds(const Meta& meta, std::string_view finalizer) {
  return std::ranges::find(meta.finalizers, finalizer) != meta.finalizers.end();
}

}  // namespace

std::optional<Key> OwnerOf(const OwnerReference& reference, const Key& dependent) {
  // By a reference to nobody the last admin would go, whom no request may delete.
  if (dependent.kind == "User") return std::nullopt;
  const v1::Kind* kind = v1::FindKind(reference.kind);
  if (kind == nullptr || kind->view || reference.api_version != kind->api_version ||
      reference.uid.empty())
    return std::nullopt;
  if (!kind->namespaced) return Key{reference.kind, "", reference.name};
  if (dependent.ns.empty()) return std::nullopt;
  return Key{reference.kind, dependent.ns, reference.name};
}

bool AwaitsDependents(const Meta& meta) {
  return meta.deletion_timestamp &&
         (Holds(meta, kForegroundFinalizer) || Holds(meta, kOrphanFinalizer));
}

Dependents::Dependents(Cache& cache) : cache_(cache) {
  listening_ = cache.Listen([this](const CacheEvent& event) { Update(event.entry->key); });
  for (const auto* table : {&v1::Kinds(), &v1::InternalKinds()}) {
    for (const v1::Kind& kind : *table) {
      for (const EntryPtr& entry : cache.List(kind.name).entries) Update(entry->key);
    }
  }
}

// Looks at the cache instead of at what changed: in whatever order changes and the first listing
// get here, the last look is at the last state.
void Dependents::Update(const Key& key) {
  const std::lock_guard lock(mutex_);
  const EntryPtr entry = cache_.Get(key);
  const auto known = nodes_.find(key);
  const bool matters = entry && (!entry->object->meta.owner_references.empty() ||
                                 AwaitsDependents(entry->object->meta));
  if (known == nodes_.end() && !matters) return;
  Node next;
  if (matters) {
    next.awaits = AwaitsDependents(entry->object->meta);
    for (const OwnerReference& reference : entry->object->meta.owner_references)
      next.owners.insert(reference.uid);
  }
  if (known != nodes_.end()) {
    for (const std::string& uid : known->second.owners) {
      if (next.owners.contains(uid)) continue;
      const auto owned = by_owner_.find(uid);
      owned->second.erase(key);
      if (owned->second.empty()) by_owner_.erase(owned);
    }
  }
  for (const std::string& uid : next.owners) by_owner_[uid].insert(key);
  if (matters) {
    nodes_[key] = std::move(next);
  } else {
    nodes_.erase(known);
  }
}

std::vector<Key> Dependents::Of(const std::string& uid) const {
  const std::lock_guard lock(mutex_);
  const auto it = by_owner_.find(uid);
  return it == by_owner_.end() ? std::vector<Key>()
                               : std::vector<Key>(it->second.begin(), it->second.end());
}

std::vector<Key> Dependents::All() const {
  const std::lock_guard lock(mutex_);
  std::vector<Key> keys;
  keys.reserve(nodes_.size());
  for (const auto& [key, node] : nodes_) keys.push_back(key);
  return keys;
}

}  // namespace zoe::garbage
