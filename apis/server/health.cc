// Probes, version, the front page.
#include <sys/utsname.h>

#include "apis/server/api.h"
#include "apis/server/status.h"
#include "specs/codec/value.h"

namespace zoe::server {
namespace {

constexpr Duration kProbe{1'000};

std::string Platform() {
  utsname name{};
  uname(&name);
  const std::string_view machine = name.machine;
  return std::string("linux/") + std::string(machine == "x86_64"    ? "amd64"
                                             : machine == "aarch64" ? "arm64"
                                                                    : machine);
}

}  // namespace

// Text as Kubernetes': a line for each check with ?verbose or when one fails.
Response Api::Readyz(const Exchange& exchange) {
  const Context ctx{deps_.clock, exchange.stop()};
  std::string lines;
  bool ready = true;
  const auto check = [&](std::string_view name, const Expected<void>& result) {
    ready = ready && result.ok();
    lines += result.ok() ? "[+]" : "[-]";
    lines += name;
    lines += result.ok() ? " ok\n" : " failed: " + result.error().message + "\n";
  };
  check("store", deps_.store.Ping());
  check("cache", deps_.cache.synced()
                     ? Expected<void>()
                     : MakeError(Code::kUnavailable, "the store has not been read yet"));
  check("swarm", deps_.swarm.Ping(ctx.WithTimeout(kProbe)));
  if (deps_.ready) check("controller", deps_.ready());
  const bool verbose = exchange.query.Bool("verbose", false).value_or(false);
  Response response{.status = ready ? 200 : 503, .content_type = "text/plain; charset=utf-8"};
  if (ready && !verbose) {
    response.prefix = "ok";
  } else {
    response.prefix = lines + (ready ? "readyz check passed\n" : "readyz check failed\n");
  }
  return response;
}

Response Api::Version() const {
  const std::string& version = options_.version;
  const size_t dot = std::min(version.find('.'), version.size());
  const std::string_view rest = std::string_view(version).substr(std::min(dot + 1, version.size()));
  codec::Value value;
  value.Set("major", version.substr(0, dot));
  value.Set("minor", std::string(rest.substr(0, rest.find('.'))));
  value.Set("gitVersion", "v" + version);
  value.Set("platform", Platform());
  value.Set("zoeVersion", version);
  return {.prefix = codec::ToJson(value) + "\n"};
}

Response Api::Root() const {
  return {.content_type = "text/html; charset=utf-8",
          .prefix =
              "<!doctype html>\n<html lang=\"en\"><head><meta "
              "charset=\"utf-8\"><title>Zoe</title></head>\n<body><h1>Zoe " +
              options_.version +
              "</h1>\n<p>Analytics as a service on Docker Swarm, declared in YAML.</p>\n"
              "<ul><li><a href=\"/apis/zoe/v1\">API</a>: <code>zoe/v1</code></li>"
              "<li><a href=\"/readyz?verbose\">Health</a></li><li><a "
              "href=\"/metrics\">Metrics</a></li></ul>\n"
              "<p>The command line: <code>zoe status</code>, <code>zoe apply -f FILE</code>, "
              "<code>zoe get executions</code>. "
              "The user guide is in <code>docs/</code> of the source.</p></body></html>\n"};
}

}  // namespace zoe::server
