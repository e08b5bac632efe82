// WebSockets (RFC 6455), the server's side: handshake and frames, and channels over them. Internal
// to apis/server.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apis/server/channels.h"
#include "apis/server/exchange.h"

namespace zoe::server {

// ---- handshake

// "Connection: Upgrade" and "Upgrade: websocket" are there.
bool AsksForWebSocket(const Request& request);

struct WebSocketOffer {
  std::string key;
  std::vector<std::string> protocols;  // as asked for, the client's favourite first
};
// kBadRequest: no WebSocket handshake of version 13.
Expected<WebSocketOffer> ReadWebSocketOffer(const Request& request);
// The first of the client's protocols that is among ours; "" if none is.
std::string ChooseProtocol(const WebSocketOffer& offer,
                           const std::vector<std::string_view>& supported);
// The head that takes the offer, for Exchange::Stream.
Response AcceptWebSocket(const WebSocketOffer& offer, std::string_view protocol);

// A bearer token among the protocols ("base64url.bearer.authorization.k8s.io.TOKEN"), for clients
// that can't set header fields, becomes the field Authorization and is no protocol any more.
// kUnauthorized: it is no base64url, is the only protocol, or there are two.
Expected<void> TakeWebSocketToken(Request& request);

// ---- frames, without I/O

enum class WebSocketClose : uint16_t {
  kNormal = 1000,
  kGoingAway = 1001,
  kProtocolError = 1002,
  kTooLarge = 1009,
  kInternal = 1011,
};

// What a client's bytes mean.
struct WebSocketEvent {
  enum Kind {
    kData,  // a piece of a message, text or binary
    kPing,  // answer with a pong of `bytes`
    kPong,
    kClose,  // answer with a close of `code`; nothing comes after it
  } kind = kData;
  std::string bytes;
  bool begins = false, ends = false;  // kData: the first, the last piece of its message
  uint16_t code = 0;                  // kClose: as the client said, 1000 if it said none
};

// Takes any bytes in any cut; holds no message, only what has come. Not thread-safe.
class WebSocketParser {
 public:
  static constexpr size_t kMaxControl = 125;

  // Appends what `bytes` mean to `events`. False: the client breaks the protocol, see error(); call
  // no more. What came before the fault is in `events`.
  bool Feed(std::string_view bytes, std::vector<WebSocketEvent>& events);

  WebSocketClose close_code() const { return close_code_; }
  const std::string& error() const { return error_; }
  // A close has been read: whatever follows is ignored.
  bool closed() const { return closed_; }

 private:
  bool TakeHead();
  bool TakeControl(std::vector<WebSocketEvent>& events);
  bool Fail(std::string error);

  std::string head_;     // of a frame, not complete yet
  std::string control_;  // payload of a control frame
  bool in_frame_ = false;
  uint64_t left_ = 0;  // payload of the frame that has not come
  uint8_t opcode_ = 0, mask_[4] = {};
  size_t mask_at_ = 0;
  bool final_ = false, in_message_ = false, at_begin_ = false, closed_ = false;
  WebSocketClose close_code_ = WebSocketClose::kProtocolError;
  std::string error_;
};

enum class WebSocketOpcode : uint8_t { kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };
// The head of an unmasked, unfragmented frame.
std::string WebSocketHead(WebSocketOpcode opcode, uint64_t size);
std::string WebSocketCloseFrame(WebSocketClose code, std::string_view reason);

// ---- channels

struct WebSocketChannelsOptions {
  std::string protocol;  // that was chosen: the handshake's answer
  // How a message says its channel: by its first byte; not at all, then there is only channel 0, a
  // stream of bytes (tunnels).
  bool numbered = true;
  // A message on channel 255 closes the channel that its next byte names (v5.channel.k8s.io).
  bool closes_channels = false;
};

// Answers the exchange with 101 and serves it until End() or the client's end. The exchange's
// request must be of a route that streams its body. Any thread.
ChannelsPtr OpenWebSocketChannels(const ExchangePtr& exchange, const WebSocketOffer& offer,
                                  WebSocketChannelsOptions options);

}  // namespace zoe::server
