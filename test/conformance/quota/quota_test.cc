// Quotas over HTTP, on every store: two controllers serve one store, each by what its own cache
// shows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "apis/server/server.h"
#include "apis/sim/sim_swarm.h"
#include "controller/cache/informer.h"
#include "controller/runtime/metrics.h"
#include "controller/runtime/system_clock.h"
#include "specs/codec/value.h"
#include "test/conformance/store/backend.h"
#include "test/unit/apis/peer.h"
#include "webhooks/admission/admission.h"

namespace zoe::conformance {
namespace {

using codec::Value;
using testing::HasSubstr;

constexpr char kExecutions[] = "/apis/zoe/v1/namespaces/alice/executions";
constexpr char kMerge[] = "Content-Type: application/merge-patch+json\r\n";

// One process, as far as its API goes.
class Controller {
 public:
  explicit Controller(Store& store) : informer_(store, cache_, clock_, metrics_) {
    informer_.Start();
    while (!cache_.synced()) std::this_thread::yield();
    ServerOptions options;
    options.listen = "127.0.0.1:0";
    options.auth = AuthMode::kNone;
    server_ = std::make_unique<Server>(
        options, ServerDeps{store, cache_, *swarm_, admission_, metrics_, clock_});
    EXPECT_TRUE(server_->Start().ok());
  }
  ~Controller() {
    server_.reset();
    informer_.Stop();
  }
  Answer Call(std::string_view method, const std::string& path, const std::string& body = {},
              std::string_view headers = {}) const {
    const std::string address = server_->address();
    const int port = std::stoi(address.substr(address.rfind(':') + 1));
    return Peer(static_cast<uint16_t>(port)).Call(method, path, body, headers);
  }
  const Cache& cache() const { return cache_; }

 private:
  SystemClock clock_;
  Metrics metrics_;
  Cache cache_;
  Informer informer_;
  const Admission admission_{cache_, {}};
  const std::unique_ptr<SimSwarm> swarm_ = MakeSimSwarm({}, clock_);
  std::unique_ptr<Server> server_;
};

class QuotaTest : public testing::TestWithParam<BackendParam> {
 protected:
  void SetUp() override {
    auto backend = GetParam().make();
    if (!backend.ok()) GTEST_SKIP() << backend.error().message;
    backend_ = std::move(backend).value();
    store_ = std::move(backend_->Open()).value();
    auto another = backend_->OpenAnother();
    if (another.ok()) another_ = std::move(another).value();
    first_ = std::make_unique<Controller>(*store_);
    second_ = std::make_unique<Controller>(another_ ? *another_ : *store_);
  }

  // Alice's limits, known to both.
  void Limit(const std::string& spec) {
    Must(201, "POST", "/apis/zoe/v1/quotas",
         R"({"metadata":{"name":"students"},"spec":)" + spec + "}");
    Must(201, "POST", "/apis/zoe/v1/users",
         R"({"metadata":{"name":"alice"},"spec":{"quota":"students"}})");
    while (!second_->cache().Get({"User", "", "alice"})) std::this_thread::yield();
  }
  Value Must(int status, std::string_view method, const std::string& path,
             const std::string& body = {}, std::string_view headers = {}) {
    const Answer answer = first_->Call(method, path, body, headers);
    EXPECT_EQ(answer.status, status) << method << " " << path << ": " << answer.body;
    auto value = codec::ParseJson(answer.body);
    return value.ok() ? *value : Value();
  }
  static std::string Execution(const std::string& name, const std::string& cpu = "500m",
                               const std::string& more = "") {
    return R"({"metadata":{"name":")" + name + R"("},"spec":{)" + more +
           R"("application":{"services":[{"name":"s","image":"i",)"
           R"("resources":{"requests":{"cpu":")" +
           cpu + R"("}}}]}}})";
  }

  // Calls from many threads at once, by turns through both controllers. The answers' statuses;
  // whatever is neither `good` nor 403 fails the test.
  int AtOnce(int calls, int good, const std::function<Answer(const Controller&, int)>& call) {
    std::atomic<int> done = 0;
    std::barrier together(calls);
    std::vector<std::jthread> threads;
    for (int i = 0; i < calls; ++i) {
      threads.emplace_back([&, i] {
        together.arrive_and_wait();
        const Answer answer = call(i % 2 == 0 ? *first_ : *second_, i);
        done += answer.status == good ? 1 : 0;
        EXPECT_TRUE(answer.status == good || answer.status == 403) << answer.body;
      });
    }
    threads.clear();
    return done;
  }

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Store> store_, another_;
  std::unique_ptr<Controller> first_, second_;
};

TEST_P(QuotaTest, OfManyThatComeAtOnceAsManyAreTakenAsTheLimitLeaves) {
  Limit(R"({"executions":100,"cpu":"4"})");
  const int made = AtOnce(24, 201, [](const Controller& controller, int i) {
    return controller.Call("POST", kExecutions, Execution("e" + std::to_string(i)));
  });
  EXPECT_EQ(made, 8);
  EXPECT_EQ(store_->List("Execution")->records.size(), 8u);
}

TEST_P(QuotaTest, OfManyThatResumeOrGrowAtOnceAsManyMayAsTheLimitLeaves) {
  Limit(R"({"executions":3,"cpu":"4"})");
  for (int i = 0; i < 12; ++i)
    Must(201, "POST", kExecutions, Execution("e" + std::to_string(i), "1", R"("suspend":true,)"));
  const auto patch = [](const std::string& body) {
    return [body](const Controller& controller, int i) {
      return controller.Call("PATCH", kExecutions + ("/e" + std::to_string(i)), body, kMerge);
    };
  };
  EXPECT_EQ(AtOnce(12, 200, patch(R"({"spec":{"suspend":false}})")), 3);
  // The three that run ask for two CPUs each; one may. Those that are suspended count for nothing.
  const int grown = AtOnce(12, 200,
                           patch(R"({"spec":{"application":{"services":[{"name":"s",)"
                                 R"("image":"i","resources":{"requests":{"cpu":"2"}}}]}}})"));
  EXPECT_EQ(grown, 9 + 1);
}

TEST_P(QuotaTest, ARefusalNamesLimitUseAndRequest) {
  Limit(R"({"executions":2,"cpu":"3"})");
  Must(201, "POST", kExecutions, Execution("a", "2"));
  const Answer answer = first_->Call("POST", kExecutions, Execution("b", "1500m"));
  EXPECT_EQ(answer.status, 403);
  const Value status = *codec::ParseJson(answer.body);
  EXPECT_EQ(status.StringAt("kind"), "Status");
  EXPECT_EQ(status.StringAt("reason"), "Forbidden");
  EXPECT_EQ(status.StringAt("message"),
            "executions.zoe \"b\" is forbidden: exceeded quota: students, requested: cpu=1500m, "
            "used: cpu=2, limited: cpu=3");
  EXPECT_EQ(status.StringAt("details.name"), "b");
  EXPECT_EQ(status.StringAt("details.kind"), "executions");
  const auto& causes = status.At("details.causes")->as_array();
  ASSERT_EQ(causes.size(), 1u);
  EXPECT_EQ(causes[0].StringAt("field"), "spec.application.services[].resources.requests.cpu");
  EXPECT_THAT(
      causes[0].StringAt("message"),
      HasSubstr("exceeded quota: students, requested: cpu=1500m, used: cpu=2, limited: cpu=3"));
  EXPECT_EQ(first_->Call("POST", kExecutions + std::string("?dryRun=All"), Execution("b", "1500m"))
                .status,
            403);
}

TEST_P(QuotaTest, WhatEndsOrGoesMakesRoomAndASmallerQuotaStopsNothing) {
  Limit(R"({"executions":2})");
  const std::string a = kExecutions + std::string("/a"), b = kExecutions + std::string("/b");
  Must(201, "POST", kExecutions, Execution("a"));
  Must(201, "POST", kExecutions, Execution("b"));
  Must(403, "POST", kExecutions, Execution("c"));
  Must(200, "PATCH", b + "/status", R"({"status":{"phase":"Succeeded"}})", kMerge);
  Must(201, "POST", kExecutions, Execution("c"));
  Must(200, "PATCH", "/apis/zoe/v1/quotas/students", R"({"spec":{"executions":1}})", kMerge);
  Must(200, "PATCH", a, R"({"metadata":{"labels":{"x":"y"}}})", kMerge);
  Must(200, "PATCH", a, R"({"spec":{"priority":3}})", kMerge);
  Must(200, "DELETE", a);
  Must(403, "POST", kExecutions, Execution("d"));
  Must(200, "PATCH", kExecutions + std::string("/c"), R"({"spec":{"suspend":true}})", kMerge);
  Must(201, "POST", kExecutions, Execution("d"));
  Must(403, "PATCH", kExecutions + std::string("/c"), R"({"spec":{"suspend":false}})", kMerge);
}

TEST_P(QuotaTest, IsThatOfTheRoleForWhoNamesNoneAndNobodysWhereThereIsNoUser) {
  Must(201, "POST", "/apis/zoe/v1/quotas",
       R"({"metadata":{"name":"guests"},"spec":{"executions":1,"roles":["guest"]}})");
  Must(201, "POST", "/apis/zoe/v1/users",
       R"({"metadata":{"name":"gina"},"spec":{"role":"guest"}})");
  Must(201, "POST", "/apis/zoe/v1/users", R"({"metadata":{"name":"bob"}})");
  for (const std::string ns : {"gina", "bob", "nobody"}) {
    const std::string path = "/apis/zoe/v1/namespaces/" + ns + "/executions";
    Must(201, "POST", path, Execution("a"));
    Must(ns == "gina" ? 403 : 201, "POST", path, Execution("b"));
  }
  const Value second = Must(422, "POST", "/apis/zoe/v1/quotas",
                            R"({"metadata":{"name":"more"},"spec":{"roles":["user","guest"]}})");
  EXPECT_THAT(second.StringAt("message"),
              HasSubstr("spec.roles[1]: Duplicate value: \"guest\" stands in quota \"guests\""));
}

INSTANTIATE_TEST_SUITE_P(Every, QuotaTest,
                         testing::Values(MemoryBackend(), SqliteBackend(), ZooKeeperBackend()),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace zoe::conformance
