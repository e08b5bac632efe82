// What `apply --wait` takes for an end.
#include "cli/waiter.h"

#include <gtest/gtest.h>

#include "specs/codec/value.h"

namespace zoe::cli {
namespace {

Judgement Judged(const std::string& status, bool monitor = false) {
  const auto object = codec::ParseJson(
      R"({"metadata":{"name":"x"},"spec":{"application":{"services":[{"name":"web","monitor":)" +
      std::string(monitor ? "true" : "false") + "}]}},\"status\":" + status + "}");
  EXPECT_TRUE(object.ok());
  return ExecutionJudge(2)(&*object);
}

TEST(ExecutionJudge, WaitsForTheGenerationThatWasApplied) {
  const std::string ready = R"("conditions":[{"type":"Ready","status":"True"}]})";
  EXPECT_EQ(Judged(R"({"observedGeneration":1,)" + ready).verdict, Verdict::kWaiting);
  EXPECT_EQ(Judged(R"({"observedGeneration":2,)" + ready).verdict, Verdict::kMet);
  EXPECT_EQ(Judged(R"({"observedGeneration":2,)" + ready, true).verdict, Verdict::kWaiting);
}

TEST(ExecutionJudge, GivesUpWhenSwarmStoppedTheRollOfTheContainers) {
  const Judgement paused = Judged(
      R"({"observedGeneration":2,"phase":"Running","conditions":[{"type":"Ready","status":"True"},
         {"type":"Degraded","status":"True","reason":"UpdatePaused","message":"web: update paused"}]})");
  EXPECT_EQ(paused.verdict, Verdict::kHopeless);
  EXPECT_EQ(paused.why, "UpdatePaused: web: update paused");
  // Any other trouble may pass.
  EXPECT_EQ(
      Judged(
          R"({"observedGeneration":2,"conditions":[{"type":"Degraded","status":"True","reason":"ReplicasLost"}]})")
          .verdict,
      Verdict::kWaiting);
}

}  // namespace
}  // namespace zoe::cli
