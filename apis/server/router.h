#pragma once

#include <string>
#include <string_view>
#include <vector>

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
  kControllers,  // who stands for election, and who leads
  kApi,
  kApiV1,
  kApis,
  kGroup,
  kGroupVersion,  // discovery
  kOpenApi2,
  kOpenApi3,  // its index, or a document of it
  kReview,    // who may do what, who one is: reviews.cc
  kLogin,
  kLogout,    // sessions of browsers
  kResource,  // a kind of ours, or a view of Kubernetes' core
};

// A path, taken apart.
struct Route {
  Endpoint endpoint = Endpoint::kRoot;
  const v1::Kind* kind = nullptr;  // kResource
  std::string ns;                  // empty: all namespaces, or a cluster-scoped kind
  std::string name;                // empty: the collection
  // One of the table in resources.cc, or "".
  std::string subresource;
  // What follows: of files the path, decoded, without a leading slash; of proxy the path as sent,
  // from its slash on; of tokens the token's name; of kReview its plural; of kOpenApi3 what follows
  // its path ("apis/zoe/v1").
  std::string rest;
  std::string endpoint_id;  // of proxy

  // "authorization.k8s.io/v1": kReview, kGroupVersion; "zoe": kGroup.
  std::string group_version;

  Key key() const { return {std::string(kind->name), ns, name}; }
  // "executions", or the endpoint's name: for metrics and messages.
  std::string_view plural() const;
};

// Of a pod: exec, attach and portforward, whose connection goes on in another protocol.
bool IsUpgrade(const Route& route);

// True for requests whose body is taken as it comes: PUT of files, everything that is proxied, and
// what goes on as a stream (exec, attach, portforward).
bool StreamsBody(const Route& route, std::string_view method);

// Of a request's target: absolute forms (RFC 9112 3.2.2) are cut down to path and query.
std::string_view PathAndQuery(std::string_view target);

// `path` is percent-encoded, without query. Linear in its length. kNotFound if nothing is there,
// kBadRequest for broken escapes. Names are checked for their characters, so that no path can reach
// beyond its key in any store.
Expected<Route> ParseRoute(std::string_view path);

}  // namespace zoe::server
