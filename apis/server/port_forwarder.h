// Connections of a client to the ports of one container, through its namespace's gateway. Internal
// to apis/server.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apis/server/channels.h"
#include "apis/server/exchange.h"
#include "apis/server/socks.h"
#include "apis/server/spdy.h"
#include "specs/meta/time.h"

namespace zoe::server {

struct PortForwardOptions {
  SocksServer gateway;
  std::string host;         // SERVICE-N.EXECUTION, as its network resolves it
  Duration connect{5'000};  // until a port is reached
  // A place for one more connection, held until its end; null: there is none. Any number of calls.
  std::function<std::shared_ptr<void>()> place;
  std::shared_ptr<void> slot;  // held until the client has gone
};

inline constexpr size_t kMaxForwards = 256;  // connections of one client at one time
inline constexpr size_t kMaxPorts = 64;      // of one WebSocket

// Each serves the channels on the connection's thread until the client goes, or says nothing and is
// told nothing for four hours. What goes wrong with a connection is said in its error channel; what
// the program ends in mid-air ends without words, since kubectl gives up altogether on any.

// SPDY: for each connection the client opens two streams, "error" and "data", that name its port
// and are held together by their header requestid.
void ForwardSpdyPorts(const ExchangePtr& exchange, ChannelsPtr link, PortForwardOptions options);

// v4.channel.k8s.io: channel 2i is the connection to ports[i], channel 2i+1 its errors; each begins
// with the port in two bytes, the lower first. It ends when all its connections have.
void ForwardPorts(const ExchangePtr& exchange, ChannelsPtr channels,
                  const std::vector<uint16_t>& ports, PortForwardOptions options);

}  // namespace zoe::server
