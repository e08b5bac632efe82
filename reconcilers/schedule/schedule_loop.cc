#include "reconcilers/schedule/schedule_loop.h"

#include <algorithm>
#include <chrono>

#include "controller/quota/quota.h"
#include "controller/runtime/log.h"

namespace zoe {
namespace {

using namespace schedule;
using scheduler::Change;

constexpr Duration kSyncPatience{1'000};
constexpr Duration kNet{30'000};       // while something waits
constexpr Duration kCalm{20};          // between two readings of the Swarm, at least
constexpr int kShare = 5;              // and so many times as long as the last one took
constexpr Duration kWordsKept{2'000};  // why somebody waits, in words
constexpr Duration kAtOnce{1}, kSoon{50}, kLostRace{1'000};
constexpr size_t kChangesAtOnce = 10'000;
constexpr int kTellsPerPass = 200;

std::string_view ChangeName(Change change) {
  switch (change) {
    case Change::kStart:
      return "start";
    case Change::kGrow:
      return "grow";
    case Change::kShrink:
      return "shrink";
    case Change::kRequeue:
      return "requeue";
  }
  return "";
}

const v1::Execution& ExecutionOf(const EntryPtr& entry) {
  return static_cast<const v1::Execution&>(*entry->object);
}

// What the scheduler is told of an execution, without what each pass of its reconciler may change.
bool SameForUs(const v1::Execution& a, const v1::Execution& b) {
  if (a.meta.generation != b.meta.generation ||
      a.meta.deletion_timestamp != b.meta.deletion_timestamp ||
      a.status.observed_generation != b.status.observed_generation ||
      a.status.queued_at != b.status.queued_at || a.status.started_at != b.status.started_at ||
      v1::IsFinished(a.status) != v1::IsFinished(b.status))
    return false;
  return std::ranges::equal(a.status.services, b.status.services,
                            [](const v1::ServiceStatus& x, const v1::ServiceStatus& y) {
                              return x.name == y.name && x.granted == y.granted &&
                                     x.ended == y.ended && x.nodes == y.nodes;
                            });
}

}  // namespace

ScheduleLoop::ScheduleLoop(const Cache& cache, Store& store, Swarm& swarm, Reports reports,
                           ScheduleOptions options)
    : cache_(cache),
      store_(store),
      swarm_(swarm),
      reports_(reports),
      options_(std::move(options)),
      kind_(*v1::FindKind("Execution")),
      decision_seconds_(reports_.metrics.HistogramOf("zoe_scheduler_decision_seconds",
                                                     "How long it took to decide who runs.")),
      scheduler_(options_.scheduler) {}

const Key& ScheduleLoop::Key() {
  static const zoe::Key key{"Schedule", "", "all"};
  return key;
}

void ScheduleLoop::Related(const CacheEvent& event, std::vector<zoe::Key>& keys) {
  const EntryPtr &before = event.previous, &now = event.entry;
  const std::string& kind = now->key.kind;
  const bool modified = event.type == ChangeType::kModified && before;
  if (kind == "Execution") {
    if (modified && SameForUs(ExecutionOf(before), ExecutionOf(now))) return;
  } else if (kind == "User" || kind == "Quota") {
    if (modified && now->kind->spec_equal(*before->object, *now->object)) return;
  } else {
    return;
  }
  keys.push_back(Key());
}

bool ScheduleLoop::Hears(const SwarmHint& hint) {
  dirty_ = true;
  return waiting_ || hint.kind == kCapacityHint;
}

Expected<Result> ScheduleLoop::Reconcile(const Context& ctx, const zoe::Key&, StatusDraft&) {
  if (!cache_.synced()) return Result{.requeue_after = kSyncPatience};
  behind_ = more_ = false;
  ZOE_TRY(MakeSure(ctx));
  ZOE_TRY(Look(ctx));
  ZOE_TRY(Hear(ctx));
  ZOE_TRY(PutRight(ctx));
  TellSeen(ctx.clock.WallNow());
  TellNodes();
  TellLimits();
  const SteadyTime begin = ctx.clock.Now();
  const scheduler::Decision decision = scheduler_.Decide(ctx.clock.WallNow());
  decision_seconds_.Observe(std::chrono::duration<double>(ctx.clock.Now() - begin).count());
  ZOE_TRY(CarryOut(ctx, decision));
  ZOE_TRY(TellQueue(ctx));
  Publish();
  return Result{.requeue_after = NextLook(ctx, decision)};
}

// ---- the Swarm

Expected<void> ScheduleLoop::Look(const Context& ctx) {
  const SteadyTime now = ctx.clock.Now();
  fresh_ = false;
  const bool old = now - read_at_ >= kNet;
  if (!told_nodes_.empty() && !old && (!dirty_ || now < read_again_)) return {};
  dirty_ = false;  // before reading: a hint that comes meanwhile may be about what wasn't seen
  const auto fail = [&](const Error& error) {
    dirty_ = true;
    return error;
  };
  const auto nodes = swarm_.ListNodes(ctx);
  if (!nodes.ok()) return fail(nodes.error());
  // A Swarm has a manager at least.
  if (nodes->empty()) return fail(MakeError(Code::kUnavailable, "the Swarm tells of no node"));
  const auto tasks = swarm_.ListTasks(ctx);
  if (!tasks.ok()) return fail(tasks.error());
  if (const auto found = FindOwners(ctx, *tasks); !found.ok()) return fail(found.error());
  reading_ = Read(*nodes, *tasks, owners_);
  fresh_ = true;
  read_at_ = ctx.clock.Now();
  read_again_ =
      read_at_ + std::max(kCalm, kShare * std::chrono::duration_cast<Duration>(read_at_ - now));
  return {};
}

// Tasks don't say whose they are; services do, and never change owners.
Expected<void> ScheduleLoop::FindOwners(const Context& ctx, const std::vector<SwarmTask>& tasks) {
  const bool all_known = std::ranges::all_of(
      tasks, [&](const SwarmTask& task) { return owners_.contains(task.service_id); });
  if (all_known) return {};
  ZOE_ASSIGN(const std::vector<SwarmService> services, swarm_.ListServices(ctx));
  for (const SwarmService& service : services) {
    const Labels& labels = service.spec.labels;
    const bool ours = LabelOf(labels, kLabelDeployment) == options_.deployment &&
                      LabelOf(labels, kLabelKind) == "Execution";
    owners_[service.id] =
        ours ? Owner{LabelOf(labels, kLabelUid), LabelOf(labels, kLabelService)} : Owner{};
  }
  Owners met;
  for (const SwarmTask& task : tasks) met[task.service_id] = owners_[task.service_id];
  owners_ = std::move(met);
  return {};
}

// ---- the store

// An outcome that nobody knew when it was asked for.
Expected<void> ScheduleLoop::MakeSure(const Context&) {
  while (!unsure_.empty()) {
    const zoe::Key key = *unsure_.begin();
    const auto record = store_.Get(key);
    if (!record.ok() && record.error().code != Code::kNotFound) return record.error();
    if (record.ok()) {
      const auto object = v1::DecodeStored(kind_, record->bytes);
      if (object.ok())
        Learn(std::static_pointer_cast<const v1::Execution>(*object), record->revision);
    }
    unsure_.erase(key);
  }
  return {};
}

Expected<void> ScheduleLoop::Hear(const Context& ctx) {
  if (!heard_) return ListAgain(ctx);
  while (true) {
    const auto changes = cache_.Since("Execution", *heard_, kChangesAtOnce);
    if (!changes.ok()) return ListAgain(ctx);
    for (const CacheEvent& event : changes->events) {
      if (event.type != ChangeType::kDeleted) {
        Learn(std::static_pointer_cast<const v1::Execution>(event.entry->object),
              event.entry->revision);
        continue;
      }
      const auto it = known_.find(JobId(ExecutionOf(event.entry)));
      if (it != known_.end() && it->second.revision < event.revision) Forget(it->first);
    }
    heard_ = changes->upto;
    if (changes->events.size() < kChangesAtOnce) return {};
  }
}

// At first, and after a gap. Perhaps of another store: nothing of before holds.
Expected<void> ScheduleLoop::ListAgain(const Context& ctx) {
  const Snapshot all = cache_.List("Execution");
  for (const auto& [id, known] : known_) {
    // The cache doesn't show yet what we have written.
    if (known.revision > all.revision)
      unsure_.insert({"Execution", known.object->meta.ns, known.object->meta.name});
  }
  scheduler_ = scheduler::Scheduler(options_.scheduler);
  known_.clear();
  by_uid_.clear();
  wrong_.clear();
  told_nodes_.clear();
  told_limits_.clear();
  heard_.reset();
  for (const EntryPtr& entry : all.entries)
    Learn(std::static_pointer_cast<const v1::Execution>(entry->object), entry->revision);
  ZOE_TRY(MakeSure(ctx));
  heard_ = all.revision;
  return {};
}

void ScheduleLoop::Learn(const ExecutionPtr& object, Revision revision) {
  const std::string id = JobId(*object);
  const bool ending = IsEnding(*object);
  const auto old = known_.find(id);
  if (old != known_.end()) {
    if (old->second.revision >= revision) return;
    if (old->second.object->meta.uid != object->meta.uid) Forget(id);
  }
  if (ending && !known_.contains(id) && !reading_.ours.contains(object->meta.uid)) return;
  Known& known = known_[id];
  by_uid_[object->meta.uid] = id;
  known.object = object;
  known.revision = revision;
  known.told = false;
  nodes_changed_ = true;
  std::optional<scheduler::Job> job = ToJob(*object, options_.deployment);
  // One that runs is edited: it is as it was until its reconciler has looked at that.
  const bool unseen = object->status.observed_generation != object->meta.generation;
  if (!job && known.job && unseen) job = known.job;
  if (job && known.job) job->stuck_since = known.job->stuck_since;
  known.job = std::move(job);
  v1::Execution copy = *object;
  if (known.job && !ending && !unseen && schedule::PutRight({}, copy)) wrong_.insert(id);
}

void ScheduleLoop::Forget(const std::string& id) {
  const auto it = known_.find(id);
  if (it == known_.end()) return;
  const std::string name = id;  // may be that of the entry
  scheduler_.RemoveJob(name);
  by_uid_.erase(it->second.object->meta.uid);
  wrong_.erase(name);
  known_.erase(it);
  nodes_changed_ = words_stale_ = true;
}

// ---- the scheduler

void ScheduleLoop::TellSeen(WallTime now) {
  std::vector<std::string> gone;
  for (auto& [id, known] : known_) {
    if (!TellSeen(id, known, now)) gone.push_back(id);
  }
  for (const std::string& id : gone) Forget(id);
}

// False: it has ended, and so have its tasks.
bool ScheduleLoop::TellSeen(const std::string& id, Known& known, WallTime now) {
  if (!known.job) {
    if (!known.told) scheduler_.RemoveJob(id);
    known.told = true;
    return true;
  }
  const bool ages = known.job->started && known.job->duration, news = !known.told;
  if (known.told && !fresh_ && !ages) return true;
  const auto it = reading_.ours.find(known.object->meta.uid);
  const auto* tasks = it == reading_.ours.end() ? nullptr : &it->second;
  if (known.job->fixed && tasks == nullptr) return false;
  if (known.told && !ages && tasks == nullptr && !known.seen) return true;
  scheduler::Job job = *known.job;
  SetSeen(tasks, known.object->status.started_at, now, job);
  known.seen = tasks != nullptr;
  if (std::exchange(known.told, true) && job == *known.job) return true;
  words_stale_ = words_stale_ || news || fresh_;
  if (!told_limits_.contains(job.user)) {
    scheduler_.SetLimits(job.user, told_limits_[job.user] = LimitsOf(cache_, job.user));
  }
  scheduler_.SetJob(job);
  known.job = std::move(job);
  return true;
}

void ScheduleLoop::TellNodes() {
  if (!fresh_ && !nodes_changed_ && !told_nodes_.empty()) return;
  nodes_changed_ = false;
  std::map<std::string, scheduler::Node> nodes = reading_.nodes;
  for (const auto& [uid, services] : reading_.ours) {
    const auto owner = by_uid_.find(uid);
    const auto& job = owner == by_uid_.end() ? std::nullopt : known_.at(owner->second).job;
    AddForeign(services, job ? &*job : nullptr, nodes);
  }
  for (const auto& [id, node] : nodes) {
    const auto told = told_nodes_.find(id);
    if (told != told_nodes_.end() && told->second == node) continue;
    scheduler_.SetNode(node);
    told_nodes_[id] = node;
    words_stale_ = true;
  }
  std::erase_if(told_nodes_, [&](const auto& told) {
    if (nodes.contains(told.first)) return false;
    scheduler_.RemoveNode(told.first);
    words_stale_ = true;
    return true;
  });
}

void ScheduleLoop::TellLimits() {
  const uint64_t users = cache_.KindVersion("User"), quotas = cache_.KindVersion("Quota");
  if (std::exchange(users_seen_, users) == users && std::exchange(quotas_seen_, quotas) == quotas)
    return;
  quotas_seen_ = quotas;
  for (auto& [user, told] : told_limits_) {
    const scheduler::Limits limits = LimitsOf(cache_, user);
    if (limits == told) continue;
    scheduler_.SetLimits(user, limits);
    told = limits;
    words_stale_ = true;
  }
}

// ---- what is written

// False: somebody else has written meanwhile. The next pass decides anew.
Expected<bool> ScheduleLoop::Write(const Context& ctx, Known& known, v1::Execution next) {
  if (!ctx.MayWrite()) return MakeError(Code::kUnavailable, "NotLeading", "the lease has passed");
  if (ctx.Done()) return MakeError(Code::kCancelled, "the pass is over");
  const zoe::Key key{"Execution", next.meta.ns, next.meta.name};
  next.meta.resource_version = 0;
  const auto written = store_.Replace(key, known.revision, v1::EncodeJson(kind_, next));
  if (!written.ok()) {
    const Code code = written.error().code;
    if (code == Code::kConflict || code == Code::kNotFound) {
      behind_ = true;
      return false;
    }
    // Nobody else is to wait because of it.
    if (code == Code::kTooLarge) {
      log::Warn("an execution is too large to be granted anything",
                {{"execution", JobId(next)}, {"error", written.error().message}});
      return false;
    }
    unsure_.insert(key);
    return written.error();
  }
  next.meta.resource_version = *written;
  Learn(std::make_shared<v1::Execution>(std::move(next)), *written);
  return true;
}

Expected<void> ScheduleLoop::PutRight(const Context& ctx) {
  const std::set<std::string> wrong = wrong_;
  for (const std::string& id : wrong) {
    Known& known = known_.at(id);
    v1::Execution next = *known.object;
    if (schedule::PutRight(ctx.clock.WallNow(), next)) ZOE_TRY(Write(ctx, known, std::move(next)));
    wrong_.erase(id);
  }
  return {};
}

Expected<void> ScheduleLoop::CarryOut(const Context& ctx, const scheduler::Decision& decision) {
  for (const scheduler::Grant& grant : decision.grants) {
    const auto it = known_.find(grant.job);
    if (it == known_.end() || !it->second.job) continue;
    Known& known = it->second;
    // It was declared anew: first its reconciler looks at that.
    if (known.object->status.observed_generation != known.object->meta.generation) continue;
    v1::Execution next = *known.object;
    const PendingEvent event = Carry(grant, *known.job, ctx.clock.WallNow(), next);
    ZOE_ASSIGN(const bool written, Write(ctx, known, std::move(next)));
    if (!written) continue;
    const std::string change(ChangeName(grant.change));
    log::Info("an execution is granted other replicas", {{"execution", grant.job},
                                                         {"change", change},
                                                         {"reason", event.reason},
                                                         {"message", event.message}});
    reports_.metrics
        .CounterOf("zoe_scheduler_grants_total", "Changes of what executions are granted.",
                   {{"change", change}})
        .Add();
    reports_.events.Record(kind_, *known.object, event);
  }
  return {};
}

bool ScheduleLoop::IsToldWell(const Known& known, const scheduler::Explanation& why,
                              bool words) const {
  v1::Execution next = *known.object;
  Wait(why, {}, next);
  const v1::ExecutionStatus &now = known.object->status, &then = next.status;
  if (then.queue_position != now.queue_position || then.phase != now.phase) return false;
  const Condition *said = FindCondition(now.conditions, "Admitted"),
                  *says = FindCondition(then.conditions, "Admitted");
  if (said == nullptr || said->status != says->status || said->reason != says->reason) return false;
  return !words || said->message == says->message;
}

Expected<void> ScheduleLoop::TellQueue(const Context& ctx) {
  const bool words = words_stale_ && ctx.clock.Now() >= words_again_;
  int told = 0;
  const std::vector<std::string>& queue = scheduler_.Queue();
  for (size_t i = 0; i < queue.size(); ++i) {
    const auto it = known_.find(queue[i]);
    if (it == known_.end()) continue;
    Known& known = it->second;
    const auto position = static_cast<int32_t>(i + 1);
    const v1::ExecutionStatus& status = known.object->status;
    const bool rough = position > kExact && status.phase == v1::kQueued;
    if (rough && SaysPosition(status, position)) continue;
    scheduler::Explanation why = scheduler_.Explain(queue[i]);
    why.position = position;
    if (IsToldWell(known, why, words)) continue;
    if (++told > kTellsPerPass) {
      more_ = true;
      return {};
    }
    v1::Execution next = *known.object;
    const std::optional<PendingEvent> event = Wait(why, ctx.clock.WallNow(), next);
    ZOE_ASSIGN(const bool written, Write(ctx, known, std::move(next)));
    if (written && event) reports_.events.Record(kind_, *known.object, *event);
  }
  if (!words) return {};
  words_stale_ = false;
  words_again_ = ctx.clock.Now() + kWordsKept;
  return {};
}

// ---- afterwards

void ScheduleLoop::Publish() const {
  Metrics& metrics = reports_.metrics;
  const scheduler::Resources free = scheduler_.Free();
  metrics.GaugeOf("zoe_scheduler_queue_length", "Executions that wait to be started.")
      .Set(static_cast<double>(scheduler_.Queue().size()));
  metrics
      .GaugeOf("zoe_scheduler_free_cpus", "CPUs of nodes that take tasks, that nothing reserves.")
      .Set(static_cast<double>(free.cpu_nano) / 1e9);
  metrics
      .GaugeOf("zoe_scheduler_free_memory_bytes",
               "Memory of nodes that take tasks, that nothing reserves.")
      .Set(static_cast<double>(free.memory_bytes));
}

Duration ScheduleLoop::NextLook(const Context& ctx, const scheduler::Decision& decision) {
  bool lacks = !scheduler_.Queue().empty(), moves = false;
  for (const auto& [id, known] : known_) {
    if (!known.job || known.job->fixed) continue;
    lacks = lacks || LacksElastic(*known.job);
    moves = moves || IsOnItsWay(*known.job);
  }
  waiting_ = lacks || moves;
  Duration next{0};
  const auto in = [&](Duration wait) { next = next == Duration(0) ? wait : std::min(next, wait); };
  const auto until = [&](SteadyTime when) {
    return std::max(kAtOnce, std::chrono::duration_cast<Duration>(when - ctx.clock.Now()));
  };
  if (lacks) in(kNet);
  if (behind_) in(kLostRace);
  if (more_) in(kAtOnce);
  if (words_stale_ && !scheduler_.Queue().empty()) in(until(words_again_));
  if (decision.next) in(std::max(kSoon, *decision.next - ctx.clock.WallNow()));
  if (dirty_ && waiting_) in(until(read_again_));
  return next;
}

}  // namespace zoe
