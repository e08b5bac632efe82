#include <charconv>
#include <string>

#include "apis/zookeeper/zookeeper_store.h"

namespace zoe {
namespace {

constexpr std::string_view kScheme = "zk://", kDefaultPort = ":2181";

Error Invalid(std::string_view url, const std::string& what) {
  return MakeError(Code::kInvalid,
                   "the ZooKeeper URL " + std::string(url) + " " + what +
                       " (expected zk://[user:password@]host1:2181,host2:2181[/chroot])");
}

Expected<std::string> PercentDecode(std::string_view text, std::string_view url) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned byte = 0;
    const char* hex = text.data() + i + 1;
    if (i + 2 >= text.size() || std::from_chars(hex, hex + 2, byte, 16).ptr != hex + 2)
      return Invalid(url,
                     "has a '%' in user or password that isn't followed by two hexadecimal digits");
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

// "host", "host:port", "[::1]" or "[::1]:port" with the port filled in.
Expected<std::string> ReadHost(std::string_view host, std::string_view url) {
  const size_t bracket = host.starts_with('[') ? host.find(']') : 0;
  if (bracket == host.npos) return Invalid(url, "has an IPv6 address without ']'");
  const size_t colon = host.find(':', bracket);
  if (host.substr(0, colon).empty()) return Invalid(url, "has an empty host");
  if (colon == host.npos) return std::string(host) + std::string(kDefaultPort);
  unsigned port = 0;
  const char* end = host.data() + host.size();
  const auto [stop, error] = std::from_chars(host.data() + colon + 1, end, port);
  if (error != std::errc() || stop != end || port < 1 || port > 65535)
    return Invalid(
        url, "has the port \"" + std::string(host.substr(colon + 1)) + "\"; a port is 1 to 65535");
  return std::string(host);
}

Expected<std::string> ReadChroot(std::string_view path, std::string_view url) {
  while (path.ends_with('/')) path.remove_suffix(1);
  for (size_t at = 0; at < path.size();) {
    const size_t next = std::min(path.find('/', at + 1), path.size());
    const std::string_view element = path.substr(at + 1, next - at - 1);
    if (element.empty() || element == "." || element == "..")
      return Invalid(url, "has the path " + std::string(path) +
                              "; its elements can't be empty, \".\" or \"..\"");
    at = next;
  }
  return std::string(path);
}

}  // namespace

Expected<ZooKeeperOptions> ParseZooKeeperUrl(std::string_view url) {
  // Errors show the URL without what may be a password.
  const size_t at = url.rfind('@');
  const std::string shown = at == url.npos
                                ? std::string(url)
                                : std::string(kScheme) + "..." + std::string(url.substr(at));
  if (!url.starts_with(kScheme)) return Invalid(shown, "doesn't start with zk://");
  ZooKeeperOptions options;
  std::string_view rest = url.substr(kScheme.size());
  if (at != url.npos) {
    const std::string_view user_info = url.substr(kScheme.size(), at - kScheme.size());
    const size_t colon = user_info.find(':');
    if (colon == user_info.npos || colon == 0)
      return Invalid(shown, "needs user:password before '@'");
    ZOE_ASSIGN(const std::string user, PercentDecode(user_info.substr(0, colon), shown));
    ZOE_ASSIGN(const std::string password, PercentDecode(user_info.substr(colon + 1), shown));
    // ZooKeeper's digest scheme splits at the first colon.
    if (user.find(':') != user.npos) return Invalid(shown, "has a ':' in the user's name");
    options.credentials = user + ":" + password;
    rest = url.substr(at + 1);
  }
  const size_t slash = std::min(rest.find('/'), rest.size());
  ZOE_ASSIGN(options.chroot, ReadChroot(rest.substr(slash), shown));
  std::string_view hosts = rest.substr(0, slash);
  while (true) {
    const size_t comma = hosts.find(',');
    ZOE_ASSIGN(const std::string host, ReadHost(hosts.substr(0, comma), shown));
    options.hosts += (options.hosts.empty() ? "" : ",") + host;
    if (comma == hosts.npos) return options;
    hosts.remove_prefix(comma + 1);
  }
}

}  // namespace zoe
