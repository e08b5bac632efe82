// apply: what it sends, prints and waits for.
#include "cli/applier.h"
#include "cli/merge.h"
#include "test/unit/cli/commands.h"

namespace zoe::cli {
namespace {

TEST_F(Commands, ApplyTellsCreatedConfiguredAndUnchangedApart) {
  const std::string file = console.File("x.yaml", Yaml("x"));
  Ran ran = Run({"apply", "-f", file});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.out, "execution.zoe/x created\n");
  EXPECT_EQ(Run({"apply", "-f", file}).out, "execution.zoe/x unchanged\n");
  console.File("x.yaml", Yaml("x", "  priority: 5\n"));
  EXPECT_EQ(Run({"apply", "-f", file}).out, "execution.zoe/x configured\n");
  EXPECT_EQ(Run({"apply", "-f", file}).out, "execution.zoe/x unchanged\n");
  EXPECT_EQ(api.Count("PATCH"), 4u) << "one for each, whatever comes of it";
  EXPECT_EQ(api.requests().back().query.at("fieldManager"), "zoe");
  EXPECT_EQ(api.Find(std::string(kExecutions) + "x")->At("metadata.annotations"), nullptr);
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
  EXPECT_EQ(api.Count("PATCH"), 1u);
  EXPECT_EQ(api.requests().back().query.at("dryRun"), "All");
}

TEST_F(Commands, WhatTheServerRefusesIsShownInTheFile) {
  api.intercept = [](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.method != "PATCH") return std::nullopt;
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
  std::atomic<int> patches{0};
  api.intercept = [&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.method != "PATCH" || ++patches > 1) return std::nullopt;
    api.Put(std::string(kExecutions) + "x", Object("x", "Running"));
    return FakeReply{.status = 409, .body = test::StatusBody(409, "Conflict", "try again")};
  };
  const Ran ran = Run({"apply", "-f", "-"}, Yaml("x", "  priority: 5\n"));
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
  EXPECT_EQ(Run({"apply", "-f", "-", "--prune", "-l", "a", "--apply-set=b"}, Yaml("a")).code,
            kUsage);
  EXPECT_EQ(
      Run({"apply", "-f", "-", "--prune", "-l", "set=one", "--dry-run=client"}, Yaml("a")).out,
      "execution.zoe/a unchanged (dry run)\nexecution.zoe/b pruned (dry run)\n");
  EXPECT_EQ(Run({"apply", "-f", "-", "--prune", "-l", "set=two"}, Yaml("a")).out, "");
  EXPECT_EQ(Run({"apply", "-f", "-", "--prune", "-l", "set=one"}, Yaml("a")).out,
            "execution.zoe/a unchanged\nexecution.zoe/b pruned\n");
  EXPECT_TRUE(api.Find(std::string(kExecutions) + "by-hand"));
  EXPECT_FALSE(api.Find(std::string(kExecutions) + "b"));
}

TEST_F(Commands, AnApplySetDeletesWhatItMadeAndNoLongerHolds) {
  const auto apply = [&](const std::string& text, std::vector<std::string> more) {
    more.insert(more.begin(), {"apply", "-f", "-", "--apply-set=books"});
    return Run(more, text);
  };
  const std::string application =
      "---\napiVersion: zoe/v1\nkind: Application\nmetadata: {name: app, namespace: far}\nspec: "
      "{services: [{name: web, image: nginx}]}\n";
  ASSERT_EQ(apply(Yaml("a") + "---\n" + Yaml("b") + application, {}).code, kOk);
  EXPECT_EQ(
      api.Find(std::string(kExecutions) + "a")->Find("metadata")->Find("labels")->StringAt("set"),
      "one");
  // The same set's name elsewhere is another set; who only carries the label was not made by it.
  ASSERT_EQ(Run({"apply", "-f", "-", "--apply-set=books", "-n", "far"}, Yaml("c")).code, kOk);
  codec::Value labelled = Object("labelled", "Running");
  labelled.Find("metadata")->Find("labels")->Set(kApplySetLabel, "books.default");
  api.Put(std::string(kExecutions) + "labelled", labelled);
  const std::string pruned = "execution.zoe/b pruned (server dry run)\napplication.zoe/app pruned";
  EXPECT_EQ(apply(Yaml("a"), {"--prune", "--dry-run=server"}).out,
            "execution.zoe/a unchanged (server dry run)\n" + pruned + " (server dry run)\n");
  EXPECT_TRUE(api.Find(std::string(kExecutions) + "b"));
  EXPECT_EQ(apply(Yaml("a"), {"--prune"}).out,
            "execution.zoe/a unchanged\nexecution.zoe/b pruned\napplication.zoe/app pruned\n");
  EXPECT_TRUE(api.Find(std::string(kExecutions) + "labelled"));
  EXPECT_TRUE(api.Find("/apis/zoe/v1/namespaces/far/executions/c"));
}

TEST_F(Commands, AMemberOfAnotherSetIsNotTakenUnasked) {
  ASSERT_EQ(Run({"apply", "-f", "-", "--apply-set=one"}, Yaml("x")).code, kOk);
  const Ran ran = Run({"apply", "-f", "-", "--apply-set=two"}, Yaml("x"));
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_NE(ran.err.find("belongs to apply set one.default"), std::string::npos) << ran.err;
  EXPECT_EQ(Run({"apply", "-f", "-", "--apply-set=two", "--force-conflicts"}, Yaml("x")).out,
            "execution.zoe/x configured\n");
  EXPECT_EQ(Run({"apply", "-f", "-", "--apply-set=Two!"}, Yaml("x")).code, kUsage);
}

TEST_F(Commands, WhoCanListOnlyTheOwnNamespacePrunesThere) {
  ASSERT_EQ(Run({"apply", "-f", "-", "--apply-set=one"}, Yaml("x")).code, kOk);
  api.intercept = [](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.method != "GET" || request.path.find("/namespaces/") != std::string::npos)
      return std::nullopt;
    return FakeReply{.status = 403, .body = test::StatusBody(403, "Forbidden", "admins only")};
  };
  const Ran ran = Run({"apply", "-f", "-", "--apply-set=one", "--prune"}, Yaml("y"));
  EXPECT_EQ(ran.out, "execution.zoe/y created\nexecution.zoe/x pruned\n") << ran.err;
}

TEST_F(Commands, AConflictNamesFieldsManagersAndTheWayOut) {
  ASSERT_EQ(Run({"apply", "-f", "-"}, Yaml("x")).code, kOk);
  api.intercept = [](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.method != "PATCH" || request.query.contains("force")) return std::nullopt;
    return FakeReply{
        .status = 409,
        .body = test::StatusBody(
            409, "Conflict", "Apply failed with 2 conflicts",
            R"x([{"reason":"FieldManagerConflict","message":"conflict with \"kubectl-edit\" using zoe/v1","field":".spec.priority"},
      {"reason":"FieldManagerConflict","message":"conflict with \"zoe-patch\" using zoe/v1","field":".spec.application.services[name=\"web\"].image"}])x")};
  };
  const std::string file = console.File("x.yaml", Yaml("x", "  priority: 5\n"));
  const Ran ran = Run({"apply", "-f", file});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_EQ(
      ran.err,
      file + ":7:13: spec.priority: conflict with \"kubectl-edit\" using zoe/v1\n" + file +
          ":11:14: spec.application.services[name=\"web\"].image: conflict with \"zoe-patch\" "
          "using zoe/v1\n"
          "error: these fields are held by others: leave them out of the files, so that who "
          "set them keeps them, or take them over with --force-conflicts\n");
  EXPECT_EQ(Run({"apply", "-f", file, "--force-conflicts"}).out, "execution.zoe/x configured\n");
}

TEST_F(Commands, WhatAnOlderApplyRememberedAndTheFileLacksGoes) {
  codec::Value old = Object("x", "Running");
  old.Find("spec")->Set("priority", 5);
  old.Find("spec")->Set("suspend", true);
  codec::Value last = old;
  last.Find("spec")->Remove("suspend");
  codec::Value annotations;
  annotations.Set(kLastApplied, codec::ToJson(last));
  old.Find("metadata")->Set("annotations", annotations);
  api.Put(std::string(kExecutions) + "x", old);
  // The fake forgets what an entry owns, so what goes is seen where the server isn't asked.
  const Ran dry = Run({"apply", "-f", "-", "--dry-run=client", "-o", "yaml"}, Yaml("x"));
  EXPECT_EQ(dry.out.find("\n  priority"), std::string::npos) << dry.out;
  EXPECT_NE(dry.out.find("suspend: true"), std::string::npos) << dry.out;
  EXPECT_EQ(Run({"apply", "-f", "-"}, Yaml("x")).code, kOk);
  const auto live = api.Find(std::string(kExecutions) + "x");
  EXPECT_EQ(live->At("metadata.annotations")->Find(kLastApplied), nullptr);
  EXPECT_EQ(live->At("metadata.managedFields")->as_array()[0].At("fieldsV1.f:spec.f:suspend"),
            nullptr);
  EXPECT_NE(live->At("metadata.managedFields")->as_array()[0].At("fieldsV1.f:spec.f:priority"),
            nullptr);
}

TEST_F(Commands, AServerDryRunTellsFieldsAndEffects) {
  ASSERT_EQ(Run({"apply", "-f", "-"}, Yaml("x")).code, kOk);
  api.intercept = [](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!request.query.contains("dryRun")) return std::nullopt;
    codec::Value object = Object("x", "Running");
    object.Find("spec")->Set("priority", 5);
    object.Find("spec")->Find("application")->Find("services")->as_array()[0].Set("image", "new");
    return FakeReply{
        .body = codec::ToJson(object),
        .headers = "Warning: 299 - \"service web: 1 container would be restarted\"\r\n"};
  };
  const Ran ran = Run({"apply", "-f", "-", "--dry-run=server"}, Yaml("x"));
  EXPECT_EQ(ran.out, "execution.zoe/x configured (server dry run)\n");
  EXPECT_EQ(ran.err,
            "Warning: execution.zoe/x: service web: 1 container would be restarted\n"
            "  spec.application.services[name=\"web\"].image: nginx -> new\n"
            "  spec.priority: (none) -> 5\n");
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

constexpr const char* kUserFile =
    "apiVersion: zoe/v1\nkind: User\nmetadata: {name: alice}\nspec: {role: user, password: correct "
    "horse}\n";

// A server that keeps no password, and writes nothing when nothing differs.
void KeepNoPassword(FakeApi& api, std::vector<std::string>& passwords) {
  api.intercept = [&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.method != "PATCH") return std::nullopt;
    auto object = *codec::ParseJson(request.body);
    codec::Value* spec = object.Find("spec");
    if (spec == nullptr || spec->Find("password") == nullptr) return std::nullopt;
    passwords.push_back(spec->StringAt("password"));
    spec->Remove("password");
    const std::string path = "/apis/zoe/v1/users/alice";
    const auto live = api.Find(path);
    codec::Value next = live.value_or(codec::Value(codec::Object{}));
    codec::MergePatch(next, object);
    next.Find("metadata")
        ->Set("managedFields", *codec::ParseJson(R"([{"manager":"zoe","operation":"Apply"}])"));
    if (!live || !(next == *live)) api.Put(path, next);
    return FakeReply{.body = codec::ToJson(*api.Find(path))};
  };
}

TEST_F(Commands, AUsersPasswordIsSentAndRememberedNowhere) {
  std::vector<std::string> passwords;
  KeepNoPassword(api, passwords);
  EXPECT_EQ(Run({"apply", "-f", "-"}, kUserFile).out, "user.zoe/alice created\n");
  EXPECT_EQ(Run({"apply", "-f", "-"}, kUserFile).out, "user.zoe/alice unchanged\n");
  EXPECT_EQ(Run({"apply", "-f", "-", "--dry-run=client"}, kUserFile).out,
            "user.zoe/alice unchanged (dry run)\n");
  const Ran shown = Run({"apply", "-f", "-", "--dry-run=client", "-o", "yaml"}, kUserFile);
  EXPECT_EQ(shown.out.find("horse"), std::string::npos) << shown.out;
  std::string renamed = kUserFile;
  renamed.replace(renamed.find("role: user"), 10, "role: guest");
  EXPECT_EQ(Run({"apply", "-f", "-"}, renamed).out, "user.zoe/alice configured\n");
  EXPECT_EQ(passwords.size(), 3u);
  for (const FakeRequest& request : api.requests()) {
    const auto body = codec::ParseJson(request.body);
    if (!body.ok()) continue;
    EXPECT_EQ(body->StringAt("spec.password"), "correct horse");
    const codec::Value* annotations = body->At("metadata.annotations");
    const std::string text = annotations == nullptr ? "" : codec::ToJson(*annotations);
    EXPECT_EQ(text.find("horse"), std::string::npos);
  }
}

TEST_F(Commands, UsersGoBeforeWhatIsTheirsAndAfterItWhenDeleted) {
  const std::string text = Yaml("x") + "---\n" + kUserFile +
                           "---\napiVersion: zoe/v1\nkind: Gateway\nmetadata: {name: default}\n"
                           "---\napiVersion: zoe/v1\nkind: Workspace\nmetadata: {name: default}\n";
  const Ran ran = Run({"apply", "-f", "-"}, text);
  EXPECT_EQ(ran.out,
            "user.zoe/alice created\nworkspace.zoe/default created\ngateway.zoe/default "
            "created\nexecution.zoe/x created\n")
      << ran.err;
  EXPECT_EQ(Run({"delete", "-f", "-"}, text).out,
            "execution.zoe \"x\" deleted\ngateway.zoe \"default\" deleted\nworkspace.zoe "
            "\"default\" deleted\nuser.zoe \"alice\" deleted\n");
}

TEST_F(Commands, ApplyWaitWaitsForUsersToo) {
  std::thread controller([&] {
    if (!api.AwaitWatches(1)) return;
    auto object = *api.Find("/apis/zoe/v1/users/alice");
    object.Set("status",
               *codec::ParseJson(
                   R"({"observedGeneration":1,"conditions":[{"type":"Ready","status":"True"}]})"));
    api.Put("/apis/zoe/v1/users/alice", object);
  });
  const Ran ran = Run({"apply", "-f", "-", "--wait"}, kUserFile);
  controller.join();
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.err, "user.zoe/alice is ready\n");
}

}  // namespace
}  // namespace zoe::cli
