#include "controller/scheduler/simulator/trace.h"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "controller/scheduler/simulator/generator.h"

namespace zoe::scheduler::simulator {
namespace {

Expected<std::vector<TraceJob>> Read(const std::string& text) {
  std::istringstream in(text);
  return ReadTrace(in, "jobs.csv");
}

TEST(Trace, ColumnsMayStandInAnyOrderAndMostMayBeMissing) {
  const auto jobs = Read(
      "# two jobs\n"
      "memory,cpu,id,duration,submitted\r\n"
      "\n"
      "2Gi, 500m, late, 60, 10.5\r\n"
      "1Gi,2,early,0.25,0\n");
  ASSERT_TRUE(jobs.ok()) << jobs.error().ToString();
  ASSERT_EQ(jobs->size(), 2u);
  const TraceJob early{.id = "early",
                       .duration = Duration(250),
                       .declared = Duration(250),
                       .request = {2'000'000'000, 1 << 30}};
  EXPECT_EQ((*jobs)[0], early);
  EXPECT_EQ((*jobs)[1].submitted, Duration(10'500));
  EXPECT_EQ((*jobs)[1].request, (Resources{500'000'000, int64_t{2} << 30}));
}

TEST(Trace, OneWithFewerEssentialReplicasIsElasticUnlessItSaysOtherwise) {
  const auto jobs = Read(
      "id,submitted,duration,cpu,memory,total,essential,class,user,priority\n"
      "a,0,1,1,1Gi,4,2,,ann,7\n"
      "b,0,1,1,1Gi,4,,,,\n"
      "c,0,1,1,1Gi,4,2,interactive,,\n");
  ASSERT_TRUE(jobs.ok()) << jobs.error().ToString();
  EXPECT_EQ((*jobs)[0].kind, Class::kElastic);
  EXPECT_EQ((*jobs)[0].user, "ann");
  EXPECT_EQ((*jobs)[0].priority, 7);
  EXPECT_EQ((*jobs)[1].kind, Class::kRigid);
  EXPECT_EQ((*jobs)[1].essential, 4);
  EXPECT_EQ((*jobs)[2].kind, Class::kInteractive);
}

TEST(Trace, WhatIsWrongIsNamedWithItsLine) {
  const std::string head = "id,submitted,duration,cpu,memory,total,essential,class\n";
  const std::pair<std::string, std::string> kCases[] = {
      {"", "jobs.csv: no jobs"},
      {head, "jobs.csv: no jobs"},
      {"id,submitted,duration,cpu\n", "jobs.csv:1: column memory is missing"},
      {"id,submitted,duration,cpu,memory,id\n", "jobs.csv:1: column id stands there twice"},
      {"id,submitted,duration,cpu,memory,colour\n", "jobs.csv:1: no such column: \"colour\""},
      {head + "a,0,1,1,1Gi,1,1\n", "jobs.csv:2: 7 cells under 8 columns"},
      {head + "a,0,1,1,1Gi,1,1,\n\na,0,1,1,1Gi,1,1,\n", "jobs.csv:4: id: a stands there twice"},
      {head + ",0,1,1,1Gi,1,1,\n", "jobs.csv:2: id: missing"},
      {head + "a,-1,1,1,1Gi,1,1,\n",
       "jobs.csv:2: submitted: \"-1\" is no number of seconds from 0 to 1e9"},
      {head + "a,0,nan,1,1Gi,1,1,\n",
       "jobs.csv:2: duration: \"nan\" is no number of seconds from 0 to 1e9"},
      {head + "a,0,0,1,1Gi,1,1,\n", "jobs.csv:2: duration: must be at least 0.001"},
      {head + "a,0,1,0,1Gi,1,1,\n", "jobs.csv:2: cpu: must be more than 0"},
      {head + "a,0,1,1,1Gi,0,1,\n", "jobs.csv:2: total: \"0\" is no whole number from 1 to 100000"},
      {head + "a,0,1,1,1Gi,1,2,\n", "jobs.csv:2: essential: must not be more than total"},
      {head + "a,0,1,1,1Gi,1,1,big\n",
       "jobs.csv:2: class: \"big\" is none of elastic, rigid, interactive"},
  };
  for (const auto& [text, message] : kCases) {
    const auto jobs = Read(text);
    ASSERT_FALSE(jobs.ok()) << text;
    EXPECT_EQ(jobs.error().message, message) << text;
  }
}

TEST(Trace, WhatIsWrittenIsReadAgain) {
  const auto jobs = Generate({.seed = 3, .jobs = 200, .interactive = 0.1, .error = 0.5});
  std::ostringstream out;
  WriteTrace(out, jobs);
  const auto again = Read(out.str());
  ASSERT_TRUE(again.ok()) << again.error().ToString();
  EXPECT_EQ(*again, jobs);
}

TEST(Generator, TheSameSeedGivesTheSameJobsAndAnotherOneOthers) {
  EXPECT_EQ(Generate({.seed = 5, .jobs = 50}), Generate({.seed = 5, .jobs = 50}));
  EXPECT_NE(Generate({.seed = 5, .jobs = 50}), Generate({.seed = 6, .jobs = 50}));
}

TEST(Generator, JobsAreAsManyAndAsMixedAndAsLargeAsAsked) {
  const Workload workload{.seed = 1, .jobs = 5000, .load = 0.5, .rigid = 0.3, .interactive = 0.1};
  const auto jobs = Generate(workload);
  ASSERT_EQ(jobs.size(), 5000u);
  int counts[kClasses] = {};
  double cpu = 0, memory = 0;
  for (const TraceJob& job : jobs) {
    ++counts[static_cast<int>(job.kind)];
    EXPECT_TRUE(Fits(job, workload.machines));
    EXPECT_GE(job.essential, 1);
    if (job.kind == Class::kElastic) {
      EXPECT_EQ(job.total % 10, 0);
      EXPECT_LE(job.essential, 4);
    } else {
      EXPECT_EQ(job.essential, job.total);
    }
    EXPECT_LE(job.request.cpu_nano, 6'400'000'000);
    EXPECT_LE(static_cast<double>(job.request.memory_bytes), 25.6 * (1 << 30));
    cpu += static_cast<double>(job.Work()) * static_cast<double>(job.request.cpu_nano);
    memory += static_cast<double>(job.Work()) * static_cast<double>(job.request.memory_bytes);
  }
  EXPECT_NEAR(counts[static_cast<int>(Class::kRigid)], 1500, 150);
  EXPECT_NEAR(counts[static_cast<int>(Class::kInteractive)], 500, 80);
  const double span = 25 * static_cast<double>(jobs.back().submitted.count());
  const double load = std::max(cpu / span / 32e9, memory / span / (128.0 * (1 << 30)));
  EXPECT_NEAR(load, 0.5, 0.001);
}

}  // namespace
}  // namespace zoe::scheduler::simulator
