// Three ZooKeeper servers of which any may be killed, paused or lag: what the Store keeps then.
// T8, T33 and so on are the failure patterns that test/sim/README.md explains.
//
// ZOE_STORM_SEED repeats a run's random choices, ZOE_STORM_SECONDS makes the storm as long.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <future>
#include <thread>

#include "apis/zookeeper/layout.h"
#include "apis/zookeeper/session.h"
#include "test/conformance/store/fleet.h"
#include "test/conformance/store/recorder.h"
#include "test/conformance/store/storm.h"
#include "test/conformance/store/writer_process.h"
#include "test/conformance/store/zookeeper_server.h"

namespace zoe::conformance {
namespace {

using std::chrono::steady_clock;
using testing::IsEmpty;

bool Eventually(const std::function<bool()>& holds, Duration timeout = Duration(20'000)) {
  const auto deadline = steady_clock::now() + timeout;
  while (!holds()) {
    if (steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

Key Exec(const std::string& name) { return {"Execution", "alice", name}; }

template <class T>
Code CodeOf(const Expected<T>& result) {
  return result.ok() ? Code{-1} : result.error().code;
}

class EnsembleTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!ensemble_)
      ensemble_ = new Expected<std::unique_ptr<ZooKeeperEnsemble>>(ZooKeeperEnsemble::Start());
  }
  static void TearDownTestSuite() {
    delete ensemble_;
    ensemble_ = nullptr;
  }
  void SetUp() override {
    if (!ensemble_->ok()) GTEST_SKIP() << ensemble_->error().message;
    const Expected<void> whole = ensemble().Heal();
    ASSERT_TRUE(whole.ok()) << whole.error().message;
    static int next = 0;
    options_.hosts = ensemble().hosts();
    options_.chroot = "/test-" + std::to_string(++next);
    options_.session_timeout = Duration(1'500);
    options_.call_timeout = Duration(3'000);
  }
  static ZooKeeperEnsemble& ensemble() { return ***ensemble_; }
  static std::vector<int> Ports() {
    std::vector<int> ports;
    for (int i = 0; i < ensemble().size(); ++i) ports.push_back(ensemble().server(i).port());
    return ports;
  }
  std::unique_ptr<Store> MustOpen(const std::string& hosts) {
    ZooKeeperOptions options = options_;
    options.hosts = hosts;
    Expected<std::unique_ptr<Store>> store = OpenZooKeeperStore(options);
    EXPECT_TRUE(store.ok()) << store.error().message;
    return store.ok() ? std::move(store).value() : nullptr;
  }
  std::unique_ptr<Store> MustOpen() { return MustOpen(ensemble().hosts()); }
  void MakeObjects(Store& store, int namespaces, int count);

  static Expected<std::unique_ptr<ZooKeeperEnsemble>>* ensemble_;
  ZooKeeperOptions options_;
};
Expected<std::unique_ptr<ZooKeeperEnsemble>>* EnsembleTest::ensemble_ = nullptr;

// ---- histories

TEST_F(EnsembleTest, HistoriesUnderFaultsAreLinearizable) {
  const uint64_t seed = StormSeed();
  std::printf("ZOE_STORM_SEED=%lu\n", static_cast<unsigned long>(seed));
  auto fleet = Fleet::Open(options_, Ports(), 3);
  ASSERT_TRUE(fleet.ok()) << fleet.error().message;
  Nemesis* nemesis = nullptr;
  std::vector<Nemesis::Fault> faults = NetworkFaults(**fleet, nemesis);
  const auto revive = [](int i) {
    ensemble().Spawn(i);
    EXPECT_TRUE(ensemble().server(i).WaitServing().ok());
  };
  for (const bool leader : {true, false}) {
    const std::string who = leader ? "leader" : "follower";
    const auto pick = [leader] { return leader ? ensemble().Leader() : ensemble().Follower(); };
    faults.push_back({who + " killed", 1, [&nemesis, pick, revive] {
                        const int i = pick();
                        ensemble().server(i).Kill();
                        nemesis->Last(10, 800);
                        revive(i);
                      }});
    faults.push_back({who + " paused", 1, [&nemesis, pick] {
                        const int i = pick();
                        ensemble().server(i).Freeze();
                        nemesis->Last(100, 3'500);
                        ensemble().server(i).Thaw();
                      }});
  }
  faults.push_back({"follower lagging", 4, [&nemesis] {
                      const int i = ensemble().Follower();
                      ensemble().Lag(i);
                      nemesis->Last(100, 1'500);
                      ensemble().CatchUp(i);
                    }});
  faults.push_back({"quorum lost", 1, [&nemesis, revive] {
                      const int leader = ensemble().Leader(), follower = ensemble().Follower();
                      for (const int i : {leader, follower}) ensemble().server(i).Kill();
                      nemesis->Last(200, 1'500);
                      ensemble().Spawn(follower);
                      revive(leader);
                    }});
  Nemesis at_random(seed, std::move(faults));
  nemesis = &at_random;
  History history;
  const StormOptions storm_options{
      .seed = seed, .reads = Reads::kPerStore, .threads = 2, .pause = Duration(4), .lead = true};
  Storm storm(storm_options, history, (*fleet)->stores());
  storm.Start();
  at_random.RunFor(StormDuration(Duration(11'000)));
  storm.Stop();
  const Expected<void> healed = ensemble().Heal();
  ASSERT_TRUE(healed.ok()) << healed.error().message;
  const Expected<void> settled = (*fleet)->Settle(history, storm_options.keys);
  ASSERT_TRUE(settled.ok()) << settled.error().message;
  const Judgement judgement = (*fleet)->Judge(history.Operations(), storm_options.reads);
  EXPECT_THAT(judgement.violations, IsEmpty());
  std::printf("%s; %s\n", at_random.ToString().c_str(), judgement.figures.c_str());
}

// ---- patterns, by number

TEST_F(EnsembleTest, T8_WhoReadsFromALaggingFollowerWritesNothingOnTheOlderVersion) {
  const auto ahead = MustOpen();
  const Expected<Revision> first = ahead->Create(Exec("a"), "first");
  ASSERT_TRUE(first.ok());
  const int follower = ensemble().Follower();
  const auto behind = MustOpen(ensemble().server(follower).hosts());
  ASSERT_TRUE(behind->Get(Exec("a")).ok());
  Recorder recorder;
  const auto watch = behind->Subscribe(recorder.feed());
  ASSERT_TRUE(watch.ok());

  ensemble().Lag(follower);
  // `ahead` may be connected to the follower, whose replies to writes wait as well.
  const auto direct = MustOpen(ensemble().server(ensemble().Leader()).hosts());
  const Expected<Revision> second = direct->Replace(Exec("a"), *first, "second");
  ASSERT_TRUE(second.ok()) << second.error().message;
  const Expected<Record> old = behind->Get(Exec("a"));
  ASSERT_TRUE(old.ok());
  EXPECT_EQ(old->revision, *first) << "it does not lag: the test shows nothing";

  Expected<Revision> late = Revision{0}, removed = Revision{0};
  std::thread writer([&] { late = behind->Replace(Exec("a"), old->revision, "on the old one"); });
  std::thread remover([&] { removed = behind->Delete(Exec("a"), old->revision); });
  // The newer one, told of by somebody else, is not refused as if it weren't there for good.
  EXPECT_EQ(CodeOf(behind->Replace(Exec("a"), *second, "third")), Code::kConflict);
  ensemble().CatchUp(follower);
  writer.join();
  remover.join();
  EXPECT_EQ(CodeOf(late), Code::kConflict);
  EXPECT_EQ(CodeOf(removed), Code::kConflict);
  ASSERT_TRUE(recorder.WaitForChanges(1));
  EXPECT_EQ(recorder.changes()[0].revision, *second);
  const Expected<Record> now = behind->Get(Exec("a"));
  ASSERT_TRUE(now.ok());
  EXPECT_EQ(now->bytes, "second");
  EXPECT_TRUE(behind->Replace(Exec("a"), now->revision, "third").ok());
}

// A session expires while each kind of call is under way; everything goes on in the next one.
TEST_F(EnsembleTest, T33_ASessionMayExpireInEachPhase) {
  options_.session_timeout = Duration(600);
  options_.call_timeout = Duration(8'000);
  options_.write_patience = Duration(8'000);
  Link link(Ports());
  const auto store = MustOpen(link.hosts()), witness = MustOpen();
  Recorder recorder;
  const auto watch = store->Subscribe(recorder.feed());
  Leadership leadership;
  const auto campaign = store->Campaign("me", leadership.callback());
  ASSERT_TRUE(leadership.WaitFor(true));
  ASSERT_TRUE(store->Create(Exec("kept"), "{}").ok());
  const std::vector<std::pair<const char*, std::function<void()>>> phases = {
      {"at rest", [] {}},
      {"create", [&] { (void)store->Create(Exec("phase"), "{}"); }},
      {"replace",
       [&] { (void)store->Replace(Exec("kept"), witness->Get(Exec("kept"))->revision, "2"); }},
      {"as the leader", [&] { (void)store->ForLeader().Create(Exec("led"), "{}"); }},
      {"get", [&] { EXPECT_TRUE(store->Get(Exec("kept")).ok()); }},
      {"list", [&] { EXPECT_TRUE(store->List("").ok()); }},
      {"subscribe",
       [&] {
         Recorder late;
         const auto second = store->Subscribe(late.feed());
         EXPECT_TRUE(second.ok());
       }},
      {"campaign", [&] {
         Leadership second;
         const auto standing = store->Campaign("second", second.callback());
         EXPECT_TRUE(standing.ok());
       }}};
  int gaps = 0;
  for (const auto& [name, call] : phases) {
    SCOPED_TRACE(name);
    link.BlockReplies();
    std::thread caller(call);
    // Its servers hear of it no longer, either.
    link.Block();
    EXPECT_TRUE(Eventually([&] {
      const auto candidates = witness->Candidates();
      return candidates.ok() && candidates->empty();
    })) << "the session did not expire";
    EXPECT_FALSE(leadership.leading());
    link.Cut();
    link.Unblock();
    caller.join();
    ASSERT_TRUE(recorder.WaitForGaps(++gaps));
    ASSERT_TRUE(leadership.WaitFor(true));
    const Expected<Revision> written =
        store->ForLeader().Create(Exec("after-" + std::to_string(gaps)), "{}");
    ASSERT_TRUE(written.ok()) << written.error().message;
    EXPECT_TRUE(Eventually([&] {
      return !recorder.changes().empty() && recorder.changes().back().revision == *written;
    }));
    gaps = recorder.gaps();
  }
}

// Each write, with its request lost and with its reply lost: what is read back says which.
class LostConnectionTest : public EnsembleTest {
 protected:
  void SetUp() override {
    EnsembleTest::SetUp();
    if (IsSkipped()) return;
    options_.session_timeout = Duration(60'000);  // no heartbeats in between
    options_.call_timeout = Duration(20'000);
    link_ = std::make_unique<Link>(Ports());
    store_ = MustOpen(link_->hosts());
    witness_ = MustOpen();
    watch_ = store_->Subscribe(recorder_.feed()).value();
    campaign_ = store_->Campaign("me", leadership_.callback()).value();
    ASSERT_TRUE(leadership_.WaitFor(true));
  }

  // False: the connection was lost too early or too late, the write went through another one.
  bool Lose(Act act, bool arrives, Store& writer, const Key& key) {
    const Revision before = act == Act::kCreate ? 0 : witness_->Create(key, "before").value_or(0);
    Rest();
    // A swap looks before it writes: two answers of length, header and Stat.
    constexpr int64_t kLook = 2 * 88;
    for (size_t i = 0; i < link_->size(); ++i) {
      TcpProxy& proxy = link_->to(i);
      if (act == Act::kCreate) {
        arrives ? proxy.BlockReplies() : proxy.Block();
      } else {
        arrives ? proxy.HoldRepliesAfter(kLook) : proxy.HoldRequestsAfter(kLook);
      }
    }
    Expected<Revision> result = Revision{0};
    std::thread call([&] {
      result = act == Act::kCreate    ? writer.Create(key, "after")
               : act == Act::kReplace ? writer.Replace(key, before, "after")
                                      : writer.Delete(key, before);
    });
    const auto happened = [&](Store& store) {
      const Expected<Record> record = store.Get(key);
      return act == Act::kDelete ? CodeOf(record) == Code::kNotFound
                                 : record.ok() && record->bytes == "after";
    };
    // Where it doesn't arrive nobody can see that it waits.
    const bool seen =
        Eventually([&] { return happened(*witness_); }, arrives ? Duration(3'000) : Duration(50));
    link_->Cut();
    link_->Unblock();
    call.join();
    if (result.ok() || (arrives && !seen)) return false;
    EXPECT_EQ(seen, arrives);
    EXPECT_EQ(CodeOf(result), Code::kOutcomeUnknown) << result.error().message;
    EXPECT_EQ(happened(*store_), arrives) << "the same store's read resolves it";
    EXPECT_EQ(happened(*witness_), arrives);
    return true;
  }

  // The feed has heard of the last write, so that nobody else asks anything.
  void Rest() {
    Revision last = 0;  // a connection that is broken may not have been noticed yet
    EXPECT_TRUE(Eventually([&] {
      last = store_->Create(Exec("last-" + std::to_string(++lasts_)), "{}").value_or(0);
      return last != 0;
    }));
    EXPECT_TRUE(Eventually([&] {
      const std::vector<Change> changes = recorder_.changes();
      return !changes.empty() && changes.back().revision == last;
    }));
    EXPECT_TRUE(store_->Ping().ok());
  }

  int lasts_ = 0;
  std::unique_ptr<Link> link_;
  Recorder recorder_;
  std::unique_ptr<Store> store_, witness_;
  std::unique_ptr<Watch> watch_;
  Leadership leadership_;
  std::unique_ptr<Watch> campaign_;
};

TEST_F(LostConnectionTest, T34_AWriteWhoseConnectionIsLostIsResolvedByReadingItBack) {
  int number = 0;
  for (const bool arrives : {false, true}) {
    for (const bool for_leader : {false, true}) {
      Store& writer = for_leader ? store_->ForLeader() : *store_;
      for (const Act act : {Act::kCreate, Act::kReplace, Act::kDelete}) {
        SCOPED_TRACE(std::string(act == Act::kCreate    ? "create"
                                 : act == Act::kReplace ? "replace"
                                                        : "delete") +
                     (arrives ? " arrives" : " is lost") + (for_leader ? ", for the leader" : ""));
        bool lost = false;
        for (int tries = 0; tries < 5 && !lost; ++tries)
          lost = Lose(act, arrives, writer, Exec("e" + std::to_string(++number)));
        ASSERT_TRUE(lost);
        ASSERT_FALSE(HasFailure());
      }
    }
  }
  EXPECT_EQ(leadership_.calls(), 1) << "the session is the same throughout";
}

TEST_F(EnsembleTest, T35_ADisconnectionShorterThanTheSessionChangesNoLeaderAndWritesNothing) {
  options_.session_timeout = Duration(6'000);
  options_.write_patience = Duration(300);
  Link link(Ports());
  const auto leader = MustOpen(link.hosts()), rival = MustOpen();
  Leadership first, second;
  const auto campaign = leader->Campaign("leader", first.callback());
  ASSERT_TRUE(first.WaitFor(true));
  const auto other = rival->Campaign("rival", second.callback());
  const Expected<Revision> before = leader->ForLeader().Create(Exec("a"), "before");
  ASSERT_TRUE(before.ok());
  Recorder recorder;
  const auto watch = leader->Subscribe(recorder.feed());
  link.Block();
  link.Cut();
  ASSERT_TRUE(Eventually([&] { return !leader->Ping().ok(); }));
  const auto start = steady_clock::now();
  int refused = 0;
  while (steady_clock::now() - start < Duration(1'500)) {
    const Code code = CodeOf(leader->ForLeader().Replace(Exec("a"), *before, "meanwhile"));
    EXPECT_EQ(code, Code::kUnavailable);
    ++refused;
  }
  EXPECT_GT(refused, 0);
  EXPECT_EQ(rival->Get(Exec("a"))->revision, *before);
  EXPECT_TRUE(rival->Create(Exec("b"), "{}").ok());
  link.Unblock();
  ASSERT_TRUE(Eventually([&] { return leader->Ping().ok(); }));
  EXPECT_EQ(leader->Get(Exec("a"))->revision, *before);
  EXPECT_TRUE(leader->ForLeader().Replace(Exec("a"), *before, "after").ok());
  EXPECT_TRUE(first.leading());
  EXPECT_EQ(first.calls(), 1);
  EXPECT_EQ(second.calls(), 0);
  const auto candidates = rival->Candidates();
  ASSERT_TRUE(candidates.ok());
  ASSERT_EQ(candidates->size(), 2u);
  EXPECT_EQ((*candidates)[0].identity, "leader");
  EXPECT_TRUE((*candidates)[0].leading);
  ASSERT_TRUE(recorder.WaitForChanges(2));
  EXPECT_EQ(recorder.gaps(), 0);
}

int64_t ResidentKilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::atoll(line.c_str() + 6);
  }
  return 0;
}

// Behind the store's back, many in one transaction: one by one they would take a quarter of a
// minute.
void EnsembleTest::MakeObjects(Store& store, int namespaces, int count) {
  const zookeeper::Layout layout(options_.chroot, options_.deployment);
  const auto key = [namespaces](int i) {
    return Key{"Execution", "namespace-" + std::to_string(i % namespaces),
               "an-execution-of-usual-name-" + std::to_string(i)};
  };
  const std::string bytes(400, 'x');
  for (int i = 0; i < namespaces; ++i) ASSERT_TRUE(store.Create(key(i), bytes).ok());
  const auto session = zookeeper::Session::Start(
      {.hosts = ensemble().hosts(), .timeout = Duration(10'000)},
      {.on_state = [](zookeeper::Session::State) {}, .on_node = [](const std::string&) {}});
  ASSERT_TRUE(session.ok());
  constexpr int kBatch = 500;
  for (int from = namespaces; from < count; from += kBatch) {
    std::vector<zookeeper::Op> ops;
    for (int i = from; i < std::min(count, from + kBatch); ++i)
      ops.push_back({.kind = zookeeper::Op::Kind::kCreate,
                     .path = layout.ObjectPath(key(i)),
                     .bytes = bytes});
    std::promise<zookeeper::Rc> rc;
    (*session)->Multi(ops, [&](const zookeeper::Reply& reply) { rc.set_value(reply.rc); });
    ASSERT_EQ(rc.get_future().get(), zookeeper::Rc::kOk);
  }
  (*session)->Close();
}

TEST_F(EnsembleTest, T36_TwentyThousandObjectsAreListedAndReconnectedToInSmallMessages) {
  options_.session_timeout = Duration(6'000);
  options_.call_timeout = Duration(30'000);
  constexpr int kObjects = 20'000, kNamespaces = 5;
  auto millis = [start = steady_clock::now()]() mutable {
    const auto now = steady_clock::now();
    const auto passed = std::chrono::duration_cast<Duration>(now - std::exchange(start, now));
    return static_cast<long>(passed.count());
  };
  const auto maker = MustOpen(ensemble().server(ensemble().Leader()).hosts());
  MakeObjects(*maker, kNamespaces, kObjects);
  const long made = millis();

  Link link(Ports());
  const auto store = MustOpen(link.hosts());
  Recorder recorder;
  const auto watch = store->Subscribe(recorder.feed());
  millis();
  const int64_t memory = ResidentKilobytes();
  long listed = 0;
  int64_t grown = 0;
  {
    const Expected<Listing> listing = store->List("");
    listed = millis();
    grown = ResidentKilobytes() - memory;
    ASSERT_TRUE(listing.ok()) << listing.error().message;
    EXPECT_EQ(listing->records.size(), static_cast<size_t>(kObjects));
  }
  millis();
  link.Cut();
  // The request that finds the connection broken waits for the next one.
  ASSERT_TRUE(Eventually([&] {
    return store->Get({"Execution", "no", "such"}).error().code == Code::kNotFound;
  }));
  const long reconnected = millis();
  const Expected<Revision> last = maker->Create(Exec("last"), "{}");
  ASSERT_TRUE(recorder.WaitForChanges(1));
  EXPECT_EQ(recorder.changes().back().revision, *last);
  EXPECT_EQ(recorder.gaps(), 0);
  EXPECT_LT(link.largest_message(), 1 << 20);
  for (int i = 0; i < ensemble().size(); ++i)
    EXPECT_EQ(ensemble().server(i).Log().find("Len error"), std::string::npos);
  std::printf(
      "%d objects made in %ld ms; listed in %ld ms with %ld kB; reconnected in %ld ms; "
      "largest message %ld bytes\n",
      kObjects, made, listed, static_cast<long>(grown), reconnected,
      static_cast<long>(link.largest_message()));
}

TEST_F(EnsembleTest, T37_WithoutAQuorumNothingIsAnsweredAndAfterwardsEverythingIsThere) {
  options_.call_timeout = Duration(1'000);
  options_.write_patience = Duration(300);
  const auto store = MustOpen();
  Leadership leadership;
  const auto campaign = store->Campaign("me", leadership.callback());
  ASSERT_TRUE(leadership.WaitFor(true));
  Recorder recorder;
  const auto watch = store->Subscribe(recorder.feed());
  const Expected<Revision> before = store->Create(Exec("before"), "{}");
  ASSERT_TRUE(before.ok());
  const int leader = ensemble().Leader(), follower = ensemble().Follower();
  for (const int i : {leader, follower}) ensemble().server(i).Kill();

  ASSERT_TRUE(leadership.WaitFor(false));
  const auto bounded = [](auto call) {
    const auto start = steady_clock::now();
    const Code code = CodeOf(call());
    EXPECT_LT(steady_clock::now() - start, Duration(5'000));
    return code;
  };
  EXPECT_EQ(bounded([&] { return store->Get(Exec("before")); }), Code::kUnavailable);
  EXPECT_EQ(bounded([&] { return store->List(""); }), Code::kUnavailable);
  EXPECT_EQ(bounded([&] { return store->Create(Exec("during"), "{}"); }), Code::kUnavailable);
  EXPECT_EQ(bounded([&] { return store->ForLeader().Replace(Exec("before"), *before, "2"); }),
            Code::kUnavailable);
  EXPECT_FALSE(store->Ping().ok());
  EXPECT_FALSE(leadership.leading());

  const auto start = steady_clock::now();
  const Expected<void> healed = ensemble().Heal();
  ASSERT_TRUE(healed.ok()) << healed.error().message;
  const auto up = steady_clock::now();
  ASSERT_TRUE(Eventually([&] { return store->Ping().ok(); }));
  const auto back = steady_clock::now();
  ASSERT_TRUE(leadership.WaitFor(true));
  const auto led = steady_clock::now();
  EXPECT_EQ(store->Get(Exec("before"))->revision, *before);
  EXPECT_EQ(CodeOf(store->Get(Exec("during"))), Code::kNotFound);
  const Expected<Revision> after = store->ForLeader().Create(Exec("after"), "{}");
  ASSERT_TRUE(after.ok()) << after.error().message;
  EXPECT_TRUE(Eventually(
      [&] { return !recorder.changes().empty() && recorder.changes().back().revision == *after; }));
  const auto ms = [](auto from, auto to) {
    return static_cast<long>(std::chrono::duration_cast<Duration>(to - from).count());
  };
  std::printf(
      "quorum back %ld ms after the start of its servers; the store %ld ms and leading "
      "%ld ms later; %d gaps\n",
      ms(start, up), ms(up, back), ms(up, led), recorder.gaps());
}

// A process that leads is paused past its lease; meanwhile another one leads and writes.
TEST_F(EnsembleTest, T38_AWriteOfALeaderThatWasPausedPastItsLeaseIsRefused) {
  const uint64_t seed = StormSeed();
  auto fleet = Fleet::Open(options_, Ports(), 1);
  ASSERT_TRUE(fleet.ok()) << fleet.error().message;
  WriterProcess paused({"zk://" + ensemble().hosts() + options_.chroot, std::to_string(seed), "3",
                        "paused-", "1500"});
  const auto led_by = [](const std::vector<Operation>& operations, SteadyTime since) {
    return std::ranges::count_if(operations, [&](const Operation& o) {
      return o.term != 0 && o.done() && o.invoked > since;
    });
  };
  const auto told = [&] { return paused.Operations(SteadyTime::max()); };
  ASSERT_TRUE(Eventually([&] { return led_by(told(), SteadyTime::min()) > 20; }));

  History history("rival-");
  Storm rival({.seed = seed + 1, .threads = 2, .pause = Duration(4), .lead = true}, history,
              (*fleet)->stores());
  rival.Start();
  EXPECT_EQ(rival.leader(), -1);
  for (int round = 0; round < 2; ++round) {
    SCOPED_TRACE(round);
    paused.Freeze();
    const SteadyTime frozen = steady_clock::now();
    ASSERT_TRUE(Eventually([&] { return led_by(history.Operations(), frozen) > 20; }));
    const SteadyTime thawed = steady_clock::now();
    paused.Thaw();
    EXPECT_TRUE(Eventually([&] {
      return std::ranges::any_of(told(), [&](const Operation& o) {
        return o.write() && o.invoked > thawed && o.done();  // as everyone may
      });
    }));
    EXPECT_EQ(led_by(told(), thawed), 0);
    if (round > 0) break;
    // It leads again once the other one has gone.
    rival.Stop();
    ASSERT_TRUE(Eventually([&] { return led_by(told(), thawed) > 20; }));
    rival.Start();
  }
  rival.Stop();
  paused.Kill();
  std::vector<Operation> operations = history.Operations();
  for (Operation& o : paused.Operations(SteadyTime::max())) {
    o.store += 10;
    operations.push_back(std::move(o));
  }
  History rest("rest-");
  const Expected<void> settled = (*fleet)->Settle(rest, 6);
  ASSERT_TRUE(settled.ok()) << settled.error().message;
  for (Operation& o : rest.Operations()) operations.push_back(std::move(o));
  const Judgement judgement = (*fleet)->Judge(operations, Reads::kPerStore);
  EXPECT_THAT(judgement.violations, IsEmpty());
  std::printf("%s\n", judgement.figures.c_str());
}

}  // namespace
}  // namespace zoe::conformance
