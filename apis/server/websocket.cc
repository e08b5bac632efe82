#include "apis/server/websocket.h"

#include <openssl/sha.h>

#include <algorithm>
#include <utility>

#include "apis/server/status.h"
#include "controller/crypto/crypto.h"

namespace zoe::server {
namespace {

constexpr std::string_view kTokenPrefix = "base64url.bearer.authorization.k8s.io.";
constexpr size_t kMaxProtocols = 32;
constexpr uint8_t kContinuation = 0, kBinary = 2, kClose = 8, kPing = 9, kPong = 10;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool SameWord(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return Lower(x) == Lower(y); });
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Of all fields of this name, which are lists.
std::vector<std::string> ListOf(const Request& request, std::string_view name) {
  std::vector<std::string> items;
  for (const auto& [field, value] : request.fields) {
    if (!SameWord(field, name)) continue;
    for (std::string_view rest = value; !rest.empty();) {
      const size_t comma = std::min(rest.find(','), rest.size());
      const std::string_view item = Trim(rest.substr(0, comma));
      if (!item.empty()) items.emplace_back(item);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return items;
}

bool Lists(const Request& request, std::string_view name, std::string_view word) {
  return std::ranges::any_of(ListOf(request, name),
                             [&](const std::string& item) { return SameWord(item, word); });
}

std::string Accept(const std::string& key) {
  const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return crypto::EncodeBase64({reinterpret_cast<const char*>(digest), sizeof(digest)});
}

Error Bad(std::string message) { return MakeError(Code::kBadRequest, std::move(message)); }

bool IsCloseCode(uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

}  // namespace

bool AsksForWebSocket(const Request& request) {
  return Lists(request, "Connection", "upgrade") && Lists(request, "Upgrade", "websocket");
}

Expected<WebSocketOffer> ReadWebSocketOffer(const Request& request) {
  if (request.method != Method::kGet || !AsksForWebSocket(request))
    return Bad("a WebSocket begins with a GET with \"Connection: Upgrade, Upgrade: websocket\"");
  if (!Lists(request, "Sec-WebSocket-Version", "13"))
    return Bad("Sec-WebSocket-Version must be 13");
  const auto keys = ListOf(request, "Sec-WebSocket-Key");
  if (keys.size() != 1 || keys[0].size() != 24 || crypto::DecodeBase64(keys[0]).size() != 16)
    return Bad("Sec-WebSocket-Key must be 16 bytes in base64");
  WebSocketOffer offer{keys[0], ListOf(request, "Sec-WebSocket-Protocol")};
  if (offer.protocols.size() > kMaxProtocols) return Bad("Sec-WebSocket-Protocol names too many");
  return offer;
}

std::string ChooseProtocol(const WebSocketOffer& offer,
                           const std::vector<std::string_view>& supported) {
  for (const std::string& asked : offer.protocols) {
    if (std::ranges::find(supported, asked) != supported.end()) return asked;
  }
  return {};
}

Response AcceptWebSocket(const WebSocketOffer& offer, std::string_view protocol) {
  Response head;
  head.status = 101;
  head.upgrade = true;
  head.content_type = "";
  head.headers.emplace_back("Connection", "Upgrade");
  head.headers.emplace_back("Upgrade", "websocket");
  head.headers.emplace_back("Sec-WebSocket-Accept", Accept(offer.key));
  if (!protocol.empty()) head.headers.emplace_back("Sec-WebSocket-Protocol", std::string(protocol));
  return head;
}

Expected<void> TakeWebSocketToken(Request& request) {
  std::vector<std::string> protocols = ListOf(request, "Sec-WebSocket-Protocol");
  std::string encoded;
  const auto removed =
      std::remove_if(protocols.begin(), protocols.end(), [&](const std::string& protocol) {
        if (!protocol.starts_with(kTokenPrefix)) return false;
        // Two tokens are none.
        encoded = encoded.empty() ? protocol.substr(kTokenPrefix.size()) : "!";
        if (encoded.empty()) encoded.push_back('!');
        return true;
      });
  if (removed == protocols.end()) return {};
  protocols.erase(removed, protocols.end());
  std::erase_if(request.fields,
                [](const auto& field) { return SameWord(field.first, "Sec-WebSocket-Protocol"); });
  for (std::string& protocol : protocols)
    request.fields.emplace_back("Sec-WebSocket-Protocol", std::move(protocol));
  std::ranges::replace(encoded, '-', '+');
  std::ranges::replace(encoded, '_', '/');
  const std::string token = crypto::DecodeBase64(encoded);
  const bool printable = std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7f; });
  if (token.empty() || !printable || protocols.empty()) {
    return MakeError(Code::kUnauthorized,
                     "a token among the WebSocket protocols is one of base64url without padding, "
                     "beside another protocol");
  }
  if (request.authorization.empty()) request.authorization = "Bearer " + token;
  return {};
}

bool WebSocketParser::Fail(std::string error) {
  error_ = std::move(error);
  return false;
}

// Of a head that is complete.
bool WebSocketParser::TakeHead() {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(head_[i]); };
  if (byte(0) & 0x70) return Fail("a reserved bit is set");
  final_ = byte(0) & 0x80;
  opcode_ = byte(0) & 0x0f;
  const uint8_t code = byte(1) & 0x7f;
  const size_t extra = code == 127 ? 8 : (code == 126 ? 2 : 0);
  left_ = extra == 0 ? code : 0;
  for (size_t i = 0; i < extra; ++i) left_ = left_ << 8 | byte(2 + i);
  if ((extra == 2 && left_ < 126) || (extra == 8 && (left_ < 65536 || left_ >> 63)))
    return Fail("a length is not in its shortest form");
  for (size_t i = 0; i < 4; ++i) mask_[i] = byte(2 + extra + i);
  mask_at_ = 0;
  head_.clear();
  if (opcode_ >= kClose) {
    if (opcode_ > kPong) return Fail("an opcode is not known");
    if (!final_ || left_ > kMaxControl) return Fail("a control frame is too long or in fragments");
    control_.clear();
  } else {
    if (opcode_ > kBinary) return Fail("an opcode is not known");
    if ((opcode_ == kContinuation) != in_message_)
      return Fail(in_message_ ? "a message begins within another"
                              : "a message goes on that has not begun");
    at_begin_ = opcode_ != kContinuation;
    in_message_ = !final_;
  }
  in_frame_ = true;
  return true;
}

bool WebSocketParser::TakeControl(std::vector<WebSocketEvent>& events) {
  WebSocketEvent event;
  event.kind = opcode_ == kPing   ? WebSocketEvent::kPing
               : opcode_ == kPong ? WebSocketEvent::kPong
                                  : WebSocketEvent::kClose;
  event.bytes = std::exchange(control_, {});
  if (event.kind == WebSocketEvent::kClose) {
    event.code = static_cast<uint16_t>(WebSocketClose::kNormal);
    if (event.bytes.size() >= 2) {
      event.code = static_cast<uint16_t>(static_cast<uint8_t>(event.bytes[0]) << 8 |
                                         static_cast<uint8_t>(event.bytes[1]));
    }
    if (event.bytes.size() == 1 || !IsCloseCode(event.code))
      return Fail("a close has no valid code");
    closed_ = true;
  }
  events.push_back(std::move(event));
  return true;
}

bool WebSocketParser::Feed(std::string_view bytes, std::vector<WebSocketEvent>& events) {
  while (!closed_ && (!bytes.empty() || (in_frame_ && left_ == 0))) {
    if (!in_frame_) {
      head_ += bytes.front();
      bytes.remove_prefix(1);
      if (head_.size() < 2) continue;
      const auto second = static_cast<uint8_t>(head_[1]);
      if (!(second & 0x80)) return Fail("a frame is not masked");
      const size_t extra = (second & 0x7f) == 127 ? 8 : ((second & 0x7f) == 126 ? 2 : 0);
      if (head_.size() == 2 + extra + 4 && !TakeHead()) return false;
      continue;
    }
    const size_t n = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
    std::string piece(bytes.substr(0, n));
    for (char& c : piece) c = static_cast<char>(c ^ mask_[mask_at_++ & 3]);
    bytes.remove_prefix(n);
    left_ -= n;
    in_frame_ = left_ > 0;
    if (opcode_ >= kClose) {
      control_ += piece;
      if (!in_frame_ && !TakeControl(events)) return false;
    } else {
      events.push_back({.kind = WebSocketEvent::kData,
                        .bytes = std::move(piece),
                        .begins = std::exchange(at_begin_, false),
                        .ends = final_ && !in_frame_});
    }
  }
  return true;
}

std::string WebSocketHead(WebSocketOpcode opcode, uint64_t size) {
  std::string head(1, static_cast<char>(0x80 | static_cast<uint8_t>(opcode)));
  const int extra = size > 0xffff ? 8 : (size > 125 ? 2 : 0);
  head += static_cast<char>(extra == 8 ? 127 : (extra == 2 ? 126 : size));
  for (int i = extra - 1; i >= 0; --i) head += static_cast<char>(size >> (8 * i) & 0xff);
  return head;
}

std::string WebSocketCloseFrame(WebSocketClose code, std::string_view reason) {
  reason = reason.substr(0, WebSocketParser::kMaxControl - 2);
  std::string frame = WebSocketHead(WebSocketOpcode::kClose, 2 + reason.size());
  frame += static_cast<char>(static_cast<uint16_t>(code) >> 8);
  frame += static_cast<char>(static_cast<uint16_t>(code) & 0xff);
  frame += reason;
  return frame;
}

}  // namespace zoe::server
