#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "controller/cache/cache.h"
#include "controller/loop/event_recorder.h"
#include "controller/loop/reconciler.h"
#include "controller/ports/store.h"
#include "controller/ports/swarm.h"
#include "controller/runtime/metrics.h"
#include "specs/v1/store_info.h"

namespace zoe {

// Where a sweeper reports to; may be null.
struct SweepReports {
  Metrics* metrics = nullptr;
  EventRecorder* events = nullptr;
};

// Removes what carries our deployment's label and belongs to no object: services and secrets whose
// owner (zoe.kind, zoe.namespace, zoe.name with zoe.uid) is gone, networks of namespaces that have
// had no User, Execution, Gateway or service for 10 s, Events whose last occurrence is an hour old.
// What carries another deployment's label, or none, is never touched; nor is any other object of
// the store, whoever made it.
//
// Nothing is removed before the cache has read the whole store once, nor because the cache lacks an
// object: the store itself is asked again. What it has of unknown kinds or can't be read owns too.
//
// What carries the label of another store (kLabelStore) is left alone and reported when its objects
// aren't here: an empty store beside a living Swarm is a lost one. Reported: a warning in the log
// and an Event with each change, gauge zoe_sweep_foreign_store.
//
// Looks at everything at once, under SweepKey() (ControllerOptions::only). Its passes must not run
// in parallel.
class Sweeper : public Reconciler {
 public:
  // All must outlive the sweeper.
  Sweeper(const Cache& cache, Store& store, Swarm& swarm, std::string deployment,
          SweepReports reports = {});

  static const Key& SweepKey();
  Expected<Result> Reconcile(const Context& ctx, const Key& key, StatusDraft& draft) override;

 private:
  Expected<void> SweepServices(const Context& ctx, std::set<std::string>& namespaces_in_use);
  Expected<Duration> SweepSecrets(const Context& ctx);
  Expected<Duration> SweepNetworks(const Context& ctx,
                                   const std::set<std::string>& namespaces_in_use);
  Expected<void> SweepEvents(const Context& ctx);
  Expected<bool> IsOrphan(const Labels& labels);
  Expected<bool> IsOwned(const Labels& labels);
  bool IsForeign(const Labels& labels);
  Expected<bool> IsEmptyInStore(const std::string& ns);
  void ReportForeign();

  const Cache& cache_;
  Store& store_;
  Swarm& swarm_;
  const std::string deployment_;
  const SweepReports reports_;
  std::shared_ptr<const v1::StoreInfo> info_;      // of this pass
  std::optional<std::set<std::string>> in_store_;  // namespaces in use, once asked for in this pass
  std::map<std::string, int> foreign_, reported_;  // objects by store: in this pass, and last told
  std::map<std::string, SteadyTime> unused_since_;  // by network id
};

}  // namespace zoe
