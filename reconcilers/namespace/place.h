// What a namespace gives its containers: pure, from what the cache knows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/cache/cache.h"
#include "specs/v1/gateway.h"
#include "specs/v1/user.h"
#include "specs/v1/workspace.h"

namespace zoe {

struct Place {
  bool has_user = false;
  // With a User: its network and its Workspace are Ready, so that containers may start. Without
  // one: always, except while a Workspace that stands alone is not Ready.
  bool ready = true;
  std::string waiting_for;  // in words, if not ready
  // Of containers, if their service names no user; absent without a User.
  std::optional<int64_t> uid, gid;
  bool has_workspace = false;                 // its reconciler makes the directory
  std::optional<v1::WorkspaceVolume> volume;  // instead of the directory
  bool has_gateway = false;                   // through which the API proxies endpoints
  std::string via;                            // the gateway's "socks5h://..."; empty: none is ready
  bool operator==(const Place&) const = default;
};

// Of the Docker volume that is the namespace's workspace, where one is.
std::string VolumeName(std::string_view deployment, std::string_view ns);

// The objects that make it; null: there is none.
struct Makers {
  const v1::User* user = nullptr;
  const v1::Workspace* workspace = nullptr;
  const v1::Gateway* gateway = nullptr;
};
Place PlaceOf(const Makers& makers, const std::string& ns);
// Not ready while one of them stands in the store and is not to be seen here: its containers would
// start where, and as whom, they must not.
Place PlaceOf(const Cache& cache, const std::string& ns);

// Whether the place of the object's namespace may differ after this change: not for a change of
// what else stands in the object, such as what was measured. False for other kinds.
bool ConcernsPlace(const CacheEvent& event);
// The namespace that an object of these kinds is about: a User's is its name.
const std::string& NamespaceOf(const Key& key);

}  // namespace zoe
