#include "apis/server/router.h"

#include <algorithm>
#include <vector>

#include "apis/server/discovery.h"
#include "apis/server/query.h"
#include "apis/server/resources.h"
#include "apis/server/reviews.h"
#include "apis/server/status.h"

namespace zoe::server {
namespace {

// apis/zoe/v1/namespaces/NS/executions/NAME/endpoints/ID/proxy, then what is the program's own.
constexpr size_t kProxyAt = 9, kMaxSegments = kProxyAt + 1;
// apis/zoe/v1/namespaces/NS/workspaces/NAME/files, then the file's path.
constexpr size_t kFilesAt = 7;

Error NoSuchPath() {
  return MakeError(Code::kNotFound, "the server could not find the requested resource");
}

bool IsName(std::string_view s) {
  return !s.empty() && s.size() <= 253 && s.front() != '.' && s.front() != '-' &&
         std::all_of(s.begin(), s.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
         });
}

// A path in decoded segments; `rest` is what follows where a path goes on freely, as sent, from its
// slash on.
struct Segments {
  std::vector<std::string> names;
  std::string_view rest;
};

bool GoesOnFreely(const std::vector<std::string>& s) {
  return (s.size() == kFilesAt + 1 && s[kFilesAt] == "files" && s[kFilesAt - 2] == "workspaces") ||
         (s.size() == kProxyAt + 1 && s[kProxyAt] == "proxy" && s[kProxyAt - 2] == "endpoints");
}

Expected<Segments> Split(std::string_view path) {
  Segments segments;
  if (!path.starts_with('/')) return NoSuchPath();
  while (path.size() > 1) {
    if (segments.names.size() == kMaxSegments) return NoSuchPath();
    path.remove_prefix(1);
    const size_t slash = std::min(path.find('/'), path.size());
    ZOE_ASSIGN(std::string segment, PercentDecode(path.substr(0, slash), /*plus_is_space=*/false));
    if (segment.empty()) return NoSuchPath();
    segments.names.push_back(std::move(segment));
    path.remove_prefix(slash);
    if (GoesOnFreely(segments.names)) {
      segments.rest = path;
      break;
    }
  }
  return segments;
}

// What stands behind PLURAL/NAME: s[at] and on.
Expected<void> ParseSubresource(const Segments& path, size_t at, Route& route) {
  const std::vector<std::string>& s = path.names;
  route.subresource = s[at];
  if (s[at] == "endpoints" && s.size() == at + 3 && s[at + 2] == "proxy") {
    route.subresource = "proxy";
    route.endpoint_id = s[at + 1];
    route.rest = std::string(path.rest);
    if (route.kind->name != "Execution" || !IsName(route.endpoint_id)) return NoSuchPath();
    return {};
  }
  const Subresource* known = FindSubresource(*route.kind, s[at]);
  if (known == nullptr || s[at] == "proxy") return NoSuchPath();
  const bool named = s.size() == at + 2 && !known->item_verbs.empty();
  if (s.size() > at + 1 && !named) return NoSuchPath();
  if (s[at] == "files") {
    ZOE_ASSIGN(route.rest, PercentDecode(path.rest, /*plus_is_space=*/false));
    if (route.rest.find('\0') != std::string::npos)
      return MakeError(Code::kBadRequest, "the path holds a NUL");
    if (route.rest.ends_with('/')) route.rest.pop_back();
    if (route.rest.starts_with('/')) route.rest.erase(0, 1);
  }
  if (named) {
    route.rest = s[at + 1];
    if (!IsName(route.rest)) return NoSuchPath();
  }
  return {};
}

// Segments from `at`: PLURAL[/NAME[/SUB...]].
Expected<Route> ParseResource(const Segments& path, std::string_view group, size_t at,
                              std::string ns) {
  const std::vector<std::string>& s = path.names;
  Route route{.endpoint = Endpoint::kResource, .ns = std::move(ns)};
  if (at >= s.size()) return NoSuchPath();
  route.kind = FindServed(group, s[at]);
  if (route.kind == nullptr) return NoSuchPath();
  if (route.kind->namespaced == route.ns.empty() && s.size() > at + 1) return NoSuchPath();
  if (!route.kind->namespaced && !route.ns.empty()) return NoSuchPath();
  if (s.size() > at + 1) route.name = s[at + 1];
  if (s.size() > at + 2) {
    ZOE_TRY(ParseSubresource(path, at + 2, route));
  }
  // Nothing can have that name.
  if (!route.name.empty() && !IsName(route.name)) return NotFound(route);
  return route;
}

Error NoNamespace(const std::string& name) {
  return MakeError(Code::kNotFound,
                   "\"" + name + "\" is no namespace: names are made of a-z, 0-9 and -");
}

// A namespace is an object, and what stands behind its name are the objects in it.
Expected<Route> ParseCore(const Segments& path) {
  const std::vector<std::string>& s = path.names;
  if (s.size() == 1) return Route{.endpoint = Endpoint::kApi};
  if (s[1] != "v1") return NoSuchPath();
  if (s.size() == 2) return Route{.endpoint = Endpoint::kApiV1};
  const bool inside = s[2] == "namespaces" && s.size() > 4 && s[4] != "status";
  if (!inside) return ParseResource(path, "", 2, "");
  if (!IsName(s[3])) return NoNamespace(s[3]);
  return ParseResource(path, "", 4, s[3]);
}

Expected<Route> ParseReview(const std::vector<std::string>& s) {
  Route route{.endpoint = Endpoint::kReview, .rest = s.back(), .group_version = s[1] + "/" + s[2]};
  if (!IsReview(route.group_version, route.rest)) return NoSuchPath();
  return route;
}

// openapi/v2, openapi/v3, openapi/v3/apis/zoe/v1
Expected<Route> ParseOpenApi(const std::vector<std::string>& s) {
  if (s.size() == 2 && s[1] == "v2") return Route{.endpoint = Endpoint::kOpenApi2};
  if (s.size() < 2 || s[1] != "v3") return NoSuchPath();
  Route route{.endpoint = Endpoint::kOpenApi3};
  for (size_t i = 2; i < s.size(); ++i) route.rest += (i > 2 ? "/" : "") + s[i];
  return route;
}

Expected<Route> ParseGroups(const Segments& path) {
  const std::vector<std::string>& s = path.names;
  if (s.size() == 1) return Route{.endpoint = Endpoint::kApis};
  const ServedGroup* group = FindGroup(s[1]);
  if (group == nullptr) return NoSuchPath();
  if (s.size() == 2) return Route{.endpoint = Endpoint::kGroup, .group_version = s[1]};
  const auto& versions = group->versions;
  if (std::find(versions.begin(), versions.end(), s[2]) == versions.end()) return NoSuchPath();
  if (s.size() == 3)
    return Route{.endpoint = Endpoint::kGroupVersion, .group_version = s[1] + "/" + s[2]};
  if (s.size() == 4 && IsReview(s[1] + "/" + s[2], s[3])) return ParseReview(s);
  if (s[3] != "namespaces") return ParseResource(path, s[1], 3, "");
  if (s.size() < 6) return NoSuchPath();
  if (!IsName(s[4])) return NoNamespace(s[4]);
  return ParseResource(path, s[1], 5, s[4]);
}

}  // namespace

std::string_view Route::plural() const {
  switch (endpoint) {
    case Endpoint::kRoot:
      return "root";
    case Endpoint::kHealthz:
      return "healthz";
    case Endpoint::kLivez:
      return "livez";
    case Endpoint::kReadyz:
      return "readyz";
    case Endpoint::kMetrics:
      return "metrics";
    case Endpoint::kVersion:
      return "version";
    case Endpoint::kControllers:
      return "controllers";
    case Endpoint::kApi:
    case Endpoint::kApiV1:
    case Endpoint::kApis:
    case Endpoint::kGroup:
    case Endpoint::kGroupVersion:
      return "discovery";
    case Endpoint::kOpenApi2:
    case Endpoint::kOpenApi3:
      return "openapi";
    case Endpoint::kLogin:
      return "login";
    case Endpoint::kLogout:
      return "logout";
    case Endpoint::kReview:
      return "reviews";
    case Endpoint::kResource:
      break;
  }
  return kind->plural;
}

bool IsUpgrade(const Route& route) {
  return route.subresource == "exec" || route.subresource == "attach" ||
         route.subresource == "portforward";
}

bool StreamsBody(const Route& route, std::string_view method) {
  return route.subresource == "proxy" || (route.subresource == "files" && method == "PUT") ||
         IsUpgrade(route);
}

std::string_view PathAndQuery(std::string_view target) {
  if (target.starts_with('/')) return target;
  const size_t scheme = target.find("://");
  if (scheme == std::string_view::npos) return target;
  const size_t slash = target.find('/', scheme + 3);
  return slash == std::string_view::npos ? "/" : target.substr(slash);
}

Expected<Route> ParseRoute(std::string_view path) {
  ZOE_ASSIGN(const Segments segments, Split(path));
  const std::vector<std::string>& s = segments.names;
  if (s.empty()) return Route{.endpoint = Endpoint::kRoot};
  if (s[0] == "apis") return ParseGroups(segments);
  if (s[0] == "api") return ParseCore(segments);
  if (s[0] == "openapi") return ParseOpenApi(s);
  if (s.size() == 1) {
    static constexpr std::pair<std::string_view, Endpoint> kPlain[] = {
        {"healthz", Endpoint::kHealthz}, {"livez", Endpoint::kLivez},
        {"readyz", Endpoint::kReadyz},   {"metrics", Endpoint::kMetrics},
        {"version", Endpoint::kVersion}, {"login", Endpoint::kLogin},
        {"logout", Endpoint::kLogout},   {"controllers", Endpoint::kControllers},
    };
    for (const auto& [name, endpoint] : kPlain) {
      if (s[0] == name) return Route{.endpoint = endpoint};
    }
  }
  return NoSuchPath();
}

}  // namespace zoe::server
