#include "reconcilers/execution/execute.h"

#include "reconcilers/execution/status.h"

namespace zoe::execution {
namespace {

class Executor {
 public:
  Executor(const Context& ctx, const Ports& ports, StatusDraft& draft)
      : ctx_(ctx), ports_(ports), draft_(draft) {}

  Expected<void> operator()(const RemoveServices& remove) {
    for (const auto& result : ports_.swarm.RemoveServices(ctx_, remove.ids)) ZOE_TRY(result);
    return {};
  }

  Expected<void> operator()(const EnsureNetwork& ensure) {
    ZOE_ASSIGN(SwarmNetwork network, ports_.networks.Ensure(ctx_, {.ns = ensure.ns}));
    network_id_ = std::move(network.id);
    return {};
  }

  Expected<void> operator()(const EnsureDirectory& ensure) {
    const auto made = ports_.files.EnsureDirectory(ensure.path, {.mode = 01777});
    if (made.ok()) return {};
    return MakeError(Code::kUnavailable, "WorkspaceUnavailable",
                     "directory " + ensure.path + ": " + made.error().message);
  }

  Expected<void> operator()(const CreateServices& create) {
    std::vector<SwarmServiceSpec> specs = create.specs;
    for (SwarmServiceSpec& spec : specs) Attach(spec);
    const auto results = ports_.swarm.CreateServices(ctx_, specs);
    Expected<void> worst;
    for (size_t i = 0; i < results.size(); ++i) {
      const Expected<void> created = Check(specs[i], results[i]);
      // Of several errors the one is told that a user can do something about.
      const bool tells = !created.ok() && (worst.ok() || created.error().code == Code::kInvalid ||
                                           created.error().code == Code::kAlreadyExists);
      if (tells) worst = created;
    }
    return worst;
  }

  Expected<void> operator()(const UpdateService& update) {
    UpdateService sent = update;
    Attach(sent.spec);
    const auto updated = ports_.swarm.UpdateService(ctx_, sent.id, sent.version, sent.spec);
    if (updated.ok()) ReportUpdateSent(sent, draft_);
    if (!updated.ok() && updated.error().code == Code::kNotFound)
      return MakeError(Code::kConflict, updated.error().message);
    return updated;
  }

 private:
  void Attach(SwarmServiceSpec& spec) const {
    for (SwarmNetworkAttachment& attachment : spec.networks) {
      if (attachment.network_id.empty()) attachment.network_id = network_id_;
    }
  }

  Expected<void> Check(const SwarmServiceSpec& spec, const Expected<std::string>& created) {
    if (created.ok()) return {};
    const std::string service = LabelOf(spec.labels, kLabelService);
    if (created.error().code != Code::kAlreadyExists) {
      return Error{created.error().code, created.error().reason,
                   "service " + service + ": " + created.error().message};
    }
    const auto holder = ports_.swarm.FindService(ctx_, spec.name);
    if (!holder.ok())
      return holder.error().code == Code::kNotFound
                 ? MakeError(Code::kConflict, created.error().message)
                 : holder.error();
    const bool own =
        LabelOf(holder->spec.labels, kLabelDeployment) == LabelOf(spec.labels, kLabelDeployment) &&
        LabelOf(holder->spec.labels, kLabelUid) == LabelOf(spec.labels, kLabelUid);
    if (own) return {};
    return MakeError(Code::kAlreadyExists, "NameConflict",
                     "service " + service + ": the Swarm has a service " + spec.name +
                         " that is not ours; remove or rename it");
  }

  const Context& ctx_;
  const Ports& ports_;
  StatusDraft& draft_;
  std::string network_id_;
};

}  // namespace

Expected<void> Execute(const Context& ctx, const Ports& ports, const std::vector<Action>& actions,
                       StatusDraft& draft) {
  Executor executor(ctx, ports, draft);
  Expected<void> refused;
  for (const Action& action : actions) {
    const Expected<void> done = std::visit(executor, action.what);
    if (done.ok()) {
      draft.events.insert(draft.events.end(), action.events.begin(), action.events.end());
      continue;
    }
    const bool of_one_service =
        done.error().code == Code::kInvalid || done.error().reason == "NameConflict";
    if (!of_one_service) return done;
    if (refused.ok()) refused = done;
  }
  return refused;
}

}  // namespace zoe::execution
