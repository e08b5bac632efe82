#include "test/sim/judge.h"

#include <memory>
#include <utility>

#include "apis/memory/memory_store.h"
#include "controller/cache/informer.h"
#include "controller/runtime/manual_clock.h"
#include "test/sim/allowed.h"

namespace zoe::sim_test {
namespace {

using codec::Value;

constexpr const char* kApplications = R"(
apiVersion: zoe/v1
kind: Application
metadata: {name: web, namespace: NS}
spec:
  services:
  - {name: front, image: "w:1", replicas: {total: 2}, env: [{name: ME, value: "{{dns.self}}"}]}
---
apiVersion: zoe/v1
kind: Application
metadata: {name: tuned, namespace: NS}
spec:
  parameters:
  - {name: workers, type: integer, default: 2, minimum: 1, maximum: 5}
  - {name: color, default: green}
  services:
  - {name: master, image: "m:1", args: [serve, "{{param.workers}}"]}
  - {name: worker, image: "w:1", startupOrder: 1, env: [{name: C, value: "{{param.color}}"}]}
)";

std::vector<Value> MakeApplications() {
  std::vector<Value> all;
  for (const char* ns : {"alice", "catalog"}) {
    auto documents = codec::ParseYaml(kApplications);
    for (Value& document : *documents) {
      document.Find("metadata")->Set("namespace", ns);
      all.push_back(std::move(document));
    }
  }
  return all;
}

// The API's cache, and what decides by it.
struct Api {
  Api() {
    for (const Value& document : KnownApplications()) {
      const auto decoded = v1::Decode(document);
      const Meta& meta = decoded->object->meta;
      (void)store->Create({"Application", meta.ns, meta.name},
                          v1::EncodeJson(*decoded->kind, *decoded->object));
    }
    while (informer.PumpOnce()) {
    }
  }
  std::vector<Cause> Causes(Value document) {
    Admission::Prepare(*v1::FindKind(document.StringAt("kind")), document, nullptr);
    auto decoded = v1::Decode(document);
    if (!decoded.ok()) return decoded.error().causes;
    AdmissionRequest request;
    request.kind = decoded->kind;
    request.object = decoded->object;
    const auto admitted = admission.Admit(request);
    if (admitted.ok()) return {};
    if (!admitted.error().causes.empty()) return admitted.error().causes;
    return {{.field = "spec", .reason = "Refused", .message = admitted.error().message}};
  }

  ManualClock clock;
  Metrics metrics;
  std::unique_ptr<Store> store = MakeMemoryStore({.threaded = false});
  Cache cache;
  Informer informer{*store, cache, clock, metrics};
  const Admission admission{cache, Allowed()};
};

}  // namespace

const std::vector<Value>& KnownApplications() {
  static const std::vector<Value> applications = MakeApplications();
  return applications;
}

Judge ApiJudge() {
  return [api = std::make_shared<Api>()](const Value& document) { return api->Causes(document); };
}

Judge Without(Judge judge, std::vector<std::string> paths) {
  return [judge = std::move(judge), paths = std::move(paths)](const Value& document) {
    std::vector<Cause> causes;
    for (const std::string& path : paths) {
      const std::string place = FirstPlace(document, path);
      if (!place.empty()) causes.push_back({.field = place, .reason = "NotHere"});
    }
    return causes.empty() ? judge(document) : causes;
  };
}

Value Named(const std::string& name, const std::string& ns) {
  Value metadata = codec::Object{};
  metadata.Set("name", name);
  if (!ns.empty()) metadata.Set("namespace", ns);
  return metadata;
}

}  // namespace zoe::sim_test
