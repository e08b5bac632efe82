// Who may do what: one table over resource, subresource, verb, role and place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apis/server/exchange.h"
#include "specs/meta/expected.h"

namespace zoe::server {

// kForbidden, in Kubernetes' words. `verb` is VerbOf's. A POST to the path of all namespaces counts
// as one to the user's own: it is to be asked for again once the body has said which it is.
Expected<void> CheckRights(const User& user, std::string_view verb, const Route& route);

// What somebody asks whether they may: names as a client gives them, "*" for any; `ns` empty: all
// namespaces.
struct Question {
  std::string_view verb, group, resource, subresource, ns, name;
};
// By the same table; only what is served may be done. An error's message is the reason.
Expected<void> May(const User& user, const Question& question);

// What somebody may do, in one namespace and beside all namespaces.
struct Rule {
  std::vector<std::string_view> verbs;
  std::string group, resource;          // "executions/log"
  std::vector<std::string_view> names;  // empty: of any name
};
std::vector<Rule> RulesOf(const User& user, std::string_view ns);

}  // namespace zoe::server
