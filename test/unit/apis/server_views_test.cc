// Kubernetes' core as clients see it: pods, nodes, namespaces, events, logs, reviews.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "apis/server/review_proto.h"
#include "controller/crypto/crypto.h"
#include "specs/codec/value.h"
#include "test/unit/apis/peer.h"
#include "test/unit/apis/served.h"

namespace zoe {
namespace {

using codec::Value;

constexpr std::string_view kJson = "Content-Type: application/json\r\n";
constexpr std::string_view kPods = "/api/v1/namespaces/alice/pods";

ServerOptions WithPasswords() {
  ServerOptions options = TestOptions();
  options.auth = AuthMode::kPassword;
  return options;
}

class ServerViews : public ::testing::Test {
 protected:
  explicit ServerViews(ServerOptions options = TestOptions()) : served_(std::move(options)) {}
  void SetUp() override { ASSERT_TRUE(served_.server->Start().ok()); }

  Answer Call(std::string_view method, const std::string& target, std::string_view body = {},
              std::string_view headers = kJson) {
    return Peer(served_.port()).Call(method, target, body, headers);
  }
  Value Get(const std::string& target) {
    const Answer answer = Call("GET", target);
    EXPECT_EQ(answer.status, 200) << answer.body;
    auto value = codec::ParseJson(answer.body);
    return value.ok() ? *value : Value();
  }
  static std::vector<Value> Items(const Value& list) {
    const Value* items = list.Find("items");
    return items == nullptr || !items->is_array() ? std::vector<Value>() : items->as_array();
  }
  // A service of alice's execution "run"; its id.
  std::string Start(const std::string& command, uint64_t replicas = 1) {
    SwarmServiceSpec spec;
    spec.name = "run-web";
    spec.labels = {{"zoe.deployment", "zoe"}, {"zoe.namespace", "alice"}, {"zoe.kind", "Execution"},
                   {"zoe.name", "run"},       {"zoe.uid", "u"},           {"zoe.service", "web"}};
    spec.image = "busybox";
    spec.command = {"sh", "-c", command};
    spec.replicas = replicas;
    spec.restart_delay = Duration(10);
    const auto made = served_.swarm->CreateServices({served_.clock}, {&spec, 1});
    EXPECT_TRUE(made.front().ok());
    return *made.front();
  }
  // Until the test's own deadline.
  Value Until(const std::string& target, const std::function<bool(const Value&)>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (true) {
      Value value = Get(target);
      if (done(value) || std::chrono::steady_clock::now() > deadline) return value;
      std::this_thread::yield();
    }
  }
  std::string PodThat(const std::function<bool(const Value&)>& is) {
    std::string name;
    Until(std::string(kPods), [&](const Value& list) {
      for (const Value& pod : Items(list)) {
        if (is(pod)) name = pod.StringAt("metadata.name");
      }
      return !name.empty();
    });
    return name;
  }
  static bool Runs(const Value& pod) { return pod.StringAt("status.phase") == "Running"; }

  Served served_;
};

TEST_F(ServerViews, PodsAreListedSelectedAndOnlyRead) {
  Start("sleep 1000", 2);
  const Value list = Until(std::string(kPods), [](const Value& pods) {
    const auto items = Items(pods);
    return items.size() == 2 && Runs(items[0]) && Runs(items[1]);
  });
  ASSERT_EQ(Items(list).size(), 2U);
  EXPECT_EQ(list.StringAt("kind"), "PodList");
  EXPECT_EQ(list.StringAt("apiVersion"), "v1");
  const std::string name = Items(list)[0].StringAt("metadata.name");
  const std::string node = Items(list)[0].StringAt("spec.nodeName");
  const std::string pod = std::string(kPods) + "/" + name;
  EXPECT_EQ(Get(pod).StringAt("status.phase"), "Running");
  EXPECT_EQ(Items(Get("/api/v1/pods?fieldSelector=spec.nodeName%3D" + node)).size(), 1U);
  EXPECT_EQ(Items(Get("/api/v1/pods?fieldSelector=status.phase!%3DRunning")).size(), 0U);
  EXPECT_EQ(Items(Get("/api/v1/pods?labelSelector=zoe.service%3Dweb")).size(), 2U);
  EXPECT_EQ(Items(Get("/api/v1/namespaces/bob/pods")).size(), 0U);
  EXPECT_EQ(Call("DELETE", pod).status, 405);
  EXPECT_EQ(Call("POST", std::string(kPods), "{}").status, 405);
  const Answer gone = Call("GET", std::string(kPods) + "/none");
  EXPECT_EQ(gone.status, 404);
  EXPECT_NE(gone.body.find(R"(pods \"none\" not found)"), std::string::npos) << gone.body;
}

TEST_F(ServerViews, AWatchOfPodsTellsOfWhatComesAndGoes) {
  const std::string revision = Get(std::string(kPods)).StringAt("metadata.resourceVersion");
  Peer peer(served_.port());
  peer.Send("GET " + std::string(kPods) + "?watch=1&resourceVersion=" + revision +
            " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(peer.ReadHead().status, 200);
  const std::string id = Start("sleep 1000");
  std::string seen;
  for (std::string line = peer.ReadLine(); !line.empty(); line = peer.ReadLine()) {
    const auto event = codec::ParseJson(line);
    ASSERT_TRUE(event.ok()) << line;
    const std::string type = event->StringAt("type");
    if (type == "ADDED") seen += "added ";
    if (seen == "added " && event->StringAt("object.status.phase") == "Running") {
      seen += "running ";
      served_.swarm->RemoveServices({served_.clock}, {&id, 1});
    }
    if (type != "DELETED") continue;
    seen += "deleted";
    break;
  }
  EXPECT_EQ(seen, "added running deleted");
}

TEST_F(ServerViews, RevisionsOfAnEarlierServerExpire) {
  Get(std::string(kPods));
  EXPECT_EQ(Call("GET", std::string(kPods) + "?watch=1&resourceVersion=1000").status, 410);
}

TEST_F(ServerViews, LogsAreThoseOfThePodOrOfTheOneBefore) {
  Start("echo one; echo two; sleep 1000");
  PodThat(Runs);
  served_.swarm->With([](sim::Cluster& cluster) { cluster.EndTask("run-web", 1, 1); });
  const std::string name = PodThat([](const Value& pod) {
    const Value* states = pod.At("status.containerStatuses");
    return Runs(pod) && states != nullptr && states->as_array()[0].At("restartCount")->as_int() > 0;
  });
  const std::string log = std::string(kPods) + "/" + name + "/log";
  const std::string stamped = Call("GET", log + "?timestamps=true").body;
  const std::string before = Call("GET", log + "?timestamps=true&previous=true").body;
  EXPECT_TRUE(stamped.ends_with(" two\n")) << stamped;
  EXPECT_TRUE(before.ends_with(" two\n")) << before;
  EXPECT_LT(before, stamped);
  EXPECT_EQ(Call("GET", log + "?previous=true&container=web").body, "one\ntwo\n");
  EXPECT_EQ(Call("GET", log + "?previous=true&tailLines=1").body, "two\n");
  EXPECT_EQ(Call("GET", log + "?previous=true&limitBytes=5").body, "one\nt");
  const Answer other = Call("GET", log + "?container=db");
  EXPECT_EQ(other.status, 400);
  EXPECT_NE(other.body.find("container db is not valid for pod"), std::string::npos) << other.body;
  EXPECT_EQ(Call("GET", log + "?sinceSeconds=1&sinceTime=2026-01-31T12:00:00Z").status, 400);
  EXPECT_EQ(Call("GET", log + "?limitBytes=0").status, 400);
  EXPECT_EQ(Call("GET", std::string(kPods) + "/none/log").status, 404);
}

TEST_F(ServerViews, OnlyAfterARestartThereIsAPreviousLog) {
  Start("echo one; sleep 1000");
  const std::string log = std::string(kPods) + "/" + PodThat(Runs) + "/log";
  EXPECT_EQ(Call("GET", log).body, "one\n");
  const Answer previous = Call("GET", log + "?previous=true");
  EXPECT_EQ(previous.status, 400);
  EXPECT_NE(previous.body.find("previous terminated container"), std::string::npos);
}

TEST_F(ServerViews, EventsAreThoseOfTheStoreInKubernetesWords) {
  const std::string event =
      R"({"kind":"Event","metadata":{"name":"e1"},"involvedObject":{"kind":"Execution","name":"run"},)"
      R"("type":"Normal","reason":"Began","message":"it has","source":{"component":"test"},"count":2,)"
      R"("firstTimestamp":"2026-01-31T12:00:00.5Z","lastTimestamp":"2026-01-31T12:00:01Z"})";
  const Answer made = Call("POST", "/apis/zoe/v1/namespaces/alice/events", event);
  ASSERT_EQ(made.status, 201) << made.body;
  const Value seen = Get("/api/v1/namespaces/alice/events/e1");
  EXPECT_EQ(seen.StringAt("apiVersion"), "v1");
  EXPECT_EQ(seen.StringAt("eventTime"), "2026-01-31T12:00:00.500000Z");
  EXPECT_EQ(seen.StringAt("reportingComponent"), "test");
  EXPECT_EQ(seen.StringAt("metadata.resourceVersion"),
            codec::ParseJson(made.body)->StringAt("metadata.resourceVersion"));
  const std::string events = "/api/v1/namespaces/alice/events?fieldSelector=";
  EXPECT_EQ(Items(Get(events + "involvedObject.name%3Drun,reason%3DBegan")).size(), 1U);
  EXPECT_EQ(Items(Get(events + "type%3DWarning")).size(), 0U);
  const std::string revision = seen.StringAt("metadata.resourceVersion");
  Peer peer(served_.port());
  peer.Send("GET /api/v1/events?watch=1&resourceVersion=" + revision +
            " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(peer.ReadHead().status, 200);
  EXPECT_EQ(Call("DELETE", "/apis/zoe/v1/namespaces/alice/events/e1").status, 200);
  const std::string line = peer.ReadLine();
  EXPECT_TRUE(line.starts_with(R"({"type":"DELETED")")) << line;
}

TEST(ServerViewsAtRest, NobodyAsksTheSwarmUnlessSomebodyAsksTheServer) {
  static std::atomic<int> reads;
  reads = 0;
  Served served(TestOptions(), 8192, [](SimOptions options, const Clock& clock) {
    options.fault = [](std::string_view call) {
      if (call == "ListTasks") ++reads;
      return SimFault();
    };
    return std::make_unique<SimSwarm>(std::move(options), clock);
  });
  ASSERT_TRUE(served.server->Start().ok());
  Peer(served.port()).Call("GET", "/api/v1/namespaces");
  Peer(served.port()).Call("GET", "/api/v1/events");
  EXPECT_EQ(reads, 0);
  Peer(served.port()).Call("GET", "/api/v1/pods");
  EXPECT_EQ(reads, 1);
  {
    Peer watch(served.port());
    watch.Send("GET /api/v1/pods?watch=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    watch.ReadHead();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (reads < 3 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_GE(reads, 3);
  }
}

class ServerReviews : public ServerViews {
 protected:
  ServerReviews() : ServerViews(WithPasswords()) {}
  void SetUp() override {
    served_.AddUser("alice", "correct horse");
    served_.AddUser("chief", "correct horse", "admin");
    ServerViews::SetUp();
  }
  static std::string As(const std::string& user) {
    return "Authorization: Basic " + crypto::EncodeBase64(user + ":correct horse") + "\r\n" +
           std::string(kJson);
  }
  Value Ask(const std::string& user, const std::string& path, const std::string& spec) {
    const Answer answer = Call("POST", "/apis/" + path, R"({"spec":)" + spec + "}", As(user));
    EXPECT_EQ(answer.status, 201) << answer.body;
    return *codec::ParseJson(answer.body);
  }
  bool May(const std::string& user, const std::string& attributes) {
    return Ask(user, "authorization.k8s.io/v1/selfsubjectaccessreviews",
               R"({"resourceAttributes":{)" + attributes + "}}")
        .At("status.allowed")
        ->as_bool();
  }
};

TEST_F(ServerReviews, PeopleMayWhatTheTableOfRightsSays) {
  const std::string create = R"("verb":"create","group":"zoe","resource":"executions")";
  EXPECT_TRUE(May("alice", create + R"(,"namespace":"alice")"));
  EXPECT_FALSE(May("alice", create + R"(,"namespace":"chief")"));
  EXPECT_FALSE(May("alice", create));
  EXPECT_TRUE(May("chief", create));
  const std::string all = R"("verb":"*","group":"*","resource":"*")";
  EXPECT_TRUE(May("chief", all));
  EXPECT_FALSE(May("alice", all));
  const std::string log = R"("verb":"get","resource":"pods","subresource":"log","namespace":)";
  EXPECT_TRUE(May("alice", log + R"("alice")"));
  EXPECT_FALSE(May("alice", log + R"("chief")"));
  EXPECT_FALSE(May("alice", R"("verb":"list","resource":"nodes")"));
  EXPECT_TRUE(May("chief", R"("verb":"list","resource":"nodes")"));
  EXPECT_FALSE(May("chief", R"("verb":"delete","resource":"pods","namespace":"alice")"));
  EXPECT_FALSE(May("chief", R"("verb":"get","resource":"unicorns")"));
  EXPECT_FALSE(May("chief", R"("verb":"delete","group":"zoe","resource":"users","name":"chief")"));
  EXPECT_TRUE(May("alice", R"("verb":"get","group":"zoe","resource":"users","name":"alice")"));
  EXPECT_EQ(Call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "{}").status,
            401);
  EXPECT_EQ(
      Call("GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {}, As("alice")).status,
      403);
}

TEST_F(ServerReviews, WhoOneIsAndTheRulesOfANamespaceAreTold) {
  const Value self = Ask("alice", "authentication.k8s.io/v1/selfsubjectreviews", "{}");
  EXPECT_EQ(self.StringAt("kind"), "SelfSubjectReview");
  EXPECT_EQ(self.StringAt("status.userInfo.username"), "alice");
  EXPECT_EQ(self.At("status.userInfo.groups")->as_array().front().as_string(), "zoe:user");
  EXPECT_EQ(self.StringAt("status.userInfo.uid"),
            served_.cache.Get({"User", "", "alice"})->object->meta.uid);
  const auto verbs_of = [&](const std::string& ns, const std::string& resource) {
    std::string verbs;
    const Value rules = Ask("alice", "authorization.k8s.io/v1/selfsubjectrulesreviews",
                            R"({"namespace":")" + ns + "\"}");
    for (const Value& rule : rules.At("status.resourceRules")->as_array()) {
      if (rule.At("resources")->as_array().front().as_string() != resource) continue;
      if (rule.At("apiGroups")->as_array().front().as_string() == "metrics.k8s.io") continue;
      for (const Value& verb : rule.At("verbs")->as_array()) verbs += verb.as_string() + " ";
    }
    return verbs;
  };
  EXPECT_EQ(verbs_of("alice", "pods"), "get list watch ");
  EXPECT_EQ(verbs_of("alice", "pods/log"), "get ");
  EXPECT_EQ(verbs_of("chief", "pods"), "");
  EXPECT_EQ(verbs_of("catalog", "applications"), "get list watch ");
}

TEST_F(ServerReviews, PeopleSeeTheirOwnNamespaceAndTheCatalog) {
  const auto names = [&](const std::string& user) {
    std::string text;
    const auto list = codec::ParseJson(Call("GET", "/api/v1/namespaces", {}, As(user)).body);
    for (const Value& item : Items(*list)) text += item.StringAt("metadata.name") + " ";
    return text;
  };
  EXPECT_EQ(names("alice"), "alice catalog ");
  EXPECT_EQ(names("chief"), "alice catalog chief ");
  EXPECT_EQ(Call("GET", "/api/v1/namespaces/chief", {}, As("alice")).status, 403);
  EXPECT_EQ(Call("GET", "/api/v1/namespaces/alice/pods", {}, As("alice")).status, 200);
  const Answer all = Call("GET", "/api/v1/pods", {}, As("alice"));
  EXPECT_EQ(all.status, 403);
  EXPECT_NE(all.body.find("pods is forbidden: User \\\"alice\\\" cannot list resource \\\"pods\\\" "
                          "in API group \\\"\\\" at the cluster scope"),
            std::string::npos)
      << all.body;
  EXPECT_EQ(Call("GET", "/api/v1/nodes", {}, As("alice")).status, 403);
}

TEST_F(ServerReviews, PeopleSeeTheQuotaThatLimitsThemAndAdminsWriteIt) {
  const std::string quotas = "/apis/zoe/v1/quotas";
  const auto make = [&](const std::string& user, const std::string& name, const std::string& spec) {
    return Call("POST", quotas, R"({"metadata":{"name":")" + name + R"("},"spec":)" + spec + "}",
                As(user))
        .status;
  };
  const auto names = [&](const std::string& user) {
    const Answer answer = Call("GET", quotas, {}, As(user));
    EXPECT_EQ(answer.status, 200) << answer.body;
    std::string text;
    const auto list = codec::ParseJson(answer.body);
    for (const Value& item : Items(*list)) text += item.StringAt("metadata.name") + " ";
    return text;
  };
  EXPECT_EQ(names("alice"), "");
  EXPECT_EQ(make("alice", "mine", "{}"), 403);
  EXPECT_EQ(make("chief", "everybody", R"({"roles":["user"]})"), 201);
  EXPECT_EQ(make("chief", "large", R"({"cpu":"100"})"), 201);
  EXPECT_EQ(names("alice"), "everybody ");
  EXPECT_EQ(names("chief"), "everybody large ");
  EXPECT_EQ(Call("GET", quotas + "/everybody", {}, As("alice")).status, 200);
  EXPECT_EQ(Call("GET", quotas + "/large", {}, As("alice")).status, 403);
  EXPECT_EQ(Call("DELETE", quotas + "/everybody", {}, As("alice")).status, 403);
  const std::string merge = "Authorization: Basic " + crypto::EncodeBase64("alice:correct horse") +
                            "\r\nContent-Type: application/merge-patch+json\r\n";
  EXPECT_EQ(Call("PATCH", quotas + "/everybody", R"({"spec":{"cpu":"9"}})", merge).status, 403);
  EXPECT_TRUE(May("alice", R"("verb":"get","group":"zoe","resource":"quotas","name":"everybody")"));
  EXPECT_FALSE(May("alice", R"("verb":"get","group":"zoe","resource":"quotas","name":"alice")"));
}

TEST(ReviewProto, TheEnvelopeAndTheMessageAreRead) {
  const auto field = [](int number, const std::string& bytes) {
    return std::string(1, static_cast<char>(number << 3 | 2)) +
           std::string(1, static_cast<char>(bytes.size())) + bytes;
  };
  const std::string attributes =
      field(1, "alice") + field(2, "get") + field(5, "pods") + field(6, "log");
  const std::string review = field(2, field(1, attributes));
  const std::string body = std::string("k8s\0", 4) + field(1, field(1, "v1")) + field(2, review);
  const auto read = server::ReviewFromProto(body, "SelfSubjectAccessReview");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(codec::ToJson(*read),
            R"({"spec":{"resourceAttributes":{"namespace":"alice","verb":"get","resource":"pods",)"
            R"("subresource":"log"}}})");
  for (size_t length = 0; length < body.size(); ++length) {
    const auto cut = server::ReviewFromProto(body.substr(0, length), "SelfSubjectAccessReview");
    EXPECT_TRUE(!cut.ok() || codec::ToJson(*cut) != codec::ToJson(*read)) << length;
  }
}

}  // namespace
}  // namespace zoe
