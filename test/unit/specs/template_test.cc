#include "specs/v1/template.h"

#include <gtest/gtest.h>

namespace zoe::v1 {
namespace {

TemplateScope Scope() {
  TemplateScope scope;
  scope.execution_name = "run";
  scope.ns = "alice";
  scope.user_name = "alice";
  scope.deployment = "prod";
  scope.services = {"master", "worker"};
  scope.parameters = {
      {"workers", "3"}, {"brace", "{"}, {"jinja", "{{ x }}"}, {"go", "{{.Node.ID}}"}};
  scope.service = "worker";
  scope.workspace = "/ws";
  scope.endpoints = {{"web", "master", {.name = "web", .port = 8080}},
                     {"worker.ui", "worker", {.name = "ui", .port = 8081}}};
  return scope;
}

TemplateScope CommandScope(const std::string& replica) {
  TemplateScope scope = Scope();
  scope.swarm_expands = false;
  scope.replica = replica;
  return scope;
}

std::string Env(const std::string& text) {
  const auto rendered = RenderTemplate(text, Scope());
  return rendered.ok() ? *rendered : "ERROR " + rendered.error().message;
}
std::string Command(const std::string& text, const std::string& replica = "1") {
  const auto rendered = RenderTemplate(text, CommandScope(replica));
  return rendered.ok() ? *rendered : "ERROR " + rendered.error().message;
}

TEST(Template, ReplacesEachOfOurs) {
  EXPECT_EQ(Env("{{execution.name}}.{{execution.namespace}}"), "run.alice");
  EXPECT_EQ(Env("{{user.name}} {{deployment}}"), "alice prod");
  EXPECT_EQ(Env("tcp://{{dns.master}}:7077"), "tcp://master.run:7077");
  EXPECT_EQ(Env("{{dns.self}}"), "worker-{{.Task.Slot}}.run");
  EXPECT_EQ(Env("{{replica}}"), "{{.Task.Slot}}");
  EXPECT_EQ(Env("{{param.workers}}"), "3");
  EXPECT_EQ(Env("{{workspace}}/x"), "/ws/x");
  EXPECT_EQ(Env("{{proxy.web}}"),
            "/apis/zoe/v1/namespaces/alice/executions/run/endpoints/web/proxy/");
  EXPECT_EQ(Env("{{proxy.master.web}}"), Env("{{proxy.web}}"));
  EXPECT_EQ(Command("--base={{proxy.worker.ui}}"),
            "--base=/apis/zoe/v1/namespaces/alice/executions/run/endpoints/worker.ui/proxy/");
  EXPECT_EQ(Env("{{ execution.name }}"), "run");
  EXPECT_EQ(Env("no template"), "no template");
  EXPECT_EQ(Env(""), "");
}

TEST(Template, NamesAnUnknownOneItsPlaceAndWhatIsClose) {
  EXPECT_EQ(
      Env("ab {{execution.nmae}}"),
      "ERROR unknown template {{execution.nmae}} at character 4, did you mean {{execution.name}}?");
  EXPECT_EQ(Env("{{dns.mastr}}"),
            "ERROR unknown template {{dns.mastr}} at character 1, did you mean {{dns.master}}?");
  EXPECT_EQ(
      Env("{{param.worker}}"),
      "ERROR unknown template {{param.worker}} at character 1, did you mean {{param.workers}}?");
  EXPECT_EQ(
      Env("{{dns.elsewhere}}"),
      "ERROR unknown template {{dns.elsewhere}} at character 1: there is no service of that name");
  EXPECT_EQ(Env("{{param.something}}"),
            "ERROR unknown template {{param.something}} at character 1: there is no parameter of "
            "that name");
  EXPECT_EQ(Env("{{proxy.wbe}}"),
            "ERROR unknown template {{proxy.wbe}} at character 1, did you mean {{proxy.web}}?");
  EXPECT_EQ(Env("{{proxy.something}}"),
            "ERROR unknown template {{proxy.something}} at character 1: there is no endpoint of "
            "that name, only web, worker.ui");
  EXPECT_EQ(
      Env("{{gpu_count}}")
          .rfind("ERROR unknown template {{gpu_count}} at character 1, known are execution.name, ",
                 0),
      0u);
  EXPECT_NE(Env("{{gpu_count}}").find(R"(Write {{"{{"}} for two literal braces)"),
            std::string::npos);
  EXPECT_EQ(Env("{{}}").rfind("ERROR unknown template {{}} at character 1", 0), 0u);
}

TEST(Template, NamesEveryUnknownOneOfAText) {
  EXPECT_EQ(Env("{{deploymnt}} {{replca}}"),
            "ERROR unknown template {{deploymnt}} at character 1, did you mean {{deployment}}?, "
            "unknown template {{replca}} at character 15, did you mean {{replica}}?");
}

TEST(Template, LetsSwarmsOwnPassInEnvAndRefusesThoseItDoesNotHave) {
  EXPECT_EQ(Env("{{.Node.Hostname}}-{{execution.name}}"), "{{.Node.Hostname}}-run");
  EXPECT_EQ(Env("{{ .Task.ID }}"), "{{ .Task.ID }}");
  EXPECT_EQ(Env("{{.Service.Labels.zone}}"), "{{.Service.Labels.zone}}");
  EXPECT_EQ(Env("{{if eq .Task.Slot 1}}first{{else}}{{deployment}}{{end}}"),
            "{{if eq .Task.Slot 1}}first{{else}}prod{{end}}");
  EXPECT_EQ(Env(R"({{index .Service.Labels "a}}b"}})"), R"({{index .Service.Labels "a}}b"}})");
  EXPECT_EQ(Env("{{.Node.Hostnam}}"),
            "ERROR Swarm knows no template {{.Node.Hostnam}} at character 1, did you mean "
            "\".Node.Hostname\"?");
}

TEST(Template, TakesSwarmsOwnAsTextInCommands) {
  EXPECT_EQ(Command("docker ps --format '{{.ID}}'"), "docker ps --format '{{.ID}}'");
  EXPECT_EQ(Command("{{.Node.Hostname}} {{execution.name}}"), "{{.Node.Hostname}} run");
}

TEST(Template, KnowsTheReplicaInACommandOnlyWhereThereIsOne) {
  EXPECT_EQ(Command("{{replica}} {{dns.self}}"), "1 worker-1.run");
  const std::string refused = Command("{{dns.self}}", "");
  EXPECT_EQ(refused.rfind("ERROR {{dns.self}} at character 1 is not known in command and args of a "
                          "service with several replicas",
                          0),
            0u)
      << refused;
  EXPECT_NE(refused.find("$REPLICA"), std::string::npos);
}

TEST(Template, NeverExpandsAValueAgainNorLetsSwarmDoIt) {
  EXPECT_EQ(Env("{{param.jinja}}"), R"({{"{{"}} x }})");
  EXPECT_EQ(Env("{{param.go}}"), R"({{"{{"}}.Node.ID}})");
  EXPECT_EQ(Command("{{param.jinja}}"), "{{ x }}");
  EXPECT_EQ(Command("{{param.go}}"), "{{.Node.ID}}");
}

TEST(Template, KeepsBracesApartThatMeetOnlyAfterReplacing) {
  EXPECT_EQ(Env("{{param.brace}}{{param.brace}}x"), R"({{"{{"}}x)");
  EXPECT_EQ(Env("{{param.brace}}{{param.brace}}{{param.brace}}"), R"({{"{{"}}{)");
  EXPECT_EQ(Env("{{param.brace}}{{replica}}"), R"({{"{"}}{{.Task.Slot}})");
  EXPECT_EQ(Env("{{param.brace}}"), "{");
}

TEST(Template, WritesTwoLiteralBracesOnRequest) {
  EXPECT_EQ(Env(R"({{"{{"}} item }})"), R"({{"{{"}} item }})");
  EXPECT_EQ(Command(R"({{"{{"}} item }})"), "{{ item }}");
}

TEST(Template, RefusesAnUnclosedOneInEnvBecauseSwarmWould) {
  EXPECT_EQ(Env("a {{ b"),
            R"(ERROR "{{" without "}}" at character 3. Write {{"{{"}} for two literal braces)");
  EXPECT_EQ(Command("a {{ b"), "a {{ b");
  EXPECT_EQ(Env("a }} b"), "a }} b");
}

TEST(Template, NeedsAMountForTheWorkspace) {
  TemplateScope scope = Scope();
  scope.workspace = "";
  const auto rendered = RenderTemplate("{{workspace}}", scope);
  ASSERT_FALSE(rendered.ok());
  EXPECT_EQ(rendered.error().code, Code::kInvalid);
  EXPECT_EQ(rendered.error().message,
            "{{workspace}} at character 1 needs a mount: this service has no mounts: [{workspace: "
            "true, path: ...}]");
}

Parameter Declared(const std::string& name, const std::string& type,
                   std::optional<std::string> value = {}) {
  Parameter parameter;
  parameter.name = name;
  parameter.type = type;
  parameter.default_value = std::move(value);
  return parameter;
}

std::string Causes(const Error& error) {
  std::string out;
  for (const Cause& cause : error.causes)
    out += cause.field + " " + cause.reason + ": " + cause.message + "\n";
  return out;
}

TEST(Parameters, TakeTheGivenValueElseTheDefault) {
  const auto values =
      ResolveParameters({Declared("a", "integer", "1"), Declared("b", "string", "x")}, {{"a", "5"}},
                        "spec.parameters");
  ASSERT_TRUE(values.ok());
  EXPECT_EQ(*values, (std::map<std::string, std::string>{{"a", "5"}, {"b", "x"}}));
}

TEST(Parameters, ReportEveryBadValueAtOnce) {
  Parameter bounded = Declared("bounded", "integer");
  bounded.minimum = "1";
  bounded.maximum = "16";
  Parameter sized = Declared("sized", "quantity");
  sized.minimum = "64Mi";
  Parameter listed = Declared("listed", "string");
  listed.enum_values = {"small", "large"};
  const auto values =
      ResolveParameters({bounded, sized, listed, Declared("flag", "boolean"),
                         Declared("number", "integer"), Declared("needed", "string")},
                        {{"bounded", "17"},
                         {"sized", "1Mi"},
                         {"listed", "smal"},
                         {"flag", "yes"},
                         {"number", "1.5"},
                         {"boundd", "2"}},
                        "spec.parameters");
  ASSERT_FALSE(values.ok());
  EXPECT_EQ(values.error().code, Code::kInvalid);
  EXPECT_EQ(Causes(values.error()),
            "spec.parameters.bounded FieldValueInvalid: must be at most 16, found 17\n"
            "spec.parameters.sized FieldValueInvalid: must be at least 64Mi, found 1Mi\n"
            "spec.parameters.listed FieldValueInvalid: must be one of small, large, found "
            "\"smal\", did you mean \"small\"?\n"
            "spec.parameters.flag FieldValueInvalid: must be true or false, found \"yes\"\n"
            "spec.parameters.number FieldValueInvalid: must be an integer, found \"1.5\"\n"
            "spec.parameters.needed FieldValueRequired: is required: the application declares it "
            "without a default\n"
            "spec.parameters.boundd FieldValueNotFound: unknown parameter \"boundd\", did you mean "
            "\"bounded\"?\n");
}

TEST(Parameters, CompareQuantitiesByValue) {
  Parameter parameter = Declared("memory", "quantity");
  parameter.enum_values = {"1Gi", "2Gi"};
  EXPECT_TRUE(ResolveParameters({parameter}, {{"memory", "1024Mi"}}, "p").ok());
  EXPECT_FALSE(ResolveParameters({parameter}, {{"memory", "1025Mi"}}, "p").ok());
}

Execution MakeExecution() {
  Execution execution;
  execution.meta.name = "run";
  execution.meta.ns = "alice";
  execution.spec.application.emplace();
  Service master;
  master.name = "master";
  master.command = {"start", "--name", "{{dns.self}}"};
  master.mounts.push_back({.workspace = true, .path = "/mnt/ws"});
  master.env = {{"HOME", "{{workspace}}"}, {"WORKERS", "{{param.workers}}"}};
  Service worker;
  worker.name = "worker";
  worker.replicas.total = 3;
  worker.args = {"{{dns.master}}"};
  worker.env = {{"SELF", "{{dns.self}}"}};
  worker.monitor = true;
  execution.spec.application->services = {master, worker};
  execution.spec.parameters = {{"workers", "3"}};
  return execution;
}

TEST(RenderServices, FillsEachServiceWithItsOwnNames) {
  const auto services = RenderServices(MakeExecution(), "zoe");
  ASSERT_TRUE(services.ok()) << services.error().ToString();
  EXPECT_EQ((*services)[0].command[2], "master-1.run");
  EXPECT_EQ((*services)[0].env[0].value, "/mnt/ws");
  EXPECT_EQ((*services)[0].env[1].value, "3");
  EXPECT_EQ((*services)[1].args[0], "master.run");
  EXPECT_EQ((*services)[1].env[0].value, "worker-{{.Task.Slot}}.run");
}

TEST(RenderServices, FillsTheProxysPathOfEachEndpointThatItSpeaksWith) {
  Execution execution = MakeExecution();
  std::vector<Service>& services = execution.spec.application->services;
  services[0].ports = {{.name = "web", .port = 8888, .scheme = "http", .endpoint = true},
                       {.name = "own", .port = 9}};
  services[0].args = {"--NotebookApp.base_url={{proxy.web}}"};
  const auto rendered = RenderServices(execution, "zoe");
  ASSERT_TRUE(rendered.ok()) << rendered.error().ToString();
  EXPECT_EQ((*rendered)[0].args[0],
            "--NotebookApp.base_url="
            "/apis/zoe/v1/namespaces/alice/executions/run/endpoints/web/proxy/");
  services[1].ports = {{.name = "web", .port = 1, .scheme = "https", .endpoint = true}};
  services[0].args = {"{{proxy.master.web}}", "{{proxy.worker.web}}", "{{proxy.own}}"};
  const auto refused = RenderServices(execution, "zoe");
  ASSERT_FALSE(refused.ok());
  ASSERT_EQ(refused.error().causes.size(), 2u);
  EXPECT_EQ(refused.error().causes[0].field, "spec.application.services[0].args[1]");
  EXPECT_EQ(refused.error().causes[0].message,
            "unknown template {{proxy.worker.web}} at character 1: there is no endpoint of that "
            "name, only master.web");
  EXPECT_EQ(refused.error().causes[1].message,
            "unknown template {{proxy.own}} at character 1: there is no endpoint of that name, "
            "only master.web");
}

TEST(CheckTemplates, KnowsTheEndpointsOfAnApplicationThatNobodyRunsYet) {
  ApplicationSpec application;
  application.services.resize(1);
  application.services[0].ports = {{.name = "web", .port = 8888, .endpoint = true}};
  application.services[0].env = {{"BASE", "{{proxy.web}}"}};
  std::vector<Cause> causes;
  CheckTemplates(application, "spec", causes);
  EXPECT_TRUE(causes.empty());
  application.services[0].ports[0].endpoint = false;
  CheckTemplates(application, "spec", causes);
  ASSERT_EQ(causes.size(), 1u);
  EXPECT_EQ(causes[0].field, "spec.services[0].env[0].value");
  EXPECT_EQ(causes[0].message,
            "unknown template {{proxy.web}} at character 1: there are no endpoints: give a port "
            "with a name, of scheme http, endpoint: true");
}

TEST(RenderServices, FillsTheRestartPolicyThatDependsOnMonitor) {
  const auto services = RenderServices(MakeExecution(), "zoe");
  ASSERT_TRUE(services.ok());
  EXPECT_EQ((*services)[0].restart.policy, "always");
  EXPECT_EQ((*services)[1].restart.policy, "never");
}

TEST(RenderServices, ReportsEveryErrorWithItsField) {
  Execution execution = MakeExecution();
  execution.spec.application->services[0].args = {"ok", "{{dns.wrong}}"};
  execution.spec.application->services[1].command = {"{{replica}}"};
  execution.spec.application->services[1].env.push_back({"X", "{{workspace}}"});
  const auto services = RenderServices(execution, "zoe");
  ASSERT_FALSE(services.ok());
  std::vector<std::string> fields;
  for (const Cause& cause : services.error().causes) fields.push_back(cause.field);
  EXPECT_EQ(fields, (std::vector<std::string>{"spec.application.services[0].args[1]",
                                              "spec.application.services[1].env[1].value",
                                              "spec.application.services[1].command[0]"}));
}

TEST(RenderServices, ChecksParametersAgainstTheirDeclarations) {
  Execution execution = MakeExecution();
  execution.spec.application->parameters = {Declared("workers", "integer")};
  EXPECT_TRUE(RenderServices(execution, "zoe").ok());
  execution.spec.parameters["workers"] = "many";
  const auto services = RenderServices(execution, "zoe");
  ASSERT_FALSE(services.ok());
  EXPECT_EQ(Causes(services.error()),
            "spec.parameters.workers FieldValueInvalid: must be an integer, found \"many\"\n");
}

TEST(RenderServices, TakesAnyParameterOnlyForAnInlineApplicationThatDeclaresNone) {
  Execution execution = MakeExecution();
  EXPECT_TRUE(RenderServices(execution, "zoe").ok());
  execution.spec.application_ref = ApplicationRef{.name = "spark", .ns = "catalog"};
  const auto services = RenderServices(execution, "zoe");
  ASSERT_FALSE(services.ok());
  EXPECT_EQ(services.error().causes[0].message,
            "unknown parameter \"workers\": the application declares none");
}

}  // namespace
}  // namespace zoe::v1
