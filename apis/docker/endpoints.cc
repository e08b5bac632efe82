#include "apis/docker/endpoints.h"

#include <sys/un.h>

#include <algorithm>
#include <charconv>

namespace zoe::docker {
namespace {

constexpr size_t kMostShown = 100;

// What someone else wrote may be anything, a password among it.
std::string Shown(std::string_view text) {
  if (const size_t at = text.rfind('@'); at != text.npos) return "***" + Shown(text.substr(at + 1));
  std::string shown(text.substr(0, kMostShown));
  std::ranges::replace_if(
      shown, [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '?');
  return text.size() > kMostShown ? shown + "..." : shown;
}

Error NotAnEndpoint(std::string_view text) {
  return MakeError(Code::kInvalid, "\"" + Shown(text) +
                                       "\" is not a Docker endpoint: unix:///path, "
                                       "tcp://host:port or https://host:port");
}

bool IsHostAndPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == text.npos || colon == 0) return false;
  int port = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data() + colon + 1, end, port);
  if (error != std::errc() || at != end || port < 1 || port > 65535) return false;
  return text.find_first_of("/@?#\"\\ \t\r\n") == text.npos;
}

}  // namespace

Expected<std::shared_ptr<Endpoint>> Endpoint::Parse(const std::string& text, bool tls) {
  const size_t colon = text.find("://");
  const std::string scheme = text.substr(0, colon);
  std::string rest = colon == text.npos ? "" : text.substr(colon + 3);
  const auto make = [&](std::string base, std::string socket) {
    return std::shared_ptr<Endpoint>(new Endpoint(text, std::move(base), std::move(socket)));
  };
  if (scheme == "unix" && rest.starts_with('/')) {
    if (rest.size() >= sizeof(sockaddr_un::sun_path))
      return MakeError(Code::kInvalid, "the path of " + Shown(text) + " is too long for a socket");
    return make("http://localhost", std::move(rest));
  }
  if (scheme != "tcp" && scheme != "https" && scheme != "http") return NotAnEndpoint(text);
  if (rest.ends_with('/')) rest.pop_back();
  if (!IsHostAndPort(rest)) return NotAnEndpoint(text);
  const bool encrypted = scheme == "https" || (scheme == "tcp" && tls);
  return make((encrypted ? "https://" : "http://") + rest, "");
}

std::string Endpoint::version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

void Endpoint::Agree(std::string version) {
  const std::lock_guard lock(mutex_);
  version_ = std::move(version);
}

std::vector<std::string> SplitEndpoints(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  std::vector<std::string> parts;
  while (true) {
    const size_t comma = text.find(',');
    std::string_view part = text.substr(0, comma);
    part.remove_prefix(std::min(part.find_first_not_of(kBlanks), part.size()));
    part = part.substr(0, part.find_last_not_of(kBlanks) + 1);
    parts.emplace_back(part);
    if (comma == text.npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace zoe::docker
