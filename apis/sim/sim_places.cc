// What services of the simulated Swarm use: networks and their addresses, secrets, ports.
#include <algorithm>

#include "apis/sim/sim_state.h"
#include "specs/meta/subnet.h"

namespace zoe::sim {
namespace {

// Swarm's default pool is 10.0.0.0/8 in pieces of /24; the first one is the routing mesh's own.
constexpr std::string_view kIngress = "10.0.0.0/24", kBridge = "172.17.0.0/16",
                           kGwBridge = "172.18.0.0/16";
constexpr int32_t kFirstMeshPort = 30'000;
// The network itself, its gateway, the broadcast.
constexpr int64_t kReserved = 3;
constexpr size_t kMostSecret = 512'000;

bool Overlaps(std::string_view a, std::string_view b) {
  const auto left = ParseSubnet(a), right = ParseSubnet(b);
  return left && right && left->Overlaps(*right);
}

bool IsSecretName(std::string_view name) {
  const auto alnum = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  return !name.empty() && name.size() <= 64 && alnum(name.front()) && alnum(name.back()) &&
         std::ranges::all_of(name,
                             [&](char c) { return alnum(c) || c == '-' || c == '_' || c == '.'; });
}

}  // namespace

Expected<void> Cluster::Check(const SwarmServiceSpec& spec, const std::string& id) const {
  for (const auto& attachment : spec.networks) {
    if (!networks_.contains(attachment.network_id))
      return MakeError(Code::kNotFound, "network " + attachment.network_id + " not found");
  }
  for (const SwarmSecretFile& file : spec.secrets) {
    const auto it = secrets_.find(file.secret_id);
    if (it == secrets_.end() || it->second.view.name != file.secret_name)
      return MakeError(Code::kInvalid, "secret not found: " + file.secret_name);
  }
  return CheckPorts(spec, id);
}

Expected<void> Cluster::CheckPorts(const SwarmServiceSpec& spec, const std::string& id) const {
  std::set<int32_t> wanted;
  for (const SwarmPort& port : spec.ports) {
    if (!port.host_mode && spec.endpoint_mode == EndpointMode::kDnsrr) {
      return MakeError(
          Code::kInvalid,
          "EndpointSpec: port published with ingress mode can't be used with dnsrr mode");
    }
    if (port.published != 0 && !wanted.insert(port.published).second)
      return MakeError(Code::kInvalid, "EndpointSpec: duplicate published ports provided");
  }
  if (wanted.empty()) return {};
  const auto taken = [](const SwarmService& other, int32_t port, std::string_view as) {
    return MakeError(Code::kInvalid, "port '" + std::to_string(port) +
                                         "' is already in use by service '" + other.spec.name +
                                         "' (" + other.id + ") as " + std::string(as) + " port");
  };
  for (const auto& [other_id, other] : services_) {
    if (other_id == id) continue;
    for (const SwarmPort& port : spec.ports) {
      if (port.published == 0) continue;
      const auto same = [&](const SwarmPort& p) { return p.published == port.published; };
      if (std::ranges::any_of(other->view.published, same))
        return taken(other->view, port.published, "an ingress");
      if (!port.host_mode && std::ranges::any_of(other->view.spec.ports, same))
        return taken(other->view, port.published, "a host-published");
    }
  }
  return {};
}

void Cluster::Publish(SwarmService& service) const {
  const std::vector<SwarmPort> before = std::exchange(service.published, {});
  // Hardly any service has one: the walk over all of them is for those that do.
  if (std::ranges::all_of(service.spec.ports, &SwarmPort::host_mode)) return;
  std::set<int32_t> used;
  for (const SwarmPort& port : before) used.insert(port.published);
  for (const auto& [id, other] : services_) {
    for (const SwarmPort& port : other->view.published) used.insert(port.published);
    for (const SwarmPort& port : other->view.spec.ports) used.insert(port.published);
  }
  for (SwarmPort port : service.spec.ports) {
    if (port.host_mode) continue;
    const auto kept = std::ranges::find(before, port.target, &SwarmPort::target);
    if (port.published == 0 && kept != before.end()) port.published = kept->published;
    for (int32_t next = kFirstMeshPort; port.published == 0; ++next) {
      if (used.insert(next).second) port.published = next;
    }
    service.published.push_back(port);
  }
}

SwarmNetwork Cluster::View(const std::string& id, const Network& network) const {
  SwarmNetwork view{id, network.wanted, !network.subnet.empty()};
  view.spec.subnet = network.subnet;
  view.spec.encrypted = view.allocated && network.wanted.encrypted;
  return view;
}

Expected<std::string> Cluster::CreateNetwork(const SwarmNetworkSpec& spec) {
  const auto busy = busy_network_names_.find(spec.name);
  bool taken = busy != busy_network_names_.end() && busy->second > now_;
  for (const auto& [id, network] : networks_) taken = taken || network.wanted.name == spec.name;
  if (taken)
    return MakeError(Code::kAlreadyExists, "network with name " + spec.name + " already exists");
  if (!spec.subnet.empty() && !ParseSubnet(spec.subnet)) {
    return MakeError(Code::kInvalid,
                     "Invalid subnet " + spec.subnet + " : invalid CIDR address: " + spec.subnet);
  }
  const std::string id = NewId();
  networks_[id].wanted = spec;
  Allocate();
  Touch(spec.labels);
  return id;
}

void Cluster::Allocate() {
  const auto free = [&](const std::string& subnet) {
    return !Overlaps(subnet, kIngress) && std::ranges::none_of(networks_, [&](const auto& entry) {
      return Overlaps(subnet, entry.second.subnet);
    });
  };
  for (auto& [id, network] : networks_) {
    if (!network.subnet.empty()) continue;
    if (!network.wanted.subnet.empty()) {
      if (free(network.wanted.subnet)) network.subnet = network.wanted.subnet;
      continue;
    }
    for (uint32_t piece = 1; piece < 0x10000 && network.subnet.empty(); ++piece) {
      const std::string next = Subnet{(10u << 24) + (piece << 8), 24}.ToString();
      if (free(next)) network.subnet = next;
    }
  }
}

// One more address in each network of the spec.
bool Cluster::HasRoom(const SwarmServiceSpec& spec) const {
  return std::ranges::all_of(spec.networks, [&](const SwarmNetworkAttachment& attachment) {
    const auto it = networks_.find(attachment.network_id);
    if (it == networks_.end()) return true;
    const auto subnet = ParseSubnet(it->second.subnet);
    // Each node takes an address of its own for the services' names.
    return subnet && it->second.addresses + kReserved + static_cast<int64_t>(nodes_.size()) <
                         static_cast<int64_t>(subnet->size());
  });
}

// A service with a VIP takes an address itself, before any of its tasks.
bool Cluster::AddressService(Service& service) {
  if (service.spec->endpoint_mode != EndpointMode::kVip || !service.vips.empty()) return true;
  if (!HasRoom(*service.spec)) return false;
  for (const auto& attachment : service.spec->networks) {
    const auto it = networks_.find(attachment.network_id);
    if (it == networks_.end()) continue;
    it->second.addresses++;
    service.vips.push_back(attachment.network_id);
  }
  return true;
}

void Cluster::FreeVips(Service& service) {
  if (service.vips.empty()) return;
  for (const std::string& id : std::exchange(service.vips, {})) {
    const auto it = networks_.find(id);
    if (it != networks_.end()) it->second.addresses--;
  }
  At(Duration(0), [this] { RetryPending(); });
}

bool Cluster::Address(Task& task) {
  if (task.addressed) return true;
  const auto service = services_.find(task.view.service_id);
  if (service != services_.end() && !AddressService(*service->second)) return false;
  if (!HasRoom(*task.spec)) return false;
  for (const auto& attachment : task.spec->networks) {
    const auto it = networks_.find(attachment.network_id);
    if (it != networks_.end()) it->second.addresses++;
  }
  return task.addressed = true;
}

Expected<void> Cluster::RemoveNetwork(const std::string& id) {
  const auto it = networks_.find(id);
  if (it == networks_.end()) return MakeError(Code::kNotFound, "network " + id + " not found");
  for (const auto& [service_id, service] : services_) {
    for (const auto& attachment : service->view.spec.networks) {
      if (attachment.network_id == id)
        return MakeError(Code::kConflict, "network " + id + " is in use by service " + service_id);
    }
  }
  const auto held = held_networks_.find(it->second.wanted.name);
  if (held != held_networks_.end() && held->second > now_)
    return MakeError(Code::kConflict, "network " + id + " is in use by task sim0");
  busy_network_names_[it->second.wanted.name] = now_ + delays_.network_free;
  Touch(it->second.wanted.labels);
  networks_.erase(it);
  Allocate();
  At(Duration(0), [this] { RetryPending(); });
  return {};
}

std::vector<SwarmNetwork> Cluster::Networks() const {
  std::vector<SwarmNetwork> networks;
  for (const auto& [id, network] : networks_) networks.push_back(View(id, network));
  return networks;
}

std::vector<std::string> Cluster::Subnets() const {
  std::set<std::string> subnets = {std::string(kIngress), std::string(kBridge),
                                   std::string(kGwBridge)};
  const auto add = [&](const std::string& text) {
    if (const auto subnet = ParseSubnet(text)) subnets.insert(subnet->ToString());
  };
  for (const auto& [id, network] : networks_) add(network.subnet);
  for (const SwarmNode& node : Nodes()) add(node.address);
  return {subnets.begin(), subnets.end()};
}

Expected<std::string> Cluster::CreateSecret(const std::string& name, const Labels& labels,
                                            std::string_view data) {
  if (!IsSecretName(name)) {
    return MakeError(Code::kInvalid,
                     "invalid name, only 64 [a-zA-Z0-9-_.] characters allowed, and the start and "
                     "end character must be [a-zA-Z0-9]");
  }
  if (data.empty() || data.size() >= kMostSecret) {
    return MakeError(Code::kInvalid,
                     "secret data must be larger than 0 and less than 512000 bytes");
  }
  for (const auto& [id, secret] : secrets_) {
    if (secret.view.name == name)
      return MakeError(Code::kAlreadyExists, "secret " + name + " already exists");
  }
  const std::string id = NewId();
  secrets_[id] = {{id, name, labels}, std::string(data)};
  Touch(labels);
  return id;
}

Expected<void> Cluster::RemoveSecret(const std::string& id) {
  const auto it = secrets_.find(id);
  if (it == secrets_.end()) return MakeError(Code::kNotFound, "secret " + id + " not found");
  for (const auto& [service_id, service] : services_) {
    for (const SwarmSecretFile& file : service->view.spec.secrets) {
      if (file.secret_id == id) {
        return MakeError(Code::kConflict,
                         "secret '" + it->second.view.name +
                             "' is in use by the following service: " + service->view.spec.name);
      }
    }
  }
  Touch(it->second.view.labels);
  secrets_.erase(it);
  return {};
}

std::vector<SwarmSecret> Cluster::Secrets() const {
  std::vector<SwarmSecret> secrets;
  for (const auto& [id, secret] : secrets_) secrets.push_back(secret.view);
  return secrets;
}

const std::string* Cluster::SecretData(const std::string& id) const {
  const auto it = secrets_.find(id);
  return it == secrets_.end() ? nullptr : &it->second.data;
}

}  // namespace zoe::sim
