#include "reconcilers/user/status.h"

#include <algorithm>

#include "controller/loop/classify.h"

namespace zoe::user {
namespace {

constexpr size_t kNamed = 5;

class Conditions {
 public:
  Conditions(const v1::User& user, std::vector<Condition>& conditions, WallTime now)
      : generation_(user.meta.generation), conditions_(conditions), now_(now) {}

  void Set(const char* type, bool is_true, const std::string& reason, const std::string& message) {
    Condition condition{type, is_true ? "True" : "False", reason, message, {}, generation_};
    SetCondition(conditions_, std::move(condition), now_);
  }

  // As another object's Ready says; false and Creating while that says nothing.
  void Mirror(const char* type, const std::string& what, const ObjectBase* object,
              const std::vector<Condition>* theirs) {
    if (object == nullptr) return Set(type, false, "Creating", what + " is being made");
    if (object->meta.deletion_timestamp) {
      return Set(type, false, "Terminating",
                 what + " is being deleted; it is made again when it has gone");
    }
    const Condition* ready = FindCondition(*theirs, "Ready");
    if (ready == nullptr) return Set(type, false, "Starting", what + " is being prepared");
    Set(type, ready->status == "True", ready->reason, ready->message);
  }

  void SetReady(bool enabled) {
    for (const char* type : {"NetworkReady", "WorkspaceReady", "GatewayReady"}) {
      if (type == std::string_view("GatewayReady") && !enabled) continue;
      const Condition* part = FindCondition(conditions_, type);
      if (part->status == "True") continue;
      const std::string reason = part->reason, message = part->message;
      return Set("Ready", false, reason, message);
    }
    if (!enabled) return Set("Ready", true, "Ready", "the user is disabled: the gateway is closed");
    Set("Ready", true, "Ready", "network, workspace and gateway are ready");
  }

 private:
  const int64_t generation_;
  std::vector<Condition>& conditions_;
  const WallTime now_;
};

// Which of the settings the live network doesn't have; "" if it has them all.
std::string Deviation(const v1::UserNetwork& wanted, const SwarmNetwork& network,
                      const NetworkOptions& options) {
  std::string text;
  const auto add = [&](const std::string& what) { text += (text.empty() ? "" : ", ") + what; };
  const auto live = ParseSubnet(network.spec.subnet);
  const auto fixed = ParseSubnet(wanted.subnet);
  if (fixed && live && *fixed != *live) add("subnet " + fixed->ToString());
  if (!fixed && live && live->prefix > PrefixFor(wanted.addresses, 0))
    add(std::to_string(wanted.addresses) + " addresses");
  const bool encrypted = wanted.encrypted || options.encrypted;
  if (encrypted != network.spec.encrypted) add(encrypted ? "encryption" : "no encryption");
  return text;
}

void SetNetwork(const v1::User& before, const Observed& observed, const NetworkOptions& options,
                v1::UserStatus& status, Conditions& conditions) {
  if (observed.stranger) {
    return conditions.Set("NetworkReady", false, ConditionReason(*observed.stranger),
                          observed.stranger->message);
  }
  if (!observed.network) {
    return conditions.Set("NetworkReady", false, "Creating", "the network is being made");
  }
  if (!observed.network->allocated) {
    status.network = observed.network->spec.name;
    return conditions.Set(
        "NetworkReady", false, "NotAllocated",
        "network " + status.network +
            " waits for its addresses: the Swarm gives none where subnets overlap");
  }
  status.network = observed.network->spec.name;
  status.subnet = observed.network->spec.subnet;
  std::string message = status.network + (status.subnet.empty() ? "" : ", " + status.subnet);
  const std::string deviation = Deviation(before.spec.network, *observed.network, options);
  if (!deviation.empty())
    message += "; what the spec says otherwise (" + deviation +
               ") takes effect when the network is made again";
  conditions.Set("NetworkReady", true, "Ready", message);
}

std::string WaitingFor(const Observed& observed) {
  const std::vector<Member> next = NextToGo(observed);
  if (next.empty()) return observed.network ? "the network is removed" : "";
  std::string names;
  for (size_t i = 0; i < std::min(next.size(), kNamed); ++i)
    names += (i == 0 ? "" : ", ") + next[i].key.name;
  if (next.size() > kNamed) names += " and " + std::to_string(next.size() - kNamed) + " more";
  const std::string& kind = next.front().key.kind;
  if (kind == "Credential") return "credentials are removed";  // internal: not named
  const bool one_kind =
      std::ranges::all_of(next, [&](const Member& member) { return member.key.kind == kind; });
  return "waits until these have gone: " + (one_kind ? kind : "objects") + " " + names;
}

}  // namespace

void Report(const v1::User& before, const Observed& observed, const NetworkOptions& options,
            WallTime now, StatusDraft& draft) {
  auto& user = static_cast<v1::User&>(*draft.object);
  v1::UserStatus& status = user.status;
  Conditions conditions(before, status.conditions, now);
  status.observed_generation = before.meta.generation;
  if (before.meta.deletion_timestamp) {
    conditions.Set("Ready", false, "Terminating", WaitingFor(observed));
    if (observed.members.empty() && !observed.network)
      std::erase(user.meta.finalizers, v1::kUserFinalizer);
    return;
  }
  const std::string& name = before.meta.name;
  SetNetwork(before, observed, options, status, conditions);
  conditions.Mirror("WorkspaceReady", "workspace " + name, observed.workspace.get(),
                    observed.workspace ? &observed.workspace->status.conditions : nullptr);
  const bool closed = !before.spec.enabled && observed.gateway;
  if (closed) {
    conditions.Set("GatewayReady", false, "Disabled", "the user is disabled");
  } else {
    conditions.Mirror("GatewayReady", "gateway " + name, observed.gateway.get(),
                      observed.gateway ? &observed.gateway->status.conditions : nullptr);
  }
  conditions.SetReady(before.spec.enabled);
}

void ReportNetwork(const v1::User& before, const Error& error, WallTime now, StatusDraft& draft) {
  v1::UserStatus& status = static_cast<v1::User&>(*draft.object).status;
  Conditions conditions(before, status.conditions, now);
  if (before.meta.deletion_timestamp)
    return conditions.Set("Ready", false, "Terminating", "the network: " + error.message);
  conditions.Set("NetworkReady", false, ConditionReason(error), error.message);
  conditions.SetReady(before.spec.enabled);
}

}  // namespace zoe::user
