#include "controller/options.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

namespace zoe {
namespace {

using testing::HasSubstr;

struct OptionsTest : testing::Test {
  std::filesystem::path dir;
  std::map<std::string, std::string> environment;
  std::string default_config = "/nonexistent/controller.conf";

  OptionsTest() {
    std::string name = std::filesystem::temp_directory_path() / "zoe-options-XXXXXX";
    dir = mkdtemp(name.data());
  }
  ~OptionsTest() override { std::filesystem::remove_all(dir); }

  std::string File(const std::string& text) {
    const std::filesystem::path path = dir / "controller.conf";
    std::ofstream(path) << text;
    return path;
  }
  Expected<Invocation> Read(const std::vector<std::string>& arguments) {
    const Environment lookup = [this](const char* name) {
      const auto it = environment.find(name);
      return it == environment.end() ? nullptr : it->second.c_str();
    };
    return ReadOptions(arguments, lookup, default_config);
  }
  Options Get(const std::vector<std::string>& arguments) {
    const auto invocation = Read(arguments);
    EXPECT_TRUE(invocation.ok()) << (invocation.ok() ? "" : invocation.error().message);
    return invocation.ok() ? invocation->options : Options();
  }
  std::string Wrong(const std::vector<std::string>& arguments) {
    const auto invocation = Read(arguments);
    if (invocation.ok()) return "accepted";
    EXPECT_EQ(invocation.error().code, Code::kInvalid);
    return invocation.error().message;
  }
};

TEST_F(OptionsTest, HasTheDefaultsOfTheContract) {
  const Options o = Get({});
  EXPECT_EQ(o.store, "sqlite:/var/lib/zoe/state.db");
  EXPECT_EQ(o.swarm, "unix:///var/run/docker.sock");
  EXPECT_EQ(o.swarm_tls_ca + o.swarm_tls_cert + o.swarm_tls_key, "");
  EXPECT_EQ(o.deployment, "zoe");
  EXPECT_EQ(o.listen, "127.0.0.1:4850");
  EXPECT_EQ(o.tls_cert + o.tls_key, "");
  EXPECT_EQ(o.workspace_root, "/var/lib/zoe/workspaces");
  EXPECT_EQ(o.gateway_image, "zoe/gateway:latest");
  EXPECT_EQ(o.gelf_address, "");
  EXPECT_EQ(o.scheduler_policy, "priority");
  EXPECT_EQ(o.placement_policy, "swarm");
  EXPECT_EQ(o.queue_patience, "14400");
  EXPECT_EQ(o.queue_backfill, "600");
  EXPECT_EQ(o.elastic_reclaim, "true");
  EXPECT_EQ(o.preemption, "never");
  EXPECT_EQ(o.auth, "password");
  EXPECT_EQ(o.log_format, "text");
  EXPECT_EQ(o.log_level, "info");
}

TEST_F(OptionsTest, TheCommandLineGoesBeforeTheEnvironmentAndThatBeforeTheFile) {
  const std::string file =
      File("# comment\ndeployment = from-file\nlog-level = warn  # trailing\nlisten=127.0.0.1:1\n");
  environment = {{"ZOE_DEPLOYMENT", "from-environment"}, {"ZOE_LOG_LEVEL", "debug"}};
  const Options o = Get({"--config", file, "--deployment=from-line"});
  EXPECT_EQ(o.deployment, "from-line");
  EXPECT_EQ(o.log_level, "debug");
  EXPECT_EQ(o.listen, "127.0.0.1:1");
}

TEST_F(OptionsTest, EveryOptionCanStandInEverySource) {
  const std::map<std::string, std::string> values = {{"store", "memory:"},
                                                     {"swarm", "tcp://a:2375,https://b:2376"},
                                                     {"swarm-tls-ca", "/a"},
                                                     {"swarm-tls-cert", "/b"},
                                                     {"swarm-tls-key", "/c"},
                                                     {"deployment", "d"},
                                                     {"node-engine", "tcp://{{name}}:1"},
                                                     {"listen", "[::1]:0"},
                                                     {"tls-cert", "/d"},
                                                     {"tls-key", "/e"},
                                                     {"workspace-root", "/f"},
                                                     {"gateway-image", "g:1"},
                                                     {"gelf-address", "udp://h:12201"},
                                                     {"scheduler-policy", "size"},
                                                     {"placement-policy", "spread"},
                                                     {"queue-patience", "61"},
                                                     {"queue-backfill", "62"},
                                                     {"elastic-reclaim", "false"},
                                                     {"preemption", "priority"},
                                                     {"auth", "none"},
                                                     {"log-format", "json"},
                                                     {"log-level", "error"}};
  std::vector<std::string> line;
  std::string text;
  for (const auto& [name, value] : values) {
    line.insert(line.end(), {"--" + name, value});
    text += name + " = " + value + "\n";
  }
  const auto all = [](const Options& o) {
    return o.store + o.swarm + o.swarm_tls_ca + o.swarm_tls_cert + o.swarm_tls_key + o.deployment +
           o.node_engine + o.listen + o.tls_cert + o.tls_key + o.workspace_root + o.gateway_image +
           o.gelf_address + o.scheduler_policy + o.placement_policy + o.queue_patience +
           o.queue_backfill + o.elastic_reclaim + o.preemption + o.auth + o.log_format +
           o.log_level;
  };
  const std::string expected = all(Get(line));
  EXPECT_THAT(expected,
              HasSubstr("memory:tcp://a:2375,https://b:2376/a/b/cdtcp://{{name}}:1[::1]:0"));
  default_config = File(text);
  EXPECT_EQ(all(Get({})), expected);
  default_config = "";
  for (const auto& [name, value] : values) {
    std::string variable = "ZOE_";
    for (const char c : name) variable += c == '-' ? '_' : static_cast<char>(std::toupper(c));
    environment[variable] = value;
  }
  EXPECT_EQ(all(Get({})), expected);
}

TEST_F(OptionsTest, AnEmptyVariableIsNotSetAndOthersOfTheClientAreIgnored) {
  environment = {{"ZOE_STORE", ""}, {"ZOE_SERVER", "x"}, {"ZOE_CONFIG", "/no/such/file"}};
  EXPECT_EQ(Get({}).store, "sqlite:/var/lib/zoe/state.db");
}

TEST_F(OptionsTest, AnUnknownOptionIsRefusedWithASuggestion) {
  EXPECT_THAT(Wrong({"--lsiten", "127.0.0.1:0"}), HasSubstr("did you mean --listen?"));
  EXPECT_THAT(Wrong({"--stor=memory:"}), HasSubstr("did you mean --store?"));
  EXPECT_THAT(Wrong({"--entirely-else"}), HasSubstr("--help"));
  EXPECT_THAT(Wrong({"memory:"}), HasSubstr("unexpected argument \"memory:\""));
  EXPECT_THAT(Wrong({"--listen"}), HasSubstr("--listen"));
  EXPECT_THAT(Wrong({"--auth", "none", "--auth", "none"}), HasSubstr("--auth"));
  const std::string file = File("store = memory:\nlog_level = debug\n");
  EXPECT_THAT(Wrong({"--config", file}),
              HasSubstr(file + ":2: unknown option \"log_level\", did you mean \"log-level\"?"));
}

TEST_F(OptionsTest, ABadValueNamesTheOptionItsPlaceTheValueAndWhatIsAccepted) {
  const std::string message = Wrong({"--log-level", "loud", "--store", "mysql:x"});
  EXPECT_THAT(
      message,
      HasSubstr("--log-level: \"loud\" is not accepted; accepted: debug, info, warn or error"));
  EXPECT_THAT(message, HasSubstr("--store: \"mysql:x\"")) << "all errors at once";
  environment = {{"ZOE_AUTH", "maybe"}};
  EXPECT_THAT(Wrong({}),
              HasSubstr("ZOE_AUTH: \"maybe\" is not accepted; accepted: password or none"));
  environment.clear();
  const std::string file = File("\nauth = never\n");
  EXPECT_THAT(Wrong({"--config", file}), HasSubstr("auth in " + file + ":2: \"never\""));
}

TEST_F(OptionsTest, AcceptsAndRefusesByTheTable) {
  const std::vector<std::tuple<std::string, std::string, bool>> table = {
      {"store", "sqlite:relative.db", true},
      {"store", "sqlite:", false},
      {"store", "zk://a:2181,b:2181/zoe", true},
      {"store", "zk:///zoe", false},
      {"swarm", "unix:///var/run/docker.sock", true},
      {"swarm", "unix://docker.sock", false},
      {"swarm", "tcp://10.0.0.1:2375,tcp://10.0.0.2:2375", true},
      {"swarm", "tcp://10.0.0.1", false},
      {"swarm", "http://10.0.0.1:80", false},
      {"swarm", "", false},
      {"swarm", "sim:nodes=3,cpus=8,memory=16Gi", true},
      {"swarm", "zk://a:2181/docker", true},
      {"swarm", "zk://a:2181,b:2181/docker/managers", true},
      {"swarm", "zk://me:se%2Fcret@a:2181/docker", true},
      {"swarm", "zk://me:se/cret@a:2181/docker", true},
      {"swarm", "zk://a:2181", false},
      {"swarm", "zk://a:2181/", false},
      {"swarm", "zk:///docker", false},
      {"deployment", "prod-2", true},
      {"deployment", "Prod", false},
      {"deployment", "", false},
      {"deployment", std::string(33, 'a'), false},
      {"listen", "0.0.0.0:4850", true},
      {"listen", "localhost:0", true},
      {"listen", "127.0.0.1", false},
      {"listen", "127.0.0.1:70000", false},
      {"listen", "127.0.0.1:", false},
      {"listen", "example.org:80", false},
      {"workspace-root", "workspaces", false},
      {"gelf-address", "udp://logs:12201", true},
      {"gelf-address", "tcp://logs:12201", false},
      {"gelf-address", "udp://logs", false},
      {"gateway-image", "", false},
      {"log-format", "xml", false},
      {"scheduler-policy", "fair-share", true},
      {"scheduler-policy", "none", true},
      {"scheduler-policy", "random", false},
      {"placement-policy", "pack", true},
      {"placement-policy", "none", false},
      {"queue-patience", "0", false},
      {"queue-patience", "60", true},
      {"queue-backfill", "0", true},
      {"queue-backfill", "-1", false},
      {"queue-backfill", "10m", false},
      {"elastic-reclaim", "yes", false},
      {"preemption", "priority", true},
      {"preemption", "always", false},
  };
  for (const auto& [name, value, accepted] : table) {
    const bool ok = Read({"--" + name + "=" + value}).ok();
    // Boost reads `--name=` as a missing value: refused as well.
    EXPECT_EQ(ok, accepted) << name << " " << value;
  }
}

TEST_F(OptionsTest, WithoutAuthOnlyOnALoopbackAddress) {
  for (const char* listen : {"127.0.0.1:0", "127.1.2.3:80", "[::1]:0", "localhost:4850"}) {
    EXPECT_TRUE(Read({"--auth", "none", "--listen", listen}).ok()) << listen;
  }
  for (const char* listen : {"0.0.0.0:0", "10.0.0.1:80", "[::]:0"}) {
    EXPECT_THAT(Wrong({"--auth", "none", "--listen", listen}), HasSubstr("--auth none")) << listen;
    EXPECT_TRUE(Read({"--listen", listen}).ok()) << listen;
  }
}

TEST_F(OptionsTest, ACertificateNeedsItsKey) {
  EXPECT_THAT(Wrong({"--tls-cert", "/c"}), HasSubstr("--tls-key"));
  EXPECT_THAT(Wrong({"--swarm-tls-key", "/c"}), HasSubstr("--swarm-tls-cert"));
}

TEST_F(OptionsTest, TheEnginesOfNodesHaveTheNodeInTheirAddress) {
  for (const char* good : {"", "https://{{address}}:2376", "tcp://{{name}}.lan:2375",
                           "unix:///run/engines/{{name}}.sock"}) {
    EXPECT_TRUE(Read({"--node-engine", good}).ok()) << good;
  }
  for (const char* bad : {"https://node:2376", "https://{{address}}", "{{address}}:2376",
                          "https://{{address}}:2376,https://{{name}}:2376", "https://{{ip}}:2376",
                          "sim:{{name}}", "zk://{{name}}:2181/docker", "ftp://{{name}}:1"}) {
    EXPECT_THAT(Wrong({"--node-engine", bad}), HasSubstr("https://{{address}}:2376")) << bad;
  }
}

TEST_F(OptionsTest, APasswordInAUrlIsNotRepeated) {
  EXPECT_THAT(Wrong({"--store", "zkk://me:secret@h"}), testing::Not(HasSubstr("secret")));
  EXPECT_THAT(Wrong({"--swarm", "zk://me:my@secret@h:2181"}), testing::Not(HasSubstr("secret")));
  EXPECT_THAT(Wrong({"--store", "zk:/me:secret@h/p"}), HasSubstr("\"***@h/p\" is not accepted"));
  EXPECT_THAT(Wrong({"--config", File("store zk://me:secret@h/p\n")}),
              HasSubstr("\"store zk://***@h/p\" is not"));
}

TEST_F(OptionsTest, AConfigFileThatCantBeReadIsAnError) {
  EXPECT_THAT(Wrong({"--config", "/nonexistent/file"}), HasSubstr("/nonexistent/file"));
  EXPECT_THAT(Wrong({"--config", dir}), HasSubstr(dir.string()));
  EXPECT_THAT(Wrong({"--config", File("no equals sign\n")}), HasSubstr("no equals sign"));
  EXPECT_TRUE(Read({"--config", File("")}).ok());
}

TEST_F(OptionsTest, TheWrittenConfigNamesEveryOptionAndChangesNothingWhenRead) {
  const std::string text = ConfigText();
  EXPECT_THAT(text, HasSubstr("\nlisten = 127.0.0.1:4850\n"));
  EXPECT_THAT(text, HasSubstr("\n#tls-cert = \n"));
  int options = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    options += !line.empty() && !line.starts_with("# ");
  }
  EXPECT_EQ(options, 29);
  EXPECT_EQ(Get({"--config", File(text)}).store, Get({}).store);
}

TEST_F(OptionsTest, HelpVersionAndWriteConfigAreActions) {
  EXPECT_EQ(Read({"--help"})->action, Invocation::Action::kHelp);
  EXPECT_EQ(Read({"-h"})->action, Invocation::Action::kHelp);
  EXPECT_EQ(Read({"--version"})->action, Invocation::Action::kVersion);
  const auto write = Read({"--write-config", "/x"}).value();
  EXPECT_EQ(write.action, Invocation::Action::kWriteConfig);
  EXPECT_EQ(write.config_to_write, "/x");
  for (const char* name :
       {"--store", "--swarm-tls-ca", "--gelf-address", "--config", "--write-config"}) {
    EXPECT_THAT(HelpText(), HasSubstr(name));
  }
}

TEST_F(OptionsTest, BackupAndRestoreAreActionsWithOptions) {
  const auto backup = Read({"--backup", "b", "--store", "memory:"}).value();
  EXPECT_EQ(backup.action, Invocation::Action::kBackup);
  EXPECT_EQ(backup.backup, "b");
  EXPECT_EQ(backup.options.store, "memory:");
  const auto restore = Read({"--restore", "-", "--from-deployment", "old"}).value();
  EXPECT_EQ(restore.action, Invocation::Action::kRestore);
  EXPECT_EQ(restore.backup, "-");
  EXPECT_EQ(restore.from_deployment, "old");
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{"--backup", "a", "--restore", "b"},
                                             {"--backup="},
                                             {"--from-deployment", "x"},
                                             {"--backup", "a", "--from-deployment", "x"},
                                             {"--backup", "a", "--store", "nowhere"}})
    EXPECT_FALSE(Read(wrong).ok()) << wrong.front();
  for (const char* name : {"--backup", "--restore", "--from-deployment"})
    EXPECT_THAT(HelpText(), HasSubstr(name));
}

TEST(SwarmUrlTest, SplitsByScheme) {
  EXPECT_TRUE(SplitSwarmUrl("sim:nodes=2").simulated);
  EXPECT_EQ(SplitSwarmUrl("sim:nodes=2").simulation, "nodes=2");
  EXPECT_EQ(SplitSwarmUrl("tcp://a:1,unix:///b").endpoints,
            (std::vector<std::string>{"tcp://a:1", "unix:///b"}));
}

}  // namespace
}  // namespace zoe
