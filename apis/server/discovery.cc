// The documents by which Kubernetes clients learn what is served here.
#include "apis/server/api.h"
#include "specs/codec/value.h"

namespace zoe::server {
namespace {

using codec::Array;
using codec::Value;

Value Strings(std::initializer_list<const char*> words) {
  Array array;
  for (const char* word : words) array.emplace_back(word);
  return array;
}

Value Resource(std::string name, std::string singular, const std::string& kind, bool namespaced,
               Value verbs) {
  Value resource;
  resource.Set("name", std::move(name));
  resource.Set("singularName", std::move(singular));
  resource.Set("namespaced", namespaced);
  resource.Set("kind", kind);
  resource.Set("verbs", std::move(verbs));
  return resource;
}

Value ResourceList(const std::string& group_version, Array resources) {
  Value list;
  list.Set("kind", "APIResourceList");
  list.Set("apiVersion", "v1");
  list.Set("groupVersion", group_version);
  list.Set("resources", std::move(resources));
  return list;
}

Value Core() {
  Value nodes = Resource("nodes", "node", "Node", false, Strings({"get", "list"}));
  nodes.Set("shortNames", Strings({"no"}));
  Value namespaces =
      Resource("namespaces", "namespace", "Namespace", false, Strings({"get", "list"}));
  namespaces.Set("shortNames", Strings({"ns"}));
  return ResourceList("v1", {std::move(nodes), std::move(namespaces)});
}

Value Ours() {
  Array resources;
  for (const v1::Kind& kind : v1::Kinds()) {
    const std::string plural(kind.plural), name(kind.name);
    Value resource = Resource(plural, std::string(kind.singular), name, kind.namespaced,
                              Strings({"create", "delete", "deletecollection", "get", "list",
                                       "patch", "update", "watch"}));
    Array short_names;
    for (const std::string_view short_name : kind.short_names)
      short_names.emplace_back(std::string(short_name));
    if (!short_names.empty()) resource.Set("shortNames", std::move(short_names));
    resource.Set("categories", Strings({"all"}));
    resources.push_back(std::move(resource));
    if (kind.has_status)
      resources.push_back(Resource(plural + "/status", "", name, kind.namespaced,
                                   Strings({"get", "patch", "update"})));
    if (kind.name == "Execution")
      resources.push_back(Resource(plural + "/log", "", name, kind.namespaced, Strings({"get"})));
  }
  return ResourceList(std::string(v1::kApiVersion), std::move(resources));
}

Value Group(bool alone) {
  Value version;
  version.Set("groupVersion", std::string(v1::kApiVersion));
  version.Set("version", "v1");
  Value group;
  if (alone) {
    group.Set("kind", "APIGroup");
    group.Set("apiVersion", "v1");
  }
  group.Set("name", "zoe");
  group.Set("versions", Array{version});
  group.Set("preferredVersion", version);
  return group;
}

Value Document(Endpoint endpoint) {
  Value document;
  switch (endpoint) {
    case Endpoint::kApiV1:
      return Core();
    case Endpoint::kGroupVersion:
      return Ours();
    case Endpoint::kGroup:
      return Group(true);
    case Endpoint::kApis:
      document.Set("kind", "APIGroupList");
      document.Set("apiVersion", "v1");
      document.Set("groups", Array{Group(false)});
      return document;
    default:
      document.Set("kind", "APIVersions");
      document.Set("versions", Strings({"v1"}));
      document.Set("serverAddressByClientCIDRs", Array{});
      return document;
  }
}

}  // namespace

Response Api::Discovery(const Route& route) const {
  return {.prefix = codec::ToJson(Document(route.endpoint)) + "\n"};
}

}  // namespace zoe::server
