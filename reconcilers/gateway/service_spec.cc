#include "reconcilers/gateway/service_spec.h"

#include <algorithm>

#include "controller/crypto/crypto.h"
#include "reconcilers/namespace/naming.h"

namespace zoe::gateway {
namespace {

constexpr int64_t kMemoryLimit = 256 << 20;  // it takes 20 MB at rest
// Of kGatewayAccount; nobody's files.
constexpr std::string_view kProgramIds = "65531:65534";

std::string NameFor(const v1::Gateway& gateway, const Options& options) {
  return Fingerprint().Add(options.deployment).Add(gateway.meta.uid).Add("gateway").Hex(12);
}

std::string AuthorizedKeys(const Access& access) {
  // Docker takes no empty secret.
  std::string text = "# " + access.account + "\n";
  for (const std::string& key : access.ssh_keys) {
    for (const char c : key) text += c == '\n' || c == '\r' ? ' ' : c;
    text += '\n';
  }
  return text;
}

std::string Accounts(const Access& access) {
  return access.account + ":" + std::to_string(access.uid) + ":" + std::to_string(access.gid) +
         ":" + access.password_crypt + "\n" + std::string(v1::kGatewayAccount) + ":" +
         std::string(kProgramIds) + ":" + access.credential.password_crypt + "\n";
}

std::string Declared(const SwarmServiceSpec& spec) {
  Fingerprint hash;
  hash.Add(spec.image).Add(spec.env).Add(spec.constraints).Add(spec.capability_add);
  for (const SwarmSecretFile& secret : spec.secrets) hash.Add(secret.secret_name);
  for (const SwarmPort& port : spec.ports) hash.Add(port.published).Add(port.host_mode);
  for (const SwarmNetworkAttachment& network : spec.networks) hash.Add(network.network_id);
  return hash.Add(spec.gelf_address).Hex(16);
}

}  // namespace

std::vector<Secret> SecretsOf(const v1::Gateway& gateway, const Access& access,
                              const Options& options) {
  std::vector<Secret> secrets = {{"accounts", "", Accounts(access)},
                                 {"authorized_keys", "", AuthorizedKeys(access)},
                                 {"host_key", "", access.credential.host_key}};
  for (Secret& secret : secrets) {
    const std::string digest = crypto::Digest(secret.data, "gateway " + secret.file);
    secret.name =
        "gateway-" + NameFor(gateway, options) + "-" + secret.file + "-" + digest.substr(0, 24);
  }
  return secrets;
}

Labels LabelsOf(const v1::Gateway& gateway, const Options& options) {
  return {{std::string(kLabelDeployment), options.deployment},
          {std::string(kLabelNamespace), gateway.meta.ns},
          {std::string(kLabelKind), "Gateway"},
          {std::string(kLabelName), gateway.meta.name},
          {std::string(kLabelUid), gateway.meta.uid}};
}

SwarmServiceSpec ToSwarmService(const v1::Gateway& gateway, const std::vector<Secret>& secrets,
                                const SwarmNetwork& network, const Options& options) {
  const v1::GatewaySpec& wanted = gateway.spec;
  const bool host_mode = wanted.ports.mode != "ingress";
  SwarmServiceSpec spec;
  spec.name = "gateway-" + NameFor(gateway, options);
  spec.labels = LabelsOf(gateway, options);
  spec.container_labels = spec.labels;
  spec.replicas = 1;
  spec.image = wanted.image.empty() ? options.image : wanted.image;
  spec.env = {"ZOE_SUBNET=" + network.spec.subnet,
              std::string("ZOE_SHELL=") + (wanted.shell ? "1" : "0")};
  spec.hostname = "gateway";
  spec.networks = {{network.id, {}}};
  spec.constraints = wanted.constraints;
  spec.memory_limit_bytes = kMemoryLimit;
  spec.gelf_address = options.gelf_address;
  for (const Secret& secret : secrets) spec.secrets.push_back({"", secret.name, secret.file});
  spec.ports = {{kSshPort, wanted.ports.ssh, host_mode},
                {kSocksPort, wanted.ports.socks, host_mode}};
  spec.capability_drop = {"ALL"};
  spec.capability_add = {"CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SYS_CHROOT"};
  if (wanted.shell) {  // terminals get their user's name
    spec.capability_add.insert(spec.capability_add.begin(), {"CAP_CHOWN", "CAP_FOWNER"});
  }
  // A task is not `running` before the first check, which comes after one interval: Docker has no
  // other interval for the start before 25.0. So the interval is short, and the check takes its
  // time from the second one on.
  spec.healthcheck = SwarmHealthcheck{
      {"CMD", "zoe-gateway-check"}, Duration{500}, Duration{40'000}, Duration{20'000}, 3};
  spec.stop_grace_period = Duration{3'000};
  spec.restart_condition = RestartCondition::kAny;
  spec.restart_delay = Duration{2'000};
  // Two can't have one port of one node.
  const bool fixed = host_mode && (wanted.ports.ssh != 0 || wanted.ports.socks != 0);
  spec.update_order = fixed ? UpdateOrder::kStopFirst : UpdateOrder::kStartFirst;
  spec.endpoint_mode = host_mode ? EndpointMode::kDnsrr : EndpointMode::kVip;
  spec.labels[std::string(kLabelDeclared)] = Declared(spec);
  return spec;
}

std::string DescribeChange(const SwarmServiceSpec& from, const SwarmServiceSpec& to) {
  std::string text;
  const auto add = [&text](bool differs, const std::string& what) {
    if (differs) text += (text.empty() ? "" : ", ") + what;
  };
  const auto names = [](const SwarmServiceSpec& spec) {
    std::vector<std::string> list;
    for (const SwarmSecretFile& secret : spec.secrets) list.push_back(secret.secret_name);
    return list;
  };
  add(from.image != to.image, "image " + from.image + " -> " + to.image);
  add(from.replicas != to.replicas,
      "replicas " + std::to_string(from.replicas) + " -> " + std::to_string(to.replicas));
  add(from.ports != to.ports, "ports");
  add(names(from) != names(to), "keys or accounts");
  add(from.constraints != to.constraints, "constraints");
  add(from.env != to.env, "env");
  add(from.networks != to.networks, "network");
  return text.empty() ? "settings" : text;
}

}  // namespace zoe::gateway
