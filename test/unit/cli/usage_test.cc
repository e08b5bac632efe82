// The command line itself: usage, help, contexts, completion, words and files.
#include <sys/stat.h>

#include "test/unit/cli/commands.h"

namespace zoe::cli {
namespace {

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
  const Ran all = console.Run({"--help"});
  EXPECT_EQ(all.code, kOk);
  EXPECT_LE(std::count(all.out.begin(), all.out.end(), '\n'), 50) << "more than a screen";
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
      "exe); COMP_CWORD=4; _zoe; echo ${COMPREPLY[*]}; COMP_WORDS=(zoe files m); COMP_CWORD=2; "
      "_zoe; echo "
      "${COMPREPLY[*]}; COMP_WORDS=(zoe token create --exp); COMP_CWORD=3; _zoe; echo "
      "${COMPREPLY[*]}')\" = \"$(printf 'apply api-resources "
      "api-versions\\nexecutions "
      "execution exec\\nmkdir\\n--expires')\" ]";
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
