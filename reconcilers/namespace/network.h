// The private network of a namespace: its name, its subnet, its making. Subnets are planned by us:
// Swarm's own choice knows only its own networks, gives every one a /24, and a full one leaves
// tasks in `new` without a word.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
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
  bool encrypted = false;                      // every network, whatever its User says
  std::function<std::string()> store_id = {};  // kLabelStore of new networks; may be empty
};

// What a namespace needs of its network.
struct NetworkNeed {
  std::string ns;
  v1::UserNetwork network;  // the default for a namespace without a User
  bool has_user = false;    // its labels name User/NS as the owner, else Namespace/NS
  std::string preferred;    // the subnet that it had before, taken again if it is still free
};

// Thread-safe; makers in parallel never plan overlapping subnets. No lock is held over I/O.
class Networks {
 public:
  // `swarm` outlives it. One per process: what makes its makers safe from each other is its memory.
  Networks(Swarm& swarm, NetworkOptions options);

  // The namespace's network, made if it isn't there; one that is there is taken as it is, whatever
  // its subnet. One that was just made isn't `allocated` yet, as far as is known. kAlreadyExists
  // NetworkBusy: the name is not free yet (a network that is being removed keeps it for some
  // seconds), or a stranger has it; kUnavailable PoolExhausted; kInvalid SubnetTaken: the User's
  // fixed subnet overlaps another. Else the Swarm's errors.
  Expected<SwarmNetwork> Ensure(const Context& ctx, const NetworkNeed& need);
  // The same without making one. kNotFound.
  Expected<SwarmNetwork> Find(const Context& ctx, const std::string& ns);

  const NetworkOptions& options() const { return options_; }

 private:
  class Planning;
  // A namespace's subnet that was planned. It counts as taken until its network is known to have
  // addresses (Swarm lists no subnet before) and everybody who may have listed the subnets before
  // that has planned; or until a creation whose reply was lost can't happen any more.
  struct Reservation {
    Subnet subnet;
    SteadyTime until;
    bool seen = false;
  };

  Expected<std::optional<SwarmNetwork>> Look(const Context& ctx, const std::string& ns);
  Expected<SwarmNetwork> Make(const Context& ctx, const NetworkNeed& need);
  Expected<Subnet> Reserve(const NetworkNeed& need, int prefix, std::vector<Subnet> taken,
                           SteadyTime now);
  Expected<Subnet> Choose(const NetworkNeed& need, int prefix, const std::vector<Subnet>& taken,
                          const Reservation* own) const;
  void Seen(const std::string& ns);

  Swarm& swarm_;
  const NetworkOptions options_;
  std::mutex mutex_;
  int planning_ = 0;                             // passes between their listing and their creation
  std::map<std::string, Reservation> reserved_;  // by namespace
};

}  // namespace zoe
