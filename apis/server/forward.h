// What a proxied request and its answer say to the other side: pure functions over header fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apis/server/exchange.h"

namespace zoe::server {

using Fields = std::vector<std::pair<std::string, std::string>>;

// A program behind the proxy.
struct ProxyTarget {
  std::string host;  // SERVICE.EXECUTION, as its network resolves it
  uint16_t port = 0;
  std::string ns;
  std::string prefix;  // v1::ProxyPath
  bool strip = true;   // the program does not know of the prefix
};

enum class BodyKind { kNone, kLength, kChunked };

struct ForwardedRequest {
  std::string head;
  BodyKind body = BodyKind::kNone;
  bool upgrade = false;  // another protocol is asked for
};

// The request as the program gets it: end-to-end fields only, without what logged in here (see
// User::proof, and the cookies and X-CSRF-Token that are ours), with X-Forwarded-*. One connection
// serves one request. `tls`: the client speaks TLS with us.
ForwardedRequest Forward(const Exchange& exchange, const ProxyTarget& target, bool tls);

// The answer's fields as the client gets them: end-to-end only; Location and the cookies' Path
// within the proxy's prefix; nothing that would reach beyond it on our origin (our own cookies, a
// wider scope of service workers, Clear-Site-Data and the like). `host` is the request's Host.
Fields Backward(const Fields& fields, const ProxyTarget& target, std::string_view host);

// nullopt: the cookie is dropped.
std::optional<std::string> RewriteCookie(std::string_view cookie, const ProxyTarget& target);
std::string RewriteLocation(std::string_view location, const ProxyTarget& target,
                            std::string_view host);

}  // namespace zoe::server
