// One zoe-controller: everything of controller/main.cc's Loops, without threads and without a
// server.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controller/cache/informer.h"
#include "controller/identity/store_identity.h"
#include "controller/loop/controller.h"
#include "controller/ports/files.h"
#include "reconcilers/execution/execution_reconciler.h"
#include "reconcilers/garbage/garbage_collector.h"
#include "reconcilers/gateway/gateway_reconciler.h"
#include "reconcilers/namespace/network.h"
#include "reconcilers/schedule/schedule_loop.h"
#include "reconcilers/sweep/sweeper.h"
#include "reconcilers/user/user_reconciler.h"
#include "reconcilers/workspace/workspace_reconciler.h"
#include "test/sim/call.h"
#include "test/sim/fickle_swarm.h"
#include "test/sim/sim_store.h"

namespace zoe::sim_test {

// Its calls are asked about at a guard first.
class Process {
 public:
  // All outlive it.
  struct Outside {
    int number;
    CallGuard& guard;
    std::unique_ptr<SimStore> store;
    FickleSwarm& swarm;
    Files& files;
    const Clock& clock;
    uint64_t seed;
    v1::StoreInfo identity;  // of the store
  };
  explicit Process(Outside outside);
  ~Process();

  // One round: hears what there is to hear, one pass of each loop. True if anything happened.
  bool Step();
  // The same, as who was paused goes on: the loops first, although nothing was heard yet.
  bool StepBlindly();
  SteadyTime NextDue() const;
  // As it will be from here on: `dead` ones do nothing.
  bool dead = false;

  SimStore& client() { return *client_; }
  Store& store() { return *store_; }  // as its API has it
  Cache& cache() { return cache_; }
  void HearOfSwarm(const SwarmHint& hint);  // a hint, from outside the usual ones
  // Hints of the Swarm get lost, or don't any more. True if that is new.
  bool SetDeaf(bool deaf) { return std::exchange(deaf_, deaf) != deaf; }
  void EnqueueAll();

 private:
  bool Loops();

  const Clock& clock_;
  std::unique_ptr<SimStore> client_;
  std::unique_ptr<Store> guarded_;
  std::vector<std::function<void(const SwarmHint&)>> hints_;
  const std::shared_ptr<int> alive_ = std::make_shared<int>();  // hints may come later than its end
  bool deaf_ = false;
  std::unique_ptr<Swarm> swarm_;
  SteadyTime flush_at_{};
  bool refused_ = false;  // the informer's reads: it tries again
  Metrics metrics_;
  Counter& failures_;
  Cache cache_;
  StoreGuard guard_;
  std::unique_ptr<Store> store_;
  Informer informer_;
  EventRecorder events_;
  Networks networks_;
  ExecutionReconciler executions_;
  UserReconciler users_;
  WorkspaceReconciler workspaces_;
  GatewayReconciler gateways_;
  Sweeper sweeper_;
  GarbageCollector garbage_;
  ScheduleLoop schedule_;
  std::vector<std::unique_ptr<Controller>> controllers_;
  std::unique_ptr<Watch> campaign_;
};

}  // namespace zoe::sim_test
