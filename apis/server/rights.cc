#include "apis/server/rights.h"

#include <cstdint>
#include <utility>

#include "specs/v1/user.h"

namespace zoe::server {
namespace {

enum Verbs : uint16_t {
  kGet = 1,
  kList = 2,
  kWatch = 4,
  kRead = kGet | kList | kWatch,
  kCreate = 8,
  kUpdate = 16,  // also patch
  kDelete = 32,
  kDeleteMany = 64,
  kAnyVerb = 0xffff,
};
enum Roles : uint8_t { kAdmin = 1, kUser = 2, kGuest = 4, kPeople = kUser | kGuest, kAll = 7 };
// Of namespaced objects the namespace; of Users, whether it is the caller; of what has neither,
// kCluster.
enum Places : uint8_t { kOwn = 1, kCatalog = 2, kOther = 4, kCluster = 8, kAnywhere = 15 };

struct Right {
  std::string_view resource;     // "*": any
  std::string_view subresource;  // "*": any
  uint16_t verbs;
  uint8_t roles;
  uint8_t places;
  bool granted = true;
};

// The first row that matches decides; without one it is no. What depends on the object (the fields
// that users may change of themselves, what guests may run) is admission's.
constexpr Right kRights[] = {
    // Whoever deletes users stays: so there is always an admin left.
    {"users", "", kDelete, kAll, kOwn, false},
    {"*", "*", kAnyVerb, kAdmin, kAnywhere},

    {"root", "", kGet, kPeople, kCluster},
    {"version", "", kGet, kPeople, kCluster},
    {"discovery", "", kGet, kPeople, kCluster},
    {"openapi", "", kGet, kPeople, kCluster},
    {"reviews", "", kCreate, kPeople, kCluster},
    // Of which they see their own and the catalog.
    {"namespaces", "", kList | kWatch, kPeople, kCluster},
    {"namespaces", "", kGet, kPeople, kOwn | kCatalog},
    {"namespaces", "status", kGet, kPeople, kOwn | kCatalog},

    {"users", "", kGet | kUpdate, kPeople, kOwn},
    {"users", "status", kGet, kPeople, kOwn},
    {"users", "password", kUpdate, kPeople, kOwn},
    {"users", "tokens", kGet | kList | kCreate | kDelete, kPeople, kOwn},

    {"applications", "", kRead, kPeople, kOwn | kCatalog},
    {"applications", "status", kGet, kPeople, kOwn | kCatalog},
    {"applications", "", kCreate | kUpdate, kUser, kOwn},
    {"applications", "", kDelete | kDeleteMany, kPeople, kOwn},
    {"gitsources", "", kRead, kPeople, kOwn},
    {"gitsources", "status", kGet, kPeople, kOwn},
    {"gitsources", "", kCreate | kUpdate, kUser, kOwn},
    {"gitsources", "", kDelete | kDeleteMany, kPeople, kOwn},
    {"executions", "", kRead | kCreate | kUpdate | kDelete | kDeleteMany, kPeople, kOwn},
    {"executions", "status", kGet, kPeople, kOwn},
    {"executions", "scale", kGet | kUpdate, kPeople, kOwn},
    {"executions", "log", kGet, kPeople, kOwn},
    {"executions", "proxy", kAnyVerb, kPeople, kOwn},

    {"events", "", kRead, kPeople, kOwn},
    {"pods", "", kRead, kPeople, kOwn},
    {"pods", "status", kGet, kPeople, kOwn},
    {"pods", "log", kGet, kPeople, kOwn},
    {"pods", "exec", kGet | kCreate, kPeople, kOwn},
    {"pods", "attach", kGet | kCreate, kPeople, kOwn},
    {"pods", "portforward", kGet | kCreate, kPeople, kOwn},
    {"workspaces", "", kRead, kPeople, kOwn},
    {"workspaces", "status", kGet, kPeople, kOwn},
    {"workspaces", "files", kGet | kCreate | kUpdate | kDelete, kPeople, kOwn},
    {"gateways", "", kRead, kPeople, kOwn},
    {"gateways", "status", kGet, kPeople, kOwn},
    {"gateways", "credentials", kGet, kPeople, kOwn},
};

uint16_t VerbBit(std::string_view verb) {
  static constexpr std::pair<std::string_view, uint16_t> kBits[] = {
      {"get", kGet},       {"list", kList},
      {"watch", kWatch},   {"create", kCreate},
      {"update", kUpdate}, {"patch", kUpdate},
      {"delete", kDelete}, {"deletecollection", kDeleteMany},
  };
  for (const auto& [name, bit] : kBits) {
    if (name == verb) return bit;
  }
  return 0x8000;  // what only a proxied program knows
}

uint8_t RoleBit(std::string_view role) {
  if (role == v1::kRoleAdmin) return kAdmin;
  if (role == v1::kRoleUser) return kUser;
  return role == v1::kRoleGuest ? kGuest : 0;
}

// A user's name is the name of the namespace.
std::string_view NamespaceOf(const Route& route) {
  const bool is_place = route.endpoint == Endpoint::kResource &&
                        (route.kind->name == "User" || route.kind->name == "Namespace");
  return is_place ? route.name : route.ns;
}

uint8_t PlaceOf(const User& user, std::string_view verb, const Route& route) {
  const std::string_view ns = NamespaceOf(route);
  if (ns.empty()) {
    const bool home = verb == "create" && route.endpoint == Endpoint::kResource &&
                      !route.kind->view && route.kind->namespaced && route.subresource.empty();
    return home ? kOwn : kCluster;
  }
  if (ns == user.name) return kOwn;
  return ns == v1::kCatalog ? kCatalog : kOther;
}

Error Forbidden(const User& user, std::string_view verb, const Route& route) {
  const std::string who = "User \"" + user.name + "\" cannot " + std::string(verb);
  if (route.endpoint != Endpoint::kResource) {
    return MakeError(Code::kForbidden,
                     "forbidden: " + who + " path \"/" + std::string(route.plural()) + "\"");
  }
  const std::string plural(route.plural()), group(route.kind->group);
  std::string message = plural + (group.empty() ? "" : "." + group);
  if (!route.name.empty()) message += " \"" + route.name + "\"";
  message += " is forbidden: " + who + " resource \"" + plural;
  if (!route.subresource.empty()) message += "/" + route.subresource;
  message += "\" in API group \"" + group + "\"";
  message += route.ns.empty() ? " at the cluster scope" : " in the namespace \"" + route.ns + "\"";
  return MakeError(Code::kForbidden, std::move(message));
}

}  // namespace

Expected<void> CheckRights(const User& user, std::string_view verb, const Route& route) {
  const uint16_t verb_bit = VerbBit(verb);
  const uint8_t role = RoleBit(user.role), place = PlaceOf(user, verb, route);
  for (const Right& right : kRights) {
    if ((right.resource != "*" && right.resource != route.plural()) ||
        (right.subresource != "*" && right.subresource != route.subresource) ||
        (right.verbs & verb_bit) == 0 || (right.roles & role) == 0 || (right.places & place) == 0)
      continue;
    if (right.granted) return {};
    Error error = Forbidden(user, verb, route);
    error.message += ": the own User is another admin's to delete";
    return error;
  }
  return Forbidden(user, verb, route);
}

}  // namespace zoe::server
