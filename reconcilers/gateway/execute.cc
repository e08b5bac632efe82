#include "reconcilers/gateway/execute.h"

#include <map>
#include <span>

namespace zoe::gateway {
namespace {

class Executor {
 public:
  Executor(const Context& ctx, Swarm& swarm) : ctx_(ctx), swarm_(swarm) {}

  Expected<void> operator()(const RemoveServices& remove) {
    for (const auto& result : swarm_.RemoveServices(ctx_, remove.ids)) ZOE_TRY(result);
    return {};
  }

  Expected<void> operator()(const CreateSecret& create) {
    ZOE_ASSIGN(secrets_[create.name],
               swarm_.CreateSecret(ctx_, create.name, create.labels, create.data));
    return {};
  }

  Expected<void> operator()(const RemoveSecrets& remove) {
    for (const std::string& id : remove.ids) ZOE_TRY(swarm_.RemoveSecret(ctx_, id));
    return {};
  }

  Expected<void> operator()(const CreateService& create) {
    const SwarmServiceSpec spec = WithSecrets(create.spec);
    const auto results = swarm_.CreateServices(ctx_, std::span(&spec, 1));
    const Expected<std::string>& created = results.front();
    if (created.ok()) return {};
    return created.error().code == Code::kAlreadyExists ? CheckHolder(spec) : created.error();
  }

  Expected<void> operator()(const UpdateService& update) {
    const auto updated =
        swarm_.UpdateService(ctx_, update.id, update.version, WithSecrets(update.spec));
    if (!updated.ok() && updated.error().code == Code::kNotFound) {
      return MakeError(Code::kConflict, updated.error().message);
    }
    return updated;
  }

 private:
  SwarmServiceSpec WithSecrets(SwarmServiceSpec spec) const {
    for (SwarmSecretFile& secret : spec.secrets) {
      const auto made = secrets_.find(secret.secret_name);
      if (secret.secret_id.empty() && made != secrets_.end()) secret.secret_id = made->second;
    }
    return spec;
  }

  Expected<void> CheckHolder(const SwarmServiceSpec& spec) {
    const auto holder = swarm_.FindService(ctx_, spec.name);
    const bool own =
        holder.ok() && LabelOf(holder->spec.labels, kLabelUid) == LabelOf(spec.labels, kLabelUid);
    if (own || (!holder.ok() && holder.error().code == Code::kNotFound)) {
      return MakeError(Code::kConflict, "service " + spec.name + " came or went meanwhile");
    }
    if (!holder.ok()) return holder.error();
    return MakeError(
        Code::kAlreadyExists, "NameConflict",
        "the Swarm has a service " + spec.name + " that is not ours; remove or rename it");
  }

  const Context& ctx_;
  Swarm& swarm_;
  std::map<std::string, std::string> secrets_;  // ids of those that were made, by name
};

}  // namespace

Expected<void> Execute(const Context& ctx, Swarm& swarm, const std::vector<Action>& actions,
                       StatusDraft& draft) {
  Executor executor(ctx, swarm);
  for (const Action& action : actions) {
    ZOE_TRY(std::visit(executor, action.what));
    draft.events.insert(draft.events.end(), action.events.begin(), action.events.end());
  }
  return {};
}

}  // namespace zoe::gateway
