// Which tasks the kernel killed for their memory: Swarm doesn't say, the engine of their node does.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "apis/docker/exec.h"
#include "controller/ports/swarm.h"

namespace zoe::docker {

// Thread-safe.
class Kills {
 public:
  // `engines` outlives this.
  explicit Kills(NodeEngines& engines) : engines_(engines) {}

  // Whether it asks about any of them: only then it needs the nodes.
  bool NeedsNodes(const std::vector<SwarmTask>& tasks, SteadyTime now) const;
  // Fills in out_of_memory. An engine is asked once about a task, within a second for all of them;
  // one that doesn't answer isn't asked again for two seconds.
  void Describe(const Context& ctx, const std::vector<SwarmNode>& nodes,
                std::vector<SwarmTask>& tasks);

 private:
  // Under the lock. Nothing: not asked yet.
  const std::optional<bool>* Known(const SwarmTask& task) const;
  bool MayAsk(const SwarmTask& task, SteadyTime now) const;
  Expected<std::optional<bool>> Ask(const Context& ctx, const SwarmNode& node,
                                    const SwarmTask& task);

  NodeEngines& engines_;
  mutable std::mutex mutex_;
  // By the task's id; no value: its engine has forgotten the container.
  std::map<std::string, std::optional<bool>> known_;
  std::map<std::string, SteadyTime> silent_;  // by the node's id: when it didn't answer
};

}  // namespace zoe::docker
