#include <charconv>
#include <sstream>

#include "apis/sim/sim_cluster.h"

namespace zoe::sim {
namespace {

bool Names(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

std::optional<double> Number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string Unquoted(std::string text) {
  std::erase_if(text, [](char c) { return c == '"' || c == '\''; });
  return text;
}

// Runs one simple command; false if it never ends or isn't known.
bool Step(const std::vector<std::string>& words, Program& program, Duration& elapsed, bool& ended) {
  if (words.empty()) return true;
  const std::string& name = words[0];
  if (name == "true" || name == ":") return true;
  if (name == "false") {
    program.exit_code = 1;
    return true;
  }
  if (name == "echo") {
    std::string line;
    for (size_t i = 1; i < words.size(); ++i) line += (i > 1 ? " " : "") + Unquoted(words[i]);
    program.output.push_back(line);
    return true;
  }
  if (name == "exit") {
    program.exit_code = words.size() > 1 ? static_cast<int>(Number(words[1]).value_or(0)) : 0;
    ended = true;
    return true;
  }
  if (name == "sleep" && words.size() == 2) {
    const auto seconds = Number(words[1]);
    // "infinity" is a number too; what outlives us never ends.
    if (!seconds || !(*seconds < 1e9)) return false;
    elapsed += Duration(static_cast<int64_t>(*seconds * 1000));
    return true;
  }
  return false;
}

void Script(const std::string& script, Program& program) {
  Duration elapsed{0};
  bool ended = false;
  std::istringstream commands(script);
  for (std::string command; !ended && std::getline(commands, command, ';');) {
    std::istringstream in(command);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    program.exit_code = 0;
    if (!Step(words, program, elapsed, ended)) return;
  }
  program.run_for = elapsed;
}

}  // namespace

Program ReadProgram(const SwarmServiceSpec& spec, int32_t) {
  Program program;
  if (Names(spec.image, "missing") || Names(spec.image, "no-such")) {
    program.reject = "No such image: " + spec.image;
    return program;
  }
  std::vector<std::string> words = spec.command;
  words.insert(words.end(), spec.args.begin(), spec.args.end());
  if (words.empty()) return program;
  if (Names(words[0], "missing") || Names(words[0], "no-such")) {
    program.start_error = "starting container failed: exec: \"" + words[0] +
                          "\": executable file not found in $PATH: unknown";
    return program;
  }
  const std::string name = words[0].substr(words[0].rfind('/') + 1);
  if ((name == "sh" || name == "bash") && words.size() == 3 && words[1] == "-c") {
    Script(words[2], program);
  } else {
    Duration elapsed{0};
    bool ended = false;
    words[0] = name;
    if (Step(words, program, elapsed, ended)) program.run_for = elapsed;
  }
  return program;
}

}  // namespace zoe::sim
