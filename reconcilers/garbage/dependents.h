#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "controller/cache/cache.h"

namespace zoe::garbage {

// The object that a reference of `dependent` names; nullopt for references that are left alone: to
// other groups, to kinds that aren't stored, without a uid, of a User, from a cluster-scoped
// object into a namespace.
std::optional<Key> OwnerOf(const OwnerReference& reference, const Key& dependent);

// True for an object that is being deleted and whose dependents have to go, or to be let go, first.
bool AwaitsDependents(const Meta& meta);

// Which objects of a cache name which uids as their owners. Follows the cache by itself.
// Thread-safe.
class Dependents {
 public:
  explicit Dependents(Cache& cache);

  // Those that name the owner, whatever they say of its kind and name.
  std::vector<Key> Of(const std::string& uid) const;
  // Everything that garbage collection may have to do with: who names an owner, who awaits
  // dependents.
  std::vector<Key> All() const;

 private:
  struct Node {
    std::set<std::string> owners;  // uids
    bool awaits = false;
  };
  void Update(const Key& key);

  const Cache& cache_;
  mutable std::mutex mutex_;
  std::unordered_map<Key, Node> nodes_;
  std::unordered_map<std::string, std::set<Key>> by_owner_;
  std::shared_ptr<void> listening_;
};

}  // namespace zoe::garbage
