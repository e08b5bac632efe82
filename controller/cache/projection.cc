#include "controller/cache/projection.h"

#include <algorithm>
#include <map>
#include <set>

namespace zoe {
namespace {

// Beyond so many changes at once a list is cheaper to read than the changes.
constexpr size_t kManyChanges = 4096;
// Changes of one revision must fit into what a watch reads at once.
constexpr size_t kManyOfOneRevision = 32;

}  // namespace

Projection::Projection(const v1::Kind& kind) : kind_(kind) {}

Key Projection::KeyOf(const ObjectBase& object) const {
  return {std::string(kind_.name), object.meta.ns, object.meta.name};
}

std::shared_ptr<Entry> Projection::MakeEntry(std::shared_ptr<ObjectBase> object,
                                             Revision revision) const {
  object->meta.resource_version = revision;
  auto entry = std::make_shared<Entry>();
  entry->key = KeyOf(*object);
  entry->revision = revision;
  entry->kind = &kind_;
  entry->json = v1::EncodeJson(kind_, *object);
  entry->object = std::move(object);
  return entry;
}

void Projection::Put(std::shared_ptr<ObjectBase> object, Revision revision) {
  cache_.Apply(MakeEntry(std::move(object), revision));
}

void Projection::Erase(std::string_view ns, std::string_view name, Revision revision) {
  cache_.Erase({std::string(kind_.name), std::string(ns), std::string(name)}, revision);
}

void Projection::Reset(std::vector<std::shared_ptr<ObjectBase>> objects, Revision revision) {
  std::vector<EntryPtr> entries;
  for (auto& object : objects) {
    const Revision own = object->meta.resource_version;
    entries.push_back(MakeEntry(std::move(object), own > 0 ? own : revision));
  }
  cache_.ReplaceAll(std::move(entries), revision);
}

void Projection::Replace(std::vector<std::shared_ptr<ObjectBase>> objects, Revision revision) {
  const Revision base = cache_.revision();
  if (!cache_.synced()) return Reset(std::move(objects), revision > 0 ? revision : base);
  std::set<Key> there;
  std::vector<std::shared_ptr<ObjectBase>> changed;
  for (auto& object : objects) {
    Key key = KeyOf(*object);
    const EntryPtr before = cache_.Get(key);
    if (!there.insert(std::move(key)).second) continue;
    object->meta.resource_version = before ? before->revision : 0;
    if (before && v1::EncodeJson(kind_, *object) == before->json) continue;
    object->meta.resource_version = 0;
    changed.push_back(object);
  }
  std::vector<EntryPtr> gone = cache_.List(kind_.name).entries;
  std::erase_if(gone, [&](const EntryPtr& entry) { return there.contains(entry->key); });
  const size_t changes = changed.size() + gone.size();
  if (changes > (revision > 0 ? kManyOfOneRevision : kManyChanges))
    return Reset(std::move(objects), revision > 0 ? revision : base + 1);
  Revision next = base;
  const auto advance = [&] { return next = revision > 0 ? revision : next + 1; };
  for (const EntryPtr& entry : gone) cache_.Erase(entry->key, advance());
  for (auto& object : changed) cache_.Apply(MakeEntry(std::move(object), advance()));
  cache_.AdvanceTo(std::max(next, revision), std::max(next, revision));
}

}  // namespace zoe
