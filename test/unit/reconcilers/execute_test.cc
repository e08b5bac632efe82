#include "reconcilers/execution/execute.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apis/sim/sim_swarm.h"
#include "controller/runtime/manual_clock.h"
#include "test/memory_files.h"
#include "test/unit/reconcilers/scene.h"

namespace zoe::execution {
namespace {

class BrokenFiles : public MemoryFiles {
 public:
  Expected<void> EnsureDirectory(const std::string&, const Ownership&) override {
    return MakeError(Code::kUnavailable, "read-only file system");
  }
};

class ExecuteTest : public testing::Test {
 protected:
  ExecuteTest() {
    draft.object = std::make_shared<v1::Execution>(scene.execution);
    scene.observed.network_id.clear();
  }

  Expected<void> DoAll() {
    const auto picture = Assess(scene.execution, scene.observed, kNow, {});
    return Execute({clock}, {swarm, files, cache, networks}, Plan(*picture), draft);
  }

  SwarmServiceSpec Wanted() {
    return ToSwarmService(scene.execution, scene.execution.spec.application->services[0], {}, {});
  }

  std::string Put(const SwarmServiceSpec& spec) {
    std::string id;
    swarm.With([&](sim::Cluster& cluster) {
      SwarmServiceSpec made = spec;
      made.networks.clear();
      id = *cluster.CreateService(made);
    });
    return id;
  }

  Scene scene{"- {name: a, image: i}\n- {name: b, image: i}\n"};
  ManualClock clock;
  SimSwarm swarm{{.threaded = false}, clock};
  BrokenFiles files;
  Cache cache;
  Networks networks{swarm, {.pool = {*ParseSubnet("10.192.0.0/16")}}};
  StatusDraft draft;
};

TEST_F(ExecuteTest, ServicesAreAttachedToTheNetworkMadeBeforeThem) {
  ASSERT_TRUE(DoAll().ok());
  const auto seen = swarm.Observe({clock}, "uid-1");
  const auto stand = swarm.ListNetworks({clock});
  ASSERT_EQ(seen->services.size(), 2u);
  EXPECT_EQ(seen->services[0].spec.networks.at(0).network_id, stand->at(0).id);
  ASSERT_EQ(draft.events.size(), 1u);
  EXPECT_EQ(draft.events[0].message, "created services a, b");
}

TEST_F(ExecuteTest, AnOwnGhostIsAdopted) {
  Put(Wanted());  // a create whose reply was lost, and that came through after the observation
  EXPECT_TRUE(DoAll().ok());
  EXPECT_EQ(swarm.Observe({clock}, "uid-1")->services.size(), 2u);
}

TEST_F(ExecuteTest, AStrangersServiceIsReportedAndLeftAloneAndOthersAreMade) {
  SwarmServiceSpec stranger = Wanted();
  stranger.image = "theirs";
  stranger.labels[std::string(kLabelUid)] = "somebody else's";
  const std::string id = Put(stranger);
  const auto done = DoAll();
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().reason, "NameConflict");
  swarm.With(
      [&](sim::Cluster& cluster) { EXPECT_EQ(cluster.GetService(id)->spec.image, "theirs"); });
  EXPECT_EQ(swarm.Observe({clock}, "uid-1")->services.size(), 1u);
}

TEST_F(ExecuteTest, ANetworkNameThatIsNotFreeIsTriedAgainLater) {
  swarm.With([](sim::Cluster& c) { (void)*c.CreateNetwork({.name = "zoe-zoe-alice"}); });
  const auto done = DoAll();
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().reason, "NetworkBusy");
  EXPECT_TRUE(swarm.Observe({clock}, "uid-1")->services.empty());
}

TEST_F(ExecuteTest, WithoutItsWorkspaceNothingIsCreated) {
  scene.Declared("a").mounts.push_back({.workspace = true, .path = "/w"});
  const auto done = DoAll();
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().reason, "WorkspaceUnavailable");
  EXPECT_THAT(done.error().message, testing::HasSubstr("read-only file system"));
  EXPECT_TRUE(swarm.Observe({clock}, "uid-1")->services.empty());
}

TEST_F(ExecuteTest, AServiceThatVanishedMeanwhileIsLookedAtAgain) {
  scene.observed.network_id = "net1";
  scene.Converge();
  scene.SwarmServiceOf("a").spec.replicas = 9;
  const auto done = DoAll();
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, Code::kConflict);
}

}  // namespace
}  // namespace zoe::execution
