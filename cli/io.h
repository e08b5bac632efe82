// What a command talks to: streams, environment, terminal. Tests put strings in its place.
#pragma once

#include <functional>
#include <istream>
#include <optional>
#include <ostream>
#include <string>

namespace zoe::cli {

// Exit codes.
inline constexpr int kOk = 0, kFailed = 1, kUsage = 2, kTimedOut = 124;

struct Io {
  std::istream& in;
  std::ostream& out;  // data
  std::ostream& err;  // talk
  std::function<std::optional<std::string>(const std::string&)> env;
  bool err_is_terminal = false;  // progress is redrawn there
  int columns = 80, rows = 24;   // of the terminal
};

}  // namespace zoe::cli
