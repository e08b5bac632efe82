// What must hold across fields, and the syntax of texts: a table of a line of YAML and what it is
// answered with.
#include <gtest/gtest.h>

#include "specs/codec/value.h"
#include "specs/v1/checks.h"
#include "specs/v1/kinds.h"

namespace zoe::v1 {
namespace {

std::string Messages(const std::string& yaml) {
  const auto documents = codec::ParseYaml(yaml);
  EXPECT_TRUE(documents.ok() && documents->size() == 1) << yaml;
  const auto decoded = Decode(documents->front());
  if (decoded.ok()) return "";
  std::string out;
  for (const Cause& cause : decoded.error().causes)
    out += (out.empty() ? "" : "\n") + cause.field + ": " + cause.message;
  return out;
}

std::string InService(const std::string& fields, const std::string& kind = "Execution") {
  const bool execution = kind == "Execution";
  return "{apiVersion: zoe/v1, kind: " + kind + ", metadata: {name: run}, spec: {" +
         (execution ? "application: {" : "") + "services: [{name: web, image: zoe/mini:latest, " +
         fields + "}]" + (execution ? "}" : "") + "}}";
}

struct Row {
  const char* service;  // fields beside name and image
  const char* answer;   // after "spec.application.services[0]."; "": accepted
};

TEST(ValidateService, AnswersEachLine) {
  const Row rows[] = {
      {"env: [{name: A}, {name: B, value: x}]", ""},
      {"env: [{name: A}, {name: A}]", "env[1].name: the name \"A\" is taken by another variable"},
      {"env: [{name: A=B}]",
       "env[0].name: \"A=B\" must not contain \"=\": the text after it belongs in value"},
      {"env: [{name: \"\"}]", "env[0].name: \"\" must not be empty"},
      {"env: [{value: x}]", "env[0].name: is required, for example SPARK_MASTER"},
      {"ports: [{port: 53, protocol: udp}, {port: 53}]", ""},
      {"ports: [{port: 53}, {port: 53}]", "ports[1].port: 53/tcp is taken by another port"},
      {"ports: [{port: 80, endpoint: true}]",
       "ports[0].name: an endpoint needs a name, for example web"},
      {"ports: [{port: 80, path: x}]",
       "ports[0].path: \"x\" must be an absolute path, starting with \"/\""},
      {"ports: [{port: 80, scheme: \"http:\"}]",
       "ports[0].scheme: \"http:\" must be the scheme of a URL: lower-case letters, digits, \"+\", "
       "\"-\" and \".\""},
      {"ports: [{port: 0}]", "ports[0].port: must be between 1 and 65535, found 0"},
      {"resources: {requests: {cpu: 1, memory: 4Mi}, limits: {cpu: 1, memory: 6Mi}}", ""},
      {"resources: {requests: {cpu: 0}}", "resources.requests.cpu: must be at least 1m, found 0"},
      {"resources: {requests: {memory: 3Mi}}",
       "resources.requests.memory: must be at least 4Mi, found 3Mi"},
      {"resources: {limits: {memory: 5Mi}}",
       "resources.limits.memory: must be at least 6Mi, Docker's smallest limit, found 5Mi"},
      {"resources: {requests: {cpu: 2}, limits: {cpu: 1500m}}",
       "resources.requests.cpu: must not be more than the limit (1500m), found 2"},
      {"replicas: {total: 0}", ""},
      {"replicas: {total: 2, essential: 0}", ""},
      {"replicas: {total: 2, essential: 3}",
       "replicas.essential: must not be more than total (2), found 3"},
      {"replicas: {total: 10000}", "replicas.total: must be between 0 and 9999, found 10000"},
      {"replicas: {total: -1}", "replicas.total: must be between 0 and 9999, found -1"},
      {"monitor: true", ""},
      {"monitor: true, restart: {policy: on-failure}", ""},
      {"monitor: true, restart: {policy: always}",
       "restart.policy: must not be always for a monitor: the execution could never end; use never "
       "or on-failure"},
      {"monitor: true, replicas: {total: 0}",
       "replicas.total: must be at least 1 for a monitor: the execution ends when its containers "
       "have ended"},
      {"restart: {maxAttempts: 0}", ""},
      {"restart: {maxAttempts: -1}", "restart.maxAttempts: must be between 0 and 1000, found -1"},
      {"resources: {limits: {memory: 64Mi}}, restart: {policy: never, rules: [{onExitCodes: [1, "
       "255], "
       "action: count}, {onOutOfMemory: true, action: fail}, {onNodeLost: true, action: ignore}]}",
       ""},
      {"restart: {rules: [{action: fail}]}",
       "restart.rules[0]: needs one of onExitCodes, onOutOfMemory, onNodeLost, for example "
       "{onExitCodes: [64], action: fail}"},
      {"restart: {rules: [{onExitCodes: [], onOutOfMemory: false, action: fail}]}",
       "restart.rules[0]: needs one of onExitCodes, onOutOfMemory, onNodeLost, for example "
       "{onExitCodes: [64], action: fail}"},
      {"restart: {rules: [{onExitCodes: [1], onNodeLost: true, action: fail}]}",
       "restart.rules[0]: must have only one of onExitCodes, onOutOfMemory, onNodeLost"},
      {"restart: {rules: [{onNodeLost: true}]}",
       "restart.rules[0].action: is required, for example fail"},
      {"restart: {rules: [{onNodeLost: true, action: stop}]}",
       "restart.rules[0].action: must be one of fail, ignore, count, found \"stop\""},
      {"restart: {rules: [{onExitCodes: [0], action: fail}]}",
       "restart.rules[0].onExitCodes[0]: must be between 1 and 255, found 0"},
      {"restart: {rules: [{onExitCodes: [1, 256], action: fail}]}",
       "restart.rules[0].onExitCodes[1]: must be between 1 and 255, found 256"},
      {"restart: {rules: [{onExitCodes: [2, 2], action: fail}]}",
       "restart.rules[0].onExitCodes[1]: the exit code 2 is taken by another rule"},
      {"restart: {rules: [{onExitCodes: [2], action: fail}, {onExitCodes: [2], action: count}]}",
       "restart.rules[1].onExitCodes[0]: the exit code 2 is taken by another rule"},
      {"restart: {rules: [{onNodeLost: true, action: fail}, {onNodeLost: true, action: count}]}",
       "restart.rules[1].onNodeLost: the loss of the node is taken by another rule"},
      {"restart: {rules: [{onOutOfMemory: true, action: fail}]}",
       "restart.rules[0].onOutOfMemory: needs resources.limits.memory: without a limit nothing "
       "ends "
       "for memory"},
      {"readiness: {tcp: {port: 1}, http: {port: 1}}",
       "readiness: must have only one of http, tcp, exec"},
      {"readiness: {exec: {command: []}}",
       "readiness.exec.command: must not be empty, for example [test, -e, /tmp/ready]"},
      {"readiness: {exec: [test, -e, /tmp/ready]}", ""},
      {"readiness: {exec: []}",
       "readiness.exec.command: must not be empty, for example [test, -e, /tmp/ready]"},
      {"readiness: {exec: [1]}",
       "readiness.exec.command[0]: must be a string, found the integer 1: write \"1\""},
      {"readiness: {exec: {}}",
       "readiness.exec.command: is required, for example [test, -e, /tmp/ready]"},
      {"readiness: {tcp: {port: 1}, periodSeconds: 0}",
       "readiness.periodSeconds: must be between 1 and 86400, found 0"},
      {"constraints: [node.role != manager, \"node.labels.a.b==x\", engine.labels.os == x, "
       "node.id==1, node.hostname == h, node.platform.arch == x86_64]",
       ""},
      {"constraints: [node.role == boss]",
       "constraints[0]: \"node.role == boss\" must be KEY == VALUE or KEY != VALUE; a node.role is "
       "manager or worker"},
      {"constraints: [node.labels. == x]",
       "constraints[0]: \"node.labels. == x\" must be KEY == VALUE or KEY != VALUE with a KEY of "
       "node.id, node.hostname, node.ip, node.role, "
       "node.platform.os, node.platform.arch, node.labels.NAME or engine.labels.NAME"},
      {"constraints: [node.id ==]",
       "constraints[0]: \"node.id ==\" must be KEY == VALUE or KEY != VALUE with a VALUE"},
      {"constraints: [node.id = x]",
       "constraints[0]: \"node.id = x\" must be KEY == VALUE or KEY != VALUE"},
      {"constraints: [node.id === x]",
       "constraints[0]: \"node.id === x\" must be KEY == VALUE or KEY != VALUE with one sign only"},
      {"mounts: [{workspace: true, path: /a, readOnly: true}]", ""},
      {"mounts: [{workspace: true, path: /a}, {workspace: true, path: /a}]",
       "mounts[1].path: the path \"/a\" is taken by another mount"},
      {"mounts: [{workspace: true, path: //}]",
       "mounts[0].path: must not be the root directory of the container"},
      {"mounts: [{workspace: true, path: /a/../b}]",
       "mounts[0].path: \"/a/../b\" must not contain \"..\""},
      {"mounts: [{workspace: true}]", "mounts[0].path: is required, for example /mnt/workspace"},
      {"mounts: [{path: /a}]",
       "mounts[0].workspace: must be true, unless hostPath names a directory"},
      {"mounts: [{path: /a, hostPath: /data, readOnly: true}], capabilities: [SYS_PTRACE]", ""},
      {"mounts: [{path: /a, hostPath: /data, workspace: true}]",
       "mounts[0].workspace: must not stand beside hostPath: a mount has one source"},
      {"mounts: [{workspace: true, path: /a, hostPath: ../data}]",
       "mounts[0].hostPath: \"../data\" must be an absolute path, starting with \"/\""},
      {"capabilities: [CAP_NET_RAW]",
       "capabilities[0]: \"CAP_NET_RAW\" must be the name of a Linux capability without CAP_, such "
       "as NET_RAW"},
      {"workDir: a", "workDir: \"a\" must be an absolute path, starting with \"/\""},
      {"user: \"a b\"", "user: \"a b\" must be USER or USER:GROUP, as names or numbers"},
      {"user: 1000", "user: must be a string, found the integer 1000: write \"1000\""},
      {"command: [\"a\\0b\"]", "command[0]: must not contain a NUL character"},
      {"shmSize: 0", "shmSize: must be at least 1, found 0"},
      {"update: {parallelism: 0, order: start-first, failureAction: rollback}, endpointMode: vip",
       ""},
      {"update: {order: first}",
       "update.order: must be one of stop-first, start-first, found \"first\""},
      {"endpointMode: dns", "endpointMode: must be one of dnsrr, vip, found \"dns\""},
      {"args: [\"{{replica}}\"]", ""},
      {"args: [\"{{workspace}}\"]",
       "args[0]: {{workspace}} at character 1 needs a mount: this service has no mounts: "
       "[{workspace: true, path: ...}]"},
  };
  for (const Row& row : rows) {
    const std::string answer =
        *row.answer == '\0' ? "" : "spec.application.services[0]." + std::string(row.answer);
    EXPECT_EQ(Messages(InService(row.service)), answer) << row.service;
    const std::string in_application =
        *row.answer == '\0' ? "" : "spec.services[0]." + std::string(row.answer);
    EXPECT_EQ(Messages(InService(row.service, "Application")), in_application) << row.service;
  }
}

TEST(ValidateService, RefusesAnArgumentThatLinuxCannotPass) {
  EXPECT_EQ(Messages(InService("args: [" + std::string(131'071, 'x') + "]")), "");
  EXPECT_EQ(Messages(InService("args: [" + std::string(131'072, 'x') + "]")),
            "spec.application.services[0].args[0]: must have at most 131071 bytes, found 131072");
}

std::string InExecution(const std::string& name, const std::string& services) {
  return Messages("{apiVersion: zoe/v1, kind: Execution, metadata: {" + name +
                  "}, spec: {application: {services: [" + services + "]}}}");
}

TEST(ValidateExecution, RefusesTwoServicesOfOneName) {
  EXPECT_EQ(InExecution("name: a", "{name: x, image: i}, {name: x, image: i}"),
            "spec.application.services[1].name: the name \"x\" is taken by another service");
}

TEST(ValidateExecution, SaysWhichNameToShortenAndByHowMuch) {
  const std::string s40(40, 's'), e20(20, 'e'), e17(17, 'e');
  EXPECT_EQ(InExecution("name: " + e17, "{name: " + s40 + ", image: i}"), "");
  EXPECT_EQ(InExecution("name: " + e20, "{name: " + s40 + ", image: i}"),
            "spec.application.services[0].name: SERVICE-NNNN.EXECUTION, the host name of its "
            "containers, would have 66 characters, and 63 are "
            "allowed: make the name \"" +
                s40 + "\" shorter by 3");
  EXPECT_EQ(
      InExecution("name: " + s40, "{name: a, image: i}, {name: " + e20 + ", image: i}"),
      "metadata.name: with service \"" + e20 +
          "\", SERVICE-NNNN.EXECUTION, the host name of its containers, would have 66 characters, "
          "and 63 are allowed: make the name \"" +
          s40 + "\" shorter by 3");
  EXPECT_EQ(InExecution("generateName: " + std::string(38, 'e') + "-",
                        "{name: " + std::string(13, 's') + ", image: i}"),
            "");
  EXPECT_NE(InExecution("generateName: " + std::string(38, 'e') + "-",
                        "{name: " + std::string(14, 's') + ", image: i}"),
            "");
}

TEST(ValidateExecution, NeedsAnApplicationOrARefAndTakesBoth) {
  const auto spec = [](const std::string& text) {
    return Messages("{apiVersion: zoe/v1, kind: Execution, metadata: {name: a}, spec: {" + text +
                    "}}");
  };
  EXPECT_EQ(spec(""), "spec: needs application: {services: [...]} or applicationRef: {name: ...}");
  EXPECT_EQ(spec("applicationRef: {name: b}, application: {services: [{name: s, image: i}]}"), "");
  EXPECT_EQ(spec("applicationRef: {}"), "spec.applicationRef.name: is required, for example spark");
  EXPECT_EQ(spec("applicationRef: {name: b}, activeDeadlineSeconds: 0"),
            "spec.activeDeadlineSeconds: must be between 1 and 2147483648, found 0");
  EXPECT_EQ(spec("applicationRef: {name: b}, parameters: {\"a b\": 1}"),
            "spec.parameters[a b]: the key \"a b\" must be a name of at most 63 letters, digits, "
            "\"_\" and \"-\" that starts with a letter or \"_\"");
}

TEST(ValidateApplication, ChecksTheDeclarationsOfParameters) {
  const auto parameters = [](const std::string& list) {
    return Messages(
        "{apiVersion: zoe/v1, kind: Application, metadata: {name: a}, spec: {parameters: [" + list +
        "], services: [{name: s, image: i}]}}");
  };
  EXPECT_EQ(
      parameters("{name: a, type: integer, default: 3, minimum: 1, maximum: 5, enum: [3, 4]}"), "");
  EXPECT_EQ(parameters("{name: a}, {name: a}"),
            "spec.parameters[1].name: the name \"a\" is taken by another parameter");
  EXPECT_EQ(parameters("{name: a, type: integer, default: x}"),
            "spec.parameters[0].default: must be an integer, found \"x\"");
  EXPECT_EQ(parameters("{name: a, type: integer, default: 9, maximum: 5}"),
            "spec.parameters[0].default: must be at most 5, found 9");
  EXPECT_EQ(parameters("{name: a, minimum: 1}"),
            "spec.parameters[0].minimum: only an integer or a quantity has bounds");
  EXPECT_EQ(parameters("{name: a, type: quantity, minimum: 2Gi, maximum: 1Gi}"),
            "spec.parameters[0].minimum: must not be more than maximum (1Gi), found 2Gi");
  EXPECT_EQ(parameters("{name: a, type: boolean, enum: [true, maybe]}"),
            "spec.parameters[0].enum[1]: must be true or false, found \"maybe\"");
  EXPECT_EQ(parameters("{name: a, enum: [x, y], default: z}"),
            "spec.parameters[0].default: must be one of x, y, found \"z\"");
  EXPECT_EQ(parameters("{name: 1a}"),
            "spec.parameters[0].name: \"1a\" must be a name of at most 63 letters, digits, \"_\" "
            "and \"-\" that starts with a letter or \"_\"");
  EXPECT_EQ(
      parameters("{name: a, type: int}"),
      "spec.parameters[0].type: must be one of integer, string, boolean, quantity, found \"int\"");
}

TEST(ValidateMetadata, FollowsKubernetesRules) {
  const auto metadata = [](const std::string& text, const std::string& kind = "Execution") {
    return Messages("{apiVersion: zoe/v1, kind: " + kind + ", metadata: {" + text + "}" +
                    (kind == "Event" ? "" : ", spec: {applicationRef: {name: b}}") + "}");
  };
  EXPECT_EQ(metadata("name: a.b", "Event"), "");
  EXPECT_NE(metadata("name: a.b"), "");
  EXPECT_EQ(metadata("name: a, namespace: Alice"),
            "metadata.namespace: \"Alice\" must be a DNS label: lower-case letters, digits and "
            "\"-\", with a letter or digit at both ends");
  EXPECT_EQ(metadata("name: " + std::string(64, 'a')),
            "metadata.name: \"" + std::string(60, 'a') +
                "...\" must have at most 63 characters (it has 64)");
  EXPECT_EQ(metadata("generateName: a-"), "");
  EXPECT_NE(metadata("generateName: A-"), "");
  EXPECT_EQ(metadata("name: a, annotations: {a: " + std::string(300'000, 'x') + "}"),
            "metadata.annotations: must have at most 262144 bytes together, found 300001");
}

TEST(ValidateGateway, HasOnePortForEach) {
  const auto ports = [](const std::string& text) {
    return Messages("{apiVersion: zoe/v1, kind: Gateway, metadata: {name: a}, spec: {ports: {" +
                    text + "}}}");
  };
  EXPECT_EQ(ports("ssh: 30022, socks: 30022"),
            "spec.ports.socks: must not be the port of ssh, found 30022");
  EXPECT_EQ(ports("ssh: 30022, socks: 30080"), "");
  EXPECT_EQ(ports("ssh: 0, socks: 0"), "");
}

TEST(Checks, TakeImagesThatDockerTakes) {
  for (const char* good :
       {"a", "zoe/mini", "zoe/mini:latest", "registry:5000/zoe/spark:3.5", "localhost/a",
        "a.b/c__d/e-f:V1.0_x",
        "a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "[::1]:5000/a"}) {
    EXPECT_EQ(MustBeImage(good), "") << good;
  }
  for (const char* bad : {"", " ", "a b", "A", "/a", "a/", "a//b", "a:", "a:-x", "a:b c", "a@",
                          "a@sha256:xyz", "-a", "http://a/b", "r.example.com/A", "a\nb"}) {
    EXPECT_NE(MustBeImage(bad), "") << bad;
  }
  EXPECT_EQ(MustBeImage("{{param.image}}"),
            "must be an image: templates work in env values, command and args only");
}

}  // namespace
}  // namespace zoe::v1
