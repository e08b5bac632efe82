// One proxied request: through the gateway to the program and back, both ways at once, on the
// connection's own loop. Internal to apis/server.
#pragma once

#include <functional>
#include <memory>

#include "apis/server/exchange.h"
#include "apis/server/forward.h"
#include "apis/server/socks.h"
#include "specs/meta/time.h"

namespace zoe::server {

struct RelayOptions {
  SocksServer gateway;
  ProxyTarget target;
  bool tls = false;                        // between the client and us
  Duration connect{5'000}, head{300'000};  // until the program is reached; begins to answer
  std::function<void(Response)> reply;     // an answer of our own: it could not be reached, say
  std::function<void(int)> count;          // the program's answer has begun, with this status
  std::shared_ptr<void> slot;              // held until the end
};

// On the loop's thread. Answers the exchange; ends when either side does.
void StartRelay(ExchangePtr exchange, RelayOptions options);

}  // namespace zoe::server
