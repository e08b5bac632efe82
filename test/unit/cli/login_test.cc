// login, logout, token, passwd: who the caller is.
#include "test/unit/cli/commands.h"
#include "test/unit/cli/fake_place.h"

namespace zoe::cli {
namespace {

using Texts = std::map<std::string, std::string>;

class LoginCommands : public testing::Test {
 protected:
  Ran Run(const std::vector<std::string>& args, const std::string& input = "") {
    return console.Run(args, input);
  }
  Context Current() const {
    const auto config = LoadConfig(console.environment.at("ZOE_CONFIG"));
    const Context* context = config->Find(config->current);
    return context == nullptr ? Context{} : *context;
  }

  FakeApi api;
  test::FakePlace place{api, "alice", "secret"};
  Console console;
};

TEST_F(LoginCommands, LoginKeepsATokenAndNotThePassword) {
  const Ran ran = Run({"login", api.url(), "-u", "alice", "--password-stdin"}, "secret\n");
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_TRUE(ran.out.starts_with("Logged in to " + api.url() + " as alice until 2027-"))
      << ran.out;
  EXPECT_EQ(Current().token, "zoe_alice_s0");
  EXPECT_EQ(Current().user, "alice");
  EXPECT_EQ(Current().password, "");
  EXPECT_EQ(Run({"config", "view", "--raw"}).out.find("secret"), std::string::npos);
  Run({"get", "exec"});
  EXPECT_EQ(api.requests().back().path, "/apis/zoe/v1/namespaces/alice/executions")
      << "the own namespace is the default";
  EXPECT_EQ(api.requests().back().headers.at("authorization"), "Bearer zoe_alice_s0");
}

TEST_F(LoginCommands, ASecondLoginRevokesTheTokenOfTheFirst) {
  ASSERT_EQ(Run({"login", api.url(), "-u", "alice", "--password-stdin"}, "secret").code, kOk);
  const Texts before = place.tokens();
  console.ask = [](const std::string& prompt) -> std::optional<std::string> {
    EXPECT_EQ(prompt, "Password of alice: ");
    return "secret";
  };
  const Ran ran = Run({"login"});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(place.tokens().size(), 1u);
  EXPECT_NE(place.tokens(), before);
  EXPECT_EQ(LoadConfig(console.environment["ZOE_CONFIG"])->contexts.size(), 1u);
}

TEST_F(LoginCommands, AWrongPasswordChangesNothing) {
  const Ran ran = Run({"login", api.url(), "-u", "alice", "--password-stdin"}, "wrong\n");
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_EQ(ran.err, "error: user and password don't fit at " + api.url() + "\n");
  EXPECT_EQ(ran.err.find("wrong"), std::string::npos);
  EXPECT_EQ(Current().name, "");
}

TEST_F(LoginCommands, WithoutATerminalItSaysHowToGiveThePassword) {
  EXPECT_EQ(Run({"login", api.url(), "-u", "alice"}).code, kUsage);
  EXPECT_EQ(Run({"login", api.url()}).code, kUsage);
  EXPECT_EQ(
      Run({"login", api.url(), "-u", "alice", "--password-stdin", "--expires", "soon"}, "x").code,
      kUsage);
  EXPECT_EQ(Run({"login", api.url(), "-u", "alice", "--password-stdin", "--expires=-1h"}, "x").code,
            kUsage);
  EXPECT_EQ(api.requests().size(), 0u);
  console.environment["ZOE_USER"] = "alice";
  console.environment["ZOE_PASS"] = "secret";
  EXPECT_EQ(Run({"login", api.url(), "--expires=0"}).code, kOk);
  EXPECT_EQ(Run({"login", api.url(), "--expires=2h", "--token-name=mine"}).code, kOk);
  EXPECT_EQ(Current().token_name, "mine");
}

TEST_F(LoginCommands, AnotherServerGetsAContextOfItsOwn) {
  Run({"config", "set-context", "lab", "--server=http://lab.invalid", "--user=bob",
       "--password=b"});
  ASSERT_EQ(Run({"login", api.url(), "-u", "alice", "--password-stdin"}, "secret").code, kOk);
  EXPECT_EQ(Current().name, api.url().substr(7));
  const auto config = LoadConfig(console.environment["ZOE_CONFIG"]);
  EXPECT_EQ(config->Find("lab")->password, "b");
  ASSERT_EQ(
      Run({"--context", "mine", "login", api.url(), "-u", "alice", "--password-stdin"}, "secret")
          .code,
      kOk);
  EXPECT_EQ(Current().name, "mine");
  EXPECT_EQ(place.tokens().size(), 2u) << "a token for each context";
}

TEST_F(LoginCommands, LogoutRevokesAndForgets) {
  EXPECT_EQ(Run({"logout"}).code, kFailed);
  ASSERT_EQ(Run({"login", api.url(), "-u", "alice", "--password-stdin"}, "secret").code, kOk);
  EXPECT_EQ(Run({"logout"}).code, kOk);
  EXPECT_EQ(place.tokens(), Texts{});
  EXPECT_EQ(Current().token + Current().token_name, "");
  EXPECT_EQ(Current().user, "alice");
  Run({"get", "exec"});
  EXPECT_FALSE(api.requests().back().headers.contains("authorization"));
  ASSERT_EQ(Run({"login", "-u", "alice", "--password-stdin"}, "secret").code, kOk);
  api.intercept = [](const FakeRequest&) -> std::optional<FakeReply> {
    return FakeReply{.status = 503, .body = test::StatusBody(503, "ServiceUnavailable", "away")};
  };
  const Ran ran = Run({"logout"});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_NE(ran.err.find("could not be revoked at the server: away"), std::string::npos) << ran.err;
  EXPECT_EQ(Current().token, "");
}

TEST_F(LoginCommands, TokensAreMadeListedAndDeleted) {
  ASSERT_EQ(Run({"login", api.url(), "-u", "alice", "--password-stdin"}, "secret").code, kOk);
  Ran ran = Run({"token", "create", "ci"});
  EXPECT_EQ(ran.out, "zoe_alice_s1\n") << "stdout is the token alone";
  EXPECT_EQ(codec::ParseJson(api.requests().back().body)->Find("expirationSeconds")->as_int(),
            720 * 3600);
  EXPECT_NE(Run({"token", "list"}).out.find("ci "), std::string::npos);
  EXPECT_EQ(Run({"token", "list", "-o", "name"}).out.substr(0, 3), "ci\n");
  EXPECT_EQ(Run({"token", "delete", "ci"}).out, "token \"ci\" deleted\n");
  EXPECT_EQ(Run({"token", "delete", "ci"}).code, kFailed);
  EXPECT_EQ(place.tokens().size(), 1u);
  EXPECT_EQ(Run({"token"}).code, kUsage);
  EXPECT_EQ(Run({"token", "delete"}).code, kUsage);
}

TEST_F(LoginCommands, PasswdAsksTwiceAndWithATokenForTheCurrentOne) {
  ASSERT_EQ(Run({"login", api.url(), "-u", "alice", "--password-stdin"}, "secret").code, kOk);
  std::vector<std::string> answers{"secret", "better", "bettr"};
  console.ask = [&](const std::string&) -> std::optional<std::string> {
    if (answers.empty()) return std::nullopt;
    std::string first = answers.front();
    answers.erase(answers.begin());
    return first;
  };
  EXPECT_EQ(Run({"passwd"}).code, kFailed) << "the two differ";
  EXPECT_EQ(place.password(), "secret");
  answers = {"secret", "better", "better"};
  EXPECT_EQ(Run({"passwd"}).out, "password of alice changed\n");
  EXPECT_EQ(place.password(), "better");
  EXPECT_EQ(Run({"passwd", "--password-stdin"}, "better\nbest\n").code, kOk);
  EXPECT_EQ(place.password(), "best");
  answers.clear();
  EXPECT_EQ(Run({"passwd"}).code, kUsage) << "nobody is there to ask";
}

TEST_F(LoginCommands, AContextThatKeepsAPasswordLearnsTheNewOne) {
  Run({"config", "set-context", "a", "--server", api.url(), "--user=alice", "--password=secret"});
  EXPECT_EQ(Run({"passwd", "--password-stdin"}, "better\n").code, kOk);
  EXPECT_EQ(place.password(), "better");
  EXPECT_EQ(Current().password, "better");
}

TEST_F(LoginCommands, TheDefaultNamespaceIsTheCallersOwn) {
  const auto path = [&] {
    Run({"get", "exec"});
    return api.requests().back().path.substr(24);
  };
  console.environment["ZOE_SERVER"] = api.url();
  EXPECT_EQ(path(), "default/executions");
  console.environment["ZOE_USER"] = "bob";
  EXPECT_EQ(path(), "bob/executions");
  console.environment["ZOE_TOKEN"] = "zoe_carol-x_a_b";
  EXPECT_EQ(path(), "carol-x/executions");
  console.environment["ZOE_TOKEN"] = "of-another-form";
  EXPECT_EQ(path(), "default/executions");
  Run({"config", "set-context", "a", "-n", "team"});
  EXPECT_EQ(path(), "team/executions");
}

}  // namespace
}  // namespace zoe::cli
