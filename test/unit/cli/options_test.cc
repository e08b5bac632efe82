#include "cli/options.h"

#include <gtest/gtest.h>

namespace zoe::cli {
namespace {

const std::vector<Flag> kFlags = {
    {.name = "filename", .letter = 'f', .kind = FlagKind::kList},
    {.name = "output", .letter = 'o', .kind = FlagKind::kValue, .standard = "table"},
    {.name = "recursive", .letter = 'R'},
    {.name = "watch", .letter = 'w'},
    {.name = "wait", .standard = "true"},
    {.name = "dry-run",
     .kind = FlagKind::kOptional,
     .standard = "none",
     .bare = "client",
     .choices = {"none", "client", "server"}}};

Arguments Parse(const std::vector<std::string>& args) {
  auto result = ParseArguments(args, kFlags);
  EXPECT_TRUE(result.ok()) << result.error().message;
  return *result;
}

TEST(Options, FlagsStandAnywhereInEverySpelling) {
  const Arguments args = Parse({"exec", "-f", "a", "-fb", "-f=c", "--filename", "d", "--filename=e",
                                "name", "-o=json", "-Rw"});
  EXPECT_EQ(args.All("filename"), (std::vector<std::string>{"a", "b", "c", "d", "e"}));
  EXPECT_EQ(args.words(), (std::vector<std::string>{"exec", "name"}));
  EXPECT_EQ(args.Get("output"), "json");
  EXPECT_TRUE(args.Is("recursive"));
  EXPECT_TRUE(args.Is("watch"));
}

TEST(Options, ABundleMayEndWithAFlagThatTakesAValue) {
  EXPECT_EQ(Parse({"-Rf", "x"}).All("filename"), std::vector<std::string>{"x"});
  EXPECT_EQ(Parse({"-Rfx"}).All("filename"), std::vector<std::string>{"x"});
}

TEST(Options, ADashAloneIsAValueOrAWord) {
  EXPECT_EQ(Parse({"-f", "-"}).All("filename"), std::vector<std::string>{"-"});
  EXPECT_EQ(Parse({"-"}).words(), std::vector<std::string>{"-"});
}

TEST(Options, TwoDashesEndTheFlags) {
  EXPECT_EQ(Parse({"--", "-f", "x"}).words(), (std::vector<std::string>{"-f", "x"}));
}

TEST(Options, StandardsHoldUntilAFlagIsGiven) {
  EXPECT_TRUE(Parse({}).Is("wait"));
  EXPECT_FALSE(Parse({"--wait=false"}).Is("wait"));
  EXPECT_EQ(Parse({}).Get("output"), "table");
  EXPECT_FALSE(Parse({}).Has("output"));
  EXPECT_EQ(Parse({}).Get("dry-run"), "none");
  EXPECT_EQ(Parse({"--dry-run"}).Get("dry-run"), "client");
  EXPECT_EQ(Parse({"--dry-run", "server"}).words(), std::vector<std::string>{"server"});
}

TEST(Options, WrongFlagsAreNamedWithWhatIsClose) {
  const auto message = [](const std::vector<std::string>& args) {
    const auto result = ParseArguments(args, kFlags);
    return result.ok() ? "" : result.error().message;
  };
  EXPECT_EQ(message({"--fillename", "x"}), "unknown flag: --fillename; did you mean --filename?");
  EXPECT_EQ(message({"-x"}), "unknown flag: -x");
  EXPECT_EQ(message({"-f"}), "flag -f needs a value");
  EXPECT_EQ(message({"--output"}), "flag --output needs a value");
  EXPECT_EQ(message({"--wait=maybe"}), "--wait takes true or false, not \"maybe\"");
  EXPECT_EQ(message({"--dry-run=yes"}), "--dry-run takes one of none, client, server, not \"yes\"");
}

TEST(Options, TheFirstWordIsFoundBehindFlagsAndTheirValues) {
  EXPECT_EQ(FirstWord({"-o", "json", "--filename=x", "get", "exec"}, kFlags), 3u);
  EXPECT_EQ(FirstWord({"-R"}, kFlags), 1u);
}

TEST(Options, TheClosestWordIsFoundAndNoFarOne) {
  EXPECT_EQ(Closest("aply", {"get", "apply"}), "apply");
  EXPECT_EQ(Closest("gte", {"get", "apply"}), "get");
  EXPECT_EQ(Closest("des", {"get", "describe"}), "describe");
  EXPECT_EQ(Closest("frobnicate", {"get", "apply"}), "");
}

}  // namespace
}  // namespace zoe::cli
