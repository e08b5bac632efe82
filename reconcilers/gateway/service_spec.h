// From a Gateway to the Swarm service that runs it and the secrets that configure it: pure. What
// the image makes of them stands in manifests/images/gateway.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controller/ports/swarm.h"
#include "specs/v1/credential.h"
#include "specs/v1/gateway.h"

namespace zoe::gateway {

// Inside the container.
inline constexpr int32_t kSshPort = 2222, kSocksPort = 1080;
// On the service: tells what was declared from what somebody changed by hand.
inline constexpr std::string_view kLabelDeclared = "zoe.declared";

struct Options {
  std::string deployment = "zoe";
  std::string image = "zoe/gateway:latest";  // where spec.image is empty
  std::string gelf_address = {};             // empty: the engines' default log driver
};

// Who may enter, and as what the gateway shows itself.
struct Access {
  std::string account;
  int64_t uid = 1000, gid = 1000;
  std::vector<std::string> ssh_keys;
  std::string password_crypt;     // of `account`; empty: it has no password, and no SOCKS5
  v1::CredentialSpec credential;  // the gateway's own
  bool operator==(const Access&) const = default;
};

// A file of the container. Its name holds a digest of its contents: a change makes another secret,
// for the contents of one can't be changed.
struct Secret {
  std::string file, name, data;
};
std::vector<Secret> SecretsOf(const v1::Gateway& gateway, const Access& access,
                              const Options& options);

// Of the service and its secrets.
Labels LabelsOf(const v1::Gateway& gateway, const Options& options);

// `network` has a subnet. The secrets' ids are left empty.
SwarmServiceSpec ToSwarmService(const v1::Gateway& gateway, const std::vector<Secret>& secrets,
                                const SwarmNetwork& network, const Options& options);

// The names of the differing fields, "image a:1 -> a:2, ports"; never what a secret holds.
std::string DescribeChange(const SwarmServiceSpec& from, const SwarmServiceSpec& to);

}  // namespace zoe::gateway
