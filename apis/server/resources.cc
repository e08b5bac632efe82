#include "apis/server/resources.h"

#include <algorithm>
#include <map>
#include <utility>

#include "specs/core/kinds.h"
#include "specs/core/metrics.h"

namespace zoe::server {
namespace {

constexpr std::string_view kAllVerbs = "create delete deletecollection get list patch update watch";
constexpr std::string_view kViewVerbs = "get list watch", kMetricsVerbs = "get list";

// Beside "status", which every kind that has one gets.
constexpr Subresource kSubresources[] = {
    {.kind = "Execution", .name = "log", .verbs = "get"},
    {.kind = "Execution",
     .name = "proxy",
     .verbs = "create delete get patch update",
     .listed = false},
    {.kind = "Execution",
     .name = "scale",
     .verbs = "get patch update",
     .group = "autoscaling",
     .version = "v1",
     .takes = "Scale"},
    {.kind = "Workspace", .name = "files", .verbs = "delete get update"},
    {.kind = "User", .name = "password", .verbs = "update"},
    {.kind = "User", .name = "tokens", .verbs = "create get", .item_verbs = "delete get"},
    {.kind = "Gateway", .name = "credentials", .verbs = "get"},
    {.kind = "Pod", .name = "attach", .verbs = "create get", .takes = "PodAttachOptions"},
    {.kind = "Pod", .name = "exec", .verbs = "create get", .takes = "PodExecOptions"},
    {.kind = "Pod", .name = "log", .verbs = "get"},
    {.kind = "Pod", .name = "portforward", .verbs = "create get", .takes = "PodPortForwardOptions"},
};

constexpr Method kMethods[] = {Method::kGet, Method::kHead,  Method::kPost,
                               Method::kPut, Method::kPatch, Method::kDelete};

std::string_view MethodName(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kHead:
      return "HEAD";
    case Method::kPost:
      return "POST";
    case Method::kPut:
      return "PUT";
    case Method::kPatch:
      return "PATCH";
    case Method::kDelete:
      return "DELETE";
    case Method::kOther:
      break;
  }
  return "OTHER";
}

// The verb that a method is at a path; empty: none.
std::string_view VerbAt(const Route& route, Method method) {
  const bool collection = route.name.empty();
  switch (method) {
    case Method::kGet:
    case Method::kHead:
      return collection ? "list" : "get";
    case Method::kPost:
      return collection || !route.subresource.empty() ? "create" : "";
    case Method::kPut:
      return collection ? "" : "update";
    case Method::kPatch:
      return collection ? "" : "patch";
    case Method::kDelete:
      return collection ? "deletecollection" : "delete";
    case Method::kOther:
      break;
  }
  return "";
}

std::string_view VerbsAt(const Route& route) {
  if (route.subresource.empty()) return VerbsOf(*route.kind);
  const Subresource* subresource = FindSubresource(*route.kind, route.subresource);
  if (subresource == nullptr) return "";
  return route.rest.empty() || subresource->item_verbs.empty() ? subresource->verbs
                                                               : subresource->item_verbs;
}

bool IsPlainAllowed(Endpoint endpoint, Method method) {
  if (endpoint == Endpoint::kLogout || endpoint == Endpoint::kReview)
    return method == Method::kPost;
  if (method == Method::kPost) return endpoint == Endpoint::kLogin;
  return method == Method::kGet || method == Method::kHead;
}

std::vector<Subresource> MakeSubresources(const v1::Kind& kind) {
  std::vector<Subresource> found;
  if (kind.has_status)
    found.push_back({.kind = kind.name,
                     .name = "status",
                     .verbs = kind.view ? std::string_view("get") : "get patch update"});
  for (const Subresource& subresource : kSubresources) {
    if (subresource.kind == kind.name) found.push_back(subresource);
  }
  return found;
}

}  // namespace

const std::vector<const v1::Kind*>& ServedKinds() {
  static const std::vector<const v1::Kind*> kinds = [] {
    std::vector<const v1::Kind*> all;
    for (const v1::Kind& kind : v1::Kinds()) all.push_back(&kind);
    for (const v1::Kind& kind : core::Kinds()) all.push_back(&kind);
    for (const v1::Kind& kind : core::MetricsKinds()) all.push_back(&kind);
    return all;
  }();
  return kinds;
}

const v1::Kind* FindServed(std::string_view group, std::string_view plural) {
  for (const v1::Kind* kind : ServedKinds()) {
    if (kind->group == group && kind->plural == plural) return kind;
  }
  return nullptr;
}

std::string_view VerbsOf(const v1::Kind& kind) {
  if (kind.group == core::kMetricsGroup) return kMetricsVerbs;
  return kind.view ? kViewVerbs : kAllVerbs;
}

const std::vector<Subresource>& SubresourcesOf(const v1::Kind& kind) {
  static const std::map<const v1::Kind*, std::vector<Subresource>> table = [] {
    std::map<const v1::Kind*, std::vector<Subresource>> made;
    for (const v1::Kind* served : ServedKinds()) made.emplace(served, MakeSubresources(*served));
    return made;
  }();
  static const std::vector<Subresource> none;
  const auto it = table.find(&kind);
  return it == table.end() ? none : it->second;
}

const Subresource* FindSubresource(const v1::Kind& kind, std::string_view name) {
  for (const Subresource& subresource : SubresourcesOf(kind)) {
    if (subresource.name == name) return &subresource;
  }
  return nullptr;
}

bool HasVerb(std::string_view verbs, std::string_view verb) {
  while (!verbs.empty()) {
    const size_t space = std::min(verbs.find(' '), verbs.size());
    if (verbs.substr(0, space) == verb) return true;
    verbs.remove_prefix(std::min(space + 1, verbs.size()));
  }
  return false;
}

bool IsAllowed(const Route& route, Method method) {
  if (route.endpoint != Endpoint::kResource) return IsPlainAllowed(route.endpoint, method);
  // A proxied program knows what it takes.
  if (route.subresource == "proxy") return true;
  const std::string_view verb = VerbAt(route, method);
  return !verb.empty() && HasVerb(VerbsAt(route), verb);
}

std::string AllowedMethods(const Route& route) {
  std::string methods;
  for (const Method method : kMethods) {
    if (!IsAllowed(route, method)) continue;
    methods += methods.empty() ? "" : ", ";
    methods += MethodName(method);
  }
  return methods;
}

}  // namespace zoe::server
