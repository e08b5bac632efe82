// Probes, version, the front page.
#include <sys/utsname.h>

#include <algorithm>

#include "apis/server/api.h"
#include "apis/server/status.h"
#include "specs/codec/value.h"

namespace zoe::server {
namespace {

constexpr Duration kProbe{1'000};
// Aggregated discovery v2, field validation and lists by watch are all of this version's clients,
// and those of the minors before and after it are silent, too.
constexpr int kKubernetesMinor = 32;
#ifdef __clang__
constexpr char kCompiler[] = "clang";
#else
constexpr char kCompiler[] = "gcc";
#endif

std::string Platform() {
  utsname name{};
  uname(&name);
  const std::string_view machine = name.machine;
  return std::string("linux/") + std::string(machine == "x86_64"    ? "amd64"
                                             : machine == "aarch64" ? "arm64"
                                                                    : machine);
}

}  // namespace

// Text as Kubernetes': a line for each check with ?verbose or when one fails; ?exclude=NAME leaves
// a check out.
Response Api::Readyz(const Exchange& exchange) {
  const Context ctx{deps_.clock, exchange.stop()};
  std::string lines;
  bool ready = true;
  const std::vector<std::string_view> excluded = exchange.query.All("exclude");
  const auto check = [&](std::string_view name, const auto& ask) {
    lines += "[";
    if (std::ranges::find(excluded, name) != excluded.end()) {
      lines += "+]" + std::string(name) + " excluded: ok\n";
      return;
    }
    const Expected<void> result = ask();
    ready = ready && result.ok();
    lines += (result.ok() ? "+]" : "-]") + std::string(name);
    lines += result.ok() ? " ok\n" : " failed: " + result.error().message + "\n";
  };
  check("store", [&] { return deps_.store.Ping(); });
  check("cache", [&] {
    return deps_.cache.synced() ? Expected<void>()
                                : MakeError(Code::kUnavailable, "the store has not been read yet");
  });
  check("swarm", [&] { return deps_.swarm.Ping(ctx.WithTimeout(kProbe)); });
  if (deps_.ready) check("controller", deps_.ready);
  const bool verbose = exchange.query.Bool("verbose", false).value_or(false);
  Response response{.status = ready ? 200 : 503, .content_type = "text/plain; charset=utf-8"};
  if (ready && !verbose) {
    response.prefix = "ok";
  } else {
    response.prefix = lines + (ready ? "readyz check passed\n" : "readyz check failed\n");
  }
  return response;
}

// As Kubernetes' of the minor version whose API this is, so that clients don't warn of a skew:
// kubectl does beyond one minor. Every field is there: some clients insist.
Response Api::Version() const {
  codec::Value value;
  value.Set("major", "1");
  value.Set("minor", std::to_string(kKubernetesMinor));
  value.Set("gitVersion", "v1." + std::to_string(kKubernetesMinor) + ".0+zoe-" + options_.version);
  value.Set("gitCommit", "");
  value.Set("gitTreeState", "clean");
  value.Set("buildDate", "1970-01-01T00:00:00Z");
  value.Set("goVersion", "none");
  value.Set("compiler", kCompiler);
  value.Set("platform", Platform());
  value.Set("zoeVersion", options_.version);
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
