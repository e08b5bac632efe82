#include "apis/server/router.h"

#include <algorithm>
#include <vector>

#include "apis/server/query.h"

namespace zoe::server {
namespace {

constexpr size_t kMaxSegments =
    8;  // the longest path of ours: apis/zoe/v1/namespaces/NS/PLURAL/NAME/SUB

Error NoSuchPath() {
  return MakeError(Code::kNotFound, "the server could not find the requested resource");
}

bool IsName(std::string_view s) {
  return !s.empty() && s.size() <= 253 && s.front() != '.' && s.front() != '-' &&
         std::all_of(s.begin(), s.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
         });
}

Expected<std::vector<std::string>> Split(std::string_view path) {
  std::vector<std::string> segments;
  if (!path.starts_with('/')) return NoSuchPath();
  path.remove_prefix(1);
  if (path == "/") return NoSuchPath();
  if (path.ends_with('/')) path.remove_suffix(1);
  while (!path.empty()) {
    if (segments.size() == kMaxSegments) return NoSuchPath();
    const size_t slash = std::min(path.find('/'), path.size());
    ZOE_ASSIGN(std::string segment, PercentDecode(path.substr(0, slash), /*plus_is_space=*/false));
    if (segment.empty()) return NoSuchPath();
    segments.push_back(std::move(segment));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return segments;
}

const v1::Kind* KindOfPlural(std::string_view plural) {
  for (const v1::Kind& kind : v1::Kinds()) {
    if (kind.plural == plural) return &kind;
  }
  return nullptr;
}

// Segments from `at`: PLURAL[/NAME[/SUB]].
Expected<Route> ParseResource(const std::vector<std::string>& s, size_t at, std::string ns) {
  Route route{.endpoint = Endpoint::kResource, .ns = std::move(ns)};
  if (at >= s.size() || s.size() > at + 3) return NoSuchPath();
  route.kind = KindOfPlural(s[at]);
  if (route.kind == nullptr) return NoSuchPath();
  if (route.kind->namespaced == route.ns.empty() && s.size() > at + 1) return NoSuchPath();
  if (!route.kind->namespaced && !route.ns.empty()) return NoSuchPath();
  if (s.size() > at + 1) route.name = s[at + 1];
  if (s.size() > at + 2) route.subresource = s[at + 2];
  if (!route.name.empty() && !IsName(route.name)) {
    return MakeError(Code::kNotFound,
                     "\"" + route.name + "\" is no name: names are made of a-z, 0-9 and -");
  }
  const bool known = route.subresource.empty() ||
                     (route.subresource == "status" && route.kind->has_status) ||
                     (route.subresource == "log" && route.kind->name == "Execution");
  if (!known) return NoSuchPath();
  return route;
}

Expected<Route> ParseCore(const std::vector<std::string>& s) {
  if (s.size() == 1) return Route{.endpoint = Endpoint::kApi};
  if (s[1] != "v1") return NoSuchPath();
  if (s.size() == 2) return Route{.endpoint = Endpoint::kApiV1};
  Route route;
  if (s[2] == "nodes") {
    route.endpoint = Endpoint::kNodes;
  } else if (s[2] == "namespaces") {
    route.endpoint = Endpoint::kNamespaces;
  } else {
    return NoSuchPath();
  }
  if (s.size() > 4) return NoSuchPath();
  if (s.size() == 4) route.name = s[3];
  return route;
}

Expected<Route> ParseGroups(const std::vector<std::string>& s) {
  if (s.size() == 1) return Route{.endpoint = Endpoint::kApis};
  if (s[1] != "zoe") return NoSuchPath();
  if (s.size() == 2) return Route{.endpoint = Endpoint::kGroup};
  if (s[2] != "v1") return NoSuchPath();
  if (s.size() == 3) return Route{.endpoint = Endpoint::kGroupVersion};
  if (s[3] != "namespaces") return ParseResource(s, 3, "");
  if (s.size() < 6) return NoSuchPath();
  if (!IsName(s[4])) {
    return MakeError(Code::kNotFound,
                     "\"" + s[4] + "\" is no namespace: names are made of a-z, 0-9 and -");
  }
  return ParseResource(s, 5, s[4]);
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
    case Endpoint::kApi:
    case Endpoint::kApiV1:
    case Endpoint::kApis:
    case Endpoint::kGroup:
    case Endpoint::kGroupVersion:
      return "discovery";
    case Endpoint::kLogin:
      return "login";
    case Endpoint::kLogout:
      return "logout";
    case Endpoint::kNodes:
      return "nodes";
    case Endpoint::kNamespaces:
      return "namespaces";
    case Endpoint::kResource:
      break;
  }
  return kind->plural;
}

Expected<Route> ParseRoute(std::string_view path) {
  ZOE_ASSIGN(const std::vector<std::string> s, Split(path));
  if (s.empty()) return Route{.endpoint = Endpoint::kRoot};
  if (s[0] == "apis") return ParseGroups(s);
  if (s[0] == "api") return ParseCore(s);
  if (s.size() == 1) {
    static constexpr std::pair<std::string_view, Endpoint> kPlain[] = {
        {"healthz", Endpoint::kHealthz}, {"livez", Endpoint::kLivez},
        {"readyz", Endpoint::kReadyz},   {"metrics", Endpoint::kMetrics},
        {"version", Endpoint::kVersion},
    };
    for (const auto& [name, endpoint] : kPlain) {
      if (s[0] == name) return Route{.endpoint = endpoint};
    }
  }
  return NoSuchPath();
}

}  // namespace zoe::server
