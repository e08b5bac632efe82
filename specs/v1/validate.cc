#include "specs/v1/validate.h"

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "specs/schema/names.h"
#include "specs/v1/describe.h"
#include "specs/v1/gateway.h"
#include "specs/v1/parameters.h"
#include "specs/v1/template.h"

namespace zoe::v1 {
namespace {

using schema::Quote;

// dockerd refuses a container with a smaller memory limit (linuxMinMemory), after Swarm has
// accepted the service.
constexpr int64_t kMinMemoryLimitMilli = int64_t{6} * 1024 * 1024 * 1000;
// sethostname(2) takes 64 bytes, a DNS label 63; replicas of up to four digits are reckoned with,
// so that scaling never fails.
constexpr size_t kHostnameLength = 63, kReplicaDigits = 4;
// What the server appends to metadata.generateName.
constexpr size_t kGeneratedLength = 5;

// Collects causes below one path.
class Findings {
 public:
  Findings(std::string path, std::vector<Cause>& causes)
      : path_(std::move(path)), causes_(causes) {}
  void Add(std::string_view field, const char* reason, std::string message) {
    std::string path = path_;
    if (!path.empty() && !field.empty() && field[0] != '[') path += '.';
    causes_.push_back(
        {.field = path + std::string(field), .reason = reason, .message = std::move(message)});
  }
  void Invalid(std::string_view field, std::string message) {
    Add(field, "FieldValueInvalid", std::move(message));
  }
  void Duplicate(const std::string& field, const std::string& what, const std::string& among) {
    Add(field, "FieldValueDuplicate", what + " is taken by another " + among);
  }
  Findings At(std::string_view list, size_t index) {
    return {
        path_ + (path_.empty() ? "" : ".") + std::string(list) + "[" + std::to_string(index) + "]",
        causes_};
  }
  const std::string& path() const { return path_; }
  std::vector<Cause>& causes() { return causes_; }

 private:
  std::string path_;
  std::vector<Cause>& causes_;
};

std::string Item(const char* list, size_t index, const char* field) {
  return std::string(list) + "[" + std::to_string(index) + "]." + field;
}

void CheckEnv(const Service& service, Findings& findings) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < service.env.size(); ++i) {
    const std::string& name = service.env[i].name;
    if (!name.empty() && !names.insert(name).second) {
      findings.Duplicate(Item("env", i, "name"), "the name " + Quote(name), "variable");
    }
  }
}

void CheckPorts(const Service& service, Findings& findings) {
  std::set<std::string_view> names;
  std::set<std::pair<int32_t, std::string_view>> numbers;
  for (size_t i = 0; i < service.ports.size(); ++i) {
    const Port& port = service.ports[i];
    if (!port.name.empty() && !names.insert(port.name).second) {
      findings.Duplicate(Item("ports", i, "name"), "the name " + Quote(port.name), "port");
    }
    if (port.port != 0 && !numbers.emplace(port.port, port.protocol).second) {
      findings.Duplicate(Item("ports", i, "port"), std::to_string(port.port) + "/" + port.protocol,
                         "port");
    }
    if (port.endpoint && port.name.empty()) {
      findings.Add(Item("ports", i, "name"), "FieldValueRequired",
                   "an endpoint needs a name, for example web");
    }
  }
}

void CheckResources(const Resources& resources, Findings& findings) {
  const auto at_most = [&](const char* field, const std::optional<Quantity>& request,
                           const std::optional<Quantity>& limit) {
    if (!request || !limit || *request <= *limit) return;
    findings.Invalid(
        std::string("resources.requests.") + field,
        "must not be more than the limit (" + limit->text() + "), found " + request->text());
  };
  at_most("cpu", resources.requests.cpu, resources.limits.cpu);
  at_most("memory", resources.requests.memory, resources.limits.memory);
  if (resources.limits.memory && resources.limits.memory->milli() < kMinMemoryLimitMilli) {
    findings.Invalid(
        "resources.limits.memory",
        "must be at least 6Mi, Docker's smallest limit, found " + resources.limits.memory->text());
  }
}

void CheckReadiness(const Readiness& readiness, Findings& findings) {
  const int probes =
      readiness.http.has_value() + readiness.tcp.has_value() + readiness.exec.has_value();
  if (probes == 0)
    findings.Add("readiness", "FieldValueRequired",
                 "needs one of http, tcp, exec, for example {tcp: {port: 8080}}");
  if (probes > 1) findings.Invalid("readiness", "must have only one of http, tcp, exec");
}

void CheckMounts(const Service& service, Findings& findings) {
  std::set<std::string_view> paths;
  for (size_t i = 0; i < service.mounts.size(); ++i) {
    const Mount& mount = service.mounts[i];
    if (mount.workspace == !mount.host_path.empty()) {
      findings.Invalid(Item("mounts", i, "workspace"),
                       mount.workspace ? "must not stand beside hostPath: a mount has one source"
                                       : "must be true, unless hostPath names a directory");
    }
    if (mount.path.find_first_not_of('/') == std::string::npos && !mount.path.empty()) {
      findings.Invalid(Item("mounts", i, "path"),
                       "must not be the root directory of the container");
    }
    if (!mount.path.empty() && !paths.insert(mount.path).second) {
      findings.Duplicate(Item("mounts", i, "path"), "the path " + Quote(mount.path), "mount");
    }
  }
}

void CheckReplicas(const Service& service, Findings& findings) {
  if (service.replicas.essential && *service.replicas.essential > service.replicas.total) {
    findings.Invalid("replicas.essential",
                     "must not be more than total (" + std::to_string(service.replicas.total) +
                         "), found " + std::to_string(*service.replicas.essential));
  }
  if (!service.monitor) return;
  if (service.restart.policy == "always") {
    findings.Invalid(
        "restart.policy",
        "must not be always for a monitor: the execution could never end; use never or on-failure");
  }
  if (service.replicas.total == 0) {
    findings.Invalid(
        "replicas.total",
        "must be at least 1 for a monitor: the execution ends when its containers have ended");
  }
}

// What an earlier rule decides, a later one never sees.
void CheckRestartRules(const Service& service, Findings& findings) {
  std::set<int32_t> codes;
  bool memory = false, node = false;
  const auto once = [&](bool& taken, bool on, const std::string& field, const char* cause) {
    if (on && taken) findings.Duplicate(field, cause, "rule");
    taken = taken || on;
  };
  for (size_t i = 0; i < service.restart.rules.size(); ++i) {
    const RestartRule& rule = service.restart.rules[i];
    const std::string path = "restart.rules[" + std::to_string(i) + "]";
    const int causes = !rule.on_exit_codes.empty() + rule.on_out_of_memory + rule.on_node_lost;
    if (causes == 0)
      findings.Add(path, "FieldValueRequired",
                   "needs one of onExitCodes, onOutOfMemory, onNodeLost, for example {onExitCodes: "
                   "[64], action: fail}");
    if (causes > 1)
      findings.Invalid(path, "must have only one of onExitCodes, onOutOfMemory, onNodeLost");
    for (size_t k = 0; k < rule.on_exit_codes.size(); ++k) {
      const int32_t code = rule.on_exit_codes[k];
      const std::string field = path + ".onExitCodes[" + std::to_string(k) + "]";
      if (code < 1 || code > 255) {
        findings.Invalid(field, "must be between 1 and 255, found " + std::to_string(code));
      } else if (!codes.insert(code).second) {
        findings.Duplicate(field, "the exit code " + std::to_string(code), "rule");
      }
    }
    once(memory, rule.on_out_of_memory, path + ".onOutOfMemory", "the end for memory");
    once(node, rule.on_node_lost, path + ".onNodeLost", "the loss of the node");
    if (rule.on_out_of_memory && !service.resources.limits.memory)
      findings.Invalid(path + ".onOutOfMemory",
                       "needs resources.limits.memory: without a limit nothing ends for memory");
  }
}

// `execution` is the name of the execution, or "" for an Application.
void CheckServices(const ApplicationSpec& application, const std::string& path,
                   std::vector<Cause>& causes) {
  Findings all(path, causes);
  if (application.services.empty()) {
    all.Add("services", "FieldValueRequired",
            "must not be empty, for example [{name: web, image: zoe/mini:latest}]");
  }
  std::set<std::string_view> names;
  for (size_t i = 0; i < application.services.size(); ++i) {
    const Service& service = application.services[i];
    Findings findings = all.At("services", i);
    if (!service.name.empty() && !names.insert(service.name).second) {
      findings.Duplicate("name", "the name " + Quote(service.name), "service");
    }
    CheckEnv(service, findings);
    CheckPorts(service, findings);
    CheckResources(service.resources, findings);
    CheckReplicas(service, findings);
    CheckRestartRules(service, findings);
    if (service.readiness) CheckReadiness(*service.readiness, findings);
    CheckMounts(service, findings);
  }
}

// SERVICE-NNNN.EXECUTION is the host name of a container.
void CheckHostnames(const Execution& execution, std::vector<Cause>& causes) {
  const bool generated = execution.meta.name.empty();
  const std::string& name = generated ? execution.meta.generate_name : execution.meta.name;
  const size_t length = name.size() + (generated ? kGeneratedLength : 0);
  size_t worst_excess = 0;
  std::string worst;
  Findings findings("", causes);
  const auto& services = execution.spec.application->services;
  for (size_t i = 0; i < services.size(); ++i) {
    const std::string& service = services[i].name;
    const size_t total = service.size() + 1 + kReplicaDigits + 1 + length;
    if (total <= kHostnameLength) continue;
    const size_t excess = total - kHostnameLength;
    const std::string why = "SERVICE-NNNN.EXECUTION, the host name of its containers, would have " +
                            std::to_string(total) +
                            " characters, and 63 are allowed: make the name ";
    if (service.size() >= length) {
      findings.Add(Item("spec.application.services", i, "name"), "FieldValueTooLong",
                   why + Quote(service) + " shorter by " + std::to_string(excess));
    } else if (excess > worst_excess) {
      worst_excess = excess;
      worst = "with service " + Quote(service) + ", " + why + Quote(name) + " shorter by " +
              std::to_string(excess);
    }
  }
  if (worst_excess > 0)
    findings.Add(generated ? "metadata.generateName" : "metadata.name", "FieldValueTooLong", worst);
}

}  // namespace

void ValidateApplication(const ObjectBase& object, std::vector<Cause>& causes) {
  const auto& application = static_cast<const Application&>(object);
  CheckServices(application.spec, "spec", causes);
  CheckDeclared(application.spec.parameters, "spec.parameters", causes);
  CheckTemplates(application.spec, "spec", causes);
}

void ValidateExecution(const ObjectBase& object, std::vector<Cause>& causes) {
  const auto& execution = static_cast<const Execution&>(object);
  const ExecutionSpec& spec = execution.spec;
  if (!spec.application) {
    if (spec.application_ref) return;
    causes.push_back(
        {.field = "spec",
         .reason = "FieldValueRequired",
         .message = "needs application: {services: [...]} or applicationRef: {name: ...}"});
    return;
  }
  CheckServices(*spec.application, "spec.application", causes);
  CheckDeclared(spec.application->parameters, "spec.application.parameters", causes);
  CheckHostnames(execution, causes);
  // Parameters without a good declaration would be reported once more.
  const auto rendered = RenderServices(execution, "");
  if (!rendered.ok())
    causes.insert(causes.end(), rendered.error().causes.begin(), rendered.error().causes.end());
}

void ValidateGateway(const ObjectBase& object, std::vector<Cause>& causes) {
  const GatewayPorts& ports = static_cast<const Gateway&>(object).spec.ports;
  if (ports.socks == 0 || ports.socks != ports.ssh) return;
  Findings("spec.ports", causes)
      .Invalid("socks", "must not be the port of ssh, found " + std::to_string(ports.socks));
}

void ValidateEvent(const ObjectBase&, std::vector<Cause>&) {}

}  // namespace zoe::v1
