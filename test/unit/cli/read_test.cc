// get, describe, logs, wait: what is seen of objects.
#include "test/unit/cli/commands.h"

namespace zoe::cli {
namespace {

TEST_F(Commands, AWaitSurvivesLostConnectionsAndForgottenHistory) {
  ASSERT_EQ(Run({"apply", "-f", "-"}, Yaml("x")).code, kOk);
  std::thread controller([&] {
    if (!api.AwaitWatches(1)) return;
    api.ForgetHistory();  // the next watch gets 410 and must list again
    api.Put(std::string(kExecutions) + "x", Object("x", "Running"));
    api.ForgetHistory();
    api.DropWatches();
    if (!api.AwaitWatches(1)) return;
    api.Put(std::string(kExecutions) + "x",
            Object("x", "Running", R"(,"conditions":[{"type":"Ready","status":"True"}])"));
  });
  const Ran ran = Run({"wait", "exec/x", "--for=condition=Ready", "--timeout=20s"});
  controller.join();
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.out, "execution.zoe/x condition met\n");
}

TEST_F(Commands, WaitFailsEarlyWhenTheConditionCannotCome) {
  api.Put(
      std::string(kExecutions) + "x",
      Object(
          "x", "Failed",
          R"(,"conditions":[{"type":"Ready","status":"False","reason":"ImageNotFound","message":"no image nginx"}])"));
  const Ran ran = Run({"wait", "exec", "x", "--for=condition=Ready"});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_NE(ran.err.find("the execution has ended as Failed (ImageNotFound: no image nginx): "
                         "condition=Ready can't come true any more"),
            std::string::npos)
      << ran.err;
  EXPECT_EQ(Run({"wait", "exec", "x", "--for=condition=Ready=False"}).code, kOk);
  EXPECT_EQ(Run({"wait", "exec", "x", "--for=jsonpath={.status.phase}=Failed"}).code, kOk);
  EXPECT_EQ(Run({"wait", "exec", "x", "--for=jsonpath={.status.phase}=Succeeded"}).code, kFailed);
  EXPECT_EQ(Run({"wait", "exec", "x",
                 "--for=jsonpath={.status.conditions[?(@.type==\"Ready\")].status}=False"})
                .code,
            kOk);
  EXPECT_EQ(Run({"wait", "exec", "y", "--for=condition=Ready"}).code, kFailed);
  EXPECT_EQ(Run({"wait", "exec", "y", "--for=delete"}).code, kOk);
  EXPECT_EQ(Run({"wait", "exec", "x", "--for=delete", "--timeout=100ms"}).code, kTimedOut);
  EXPECT_EQ(Run({"wait", "exec", "x", "--for=delete", "--timeout=0"}).code, kTimedOut);
  EXPECT_EQ(Run({"wait", "exec", "x", "--for=sunshine"}).code, kUsage);
}

TEST_F(Commands, AConditionOfAnOlderSpecDoesNotCount) {
  auto object = Object(
      "x", "Running", R"(,"conditions":[{"type":"Ready","status":"True","observedGeneration":1}])");
  object.Find("metadata")->Set("generation", 2);
  api.Put(std::string(kExecutions) + "x", object);
  EXPECT_EQ(Run({"wait", "exec", "x", "--for=condition=Ready", "--timeout=100ms"}).code, kTimedOut);
}

TEST_F(Commands, GetPrintsTablesAndFormats) {
  api.Put(std::string(kExecutions) + "x", Object("x", "Running"));
  EXPECT_EQ(Run({"get", "exec", "--no-headers", "-o", "custom-columns=N:.metadata.name"}).out,
            "x\n");
  EXPECT_EQ(Run({"get", "executions", "x", "-o", "name"}).out, "execution.zoe/x\n");
  EXPECT_EQ(Run({"get", "exec/x", "-o", "jsonpath={.status.phase}"}).out, "Running");
  EXPECT_EQ(Run({"-o", "jsonpath={.items[*].metadata.name}", "get", "Execution"}).out, "x");
  EXPECT_EQ(Run({"get", "exec", "x"}).out.substr(0, 45),
            "NAME   PHASE     READY   RESTARTS   AGE\nx    ");
  EXPECT_EQ(Run({"get", "exec", "-A"}).out.substr(0, 16), "NAMESPACE   NAME");
  EXPECT_EQ(
      codec::ParseJson(Run({"get", "exec", "x", "-o", "json"}).out)->StringAt("metadata.name"),
      "x");
  EXPECT_EQ(codec::ParseJson(Run({"get", "exec", "-o", "json"}).out)->StringAt("kind"), "List");
  EXPECT_EQ(codec::ParseYaml(Run({"get", "exec", "x", "-o", "yaml"}).out)
                ->front()
                .StringAt("metadata.name"),
            "x");
  EXPECT_EQ(Run({"get", "exec,app"}).out.find("execution.zoe/x"), 51u)
      << Run({"get", "exec,app"}).out;
  EXPECT_EQ(Run({"get", "all", "-l", "set=one"}).code, kOk);
}

TEST_F(Commands, GetShowsTheViewsOfKubernetesAsKubectlDoes) {
  api.Put("/api/v1/namespaces/default/pods/x-web-1-00001", *codec::ParseJson(R"({"apiVersion":"v1",
      "kind":"Pod","metadata":{"name":"x-web-1-00001","namespace":"default",
      "labels":{"a":"1","b":"2"},"annotations":{"c":"3","d":"4"}},
      "spec":{"containers":[{"name":"web","image":"nginx"}]},
      "status":{"phase":"Running","containerStatuses":[{"name":"web","ready":true,
      "restartCount":2,"image":"nginx"}]}})"));
  Ran ran = Run({"get", "pods", "--show-labels"});
  EXPECT_EQ(ran.out,
            "NAME            READY   STATUS    RESTARTS   AGE         LABELS\n"
            "x-web-1-00001   1/1     Running   2          <unknown>   a=1,b=2\n")
      << ran.err;
  api.Put(std::string(kExecutions) + "x", Object("x", "Running"));
  EXPECT_EQ(Run({"get", "all", "-o", "name"}).out, "pod/x-web-1-00001\nexecution.zoe/x\n");
  ran = Run({"describe", "pod", "x-web-1-00001"});
  EXPECT_NE(ran.out.find("Labels:         a=1\n                b=2\n"
                         "Annotations:    c: 3\n                d: 4\n"),
            std::string::npos)
      << ran.out;
}

TEST_F(Commands, GetSaysWhatIsNotThere) {
  Ran ran = Run({"get", "exec"});
  EXPECT_EQ(ran.code, kOk);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err, "No resources found in default namespace.\n");
  EXPECT_EQ(Run({"get", "exec", "-A"}).err, "No resources found\n");
  EXPECT_EQ(Run({"describe", "exec"}).err, "No resources found in default namespace.\n");
  EXPECT_EQ(Run({"describe", "exec", "-A"}).err, "No resources found\n");
  ran = Run({"get", "exec", "x"});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_EQ(ran.err, "Error from server (NotFound): executions.zoe \"x\" not found\n");
  EXPECT_EQ(Run({"get", "exec", "x", "--ignore-not-found"}).code, kOk);
  ran = Run({"get", "executons"});
  EXPECT_EQ(ran.code, kUsage);
  EXPECT_NE(ran.err.find("did you mean \"executions\"?"), std::string::npos) << ran.err;
}

TEST_F(Commands, DeleteWaitsUntilTheObjectIsGone) {
  api.keep_deleted = true;
  api.Put(std::string(kExecutions) + "x", Object("x", "Running"));
  std::thread controller([&] {
    if (api.AwaitWatches(1)) api.Remove(std::string(kExecutions) + "x");
  });
  const Ran ran = Run({"delete", "exec", "x", "--timeout=20s"});
  controller.join();
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.out, "execution.zoe \"x\" deleted\n");
  api.Put(std::string(kExecutions) + "y", Object("y", "Running"));
  EXPECT_EQ(Run({"delete", "exec/y", "--timeout=100ms"}).code, kTimedOut);
  EXPECT_EQ(Run({"delete", "exec/y", "--wait=false"}).code, kOk);
}

TEST_F(Commands, DescribeShowsTheObjectAndItsEvents) {
  api.Put(
      std::string(kExecutions) + "x",
      Object(
          "x", "Running",
          R"(,"services":[{"name":"web","total":1,"ready":1,"running":1}],"endpoints":[{"service":"web","name":"http","url":"http://web.x:80/"}],
    "conditions":[{"type":"Ready","status":"True","reason":"AllReplicasReady","message":"1/1 replicas ready"}])"));
  api.Put(
      "/apis/zoe/v1/namespaces/default/events/e1",
      *codec::ParseJson(
          R"({"apiVersion":"zoe/v1","kind":"Event","metadata":{"name":"e1","namespace":"default"},
    "involvedObject":{"kind":"Execution","name":"x","uid":"u-x"},"type":"Normal","reason":"ServiceCreated","message":"web","source":{"component":"execution"},"count":1})"));
  const Ran ran = Run({"describe", "exec", "x"});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  for (const char* part :
       {"Name:           x\n", "Labels:         set=one\n", "Annotations:    <none>\n",
        "  web   nginx  1/1", "http://web.x:80/", "AllReplicasReady", "ServiceCreated"}) {
    EXPECT_NE(ran.out.find(part), std::string::npos) << part << " in\n" << ran.out;
  }
  EXPECT_EQ(Run({"events", "--for", "exec/x", "--no-headers"}).out,
            "<unknown>   Normal   ServiceCreated   Execution/x   web\n");
  EXPECT_EQ(Run({"events", "--for", "exec/y"}).err, "No events found in default namespace.\n");
}

TEST_F(Commands, LogsPassTheirFlagsOnAndStream) {
  api.intercept = [](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.path.ends_with("/log"))
      return FakeReply{.body = "one\ntwo\n", .type = "text/plain"};
    return std::nullopt;
  };
  const Ran ran = Run(
      {"logs", "x", "-s", "web", "--tail", "5", "--since", "90s", "--timestamps", "--replica=2"});
  EXPECT_EQ(ran.out, "one\ntwo\n");
  const auto query = api.requests().back().query;
  EXPECT_EQ(query, (std::map<std::string, std::string>{{"service", "web"},
                                                       {"tailLines", "5"},
                                                       {"sinceSeconds", "90"},
                                                       {"timestamps", "true"},
                                                       {"replica", "2"}}));
  EXPECT_EQ(Run({"logs"}).code, kUsage);
  EXPECT_EQ(Run({"logs", "x", "--tail=many"}).code, kUsage);
}

TEST_F(Commands, GetWatchShowsEveryChangeAndEndsWithTheReader) {
  api.Put(std::string(kExecutions) + "x", Object("x", "Starting"));
  // The stream ends when its output does: a reader that takes three lines.
  class ThreeLines : public std::stringbuf {
   public:
    int overflow(int c) override {
      return count >= 3 ? traits_type::eof() : std::stringbuf::overflow(c);
    }
    std::streamsize xsputn(const char* s, std::streamsize n) override {
      return count >= 3 ? 0 : std::stringbuf::xsputn(s, n);
    }
    int sync() override {
      const std::string text = str();
      count = std::count(text.begin(), text.end(), '\n');
      return count >= 3 ? -1 : 0;
    }
    std::ptrdiff_t count = 0;
  } lines;
  std::istringstream in;
  std::ostream out(&lines);
  std::ostringstream err;
  Io io{.in = in,
        .out = out,
        .err = err,
        .env = [&](const std::string& name) -> std::optional<std::string> {
          const auto it = console.environment.find(name);
          return it == console.environment.end() ? std::nullopt : std::optional(it->second);
        }};
  std::thread controller([&] {
    if (!api.AwaitWatches(1)) return;
    api.DropWatches();
    if (!api.AwaitWatches(1)) return;
    api.Put(std::string(kExecutions) + "x", Object("x", "Running"));
  });
  Main({"get", "exec", "-w", "-o", "custom-columns=NAME:.metadata.name,PHASE:.status.phase"}, io);
  controller.join();
  EXPECT_EQ(lines.str(), "NAME   PHASE\nx      Starting\nx      Running\n");
}

TEST_F(Commands, StatusShowsWhatTheCallerMaySee) {
  api.Put(std::string(kExecutions) + "x", Object("x", "Running"));
  api.intercept = [](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.path != "/api/v1/nodes" && request.path != "/apis/zoe/v1/executions")
      return std::nullopt;
    return FakeReply{.status = 403, .body = test::StatusBody(403, "Forbidden", "no")};
  };
  const Ran ran = Run({"status"});
  EXPECT_EQ(ran.code, kOk);
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(ran.out, "Server:      " + api.url() +
                         "\nNodes:       not shown: they are for admins to see\n\n"
                         "Namespace:   default, others are not shown\n"
                         "Executions:  1  Running 1\nQueue:       empty\n");
}

TEST_F(Commands, StatusAndDescribeShowWhyWhoWaits) {
  const auto waiting = [](const std::string& name, int position) {
    return Object(name, "Queued",
                  R"(,"queuePosition":)" + std::to_string(position) +
                      R"(,"queuedAt":"2026-01-01T00:00:00Z","services":[{"name":"web","total":8,)"
                      R"("essential":3,"granted":0}],"conditions":[{"type":"Admitted",)"
                      R"("status":"False","reason":"InsufficientCpu","message":"position )" +
                      std::to_string(position) + R"( in the queue: needs 3 CPUs, 1.5 are free"}])");
  };
  api.Put(std::string(kExecutions) + "second", waiting("second", 2));
  api.Put(std::string(kExecutions) + "first", waiting("first", 1));
  const std::string status = Run({"status"}).out;
  const size_t first = status.find("  1          default     first    0          ");
  EXPECT_NE(first, std::string::npos) << status;
  EXPECT_NE(status.find("InsufficientCpu   needs 3 CPUs, 1.5 are free\n", first), std::string::npos)
      << status;
  EXPECT_NE(status.find("default     second", first), std::string::npos) << status;
  const std::string described = Run({"describe", "exec", "second"}).out;
  EXPECT_NE(described.find("Queue:          position 2 (InsufficientCpu)\n"
                           "Waits for:      needs 3 CPUs, 1.5 are free\n"),
            std::string::npos)
      << described;
  EXPECT_NE(described.find("0/8"), std::string::npos) << described;
}

TEST_F(Commands, DescribeCountsAttempts) {
  const auto shown = [&](const std::string& spec, const std::string& status) {
    api.Put(std::string(kExecutions) + "x",
            *codec::ParseJson(R"({"apiVersion":"zoe/v1","kind":"Execution","metadata":{"name":"x",)"
                              R"("namespace":"default"},"spec":)" +
                              spec + R"(,"status":)" + status + "}"));
    const std::string out = Run({"describe", "exec", "x"}).out;
    const size_t at = out.find("Attempt: ");
    return at == std::string::npos ? "" : out.substr(at, out.find('\n', at) - at);
  };
  EXPECT_EQ(shown("{}", R"({"phase":"Running"})"), "");
  EXPECT_EQ(shown(R"({"backoffLimit":2})", R"({"phase":"Running"})"), "Attempt:        1 of 3");
  EXPECT_EQ(shown(R"({"backoffLimit":2})", R"({"phase":"Failed","attempts":2})"),
            "Attempt:        3 of 3");
}

TEST_F(Commands, StatusShowsWhoLeads) {
  std::string controllers;
  api.intercept = [&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.path != "/controllers") return std::nullopt;
    return FakeReply{.status = 200, .body = controllers};
  };
  const auto shows = [&](const std::string& text) {
    const std::string out = Run({"status"}).out;
    return out.find(text) != std::string::npos ? "" : out;
  };
  controllers = R"({"controllers":[{"id":"one/1","leading":true,"url":"http://one:4850"}]})";
  EXPECT_EQ(shows("\nControllers: 1, one/1 leads\nNodes: "), "");
  controllers = R"({"controllers":[{"id":"one/1","leading":true,"url":"http://one:4850"},)"
                R"({"id":"two/2","leading":false}]})";
  EXPECT_EQ(shows("\nControllers: 2, one/1 leads\n"
                  "  CONTROLLER   LEADS   URL               AGE\n"
                  "  one/1        yes     http://one:4850   <unknown>\n"
                  "  two/2        no                        <unknown>\n"),
            "");
  controllers = R"({"controllers":[]})";
  EXPECT_EQ(shows("\nControllers: 0, none leads\n"), "");
  controllers = R"({"controllers":[7,null]})";
  EXPECT_EQ(shows("\nControllers: 2, none leads\n"), "");
}

TEST_F(Commands, DescribeShowsAPlaceInWords) {
  api.Put(
      "/apis/zoe/v1/users/alice",
      *codec::ParseJson(
          R"({"apiVersion":"zoe/v1","kind":"User","metadata":{"name":"alice"},"spec":{"role":"user","fullName":"Alice L"},
    "status":{"observedGeneration":1,"subnet":"10.1.0.0/24","conditions":[{"type":"GatewayReady","status":"False","reason":"Starting","message":"pulling"}]}})"));
  const Ran ran = Run({"describe", "user", "alice"});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  for (const char* part : {"Role:           user\n", "Full Name:      Alice L\n",
                           "Subnet:         10.1.0.0/24\n", "GatewayReady  False", "pulling"})
    EXPECT_NE(ran.out.find(part), std::string::npos) << part << " in\n" << ran.out;
}

}  // namespace
}  // namespace zoe::cli
