#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/waiter.h"

namespace zoe::cli {
namespace {

using codec::Value;

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// What is hoped for, of one object.
struct Hope {
  enum class Kind { kCondition, kDelete, kCreate, kPath } kind = Kind::kCondition;
  std::string condition, value;
  bool any_value = false;
  JsonPath path;
  std::string text;  // as the user wrote it
};

Expected<Hope> ParseFor(const std::string& text) {
  Hope hope{.text = text};
  if (text == "delete" || text == "create") {
    hope.kind = text == "delete" ? Hope::Kind::kDelete : Hope::Kind::kCreate;
    return hope;
  }
  if (text.starts_with("condition=")) {
    hope.condition = text.substr(10);
    hope.value = "True";
    if (const size_t equal = hope.condition.find('='); equal != std::string::npos) {
      hope.value = hope.condition.substr(equal + 1);
      hope.condition.resize(equal);
    }
    if (hope.condition.empty())
      return MakeError(Code::kBadRequest, "--for=condition=NAME needs a condition's name");
    return hope;
  }
  if (text.starts_with("jsonpath=")) {
    hope.kind = Hope::Kind::kPath;
    std::string path = text.substr(9);
    // The value follows the last '=' behind the path's brackets.
    const size_t close = path.starts_with('{') ? path.rfind('}') : path.find_last_of("])");
    const size_t equal = path.find('=', close == std::string::npos ? 0 : close);
    hope.any_value = equal == std::string::npos;
    if (!hope.any_value) {
      hope.value = path.substr(equal + 1);
      path.resize(equal);
    }
    if (hope.value.size() >= 2 && (hope.value.front() == '"' || hope.value.front() == '\'') &&
        hope.value.back() == hope.value.front()) {
      hope.value = hope.value.substr(1, hope.value.size() - 2);
    }
    ZOE_ASSIGN(hope.path, JsonPath::ParseRelaxed(path));
    return hope;
  }
  return MakeError(
      Code::kBadRequest,
      "--for takes condition=NAME[=VALUE], delete, create or jsonpath={PATH}[=VALUE], not \"" +
          text + "\"");
}

bool Fulfilled(const Hope& hope, const Value& object) {
  if (hope.kind == Hope::Kind::kPath) {
    for (const Value* value : hope.path.Select(object)) {
      if (hope.any_value ? !value->is_null() : PathText(*value) == hope.value) return true;
    }
    return false;
  }
  const Value* conditions = object.At("status.conditions");
  if (conditions == nullptr || !conditions->is_array()) return false;
  for (const Value& condition : conditions->as_array()) {
    if (Lower(condition.StringAt("type")) != Lower(hope.condition)) continue;
    const int64_t observed = IntAt(condition, "observedGeneration");
    if (observed != 0 && observed < IntAt(object, "metadata.generation"))
      return false;  // of an older spec
    return Lower(condition.StringAt("status")) == Lower(hope.value);
  }
  return false;
}

// An execution that has ended changes no more: what isn't true now, never will be.
Judgement Hopeless(const Hope& hope, const Value& object) {
  const std::string phase = object.StringAt("status.phase");
  const bool ended = phase == "Failed" || phase == "Succeeded";
  const bool current =
      IntAt(object, "status.observedGeneration") >= IntAt(object, "metadata.generation");
  const bool about_spec =
      hope.kind == Hope::Kind::kPath && hope.text.find("status") == std::string::npos;
  if (object.StringAt("kind") != "Execution" || !ended || !current || about_spec) return {};
  const std::string reason = Reason(object);
  return {Verdict::kHopeless, "the execution has ended as " + phase +
                                  (reason.empty() ? "" : " (" + reason + ")") + ": " + hope.text +
                                  " can't come true any more"};
}

Judge MakeJudge(const Hope& hope, std::string uid) {
  return [hope, uid = std::move(uid)](const Value* object) -> Judgement {
    if (hope.kind == Hope::Kind::kDelete) {
      const bool gone =
          object == nullptr || (!uid.empty() && object->StringAt("metadata.uid") != uid);
      return {gone ? Verdict::kMet : Verdict::kWaiting, ""};
    }
    if (hope.kind == Hope::Kind::kCreate)
      return {object != nullptr ? Verdict::kMet : Verdict::kWaiting, ""};
    if (object == nullptr) return {Verdict::kHopeless, "was deleted"};
    if (Fulfilled(hope, *object)) return {Verdict::kMet, ""};
    return Hopeless(hope, *object);
  };
}

// The objects to wait for; those that aren't there are an error unless that is what is hoped for.
Expected<std::vector<Awaited>> Collect(Session& session, client::Client& client, const Hope& hope) {
  std::vector<Awaited> awaited;
  std::vector<std::pair<One, std::string>> named;
  if (session.args().Has("filename")) {
    const Manifests manifests = ReadManifests(session.io(), FileOptions(session, false));
    if (!manifests.problems.empty()) return MakeError(Code::kInvalid, manifests.problems[0]);
    for (const Manifest& m : manifests.objects) named.push_back({{m.resource, m.name}, m.ns});
  } else {
    ZOE_ASSIGN(const std::vector<Target> targets, ParseTargets(session.words()));
    for (const Target& target : targets) {
      for (const std::string& name : target.names)
        named.push_back({{target.resource, name}, session.ns()});
      if (!target.names.empty()) continue;
      ZOE_ASSIGN(const Value list,
                 client.List(target.resource.Path(session.ListNamespace()), Selectors(session)));
      for (const Value& item : list.Find("items")->as_array()) {
        awaited.push_back({.resource = target.resource,
                           .ns = item.StringAt("metadata.namespace"),
                           .name = item.StringAt("metadata.name"),
                           .judge = MakeJudge(hope, item.StringAt("metadata.uid"))});
      }
    }
  }
  for (auto& [one, ns] : named) {
    std::string uid;
    if (hope.kind != Hope::Kind::kCreate) {
      const auto object = client.Get(one.resource.Path(ns, one.name));
      if (!object.ok() && object.error().code == Code::kNotFound &&
          hope.kind == Hope::Kind::kDelete)
        continue;
      if (!object.ok()) return object.error();
      uid = object->StringAt("metadata.uid");
    }
    awaited.push_back({.resource = one.resource,
                       .ns = ns,
                       .name = one.name,
                       .judge = MakeJudge(hope, std::move(uid))});
  }
  return awaited;
}

}  // namespace

int WaitFor(Session& session) {
  const Arguments& args = session.args();
  if (!args.Has("for"))
    return session.Usage("wait needs --for=condition=NAME, --for=delete or --for=jsonpath=…");
  const auto hope = ParseFor(args.Get("for"));
  if (!hope.ok()) return session.Usage(hope.error().message);
  const auto timeout = ParseTimeout(args.Get("timeout"));
  if (!timeout.ok()) return session.Usage("--timeout: " + timeout.error().message);
  if (!args.Has("filename")) {
    const auto targets = ParseTargets(session.words());
    if (!targets.ok()) return session.Usage(targets.error().message);
    const bool many = args.Is("all") || args.Has("selector") || args.Has("field-selector");
    for (const Target& target : *targets) {
      if (target.names.empty() && !many)
        return session.Usage("which " + target.resource.singular +
                             "? give names, -l SELECTOR or --all");
    }
  }
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);
  auto awaited = Collect(session, **client, *hope);
  if (!awaited.ok()) {
    return awaited.error().code == Code::kInvalid ? session.Fail(awaited.error().message)
                                                  : session.Fail(awaited.error());
  }
  if (awaited->empty()) {
    if (hope->kind == Hope::Kind::kDelete) return kOk;
    return session.Fail("no matching resources found");
  }
  const bool once = timeout->count() == 0 && !args.Get("timeout").starts_with('-');
  const WaitOptions options{.timeout = *timeout,
                            .once = once,
                            .show = true,
                            .tell = false,
                            .on_met = [&](const Awaited& one) {
                              session.out()
                                  << one.resource.Label(one.name) << " condition met" << std::endl;
                            }};
  return Wait(session, *awaited, options);
}

}  // namespace zoe::cli
