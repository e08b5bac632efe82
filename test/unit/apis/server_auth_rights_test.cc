// Who may do what, over every route that there is.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "apis/server/resources.h"
#include "apis/server/rights.h"
#include "apis/server/router.h"

namespace zoe::server {
namespace {

struct VerbLetter {
  std::string_view verb;
  char letter;
};
constexpr VerbLetter kVerbs[] = {{"get", 'g'},    {"list", 'l'},   {"watch", 'w'},
                                 {"create", 'c'}, {"update", 'u'}, {"patch", 'p'},
                                 {"delete", 'd'}, {"other", 'o'},  {"deletecollection", 'D'}};
constexpr char kAll[] = "glwcupdoD";

// The letters of what is allowed; "-" for nothing.
std::string Allowed(const User& user, const Route& route) {
  std::string letters;
  for (const auto& [verb, letter] : kVerbs) {
    if (CheckRights(user, verb, route).ok()) letters += letter;
  }
  return letters.empty() ? "-" : letters;
}

// "own, catalog, other, all": whose namespace it is, or the path of all namespaces.
std::string Places(const User& user, Route route) {
  std::string text;
  for (const std::string& ns :
       {user.name, std::string("catalog"), std::string("bob"), std::string()}) {
    const bool is_place = route.endpoint == Endpoint::kResource && !route.kind->namespaced;
    if (is_place) {
      route.name = ns;
    } else if (route.endpoint == Endpoint::kResource) {
      route.ns = ns;
    }
    text += (text.empty() ? "" : " ") + Allowed(user, route);
  }
  return text;
}

const User kAdmin{.name = "admin", .role = "admin", .proof = Proof::kBasic};
// Each has a Quota of the same name.
const User kAlice{.name = "alice", .role = "user", .proof = Proof::kBasic, .quota = "alice"};
const User kGina{.name = "gina", .role = "guest", .proof = Proof::kBasic, .quota = "gina"};

struct Row {
  std::string user, guest;  // own catalog other all
};

// Admins may do all of it, everywhere: see below for the one thing that they may not.
const std::map<std::string, Row>& Table() {
  static const std::string nothing = "- - - -";
  static const std::map<std::string, Row> rows = {
      {"quotas", {"g - - lw", "g - - lw"}},
      {"quotas/status", {"g - - -", "g - - -"}},
      {"users", {"gup - - -", "gup - - -"}},
      {"users/status", {"g - - -", "g - - -"}},
      {"users/password", {"up - - -", "up - - -"}},
      {"users/tokens", {"glcd - - -", "glcd - - -"}},
      {"workspaces", {"glw - - -", "glw - - -"}},
      {"workspaces/status", {"g - - -", "g - - -"}},
      {"workspaces/files", {"gcupd - - -", "gcupd - - -"}},
      {"gateways", {"glw - - -", "glw - - -"}},
      {"gateways/status", {"g - - -", "g - - -"}},
      {"gateways/credentials", {"g - - -", "g - - -"}},
      {"applications", {"glwcupdD glw - c", "glwdD glw - -"}},
      {"applications/status", {"g g - -", "g g - -"}},
      {"executions", {"glwcupdD - - c", "glwcupdD - - c"}},
      {"executions/status", {"g - - -", "g - - -"}},
      {"executions/log", {"g - - -", "g - - -"}},
      {"executions/scale", {"gup - - -", "gup - - -"}},
      {"executions/proxy", {"glwcupdoD - - -", "glwcupdoD - - -"}},
      {"events", {"glw - - -", "glw - - -"}},
      {"namespaces", {"g g - lw", "g g - lw"}},
      {"namespaces/status", {"g g - -", "g g - -"}},
      {"nodes", {nothing, nothing}},
      {"nodes/status", {nothing, nothing}},
      {"pods", {"glw - - -", "glw - - -"}},
      {"pods/status", {"g - - -", "g - - -"}},
      {"pods/log", {"g - - -", "g - - -"}},
      {"pods/exec", {"gc - - -", "gc - - -"}},
      {"pods/attach", {"gc - - -", "gc - - -"}},
      {"pods/portforward", {"gc - - -", "gc - - -"}},
      {"reviews", {"c c c c", "c c c c"}},
      {"metrics", {nothing, nothing}},
      {"root", {"g g g g", "g g g g"}},
      {"discovery", {"g g g g", "g g g g"}},
      {"openapi", {"g g g g", "g g g g"}},
      {"version", {"g g g g", "g g g g"}},
      {"controllers", {"g g g g", "g g g g"}},
      // Open to those who know no password: they never come here.
      {"healthz", {nothing, nothing}},
      {"livez", {nothing, nothing}},
      {"readyz", {nothing, nothing}},
      {"login", {nothing, nothing}},
      {"logout", {nothing, nothing}},
  };
  return rows;
}

std::vector<Route> EveryRoute() {
  std::vector<Route> routes;
  for (const v1::Kind* kind : ServedKinds()) {
    routes.push_back({.endpoint = Endpoint::kResource, .kind = kind});
    for (const Subresource& subresource : SubresourcesOf(*kind)) {
      routes.push_back({.endpoint = Endpoint::kResource,
                        .kind = kind,
                        .subresource = std::string(subresource.name)});
    }
  }
  // Every endpoint up to the last one.
  for (int i = 0; i < static_cast<int>(Endpoint::kResource); ++i)
    routes.push_back({.endpoint = static_cast<Endpoint>(i)});
  return routes;
}

std::string NameOf(const Route& route) {
  return std::string(route.plural()) + (route.subresource.empty() ? "" : "/" + route.subresource);
}

TEST(Rights, EveryRouteIsAllowedToThoseInTheTableAndToNobodyElse) {
  std::map<std::string, bool> seen;
  for (const Route& route : EveryRoute()) {
    const std::string name = NameOf(route);
    const auto row = Table().find(name);
    ASSERT_NE(row, Table().end()) << "a new route needs a row in this table: " << name;
    seen[name] = true;
    EXPECT_EQ(Places(kAlice, route), row->second.user) << "user, " << name;
    EXPECT_EQ(Places(kGina, route), row->second.guest) << "guest, " << name;
    const std::string own = name == "users" ? "glwcupoD" : kAll;
    EXPECT_EQ(Places(kAdmin, route), own + " " + kAll + " " + kAll + " " + kAll)
        << "admin, " << name;
  }
  EXPECT_EQ(seen.size(), Table().size());
}

TEST(Rights, RolesThatNobodyKnowsMayDoNothing) {
  const User stranger{.name = "eve", .role = "superuser", .proof = Proof::kBasic};
  const User nobody{.name = "", .role = "user", .proof = Proof::kBasic};
  for (const Route& route : EveryRoute()) {
    EXPECT_EQ(Places(stranger, route), "- - - -") << NameOf(route);
    Route other = route;
    other.ns = "bob";
    if (route.endpoint == Endpoint::kResource && route.kind->namespaced) {
      EXPECT_EQ(Allowed(nobody, other), "-") << NameOf(route);
    }
  }
}

TEST(Rights, RefusalsAreWordedAsKubernetesDoes) {
  const auto refusal = [](std::string_view verb, const char* path) {
    const auto route = ParseRoute(path);
    const auto checked = CheckRights(kAlice, verb, *route);
    return checked.ok() ? "" : checked.error().message;
  };
  EXPECT_EQ(refusal("delete", "/apis/zoe/v1/users/alice"),
            "users.zoe \"alice\" is forbidden: User \"alice\" cannot delete resource \"users\" in "
            "API group \"zoe\" at the cluster scope: the own User is another admin's to delete");
  EXPECT_EQ(refusal("list", "/apis/zoe/v1/namespaces/bob/executions"),
            "executions.zoe is forbidden: User \"alice\" cannot list resource \"executions\" in "
            "API group \"zoe\" in the namespace \"bob\"");
  EXPECT_EQ(refusal("get", "/apis/zoe/v1/namespaces/bob/executions/a/log"),
            "executions.zoe \"a\" is forbidden: User \"alice\" cannot get resource "
            "\"executions/log\" in API group \"zoe\" in the namespace \"bob\"");
  EXPECT_EQ(refusal("list", "/apis/zoe/v1/users"),
            "users.zoe is forbidden: User \"alice\" cannot list resource \"users\" in API group "
            "\"zoe\" at the cluster scope");
  EXPECT_EQ(refusal("list", "/api/v1/nodes"),
            "nodes is forbidden: User \"alice\" cannot list resource \"nodes\" in API group \"\" "
            "at the cluster scope");
  EXPECT_EQ(refusal("get", "/metrics"), "forbidden: User \"alice\" cannot get path \"/metrics\"");
}

}  // namespace
}  // namespace zoe::server
