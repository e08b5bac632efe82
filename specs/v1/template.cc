#include "specs/v1/template.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "specs/schema/decode.h"
#include "specs/schema/names.h"

namespace zoe::v1 {
namespace {

constexpr std::string_view kOpen = "{{", kClose = "}}";
// What Swarm turns into two literal braces.
constexpr std::string_view kEscapedOpen = R"({{"{{"}})", kEscapedBrace = R"({{"{"}})";

constexpr char kHowToEscape[] = R"(. Write {{"{{"}} for two literal braces)";

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Where the action that starts before `from` ends; braces within its string literals don't count.
size_t FindClose(std::string_view text, size_t from) {
  for (size_t i = from; i < text.size(); ++i) {
    if (text.compare(i, kClose.size(), kClose) == 0) return i;
    if (text[i] != '"' && text[i] != '`') continue;
    const char quote = text[i];
    size_t end = i + 1;
    while (end < text.size() && text[end] != quote)
      end += quote == '"' && text[end] == '\\' ? 2 : 1;
    if (end >= text.size()) return text.find(kClose, from);  // a lone quote is just a character
    i = end;
  }
  return std::string_view::npos;
}

// Whether an action is of Go's template language as Swarm speaks it, rather than one of ours.
bool IsGoAction(std::string_view action) {
  static const std::vector<std::string_view> kWords = {
      "if",   "else", "end",   "range", "with",   "define", "template", "block",   "index",
      "join", "len",  "slice", "print", "eq",     "ne",     "lt",       "le",      "gt",
      "ge",   "and",  "or",    "not",   "printf", "html",   "js",       "println", "urlquery"};
  if (action.starts_with("- ")) action = Trim(action.substr(2));
  if (action.empty()) return false;
  if (action[0] == '.' || action[0] == '"' || action[0] == '`' || action[0] == '$' ||
      action[0] == '(')
    return true;
  if (action.starts_with("/*")) return true;
  const std::string_view word = action.substr(0, action.find_first_of(" \t"));
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

const std::vector<std::string_view>& SwarmFields() {
  static const std::vector<std::string_view> kFields = {".Service.ID",
                                                        ".Service.Name",
                                                        ".Service.Labels",
                                                        ".Node.ID",
                                                        ".Node.Hostname",
                                                        ".Node.Platform.OS",
                                                        ".Node.Platform.Architecture",
                                                        ".Task.ID",
                                                        ".Task.Name",
                                                        ".Task.Slot"};
  return kFields;
}

// True unless the action is a plain chain of fields that Swarm does not have.
bool SwarmKnows(std::string_view action) {
  if (action[0] != '.' || action.find_first_of(" \t|(") != std::string_view::npos) return true;
  if (action.starts_with(".Service.Labels.")) return true;
  const auto& fields = SwarmFields();
  return std::find(fields.begin(), fields.end(), action) != fields.end() || action == ".";
}

class Renderer {
 public:
  Renderer(const TemplateScope& scope, std::vector<std::string>& problems)
      : scope_(scope), problems_(problems) {}

  std::string Render(std::string_view text) {
    size_t at = 0;
    while (true) {
      const size_t open = text.find(kOpen, at);
      literal_ += text.substr(at, open - at);
      if (open == std::string_view::npos) break;
      const size_t close = FindClose(text, open + kOpen.size());
      if (close == std::string_view::npos) {
        if (scope_.swarm_expands) Problem(R"("{{" without "}}")", open, kHowToEscape);
        literal_ += text.substr(open);
        break;
      }
      const size_t end = close + kClose.size();
      Action(text.substr(open, end - open), open);
      at = end;
    }
    Flush(false);
    return std::move(out_);
  }

 private:
  void Action(std::string_view whole, size_t offset);
  bool Ours(std::string_view name, size_t offset);
  void Replica(std::string_view before, std::string_view after, std::string_view name,
               size_t offset);
  void Unknown(std::string_view name, size_t offset);

  void Problem(const std::string& what, size_t offset, const std::string& advice) {
    problems_.push_back(what + " at character " + std::to_string(offset + 1) + advice);
  }
  // Something that Swarm has to expand.
  void PassThrough(std::string_view action) {
    Flush(true);
    out_ += action;
  }
  // Text that must arrive as it is. An open brace next to another one, or to an action, would be
  // read as a template.
  void Flush(bool before_action) {
    if (!scope_.swarm_expands) {
      out_ += literal_;
    } else {
      for (size_t i = 0; i < literal_.size(); ++i) {
        if (literal_.compare(i, kOpen.size(), kOpen) == 0) {
          out_ += kEscapedOpen;
          ++i;
        } else if (literal_[i] == '{' && before_action && i + 1 == literal_.size()) {
          out_ += kEscapedBrace;
        } else {
          out_ += literal_[i];
        }
      }
    }
    literal_.clear();
  }

  const TemplateScope& scope_;
  std::vector<std::string>& problems_;
  std::string literal_, out_;
};

void Renderer::Action(std::string_view whole, size_t offset) {
  const std::string_view name =
      Trim(whole.substr(kOpen.size(), whole.size() - kOpen.size() - kClose.size()));
  if (name == R"("{{")" || name == R"("}}")") {
    literal_ += name.substr(1, 2);
  } else if (IsGoAction(name)) {
    if (!scope_.swarm_expands) {
      literal_ += whole;
    } else if (SwarmKnows(name)) {
      PassThrough(whole);
    } else {
      Problem("Swarm knows no template {{" + std::string(name) + "}}", offset,
              schema::DidYouMean(name, SwarmFields()));
    }
  } else if (!Ours(name, offset)) {
    Unknown(name, offset);
  }
}

bool Renderer::Ours(std::string_view name, size_t offset) {
  if (name == "execution.name") return literal_ += scope_.execution_name, true;
  if (name == "execution.namespace") return literal_ += scope_.ns, true;
  if (name == "user.name") return literal_ += scope_.user_name, true;
  if (name == "deployment") return literal_ += scope_.deployment, true;
  if (name == "replica") return Replica("", "", name, offset), true;
  if (name == "dns.self")
    return Replica(scope_.service + "-", "." + scope_.execution_name, name, offset), true;
  if (name == "workspace") {
    literal_ += scope_.workspace;
    if (scope_.workspace.empty()) {
      Problem("{{workspace}}", offset,
              " needs a mount: this service has no mounts: [{workspace: true, path: ...}]");
    }
    return true;
  }
  if (name.starts_with("dns.")) {
    const std::string_view service = name.substr(4);
    if (std::find(scope_.services.begin(), scope_.services.end(), service) == scope_.services.end())
      return false;
    literal_ += std::string(service) + "." + scope_.execution_name;
    return true;
  }
  if (name.starts_with("param.")) {
    const auto parameter = scope_.parameters.find(std::string(name.substr(6)));
    if (parameter == scope_.parameters.end()) return false;
    literal_ += parameter->second;
    return true;
  }
  if (name.starts_with("proxy.")) {
    const EndpointTarget* endpoint = FindEndpoint(scope_.endpoints, name.substr(6));
    if (endpoint == nullptr) return false;
    literal_ += ProxyPath(scope_.ns, scope_.execution_name, endpoint->id) + "/";
    return true;
  }
  return false;
}

void Renderer::Replica(std::string_view before, std::string_view after, std::string_view name,
                       size_t offset) {
  if (scope_.replica.empty()) {
    Problem(
        "{{" + std::string(name) + "}}", offset,
        " is not known in command and args of a service with several replicas, for Swarm fills it "
        "in in env only: "
        "add env: [{name: REPLICA, value: \"{{" +
            std::string(name) +
            "}}\"}] and use $REPLICA in a shell, as in command: [sh, -c, 'exec program $REPLICA']");
    return;
  }
  literal_ += before;
  if (scope_.replica.find(kOpen) != std::string::npos) {
    PassThrough(scope_.replica);
  } else {
    literal_ += scope_.replica;
  }
  literal_ += after;
}

std::string AdviseEndpoint(const std::vector<EndpointTarget>& endpoints) {
  if (endpoints.empty()) {
    return ": there are no endpoints: give a port with a name, of scheme http, endpoint: true";
  }
  std::string known;
  for (const EndpointTarget& endpoint : endpoints)
    known += (known.empty() ? "" : ", ") + endpoint.id;
  return ": there is no endpoint of that name, only " + known;
}

void Renderer::Unknown(std::string_view name, size_t offset) {
  std::vector<std::string> names = {
      "execution.name", "execution.namespace", "user.name", "deployment", "replica", "dns.self",
      "workspace"};
  for (const std::string& service : scope_.services) names.push_back("dns." + service);
  for (const auto& [parameter, value] : scope_.parameters) names.push_back("param." + parameter);
  for (const EndpointTarget& endpoint : scope_.endpoints) names.push_back("proxy." + endpoint.id);
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string_view closest = schema::Closest(name, views);
  std::string advice;
  if (!closest.empty()) {
    advice = ", did you mean {{" + std::string(closest) + "}}?";
  } else if (name.starts_with("param.")) {
    advice = ": there is no parameter of that name";
  } else if (name.starts_with("dns.")) {
    advice = ": there is no service of that name";
  } else if (name.starts_with("proxy.")) {
    advice = AdviseEndpoint(scope_.endpoints);
  } else {
    advice = ", known are " + schema::Join(views) + kHowToEscape;
  }
  const std::string quoted = schema::Quote(name);
  Problem("unknown template {{" + quoted.substr(1, quoted.size() - 2) + "}}", offset, advice);
}

std::string WorkspacePath(const Service& service) {
  for (const Mount& mount : service.mounts) {
    if (mount.workspace) return mount.path;
  }
  return "";
}

// Replaces the templates of one service. `path` is that of the service.
void RenderService(Service& service, TemplateScope& scope, const std::string& path,
                   std::vector<Cause>& causes) {
  const auto render = [&](std::string& text, const auto& field) {
    if (text.find(kOpen) == std::string::npos || causes.size() >= schema::kMaxCauses) return;
    std::vector<std::string> problems;
    std::string rendered = Renderer(scope, problems).Render(text);
    for (std::string& problem : problems) {
      causes.push_back(
          {.field = path + field(), .reason = "FieldValueInvalid", .message = std::move(problem)});
    }
    text = std::move(rendered);
  };
  scope.service = service.name;
  scope.workspace = WorkspacePath(service);
  scope.replica = "{{.Task.Slot}}";
  scope.swarm_expands = true;
  for (size_t i = 0; i < service.env.size(); ++i) {
    render(service.env[i].value, [i] { return ".env[" + std::to_string(i) + "].value"; });
  }
  scope.replica = service.replicas.total == 1 ? "1" : "";
  scope.swarm_expands = false;
  for (size_t i = 0; i < service.command.size(); ++i) {
    render(service.command[i], [i] { return ".command[" + std::to_string(i) + "]"; });
  }
  for (size_t i = 0; i < service.args.size(); ++i) {
    render(service.args[i], [i] { return ".args[" + std::to_string(i) + "]"; });
  }
}

void RenderAll(std::vector<Service>& services, TemplateScope& scope, std::string_view path,
               std::vector<Cause>& causes) {
  for (const Service& service : services) scope.services.push_back(service.name);
  scope.endpoints = EndpointsOf(services);
  std::erase_if(scope.endpoints, [](const EndpointTarget& e) { return !IsProxied(e.port); });
  for (size_t i = 0; i < services.size(); ++i) {
    RenderService(services[i], scope, std::string(path) + ".services[" + std::to_string(i) + "]",
                  causes);
    services[i].restart.policy = services[i].restart_policy();
  }
}

Error Invalid(std::string message, std::vector<Cause> causes) {
  Error error = MakeError(Code::kInvalid, "Invalid", std::move(message));
  error.causes = std::move(causes);
  return error;
}

}  // namespace

Expected<std::string> RenderTemplate(std::string_view text, const TemplateScope& scope) {
  std::vector<std::string> problems;
  std::string rendered = Renderer(scope, problems).Render(text);
  if (problems.empty()) return rendered;
  return MakeError(Code::kInvalid, "UnknownTemplate",
                   schema::Join(std::vector<std::string_view>(problems.begin(), problems.end())));
}

Expected<std::vector<Service>> RenderServices(const Execution& execution,
                                              std::string_view deployment) {
  auto parameters = ExecutionParameters(execution);
  std::vector<Cause> causes;
  if (!parameters.ok()) causes = parameters.error().causes;
  TemplateScope scope;
  scope.execution_name = execution.meta.name;
  scope.ns = execution.meta.ns;
  scope.user_name = execution.meta.ns;  // a namespace belongs to the user of the same name
  scope.deployment = deployment;
  if (parameters.ok()) {
    scope.parameters = std::move(*parameters);
  } else {  // so that {{param.X}} of a parameter with a bad value is not reported as well
    scope.parameters = execution.spec.parameters;
    for (const Parameter& parameter : execution.spec.application->parameters)
      scope.parameters.try_emplace(parameter.name);
  }
  std::vector<Service> services = execution.spec.application->services;
  RenderAll(services, scope, "spec.application", causes);
  if (causes.empty()) return services;
  return Invalid("Execution \"" + execution.meta.name + "\" is invalid", std::move(causes));
}

void CheckTemplates(const ApplicationSpec& application, std::string_view path,
                    std::vector<Cause>& causes) {
  TemplateScope scope;
  for (const Parameter& parameter : application.parameters)
    scope.parameters.try_emplace(parameter.name);
  std::vector<Service> services = application.services;
  RenderAll(services, scope, path, causes);
}

}  // namespace zoe::v1
