#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/cache/cache.h"

namespace zoe {

// The objects of one kind in a Cache of their own, whose source is somebody else than the store:
// what is shown of the Swarm, or derived from other objects. Readers use the Cache as any other.
// One caller at a time; the Cache itself may be read meanwhile.
class Projection {
 public:
  explicit Projection(const v1::Kind& kind);

  const Cache& cache() const { return cache_; }
  std::shared_ptr<void> Listen(Cache::Listener listener) {
    return cache_.Listen(std::move(listener));
  }

  // These are all objects that there are (of two with the same key, the first). What differs from
  // before becomes changes: with `revision`, or, where that is 0, each with the next one. The first
  // call makes the cache synced. When so much has changed that it is cheaper to list again, older
  // watches expire. meta.resource_version is set here.
  void Replace(std::vector<std::shared_ptr<ObjectBase>> objects, Revision revision = 0);
  // One that is new or has changed, at a revision above all before.
  void Put(std::shared_ptr<ObjectBase> object, Revision revision);
  void Erase(std::string_view ns, std::string_view name, Revision revision);
  // Nothing else has changed up to `revision`.
  void Advance(Revision revision) { cache_.AdvanceTo(revision, revision); }
  // Starts again from these, each at its own meta.resource_version, or, where that is 0, at
  // `revision`. If anything differs from before, every watch from before expires.
  void Reset(std::vector<std::shared_ptr<ObjectBase>> objects, Revision revision);

 private:
  Key KeyOf(const ObjectBase& object) const;
  std::shared_ptr<Entry> MakeEntry(std::shared_ptr<ObjectBase> object, Revision revision) const;

  const v1::Kind& kind_;
  Cache cache_;
};

}  // namespace zoe
