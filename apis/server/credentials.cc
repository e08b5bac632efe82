#include "apis/server/credentials.h"

#include <algorithm>

#include "controller/crypto/crypto.h"
#include "specs/v1/kinds.h"

namespace zoe::server {
namespace {

constexpr int kAttempts = 6;
constexpr Duration kReadOwnWrite{2'000};
constexpr size_t kShortestPassword = 8, kLongestPassword = 1024;
constexpr size_t kSecretBytes = 32;
constexpr std::string_view kPrefix = "zoe_";

Key KeyOf(const std::string& user) {
  return {"Credential", user, std::string(v1::kLoginCredential)};
}

std::string DigestOf(std::string_view secret) { return crypto::Digest(secret, "zoe token"); }

std::string OwnerOf(const v1::Credential& credential) {
  const auto& owners = credential.meta.owner_references;
  return owners.empty() ? std::string() : owners.front().uid;
}

v1::Credential NewCredential(const v1::User& user, WallTime now) {
  v1::Credential credential;
  credential.meta.name = v1::kLoginCredential;
  credential.meta.ns = user.meta.name;
  credential.meta.uid = NewUid();
  credential.meta.generation = 1;
  credential.meta.creation_timestamp = std::chrono::floor<std::chrono::seconds>(now);
  credential.meta.owner_references = {{.api_version = std::string(v1::kApiVersion),
                                       .kind = "User",
                                       .name = user.meta.name,
                                       .uid = user.meta.uid}};
  return credential;
}

void EraseSessions(v1::CredentialSpec& spec) {
  std::erase_if(spec.tokens, [](const v1::Token& token) { return token.kind == kSessionKind; });
}

class Permit {
 public:
  explicit Permit(std::counting_semaphore<>& semaphore) : semaphore_(semaphore) {
    semaphore_.acquire();
  }
  ~Permit() { semaphore_.release(); }

 private:
  std::counting_semaphore<>& semaphore_;
};

}  // namespace

std::string_view UserOfSecret(std::string_view secret) {
  if (!secret.starts_with(kPrefix)) return {};
  secret.remove_prefix(kPrefix.size());
  const size_t end = secret.find('_');
  return end == std::string_view::npos ? std::string_view() : secret.substr(0, end);
}

std::string CsrfToken(std::string_view session_secret) {
  return crypto::Digest(session_secret, "zoe csrf");
}

Expected<void> CheckPassword(std::string_view password, const std::string& field) {
  if (password.size() >= kShortestPassword && password.size() <= kLongestPassword) return {};
  Error error = MakeError(Code::kInvalid, "the password can't be taken");
  error.causes = {{.field = field,
                   .reason = "FieldValueInvalid",
                   .message = "must be " + std::to_string(kShortestPassword) + " to " +
                              std::to_string(kLongestPassword) + " bytes long"}};
  return error;
}

std::shared_ptr<const v1::User> Credentials::FindActive(const std::string& user) const {
  auto found = cache_.Get<v1::User>({"User", "", user});
  return found && found->spec.enabled && !found->meta.deletion_timestamp ? found : nullptr;
}

std::shared_ptr<const v1::Credential> Credentials::Find(const std::string& user) const {
  auto credential = cache_.Get<v1::Credential>(KeyOf(user));
  const auto owner = cache_.Get<v1::User>({"User", "", user});
  return credential && owner && OwnerOf(*credential) == owner->meta.uid ? credential : nullptr;
}

bool Credentials::Verify(std::string_view hash, std::string_view password) const {
  const Permit permit(hashing_);
  return crypto::VerifyPassword(hash, password);
}

bool Credentials::VerifyPassword(const std::string& user, std::string_view password) const {
  return Verify(PasswordHash(user), password);
}

std::string Credentials::PasswordHash(const std::string& user) const {
  const auto credential = Find(user);
  return credential ? credential->spec.password_hash : std::string();
}

Expected<v1::Token> Credentials::FindSecret(std::string_view secret, std::string_view kind) const {
  const std::string digest = DigestOf(secret);
  const auto credential = Find(std::string(UserOfSecret(secret)));
  const v1::Token* found = nullptr;
  if (credential) {
    for (const v1::Token& token : credential->spec.tokens) {
      if (crypto::SameText(token.digest, digest) && token.kind == kind) found = &token;
    }
  }
  const std::string word(kind);
  if (found == nullptr) return MakeError(Code::kUnauthorized, "there is no such " + word);
  if (found->expires_at && *found->expires_at <= clock_.WallNow())
    return MakeError(Code::kUnauthorized, "the " + word + " has expired");
  return *found;
}

Expected<void> Credentials::Update(const v1::User& user, const Change& change) {
  const Key key = KeyOf(user.meta.name);
  const v1::Kind& kind = *v1::FindKind(key.kind);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto record = store_.Get(key);
    if (!record.ok() && record.error().code != Code::kNotFound) return record.error();
    v1::Credential credential = NewCredential(user, clock_.WallNow());
    v1::CredentialSpec before;
    if (record.ok()) {
      ZOE_ASSIGN(const auto object, v1::DecodeStored(kind, record->bytes));
      const auto& stored = static_cast<const v1::Credential&>(*object);
      before = stored.spec;
      if (OwnerOf(stored) == user.meta.uid) credential = stored;
    }
    std::erase_if(credential.spec.tokens, [now = clock_.WallNow()](const v1::Token& token) {
      return token.expires_at && *token.expires_at <= now;
    });
    ZOE_TRY(change(credential.spec));
    if (credential.spec == before) return {};
    credential.meta.resource_version = 0;
    std::string bytes = v1::EncodeJson(kind, credential);
    const auto revision = record.ok() ? store_.Replace(key, record->revision, std::move(bytes))
                                      : store_.Create(key, std::move(bytes));
    if (revision.ok()) {
      cache_.WaitFor(*revision, kReadOwnWrite);
      return {};
    }
    const Code code = revision.error().code;
    if (code != Code::kConflict && code != Code::kAlreadyExists && code != Code::kNotFound)
      return revision.error();
  }
  return MakeError(Code::kConflict, "the credentials of user \"" + user.meta.name +
                                        "\" are being changed by others: try again");
}

Expected<PasswordHashes> Credentials::HashPassword(const std::string& password) const {
  PasswordHashes hashed;
  const Permit permit(hashing_);
  ZOE_ASSIGN(hashed.argon2id, crypto::HashPassword(password));
  // One that is too long for SOCKS5 opens everything else.
  hashed.crypt = crypto::CryptPassword(password).value_or("");
  return hashed;
}

Expected<void> Credentials::SetPassword(const v1::User& user, const std::string& password,
                                        PasswordHashes hashed) {
  return Update(user, [&](v1::CredentialSpec& spec) -> Expected<void> {
    const bool same = !spec.password_hash.empty() && Verify(spec.password_hash, password);
    if (same && !spec.password_crypt.empty()) return {};
    if (hashed.argon2id.empty()) {
      ZOE_ASSIGN(hashed, HashPassword(password));
    }
    if (same && hashed.crypt.empty()) return {};
    spec.password_hash = hashed.argon2id;
    spec.password_crypt = hashed.crypt;
    if (!same) EraseSessions(spec);
    return {};
  });
}

Expected<bool> Credentials::SetFirstPassword(const v1::User& user, const std::string& password) {
  PasswordHashes hashed;
  bool set = false;
  const auto updated = Update(user, [&](v1::CredentialSpec& spec) -> Expected<void> {
    set = spec.password_hash.empty();
    if (!set) return {};
    if (hashed.argon2id.empty()) {
      ZOE_ASSIGN(hashed, HashPassword(password));
    }
    spec.password_hash = hashed.argon2id;
    spec.password_crypt = hashed.crypt;
    return {};
  });
  if (!updated.ok()) return updated.error();
  return set;
}

Expected<void> Credentials::SetPasswordHash(const v1::User& user, const std::string& hash) {
  return Update(user, [&](v1::CredentialSpec& spec) -> Expected<void> {
    if (spec.password_hash == hash) return {};
    spec.password_hash = hash;
    spec.password_crypt.clear();
    EraseSessions(spec);
    return {};
  });
}

Expected<NewToken> Credentials::Add(const v1::User& user, v1::Token token, const Change& room) {
  const std::string secret =
      std::string(kPrefix) + user.meta.name + "_" + crypto::RandomText(kSecretBytes);
  token.digest = DigestOf(secret);
  token.created_at = std::chrono::floor<std::chrono::seconds>(clock_.WallNow());
  const auto added = Update(user, [&](v1::CredentialSpec& spec) -> Expected<void> {
    ZOE_TRY(room(spec));
    spec.tokens.push_back(token);
    return {};
  });
  if (!added.ok()) return added.error();
  return NewToken{token.name, secret, token.expires_at};
}

Expected<NewToken> Credentials::CreateToken(const v1::User& user, const TokenRequest& request) {
  const auto room = [&](v1::CredentialSpec& spec) -> Expected<void> {
    size_t tokens = 0;
    for (const v1::Token& token : spec.tokens) {
      tokens += token.kind == kTokenKind ? 1 : 0;
      if (token.name == request.name)
        return MakeError(Code::kAlreadyExists, "tokens \"" + token.name + "\" already exists");
    }
    if (tokens < kMaxTokens) return {};
    return MakeError(Code::kForbidden, "user \"" + user.meta.name + "\" has " +
                                           std::to_string(kMaxTokens) +
                                           " tokens already: revoke one");
  };
  return Add(user,
             {.name = request.name,
              .kind = std::string(kTokenKind),
              .description = request.description,
              .expires_at = request.expires_at},
             room);
}

Expected<NewToken> Credentials::StartSession(const v1::User& user) {
  const auto room = [](v1::CredentialSpec& spec) -> Expected<void> {
    const auto is_session = [](const v1::Token& token) { return token.kind == kSessionKind; };
    auto& tokens = spec.tokens;  // in the order in which they were made
    while (std::count_if(tokens.begin(), tokens.end(), is_session) >=
           static_cast<ptrdiff_t>(kMaxSessions)) {
      tokens.erase(std::find_if(tokens.begin(), tokens.end(), is_session));
    }
    return {};
  };
  const WallTime now = std::chrono::floor<std::chrono::seconds>(clock_.WallNow());
  return Add(user,
             {.name = "session-" + NewUid(),
              .kind = std::string(kSessionKind),
              .expires_at = now + kSessionLifetime},
             room);
}

Expected<void> Credentials::Revoke(const v1::User& user, const std::string& name) {
  return Update(user, [&](v1::CredentialSpec& spec) -> Expected<void> {
    const size_t erased =
        std::erase_if(spec.tokens, [&](const v1::Token& token) { return token.name == name; });
    if (erased > 0) return {};
    return MakeError(Code::kNotFound, "tokens \"" + name + "\" not found");
  });
}

std::vector<v1::Token> Credentials::List(const v1::User& user) const {
  const auto credential = Find(user.meta.name);
  return credential ? credential->spec.tokens : std::vector<v1::Token>();
}

}  // namespace zoe::server
