#include <gmock/gmock.h>

#include <atomic>
#include <set>
#include <thread>

#include "controller/queue/work_queue.h"
#include "controller/runtime/manual_clock.h"
#include "controller/runtime/system_clock.h"

namespace zoe {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

Key K(const std::string& name) { return {"Execution", "alice", name}; }

struct QueueTest : testing::Test {
  ManualClock clock;
  Metrics metrics;
  WorkQueue queue{clock, metrics, "test"};

  std::string Next() {
    const auto key = queue.TryTake();
    return key ? key->name : "-";
  }
  std::string NextDone() {
    const auto key = queue.TryTake();
    if (!key) return "-";
    queue.Done(*key);
    return key->name;
  }
};

TEST_F(QueueTest, HandsOutInOrderAndEachKeyOnce) {
  for (const char* name : {"a", "b", "a", "c", "b"}) queue.Add(K(name), Priority::kHigh);
  EXPECT_EQ(queue.size(), 3u);
  EXPECT_EQ(NextDone(), "a");
  EXPECT_EQ(NextDone(), "b");
  EXPECT_EQ(NextDone(), "c");
  EXPECT_EQ(NextDone(), "-");
}

TEST_F(QueueTest, HighGoesBeforeLowAndRaisesAQueuedKey) {
  queue.Add(K("low1"), Priority::kLow);
  queue.Add(K("low2"), Priority::kLow);
  queue.Add(K("high"), Priority::kHigh);
  queue.Add(K("low2"), Priority::kHigh);
  queue.Add(K("high"), Priority::kLow);  // lowers nothing
  EXPECT_EQ(NextDone(), "high");
  EXPECT_EQ(NextDone(), "low2");
  EXPECT_EQ(NextDone(), "low1");
  EXPECT_EQ(NextDone(), "-");
}

TEST_F(QueueTest, AFloodOfHighKeysStarvesNoLowOne) {
  queue.Add(K("low"), Priority::kLow);
  for (int i = 0; i < 100; ++i) queue.Add(K("h" + std::to_string(i)), Priority::kHigh);
  int before = 0;
  while (NextDone() != "low") ++before;
  EXPECT_LT(before, 16);
}

TEST_F(QueueTest, AKeyInWorkIsNotHandedOutTwiceButComesBackAfterDone) {
  queue.Add(K("a"), Priority::kHigh);
  EXPECT_EQ(Next(), "a");
  queue.Add(K("a"), Priority::kHigh);
  queue.Add(K("a"), Priority::kLow);
  EXPECT_EQ(Next(), "-");
  queue.Done(K("a"));
  EXPECT_EQ(Next(), "a");
  queue.Done(K("a"));
  EXPECT_EQ(Next(), "-");
  EXPECT_EQ(queue.in_work(), 0u);
}

TEST_F(QueueTest, TheEarliestDelayWins) {
  queue.AddAfter(K("a"), seconds(10), Priority::kLow);
  queue.AddAfter(K("a"), seconds(2), Priority::kLow);
  queue.AddAfter(K("a"), seconds(30), Priority::kLow);
  EXPECT_EQ(queue.NextDue(), clock.Now() + seconds(2));
  clock.Advance(Duration(1'999));
  EXPECT_EQ(NextDone(), "-");
  clock.Advance(Duration(1));
  EXPECT_EQ(NextDone(), "a");
  clock.Advance(minutes(1));
  EXPECT_EQ(NextDone(), "-");
}

TEST_F(QueueTest, AnImmediateAddTakesThePlaceOfADelayedOne) {
  queue.AddAfter(K("a"), seconds(10), Priority::kLow);
  queue.Add(K("a"), Priority::kLow);
  EXPECT_EQ(NextDone(), "a");
  clock.Advance(seconds(10));
  EXPECT_EQ(NextDone(), "-");
}

TEST_F(QueueTest, ADelayThatEndsDuringWorkComesBackAfterDone) {
  queue.Add(K("a"), Priority::kHigh);
  EXPECT_EQ(Next(), "a");
  queue.AddAfter(K("a"), seconds(1), Priority::kHigh);
  clock.Advance(seconds(1));
  EXPECT_EQ(Next(), "-");
  queue.Done(K("a"));
  EXPECT_EQ(NextDone(), "a");
}

TEST_F(QueueTest, BackoffDoublesFromFiveMillisecondsToFiveMinutesWithJitter) {
  double expected = 5;
  for (int i = 0; i < 30; ++i) {
    const double delay = static_cast<double>(queue.AddBackoff(K("a"), Priority::kLow).count());
    EXPECT_GE(delay, expected * 0.8 - 1) << i;
    EXPECT_LE(delay, expected * 1.2) << i;
    expected = std::min(expected * 2, 300'000.0);
    clock.Advance(Duration(static_cast<Duration::rep>(delay)));
    ASSERT_EQ(NextDone(), "a");
  }
  EXPECT_EQ(queue.Failures(K("a")), 30);
  queue.Forget(K("a"));
  EXPECT_LE(queue.AddBackoff(K("a"), Priority::kLow), Duration(6));
}

TEST_F(QueueTest, BackoffOfKeysDiffers) {
  std::set<Duration> delays;
  for (int i = 0; i < 8; ++i) queue.AddBackoff(K("warm"), Priority::kLow);
  for (int i = 0; i < 20; ++i) {
    const Key key = K(std::to_string(i));
    for (int n = 0; n < 8; ++n) queue.AddBackoff(key, Priority::kLow);
    delays.insert(queue.AddBackoff(key, Priority::kLow));
  }
  EXPECT_GT(delays.size(), 10u);
}

TEST_F(QueueTest, ClosedItKeepsKeysAndShutDownItGivesNone) {
  queue.SetOpen(false);
  queue.Add(K("a"), Priority::kHigh);
  EXPECT_EQ(Next(), "-");
  queue.SetOpen(true);
  EXPECT_EQ(NextDone(), "a");
  queue.Add(K("b"), Priority::kHigh);
  queue.ShutDown();
  EXPECT_EQ(Next(), "-");
  EXPECT_EQ(queue.Take({}), std::nullopt);
}

TEST_F(QueueTest, ManyOvertakenDelaysDoNotPileUp) {
  for (int i = 0; i < 20'000; ++i) {
    queue.AddAfter(K("a"), minutes(60), Priority::kLow);
    queue.Add(K("a"), Priority::kLow);
    ASSERT_EQ(NextDone(), "a");
  }
  EXPECT_LT(metrics.GaugeOf("zoe_queue_delayed", "", {{"queue", "test"}}).value(), 2'000);
  queue.AddAfter(K("a"), minutes(60), Priority::kLow);
  clock.Advance(minutes(60));
  EXPECT_EQ(NextDone(), "a");
}

TEST_F(QueueTest, TellsLengthsAndLatency) {
  queue.Add(K("a"), Priority::kHigh);
  queue.Add(K("b"), Priority::kLow);
  clock.Advance(Duration(20));
  Next();
  const std::string text = metrics.Exposition();
  EXPECT_THAT(text, testing::HasSubstr(R"(zoe_queue_length{queue="test",priority="high"} 0)"));
  EXPECT_THAT(text, testing::HasSubstr(R"(zoe_queue_length{queue="test",priority="low"} 1)"));
  EXPECT_THAT(text, testing::HasSubstr(R"(zoe_queue_latency_seconds_sum{queue="test"} 0.02)"));
}

TEST_F(QueueTest, TakeWakesWhenTheClockReachesADelay) {
  std::string taken;
  std::thread worker([&] {
    const auto key = queue.Take({});
    taken = key ? key->name : "-";
  });
  ASSERT_TRUE(clock.AwaitWaiters(1));
  queue.AddAfter(K("a"), seconds(5), Priority::kLow);
  // The add wakes it: wait until it waits for the delay.
  while (queue.size() == 0 && taken.empty()) {
    clock.Advance(seconds(5));
    if (queue.in_work() == 1) break;
  }
  worker.join();
  EXPECT_EQ(taken, "a");
}

TEST_F(QueueTest, TakeEndsByItsStopToken) {
  std::stop_source stop;
  std::thread worker([&] { EXPECT_EQ(queue.Take(stop.get_token()), std::nullopt); });
  ASSERT_TRUE(clock.AwaitWaiters(1));
  stop.request_stop();
  worker.join();
}

TEST(QueueThreads, ManyWorkersAndProducersLoseNoKeyAndShareNone) {
  SystemClock clock;
  Metrics metrics;
  WorkQueue queue(clock, metrics, "test");
  constexpr int kKeys = 50, kAdds = 4'000;
  std::atomic<int> in_hand[kKeys] = {}, passes[kKeys] = {}, wanted[kKeys] = {};
  std::atomic<bool> shared{false};
  std::atomic<int> missed{0};
  std::vector<std::thread> threads;
  for (int w = 0; w < 4; ++w) {
    threads.emplace_back([&] {
      while (const auto key = queue.Take({})) {
        const int i = std::stoi(key->name);
        if (in_hand[i].fetch_add(1) != 0) shared = true;
        wanted[i] = 0;  // what was asked for until here is seen by this pass
        ++passes[i];
        in_hand[i].fetch_sub(1);
        queue.Done(*key);
      }
    });
  }
  std::vector<std::thread> producers;
  for (int p = 0; p < 3; ++p) {
    producers.emplace_back([&, p] {
      for (int n = 0; n < kAdds; ++n) {
        const int i = (n * 7 + p) % kKeys;
        wanted[i] = 1;
        const Key key = K(std::to_string(i));
        if (n % 3 == 0) queue.AddAfter(key, Duration(1), Priority::kLow);
        if (n % 3 == 1) queue.Add(key, Priority::kHigh);
        if (n % 3 == 2) queue.AddBackoff(key, Priority::kLow), queue.Forget(key);
      }
    });
  }
  for (auto& producer : producers) producer.join();
  const auto deadline = clock.Now() + seconds(20);
  for (auto& want : wanted) {
    while (want != 0 && clock.Now() < deadline) std::this_thread::yield();
    if (want != 0) ++missed;
  }
  queue.ShutDown();
  for (auto& thread : threads) thread.join();
  EXPECT_FALSE(shared);
  EXPECT_EQ(missed, 0);
}

}  // namespace
}  // namespace zoe
