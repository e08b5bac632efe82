// Templates in env values, command and args: {{execution.name}}, {{execution.namespace}},
// {{user.name}}, {{deployment}}, {{replica}},
// {{dns.self}}, {{dns.SERVICE}}, {{param.NAME}}, {{proxy.PORT}}, {{workspace}}. Spaces inside the
// braces don't matter.
//
// {{proxy.PORT}} is the path under which the API's proxy has an endpoint (endpoints.h), with a
// slash at the end: the base URL of a program whose port says proxyPath: keep.
//
// Swarm expands Go templates in env values (and hostname and mounts), but neither in command nor in
// args (swarmkit, template.ExpandContainerSpec). Therefore:
// - In env, {{replica}} becomes Swarm's {{.Task.Slot}}. In command and args it is 1 where the
// service has one replica in
//   total, else an error that says to pass it in an env variable. The same holds for {{dns.self}},
//   which contains it.
// - In env, a Go template of Swarm's ("{{.Node.Hostname}}", "{{if ...}}") passes through; a field
// that Swarm does not have is an
//   error here, because there the task would be refused. In command and args all of them are plain
//   text, for nobody expands them: docker's own --format '{{.ID}}' stays what it is.
// - Values (of parameters, say) are never expanded again, by us or by Swarm: in env, "{{" in what
// was filled in is written
//   {{"{{"}}, which Swarm turns back into "{{".
// - Users write {{"{{"}} for two literal braces, in env, command and args alike.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "specs/meta/expected.h"
#include "specs/v1/endpoints.h"
#include "specs/v1/execution.h"

namespace zoe::v1 {

struct TemplateScope {
  std::string execution_name, ns, user_name, deployment;
  std::vector<std::string> services;      // names that {{dns.X}} may use
  std::vector<EndpointTarget> endpoints;  // that {{proxy.X}} may name
  std::map<std::string, std::string>
      parameters;         // declared ones with their values (defaults filled)
  std::string service;    // the one that holds the text: {{dns.self}}
  std::string workspace;  // its workspace mount's path; empty: {{workspace}} is an error
  std::string replica =
      "{{.Task.Slot}}";       // what {{replica}} becomes; empty: it and {{dns.self}} are errors
  bool swarm_expands = true;  // true for env values, false for command and args
};

// Replaces every template in `text`. kInvalid names each unknown one, its offset and what is close.
Expected<std::string> RenderTemplate(std::string_view text, const TemplateScope& scope);

// Every parameter's value: given, or default. Checks types, bounds, enums, unknown names; causes
// under `path`
// ("spec.parameters"). A declared parameter without default and value is an error.
Expected<std::map<std::string, std::string>> ResolveParameters(
    const std::vector<Parameter>& declared, const std::map<std::string, std::string>& given,
    std::string_view path);

// The values of an execution's parameters: ResolveParameters, but an inline application (no
// applicationRef) that declares no parameters takes any. Requires spec.application.
Expected<std::map<std::string, std::string>> ExecutionParameters(const Execution& execution);

// The services of an execution with all templates replaced and restart.policy filled; every error
// at once with field paths. Requires spec.application. `dns.X` is "X.EXECUTION"; `dns.self` is
// "SERVICE-{{.Task.Slot}}.EXECUTION".
Expected<std::vector<Service>> RenderServices(const Execution& execution,
                                              std::string_view deployment);

// Checks the templates of an Application that nobody runs yet; appends causes. Field paths start
// with `path` ("spec").
void CheckTemplates(const ApplicationSpec& application, std::string_view path,
                    std::vector<Cause>& causes);

}  // namespace zoe::v1
