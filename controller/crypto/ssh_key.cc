#include <sodium.h>

#include <array>
#include <cstdint>
#include <cstdlib>

#include "controller/crypto/crypto.h"

namespace zoe::crypto {
namespace {

constexpr std::string_view kType = "ssh-ed25519", kMagic{"openssh-key-v1\0", 15};
constexpr std::string_view kBegin = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
constexpr std::string_view kEnd = "-----END OPENSSH PRIVATE KEY-----\n";
constexpr size_t kLine = 70, kBlock = 8;  // of base64; of the cipher "none"
constexpr size_t kPublic = crypto_sign_PUBLICKEYBYTES, kSecret = crypto_sign_SECRETKEYBYTES;

void Initialize() {
  static const int done = sodium_init();
  if (done < 0) std::abort();  // no source of random bytes
}

void PutNumber(std::string& out, uint32_t number) {
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(number >> shift & 0xff);
}

void PutString(std::string& out, std::string_view text) {
  PutNumber(out, static_cast<uint32_t>(text.size()));
  out += text;
}

// Reads what Put... have written; after the first error everything is empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::string_view Bytes(size_t size) {
    if (size > rest_.size()) return Fail();
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  uint32_t Number() {
    uint32_t number = 0;
    for (const char c : Bytes(4)) number = number << 8 | static_cast<unsigned char>(c);
    return number;
  }
  std::string_view String() { return Bytes(Number()); }
  bool ok() const { return ok_; }

 private:
  std::string_view Fail() {
    ok_ = false;
    rest_ = {};
    return {};
  }
  std::string_view rest_;
  bool ok_ = true;
};

std::string PublicBlob(std::string_view key) {
  std::string blob;
  PutString(blob, kType);
  PutString(blob, key);
  return blob;
}

std::string FingerprintOf(std::string_view blob) {
  std::string digest(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(digest.data()),
                     reinterpret_cast<const unsigned char*>(blob.data()), blob.size());
  std::string text = EncodeBase64(digest);
  while (text.ends_with('=')) text.pop_back();
  return "SHA256:" + text;
}

SshKey Describe(std::string private_key, std::string_view public_key) {
  const std::string blob = PublicBlob(public_key);
  return {std::move(private_key), std::string(kType) + " " + EncodeBase64(blob),
          FingerprintOf(blob)};
}

// The part that a passphrase would encrypt.
std::string PrivatePart(std::string_view public_key, std::string_view secret,
                        std::string_view comment) {
  std::string part;
  const uint32_t check = randombytes_random();
  PutNumber(part, check);
  PutNumber(part, check);
  PutString(part, kType);
  PutString(part, public_key);
  PutString(part, secret);
  PutString(part, comment);
  for (char padding = 1; part.size() % kBlock != 0; ++padding) part += padding;
  return part;
}

std::string ToPem(std::string_view bytes) {
  std::string base64 = EncodeBase64(bytes);
  std::string text(kBegin);
  for (size_t at = 0; at < base64.size(); at += kLine) text.append(base64, at, kLine).append("\n");
  sodium_memzero(base64.data(), base64.size());
  return text.append(kEnd);
}

std::string FromPem(std::string_view text) {
  if (!text.starts_with(kBegin)) return "";
  const size_t end = text.find(kEnd);
  if (end == std::string_view::npos) return "";
  std::string base64;
  for (const char c : text.substr(kBegin.size(), end - kBegin.size())) {
    if (c != '\n' && c != '\r') base64 += c;
  }
  return DecodeBase64(base64);
}

}  // namespace

SshKey MakeSshKey(std::string_view comment) {
  Initialize();
  std::array<unsigned char, kPublic> public_bytes{};
  std::array<unsigned char, kSecret> secret_bytes{};
  crypto_sign_keypair(public_bytes.data(), secret_bytes.data());
  const std::string public_key(public_bytes.begin(), public_bytes.end());
  std::string secret(secret_bytes.begin(), secret_bytes.end());

  std::string bytes(kMagic);
  PutString(bytes, "none");  // cipher
  PutString(bytes, "none");  // key derivation
  PutString(bytes, "");      // and its options
  PutNumber(bytes, 1);
  PutString(bytes, PublicBlob(public_key));
  std::string part = PrivatePart(public_key, secret, comment);
  PutString(bytes, part);
  SshKey key = Describe(ToPem(bytes), public_key);
  sodium_memzero(secret_bytes.data(), secret_bytes.size());
  sodium_memzero(secret.data(), secret.size());
  sodium_memzero(part.data(), part.size());
  sodium_memzero(bytes.data(), bytes.size());
  return key;
}

Expected<SshKey> ReadSshKey(const std::string& private_key) {
  const Error unreadable =
      MakeError(Code::kInvalid, "this is no unencrypted Ed25519 key in OpenSSH's format");
  const std::string bytes = FromPem(private_key);
  Reader reader(bytes);
  if (reader.Bytes(kMagic.size()) != kMagic) return unreadable;
  const bool plain = reader.String() == "none" && reader.String() == "none";
  reader.String();
  if (!plain || reader.Number() != 1) return unreadable;
  const std::string_view blob = reader.String();
  Reader part(reader.String());
  const bool decrypted = part.Number() == part.Number();
  if (!reader.ok() || !decrypted || part.String() != kType) return unreadable;
  const std::string_view public_key = part.String();
  const std::string_view secret = part.String();
  if (!part.ok() || public_key.size() != kPublic || secret.size() != kSecret ||
      secret.substr(kSecret - kPublic) != public_key || blob != PublicBlob(public_key)) {
    return unreadable;
  }
  return Describe(private_key, public_key);
}

}  // namespace zoe::crypto
