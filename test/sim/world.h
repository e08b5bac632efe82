// The whole control loop in one thread under a manual clock: real informer, cache, queue,
// controllers and reconcilers over a store in memory and a simulated Swarm, with a fault at one
// chosen write. A run is a function of its seed, its scenario and that fault.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "controller/ports/files.h"
#include "controller/ports/store.h"
#include "controller/runtime/manual_clock.h"
#include "reconcilers/namespace/place.h"
#include "specs/v1/execution.h"
#include "test/sim/fickle_swarm.h"

namespace zoe::sim_test {

// What happens to the n-th write of the control loop, counted over Swarm and store together,
// from 1.
struct Fault {
  enum class Kind {
    kNone,
    kCrashAfter,   // it is done; then the process is gone and another one starts with nothing but
                   // the store and the Swarm
    kReplyLost,    // it is done; the writer is told that nobody knows
    kUnavailable,  // it is not done
  } kind = Kind::kNone;
  int at_write = 0;

  std::string ToString() const;  // "crash:7"
  static std::optional<Fault> Parse(const std::string& text);
};

// Bad luck all the time, by the seed.
struct Luck {
  double faults = 0;          // how probable it is that a write meets one of the faults
  Hints hints = Hints::kAll;  // of the Swarm
};

class World {
 public:
  explicit World(Fault fault = {}, uint64_t seed = 1, Luck luck = {});
  ~World();

  // ---- what users and operators do; none of it is hit by the fault

  // Creates an execution, or replaces its spec. `spec` is YAML, what stands under `spec:`. A name
  // is that of an execution in namespace alice, or NAMESPACE/NAME.
  void Apply(const std::string& name, const std::string& spec);
  // The same for a User.
  void ApplyUser(const std::string& name, const std::string& spec = "{}");
  void Annotate(const std::string& name, std::string_view annotation, const std::string& value);
  void Delete(const std::string& name);
  // Any object. No-op if it isn't there.
  void Delete(const Key& key);
  // Takes the record out of the store, finalizers or not.
  void Forget(const std::string& name);
  void WithCluster(const std::function<void(sim::Cluster&)>& act) { swarm_->With(act); }
  // By hand, behind the controller's back; no-ops if the service does not stand.
  void RemoveByHand(const std::string& name, const std::string& service);
  void ChangeByHand(const std::string& name, const std::string& service,
                    const std::function<void(SwarmServiceSpec&)>& change);
  // With the gateway that uses it. No-op while anything else does.
  void RemoveNetworkByHand(const std::string& ns);
  void EndTask(const std::string& name, const std::string& service, int slot, int exit_code);
  std::string SwarmName(const std::string& name, const std::string& service);

  // ---- time

  // From now on nothing goes wrong any more.
  void EndBadLuck() { luck_ = {}; }
  // Lets `d` pass; everything that becomes due happens, invariants are checked after each step.
  void Run(Duration d);

  // ---- what is seen

  std::optional<v1::Execution> Get(const std::string& name);
  std::string Phase(const std::string& name);
  // "True Ready", "False Terminating"; "gone".
  std::string UserReady(const std::string& name);
  bool Stands(const Key& key);
  std::vector<std::string> Events();
  // Executions with phase, conditions and counts; users with conditions; services with image,
  // replicas and running tasks; networks. Nothing that depends on time or chance: a run with a
  // fault must end with the same text as one without.
  std::string Describe();
  int writes() const { return writes_; }
  // The world is as declared, and ten more passes over everything write nothing.
  void ExpectAtRest();

  ManualClock clock;

 private:
  class GuardedStore;
  struct Engine;
  // Decides about one call of the control loop. Counts writes.
  SimFault Guard(bool write);
  SimFault GuardSwarm(std::string_view call);
  void Restart();
  bool Step();
  void EnqueueAll();
  Place PlaceIn(const std::string& ns) const;
  void CheckInvariants();
  void CheckNetworks();
  void CheckStarted();
  void ExpectUsersAtRest();
  void ExpectNothingLeftOf(const std::string& ns);
  void ExpectAsDeclared(const v1::Execution& execution, const std::vector<SwarmService>& services,
                        const std::vector<SwarmTask>& tasks);

  const Fault fault_;
  const uint64_t seed_;
  Luck luck_;
  std::mt19937_64 random_{seed_};
  int writes_ = 0, checked_ = -1, uids_ = 0, starts_ = 0;
  bool dead_ = false;  // of the present process: its calls do nothing any more
  std::unique_ptr<Store> store_;
  std::unique_ptr<GuardedStore> guarded_;
  std::unique_ptr<FickleSwarm> swarm_;
  std::unique_ptr<Files> files_;
  std::unique_ptr<Engine> engine_;
  std::string stranger_id_;
  std::map<std::string, int> restarts_;      // by uid: never fall
  std::map<std::string, std::string> ends_;  // by uid: never change
  std::set<std::string> users_;              // that ever were
  std::set<std::string> started_;            // ids of services whose start was judged
};

}  // namespace zoe::sim_test
