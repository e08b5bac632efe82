// config: the file of contexts.
#include <algorithm>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/table.h"

namespace zoe::cli {
namespace {

int ShowConfig(Session& session, const Config& config) {
  const auto output =
      ParseOutput(session.args().Has("output") ? session.args().Get("output") : "yaml");
  if (!output.ok() || output->IsTable() || output->format == Output::Format::kName)
    return session.Usage("config view takes -o yaml, json or jsonpath=…");
  PrintObject(session.out(), *output, config.ToValue(session.args().Is("raw")));
  return kOk;
}

int ListContexts(Session& session, const Config& config) {
  if (session.args().Get("output") == "name") {
    for (const Context& context : config.contexts) session.out() << context.name << '\n';
    return kOk;
  }
  Table table({"CURRENT", "NAME", "SERVER", "USER", "NAMESPACE"});
  for (const Context& context : config.contexts) {
    const std::string user = !context.token.empty() ? "<token>" : context.user;
    table.Add({context.name == config.current ? "*" : "", context.name, context.server, user,
               context.ns});
  }
  table.Flush(session.out());
  return kOk;
}

int SetContext(Session& session, const std::string& path, Config& config) {
  const Arguments& args = session.args();
  std::string name = session.words().size() > 1 ? session.words()[1] : "";
  if (name.empty() && args.Is("current")) name = config.current;
  if (name.empty()) return session.Usage("set-context needs a name, or --current");
  const bool known = config.Find(name) != nullptr;
  Context& context = config.At(name);
  constexpr struct {
    const char* flag;
    std::string Context::*member;
  } kFields[] = {{"server", &Context::server}, {"namespace", &Context::ns},
                 {"user", &Context::user},     {"password", &Context::password},
                 {"token", &Context::token},   {"certificate-authority", &Context::ca_file}};
  for (const auto& [flag, member] : kFields) {
    if (args.Has(flag)) context.*member = args.Get(flag);
  }
  if (config.current.empty()) config.current = name;
  if (const auto saved = SaveConfig(path, config); !saved.ok())
    return session.Fail(saved.error().message);
  session.out() << "Context \"" << name << "\" " << (known ? "modified" : "created") << ".\n";
  return kOk;
}

int ChooseContext(Session& session, const std::string& path, Config& config, bool remove) {
  if (session.words().size() != 2)
    return session.Usage("which context? see \"zoe config get-contexts\"");
  const std::string& name = session.words()[1];
  if (config.Find(name) == nullptr)
    return session.Fail("no context \"" + name + "\" in " + path +
                        ": see \"zoe config get-contexts\"");
  if (remove) {
    std::erase_if(config.contexts, [&](const Context& c) { return c.name == name; });
    if (config.current == name) config.current.clear();
  } else {
    config.current = name;
  }
  if (const auto saved = SaveConfig(path, config); !saved.ok())
    return session.Fail(saved.error().message);
  if (remove) {
    session.out() << "deleted context " << name << " from " << path << '\n';
  } else {
    session.out() << "Switched to context \"" << name << "\".\n";
  }
  return kOk;
}

}  // namespace

int ConfigCommand(Session& session) {
  if (!session.words().empty() && session.words()[0] == "kubeconfig") {
    auto connected = Session::Open(session.io(), session.args(), "config");
    return connected.ok() ? ConfigKubeconfig(*connected) : session.Fail(connected.error().message);
  }
  const std::string path = ConfigPath(session.io());
  auto config = LoadConfig(path);
  if (!config.ok()) return session.Fail(config.error().message);
  const std::string command = session.words().empty() ? "" : session.words()[0];
  if (command == "view") return ShowConfig(session, *config);
  if (command == "get-contexts") return ListContexts(session, *config);
  if (command == "set-context") return SetContext(session, path, *config);
  if (command == "use-context") return ChooseContext(session, path, *config, false);
  if (command == "delete-context") return ChooseContext(session, path, *config, true);
  if (command == "current-context") {
    if (config->current.empty()) return session.Fail("current-context is not set");
    session.out() << config->current << '\n';
    return kOk;
  }
  const std::vector<std::string_view> commands{"view",        "get-contexts", "current-context",
                                               "use-context", "set-context",  "delete-context",
                                               "kubeconfig"};
  const std::string close = Closest(command, commands);
  return session.Usage(
      "config takes one of view, get-contexts, current-context, use-context, set-context, "
      "delete-context, kubeconfig" +
      (close.empty() ? "" : "; did you mean \"" + close + "\"?"));
}

}  // namespace zoe::cli
