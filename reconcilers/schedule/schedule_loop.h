#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "controller/cache/cache.h"
#include "controller/loop/event_recorder.h"
#include "controller/loop/reconciler.h"
#include "controller/ports/store.h"
#include "controller/ports/swarm.h"
#include "controller/scheduler/scheduler.h"
#include "reconcilers/schedule/grant.h"
#include "reconcilers/schedule/job.h"
#include "reconcilers/schedule/reading.h"

namespace zoe {

struct ScheduleOptions {
  std::string deployment = "zoe";
  scheduler::Options scheduler = {};
};

// Lets executions run: tells a Scheduler what the cache and the Swarm say, and writes what it
// decides into the status of each Execution by compare-and-swap, shrinkages first. A grant is
// durable before anybody acts on it; who loses the swap decides anew in the next pass. Those that
// wait are told their place (grant.h says how exactly).
//
// Looks at everything under one key, Key() (ControllerOptions::only); its passes must not run in
// parallel. Only what changed since the last pass is told, and the Swarm is listed only after a
// hint; what is remembered from pass to pass can be had from the store and the Swarm at any time.
// While something waits or more could be granted it looks every 30 s, should a hint get lost;
// otherwise only when something changes.
//
// Nothing is decided from a reading without nodes, nor before the outcome of each of its own
// writes is known.
class ScheduleLoop : public Reconciler {
 public:
  // Where it reports to. All outlive it.
  struct Reports {
    Metrics& metrics;
    EventRecorder& events;
  };
  // `store` as the leader has it.
  ScheduleLoop(const Cache& cache, Store& store, Swarm& swarm, Reports reports,
               ScheduleOptions options);

  static const zoe::Key& Key();
  Expected<Result> Reconcile(const Context& ctx, const zoe::Key& key, StatusDraft& draft) override;

  // For ControllerOptions::related and ::hinted. Thread-safe.
  static void Related(const CacheEvent& event, std::vector<zoe::Key>& keys);
  bool Hears(const SwarmHint& hint);

 private:
  using ExecutionPtr = std::shared_ptr<const v1::Execution>;
  // An execution that waits or runs, or whose tasks are still there.
  struct Known {
    ExecutionPtr object;
    Revision revision = 0;
    std::optional<scheduler::Job> job;  // absent: it can't run as it is
    bool told = false;                  // to the scheduler
    bool seen = false;                  // tasks of it, when it was told
  };

  Expected<void> Look(const Context& ctx);
  Expected<void> FindOwners(const Context& ctx, const std::vector<SwarmTask>& tasks);
  Expected<void> Hear(const Context& ctx);
  Expected<void> ListAgain(const Context& ctx);
  Expected<void> MakeSure(const Context& ctx);
  void Learn(const ExecutionPtr& object, Revision revision);
  void Forget(const std::string& id);
  void TellSeen(WallTime now);
  bool TellSeen(const std::string& id, Known& known, WallTime now);
  void TellNodes();
  void TellLimits();
  Expected<void> PutRight(const Context& ctx);
  Expected<void> CarryOut(const Context& ctx, const scheduler::Decision& decision);
  Expected<void> TellQueue(const Context& ctx);
  bool IsToldWell(const Known& known, const scheduler::Explanation& why, bool words) const;
  Expected<bool> Write(const Context& ctx, Known& known, v1::Execution next);
  void Publish() const;
  Duration NextLook(const Context& ctx, const scheduler::Decision& decision);

  const Cache& cache_;
  Store& store_;
  Swarm& swarm_;
  const Reports reports_;
  const ScheduleOptions options_;
  const v1::Kind& kind_;
  Histogram& decision_seconds_;

  std::atomic<bool> dirty_{true};    // the Swarm is not as it was read
  std::atomic<bool> waiting_{true};  // what becomes of tasks may let something run

  scheduler::Scheduler scheduler_;
  std::unordered_map<std::string, Known> known_;  // by job id
  std::unordered_map<std::string, std::string> by_uid_;
  std::set<std::string> wrong_;    // ids of what PutRight is for
  std::set<zoe::Key> unsure_;      // written, outcome unknown
  std::optional<Revision> heard_;  // the cache, up to this
  bool behind_ = false;            // somebody else wrote first: the cache will tell
  bool more_ = false;              // not everybody who waits has been told yet
  // Why somebody waits is told in other words only after the scheduler was told something: not
  // because time has passed, and not each time.
  bool words_stale_ = true;
  SteadyTime words_again_{};

  schedule::Owners owners_;
  schedule::Reading reading_;
  std::unordered_map<std::string, scheduler::Node> told_nodes_;
  std::map<std::string, scheduler::Limits> told_limits_;  // of each user who has had a job
  uint64_t users_seen_ = 0, quotas_seen_ = 0;             // Cache::KindVersion
  SteadyTime read_at_{}, read_again_{};
  bool fresh_ = false;          // read in this pass
  bool nodes_changed_ = false;  // whose tasks are no job's may be
};

}  // namespace zoe
