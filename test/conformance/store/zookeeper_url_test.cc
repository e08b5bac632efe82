// Addresses and paths: needs no server.
#include <gtest/gtest.h>

#include <climits>

#include "apis/zookeeper/layout.h"
#include "apis/zookeeper/zookeeper_store.h"

namespace zoe {
namespace {

TEST(ZooKeeperUrlTest, EveryPartIsRead) {
  struct Row {
    std::string url, hosts, chroot, credentials;
  };
  for (const Row& row : std::vector<Row>{
           {"zk://h1:1,h2:2/a/b", "h1:1,h2:2", "/a/b", ""},
           {"zk://h1", "h1:2181", "", ""},
           {"zk://h1/", "h1:2181", "", ""},
           {"zk://h1/a/", "h1:2181", "/a", ""},
           {"zk://[::1]:7,[fe80::2]", "[::1]:7,[fe80::2]:2181", "", ""},
           {"zk://zoe:se%40cr%3aet@h1:1/a", "h1:1", "/a", "zoe:se@cr:et"},
           {"zk://zoe:p/w@h1:1", "h1:1", "", "zoe:p/w"},
       }) {
    const auto options = ParseZooKeeperUrl(row.url);
    ASSERT_TRUE(options.ok()) << row.url << ": " << options.error().message;
    EXPECT_EQ(options->hosts, row.hosts) << row.url;
    EXPECT_EQ(options->chroot, row.chroot) << row.url;
    EXPECT_EQ(options->credentials, row.credentials) << row.url;
  }
}

TEST(ZooKeeperUrlTest, WhatIsWrongIsSaidWithoutThePassword) {
  for (const char* url :
       {"", "zk://", "zk:///a", "http://h1", "zk://h1:0", "zk://h1:65536", "zk://h1:x", "zk://h1,",
        "zk://,h1", "zk://h1//a", "zk://h1/a/../b", "zk://h1/.", "zk://[::1", "zk://user@h1",
        "zk://:secret@h1", "zk://u:secret%4@h1", "zk://u:secret@h1:x", "zk://u%3Aa:secret@h1"}) {
    const auto options = ParseZooKeeperUrl(url);
    ASSERT_FALSE(options.ok()) << url;
    EXPECT_EQ(options.error().code, Code::kInvalid);
    EXPECT_EQ(options.error().message.find("secret"), std::string::npos) << options.error().message;
    EXPECT_NE(options.error().message.find("expected zk://"), std::string::npos);
  }
}

TEST(ZooKeeperLayoutTest, SegmentsAreLegalDifferentAndReadBack) {
  for (const char* name : {"", "_", ".", "..", "...", "a", "a.b", "a/b", "a%2Fb", "%", "%4",
                           "Größe", "\x01\x7f", "__", "a_b"}) {
    const std::string segment = zookeeper::EncodeSegment(name);
    EXPECT_EQ(zookeeper::DecodeSegment(segment), name);
    EXPECT_EQ(segment.find('/'), std::string::npos);
    EXPECT_TRUE(segment != "." && segment != ".." && !segment.empty());
    EXPECT_EQ(segment == "_", *name == '\0');
  }
}

TEST(ZooKeeperLayoutTest, ChangesAreReadBack) {
  for (const Key& key :
       {Key{"Execution", "alice", "wordcount"}, Key{"User", "", "bob"}, Key{"K", "_", "a/b"}}) {
    for (const bool deleted : {false, true}) {
      const auto change = zookeeper::DecodeChange(zookeeper::EncodeChange(key, deleted), 7);
      ASSERT_TRUE(change.has_value());
      EXPECT_EQ(change->key, key);
      EXPECT_EQ(change->deleted, deleted);
      EXPECT_EQ(change->revision, 7);
    }
  }
  for (const char* bytes : {"", "set", "set a", "set a/b", "put a/b/c"})
    EXPECT_FALSE(zookeeper::DecodeChange(bytes, 1).has_value()) << bytes;
}

TEST(ZooKeeperLayoutTest, SequenceNumbersWrapAround) {
  using zookeeper::Distance, zookeeper::Next, zookeeper::SequenceOf;
  EXPECT_EQ(SequenceOf("c-0000000012"), 12);
  EXPECT_EQ(SequenceOf("n-00ff00ff00ff00ff-2147483647"), INT_MAX);
  EXPECT_EQ(SequenceOf("c--2147483648"), INT_MIN);
  EXPECT_EQ(SequenceOf("n-00ff00ff00ff00ff--000000005"), -5);
  for (const char* name : {"", "c", "notes", "c-", "c-12", "c-00000000x2"})
    EXPECT_FALSE(SequenceOf(name)) << name;
  EXPECT_EQ(Next(INT_MAX), INT_MIN);
  EXPECT_EQ(Distance(INT_MIN, INT_MAX), 1);
  const zookeeper::Layout layout("/root", "zoe");
  for (const int32_t sequence : {0, 12, INT_MAX, INT_MIN, -5})
    EXPECT_EQ(SequenceOf(layout.ChangePath(sequence)), sequence);
}

}  // namespace
}  // namespace zoe
