// Histories of many clients over each Store while harm is done to it, judged: memory, SQLite whose
// process is killed, and one ZooKeeper server behind networks that fail. The ensemble's are in
// ensemble_test.cc.
//
// ZOE_STORM_SEED repeats a run's random choices, ZOE_STORM_SECONDS makes each storm as long.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <thread>

#include "apis/memory/memory_store.h"
#include "apis/sqlite/sqlite_store.h"
#include "test/conformance/store/backend.h"
#include "test/conformance/store/fleet.h"
#include "test/conformance/store/storm.h"
#include "test/conformance/store/writer_process.h"
#include "test/conformance/store/zookeeper_server.h"

namespace zoe::conformance {
namespace {

using testing::IsEmpty;

class FaultsTest : public testing::Test {
 protected:
  FaultsTest() { std::printf("ZOE_STORM_SEED=%lu\n", static_cast<unsigned long>(seed_)); }

  // As ZOE_STORM_SECONDS makes a storm longer, `usual` operations become more.
  static int Operations(int usual) {
    return static_cast<int>(usual * StormDuration(Duration(1'000)).count() / 1'000);
  }
  static void Report(const Judgement& judgement, const std::string& faults) {
    EXPECT_THAT(judgement.violations, IsEmpty());
    std::printf("%s%s%s\n", faults.c_str(), faults.empty() ? "" : "; ", judgement.figures.c_str());
  }

  const uint64_t seed_ = StormSeed();
  History history_;
};

void StormWithoutFaults(Store& store, const StormOptions& options, History& history,
                        Judgement& judgement) {
  FeedLog order, second;
  const auto watch = store.Subscribe(order.feed());
  ASSERT_TRUE(watch.ok());
  order.Subscribed();
  Storm storm(options, history, {&store});
  storm.Start();
  const auto later = store.Subscribe(second.feed());  // amid the storm
  ASSERT_TRUE(later.ok());
  second.Subscribed();
  storm.Join();
  const Expected<Revision> last = RecordedStore(store, history, 9).Create({"Last", "", "x"});
  ASSERT_TRUE(last.ok());
  ASSERT_TRUE(order.WaitFor(*last) && second.WaitFor(*last));
  judgement = Judge(history.Operations(), options.reads, order, {&second});
}

TEST_F(FaultsTest, TheStoreInMemoryIsLinearizable) {
  const auto store = MakeMemoryStore();
  Judgement judgement;
  StormWithoutFaults(*store,
                     {.seed = seed_, .threads = 8, .operations = Operations(2'500), .lead = true},
                     history_, judgement);
  Report(judgement, "");
}

TEST_F(FaultsTest, TheStoreInSqliteIsLinearizable) {
  TempDir dir;
  const auto store = OpenSqliteStore(dir.path() + "/state.db");
  ASSERT_TRUE(store.ok());
  Judgement judgement;
  StormWithoutFaults(**store,
                     {.seed = seed_, .threads = 8, .operations = Operations(400), .lead = true},
                     history_, judgement);
  Report(judgement, "");
}

// One history over several processes, each killed amid its writes; the next one opens the file.
TEST_F(FaultsTest, TheStoreInSqliteIsLinearizableAcrossKilledWriters) {
  TempDir dir;
  const std::string path = dir.path() + "/state.db";
  std::vector<Operation> operations;
  const int rounds = Operations(8);
  for (int round = 0; round < rounds; ++round) {
    WriterProcess writer({"sqlite:" + path, std::to_string(seed_ + static_cast<uint64_t>(round)),
                          "6", "r" + std::to_string(round) + "-"});
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (writer.Operations(SteadyTime::max()).size() < 150) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    writer.Kill();
    for (Operation& o : writer.Operations(writer.killed())) operations.push_back(std::move(o));
    // The next one finds what was acknowledged, and reads it into the history.
    Expected<std::unique_ptr<Store>> store = OpenSqliteStore(path);
    ASSERT_TRUE(store.ok()) << store.error().message;
    History after("a" + std::to_string(round) + "-");
    RecordedStore recorded(**store, after, 1);
    ASSERT_TRUE(recorded.List("").ok());
    for (int key = 0; key < 6; ++key) {
      for (const char* ns : {"alice", "bob"})
        (void)recorded.Get({"Execution", ns, "e" + std::to_string(key)});
    }
    for (Operation& o : after.Operations()) operations.push_back(std::move(o));
  }
  SearchFigures figures;
  EXPECT_THAT(CheckLinearizable(operations, Reads::kPresent, &figures), IsEmpty());
  const auto unknown = std::ranges::count_if(operations, &Operation::unknown);
  std::printf(
      "%d writers killed; %zu operations, %ld under way at a kill; search over %zu objects, "
      "%lu steps\n",
      rounds, operations.size(), static_cast<long>(unknown), figures.searches,
      static_cast<unsigned long>(figures.steps));
}

TEST_F(FaultsTest, TheStoreInOneZooKeeperServerIsLinearizable) {
  auto server = ZooKeeperServer::Start();
  if (!server.ok()) GTEST_SKIP() << server.error().message;
  ZooKeeperOptions options;
  options.chroot = "/faults";
  options.session_timeout = Duration(1'500);
  options.call_timeout = Duration(3'000);
  auto fleet = Fleet::Open(options, {(*server)->port()}, 3);
  ASSERT_TRUE(fleet.ok()) << fleet.error().message;
  Nemesis* nemesis = nullptr;
  std::vector<Nemesis::Fault> faults = NetworkFaults(**fleet, nemesis);
  faults.push_back({"server killed", 1, [&] {
                      (*server)->Kill();
                      nemesis->Last(10, 300);
                      EXPECT_TRUE((*server)->Restart().ok());
                    }});
  faults.push_back({"server paused", 1, [&] {
                      (*server)->Freeze();
                      nemesis->Last(50, 1'200);
                      (*server)->Thaw();
                    }});
  Nemesis at_random(seed_, std::move(faults));
  nemesis = &at_random;
  const StormOptions storm_options{
      .seed = seed_, .reads = Reads::kPresent, .threads = 2, .pause = Duration(4), .lead = true};
  Storm storm(storm_options, history_, (*fleet)->stores());
  storm.Start();
  at_random.RunFor(StormDuration(Duration(7'000)));
  storm.Stop();
  const Expected<void> settled = (*fleet)->Settle(history_, storm_options.keys);
  ASSERT_TRUE(settled.ok()) << settled.error().message;
  Report((*fleet)->Judge(history_.Operations(), storm_options.reads), at_random.ToString());
}

}  // namespace
}  // namespace zoe::conformance
