#include "reconcilers/user/observe.h"

#include <algorithm>

#include "specs/v1/kinds.h"

namespace zoe::user {
namespace {

std::vector<const v1::Kind*> NamespacedKinds() {
  std::vector<const v1::Kind*> kinds;
  for (const auto* table : {&v1::Kinds(), &v1::InternalKinds()}) {
    for (const v1::Kind& kind : *table) {
      if (kind.namespaced && kind.name != "Event") kinds.push_back(&kind);
    }
  }
  return kinds;
}

void AddFromCache(const Cache& cache, const std::string& ns, std::vector<Member>& members) {
  for (const v1::Kind* kind : NamespacedKinds()) {
    for (const EntryPtr& entry : cache.List(kind->name, ns).entries)
      members.push_back({entry->key, entry->object->meta.deletion_timestamp.has_value()});
  }
}

Expected<void> AddFromStore(Store& store, const std::string& ns, std::vector<Member>& members) {
  for (const v1::Kind* kind : NamespacedKinds()) {
    ZOE_ASSIGN(const Listing listing, store.List(kind->name));
    for (const Record& record : listing.records) {
      if (record.key.ns == ns) members.push_back({record.key});
    }
  }
  return {};
}

}  // namespace

Expected<Observed> Observe(const Context& ctx, Sources sources, const v1::User& user) {
  Observed observed;
  const std::string& ns = user.meta.name;
  auto network = sources.networks.Find(ctx, ns);
  if (network.ok()) {
    observed.network = std::move(network).value();
  } else if (network.error().code == Code::kAlreadyExists) {
    observed.stranger = network.error();
  } else if (network.error().code != Code::kNotFound) {
    return network.error();
  }
  observed.workspace = sources.cache.Get<v1::Workspace>({"Workspace", ns, ns});
  observed.gateway = sources.cache.Get<v1::Gateway>({"Gateway", ns, ns});
  if (!user.meta.deletion_timestamp) return observed;
  AddFromCache(sources.cache, ns, observed.members);
  if (observed.members.empty()) ZOE_TRY(AddFromStore(sources.store, ns, observed.members));
  for (const EntryPtr& entry : sources.cache.List("Event", ns).entries)
    observed.events.push_back(entry->key);
  return observed;
}

}  // namespace zoe::user
