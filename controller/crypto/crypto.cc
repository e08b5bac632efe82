#include "controller/crypto/crypto.h"

#include <crypt.h>
#include <sodium.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace zoe::crypto {
namespace {

constexpr auto kOperations = crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE;
constexpr size_t kMemory = crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE;
constexpr unsigned kMaxHashKib = 256 * 1024, kMaxHashPasses = 16;
// SOCKS5 (RFC 1929) has one byte for the length.
constexpr size_t kMaxCryptPassword = 255;

// Before any other call of libsodium; it may be called from several threads.
void Initialize() {
  static const int done = sodium_init();
  if (done < 0) std::abort();  // no source of random bytes: nothing here could be trusted
}

Error OutOfMemory() {
  return MakeError(Code::kUnavailable, "not enough memory to hash a password: try again");
}

// A hash that no password has, to be compared with where there is none.
const std::string& NobodysHash() {
  static const std::string hash = HashPassword(RandomText(32)).value_or("");
  return hash;
}

// `cost` 0: the method's own.
Expected<std::string> Crypt(const char* method, unsigned long cost, std::string_view password) {
  if (password.size() > kMaxCryptPassword || password.find('\0') != std::string_view::npos) {
    return MakeError(Code::kInvalid, "a password for SOCKS5 has at most " +
                                         std::to_string(kMaxCryptPassword) +
                                         " bytes, and no zero byte among them");
  }
  const std::string seed = RandomBytes(16);
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting{};
  if (crypt_gensalt_rn(method, cost, seed.data(), static_cast<int>(seed.size()), setting.data(),
                       static_cast<int>(setting.size())) == nullptr) {
    return MakeError(Code::kInternal, std::string("crypt(3) does not know ") + method);
  }
  const auto space = std::make_unique<crypt_data>();
  std::string phrase(password);
  const char* text = crypt_rn(phrase.c_str(), setting.data(), space.get(), sizeof(crypt_data));
  sodium_memzero(phrase.data(), phrase.size());
  if (text == nullptr) return OutOfMemory();
  return std::string(text);
}

}  // namespace

Expected<std::string> HashPassword(std::string_view password) {
  Initialize();
  std::array<char, crypto_pwhash_argon2id_STRBYTES> text{};
  if (crypto_pwhash_argon2id_str(text.data(), password.data(), password.size(), kOperations,
                                 kMemory) != 0) {
    return OutOfMemory();
  }
  return std::string(text.data());
}

bool VerifyPassword(std::string_view hash, std::string_view password) {
  Initialize();
  const std::string text(hash.empty() ? std::string_view(NobodysHash()) : hash);
  const bool same = crypto_pwhash_str_verify(text.c_str(), password.data(), password.size()) == 0;
  return same && !hash.empty();
}

Expected<void> CheckHash(std::string_view hash) {
  unsigned memory_kib = 0, passes = 0, lanes = 0;
  int end = 0;
  const std::string text(hash);
  std::sscanf(text.c_str(), "$argon2id$v=19$m=%9u,t=%9u,p=%9u$%n", &memory_kib, &passes, &lanes,
              &end);
  if (end == 0) return MakeError(Code::kInvalid, "this is no Argon2id hash");
  if (memory_kib > kMaxHashKib || passes > kMaxHashPasses || lanes != 1) {
    return MakeError(Code::kInvalid,
                     "this Argon2id hash is too costly to verify at every login: at most m=" +
                         std::to_string(kMaxHashKib) + ", t=" + std::to_string(kMaxHashPasses) +
                         ", p=1");
  }
  return {};
}

Expected<std::string> CryptPassword(std::string_view password) { return Crypt("$y$", 0, password); }

Expected<std::string> CryptSecret(std::string_view secret) { return Crypt("$6$", 1000, secret); }

std::string RandomBytes(size_t bytes) {
  Initialize();
  std::string random(bytes, '\0');
  randombytes_buf(random.data(), random.size());
  return random;
}

std::string RandomText(size_t bytes) {
  const std::string random = RandomBytes(bytes);
  constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_encoded_len(bytes, kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(random.data()),
                    random.size(), kVariant);
  text.pop_back();  // the terminating zero
  return text;
}

std::string Sha256(std::string_view bytes) {
  Initialize();
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                     bytes.size());
  std::string hex(digest.size() * 2 + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), digest.data(), digest.size());
  hex.pop_back();
  return hex;
}

std::string Digest(std::string_view secret, std::string_view context) {
  Initialize();
  constexpr size_t kBytes = 32;
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };
  // The context becomes the key, so that no secret can imitate another context's.
  std::array<unsigned char, kBytes> key{}, digest{};
  crypto_generichash(key.data(), key.size(), bytes(context), context.size(), nullptr, 0);
  crypto_generichash(digest.data(), digest.size(), bytes(secret), secret.size(), key.data(),
                     key.size());
  std::string hex(kBytes * 2 + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), digest.data(), digest.size());
  hex.pop_back();
  return hex;
}

bool SameText(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string EncodeBase64(std::string_view bytes) {
  constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;
  std::string text(sodium_base64_encoded_len(bytes.size(), kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), kVariant);
  text.pop_back();
  return text;
}

std::string DecodeBase64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes(text.size() / 4 * 3 + 3, '\0');
  size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                        text.size(), nullptr, &size, nullptr,
                        sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0) {
    return {};
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace zoe::crypto
