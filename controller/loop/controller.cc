#include "controller/loop/controller.h"

#include <algorithm>
#include <exception>

#include "controller/loop/classify.h"
#include "controller/runtime/log.h"

namespace zoe {
namespace {

// A lost compare-and-swap is looked at again at once; so many in a row are no accident.
constexpr int kQuickRetries = 8;
constexpr Duration kOutcomeShows{1'000};
constexpr Duration kSweepAfter{1'000};
constexpr Duration kSoon{5'000};
constexpr Duration kTick{1'000}, kSyncTick{20};
// The reason of what a Store refuses to who does not lead.
constexpr char kDeposed[] = "NotLeading";

double Seconds(SteadyTime::duration d) { return std::chrono::duration<double>(d).count(); }

int Workers(int wanted) {
  if (wanted > 0) return wanted;
  return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 2u, 16u));
}

// What a user does changes more than status; what we write back is status alone.
bool OnlyStatusDiffers(const CacheEvent& event) {
  if (event.type != ChangeType::kModified || !event.previous) return false;
  Meta now = event.entry->object->meta;
  now.resource_version = event.previous->object->meta.resource_version;
  return now == event.previous->object->meta;
}

}  // namespace

Controller::Controller(ControllerOptions options, Reconciler& reconciler, ControllerPorts ports)
    : options_(std::move(options)),
      reconciler_(reconciler),
      ports_(ports),
      succeeded_(Results("success")),
      conflicts_(Results("conflict")),
      failed_(Results("error")),
      exceptions_(Results("exception")),
      writes_(ports_.metrics.CounterOf("zoe_reconcile_writes_total",
                                       "Objects written because a pass changed them.",
                                       {{"controller", options_.name}})),
      slow_(ports_.metrics.CounterOf("zoe_reconcile_slow_total", "Passes that took very long.",
                                     {{"controller", options_.name}})),
      active_(ports_.metrics.GaugeOf("zoe_reconcile_active", "Passes that run now.",
                                     {{"controller", options_.name}})),
      longest_(ports_.metrics.GaugeOf("zoe_reconcile_longest_running_seconds",
                                      "How long the oldest running pass has taken so far.",
                                      {{"controller", options_.name}})),
      seconds_(ports_.metrics.HistogramOf("zoe_reconcile_seconds", "Duration of passes.",
                                          {{"controller", options_.name}})),
      queue_(ports_.clock, ports_.metrics, options_.name, {.seed = options_.seed}),
      next_resync_(SteadyTime::max()),
      next_subscribe_(ports_.clock.Now()),
      random_(options_.seed) {
  queue_.SetOpen(false);
  listening_ = ports_.cache.Listen([this](const CacheEvent& event) { OnChange(event); });
}

Controller::~Controller() { Stop(); }

Counter& Controller::Results(const char* result) {
  return ports_.metrics.CounterOf("zoe_reconcile_total", "Passes by how they ended.",
                                  {{"controller", options_.name}, {"result", result}});
}

// ---- keys in

void Controller::OnChange(const CacheEvent& event) {
  const Key& key = event.entry->key;
  if (options_.only && !options_.related) {
    if (event.type == ChangeType::kDeleted) {
      queue_.AddAfter(*options_.only, kSweepAfter, Priority::kLow);
    }
    return;
  }
  if (options_.only || key.kind != options_.kind) {
    if (!options_.related) return;
    std::vector<Key> keys;
    options_.related(event, keys);
    for (const Key& one : keys) queue_.Add(one, Priority::kHigh);
    return;
  }
  Priority priority = Priority::kHigh;
  {
    const MutexLock lock(mutex_);
    if (!open_) priority = Priority::kLow;  // a backlog, not something that just happened
    const auto it = progress_.find(key);
    if (it != progress_.end()) {
      Progress& progress = it->second;
      const bool awaited = progress.waiting && event.revision >= progress.needed;
      if (!awaited && OnlyStatusDiffers(event)) {
        if (event.revision == progress.own) return;
        if (progress.running) {  // perhaps our own, whose revision isn't known yet: End decides
          progress.seen = event.revision;
          return;
        }
      }
    }
  }
  queue_.Add(key, priority);
}

void Controller::OnHint(const SwarmHint& hint) {
  const bool concerned = options_.hinted && options_.hinted(hint);
  if (hint.kind.empty()) {
    all_wanted_ = true;
    const MutexLock lock(mutex_);
    wake_.notify_all();
    return;
  }
  if (options_.hinted || hint.kind == kCapacityHint) {
    if (concerned) queue_.Add(*options_.only, Priority::kHigh);
    return;
  }
  // The labels of a network name the namespace, whose User has none.
  const v1::Kind* kind = v1::FindKind(hint.kind);
  const bool cluster = kind != nullptr && !kind->namespaced;
  const Key key{hint.kind, cluster ? std::string() : hint.ns, hint.name};
  if (!options_.only) {
    if (hint.kind == options_.kind) queue_.Add(key, Priority::kHigh);
  } else if (!ports_.cache.Get(key)) {
    queue_.AddAfter(*options_.only, kSweepAfter, Priority::kLow);
  }
}

std::vector<Key> Controller::AllKeys() const {
  if (options_.only) return {*options_.only};
  std::vector<Key> keys;
  if (options_.all) {
    options_.all(keys);
    return keys;
  }
  for (const EntryPtr& entry : ports_.cache.List(options_.kind).entries) keys.push_back(entry->key);
  return keys;
}

void Controller::EnqueueAll() {
  for (const Key& key : AllKeys()) queue_.Add(key, Priority::kLow);
}

// So that a resync of many objects is no wave.
void Controller::SpreadAll(Duration over) {
  std::uniform_int_distribution<Duration::rep> within(0, over.count());
  for (const Key& key : AllKeys()) queue_.AddAfter(key, Duration{within(random_)}, Priority::kLow);
}

void Controller::SetLease(SteadyTime until) {
  TermPtr ended;
  {
    const MutexLock lock(mutex_);
    if (until == kNotLeading) {
      ended = std::exchange(term_, nullptr);
      open_ = false;
      queue_.SetOpen(false);
    } else if (term_) {
      term_->lease = until;
      return;
    } else {
      term_ = std::make_shared<Term>();
      term_->lease = until;
    }
    wake_.notify_all();  // beginning is Tick's: it lists keys
  }
  if (!ended) return;
  ended->lease = kNotLeading;
  // Runs callbacks of whoever waits: never under our lock.
  ended->stop.request_stop();
}

// ---- time

void Controller::Tick() {
  const SteadyTime now = ports_.clock.Now();
  if (!hints_ && now >= next_subscribe_) {
    auto hints = ports_.swarm.Subscribe([this](const SwarmHint& hint) { OnHint(hint); });
    if (hints.ok()) {
      hints_ = std::move(hints).value();
    } else {
      log::Debug("no hints from the Swarm yet", {{"error", hints.error().ToString()}});
      next_subscribe_ = now + kTick;
    }
  }
  bool opens = false;
  {
    const TermPtr begins = Beginning();
    const bool caught_up = begins && CaughtUp(*begins);
    const MutexLock lock(mutex_);
    if (caught_up && begins == term_ && Leads(*term_) && !stopping_) {
      opens = open_ = true;
      // In a store that was made anew meanwhile, no object may ever get there.
      for (auto& [key, progress] : progress_) progress.needed = progress.own = 0;
      queue_.SetOpen(true);
    }
    if (!open_) return;
  }
  if (opens || all_wanted_.exchange(false)) EnqueueAll();
  if (opens) next_resync_ = now + options_.resync;
  if (now >= next_resync_) {
    SpreadAll(options_.resync / 2);
    next_resync_ = now + options_.resync;
  }
  ReportSlow();
}

// The term in which no pass has run yet, if there is one.
Controller::TermPtr Controller::Beginning() const {
  const MutexLock lock(mutex_);
  return open_ ? nullptr : term_;
}

// Whoever led before may have acted on what our cache does not show yet: what it made would look
// like a stray. Its last write is older than our term, so what the store is at now covers it.
bool Controller::CaughtUp(Term& term) {
  if (!ports_.cache.synced()) return false;
  if (term.from == 0) {
    const Expected<Listing> now = ports_.store.List("StoreInfo");
    if (!now.ok()) return false;
    term.from = now->revision;
  }
  return ports_.cache.revision() >= term.from;
}

void Controller::ReportSlow() {
  const SteadyTime now = ports_.clock.Now();
  SteadyTime::duration longest{0};
  std::vector<Key> slow;
  {
    const MutexLock lock(mutex_);
    if (queue_.in_work() > 0) {
      for (auto& [key, progress] : progress_) {
        if (!progress.running) continue;
        longest = std::max(longest, now - progress.started);
        if (now - progress.started < options_.slow_pass || progress.reported_slow) continue;
        progress.reported_slow = true;
        slow.push_back(key);
      }
    }
  }
  longest_.Set(Seconds(longest));
  for (const Key& key : slow) {
    slow_.Add();
    log::Warn("a pass takes very long",
              {{"controller", options_.name}, {"object", key.ToString()}});
  }
}

SteadyTime Controller::NextDue() const {
  const SteadyTime next = hints_ ? SteadyTime::max() : next_subscribe_;
  {
    const MutexLock lock(mutex_);
    if (!open_) return next;  // what is due waits for who leads
  }
  return std::min({next, next_resync_, queue_.NextDue().value_or(SteadyTime::max())});
}

// ---- threads

void Controller::Start() {
  threads_.emplace_back([this] { Watch(); });
  for (int i = 0; i < Workers(options_.only ? 1 : options_.workers); ++i) {
    threads_.emplace_back([this] { Work(); });
  }
}

void Controller::Work() {
  while (const std::optional<Key> key = queue_.Take({})) RunPass(*key);
}

void Controller::Watch() {
  while (true) {
    Tick();
    MutexLock lock(mutex_);
    if (stopping_) return;
    if (open_ && all_wanted_) continue;
    const Duration look_again = term_ && !open_ ? kSyncTick : kTick;
    ports_.clock.WaitUntil(wake_, lock.native(), ports_.clock.Now() + look_again);
  }
}

void Controller::Stop() {
  TermPtr term;
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    open_ = false;
    term = term_;
    wake_.notify_all();
  }
  queue_.ShutDown();
  if (term) term->stop.request_stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  listening_.reset();
  hints_.reset();
}

bool Controller::Step() {
  Tick();
  const std::optional<Key> key = queue_.TryTake();
  if (key) RunPass(*key);
  return key.has_value();
}

// ---- one pass

void Controller::RunPass(const Key& key) {
  const TermPtr term = CurrentTerm();
  if (!term || !Leads(*term)) {
    // Not told yet, or just now; the lease may be renewed without ever having been lost.
    queue_.AddAfter(key, kTick, Priority::kHigh);
  } else if (const std::optional<EntryPtr> entry = Begin(key)) {
    StatusDraft draft;
    const Outcome outcome = Pass(key, *entry, *term, draft);
    Settle(key, *entry, *term, draft, outcome);
    End(key, *entry, outcome.written.ok() ? *outcome.written : 0);
  }
  queue_.Done(key);
}

// What the pass looks at. nullopt if the cache is known to be behind: a pass would be in vain, and
// the awaited change brings the key back.
std::optional<EntryPtr> Controller::Begin(const Key& key) {
  const MutexLock lock(mutex_);
  // Read under the lock: a change that comes after it finds `waiting` set.
  EntryPtr entry = ports_.cache.Get(key);
  Progress& progress = progress_[key];
  progress.waiting = entry && entry->revision < progress.needed;
  if (progress.waiting) {
    queue_.AddAfter(key, kTick, Priority::kLow);
    return std::nullopt;
  }
  progress.running = true;
  progress.reported_slow = false;
  progress.started = ports_.clock.Now();
  progress.seen = 0;
  return entry;
}

Controller::Outcome Controller::Pass(const Key& key, const EntryPtr& entry, Term& term,
                                     StatusDraft& draft) {
  if (entry) draft.object = entry->kind->clone(*entry->object);
  const Context ctx =
      Context{.clock = ports_.clock, .stop = term.stop.get_token(), .lease = &term.lease}
          .WithTimeout(options_.pass_timeout);
  active_.Add(1);
  const SteadyTime started = ports_.clock.Now();
  Outcome outcome{Reconcile(ctx, key, draft), Revision{0}};
  // A former leader writes nothing: somebody else decides now.
  if (entry && draft.object) {
    outcome.written =
        ctx.MayWrite()
            ? Write(*entry, draft)
            : Expected<Revision>(MakeError(Code::kUnavailable, kDeposed, "the lease has passed"));
  }
  seconds_.Observe(Seconds(ports_.clock.Now() - started));
  active_.Add(-1);
  return outcome;
}

Expected<Result> Controller::Reconcile(const Context& ctx, const Key& key, StatusDraft& draft) {
  const char* what = "unknown exception";
  std::string text;
  try {
    return reconciler_.Reconcile(ctx, key, draft);
  } catch (const std::exception& e) {
    text = e.what();
    what = text.c_str();
  } catch (...) {
  }
  // A defect. What was drafted until then may be half of something.
  draft.object = nullptr;
  exceptions_.Add();
  log::Error("a reconciler threw",
             {{"controller", options_.name}, {"object", key.ToString()}, {"exception", what}});
  return MakeError(Code::kInternal, "Exception", what);
}

Expected<Revision> Controller::Write(const Entry& entry, const StatusDraft& draft) {
  const v1::Kind& kind = *entry.kind;
  const ObjectBase& seen = *entry.object;
  const std::vector<std::string>& finalizers = draft.object->meta.finalizers;
  const bool marks =
      (draft.request_deletion || draft.remove) && !seen.meta.deletion_timestamp.has_value();
  if ((marks || seen.meta.deletion_timestamp) && finalizers.empty()) {
    return ports_.store.Delete(entry.key, entry.revision);
  }
  const bool status_equal = !kind.has_status || kind.status_equal(seen, *draft.object);
  if (!marks && status_equal && finalizers == seen.meta.finalizers) return Revision{0};

  const std::shared_ptr<ObjectBase> next = kind.clone(seen);
  if (kind.has_status) kind.copy_status(*draft.object, *next);
  next->meta.finalizers = finalizers;
  next->meta.resource_version = 0;
  if (marks) {
    // As the API's DELETE does.
    next->meta.deletion_timestamp =
        std::chrono::floor<std::chrono::seconds>(ports_.clock.WallNow());
    next->meta.deletion_grace_period_seconds = 0;
  }
  return ports_.store.Replace(entry.key, entry.revision, v1::EncodeJson(kind, *next));
}

void Controller::Settle(const Key& key, const EntryPtr& entry, const Term& term,
                        const StatusDraft& draft, const Outcome& outcome) {
  if (!outcome.written.ok()) {
    const Code code = outcome.written.error().code;
    if (code == Code::kConflict || code == Code::kNotFound) {
      // The draft was made from an old version. What it did to the Swarm is seen by the next pass.
      conflicts_.Add();
      {
        const MutexLock lock(mutex_);
        progress_[key].needed = entry->revision + 1;
      }
      queue_.Add(key, Priority::kHigh);
      return;
    }
  } else {
    if (*outcome.written > 0) writes_.Add();
    if (entry) {
      for (const PendingEvent& event : draft.events) {
        ports_.events.Record(*entry->kind, *entry->object, event);
      }
    }
  }
  if (!outcome.result.ok()) return Fail(key, entry, term, outcome.result.error());
  if (!outcome.written.ok()) return Fail(key, entry, term, outcome.written.error());
  succeeded_.Add();
  queue_.Forget(key);
  const Duration after = outcome.result->requeue_after;
  if (after > Duration{0}) {
    queue_.AddAfter(key, after, after <= kSoon ? Priority::kHigh : Priority::kLow);
  }
}

void Controller::Fail(const Key& key, const EntryPtr& entry, const Term& term, const Error& error) {
  if (!Leads(term) || error.reason == kDeposed) {
    // No failure: whoever leads next looks, and so do we if it is us again.
    queue_.AddAfter(key, kTick, Priority::kHigh);
    return;
  }
  if (error.code == Code::kCancelled && term.stop.stop_requested()) return;  // the process ends
  failed_.Add();
  const Verdict verdict = Classify(error.code);
  const bool first = queue_.Failures(key) == 0;
  Duration delay{0};
  switch (verdict.requeue) {
    case Requeue::kNow:
      // Counted all the same, so that an endless quarrel slows down.
      delay = queue_.AddBackoff(key, Priority::kHigh);
      if (queue_.Failures(key) <= kQuickRetries) queue_.Add(key, Priority::kHigh);
      break;
    case Requeue::kBackoff:
      delay = queue_.AddBackoff(key, Priority::kLow);
      break;
    case Requeue::kObserveFirst:
      delay = queue_.AddBackoff(key, Priority::kHigh, kOutcomeShows);
      break;
    case Requeue::kWaitForSpec:
      queue_.Forget(key);
      break;
  }
  if (verdict.tell && entry) {
    ports_.events.Record(*entry->kind, *entry->object,
                         {true, ConditionReason(error), error.ToString()});
  }
  (first && verdict.tell ? log::Warn : log::Debug)("a pass failed",
                                                   {{"controller", options_.name},
                                                    {"object", key.ToString()},
                                                    {"reason", ConditionReason(error)},
                                                    {"error", error.ToString()},
                                                    {"retry_ms", std::to_string(delay.count())}});
}

void Controller::End(const Key& key, const EntryPtr& entry, Revision written) {
  bool again = false;
  {
    const MutexLock lock(mutex_);
    Progress& progress = progress_[key];
    progress.running = false;
    if (written > 0) progress.own = progress.needed = written;
    again = progress.seen != 0 && progress.seen != written;
    if (!entry) progress_.erase(key);
  }
  if (again) queue_.Add(key, Priority::kHigh);
}

Controller::TermPtr Controller::CurrentTerm() const {
  const MutexLock lock(mutex_);
  return term_;
}

}  // namespace zoe
