// One exec or attach: between a client's channels and a program. Knows neither HTTP nor the
// protocol that carries the channels. Internal to apis/server.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "apis/server/channels.h"
#include "controller/ports/context.h"
#include "controller/ports/exec.h"

namespace zoe::server {

struct ExecStreams {
  bool in = false, out = false, err = false, tty = false;
};

// Returns when the program has ended its output, or the client has gone, or nothing was said either
// way for `idle`, or ctx.stop. The last word in the error channel is a Status: how it ended.
void ServeExec(const Context& ctx, Channels& channels, ExecSession& session, ExecStreams streams,
               Duration idle);

// {"metadata":{},"status":"Success"}, or a failure with the exit code among its causes.
std::string ExitStatus(int exit_code);

// A terminal's size in the stream of {"Width":80,"Height":24} that a client sends.
class ResizeReader {
 public:
  struct Size {
    uint16_t width = 0, height = 0;
  };
  // The last size that is complete; nullopt: none, or none that is sane.
  std::optional<Size> Feed(std::string_view bytes);

 private:
  std::string pending_;
};

}  // namespace zoe::server
