#include "apis/server/rights.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "apis/server/resources.h"
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
// Of namespaced objects the namespace; of Users and Quotas, whether it is the caller, and limits
// the caller; of what has neither, kCluster.
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
    {"controllers", "", kGet, kPeople, kCluster},
    {"discovery", "", kGet, kPeople, kCluster},
    {"openapi", "", kGet, kPeople, kCluster},
    {"reviews", "", kCreate, kPeople, kCluster},
    // Of which they see their own and the catalog.
    {"namespaces", "", kList | kWatch, kPeople, kCluster},
    {"namespaces", "", kGet, kPeople, kOwn | kCatalog},
    {"namespaces", "status", kGet, kPeople, kOwn | kCatalog},

    // Of which they see the one that limits them.
    {"quotas", "", kList | kWatch, kPeople, kCluster},
    {"quotas", "", kGet, kPeople, kOwn},
    {"quotas", "status", kGet, kPeople, kOwn},

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
                        (route.kind->name == "User" || route.kind->name == "Namespace" ||
                         route.kind->name == "Quota");
  return is_place ? route.name : route.ns;
}

// What of the kind is the user's own: the namespace, or the object itself.
std::string_view OwnOf(const User& user, const v1::Kind* kind) {
  return kind != nullptr && kind->name == "Quota" ? user.quota : user.name;
}

uint8_t PlaceOf(const User& user, std::string_view verb, const Route& route) {
  const std::string_view ns = NamespaceOf(route);
  if (ns.empty()) {
    const bool home = verb == "create" && route.endpoint == Endpoint::kResource &&
                      !route.kind->view && route.kind->namespaced && route.subresource.empty();
    return home ? kOwn : kCluster;
  }
  if (ns == OwnOf(user, route.kind)) return kOwn;
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

// The row that decides; nullptr: none, so no.
const Right* FindRight(std::string_view resource, std::string_view subresource,
                       std::string_view verb, std::string_view role, uint8_t place) {
  const uint16_t verb_bit = VerbBit(verb);
  const uint8_t role_bit = RoleBit(role);
  for (const Right& right : kRights) {
    if ((right.resource == "*" || right.resource == resource) &&
        (right.subresource == "*" || right.subresource == subresource) &&
        (right.verbs & verb_bit) != 0 && (right.roles & role_bit) != 0 &&
        (right.places & place) != 0)
      return &right;
  }
  return nullptr;
}

bool MayAnything(const User& user) {
  const Right* right = FindRight("*", "*", "*", user.role, kAnywhere);
  return right != nullptr && right->granted;
}

uint8_t PlaceNamed(const User& user, const v1::Kind& kind, std::string_view ns) {
  if (ns.empty()) return kCluster;
  if (ns == OwnOf(user, &kind)) return kOwn;
  return ns == v1::kCatalog ? kCatalog : kOther;
}

// Objects whose name is that of a namespace.
bool IsPlace(const v1::Kind& kind) { return !kind.namespaced && kind.plural != "nodes"; }

void AddRule(std::vector<Rule>& rules, const User& user, const v1::Kind& kind,
             const Subresource* subresource, uint8_t place, std::string_view name) {
  const std::string_view own = subresource == nullptr ? "" : subresource->name;
  std::string_view served = subresource == nullptr ? VerbsOf(kind) : subresource->verbs;
  Rule rule;
  while (!served.empty()) {
    const size_t space = std::min(served.find(' '), served.size());
    const Right* right = FindRight(kind.plural, own, served.substr(0, space), user.role, place);
    if (right != nullptr && right->granted) rule.verbs.push_back(served.substr(0, space));
    served.remove_prefix(std::min(space + 1, served.size()));
  }
  if (rule.verbs.empty()) return;
  rule.group = kind.group;
  rule.resource = std::string(kind.plural) + (own.empty() ? "" : "/" + std::string(own));
  if (!name.empty()) rule.names = {name};
  rules.push_back(std::move(rule));
}

// Of one resource: in the namespace, or of cluster-scoped ones, each that has a name of its own.
void AddRules(std::vector<Rule>& rules, const User& user, const v1::Kind& kind,
              const Subresource* subresource, std::string_view ns) {
  if (kind.namespaced)
    return AddRule(rules, user, kind, subresource, PlaceNamed(user, kind, ns), "");
  AddRule(rules, user, kind, subresource, kCluster, "");
  if (!IsPlace(kind)) return;
  const std::string_view own = OwnOf(user, &kind);
  if (!own.empty()) AddRule(rules, user, kind, subresource, kOwn, own);
  AddRule(rules, user, kind, subresource, kCatalog, v1::kCatalog);
}

}  // namespace

Expected<void> CheckRights(const User& user, std::string_view verb, const Route& route) {
  const Right* right =
      FindRight(route.plural(), route.subresource, verb, user.role, PlaceOf(user, verb, route));
  if (right == nullptr) return Forbidden(user, verb, route);
  if (right->granted) return {};
  Error error = Forbidden(user, verb, route);
  error.message += ": the own User is another admin's to delete";
  return error;
}

Expected<void> May(const User& user, const Question& question) {
  const auto no = [](std::string why) { return MakeError(Code::kForbidden, std::move(why)); };
  const auto quoted = [](std::string_view text) { return "\"" + std::string(text) + "\""; };
  if (question.group == "*" || question.resource == "*" || question.verb == "*") {
    if (MayAnything(user)) return {};
    return no("role " + quoted(user.role) + " may not do everything");
  }
  const v1::Kind* kind = FindServed(question.group, question.resource);
  if (kind == nullptr)
    return no("there is no resource " + quoted(question.resource) + " in API group " +
              quoted(question.group));
  const Subresource* subresource = FindSubresource(*kind, question.subresource);
  if (!question.subresource.empty() && subresource == nullptr)
    return no(quoted(question.resource) + " has no subresource " + quoted(question.subresource));
  if (!HasVerb(subresource == nullptr ? VerbsOf(*kind) : subresource->verbs, question.verb))
    return no("nobody can " + std::string(question.verb) + " " + std::string(question.resource));
  const std::string_view ns = kind->namespaced ? question.ns : question.name;
  const Right* right = FindRight(kind->plural, question.subresource, question.verb, user.role,
                                 PlaceNamed(user, *kind, ns));
  if (right != nullptr && right->granted) return {};
  return no("role " + quoted(user.role) + " of user " + quoted(user.name) + " doesn't allow it");
}

std::vector<Rule> RulesOf(const User& user, std::string_view ns) {
  if (MayAnything(user)) return {{.verbs = {"*"}, .group = "*", .resource = "*"}};
  std::vector<Rule> rules;
  for (const v1::Kind* kind : ServedKinds()) {
    AddRules(rules, user, *kind, nullptr, ns);
    for (const Subresource& subresource : SubresourcesOf(*kind))
      AddRules(rules, user, *kind, &subresource, ns);
  }
  return rules;
}

}  // namespace zoe::server
