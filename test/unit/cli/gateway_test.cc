// gateway and open: the ways into the network.
#include "test/unit/cli/commands.h"

namespace zoe::cli {
namespace {

constexpr const char* kGateway = "/apis/zoe/v1/namespaces/alice/gateways/alice";

class GatewayCommands : public testing::Test {
 protected:
  GatewayCommands() { console.environment["ZOE_TOKEN"] = "zoe_alice_abc"; }

  void PutGateway(const std::string& status) {
    api.Put(
        kGateway,
        *codec::ParseJson(
            R"({"apiVersion":"zoe/v1","kind":"Gateway","metadata":{"name":"alice","namespace":"alice"},"spec":{},"status":{)" +
            status + "}}"));
  }
  void PutExecution(const std::string& name, const std::string& status) {
    api.Put("/apis/zoe/v1/namespaces/alice/executions/" + name,
            *codec::ParseJson(R"({"apiVersion":"zoe/v1","kind":"Execution","metadata":{"name":")" +
                              name +
                              R"(","namespace":"alice"},"spec":{},"status":{"phase":"Running",)" +
                              status + "}}"));
  }
  Ran Run(const std::vector<std::string>& args) { return console.Run(args); }

  // What a browser makes of the file.
  static std::string Ask(const std::string& pac, const std::string& host) {
    Console place;
    const std::string script =
        place.File("pac.js",
                   "function dnsDomainLevels(h) { return h.split('.').length - 1; }\n"
                   "function dnsDomainIs(h, d) { return h.endsWith(d); }\n"
                   "function shExpMatch(s, p) { return new RegExp('^' + p.replace(/[.]/g, "
                   "'\\\\.').replace(/[*]/g, '.*') + '$').test(s); }\n" +
                       pac + "\nconsole.log(FindProxyForURL('http://x/', '" + host + "'));\n");
    FILE* node = popen(("node " + script).c_str(), "r");
    char answer[256] = {};
    const size_t size = fread(answer, 1, sizeof answer - 1, node);
    pclose(node);
    return {answer, size > 0 ? size - 1 : 0};
  }

  FakeApi api;
  Console console{api.url()};
};

TEST_F(GatewayCommands, TheGatewayIsShownWithReadyLines) {
  PutGateway(
      R"("address":"10.0.0.5","node":"n2","sshPort":30022,"socksPort":30080,"user":"alice","hostKey":"ssh-ed25519 AAAA","hostKeyFingerprint":"SHA256:x","conditions":[{"type":"Ready","status":"True"}])");
  const Ran ran = Run({"gateway"});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.out,
            "Gateway:      alice\n"
            "Node:         n2\n"
            "SSH:          10.0.0.5:30022  (user alice, with your key)\n"
            "SOCKS5:       10.0.0.5:30080  (user alice, with your Zoe password)\n"
            "Host key:     SHA256:x\n"
            "\n"
            "Know it beforehand, a line for ~/.ssh/known_hosts:\n"
            "  [10.0.0.5]:30022 ssh-ed25519 AAAA\n"
            "\n"
            "SOCKS5 on this machine, without a password, for as long as it runs:\n"
            "  ssh -N -D 1080 -p 30022 alice@10.0.0.5\n"
            "\n"
            "For a browser beside it, a file that sends only this network's names there:\n"
            "  zoe gateway --pac zoe.pac\n"
            "\n"
            "A program at a time:\n"
            "  curl --proxy socks5h://alice@10.0.0.5:30080 http://SERVICE.EXECUTION:PORT/\n");
  EXPECT_EQ(Run({"gateway", "-o", "jsonpath={.status.sshPort}"}).out, "30022");
}

TEST_F(GatewayCommands, AGatewayThatIsNotReadySaysWhy) {
  PutGateway(
      R"("conditions":[{"type":"Ready","status":"False","reason":"Disabled","message":"the user is disabled"}])");
  Ran ran = Run({"gateway"});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err, "error: gateway \"alice\" is not ready: Disabled: the user is disabled\n");
  PutGateway("");
  EXPECT_EQ(Run({"gateway"}).err,
            "error: gateway \"alice\" is not ready: it has just been asked for\n");
  ran = Run({"gateway", "-n", "bob"});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_NE(ran.err.find("NotFound"), std::string::npos);
}

TEST_F(GatewayCommands, CredentialsAreShownOnlyWhenAskedFor) {
  api.Put(std::string(kGateway) + "/credentials",
          *codec::ParseJson(R"({"metadata":{},"username":"_gateway","password":"p"})"));
  EXPECT_EQ(Run({"gateway", "--show-credentials"}).out,
            "Username:     _gateway\nPassword:     p\n");
  EXPECT_EQ(Run({"gateway", "--show-credentials", "-o", "jsonpath={.password}"}).out, "p");
}

TEST_F(GatewayCommands, ThePacFileSendsOnlyTheNamespacesNames) {
  PutExecution("spark", R"("services":[{"name":"master"},{"name":"worker"}])");
  PutExecution("com", R"("services":[{"name":"web"}])");
  const std::string file = console.directory() + "/zoe.pac";
  const Ran ran = Run({"gateway", "--pac", file, "--proxy", "localhost:1081"});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.out, "");
  const std::string pac = Run({"gateway", "--pac"}).out;
  if (std::system("node --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "needs node";
  constexpr const char* kSocks = "SOCKS5 127.0.0.1:1080";
  const std::pair<const char*, const char*> kRows[] = {
      {"master.spark", kSocks},      {"Master.Spark", kSocks},  {"worker-12.spark", kSocks},
      {"web.com", kSocks},           {"x.y.alice", kSocks},     {"example.com", "DIRECT"},
      {"www.example.com", "DIRECT"}, {"other.spark", "DIRECT"}, {"master.spark.bob", "DIRECT"},
      {"malice", "DIRECT"},          {"x.malice", "DIRECT"},    {"localhost", "DIRECT"},
      {"web-1.evil.com", "DIRECT"}};
  for (const auto& [host, answer] : kRows) EXPECT_EQ(Ask(pac, host), answer) << host;
  std::ifstream written(file);
  const std::string other{std::istreambuf_iterator<char>(written), {}};
  EXPECT_EQ(Ask(other, "master.spark"), "SOCKS5 localhost:1081");
}

TEST_F(GatewayCommands, WrongUsageIsExit2) {
  EXPECT_EQ(Run({"gateway", "alice"}).code, kUsage);
  EXPECT_EQ(Run({"gateway", "--pac", "a", "b"}).code, kUsage);
  EXPECT_EQ(Run({"gateway", "--pac", "--proxy", "x\";evil()//:1"}).code, kUsage);
  EXPECT_EQ(Run({"open"}).code, kUsage);
  EXPECT_EQ(Run({"open", "app/x"}).code, kUsage);
}

TEST_F(GatewayCommands, OpenPrintsTheOneEndpointOrAsksWhich) {
  PutExecution("one", R"("endpoints":[{"service":"web","name":"http","url":"http://h/p/"}])");
  PutExecution(
      "two",
      R"("endpoints":[{"service":"web","name":"http","url":"/proxy/1/"},{"service":"web","name":"admin","url":"/proxy/2/"}])");
  PutExecution("none", R"("services":[{"name":"web"}])");
  EXPECT_EQ(Run({"open", "one"}).out, "http://h/p/\n");
  EXPECT_EQ(Run({"open", "two", "admin"}).out, api.url() + "/proxy/2/\n");
  EXPECT_EQ(Run({"open", "exec/two", "web.http"}).out, api.url() + "/proxy/1/\n");
  EXPECT_EQ(Run({"open", "two"}).err,
            "error: execution \"two\" has several endpoints, say which: web.http, web.admin\n");
  EXPECT_EQ(Run({"open", "one", "x"}).err,
            "error: execution \"one\" has no endpoint \"x\", but web.http\n");
  const Ran none = Run({"open", "none"});
  EXPECT_EQ(none.code, kFailed);
  EXPECT_NE(none.err.find("no port of its services says \"endpoint: true\""), std::string::npos);
}

TEST_F(GatewayCommands, ABrowserIsStartedOnATerminalWithADisplayOnly) {
  PutExecution("one", R"("endpoints":[{"service":"web","name":"http","url":"http://h/p/"}])");
  console.out_terminal = true;
  EXPECT_EQ(Run({"open", "one"}).out, "http://h/p/\n");
  EXPECT_TRUE(console.launched.empty());
  console.environment["DISPLAY"] = ":0";
  EXPECT_EQ(Run({"open", "one", "--print"}).code, kOk);
  EXPECT_TRUE(console.launched.empty());
  EXPECT_EQ(Run({"open", "one"}).code, kOk);
  EXPECT_EQ(console.launched, (std::vector<std::string>{"xdg-open", "http://h/p/"}));
}

}  // namespace
}  // namespace zoe::cli
