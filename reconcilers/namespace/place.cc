#include "reconcilers/namespace/place.h"

namespace zoe {
namespace {

// What is missing of a condition, or "" if it is True. `subject` is what it is about.
std::string Lack(const std::vector<Condition>& conditions, std::string_view type,
                 const std::string& subject) {
  const Condition* condition = FindCondition(conditions, type);
  if (condition == nullptr) return subject + " is being made";
  if (condition->status == "True") return "";
  const std::string& why = condition->message.empty() ? condition->reason : condition->message;
  return subject + " is not ready" + (why.empty() ? "" : ": " + why);
}

std::string LackOf(const v1::User& user) {
  if (user.meta.deletion_timestamp) return "user " + user.meta.name + " is being deleted";
  return Lack(user.status.conditions, "NetworkReady", "the network of user " + user.meta.name);
}

std::string LackOf(const v1::Workspace& workspace) {
  const std::string subject = "workspace " + workspace.meta.name;
  if (workspace.meta.deletion_timestamp) return subject + " is being deleted";
  return Lack(workspace.status.conditions, "Ready", subject);
}

void Add(const v1::User& user, Place& place) {
  place.has_user = true;
  place.uid = user.spec.uid;
  place.gid = user.spec.gid ? user.spec.gid : user.spec.uid;
  place.waiting_for = LackOf(user);
  if (place.waiting_for.empty() && !place.uid) {
    place.waiting_for = "user " + user.meta.name + " has no spec.uid yet";
  }
}

void Add(const v1::Workspace& workspace, Place& place) {
  place.has_workspace = true;
  place.volume = workspace.spec.volume;
  if (place.waiting_for.empty()) place.waiting_for = LackOf(workspace);
}

void Add(const v1::Gateway& gateway, Place& place) {
  if (gateway.meta.deletion_timestamp) return;
  place.has_gateway = true;
  const Condition* ready = FindCondition(gateway.status.conditions, "Ready");
  if (ready != nullptr && ready->status == "True") place.via = gateway.status.socks;
}

// What one object has to say about its namespace's place.
Place Share(const Entry& entry) {
  Place place;
  if (entry.key.kind == "User") Add(static_cast<const v1::User&>(*entry.object), place);
  if (entry.key.kind == "Workspace") Add(static_cast<const v1::Workspace&>(*entry.object), place);
  if (entry.key.kind == "Gateway") Add(static_cast<const v1::Gateway&>(*entry.object), place);
  return place;
}

// It stands in the store, but the cache may not have it.
bool IsHidden(const Cache& cache, const Key& key) {
  return cache.Awaited(key) || cache.Unreadable(key);
}

}  // namespace

std::string VolumeName(std::string_view deployment, std::string_view ns) {
  return "zoe-" + std::string(deployment) + "-" + std::string(ns);
}

Place PlaceOf(const Makers& makers, const std::string& ns) {
  Place place;
  if (makers.user != nullptr) Add(*makers.user, place);
  if (makers.workspace != nullptr) Add(*makers.workspace, place);
  if (makers.user != nullptr && makers.workspace == nullptr && place.waiting_for.empty()) {
    place.waiting_for = "workspace " + ns + " is being made";
  }
  if (makers.gateway != nullptr) Add(*makers.gateway, place);
  place.ready = place.waiting_for.empty();
  return place;
}

Place PlaceOf(const Cache& cache, const std::string& ns) {
  const Key user_key{"User", "", ns}, workspace_key{"Workspace", ns, ns};
  const bool hides_user = IsHidden(cache, user_key);
  const bool hides_workspace = IsHidden(cache, workspace_key);
  const auto user = cache.Get<v1::User>(user_key);
  const auto workspace = cache.Get<v1::Workspace>(workspace_key);
  const auto gateway = cache.Get<v1::Gateway>({"Gateway", ns, ns});
  Place place = PlaceOf({user.get(), workspace.get(), gateway.get()}, ns);
  if (hides_user && !user) place.waiting_for = "user " + ns + " can't be read yet";
  if (hides_workspace && !workspace) place.waiting_for = "workspace " + ns + " can't be read yet";
  place.ready = place.waiting_for.empty();
  return place;
}

bool ConcernsPlace(const CacheEvent& event) {
  const std::string& kind = event.entry->key.kind;
  if (kind != "User" && kind != "Workspace" && kind != "Gateway") return false;
  if (event.type != ChangeType::kModified || event.previous == nullptr) return true;
  return Share(*event.previous) != Share(*event.entry);
}

const std::string& NamespaceOf(const Key& key) { return key.kind == "User" ? key.name : key.ns; }

}  // namespace zoe
