// The simulated Swarm runs no programs, and says so.
#include "test/conformance/swarm/suite.h"

namespace zoe::testing {
namespace {

TEST_F(SwarmConformance, OneThatRunsNothingSaysSo) {
  const auto session = swarm().Exec(Ctx(), {.command = {"true"}});
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.error().code, Code::kUnavailable);
  EXPECT_EQ(session.error().message, "the simulated Swarm runs no programs");
}

}  // namespace
}  // namespace zoe::testing
