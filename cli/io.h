// What a command talks to: streams, environment, terminal. Tests put strings in its place.
#pragma once

#include <functional>
#include <istream>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

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
  bool in_is_terminal = false, out_is_terminal = false;
  // Asks on the terminal, the answer unseen; nullopt: none was given. Empty: there is no terminal.
  std::function<std::optional<std::string>(const std::string& prompt)> ask_secret;
  // Runs a program to its end, on our own streams; its exit code, nullopt: it can't be started.
  // Empty: nothing is started.
  std::function<std::optional<int>(const std::vector<std::string>& command)> run;
  // Starts a program that outlives this one; false if it can't. Empty: nothing is started.
  std::function<bool(const std::vector<std::string>& command)> launch;
};

}  // namespace zoe::cli
