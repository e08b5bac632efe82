#include "specs/v1/markdown.h"

#include "specs/schema/markdown.h"
#include "specs/v1/kinds.h"

namespace zoe::v1 {
namespace {

constexpr char kIntroduction[] = R"(# Kinds of zoe/v1

Every object has `apiVersion`, `kind` and `metadata`; users write `spec`, the controller writes `status`. Several objects may
stand in one file, separated by `---`. JSON is YAML.

- A *quantity* is a number with an optional suffix: `500m` is a half, `2`, `1.5`, `512Mi`, `1G`.
- A *time* is RFC 3339: `2026-01-31T12:00:00Z`.
- A *scalar* is a string, a number or a boolean, and is kept as it was written.
- A DNS label has at most 63 lower-case letters, digits and `-`, with a letter or digit at both ends.
- Unknown fields are refused, with what was probably meant.

## Templates

In `env` values, `command` and `args` of a service these are replaced; an unknown one is refused:

| Template | Becomes |
|---|---|
| `{{execution.name}}`, `{{execution.namespace}}` | name and namespace of the execution |
| `{{user.name}}` | the user to whom the namespace belongs |
| `{{deployment}}` | name of the deployment of Zoe |
| `{{param.NAME}}` | value of a parameter |
| `{{dns.SERVICE}}` | `SERVICE.EXECUTION`: all containers of a service of the same execution |
| `{{dns.self}}` | `SERVICE-N.EXECUTION`: this container |
| `{{replica}}` | N: the number of this container, from 1 to `replicas.total` |
| `{{proxy.PORT}}` | path under which the API's proxy has that endpoint, with a slash at the end: the base URL of a program whose port has `proxyPath: keep` |
| `{{workspace}}` | path at which this service mounts the workspace |
| `{{"{{"}}` | two literal braces |

Docker Swarm knows the number of a container in `env` only. In `command` and `args` of a service with several replicas
`{{replica}}` and `{{dns.self}}` are therefore refused; pass them through a variable:

```yaml
env: [{name: REPLICA, value: "{{replica}}"}]
command: [sh, -c, "exec worker --number $REPLICA"]
```

Swarm's own templates, such as `{{.Node.Hostname}}`, work in `env` values; in `command` and `args` they are plain text. What
a value contains is never taken for a template.

)";

std::string Header(const Kind& kind) {
  std::string out = "## " + std::string(kind.name) +
                    "s\n\n| Plural | Singular | Short | Scope | Columns of `get` (with `-o wide`) "
                    "|\n|---|---|---|---|---|\n| `";
  out += std::string(kind.plural) + "` | `" + std::string(kind.singular) + "` | ";
  for (const std::string_view name : kind.short_names) out += "`" + std::string(name) + "` ";
  out += kind.namespaced ? "| namespace | " : "| cluster | ";
  bool first = true;
  for (const Column& column : kind.columns) {
    if (!first) out += ", ";
    out += column.priority == 0 ? std::string(column.name) : "(" + std::string(column.name) + ")";
    first = false;
  }
  return out + " |\n\n";
}

}  // namespace

std::string KindsMarkdown() {
  std::string out = kIntroduction;
  std::vector<const schema::Type*> described;
  for (const Kind& kind : Kinds()) {
    out += Header(kind);
    out += schema::Markdown(*kind.type, described);
  }
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

}  // namespace zoe::v1
