#include "reconcilers/garbage/garbage_collector.h"

#include <algorithm>

#include "controller/runtime/log.h"
#include "specs/meta/finalizers.h"

namespace zoe {
namespace {

using garbage::AwaitsDependents;
using garbage::OwnerOf;

constexpr Duration kAgain{1'000};  // until the cache shows what a pass has written

bool Holds(const Meta& meta, std::string_view finalizer) {
  return std::ranges::find(meta.finalizers, finalizer) != meta.finalizers.end();
}

bool AwaitsInForeground(const Meta& meta) {
  return meta.deletion_timestamp && Holds(meta, kForegroundFinalizer);
}

bool Names(const OwnerReference& reference, const Key& dependent, const Key& owner,
           const std::string& uid) {
  return reference.uid == uid && OwnerOf(reference, dependent) == owner;
}

// What the User's reconciler makes, and removes in an order of its own.
bool IsPlaceOfUser(const OwnerReference& reference, const Key& dependent) {
  return reference.kind == "User" && dependent.ns == reference.name &&
         (dependent.kind == "Workspace" || dependent.kind == "Gateway");
}

void AddAll(const std::vector<Key>& more, std::vector<Key>& keys) {
  keys.insert(keys.end(), more.begin(), more.end());
}

}  // namespace

GarbageCollector::GarbageCollector(Cache& cache, Store& store)
    : cache_(cache), store_(store), dependents_(cache) {}

// ---- what a change concerns

void GarbageCollector::AddAwaitingOwners(const Key& key, const Meta& meta,
                                         std::vector<Key>& keys) const {
  for (const OwnerReference& reference : meta.owner_references) {
    const auto owner = OwnerOf(reference, key);
    if (!owner) continue;
    const EntryPtr entry = cache_.Get(*owner);
    if (entry && AwaitsDependents(entry->object->meta)) keys.push_back(*owner);
  }
}

void GarbageCollector::Related(const CacheEvent& event, std::vector<Key>& keys) const {
  const Key& key = event.entry->key;
  const Meta& now = event.entry->object->meta;
  const Meta* before = event.previous ? &event.previous->object->meta : nullptr;
  // Changes that come together are one: a name may have become another object's.
  const bool another = before != nullptr && before->uid != now.uid;
  if (event.type == ChangeType::kDeleted || another) {
    const Meta& gone = another ? *before : now;
    AddAll(dependents_.Of(gone.uid), keys);
    AddAwaitingOwners(key, gone, keys);
    if (event.type == ChangeType::kDeleted) return;
  }
  const bool fresh = before == nullptr || another;
  const bool owners_differ = fresh || before->owner_references != now.owner_references;
  if (owners_differ && before != nullptr) AddAwaitingOwners(key, *before, keys);
  const bool awaits = AwaitsDependents(now);
  const bool awaits_anew =
      awaits && (fresh || before->finalizers != now.finalizers || !before->deletion_timestamp);
  if (awaits_anew || (owners_differ && !now.owner_references.empty())) keys.push_back(key);
  if (awaits_anew && AwaitsInForeground(now)) AddAll(dependents_.Of(now.uid), keys);
}

void GarbageCollector::All(std::vector<Key>& keys) const { AddAll(dependents_.All(), keys); }

// ---- owners

Expected<GarbageCollector::Standing> GarbageCollector::StandingOf(const OwnerReference& reference,
                                                                  const Key& dependent) const {
  const auto owner = OwnerOf(reference, dependent);
  if (!owner) return Standing::kPresent;
  const auto standing = [](const Meta& meta) {
    return AwaitsInForeground(meta) ? Standing::kAwaitsDependents : Standing::kPresent;
  };
  const bool place = IsPlaceOfUser(reference, dependent);
  if (const EntryPtr entry = cache_.Get(*owner)) {
    if (place) return Standing::kPresent;
    if (entry->object->meta.uid == reference.uid) return standing(entry->object->meta);
  }
  // The cache may not show it yet, or show what was there before it.
  const auto record = store_.Get(*owner);
  if (!record.ok())
    return record.error().code == Code::kNotFound ? Expected<Standing>(Standing::kGone)
                                                  : record.error();
  const auto object = v1::DecodeStored(*v1::FindKind(owner->kind), record->bytes);
  if (!object.ok() || place) return Standing::kPresent;
  return (*object)->meta.uid == reference.uid ? standing((*object)->meta) : Standing::kGone;
}

Expected<GarbageCollector::Owners> GarbageCollector::OwnersOf(const Key& key,
                                                              const Meta& meta) const {
  Owners owners;
  for (const OwnerReference& reference : meta.owner_references) {
    ZOE_ASSIGN(const Standing standing, StandingOf(reference, key));
    if (standing == Standing::kPresent) owners.present.push_back(reference);
    owners.awaiting = owners.awaiting || standing == Standing::kAwaitsDependents;
    owners.gone = owners.gone || standing == Standing::kGone;
  }
  return owners;
}

std::vector<EntryPtr> GarbageCollector::DependentsOf(const Key& key, const Meta& meta) const {
  std::vector<EntryPtr> found;
  for (const Key& dependent : dependents_.Of(meta.uid)) {
    if (dependent == key) continue;  // who belongs to itself would wait for itself
    EntryPtr entry = cache_.Get(dependent);
    const auto names = [&](const OwnerReference& r) { return Names(r, dependent, key, meta.uid); };
    if (entry && std::ranges::any_of(entry->object->meta.owner_references, names))
      found.push_back(std::move(entry));
  }
  return found;
}

// ---- acting

// Compare-and-swap against the version that was looked at.
Expected<void> GarbageCollector::KeepOwners(const Key& key, const ObjectBase& object,
                                            std::vector<OwnerReference> owners) {
  const v1::Kind& kind = *v1::FindKind(key.kind);
  const auto next = kind.clone(object);
  const Revision seen = std::exchange(next->meta.resource_version, 0);
  next->meta.owner_references = std::move(owners);
  ZOE_TRY(store_.Replace(key, seen, v1::EncodeJson(kind, *next)));
  return {};
}

// Whose owner waits in the foreground lets its own dependents go first, too; but in a circle the
// first that is met waits for nobody.
void GarbageCollector::Delete(const Key& key, const Owners& owners, StatusDraft& draft) const {
  const std::vector<EntryPtr> dependents = DependentsOf(key, draft.object->meta);
  const bool circle = std::ranges::any_of(dependents, [](const EntryPtr& dependent) {
    return AwaitsInForeground(dependent->object->meta);
  });
  if (owners.awaiting && !dependents.empty() && !circle &&
      !Holds(draft.object->meta, kForegroundFinalizer))
    draft.object->meta.finalizers.emplace_back(kForegroundFinalizer);
  draft.request_deletion = true;
  log::Info("deleting what belonged to an object that is gone or going",
            {{"object", key.ToString()},
             {"owner", draft.object->meta.owner_references.front().kind + "/" +
                           draft.object->meta.owner_references.front().name}});
}

Expected<Result> GarbageCollector::Orphan(const Context& ctx, const Key& key, StatusDraft& draft) {
  const Meta& meta = draft.object->meta;
  bool waits = false;
  for (const EntryPtr& dependent : DependentsOf(key, meta)) {
    if (ctx.Done()) return MakeError(Code::kCancelled, "the pass has taken too long");
    if (dependent->kind->internal) continue;
    std::vector<OwnerReference> owners = dependent->object->meta.owner_references;
    std::erase_if(owners, [&](const OwnerReference& reference) {
      return Names(reference, dependent->key, key, meta.uid);
    });
    waits = true;
    const auto kept = KeepOwners(dependent->key, *dependent->object, std::move(owners));
    if (!kept.ok() && kept.error().code != Code::kNotFound && kept.error().code != Code::kConflict)
      return kept.error();
  }
  // The pass that finds none has seen all of them let go.
  if (waits) return Result{.requeue_after = kAgain};
  std::erase(draft.object->meta.finalizers, kOrphanFinalizer);
  return Result{};
}

void GarbageCollector::Await(const Key& key, StatusDraft& draft) const {
  const Meta& meta = draft.object->meta;
  const bool blocked = std::ranges::any_of(DependentsOf(key, meta), [&](const EntryPtr& dependent) {
    return std::ranges::any_of(
        dependent->object->meta.owner_references, [&](const OwnerReference& reference) {
          return reference.block_owner_deletion && Names(reference, dependent->key, key, meta.uid);
        });
  });
  if (!blocked) std::erase(draft.object->meta.finalizers, kForegroundFinalizer);
}

Expected<Result> GarbageCollector::Reconcile(const Context& ctx, const Key& key,
                                             StatusDraft& draft) {
  if (!draft.object) return Result{};
  const Meta& meta = draft.object->meta;
  if (meta.deletion_timestamp) {
    if (Holds(meta, kOrphanFinalizer)) return Orphan(ctx, key, draft);
    if (Holds(meta, kForegroundFinalizer)) Await(key, draft);
    return Result{};
  }
  if (meta.owner_references.empty()) return Result{};
  ZOE_ASSIGN(Owners owners, OwnersOf(key, meta));
  if (!owners.awaiting && !owners.gone) return Result{};
  if (owners.present.empty()) {
    Delete(key, owners, draft);
    return Result{};
  }
  ZOE_TRY(KeepOwners(key, *draft.object, std::move(owners.present)));
  return Result{};
}

}  // namespace zoe
