// delete, run and small changes.
#include "test/unit/cli/commands.h"

namespace zoe::cli {
namespace {

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

TEST_F(Commands, DeleteAllSparesWhatComesWithTheUser) {
  api.Put(std::string(kExecutions) + "a", Object("a", "Running"));
  for (const char* kind : {"Workspace", "Gateway"}) {
    const std::string plural = std::string(kind) == "Gateway" ? "gateways" : "workspaces";
    api.Put("/apis/zoe/v1/namespaces/default/" + plural + "/default",
            *codec::ParseJson(R"({"apiVersion":"zoe/v1","kind":")" + std::string(kind) +
                              R"(","metadata":{"name":"default","namespace":"default"}})"));
  }
  EXPECT_EQ(Run({"delete", "all", "--all"}).out, "execution.zoe \"a\" deleted\n");
  EXPECT_EQ(Run({"get", "all", "-o", "name"}).out, "workspace.zoe/default\ngateway.zoe/default\n");
  EXPECT_EQ(api.Count("GET", "/apis/zoe/v1/users"), 0u) << "users belong to no namespace";
}

}  // namespace
}  // namespace zoe::cli
