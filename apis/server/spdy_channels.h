// Channels over SPDY/3.1: streams that the client opens become channels. Plain after a 101 as
// kubectl up to 1.29 upgrades, or within WebSocket messages as it does since. Internal to
// apis/server.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apis/server/channels.h"
#include "apis/server/exchange.h"
#include "apis/server/spdy.h"

namespace zoe::server {

// "Connection: Upgrade" and "Upgrade: SPDY/3.1" are there.
bool AsksForSpdy(const Request& request);
// The first of the client's protocols (fields X-Stream-Protocol-Version) that is among ours.
// kBadRequest: none is.
Expected<std::string> ChooseSpdyProtocol(const Request& request,
                                         const std::vector<std::string_view>& supported);
// Answers the exchange with 101. What comes and goes is one stream of bytes, channel 0, until End()
// or the client's end. The exchange's request must be of a route that streams its body. Any thread.
ChannelsPtr OpenSpdyTunnel(const ExchangePtr& exchange, std::string_view protocol);

// Called by who reads (Next, TryNext), or before anyone does. May call the channels.
struct SpdyStreams {
  size_t most = 8;  // streams at one time; more are refused
  // A new stream: the channel that it becomes; nullopt: it is refused. One stream to a channel at
  // a time.
  std::function<std::optional<int>(uint32_t stream, const spdy::Headers& headers)> open;
  // The client has reset the channel: it neither sends nor takes more there. May be empty.
  std::function<void(int channel)> reset;
};

// Frames on `link`, whose channel 0 is their bytes. What is sent in a channel that is not open is
// thrown away. End() ends every channel, then gives the client some seconds to close: its library
// throws away what it has not handled when the connection ends (moby/spdystream drains its queues).
ChannelsPtr OpenSpdyChannels(const ExchangePtr& exchange, ChannelsPtr link, SpdyStreams streams);

// The same for exec and attach, plain: `expected` are the channels of channels.h that the client
// has to open, by the header streamtype. `ready` is called, on the connection's thread, once they
// stand; never if they don't within half a minute: the connection is ended then.
void OpenSpdyExec(const ExchangePtr& exchange, std::string_view protocol, std::vector<int> expected,
                  std::function<void(ChannelsPtr)> ready);

}  // namespace zoe::server
