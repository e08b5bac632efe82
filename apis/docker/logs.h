// Container output through the Engine's log endpoints.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "apis/docker/engine_client.h"
#include "controller/ports/swarm.h"

namespace zoe::docker {

// Takes the Engine's frames apart: 8 bytes (stream, 3 zeros, big-endian length), then that much
// output. Pieces may come cut anywhere.
class LogFrames {
 public:
  // Hands each complete frame's output to `sink`. False: the sink has had enough, or error() is
  // set.
  bool Feed(std::string_view piece, const LogSink& sink);
  // Nonsense instead of frames (kInternal), or the Engine's own "error from daemon in stream"
  // (kUnavailable): lines of a node that can't be reached are missing.
  const std::optional<Error>& error() const { return error_; }

 private:
  std::string pending_;
  std::optional<Error> error_;
};

// As Swarm::Logs says.
Expected<void> ReadLogs(EngineClient& client, const Context& ctx, const LogQuery& query,
                        const LogSink& sink);

}  // namespace zoe::docker
