// metrics.k8s.io: what nodes and pods use, as `kubectl top` reads it.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "apis/server/usage.h"
#include "controller/crypto/crypto.h"
#include "specs/codec/value.h"
#include "specs/core/kinds.h"
#include "specs/core/metrics.h"
#include "test/unit/apis/peer.h"
#include "test/unit/apis/served.h"

namespace zoe::server {
namespace {

using codec::Value;

constexpr std::string_view kMetrics = "/apis/metrics.k8s.io/v1beta1";

SwarmUsage Used(const std::string& task, const std::string& node) {
  return {.task_id = task,
          .node_id = node,
          .cpu_nano = 26'492'213,
          .memory_bytes = 5 << 20,
          .at = WallTime(std::chrono::milliseconds(1'500)),
          .window = Duration(10'062)};
}

SwarmPicture Picture() {
  SwarmPicture picture;
  SwarmService service{.id = "s"};
  service.spec.replicas = 3;
  service.spec.labels = {{"zoe.namespace", "lab"},
                         {"zoe.kind", "Execution"},
                         {"zoe.name", "run"},
                         {"zoe.service", "web"}};
  picture.services = {service};
  for (const int slot : {1, 2, 3}) {
    SwarmTask task{.id = "task" + std::to_string(slot), .service_id = "s"};
    task.slot = slot;
    task.node_id = slot < 3 ? "n1" : "n2";
    task.state = TaskState::kRunning;
    picture.tasks.push_back(task);
  }
  for (const char* name : {"n1", "n2", "n3", "n4"}) {
    SwarmNode node{.id = name, .name = name};
    node.ready = node.id != "n4";
    picture.nodes.push_back(node);
  }
  return picture;
}

TEST(Usage, OfPodsHasTheShapeThatKubernetesClientsRead) {
  const auto all =
      MakePodMetrics(Picture(), {Used("task1", "n1"), Used("gone", "n1")}, [](const Labels&) {
        return Labels{{"team", "b"}};
      });
  ASSERT_EQ(all.size(), 1U) << "who isn't measured has no metrics";
  EXPECT_EQ(v1::EncodeJson(*core::FindMetricsKind("PodMetrics"), *all[0]),
            R"({"apiVersion":"metrics.k8s.io/v1beta1","kind":"PodMetrics","metadata":)"
            R"({"name":"run-web-1-task1","namespace":"lab","creationTimestamp":)"
            R"("1970-01-01T00:00:01Z","labels":{"team":"b",)"
            R"("zoe.kind":"Execution","zoe.name":"run","zoe.namespace":"lab","zoe.replica":"1",)"
            R"("zoe.service":"web"}},)"
            R"("timestamp":"1970-01-01T00:00:01Z","window":"10.062s","containers":)"
            R"([{"name":"web","usage":{"cpu":"26492213n","memory":"5120Ki"}}]})");
}

TEST(Usage, OfNodesIsTheSumOfTheirTasksAndNothingWhereNobodyKnows) {
  const auto all = MakeNodeMetrics(Picture(), {Used("task1", "n1"), Used("task2", "n1")},
                                   WallTime(std::chrono::seconds(9)));
  ASSERT_EQ(all.size(), 2U) << "n2 runs what isn't measured, n4 is down";
  const auto& one = static_cast<const core::NodeMetrics&>(*all[0]);
  EXPECT_EQ(one.meta.name, "n1");
  EXPECT_EQ(one.usage, (core::Usage{{"cpu", "52984426n"}, {"memory", "10240Ki"}}));
  EXPECT_EQ(one.window, "10.062s");
  const auto& idle = static_cast<const core::NodeMetrics&>(*all[1]);
  EXPECT_EQ(idle.meta.name, "n3");
  EXPECT_EQ(idle.usage, (core::Usage{{"cpu", "0n"}, {"memory", "0Ki"}}));
  EXPECT_EQ(idle.window, "0s");
}

class ServerUsage : public ::testing::Test {
 protected:
  explicit ServerUsage(ServerOptions options = TestOptions()) : served_(std::move(options)) {}
  void SetUp() override { ASSERT_TRUE(served_.server->Start().ok()); }

  Answer Call(const std::string& target, std::string_view headers = "") {
    return Peer(served_.port()).Call("GET", target, "", headers);
  }
  Value Get(const std::string& target, std::string_view headers = "") {
    const Answer answer = Call(target, headers);
    EXPECT_EQ(answer.status, 200) << answer.body;
    auto value = codec::ParseJson(answer.body);
    return value.ok() ? *value : Value();
  }
  static std::vector<Value> Items(const Value& list) {
    const Value* items = list.Find("items");
    return items == nullptr || !items->is_array() ? std::vector<Value>() : items->as_array();
  }
  void Start(const std::string& user) {
    SwarmServiceSpec spec;
    spec.name = user + "-web";
    spec.labels = {{"zoe.deployment", "zoe"}, {"zoe.namespace", user}, {"zoe.kind", "Execution"},
                   {"zoe.name", "run"},       {"zoe.uid", user},       {"zoe.service", "web"}};
    spec.image = "busybox";
    spec.replicas = 2;
    spec.cpu_request_nano = 1'000'000'000;
    spec.memory_request_bytes = 64 << 20;
    ASSERT_TRUE(served_.swarm->CreateServices({served_.clock}, {&spec, 1}).front().ok());
  }
  // Until both of them are measured.
  std::vector<Value> PodsOf(const std::string& user, std::string_view headers = "") {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (true) {
      auto items = Items(Get(std::string(kMetrics) + "/namespaces/" + user + "/pods", headers));
      if (items.size() == 2 || std::chrono::steady_clock::now() > deadline) return items;
      std::this_thread::yield();
    }
  }

  Served served_;
};

TEST_F(ServerUsage, IsListedGotSelectedAndNotWatched) {
  Start("alice");
  const auto pods = PodsOf("alice");
  ASSERT_EQ(pods.size(), 2U);
  const std::string name = pods[0].StringAt("metadata.name");
  EXPECT_TRUE(name.starts_with("run-web-1-"));
  const Value list = Get(std::string(kMetrics) + "/pods?labelSelector=zoe.replica%3D1");
  EXPECT_EQ(list.StringAt("kind"), "PodMetricsList");
  EXPECT_EQ(list.StringAt("apiVersion"), "metrics.k8s.io/v1beta1");
  ASSERT_EQ(Items(list).size(), 1U);
  const std::string one = std::string(kMetrics) + "/namespaces/alice/pods/" + name;
  EXPECT_EQ(Get(one).Find("containers")->as_array()[0].StringAt("usage.cpu"), "500000000n");
  EXPECT_EQ(Get(one).Find("containers")->as_array()[0].StringAt("usage.memory"), "32768Ki");
  EXPECT_EQ(Call(std::string(kMetrics) + "/namespaces/alice/pods/none").status, 404);
  EXPECT_EQ(Call(std::string(kMetrics) + "/pods?watch=1").status, 405);
  const Value nodes = Get(std::string(kMetrics) + "/nodes");
  EXPECT_EQ(nodes.StringAt("kind"), "NodeMetricsList");
  ASSERT_EQ(Items(nodes).size(), 3U);
  EXPECT_FALSE(Get(std::string(kMetrics) + "/nodes/sim1").StringAt("usage.cpu").empty());
  EXPECT_EQ(Call(std::string(kMetrics) + "/nothing").status, 404);
}

TEST_F(ServerUsage, IsDiscovered) {
  const Value resources = Get(std::string(kMetrics));
  std::string told;
  for (const Value& resource : resources.Find("resources")->as_array()) {
    told += resource.StringAt("name") + " " + resource.StringAt("kind") + ":";
    for (const Value& verb : resource.Find("verbs")->as_array()) told += " " + verb.ScalarText();
    told += "\n";
  }
  EXPECT_EQ(told, "nodes NodeMetrics: get list\npods PodMetrics: get list\n");
  EXPECT_NE(Call("/apis").body.find("metrics.k8s.io/v1beta1"), std::string::npos);
  EXPECT_NE(Call("/openapi/v3").body.find("apis/metrics.k8s.io/v1beta1"), std::string::npos);
  EXPECT_EQ(Call("/openapi/v3/apis/metrics.k8s.io/v1beta1").status, 200);
}

class ServerUsageOfPeople : public ServerUsage {
 protected:
  static ServerOptions WithPasswords() {
    ServerOptions options = TestOptions();
    options.auth = AuthMode::kPassword;
    return options;
  }
  ServerUsageOfPeople() : ServerUsage(WithPasswords()) {}
  static std::string As(const std::string& user) {
    return "Authorization: Basic " + crypto::EncodeBase64(user + ":correct horse") + "\r\n";
  }
};

TEST_F(ServerUsageOfPeople, IsTheirOwnAlone) {
  served_.AddUser("alice", "correct horse");
  served_.AddUser("boss", "correct horse", "admin");
  Start("alice");
  Start("bob");
  EXPECT_EQ(PodsOf("alice", As("alice")).size(), 2U);
  EXPECT_EQ(PodsOf("bob", As("boss")).size(), 2U);
  const std::string metrics(kMetrics);
  EXPECT_EQ(Call(metrics + "/namespaces/bob/pods", As("alice")).status, 403);
  EXPECT_EQ(Call(metrics + "/pods", As("alice")).status, 403);
  EXPECT_EQ(Call(metrics + "/nodes", As("alice")).status, 403);
  EXPECT_EQ(Items(Get(metrics + "/pods", As("boss"))).size(), 4U);
  EXPECT_EQ(Items(Get(metrics + "/nodes", As("boss"))).size(), 3U);
}

}  // namespace
}  // namespace zoe::server
