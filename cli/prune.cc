#include "cli/prune.h"

#include <algorithm>
#include <set>

#include "cli/applier.h"
#include "cli/merge.h"
#include "specs/schema/names.h"

namespace zoe::cli {
namespace {

using codec::Value;

constexpr size_t kMaxLabel = 63;

std::vector<Resource> KindsOf(const PruneScope& scope) {
  std::vector<Resource> kinds;
  for (const v1::Kind& kind : v1::Kinds()) {
    const bool named = kind.name == "Execution" || kind.name == "Application";
    if (kind.name != "Event" && (named || !scope.set.empty())) kinds.push_back(FromKind(kind));
  }
  std::ranges::reverse(kinds);
  return kinds;
}

// The lists of one kind.
Expected<codec::Array> Candidates(client::Client& client, const Resource& kind,
                                  const std::set<std::string>& namespaces,
                                  const PruneScope& scope) {
  const bool of_set = !scope.set.empty();
  const client::Query query{
      {"labelSelector", of_set ? std::string(kApplySetLabel) + "=" + scope.set : scope.selector}};
  if (of_set || !kind.namespaced) {
    auto everywhere = client.List(kind.Path(""), query);
    if (everywhere.ok()) return std::move(everywhere->Find("items")->as_array());
    if (everywhere.error().code != Code::kForbidden) return everywhere.error();
    if (!kind.namespaced) return codec::Array{};
  }
  codec::Array all;
  for (const std::string& ns : namespaces) {
    ZOE_ASSIGN(Value list, client.List(kind.Path(ns), query));
    std::ranges::move(list.Find("items")->as_array(), std::back_inserter(all));
  }
  return all;
}

}  // namespace

Expected<std::string> ApplySetId(const std::string& set, const std::string& ns) {
  if (const std::string wrong = schema::MustBeDnsLabel(set); !wrong.empty())
    return MakeError(Code::kBadRequest, "--apply-set " + wrong);
  const std::string id = set + "." + ns;
  if (id.size() <= kMaxLabel) return id;
  return MakeError(Code::kBadRequest, "--apply-set: " + id + " is longer than " +
                                          std::to_string(kMaxLabel) + " characters");
}

Expected<std::vector<Pruned>> FindPruned(Session& session, client::Client& client,
                                         const std::vector<Manifest>& objects,
                                         const PruneScope& scope) {
  std::set<std::string> kept, namespaces;
  if (!scope.set.empty()) namespaces.insert(session.ns());
  for (const Manifest& manifest : objects) {
    kept.insert(manifest.Path());
    if (manifest.resource.namespaced) namespaces.insert(manifest.ns);
  }
  std::vector<Pruned> pruned;
  for (const Resource& kind : KindsOf(scope)) {
    ZOE_ASSIGN(codec::Array candidates, Candidates(client, kind, namespaces, scope));
    for (Value& item : candidates) {
      const std::string ns = item.StringAt("metadata.namespace");
      const std::string name = item.StringAt("metadata.name");
      const bool ours =
          WasApplied(item, scope.manager) && item.At("metadata.deletionTimestamp") == nullptr;
      if (!ours || kept.contains(kind.Path(ns, name))) continue;
      item.Set("apiVersion", std::string(v1::kApiVersion));
      item.Set("kind", kind.kind);
      pruned.push_back({kind, ns, name, std::move(item)});
    }
  }
  return pruned;
}

}  // namespace zoe::cli
