#include "test/sim/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace zoe::sim_test {
namespace {

constexpr const char* kText = R"(world controllers=2 seed=17
@0 user ann
@1250 put {"kind":"X","spec":{"services":[{"name":"web","image":"w:1"},{"name":"db","image":"d:1"}]}}
@1300 crash 0 3000
)";

TEST(Schedule, ReadsWhatItPrints) {
  const auto schedule = ParseSchedule(kText);
  ASSERT_TRUE(schedule.ok());
  EXPECT_EQ(ToString(*schedule), kText);
  EXPECT_EQ(schedule->steps[2].words, (std::vector<std::string>{"0", "3000"}));
}

TEST(Schedule, SaysWhichLineIsNoStep) {
  for (const char* line : {"apply x", "@x apply", "@12", "@1s apply", "@1 apply {"}) {
    const auto schedule = ParseSchedule(std::string("world\n") + line);
    ASSERT_FALSE(schedule.ok()) << line;
    EXPECT_TRUE(schedule.error().message.starts_with("line 2: ")) << schedule.error().message;
  }
}

TEST(Schedule, ShrinksToWhatIsNeeded) {
  int asked = 0;
  const auto kept = Shrink(40, 1'000, [&](const std::vector<size_t>& indexes) {
    ++asked;
    const auto has = [&](size_t i) { return std::ranges::count(indexes, i) > 0; };
    return has(3) && has(17) && has(39);
  });
  EXPECT_EQ(kept, (std::vector<size_t>{3, 17, 39}));
  EXPECT_LT(asked, 120);
}

TEST(Schedule, StopsShrinkingWhenAskedTooOften) {
  int asked = 0;
  Shrink(100, 10, [&](const std::vector<size_t>&) { return ++asked, false; });
  EXPECT_EQ(asked, 10);
}

TEST(Schedule, SimplifiesDocumentsAndTimes) {
  const Schedule simple = Simplify(*ParseSchedule(kText), 1'000, [](const Schedule& s) {
    return ToString(s).find("d:1") != std::string::npos;
  });
  EXPECT_EQ(ToString(simple),
            "world controllers=2 seed=17\n@0 user ann\n"
            "@1 put {\"kind\":\"X\",\"spec\":{\"services\":[{\"image\":\"d:1\"}]}}\n"
            "@2 crash 0 3000\n");
}

}  // namespace
}  // namespace zoe::sim_test
