// Who may do what: one table over resource, subresource, verb, role and place.
#pragma once

#include <string_view>

#include "apis/server/exchange.h"
#include "specs/meta/expected.h"

namespace zoe::server {

// kForbidden, in Kubernetes' words. `verb` is VerbOf's. A POST to the path of all namespaces counts
// as one to the user's own: it is to be asked for again once the body has said which it is.
Expected<void> CheckRights(const User& user, std::string_view verb, const Route& route);

}  // namespace zoe::server
