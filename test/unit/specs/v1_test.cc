// Decoding of whole documents, the table of kinds, the reference page.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "specs/codec/value.h"
#include "specs/schema/type.h"
#include "specs/v1/application.h"
#include "specs/v1/event.h"
#include "specs/v1/execution.h"
#include "specs/v1/kinds.h"
#include "specs/v1/markdown.h"

namespace zoe::v1 {
namespace {

codec::Value Yaml(const std::string& text) {
  auto documents = codec::ParseYaml(text);
  EXPECT_TRUE(documents.ok() && documents->size() == 1) << text;
  return documents.ok() && !documents->empty() ? documents->front() : codec::Value();
}

std::string Problems(const std::string& yaml) {
  const auto decoded = Decode(Yaml(yaml));
  return decoded.ok() ? "" : decoded.error().ToString();
}

std::shared_ptr<ObjectBase> Object(const std::string& yaml) {
  auto decoded = Decode(Yaml(yaml));
  EXPECT_TRUE(decoded.ok()) << decoded.error().ToString();
  return decoded->object;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

constexpr char kContract[] = R"(
apiVersion: zoe/v1
kind: Execution
metadata:
  name: wordcount
  namespace: alice
  labels: {project: books}
spec:
  application:
    services:
    - name: master
      image: registry:5000/zoe/spark:3.5
      command: [spark-class, org.apache.spark.deploy.master.Master]
      env:
      - {name: SPARK_PUBLIC_DNS, value: "{{dns.self}}"}
      ports:
      - {name: web, port: 8080, protocol: tcp, scheme: http, path: /, endpoint: true}
      resources: {requests: {cpu: 500m, memory: 512Mi}, limits: {memory: 1Gi}}
      replicas: {total: 1, essential: 1}
      startupOrder: 0
      monitor: false
      readiness: {http: {port: 8080, path: /}, periodSeconds: 2}
      constraints: ["node.labels.gpu == true"]
      mounts:
      - {workspace: true, path: /mnt/workspace}
      restart: {policy: on-failure, maxAttempts: 3}
      workDir: /mnt/workspace
      user: "1000:1000"
      shmSize: 64Mi
      stopGracePeriodSeconds: 10
  parameters: {workers: 3}
  priority: 0
  suspend: false
  activeDeadlineSeconds: 86400
  ttlSecondsAfterFinished: 604800
  idle: {timeoutSeconds: 3600, probe: spark}
status:
  phase: Running
  observedGeneration: 3
  queuePosition: 0
  startedAt: 2026-01-31T12:00:00Z
  services:
  - {name: master, total: 1, essential: 1, running: 1, ready: 1, restarts: 2, message: ""}
  endpoints:
  - {service: master, name: web, url: "http://master.wordcount.alice:8080/", via: "socks5h://10.0.0.5:30123"}
  conditions:
  - {type: Ready, status: "True", reason: AllReplicasReady, message: "4/4 replicas ready"}
)";

TEST(Decode, ReadsAnExecutionWithEveryField) {
  const auto execution = std::static_pointer_cast<Execution>(Object(kContract));
  const Service& master = execution->spec.application->services[0];
  EXPECT_EQ(execution->meta.labels.at("project"), "books");
  EXPECT_EQ(master.resources.limits.memory->whole(), int64_t{1} << 30);
  EXPECT_EQ(master.essential(), 1);
  EXPECT_TRUE(master.ports[0].endpoint);
  EXPECT_EQ(master.readiness->http->port, 8080);
  EXPECT_EQ(master.restart.max_attempts, 3);
  EXPECT_EQ(execution->spec.parameters.at("workers"), "3");
  EXPECT_EQ(execution->spec.idle->timeout_seconds, 3600);
  EXPECT_EQ(execution->status.services[0].restarts, 2);
  EXPECT_EQ(execution->status.conditions[0].status, "True");
}

TEST(Decode, FillsDefaults) {
  const auto execution = std::static_pointer_cast<Execution>(Object(
      "{apiVersion: zoe/v1, kind: Execution, metadata: {name: a}, spec: {application: {services: "
      "[{name: s, image: i, ports: [{port: 1}], readiness: {tcp: {port: 1}}}]}}}"));
  const Service& service = execution->spec.application->services[0];
  EXPECT_EQ(service.replicas.total, 1);
  EXPECT_EQ(service.essential(), 1);
  EXPECT_EQ(service.restart_policy(), "always");
  EXPECT_EQ(service.ports[0].protocol, "tcp");
  EXPECT_EQ(service.readiness->period_seconds, 2);
  EXPECT_EQ(service.update.order, "stop-first");
  EXPECT_EQ(service.endpoint_mode, "dnsrr");
  EXPECT_EQ(service.stop_grace_period_seconds, 10);
  const std::string json = EncodeJson(*FindKind("Execution"), *execution);
  for (const char* written :
       {R"("total":1)", R"("protocol":"tcp")", R"("periodSeconds":2)", R"("order":"stop-first")",
        R"("endpointMode":"dnsrr")", R"("stopGracePeriodSeconds":10)", R"("priority":0)",
        R"("suspend":false)"}) {
    EXPECT_NE(json.find(written), std::string::npos) << written << " in " << json;
  }
  EXPECT_EQ(json.find("essential"), std::string::npos) << "must follow total when that changes";
}

TEST(Decode, TakesWhatKubectlWrites) {
  const auto object = Object(R"(
apiVersion: zoe/v1
kind: Execution
metadata:
  name: a
  generation: 2
  creationTimestamp: null
  resourceVersion: "42"
  selfLink: /x
  managedFields: [{manager: kubectl, fieldsV1: {"f:metadata": {}}}]
  annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}\n"}
  ownerReferences: [{apiVersion: zoe/v1, kind: GitSource, name: g, uid: u, controller: true}]
spec: {applicationRef: {name: spark}}
status: {}
)");
  EXPECT_EQ(object->meta.resource_version, 42);
  EXPECT_FALSE(object->meta.creation_timestamp);
  EXPECT_TRUE(object->meta.owner_references[0].controller);
  EXPECT_NE(EncodeJson(*FindKind("Execution"), *object).find(R"("resourceVersion":"42")"),
            std::string::npos);
}

TEST(Decode, FindsEveryErrorOfAFileAtOnceWithItsPlace) {
  EXPECT_EQ(Problems(R"(apiVersion: zoe/v2
kind: Execution
metadata:
  name: My_Exec
  label: {a: b}
spec:
  application:
    services:
    - name: web
      image: Zoe/Mini:latest
      replica: {total: 3}
      replicas: 3
      ports:
      - {name: a, port: 99999}
      - {name: a, port: "80"}
      env: {A: b}
      command: python3
      args: ["{{execution.nmae}}", 3]
      resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}
      restart: {policy: allways}
      readiness: {}
    - image: zoe/mini
      name: web
      mounts: [{path: ../x}]
  parameters: [a]
)"),
            R"(1:13: apiVersion: must be zoe/v1, found "zoe/v2"
4:9: metadata.name: "My_Exec" must be a DNS label: lower-case letters, digits and "-", with a letter or digit at both ends
5:3: metadata.label: unknown field "label", did you mean "labels"?
10:14: spec.application.services[0].image: "Zoe/Mini:latest" must be an image, [HOST[:PORT]/]NAME[:TAG][@DIGEST]; a NAME has lower-case letters, digits, ".", "_", "-" and "/" only
11:7: spec.application.services[0].replica: unknown field "replica", did you mean "replicas"?
12:17: spec.application.services[0].replicas: must be a mapping, found the integer 3, for example {total: 1}
14:25: spec.application.services[0].ports[0].port: must be between 1 and 65535, found 99999
15:16: spec.application.services[0].ports[1].name: the name "a" is taken by another port
15:25: spec.application.services[0].ports[1].port: must be an integer, found the string "80": write 80 without quotes
16:12: spec.application.services[0].env: must be a list, found a mapping, for example [{name: WORKERS, value: "{{param.workers}}"}]
17:16: spec.application.services[0].command: must be a list, found the string "python3": write ["python3"]
18:14: spec.application.services[0].args[0]: unknown template {{execution.nmae}} at character 1, did you mean {{execution.name}}?
18:36: spec.application.services[0].args[1]: must be a string, found the integer 3: write "3"
19:38: spec.application.services[0].resources.requests.memory: must not be more than the limit (1Gi), found 2Gi
20:25: spec.application.services[0].restart.policy: must be one of never, on-failure, always, found "allways", did you mean "always"?
21:18: spec.application.services[0].readiness: needs one of http, tcp, exec, for example {tcp: {port: 8080}}
23:13: spec.application.services[1].name: the name "web" is taken by another service
24:16: spec.application.services[1].mounts[0].workspace: must be true, unless hostPath names a directory
24:23: spec.application.services[1].mounts[0].path: "../x" must be an absolute path, starting with "/"
25:15: spec.parameters: must be a mapping, found a list, for example {workers: 3})");
}

TEST(Decode, SaysWhichKindsThereAre) {
  const auto problem = [](const std::string& yaml) {
    const auto decoded = Decode(Yaml(yaml));
    EXPECT_FALSE(decoded.ok());
    EXPECT_EQ(decoded.error().code, Code::kBadRequest);
    return decoded.error().message;
  };
  EXPECT_EQ(problem("kind: Pod\napiVersion: v1"),
            "kind: unknown kind \"Pod\"; kinds of zoe/v1 are Quota, User, Workspace, Gateway, "
            "Application, Execution, Event");
  EXPECT_EQ(problem("kind: Exection"),
            "kind: unknown kind \"Exection\", did you mean \"Execution\"?");
  EXPECT_EQ(problem("kind: executions"),
            "kind: unknown kind \"executions\", did you mean \"Execution\"?");
  EXPECT_EQ(problem("apiVersion: zoe/v1"),
            "kind: is required; kinds of zoe/v1 are Quota, User, Workspace, Gateway, Application, "
            "Execution, Event");
  EXPECT_EQ(
      problem("kind: 3"),
      "kind: must be a string; kinds of zoe/v1 are Quota, User, Workspace, Gateway, Application, "
      "Execution, Event");
  EXPECT_EQ(problem("[a]"),
            "a document must be a mapping with apiVersion, kind, metadata and spec");
}

TEST(Decode, ReportsWhatIsMissingOnce) {
  EXPECT_EQ(Problems("apiVersion: zoe/v1\nkind: Execution\n"),
            "1:1: metadata: is required, for example {name: wordcount}\n1:1: spec: is required");
  EXPECT_EQ(Problems("kind: Execution\nmetadata: {}\nspec: {applicationRef: {name: a}}\n"),
            "1:1: apiVersion: is required: write zoe/v1\n2:11: metadata.name: is required, for "
            "example my-execution");
  EXPECT_EQ(
      Problems(
          "apiVersion: zoe/v1\nkind: Execution\nmetadata: {name: a}\nspec: {aplication: {}}\n"),
      "4:8: spec.aplication: unknown field \"aplication\", did you mean \"application\"?");
  EXPECT_EQ(
      Problems(
          "apiVersion: zoe/v1\nkind: Application\nmetadata: {name: a}\nspec: {services: []}\n"),
      "4:18: spec.services: must not be empty, for example [{name: web, image: zoe/mini:latest}]");
}

TEST(Decode, WarnsOfUnknownFieldsWhenAsked) {
  const auto document = Yaml(
      "{apiVersion: zoe/v1, kind: Execution, metadata: {name: a}, spec: {applicationRef: {name: "
      "b}, x: 1}}");
  const auto warned = Decode(document, Strictness::kWarn);
  ASSERT_TRUE(warned.ok());
  EXPECT_EQ(warned->warnings, std::vector<std::string>{"unknown field \"spec.x\""});
  const auto ignored = Decode(document, Strictness::kIgnore);
  ASSERT_TRUE(ignored.ok());
  EXPECT_TRUE(ignored->warnings.empty());
}

TEST(Decode, StaysQuickOnHostileDocuments) {
  std::string yaml =
      "apiVersion: zoe/v1\nkind: Application\nmetadata: {name: a}\nspec:\n  parameters:\n";
  for (int i = 0; i < 900; ++i) yaml += "  - {name: p" + std::to_string(i) + "}\n";
  yaml += "  services:\n";
  for (int i = 0; i < 900; ++i) {
    yaml += "  - {name: s, image: i, args: [\"{{param.q" + std::to_string(i) + "}}\", \"{{dns.a" +
            std::to_string(i) + "}}\", \"{{unknown}}\"]}\n";
  }
  const auto start = std::chrono::steady_clock::now();
  const auto decoded = Decode(Yaml(yaml));
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().causes.size(), 200u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST(DecodeStored, SaysThatARecordIsCorrupt) {
  const auto stored = DecodeStored(*FindKind("Execution"), "{\"metadata\":{\"name\":3}}");
  ASSERT_FALSE(stored.ok());
  EXPECT_EQ(stored.error().code, Code::kInternal);
  EXPECT_EQ(stored.error().message,
            "stored record can't be read: a string was expected at byte 20");
}

TEST(Event, IsFlatAsInCoreV1) {
  const auto event = std::static_pointer_cast<Event>(Object(R"(
apiVersion: zoe/v1
kind: Event
metadata: {name: wordcount.17a3f, namespace: alice}
involvedObject: {apiVersion: zoe/v1, kind: Execution, namespace: alice, name: wordcount, uid: u}
type: Warning
reason: Failed
message: it failed
source: {component: execution}
count: 3
firstTimestamp: 2026-01-31T12:00:00Z
lastTimestamp: 2026-01-31T12:05:00Z
)"));
  EXPECT_EQ(event->source, "execution");
  EXPECT_EQ(event->involved_object.name, "wordcount");
  EXPECT_EQ(event->count, 3);
  const Kind& kind = *FindKind("Event");
  const std::string json = EncodeJson(kind, *event);
  EXPECT_NE(json.find(R"("source":{"component":"execution"})"), std::string::npos) << json;
  const auto back = DecodeStored(kind, json);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(static_cast<const Event&>(**back), *event);
  std::string row;
  for (const Column& column : kind.columns) {
    if (column.priority == 0) row += std::string(column.name) + "=" + column.cell(*event) + " ";
  }
  EXPECT_EQ(row,
            "LAST SEEN=2026-01-31T12:05:00Z TYPE=Warning REASON=Failed OBJECT=execution/wordcount "
            "MESSAGE=it failed ");
}

TEST(Kinds, AreFoundByEveryName) {
  for (const char* name : {"executions", "execution", "exec", "Execution", "EXEC", "executions.zoe",
                           "execution.v1.zoe"}) {
    const Kind* kind = FindResource(name);
    ASSERT_NE(kind, nullptr) << name;
    EXPECT_EQ(kind->name, "Execution");
  }
  EXPECT_EQ(FindResource("app")->name, "Application");
  EXPECT_EQ(FindResource("ev")->name, "Event");
  EXPECT_EQ(FindResource("pods"), nullptr);
  EXPECT_EQ(FindResource(""), nullptr);
  EXPECT_EQ(FindKind("execution"), nullptr);
  for (const std::string_view name : KnownResourceNames())
    EXPECT_NE(FindResource(name), nullptr) << name;
}

TEST(Kinds, HaveEveryOperation) {
  for (const Kind& kind : Kinds()) {
    const auto object = kind.make();
    object->meta.name = "a";
    object->meta.ns = "b";
    const auto copy = kind.clone(*object);
    EXPECT_EQ(copy->meta, object->meta);
    EXPECT_TRUE(kind.spec_equal(*object, *copy));
    EXPECT_TRUE(kind.status_equal(*object, *copy));
    kind.copy_spec(*object, *copy);
    kind.copy_status(*object, *copy);
    ASSERT_NE(kind.field(*object, "metadata.name"), nullptr);
    EXPECT_EQ(*kind.field(*object, "metadata.namespace"), "b");
    EXPECT_EQ(kind.field(*object, "metadata.uid"), nullptr);
    for (const Column& column : kind.columns) column.cell(*object);
    EXPECT_FALSE(kind.columns.empty());
  }
}

// What the fields of a person's kinds answer to bad values.
TEST(People, AnswerEachLine) {
  const auto problem = [](const std::string& kind, const std::string& spec) {
    const std::string ns = kind == "User" ? "" : ", namespace: a";
    const auto documents =
        codec::ParseYaml("{apiVersion: zoe/v1, kind: " + kind + ", metadata: {name: a" + ns +
                         "}, spec: {" + spec + "}}");
    const auto decoded = Decode(documents->front());
    std::string text;
    if (decoded.ok()) return text;
    for (const Cause& cause : decoded.error().causes)
      text += cause.field + ": " + cause.message + "\n";
    return text;
  };
  EXPECT_EQ(problem("User", "role: root"),
            "spec.role: must be one of admin, user, guest, found \"root\"\n");
  EXPECT_EQ(problem("User", "uid: 0"), "spec.uid: must be between 1 and 2147483647, found 0\n");
  EXPECT_EQ(problem("User", "network: {subnet: 10.0.0.1/24}"),
            "spec.network.subnet: \"10.0.0.1/24\" must be an IPv4 subnet of /8 to /29 without host "
            "bits, such as 10.20.30.0/24\n");
  const std::string key = "AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
  EXPECT_EQ(problem("User", "sshKeys: [ssh-ed25519 " + key + " alice@laptop]"), "");
  const std::vector<std::string> no_keys = {"command=\\\"x\\\" ssh-ed25519 " + key,
                                            "ssh-ed25519",
                                            key,
                                            "ssh-dss " + key,
                                            "ssh-ed25519 AAAA",
                                            "ssh-ed25519 " + key + "\\nx"};
  for (const std::string& bad : no_keys)
    EXPECT_NE(problem("User", "sshKeys: [\"" + bad + "\"]").find("must be a public SSH key"),
              std::string::npos)
        << bad;
  EXPECT_NE(problem("User", "passwordHash: $2y$10$abc").find("must be an Argon2id hash"),
            std::string::npos);
  EXPECT_EQ(problem("Workspace", "mode: \"0789\""),
            "spec.mode: \"0789\" must be permissions in octal, in quotes, such as \"0750\"\n");
  EXPECT_EQ(problem("Workspace", "reclaimPolicy: delete"),
            "spec.reclaimPolicy: must be one of Retain, Delete, found \"delete\", did you mean "
            "\"Delete\"?\n");
  EXPECT_EQ(problem("Gateway", "ports: {mode: vip, ssh: 70000}"),
            "spec.ports.mode: must be one of host, ingress, found \"vip\"\nspec.ports.ssh: must be "
            "between 0 and 65535, found 70000\n");
}

TEST(Kinds, InternalOnesCanBeNamedByNobody) {
  ASSERT_NE(FindKind("Credential"), nullptr);
  EXPECT_TRUE(FindKind("Credential")->internal);
  EXPECT_EQ(FindResource("credentials"), nullptr);
  for (const Kind& kind : Kinds()) EXPECT_FALSE(kind.internal) << kind.name;
  const auto documents =
      codec::ParseYaml("{apiVersion: zoe/v1, kind: Credential, metadata: {name: a, namespace: b}}");
  const auto decoded = Decode(documents->front());
  ASSERT_FALSE(decoded.ok());
  EXPECT_NE(decoded.error().message.find("unknown kind \"Credential\""), std::string::npos);
}

TEST(Kinds, CopySpecAndStatusApart) {
  const Kind& kind = *FindKind("Execution");
  Execution a, b;
  a.meta.name = "a";
  a.spec.priority = 7;
  a.status.phase = kRunning;
  kind.copy_spec(a, b);
  EXPECT_EQ(b.spec.priority, 7);
  EXPECT_EQ(b.status.phase, "");
  EXPECT_TRUE(kind.spec_equal(a, b));
  EXPECT_FALSE(kind.status_equal(a, b));
  kind.copy_status(a, b);
  EXPECT_TRUE(kind.status_equal(a, b));
  EXPECT_EQ(b.meta.name, "");
  EXPECT_EQ(*kind.field(b, "status.phase"), "Running");
}

TEST(Kinds, PrintColumnsAsKubectlWould) {
  const auto execution = Object(kContract);
  std::string row;
  for (const Column& column : FindKind("Execution")->columns)
    row += std::string(column.name) + "=" + column.cell(*execution) + "\n";
  EXPECT_EQ(row,
            "NAME=wordcount\nPHASE=Running\nREADY=1/"
            "1\nRESTARTS=2\nAGE=\nSTARTED=2026-01-31T12:00:00Z\nPRIORITY=0\nQUEUE=\nGRANTED=\n"
            "ENDPOINT=http://master.wordcount.alice:8080/\nMESSAGE=4/4 replicas ready\n");
  Execution fresh;
  fresh.spec.application.emplace();
  fresh.spec.application->services.resize(2);
  fresh.spec.application->services[0].replicas.total = 3;
  EXPECT_EQ(FindKind("Execution")->columns[1].cell(fresh), "Pending");
  EXPECT_EQ(FindKind("Execution")->columns[2].cell(fresh), "0/4");
}

TEST(Kinds, WhoWaitsShowsItsPlaceAndWhatIsGranted) {
  Execution execution;
  execution.status.phase = kQueued;
  execution.status.queue_position = 7;
  execution.status.services = {{.name = "master", .total = 1, .granted = 1},
                               {.name = "worker", .total = 8, .granted = 3}};
  SetCondition(execution.status.conditions,
               {.type = "Admitted", .status = "False", .message = "position 7: needs 4 CPUs"}, {});
  const auto cell = [&](std::string_view name) {
    for (const Column& column : FindKind("Execution")->columns) {
      if (column.name == name) return column.cell(execution);
    }
    return std::string("no such column");
  };
  EXPECT_EQ(cell("QUEUE"), "7");
  EXPECT_EQ(cell("GRANTED"), "worker 3/8");
  EXPECT_EQ(cell("MESSAGE"), "position 7: needs 4 CPUs");
}

TEST(Samples, EachDecodes) {
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("samples")) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    const auto documents = codec::ParseYaml(ReadFile(entry.path()));
    ASSERT_TRUE(documents.ok()) << entry.path() << ": " << documents.error().ToString();
    EXPECT_FALSE(documents->empty()) << entry.path();
    for (const codec::Value& document : *documents) {
      const auto decoded = Decode(document);
      EXPECT_TRUE(decoded.ok()) << entry.path() << ": " << decoded.error().ToString();
    }
  }
  EXPECT_GE(files, 4);
}

void MissingFields(const schema::Type& type, const std::string& text, std::string& missing) {
  for (const schema::Field& field : type.fields) {
    const std::string name(field.name);
    if (text.find(name + ":") == std::string::npos)
      missing += std::string(type.name) + "." + name + " ";
    const schema::Type* inner = field.type;
    while (inner->element != nullptr) inner = inner->element;
    if (inner->shape == schema::Shape::kStruct) MissingFields(*inner, text, missing);
  }
}

TEST(Samples, TheFullOnesShowEveryFieldOfASpec) {
  const std::string text =
      ReadFile("samples/execution-full.yaml") + ReadFile("samples/application-full.yaml") +
      ReadFile("samples/user-full.yaml") + ReadFile("samples/workspace-full.yaml") +
      ReadFile("samples/gateway-full.yaml") + ReadFile("samples/quota-full.yaml");
  std::string missing;
  for (const char* kind : {"Execution", "Application", "User", "Workspace", "Gateway", "Quota"})
    MissingFields(*FindKind(kind)->type->Find("spec")->type, text, missing);
  EXPECT_EQ(missing, "");
}

TEST(Reference, IsThatOfTheDeclarations) {
  const std::filesystem::path page = "docs/kinds.md";
  const std::string wanted = KindsMarkdown();
  if (std::getenv("ZOE_WRITE_DOCS") != nullptr) std::ofstream(page) << wanted;
  EXPECT_TRUE(ReadFile(page) == wanted)
      << "docs/kinds.md is not what the declarations in specs/v1 say. Make it anew, from the root "
         "of the sources:\n"
         "  ZOE_WRITE_DOCS=1 build/dev/test/v1_test --gtest_filter=Reference.*";
}

}  // namespace
}  // namespace zoe::v1
