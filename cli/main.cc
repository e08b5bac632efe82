#include <sys/ioctl.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <iostream>

#include "cli/commands.h"
#include "cli/terminal.h"

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  zoe::cli::Io io{.in = std::cin,
                  .out = std::cout,
                  .err = std::cerr,
                  .env = [](const std::string& name) -> std::optional<std::string> {
                    const char* value = std::getenv(name.c_str());
                    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
                  }};
  io.in_is_terminal = isatty(STDIN_FILENO) == 1;
  io.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  io.ask_secret = zoe::cli::AskSecret;
  io.launch = zoe::cli::Launch;
  io.run = zoe::cli::RunProgram;
  io.err_is_terminal = isatty(STDERR_FILENO) == 1 && io.env("TERM").value_or("dumb") != "dumb";
  winsize size{};
  if (io.err_is_terminal && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    io.columns = size.ws_col;
    io.rows = size.ws_row;
  }
  const int code = zoe::cli::Main({argv + 1, argv + argc}, io);
  std::cout.flush();
  std::cerr.flush();
  // Not exit(): the HTTP client's threads may still be closing TLS connections, for which OpenSSL's
  // own exit handler leaves nothing to stand on.
  std::_Exit(code);
}
