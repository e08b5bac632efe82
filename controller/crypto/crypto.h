// Passwords, tokens and SSH host keys. The one user of libsodium and libcrypt. No I/O; thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "specs/meta/expected.h"

namespace zoe::crypto {

// Argon2id with libsodium's "interactive" cost (64 MiB, about 60 ms), in its own text form
// ($argon2id$v=19$...). kUnavailable: out of memory.
Expected<std::string> HashPassword(std::string_view password);
// As expensive as hashing; "" as `hash` takes as long and is false, so that time doesn't tell which
// users exist.
bool VerifyPassword(std::string_view hash, std::string_view password);
// For a hash that somebody else made: kInvalid if it is none, or would cost more than 256 MiB or 16
// passes to verify.
Expected<void> CheckHash(std::string_view hash);

// The same password for crypt(3), which the gateway's SOCKS5 server asks: yescrypt.
Expected<std::string> CryptPassword(std::string_view password);
// A secret that is random itself, for crypt(3): SHA-512 with the fewest rounds, 1 ms, for every
// connection through a gateway asks for it.
Expected<std::string> CryptSecret(std::string_view secret);

std::string RandomBytes(size_t bytes);
// `bytes` random bytes as URL-safe base64 without padding.
std::string RandomText(size_t bytes);
// BLAKE2b-256 in hex: for secrets that are random themselves and need no slow hash. `context`
// separates uses.
std::string Digest(std::string_view secret, std::string_view context);
// SHA-256 in hex: for files, whose checksum other programs can compute too.
std::string Sha256(std::string_view bytes);
// In constant time.
bool SameText(std::string_view a, std::string_view b);
// Standard base64, padding optional on reading. DecodeBase64: "" for what is none.
std::string EncodeBase64(std::string_view bytes);
std::string DecodeBase64(std::string_view text);

struct SshKey {
  std::string private_key;  // OpenSSH's PEM form, unencrypted
  std::string public_key;   // "ssh-ed25519 AAAA..."
  std::string fingerprint;  // "SHA256:..." as ssh-keygen -l prints it
};
// A new Ed25519 key. Format: OpenSSH PROTOCOL.key.
SshKey MakeSshKey(std::string_view comment);
// What a private key from MakeSshKey belongs to. kInvalid.
Expected<SshKey> ReadSshKey(const std::string& private_key);

}  // namespace zoe::crypto
