// Plays schedules from seeds until a number of them, or hours, are over. The first that fails is
// shrunk, and the command is printed that plays it again. Exit status 1 then.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <sstream>

#include "controller/runtime/log.h"
#include "test/sim/disturb.h"
#include "test/sim/play.h"

namespace zoe::sim_test {
namespace {

constexpr auto kLongestShrinking = std::chrono::seconds(40);

constexpr const char* kUsage =
    R"(sim_schedules [--seed S] [--schedules N] [--hours H] [--least N] [--keep I,J,K] [--play FILE]
              [--trace] [--print]
  --seed S       begin with this seed; alone: this one only (1)
  --schedules N  play the schedules of N seeds (2000)
  --seconds T    ... but use no more than T seconds of a processor
  --hours H      play for H hours; figures each minute; goes on after a failure
  --least N      fail if fewer than N were played
  --keep I,J,K   of the schedule of --seed, these steps only
  --play FILE    a schedule as it is printed, - for standard input
  --trace        tell each step as it is made, and log what the controllers do
  --print        print the schedule of --seed, and play nothing
)";

struct Options {
  uint64_t seed = 1;
  bool one = false, keeps = false, trace = false, print = false;
  uint64_t schedules = 2'000, least = 0;
  double seconds = 0, hours = 0;
  std::vector<size_t> keep;
  std::string play;
};

bool Parse(int argc, char** argv, Options& options) {
  bool seed = false, many = false;
  for (int i = 1; i < argc; ++i) {
    std::string name = argv[i], given;
    if (const size_t equals = name.find('='); equals != std::string::npos) {
      given = name.substr(equals + 1);
      name.resize(equals);
    }
    if (name == "--trace") {
      options.trace = true;
    } else if (name == "--print") {
      options.print = true;
    } else if (given.empty() && i + 1 == argc) {
      return false;
    } else if (const std::string value = given.empty() ? argv[++i] : given; name == "--seed") {
      options.seed = std::strtoull(value.c_str(), nullptr, 10);
      seed = true;
    } else if (name == "--schedules") {
      options.schedules = std::strtoull(value.c_str(), nullptr, 10);
      many = true;
    } else if (name == "--seconds") {
      options.seconds = std::strtod(value.c_str(), nullptr);
      many = true;
    } else if (name == "--hours") {
      options.hours = std::strtod(value.c_str(), nullptr);
      many = true;
    } else if (name == "--least") {
      options.least = std::strtoull(value.c_str(), nullptr, 10);
    } else if (name == "--play") {
      options.play = value;
    } else if (name == "--keep") {
      options.keeps = true;
      std::istringstream in(value);
      for (std::string index; std::getline(in, index, ',');)
        options.keep.push_back(std::strtoull(index.c_str(), nullptr, 10));
    } else {
      return false;
    }
  }
  options.one = seed && !many;
  return true;
}

void Tell(const std::vector<std::string>& failures) {
  for (const std::string& failure : failures) std::cout << "  " << failure << "\n";
}

std::string Joined(const std::vector<size_t>& indexes) {
  std::string text;
  for (const size_t i : indexes) text += (text.empty() ? "" : ",") + std::to_string(i);
  return text;
}

// Shrinks a schedule that fails, and says how to play it again.
void Explain(const Schedule& schedule, const std::vector<std::string>& failures) {
  std::cout << "FAILED: seed " << schedule.world.at("seed") << "\n";
  Tell(failures);
  std::cout << "shrinking..." << std::endl;
  Jury jury;
  const Shrunk shrunk = ShrinkFailure(schedule, Signature(failures), jury, kLongestShrinking);
  std::cout << "replay with: sim_schedules --seed " << schedule.world.at("seed") << " --keep "
            << Joined(shrunk.kept) << "\nor, simpler still, by --play with this:\n"
            << ToString(shrunk.simple);
  Tell(jury.Judge(shrunk.simple));
  std::cout << std::flush;
}

int PlayOne(const Options& options) {
  Schedule schedule;
  if (options.play.empty()) {
    schedule = MakeSchedule(options.seed);
    if (options.keeps) schedule = Keep(schedule, options.keep);
  } else {
    std::ostringstream text;
    if (options.play == "-") {
      text << std::cin.rdbuf();
    } else {
      text << std::ifstream(options.play).rdbuf();
    }
    auto parsed = ParseSchedule(text.str());
    const Error* error = parsed.ok() ? nullptr : &parsed.error();
    const Expected<void> checked = parsed.ok() ? Check(*parsed) : Expected<void>();
    if (!checked.ok()) error = &checked.error();
    if (error != nullptr) {
      std::cerr << options.play << ": " << error->ToString() << "\n";
      return 2;
    }
    schedule = std::move(*parsed);
  }
  if (options.print) {
    std::cout << ToString(schedule);
    return 0;
  }
  PlayOptions play;
  if (options.trace) {
    log::Configure(log::Level::kDebug, false);
    play.trace = [](const std::string& step) { std::cerr << "---- " << step << "\n"; };
  }
  Jury jury(play);
  const auto failures = jury.Judge(schedule);
  if (options.trace) std::cout << jury.ending().world;
  Tell(failures);
  std::cout << (failures.empty() ? "passed\n" : "failed\n");
  return failures.empty() ? 0 : 1;
}

// What was done so far.
struct Figures {
  uint64_t schedules = 0, failed = 0, writes = 0, calls = 0;
  Duration simulated{0};
  std::map<std::string, uint64_t> acts;

  void Add(const Schedule& schedule, const Ending& ending) {
    ++schedules;
    writes += static_cast<uint64_t>(ending.writes);
    calls += static_cast<uint64_t>(ending.calls);
    simulated += ending.lasted;
    for (const Step& step : schedule.steps)
      ++acts[step.act == "oncall" ? "oncall " + step.words[4] : step.act];
  }
  void Tell(double seconds, double used) const {
    std::printf(
        "%llu schedules, %llu failed, %.0f s (%.0f of a processor), %.1f simulated hours, %llu "
        "writes of %llu "
        "calls\n ",
        static_cast<unsigned long long>(schedules), static_cast<unsigned long long>(failed),
        seconds, used, static_cast<double>(simulated.count()) / 3.6e6,
        static_cast<unsigned long long>(writes), static_cast<unsigned long long>(calls));
    for (const auto& [act, times] : acts)
      std::printf(" %s %llu", act.c_str(), static_cast<unsigned long long>(times));
    std::printf("\n");
    std::fflush(stdout);
  }
};

int PlayMany(const Options& options) {
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [begin] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  const auto used = [] { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; };
  const bool hours = options.hours > 0;
  double told = 0;
  Figures figures;
  std::map<std::string, int> signatures;  // each way to fail is explained once
  Jury jury;
  for (uint64_t seed = options.seed;; ++seed) {
    if (!hours && seed == options.seed + options.schedules) break;
    if (hours && seconds() > options.hours * 3600) break;
    if (options.seconds > 0 && used() > options.seconds) break;
    const Schedule schedule = MakeSchedule(seed);
    const auto failures = jury.Judge(schedule);
    figures.Add(schedule, jury.ending());
    if (!failures.empty()) {
      ++figures.failed;
      if (signatures[Signature(failures)]++ == 0) Explain(schedule, failures);
      if (!hours) break;
    }
    if (hours && seconds() > told + 60) figures.Tell(told = seconds(), used());
  }
  figures.Tell(seconds(), used());
  if (figures.schedules < options.least && figures.failed == 0)
    std::printf("too few: %llu were to be played\n",
                static_cast<unsigned long long>(options.least));
  return figures.failed > 0 || figures.schedules < options.least ? 1 : 0;
}

int Main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  Options options;
  if (!Parse(argc, argv, options)) {
    std::cerr << kUsage;
    return 2;
  }
  log::Configure(log::Level::kError, false);
  if (options.one || !options.play.empty() || options.keeps) return PlayOne(options);
  return PlayMany(options);
}

}  // namespace
}  // namespace zoe::sim_test

int main(int argc, char** argv) { return zoe::sim_test::Main(argc, argv); }
