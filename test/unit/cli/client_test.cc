#include "apis/client/client.h"

#include <gtest/gtest.h>

#include <thread>

#include "test/unit/cli/fake_api.h"

namespace zoe::client {
namespace {

using test::FakeApi;
using test::FakeReply;
using test::FakeRequest;

constexpr const char* kPath = "/apis/zoe/v1/namespaces/default/executions/x";
constexpr const char* kCollection = "/apis/zoe/v1/namespaces/default/executions";

codec::Value Named(const std::string& name) {
  return *codec::ParseJson(R"({"kind":"Execution","metadata":{"name":")" + name + R"("}})");
}

std::unique_ptr<Client> Open(const std::string& server) {
  auto client = Client::Open({.server = server, .timeout = std::chrono::seconds(5)});
  EXPECT_TRUE(client.ok());
  return std::move(*client);
}

TEST(Client, ReadsAndWritesObjects) {
  FakeApi api;
  const auto client = Open(api.url());
  ASSERT_TRUE(client->Create(kCollection, Named("x")).ok());
  EXPECT_EQ(client->Get(kPath)->StringAt("metadata.name"), "x");
  EXPECT_EQ(
      client->MergePatch(kPath, *codec::ParseJson(R"({"spec":{"a":"b"}})"))->StringAt("spec.a"),
      "b");
  EXPECT_EQ(client->List(kCollection)->Find("items")->as_array().size(), 1u);
  ASSERT_TRUE(client->Delete(kPath).ok());
  EXPECT_EQ(client->Get(kPath).error().code, Code::kNotFound);
  const auto requests = api.requests();
  EXPECT_EQ(requests[0].headers.at("content-type").substr(0, 16), "application/json");
  EXPECT_EQ(requests[2].headers.at("content-type").substr(0, 28), "application/merge-patch+json");
  for (const FakeRequest& request : requests) EXPECT_FALSE(request.headers.contains("expect"));
}

TEST(Client, ErrorsCarryWhatTheServerSaid) {
  FakeApi api;
  api.intercept = [](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.path == "/plain")
      return FakeReply{.status = 502, .body = "bad gateway\n", .type = "text/plain"};
    if (request.path == "/html")
      return FakeReply{.status = 200, .body = "<html>", .type = "text/html"};
    return FakeReply{
        .status = 422,
        .body = test::StatusBody(
            422, "Invalid", "is invalid",
            R"([{"reason":"FieldValueInvalid","message":"too big","field":"spec.priority"}])")};
  };
  const auto client = Open(api.url());
  const Error error = client->Create(kCollection, Named("x")).error();
  EXPECT_EQ(error.code, Code::kInvalid);
  ASSERT_EQ(error.causes.size(), 1u);
  EXPECT_EQ(error.causes[0].field, "spec.priority");
  EXPECT_EQ(error.causes[0].message, "too big");
  EXPECT_EQ(client->Get("/plain").error().message, "HTTP 502: bad gateway");
  EXPECT_EQ(client->Get("/html").error().code, Code::kInternal);
}

TEST(Client, SaysWhatToDoWhenNobodyListens) {
  std::string url;
  {
    FakeApi api;
    url = api.url();
  }
  const Error error = Open(url)->Get("/version").error();
  EXPECT_EQ(error.code, Code::kUnavailable);
  EXPECT_EQ(error.message,
            "can't reach " + url + ": is zoe-controller running? set --server or ZOE_SERVER");
  EXPECT_EQ(Open(url)->Create(kCollection, Named("x")).error().code, Code::kUnavailable)
      << "nothing was sent";
}

TEST(Client, ALostReadIsRepeatedALostWriteNever) {
  FakeApi api;
  std::atomic<int> gets{0}, posts{0};
  api.intercept = [&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.method == "GET" && ++gets == 1) return FakeReply{.drop = true};
    if (request.method == "POST") {
      ++posts;
      return FakeReply{.drop = true};
    }
    return FakeReply{.body = "{}"};
  };
  const auto client = Open(api.url());
  EXPECT_TRUE(client->Get("/version").ok());
  EXPECT_EQ(gets, 2);
  EXPECT_EQ(client->Create(kCollection, Named("x")).error().code, Code::kOutcomeUnknown);
  EXPECT_EQ(posts, 1);
}

TEST(Client, SendsItsCredentials) {
  FakeApi api;
  api.intercept = [](const FakeRequest&) -> std::optional<FakeReply> {
    return FakeReply{.body = "{}"};
  };
  ASSERT_TRUE((*Client::Open({.server = api.url(), .user = "alice", .password = "s:ecret"}))
                  ->Get("/version")
                  .ok());
  ASSERT_TRUE((*Client::Open({.server = api.url(), .token = "t0k", .user = "alice"}))
                  ->Get("/version")
                  .ok());
  EXPECT_EQ(api.requests()[0].headers.at("authorization"), "Basic YWxpY2U6czplY3JldA==");
  EXPECT_EQ(api.requests()[1].headers.at("authorization"), "Bearer t0k");
}

TEST(Client, TellsWhatTheServerWarnsOf) {
  FakeApi api;
  api.intercept = [](const FakeRequest&) -> std::optional<FakeReply> {
    return FakeReply{.body = "{}",
                     .headers =
                         "Warning: 299 - \"unknown field \\\"spec.x\\\"\" \"Sat, 01 Jan 2026\"\r\n"
                         "Warning: 199 - \"of a proxy\"\r\nWarning: 299 zoe \"a, b\"\r\n"};
  };
  std::vector<std::string> said;
  const auto client = *Client::Open(
      {.server = api.url(), .on_warning = [&](const std::string& text) { said.push_back(text); }});
  ASSERT_TRUE(client->Get("/version").ok());
  const std::vector<std::string> wanted{"unknown field \"spec.x\"", "a, b"};
  EXPECT_EQ(said, wanted);
  EXPECT_EQ(client->Apply("/x", Named("x"), {{"fieldManager", "zoe"}})->warnings, wanted);
  EXPECT_EQ(said.size(), 2u) << "an apply's are in its answer";
  EXPECT_EQ(api.requests()[1].headers.at("content-type"), "application/apply-patch+yaml");
}

TEST(Client, WritesNameTheirManager) {
  FakeApi api;
  const auto client = *Client::Open({.server = api.url(), .field_manager = "zoe-edit"});
  ASSERT_TRUE(client->Create(kCollection, Named("x")).ok());
  ASSERT_TRUE(
      client->MergePatch(std::string(kCollection) + "/x", Named("x"), {{"fieldManager", "me"}})
          .ok());
  EXPECT_EQ(api.requests()[0].query.at("fieldManager"), "zoe-edit");
  EXPECT_EQ(api.requests()[1].query.at("fieldManager"), "me");
}

TEST(Client, RefusesAddressesThatCannotBe) {
  EXPECT_EQ(Client::Open({.server = "ftp://x"}).error().code, Code::kInvalid);
  EXPECT_EQ(Client::Open({.server = "http://x", .token = "a\r\nX-Evil: 1"}).error().code,
            Code::kInvalid);
  EXPECT_EQ(Client::Open({.server = "https://x", .ca_file = "/nonexistent"}).error().code,
            Code::kInvalid);
  EXPECT_EQ((*Client::Open({.server = "localhost:4850/"}))->server(), "http://localhost:4850");
}

TEST(Client, PathsAndQueriesAreEscaped) {
  EXPECT_EQ(ResourcePath("/apis/zoe/v1", "a b", "executions", "x/../y"),
            "/apis/zoe/v1/namespaces/a%20b/executions/x%2F..%2Fy");
  FakeApi api;
  ASSERT_TRUE(Open(api.url())->List(kCollection, {{"labelSelector", "a in (b,c),d!=e&f"}}).ok());
  EXPECT_EQ(api.requests()[0].query.at("labelSelector"), "a in (b,c),d!=e&f");
}

TEST(Client, FollowsThePagesOfAList) {
  FakeApi api;
  api.intercept = [](const FakeRequest& request) -> std::optional<FakeReply> {
    const bool second = request.query.contains("continue");
    return FakeReply{
        .body =
            second
                ? R"({"kind":"ExecutionList","metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"b"}}]})"
                : R"({"kind":"ExecutionList","metadata":{"resourceVersion":"7","continue":"to/ken="},"items":[{"metadata":{"name":"a"}}]})"};
  };
  const auto list = Open(api.url())->List(kCollection);
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->Find("items")->as_array().size(), 2u);
  EXPECT_EQ(list->StringAt("metadata.resourceVersion"), "7");
  EXPECT_EQ(list->StringAt("metadata.continue"), "");
  EXPECT_EQ(api.requests()[1].query.at("continue"), "to/ken=");
}

TEST(Client, WatchesUntilTheCallbackHasEnough) {
  FakeApi api;
  api.Put(kPath, Named("x"));
  const auto client = Open(api.url());
  std::vector<std::string> types;
  const auto result = client->Watch(kCollection, {{"resourceVersion", "0"}}, {},
                                    std::chrono::minutes(1), [&](const WatchEvent& event) {
                                      types.push_back(event.type);
                                      if (types.size() == 1) api.Remove(kPath);
                                      return types.size() < 2;
                                    });
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(types, (std::vector<std::string>{"ADDED", "DELETED"}));
}

TEST(Client, AWatchFromBeforeTheHistoryHasExpired) {
  FakeApi api;
  api.Put(kPath, Named("x"));
  api.ForgetHistory();
  const auto result =
      Open(api.url())->Watch(kCollection, {{"resourceVersion", "1"}}, {}, std::chrono::minutes(1),
                             [](const WatchEvent&) { return true; });
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::kExpired);
}

TEST(Client, AStopEndsASilentWatchAtOnce) {
  FakeApi api;
  const auto client = Open(api.url());
  std::stop_source stop;
  std::thread stopper([&] {
    EXPECT_TRUE(api.AwaitWatches(1));
    stop.request_stop();
  });
  const auto start = std::chrono::steady_clock::now();
  const auto result =
      client->Watch(kCollection, {{"resourceVersion", "100"}}, stop.get_token(),
                    std::chrono::minutes(5), [](const WatchEvent&) { return true; });
  stopper.join();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::kCancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(Client, ASilentStreamCountsAsLost) {
  FakeApi api;
  const auto result = Open(api.url())->Watch(kCollection, {{"resourceVersion", "100"}}, {},
                                             std::chrono::milliseconds(300),
                                             [](const WatchEvent&) { return true; });
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::kUnavailable);
}

TEST(Client, ARefusedStreamIsTheServersError) {
  FakeApi api;
  api.intercept = [](const FakeRequest&) -> std::optional<FakeReply> {
    return FakeReply{.status = 404, .body = test::StatusBody(404, "NotFound", "no such thing")};
  };
  const auto result =
      Open(api.url())->Stream(std::string(kPath) + "/log", {}, {}, std::chrono::seconds(5),
                              [](std::string_view) { return true; });
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message, "no such thing");
}

TEST(Fetch, TakesADocumentFromAUrlUpToALimit) {
  FakeApi api;
  api.intercept = [](const FakeRequest&) -> std::optional<FakeReply> {
    return FakeReply{.body = std::string(2000, 'x'), .type = "text/yaml"};
  };
  EXPECT_EQ(Fetch(api.url() + "/a.yaml?b=c", 5000)->size(), 2000u);
  EXPECT_EQ(Fetch(api.url() + "/a.yaml", 1000).error().code, Code::kTooLarge);
  EXPECT_FALSE(Fetch("http://%%%", 1000).ok());
}

}  // namespace
}  // namespace zoe::client
