// Credential: what is secret about a user or a gateway. It stands in the store beside the other
// kinds, but no wire serves it (Kind::served).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "specs/meta/meta.h"

namespace zoe::v1 {

// A credential's namespace is the user's; these are the two names.
inline constexpr std::string_view kLoginCredential = "login", kGatewayCredential = "gateway";

struct Token {
  std::string name;    // unique within the user
  std::string kind;    // token | session (of a browser)
  std::string digest;  // of the secret: crypto::TokenDigest
  std::string description;
  std::optional<WallTime> created_at, expires_at;
  bool operator==(const Token&) const = default;
};

struct CredentialSpec {
  // login
  std::string password_hash;   // Argon2id, in libsodium's own text form; empty: no password
  std::string password_crypt;  // of the same password in crypt(5)'s form, for the gateway's SOCKS5
  std::vector<Token> tokens;
  // gateway
  std::string host_key;        // private, OpenSSH's PEM form
  std::string socks_password;  // of kGatewayAccount
  bool operator==(const CredentialSpec&) const = default;
};

struct CredentialStatus {
  bool operator==(const CredentialStatus&) const = default;
};

using Credential = Object<CredentialSpec, CredentialStatus>;

}  // namespace zoe::v1
