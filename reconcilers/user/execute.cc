#include "reconcilers/user/execute.h"

#include "specs/v1/kinds.h"

namespace zoe::user {
namespace {

WallTime Seconds(WallTime time) { return std::chrono::floor<std::chrono::seconds>(time); }

// The cache may be behind: for a User that is gone by now nothing may be made, and of one that was
// made again since nothing may go.
Expected<void> CheckUser(Store& store, const v1::User& user) {
  const auto stale = [&](const char* what) {
    return MakeError(Code::kConflict, "user " + user.meta.name + " " + what);
  };
  const auto record = store.Get({"User", "", user.meta.name});
  if (!record.ok())
    return record.error().code == Code::kNotFound ? stale("has gone") : record.error();
  ZOE_ASSIGN(const auto object, v1::DecodeStored(*v1::FindKind("User"), record->bytes));
  if (object->meta.uid != user.meta.uid) return stale("was made again");
  if (object->meta.deletion_timestamp.has_value() != user.meta.deletion_timestamp.has_value())
    return stale("is being deleted");
  return {};
}

class Executor {
 public:
  Executor(const Context& ctx, Ports ports, Observed& observed)
      : ctx_(ctx), ports_(ports), observed_(observed) {}

  // True if it made a difference.
  Expected<bool> operator()(const EnsureNetwork& ensure) {
    ZOE_ASSIGN(observed_.network, ports_.networks.Ensure(ctx_, ensure.need));
    return true;
  }

  Expected<bool> operator()(const CreateObject& create) {
    const v1::Kind& kind = *v1::FindKind(create.key.kind);
    const std::shared_ptr<ObjectBase> object = kind.clone(*create.object);
    object->meta.uid = NewUid();
    object->meta.creation_timestamp = Seconds(ctx_.clock.WallNow());
    const auto created = ports_.store.Create(create.key, v1::EncodeJson(kind, *object));
    if (created.ok()) return true;
    // The cache doesn't show it yet.
    if (created.error().code == Code::kAlreadyExists) return false;
    return created.error();
  }

  Expected<bool> operator()(const DeleteObject& remove) {
    const auto record = ports_.store.Get(remove.key);
    if (!record.ok())
      return record.error().code == Code::kNotFound ? Expected<bool>(false) : record.error();
    const v1::Kind& kind = *v1::FindKind(remove.key.kind);
    const auto object = v1::DecodeStored(kind, record->bytes);
    // Nobody can say what a record that can't be read still holds.
    const bool at_once = !object.ok() || (*object)->meta.finalizers.empty();
    if (!at_once && (*object)->meta.deletion_timestamp) return false;
    if (!at_once) {
      (*object)->meta.deletion_timestamp = Seconds(ctx_.clock.WallNow());
      (*object)->meta.deletion_grace_period_seconds = 0;
    }
    const auto done = at_once ? ports_.store.Delete(remove.key, record->revision)
                              : ports_.store.Replace(remove.key, record->revision,
                                                     v1::EncodeJson(kind, **object));
    if (done.ok()) return true;
    return done.error().code == Code::kNotFound ? Expected<bool>(false) : done.error();
  }

  Expected<bool> operator()(const RemoveNetwork& remove) {
    const auto removed = ports_.swarm.RemoveNetwork(ctx_, remove.id);
    if (!removed.ok() && removed.error().code == Code::kConflict)
      return MakeError(Code::kConflict, "NetworkInUse", removed.error().message);
    if (!removed.ok()) return removed.error();
    observed_.network.reset();
    return true;
  }

 private:
  const Context& ctx_;
  const Ports ports_;
  Observed& observed_;
};

}  // namespace

Expected<void> Execute(const Context& ctx, Ports ports, const v1::User& user,
                       const std::vector<Action>& actions, Observed& observed, StatusDraft& draft) {
  if (actions.empty()) return {};
  ZOE_TRY(CheckUser(ports.store, user));
  Executor executor(ctx, ports, observed);
  Expected<void> without_network;
  for (const Action& action : actions) {
    if (ctx.Done()) return MakeError(Code::kCancelled, "the pass has taken too long");
    const Expected<bool> done = std::visit(executor, action.what);
    if (done.ok()) {
      if (*done)
        draft.events.insert(draft.events.end(), action.events.begin(), action.events.end());
      continue;
    }
    if (!std::holds_alternative<EnsureNetwork>(action.what)) return done.error();
    without_network = done.error();
  }
  return without_network;
}

}  // namespace zoe::user
