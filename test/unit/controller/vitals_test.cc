#include "controller/loop/vitals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apis/sim/sim_swarm.h"
#include "test/unit/controller/world.h"

namespace zoe {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

// A clock whose calendar can be set and that can be found late.
class TwoClocks : public Clock {
 public:
  WallTime WallNow() const override { return wall; }
  SteadyTime Now() const override { return steady; }
  void WaitUntil(std::condition_variable&, std::unique_lock<std::mutex>&,
                 SteadyTime) const override {}
  void Pass(Duration d) {
    wall += d;
    steady += d;
  }
  WallTime wall{std::chrono::hours(480'000)};
  SteadyTime steady{std::chrono::hours(1)};
};

class VitalsTest : public testing::Test {
 protected:
  VitalsTest() {
    store_.before = [this](const std::string&, const Key&) {
      return store_away_ ? Expected<void>(MakeError(Code::kUnavailable, "no quorum"))
                         : Expected<void>();
    };
    SimOptions options;
    options.threaded = false;
    options.fault = [this](std::string_view) {
      return swarm_away_ ? SimFault::kBefore : SimFault::kNone;
    };
    swarm_ = MakeSimSwarm(std::move(options), clock_);
    vitals_.emplace(store_, *swarm_, clock_, metrics_);
  }

  // What a look logs.
  std::string Look(Duration after = Duration(5'000)) {
    clock_.Pass(after);
    testing::internal::CaptureStderr();
    vitals_->Look();
    return testing::internal::GetCapturedStderr();
  }
  std::string Line(const std::string& beginning) {
    const std::string text = metrics_.Exposition();
    const size_t at = text.find("\n" + beginning);
    return at == text.npos ? "" : text.substr(at + 1, text.find('\n', at + 1) - at - 1);
  }

  TwoClocks clock_;
  FaultStore store_;
  std::unique_ptr<SimSwarm> swarm_;
  Metrics metrics_;
  std::optional<Vitals> vitals_;
  std::atomic<bool> store_away_ = false, swarm_away_ = false;
};

TEST_F(VitalsTest, SayOnceThatTheStoreOrTheSwarmIsAwayAndThatItIsBack) {
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_EQ(Line("zoe_store_up"), "zoe_store_up 1");
  EXPECT_EQ(Line("zoe_swarm_up"), "zoe_swarm_up 1");
  store_away_ = true;
  EXPECT_THAT(Look(), AllOf(HasSubstr("WARN"), HasSubstr("the store does not answer"),
                            HasSubstr("reason=\"no quorum\"")));
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_EQ(Line("zoe_store_up"), "zoe_store_up 0");
  EXPECT_EQ(Line("zoe_swarm_up"), "zoe_swarm_up 1");
  swarm_away_ = true;
  EXPECT_THAT(Look(), HasSubstr("the Swarm does not answer"));
  EXPECT_EQ(Line("zoe_swarm_up"), "zoe_swarm_up 0");
  store_away_ = swarm_away_ = false;
  EXPECT_THAT(Look(), AllOf(HasSubstr("the store answers"), HasSubstr("the Swarm answers")));
  EXPECT_EQ(Line("zoe_store_up"), "zoe_store_up 1");
}

TEST_F(VitalsTest, NameTheNodesThatGoDownAndComeBack) {
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_EQ(Line("zoe_swarm_nodes{state=\"ready\"}"), "zoe_swarm_nodes{state=\"ready\"} 3");
  const auto nodes = swarm_->ListNodes({clock_});
  const std::string name = nodes->back().name;
  swarm_->With([&](sim::Cluster& cluster) { cluster.SetNodeUp(name, false); });
  EXPECT_THAT(Look(), AllOf(HasSubstr("a node is down"), HasSubstr("node=" + name)));
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_EQ(Line("zoe_swarm_nodes{state=\"down\"}"), "zoe_swarm_nodes{state=\"down\"} 1");
  EXPECT_EQ(Line("zoe_swarm_nodes{state=\"ready\"}"), "zoe_swarm_nodes{state=\"ready\"} 2");
  swarm_->With([&](sim::Cluster& cluster) { cluster.SetNodeUp(name, true); });
  EXPECT_THAT(Look(), AllOf(HasSubstr("a node is ready again"), HasSubstr("node=" + name)));
}

TEST_F(VitalsTest, T38TellAClockThatWasSetFromAProcessThatStoodStill) {
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_THAT(Look(Duration(6'500)), IsEmpty()) << "a busy machine";
  clock_.wall += std::chrono::hours(1);
  EXPECT_THAT(Look(), AllOf(HasSubstr("the machine's clock was set"), HasSubstr("by_ms=3600000")));
  clock_.wall -= std::chrono::hours(2);
  EXPECT_THAT(Look(), HasSubstr("by_ms=-7200000"));
  EXPECT_THAT(Look(Duration(35'000)),
              AllOf(HasSubstr("this process stood still"), HasSubstr("ms=30000"),
                    testing::Not(HasSubstr("clock"))));
  EXPECT_EQ(Line("zoe_clock_jumps_total"), "zoe_clock_jumps_total 2");
  EXPECT_EQ(Line("zoe_stalls_total"), "zoe_stalls_total 1");
}

}  // namespace
}  // namespace zoe
