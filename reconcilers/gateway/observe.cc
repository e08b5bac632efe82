#include "reconcilers/gateway/observe.h"

#include <algorithm>

#include "controller/identity/store_identity.h"
#include "specs/v1/kinds.h"

namespace zoe::gateway {
namespace {

constexpr size_t kPasswordBytes = 24;

std::shared_ptr<const v1::User> UserOf(const Cache& cache, const std::string& ns) {
  return cache.Get<v1::User>({"User", "", ns});
}

Key CredentialKey(const std::string& ns) {
  return {"Credential", ns, std::string(v1::kGatewayCredential)};
}

Expected<v1::CredentialSpec> MakeCredential(const Context& ctx, Store& store, const std::string& ns,
                                            const Options& options) {
  v1::Credential made;
  made.meta.name = v1::kGatewayCredential;
  made.meta.ns = ns;
  made.meta.uid = NewUid();
  made.meta.generation = 1;
  made.meta.creation_timestamp = ctx.clock.WallNow();
  made.spec.host_key = crypto::MakeSshKey("zoe-" + options.deployment + "-" + ns).private_key;
  made.spec.socks_password = crypto::RandomText(kPasswordBytes);
  ZOE_ASSIGN(made.spec.password_crypt, crypto::CryptSecret(made.spec.socks_password));
  const auto created =
      store.Create(CredentialKey(ns), v1::EncodeJson(*v1::FindKind("Credential"), made));
  if (created.ok()) return made.spec;
  if (created.error().code == Code::kAlreadyExists) {
    return MakeError(Code::kConflict, "somebody else made the gateway's keys");
  }
  return created.error();
}

// The one that exists is never made again: users know its host key.
Expected<v1::CredentialSpec> CredentialOf(const Context& ctx, const Sources& sources,
                                          const std::string& ns, const Options& options) {
  if (const auto known = sources.cache.Get<v1::Credential>(CredentialKey(ns))) return known->spec;
  const auto record = sources.store.Get(CredentialKey(ns));
  if (!record.ok() && record.error().code == Code::kNotFound) {
    return MakeCredential(ctx, sources.store, ns, options);
  }
  if (!record.ok()) return record.error();
  ZOE_ASSIGN(const auto object, v1::DecodeStored(*v1::FindKind("Credential"), record->bytes));
  return static_cast<const v1::Credential&>(*object).spec;
}

// False for what an earlier user of the same name has left: its password opens nothing any more.
bool IsOf(const v1::Credential& credential, const v1::User* user) {
  const auto& owners = credential.meta.owner_references;
  return owners.empty() || (user != nullptr && owners.front().uid == user->meta.uid);
}

Expected<void> FindNetwork(const Context& ctx, Networks& networks, const std::string& ns,
                           bool has_user, Observed& observed) {
  auto network = has_user ? networks.Find(ctx, ns) : networks.Ensure(ctx, {.ns = ns});
  if (network.ok() && network->allocated && !network->spec.subnet.empty()) {
    observed.network = std::move(network).value();
    return {};
  }
  if (network.ok()) {
    observed.network_problem = "the network has no addresses yet";
    return {};
  }
  const bool of_the_swarm = network.error().reason.empty() &&
                            network.error().code != Code::kNotFound &&
                            network.error().code != Code::kAlreadyExists;
  if (of_the_swarm) return network.error();
  observed.network_problem = network.error().message;
  return {};
}

}  // namespace

Mode ModeOf(const v1::Gateway& gateway, const v1::User* user) {
  if (gateway.meta.deletion_timestamp) return Mode::kDeleting;
  return user != nullptr && !user->spec.enabled ? Mode::kDisabled : Mode::kOpen;
}

Access AccessOf(const Cache& cache, const v1::Gateway& gateway, const v1::User* user) {
  Access access;
  access.account = gateway.meta.ns;
  if (user != nullptr) {
    access.ssh_keys = user->spec.ssh_keys;
    access.uid = user->spec.uid.value_or(access.uid);
    access.gid = user->spec.gid.value_or(access.uid);
  }
  for (const std::string& key : gateway.spec.ssh_keys) {
    if (std::ranges::find(access.ssh_keys, key) == access.ssh_keys.end()) {
      access.ssh_keys.push_back(key);
    }
  }
  const auto login =
      cache.Get<v1::Credential>({"Credential", gateway.meta.ns, std::string(v1::kLoginCredential)});
  if (login && IsOf(*login, user)) access.password_crypt = login->spec.password_crypt;
  return access;
}

Expected<Observed> Observe(const Context& ctx, const Sources& sources, const v1::Gateway& gateway,
                           const Options& options) {
  const std::string& ns = gateway.meta.ns;
  const auto user = UserOf(sources.cache, ns);
  Observed observed;
  observed.mode = ModeOf(gateway, user.get());
  ZOE_ASSIGN(Observation seen, sources.swarm.Observe(ctx, gateway.meta.uid));
  observed.services = std::move(seen.services);
  observed.tasks = std::move(seen.tasks);
  ZOE_ASSIGN(observed.secrets, sources.swarm.ListSecrets(ctx));
  std::erase_if(observed.secrets, [&](const SwarmSecret& secret) {
    return LabelOf(secret.labels, kLabelUid) != gateway.meta.uid;
  });
  if (observed.mode != Mode::kOpen) return observed;
  observed.store_id = StoreIdOf(sources.cache);
  ZOE_ASSIGN(observed.nodes, sources.swarm.ListNodes(ctx));
  ZOE_TRY(FindNetwork(ctx, sources.networks, ns, user != nullptr, observed));
  observed.access = AccessOf(sources.cache, gateway, user.get());
  ZOE_ASSIGN(observed.access.credential, CredentialOf(ctx, sources, ns, options));
  auto host_key = crypto::ReadSshKey(observed.access.credential.host_key);
  if (!host_key.ok()) {
    return MakeError(Code::kInvalid, "BadHostKey",
                     "the stored SSH host key of " + ns + " can't be read");
  }
  observed.host_key = std::move(host_key).value();
  return observed;
}

}  // namespace zoe::gateway
