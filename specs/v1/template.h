// Templates in env values, command and args: {{execution.name}}, {{execution.namespace}}, {{user.name}}, {{deployment}}, {{replica}},
// {{dns.self}}, {{dns.SERVICE}}, {{param.NAME}}, {{workspace}}.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "specs/meta/expected.h"
#include "specs/v1/execution.h"

namespace zoe::v1 {

struct TemplateScope {
  std::string execution_name, ns, user_name, deployment;
  std::vector<std::string> services;               // names that {{dns.X}} may use
  std::map<std::string, std::string> parameters;   // declared ones with their values (defaults filled)
  std::string service;                             // the one that holds the text: {{dns.self}}
  std::string workspace;                           // its workspace mount's path; empty: {{workspace}} is an error
  std::string replica = "{{.Task.Slot}}";          // what {{replica}} becomes: Swarm's own template
};

// Replaces every template in `text`. kInvalid names the unknown one, its offset and what is close. Text of values is never
// expanded again, and a Go template of Swarm's ("{{.Node.Hostname}}") passes through unchanged.
Expected<std::string> RenderTemplate(std::string_view text, const TemplateScope& scope);

// Every parameter's value: given, or default. Checks types, bounds, enums, unknown names; causes under `path`
// ("spec.parameters"). A declared parameter without default and value is an error.
Expected<std::map<std::string, std::string>> ResolveParameters(const std::vector<Parameter>& declared,
                                                               const std::map<std::string, std::string>& given,
                                                               std::string_view path);

// The services of an execution with all templates replaced; every error at once with field paths. Requires spec.application.
// `dns.X` is "X.EXECUTION"; `dns.self` is "SERVICE-{{.Task.Slot}}.EXECUTION".
Expected<std::vector<Service>> RenderServices(const Execution& execution, std::string_view deployment);

}  // namespace zoe::v1
