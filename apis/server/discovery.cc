// The documents by which Kubernetes clients learn what is served here: of each group and version
// its own, and aggregated ones that tell everything at once.
#include "apis/server/discovery.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "apis/server/api.h"
#include "apis/server/resources.h"
#include "apis/server/reviews.h"
#include "apis/server/status.h"
#include "specs/codec/value.h"

namespace zoe::server {
namespace {

using codec::Array;
using codec::Value;

constexpr std::string_view kPlain = "application/json",
                           kAggregated =
                               "application/json;g=apidiscovery.k8s.io;v=v2;"
                               "as=APIGroupDiscoveryList",
                           kAggregatedBeta =
                               "application/json;g=apidiscovery.k8s.io;v=v2beta1;"
                               "as=APIGroupDiscoveryList";

Array Words(const std::vector<std::string_view>& words) {
  Array array;
  for (const std::string_view word : words) array.emplace_back(std::string(word));
  return array;
}

Array Verbs(std::string_view verbs) {
  Array array;
  while (!verbs.empty()) {
    const size_t space = std::min(verbs.find(' '), verbs.size());
    array.emplace_back(std::string(verbs.substr(0, space)));
    verbs.remove_prefix(std::min(space + 1, verbs.size()));
  }
  return array;
}

std::string Singular(const ReviewKind& review) {
  return std::string(review.plural.substr(0, review.plural.size() - 1));
}

Value ResourceValue(std::string name, std::string_view singular, bool namespaced,
                    std::string_view kind, std::string_view verbs) {
  Value resource;
  resource.Set("name", std::move(name));
  resource.Set("singularName", std::string(singular));
  resource.Set("namespaced", namespaced);
  resource.Set("kind", std::string(kind));
  resource.Set("verbs", Verbs(verbs));
  return resource;
}

void AddKind(const v1::Kind& kind, Array& resources) {
  const std::string plural(kind.plural);
  Value resource = ResourceValue(plural, kind.singular, kind.namespaced, kind.name, VerbsOf(kind));
  if (!kind.short_names.empty()) resource.Set("shortNames", Words(kind.short_names));
  if (!kind.categories.empty()) resource.Set("categories", Words(kind.categories));
  resources.push_back(std::move(resource));
  for (const Subresource& subresource : SubresourcesOf(kind)) {
    if (!subresource.listed) continue;
    Value below =
        ResourceValue(plural + "/" + std::string(subresource.name), "", kind.namespaced,
                      subresource.takes.empty() ? kind.name : subresource.takes, subresource.verbs);
    if (!subresource.group.empty()) {
      below.Set("group", std::string(subresource.group));
      below.Set("version", std::string(subresource.version));
    }
    resources.push_back(std::move(below));
  }
}

Value ResourceList(std::string_view group, std::string_view version) {
  Array resources;
  for (const v1::Kind* kind : ServedKinds()) {
    if (kind->group == group && VersionOf(*kind) == version) AddKind(*kind, resources);
  }
  for (const ReviewKind& review : ReviewKinds()) {
    if (review.group == group && review.version == version)
      resources.push_back(ResourceValue(std::string(review.plural), Singular(review), false,
                                        review.kind, "create"));
  }
  Value list;
  list.Set("kind", "APIResourceList");
  list.Set("apiVersion", "v1");
  list.Set("groupVersion", GroupVersion(group, version));
  list.Set("resources", std::move(resources));
  return list;
}

Value GroupValue(const ServedGroup& group) {
  Array versions;
  for (const std::string_view version : group.versions) {
    Value value;
    value.Set("groupVersion", GroupVersion(group.name, version));
    value.Set("version", std::string(version));
    versions.push_back(std::move(value));
  }
  Value value;
  value.Set("name", std::string(group.name));
  value.Set("preferredVersion", versions.front());
  value.Set("versions", std::move(versions));
  return value;
}

Value GroupList() {
  Array groups;
  for (const ServedGroup& group : ServedGroups()) {
    if (!group.name.empty()) groups.push_back(GroupValue(group));
  }
  Value list;
  list.Set("kind", "APIGroupList");
  list.Set("apiVersion", "v1");
  list.Set("groups", std::move(groups));
  return list;
}

Value CoreVersions() {
  Value list;
  list.Set("kind", "APIVersions");
  list.Set("versions", Array{"v1"});
  list.Set("serverAddressByClientCIDRs", Array{});
  return list;
}

// The same facts in the words of apidiscovery.k8s.io.
Value ResponseKind(std::string_view group, std::string_view version, std::string_view kind) {
  Value value;
  value.Set("group", std::string(group));
  value.Set("version", std::string(version));
  value.Set("kind", std::string(kind));
  return value;
}

Value Aggregate(const v1::Kind& kind) {
  const std::string_view version = VersionOf(kind);
  Value resource;
  resource.Set("resource", std::string(kind.plural));
  resource.Set("responseKind", ResponseKind(kind.group, version, kind.name));
  resource.Set("scope", kind.namespaced ? "Namespaced" : "Cluster");
  resource.Set("singularResource", std::string(kind.singular));
  resource.Set("verbs", Verbs(VerbsOf(kind)));
  if (!kind.short_names.empty()) resource.Set("shortNames", Words(kind.short_names));
  if (!kind.categories.empty()) resource.Set("categories", Words(kind.categories));
  Array subresources;
  for (const Subresource& subresource : SubresourcesOf(kind)) {
    if (!subresource.listed) continue;
    const bool own = subresource.group.empty();
    Value below;
    below.Set("subresource", std::string(subresource.name));
    below.Set(
        "responseKind",
        ResponseKind(own ? kind.group : subresource.group, own ? version : subresource.version,
                     subresource.takes.empty() ? kind.name : subresource.takes));
    below.Set("verbs", Verbs(subresource.verbs));
    subresources.push_back(std::move(below));
  }
  if (!subresources.empty()) resource.Set("subresources", std::move(subresources));
  return resource;
}

Value Aggregate(const ReviewKind& review) {
  Value resource;
  resource.Set("resource", std::string(review.plural));
  resource.Set("responseKind", ResponseKind(review.group, review.version, review.kind));
  resource.Set("scope", "Cluster");
  resource.Set("singularResource", Singular(review));
  resource.Set("verbs", Verbs("create"));
  return resource;
}

Value Aggregate(const ServedGroup& group) {
  Array versions;
  for (const std::string_view version : group.versions) {
    Array resources;
    for (const v1::Kind* kind : ServedKinds()) {
      if (kind->group == group.name && VersionOf(*kind) == version)
        resources.push_back(Aggregate(*kind));
    }
    for (const ReviewKind& review : ReviewKinds()) {
      if (review.group == group.name && review.version == version)
        resources.push_back(Aggregate(review));
    }
    Value value;
    value.Set("version", std::string(version));
    value.Set("resources", std::move(resources));
    value.Set("freshness", "Current");
    versions.push_back(std::move(value));
  }
  Value metadata = codec::Object{}, value;
  if (!group.name.empty()) metadata.Set("name", std::string(group.name));
  value.Set("metadata", std::move(metadata));
  value.Set("versions", std::move(versions));
  return value;
}

Value Aggregate(bool core, const char* version) {
  Array items;
  for (const ServedGroup& group : ServedGroups()) {
    if (group.name.empty() == core) items.push_back(Aggregate(group));
  }
  Value list;
  list.Set("kind", "APIGroupDiscoveryList");
  list.Set("apiVersion", std::string("apidiscovery.k8s.io/") + version);
  list.Set("metadata", codec::Object{});
  list.Set("items", std::move(items));
  return list;
}

// By path and media type.
using Documents = std::map<std::pair<std::string, std::string_view>, Document>;

const Documents& AllDocuments() {
  static const Documents documents = [] {
    Documents all;
    const auto add = [&all](const std::string& path, std::string_view media, const Value& value) {
      all[{path, media}] = MakeDocument(codec::ToJson(value) + "\n");
    };
    add("api", kPlain, CoreVersions());
    add("apis", kPlain, GroupList());
    for (const bool core : {true, false}) {
      const char* path = core ? "api" : "apis";
      add(path, kAggregated, Aggregate(core, "v2"));
      add(path, kAggregatedBeta, Aggregate(core, "v2beta1"));
    }
    for (const ServedGroup& group : ServedGroups()) {
      for (const std::string_view version : group.versions)
        add(GroupPath(group.name, version), kPlain, ResourceList(group.name, version));
      if (group.name.empty()) continue;
      Value value = GroupValue(group);
      value.Set("kind", "APIGroup");
      value.Set("apiVersion", "v1");
      add("apis/" + std::string(group.name), kPlain, value);
    }
    return all;
  }();
  return documents;
}

std::string PathOf(const Route& route) {
  switch (route.endpoint) {
    case Endpoint::kApi:
      return "api";
    case Endpoint::kApiV1:
      return "api/v1";
    case Endpoint::kApis:
      return "apis";
    default:
      return "apis/" + route.group_version;
  }
}

std::string_view Cut(std::string_view& rest, char separator) {
  const size_t end = std::min(rest.find(separator), rest.size());
  std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  while (!part.empty() && (part.front() == ' ' || part.front() == '\t')) part.remove_prefix(1);
  while (!part.empty() && (part.back() == ' ' || part.back() == '\t')) part.remove_suffix(1);
  return part;
}

// A media type and its parameters; how much it is wanted is not one.
std::pair<std::string_view, std::set<std::string_view>> TakeApart(std::string_view text) {
  const std::string_view media = Cut(text, ';');
  std::set<std::string_view> parameters;
  while (!text.empty()) {
    const std::string_view parameter = Cut(text, ';');
    if (!parameter.starts_with("q=") && !parameter.starts_with("charset=") && !parameter.empty())
      parameters.insert(parameter);
  }
  return {media, std::move(parameters)};
}

}  // namespace

const std::vector<ServedGroup>& ServedGroups() {
  static const std::vector<ServedGroup> groups = [] {
    std::vector<ServedGroup> found;
    const auto add = [&found](std::string_view name, std::string_view version) {
      auto group = std::find_if(found.begin(), found.end(),
                                [&](const ServedGroup& g) { return g.name == name; });
      if (group == found.end()) group = found.insert(group, {name, {}});
      auto& versions = group->versions;
      if (std::find(versions.begin(), versions.end(), version) == versions.end())
        versions.push_back(version);
    };
    add("", "v1");
    for (const v1::Kind* kind : ServedKinds()) add(kind->group, VersionOf(*kind));
    for (const ReviewKind& review : ReviewKinds()) add(review.group, review.version);
    return found;
  }();
  return groups;
}

const ServedGroup* FindGroup(std::string_view name) {
  for (const ServedGroup& group : ServedGroups()) {
    if (group.name == name) return &group;
  }
  return nullptr;
}

std::string_view VersionOf(const v1::Kind& kind) {
  return kind.api_version.substr(kind.group.empty() ? 0 : kind.group.size() + 1);
}

std::string GroupVersion(std::string_view group, std::string_view version) {
  return (group.empty() ? "" : std::string(group) + "/") + std::string(version);
}

std::string GroupPath(std::string_view group, std::string_view version) {
  return (group.empty() ? "api/" : "apis/") + GroupVersion(group, version);
}

Document MakeDocument(std::string text) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
  return {std::make_shared<const std::string>(std::move(text)), "\"" + std::string(digits) + "\""};
}

Response DocumentResponse(const Exchange& exchange, const Document& document,
                          std::string_view content_type) {
  Response response{.content_type = content_type};
  response.headers = {{"ETag", document.tag}, {"Vary", "Accept"}};
  if (exchange.request.if_none_match.find(document.tag) != std::string::npos) {
    response.status = 304;
    response.content_type = {};
  } else {
    response.body = document.body;
  }
  return response;
}

size_t AcceptPlace(std::string_view accept, std::string_view media) {
  if (accept.empty()) accept = "*/*";
  const auto wanted = TakeApart(media);
  const std::string_view kind = wanted.first.substr(0, wanted.first.find('/'));
  for (size_t place = 0; !accept.empty(); ++place) {
    const auto [type, parameters] = TakeApart(Cut(accept, ','));
    const bool wild =
        type == "*/*" || (type.ends_with("/*") && type.substr(0, type.size() - 2) == kind);
    if ((wild || type == wanted.first) && parameters == wanted.second) return place;
  }
  return std::string_view::npos;
}

Response Api::Discovery(const Exchange& exchange) const {
  const std::string path = PathOf(exchange.route);
  const std::string_view accept = exchange.request.accept;
  size_t best = AcceptPlace(accept, "application/yaml");
  const Document* chosen = nullptr;
  std::string_view media;
  for (const std::string_view candidate : {kPlain, kAggregated, kAggregatedBeta}) {
    const auto it = AllDocuments().find({path, candidate});
    if (it == AllDocuments().end()) continue;
    const size_t place = AcceptPlace(accept, candidate);
    if (candidate == kPlain && chosen == nullptr) {
      chosen = &it->second;  // also what YAML is made of
      media = candidate;
      best = std::min(best, place);
    } else if (place < best) {
      chosen = &it->second;
      media = candidate;
      best = place;
    }
  }
  if (chosen == nullptr)
    return ErrorResponse(
        MakeError(Code::kNotFound, "the server could not find the requested resource"));
  if (best == std::string_view::npos)
    return StatusResponse(406, "NotAcceptable",
                          "only application/json and application/yaml can be written");
  return DocumentResponse(exchange, *chosen, media);
}

}  // namespace zoe::server
