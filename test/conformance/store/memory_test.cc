// What only the store in memory promises: determinism in one thread.
#include <gtest/gtest.h>

#include "apis/memory/memory_store.h"
#include "test/conformance/store/recorder.h"

namespace zoe::conformance {
namespace {

TEST(MemoryTest, WithoutAThreadAChangeIsDeliveredBeforeTheWriteReturns) {
  const auto store = MakeMemoryStore({.threaded = false});
  Recorder recorder;
  const auto watch = store->Subscribe(recorder.feed());
  ASSERT_TRUE(watch.ok());
  for (size_t i = 1; i <= 3; ++i) {
    const Expected<Revision> revision =
        store->Create({"Execution", "alice", std::to_string(i)}, "{}");
    ASSERT_EQ(recorder.changes().size(), i);
    EXPECT_EQ(recorder.changes().back().revision, *revision);
  }
}

TEST(MemoryTest, WithoutAThreadACallbackMayLookAtTheStore) {
  const auto store = MakeMemoryStore({.threaded = false});
  std::vector<std::string> seen;
  const auto watch = store->Subscribe(
      {.on_change = [&](const Change& change) { seen.push_back(store->Get(change.key)->bytes); },
       .on_gap = [] {}});
  ASSERT_TRUE(store->Create({"Execution", "alice", "a"}, "1").ok());
  EXPECT_EQ(seen, std::vector<std::string>{"1"});
}

}  // namespace
}  // namespace zoe::conformance
