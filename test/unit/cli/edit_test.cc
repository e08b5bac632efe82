// diff, edit, config kubeconfig: what is shown, what is sent, what stands in files.
#include <sys/stat.h>

#include <cstdio>

#include "cli/changes.h"
#include "cli/kubeconfig.h"
#include "test/unit/cli/commands.h"
#include "test/unit/cli/fake_place.h"

namespace zoe::cli {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Runs a program really, and takes its output.
std::optional<int> Really(const std::vector<std::string>& command, std::ostream& out) {
  std::string line;
  for (const std::string& word : command) {
    line += "'";
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += "' ";
  }
  FILE* pipe = popen(line.c_str(), "r");
  char block[4096];
  while (const size_t n = fread(block, 1, sizeof block, pipe))
    out.write(block, static_cast<std::streamsize>(n));
  return WEXITSTATUS(pclose(pipe));
}

TEST_F(Commands, DiffShowsWhatApplyWouldChangeAndNothingElse) {
  console.run = Really;
  const std::string file = console.File("x.yaml", Yaml("x"));
  Ran ran = Run({"diff", "-f", file});
  EXPECT_EQ(ran.code, 1) << ran.err;
  EXPECT_NE(ran.out.find("+  name: x\n"), std::string::npos) << ran.out;
  EXPECT_FALSE(api.Find(std::string(kExecutions) + "x"));
  ASSERT_EQ(Run({"apply", "-f", file}).code, kOk);
  ran = Run({"diff", "-f", file});
  EXPECT_EQ(ran.code, 0) << ran.out;
  EXPECT_EQ(ran.out, "");
  console.File("x.yaml", Yaml("x", "  priority: 5\n"));
  ran = Run({"diff", "-f", file});
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.out.find("\n+  priority: 5\n"), std::string::npos) << ran.out;
  for (const char* noise : {"managedFields", "resourceVersion", "generation", "uid"})
    EXPECT_EQ(ran.out.find(noise), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("LIVE/zoe.v1.Execution.default.x"), std::string::npos) << ran.out;
}

TEST_F(Commands, DiffTellsErrorsFromDifferences) {
  console.run = Really;
  EXPECT_EQ(Run({"diff"}).code, kUsage);
  EXPECT_GE(Run({"diff", "-f", "/nowhere"}).code, 2);
  EXPECT_GE(Run({"diff", "-f", "-"}, "kind: [").code, 2);
  const std::string file = console.File("x.yaml", Yaml("x"));
  console.environment["KUBECTL_EXTERNAL_DIFF"] = "no-such-program --flag";
  EXPECT_GE(Run({"diff", "-f", file}).code, 2);
  console.environment["ZOE_EXTERNAL_DIFF"] = "echo 'a b'";
  const Ran ran = Run({"diff", "-f", file});
  EXPECT_EQ(ran.code, 0);
  EXPECT_TRUE(ran.out.starts_with("a b /")) << ran.out;
  api.intercept = [](const FakeRequest&) -> std::optional<FakeReply> {
    return FakeReply{.status = 403, .body = test::StatusBody(403, "Forbidden", "not you")};
  };
  EXPECT_GE(Run({"diff", "-f", file}).code, 2);
}

TEST_F(Commands, DiffShowsWhatPruneWouldDelete) {
  console.run = Really;
  ASSERT_EQ(Run({"apply", "-f", "-", "--apply-set=s"}, Yaml("x") + "---\n" + Yaml("w")).code, kOk);
  const Ran ran = Run({"diff", "-f", "-", "--apply-set=s", "--prune"}, Yaml("x"));
  EXPECT_EQ(ran.code, 1) << ran.err;
  EXPECT_NE(ran.out.find("\n-  name: w\n"), std::string::npos) << ran.out;
  EXPECT_EQ(ran.out.find("name: x\n"), std::string::npos) << ran.out;
  EXPECT_TRUE(api.Find(std::string(kExecutions) + "w"));
}

TEST(Differences, NameFieldsAndItemsOfLists) {
  const auto json = [](const std::string& text) { return *codec::ParseJson(text); };
  using Lines = std::vector<std::string>;
  const codec::Value before = json(
      R"({"metadata":{"resourceVersion":"1"},"spec":{"a":1,"l":[{"name":"x","i":"a"},{"name":"y"}],"s":["a"]},"status":{"x":1}})");
  EXPECT_EQ(Differences(before, before), Lines{});
  EXPECT_EQ(
      Differences(
          before,
          json(
              R"({"metadata":{"resourceVersion":"2"},"spec":{"a":2,"b":{},"l":[{"name":"x","i":"b"},{"name":"z"}],"s":["a","b"]}})")),
      (Lines{"spec.a: 1 -> 2", "spec.l[name=\"x\"].i: a -> b",
             "spec.l[name=\"y\"]: {\"name\":\"y\"} -> (none)",
             "spec.l[name=\"z\"]: (none) -> {\"name\":\"z\"}", "spec.s: [\"a\"] -> [\"a\",\"b\"]",
             "spec.b: (none) -> {}"}));
  const codec::Value user = json(R"({"kind":"User","spec":{"password":"a","role":"user"}})");
  EXPECT_EQ(Differences(user, json(R"({"kind":"User","spec":{"password":"b","role":"user"}})")),
            Lines{});
}

class Edits : public Commands {
 protected:
  Edits() {
    api.Put(std::string(kExecutions) + "x", Object("x", "Running"));
    console.environment["EDITOR"] = "true";
    console.environment["ZOE_EDITOR"] = "my editor --wait";
    console.run = [this](const std::vector<std::string>& command, std::ostream&) {
      commands.push_back(command);
      const std::string& file = command.back();
      seen.push_back(ReadAll(file));
      if (edits.empty()) return 0;
      std::string text = seen.back();
      const auto [from, to] = edits.front();
      edits.erase(edits.begin());
      const size_t at = text.find(from);
      EXPECT_NE(at, std::string::npos) << text;
      if (at != std::string::npos) text.replace(at, from.size(), to);
      std::ofstream(file) << text;
      return 0;
    };
  }
  std::vector<std::vector<std::string>> commands;
  std::vector<std::string> seen;
  std::vector<std::pair<std::string, std::string>> edits;
};

TEST_F(Edits, WhatIsSavedIsSentAndNothingElse) {
  edits = {{"spec:\n", "spec:\n  priority: 5\n"}};
  const Ran ran = Run({"edit", "exec", "x"});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.out, "execution.zoe/x edited\n");
  EXPECT_EQ(api.requests().back().method, "PATCH");
  EXPECT_EQ(api.requests().back().body, R"({"spec":{"priority":5}})");
  EXPECT_EQ(api.requests().back().query.at("fieldManager"), "zoe-edit");
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(commands[0][2], "my editor --wait \"$@\"");
  EXPECT_EQ(seen[0].find("status:"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(commands[0].back())) << "the file is removed";
}

TEST_F(Edits, UnchangedOrEmptyCancels) {
  Ran ran = Run({"edit", "exec/x"});
  EXPECT_EQ(ran.code, kOk);
  EXPECT_EQ(ran.err, "Edit cancelled, no changes made.\n");
  console.run = [](const std::vector<std::string>& command, std::ostream&) {
    std::ofstream(command.back()) << "# nothing\n";
    return 0;
  };
  ran = Run({"edit", "exec/x"});
  EXPECT_EQ(ran.err, "Edit cancelled, saved file was empty.\n");
  EXPECT_EQ(api.Count("PATCH"), 0u);
}

TEST_F(Edits, ARefusalOpensTheEditorAgainWithTheReason) {
  api.intercept = [](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.method != "PATCH" || request.body.find("bad") == std::string::npos)
      return std::nullopt;
    return FakeReply{.status = 422, .body = test::StatusBody(422, "Invalid", "no such image")};
  };
  edits = {{"image: nginx", "image: bad"}, {"image: bad", "image: [broken"}, {"[broken", "good"}};
  const Ran ran = Run({"edit", "exec", "x"});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_NE(seen[1].find("# execution.zoe/x: Error from server (Invalid): no such image\n"),
            std::string::npos)
      << seen[1];
  EXPECT_NE(seen[1].find("image: bad"), std::string::npos) << "the own text stands";
  EXPECT_EQ(seen[2].find("no such image"), std::string::npos) << "one reason at a time";
  EXPECT_EQ(ran.out, "execution.zoe/x edited\n");
}

TEST_F(Edits, GivingUpAfterARefusalKeepsTheText) {
  api.intercept = [](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.method != "PATCH") return std::nullopt;
    return FakeReply{.status = 422, .body = test::StatusBody(422, "Invalid", "no")};
  };
  edits = {{"image: nginx", "image: bad"}};
  const Ran ran = Run({"edit", "exec", "x"});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_NE(ran.err.find("no valid changes were saved"), std::string::npos) << ran.err;
  EXPECT_NE(ReadAll(commands.back().back()).find("image: bad"), std::string::npos);
  std::filesystem::remove(commands.back().back());
}

TEST_F(Edits, SeveralObjectsStandInOneFileAndKeepTheirNames) {
  api.Put(std::string(kExecutions) + "w", Object("w", "Running"));
  edits = {{"name: w\n", "name: z\n"}, {"name: z\n", "name: w\n  annotations: {a: b}\n"}};
  const Ran ran = Run({"edit", "exec", "x", "w"});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_NE(seen.at(1).find("# apiVersion, kind, name and namespace can't be edited"),
            std::string::npos);
  EXPECT_EQ(ran.out, "execution.zoe/x skipped (no change)\nexecution.zoe/w edited\n");
  EXPECT_EQ(api.Find(std::string(kExecutions) + "w")->StringAt("metadata.annotations.a"), "b");
}

TEST_F(Commands, ManagedFieldsAreShownOnlyOnDemand) {
  ASSERT_EQ(Run({"apply", "-f", "-"}, Yaml("x")).code, kOk);
  for (const char* format : {"yaml", "json"}) {
    for (const std::vector<std::string>& what : {std::vector<std::string>{"exec"}, {"exec", "x"}}) {
      std::vector<std::string> args{"get", "-o", format};
      args.insert(args.end(), what.begin(), what.end());
      EXPECT_EQ(Run(args).out.find("managedFields"), std::string::npos);
      args.emplace_back("--show-managed-fields");
      EXPECT_NE(Run(args).out.find("managedFields"), std::string::npos);
    }
  }
  EXPECT_EQ(Run({"get", "exec", "x", "-o", "jsonpath={.metadata.managedFields[0].manager}"}).out,
            "zoe");
}

class Kubeconfigs : public testing::Test {
 protected:
  Kubeconfigs() {
    console.environment["KUBECONFIG"] = ":" + path + ":/nowhere";
    console.environment["ZOE_SERVER"] = api.url();
  }
  Ran Run(std::vector<std::string> args) {
    args.insert(args.begin(), {"config", "kubeconfig"});
    return console.Run(args);
  }
  codec::Value Written() {
    auto documents = codec::ParseYaml(ReadAll(path));
    EXPECT_TRUE(documents.ok() && documents->size() == 1);
    return documents->at(0);
  }
  void LogIn() {
    console.environment["ZOE_USER"] = "alice";
    console.environment["ZOE_PASS"] = "secret";
    const auto others = api.intercept;
    api.intercept = [others](const FakeRequest& request) -> std::optional<FakeReply> {
      if (!request.headers.contains("authorization"))
        return FakeReply{.status = 401, .body = test::StatusBody(401, "Unauthorized", "who?")};
      return others(request);
    };
  }

  FakeApi api;
  test::FakePlace place{api, "alice", "secret"};
  Console console;
  const std::string path = console.directory() + "/kube/config";
};

TEST_F(Kubeconfigs, WhereNobodyLogsInNoUserIsNeeded) {
  const Ran ran = Run({});
  ASSERT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.out, "Context \"zoe\" created in " + path + ": kubectl get executions\n");
  EXPECT_EQ(
      codec::ToYaml(Written()),
      "apiVersion: v1\nkind: Config\nclusters:\n- name: zoe\n  cluster:\n    server: " + api.url() +
          "\ncontexts:\n- name: zoe\n  context:\n    cluster: zoe\n    namespace: default\n"
          "current-context: zoe\n");
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(Kubeconfigs, AUserGetsATokenOfItsOwn) {
  LogIn();
  const Ran ran = Run({"--token-name=laptop", "--name=lab", "-n", "team"});
  ASSERT_EQ(ran.code, kOk) << ran.err;
  const codec::Value config = Written();
  EXPECT_EQ(place.tokens().count("laptop"), 1u);
  EXPECT_EQ(config.Find("users")->as_array()[0].StringAt("user.token"),
            place.tokens().at("laptop"));
  EXPECT_EQ(config.Find("contexts")->as_array()[0].StringAt("context.user"), "lab");
  EXPECT_EQ(config.Find("contexts")->as_array()[0].StringAt("context.namespace"), "team");
  EXPECT_EQ(ran.err.find(place.tokens().at("laptop")), std::string::npos);
  EXPECT_NE(ran.err.find("https only"), std::string::npos) << "tokens don't go over http";
  EXPECT_NE(ran.err.find("--tls-cert"), std::string::npos);
}

TEST_F(Kubeconfigs, WithoutALoginItSaysSo) {
  LogIn();
  console.environment.erase("ZOE_USER");
  console.environment.erase("ZOE_PASS");
  const Ran ran = Run({});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_NE(ran.err.find("zoe login"), std::string::npos) << ran.err;
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(Kubeconfigs, OthersStay) {
  console.File("kube/config", R"(apiVersion: v1
kind: Config
preferences: {}
# of the lab
clusters:
- {name: lab, cluster: {server: "https://lab:6443", certificate-authority-data: QUJD}}
contexts:
- {name: lab, context: {cluster: lab, user: lab}}
current-context: lab
users:
- name: lab
  user:
    exec: {command: aws, args: [eks, "012"], env: null}
)");
  const auto before = *codec::ParseYaml(ReadAll(path));
  const Ran ran = Run({});
  ASSERT_EQ(ran.code, kOk) << ran.err;
  EXPECT_NE(ran.err.find("comments, which are lost"), std::string::npos) << ran.err;
  codec::Value config = Written();
  EXPECT_EQ(config.StringAt("current-context"), "lab");
  for (const char* list : {"clusters", "contexts", "users"})
    EXPECT_EQ(config.Find(list)->as_array()[0], before[0].Find(list)->as_array()[0]) << list;
  EXPECT_EQ(Run({"--set-current"}).out,
            "Context \"zoe\" modified in " + path + ": kubectl get executions\n");
  EXPECT_EQ(Written().StringAt("current-context"), "zoe");
  EXPECT_EQ(Written().Find("clusters")->as_array().size(), 2u);
}

TEST_F(Kubeconfigs, WhatIsNoKubeconfigIsNotTouched) {
  for (const char* text :
       {"clusters: [", "- a\n", "kind: Deployment\n", "clusters: 5\n", "a: 1\n---\nb: 2\n"}) {
    console.File("kube/config", text);
    const Ran ran = Run({});
    EXPECT_EQ(ran.code, kFailed) << text;
    EXPECT_NE(ran.err.find(path), std::string::npos) << ran.err;
    EXPECT_EQ(ReadAll(path), text);
  }
  console.File("kube/config", "");
  console.File("kube/config.lock", "");
  EXPECT_EQ(Run({}).code, kFailed) << "kubectl writes it just now";
  EXPECT_EQ(ReadAll(path), "");
}

TEST_F(Kubeconfigs, AnAuthorityAndALinkAndStdout) {
  console.environment["ZOE_CA_FILE"] = "";
  console.File("real/config", "");
  std::filesystem::create_directories(console.directory() + "/kube");
  std::filesystem::create_symlink(console.directory() + "/real/config", path);
  ASSERT_EQ(Run({"--insecure-skip-tls-verify"}).code, kOk);
  EXPECT_TRUE(std::filesystem::is_symlink(path));
  EXPECT_EQ(*Written().Find("clusters")->as_array()[0].At("cluster.insecure-skip-tls-verify"),
            codec::Value(true));
  codec::Value config;
  ASSERT_TRUE(
      AddEntry(config, {.name = "a", .server = "https://a", .ns = "b", .authority = "PEM"}, false)
          .ok());
  EXPECT_EQ(config.Find("clusters")->as_array()[0].StringAt("cluster.certificate-authority-data"),
            "UEVN");
  const Ran ran = Run({"-o", "-"});
  EXPECT_TRUE(ran.out.starts_with("apiVersion: v1\n")) << ran.out;
}

}  // namespace
}  // namespace zoe::cli
