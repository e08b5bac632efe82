// Programs in containers: Swarm::Exec, and which engine to ask.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "apis/docker/engine_client.h"
#include "controller/ports/exec.h"
#include "controller/ports/swarm.h"

namespace zoe::docker {

// The engines of single nodes: containers are asked for where they run. Thread-safe.
class NodeEngines {
 public:
  // `managers` outlives this. `node_engine`: an endpoint with {{address}} and {{name}} of the node
  // in it, for those that no manager's endpoint is; may be empty.
  NodeEngines(const EngineClient& managers, std::string node_engine)
      : managers_(managers), node_engine_(std::move(node_engine)) {}

  // kUnavailable: it can't be reached, and what to do about that.
  Expected<std::shared_ptr<EngineClient>> Find(const Context& ctx, const SwarmNode& node);
  // The next Find looks again.
  void Forget(const std::string& node_id);

 private:
  Expected<std::shared_ptr<EngineClient>> Look(const Context& ctx, const SwarmNode& node);

  const EngineClient& managers_;
  const std::string node_engine_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<EngineClient>> known_;  // by the node's id
};

// Frames of an output without a terminal, taken apart; a piece may end anywhere.
class OutputFrames {
 public:
  // Appends to `out`. False: this is no such output.
  bool Feed(std::string_view bytes, std::vector<ExecOutput>& out);

 private:
  std::string head_;
  size_t left_ = 0;
  ExecStream stream_ = ExecStream::kOut;
};

Expected<std::unique_ptr<ExecSession>> StartExec(const Context& ctx,
                                                 std::shared_ptr<EngineClient> engine,
                                                 const ExecRequest& request);

}  // namespace zoe::docker
