#include "test/sim/scenario.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "controller/runtime/log.h"

namespace zoe::sim_test {
namespace {

using namespace std::chrono_literals;

// The whole of one run. Returns what the world looks like at its end, and how many writes it took.
std::string Play(const Scenario& scenario, Fault fault, int* writes) {
  SCOPED_TRACE(std::string(scenario.name) + " with fault " + fault.ToString());
  World world(fault);
  scenario.play(world);
  world.Run(20s);  // networks of empty namespaces go
  world.ExpectAtRest();
  *writes = world.writes();
  return world.Describe();
}

}  // namespace

void PlayWithEachFault(const Scenario& scenario) {
  const int errors = log::ErrorCount();
  int writes = 0;
  const std::string expected = Play(scenario, {}, &writes);
  ASSERT_FALSE(testing::Test::HasFailure());
  ASSERT_GT(writes, 0);
  const char* only = std::getenv("ZOE_SIM_FAULT");
  for (const Fault::Kind kind :
       {Fault::Kind::kCrashAfter, Fault::Kind::kReplyLost, Fault::Kind::kUnavailable}) {
    for (int k = 1; k <= writes; ++k) {
      const Fault fault{kind, k};
      if (only != nullptr && fault.ToString() != only) continue;
      int ignored = 0;
      EXPECT_EQ(Play(scenario, fault, &ignored), expected) << "fault " << fault.ToString();
      if (testing::Test::HasFailure()) FAIL() << "replay with ZOE_SIM_FAULT=" << fault.ToString();
    }
  }
  EXPECT_EQ(log::ErrorCount(), errors);
  testing::Test::RecordProperty("writes", writes);
}

}  // namespace zoe::sim_test
