// A program in a task's container, with its streams: what Swarm::Exec gives.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/ports/context.h"
#include "specs/meta/expected.h"

namespace zoe {

struct ExecRequest {
  std::string node_id, container_id;  // of a SwarmTask
  std::vector<std::string> command;   // is run beside the main process; empty: that is attached to
  bool tty = false;  // of a command: a terminal of its own, which joins out and err
  bool in = false, out = false, err = false;  // wanted
};

enum class ExecStream { kOut, kErr };

struct ExecOutput {
  ExecStream stream = ExecStream::kOut;
  std::string bytes;  // empty: the program has closed its output, or the session ended
};

// Destroying it ends the session, not the program: that sees its input end, and goes on or not.
// One thread may read while another one does the rest. Every call ends by ctx (kCancelled);
// kUnavailable: the connection broke.
class ExecSession {
 public:
  virtual ~ExecSession() = default;

  virtual Expected<ExecOutput> Read(const Context& ctx) = 0;
  // Blocks while the program doesn't read. A program that has gone takes everything.
  virtual Expected<void> Write(const Context& ctx, std::string_view bytes) = 0;
  // The program reads an end. Nothing is written any more.
  virtual Expected<void> CloseInput() = 0;
  // Of a terminal; without one it has no effect.
  virtual Expected<void> Resize(const Context& ctx, uint16_t width, uint16_t height) = 0;
  // After the end of the output: what the command ended with; 126 or 127 if it can't be run or
  // isn't there (the output says why). nullopt: attached, or the engine doesn't know.
  virtual Expected<std::optional<int>> ExitCode(const Context& ctx) = 0;
};

}  // namespace zoe
