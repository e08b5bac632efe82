#include "controller/identity/store_identity.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "controller/runtime/log.h"
#include "specs/v1/kinds.h"

namespace zoe {
namespace {

Error Unusable(std::string reason, std::string message) {
  return MakeError(Code::kUnavailable, std::move(reason), std::move(message));
}

class GuardedStore : public Store {
 public:
  GuardedStore(Store& store, const StoreGuard& guard) : store_(store), guard_(guard) {
    if (&store.ForLeader() != &store) for_leader_ = MakeGuardedStore(store.ForLeader(), guard);
  }
  Expected<Record> Get(const Key& key) override { return store_.Get(key); }
  Expected<Listing> List(std::string_view kind) override { return store_.List(kind); }
  Expected<Revision> Create(const Key& key, std::string bytes) override {
    ZOE_TRY(guard_.Check());
    return store_.Create(key, std::move(bytes));
  }
  Expected<Revision> Replace(const Key& key, Revision expected, std::string bytes) override {
    ZOE_TRY(guard_.Check());
    return store_.Replace(key, expected, std::move(bytes));
  }
  Expected<Revision> Delete(const Key& key, Revision expected) override {
    ZOE_TRY(guard_.Check());
    return store_.Delete(key, expected);
  }
  Expected<Revision> Turn(const Key& place) override { return store_.Turn(place); }
  Expected<Revision> WriteInTurn(const Key& key, Revision expected, std::string bytes,
                                 Revision turn) override {
    ZOE_TRY(guard_.Check());
    return store_.WriteInTurn(key, expected, std::move(bytes), turn);
  }
  Expected<std::unique_ptr<Watch>> Subscribe(Feed feed) override {
    return store_.Subscribe(std::move(feed));
  }
  Expected<std::unique_ptr<Watch>> Campaign(std::string identity,
                                            LeaderCallback callback) override {
    return store_.Campaign(std::move(identity), std::move(callback));
  }
  Expected<std::vector<Candidate>> Candidates() override { return store_.Candidates(); }
  Store& ForLeader() override { return for_leader_ ? *for_leader_ : *this; }
  Expected<void> Ping() override { return store_.Ping(); }

 private:
  Store& store_;
  const StoreGuard& guard_;
  std::unique_ptr<Store> for_leader_;
};

// It becomes a label, and stands in messages.
bool IsId(std::string_view id) {
  constexpr size_t kMaxLength = 64;
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !id.empty() && id.size() <= kMaxLength && std::ranges::all_of(id, plain);
}

}  // namespace

v1::StoreInfo NewStoreInfo(WallTime now, const std::string& id) {
  v1::StoreInfo info;
  info.meta.name = v1::StoreInfoKey().name;
  info.meta.uid = id.empty() ? NewUid() : id;
  info.meta.generation = 1;
  info.meta.creation_timestamp = std::chrono::floor<std::chrono::seconds>(now);
  info.spec.id = info.meta.uid;
  info.spec.schema_version = v1::kSchemaVersion;
  info.spec.created_at = info.meta.creation_timestamp;
  return info;
}

Expected<v1::StoreInfo> DecodeStoreInfo(const Record& record) {
  const auto object = v1::DecodeStored(*v1::FindKind(v1::kStoreInfo), record.bytes);
  if (!object.ok()) {
    return MakeError(Code::kInternal, "StoreUnreadable",
                     record.key.ToString() + ", what the store says of itself, can't be read (" +
                         object.error().message + "): restore a backup into an empty store");
  }
  const auto& info = static_cast<const v1::StoreInfo&>(**object);
  if (!IsId(info.spec.id)) {
    return MakeError(Code::kInternal, "StoreUnreadable",
                     record.key.ToString() + " has an id that isn't one: letters, digits and '-'");
  }
  return info;
}

std::string EncodeStoreInfo(v1::StoreInfo info) {
  info.meta.resource_version = 0;
  return v1::EncodeJson(*v1::FindKind(v1::kStoreInfo), info);
}

Expected<void> CheckSchemaVersion(const v1::StoreInfo& info) {
  if (info.spec.schema_version <= v1::kSchemaVersion) return {};
  return MakeError(Code::kInvalid, "StoreTooNew",
                   "a later version of this program has written the store (schema " +
                       std::to_string(info.spec.schema_version) + ", this one knows " +
                       std::to_string(v1::kSchemaVersion) +
                       "): start that version, or restore a backup made before the upgrade");
}

Expected<v1::StoreInfo> EnsureStoreInfo(Store& store, WallTime now, const std::string& id) {
  while (true) {
    Expected<v1::StoreInfo> info = v1::StoreInfo();
    Expected<Revision> written = Revision{0};
    const Expected<Record> record = store.Get(v1::StoreInfoKey());
    if (record.ok()) {
      ZOE_ASSIGN(info, DecodeStoreInfo(*record));
      ZOE_TRY(CheckSchemaVersion(*info));
      if (info->spec.schema_version == v1::kSchemaVersion) return info;
      info->spec.schema_version = v1::kSchemaVersion;
      written = store.Replace(v1::StoreInfoKey(), record->revision, EncodeStoreInfo(*info));
    } else {
      if (record.error().code != Code::kNotFound) return record.error();
      info = NewStoreInfo(now, id);
      written = store.Create(v1::StoreInfoKey(), EncodeStoreInfo(*info));
    }
    if (written.ok()) return info;
    // Somebody else was faster, and what they wrote counts; or it was ourselves, with a lost reply.
    const Code code = written.error().code;
    if (code != Code::kAlreadyExists && code != Code::kConflict && code != Code::kNotFound &&
        code != Code::kOutcomeUnknown)
      return written.error();
  }
}

std::string StoreIdOf(const Cache& cache) {
  const auto info = cache.Get<v1::StoreInfo>(v1::StoreInfoKey());
  return info ? info->spec.id : "";
}

StoreGuard::StoreGuard(const Cache& cache, Metrics& metrics, const v1::StoreInfo& known)
    : cache_(cache),
      usable_(metrics.GaugeOf("zoe_store_usable",
                              "0 while the store is being restored, is lost, or is a later "
                              "version's: nothing is written and nobody reconciles.")) {
  const MutexLock lock(mutex_);
  problem_ = JudgeInfo(known);
  usable_.Set(problem_ ? 0 : 1);
  if (problem_) log::Warn("the store can't be acted on", {{"reason", problem_->message}});
}

void StoreGuard::SetLoops(std::vector<LeaderCallback> loops) {
  const MutexLock lock(mutex_);
  loops_ = std::move(loops);
}

void StoreGuard::SetLease(SteadyTime until) {
  const MutexLock lock(mutex_);
  lease_ = until;
  TellLoops();
}

// The order in which the loops are told is that of the decisions, so the lock is kept meanwhile.
void StoreGuard::TellLoops() {
  const bool lead = lease_ != kNotLeading && known_ && !problem_;
  if (!lead && !told_) return;
  told_ = lead;
  for (const LeaderCallback& loop : loops_) loop(lead ? lease_ : kNotLeading);
}

void StoreGuard::OnIdentity(bool known) {
  const MutexLock lock(mutex_);
  known_ = known;
  if (known) {
    const std::optional<Error> before = std::exchange(problem_, Judge());
    usable_.Set(problem_ ? 0 : 1);
    if (problem_ && (!before || before->reason != problem_->reason)) {
      log::Warn("the store can't be acted on", {{"reason", problem_->message}});
    } else if (before && !problem_) {
      log::Info("the store can be acted on again", {{"store", id_}});
    }
  }
  TellLoops();
}

std::optional<Error> StoreGuard::Judge() {
  const auto info = cache_.Get<v1::StoreInfo>(v1::StoreInfoKey());
  if (cache_.Unreadable(v1::StoreInfoKey())) {
    return Unusable("StoreUnreadable", v1::StoreInfoKey().ToString() +
                                           ", what the store says of itself, can't be read: "
                                           "restore a backup into an empty store");
  }
  if (info) return JudgeInfo(*info);
  return Unusable("StoreLost",
                  "the store has lost its contents (it was store " + id_ +
                      "): restore a backup with --restore, or start the controllers anew to begin "
                      "with an empty store; what runs on the Swarm is left alone");
}

std::optional<Error> StoreGuard::JudgeInfo(const v1::StoreInfo& info) {
  const auto known = CheckSchemaVersion(info);
  if (!known.ok() && !taken_over_) {
    taken_over_ = true;
    taken_over_changed_.notify_all();
  }
  if (taken_over_) {
    return Unusable("StoreTooNew", known.ok()
                                       ? "the store was a later version's for a while: start this "
                                         "controller anew"
                                       : known.error().message);
  }
  if (info.spec.restoring) {
    return Unusable("StoreRestoring",
                    "a backup is being written into the store: wait, or run the same --restore "
                    "again if it was interrupted");
  }
  if (!id_.empty() && id_ != info.spec.id) {
    log::Warn("the store is another one than before", {{"before", id_}, {"now", info.spec.id}});
  }
  id_ = info.spec.id;
  return std::nullopt;
}

Expected<void> StoreGuard::Check() const {
  if (usable_.value() == 1) return {};  // each read asks
  const MutexLock lock(mutex_);
  if (problem_) return *problem_;
  return {};
}

bool StoreGuard::AwaitTakeOver(const std::stop_token& stop) const {
  MutexLock lock(mutex_);
  const auto taken_over = [this]() ZOE_REQUIRES(mutex_) { return taken_over_; };
  return taken_over_changed_.wait(lock.native(), stop, taken_over);
}

std::unique_ptr<Store> MakeGuardedStore(Store& store, const StoreGuard& guard) {
  return std::make_unique<GuardedStore>(store, guard);
}

}  // namespace zoe
