#include "reconcilers/sweep/sweeper.h"

#include <algorithm>

#include "controller/runtime/log.h"
#include "reconcilers/namespace/place.h"
#include "specs/v1/event.h"
#include "specs/v1/kinds.h"

namespace zoe {
namespace {

constexpr Duration kPeriod = std::chrono::minutes(5);
constexpr Duration kSyncPatience = std::chrono::seconds(1);
constexpr Duration kPatience = std::chrono::seconds(10);
constexpr Duration kEventAge = std::chrono::hours(1);
constexpr int kEventsPerPass = 1'000;

// What a namespace's network is kept for.
constexpr std::string_view kUsers[] = {"User", "Execution", "Gateway"};

Key OwnerOf(const Labels& labels) {
  return {LabelOf(labels, kLabelKind), LabelOf(labels, kLabelNamespace),
          LabelOf(labels, kLabelName)};
}

}  // namespace

Sweeper::Sweeper(const Cache& cache, Store& store, Swarm& swarm, std::string deployment,
                 SweepReports reports)
    : cache_(cache),
      store_(store),
      swarm_(swarm),
      deployment_(std::move(deployment)),
      reports_(reports) {}

const Key& Sweeper::SweepKey() {
  static const Key key{"Sweep", "", "all"};
  return key;
}

Expected<Result> Sweeper::Reconcile(const Context& ctx, const Key&, StatusDraft&) {
  if (!cache_.synced()) return Result{.requeue_after = kSyncPatience};
  info_ = cache_.Get<v1::StoreInfo>(v1::StoreInfoKey());
  in_store_.reset();
  foreign_.clear();
  std::set<std::string> namespaces_in_use;
  for (const std::string_view kind : kUsers) {
    for (const EntryPtr& entry : cache_.List(kind).entries)
      namespaces_in_use.insert(NamespaceOf(entry->key));
  }
  ZOE_TRY(SweepServices(ctx, namespaces_in_use));
  ZOE_ASSIGN(const Duration next_secret, SweepSecrets(ctx));
  ZOE_ASSIGN(const Duration next_network, SweepNetworks(ctx, namespaces_in_use));
  ReportForeign();
  ZOE_TRY(SweepEvents(ctx));
  return Result{.requeue_after = std::min({next_secret, next_network, kPeriod})};
}

Expected<bool> Sweeper::IsOrphan(const Labels& labels) {
  ZOE_ASSIGN(const bool owned, IsOwned(labels));
  return !owned && !IsForeign(labels);
}

// The cache may lag behind the store, and behind a service that a reconciler has just made: the
// store decides.
Expected<bool> Sweeper::IsOwned(const Labels& labels) {
  Key owner = OwnerOf(labels);
  const std::string uid = LabelOf(labels, kLabelUid);
  const EntryPtr cached = cache_.Get(owner);
  if (cached && cached->object->meta.uid == uid) return true;
  const v1::Kind* kind = v1::FindKind(owner.kind);
  auto record = store_.Get(owner);
  if (!record.ok() && record.error().code == Code::kNotFound && kind == nullptr) {
    owner.ns.clear();  // whether a kind has namespaces is not known of one that isn't
    record = store_.Get(owner);
  }
  if (!record.ok())
    return record.error().code == Code::kNotFound ? Expected<bool>(false) : record.error();
  if (kind == nullptr) return true;
  const auto object = v1::DecodeStored(*kind, record->bytes);
  // A record that can't be read may well own it; the informer has reported it.
  return !object.ok() || (*object)->meta.uid == uid;
}

// Counts it if so.
bool Sweeper::IsForeign(const Labels& labels) {
  const std::string store = LabelOf(labels, kLabelStore);
  if (store.empty()) return false;
  if (info_ && (store == info_->spec.id ||
                std::ranges::find(info_->spec.replaced, store) != info_->spec.replaced.end()))
    return false;
  ++foreign_[store];
  return true;
}

void Sweeper::ReportForeign() {
  int count = 0;
  for (const auto& [store, objects] : foreign_) count += objects;
  if (reports_.metrics != nullptr) {
    reports_.metrics
        ->GaugeOf("zoe_sweep_foreign_store",
                  "Objects on the Swarm that another store has made: left alone.")
        .Set(count);
  }
  if (foreign_ == reported_) return;
  reported_ = foreign_;
  if (foreign_.empty()) log::Info("nothing of another store is left on the Swarm");
  for (const auto& [store, objects] : foreign_) {
    const std::string filter = "--filter label=" + std::string(kLabelDeployment) + "=" +
                               deployment_ + " --filter label=" + std::string(kLabelStore) + "=" +
                               store + ")";
    const std::string message =
        "the Swarm has " + std::to_string(objects) + " objects of store " + store +
        ", which is not this one: they are left alone. If that store was lost, restore a backup of "
        "it; if nobody wants them, remove them: docker service rm $(docker service ls -q " +
        filter + "; docker secret rm $(docker secret ls -q " + filter +
        "; docker network rm $(docker network ls -q " + filter;
    log::Warn("the Swarm has objects of another store", {{"message", message}});
    if (reports_.events != nullptr && info_) {
      reports_.events->Record(*v1::FindKind(v1::kStoreInfo), *info_,
                              {true, "ForeignStore", message});
    }
  }
}

Expected<void> Sweeper::SweepServices(const Context& ctx,
                                      std::set<std::string>& namespaces_in_use) {
  ZOE_ASSIGN(const std::vector<SwarmService> services, swarm_.ListServices(ctx));
  std::vector<std::string> orphans;
  for (const SwarmService& service : services) {
    if (LabelOf(service.spec.labels, kLabelDeployment) != deployment_) continue;
    namespaces_in_use.insert(LabelOf(service.spec.labels, kLabelNamespace));
    ZOE_ASSIGN(const bool orphan, IsOrphan(service.spec.labels));
    if (!orphan) continue;
    log::Info("removing a service that belongs to no object",
              {{"service", service.spec.name}, {"owner", OwnerOf(service.spec.labels).ToString()}});
    orphans.push_back(service.id);
  }
  if (orphans.empty()) return {};
  for (const auto& removed : swarm_.RemoveServices(ctx, orphans)) ZOE_TRY(removed);
  return {};
}

// Returns when to come again for one that is still used.
Expected<Duration> Sweeper::SweepSecrets(const Context& ctx) {
  Duration next = kPeriod;
  ZOE_ASSIGN(const std::vector<SwarmSecret> secrets, swarm_.ListSecrets(ctx));
  for (const SwarmSecret& secret : secrets) {
    if (LabelOf(secret.labels, kLabelDeployment) != deployment_) continue;
    ZOE_ASSIGN(const bool orphan, IsOrphan(secret.labels));
    if (!orphan) continue;
    const auto removed = swarm_.RemoveSecret(ctx, secret.id);
    if (removed.ok()) {
      log::Info("removed a secret that belongs to no object",
                {{"secret", secret.name}, {"owner", OwnerOf(secret.labels).ToString()}});
    } else if (removed.error().code == Code::kConflict) {
      next = kPatience;  // its service is being removed
    } else {
      return removed.error();
    }
  }
  return next;
}

// One listing for all networks of a pass.
Expected<bool> Sweeper::IsEmptyInStore(const std::string& ns) {
  if (!in_store_) {
    ZOE_ASSIGN(const Listing listing, store_.List(""));
    std::set<std::string> used;
    bool whole = info_ == nullptr;
    for (const Record& record : listing.records) {
      if (record.key == v1::StoreInfoKey()) whole = true;
      if (std::ranges::find(kUsers, record.key.kind) != std::end(kUsers))
        used.insert(NamespaceOf(record.key));
    }
    // Every store has one: a listing that lacks it may lack others.
    if (!whole) return MakeError(Code::kUnavailable, "the store was not listed completely");
    in_store_ = std::move(used);
  }
  return !in_store_->contains(ns);
}

// Returns how long the youngest unused network has to wait yet; a long time if there is none.
Expected<Duration> Sweeper::SweepNetworks(const Context& ctx,
                                          const std::set<std::string>& namespaces_in_use) {
  ZOE_ASSIGN(const std::vector<SwarmNetwork> networks, swarm_.ListNetworks(ctx));
  std::map<std::string, SteadyTime> unused;
  Duration next = kPeriod;
  const SteadyTime now = ctx.clock.Now();
  for (const SwarmNetwork& network : networks) {
    const Labels& labels = network.spec.labels;
    const std::string ns = LabelOf(labels, kLabelNamespace);
    if (LabelOf(labels, kLabelDeployment) != deployment_ || namespaces_in_use.contains(ns))
      continue;
    const auto known = unused_since_.find(network.id);
    const SteadyTime since = known == unused_since_.end() ? now : known->second;
    unused[network.id] = since;
    const Duration left = std::chrono::duration_cast<Duration>(since + kPatience - now);
    if (left > Duration(0)) {
      next = std::min(next, left);
      continue;
    }
    ZOE_ASSIGN(const bool empty, IsEmptyInStore(ns));
    if (!empty || IsForeign(labels)) continue;
    const auto removed = swarm_.RemoveNetwork(ctx, network.id);
    if (removed.ok()) {
      unused.erase(network.id);
      log::Info("removed the network of an empty namespace", {{"namespace", ns}});
    } else if (removed.error().code == Code::kConflict) {
      next = std::min(next, kPatience);  // tasks of it are still being stopped
    } else {
      return removed.error();
    }
  }
  unused_since_ = std::move(unused);
  return next;
}

Expected<void> Sweeper::SweepEvents(const Context& ctx) {
  const WallTime limit = ctx.clock.WallNow() - kEventAge;
  int deleted = 0;
  for (const EntryPtr& entry : cache_.List("Event").entries) {
    const auto& event = static_cast<const v1::Event&>(*entry->object);
    const auto& when = event.last_timestamp ? event.last_timestamp : event.meta.creation_timestamp;
    if (!when || *when > limit) continue;
    const auto done = store_.Delete(entry->key, entry->revision);
    // Counted up meanwhile, or gone already.
    if (!done.ok() && done.error().code != Code::kConflict && done.error().code != Code::kNotFound)
      return done.error();
    if (++deleted == kEventsPerPass || ctx.Done()) break;
  }
  return {};
}

}  // namespace zoe
