#include "controller/option_checks.h"

#include <arpa/inet.h>

#include <charconv>

#include "controller/runtime/log.h"
#include "controller/scheduler/scheduler.h"
#include "specs/meta/subnet.h"
#include "specs/schema/names.h"
#include "specs/v1/allow_list.h"

namespace zoe {

bool ConsumePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<HostPort> ParseHostPort(std::string_view text) {
  HostPort result;
  if (ConsumePrefix(text, "[")) {
    const size_t end = text.find("]:");
    if (end == std::string_view::npos) return std::nullopt;
    result.host = text.substr(0, end);
    text.remove_prefix(end + 2);
    in6_addr ignored;
    if (inet_pton(AF_INET6, result.host.c_str(), &ignored) != 1) return std::nullopt;
  } else {
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    result.host = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result.port);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || result.host.empty() || result.port < 0 || result.port > 65535) return std::nullopt;
  return result;
}

namespace {

bool IsIpOrLocalhost(const std::string& host) {
  in_addr v4;
  in6_addr v6;
  return host == "localhost" || inet_pton(AF_INET, host.c_str(), &v4) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &v6) == 1;
}

// HOSTS/PATH after zk://, roughly: ZooKeeper's adapter reads it exactly.
bool NamesZnode(std::string_view value) {
  if (const size_t at = value.rfind('@'); at != std::string_view::npos) value.remove_prefix(at + 1);
  const size_t slash = value.find('/');
  return slash != std::string_view::npos && slash > 0 &&
         value.find_first_not_of('/', slash) != std::string_view::npos;
}

std::optional<int> WholeNumber(std::string_view value) {
  int number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool whole = error == std::errc() && end == value.data() + value.size();
  return whole ? std::optional(number) : std::nullopt;
}

}  // namespace

std::string CheckStore(std::string_view value) {
  static constexpr char kAccepted[] =
      "sqlite:PATH, memory:, or zk://HOST:PORT[,HOST:PORT...][/CHROOT]";
  if (value == "memory:") return "";
  if (ConsumePrefix(value, "sqlite:")) return value.empty() ? kAccepted : "";
  if (ConsumePrefix(value, "zk://")) return value.empty() || value[0] == '/' ? kAccepted : "";
  return kAccepted;
}

std::string CheckSwarm(std::string_view value) {
  static constexpr char kAccepted[] =
      "a list of unix:///PATH, tcp://HOST:PORT, https://HOST:PORT separated by commas, "
      "zk://HOST:PORT[,HOST:PORT...]/PATH, or sim:nodes=N,cpus=N,memory=Q";
  if (ConsumePrefix(value, "zk://")) return NamesZnode(value) ? "" : kAccepted;
  if (value.starts_with("sim:")) return "";  // the simulator reads the rest
  for (const std::string& part : Split(value, ',')) {
    std::string_view endpoint = part;
    if (ConsumePrefix(endpoint, "unix://")) {
      if (endpoint.size() < 2 || endpoint[0] != '/') return kAccepted;
    } else if (ConsumePrefix(endpoint, "tcp://") || ConsumePrefix(endpoint, "https://")) {
      if (endpoint.ends_with('/')) endpoint.remove_suffix(1);
      const auto address = ParseHostPort(endpoint);
      if (!address || address->port == 0) return kAccepted;
    } else {
      return kAccepted;
    }
  }
  return "";
}

std::string CheckListen(std::string_view value) {
  const auto address = ParseHostPort(value);
  if (address && IsIpOrLocalhost(address->host)) return "";
  return "ADDRESS:PORT or [IPV6]:PORT with an IP address or localhost; port 0 picks one";
}

std::string CheckGelf(std::string_view value) {
  if (value.empty()) return "";
  const bool udp = ConsumePrefix(value, "udp://");
  const auto address = ParseHostPort(value);
  return udp && address && address->port != 0 ? "" : "udp://HOST:PORT";
}

std::string CheckImage(std::string_view value) {
  const bool blank = value.find_first_of(" \t") != std::string_view::npos;
  return value.empty() || blank ? "an image reference such as registry:5000/zoe/gateway:1.0" : "";
}

std::string CheckAuth(std::string_view value) {
  return value == "password" || value == "none" ? "" : "password or none";
}

std::string CheckLogFormat(std::string_view value) {
  return value == "text" || value == "json" ? "" : "text or json";
}

std::string CheckLogLevel(std::string_view value) {
  log::Level level;
  return log::ParseLevel(value, level) ? "" : "debug, info, warn or error";
}

// What stands for a node is filled in, then it is an endpoint like another.
std::string CheckNodeEngine(std::string_view value) {
  static constexpr char kAccepted[] =
      "https://HOST:PORT, tcp://HOST:PORT or unix:///PATH with {{address}} or {{name}} of the node "
      "in it, such as https://{{address}}:2376";
  if (value.empty()) return "";
  std::string filled(value);
  bool any = false;
  for (const std::string_view mark : {"{{address}}", "{{name}}"}) {
    for (size_t at = filled.find(mark); at != std::string::npos; at = filled.find(mark)) {
      filled.replace(at, mark.size(), "node");
      any = true;
    }
  }
  const bool good = any && filled.find_first_of(",{}") == std::string::npos &&
                    !filled.starts_with("sim:") && !filled.starts_with("zk:") &&
                    CheckSwarm(filled).empty();
  return good ? "" : kAccepted;
}

std::string CheckDeployment(std::string_view value) {
  // Swarm's names are at most 63 long and hold more than this one.
  return value.size() <= 32 && schema::MustBeDnsLabel(value).empty()
             ? ""
             : "at most 32 of a-z, 0-9 and '-', beginning and ending with a letter or digit";
}

std::string CheckPath(std::string_view value) {
  return schema::MustBeAbsolutePath(value).empty() ? "" : "an absolute path without \"..\"";
}

std::string CheckPool(std::string_view value) {
  static constexpr char kAccepted[] =
      "IPv4 subnets of /8 to /28 that don't overlap, separated by commas, such as 10.192.0.0/11";
  std::vector<Subnet> pool;
  for (const std::string& part : Split(value, ',')) {
    const auto subnet = ParseSubnet(part);
    if (!subnet || subnet->prefix < 8 || subnet->prefix > 28 || subnet->ToString() != part)
      return kAccepted;
    for (const Subnet& other : pool) {
      if (subnet->Overlaps(other)) return kAccepted;
    }
    pool.push_back(*subnet);
  }
  return "";
}

std::string CheckBoolean(std::string_view value) {
  return value == "true" || value == "false" ? "" : "true or false";
}

std::string CheckUrl(std::string_view value) {
  static constexpr char kAccepted[] = "http://HOST[:PORT][/PATH] or https://HOST[:PORT][/PATH]";
  if (value.empty()) return "";
  if (!ConsumePrefix(value, "http://") && !ConsumePrefix(value, "https://")) return kAccepted;
  const bool good = !value.empty() && value[0] != '/' && value[0] != ':' && value.back() != '/' &&
                    value.find_first_of(" \t?#@\"") == std::string_view::npos;
  return good ? "" : kAccepted;
}

std::string CheckAllowedPaths(std::string_view value) {
  const auto allowed = v1::ParseAllowedPaths(value);
  return allowed.ok() ? "" : "PATH[:ro][@ROLE],... (" + allowed.error().message + ")";
}

std::string CheckAllowedCapabilities(std::string_view value) {
  const auto allowed = v1::ParseAllowedCapabilities(value);
  return allowed.ok() ? "" : "NAME[@ROLE],... (" + allowed.error().message + ")";
}

std::string CheckSeconds(std::string_view value) {
  return WholeNumber(value).value_or(0) >= 1 ? "" : "a number of seconds, at least 1";
}

std::string CheckSecondsOrNone(std::string_view value) {
  return WholeNumber(value).value_or(-1) >= 0 ? "" : "a number of seconds";
}

std::string CheckPolicy(std::string_view value) {
  if (value == "none" || scheduler::ParsePolicy(value)) return "";
  return "fifo, priority, size, dynamic-size, shortest-remaining, fair-share or none";
}

std::string CheckPlacement(std::string_view value) {
  return scheduler::ParsePlacement(value) ? "" : "swarm, spread or pack";
}

std::string CheckPreemption(std::string_view value) {
  return value == "never" || value == "priority" ? "" : "never or priority";
}

std::string Anything(std::string_view) { return ""; }

}  // namespace zoe
