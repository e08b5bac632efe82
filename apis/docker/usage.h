// What containers use, as the engines of their nodes count it.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apis/docker/exec.h"
#include "controller/ports/swarm.h"

namespace zoe::docker {

// One reading of a container's counters.
struct UsageSample {
  int64_t cpu_ns = 0;        // since it started
  int64_t memory_bytes = 0;  // without inactive file cache
  WallTime at{};             // the engine's clock
};
// nullopt: it doesn't run, or this is no such answer.
std::optional<UsageSample> DecodeStats(std::string_view json);

// Swarm::Usage. At rest it does nothing: engines are asked when somebody asks, not again within 5
// s, by one caller for all that ask meanwhile. CPU is the mean since the last time that anybody
// asked, if that was within a minute; else the counters are read twice, about a second apart. A
// node whose engine can't be reached is tried again after half a minute; a line of the log says
// which and why. Thread-safe.
class UsageMeter {
 public:
  // `engines` outlives this.
  explicit UsageMeter(NodeEngines& engines) : engines_(engines) {}

  // `list` tells the tasks whose use is wanted and the nodes; it is called only to measure.
  struct Wanted {
    std::vector<SwarmTask> tasks;
    std::vector<SwarmNode> nodes;
  };
  using List = std::function<Expected<Wanted>()>;
  Expected<std::vector<SwarmUsage>> Read(const Context& ctx, const List& list);

 private:
  struct Known {
    UsageSample sample;
    SteadyTime taken{};
  };
  struct Trouble {
    SteadyTime until{};
    std::string why;
  };
  using Samples = std::map<std::string, UsageSample>;  // by container

  Expected<std::vector<SwarmUsage>> Measure(const Context& ctx, const Wanted& wanted);
  Samples Sample(const Context& ctx, const Wanted& wanted,
                 const std::function<bool(const SwarmTask&)>& is_wanted);
  // nullptr: it can't be reached.
  std::shared_ptr<EngineClient> EngineOf(const Context& ctx, const SwarmNode& node);
  Samples SamplePiece(const Context& ctx, const SwarmNode& node, EngineClient& engine,
                      std::span<const std::string> containers);
  void SetTrouble(const SwarmNode& node, const Context& ctx, const std::string& why);

  NodeEngines& engines_;
  std::mutex mutex_;
  std::condition_variable measured_;
  bool measuring_ = false;
  std::optional<SteadyTime> measured_at_;
  std::vector<SwarmUsage> usage_;
  std::map<std::string, Trouble> trouble_;  // by the node's id
  std::map<std::string, Known> known_;      // who measures, alone: by container
};

}  // namespace zoe::docker
