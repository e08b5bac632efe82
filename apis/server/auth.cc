#include "apis/server/auth.h"

#include <algorithm>
#include <utility>

#include "apis/server/rights.h"
#include "controller/crypto/crypto.h"
#include "controller/quota/quota.h"

namespace zoe::server {
namespace {

// Argon2id takes 64 MiB and a processor for 60 ms: few at one time, and not many in a row.
constexpr size_t kPasswordThreads = 2, kPasswordsWaiting = 64;
constexpr std::chrono::minutes kRemember{5};
constexpr size_t kMaxRemembered = 4096, kMaxClaimed = 64;

// What follows the scheme, compared without case; nullopt if it is another one.
std::optional<std::string_view> AfterScheme(std::string_view authorization,
                                            std::string_view scheme) {
  if (authorization.size() <= scheme.size() || authorization[scheme.size()] != ' ') return {};
  const bool same = std::equal(scheme.begin(), scheme.end(), authorization.begin(),
                               [](char a, char b) { return a == (b | 0x20); });
  if (!same) return {};
  authorization.remove_prefix(scheme.size());
  authorization.remove_prefix(std::min(authorization.find_first_not_of(' '), authorization.size()));
  return authorization;
}

// The host part of a Host header: without port, without brackets.
std::string_view HostOnly(std::string_view host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

bool IsLoopbackOrLiteral(std::string_view host) {
  if (host.empty() || host == "localhost" || host.ends_with(".localhost")) return true;
  if (host.find(':') != std::string_view::npos) return true;  // IPv6
  return std::all_of(host.begin(), host.end(),
                     [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

// Proxied programs are served from the same origin as the API, so a cookie proves only that a
// browser asks, not that the user's own page does.
bool IsOpenToCookies(const Route& route) {
  return route.subresource == "proxy" || route.endpoint == Endpoint::kRoot ||
         route.endpoint == Endpoint::kLogin;
}

Error Unauthorized(std::string message) {
  return MakeError(Code::kUnauthorized, std::move(message));
}

Error TooManyFailures(const std::string& remote) {
  return MakeError(Code::kTooManyRequests,
                   "too many failed logins from " + remote + ": wait some seconds");
}

// "name:password"; nullopt if it is none.
std::optional<std::pair<std::string, std::string>> BasicOf(const Request& request) {
  const auto encoded = AfterScheme(request.authorization, "basic");
  if (!encoded) return {};
  const std::string text = crypto::DecodeBase64(*encoded);
  const size_t colon = text.find(':');
  if (colon == std::string::npos) return {};
  return std::pair{text.substr(0, colon), text.substr(colon + 1)};
}

}  // namespace

std::string SessionOf(const Request& request) {
  std::string_view rest = request.cookie;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(';'), rest.size());
    std::string_view cookie = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (cookie.starts_with(' ')) cookie.remove_prefix(1);
    if (cookie.starts_with(kSessionCookie) && cookie.substr(kSessionCookie.size()).starts_with('='))
      return std::string(cookie.substr(kSessionCookie.size() + 1));
  }
  return {};
}

std::string ClaimedUser(const Request& request) {
  if (const auto token = AfterScheme(request.authorization, "bearer"))
    return std::string(UserOfSecret(*token).substr(0, kMaxClaimed));
  const auto basic = BasicOf(request);
  return basic ? basic->first.substr(0, kMaxClaimed) : std::string();
}

bool ShowsSecret(const Request& request) {
  return AfterScheme(request.authorization, "bearer") || BasicOf(request);
}

bool IsBrowser(const Request& request) {
  return request.user_agent.starts_with("Mozilla/") || !request.fetch_site.empty();
}

Auth::Auth(AuthMode mode, const Credentials& credentials, const Cache& cache, const Clock& clock)
    : mode_(mode),
      credentials_(credentials),
      cache_(cache),
      clock_(clock),
      salt_(crypto::RandomText(32)),
      limiter_(clock),
      passwords_(kPasswordThreads, kPasswordsWaiting) {}

// Browsers send what any page tells them to, with the user's credentials or, on a loopback, without
// needing any. A page of another site is known by Origin or Sec-Fetch-Site; a name that was rebound
// to 127.0.0.1, by Host. A WebSocket begins with a GET and may do anything: so for proxied programs
// and for what goes on within pods the Origin counts on reads too, while a link from another site
// may open them.
Expected<void> Auth::CheckBrowser(const Request& request, const Route& route) const {
  const auto foreign = [](std::string_view why) {
    return MakeError(Code::kForbidden,
                     "refused on behalf of another web site: " + std::string(why));
  };
  if (!enabled() && !IsLoopbackOrLiteral(HostOnly(request.host))) {
    return foreign("Host is \"" + request.host +
                   "\"; without authentication only localhost and IP addresses are served");
  }
  const bool harmless =
      enabled() && (request.method == Method::kGet || request.method == Method::kHead);
  if (harmless && route.subresource != "proxy" && !IsUpgrade(route)) return {};
  if (!harmless && request.fetch_site == "cross-site")
    return foreign("Sec-Fetch-Site is cross-site");
  if (!request.origin.empty()) {
    const size_t scheme = request.origin.find("://");
    if (scheme == std::string::npos || request.origin.substr(scheme + 3) != request.host) {
      return foreign("Origin is " + request.origin);
    }
  }
  return {};
}

std::string Auth::DigestOf(std::string_view credentials) const {
  return crypto::Digest(credentials, salt_);
}

Expected<User> Auth::UserNow(const std::string& name, Proof proof) const {
  const auto user = credentials_.FindActive(name);
  if (!user) return Unauthorized("user \"" + name + "\" is disabled, or is being deleted");
  const auto quota = QuotaOf(cache_, *user);
  return User{.name = name,
              .role = user->spec.role,
              .proof = proof,
              .quota = quota ? quota->meta.name : ""};
}

std::optional<Expected<User>> Auth::Recall(const std::string& digest) {
  std::string name, hash;
  {
    const std::lock_guard lock(mutex_);
    const auto it = remembered_.find(digest);
    if (it == remembered_.end() || it->second.until <= clock_.Now()) return {};
    name = it->second.user;
    hash = it->second.hash;
  }
  if (credentials_.PasswordHash(name) != hash) return {};
  return UserNow(name, Proof::kBasic);
}

void Auth::Remember(const std::string& digest, const std::string& name, const std::string& hash) {
  const SteadyTime now = clock_.Now();
  const std::lock_guard lock(mutex_);
  if (remembered_.size() >= kMaxRemembered) {
    std::erase_if(remembered_, [&](const auto& item) { return item.second.until <= now; });
    if (remembered_.size() >= kMaxRemembered) remembered_.erase(remembered_.begin());
  }
  remembered_[digest] = {name, hash, now + kRemember};
}

Expected<User> Auth::BySecret(std::string_view secret, Proof proof, const std::string& remote) {
  const auto token =
      credentials_.FindSecret(secret, proof == Proof::kToken ? kTokenKind : kSessionKind);
  if (token.ok()) {
    ZOE_ASSIGN(User user, UserNow(std::string(UserOfSecret(secret)), proof));
    user.expires_at = token->expires_at;
    return user;
  }
  if (!limiter_.TakeSecret(remote)) return TooManyFailures(remote);
  return token.error();
}

std::optional<Expected<User>> Auth::Recognize(const Request& request, const Route& route) {
  if (auto checked = CheckBrowser(request, route); !checked.ok()) return checked.error();
  if (!enabled()) return User{.name = "admin"};
  if (!cache_.synced())
    return MakeError(Code::kUnavailable, "the store has not been read yet: try again");
  if (const auto basic = AfterScheme(request.authorization, "basic")) {
    const std::string text = crypto::DecodeBase64(*basic);
    if (text.find(':') == std::string::npos)
      return Unauthorized("HTTP Basic needs USER:PASSWORD in base64");
    return Recall(DigestOf(text));
  }
  if (const auto token = AfterScheme(request.authorization, "bearer"))
    return BySecret(*token, Proof::kToken, request.remote);
  // Beside a session's cookie other schemes are the proxied program's own.
  const std::string session = SessionOf(request);
  if (!request.authorization.empty() && (session.empty() || route.subresource != "proxy"))
    return Unauthorized("log in by HTTP Basic or by a bearer token");
  if (session.empty()) return Unauthorized("log in by HTTP Basic or by a bearer token");
  auto user = BySecret(session, Proof::kSession, request.remote);
  if (user.ok() && !IsOpenToCookies(route) &&
      !crypto::SameText(request.csrf_token, CsrfToken(session))) {
    return MakeError(Code::kForbidden,
                     "a session's cookie alone doesn't open the API: send the csrfToken that "
                     "/login answered with as X-CSRF-Token");
  }
  return user;
}

void Auth::VerifyBasic(const Request& request, Done done) {
  const auto basic = BasicOf(request);
  if (!basic) return done(Unauthorized("HTTP Basic needs USER:PASSWORD in base64"));
  Verify(basic->first, basic->second, request.remote, std::move(done));
}

void Auth::Verify(const std::string& name, const std::string& password, const std::string& remote,
                  Done done) {
  const std::string digest = DigestOf(name + ":" + password);
  if (const auto user = Recall(digest)) return done(*user);
  bool refused = false;
  {
    const std::lock_guard lock(mutex_);
    const auto waiting = waiting_.find(digest);
    if (waiting != waiting_.end()) {
      waiting->second.push_back(std::move(done));
      return;
    }
    refused = !limiter_.Take(remote, name);
    if (!refused) waiting_[digest].push_back(done);
  }
  if (refused) return done(TooManyFailures(remote));
  const bool posted = passwords_.Post([this, name, password, remote, digest] {
    const auto user = CheckPassword(name, password, digest);
    if (user.ok()) limiter_.Succeeded(remote, name);
    Finish(digest, user);
  });
  if (posted) return;
  limiter_.GiveBack(remote, name);
  Finish(digest, MakeError(Code::kTooManyRequests, "too many logins are waiting: try again"));
}

Expected<User> Auth::CheckPassword(const std::string& name, const std::string& password,
                                   const std::string& digest) {
  const std::string hash = credentials_.PasswordHash(name);
  if (!credentials_.VerifyPassword(name, password)) return Unauthorized("wrong user or password");
  auto user = UserNow(name, Proof::kBasic);
  if (user.ok()) Remember(digest, name, hash);
  return user;
}

void Auth::Finish(const std::string& digest, const Expected<User>& user) {
  std::vector<Done> waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto it = waiting_.find(digest);
    if (it == waiting_.end()) return;
    waiting.swap(it->second);
    waiting_.erase(it);
  }
  for (const Done& done : waiting) done(user);
}

Expected<void> Auth::VerifyCurrent(const User& user, const std::string& password,
                                   const std::string& remote) {
  if (!limiter_.Take(remote, user.name)) return TooManyFailures(remote);
  if (!credentials_.VerifyPassword(user.name, password))
    return MakeError(Code::kForbidden, "currentPassword is wrong");
  limiter_.Succeeded(remote, user.name);
  return {};
}

std::string Auth::HomeOf(const User& user) const { return enabled() ? user.name : "default"; }

Expected<void> Auth::Authorize(const User& user, std::string_view verb, const Route& route,
                               const Request& request) const {
  if (!enabled()) return {};
  ZOE_TRY(CheckRights(user, verb, route));
  const bool browser = user.proof == Proof::kSession || IsBrowser(request);
  if (route.subresource == "proxy" && browser && route.ns != user.name) {
    return MakeError(Code::kForbidden,
                     "a browser opens programs of your own namespace only: one of namespace \"" +
                         route.ns + "\" would run with your login");
  }
  return {};
}

}  // namespace zoe::server
