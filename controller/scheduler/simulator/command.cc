#include "controller/scheduler/simulator/command.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <ostream>
#include <set>

#include "controller/scheduler/simulator/baselines.h"
#include "controller/scheduler/simulator/generator.h"
#include "controller/scheduler/simulator/product.h"
#include "controller/scheduler/simulator/report.h"
#include "specs/meta/quantity.h"

namespace zoe::scheduler::simulator {
namespace {

namespace po = boost::program_options;

constexpr const char* kUsage =
    "Usage: zoe-sched-sim [options]\n\n"
    "Plays Zoe's scheduler and published ones over the same jobs, and prints turnaround, queueing\n"
    "and slowdown side by side (Markdown; times in minutes).\n\n"
    "Policies: zoe-P with P of fifo, priority, size, dynamic-size, shortest-remaining and\n"
    "fair-share; zoe-P-blind: no durations are declared; zoe-P-rigid: all replicas are essential.\n"
    "O-M with O of fifo, psjf, srpt and hrrn, and M of rigid, elastic, flexible and preemptive:\n"
    "published ones. psjf2, srpt2: shortest by time x replicas; psjf3, srpt3: by time x replicas "
    "x\n"
    "cpu x memory.\n\n";

struct Command {
  std::vector<std::string> policies;
  Workload workload;
  int32_t seeds = 1;
  Duration loss{};
  std::string trace, write_trace, csv, plot;
  Options options;
};

Error Usage(const std::string& message) { return {Code::kBadRequest, "Usage", message}; }

po::options_description Described() {
  po::options_description all("Options");
  const auto text = [](const char* standard) {
    return po::value<std::string>()->default_value(standard);
  };
  auto add = all.add_options();
  add("policies", text("all"), "names with commas between; all, baselines and zoe are many");
  add("seed", text("1"), "of the generated jobs: the same seed, the same jobs");
  add("seeds", text("1"), "so many traces: of this seed and the next ones");
  add("jobs", text("4000"), "how many are generated");
  add("load", text("0.9"), "what they need of what the machines could give while they arrive");
  add("rigid", text("0.2"), "the share of jobs that need all of their replicas");
  add("interactive", text("0"), "the share of small jobs that people wait at");
  add("error", text("0"),
      "how wrong declared durations are: sigma of the logarithm of their ratio");
  add("loss", text("0"), "seconds of work that each replica that is taken away has done in vain");
  add("users", text("20"), "whose jobs they are");
  add("machines", text("25"), "how many");
  add("machine-cpu", text("32"), "of each");
  add("machine-memory", text("128Gi"), "of each");
  add("trace", text(""), "play the jobs of this CSV file instead of generated ones");
  add("write-trace", text(""), "write the (first seed's) jobs into this file");
  add("csv", text(""), "write each policy's figures for each trace and class into this file");
  add("plot", text(""), "write a picture (SVG) of turnaround into this file");
  add("placement", text("swarm"), "as zoe-controller's --placement-policy: swarm, spread, pack");
  add("patience", text("14400"), "as zoe-controller's --queue-patience, seconds");
  add("backfill", text("600"), "as zoe-controller's --queue-backfill, seconds");
  add("reclaim", text("true"), "as zoe-controller's --elastic-reclaim");
  add("help", "print this");
  return all;
}

// The values, as they stand there, turned into what they mean. The first error is kept.
class Values {
 public:
  explicit Values(const po::variables_map& map) : map_(map) {}

  std::string Text(const char* name) const { return map_[name].as<std::string>(); }

  double Number(const char* name, double least, double most) {
    double value = 0;
    char rest = 0;
    const int read = std::sscanf(Text(name).c_str(), "%lf%c", &value, &rest);
    if (read != 1 || !(value >= least) || !(value <= most)) {
      char range[80];
      std::snprintf(range, sizeof range, "is no number from %g to %g", least, most);
      Fail(name, range);
    }
    return value;
  }

  int64_t Whole(const char* name, int64_t least, int64_t most) {
    const double value = Number(name, static_cast<double>(least), static_cast<double>(most));
    if (value != std::floor(value)) Fail(name, "is no whole number");
    return static_cast<int64_t>(value);
  }

  int64_t Amount(const char* name, bool cpu) {
    const auto quantity = Quantity::Parse(Text(name));
    if (!quantity.ok() || quantity->milli() <= 0) {
      Fail(name, "is no amount, as 32 or 128Gi");
      return 1;
    }
    return cpu ? quantity->milli() * 1'000'000 : quantity->whole();
  }

  bool Truth(const char* name) {
    const std::string text = Text(name);
    if (text != "true" && text != "false") Fail(name, "is neither true nor false");
    return text == "true";
  }

  void Fail(const char* name, const std::string& what) {
    if (error.empty()) error = "--" + std::string(name) + ": \"" + Text(name) + "\" " + what;
  }

  std::string error;

 private:
  const po::variables_map& map_;
};

std::vector<std::string> Named(const std::string& names) {
  std::vector<std::string> all;
  const auto add = [&](const std::string& name) {
    if (std::find(all.begin(), all.end(), name) == all.end()) all.push_back(name);
  };
  for (size_t begin = 0; begin <= names.size();) {
    const size_t end = std::min(names.find(',', begin), names.size());
    const std::string name = names.substr(begin, end - begin);
    begin = end + 1;
    const bool every = name == "all";
    if (every || name == "baselines") {
      for (const Baseline& baseline : Baselines()) add(BaselineName(baseline));
    }
    if (every || name == "zoe") {
      for (const std::string& product : ProductNames()) add(product);
    }
    if (!every && name != "baselines" && name != "zoe") add(name);
  }
  return all;
}

std::unique_ptr<Player> MakePlayer(const std::string& name, const Options& options) {
  if (const auto baseline = ParseBaseline(name)) return MakeBaseline(*baseline);
  if (const auto product = ParseProduct(name, options)) return MakeProduct(*product);
  return nullptr;
}

Expected<Command> Parse(const po::variables_map& map) {
  Values values(map);
  Command command;
  Workload& w = command.workload;
  w.seed = static_cast<uint64_t>(values.Whole("seed", 0, 1'000'000'000));
  command.seeds = static_cast<int32_t>(values.Whole("seeds", 1, 1000));
  w.jobs = static_cast<int32_t>(values.Whole("jobs", 1, 1'000'000));
  w.load = values.Number("load", 0.01, 100);
  w.rigid = values.Number("rigid", 0, 1);
  w.interactive = values.Number("interactive", 0, 1);
  if (w.rigid + w.interactive > 1) values.Fail("interactive", "is too much beside --rigid");
  w.error = values.Number("error", 0, 10);
  command.loss = Duration(std::llround(values.Number("loss", 0, 1e6) * 1000));
  w.users = static_cast<int32_t>(values.Whole("users", 1, 10'000));
  w.machines.count = static_cast<int32_t>(values.Whole("machines", 1, 9999));
  w.machines.each = {values.Amount("machine-cpu", true), values.Amount("machine-memory", false)};
  if (w.machines.each.cpu_nano < 1'000'000'000 || w.machines.each.memory_bytes < int64_t{1} << 30) {
    values.Fail("machine-cpu", "and --machine-memory must be at least 1 and 1Gi");
  }
  const auto placement = ParsePlacement(values.Text("placement"));
  if (!placement) values.Fail("placement", "is none of swarm, spread, pack");
  command.options.placement = placement.value_or(Placement::kSwarm);
  const auto seconds = [&](const char* name) {
    return Duration(std::llround(values.Number(name, 0, 1e9) * 1000));
  };
  command.options.patience = seconds("patience");
  command.options.backfill = seconds("backfill");
  command.options.reclaim = values.Truth("reclaim");
  command.policies = Named(values.Text("policies"));
  for (const std::string& name : command.policies) {
    if (!MakePlayer(name, command.options)) {
      values.Fail("policies", "has no policy in it that is called \"" + name + "\"");
    }
  }
  command.trace = values.Text("trace");
  if (!command.trace.empty() && command.seeds != 1)
    values.Fail("seeds", "and --trace can't be both");
  command.write_trace = values.Text("write-trace");
  command.csv = values.Text("csv");
  command.plot = values.Text("plot");
  if (!values.error.empty()) return Usage(values.error);
  return command;
}

Expected<std::vector<TraceJob>> Jobs(const Command& command, int32_t number) {
  const Machines& machines = command.workload.machines;
  if (command.trace.empty()) {
    Workload workload = command.workload;
    workload.seed += static_cast<uint64_t>(number);
    return Generate(workload);
  }
  std::ifstream in(command.trace);
  if (!in) return Error{Code::kNotFound, "NoTrace", command.trace + ": can't be read"};
  ZOE_ASSIGN(std::vector<TraceJob> jobs, ReadTrace(in, command.trace));
  for (const TraceJob& job : jobs) {
    if (Fits(job, machines)) continue;
    return Error{Code::kInvalid, "TooLarge",
                 command.trace + ": job " + job.id + " doesn't fit on the empty machines"};
  }
  return jobs;
}

template <class Write>
Expected<void> WriteFile(const std::string& path, Write write) {
  if (path.empty()) return {};
  std::ofstream file(path);
  write(file);
  file.flush();
  if (!file) return Error{Code::kUnavailable, "NotWritten", path + ": can't be written"};
  return {};
}

Expected<void> PlayAll(const Command& command, std::ostream& out) {
  std::vector<Result> results;
  for (const std::string& name : command.policies) results.push_back({.policy = name});
  std::vector<std::string> traces;
  for (int32_t number = 0; number < command.seeds; ++number) {
    ZOE_ASSIGN(const std::vector<TraceJob> jobs, Jobs(command, number));
    if (number == 0) {
      ZOE_TRY(WriteFile(command.write_trace, [&](std::ostream& file) { WriteTrace(file, jobs); }));
    }
    traces.push_back(command.trace.empty()
                         ? std::to_string(command.workload.seed + static_cast<uint64_t>(number))
                         : command.trace);
    for (Result& result : results) {
      const auto player = MakePlayer(result.policy, command.options);
      auto outcome = Simulate(jobs, command.workload.machines, *player, command.loss);
      if (!outcome.ok()) {
        return Error{outcome.error().code, outcome.error().reason,
                     result.policy + ": " + outcome.error().message};
      }
      result.outcomes.push_back(*std::move(outcome));
    }
  }
  WriteTables(out, results);
  ZOE_TRY(WriteFile(command.csv, [&](std::ostream& file) { WriteCsv(file, results, traces); }));
  char title[160];
  std::snprintf(title, sizeof title, "%d jobs, load %g, %d machines, %zu trace%s",
                results[0].outcomes[0].all.jobs, command.workload.load,
                command.workload.machines.count, traces.size(), traces.size() == 1 ? "" : "s");
  return WriteFile(command.plot, [&](std::ostream& file) { WritePlot(file, results, title); });
}

}  // namespace

int Main(const std::vector<std::string>& args, std::ostream& out, std::ostream& err) {
  const po::options_description described = Described();
  po::variables_map map;
  try {
    po::store(
        po::command_line_parser(args)
            .options(described)
            .positional(po::positional_options_description())
            .style(po::command_line_style::default_style ^ po::command_line_style::allow_guessing)
            .run(),
        map);
  } catch (const po::error& error) {
    err << "zoe-sched-sim: " << error.what() << "\n";
    return 2;
  }
  if (map.contains("help")) {
    out << kUsage << described;
    return 0;
  }
  const auto command = Parse(map);
  if (!command.ok()) {
    err << "zoe-sched-sim: " << command.error().message << "\n";
    return 2;
  }
  if (const auto ran = PlayAll(*command, out); !ran.ok()) {
    err << "zoe-sched-sim: " << ran.error().message << "\n";
    return 1;
  }
  return 0;
}

}  // namespace zoe::scheduler::simulator
