// The terminal that the program was started from.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace zoe::cli {

// A line typed without echo, whatever stdin is. nullopt: there is no terminal, or ^C or ^D was
// typed.
std::optional<std::string> AskSecret(const std::string& prompt);

// Runs a program to its end, on our streams. Its exit code (128 and more: ended by a signal);
// nullopt: it can't be started.
std::optional<int> RunProgram(const std::vector<std::string>& command);

// Starts a program in a session of its own, without streams. False: it can't be started.
bool Launch(const std::vector<std::string>& command);

}  // namespace zoe::cli
