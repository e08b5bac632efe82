// What values an option of zoe-controller takes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zoe {

// Removes `prefix` from the beginning of `text`; false if it isn't there.
bool ConsumePrefix(std::string_view& text, std::string_view prefix);
std::vector<std::string> Split(std::string_view text, char separator);

struct HostPort {
  std::string host;
  int port = 0;
};
// "host:port" or "[IPv6]:port".
std::optional<HostPort> ParseHostPort(std::string_view text);

// Each returns what is accepted, or "" if the value is.
std::string CheckStore(std::string_view value);
std::string CheckSwarm(std::string_view value);
std::string CheckListen(std::string_view value);
std::string CheckGelf(std::string_view value);
std::string CheckImage(std::string_view value);
std::string CheckAuth(std::string_view value);
std::string CheckLogFormat(std::string_view value);
std::string CheckLogLevel(std::string_view value);
std::string CheckNodeEngine(std::string_view value);
std::string CheckDeployment(std::string_view value);
std::string CheckPath(std::string_view value);
std::string CheckPool(std::string_view value);
std::string CheckBoolean(std::string_view value);
std::string CheckUrl(std::string_view value);
std::string CheckAllowedPaths(std::string_view value);
std::string CheckAllowedCapabilities(std::string_view value);
std::string CheckSeconds(std::string_view value);
std::string CheckPolicy(std::string_view value);
std::string CheckPlacement(std::string_view value);
std::string CheckPreemption(std::string_view value);
std::string CheckSecondsOrNone(std::string_view value);
std::string Anything(std::string_view value);

}  // namespace zoe
