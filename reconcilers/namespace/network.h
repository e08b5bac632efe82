// The private network of a namespace: its name, its subnet, its making. Subnets are planned by us:
// Swarm's own choice knows only its own networks, gives every one a /24, and a full one leaves
// tasks in `new` without a word.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "controller/ports/swarm.h"
#include "specs/meta/subnet.h"
#include "specs/v1/user.h"

namespace zoe {

// "zoe-DEPLOYMENT-NAMESPACE", or with a hash where that is too long for Swarm (63).
std::string NetworkName(std::string_view deployment, std::string_view ns);

// The smallest subnet with room for `addresses` containers, one address for each of `nodes`, the
// gateway, and the first and last address, never smaller than /28.
int PrefixFor(int64_t addresses, int64_t nodes);

// The first subnet of that size in the pool (in its order) that overlaps none that is taken.
// kUnavailable, reason PoolExhausted.
Expected<Subnet> PlanSubnet(const std::vector<Subnet>& pool, int prefix,
                            const std::vector<Subnet>& taken);

struct NetworkOptions {
  std::string deployment = "zoe";
  std::vector<Subnet> pool;
  bool encrypted = false;  // every network, whatever its User says
};

// What a namespace needs of its network.
struct NetworkNeed {
  std::string ns;
  v1::UserNetwork network;  // the default for a namespace without a User
  bool has_user = false;    // its labels name User/NS as the owner, else Namespace/NS
  std::string preferred;    // the subnet that it had before, taken again if it is still free
};

// Thread-safe; makers in parallel never plan overlapping subnets.
class Networks {
 public:
  Networks(Swarm& swarm, NetworkOptions options);

  // The namespace's network, made if it isn't there. kAlreadyExists NetworkBusy: the name is not
  // free yet (a network that is being removed keeps it for some seconds), or a stranger has it;
  // kUnavailable PoolExhausted; kInvalid SubnetTaken: the User's fixed subnet overlaps another.
  Expected<SwarmNetwork> Ensure(const Context& ctx, const NetworkNeed& need);
  // The same without making one. kNotFound.
  Expected<SwarmNetwork> Find(const Context& ctx, const std::string& ns);

 private:
  Swarm& swarm_;
  const NetworkOptions options_;
  std::mutex mutex_;
  std::vector<Subnet> reserved_;  // planned, and not yet seen in the Swarm
};

}  // namespace zoe
