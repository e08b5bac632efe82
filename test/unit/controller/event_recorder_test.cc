#include "controller/loop/event_recorder.h"

#include <gmock/gmock.h>

#include <thread>

#include "controller/runtime/system_clock.h"
#include "test/unit/controller/world.h"

namespace zoe {
namespace {

using std::chrono::seconds;

struct EventRecorderTest : testing::Test {
  World w;
  EventRecorder recorder{w.store, w.clock, w.metrics};
  const v1::Execution about = MakeExecution(ExecutionKey("a"));

  void Record(const std::string& reason, const std::string& message) {
    recorder.Record(ExecutionKind(), about, {false, reason, message});
  }
  std::vector<v1::Event> Events() {
    w.Pump();
    std::vector<v1::Event> events;
    for (const auto& entry : w.cache.List("Event").entries) {
      events.push_back(static_cast<const v1::Event&>(*entry->object));
    }
    return events;
  }
};

TEST_F(EventRecorderTest, WritesAnEventAboutItsObject) {
  Record("Created", "3 services");
  ASSERT_TRUE(recorder.Flush());
  const v1::Event event = Events().at(0);
  EXPECT_EQ(event.involved_object.kind, "Execution");
  EXPECT_EQ(event.involved_object.ns, "alice");
  EXPECT_EQ(event.involved_object.uid, "uid-a");
  EXPECT_EQ(event.meta.ns, "alice");
  EXPECT_THAT(event.meta.name, testing::MatchesRegex("a\\.[0-9a-f]{16}"));
  EXPECT_EQ(event.type, "Normal");
  EXPECT_EQ(event.reason, "Created");
  EXPECT_EQ(event.message, "3 services");
  EXPECT_EQ(event.count, 1);
  EXPECT_EQ(event.first_timestamp, w.clock.WallNow());
}

TEST_F(EventRecorderTest, EqualOnesBecomeOneWithACountBeforeAndAfterTheyWereWritten) {
  const WallTime first = w.clock.WallNow();
  Record("Failed", "exit 1");
  Record("Failed", "exit 1");
  Record("Failed", "exit 2");
  ASSERT_TRUE(recorder.Flush());
  EXPECT_EQ(w.store.writes, 2);
  w.clock.Advance(seconds(60));
  Record("Failed", "exit 1");
  ASSERT_TRUE(recorder.Flush());
  const auto events = Events();
  ASSERT_EQ(events.size(), 2u);
  const v1::Event& event = events[0].message == "exit 1" ? events[0] : events[1];
  EXPECT_EQ(event.count, 3);
  EXPECT_EQ(event.first_timestamp, first);
  EXPECT_EQ(event.last_timestamp, first + seconds(60));
}

TEST_F(EventRecorderTest, CountsOnAfterARestart) {
  Record("Failed", "exit 1");
  ASSERT_TRUE(recorder.Flush());
  EventRecorder next(w.store, w.clock, w.metrics);
  next.Record(ExecutionKind(), about, {false, "Failed", "exit 1"});
  ASSERT_TRUE(next.Flush());
  Record("Failed", "exit 1");  // the first one's memory is stale now
  ASSERT_TRUE(recorder.Flush());
  ASSERT_EQ(Events().size(), 1u);
  EXPECT_EQ(Events()[0].count, 3);
}

TEST_F(EventRecorderTest, WritesAnewWhatWasSweptMeanwhile) {
  Record("Failed", "exit 1");
  ASSERT_TRUE(recorder.Flush());
  const auto swept = w.store.inner().List("Event")->records.at(0);
  ASSERT_TRUE(w.store.inner().Delete(swept.key, swept.revision).ok());
  Record("Failed", "exit 1");
  ASSERT_TRUE(recorder.Flush());
  EXPECT_EQ(Events().at(0).count, 1);
}

TEST_F(EventRecorderTest, KeepsWhatTheStoreCantTakeNowAndDropsTheOldestWhenTooMany) {
  EventRecorder small(w.store, w.clock, w.metrics, {.queue = 3});
  w.store.before = [](const std::string&, const Key&) -> Expected<void> {
    return MakeError(Code::kUnavailable, "away");
  };
  for (int i = 0; i < 5; ++i) {
    small.Record(ExecutionKind(), about, {false, "R" + std::to_string(i), "x"});
    EXPECT_FALSE(small.Flush());
  }
  w.store.before = nullptr;
  EXPECT_TRUE(small.Flush());
  std::string reasons;
  for (const v1::Event& event : Events()) reasons += event.reason + " ";
  EXPECT_THAT(reasons, testing::HasSubstr("R4"));
  EXPECT_THAT(reasons, testing::HasSubstr("R2"));
  EXPECT_THAT(reasons, testing::Not(testing::HasSubstr("R0")));
  EXPECT_THAT(w.metrics.Exposition(), testing::HasSubstr("zoe_events_dropped_total 2"));
}

TEST_F(EventRecorderTest, OfAClusterScopedObjectItStandsInTheDefaultNamespace) {
  v1::Execution object = about;
  object.meta.ns.clear();
  recorder.Record(ExecutionKind(), object, {true, "R", "m"});
  ASSERT_TRUE(recorder.Flush());
  EXPECT_EQ(Events().at(0).meta.ns, "default");
  EXPECT_EQ(Events().at(0).type, "Warning");
}

TEST(EventRecorderThread, WritesBesideItsCallersAndTheRestWhenStopped) {
  SystemClock clock;
  Metrics metrics;
  FaultStore store(true);
  EventRecorder recorder(store, clock, metrics, {.per_second = 1'000});
  recorder.Start();
  std::vector<std::thread> callers;
  for (int t = 0; t < 3; ++t) {
    callers.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        recorder.Record(ExecutionKind(), MakeExecution(ExecutionKey("a")),
                        {false, "R" + std::to_string(t), "m"});
      }
    });
  }
  for (auto& caller : callers) caller.join();
  recorder.Stop();
  int count = 0;
  const Listing listing = store.inner().List("Event").value();
  for (const Record& record : listing.records) {
    count += static_cast<const v1::Event&>(
                 *v1::DecodeStored(*v1::FindKind("Event"), record.bytes).value())
                 .count;
  }
  EXPECT_EQ(count, 60);
}

}  // namespace
}  // namespace zoe
