// What logs a user in: the record Credential USER/login, read from the cache, written by
// compare-and-swap. No HTTP, no rights.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <string_view>
#include <vector>

#include "controller/cache/cache.h"
#include "controller/ports/clock.h"
#include "controller/ports/store.h"
#include "specs/v1/credential.h"
#include "specs/v1/user.h"

namespace zoe::server {

inline constexpr std::string_view kTokenKind = "token",
                                  kSessionKind = "session";  // v1::Token::kind
inline constexpr std::chrono::hours kSessionLifetime{12};

struct TokenRequest {
  std::string name;  // a DNS label, unique within the user
  std::string description;
  std::optional<WallTime> expires_at;
};

// The one time that its secret is seen.
struct NewToken {
  std::string name, secret;
  std::optional<WallTime> expires_at;
};

// "zoe_USER_RANDOM": whose it says it is; "" if it is no such text.
std::string_view UserOfSecret(std::string_view secret);
// What a page must send back beside the session's cookie. Can't be made from what the store has.
std::string CsrfToken(std::string_view session_secret);
// kInvalid, with a cause at `field`: not 8 to 1024 bytes.
Expected<void> CheckPassword(std::string_view password, const std::string& field);

// Of one password; empty: not made yet.
struct PasswordHashes {
  std::string argon2id;
  std::string crypt;  // for the gateway; empty also where it can't take the password
};

// Thread-safe. A record belongs to one User by uid: one that is made again under the same name gets
// nothing of it. Calls that write block on the store; a change that changes nothing writes nothing.
class Credentials {
 public:
  static constexpr size_t kMaxTokens = 100, kMaxSessions = 20;

  Credentials(Store& store, const Cache& cache, const Clock& clock)
      : store_(store), cache_(cache), clock_(clock) {}

  // nullptr: there is none, it is disabled, or it is being deleted.
  std::shared_ptr<const v1::User> FindActive(const std::string& user) const;
  // Takes about 60 ms and 64 MiB, for users who don't exist too; few run at one time, the others
  // wait.
  bool VerifyPassword(const std::string& user, std::string_view password) const;
  // Changes with the password; "" while there is none.
  std::string PasswordHash(const std::string& user) const;
  // Compares with each of the user's, in constant time. kUnauthorized: none of this kind, or
  // expired.
  Expected<v1::Token> FindSecret(std::string_view secret, std::string_view kind) const;

  // Ends the browser's sessions if it is another password. `hashed`: what HashPassword made of it.
  Expected<void> SetPassword(const v1::User& user, const std::string& password,
                             PasswordHashes hashed = {});
  // As expensive as VerifyPassword. For who wants the time to pass before something else is done.
  Expected<PasswordHashes> HashPassword(const std::string& password) const;
  // True: there was none before.
  Expected<bool> SetFirstPassword(const v1::User& user, const std::string& password);
  Expected<void> SetPasswordHash(const v1::User& user, const std::string& hash);
  // kAlreadyExists; kForbidden above kMaxTokens.
  Expected<NewToken> CreateToken(const v1::User& user, const TokenRequest& request);
  // The oldest ends when there are too many.
  Expected<NewToken> StartSession(const v1::User& user);
  // Tokens and sessions, by name. kNotFound.
  Expected<void> Revoke(const v1::User& user, const std::string& name);
  std::vector<v1::Token> List(const v1::User& user) const;

 private:
  using Change = std::function<Expected<void>(v1::CredentialSpec& spec)>;
  // Called again when another writer came first. Drops what has expired.
  Expected<void> Update(const v1::User& user, const Change& change);
  // nullptr: none, or a former user's.
  std::shared_ptr<const v1::Credential> Find(const std::string& user) const;
  Expected<NewToken> Add(const v1::User& user, v1::Token token, const Change& room);
  bool Verify(std::string_view hash, std::string_view password) const;

  Store& store_;
  const Cache& cache_;
  const Clock& clock_;
  mutable std::counting_semaphore<> hashing_{2};  // each takes 64 MiB
};

}  // namespace zoe::server
