#include <gtest/gtest.h>

#include <sstream>

#include "controller/scheduler/simulator/command.h"

namespace zoe::scheduler::simulator {
namespace {

struct Ran {
  int code;
  std::string out, err;
};

Ran Play(const std::vector<std::string>& args) {
  std::ostringstream out, err;
  const int code = Main(args, out, err);
  return {code, out.str(), err.str()};
}

TEST(Command, TheSameSeedPrintsTheSame) {
  const std::vector<std::string> args = {"--jobs", "300", "--seed", "4", "--interactive", "0.1"};
  const Ran first = Play(args);
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(Play(args).out, first.out);
  EXPECT_NE(first.out.find("interactive jobs:"), std::string::npos);
}

TEST(Command, WhatIsWrongIsNamed) {
  const std::pair<std::vector<std::string>, std::string> kCases[] = {
      {{"--colour", "red"}, "unrecognised option '--colour'"},
      {{"--jobs", "many"}, "--jobs: \"many\" is no number from 1 to 1e+06"},
      {{"--jobs", "1.5"}, "--jobs: \"1.5\" is no whole number"},
      {{"--load", "0"}, "--load: \"0\" is no number from 0.01 to 100"},
      {{"--machine-cpu", "-1"}, "--machine-cpu: \"-1\" is no amount, as 32 or 128Gi"},
      {{"--rigid", "0.8", "--interactive", "0.3"},
       "--interactive: \"0.3\" is too much beside --rigid"},
      {{"--placement", "heap"}, "--placement: \"heap\" is none of swarm, spread, pack"},
      {{"--reclaim", "yes"}, "--reclaim: \"yes\" is neither true nor false"},
      {{"--policies", "fifo-rigid,best"},
       "--policies: \"fifo-rigid,best\" has no policy in it that is called \"best\""},
      {{"--trace", "x.csv", "--seeds", "2"}, "--seeds: \"2\" and --trace can't be both"},
  };
  for (const auto& [args, message] : kCases) {
    const Ran ran = Play(args);
    EXPECT_EQ(ran.code, 2) << message;
    EXPECT_EQ(ran.err, "zoe-sched-sim: " + message + "\n");
    EXPECT_EQ(ran.out, "");
  }
}

TEST(Command, ATraceThatCannotBeReadFails) {
  const Ran ran = Play({"--trace", "/nowhere/jobs.csv"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(ran.err, "zoe-sched-sim: /nowhere/jobs.csv: can't be read\n");
}

TEST(Command, HelpNamesThePolicies) {
  const Ran ran = Play({"--help"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_NE(ran.out.find("shortest-remaining"), std::string::npos);
}

}  // namespace
}  // namespace zoe::scheduler::simulator
