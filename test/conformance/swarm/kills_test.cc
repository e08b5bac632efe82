// Ends for memory: what Swarm doesn't say and the node's engine does.
#include "test/conformance/swarm/suite.h"

namespace zoe::testing {
namespace {

class SwarmKills : public SwarmConformance {
 protected:
  // How the only task of a service ended that runs this under a memory limit.
  SwarmTask EndOf(const std::string& script) {
    SwarmServiceSpec spec = Spec("job", script);
    spec.restart_condition = RestartCondition::kNone;
    spec.memory_limit_bytes = 16 << 20;
    const std::string id = Create(spec);
    if (!Until("failed", [&] { return Tasks(id, TaskState::kFailed).size() == 1; })) return {};
    return Tasks(id).front();
  }
};

TEST_F(SwarmKills, AreForMemoryWhenTheKernelHoldsTheLimit) {
  const SwarmTask task = EndOf("x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done");
  EXPECT_EQ(task.exit_code, 137) << task.error;
  EXPECT_EQ(task.out_of_memory, true);
}

TEST_F(SwarmKills, AreNotForMemoryWhenAProgramKillsItself) {
  const SwarmTask task = EndOf("kill -9 $$; sleep 1000");
  EXPECT_EQ(task.exit_code, 137) << task.error;
  EXPECT_EQ(task.out_of_memory, false);
}

TEST_F(SwarmKills, AreNotAskedAboutWhatEndsByItself) {
  EXPECT_EQ(EndOf("exit 3").out_of_memory, std::nullopt);
}

}  // namespace
}  // namespace zoe::testing
