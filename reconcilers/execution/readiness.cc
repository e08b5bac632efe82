#include "reconcilers/execution/readiness.h"

#include <string>
#include <string_view>

namespace zoe::execution {
namespace {

// POSIX shell; `port`, `t` (seconds) and, for http, `p` (path) are set before.
constexpr std::string_view kHttpScript = R"sh(
unset http_proxy all_proxy ALL_PROXY
have() { command -v "$1" >/dev/null 2>&1; }
get() {
  u="http://$1:$port$p"
  if have curl; then curl -fsS -m "$t" -o /dev/null "$u"
  elif have wget; then wget -q -T "$t" -O /dev/null "$u"
  elif have python3; then
    python3 -c 'import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=float(sys.argv[2]))' "$u" "$t"
  elif have bash; then
    bash -c 'exec 3<>"/dev/tcp/$0/$1" || exit 1
      printf "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n" "$2" "$0" >&3
      read -r -t "$3" _ s _ <&3
      case $s in 2*|3*) exit 0;; esac
      echo "HTTP status $s"; exit 1' "$1" "$port" "$p" "$t"
  else echo "readiness.http needs curl, wget, python3 or bash in the image"; return 1
  fi
}
get 127.0.0.1 || get "$HOSTNAME" || exit 1
)sh";

// curl says 7 when nobody listens, 6 for an unknown name, 28 for no answer to its call; anything
// else means that somebody took it.
constexpr std::string_view kTcpScript = R"sh(
unset http_proxy all_proxy ALL_PROXY
have() { command -v "$1" >/dev/null 2>&1; }
dial() {
  if have bash; then bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$port"
  elif have python3; then
    python3 -c 'import sys, socket as s; s.create_connection((sys.argv[1], int(sys.argv[2])), float(sys.argv[3]))' "$1" "$port" "$t"
  elif have nc; then nc -z -w "$t" "$1" "$port"
  elif have curl; then
    curl -s --connect-timeout "$t" -m "$t" -o /dev/null "http://$1:$port/"
    case $? in 6|7|28) return 1;; *) return 0;; esac
  else echo "readiness.tcp needs bash, python3, nc or curl in the image"; return 1
  fi
}
dial 127.0.0.1 || dial "$HOSTNAME" || exit 1
)sh";

std::string ShellQuote(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

SwarmHealthcheck ToHealthcheck(const v1::Readiness& readiness) {
  SwarmHealthcheck check;
  const std::string timeout = "t=" + std::to_string(readiness.timeout_seconds);
  if (readiness.http) {
    const std::string& path = readiness.http->path;
    const std::string settings = "port=" + std::to_string(readiness.http->port) + " " + timeout +
                                 " p=" + ShellQuote(path.starts_with("/") ? path : "/" + path);
    check.test = {"CMD-SHELL", settings + std::string(kHttpScript)};
  } else if (readiness.tcp) {
    check.test = {"CMD-SHELL", "port=" + std::to_string(readiness.tcp->port) + " " + timeout +
                                   std::string(kTcpScript)};
  } else if (readiness.exec) {
    check.test = {"CMD"};
    check.test.insert(check.test.end(), readiness.exec->command.begin(),
                      readiness.exec->command.end());
  }
  check.interval = std::chrono::seconds(readiness.period_seconds);
  check.timeout = std::chrono::seconds(readiness.timeout_seconds);
  check.start_period = std::chrono::seconds(readiness.initial_delay_seconds);
  check.retries = readiness.failure_threshold;
  return check;
}

}  // namespace zoe::execution
