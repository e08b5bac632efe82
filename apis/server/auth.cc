#include "apis/server/auth.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace zoe::server {
namespace {

constexpr double kMaxFailures = 10;
constexpr size_t kMaxRemotes = 4096;

// Digests are compared instead of passwords: equal lengths, so that time tells nothing.
std::string Digest(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return {digest.begin(), digest.end()};
}

bool SameDigest(const std::string& a, const std::string& b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// Empty if it is no base64.
std::string DecodeBase64(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  for (const char c : text) {
    int value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = c - 'A';
    } else if (c >= 'a' && c <= 'z') {
      value = c - 'a' + 26;
    } else if (c >= '0' && c <= '9') {
      value = c - '0' + 52;
    } else if (c == '+' || c == '-') {
      value = 62;
    } else if (c == '/' || c == '_') {
      value = 63;
    } else {
      return {};
    }
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xff);
    }
  }
  return out;
}

bool HasSchemeBasic(std::string_view authorization) {
  static constexpr std::string_view kBasic = "basic ";
  return authorization.size() >= kBasic.size() &&
         std::equal(kBasic.begin(), kBasic.end(), authorization.begin(),
                    [](char a, char b) { return a == (b | 0x20); });
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

// Browsers send what any page tells them to, with the user's credentials or, on a loopback, without
// needing any. A page of another site is known by Origin or Sec-Fetch-Site; a name that was rebound
// to 127.0.0.1, by Host.
Expected<void> CheckBrowser(const Request& request, AuthMode mode) {
  const auto foreign = [](std::string_view why) {
    return MakeError(Code::kForbidden,
                     "refused on behalf of another web site: " + std::string(why));
  };
  if (mode == AuthMode::kNone && !IsLoopbackOrLiteral(HostOnly(request.host))) {
    return foreign("Host is \"" + request.host +
                   "\"; without authentication only localhost and IP addresses are served");
  }
  const bool reads = request.method == Method::kGet || request.method == Method::kHead;
  if (reads && mode != AuthMode::kNone) return {};
  if (request.fetch_site == "cross-site") return foreign("Sec-Fetch-Site is cross-site");
  if (!request.origin.empty()) {
    const size_t scheme = request.origin.find("://");
    if (scheme == std::string::npos || request.origin.substr(scheme + 3) != request.host) {
      return foreign("Origin is " + request.origin);
    }
  }
  return {};
}

Error Unauthorized(std::string message) {
  return MakeError(Code::kUnauthorized, std::move(message));
}

}  // namespace

Auth::Auth(AuthMode mode, const std::string& admin_password, const Clock& clock)
    : mode_(mode), password_digest_(Digest("admin:" + admin_password)), clock_(clock) {}

double Auth::LevelNow(const Failures& failures) const {
  const std::chrono::duration<double> quiet = clock_.Now() - failures.at;
  return std::max(0.0, failures.level - quiet.count());
}

Expected<void> Auth::CheckRate(const std::string& remote) {
  const std::lock_guard lock(mutex_);
  const auto it = failures_.find(remote);
  if (it == failures_.end() || LevelNow(it->second) < kMaxFailures) return {};
  return MakeError(Code::kTooManyRequests,
                   "too many failed logins from " + remote + ": wait some seconds");
}

void Auth::RecordFailure(const std::string& remote) {
  const std::lock_guard lock(mutex_);
  if (failures_.size() >= kMaxRemotes) {
    std::erase_if(failures_, [this](const auto& item) { return LevelNow(item.second) == 0; });
    if (failures_.size() >= kMaxRemotes) failures_.clear();
  }
  Failures& failures = failures_[remote];
  failures.level = LevelNow(failures) + 1;
  failures.at = clock_.Now();
}

Expected<User> Auth::Authenticate(const Request& request) {
  ZOE_TRY(CheckBrowser(request, mode_));
  if (mode_ == AuthMode::kNone) return User{.name = "admin"};
  if (request.authorization.empty())
    return Unauthorized("log in as admin, by HTTP Basic authentication");
  ZOE_TRY(CheckRate(request.remote));
  if (HasSchemeBasic(request.authorization)) {
    const std::string credentials = DecodeBase64(std::string_view(request.authorization).substr(6));
    if (SameDigest(Digest(credentials), password_digest_)) return User{.name = "admin"};
  }
  RecordFailure(request.remote);
  return Unauthorized("wrong user or password");
}

std::string Auth::HomeOf(const User& user) const {
  return mode_ == AuthMode::kNone ? "default" : user.name;
}

Expected<void> Auth::Authorize(const User& user, std::string_view verb, std::string_view plural,
                               std::string_view ns) const {
  if (user.name == "admin") return {};
  return MakeError(Code::kForbidden,
                   "user \"" + user.name + "\" cannot " + std::string(verb) + " " +
                       std::string(plural) +
                       (ns.empty() ? "" : " in namespace \"" + std::string(ns) + "\""));
}

}  // namespace zoe::server
