#include <gmock/gmock.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "controller/loop/classify.h"
#include "controller/loop/controller.h"
#include "controller/runtime/log.h"
#include "controller/runtime/system_clock.h"
#include "test/unit/controller/world.h"

namespace zoe {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// A Swarm that only gives hints.
class HintSwarm : public Swarm {
 public:
  std::function<void(const SwarmHint&)> hint;
  bool away = false;

  Expected<Observation> Observe(const Context&, const std::string&) override { return Away(); }
  Expected<std::vector<SwarmService>> ListServices(const Context&) override { return Away(); }
  Expected<std::vector<SwarmTask>> ListTasks(const Context&) override { return Away(); }
  Expected<std::vector<SwarmNetwork>> ListNetworks(const Context&) override { return Away(); }
  Expected<std::vector<SwarmNode>> ListNodes(const Context&) override { return Away(); }
  Expected<std::vector<SwarmUsage>> Usage(const Context&) override { return Away(); }
  std::vector<Expected<std::string>> CreateServices(const Context&,
                                                    std::span<const SwarmServiceSpec>) override {
    return {};
  }
  Expected<void> UpdateService(const Context&, const std::string&, uint64_t,
                               const SwarmServiceSpec&) override {
    return Away();
  }
  std::vector<Expected<void>> RemoveServices(const Context&,
                                             std::span<const std::string>) override {
    return {};
  }
  Expected<SwarmService> FindService(const Context&, const std::string&) override { return Away(); }
  Expected<std::string> CreateNetwork(const Context&, const SwarmNetworkSpec&) override {
    return Away();
  }
  Expected<void> RemoveNetwork(const Context&, const std::string&) override { return Away(); }
  Expected<std::vector<std::string>> ListSubnets(const Context&) override { return Away(); }
  Expected<std::vector<SwarmSecret>> ListSecrets(const Context&) override { return Away(); }
  Expected<std::string> CreateSecret(const Context&, const std::string&, const Labels&,
                                     std::string_view) override {
    return Away();
  }
  Expected<void> RemoveSecret(const Context&, const std::string&) override { return Away(); }
  Expected<void> Logs(const Context&, const LogQuery&, const LogSink&) override { return Away(); }
  Expected<std::unique_ptr<ExecSession>> Exec(const Context&, const ExecRequest&) override {
    return Away();
  }
  Expected<std::unique_ptr<SwarmWatch>> Subscribe(
      std::function<void(const SwarmHint&)> on_hint) override {
    if (away) return Away();
    hint = std::move(on_hint);
    return std::make_unique<SwarmWatch>();
  }
  void ExpectChanges(Duration) override {}
  Expected<void> Ping(const Context&) override { return {}; }

 private:
  static Error Away() { return MakeError(Code::kUnavailable, "no Swarm here"); }
};

// Does what the test says.
class FakeReconciler : public Reconciler {
 public:
  std::function<Expected<Result>(const Context&, const Key&, v1::Execution*, StatusDraft&)> act =
      [](const Context&, const Key&, v1::Execution*, StatusDraft&) { return Result{}; };
  std::atomic<int> passes{0};

  Expected<Result> Reconcile(const Context& ctx, const Key& key, StatusDraft& draft) override {
    ++passes;
    return act(ctx, key, static_cast<v1::Execution*>(draft.object.get()), draft);
  }
};

struct LoopTest : testing::Test {
  World w;
  HintSwarm swarm;
  FakeReconciler reconciler;
  EventRecorder events{w.store, w.clock, w.metrics};
  std::unique_ptr<Controller> controller;
  const Key a = ExecutionKey("a");

  LoopTest() { Make({.name = "execution", .kind = "Execution"}); }
  void Make(ControllerOptions options) {
    controller = std::make_unique<Controller>(
        options, reconciler, ControllerPorts{w.store, w.cache, swarm, w.clock, w.metrics, events});
    controller->SetLease(SteadyTime::max());
  }
  // Until nothing is ready any more; at most 100 passes.
  void Run() {
    for (int i = 0; i < 100; ++i) {
      w.Pump();
      if (!controller->Step()) return;
    }
    ADD_FAILURE() << "the loop does not come to rest";
  }
  void SetPhase(const std::string& phase) {
    reconciler.act = [phase](const Context&, const Key&, v1::Execution* e, StatusDraft&) {
      if (e) e->status.phase = phase;
      return Result{};
    };
  }
  void FailWith(Code code) {
    reconciler.act = [code](const Context&, const Key&, v1::Execution*,
                            StatusDraft&) -> Expected<Result> { return MakeError(code, "no"); };
  }
  std::string Phase(const Key& key) { return w.cache.Get<v1::Execution>(key)->status.phase; }
  int Total(const char* result) {
    return static_cast<int>(
        w.metrics
            .CounterOf("zoe_reconcile_total", "", {{"controller", "execution"}, {"result", result}})
            .value());
  }
};

TEST_F(LoopTest, WritesStatusOnceAndItsOwnWriteStartsNoPass) {
  CreateExecution(w.store.inner(), a);
  SetPhase("Running");
  Run();
  EXPECT_EQ(Phase(a), "Running");
  EXPECT_EQ(w.store.writes, 1);
  EXPECT_EQ(reconciler.passes, 1);
}

TEST_F(LoopTest, WritesNothingWhenNothingDiffers) {
  CreateExecution(w.store.inner(), a);
  SetPhase("Running");
  Run();
  for (int i = 0; i < 10; ++i) {
    controller->EnqueueAll();
    Run();
  }
  EXPECT_EQ(reconciler.passes, 11);
  EXPECT_EQ(w.store.writes, 1);
}

TEST_F(LoopTest, ThePassChangesNothingButStatusAndFinalizers) {
  CreateExecution(w.store.inner(), a, 3);
  reconciler.act = [](const Context&, const Key&, v1::Execution* e, StatusDraft&) {
    e->spec.priority = 99;
    e->meta.labels["x"] = "y";
    e->meta.finalizers = {"zoe/execution"};
    e->status.phase = "Running";
    return Result{};
  };
  Run();
  const auto stored = w.cache.Get<v1::Execution>(a);
  EXPECT_EQ(stored->spec.priority, 3);
  EXPECT_TRUE(stored->meta.labels.empty());
  EXPECT_EQ(stored->meta.finalizers, std::vector<std::string>{"zoe/execution"});
  EXPECT_EQ(stored->status.phase, "Running");
}

TEST_F(LoopTest, AUsersEditStartsAPass) {
  CreateExecution(w.store.inner(), a);
  Run();
  Edit(w.store.inner(), a, [](v1::Execution& e) { e.meta.generation = 2; });
  Run();
  EXPECT_EQ(reconciler.passes, 2);
}

TEST_F(LoopTest, AStatusThatSomebodyElseWroteIsMended) {
  CreateExecution(w.store.inner(), a);
  SetPhase("Running");
  Run();
  Edit(w.store.inner(), a, [](v1::Execution& e) { e.status.phase = "Nonsense"; });
  Run();
  EXPECT_EQ(Phase(a), "Running");
}

TEST_F(LoopTest, AForeignStatusThatComesDuringThePassIsMended) {
  CreateExecution(w.store.inner(), a);
  Run();
  Edit(w.store.inner(), a, [](v1::Execution& e) { e.meta.labels["go"] = "on"; });
  reconciler.act = [&](const Context&, const Key&, v1::Execution*, StatusDraft&) {
    if (reconciler.passes == 2) {
      Edit(w.store.inner(), a, [](v1::Execution& e) { e.status.phase = "Nonsense"; });
      w.Pump();  // seen while the pass, which has nothing to write, still runs
    }
    return Result{};
  };
  Run();
  EXPECT_EQ(reconciler.passes, 3);
}

TEST_F(LoopTest, ALostCompareAndSwapIsDecidedAgainOnTheNewVersion) {
  CreateExecution(w.store.inner(), a);
  std::vector<int> seen;
  reconciler.act = [&](const Context&, const Key&, v1::Execution* e, StatusDraft& draft) {
    seen.push_back(e->spec.priority);
    if (seen.size() == 1) Edit(w.store.inner(), a, [](v1::Execution& o) { o.spec.priority = 5; });
    e->status.phase = "P" + std::to_string(e->spec.priority);
    draft.Event("Decided", e->status.phase);
    return Result{};
  };
  Run();
  EXPECT_EQ(seen, (std::vector<int>{0, 5}));
  EXPECT_EQ(Phase(a), "P5");
  EXPECT_EQ(Total("conflict"), 1);
  ASSERT_TRUE(events.Flush());
  w.Pump();
  EXPECT_EQ(w.cache.List("Event").entries.size(), 1u) << "the lost pass has told nothing";
}

TEST_F(LoopTest, WaitsForTheCacheInsteadOfLosingTheSameRaceAgain) {
  Run();  // leading already
  CreateExecution(w.store.inner(), a);
  w.Pump();
  Edit(w.store.inner(), a, [](v1::Execution& e) { e.spec.priority = 5; });
  SetPhase("Running");
  for (int i = 0; i < 20; ++i) controller->Step();  // the cache isn't told
  EXPECT_EQ(reconciler.passes, 1);
  Run();
  EXPECT_EQ(reconciler.passes, 2);
  EXPECT_EQ(Phase(a), "Running");
}

TEST_F(LoopTest, LeadsNobodyByACacheThatIsBehindTheOneWhoLedBefore) {
  controller->SetLease(kNotLeading);
  CreateExecution(w.store.inner(), a);
  w.Pump();
  Edit(w.store.inner(), a, [](v1::Execution& e) { e.spec.priority = 5; });
  controller->SetLease(SteadyTime::max());
  for (int i = 0; i < 20; ++i) controller->Step();  // the cache isn't told
  EXPECT_EQ(reconciler.passes, 0);
  Run();
  EXPECT_EQ(reconciler.passes, 1);
}

TEST_F(LoopTest, StatusIsWrittenAfterAFailureToo) {
  CreateExecution(w.store.inner(), a);
  reconciler.act = [](const Context&, const Key&, v1::Execution* e,
                      StatusDraft&) -> Expected<Result> {
    e->status.phase = "Pending";
    return MakeError(Code::kUnavailable, "no manager answers");
  };
  Run();
  EXPECT_EQ(Phase(a), "Pending");
  ASSERT_TRUE(events.Flush());
  w.Pump();
  const auto told = w.cache.List("Event").entries;
  ASSERT_EQ(told.size(), 1u);
  const auto& event = static_cast<const v1::Event&>(*told[0]->object);
  EXPECT_EQ(event.type, "Warning");
  EXPECT_EQ(event.message, "no manager answers");
  EXPECT_EQ(event.involved_object.name, "a");
}

TEST_F(LoopTest, UnavailableBacksOffAndRecovers) {
  CreateExecution(w.store.inner(), a);
  FailWith(Code::kUnavailable);
  Run();
  EXPECT_EQ(reconciler.passes, 1);
  for (int i = 0; i < 5; ++i) {
    w.clock.AdvanceTo(*controller->queue().NextDue());
    Run();
  }
  EXPECT_EQ(reconciler.passes, 6);
  EXPECT_EQ(controller->queue().Failures(a), 6);
  SetPhase("Running");
  w.clock.AdvanceTo(*controller->queue().NextDue());
  Run();
  EXPECT_EQ(controller->queue().Failures(a), 0);
  EXPECT_EQ(Phase(a), "Running");
}

TEST_F(LoopTest, InvalidWaitsForANewSpec) {
  CreateExecution(w.store.inner(), a);
  FailWith(Code::kInvalid);
  Run();
  EXPECT_EQ(controller->queue().NextDue(), std::nullopt);
  w.clock.Advance(minutes(1));
  Run();
  EXPECT_EQ(reconciler.passes, 1);
  Edit(w.store.inner(), a, [](v1::Execution& e) { ++e.meta.generation; });
  Run();
  EXPECT_EQ(reconciler.passes, 2);
}

TEST_F(LoopTest, AnUnknownOutcomeIsLookedAtAfterASecond) {
  CreateExecution(w.store.inner(), a);
  FailWith(Code::kOutcomeUnknown);
  Run();
  EXPECT_EQ(controller->queue().NextDue(), w.clock.Now() + seconds(1));
}

TEST_F(LoopTest, AConflictIsLookedAtAtOnceButAQuarrelSlowsDown) {
  CreateExecution(w.store.inner(), a);
  FailWith(Code::kConflict);
  Run();
  EXPECT_GT(reconciler.passes, 3);
  EXPECT_LT(reconciler.passes, 20);
  EXPECT_TRUE(controller->queue().NextDue());
}

TEST_F(LoopTest, EveryCodeHasAVerdictAndAReason) {
  for (int code = 0; code <= static_cast<int>(Code::kInternal); ++code) {
    Error error = MakeError(static_cast<Code>(code), "x");
    EXPECT_FALSE(ConditionReason(error).empty());
    Classify(error.code);
  }
  EXPECT_EQ(ConditionReason(MakeError(Code::kInvalid, "BadImage", "x")), "BadImage");
  EXPECT_EQ(Classify(Code::kConflict).requeue, Requeue::kNow);
  EXPECT_EQ(Classify(Code::kInvalid).requeue, Requeue::kWaitForSpec);
  EXPECT_EQ(Classify(Code::kUnavailable).requeue, Requeue::kBackoff);
  EXPECT_EQ(Classify(Code::kOutcomeUnknown).requeue, Requeue::kObserveFirst);
}

TEST_F(LoopTest, AnExceptionIsCaughtLoggedCountedAndBacksOff) {
  CreateExecution(w.store.inner(), a);
  const int errors = log::ErrorCount();
  reconciler.act = [](const Context&, const Key&, v1::Execution* e,
                      StatusDraft&) -> Expected<Result> {
    e->status.phase = "Half";
    throw std::runtime_error("defect");
  };
  Run();
  EXPECT_EQ(log::ErrorCount(), errors + 1);
  EXPECT_EQ(Total("exception"), 1);
  EXPECT_EQ(Phase(a), "") << "half a draft is not written";
  EXPECT_TRUE(controller->queue().NextDue());
  reconciler.act = [](const Context&, const Key&, v1::Execution*,
                      StatusDraft&) -> Expected<Result> { throw 1; };
  w.clock.AdvanceTo(*controller->queue().NextDue());
  Run();
  EXPECT_EQ(Total("exception"), 2);
}

TEST_F(LoopTest, RequeueAfterIsKept) {
  CreateExecution(w.store.inner(), a);
  reconciler.act = [](const Context&, const Key&, v1::Execution*, StatusDraft&) {
    return Result{.requeue_after = seconds(30)};
  };
  Run();
  EXPECT_EQ(controller->queue().NextDue(), w.clock.Now() + seconds(30));
  w.clock.Advance(seconds(30));
  Run();
  EXPECT_EQ(reconciler.passes, 2);
}

TEST_F(LoopTest, TheLastFinalizerOfADeletedObjectRemovesIt) {
  CreateExecution(w.store.inner(), a);
  Edit(w.store.inner(), a, [](v1::Execution& e) {
    e.meta.finalizers = {"zoe/execution"};
    e.meta.deletion_timestamp = WallTime(seconds(1));
  });
  reconciler.act = [](const Context&, const Key&, v1::Execution* e, StatusDraft&) {
    if (e) e->meta.finalizers.clear();
    return Result{};
  };
  Run();
  EXPECT_FALSE(w.cache.Get(a));
  EXPECT_EQ(w.store.inner().Get(a).error().code, Code::kNotFound);
}

TEST_F(LoopTest, RequestDeletionMarksWhatHasFinalizersAndRemovesWhatHasNone) {
  const Key b = ExecutionKey("b");
  CreateExecution(w.store.inner(), a);
  CreateExecution(w.store.inner(), b);
  Edit(w.store.inner(), a, [](v1::Execution& e) { e.meta.finalizers = {"zoe/execution"}; });
  reconciler.act = [](const Context&, const Key&, v1::Execution* e, StatusDraft& draft) {
    draft.request_deletion = e != nullptr;
    return Result{};
  };
  Run();
  EXPECT_TRUE(w.cache.Get(a)->object->meta.deletion_timestamp);
  EXPECT_FALSE(w.cache.Get(b));
}

TEST_F(LoopTest, RemoveRespectsAFinalizerOfSomebodyElse) {
  CreateExecution(w.store.inner(), a);
  Edit(w.store.inner(), a, [](v1::Execution& e) { e.meta.finalizers = {"other/one"}; });
  reconciler.act = [](const Context&, const Key&, v1::Execution* e, StatusDraft& draft) {
    draft.remove = e != nullptr;
    return Result{};
  };
  Run();
  EXPECT_TRUE(w.cache.Get(a));
  EXPECT_TRUE(w.cache.Get(a)->object->meta.deletion_timestamp);
}

TEST_F(LoopTest, HintsOfTheSwarmStartPasses) {
  CreateExecution(w.store.inner(), a);
  CreateExecution(w.store.inner(), ExecutionKey("b"));
  Run();
  EXPECT_EQ(reconciler.passes, 2);
  swarm.hint({"Execution", "alice", "a"});
  swarm.hint({"Gateway", "alice", "a"});
  Run();
  EXPECT_EQ(reconciler.passes, 3);
  swarm.hint({});
  Run();
  EXPECT_EQ(reconciler.passes, 5);
}

TEST_F(LoopTest, SubscribesAgainWhenTheSwarmWasAwayAtFirst) {
  swarm.away = true;
  Run();
  EXPECT_FALSE(swarm.hint);
  swarm.away = false;
  w.clock.Advance(seconds(1));
  Run();
  EXPECT_TRUE(swarm.hint);
}

TEST_F(LoopTest, ResyncsEveryKeySpreadOverTime) {
  for (int i = 0; i < 20; ++i)
    CreateExecution(w.store.inner(), ExecutionKey("e" + std::to_string(i)));
  Run();
  EXPECT_EQ(reconciler.passes, 20);
  w.clock.Advance(minutes(5));
  Run();
  EXPECT_LT(reconciler.passes, 25) << "no wave";
  for (int i = 0; i < 150; ++i) {
    w.clock.Advance(seconds(1));
    Run();
  }
  EXPECT_EQ(reconciler.passes, 40);
}

TEST_F(LoopTest, DoesNothingUntilSyncedAndLeading) {
  CreateExecution(w.store.inner(), a);
  EXPECT_FALSE(controller->Step());  // not synced
  controller->SetLease(kNotLeading);
  w.Pump();
  EXPECT_FALSE(controller->Step());
  controller->SetLease(SteadyTime::max());
  EXPECT_TRUE(controller->Step());
}

TEST_F(LoopTest, T27_AFreshEditGoesBeforeABacklogOfTenThousand) {
  std::vector<Key> taken;
  reconciler.act = [&](const Context&, const Key& key, v1::Execution*, StatusDraft&) {
    taken.push_back(key);
    return Result{};
  };
  for (int i = 0; i < 10'000; ++i)
    CreateExecution(w.store.inner(), ExecutionKey("e" + std::to_string(i)));
  w.Pump();
  controller->Step();
  const Key edited = ExecutionKey("e9999");
  Edit(w.store.inner(), edited, [](v1::Execution& e) { e.meta.generation = 2; });
  w.Pump();
  controller->Step();
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken.back(), edited);
}

TEST_F(LoopTest, NothingIsDueWhileNotLeading) {
  w.Pump();
  controller->SetLease(SteadyTime::max());
  controller->Step();
  EXPECT_LT(controller->NextDue(), SteadyTime::max());
  controller->SetLease(kNotLeading);
  controller->queue().AddAfter(a, Duration(10), Priority::kLow);
  EXPECT_EQ(controller->NextDue(), SteadyTime::max());
}

TEST_F(LoopTest, LosingLeadershipCancelsThePassAndDropsItsDraft) {
  CreateExecution(w.store.inner(), a);
  reconciler.act = [&](const Context& ctx, const Key&, v1::Execution* e,
                       StatusDraft&) -> Expected<Result> {
    controller->SetLease(kNotLeading);
    EXPECT_TRUE(ctx.stop.stop_requested());
    e->status.phase = "Running";
    return MakeError(Code::kCancelled, "stopped");
  };
  Run();
  EXPECT_EQ(w.store.writes, 0);
  SetPhase("Running");
  controller->SetLease(SteadyTime::max());
  Run();
  EXPECT_EQ(Phase(a), "Running");
}

// Its thread did not run for so long; then it is renewed as if nothing had been.
TEST_F(LoopTest, ALeaseThatPassesDuringAPassLosesNoKey) {
  CreateExecution(w.store.inner(), a);
  reconciler.act = [&](const Context& ctx, const Key&, v1::Execution* e,
                       StatusDraft&) -> Expected<Result> {
    w.clock.Advance(Duration{5'000});
    EXPECT_FALSE(ctx.MayWrite());
    e->status.phase = "Running";
    return Result{};
  };
  controller->SetLease(w.clock.Now() + Duration{4'000});
  Run();
  EXPECT_EQ(w.store.writes, 0);
  EXPECT_EQ(Total("error"), 0);
  SetPhase("Running");
  reconciler.passes = 0;
  w.clock.Advance(Duration{1'000});
  Run();  // not told yet, but it knows
  EXPECT_EQ(reconciler.passes, 0);
  controller->SetLease(w.clock.Now() + Duration{4'000});
  w.clock.Advance(Duration{1'000});
  Run();
  EXPECT_EQ(Phase(a), "Running");
}

TEST_F(LoopTest, APassOfAFormerTermWritesNothingAlthoughThisProcessLeadsAgain) {
  CreateExecution(w.store.inner(), a);
  reconciler.act = [&](const Context& ctx, const Key&, v1::Execution* e,
                       StatusDraft&) -> Expected<Result> {
    controller->SetLease(kNotLeading);
    controller->SetLease(SteadyTime::max());
    EXPECT_TRUE(ctx.stop.stop_requested());
    EXPECT_FALSE(ctx.MayWrite());
    e->status.phase = "Failed";
    return Result{};
  };
  w.Pump();
  EXPECT_TRUE(controller->Step());
  EXPECT_EQ(w.store.writes, 0);
  SetPhase("Running");
  Run();
  EXPECT_EQ(Phase(a), "Running");
}

TEST_F(LoopTest, RevisionsOfAStoreThatIsGoneHoldUpNoObjectOfTheNextOne) {
  CreateExecution(w.store.inner(), a);
  for (int i = 1; i < 10; ++i)
    Edit(w.store.inner(), a, [i](v1::Execution& e) { e.spec.priority = i; });
  SetPhase("Running");
  Run();
  controller->SetLease(kNotLeading);
  w.store.Remake();
  CreateExecution(w.store.inner(), a);
  w.store.feed.on_gap();
  w.Pump();
  controller->SetLease(SteadyTime::max());
  Run();
  const Record record = w.store.Get(a).value();
  EXPECT_NE(record.bytes.find("Running"), std::string::npos) << record.bytes;
}

TEST_F(LoopTest, AWriteThatTheFenceRefusesIsNoFailureAndLosesNoKey) {
  CreateExecution(w.store.inner(), a);
  SetPhase("Running");
  w.store.before = [](const std::string& call, const Key&) -> Expected<void> {
    if (call == "Replace") return MakeError(Code::kUnavailable, "NotLeading", "deposed");
    return {};
  };
  Run();
  EXPECT_EQ(w.store.writes, 1);
  EXPECT_EQ(Total("error"), 0);
  w.store.before = nullptr;
  w.clock.Advance(Duration{1'000});
  Run();
  EXPECT_EQ(Phase(a), "Running");
}

TEST_F(LoopTest, AWholeWorldReconcilerHasOneKey) {
  const Key sweep{"Sweep", "", "all"};
  Make({.name = "sweep", .kind = "", .only = sweep});
  reconciler.act = [&](const Context&, const Key& key, v1::Execution* e, StatusDraft&) {
    EXPECT_EQ(key, sweep);
    EXPECT_EQ(e, nullptr);
    return Result{};
  };
  CreateExecution(w.store.inner(), a);
  Run();
  EXPECT_EQ(reconciler.passes, 1);
  swarm.hint({"Execution", "alice", "a"});  // has an owner
  w.clock.Advance(seconds(1));
  Run();
  EXPECT_EQ(reconciler.passes, 1);
  swarm.hint({"Execution", "alice", "gone"});
  w.clock.Advance(seconds(1));
  Run();
  EXPECT_EQ(reconciler.passes, 2);
  swarm.hint({std::string(kCapacityHint), "", ""});
  w.clock.Advance(seconds(1));
  Run();
  EXPECT_EQ(reconciler.passes, 2);
  ASSERT_TRUE(w.store.inner().Delete(a, w.cache.Get(a)->revision).ok());
  w.Pump();
  w.clock.Advance(seconds(1));
  Run();
  EXPECT_EQ(reconciler.passes, 3);
}

TEST_F(LoopTest, AWholeWorldReconcilerCanSayWhatConcernsIt) {
  const Key all{"Schedule", "", "all"};
  std::vector<std::string> hints;
  Make({.name = "schedule",
        .kind = "",
        .only = all,
        .related =
            [&](const CacheEvent& event, std::vector<Key>& keys) {
              if (event.entry->key.name == "a") keys.push_back(all);
            },
        .hinted =
            [&](const SwarmHint& hint) {
              hints.push_back(hint.kind);
              return hint.kind == kCapacityHint;
            }});
  Run();
  EXPECT_EQ(reconciler.passes, 1);
  CreateExecution(w.store.inner(), ExecutionKey("b"));
  Run();
  EXPECT_EQ(reconciler.passes, 1);
  CreateExecution(w.store.inner(), a);
  Run();
  EXPECT_EQ(reconciler.passes, 2);
  swarm.hint({"Execution", "alice", "gone"});
  w.clock.Advance(seconds(1));
  Run();
  EXPECT_EQ(reconciler.passes, 2);
  swarm.hint({std::string(kCapacityHint), "", ""});
  Run();
  EXPECT_EQ(reconciler.passes, 3);
  swarm.hint({});
  Run();
  EXPECT_EQ(reconciler.passes, 4);
  EXPECT_EQ(hints, (std::vector<std::string>{"Execution", std::string(kCapacityHint), ""}));
}

// ---- with threads

struct LoopThreads : testing::Test {
  SystemClock clock;
  Metrics metrics;
  FaultStore store{true};
  Cache cache;
  Informer informer{store, cache, clock, metrics};
  HintSwarm swarm;
  FakeReconciler reconciler;
  EventRecorder events{store, clock, metrics};

  std::unique_ptr<Controller> Make(ControllerOptions options) {
    return std::make_unique<Controller>(
        options, reconciler, ControllerPorts{store, cache, swarm, clock, metrics, events});
  }
  template <class F>
  bool Within(F condition) {
    const auto deadline = clock.Now() + seconds(30);
    while (!condition()) {
      if (clock.Now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }
};

TEST_F(LoopThreads, BringsManyObjectsToRestBesideConcurrentEditors) {
  auto controller = Make({.name = "execution", .kind = "Execution", .workers = 4});
  reconciler.act = [](const Context&, const Key&, v1::Execution* e, StatusDraft& draft) {
    if (!e) return Result{};
    if (e->status.phase != "P" + std::to_string(e->spec.priority)) draft.Event("Changed", "x");
    e->status.phase = "P" + std::to_string(e->spec.priority);
    e->status.observed_generation = e->meta.generation;
    return Result{};
  };
  informer.Start();
  events.Start();
  controller->Start();
  controller->SetLease(SteadyTime::max());
  constexpr int kObjects = 60;
  for (int i = 0; i < kObjects; ++i) {
    CreateExecution(store.inner(), ExecutionKey("e" + std::to_string(i)), i);
  }
  std::vector<std::thread> editors;
  for (int t = 0; t < 2; ++t) {
    editors.emplace_back([&, t] {
      for (int n = 0; n < 300; ++n) {
        const Key key = ExecutionKey("e" + std::to_string((n * 13 + t) % kObjects));
        const auto record = store.inner().Get(key).value();
        auto object = v1::DecodeStored(ExecutionKind(), record.bytes).value();
        auto& e = static_cast<v1::Execution&>(*object);
        ++e.spec.priority;
        ++e.meta.generation;
        (void)store.inner().Replace(key, record.revision, Bytes(e));  // lost races are fine
      }
    });
  }
  for (auto& editor : editors) editor.join();
  EXPECT_TRUE(Within([&] {
    for (const EntryPtr& entry : cache.List("Execution").entries) {
      const auto& e = static_cast<const v1::Execution&>(*entry->object);
      if (e.status.phase != "P" + std::to_string(e.spec.priority)) return false;
    }
    return cache.List("Execution").entries.size() == kObjects;
  }));
  controller->SetLease(kNotLeading);
  controller->Stop();
  events.Stop();
  informer.Stop();
}

TEST_F(LoopThreads, StopsWhileAPassIsBusy) {
  auto controller = Make({.name = "execution", .kind = "Execution", .workers = 2});
  std::atomic<bool> busy{false};
  reconciler.act = [&](const Context& ctx, const Key&, v1::Execution*,
                       StatusDraft&) -> Expected<Result> {
    busy = true;
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    stopped.wait(lock, ctx.stop, [] { return false; });  // a call that ends by its stop token only
    return MakeError(Code::kCancelled, "stopped");
  };
  CreateExecution(store.inner(), ExecutionKey("a"));
  informer.Start();
  controller->Start();
  controller->SetLease(SteadyTime::max());
  ASSERT_TRUE(Within([&] { return busy.load(); }));
  const auto begin = clock.Now();
  controller->Stop();
  EXPECT_LT(clock.Now() - begin, seconds(2));
  EXPECT_EQ(reconciler.passes, 1);
  informer.Stop();
}

TEST_F(LoopThreads, TellsOfAPassThatTakesLong) {
  auto controller = Make({.name = "execution", .kind = "Execution", .slow_pass = Duration(1)});
  std::atomic<bool> release{false};
  reconciler.act = [&](const Context&, const Key&, v1::Execution*, StatusDraft&) {
    while (!release) std::this_thread::yield();
    return Result{};
  };
  CreateExecution(store.inner(), ExecutionKey("a"));
  informer.Start();
  controller->Start();
  controller->SetLease(SteadyTime::max());
  Counter& slow = metrics.CounterOf("zoe_reconcile_slow_total", "", {{"controller", "execution"}});
  EXPECT_TRUE(Within([&] { return slow.value() == 1; }));
  release = true;
  controller->Stop();
  informer.Stop();
}

}  // namespace
}  // namespace zoe
