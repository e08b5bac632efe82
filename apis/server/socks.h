// The way through a gateway: SOCKS5 (RFC 1928) with user name and password (RFC 1929).
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "specs/meta/expected.h"

namespace zoe::server {

struct SocksServer {
  std::string host;  // address or name
  uint16_t port = 0;
  std::string user, password;
};

// The reason of errors that concern what lies behind the gateway; others concern the gateway itself
// and have kUnavailable.
inline constexpr std::string_view kBadGateway = "BadGateway";

// Connects `socket` to host:port, whose name the gateway resolves. `done` is called once, on the
// socket's loop, never before this returns. Without a time limit: closing the socket ends it. The
// socket lives until then.
void SocksConnect(boost::asio::ip::tcp::socket& socket, const SocksServer& server,
                  const std::string& host, uint16_t port, std::function<void(Expected<void>)> done);

}  // namespace zoe::server
