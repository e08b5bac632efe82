// What counts against a Quota, and the words of the refusal.
#include "specs/v1/quota.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "specs/codec/value.h"
#include "specs/v1/checks.h"
#include "specs/v1/kinds.h"

namespace zoe::v1 {
namespace {

using std::chrono::hours, std::chrono::minutes, std::chrono::seconds;
using testing::ElementsAre;

// An Execution named "run" of these services.
Execution MakeRun(const std::string& services, const std::string& more = "") {
  const auto documents =
      codec::ParseYaml("{apiVersion: zoe/v1, kind: Execution, metadata: {name: run}, spec: {" +
                       more + "application: {services: [" + services + "]}}}");
  const auto decoded = Decode(documents->front());
  EXPECT_TRUE(decoded.ok()) << decoded.error().ToString();
  return static_cast<const Execution&>(*decoded->object);
}

Quota Limit(const std::string& spec) {
  const auto documents = codec::ParseYaml(
      "{apiVersion: zoe/v1, kind: Quota, metadata: {name: students}, spec: {" + spec + "}}");
  const auto decoded = Decode(documents->front());
  EXPECT_TRUE(decoded.ok()) << decoded.error().ToString();
  return static_cast<const Quota&>(*decoded->object);
}

// The refusal: its message, then each cause. "": allowed.
std::string Refusal(const std::string& quota, const Execution& wanted, const Execution* before,
                    const Usage& others) {
  const auto checked = CheckQuota(Limit(quota), wanted, before, others);
  if (checked.ok()) return "";
  EXPECT_EQ(checked.error().code, Code::kForbidden);
  std::string out = checked.error().message;
  for (const Cause& cause : checked.error().causes)
    out += "\n" + cause.field + ": " + cause.message;
  return out;
}

constexpr char kWorkers[] =
    "{name: master, image: a, resources: {requests: {cpu: 500m, memory: 1Gi}}},{name: worker, "
    "image: a, replicas: {total: 8, essential: 2}, resources: {requests: {cpu: 1}, limits: {cpu: "
    "4, memory: 2Gi}}}";

TEST(QuotaCounts, EssentialReplicasByWhatTheyRequestElseByTheirLimit) {
  const Usage usage = CountedOf(MakeRun(kWorkers));
  EXPECT_EQ(usage, (Usage{1, 2, 2'500, int64_t{5} << 30}));
}

TEST(QuotaCounts, NothingThatIsFinishedSuspendedOrDeleted) {
  Execution run = MakeRun(kWorkers);
  run.status.phase = kQueued;
  EXPECT_EQ(CountedOf(run).executions, 1);
  run.status.phase = kFailed;
  EXPECT_EQ(CountedOf(run), Usage{});
  run.status.phase = kRunning;
  run.spec.suspend = true;
  EXPECT_EQ(CountedOf(run), Usage{});
  run.spec.suspend = false;
  run.meta.deletion_timestamp = WallTime{};
  EXPECT_EQ(CountedOf(run), Usage{});
}

TEST(QuotaCounts, WhatIsTooMuchToCountAsTheGreatestNumber) {
  const Usage huge =
      CountedOf(MakeRun("{name: a, image: a, replicas: {total: 9000}, resources: {requests: {cpu: "
                        "9000000000000000, memory: 9000000000000000}}}"));
  EXPECT_EQ(huge.cpu_milli, std::numeric_limits<int64_t>::max());
  EXPECT_EQ(huge.memory_bytes, std::numeric_limits<int64_t>::max());
  EXPECT_EQ((huge + huge).cpu_milli, std::numeric_limits<int64_t>::max());
  EXPECT_NE(Refusal("cpu: 4", MakeRun("{name: a, image: a, resources: {requests: {cpu: 1}}}"),
                    nullptr, huge),
            "");
}

TEST(QuotaRefuses, WithLimitUseAndRequestOfEachLimit) {
  EXPECT_EQ(Refusal("executions: 3, cpu: 4, memory: 8Gi, services: 9", MakeRun(kWorkers), nullptr,
                    {3, 3, 3'000, int64_t{1} << 30}),
            "executions.zoe \"run\" is forbidden: exceeded quota: students, requested: "
            "executions=1,cpu=2500m, used: executions=3,cpu=3, limited: executions=3,cpu=4\nspec: "
            "exceeded quota: students, requested: executions=1, used: executions=3, limited: "
            "executions=3\nspec.application.services[].resources.requests.cpu: exceeded quota: "
            "students, requested: cpu=2500m, used: cpu=3, limited: cpu=4");
  EXPECT_EQ(
      Refusal("memory: 8Gi, services: 4", MakeRun(kWorkers), nullptr, {1, 3, 0, int64_t{4} << 30}),
      "executions.zoe \"run\" is forbidden: exceeded quota: students, requested: "
      "memory=5Gi,services=2, used: memory=4Gi,services=3, limited: "
      "memory=8Gi,services=4\nspec.application.services[].resources.requests.memory: exceeded "
      "quota: students, requested: memory=5Gi, used: memory=4Gi, limited: "
      "memory=8Gi\nspec.application.services: exceeded quota: students, requested: services=2, "
      "used: services=3, limited: services=4");
}

TEST(QuotaRefuses, NothingThatJustFits) {
  EXPECT_EQ(Refusal("executions: 2, cpu: 3500m, memory: 6Gi, services: 3", MakeRun(kWorkers),
                    nullptr, {1, 1, 1'000, int64_t{1} << 30}),
            "");
  EXPECT_NE(Refusal("executions: 0", MakeRun(kWorkers), nullptr, {}), "");
}

TEST(QuotaRefuses, OfAChangeOnlyWhatWantsMore) {
  const Execution before = MakeRun(kWorkers);
  Execution after = before;
  after.spec.parameters["a"] = "b";
  const Usage far_beyond{100, 100, 100'000, int64_t{1} << 40};
  const std::string all = "executions: 1, cpu: 1, memory: 1Gi, services: 1";
  EXPECT_EQ(Refusal(all, after, &before, far_beyond), "");
  after.spec.application->services[1].replicas.total = 100;  // elastic ones
  EXPECT_EQ(Refusal(all, after, &before, far_beyond), "");
  after.spec.application->services[1].replicas.essential = 3;
  EXPECT_EQ(Refusal("cpu: 4, services: 1", after, &before, {1, 1, 1'000, 0}),
            "executions.zoe \"run\" is forbidden: exceeded quota: students, requested: cpu=1, "
            "used: cpu=3500m, limited: cpu=4\nspec.application.services[].resources.requests.cpu: "
            "exceeded quota: students, requested: cpu=1, used: cpu=3500m, limited: cpu=4");
}

// An Execution of one service with these replicas granted, that each request so much.
Execution MakeGranted(int32_t granted, const std::string& cpu, const std::string& replicas) {
  Execution run = MakeRun("{name: w, image: a, replicas: {" + replicas +
                          "}, resources: {requests: {cpu: " + cpu + "}}}");
  run.status.services = {{.name = "w", .granted = granted}};
  return run;
}

TEST(QuotaRefuses, LargerRequestsOfElasticReplicasThatAreGranted) {
  const Execution before = MakeGranted(80, "100m", "total: 80, essential: 0");
  const Execution larger = MakeGranted(80, "2", "total: 80, essential: 0"),
                  fewer = MakeGranted(80, "2", "total: 4, essential: 0"),
                  smaller = MakeGranted(80, "50m", "total: 90, essential: 0"),
                  rigid = MakeGranted(80, "2", "total: 80, essential: 80");
  EXPECT_EQ(HeldOf(before).cpu_milli, 8'000);
  EXPECT_EQ(HeldOf(fewer).cpu_milli, 8'000);
  EXPECT_TRUE(EnlargesGranted(larger, before));
  EXPECT_TRUE(EnlargesGranted(fewer, before));
  EXPECT_FALSE(EnlargesGranted(smaller, before));
  EXPECT_FALSE(EnlargesGranted(rigid, before)) << "essential replicas count anyway";
  const auto quota = Limit("cpu: 8");
  EXPECT_TRUE(CheckQuota(quota, larger, &before, {}).ok());
  EXPECT_FALSE(CheckQuota(quota, larger, &before, {}, HeldOf).ok());
  EXPECT_TRUE(CheckQuota(quota, fewer, &before, {}, HeldOf).ok());
}

TEST(QuotaRefuses, TheResumeOfASuspendedOne) {
  Execution before = MakeRun(kWorkers);
  const Execution after = before;
  before.spec.suspend = true;
  EXPECT_NE(Refusal("executions: 1", after, &before, {1, 1, 0, 0}), "");
  EXPECT_EQ(Refusal("executions: 1", before, &after, {1, 1, 0, 0}), "");
}

TEST(QuotaRefuses, APriorityAboveItsHighest) {
  const std::string service = "{name: a, image: a}";
  const Execution urgent = MakeRun(service, "priority: 7, "),
                  calm = MakeRun(service, "priority: 5, ");
  EXPECT_EQ(Refusal("maxPriority: 5", urgent, nullptr, {}),
            "executions.zoe \"run\" is forbidden: exceeded quota: students, requested: priority=7, "
            "limited: priority=5\nspec.priority: exceeded quota: students, requested: priority=7, "
            "limited: priority=5");
  EXPECT_EQ(Refusal("maxPriority: 5", calm, nullptr, {}), "");
  EXPECT_NE(Refusal("maxPriority: 5", urgent, &calm, {}), "");
  EXPECT_EQ(Refusal("maxPriority: 5", urgent, &urgent, {}), "");
}

TEST(QuotaCompares, EachLimitThatItHas) {
  const std::vector<QuotaLine> lines =
      CompareWithQuota(Limit("executions: 2, memory: 1G").spec, {3, 9, 9, 1'000'000'000});
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].name, "executions");
  EXPECT_EQ(lines[0].used, "3");
  EXPECT_TRUE(lines[0].over);
  EXPECT_EQ(lines[1].limit, "1G");
  EXPECT_FALSE(lines[1].over);
}

TEST(QuotaRuntime, IsSecondsOrHasUnits) {
  const auto runtime = [](const std::string& text) {
    return RuntimeOf(Limit("runtime: " + text).spec);
  };
  EXPECT_EQ(runtime("3600"), hours(1));
  EXPECT_EQ(runtime("8h"), hours(8));
  EXPECT_EQ(runtime("1h30m"), minutes(90));
  EXPECT_EQ(RuntimeOf(Limit("cpu: 1").spec), std::nullopt);
  for (const char* bad : {"0", "-5", "1d", "soon", "500ms", "99999999h", ""})
    EXPECT_NE(MustBeRuntime(bad), "") << bad;
}

TEST(QuotaColumns, ShowTheLimits) {
  const Quota quota = Limit("roles: [user, guest], executions: 2, cpu: 500m, runtime: 3600");
  std::vector<std::string> cells;
  for (const Column& column : FindKind("Quota")->columns) cells.push_back(column.cell(quota));
  EXPECT_THAT(cells, ElementsAre("students", "2", "500m", "", "", "3600", "user,guest", "", ""));
}

}  // namespace
}  // namespace zoe::v1
