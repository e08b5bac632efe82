// What an execution is doing, in a few words; and a block of lines that is redrawn on a terminal.
#pragma once

#include <string>
#include <vector>

#include "cli/io.h"
#include "specs/codec/value.h"

namespace zoe::cli {

// "Starting, 2/3 services ready: waiting for master".
std::string PhaseLine(const codec::Value& execution);
// Why an execution is not what was hoped for: the reason and message of the condition that says
// most. May be empty.
std::string Reason(const codec::Value& execution);
// Why it is in the queue and what would let it run, without its position.
std::string WhyQueued(const codec::Value& execution);
// The service that failed, or "" if none did.
std::string FailedService(const codec::Value& execution);
// One line per service: "  worker   2/4 ready   pulling image".
std::vector<std::string> ServiceLines(const codec::Value& execution);

// Draws only if stderr is a terminal. Everything else that writes there calls Clear first.
class LiveView {
 public:
  explicit LiveView(Io& io) : io_(io) {}
  ~LiveView() { Clear(); }
  LiveView(const LiveView&) = delete;
  LiveView& operator=(const LiveView&) = delete;
  bool enabled() const { return io_.err_is_terminal; }
  void Draw(std::vector<std::string> lines);
  void Clear();

 private:
  Io& io_;
  std::vector<std::string> shown_;
};

}  // namespace zoe::cli
