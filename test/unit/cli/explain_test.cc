// explain: words from the schema that is compiled in.
#include <gtest/gtest.h>

#include "test/unit/cli/commands.h"

namespace zoe::cli {
namespace {

TEST(Explain, PrintsAFieldAsKubectlDoesWithBoundsAndExample) {
  Console console;
  const Ran ran = console.Run({"explain", "exec.spec.application.services.ports.port"});
  EXPECT_EQ(ran.code, kOk);
  EXPECT_EQ(ran.out,
            "GROUP:      zoe\nKIND:       Execution\nVERSION:    v1\n\nFIELD: port <integer>\n\n"
            "DESCRIPTION:\n    Number. From 1 to 65535. Example: 8080\n\n");
  EXPECT_EQ(console.Run({"explain", "executions.zoe.spec.application.services.ports.port"}).out,
            ran.out);
}

TEST(Explain, ListsFieldsInOrderAndRecursivelyWithoutTheirWords) {
  Console console;
  EXPECT_EQ(
      console.Run({"explain", "exec.spec.application.services.readiness.http"}).out,
      "GROUP:      zoe\nKIND:       Execution\nVERSION:    v1\n\nFIELD: http <HttpProbe>\n\n"
      "DESCRIPTION:\n    Ask over HTTP. The image needs curl, wget, python3 or bash. Example: "
      "{port:\n    8080, path: /}\n    Ready when a GET inside the container answers with a "
      "status below 400.\n\nFIELDS:\n  path\t<string>\n    Path to get. Default: /.\n\n  "
      "port\t<integer> -required-\n    Port to connect to. From 1 to 65535. Example: 8080\n\n");
  const std::string all = console.Run({"explain", "execution", "--recursive"}).out;
  EXPECT_NE(all.find("        readiness\t<Readiness>\n          exec\t<ExecProbe>\n"
                     "            command\t<[]string> -required-\n"),
            std::string::npos)
      << all;
  EXPECT_NE(all.find("protocol\t<string>\n          enum: tcp, udp\n"), std::string::npos) << all;
}

TEST(Explain, KnowsKubernetesKindsAndSaysWhatIsCloseToAMistake) {
  Console console;
  EXPECT_TRUE(
      console.Run({"explain", "pods"}).out.starts_with("KIND:       Pod\nVERSION:    v1\n"));
  const Ran field = console.Run({"explain", "exec.spec.prioriti"});
  EXPECT_EQ(field.code, kFailed);
  EXPECT_EQ(field.err, "error: field \"prioriti\" does not exist; did you mean \"priority\"?\n");
  EXPECT_EQ(console.Run({"explain", "exex"}).code, kUsage);
  EXPECT_EQ(console.Run({"explain"}).code, kUsage);
}

}  // namespace
}  // namespace zoe::cli
