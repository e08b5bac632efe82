// Runs the command line in this process, with strings for its streams.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "cli/commands.h"

namespace zoe::test {

struct Ran {
  int code = 0;
  std::string out, err;
};

// A directory of its own, removed with it; also the program's environment.
class Console {
 public:
  Console() {
    std::string pattern = (std::filesystem::temp_directory_path() / "zoe-cli-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    environment["ZOE_CONFIG"] = directory_ + "/config.yaml";
  }
  explicit Console(const std::string& server) : Console() { environment["ZOE_SERVER"] = server; }
  ~Console() { std::filesystem::remove_all(directory_); }
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  Ran Run(const std::vector<std::string>& args, const std::string& input = "") {
    std::istringstream in(input);
    std::ostringstream out, err;
    cli::Io io{.in = in,
               .out = out,
               .err = err,
               .env = [this](const std::string& name) -> std::optional<std::string> {
                 const auto it = environment.find(name);
                 return it == environment.end() ? std::nullopt : std::optional(it->second);
               }};
    io.err_is_terminal = terminal;
    io.out_is_terminal = out_terminal;
    io.ask_secret = ask;
    io.launch = [this](const std::vector<std::string>& command) {
      launched = command;
      return true;
    };
    io.run = [&](const std::vector<std::string>& command) -> std::optional<int> {
      return run ? run(command, out) : std::nullopt;
    };
    const int code = cli::Main(args, io);
    return {code, out.str(), err.str()};
  }

  // Writes a file below the directory; returns its path.
  std::string File(const std::string& name, const std::string& text) {
    const std::string path = directory_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    return path;
  }
  const std::string& directory() const { return directory_; }

  std::map<std::string, std::string> environment;
  bool terminal = false, out_terminal = false;
  std::function<std::optional<std::string>(const std::string&)> ask;
  // Stands for programs that are run to their end: what they write, and their exit code.
  std::function<std::optional<int>(const std::vector<std::string>&, std::ostream& out)> run;
  std::vector<std::string> launched;  // the last program that was started

 private:
  std::string directory_;
};

}  // namespace zoe::test
