#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/cache/cache.h"
#include "controller/crypto/crypto.h"
#include "controller/ports/store.h"
#include "reconcilers/gateway/service_spec.h"
#include "reconcilers/namespace/network.h"
#include "specs/v1/user.h"

namespace zoe::gateway {

// What stands between a Gateway and its service.
enum class Mode { kOpen, kDisabled, kDeleting };

// The world, as far as one gateway is concerned.
struct Observed {
  Mode mode = Mode::kOpen;
  std::vector<SwarmService> services;  // labelled with its uid
  std::vector<SwarmTask> tasks;        // theirs, those of services that are being removed included
  std::vector<SwarmSecret> secrets;    // labelled with its uid
  // The rest only of an open one.
  std::string store_id;  // of the store that the gateway stands in
  std::vector<SwarmNode> nodes;
  std::optional<SwarmNetwork> network;  // with a subnet
  std::string network_problem;          // why there is none
  Access access;
  crypto::SshKey host_key;
};

// `user`: whose namespace it is; null: nobody's.
Mode ModeOf(const v1::Gateway& gateway, const v1::User* user);
// All but the credential.
Access AccessOf(const Cache& cache, const v1::Gateway& gateway, const v1::User* user);

struct Sources {
  Swarm& swarm;
  Store& store;
  const Cache& cache;
  Networks& networks;
};

// Makes what is made once: Credential NS/gateway, and the network of a namespace without a User.
// Errors are the Swarm's and the store's; kInvalid BadHostKey.
Expected<Observed> Observe(const Context& ctx, const Sources& sources, const v1::Gateway& gateway,
                           const Options& options);

}  // namespace zoe::gateway
