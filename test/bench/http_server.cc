// Serves N executions from memory until stdin ends: http_server [PORT] [N]. Driven by http.sh.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "test/unit/apis/served.h"

namespace {

std::string ExecutionJson(const std::string& name) {
  return R"({"apiVersion":"zoe/v1","kind":"Execution","metadata":{"name":")" + name +
         R"(","namespace":"alice","uid":")" + zoe::NewUid() +
         R"(","labels":{"project":"books"},"generation":1,"creationTimestamp":"2026-01-31T12:00:00Z","finalizers":["zoe/execution"]},)"
         R"("spec":{"application":{"services":[{"name":"master","image":"zoe/mini:latest","replicas":{"total":1}},)"
         R"({"name":"worker","image":"zoe/mini:latest","replicas":{"total":3,"essential":1}}]}},"status":{"phase":"Running"}})";
}

}  // namespace

int main(int argc, char** argv) {
  zoe::ServerOptions options = zoe::TestOptions();
  options.listen = std::string("127.0.0.1:") + (argc > 1 ? argv[1] : "0");
  zoe::Served served(options);
  const int count = argc > 2 ? std::atoi(argv[2]) : 1000;
  zoe::Revision last = 0;
  for (int i = 0; i < count; ++i) {
    const std::string name = "wordcount-" + std::to_string(i);
    const auto revision = served.store->Create({"Execution", "alice", name}, ExecutionJson(name));
    if (!revision.ok()) return std::fprintf(stderr, "%s\n", revision.error().message.c_str()), 1;
    last = *revision;
  }
  served.cache.WaitFor(last, zoe::Duration(10'000));
  if (const auto started = served.server->Start(); !started.ok())
    return std::fprintf(stderr, "%s\n", started.error().message.c_str()), 1;
  std::printf("listening on %s\n", served.server->url().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  served.server->Stop();
  return 0;
}
