#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <sstream>
#include <tuple>

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
  const std::vector<std::string> args = {
      "--jobs",        "300", "--seed",     "4",
      "--interactive", "0.1", "--policies", "baselines,zoe-size,zoe-fair-share"};
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

// ---- the claim: docs/scheduling.md

// The lines of one run's CSV, by policy, trace and class; each a map from column to value.
using Figures =
    std::map<std::tuple<std::string, std::string, std::string>, std::map<std::string, double>>;

std::vector<std::string> Split(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, ',');) cells.push_back(cell);
  return cells;
}

Figures Compare(const std::vector<std::string>& args) {
  std::string path = testing::TempDir() + "zoe-sched-sim-XXXXXX";
  close(mkstemp(path.data()));
  std::vector<std::string> all = args;
  all.insert(all.end(), {"--csv", path});
  const Ran ran = Play(all);
  EXPECT_EQ(ran.code, 0) << ran.err;
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  const std::vector<std::string> columns = Split(line);
  Figures figures;
  while (std::getline(in, line)) {
    const std::vector<std::string> cells = Split(line);
    auto& row = figures[{cells[0], cells[1], cells[2]}];
    for (size_t i = 3; i < cells.size(); ++i) row[columns[i]] = std::stod(cells[i]);
  }
  unlink(path.c_str());
  return figures;
}

constexpr const char* kPublished[] = {"fifo-rigid",    "psjf-rigid",    "srpt-rigid",
                                      "hrrn-rigid",    "fifo-elastic",  "psjf-elastic",
                                      "srpt-elastic",  "hrrn-elastic",  "fifo-flexible",
                                      "psjf-flexible", "srpt-flexible", "hrrn-flexible"};

// On the same jobs, mean and 95th percentile of turnaround are less than each published policy's,
// for all jobs and for each class, and nobody waits as long as the one who waits longest there.
TEST(Comparison, OurPoliciesBeatThePublishedOnesAndStarveNoClass) {
  const std::string ours[] = {"zoe-fifo", "zoe-priority", "zoe-size", "zoe-fair-share",
                              "zoe-size-blind"};
  std::string policies;
  for (const std::string& policy : ours) policies += policy + ",";
  for (const char* policy : kPublished) policies += std::string(policy) + ",";
  policies.pop_back();
  const Figures figures =
      Compare({"--policies", policies, "--jobs", "600", "--seed", "1", "--load", "1.2"});
  for (const std::string kind : {"all", "elastic", "rigid"}) {
    for (const std::string& policy : ours) {
      const auto& mine = figures.at({policy, "1", kind});
      EXPECT_EQ(mine.at("restarts"), 0);
      for (const char* published : kPublished) {
        const auto& theirs = figures.at({published, "1", kind});
        for (const char* what : {"turnaround_mean", "turnaround_p95", "queueing_max"}) {
          EXPECT_LT(mine.at(what), theirs.at(what))
              << what << " of " << kind << " jobs: " << policy << " against " << published;
        }
      }
    }
  }
}

// Also where a replica that is taken back loses the last minute, people guess durations wrong, and
// the scheduler says which nodes.
TEST(Comparison, TheyDoWithLossesWrongDurationsAndAnyPlacement) {
  for (const std::string placement : {"swarm", "pack"}) {
    const Figures figures = Compare(
        {"--policies", "zoe-size,zoe-priority,psjf-flexible,srpt-flexible,hrrn-flexible", "--jobs",
         "600", "--load", "1.2", "--placement", placement, "--loss", "60", "--error", "1"});
    for (const char* policy : {"zoe-size", "zoe-priority"}) {
      for (const char* published : {"psjf-flexible", "srpt-flexible", "hrrn-flexible"}) {
        for (const char* what : {"turnaround_mean", "turnaround_p95"}) {
          EXPECT_LT(figures.at({policy, "1", "all"}).at(what),
                    figures.at({published, "1", "all"}).at(what))
              << what << ": " << policy << " against " << published << ", " << placement;
        }
      }
    }
  }
}

}  // namespace
}  // namespace zoe::scheduler::simulator
