// Whole commands against an API server with state: what they print, send and return.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "cli/merge.h"
#include "test/unit/cli/console.h"
#include "test/unit/cli/fake_api.h"

namespace zoe::cli {
namespace {

using test::Console;
using test::FakeApi;
using test::FakeReply;
using test::FakeRequest;
using test::Ran;

constexpr const char* kExecutions = "/apis/zoe/v1/namespaces/default/executions/";

std::string Yaml(const std::string& name, const std::string& extra = "") {
  return "apiVersion: zoe/v1\nkind: Execution\nmetadata:\n  name: " + name +
         "\n  labels: {set: one}\nspec:\n" + extra +
         "  application:\n    services:\n    - name: web\n      image: nginx\n";
}

codec::Value Object(const std::string& name, const std::string& phase,
                    const std::string& status = "") {
  const std::string text =
      R"({"apiVersion":"zoe/v1","kind":"Execution","metadata":{"name":")" + name +
      R"(","namespace":"default","uid":"u-)" + name +
      R"(","generation":1,"labels":{"set":"one"},"creationTimestamp":"2026-01-01T00:00:00Z"},"spec":{"application":{"services":[{"name":"web","image":"nginx"}]}},)" +
      R"("status":{"observedGeneration":1,"phase":")" + phase + "\"" + status + "}}";
  auto value = codec::ParseJson(text);
  EXPECT_TRUE(value.ok()) << text;
  return *value;
}

class Commands : public testing::Test {
 protected:
  FakeApi api;
  Console console{api.url()};
  Ran Run(const std::vector<std::string>& args, const std::string& input = "") {
    return console.Run(args, input);
  }
};

TEST_F(Commands, ApplyTellsCreatedConfiguredAndUnchangedApart) {
  const std::string file = console.File("x.yaml", Yaml("x"));
  Ran ran = Run({"apply", "-f", file});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.out, "execution.zoe/x created\n");
  EXPECT_EQ(Run({"apply", "-f", file}).out, "execution.zoe/x unchanged\n");
  console.File("x.yaml", Yaml("x", "  priority: 5\n"));
  EXPECT_EQ(Run({"apply", "-f", file}).out, "execution.zoe/x configured\n");
  EXPECT_EQ(Run({"apply", "-f", file}).out, "execution.zoe/x unchanged\n");
  EXPECT_EQ(api.Count("PATCH"), 1u);
  console.File("x.yaml", Yaml("x"));
  EXPECT_EQ(Run({"apply", "-f", file}).out, "execution.zoe/x configured\n");
  EXPECT_EQ(api.Find(std::string(kExecutions) + "x")->At("spec.priority"), nullptr)
      << "what the file says no more is removed";
}

TEST_F(Commands, ApplySendsNothingWhenAnyFileIsWrong) {
  const std::string good = console.File("a.yaml", Yaml("a"));
  const std::string bad =
      console.File("b.yaml",
                   "apiVersion: zoe/v1\nkind: Execution\nmetadata:\n  name: b\nspec:\n  prioritty: "
                   "5\n  application:\n    services:\n    - name: Web_1\n");
  const Ran ran = Run({"apply", "-f", good, "-f", bad});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_EQ(ran.out, "");
  EXPECT_NE(ran.err.find(bad + ":6:3: spec.prioritty: "), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find(bad + ":9:13: spec.application.services[0].name: "), std::string::npos)
      << ran.err;
  EXPECT_NE(ran.err.find("spec.application.services[0].image"), std::string::npos) << ran.err;
  EXPECT_EQ(api.requests().size(), 0u);
}

TEST_F(Commands, ApplyPutsApplicationsFirstAndTakesListsApart) {
  const std::string application =
      "apiVersion: zoe/v1\nkind: Application\nmetadata: {name: app}\nspec: {services: [{name: web, "
      "image: nginx}]}\n";
  const Ran ran =
      Run({"apply", "-f", "-"},
          Yaml("x") + "---\n" + application +
              "---\nkind: List\napiVersion: v1\nitems:\n- {apiVersion: zoe/v1, kind: Execution, "
              "metadata: {name: y, namespace: other}, spec: {applicationRef: {name: app}}}\n");
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.out,
            "application.zoe/app created\nexecution.zoe/x created\nexecution.zoe/y created\n");
  EXPECT_TRUE(api.Find("/apis/zoe/v1/namespaces/other/executions/y"));
}

TEST_F(Commands, ApplyReadsDirectoriesAndWithRFolders) {
  console.File("d/a.yaml", Yaml("a"));
  console.File("d/b.txt", "no yaml: [");
  console.File("d/sub/c.yml", Yaml("c"));
  EXPECT_EQ(Run({"apply", "-f", console.directory() + "/d"}).out, "execution.zoe/a created\n");
  EXPECT_EQ(Run({"apply", "-Rf", console.directory() + "/d"}).out,
            "execution.zoe/a unchanged\nexecution.zoe/c created\n");
  const Ran none = Run({"apply", "-f", console.directory() + "/nowhere"});
  EXPECT_EQ(none.code, kFailed);
  EXPECT_NE(none.err.find("does not exist"), std::string::npos);
  for (const char* verb : {"get", "delete", "describe"})
    EXPECT_EQ(Run({verb, "-f", console.directory() + "/nowhere"}).code, kFailed) << verb;
}

TEST_F(Commands, ApplyReadsUrls) {
  FakeApi web;
  web.intercept = [](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.path == "/x.yaml") return FakeReply{.body = Yaml("x"), .type = "text/yaml"};
    return FakeReply{.status = 404, .body = ""};
  };
  EXPECT_EQ(Run({"apply", "-f", web.url() + "/x.yaml"}).out, "execution.zoe/x created\n");
  EXPECT_EQ(Run({"apply", "-f", web.url() + "/y.yaml"}).code, kFailed);
}

TEST_F(Commands, ADryRunChangesNothing) {
  const std::string file = console.File("x.yaml", Yaml("x"));
  EXPECT_EQ(Run({"apply", "-f", file, "--dry-run=client"}).out,
            "execution.zoe/x created (dry run)\n");
  EXPECT_EQ(Run({"apply", "-f", file, "--dry-run=server"}).out,
            "execution.zoe/x created (server dry run)\n");
  EXPECT_FALSE(api.Find(std::string(kExecutions) + "x"));
  EXPECT_EQ(api.Count("POST"), 1u);
  EXPECT_EQ(api.requests().back().query.at("dryRun"), "All");
}

TEST_F(Commands, WhatTheServerRefusesIsShownInTheFile) {
  api.intercept = [](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.method != "POST") return std::nullopt;
    return FakeReply{
        .status = 422,
        .body = test::StatusBody(
            422, "Invalid", "invalid",
            R"([{"reason":"FieldValueInvalid","message":"not in the catalog","field":"spec.application.services[0].image"},
      {"reason":"FieldValueInvalid","message":"too many","field":"spec.application.services[0].replicas.total"}])")};
  };
  const std::string file = console.File("x.yaml", Yaml("x"));
  const Ran ran = Run({"apply", "-f", file});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_EQ(ran.err, file + ":10:14: spec.application.services[0].image: not in the catalog\n" +
                         file + ":9:7: spec.application.services[0].replicas.total: too many\n");
}

TEST_F(Commands, ApplyLooksAgainWhenSomeoneElseIsFaster) {
  std::atomic<int> posts{0};
  api.intercept = [&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.method != "POST" || ++posts > 1) return std::nullopt;
    api.Put(std::string(kExecutions) + "x", Object("x", "Running"));
    return std::nullopt;
  };
  const Ran ran = Run({"apply", "-f", "-"}, Yaml("x"));
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.out, "execution.zoe/x configured\n");
}

TEST_F(Commands, ScalarsThatAreKeptAsTextKeepTheirSpelling) {
  const std::string text =
      "apiVersion: zoe/v1\nkind: Execution\nmetadata: {name: x}\nspec:\n  applicationRef: {name: "
      "a}\n  parameters: {mode: 0640, big: 1e3, n: 3}\n";
  const Ran ran = Run({"apply", "-f", "-"}, text);
  ASSERT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(codec::ToJson(*api.Find(std::string(kExecutions) + "x")->At("spec.parameters")),
            R"({"mode":"0640","big":"1e3","n":3})");
  EXPECT_EQ(Run({"apply", "-f", "-"}, text).out, "execution.zoe/x unchanged\n");
}

TEST_F(Commands, PruneDeletesWhatApplyMadeAndTheSetLost) {
  ASSERT_EQ(Run({"apply", "-f", "-"}, Yaml("a") + "---\n" + Yaml("b")).code, kOk);
  api.Put(std::string(kExecutions) + "by-hand", Object("by-hand", "Running"));
  EXPECT_EQ(Run({"apply", "-f", "-", "--prune"}, Yaml("a")).code, kUsage);
  EXPECT_EQ(
      Run({"apply", "-f", "-", "--prune", "-l", "set=one", "--dry-run=client"}, Yaml("a")).out,
      "execution.zoe/a unchanged (dry run)\nexecution.zoe/b pruned (dry run)\n");
  EXPECT_EQ(Run({"apply", "-f", "-", "--prune", "-l", "set=two"}, Yaml("a")).out, "");
  EXPECT_EQ(Run({"apply", "-f", "-", "--prune", "-l", "set=one"}, Yaml("a")).out,
            "execution.zoe/a unchanged\nexecution.zoe/b pruned\n");
  EXPECT_TRUE(api.Find(std::string(kExecutions) + "by-hand"));
  EXPECT_FALSE(api.Find(std::string(kExecutions) + "b"));
}

// Plays the controller: once someone watches, the object becomes `next`.
std::thread Play(FakeApi& api, const codec::Value& next) {
  return std::thread([&api, next] {
    if (api.AwaitWatches(1))
      api.Put(std::string(kExecutions) + next.StringAt("metadata.name"), next);
  });
}

TEST_F(Commands, ApplyWaitEndsWhenReady) {
  std::thread controller =
      Play(api, Object("x", "Running", R"(,"conditions":[{"type":"Ready","status":"True"}])"));
  const Ran ran = Run({"apply", "-f", "-", "--wait"}, Yaml("x"));
  controller.join();
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.out, "execution.zoe/x created\n");
  EXPECT_NE(ran.err.find("execution.zoe/x is ready\n"), std::string::npos);
}

TEST_F(Commands, ApplyWaitOfAMonitorEndsWhenComplete) {
  std::thread controller([&] {
    if (!api.AwaitWatches(1)) return;
    auto object = *api.Find(std::string(kExecutions) + "x");
    object.Set(
        "status",
        *codec::ParseJson(
            R"({"phase":"Running","observedGeneration":1,"conditions":[{"type":"Ready","status":"True"}]})"));
    api.Put(std::string(kExecutions) + "x", object);
    object.Set("status", *codec::ParseJson(R"({"phase":"Succeeded","observedGeneration":1})"));
    api.Put(std::string(kExecutions) + "x", object);
  });
  const Ran ran = Run({"apply", "-f", "-", "--wait"}, Yaml("x") + "      monitor: true\n");
  controller.join();
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_NE(ran.err.find("execution.zoe/x is complete\n"), std::string::npos);
}

TEST_F(Commands, ApplyWaitFailsEarlyWithReasonAndLog) {
  api.intercept = [](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!request.path.ends_with("/log")) return std::nullopt;
    return FakeReply{.body = request.query.at("service") + " said: boom\n", .type = "text/plain"};
  };
  std::thread controller = Play(
      api,
      Object(
          "x", "Failed",
          R"(,"services":[{"name":"web","total":1,"exitCode":3}],"conditions":[{"type":"Complete","status":"False","reason":"ServiceFailed","message":"web exited with 3"}])"));
  const Ran ran = Run({"apply", "-f", "-", "--wait"}, Yaml("x"));
  controller.join();
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_NE(ran.err.find("error: execution.zoe/x: Failed: ServiceFailed: web exited with 3\n"),
            std::string::npos)
      << ran.err;
  EXPECT_NE(ran.err.find("last lines of service web:\nweb said: boom\n"), std::string::npos)
      << ran.err;
}

TEST_F(Commands, ApplyWaitTimesOutWith124) {
  const Ran ran = Run({"apply", "-f", "-", "--wait", "--timeout=200ms"}, Yaml("x"));
  EXPECT_EQ(ran.code, kTimedOut);
  EXPECT_NE(ran.err.find("timed out waiting for the condition on executions/x"), std::string::npos)
      << ran.err;
}

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

TEST_F(Commands, DeleteTakesNamesSelectorsFilesAndAll) {
  for (const char* name : {"a", "b", "c", "d"})
    api.Put(std::string(kExecutions) + name, Object(name, "Running"));
  EXPECT_EQ(Run({"delete", "exec", "a", "--dry-run=client"}).out,
            "execution.zoe \"a\" deleted (dry run)\n");
  EXPECT_TRUE(api.Find(std::string(kExecutions) + "a"));
  EXPECT_EQ(Run({"delete", "exec"}).code, kUsage);
  EXPECT_EQ(Run({"delete", "exec", "a", "-l", "x=y"}).code, kUsage);
  EXPECT_EQ(Run({"delete", "exec", "a", "nope"}).code, kFailed);
  EXPECT_EQ(Run({"delete", "exec", "nope", "--ignore-not-found"}).code, kOk);
  EXPECT_EQ(Run({"delete", "-f", "-", "-o", "name"}, Yaml("b")).out, "execution.zoe/b\n");
  EXPECT_EQ(Run({"delete", "exec", "-l", "set=two"}).err, "No resources found\n");
  EXPECT_EQ(Run({"delete", "exec", "--all"}).out,
            "execution.zoe \"c\" deleted\nexecution.zoe \"d\" deleted\n");
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

TEST_F(Commands, SuspendResumeRestartLabelAnnotateAndPatchAreMergePatches) {
  api.Put(std::string(kExecutions) + "x", Object("x", "Running"));
  const auto now = [&](const char* path) {
    return codec::ToJson(*api.Find(std::string(kExecutions) + "x")->At(path));
  };
  EXPECT_EQ(Run({"suspend", "x"}).out, "execution.zoe/x suspended\n");
  EXPECT_EQ(now("spec.suspend"), "true");
  EXPECT_EQ(Run({"resume", "exec/x"}).out, "execution.zoe/x resumed\n");
  EXPECT_EQ(now("spec.suspend"), "false");
  EXPECT_EQ(Run({"restart", "x"}).out, "execution.zoe/x restarted\n");
  EXPECT_NE(now("metadata.annotations").find("zoe/restartedAt"), std::string::npos);
  EXPECT_EQ(Run({"label", "exec", "x", "a=b", "set-"}).out, "execution.zoe/x labeled\n");
  EXPECT_EQ(now("metadata.labels"), R"({"a":"b"})");
  EXPECT_EQ(Run({"label", "exec/x", "a=c"}).code, kFailed);
  EXPECT_EQ(Run({"label", "exec/x", "a=c", "--overwrite"}).code, kOk);
  EXPECT_EQ(Run({"patch", "exec", "x", "-p", "spec: {priority: 7}"}).out,
            "execution.zoe/x patched\n");
  EXPECT_EQ(now("spec.priority"), "7");
  EXPECT_EQ(Run({"suspend", "y"}).code, kFailed);
}

TEST_F(Commands, RunTakesTheApplicationFromTheOwnNamespaceOrTheCatalog) {
  const auto application = *codec::ParseJson(
      R"({"apiVersion":"zoe/v1","kind":"Application","metadata":{"name":"spark","namespace":"catalog"},"spec":{}})");
  Ran ran = Run({"run", "spark"});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_NE(ran.err.find("no application \"spark\" in namespace default or in the catalog"),
            std::string::npos);
  api.Put("/apis/zoe/v1/namespaces/catalog/applications/spark", application);
  ran = Run({"run", "spark", "--name", "mine", "--param", "workers=3", "--param=note=a=b"});
  EXPECT_EQ(ran.out, "execution.zoe/mine created\n") << ran.err;
  const auto object = api.Find(std::string(kExecutions) + "mine");
  EXPECT_EQ(
      codec::ToJson(*object->Find("spec")),
      R"({"applicationRef":{"name":"spark","namespace":"catalog"},"parameters":{"workers":"3","note":"a=b"}})");
  EXPECT_EQ(Run({"run", "spark"}).out.substr(0, 20), "execution.zoe/spark-");
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

TEST_F(Commands, TheLiveViewIsRedrawnOnATerminalAndLeavesNothingBehind) {
  console.terminal = true;
  std::thread controller =
      Play(api, Object("x", "Running", R"(,"conditions":[{"type":"Ready","status":"True"}])"));
  const Ran ran = Run({"apply", "-f", "-", "--wait"}, Yaml("x"));
  controller.join();
  EXPECT_EQ(ran.code, kOk);
  EXPECT_NE(ran.err.find("\x1b[2Kx  "), std::string::npos) << ran.err;
  EXPECT_TRUE(ran.err.ends_with("\x1b[Jexecution.zoe/x is ready\n")) << ran.err;
}

TEST(CommandLine, WrongUsageIsExit2WithASuggestion) {
  Console console;
  const struct {
    std::vector<std::string> args;
    const char* says;
  } kRows[] = {{{"aply"}, "did you mean \"apply\"?"},
               {{"get", "exec", "--al-namespaces"}, "did you mean --all-namespaces?"},
               {{"apply"}, "apply needs -f FILE"},
               {{"get"}, "which resource?"},
               {{"suspend"}, "which execution?"},
               {{}, "Usage: zoe"},
               {{"get", "exec", "-o", "jsn"}, "-o takes one of"},
               {{"config", "veiw"}, "did you mean \"view\"?"},
               {{"completion", "tcsh"}, "bash, zsh, fish"},
               {{"--sever", "x", "get"}, "unknown"}};
  for (const auto& row : kRows) {
    const Ran ran = console.Run(row.args);
    EXPECT_EQ(ran.code, kUsage) << row.says;
    EXPECT_EQ(ran.out, "");
    EXPECT_NE(ran.err.find(row.says), std::string::npos) << ran.err;
  }
}

TEST(CommandLine, EveryCommandHasHelpWithExamples) {
  Console console;
  EXPECT_EQ(console.Run({"--help"}).code, kOk);
  for (const Command& command : cli::Commands()) {
    const Ran ran = console.Run({std::string(command.name), "--help"});
    EXPECT_EQ(ran.code, kOk);
    EXPECT_NE(ran.out.find("Examples:\n  "), std::string::npos) << command.name;
    EXPECT_EQ(console.Run({"help", std::string(command.name)}).out, ran.out);
  }
}

TEST(CommandLine, ValidateWorksOfflineAndShowsEveryErrorOfEveryFile) {
  Console console("http://127.0.0.1:1");
  EXPECT_EQ(console.Run({"validate", "-f", "-"}, Yaml("x")).out, "execution.zoe/x valid\n");
  const std::string a = console.File("d/a.yaml", "a: [\n"),
                    b = console.File("d/b.yaml",
                                     Yaml("Bad_Name") + "---\nkind: Pony\napiVersion: zoe/v1\n");
  const Ran ran = console.Run({"validate", "-f", console.directory() + "/d"});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_NE(ran.err.find(a + ":1:4: "), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find(b + ":4:9: metadata.name: "), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("Pony"), std::string::npos) << ran.err;
}

TEST(CommandLine, AContextGivesServerUserAndNamespaceAndItsSecretsStayWithIt) {
  FakeApi api, other;
  Console console;
  EXPECT_EQ(console
                .Run({"config", "set-context", "lab", "--server", api.url(), "--user=alice",
                      "--password=pw", "-n", "alice"})
                .out,
            "Context \"lab\" created.\n");
  struct stat file {};
  ASSERT_EQ(stat(console.environment["ZOE_CONFIG"].c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  EXPECT_EQ(console.Run({"config", "current-context"}).out, "lab\n");
  EXPECT_EQ(console.Run({"config", "view"}).out.find("pw"), std::string::npos);
  EXPECT_NE(console.Run({"config", "view", "--raw"}).out.find("pw"), std::string::npos);
  console.Run({"get", "exec"});
  EXPECT_EQ(api.requests().back().path, "/apis/zoe/v1/namespaces/alice/executions");
  EXPECT_EQ(api.requests().back().headers.at("authorization"), "Basic YWxpY2U6cHc=");
  console.Run({"--server", other.url(), "get", "exec"});
  EXPECT_FALSE(other.requests().back().headers.contains("authorization"))
      << "another server must not see the context's password";
  console.environment["ZOE_TOKEN"] = "t";
  console.environment["ZOE_SERVER"] = other.url();
  console.Run({"get", "exec", "-n", "bob"});
  EXPECT_EQ(other.requests().back().headers.at("authorization"), "Bearer t");
  EXPECT_EQ(other.requests().back().path, "/apis/zoe/v1/namespaces/bob/executions");
  EXPECT_EQ(console.Run({"config", "use-context", "nope"}).code, kFailed);
  EXPECT_EQ(console.Run({"--context", "nope", "get", "exec"}).code, kFailed);
  console.Run({"config", "set-context", "b", "--server=http://b"});
  EXPECT_EQ(console.Run({"config", "use-context", "b"}).out, "Switched to context \"b\".\n");
  EXPECT_EQ(console.Run({"config", "get-contexts"}).out,
            "CURRENT   NAME   SERVER" + std::string(api.url().size() - 3, ' ') +
                "USER    NAMESPACE\n"
                "          lab    " +
                api.url() +
                "   alice   alice\n"
                "*         b      http://b" +
                std::string(api.url().size() - 5, ' ') + "        \n");
  EXPECT_EQ(console.Run({"config", "delete-context", "b"}).code, kOk);
  EXPECT_EQ(console.Run({"config", "current-context"}).code, kFailed);
}

TEST(CommandLine, ABrokenConfigIsNamedWithLineAndColumn) {
  Console console;
  console.File("config.yaml", "current-context: x\nconterts: []\n");
  const Ran ran = console.Run({"get", "exec"});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_NE(ran.err.find("config.yaml:2:1: unknown field \"conterts\""), std::string::npos)
      << ran.err;
}

TEST(CommandLine, CompletionScriptsAreReadByTheirShells) {
  Console console;
  const Ran bash = console.Run({"completion", "bash"});
  const std::string script = console.File("zoe.bash", bash.out);
  const std::string test =
      "bash -n " + script + " && [ \"$(bash -c 'source " + script +
      "; COMP_WORDS=(zoe ap); COMP_CWORD=1; _zoe; echo ${COMPREPLY[*]}; COMP_WORDS=(zoe -n x get "
      "exe); COMP_CWORD=4; _zoe; echo ${COMPREPLY[*]}')\" = \"$(printf 'apply\\nexecutions "
      "execution exec')\" ]";
  EXPECT_EQ(std::system(test.c_str()), 0) << test;
  EXPECT_NE(console.Run({"completion", "zsh"}).out.find("bashcompinit"), std::string::npos);
  EXPECT_NE(console.Run({"completion", "fish"})
                .out.find("complete -c zoe -n __fish_use_subcommand -a apply"),
            std::string::npos);
}

TEST(Targets, AreReadInAllSpellings) {
  const auto text = [](const std::vector<std::string>& words) {
    const auto targets = ParseTargets(words);
    if (!targets.ok()) return "error: " + targets.error().message;
    std::string result;
    for (const Target& target : *targets) {
      result += target.resource.plural + "(";
      for (const std::string& name : target.names) result += name + " ";
      result += ")";
    }
    return result;
  };
  EXPECT_EQ(text({"exec", "a", "b"}), "executions(a b )");
  EXPECT_EQ(text({"exec/a", "executions.zoe/b", "app/c"}), "executions(a b )applications(c )");
  EXPECT_EQ(text({"Exec,APPLICATIONS"}), "executions()applications()");
  EXPECT_EQ(text({"exec/a", "b"}), "error: KIND/NAME and plain names don't mix: \"b\"");
  EXPECT_EQ(text({"exec/"}), "error: \"exec/\" is no KIND/NAME, such as execution/wordcount");
  EXPECT_NE(text({"all"}).find("executions()"), std::string::npos);
}

TEST(Manifests, NearestFindsTheDeepestPlaceThatIsThere) {
  const auto document =
      codec::ParseYaml("metadata:\n  labels:\n    zoe/a.b: x\nspec:\n  list:\n  - n: 1\n  - m: 2\n")
          ->front();
  EXPECT_EQ(Nearest(document, "metadata.labels.zoe/a.b").position.line, 3u);
  EXPECT_EQ(Nearest(document, "metadata.labels[\"zoe/a.b\"]").position.line, 3u);
  EXPECT_EQ(Nearest(document, "spec.list[1].m").position.line, 7u);
  EXPECT_EQ(Nearest(document, "spec.list[1].absent.deeper").position.line, 7u);
  EXPECT_EQ(Nearest(document, "spec.list[9]").position.line,
            Nearest(document, "spec.list").position.line);
  EXPECT_EQ(Nearest(document, "spec.list[x").position.line,
            Nearest(document, "spec.list").position.line);
}

}  // namespace
}  // namespace zoe::cli
