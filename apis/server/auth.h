// Who asks, and whether they may. The one place where users, tokens and roles are known.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "apis/server/exchange.h"
#include "apis/server/server.h"
#include "specs/meta/expected.h"

namespace zoe::server {

// Thread-safe.
class Auth {
 public:
  Auth(AuthMode mode, const std::string& admin_password, const Clock& clock);

  // kUnauthorized; kTooManyRequests after many failures from one address, until it has been quiet
  // for some seconds; kForbidden for what a browser sends on behalf of another site.
  Expected<User> Authenticate(const Request& request);
  // kForbidden. `verb` is Kubernetes' (get, list, watch, create, update, patch, delete,
  // deletecollection).
  Expected<void> Authorize(const User& user, std::string_view verb, std::string_view plural,
                           std::string_view ns) const;
  // The namespace of objects that name none: the user's own, "default" where nobody logs in.
  std::string HomeOf(const User& user) const;

 private:
  struct Failures {
    double level = 0;  // leaks by one a second
    SteadyTime at{};
  };
  Expected<void> CheckRate(const std::string& remote);
  void RecordFailure(const std::string& remote);
  double LevelNow(const Failures& failures) const;

  const AuthMode mode_;
  const std::string password_digest_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Failures> failures_;
};

}  // namespace zoe::server
