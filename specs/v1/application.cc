#include "specs/v1/application.h"

#include "specs/schema/names.h"
#include "specs/v1/checks.h"
#include "specs/v1/describe.h"
#include "specs/v1/kinds.h"

namespace zoe::schema {

using v1::EnvVar, v1::ExecProbe, v1::HttpProbe, v1::Mount, v1::Parameter, v1::Port, v1::Readiness,
    v1::Replicas, v1::ResourceList, v1::Resources, v1::Restart, v1::RestartRule, v1::Service,
    v1::TcpProbe, v1::Update;

// The longest string that Linux passes to a program (MAX_ARG_STRLEN), without its NUL.
constexpr size_t kMaxArgument = 131'071;

template <>
const Type& Describe<EnvVar>() {
  static const Type type =
      Struct<EnvVar>("EnvVar", "An environment variable of the containers.")
          .Add("name", &EnvVar::name, "Name; unique within the service, without \"=\".")
          .Required()
          .Must(v1::MustBeEnvName)
          .Example("SPARK_MASTER")
          .Add("value", &EnvVar::value, "Value. Templates such as {{dns.self}} are replaced.")
          .MaxLength(kMaxArgument)
          .Example("\"{{dns.master}}\"")
          .Build();
  return type;
}

template <>
const Type& Describe<Port>() {
  static const Type type =
      Struct<Port>("Port",
                   "A port that the service listens on, reachable within the namespace's network.")
          .Add("name", &Port::name,
               "Name, unique within the service; an endpoint needs one. A DNS label.")
          .Must(MustBeDnsLabel)
          .Example("web")
          .Add("port", &Port::port, "Number.")
          .Required()
          .Range(1, 65535)
          .Example("8080")
          .Aka({"containerPort", "number", "targetPort"})
          .Add("protocol", &Port::protocol, "Transport.")
          .Enum({"tcp", "udp"})
          .Add("scheme", &Port::scheme,
               "Scheme of the endpoint's URL (http, https, ...). Without one it is shown as "
               "HOST:PORT.")
          .Must(v1::MustBeScheme)
          .Example("http")
          .Add("path", &Port::path, "Path of the endpoint's URL.")
          .Must(MustBeAbsolutePath)
          .Add("endpoint", &Port::endpoint,
               "True: shown in status.endpoints, as an address for people to open. The API proxies "
               "those of plain HTTP (scheme http or none).")
          .Add("proxyPath", &Port::proxy_path,
               "What the API's proxy does with its own path, /apis/.../proxy, before the request "
               "reaches the service: strip it, or keep it for a program that was told to live "
               "there ({{proxy.PORT}}).")
          .Enum({"strip", "keep"})
          .Build();
  return type;
}

template <>
const Type& Describe<ResourceList>() {
  static const Type type =
      Struct<ResourceList>("ResourceList", "Amounts, per replica.")
          .Add("cpu", &ResourceList::cpu, "Cores: 2, 0.5, or 500m for half a core.")
          .Least("1m")
          .Example("500m")
          .Add("memory", &ResourceList::memory,
               "Bytes: 512Mi, 2Gi. Docker takes no limit below 6Mi.")
          .Least("4Mi")
          .Example("512Mi")
          .Aka({"ram", "mem"})
          .Build();
  return type;
}

template <>
const Type& Describe<Resources>() {
  static const Type type =
      Struct<Resources>("Resources", "What each replica needs and what it may use.")
          .Add("requests", &Resources::requests,
               "Reserved on the node that runs it: no replica starts where this is not free.")
          .Default("limits")
          .Example("{cpu: 500m, memory: 512Mi}")
          .Aka({"reservations", "reservation"})
          .Add("limits", &Resources::limits,
               "Never exceeded: more cpu is not given, more memory ends the container.")
          .Example("{memory: 1Gi}")
          .Build();
  return type;
}

template <>
const Type& Describe<Replicas>() {
  static const Type type =
      Struct<Replicas>("Replicas", "How many containers run this service.")
          .Add("total", &Replicas::total, "Containers wanted.")
          .Range(0, 9999)
          .Aka({"count", "replicas"})
          .Add(
              "essential", &Replicas::essential,
              "Of those, how many are needed to run at all; the others are elastic. At most total.")
          .Range(0, 9999)
          .Default("total")
          .Build();
  return type;
}

template <>
const Type& Describe<HttpProbe>() {
  static const Type type =
      Struct<HttpProbe>("HttpProbe",
                        "Ready when a GET inside the container answers with a status below 400.")
          .Add("port", &HttpProbe::port, "Port to connect to.")
          .Required()
          .Range(1, 65535)
          .Example("8080")
          .Add("path", &HttpProbe::path, "Path to get.")
          .Must(MustBeAbsolutePath)
          .Build();
  return type;
}

template <>
const Type& Describe<TcpProbe>() {
  static const Type type =
      Struct<TcpProbe>("TcpProbe", "Ready when a connection inside the container is accepted.")
          .Add("port", &TcpProbe::port, "Port to connect to.")
          .Required()
          .Range(1, 65535)
          .Example("7077")
          .Build();
  return type;
}

template <>
const Type& Describe<ExecProbe>() {
  static const Type type =
      Struct<ExecProbe>("ExecProbe", "Ready when a command inside the container exits with 0.")
          .Add("command", &ExecProbe::command, "Program and its arguments; no shell.")
          .Required()
          .NotEmpty()
          .Example("[test, -e, /tmp/ready]")
          .ShortForm("command")
          .Build();
  return type;
}

template <>
const Type& Describe<Readiness>() {
  static const Type type =
      Struct<Readiness>("Readiness",
                        "How to see that a replica works: exactly one of http, tcp, exec.")
          .Add("http", &Readiness::http,
               "Ask over HTTP. The image needs curl, wget, python3 or bash.")
          .Example("{port: 8080, path: /}")
          .Aka({"httpGet"})
          .Add("tcp", &Readiness::tcp, "Connect. The image needs curl, wget, python3 or bash.")
          .Example("{port: 7077}")
          .Aka({"tcpSocket"})
          .Add("exec", &Readiness::exec, "Run a command; the list alone will do.")
          .Example("{command: [test, -e, /tmp/ready]}")
          .Add("periodSeconds", &Readiness::period_seconds, "Seconds from one look to the next.")
          .Range(1, 86400)
          .Add("timeoutSeconds", &Readiness::timeout_seconds,
               "Seconds after which a look counts as failed.")
          .Range(1, 86400)
          .Add("failureThreshold", &Readiness::failure_threshold,
               "Failures in a row after which the replica counts as broken and is replaced.")
          .Range(1, 100000)
          .Add("initialDelaySeconds", &Readiness::initial_delay_seconds,
               "Seconds after the start during which failures do not count.")
          .Range(0, 86400)
          .Build();
  return type;
}

template <>
const Type& Describe<Mount>() {
  static const Type type =
      Struct<Mount>("Mount", "A directory that the containers see.")
          .Add("workspace", &Mount::workspace,
               "True: the namespace's workspace, shared by all its executions.")
          .Add("hostPath", &Mount::host_path,
               "A directory of the node instead, where the operator allows it "
               "(--allow-host-paths).")
          .Must(MustBeAbsolutePath)
          .Example("/data/shared")
          .Add("path", &Mount::path, "Where the containers see it: an absolute path.")
          .Required()
          .Must(MustBeAbsolutePath)
          .Example("/mnt/workspace")
          .Aka({"mountPath", "target"})
          .Add("readOnly", &Mount::read_only, "True: the containers can't write there.")
          .Build();
  return type;
}

template <>
const Type& Describe<RestartRule>() {
  static const Type type =
      Struct<RestartRule>("RestartRule",
                          "What the end of a container by one cause means. Exactly one of "
                          "onExitCodes, onOutOfMemory and onNodeLost.")
          .Add("onExitCodes", &RestartRule::on_exit_codes, "It ended with one of these exit codes.")
          .MaxItems(255)
          .Example("[2, 64]")
          .Aka({"exitCodes"})
          .Add("onOutOfMemory", &RestartRule::on_out_of_memory,
               "True: the kernel killed it because it wanted more than resources.limits.memory. "
               "Where the node's engine can't be asked, that is exit code 137.")
          .Add("onNodeLost", &RestartRule::on_node_lost,
               "True: its node went down, or was drained.")
          .Add("action", &RestartRule::action,
               "fail: the replica is lost at once, without another attempt; when the execution "
               "fails by that, backoffLimit gives it no other one. ignore: it is restarted, and "
               "that doesn't count against maxAttempts. count: it does.")
          .Enum({"fail", "ignore", "count"})
          .Required()
          .Example("fail")
          .Build();
  return type;
}

template <>
const Type& Describe<Restart>() {
  static const Type type =
      Struct<Restart>("Restart", "What happens when a container ends.")
          .Add("policy", &Restart::policy,
               "When a container is started again. A monitor can't have always.")
          .Enum({"never", "on-failure", "always"})
          .Default("never for a monitor, else always")
          .Example("on-failure")
          .Aka({"condition", "restartPolicy"})
          .Add("maxAttempts", &Restart::max_attempts,
               "Restarts per replica after which it has failed for good. Absent: no limit.")
          .Range(0, 1000)
          .Example("3")
          .Add("rules", &Restart::rules,
               "By cause; the first that fits decides. Where none does, the policy does: never "
               "loses the replica, the others ignore a lost node and count everything else. With "
               "rules, a replica is restarted by the controller, under another number.")
          .MaxItems(20)
          .Example("[{onExitCodes: [64], action: fail}]")
          .Build();
  return type;
}

template <>
const Type& Describe<Update>() {
  static const Type type =
      Struct<Update>("Update", "How a change of what the containers are is rolled out.")
          .Add("parallelism", &Update::parallelism, "Replicas replaced at a time; 0: all at once.")
          .Range(0, 9999)
          .Add("order", &Update::order,
               "Whether the old container ends first or the new one starts first.")
          .Enum({"stop-first", "start-first"})
          .Add("failureAction", &Update::failure_action,
               "When new containers fail: stop there, or return to the old ones.")
          .Enum({"pause", "rollback"})
          .Build();
  return type;
}

template <>
const Type& Describe<Service>() {
  static const Type type =
      Struct<Service>("Service", "A set of equal containers.")
          .Add("name", &Service::name,
               "Name, unique within the application. Containers answer to NAME.EXECUTION and "
               "NAME-N.EXECUTION in DNS. A DNS label.")
          .Required()
          .Must(MustBeDnsLabel)
          .Example("master")
          .Add("image", &Service::image, "Image to run: [HOST[:PORT]/]NAME[:TAG][@DIGEST].")
          .Required()
          .Must(v1::MustBeImage)
          .Example("zoe/mini:latest")
          .Add("command", &Service::command,
               "Program and arguments instead of the image's ENTRYPOINT; no shell. Templates are "
               "replaced.")
          .MaxLength(kMaxArgument)
          .Example("[python3, -m, http.server]")
          .Aka({"cmd", "entrypoint"})
          .Add("args", &Service::args,
               "Arguments instead of the image's CMD. Templates are replaced.")
          .MaxLength(kMaxArgument)
          .Example("[\"8080\"]")
          .Aka({"arguments"})
          .Add("env", &Service::env, "Environment variables.")
          .ListMap({"name"})
          .Example("[{name: WORKERS, value: \"{{param.workers}}\"}]")
          .Aka({"environment", "variables"})
          .Add("ports", &Service::ports, "Ports that the service listens on.")
          .ListMap({"port", "protocol"})
          .Example("[{name: web, port: 8080, scheme: http, endpoint: true}]")
          .Aka({"expose"})
          .Add("resources", &Service::resources, "What each replica needs and may use.")
          .Example("{requests: {cpu: 500m, memory: 512Mi}}")
          .Add("replicas", &Service::replicas, "How many containers run.")
          .Example("{total: 1}")
          .Aka({"count", "scale", "instances"})
          .Add("startupOrder", &Service::startup_order,
               "Lower starts first; the next order starts when the essential replicas of this one "
               "run.")
          .Add("monitor", &Service::monitor,
               "True: the execution ends when this service's containers have ended.")
          .Add("readiness", &Service::readiness,
               "How to see that a replica works. Absent: it works when it runs.")
          .Example("{http: {port: 8080, path: /}}")
          .Aka({"readinessProbe", "healthcheck", "livenessProbe"})
          .Add("constraints", &Service::constraints,
               "Conditions on the node, KEY == VALUE or KEY != VALUE. Keys: node.id, "
               "node.hostname, node.ip, node.role, "
               "node.platform.os, node.platform.arch, node.labels.NAME, engine.labels.NAME.")
          .Must(v1::MustBeConstraint)
          .Example("[\"node.labels.gpu == true\"]")
          .Aka({"nodeSelector", "placement"})
          .Add("mounts", &Service::mounts, "Directories that the containers see.")
          .ListMap({"path"})
          .Example("[{workspace: true, path: /mnt/workspace}]")
          .Aka({"volumes", "volumeMounts"})
          .Add("restart", &Service::restart, "What happens when a container ends.")
          .Example("{policy: on-failure, maxAttempts: 3}")
          .Aka({"restartPolicy"})
          .Add("workDir", &Service::work_dir,
               "Working directory instead of the image's: an absolute path.")
          .Must(MustBeAbsolutePath)
          .Example("/mnt/workspace")
          .Aka({"workingDir", "working_dir", "cwd"})
          .Add(
              "user", &Service::user,
              "USER or USER:GROUP instead of the User's uid and gid; in a namespace without a User "
              "instead of the image's.")
          .Must(v1::MustBeUser)
          .Example("\"1000:1000\"")
          .Add("capabilities", &Service::capabilities,
               "Linux capabilities that the containers get beside the usual ones, where the "
               "operator allows them (--allow-capabilities).")
          .Must(v1::MustBeCapability)
          .ListSet()
          .MaxItems(64)
          .Example("[SYS_PTRACE]")
          .Aka({"cap_add", "capAdd"})
          .Add("shmSize", &Service::shm_size, "Size of /dev/shm in bytes. Absent: Docker's 64Mi.")
          .Least("1")
          .Example("64Mi")
          .Add("stopGracePeriodSeconds", &Service::stop_grace_period_seconds,
               "Seconds from SIGTERM to SIGKILL when a container is stopped.")
          .Range(0, 86400)
          .Aka({"terminationGracePeriodSeconds"})
          .Add("update", &Service::update, "How a change of what the containers are is rolled out.")
          .Example("{parallelism: 1, order: stop-first}")
          .Aka({"updateConfig", "strategy"})
          .Add("endpointMode", &Service::endpoint_mode,
               "What the service's DNS name gives: every container's address (dnsrr), or one "
               "virtual address that balances connections (vip).")
          .Enum({"dnsrr", "vip"})
          .Build();
  return type;
}

template <>
const Type& Describe<Parameter>() {
  static const Type type =
      Struct<Parameter>(
          "Parameter",
          "A value that whoever runs the application may choose; {{param.NAME}} is replaced by it.")
          .Add("name", &Parameter::name, "Name, unique within the application.")
          .Required()
          .Must(v1::MustBeParameterName)
          .Example("workers")
          .Add("type", &Parameter::type, "What values are accepted.")
          .Enum({"integer", "string", "boolean", "quantity"})
          .Add("default", &Parameter::default_value,
               "Value where none is given. Absent: one must be given.")
          .AnyScalar()
          .Example("3")
          .Add("minimum", &Parameter::minimum, "Smallest value, of an integer or a quantity.")
          .AnyScalar()
          .Example("1")
          .Aka({"min"})
          .Add("maximum", &Parameter::maximum, "Largest value, of an integer or a quantity.")
          .AnyScalar()
          .Example("16")
          .Aka({"max"})
          .Add("enum", &Parameter::enum_values, "The only values that are accepted.")
          .AnyScalar()
          .Example("[small, large]")
          .Aka({"values", "choices"})
          .Add("description", &Parameter::description, "What it does, for people.")
          .Build();
  return type;
}

template <>
const Type& Describe<v1::ApplicationSpec>() {
  using v1::ApplicationSpec;
  static const Type type =
      Struct<ApplicationSpec>("ApplicationSpec",
                              "Services that run together, and parameters to run them with.")
          .Add("title", &ApplicationSpec::title, "Title, for people; one line.")
          .MaxLength(256)
          .Example("Spark")
          .Add("description", &ApplicationSpec::description, "What it is, for people; any length.")
          .Add("logo", &ApplicationSpec::logo,
               "Picture for the web client: a URL (https: or data:).")
          .Add("parameters", &ApplicationSpec::parameters,
               "Values that whoever runs it may choose.")
          .ListMap({"name"})
          .Example("[{name: workers, type: integer, default: 3}]")
          .MaxItems(1000)
          .Add("services", &ApplicationSpec::services, "The services.")
          .ListMap({"name"})
          .Required()
          .NotEmpty()
          .MaxItems(1000)
          .Example("[{name: web, image: zoe/mini:latest}]")
          .Aka({"containers"})
          .Build();
  return type;
}

template <>
const Type& Describe<v1::ApplicationStatus>() {
  static const Type type =
      Struct<v1::ApplicationStatus>("ApplicationStatus", "An Application has nothing to report.")
          .Build();
  return type;
}

template <>
const Type& Describe<v1::Application>() {
  using v1::Application;
  static const Type type =
      Struct<Application>("Application",
                          "A reusable description of services that run together, with parameters. "
                          "Those in namespace catalog are offered to all.")
          .Constant("apiVersion", v1::kApiVersion, "Version of this format.")
          .Constant("kind", "Application", "Kind of object.")
          .Add("metadata", &Application::meta, "Name, labels and history.")
          .Required()
          .Example("{name: spark}")
          .Add("spec", &Application::spec, "The application.")
          .Required()
          .Add("status", &Application::status, "Nothing.")
          .Build();
  return type;
}

}  // namespace zoe::schema
