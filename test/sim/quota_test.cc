// Quotas among controllers whose caches lag, whose connections break and who crash: what the truth
// holds never exceeds a limit.
#include "specs/v1/quota.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "controller/runtime/log.h"
#include "test/sim/world.h"

namespace zoe::sim_test {
namespace {

using namespace std::chrono_literals;

constexpr char kQuota[] = "{apiVersion: zoe/v1, kind: Quota, metadata: {name: few}, spec: ";

v1::Usage UsedInTruth(World& world) {
  v1::Usage used;
  const auto listing = world.truth().List("Execution");
  for (const Record& record : listing->records) {
    const auto object = v1::DecodeStored(*v1::FindKind("Execution"), record.bytes);
    used = used + v1::CountedOf(static_cast<const v1::Execution&>(**object));
  }
  return used;
}

std::string Execution(const std::string& name, int cpus, int replicas, bool suspend) {
  return "{apiVersion: zoe/v1, kind: Execution, metadata: {name: " + name +
         ", namespace: ann}, spec: {suspend: " + (suspend ? "true" : "false") +
         ", application: {services: [{name: s, image: 'a:1', replicas: {total: " +
         std::to_string(replicas) + "}, resources: {requests: {cpu: " + std::to_string(cpus) +
         "}}}]}}}";
}

class QuotaTest : public testing::TestWithParam<uint64_t> {
 protected:
  static void SetUpTestSuite() { log::Configure(log::Level::kError, false); }
};

TEST_P(QuotaTest, WhatIsAdmittedNeverExceedsItThroughWhicheverControllerItComes) {
  std::mt19937_64 random(GetParam());
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<uint64_t>(n)); };
  World world({.seed = GetParam(), .controllers = 3, .feed_delay = Duration(below(200))});
  ASSERT_TRUE(world.Put(kQuota + std::string("{executions: 4, cpu: 9}}")).ok());
  world.ApplyUser("ann", "quota: few");
  world.Run(10s);
  int written = 0, refused = 0;
  for (int i = 0; i < 300; ++i) {
    if (below(20) == 0) world.LagStore(below(3), Duration(below(3'000)));
    if (below(60) == 0) world.CutFromStore(below(3), Duration(below(2'000)));
    if (below(100) == 0) world.CrashController(below(3), Duration(below(500)));
    world.api = below(3);
    const std::string name = "e" + std::to_string(below(9));
    const auto done = below(6) == 0
                          ? world.Remove({"Execution", "ann", name})
                          : world.Put(Execution(name, 1 + below(3), 1 + below(3), below(3) == 0));
    written += done.ok() ? 1 : 0;
    refused += !done.ok() && done.error().code == Code::kForbidden ? 1 : 0;
    const v1::Usage used = UsedInTruth(world);
    ASSERT_LE(used.executions, 4) << "act " << i;
    ASSERT_LE(used.cpu_milli, 9'000) << "act " << i;
    if (below(3) == 0) world.Run(Duration(below(100)));
  }
  EXPECT_GT(written, 20);
  EXPECT_GT(refused, 5);
  world.api = kAny;
  world.Settle();
}

INSTANTIATE_TEST_SUITE_P(Seeds, QuotaTest, testing::Range<uint64_t>(1, 7));

TEST(QuotaRuntime, EndsWhatRunsAndCountsFromTheStart) {
  log::Configure(log::Level::kError, false);
  World world({.controllers = 2});
  ASSERT_TRUE(world.Put(kQuota + std::string("{runtime: 1h}}")).ok());
  world.ApplyUser("ann", "quota: few");
  world.Run(10s);
  // More than there is: it waits, which is no running.
  world.Apply("ann/wait",
              "application: {services: [{name: s, image: 'a:1', constraints: "
              "[node.hostname == nowhere]}]}");
  world.Run(2h);
  EXPECT_EQ(world.Get("ann/wait")->status.finished_at, std::nullopt);
  world.Apply("ann/run", "application: {services: [{name: s, image: 'a:1'}]}");
  world.Run(30min);
  EXPECT_EQ(world.Phase("ann/run"), v1::kRunning);
  world.CrashController(kLeader);
  world.Run(29min);
  EXPECT_EQ(world.Phase("ann/run"), v1::kRunning);
  world.Run(2min);
  EXPECT_EQ(world.Phase("ann/run"), v1::kFailed);
  EXPECT_EQ(FindCondition(world.Get("ann/run")->status.conditions, "Complete")->reason,
            "RuntimeExceeded");
  // A runtime that becomes shorter holds for what runs.
  world.Apply("ann/next", "application: {services: [{name: s, image: 'a:1'}]}");
  world.Run(20min);
  ASSERT_TRUE(world.Put(kQuota + std::string("{runtime: 10m}}")).ok());
  world.Run(5s);
  EXPECT_EQ(world.Phase("ann/next"), v1::kFailed);
}

TEST(QuotaGrants, StayBelowItWithElasticReplicasAndGrowWithIt) {
  log::Configure(log::Level::kError, false);
  World world({.controllers = 1});
  ASSERT_TRUE(world.Put(kQuota + std::string("{cpu: 3}}")).ok());
  world.ApplyUser("ann", "quota: few");
  world.Run(10s);
  const auto granted = [&](const std::string& name) {
    return world.Get(name)->status.services.at(0).granted.value_or(0);
  };
  world.Apply("ann/run",
              "application: {services: [{name: s, image: 'a:1', replicas: {total: 5, "
              "essential: 1}, resources: {requests: {cpu: 500m}}}]}");
  world.Run(20s);
  EXPECT_EQ(granted("ann/run"), 5);
  world.Apply("ann/more",
              "application: {services: [{name: s, image: 'a:1', replicas: {total: 5, "
              "essential: 2}, resources: {requests: {cpu: 500m}}}]}");
  world.Run(2min);
  // Elastic replicas give way to essentials of the same user, and to no more than those.
  EXPECT_EQ(granted("ann/run"), 4);
  EXPECT_EQ(granted("ann/more"), 2);
  ASSERT_TRUE(world.Put(kQuota + std::string("{cpu: 4}}")).ok());
  world.Run(2min);
  EXPECT_EQ(granted("ann/run") + granted("ann/more"), 8);
  // A smaller one ends nothing.
  ASSERT_TRUE(world.Put(kQuota + std::string("{cpu: 1}}")).ok());
  world.Run(2min);
  EXPECT_EQ(world.Phase("ann/run"), v1::kRunning);
  EXPECT_EQ(world.Phase("ann/more"), v1::kRunning);
}

}  // namespace
}  // namespace zoe::sim_test
