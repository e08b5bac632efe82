#include <algorithm>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/waiter.h"

namespace zoe::cli {
namespace {

using codec::Value;

struct Victim {
  Resource resource;
  std::string ns, name;
};

// "all" is what users made, executions before their applications.
Expected<std::vector<Target>> DeleteTargets(const Session& session) {
  ZOE_ASSIGN(std::vector<Target> targets, ParseTargets(session.words()));
  if (session.words()[0] != "all") return targets;
  std::erase_if(targets, [](const Target& target) { return ComesWithUser(target.resource); });
  std::reverse(targets.begin(), targets.end());
  return targets;
}

Expected<std::vector<Victim>> Collect(Session& session, client::Client& client) {
  std::vector<Victim> victims;
  const Arguments& args = session.args();
  if (args.Has("filename")) {
    const Manifests manifests = ReadManifests(session.io(), FileOptions(session, false));
    if (!manifests.problems.empty()) return MakeError(Code::kInvalid, manifests.problems[0]);
    std::vector<Manifest> objects = manifests.objects;
    SortByKind(objects);
    // Backwards: a user goes after what is in the user's namespace.
    std::for_each(objects.rbegin(), objects.rend(), [&](const Manifest& m) {
      victims.push_back({m.resource, m.ns, m.name});
    });
    return victims;
  }
  ZOE_ASSIGN(const std::vector<Target> targets, DeleteTargets(session));
  for (const Target& target : targets) {
    for (const std::string& name : target.names)
      victims.push_back({target.resource, session.ns(), name});
    if (!target.names.empty()) continue;
    ZOE_ASSIGN(const Value list,
               client.List(target.resource.Path(session.ListNamespace()), Selectors(session)));
    for (const Value& item : list.Find("items")->as_array()) {
      victims.push_back(
          {target.resource, item.StringAt("metadata.namespace"), item.StringAt("metadata.name")});
    }
  }
  return victims;
}

// Wrong usage, before anything is asked of the server; empty if there is none.
std::string Wrong(const Session& session) {
  const Arguments& args = session.args();
  const bool many = args.Has("selector") || args.Has("field-selector") || args.Is("all");
  if (args.Has("filename")) {
    return session.words().empty() && !many ? "" : "-f and names or selectors don't mix";
  }
  const auto targets = ParseTargets(session.words());
  if (!targets.ok()) return targets.error().message;
  for (const Target& target : *targets) {
    if (target.names.empty() && !many)
      return "which " + target.resource.singular + "? give names, -l SELECTOR or --all";
    if (!target.names.empty() && many) return "names and selectors don't mix";
    if (!target.names.empty() && args.Is("all-namespaces"))
      return "names and --all-namespaces don't mix";
  }
  return "";
}

// Gone, or another object of the same name.
Judge GoneJudge(std::string uid) {
  return [uid = std::move(uid)](const Value* object) -> Judgement {
    const bool gone =
        object == nullptr || (!uid.empty() && object->StringAt("metadata.uid") != uid);
    return {gone ? Verdict::kMet : Verdict::kWaiting, ""};
  };
}

}  // namespace

int Delete(Session& session) {
  const Arguments& args = session.args();
  const auto output = ParseOutput(args.Get("output"));
  if (!output.ok() ||
      (output->format != Output::Format::kTable && output->format != Output::Format::kName)) {
    return session.Usage("delete takes -o name");
  }
  if (const std::string wrong = Wrong(session); !wrong.empty()) return session.Usage(wrong);
  const auto timeout = ParseTimeout(args.Get("timeout"));
  if (!timeout.ok()) return session.Usage("--timeout: " + timeout.error().message);
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);
  const auto victims = Collect(session, **client);
  if (!victims.ok()) {
    return victims.error().code == Code::kInvalid ? session.Fail(victims.error().message)
                                                  : session.Fail(victims.error());
  }
  const bool chosen = args.Has("filename") || !args.Has("selector");
  const bool dry = args.Get("dry-run") != "none";
  std::vector<Awaited> awaited;
  bool failed = false;
  for (const Victim& victim : *victims) {
    const std::string path = victim.resource.Path(victim.ns, victim.name);
    const auto answer = args.Get("dry-run") == "client"
                            ? (*client)->Get(path)
                            : (*client)->Delete(path, DryRunQuery(session));
    if (!answer.ok()) {
      const bool ignore = answer.error().code == Code::kNotFound &&
                          (args.Is("ignore-not-found") || !chosen || args.Is("all"));
      if (ignore) continue;
      session.Fail(answer.error());
      failed = true;
      continue;
    }
    if (output->format == Output::Format::kName) {
      session.out() << victim.resource.Label(victim.name) << std::endl;
    } else {
      session.out() << victim.resource.Singular() << " \"" << victim.name << "\" deleted"
                    << DryRunNote(session) << std::endl;
    }
    std::string uid = answer->StringAt("metadata.uid");
    if (uid.empty()) uid = answer->StringAt("details.uid");
    awaited.push_back({.resource = victim.resource,
                       .ns = victim.ns,
                       .name = victim.name,
                       .judge = GoneJudge(std::move(uid))});
  }
  if (victims->empty()) session.err() << "No resources found\n";
  if (!args.Is("wait") || dry || awaited.empty()) return failed ? kFailed : kOk;
  const int waited =
      Wait(session, awaited, {.timeout = *timeout, .show = true, .tell = false, .on_met = {}});
  return failed && waited == kOk ? kFailed : waited;
}

}  // namespace zoe::cli
