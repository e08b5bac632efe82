#include "reconcilers/gateway/plan.h"

#include <algorithm>

namespace zoe::gateway {
namespace {

PendingEvent Told(std::string reason, std::string message) {
  return {false, std::move(reason), std::move(message)};
}
PendingEvent Mended(std::string message) { return {true, "DriftMended", std::move(message)}; }

std::vector<Action> PlanRemoval(const Observed& observed) {
  std::vector<Action> actions;
  if (!observed.services.empty()) {
    RemoveServices remove;
    for (const SwarmService& service : observed.services) remove.ids.push_back(service.id);
    const std::string why =
        observed.mode == Mode::kDisabled ? "the user is disabled" : "the gateway is deleted";
    actions.push_back({remove, {Told("Removed", "removed the service: " + why)}});
  }
  if (observed.secrets.empty()) return actions;
  RemoveSecrets remove;
  for (const SwarmSecret& secret : observed.secrets) remove.ids.push_back(secret.id);
  actions.push_back({remove, {}});
  return actions;
}

// Makes those that are missing, and fills in the ids of the others.
void PlanSecrets(const std::vector<Secret>& wanted, const Labels& labels, const Observed& observed,
                 SwarmServiceSpec& spec, std::vector<Action>& actions) {
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto have = std::ranges::find(observed.secrets, wanted[i].name, &SwarmSecret::name);
    if (have != observed.secrets.end()) {
      spec.secrets[i].secret_id = have->id;
    } else {
      actions.push_back({CreateSecret{wanted[i].name, labels, wanted[i].data}, {}});
    }
  }
}

bool WasReady(const v1::Gateway& gateway) {
  const Condition* ready = FindCondition(gateway.status.conditions, "Ready");
  return ready != nullptr && ready->status == "True";
}

void PlanService(const v1::Gateway& gateway, const SwarmService* service,
                 const SwarmServiceSpec& spec, std::vector<Action>& actions) {
  if (service == nullptr) {
    actions.push_back({CreateService{spec},
                       {WasReady(gateway) ? Mended("the service was removed by hand: made again")
                                          : Told("Created", "created the service")}});
    return;
  }
  if (service->spec == spec) return;
  // Made from the same object in another store, whose backup was restored here; or before stores
  // had identities.
  SwarmServiceSpec ours = service->spec;
  ours.labels[std::string(kLabelStore)] = LabelOf(spec.labels, kLabelStore);
  if (ours == spec) {
    actions.push_back({UpdateService{service->id, service->version, spec}, {}});
    return;
  }
  const bool drifted =
      LabelOf(service->spec.labels, kLabelDeclared) == LabelOf(spec.labels, kLabelDeclared);
  const std::string change = DescribeChange(service->spec, spec);
  actions.push_back(
      {UpdateService{service->id, service->version, spec},
       {drifted ? Mended("changed by hand, put back: " + change) : Told("Updated", change)}});
}

}  // namespace

std::string ToString(const Action& action) {
  struct Namer {
    std::string operator()(const RemoveServices&) const { return "remove service"; }
    std::string operator()(const CreateSecret& create) const {
      return "create secret " + create.name;
    }
    std::string operator()(const RemoveSecrets& remove) const {
      return "remove " + std::to_string(remove.ids.size()) + " secrets";
    }
    std::string operator()(const CreateService&) const { return "create service"; }
    std::string operator()(const UpdateService&) const { return "update service"; }
  };
  return std::visit(Namer(), action.what);
}

std::vector<Action> Plan(const v1::Gateway& gateway, const Observed& observed,
                         const Options& options) {
  if (observed.mode != Mode::kOpen) return PlanRemoval(observed);
  std::vector<Action> actions;
  if (!observed.network) return actions;
  const std::vector<Secret> secrets = SecretsOf(gateway, observed.access, options);
  SwarmServiceSpec spec = ToSwarmService(gateway, secrets, *observed.network, options);
  Labels labels = LabelsOf(gateway, options);
  if (!observed.store_id.empty()) {
    labels[std::string(kLabelStore)] = spec.labels[std::string(kLabelStore)] = observed.store_id;
  }
  PlanSecrets(secrets, labels, observed, spec, actions);

  const SwarmService* service = nullptr;
  RemoveServices strays;
  for (const SwarmService& seen : observed.services) {
    if (seen.spec.name == spec.name) {
      service = &seen;
    } else {
      strays.ids.push_back(seen.id);
    }
  }
  PlanService(gateway, service, spec, actions);
  if (!strays.ids.empty()) {
    actions.push_back({strays, {Mended("removed another service with this gateway's labels")}});
  }
  // Swarm gives a task its secrets when it starts: until the update is over, the old ones may be
  // needed.
  if (!actions.empty() || service->update_state == UpdateState::kUpdating) return actions;
  RemoveSecrets old;
  for (const SwarmSecret& secret : observed.secrets) {
    if (std::ranges::find(secrets, secret.name, &Secret::name) == secrets.end()) {
      old.ids.push_back(secret.id);
    }
  }
  if (!old.ids.empty()) actions.push_back({old, {}});
  return actions;
}

}  // namespace zoe::gateway
