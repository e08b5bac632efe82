// The simulation tested on itself: a bug that is put in must be found and shrunk. And every
// schedule that ever found one in the product is played again (seeds/).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "controller/runtime/log.h"
#include "test/sim/disturb.h"
#include "test/sim/play.h"

namespace zoe::sim_test {
namespace {

// Controllers that lose somebody else's service when they update one for the second time.
void PutBugIn(World& world) {
  world.OnCall({.call = "Swarm.UpdateService", .where = CallPoint::kAfter, .nth = 2}, [&world] {
    world.WithCluster([](sim::Cluster& cluster) {
      (void)cluster.RemoveService(cluster.FindService("stranger")->id);
    });
  });
}

TEST(Schedules, FindABugThatIsPutInAndShrinkIt) {
  log::Configure(log::Level::kError, false);
  Jury jury({.prepare = PutBugIn});
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    const Schedule schedule = MakeSchedule(seed);
    const auto failures = jury.Judge(schedule);
    if (failures.empty()) continue;
    EXPECT_NE(failures[0].find("a stranger's service was removed"), std::string::npos);
    const Shrunk shrunk =
        ShrinkFailure(schedule, Signature(failures), jury, std::chrono::seconds(60));
    EXPECT_LE(shrunk.kept.size(), 4u) << ToString(shrunk.simple);
    EXPECT_LT(shrunk.kept.size(), schedule.steps.size());
    const Schedule again = Keep(MakeSchedule(seed), shrunk.kept);
    EXPECT_EQ(Signature(jury.Judge(again)), Signature(failures));
    const auto read = ParseSchedule(ToString(shrunk.simple));
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(Signature(jury.Judge(*read)), Signature(failures));
    EXPECT_TRUE(Jury().Judge(*read).empty()) << "without the bug";
    return;
  }
  FAIL() << "not found";
}

TEST(Schedules, TheSameSeedEndsTheSame) {
  for (const uint64_t seed : {3, 18, 33}) {
    const Ending a = Play(MakeSchedule(seed)), b = Play(MakeSchedule(seed));
    EXPECT_EQ(a.world, b.world);
    EXPECT_EQ(a.calls, b.calls);
    EXPECT_EQ(a.ledger, b.ledger);
  }
}

TEST(Schedules, AreMadeOfActsThatArePlayed) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const Schedule schedule = MakeSchedule(seed);
    const auto checked = Check(schedule);
    ASSERT_TRUE(checked.ok()) << checked.error().message;
    const auto read = ParseSchedule(ToString(schedule));
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(*read, schedule);
  }
  EXPECT_FALSE(Check(*ParseSchedule("@1 crash 0")).ok());
  EXPECT_FALSE(Check(*ParseSchedule("@1 fly away")).ok());
}

std::vector<std::string> Kept() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator("test/sim/seeds")) {
    if (entry.path().extension() == ".schedule") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

TEST(Schedules, ThoseThatFoundABugPass) {
  log::Configure(log::Level::kError, false);
  for (const std::string& file : Kept()) {
    SCOPED_TRACE(file);
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    const auto schedule = ParseSchedule(text.str());
    ASSERT_TRUE(schedule.ok()) << schedule.error().message;
    ASSERT_TRUE(Check(*schedule).ok()) << Check(*schedule).error().message;
    for (const std::string& failure : Jury().Judge(*schedule)) ADD_FAILURE() << failure;
  }
}

}  // namespace
}  // namespace zoe::sim_test
