#include "reconcilers/namespace/network.h"

#include <algorithm>

#include "reconcilers/namespace/naming.h"

namespace zoe {
namespace {

// Below it there is hardly room for a gateway and a container on each of a few nodes.
constexpr int kSmallest = 28;
// Longer than any pass, and than any creation can take to be done after its reply was lost.
constexpr Duration kRemembered = std::chrono::minutes(2);

Error Busy(const std::string& name, const std::string& why) {
  return MakeError(Code::kAlreadyExists, "NetworkBusy", "network " + name + ": " + why);
}

const Subnet* FirstOverlapping(const Subnet& subnet, const std::vector<Subnet>& taken) {
  const auto it =
      std::ranges::find_if(taken, [&](const Subnet& other) { return subnet.Overlaps(other); });
  return it == taken.end() ? nullptr : &*it;
}

bool Contains(const Subnet& outer, const Subnet& inner) {
  return outer.first() <= inner.first() && inner.last() <= outer.last();
}

std::vector<Subnet> Parse(const std::vector<std::string>& texts) {
  std::vector<Subnet> subnets;
  for (const std::string& text : texts) {
    if (const auto subnet = ParseSubnet(text)) subnets.push_back(*subnet);
  }
  return subnets;
}

}  // namespace

std::string NetworkName(std::string_view deployment, std::string_view ns) {
  const std::string name = "zoe-" + std::string(deployment) + "-" + std::string(ns);
  if (name.size() <= kMaxSwarmName) return name;
  const std::string hash = Fingerprint().Add(deployment).Add(ns).Hex(12);
  return Shorten(name, kMaxSwarmName - hash.size() - 1) + "-" + hash;
}

int PrefixFor(int64_t addresses, int64_t nodes) {
  constexpr int64_t kMost = int64_t{1} << 32;
  const int64_t needed = std::clamp<int64_t>(addresses, 0, kMost) +
                         std::clamp<int64_t>(nodes, 0, kMost) + 3;  // first, last, gateway
  int prefix = kSmallest;
  while (prefix > 0 && static_cast<int64_t>(Subnet{0, prefix}.size()) < needed) --prefix;
  return prefix;
}

Expected<Subnet> PlanSubnet(const std::vector<Subnet>& pool, int prefix,
                            const std::vector<Subnet>& taken) {
  std::vector<Subnet> sorted = taken;
  std::ranges::sort(sorted, {}, &Subnet::first);
  const uint64_t size = Subnet{0, prefix}.size();
  std::string text;
  for (const Subnet& range : pool) {
    text += (text.empty() ? "" : ",") + range.ToString();
    uint64_t candidate = (range.first() + size - 1) / size * size;
    for (const Subnet& other : sorted) {
      if (other.last() < candidate) continue;
      if (other.first() > candidate + size - 1) break;
      candidate = (other.last() + size) / size * size;
    }
    if (candidate + size - 1 <= range.last())
      return Subnet{static_cast<uint32_t>(candidate), prefix};
  }
  return MakeError(Code::kUnavailable, "PoolExhausted",
                   "no /" + std::to_string(prefix) + " is free in the network pool " + text +
                       ": widen --network-pool, or remove what is not needed");
}

// From before the subnets in use are listed until the network that was planned stands.
class Networks::Planning {
 public:
  explicit Planning(Networks& networks) : networks_(networks) {
    const std::lock_guard lock(networks_.mutex_);
    ++networks_.planning_;
  }
  ~Planning() {
    const std::lock_guard lock(networks_.mutex_);
    if (--networks_.planning_ > 0) return;
    std::erase_if(networks_.reserved_, [](const auto& entry) { return entry.second.seen; });
  }
  Planning(const Planning&) = delete;
  Planning& operator=(const Planning&) = delete;

 private:
  Networks& networks_;
};

Networks::Networks(Swarm& swarm, NetworkOptions options)
    : swarm_(swarm), options_(std::move(options)) {}

Expected<SwarmNetwork> Networks::Ensure(const Context& ctx, const NetworkNeed& need) {
  ZOE_ASSIGN(std::optional<SwarmNetwork> found, Look(ctx, need.ns));
  if (found) return *std::move(found);
  auto made = Make(ctx, need);
  if (made.ok() || made.error().code != Code::kAlreadyExists) return made;
  // Another maker's, or our own whose reply was lost.
  ZOE_ASSIGN(found, Look(ctx, need.ns));
  if (found) return *std::move(found);
  return Busy(NetworkName(options_.deployment, need.ns),
              "the Swarm has a network of this name that is being removed or is not ours");
}

Expected<SwarmNetwork> Networks::Find(const Context& ctx, const std::string& ns) {
  ZOE_ASSIGN(std::optional<SwarmNetwork> found, Look(ctx, ns));
  if (found) return *std::move(found);
  return MakeError(Code::kNotFound,
                   "the Swarm has no network " + NetworkName(options_.deployment, ns));
}

Expected<std::optional<SwarmNetwork>> Networks::Look(const Context& ctx, const std::string& ns) {
  ZOE_ASSIGN(std::vector<SwarmNetwork> networks, swarm_.ListNetworks(ctx));
  const std::string name = NetworkName(options_.deployment, ns);
  for (SwarmNetwork& network : networks) {
    if (network.spec.name != name) continue;
    const Labels& labels = network.spec.labels;
    if (LabelOf(labels, kLabelDeployment) != options_.deployment ||
        LabelOf(labels, kLabelNamespace) != ns) {
      return Busy(name, "the Swarm has a network of this name that belongs to deployment \"" +
                            LabelOf(labels, kLabelDeployment) + "\", namespace \"" +
                            LabelOf(labels, kLabelNamespace) + "\"");
    }
    if (network.allocated) Seen(ns);
    return std::optional(std::move(network));
  }
  return std::optional<SwarmNetwork>();
}

Expected<SwarmNetwork> Networks::Make(const Context& ctx, const NetworkNeed& need) {
  ZOE_ASSIGN(const std::vector<SwarmNode> nodes, swarm_.ListNodes(ctx));
  const int prefix = PrefixFor(need.network.addresses, static_cast<int64_t>(nodes.size()));
  const Planning planning(*this);
  ZOE_ASSIGN(const std::vector<std::string> in_use, swarm_.ListSubnets(ctx));
  ZOE_ASSIGN(const Subnet subnet, Reserve(need, prefix, Parse(in_use), ctx.clock.Now()));
  SwarmNetworkSpec spec;
  spec.name = NetworkName(options_.deployment, need.ns);
  spec.labels = {{std::string(kLabelDeployment), options_.deployment},
                 {std::string(kLabelNamespace), need.ns},
                 {std::string(kLabelKind), need.has_user ? "User" : "Namespace"},
                 {std::string(kLabelName), need.ns}};
  const std::string store_id = options_.store_id ? options_.store_id() : "";
  if (!store_id.empty()) spec.labels[std::string(kLabelStore)] = store_id;
  spec.subnet = subnet.ToString();
  spec.encrypted = options_.encrypted || need.network.encrypted;
  ZOE_ASSIGN(std::string id, swarm_.CreateNetwork(ctx, spec));
  return SwarmNetwork{.id = std::move(id), .spec = std::move(spec), .allocated = false};
}

Expected<Subnet> Networks::Reserve(const NetworkNeed& need, int prefix, std::vector<Subnet> taken,
                                   SteadyTime now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(reserved_, [&](const auto& entry) { return entry.second.until <= now; });
  const Reservation* own = nullptr;
  for (const auto& [ns, reservation] : reserved_) {
    if (ns == need.ns)
      own = &reservation;
    else
      taken.push_back(reservation.subnet);
  }
  ZOE_ASSIGN(const Subnet chosen, Choose(need, prefix, taken, own));
  // Of several makers of one network only one succeeds, for they make it under one name.
  reserved_[need.ns] = {chosen, now + kRemembered};
  return chosen;
}

Expected<Subnet> Networks::Choose(const NetworkNeed& need, int prefix,
                                  const std::vector<Subnet>& taken, const Reservation* own) const {
  const auto is_free = [&](const Subnet& subnet) {
    return FirstOverlapping(subnet, taken) == nullptr;
  };
  if (!need.network.subnet.empty()) {
    const auto fixed = ParseSubnet(need.network.subnet);
    if (!fixed) {
      return MakeError(Code::kInvalid, "InvalidSubnet",
                       "spec.network.subnet: " + need.network.subnet + " is no subnet");
    }
    const Subnet* other = FirstOverlapping(*fixed, taken);
    if (other == nullptr) return *fixed;
    return MakeError(Code::kInvalid, "SubnetTaken",
                     "spec.network.subnet: " + fixed->ToString() + " overlaps " +
                         other->ToString() + ", which is in use");
  }
  // Somebody makes this very network now, or nobody knows whether it was made: with any other
  // subnet there would be two to keep in mind.
  if (own != nullptr && !own->seen && own->subnet.prefix == prefix && is_free(own->subnet))
    return own->subnet;
  if (const auto before = ParseSubnet(need.preferred); before && before->prefix == prefix) {
    const bool in_pool = std::ranges::any_of(
        options_.pool, [&](const Subnet& range) { return Contains(range, *before); });
    if (in_pool && is_free(*before)) return *before;
  }
  return PlanSubnet(options_.pool, prefix, taken);
}

void Networks::Seen(const std::string& ns) {
  const std::lock_guard lock(mutex_);
  const auto it = reserved_.find(ns);
  if (it == reserved_.end()) return;
  it->second.seen = true;
  if (planning_ == 0) reserved_.erase(it);
}

}  // namespace zoe
