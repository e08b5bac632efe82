// Who asks: HTTP Basic, bearer tokens, sessions of browsers. What they may do stands in rights.h.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apis/server/credentials.h"
#include "apis/server/exchange.h"
#include "apis/server/limiter.h"
#include "apis/server/pool.h"
#include "apis/server/server.h"
#include "specs/meta/expected.h"

namespace zoe::server {

inline constexpr std::string_view kSessionCookie = "zoe-session";

// The session's secret that a Cookie header carries; "" if none.
std::string SessionOf(const Request& request);
// Whose password or token it claims to have; "" if nobody's.
std::string ClaimedUser(const Request& request);
// True if it tries to log in, by a password or a token.
bool ShowsSecret(const Request& request);
// By what only browsers send.
bool IsBrowser(const Request& request);

// Thread-safe. A User who is disabled or being deleted is refused from the cache's next change on,
// whatever was remembered.
class Auth {
 public:
  using Done = std::function<void(Expected<User>)>;

  Auth(AuthMode mode, const Credentials& credentials, const Cache& cache, const Clock& clock);
  // Joins; passwords that still wait are dropped without an answer.
  void Stop() { passwords_.Stop(); }

  bool enabled() const { return mode_ == AuthMode::kPassword; }
  // kForbidden for what a browser sends on behalf of another site.
  Expected<void> CheckBrowser(const Request& request, const Route& route) const;

  // Who has sent it, as far as that can be told without waiting; nullopt: ask VerifyBasic.
  // kUnauthorized, kForbidden (a session without X-CSRF-Token, beyond what a cookie alone opens),
  // kTooManyRequests, kUnavailable while the cache has not been read.
  std::optional<Expected<User>> Recognize(const Request& request, const Route& route);
  // Verifies the password of HTTP Basic. `done` is called once, here or on another thread. The same
  // password at the same time is verified once; what was right is remembered for some minutes.
  void VerifyBasic(const Request& request, Done done);
  // The same for a login form.
  void Verify(const std::string& name, const std::string& password, const std::string& remote,
              Done done);
  // A logged-in user's own password once more. Blocks. kForbidden, kTooManyRequests.
  Expected<void> VerifyCurrent(const User& user, const std::string& password,
                               const std::string& remote);

  // kForbidden.
  Expected<void> Authorize(const User& user, std::string_view verb, const Route& route,
                           const Request& request) const;
  // The namespace of objects that name none: the user's own, "default" where nobody logs in.
  std::string HomeOf(const User& user) const;

 private:
  struct Remembered {
    std::string user, hash;
    SteadyTime until{};
  };
  std::optional<Expected<User>> Recall(const std::string& digest);
  void Remember(const std::string& digest, const std::string& name, const std::string& hash);
  Expected<User> BySecret(std::string_view secret, Proof proof, const std::string& remote);
  Expected<User> CheckPassword(const std::string& name, const std::string& password,
                               const std::string& digest);
  Expected<User> UserNow(const std::string& name, Proof proof) const;
  std::string DigestOf(std::string_view credentials) const;
  // Calls all who wait for this password.
  void Finish(const std::string& digest, const Expected<User>& user);

  const AuthMode mode_;
  const Credentials& credentials_;
  const Cache& cache_;
  const Clock& clock_;
  const std::string salt_;  // of digests of passwords, which only this process has
  FailureLimiter limiter_;
  std::mutex mutex_;
  std::map<std::string, Remembered> remembered_;      // by digest
  std::map<std::string, std::vector<Done>> waiting_;  // by digest
  Pool passwords_;
};

}  // namespace zoe::server
