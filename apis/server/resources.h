// What the API serves, in one table: the kinds, the verbs that each takes, their subresources.
// Routing, allowed methods, discovery and OpenAPI follow from it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apis/server/exchange.h"
#include "apis/server/router.h"
#include "specs/v1/kinds.h"

namespace zoe::server {

// Verbs are Kubernetes' words, separated by spaces, in alphabetical order.
struct Subresource {
  std::string_view kind;  // "Execution"
  std::string_view name;  // "log"
  std::string_view verbs;
  // What requests and answers hold, where that is not the kind itself.
  std::string_view group = {}, version = {}, takes = {};  // "autoscaling", "v1", "Scale"
  std::string_view item_verbs = {};  // of NAME/SUBRESOURCE/ITEM; empty: there is no such path
  bool listed = true;                // in discovery: it stands right behind NAME, and alone
};

// Every kind that has paths: ours, then Kubernetes' own.
const std::vector<const v1::Kind*>& ServedKinds();
// `group` is "" for /api. nullptr: there is none.
const v1::Kind* FindServed(std::string_view group, std::string_view plural);

// Of the kind's own paths.
std::string_view VerbsOf(const v1::Kind& kind);
// In the order of discovery, "status" first.
const std::vector<Subresource>& SubresourcesOf(const v1::Kind& kind);
// nullptr: the kind has none of that name.
const Subresource* FindSubresource(const v1::Kind& kind, std::string_view name);

bool HasVerb(std::string_view verbs, std::string_view verb);
bool IsAllowed(const Route& route, Method method);
std::string AllowedMethods(const Route& route);  // "GET, HEAD, PUT"

}  // namespace zoe::server
