#include "specs/v1/credential.h"

#include "specs/v1/describe.h"
#include "specs/v1/kinds.h"

namespace zoe::schema {

using v1::Credential, v1::CredentialSpec, v1::Token;

template <>
const Type& Describe<Token>() {
  static const Type type = Struct<Token>("Token", "A secret that logs its user in.")
                               .Add("name", &Token::name, "Unique within the user.")
                               .Add("kind", &Token::kind, "token or session.")
                               .Add("digest", &Token::digest, "Digest of the secret.")
                               .Add("description", &Token::description, "For people.")
                               .Add("createdAt", &Token::created_at, "When it was made.")
                               .Add("expiresAt", &Token::expires_at, "When it ends.")
                               .Build();
  return type;
}

template <>
const Type& Describe<CredentialSpec>() {
  static const Type type =
      Struct<CredentialSpec>("CredentialSpec", "What is secret.")
          .Add("passwordHash", &CredentialSpec::password_hash, "Argon2id.")
          .Add("passwordCrypt", &CredentialSpec::password_crypt, "crypt(5), for the gateway.")
          .Add("tokens", &CredentialSpec::tokens, "Tokens and sessions.")
          .Add("hostKey", &CredentialSpec::host_key, "Private SSH host key of the gateway.")
          .Add("socksPassword", &CredentialSpec::socks_password, "Of the gateway's own account.")
          .Build();
  return type;
}

template <>
const Type& Describe<v1::CredentialStatus>() {
  static const Type type = Struct<v1::CredentialStatus>("CredentialStatus", "Nothing.").Build();
  return type;
}

template <>
const Type& Describe<Credential>() {
  static const Type type =
      Struct<Credential>("Credential", "What is secret about a user or a gateway.")
          .Constant("apiVersion", v1::kApiVersion, "Version of this format.")
          .Constant("kind", "Credential", "Kind of object.")
          .Add("metadata", &Credential::meta, "Name.")
          .Add("spec", &Credential::spec, "What is secret.")
          .Add("status", &Credential::status, "Nothing.")
          .Build();
  return type;
}

}  // namespace zoe::schema
