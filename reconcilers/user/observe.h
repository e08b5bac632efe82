#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "controller/cache/cache.h"
#include "controller/ports/store.h"
#include "reconcilers/namespace/network.h"
#include "specs/v1/gateway.h"
#include "specs/v1/workspace.h"

namespace zoe::user {

// An object of the user's namespace.
struct Member {
  Key key;
  bool deleting = false;  // its deletion has been asked for
  bool operator==(const Member&) const = default;
};

// The world, as far as one User is concerned.
struct Observed {
  std::optional<SwarmNetwork> network;
  std::optional<Error> stranger;  // somebody else's network has the name of ours
  std::shared_ptr<const v1::Workspace> workspace;
  std::shared_ptr<const v1::Gateway> gateway;
  // Of a User that is being deleted: everything in its namespace but Events, internal kinds
  // included; and the Events.
  std::vector<Member> members;
  std::vector<Key> events;
};

struct Sources {
  const Cache& cache;
  Store& store;
  Networks& networks;
};

// Errors are the Swarm's and the store's. Of a User that is being deleted the members come from the
// cache; if that has none left, from the store, which may have what the cache doesn't show yet or
// can't read.
Expected<Observed> Observe(const Context& ctx, Sources sources, const v1::User& user);

}  // namespace zoe::user
