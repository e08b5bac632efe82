#include "controller/crypto/crypto.h"

#include <crypt.h>
#include <gtest/gtest.h>

#include <set>

namespace zoe::crypto {
namespace {

TEST(Passwords, OnlyTheRightOneVerifies) {
  const auto hash = HashPassword("correct horse");
  ASSERT_TRUE(hash.ok());
  EXPECT_TRUE(hash->starts_with("$argon2id$v=19$m=65536,t=2,p=1$"));
  EXPECT_TRUE(VerifyPassword(*hash, "correct horse"));
  for (const std::string& wrong :
       {std::string(), std::string("correct hors"), std::string("correct horse "), *hash,
        std::string("correct horse\0", 14)}) {
    EXPECT_FALSE(VerifyPassword(*hash, wrong)) << wrong;
  }
  EXPECT_NE(*HashPassword("correct horse"), *hash) << "the salt must be new";
}

TEST(Passwords, NothingVerifiesWithoutAHash) {
  for (const char* hash : {"", "$argon2id$", "x", "$2b$10$abcdefghijklmnopqrstuv"}) {
    EXPECT_FALSE(VerifyPassword(hash, "")) << hash;
    EXPECT_FALSE(VerifyPassword(hash, "x")) << hash;
  }
}

TEST(Passwords, ForeignHashesThatCostTooMuchAreRefused) {
  EXPECT_TRUE(CheckHash(*HashPassword("x")).ok());
  const auto with = [](const std::string& costs) {
    return CheckHash("$argon2id$v=19$" + costs + "$c29tZXNhbHQ$aGFzaA").ok();
  };
  EXPECT_TRUE(with("m=262144,t=3,p=1"));
  for (const char* costs : {"m=262145,t=3,p=1", "m=65536,t=17,p=1", "m=4294967295,t=1,p=1",
                            "m=65536,t=2,p=9", "m=-1,t=2,p=1", "m=65536", ""}) {
    EXPECT_FALSE(with(costs)) << costs;
  }
}

TEST(Passwords, CryptAgreesWithTheSystems) {
  const auto text = CryptPassword("correct horse");
  ASSERT_TRUE(text.ok());
  EXPECT_TRUE(text->starts_with("$y$"));
  crypt_data space{};
  EXPECT_STREQ(crypt_r("correct horse", text->c_str(), &space), text->c_str());
  EXPECT_STRNE(crypt_r("correct hors", text->c_str(), &space), text->c_str());
  EXPECT_FALSE(CryptPassword(std::string(256, 'x')).ok());
  EXPECT_FALSE(CryptPassword(std::string("a\0b", 3)).ok()) << "C would cut it";
}

TEST(Secrets, RandomTextIsLongEnoughAndNeverTheSame) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string text = RandomText(32);
    EXPECT_EQ(text.size(), 43U);
    EXPECT_EQ(text.find_first_of("+/= "), std::string::npos);
    EXPECT_TRUE(seen.insert(text).second);
  }
}

TEST(Secrets, DigestsDependOnSecretAndContext) {
  const std::string digest = Digest("secret", "token");
  EXPECT_EQ(digest.size(), 64U);
  EXPECT_EQ(digest, Digest("secret", "token"));
  EXPECT_NE(digest, Digest("secret", "csrf"));
  EXPECT_NE(digest, Digest("secre", "ttoken"));
  EXPECT_NE(Digest("", "token"), Digest("", ""));
}

TEST(Secrets, SameTextIsEquality) {
  EXPECT_TRUE(SameText("", ""));
  EXPECT_TRUE(SameText("abc", "abc"));
  EXPECT_FALSE(SameText("abc", "abd"));
  EXPECT_FALSE(SameText("abc", "ab"));
  EXPECT_FALSE(SameText("", "a"));
}

TEST(Base64, FollowsRfc4648) {
  const struct {
    std::string bytes, text;
  } rows[] = {{"", ""},        {"f", "Zg=="},          {"fo", "Zm8="},
              {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}, {std::string("\0\xff\xfe", 3), "AP/+"}};
  for (const auto& row : rows) {
    EXPECT_EQ(EncodeBase64(row.bytes), row.text);
    EXPECT_EQ(DecodeBase64(row.text), row.bytes);
    EXPECT_EQ(DecodeBase64(row.text.substr(0, row.text.find('='))), row.bytes);
  }
  for (const char* none : {"*", "Z", "Zg=g", "Zm9v\n", "Zm-v", "===="})
    EXPECT_EQ(DecodeBase64(none), "") << none;
}

}  // namespace
}  // namespace zoe::crypto
