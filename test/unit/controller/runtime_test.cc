#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "controller/runtime/local_files.h"
#include "controller/runtime/log.h"
#include "controller/runtime/manager.h"
#include "controller/runtime/manual_clock.h"
#include "controller/runtime/metrics.h"
#include "controller/runtime/system_clock.h"
#include "specs/codec/value.h"

namespace zoe {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;

// ---- log

struct LogTest : testing::Test {
  ~LogTest() override { log::Configure(log::Level::kInfo, false); }
  template <class F>
  std::string Lines(F write) {
    testing::internal::CaptureStderr();
    write();
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(LogTest, WritesOneTextLinePerEvent) {
  const std::string line = Lines([] {
    log::Info("created", {{"service", "web"}, {"note", "two words"}, {"none", ""}});
  });
  EXPECT_THAT(line, MatchesRegex("[0-9-]+T[0-9:.]+Z INFO  created service=web note=\"two words\" "
                                 "none=\"\"\n"));
}

TEST_F(LogTest, NothingFromOutsideStartsAnotherLine) {
  const std::string line = Lines([] {
    log::Warn("bad\nERROR forged", {{"value", "x\n2026 ERROR forged\x1b[31m"}, {"eq", "a=b"}});
  });
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_THAT(line,
              HasSubstr("WARN  bad\\nERROR forged value=\"x\\n2026 ERROR forged\\u001b[31m\""));
  EXPECT_THAT(line, HasSubstr("eq=\"a=b\""));
}

TEST_F(LogTest, QuotesInMessagesStayAsTheyAre) {
  EXPECT_THAT(Lines([] { log::Info("say \"ä\"\t100 %v %s {}"); }),
              HasSubstr("say \"ä\"\\t100 %v %s {}\n"));
}

TEST_F(LogTest, WritesJsonThatAParserReads) {
  log::Configure(log::Level::kDebug, true);
  const std::string line = Lines([] {
    log::Debug("a \"b\"\n", {{"k\"ey", "v\\ \x01 \xff"}, {"n", "1"}});
  });
  const auto value = codec::ParseJson(line);
  ASSERT_TRUE(value.ok()) << line;
  EXPECT_EQ(value->StringAt("level"), "debug");
  EXPECT_EQ(value->StringAt("message"), "a \"b\"\n");
  EXPECT_THAT(value->StringAt("time"), MatchesRegex("[0-9]{4}-[0-9-]{5}T[0-9:]{8}\\.[0-9]{3}Z"));
  ASSERT_TRUE(value->Find("k\"ey"));
}

TEST_F(LogTest, LeavesOutWhatIsBelowTheLevelAndCountsErrors) {
  log::Configure(log::Level::kWarn, false);
  const int errors = log::ErrorCount();
  EXPECT_EQ(Lines([] {
              log::Debug("x");
              log::Info("x");
            }),
            "");
  EXPECT_NE(Lines([] { log::Error("x"); }), "");
  EXPECT_EQ(log::ErrorCount(), errors + 1);
}

TEST_F(LogTest, KnowsItsLevels) {
  log::Level level;
  EXPECT_TRUE(log::ParseLevel("debug", level));
  EXPECT_EQ(level, log::Level::kDebug);
  EXPECT_TRUE(log::ParseLevel("error", level));
  EXPECT_EQ(level, log::Level::kError);
  EXPECT_FALSE(log::ParseLevel("INFO", level));
}

// ---- metrics

TEST(MetricsTest, SpeaksPrometheusTextFormat) {
  Metrics metrics;
  metrics
      .CounterOf("zoe_b_total", "Help with \\ and\nbreak.", {{"code", "200"}, {"p", "a\"b\\c\n"}})
      .Add(2);
  metrics.GaugeOf("zoe_a", "A gauge.").Set(1.5);
  EXPECT_EQ(metrics.Exposition(),
            "# HELP zoe_a A gauge.\n# TYPE zoe_a gauge\nzoe_a 1.5\n"
            "# HELP zoe_b_total Help with \\\\ and\\nbreak.\n# TYPE zoe_b_total counter\n"
            "zoe_b_total{code=\"200\",p=\"a\\\"b\\\\c\\n\"} 2\n");
}

TEST(MetricsTest, HistogramsAreCumulativeAndEndWithInfinity) {
  Metrics metrics;
  Histogram& h = metrics.HistogramOf("zoe_h", "H.", {{"q", "x"}});
  for (const double value : {0.001, 0.0011, 0.2, 100.0}) h.Observe(value);
  const std::string text = metrics.Exposition();
  EXPECT_THAT(text, HasSubstr("zoe_h_bucket{q=\"x\",le=\"0.001\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("zoe_h_bucket{q=\"x\",le=\"0.0025\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("zoe_h_bucket{q=\"x\",le=\"60\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("zoe_h_bucket{q=\"x\",le=\"+Inf\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("zoe_h_sum{q=\"x\"} 100.2021\n"));
  EXPECT_THAT(text, HasSubstr("zoe_h_count{q=\"x\"} 4\n"));
}

TEST(MetricsTest, TheSameNameAndLabelsAreTheSameSeries) {
  Metrics metrics;
  Counter& one = metrics.CounterOf("c", "", {{"a", "1"}});
  EXPECT_EQ(&one, &metrics.CounterOf("c", "", {{"a", "1"}}));
  EXPECT_NE(&one, &metrics.CounterOf("c", "", {{"a", "2"}}));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1'000; ++i) {
        metrics.CounterOf("c", "", {{"a", "1"}}).Add();
        if (i % 100 == 0) (void)metrics.Exposition();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(one.value(), 4'000);
}

// ---- clocks

TEST(ManualClockTest, StandsStillUntilAdvanced) {
  ManualClock clock;
  const auto wall = clock.WallNow();
  const auto now = clock.Now();
  EXPECT_EQ(clock.Now(), now);
  clock.Advance(seconds(3));
  EXPECT_EQ(clock.WallNow() - wall, seconds(3));
  EXPECT_EQ(clock.Now() - now, seconds(3));
  clock.AdvanceTo(now);
  EXPECT_EQ(clock.Now() - now, seconds(3));
}

TEST(ManualClockTest, WakesEachWaiterWhenItsTimeHasCome) {
  ManualClock clock;
  const SteadyTime start = clock.Now();
  std::atomic<int> awake{0};
  std::vector<std::thread> threads;
  for (int i = 1; i <= 3; ++i) {
    threads.emplace_back([&, i] {
      std::mutex mutex;
      std::condition_variable cv;
      std::unique_lock lock(mutex);
      while (clock.Now() < start + seconds(i)) clock.WaitUntil(cv, lock, start + seconds(i));
      ++awake;
    });
  }
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(clock.AwaitWaiters(4 - i));
    EXPECT_EQ(awake, i - 1);
    clock.Advance(seconds(1));
    threads[static_cast<size_t>(i - 1)].join();
  }
  EXPECT_EQ(awake, 3);
}

TEST(SystemClockTest, WaitsForItsDeadline) {
  SystemClock clock;
  std::mutex mutex;
  std::condition_variable cv;
  std::unique_lock lock(mutex);
  const SteadyTime deadline = clock.Now() + Duration(20);
  while (clock.Now() < deadline) clock.WaitUntil(cv, lock, deadline);
  EXPECT_LT(clock.Now(), deadline + seconds(5));
  EXPECT_EQ(clock.WallNow().time_since_epoch() / seconds(1), time(nullptr));
}

// ---- manager

struct ManagerTest : testing::Test {
  std::vector<std::string> did;
  Component Named(const std::string& name, bool fails = false) {
    return {name,
            [this, name, fails]() -> Expected<void> {
              did.push_back("+" + name);
              if (fails) return MakeError(Code::kUnavailable, "no");
              return {};
            },
            [this, name] { did.push_back("-" + name); }};
  }
};

TEST_F(ManagerTest, StopsInReverseOrderAndOnce) {
  Manager manager(seconds(10), {});
  manager.Add(Named("a"));
  manager.Add(Named("b"));
  ASSERT_TRUE(manager.Start().ok());
  manager.Stop();
  manager.Stop();
  EXPECT_THAT(did, ElementsAre("+a", "+b", "-b", "-a"));
}

TEST_F(ManagerTest, AFailedStartStopsWhatWasStarted) {
  Manager manager(seconds(10), {});
  manager.Add(Named("a"));
  manager.Add(Named("b", true));
  manager.Add(Named("c"));
  const auto started = manager.Start();
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().message, "b: no");
  EXPECT_THAT(did, ElementsAre("+a", "+b", "-a"));
}

TEST_F(ManagerTest, TellsWhichComponentDoesNotStop) {
  std::atomic<bool> told{false};
  std::string who;
  Manager manager(Duration(10), [&](const std::string& name) {
    who = name;
    told = true;
  });
  manager.Add(Named("a"));
  manager.Add({"hangs", {}, [&] {
                 while (!told) std::this_thread::yield();
               }});
  manager.Add(Named("c"));
  ASSERT_TRUE(manager.Start().ok());
  manager.Stop();
  EXPECT_EQ(who, "hangs");
}

TEST(SignalsTest, ArriveOnlyWhereTheyAreWaitedFor) {
  BlockStopSignals();
  EXPECT_EQ(WaitForStopSignal(Duration(1)), 0);
  kill(getpid(), SIGTERM);
  EXPECT_EQ(WaitForStopSignal(seconds(10)), SIGTERM);
  kill(getpid(), SIGINT);
  EXPECT_EQ(WaitForStopSignal(), SIGINT);
  raise(SIGPIPE);  // ignored
}

TEST(SignalsTest, EndAProgramThatServesNobody) {
  const auto serve_nobody = [] {
    BlockStopSignals();
    UnblockStopSignals();
    raise(SIGPIPE);  // still ignored
    raise(SIGINT);
  };
  EXPECT_EXIT(serve_nobody(), testing::KilledBySignal(SIGINT), "");
}

// ---- files

TEST(LocalFilesTest, MakesDirectoriesAndSaysWhyNot) {
  std::string name = std::filesystem::temp_directory_path() / "zoe-files-XXXXXX";
  const std::filesystem::path dir = mkdtemp(name.data());
  LocalFiles files;
  const std::string path = dir / "a" / "b";
  EXPECT_TRUE(files.EnsureDirectory(path, {}).ok());
  EXPECT_TRUE(files.EnsureDirectory(path, {}).ok());
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0755u);
  {
    FILE* file = fopen((dir / "file").c_str(), "w");
    fclose(file);
  }
  for (const char* blocked : {"file", "file/x"}) {
    const auto result = files.EnsureDirectory(dir / blocked, {});
    ASSERT_FALSE(result.ok()) << blocked;
    EXPECT_EQ(result.error().code, Code::kUnavailable);
    EXPECT_THAT(result.error().message, HasSubstr(dir.string()));
  }
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace zoe
