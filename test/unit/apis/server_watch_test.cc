// Watches and logs: what is streamed.
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <thread>
#include <vector>

#include "specs/codec/value.h"
#include "test/unit/apis/peer.h"
#include "test/unit/apis/served.h"

namespace zoe {
namespace {

using codec::Value;

constexpr std::string_view kExecutions = "/apis/zoe/v1/namespaces/alice/executions";
constexpr std::string_view kJson = "Content-Type: application/json\r\n";
constexpr std::string_view kMerge = "Content-Type: application/merge-patch+json\r\n";

struct Seen {
  std::string type;
  Value object;
  std::string name() const { return object.StringAt("metadata.name"); }
};

Seen Next(Peer& peer) {
  const std::string line = peer.ReadLine();
  if (line.empty()) return {};
  auto value = codec::ParseJson(line);
  EXPECT_TRUE(value.ok()) << line;
  return {value->StringAt("type"), *value->Find("object")};
}

class ServerWatch : public ::testing::Test {
 protected:
  explicit ServerWatch(ServerOptions options = TestOptions(), size_t history = 8192)
      : served_(std::move(options), history) {}
  void SetUp() override { ASSERT_TRUE(served_.server->Start().ok()); }

  Answer Call(std::string_view method, std::string_view target, std::string_view body = {},
              std::string_view headers = kJson) {
    return Peer(served_.port()).Call(method, target, body, headers);
  }
  // The new resourceVersion.
  std::string Create(const std::string& name, const std::string& project = "books",
                     const std::string& ns = "alice") {
    const Answer answer =
        Call("POST", "/apis/zoe/v1/namespaces/" + ns + "/executions",
             R"({"kind":"Execution","metadata":{"name":")" + name + R"(","labels":{"project":")" +
                 project +
                 R"("}},"spec":{"application":{"services":[{"name":"web","image":"zoe/mini"}]}}})");
    EXPECT_EQ(answer.status, 201) << answer.body;
    return codec::ParseJson(answer.body)->StringAt("metadata.resourceVersion");
  }
  void Patch(const std::string& name, const std::string& patch) {
    EXPECT_EQ(Call("PATCH", std::string(kExecutions) + "/" + name, patch, kMerge).status, 200);
  }
  Peer Watch(const std::string& query, const std::string& path = std::string(kExecutions),
             const std::string& headers = "") {
    Peer peer(served_.port());
    peer.Send("GET " + path + "?watch=1" + query + " HTTP/1.1\r\nHost: localhost\r\n" + headers +
              "\r\n");
    head_ = peer.ReadHead();
    return peer;
  }

  Served served_;
  Answer head_;
};

TEST_F(ServerWatch, WithoutResourceVersionShowsWhatIsThereThenEveryChange) {
  Create("a");
  Peer peer = Watch("");
  EXPECT_EQ(head_.status, 200);
  Seen seen = Next(peer);
  EXPECT_EQ(seen.type + seen.name(), "ADDEDa");
  Create("b");
  seen = Next(peer);
  EXPECT_EQ(seen.type + seen.name(), "ADDEDb");
  Patch("a", R"({"spec":{"priority":1}})");
  seen = Next(peer);
  EXPECT_EQ(seen.type + seen.name(), "MODIFIEDa");
  EXPECT_EQ(seen.object.At("spec.priority")->as_int(), 1);
  Call("DELETE", std::string(kExecutions) + "/a");
  EXPECT_EQ(Next(peer).type, "MODIFIED");
  Patch("a", R"({"metadata":{"finalizers":null}})");
  seen = Next(peer);
  EXPECT_EQ(seen.type + seen.name(), "DELETEDa");
}

TEST_F(ServerWatch, FromAResourceVersionShowsExactlyWhatCameAfterIt) {
  const std::string first = Create("a");
  Create("b");
  Create("c");
  Peer peer = Watch("&resourceVersion=" + first);
  EXPECT_EQ(Next(peer).name(), "b");
  EXPECT_EQ(Next(peer).name(), "c");
  Create("d");
  EXPECT_EQ(Next(peer).name(), "d");
}

TEST_F(ServerWatch, ListThenWatchLosesAndRepeatsNothing) {
  std::thread writer([this] {
    for (int i = 0; i < 60; ++i) Create("w" + std::to_string(i));
  });
  const auto list = codec::ParseJson(Call("GET", kExecutions).body);
  std::set<std::string> names;
  for (const Value& item : list->At("items")->as_array())
    names.insert(item.StringAt("metadata.name"));
  Peer peer = Watch("&resourceVersion=" + list->StringAt("metadata.resourceVersion"));
  while (names.size() < 60) {
    const Seen seen = Next(peer);
    ASSERT_EQ(seen.type, "ADDED");
    EXPECT_TRUE(names.insert(seen.name()).second) << seen.name();
  }
  writer.join();
}

TEST_F(ServerWatch, SelectorTurnsEnteringAndLeavingIntoAddedAndDeleted) {
  Create("a", "films");
  Create("b", "books");
  Peer peer = Watch("&labelSelector=project%3Dbooks");
  EXPECT_EQ(Next(peer).name(), "b");
  Patch("a", R"({"spec":{"priority":1}})");
  Patch("a", R"({"metadata":{"labels":{"project":"books"}}})");
  Seen seen = Next(peer);
  EXPECT_EQ(seen.type + seen.name(), "ADDEDa");
  Patch("a", R"({"spec":{"priority":2}})");
  EXPECT_EQ(Next(peer).type, "MODIFIED");
  Patch("b", R"({"metadata":{"labels":null}})");
  seen = Next(peer);
  EXPECT_EQ(seen.type + seen.name(), "DELETEDb");
}

TEST_F(ServerWatch, FieldSelectorAndNamespaceLimitWhatIsSeen) {
  Peer by_name = Watch("&fieldSelector=metadata.name%3Db");
  Peer everywhere = Watch("", "/apis/zoe/v1/executions");
  Create("b", "books", "bob");
  Create("a");
  Create("b");
  const Seen seen = Next(by_name);
  EXPECT_EQ(seen.object.StringAt("metadata.namespace") + "/" + seen.name(), "alice/b");
  EXPECT_EQ(Next(everywhere).object.StringAt("metadata.namespace"), "bob");
}

TEST_F(ServerWatch, TimeoutEndsTheStreamInOrderWithABookmark) {
  const std::string revision = Create("a");
  Peer peer = Watch("&timeoutSeconds=1&allowWatchBookmarks=true&resourceVersion=" + revision);
  const Seen seen = Next(peer);
  EXPECT_EQ(seen.type, "BOOKMARK");
  EXPECT_EQ(seen.object.StringAt("metadata.resourceVersion"), revision);
  EXPECT_EQ(seen.object.StringAt("kind"), "Execution");
  EXPECT_EQ(peer.ReadLine(), "");
  EXPECT_TRUE(peer.ended());
}

TEST_F(ServerWatch, InitialEventsEndWithAMarkedBookmark) {
  Create("a");
  Peer peer =
      Watch("&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan");
  EXPECT_EQ(Next(peer).name(), "a");
  const Seen seen = Next(peer);
  EXPECT_EQ(seen.type, "BOOKMARK");
  EXPECT_EQ(seen.object.At("metadata.annotations")->Find("k8s.io/initial-events-end")->as_string(),
            "true");
}

TEST_F(ServerWatch, TablesAreStreamedToThosePrintingThem) {
  Peer peer = Watch("", std::string(kExecutions),
                    "Accept: application/json;as=Table;v=v1;g=meta.k8s.io,application/json\r\n");
  Create("a");
  const Seen seen = Next(peer);
  EXPECT_EQ(seen.type, "ADDED");
  EXPECT_EQ(seen.object.StringAt("kind"), "Table");
  EXPECT_EQ(seen.object.At("rows")->as_array().front().At("cells")->as_array().front().as_string(),
            "a");
}

TEST_F(ServerWatch, RevisionOfAnotherStoresLifeExpires) {
  Create("a");
  Peer peer = Watch("&resourceVersion=999999");
  EXPECT_EQ(head_.status, 200);
  const Seen seen = Next(peer);
  EXPECT_EQ(seen.type, "ERROR");
  EXPECT_EQ(seen.object.At("code")->as_int(), 410);
  EXPECT_EQ(seen.object.StringAt("reason"), "Expired");
}

TEST_F(ServerWatch, TwoHundredWatchersAllSeeEveryChangeInOrder) {
  std::vector<Peer> peers;
  for (int i = 0; i < 200; ++i) peers.push_back(Watch(""));
  for (int i = 0; i < 20; ++i) Create("n" + std::to_string(i));
  for (Peer& peer : peers) {
    for (int i = 0; i < 20; ++i) ASSERT_EQ(Next(peer).name(), "n" + std::to_string(i));
  }
}

TEST_F(ServerWatch, WatcherThatLeavesIsForgotten) {
  Peer peer = Watch("");
  peer.Close();
  Create("a");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  // The next watcher is served although the other one has gone without a word.
  Peer other = Watch("");
  EXPECT_EQ(Next(other).name(), "a");
  EXPECT_LT(std::chrono::steady_clock::now(), deadline);
}

TEST_F(ServerWatch, StopEndsAHundredWatchesWithinASecond) {
  std::vector<Peer> peers;
  for (int i = 0; i < 100; ++i) peers.push_back(Watch(""));
  const auto begun = std::chrono::steady_clock::now();
  served_.server->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
  for (Peer& peer : peers) {
    EXPECT_EQ(peer.ReadLine(), "");
    EXPECT_TRUE(peer.ended());
  }
}

class ShortHistory : public ServerWatch {
 protected:
  ShortHistory() : ServerWatch(TestOptions(), 16) {}
};

TEST_F(ShortHistory, WatchFromBeforeTheHistoryIsGone) {
  const std::string first = Create("a");
  for (int i = 0; i < 30; ++i) Create("n" + std::to_string(i));
  const Answer answer = Call("GET", std::string(kExecutions) + "?watch=1&resourceVersion=" + first);
  EXPECT_EQ(answer.status, 410);
  EXPECT_NE(answer.body.find("\"reason\":\"Expired\""), std::string::npos);
}

// A client that reads nothing costs one batch, not the whole stream: it falls out of the history
// and is told so.
TEST_F(ShortHistory, WatcherThatIsTooSlowExpires) {
  Create("a");
  Peer slow(served_.port(), 10'000, 4096);
  slow.Send("GET " + std::string(kExecutions) + "?watch=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(slow.ReadHead().status, 200);
  const Key key{"Execution", "alice", "a"};
  Record record = *served_.store->Get(key);
  const std::string metadata = "\"metadata\":{";
  const size_t at = record.bytes.find(metadata) + metadata.size();
  for (int i = 0; i < 60; ++i) {
    std::string bytes = record.bytes;
    bytes.insert(at, R"("annotations":{"note":")" + std::to_string(i) + std::string(200'000, 'x') +
                         R"("},)");
    record.revision = *served_.store->Replace(key, record.revision, std::move(bytes));
    ASSERT_TRUE(served_.cache.WaitFor(record.revision, Duration(10'000)));
  }
  Seen seen;
  int events = 0;
  do {
    seen = Next(slow);
    ++events;
  } while (!seen.type.empty() && seen.type != "ERROR");
  EXPECT_EQ(seen.type, "ERROR");
  EXPECT_EQ(seen.object.At("code")->as_int(), 410);
  EXPECT_LT(events, 60);
}

class QuickBookmarks : public ServerWatch {
 protected:
  static ServerOptions Options() {
    ServerOptions options = TestOptions();
    options.limits.bookmark_interval = Duration(50);
    return options;
  }
  QuickBookmarks() : ServerWatch(Options()) {}
};

TEST_F(QuickBookmarks, MoveAQuietWatcherOnPastChangesOfOtherKinds) {
  Peer peer = Watch("&allowWatchBookmarks=true", "/apis/zoe/v1/applications");
  const std::string revision = Create("a");
  Seen seen;
  do {
    seen = Next(peer);
    ASSERT_EQ(seen.type, "BOOKMARK");
  } while (seen.object.StringAt("metadata.resourceVersion") != revision);
}

class ServerLogs : public ServerWatch {
 protected:
  // As the reconciler would: a Swarm service for a service of the execution.
  void Run(const std::string& name, const std::string& service, std::vector<std::string> command) {
    const auto object = codec::ParseJson(Call("GET", std::string(kExecutions) + "/" + name).body);
    SwarmServiceSpec spec;
    spec.name = name + "-" + service;
    spec.labels = {{"zoe.deployment", "zoe"},
                   {"zoe.uid", object->StringAt("metadata.uid")},
                   {"zoe.service", service}};
    spec.image = "zoe/mini";
    spec.command = std::move(command);
    spec.replicas = 1;
    const Context ctx{served_.clock};
    ASSERT_TRUE(served_.swarm->CreateServices(ctx, {&spec, 1}).front().ok());
  }
};

TEST_F(ServerLogs, FollowStreamsLinesUntilTheClientLeaves) {
  Create("a");
  Run("a", "web", {"echo", "hello"});
  Peer peer(served_.port());
  peer.Send("GET " + std::string(kExecutions) +
            "/a/log?follow=true HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const Answer head = peer.ReadHead();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-type"), "text/plain; charset=utf-8");
  EXPECT_NE(peer.ReadLine().find("hello"), std::string::npos);
  peer.Close();
  // Its thread must be free again, or the server could not stop at once.
  const auto begun = std::chrono::steady_clock::now();
  served_.server->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
}

TEST_F(ServerLogs, StopEndsAFollowedLog) {
  Create("a");
  Run("a", "web", {"echo", "hello"});
  Peer peer(served_.port());
  peer.Send("GET " + std::string(kExecutions) +
            "/a/log?follow HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_NE((peer.ReadHead(), peer.ReadLine()).find("hello"), std::string::npos);
  const auto begun = std::chrono::steady_clock::now();
  served_.server->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
  EXPECT_EQ(peer.ReadLine(), "");
}

TEST_F(ServerLogs, MissingServiceOrExecutionIsSaid) {
  EXPECT_EQ(Call("GET", std::string(kExecutions) + "/none/log").status, 404);
  Create("a");
  const Answer not_started = Call("GET", std::string(kExecutions) + "/a/log");
  EXPECT_EQ(not_started.status, 404);
  EXPECT_NE(not_started.body.find("has not been started"), std::string::npos);
  EXPECT_EQ(Call("GET", std::string(kExecutions) + "/a/log?service=other").status, 400);
  EXPECT_EQ(Call("GET", std::string(kExecutions) + "/a/log?tailLines=many").status, 400);
}

TEST_F(ServerLogs, ReplicaThatIsNotThereIsSaid) {
  Create("a");
  Run("a", "web", {"echo", "hello"});
  const std::string log = std::string(kExecutions) + "/a/log";
  EXPECT_EQ(Call("GET", log + "?replica=1").status, 200);
  const Answer seventh = Call("GET", log + "?replica=7");
  EXPECT_EQ(seventh.status, 404);
  EXPECT_NE(seventh.body.find("has no replica 7: it has 1"), std::string::npos) << seventh.body;
  EXPECT_EQ(Call("GET", log + "?replica=0").status, 400);
  EXPECT_EQ(Call("GET", log + "?replica=first").status, 400);
}

TEST_F(ServerLogs, ServiceMayBeLeftOutWhereItIsClear) {
  const auto create = [&](const std::string& name, const std::string& services) {
    EXPECT_EQ(Call("POST", kExecutions,
                   R"({"kind":"Execution","metadata":{"name":")" + name +
                       R"("},"spec":{"application":{"services":[)" + services + "]}}}")
                  .status,
              201);
  };
  create("two", R"({"name":"x","image":"i"},{"name":"y","image":"i"})");
  const Answer which = Call("GET", std::string(kExecutions) + "/two/log");
  EXPECT_EQ(which.status, 400);
  EXPECT_NE(which.body.find("x, y"), std::string::npos);
  create("job", R"({"name":"x","image":"i"},{"name":"client","image":"i","monitor":true})");
  EXPECT_EQ(Call("GET", std::string(kExecutions) + "/job/log").status, 404);
}

}  // namespace
}  // namespace zoe
