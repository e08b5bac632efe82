// Controllers as zoe-controller runs them, in one thread under a clock of the test's: real
// informers, caches, queues, loops and reconcilers, each process over its own connection to one
// model of a replicated store (sim_store.h), all over one simulated Swarm and one filesystem in
// memory. What users and operators do are acts; what goes wrong are nemeses. A run is a function of
// its options and of what is called, in that order: nothing else is random.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "controller/ports/files.h"
#include "reconcilers/namespace/place.h"
#include "specs/codec/value.h"
#include "specs/v1/execution.h"
#include "specs/v1/store_info.h"
#include "test/sim/api.h"
#include "test/sim/call.h"
#include "test/sim/clock.h"
#include "test/sim/fickle_swarm.h"
#include "test/sim/sim_store.h"

namespace zoe::sim_test {

// What happens to the n-th write of the control loops, counted over Swarm and store together, from
// 1.
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

struct WorldOptions {
  uint64_t seed = 1;
  int controllers = 1;  // 1 .. 3
  Fault fault = {};
  Luck luck = {};
  Duration session_timeout{6'000};
  Duration feed_delay{0};  // from a change to when controllers hear of it
  AdmissionOptions admission = {};
  std::vector<sim::NodeOptions> nodes = {};  // empty: sim1, sim2, sim3
};

// Instead of a controller's number, 0 .. controllers-1:
inline constexpr int kLeader = -1;   // who leads now in the store's eyes; nobody: no-op
inline constexpr int kCalling = -2;  // from OnCall: whose call it is
inline constexpr int kAny = -3;

class Process;
class Users;

class World {
 public:
  explicit World(const WorldOptions& options);
  explicit World(Fault fault = {}, uint64_t seed = 1, Luck luck = {})
      : World(WorldOptions{.seed = seed, .fault = fault, .luck = luck}) {}
  ~World();

  // ---- acts of users. They go through decoding, defaults, validation and admission. No fault hits
  // them, unless `api` says whose.

  // Which controller's API serves users, with its cache as old as it is and its connection: kAny is
  // one that is up to date and always there. kUnavailable while it is down, paused or cut off.
  int api = kAny;

  // Creates the object, or replaces its labels, annotations, owners and spec: one YAML or JSON
  // document with apiVersion and kind. Errors as the API tells them; nothing was written then,
  // unless kOutcomeUnknown.
  Expected<void> Put(const std::string& document);
  Expected<void> Put(const codec::Value& document);
  enum class Propagation { kBackground, kForeground, kOrphan };
  // As DELETE. Of what isn't there: kNotFound.
  Expected<void> Remove(const Key& key, Propagation propagation = Propagation::kBackground);

  // The same in short. `spec` is YAML, what stands under `spec:`. A name is that of an execution in
  // namespace alice, or NAMESPACE/NAME. A refusal is a failure of the test.
  void Apply(const std::string& name, const std::string& spec);
  void ApplyUser(const std::string& name, const std::string& spec = "{}");
  void Annotate(const std::string& name, std::string_view annotation, const std::string& value);
  void Delete(const std::string& name);  // no-op if it isn't there
  void Delete(const Key& key);
  // Takes the record out of the store, finalizers or not.
  void Forget(const std::string& name);

  // ---- acts of operators

  void WithCluster(const std::function<void(sim::Cluster&)>& act);
  // By hand, behind the controller's back; no-ops if the service does not stand.
  void RemoveByHand(const std::string& name, const std::string& service);
  void ChangeByHand(const std::string& name, const std::string& service,
                    const std::function<void(SwarmServiceSpec&)>& change);
  // With the gateway that uses it. No-op while anything else does.
  void RemoveNetworkByHand(const std::string& ns);
  void EndTask(const std::string& name, const std::string& service, int slot, int exit_code);
  std::string SwarmName(const std::string& name, const std::string& service);
  void NodeUp(const std::string& node, bool up);  // "sim1"
  void NodeAvailability(const std::string& node, const std::string& availability);

  // ---- nemeses. What lasts ends by itself after `d`, or at EndFaults. `i`: a controller's number,
  // kLeader, kCalling. No-ops on a controller that is down.

  // kill -9: what it was about to do is not done. It starts again after `down`.
  void CrashController(int i, Duration down = Duration(0));
  // SIGTERM: its passes end, it gives leadership back. It starts again after `down`.
  void StopController(int i, Duration down = Duration(0));
  // SIGSTOP: it does nothing for `d`, while time passes; then it goes on where it was, before it
  // has heard of anything. From OnCall for the caller: it stands inside that call meanwhile.
  void PauseController(int i, Duration d);
  // Its connection to the store breaks. Its session expires if that lasts.
  void CutFromStore(int i, Duration d);
  // The store ends its session, and tells it so: no-op while they don't hear each other.
  void ExpireSession(int i);
  // It reads, and hears, what was true when this began. Its own writes bring it up to date, once.
  void LagStore(int i, Duration d);
  // Its server of the store has lost the others: it reads, and hears, what was true when this
  // began; its writes are not done; the others don't know that it lives. The server gives up after
  // 10 s.
  void LoneServer(int i, Duration d);
  // No quorum: nobody reads or writes. Sessions live on.
  void StoreAway(Duration d);
  // The change log is cut: who hasn't heard of everything has a gap.
  void TrimLog();
  // Its calls to the Swarm fail before they are done, and hints get lost. When this ends it is told
  // that anything may have changed.
  void CutFromSwarm(int i, Duration d);
  // The managers have no leader: as CutFromSwarm for everybody. Then all nodes but managers are
  // `unknown` for a while, which stops nothing.
  void SwarmLeaderLost(Duration d);
  // Until it is called again: lists of the Swarm are empty (kEmpty), or say what is true now
  // (kStale).
  void SwarmAnswers(SimFault how);
  // The same of the store, for one controller.
  void StoreListsEmpty(int i, bool empty);
  void SetHints(Hints hints) { luck_.hints = hints; }
  void SetFaults(double probability) { luck_.faults = probability; }  // Luck::faults
  // The calendar of all machines, or of one, jumps; for ever.
  void JumpWallClock(Duration by) { clock.JumpWall(by); }
  void SkewWallClock(int i, Duration by);

  // `act` runs at the n-th call of a controller that is meant, in the middle of it, once. There it
  // may do anything of the above, and one of these with the call:
  void OnCall(CallPoint point, std::function<void()> act);
  void LoseReply();   // it is done; who called is told that nobody knows
  void RefuseCall();  // it is not done; not at CallPoint::kAfter
  // `act` runs when that time has come, whoever is paused inside a call meanwhile. In order of
  // time, then of calling.
  void At(Duration from_now, std::function<void()> act);

  // Nothing goes wrong any more: who is down starts, who is cut off or paused isn't any longer,
  // what OnCall awaits is dropped. What users and operators did stays, as do the clocks.
  void EndFaults();
  void EndBadLuck() { luck_ = {}; }  // of that, Luck alone

  // ---- time

  // Lets `d` pass; everything that becomes due happens, invariants are checked after each step.
  void Run(Duration d);
  // Until then, at most `d`. False: it never came.
  bool RunUntil(const std::function<bool()>& done, Duration d);
  // EndFaults, then long enough for every retry and resync: 30 minutes.
  void Settle();

  // ---- what is seen

  std::optional<v1::Execution> Get(const std::string& name);
  std::string Phase(const std::string& name);  // "gone"
  // "True Ready", "False Terminating"; "gone".
  std::string UserReady(const std::string& name);
  bool Stands(const Key& key);
  std::vector<std::string> Events();
  // The store as it really is, for tests; writes to it are seen by the controllers.
  Store& truth();
  int Leader() const;  // in the store's eyes; kAny: nobody
  // What stands, and what its status says: the store's objects, services with image, replicas and
  // running tasks, networks. Nothing that depends on time or chance: a run with faults must end
  // with the same text as one without.
  std::string Describe();
  int writes() const { return writes_; }  // of the controllers, to store and Swarm
  int calls() const { return calls_; }    // reads too
  // What the controllers have written: "Swarm.CreateService alice/run/worker" -> how often it was
  // done. Status and events are left out: how often they are written depends on time.
  const std::map<std::string, int>& ledger() const { return ledger_; }
  // How often a write of that line was hit by a fault: refused, its reply lost, its writer dead,
  // paused or no leader any more.
  const std::map<std::string, int>& excused() const { return excused_; }
  // The world is as declared, everything acknowledged is there, and ten more passes over everything
  // write nothing; nor does anything for `quiet` from now, unless the world changes by itself.
  void ExpectAtRest(Duration quiet = Duration(0));

  WorldClock clock;

 private:
  class Guard;
  // Where a controller runs: what outlives it.
  struct Machine {
    explicit Machine(const Clock& world);
    ~Machine();
    SkewedClock clock;
    std::unique_ptr<Process> process;  // null while it is down
    std::unique_ptr<Api> api;
    SteadyTime starts_at{};
    Duration down{0};       // of the crash or stop that is under way
    int old_session = 0;    // that the next process finds and ends
    bool stepping = false;  // it stands in its code, perhaps paused
    bool stopping = false;
    SteadyTime paused_until{}, cut_until{}, lags_until{}, alone_until{}, deaf_until{};
  };
  // A call that is under way.
  struct Frame {
    const Call* call;
    Machine* machine;
    bool crashes = false, loses = false, refused = false, excused = false;
  };
  struct Hook {
    CallPoint point;
    std::function<void()> act;
  };

  Machine* Resolve(int i);  // nullptr: nobody
  Machine* Up(int i);       // the same, unless it is down
  int NumberOf(const Machine& machine) const;
  void Start(Machine& machine);
  void Bury(Machine& machine, bool killed);
  void SetWires(Machine& machine);
  bool StepMachine(Machine& machine);
  bool Step();
  // Until target(), which may change meanwhile; at once if that is past.
  void RunWhile(const std::function<SteadyTime()>& target);
  SteadyTime NextDue();
  void EnqueueAll();

  Verdict BeforeCall(const Call& call);
  void InFlight(const Call& call);
  bool AfterCall(const Call& call, const Error* error);
  void DrawFault(Frame& frame);
  void RunHooks(const Call& call, CallPoint::Where where);
  void Excuse(const Call& call);

  Expected<void> Serve(const Key& key, const std::function<Expected<Api::Done>(Api&)>& act);
  Expected<void> Acknowledge(const Key& key, const Expected<Api::Done>& done);
  Place PlaceIn(const std::string& ns) const;
  void CheckInvariants();
  void CheckServices();
  void CheckNetworks();
  void CheckStart(const SwarmService& service);
  void CheckExecution(const v1::Execution& execution);
  void ExpectAcknowledged();
  void ExpectNothingWritten(int before) const;
  void ExpectUsersAtRest();
  void ExpectNothingLeftOf(const std::string& ns);
  void ExpectAsDeclared(const v1::Execution& execution, const std::vector<SwarmService>& services,
                        const std::vector<SwarmTask>& tasks);

  const WorldOptions options_;
  Luck luck_;
  std::mt19937_64 random_;
  int writes_ = 0, calls_ = 0, starts_ = 0;
  int event_writes_ = 0;  // of these: they grow old by themselves
  std::string last_write_;
  int era_ = 0;  // counts EndFaults
  SimFault swarm_answers_ = SimFault::kNone;
  bool over_ = false;
  Ensemble ensemble_;
  std::unique_ptr<Users> people_;
  std::unique_ptr<FickleSwarm> swarm_;
  std::unique_ptr<Files> files_;
  std::unique_ptr<Guard> guard_;
  std::vector<std::unique_ptr<Machine>> machines_;
  std::vector<Frame*> frames_;
  std::vector<Hook> hooks_;
  std::multimap<SteadyTime, std::function<void()>> agenda_;
  SteadyTime away_until_{}, swarm_away_until_{};
  std::map<std::string, int> ledger_, excused_;

  // What the oracle remembers.
  std::map<Key, Api::Done> acknowledged_;
  int checked_writes_ = -1, checked_swarm_ = -1;
  Revision checked_ = 0;
  v1::StoreInfo identity_;
  std::string stranger_id_;
  // By uid and service: never fall while the service is declared.
  std::map<std::string, std::map<std::string, int>> restarts_;
  std::map<std::string, std::string> ends_;  // by uid: never change
  std::set<std::string> users_;              // that ever were
  std::set<std::string> started_;            // ids of services whose start was judged
  std::set<std::string> emptied_;            // namespaces whose User was deleted, ever
  // Monitors, by uid and service; those with a task that ended well; and the executions that were
  // changed or suspended, or whose services were removed by hand, and so may run again.
  std::set<std::pair<std::string, std::string>> monitors_, done_;
  std::set<std::string> may_rerun_;
};

}  // namespace zoe::sim_test
