// Gateway: a user's way into the private network: SSH and SOCKS5. A namespace has at most one,
// named as the namespace. Field docs, defaults and bounds stand in gateway.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "specs/meta/meta.h"

namespace zoe::v1 {

// Holds a Gateway until its service and secrets have gone.
inline constexpr std::string_view kGatewayFinalizer = "zoe/gateway";
// The SOCKS5 account of programs: no DNS label, so that no user has this name.
inline constexpr std::string_view kGatewayAccount = "_gateway";

struct GatewayPorts {
  std::string mode = "host";   // host: of the node that it runs on | ingress: of every node
  int32_t ssh = 0, socks = 0;  // 0: Docker chooses
  bool operator==(const GatewayPorts&) const = default;
};

struct GatewaySpec {
  std::string image;  // empty: the controller's --gateway-image
  GatewayPorts ports;
  std::vector<std::string> ssh_keys;  // beside the User's
  bool shell = false;                 // true: SSH gives a shell in the gateway, not only forwarding
  std::vector<std::string> constraints;
  bool operator==(const GatewaySpec&) const = default;
};

struct GatewayStatus {
  int64_t observed_generation = 0;
  std::string node, address;  // where it runs now; empty while it doesn't
  int32_t ssh_port = 0, socks_port = 0;
  std::string user;                   // SSH account
  std::string host_key;               // "ssh-ed25519 AAAA...", as known_hosts has it
  std::string host_key_fingerprint;   // "SHA256:..."
  std::string ssh;                    // a ready command line
  std::string socks;                  // "socks5h://10.0.0.5:30123"
  std::vector<Condition> conditions;  // Ready
  bool operator==(const GatewayStatus&) const = default;
};

using Gateway = Object<GatewaySpec, GatewayStatus>;

}  // namespace zoe::v1
