// Bodies of any size through the client.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>

#include "apis/client/client.h"
#include "test/unit/cli/fake_api.h"

namespace zoe::client {
namespace {

using test::FakeApi;
using test::FakeReply;
using test::FakeRequest;

constexpr std::chrono::seconds kSilence{20};

std::unique_ptr<Client> Open(const std::string& server) {
  auto client = Client::Open({.server = server, .timeout = std::chrono::seconds(5)});
  EXPECT_TRUE(client.ok());
  return std::move(*client);
}

std::string Noise(size_t size) {
  std::string text(size, '\0');
  uint32_t state = 1;
  for (char& c : text) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return text;
}

// Gives `text` in uneven pieces.
Source From(const std::string& text) {
  return [&text, at = size_t{0}](char* buffer, size_t size) mutable -> Expected<size_t> {
    const size_t n = std::min({size, text.size() - at, size_t{40'001}});
    text.copy(buffer, n, at);
    at += n;
    return n;
  };
}

TEST(Transfer, UploadsWhatHasALengthAndWhatHasNone) {
  FakeApi api;
  api.intercept = [](const FakeRequest&) -> std::optional<FakeReply> {
    return FakeReply{.status = 201, .body = ""};
  };
  const auto client = Open(api.url());
  const std::string text = Noise(3'000'000);
  const auto put = client->Upload("/f", {{"a", "b"}}, {}, kSilence, text.size(), From(text));
  ASSERT_TRUE(put.ok()) << put.error().message;
  EXPECT_TRUE(put->is_null());
  ASSERT_TRUE(client->Upload("/f", {}, {}, kSilence, {}, From(text)).ok());
  ASSERT_TRUE(client->Upload("/f", {}, {}, kSilence, 0, From("")).ok());
  const auto requests = api.requests();
  EXPECT_EQ(requests[0].method, "PUT");
  EXPECT_EQ(requests[0].headers.at("content-length"), "3000000");
  EXPECT_EQ(requests[0].query.at("a"), "b");
  EXPECT_TRUE(requests[0].body == text);
  EXPECT_EQ(requests[1].headers.at("transfer-encoding"), "chunked");
  EXPECT_TRUE(requests[1].body == text);
  EXPECT_EQ(requests[2].body, "");
}

TEST(Transfer, AnUploadThatBreaksOffIsNoWholeBody) {
  FakeApi api;
  const auto client = Open(api.url());
  const std::string text = Noise(300'000);
  const auto breaking = [&](char* buffer, size_t size) -> Expected<size_t> {
    static std::atomic<int> calls{0};
    if (++calls > 2) return MakeError(Code::kUnavailable, "the disk is gone");
    return From(text)(buffer, size);
  };
  const auto broken = client->Upload("/f", {}, {}, kSilence, {}, breaking);
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().message, "the disk is gone");
  EXPECT_FALSE(client->Upload("/f", {}, {}, kSilence, text.size() + 1, From(text)).ok())
      << "the source had less than it said";
  EXPECT_EQ(api.requests().size(), 0u) << "the server has seen a whole body";
}

TEST(Transfer, ARefusedUploadIsTheServersError) {
  FakeApi api;
  api.intercept = [](const FakeRequest&) -> std::optional<FakeReply> {
    return FakeReply{.status = 403, .body = test::StatusBody(403, "Forbidden", "not yours")};
  };
  const auto put = Open(api.url())->Upload("/f", {}, {}, kSilence, 3, From("abc"));
  ASSERT_FALSE(put.ok());
  EXPECT_EQ(put.error().code, Code::kForbidden);
  EXPECT_EQ(put.error().message, "not yours");
}

TEST(Transfer, DownloadsPieceByPieceAndTellsTheHead) {
  FakeApi api;
  const std::string text = Noise(3'000'000);
  api.intercept = [&](const FakeRequest&) -> std::optional<FakeReply> {
    return FakeReply{.body = text, .type = "application/octet-stream"};
  };
  const auto client = Open(api.url());
  std::string got;
  size_t largest = 0;
  const auto head =
      client->Download("/f", {}, {}, kSilence, [&](const Head& before, std::string_view bytes) {
        EXPECT_EQ(before.length, 3'000'000u);
        EXPECT_EQ(before.content_type, "application/octet-stream");
        largest = std::max(largest, bytes.size());
        got += bytes;
        return true;
      });
  ASSERT_TRUE(head.ok()) << head.error().message;
  EXPECT_TRUE(got == text);
  EXPECT_LE(largest, size_t{1} << 20);
}

TEST(Transfer, AHalfDownloadIsAnError) {
  FakeApi api;
  api.intercept = [](const FakeRequest&) -> std::optional<FakeReply> {
    return FakeReply{.body = "half", .claimed = 8};
  };
  std::string got;
  const auto head =
      Open(api.url())->Download("/f", {}, {}, kSilence, [&](const Head&, std::string_view bytes) {
        got += bytes;
        return true;
      });
  ASSERT_FALSE(head.ok());
  EXPECT_EQ(head.error().code, Code::kUnavailable);
}

TEST(Transfer, ADownloadEndsWhenTheCallbackHasEnough) {
  FakeApi api;
  const std::string text = Noise(30'000'000);
  api.intercept = [&](const FakeRequest&) -> std::optional<FakeReply> {
    return FakeReply{.body = text, .type = "application/octet-stream"};
  };
  size_t got = 0;
  const auto head =
      Open(api.url())->Download("/f", {}, {}, kSilence, [&](const Head&, std::string_view bytes) {
        got += bytes.size();
        return false;
      });
  ASSERT_TRUE(head.ok()) << head.error().message;
  EXPECT_EQ(head->length, text.size());
  EXPECT_LT(got, text.size() / 2);
}

TEST(Transfer, ARefusedDownloadIsTheServersErrorAndGivesNoBytes) {
  FakeApi api;
  api.intercept = [](const FakeRequest&) -> std::optional<FakeReply> {
    return FakeReply{.status = 404, .body = test::StatusBody(404, "NotFound", "not there")};
  };
  const auto head =
      Open(api.url())->Download("/f", {}, {}, kSilence, [](const Head&, std::string_view) {
        ADD_FAILURE();
        return true;
      });
  ASSERT_FALSE(head.ok());
  EXPECT_EQ(head.error().code, Code::kNotFound);
  EXPECT_EQ(head.error().message, "not there");
}

TEST(Transfer, ASilentServerEndsATransferAndAStopDoesAtOnce) {
  FakeApi api;  // A watch without events: silent for ever.
  const Query watch{{"watch", "1"}, {"resourceVersion", "100"}};
  const auto client = Open(api.url());
  const auto take = [](const Head&, std::string_view) { return true; };
  const auto silent =
      client->Download("/apis/zoe/v1/executions", watch, {}, std::chrono::milliseconds(200), take);
  ASSERT_FALSE(silent.ok());
  EXPECT_EQ(silent.error().code, Code::kUnavailable);
  std::stop_source stop;
  std::thread stopper([&] {
    EXPECT_TRUE(api.AwaitWatches(1));
    stop.request_stop();
  });
  const auto stopped = client->Download("/apis/zoe/v1/executions", watch, stop.get_token(),
                                        std::chrono::minutes(5), take);
  stopper.join();
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, Code::kCancelled);
}

TEST(Transfer, AnIPv6AddressIsReached) {
  FakeApi api(true);
  if (api.url().empty()) GTEST_SKIP() << "no IPv6 on this machine";
  EXPECT_NE(api.url().find("http://[::1]:"), std::string::npos);
  const auto client = Open(api.url());
  EXPECT_TRUE(client->List("/apis/zoe/v1/namespaces/default/executions").ok());
  EXPECT_EQ("http://" + api.requests()[0].headers.at("host"), api.url());
  EXPECT_TRUE(Fetch(api.url() + "/apis/zoe/v1/namespaces/default/executions", 10'000).ok());
}

}  // namespace
}  // namespace zoe::client
