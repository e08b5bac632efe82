// What the API does while the store is away, and who it says leads.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

#include "apis/memory/memory_store.h"
#include "apis/server/credentials.h"
#include "apis/server/first_admin.h"
#include "apis/server/server.h"
#include "apis/sim/sim_swarm.h"
#include "controller/cache/informer.h"
#include "controller/loop/replica.h"
#include "controller/runtime/system_clock.h"
#include "test/unit/apis/peer.h"

namespace zoe {
namespace {

// A store whose servers can go away.
class FarStore : public Store {
 public:
  std::atomic<bool> away{false};
  std::vector<Candidate> candidates;
  std::atomic<int> lost_replies{0};  // of creations to come: done, but nobody hears of it

  Expected<Record> Get(const Key& key) override {
    ZOE_TRY(Ping());
    return inner_->Get(key);
  }
  Expected<Listing> List(std::string_view kind) override {
    ZOE_TRY(Ping());
    return inner_->List(kind);
  }
  Expected<Revision> Create(const Key& key, std::string bytes) override {
    ZOE_TRY(Ping());
    Expected<Revision> created = inner_->Create(key, std::move(bytes));
    if (lost_replies > 0 && lost_replies-- > 0)
      return MakeError(Code::kOutcomeUnknown, "the reply was lost");
    return created;
  }
  Expected<Revision> Replace(const Key& key, Revision expected, std::string bytes) override {
    ZOE_TRY(Ping());
    return inner_->Replace(key, expected, std::move(bytes));
  }
  Expected<Revision> Delete(const Key& key, Revision expected) override {
    ZOE_TRY(Ping());
    return inner_->Delete(key, expected);
  }
  Expected<Revision> Turn(const Key& place) override { return inner_->Turn(place); }
  Expected<Revision> WriteInTurn(const Key& key, Revision expected, std::string bytes,
                                 Revision turn) override {
    ZOE_TRY(Ping());
    return inner_->WriteInTurn(key, expected, std::move(bytes), turn);
  }
  Expected<std::unique_ptr<Watch>> Subscribe(Feed feed) override {
    return inner_->Subscribe(std::move(feed));
  }
  Expected<std::unique_ptr<Watch>> Campaign(std::string identity, LeaderCallback lead) override {
    return inner_->Campaign(std::move(identity), std::move(lead));
  }
  Expected<std::vector<Candidate>> Candidates() override {
    ZOE_TRY(Ping());
    return candidates;
  }
  Store& ForLeader() override { return *this; }
  Expected<void> Ping() override {
    if (away) return MakeError(Code::kUnavailable, "no server answers");
    return {};
  }

 private:
  std::unique_ptr<Store> inner_ = MakeMemoryStore();
};

// One of several controllers over the same store.
class Replicated {
 public:
  explicit Replicated(Store& store, size_t history = 8192)
      : cache_(history), informer_(store, cache_, clock_, metrics_) {
    swarm_ = MakeSimSwarm({}, clock_);
    informer_.Start();
    while (!cache_.synced()) std::this_thread::yield();
    ServerOptions options;
    options.listen = "127.0.0.1:0";
    options.auth = AuthMode::kNone;
    server_ = std::make_unique<Server>(
        options, ServerDeps{store, cache_, *swarm_, admission_, metrics_, clock_});
    EXPECT_TRUE(server_->Start().ok());
  }
  ~Replicated() {
    server_.reset();
    informer_.Stop();
  }
  Answer Call(std::string_view method, const std::string& target, const std::string& body = {}) {
    const std::string address = server_->address();
    const auto port = static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    return Peer(port).Call(method, target, body, "Content-Type: application/json\r\n");
  }

 private:
  SystemClock clock_;
  Metrics metrics_;
  Cache cache_;
  Informer informer_;
  Admission admission_{cache_, {.users_make_namespaces = false}};
  std::unique_ptr<SimSwarm> swarm_;
  std::unique_ptr<Server> server_;
};

const std::string kPath = "/apis/zoe/v1/namespaces/alice/applications";

std::string Application(const std::string& name) {
  return R"({"metadata":{"name":")" + name +
         R"("},"spec":{"services":[{"name":"a","image":"x"}]}})";
}

bool Eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

TEST(ServerAway, ReadsAreMarkedAndWritesRefusedUntilTheStoreIsBack) {
  FarStore store;
  Replicated replica(store);
  ASSERT_EQ(replica.Call("POST", kPath, Application("a")).status, 201);
  EXPECT_EQ(replica.Call("GET", kPath + "/a").headers.count("warning"), 0u);
  store.away = true;
  EXPECT_EQ(replica.Call("GET", kPath).status, 200);
  ASSERT_TRUE(
      Eventually([&] { return replica.Call("GET", kPath + "/a").headers.count("warning") > 0; }));
  const Answer read = replica.Call("GET", kPath + "/a");
  EXPECT_EQ(read.status, 200);
  // As Kubernetes' clients parse it: a code, an agent, a quoted text.
  const std::string warning = read.headers.at("warning");
  EXPECT_TRUE(warning.starts_with("299 - \"the store has not answered since 20")) << warning;
  EXPECT_TRUE(warning.ends_with("Z: this may be out of date\"") ||
              warning.ends_with("out of date\""))
      << warning;
  for (const auto& [method, target] : {std::pair{"POST", kPath},
                                       {"PUT", kPath + "/a"},
                                       {"DELETE", kPath + "/a"},
                                       {"DELETE", kPath}}) {
    const Answer refused = replica.Call(method, target, Application("a"));
    EXPECT_EQ(refused.status, 503) << method << refused.body;
    EXPECT_EQ(refused.headers.count("retry-after"), 1u) << method;
    EXPECT_NE(refused.body.find("ServiceUnavailable"), std::string::npos) << refused.body;
  }
  EXPECT_EQ(replica.Call("GET", "/readyz").status, 503);
  EXPECT_EQ(replica.Call("GET", "/livez").status, 200);
  store.away = false;
  ASSERT_TRUE(
      Eventually([&] { return replica.Call("POST", kPath, Application("b")).status == 201; }));
  EXPECT_EQ(replica.Call("GET", kPath + "/b").headers.count("warning"), 0u);
}

TEST(ServerAway, ControllersAreToldWhateverTheySayOfThemselves) {
  FarStore store;
  store.candidates = {{EncodeReplica({.id = "one/1",
                                      .url = "http://one:4850",
                                      .since = ParseTime("2026-01-31T12:00:00Z").value()}),
                       true},
                      {"two/2", false},
                      {"{\"id\":7,\"url\":[]}", false},
                      {"\x1b[31m", false}};
  Replicated replica(store);
  const Answer answer = replica.Call("GET", "/controllers");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body,
            R"({"controllers":[{"id":"one/1","leading":true,"url":"http://one:4850",)"
            R"("since":"2026-01-31T12:00:00Z"},{"id":"two/2","leading":false},)"
            R"({"id":"{\"id\":7,\"url\":[]}","leading":false},{"id":"?[31m","leading":false}]})"
            "\n");
  store.away = true;
  EXPECT_EQ(replica.Call("GET", "/controllers").status, 503);
}

TEST(ServerAway, AListThatOneReplicaHasBegunGoesOnAtAnother) {
  FarStore store;
  Replicated one(store), two(store), forgetful(store, 1);
  for (const char* name : {"a", "b", "c"})
    ASSERT_EQ(one.Call("POST", kPath, Application(name)).status, 201);
  const std::string first = one.Call("GET", kPath + "?limit=1").body;
  const size_t at = first.find("\"continue\":\"") + 12;
  ASSERT_NE(at, std::string::npos + 12);
  const std::string token = first.substr(at, first.find('"', at) - at);
  ASSERT_EQ(one.Call("POST", kPath, Application("aa")).status, 201);  // not of that moment
  ASSERT_EQ(one.Call("DELETE", kPath + "/b").status, 200);
  const Answer next = two.Call("GET", kPath + "?limit=1&continue=" + token);
  ASSERT_EQ(next.status, 200) << next.body;
  EXPECT_NE(next.body.find("\"name\":\"b\""), std::string::npos) << next.body;
  EXPECT_EQ(forgetful.Call("GET", kPath + "?limit=1&continue=" + token).status, 410);
}

// Of the User, and of its password: the one that was made is the one that is told.
TEST(ServerAway, TheFirstAdminsPasswordIsToldAlthoughRepliesAreLost) {
  FarStore store;
  store.lost_replies = 2;
  SystemClock clock;
  Metrics metrics;
  Cache cache;
  Informer informer(store, cache, clock, metrics);
  informer.Start();
  while (!cache.synced()) std::this_thread::yield();
  Admission admission(cache, {.users_make_namespaces = true});
  std::mutex mutex;
  std::vector<std::string> told;
  FirstAdmin admin(store, cache, admission, clock, "", [&](const std::string& password) {
    const std::lock_guard lock(mutex);
    told.push_back(password);
  });
  ASSERT_TRUE(admin.Start().ok());
  ASSERT_TRUE(Eventually([&] {
    const std::lock_guard lock(mutex);
    return !told.empty();
  }));
  admin.Stop();
  EXPECT_EQ(store.lost_replies, 0);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(server::Credentials(store, cache, clock).VerifyPassword("admin", told[0]));
  informer.Stop();
}

}  // namespace
}  // namespace zoe
