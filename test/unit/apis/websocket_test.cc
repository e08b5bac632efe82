// WebSockets without a connection: handshakes, frames in any cut, hostile ones.
#include "apis/server/websocket.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "apis/server/exec_session.h"

namespace zoe::server {
namespace {

constexpr int kText = 1, kBinary = 2, kContinuation = 0, kClose = 8, kPing = 9;

// A client's frame.
std::string Frame(int opcode, const std::string& payload, bool final = true) {
  std::string frame(1, static_cast<char>((final ? 0x80 : 0) | opcode));
  const size_t size = payload.size();
  const int extra = size > 0xffff ? 8 : (size > 125 ? 2 : 0);
  frame += static_cast<char>(0x80 | (extra == 8 ? 127 : (extra == 2 ? 126 : size)));
  for (int i = extra - 1; i >= 0; --i) frame += static_cast<char>(size >> (8 * i));
  const std::string mask = "\x12\x34\xab\xcd";
  frame += mask;
  for (size_t i = 0; i < size; ++i) frame += static_cast<char>(payload[i] ^ mask[i % 4]);
  return frame;
}

// "data:hello|ping:x|close:1000", or what the parser says is wrong.
std::string Understood(const std::string& bytes, size_t cut = std::string::npos) {
  WebSocketParser parser;
  std::vector<WebSocketEvent> events;
  bool sound = true;
  for (size_t at = 0; sound && at < bytes.size(); at += std::min(cut, bytes.size()))
    sound = parser.Feed(std::string_view(bytes).substr(at, cut), events);
  std::string text, message;
  for (const WebSocketEvent& event : events) {
    if (event.kind == WebSocketEvent::kData) {
      message = event.begins ? event.bytes : message + event.bytes;
      if (event.ends) text += "data:" + message + "|";
    } else if (event.kind == WebSocketEvent::kClose) {
      text += "close:" + std::to_string(event.code) + "|";
    } else {
      text += (event.kind == WebSocketEvent::kPing ? "ping:" : "pong:") + event.bytes + "|";
    }
  }
  return sound ? text : text + parser.error();
}

Request Handshake() {
  Request request;
  request.method = Method::kGet;
  // The example of RFC 6455, 1.3.
  request.fields = {{"Host", "server.example.com"},
                    {"upgrade", "WebSocket"},
                    {"Connection", "keep-alive, Upgrade"},
                    {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                    {"Sec-WebSocket-Protocol", "v5.channel.k8s.io, v4.channel.k8s.io"},
                    {"Sec-WebSocket-Version", "13"}};
  return request;
}

std::string FieldOf(const Response& response, std::string_view name) {
  for (const auto& [field, value] : response.headers) {
    if (field == name) return value;
  }
  return {};
}

TEST(WebSocketHandshake, AnswersAsTheStandardsExample) {
  const auto offer = ReadWebSocketOffer(Handshake());
  ASSERT_TRUE(offer.ok()) << offer.error().message;
  const Response head = AcceptWebSocket(*offer, "v4.channel.k8s.io");
  EXPECT_EQ(head.status, 101);
  EXPECT_TRUE(head.upgrade);
  EXPECT_EQ(FieldOf(head, "Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(FieldOf(head, "Sec-WebSocket-Protocol"), "v4.channel.k8s.io");
}

TEST(WebSocketHandshake, TakesTheFirstOfTheClientsProtocolsThatIsOurs) {
  const auto offer = ReadWebSocketOffer(Handshake());
  ASSERT_TRUE(offer.ok());
  EXPECT_EQ(ChooseProtocol(*offer, {"v4.channel.k8s.io", "v5.channel.k8s.io"}),
            "v5.channel.k8s.io");
  EXPECT_EQ(ChooseProtocol(*offer, {"v4.channel.k8s.io"}), "v4.channel.k8s.io");
  EXPECT_EQ(ChooseProtocol(*offer, {"other"}), "");
}

TEST(WebSocketHandshake, RefusesWhatIsNone) {
  const auto with = [](std::string_view name, const std::string& value) {
    Request request = Handshake();
    for (auto& [field, text] : request.fields) {
      if (field == name) text = value;
    }
    return ReadWebSocketOffer(request).ok();
  };
  EXPECT_TRUE(with("Host", "other"));
  EXPECT_FALSE(with("upgrade", "h2c"));
  EXPECT_FALSE(with("Connection", "keep-alive"));
  EXPECT_FALSE(with("Sec-WebSocket-Version", "8"));
  EXPECT_FALSE(with("Sec-WebSocket-Key", ""));
  EXPECT_FALSE(with("Sec-WebSocket-Key", "short"));
  EXPECT_FALSE(with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=!"));
  Request post = Handshake();
  post.method = Method::kPost;
  EXPECT_FALSE(ReadWebSocketOffer(post).ok());
}

TEST(WebSocketToken, BecomesAuthorizationAndNoProtocol) {
  Request request = Handshake();
  request.fields[4].second =
      "base64url.bearer.authorization.k8s.io.em9lX2FsaWNlXz8-, v4.channel.k8s.io";
  ASSERT_TRUE(TakeWebSocketToken(request).ok());
  EXPECT_EQ(request.authorization, "Bearer zoe_alice_?>");
  const auto offer = ReadWebSocketOffer(request);
  ASSERT_TRUE(offer.ok());
  EXPECT_EQ(offer->protocols, std::vector<std::string>{"v4.channel.k8s.io"});
}

TEST(WebSocketToken, IsNeitherMalformedNorAloneNorOneOfTwo) {
  const std::string prefix = "base64url.bearer.authorization.k8s.io.";
  for (const std::string& protocols :
       {prefix + ", v4.channel.k8s.io", prefix + "!!, v4.channel.k8s.io", prefix + "em9l",
        prefix + "em9l, " + prefix + "em9l, v4.channel.k8s.io",
        prefix + "DQo, v4.channel.k8s.io"}) {
    Request request = Handshake();
    request.fields[4].second = protocols;
    const auto taken = TakeWebSocketToken(request);
    ASSERT_FALSE(taken.ok()) << protocols;
    EXPECT_EQ(taken.error().code, Code::kUnauthorized);
    EXPECT_EQ(taken.error().message.find("em9l"), std::string::npos);
    EXPECT_EQ(request.authorization, "");
  }
  Request none = Handshake();
  EXPECT_TRUE(TakeWebSocketToken(none).ok());
  EXPECT_EQ(none.authorization, "");
}

TEST(WebSocketParser, UnderstandsTheSameInEveryCut) {
  const std::string bytes = Frame(kText, "hel", false) + Frame(kPing, "are you there") +
                            Frame(kContinuation, "", false) + Frame(kContinuation, "lo") +
                            Frame(kBinary, "") + Frame(kBinary, std::string(300, 'x')) +
                            Frame(kBinary, std::string(70'000, 'y')) +
                            Frame(kClose,
                                  "\x03\xe8"
                                  "bye") +
                            "what follows a close is nothing";
  const std::string expected = "ping:are you there|data:hello|data:|data:" + std::string(300, 'x') +
                               "|data:" + std::string(70'000, 'y') + "|close:1000|";
  for (const size_t cut : {size_t{1}, size_t{2}, size_t{7}, size_t{4096}, std::string::npos})
    EXPECT_EQ(Understood(bytes, cut), expected) << cut;
}

TEST(WebSocketParser, GivesALongMessageInPiecesAsItComes) {
  WebSocketParser parser;
  std::vector<WebSocketEvent> events;
  const std::string frame = Frame(kBinary, std::string(100'000, 'z'));
  ASSERT_TRUE(parser.Feed(std::string_view(frame).substr(0, 20), events));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_TRUE(events[0].begins);
  EXPECT_FALSE(events[0].ends);
  EXPECT_EQ(events[0].bytes, "zzzzzz");
}

TEST(WebSocketParser, EndsAtWhatTheStandardForbids) {
  std::string unmasked = Frame(kBinary, "x");
  unmasked[1] = static_cast<char>(unmasked[1] & 0x7f);
  std::string reserved = Frame(kBinary, "x");
  reserved[0] = static_cast<char>(reserved[0] | 0x40);
  const std::string mask(4, '\0');
  const struct {
    std::string bytes, error;
  } rows[] = {
      {unmasked, "a frame is not masked"},
      {reserved, "a reserved bit is set"},
      {Frame(3, "x"), "an opcode is not known"},
      {Frame(11, "x"), "an opcode is not known"},
      {Frame(kContinuation, "x"), "a message goes on that has not begun"},
      {Frame(kText, "x", false) + Frame(kText, "y"), "a message begins within another"},
      {Frame(kPing, "x", false), "a control frame is too long or in fragments"},
      {Frame(kPing, std::string(126, 'x')), "a control frame is too long or in fragments"},
      {std::string("\x82\xfe\x00\x7d", 4) + mask, "a length is not in its shortest form"},
      {std::string("\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff", 10) + mask,
       "a length is not in its shortest form"},
      {std::string("\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00", 10) + mask,
       "a length is not in its shortest form"},
      {Frame(kClose, "x"), "a close has no valid code"},
      {Frame(kClose, std::string("\x03\xed", 2)), "a close has no valid code"},
      {Frame(kClose, std::string("\x00\x00", 2)), "a close has no valid code"},
  };
  for (const auto& row : rows) {
    const std::string understood = Understood(row.bytes);
    EXPECT_TRUE(understood.ends_with(row.error)) << understood << " instead of " << row.error;
    EXPECT_EQ(Understood(row.bytes, 1), understood);
  }
  EXPECT_EQ(Understood(Frame(kClose, "")), "close:1000|");
}

TEST(WebSocketFrames, HaveTheShortestLength) {
  EXPECT_EQ(WebSocketHead(WebSocketOpcode::kBinary, 125), "\x82\x7d");
  EXPECT_EQ(WebSocketHead(WebSocketOpcode::kBinary, 126), std::string("\x82\x7e\x00\x7e", 4));
  EXPECT_EQ(WebSocketHead(WebSocketOpcode::kBinary, 65536),
            std::string("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10));
  EXPECT_EQ(WebSocketCloseFrame(WebSocketClose::kProtocolError, "no"), "\x88\x04\x03\xeano");
  EXPECT_EQ(WebSocketCloseFrame(WebSocketClose::kNormal, std::string(500, 'x')).size(), 127u);
}

TEST(ExecSession, SaysHowACommandEnded) {
  EXPECT_EQ(ExitStatus(0), R"({"metadata":{},"status":"Success"})");
  EXPECT_EQ(ExitStatus(3),
            R"({"metadata":{},"status":"Failure","message":"command terminated with non-zero exit )"
            R"(code: exit status 3","reason":"NonZeroExitCode","details":{"causes":[{"reason":)"
            R"("ExitCode","message":"3"}]}})");
}

TEST(ExecSession, ReadsTheLastSaneSizeOfATerminal) {
  ResizeReader reader;
  EXPECT_FALSE(reader.Feed("{\"Wid").has_value());
  auto size = reader.Feed("th\":97,\"Height\":31}\n");
  ASSERT_TRUE(size.has_value());
  EXPECT_EQ(size->width, 97);
  EXPECT_EQ(size->height, 31);
  size = reader.Feed(R"({"Width":1,"Height":2}{"Width":3,"Height":4}{"Width":70000,"Height":4})");
  ASSERT_TRUE(size.has_value());
  EXPECT_EQ(size->width, 3);
  EXPECT_FALSE(reader.Feed(R"({"Width":-1,"Height":4}{"Width":"x"}}}]{)").has_value());
  EXPECT_FALSE(reader.Feed(std::string(100'000, '{')).has_value());
  EXPECT_FALSE(reader.Feed("}").has_value());
  EXPECT_TRUE(reader.Feed(R"({"Width":5,"Height":6})").has_value());
}

}  // namespace
}  // namespace zoe::server
