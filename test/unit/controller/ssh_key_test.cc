#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "controller/crypto/crypto.h"

namespace zoe::crypto {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// What `command` prints on stdout; nullopt: it failed.
std::optional<std::string> Shell(const std::string& command) {
  FILE* pipe = popen((command + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return std::nullopt;
  std::string text;
  for (char buffer[512]; const size_t size = fread(buffer, 1, sizeof buffer, pipe);) {
    text.append(buffer, size);
  }
  if (pclose(pipe) != 0) return std::nullopt;
  return text;
}

class SshKeyFile : public testing::Test {
 protected:
  void SetUp() override {
    if (!Shell("command -v ssh-keygen")) GTEST_SKIP() << "needs ssh-keygen";
    char name[] = "/tmp/zoe-ssh-key-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    dir = name;
    file = dir + "/key";
  }
  void TearDown() override {
    if (!dir.empty()) std::filesystem::remove_all(dir);
  }
  void Write(const std::string& text) {
    std::ofstream(file) << text;
    chmod(file.c_str(), 0600);
  }
  std::string dir, file;
};

TEST_F(SshKeyFile, IsWhatOpenSshReads) {
  for (const char* comment : {"", "zoe", "zoe-zoe-alice and more"}) {
    const SshKey key = MakeSshKey(comment);
    Write(key.private_key);
    const auto derived = Shell("ssh-keygen -y -f " + file);
    ASSERT_TRUE(derived);
    EXPECT_THAT(*derived, StartsWith(key.public_key));
    const auto fingerprint = Shell("ssh-keygen -l -f " + file);
    ASSERT_TRUE(fingerprint);
    EXPECT_THAT(*fingerprint, HasSubstr(" " + key.fingerprint + " "));
    // It signs, and the public half says so.
    EXPECT_TRUE(Shell("echo text >" + dir + "/text && ssh-keygen -Y sign -q -n zoe -f " + file +
                      " " + dir + "/text && echo \"alice " + key.public_key + "\" >" + dir +
                      "/allowed && ssh-keygen -Y verify -f " + dir +
                      "/allowed -I alice -n zoe -s " + dir + "/text.sig <" + dir + "/text"));
    std::filesystem::remove(dir + "/text.sig");
  }
}

TEST_F(SshKeyFile, OfOpenSshCanBeRead) {
  ASSERT_TRUE(Shell("ssh-keygen -q -t ed25519 -N '' -C x -f " + file));
  std::ifstream stream(file);
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  const auto key = ReadSshKey(text);
  ASSERT_TRUE(key.ok());
  EXPECT_THAT(*Shell("cat " + file + ".pub"), StartsWith(key->public_key + " "));
  EXPECT_THAT(*Shell("ssh-keygen -l -f " + file), HasSubstr(key->fingerprint));
}

TEST(SshKey, IsReadAsItWasMade) {
  const SshKey key = MakeSshKey("zoe"), other = MakeSshKey("zoe");
  EXPECT_NE(key.private_key, other.private_key);
  EXPECT_NE(key.fingerprint, other.fingerprint);
  const auto read = ReadSshKey(key.private_key);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->public_key, key.public_key);
  EXPECT_EQ(read->fingerprint, key.fingerprint);
}

TEST(SshKey, ThatIsDamagedIsRefused) {
  const std::string good = MakeSshKey("zoe").private_key;
  for (const std::string& text :
       {std::string(), std::string("no key"), good.substr(0, good.size() - 40)}) {
    EXPECT_FALSE(ReadSshKey(text).ok());
  }
  const size_t begin = good.find('\n') + 1, end = good.rfind("-----END");
  for (size_t at = begin; at < end; ++at) {
    std::string bad = good;
    bad.erase(at, 4);
    const auto read = ReadSshKey(bad);
    if (read.ok()) continue;  // the comment's letters are nobody's business
    EXPECT_THAT(read.error().message, testing::Not(HasSubstr(bad.substr(begin, 9))));
  }
}

}  // namespace
}  // namespace zoe::crypto
