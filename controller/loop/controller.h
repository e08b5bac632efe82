#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "controller/cache/cache.h"
#include "controller/loop/event_recorder.h"
#include "controller/loop/reconciler.h"
#include "controller/ports/clock.h"
#include "controller/ports/store.h"
#include "controller/ports/swarm.h"
#include "controller/queue/work_queue.h"
#include "controller/runtime/metrics.h"
#include "controller/runtime/mutex.h"

namespace zoe {

struct ControllerOptions {
  std::string name;  // in logs and metrics: "execution"
  std::string kind;  // the kind whose objects are reconciled: "Execution"
  // Set: the reconciler looks at the world as a whole, under this one key, instead of at objects.
  // It gets a pass when leadership begins, at each resync and when it asks for one. Besides, unless
  // `related` or `hinted` say when: a second after an object was deleted or a hint names an unknown
  // one.
  std::optional<Key> only;
  // Adds the keys of `kind` that a change of an object of another kind concerns; with `only`:
  // itself, if a change of any object concerns it. Called on the informer's thread for each such
  // change: computes from the cache, never blocks.
  std::function<void(const CacheEvent& event, std::vector<Key>& keys)> related = {};
  // With `only`: whether a hint brings a pass. Called for every hint of the Swarm, kCapacityHint,
  // which nobody else hears, and that anything may have changed included; on the Swarm's thread: as
  // `related`.
  std::function<bool(const SwarmHint& hint)> hinted = {};
  // Adds the keys of a resync, where these are not all objects of `kind`: the controller of a
  // reconciler for objects of any kind has `kind` empty.
  std::function<void(std::vector<Key>& keys)> all = {};
  int workers = 0;                           // 0: one per core, 2 .. 16
  Duration pass_timeout{30'000};             // a pass's deadline
  Duration slow_pass{10'000};                // logged, and counted in zoe_reconcile_slow_total
  Duration resync{std::chrono::minutes{5}};  // every key, spread over half of it
  uint64_t seed = 1;                         // of jitter
};

// What all controllers of a process share. Everything outlives them.
struct ControllerPorts {
  Store& store;
  Cache& cache;
  Swarm& swarm;
  const Clock& clock;
  Metrics& metrics;
  EventRecorder& events;
};

// Runs one Reconciler: keys in from the cache's changes (high priority; not from its own writes of
// status), from the Swarm's hints and from resyncs (low), a pass for each, then what the pass
// drafted is written, its error classified, the key requeued. Passes run only while leading and
// once the cache is synced. Thread-safe.
class Controller {
 public:
  Controller(ControllerOptions options, Reconciler& reconciler, ControllerPorts ports);
  ~Controller();  // Stop()

  // From the leader gate, with each renewal: only posts. Losing it (kNotLeading) cancels the passes
  // that run, and they write nothing any more, whatever comes later; nor do they past `until`.
  void SetLease(SteadyTime until);

  // With threads: workers and one that looks after resyncs, subscriptions and slow passes.
  void Start();
  // Takes no more keys, cancels the passes that run and returns when they have ended.
  void Stop();

  // Without threads, instead of Start: does what is due, then takes one ready key, if there is one,
  // and runs its pass. True if it did.
  bool Step();
  // Without threads: when Step next has something to do by time alone.
  SteadyTime NextDue() const;

  // All keys, low priority.
  void EnqueueAll();
  WorkQueue& queue() { return queue_; }

 private:
  // What is remembered of a key between and during passes.
  struct Progress {
    bool running = false, reported_slow = false;
    SteadyTime started;
    Revision needed = 0;   // the next pass must see at least this: older is known to be stale
    bool waiting = false;  // for `needed`
    Revision own = 0;      // of our last write
    Revision seen = 0;     // a change of status alone that came during the pass
  };
  // One time of leadership. Each pass keeps to its own: what is left of a former one changes
  // nothing, even if this process leads again.
  struct Term {
    std::stop_source stop;
    std::atomic<SteadyTime> lease{kNotLeading};
    Revision from = 0;  // what the cache must have reached; of the thread that ticks
  };
  using TermPtr = std::shared_ptr<Term>;
  struct Outcome {
    Expected<Result> result;
    Expected<Revision> written;  // 0: nothing to write
  };

  void OnChange(const CacheEvent& event);
  void OnHint(const SwarmHint& hint);
  void Work();
  void Watch();
  void Tick();
  void SpreadAll(Duration over);
  std::vector<Key> AllKeys() const;
  void ReportSlow();

  void RunPass(const Key& key);
  std::optional<EntryPtr> Begin(const Key& key);
  Outcome Pass(const Key& key, const EntryPtr& entry, Term& term, StatusDraft& draft);
  Expected<Result> Reconcile(const Context& ctx, const Key& key, StatusDraft& draft);
  Expected<Revision> Write(const Entry& entry, const StatusDraft& draft);
  void Settle(const Key& key, const EntryPtr& entry, const Term& term, const StatusDraft& draft,
              const Outcome& outcome);
  void Fail(const Key& key, const EntryPtr& entry, const Term& term, const Error& error);
  void End(const Key& key, const EntryPtr& entry, Revision written);
  TermPtr CurrentTerm() const;
  TermPtr Beginning() const;
  bool CaughtUp(Term& term);
  bool Leads(const Term& term) const { return ports_.clock.Now() < term.lease.load(); }
  Counter& Results(const char* result);

  const ControllerOptions options_;
  Reconciler& reconciler_;
  const ControllerPorts ports_;
  Counter& succeeded_;
  Counter& conflicts_;
  Counter& failed_;
  Counter& exceptions_;
  Counter& writes_;
  Counter& slow_;
  Gauge& active_;
  Gauge& longest_;
  Histogram& seconds_;
  WorkQueue queue_;

  std::atomic<bool> all_wanted_{false};

  mutable Mutex mutex_;
  std::condition_variable wake_;
  std::unordered_map<Key, Progress> progress_ ZOE_GUARDED_BY(mutex_);
  TermPtr term_ ZOE_GUARDED_BY(mutex_);  // null: not leading
  bool open_ ZOE_GUARDED_BY(mutex_) = false;
  bool stopping_ ZOE_GUARDED_BY(mutex_) = false;

  // Of the thread that ticks.
  SteadyTime next_resync_, next_subscribe_;
  std::mt19937_64 random_;
  std::unique_ptr<SwarmWatch> hints_;

  std::shared_ptr<void> listening_;
  std::vector<std::thread> threads_;
};

}  // namespace zoe
