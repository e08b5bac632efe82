// A node of a real ZooKeeper that tells where a Swarm's managers are.
#include "apis/zookeeper/znode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <vector>

#include "apis/zookeeper/client.h"
#include "test/conformance/store/tcp_proxy.h"
#include "test/conformance/store/zookeeper_server.h"
#include "test/unit/apis/fake_engine.h"

namespace zoe {
namespace {

using conformance::TcpProxy;
using conformance::ZooKeeperServer;
using testing::HasSubstr;
using testing::Not;
using zookeeper::CreateMode;
using zookeeper::Op;
using zookeeper::Reply;
using zookeeper::Session;

constexpr auto kPatience = std::chrono::seconds(20);

ZooKeeperServer* server = nullptr;

class ServerOfAll : public testing::Environment {
 public:
  void SetUp() override {
    auto started = ZooKeeperServer::Start();
    if (!started.ok()) {
      reason_ = started.error().message;
      return;
    }
    server_ = *std::move(started);
    server = server_.get();
  }
  void TearDown() override { server_.reset(); }
  static std::string reason_;

 private:
  std::unique_ptr<ZooKeeperServer> server_;
};
std::string ServerOfAll::reason_;
const auto* const kServer = testing::AddGlobalTestEnvironment(new ServerOfAll);

// Somebody else's client: writes the node.
class Writer {
 public:
  explicit Writer(const std::string& credentials = "")
      : client_(
            {.hosts = server->hosts(), .credentials = credentials, .timeout = Duration(6'000)},
            pump_,
            {.on_connected = [](bool) {}, .on_over = [] {}, .on_node = [](const std::string&) {}}) {
    EXPECT_TRUE(client_.Start().ok());
  }
  ~Writer() { client_.Close(); }

  void Do(const Op& op) {
    const Reply reply = client_.Once(
        std::chrono::steady_clock::now() + kPatience,
        [op](Session& session, Session::Done done) { session.Multi({op}, std::move(done)); });
    ASSERT_EQ(reply.rc, zookeeper::Rc::kOk) << reply.bytes;
  }
  void Create(const std::string& bytes) { Do({Op::Kind::kCreate, "/managers", bytes}); }
  void Set(const std::string& bytes) { Do({Op::Kind::kSet, "/managers", bytes}); }
  void Remove() { Do({Op::Kind::kDelete, "/managers"}); }

 private:
  zookeeper::Pump pump_;
  zookeeper::Client client_;
};

// What a follower was told.
class News {
 public:
  auto Callback() {
    return [this](const Expected<std::string>& told) {
      const std::lock_guard lock(mutex_);
      all_.push_back(told.ok() ? *told : "(" + told.error().message + ")");
      changed_.notify_all();
    };
  }
  bool Ends(const std::string& with) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return !all_.empty() && all_.back() == with; });
  }
  std::vector<std::string> all() {
    const std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> all_;
};

class Znode : public testing::Test {
 protected:
  void SetUp() override {
    if (server == nullptr) GTEST_SKIP() << ServerOfAll::reason_;
  }
  static ZooKeeperOptions Where(const std::string& credentials = "") {
    const std::string user = credentials.empty() ? "" : credentials + "@";
    auto options = ParseZooKeeperUrl("zk://" + user + server->hosts() + "/managers");
    EXPECT_TRUE(options.ok());
    options->session_timeout = Duration(2'000);
    return *options;
  }
};

constexpr char kMissing[] = "(there is no such node)";

TEST_F(Znode, IsFollowedFromBeforeItsMakingBeyondItsRemoval) {
  News news;
  const auto watch = FollowZnode(Where(), news.Callback());
  ASSERT_TRUE(watch.ok());
  ASSERT_TRUE(news.Ends(kMissing));
  Writer writer;
  writer.Create("a");
  ASSERT_TRUE(news.Ends("a"));
  writer.Set("a");  // no news
  writer.Set("b");
  ASSERT_TRUE(news.Ends("b"));
  writer.Remove();
  ASSERT_TRUE(news.Ends(kMissing));
  writer.Create("c");
  ASSERT_TRUE(news.Ends("c"));
  writer.Remove();
  ASSERT_TRUE(news.Ends(kMissing));
  EXPECT_THAT(news.all(), testing::ElementsAre(kMissing, "a", "b", kMissing, "c", kMissing));
}

TEST_F(Znode, IsFollowedThroughARestart) {
  Writer writer;
  writer.Create("before");
  News news;
  const auto watch = FollowZnode(Where(), news.Callback());
  ASSERT_TRUE(news.Ends("before"));
  server->Kill();
  ASSERT_TRUE(server->Restart().ok());
  writer.Set("after");
  EXPECT_TRUE(news.Ends("after"));
  EXPECT_EQ(news.all().size(), 2u);  // a lost connection is no news
  writer.Remove();
}

TEST_F(Znode, IsFollowedBeyondTheEndOfASession) {
  TcpProxy proxy(server->port());
  ZooKeeperOptions behind = Where();
  behind.hosts = proxy.hosts();
  behind.session_timeout = Duration(500);
  Writer writer;
  writer.Create("before");
  testing::internal::CaptureStderr();
  {
    News news;
    const auto watch = FollowZnode(behind, news.Callback());
    EXPECT_TRUE(news.Ends("before"));
    proxy.Block();
    writer.Set("meanwhile");
    // The server's own time decides, in steps of its tick: nobody tells when it has run out.
    const SteadyTime over = std::chrono::steady_clock::now() + behind.session_timeout * 4;
    while (std::chrono::steady_clock::now() < over) std::this_thread::yield();
    proxy.Unblock();
    EXPECT_TRUE(news.Ends("meanwhile"));
    writer.Set("after");
    EXPECT_TRUE(news.Ends("after"));
    EXPECT_EQ(news.all().size(), 3u);
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("the ZooKeeper session is over"));
  writer.Remove();
}

TEST_F(Znode, ThatNobodyCanReachIsSaidSoAndFoundWhenItComes) {
  News news;
  ZooKeeperOptions nowhere = Where();
  nowhere.hosts = "no-such-host.invalid:2181";
  const auto watch = FollowZnode(nowhere, news.Callback());
  ASSERT_TRUE(watch.ok());
  const SteadyTime deadline = std::chrono::steady_clock::now() + kPatience;
  while (news.all().empty() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  ASSERT_EQ(news.all().size(), 1u);
  EXPECT_THAT(news.all()[0], HasSubstr("no-such-host.invalid"));
}

TEST_F(Znode, OfSomebodyElseIsNotReadableAndNothingShowsThePassword) {
  Writer writer("me:geheim");
  writer.Create("secret place");
  testing::internal::CaptureStderr();
  News stranger, owner;
  {
    const auto closed = FollowZnode(Where("you:andersgeheim"), stranger.Callback());
    EXPECT_TRUE(stranger.Ends("(may not be read with these credentials)"));
    const auto open = FollowZnode(Where("me:geheim"), owner.Callback());
    EXPECT_TRUE(owner.Ends("secret place"));
  }
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("opened a ZooKeeper session"));
  EXPECT_THAT(log, Not(HasSubstr("geheim")));
  EXPECT_THAT(ZnodeName(Where("me:geheim")), Not(HasSubstr("geheim")));
  writer.Remove();
}

TEST_F(Znode, EndsWhileZooKeeperIsAway) {
  News news;
  auto watch = FollowZnode(Where(), news.Callback());
  ASSERT_TRUE(news.Ends(kMissing));
  server->Kill();
  const SteadyTime begin = std::chrono::steady_clock::now();
  watch->reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  ASSERT_TRUE(server->Restart().ok());
}

// As main composes it.
TEST_F(Znode, TellsADockerSwarmWhereItsManagersAre) {
  using docker::FakeEngine;
  using docker::Reply;
  using docker::Soon;
  const auto manager = [](const char* name) {
    return [name](const std::string& request, const std::string&) {
      if (request.find("/nodes") == std::string::npos) return Reply(200, "[]");
      return Reply(200,
                   std::string("[{\"ID\":\"") + name + "\",\"Status\":{\"State\":\"ready\"}}]");
    };
  };
  FakeEngine first(manager("first")), second(manager("second"));
  testing::internal::CaptureStderr();
  {
    const ZooKeeperOptions node = Where("me:geheim");
    Writer writer("me:geheim");
    const EndpointSource source{
        ZnodeName(node), [node](auto on_value) { return FollowZnode(node, std::move(on_value)); }};
    const auto swarm = OpenDockerSwarm({.source = source}, docker::kClock);
    ASSERT_TRUE(swarm.ok());
    const auto until = [&](const std::string& expected) {
      const SteadyTime deadline = std::chrono::steady_clock::now() + kPatience;
      std::string last;
      do {
        const auto nodes = (*swarm)->ListNodes(Soon());
        last = nodes.ok() ? nodes->at(0).id : nodes.error().message;
        if (last.find(expected) != std::string::npos) return last;
      } while (std::chrono::steady_clock::now() < deadline);
      return last;
    };
    const std::string missing = until("there is no such node");
    EXPECT_THAT(missing, HasSubstr("node /managers of ZooKeeper at " + server->hosts()));
    EXPECT_THAT(missing, HasSubstr("it is to hold the endpoints"));
    writer.Create(first.endpoint() + "\n");
    EXPECT_EQ(until("first"), "first");
    writer.Set(second.endpoint());
    EXPECT_EQ(until("second"), "second");
    writer.Set("nonsense");
    writer.Remove();
    server->Kill();
    EXPECT_EQ(until("second"), "second");
    ASSERT_TRUE(server->Restart().ok());
    writer.Create(first.endpoint());
    EXPECT_EQ(until("first"), "first");
    writer.Remove();
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), Not(HasSubstr("geheim")));
}

}  // namespace
}  // namespace zoe
