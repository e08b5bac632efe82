#pragma once

#include <string>
#include <string_view>

#include "specs/meta/expected.h"
#include "specs/meta/key.h"
#include "specs/v1/kinds.h"

namespace zoe::server {

enum class Endpoint {
  kRoot,
  kHealthz,
  kLivez,
  kReadyz,
  kMetrics,
  kVersion,
  kApi,
  kApiV1,
  kApis,
  kGroup,
  kGroupVersion,  // discovery
  kNodes,
  kNamespaces,  // views of core/v1
  kResource,    // a kind of ours
};

// A path, taken apart.
struct Route {
  Endpoint endpoint = Endpoint::kRoot;
  const v1::Kind* kind = nullptr;  // kResource
  std::string ns;                  // empty: all namespaces, or a cluster-scoped kind
  std::string name;                // empty: the collection
  std::string subresource;         // "", "status", "log"

  Key key() const { return {std::string(kind->name), ns, name}; }
  std::string_view plural()
      const;  // "executions", "nodes", or the endpoint's name: for metrics and messages
};

// `path` is percent-encoded, without query. Linear in its length. kNotFound if nothing is there,
// kBadRequest for broken escapes. Names are checked for their characters, so that no path can reach
// beyond its key in any store.
Expected<Route> ParseRoute(std::string_view path);

}  // namespace zoe::server
