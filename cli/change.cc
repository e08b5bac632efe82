// suspend, resume, restart, run, label, annotate, patch, validate: small changes, and a look at
// files.
#include <algorithm>
#include <random>

#include "cli/commands.h"
#include "cli/output.h"
#include "specs/v1/execution.h"

namespace zoe::cli {
namespace {

using codec::Value;

Value Nested(std::initializer_list<std::string_view> path, Value leaf) {
  for (auto key = path.end(); key != path.begin();) {
    Value outer;
    outer.Set(*--key, std::move(leaf));
    leaf = std::move(outer);
  }
  return leaf;
}

// Patches every execution named, and says `verb` of each.
int PatchExecutions(Session& session, const Value& patch, const std::string& verb) {
  const auto ones = ParseOnes(session.words(), "executions");
  if (!ones.ok()) return session.Usage(ones.error().message);
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);
  int code = kOk;
  for (const One& one : *ones) {
    if (one.resource.kind != "Execution") return session.Usage("only executions can be " + verb);
    const auto result = (*client)->MergePatch(one.resource.Path(session.ns(), one.name), patch,
                                              DryRunQuery(session));
    if (result.ok()) {
      session.out() << one.resource.Label(one.name) << ' ' << verb << DryRunNote(session) << '\n';
    } else {
      code = session.Fail(result.error());
    }
  }
  return code;
}

// "KIND NAME… k=v… k-" or "KIND/NAME… k=v…": the words before the first pair name objects.
int ChangePairs(Session& session, std::string_view field, const std::string& verb) {
  std::vector<std::string> objects;
  Value pairs{codec::Object{}};
  for (const std::string& word : session.words()) {
    const size_t equal = word.find('=');
    const bool removal = objects.size() > 0 && word.ends_with('-') &&
                         (objects.size() > 1 || objects[0].find('/') != std::string::npos);
    if (equal != std::string::npos && equal > 0) {
      pairs.Set(word.substr(0, equal), word.substr(equal + 1));
    } else if (removal) {
      pairs.Set(word.substr(0, word.size() - 1), Value());
    } else if (!pairs.as_object().empty()) {
      return session.Usage("expected KEY=VALUE or KEY-, not \"" + word + "\"");
    } else {
      objects.push_back(word);
    }
  }
  if (pairs.as_object().empty()) return session.Usage("expected KEY=VALUE, or KEY- to remove it");
  const auto ones = ParseOnes(objects);
  if (!ones.ok()) return session.Usage(ones.error().message);
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);
  int code = kOk;
  for (const One& one : *ones) {
    const std::string path = one.resource.Path(session.ns(), one.name);
    const auto live = (*client)->Get(path);
    if (!live.ok()) {
      code = session.Fail(live.error());
      continue;
    }
    const Value* before = live->At("metadata." + std::string(field));
    bool overwritten = false;
    for (const codec::Member& pair : pairs.as_object()) {
      const Value* old = before == nullptr ? nullptr : before->Find(pair.key);
      if (old == nullptr || pair.value.is_null() || *old == pair.value ||
          session.args().Is("overwrite"))
        continue;
      code = session.Fail("'" + pair.key + "' already has a value (" + old->ScalarText() +
                          "), and --overwrite is false");
      overwritten = true;
    }
    if (overwritten) continue;
    const auto result =
        (*client)->MergePatch(path, Nested({"metadata", field}, pairs), DryRunQuery(session));
    if (result.ok()) {
      session.out() << one.resource.Label(one.name) << ' ' << verb << DryRunNote(session) << '\n';
    } else {
      code = session.Fail(result.error());
    }
  }
  return code;
}

std::string RandomSuffix() {
  constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
  std::random_device random;
  std::string suffix;
  for (int i = 0; i < 5; ++i) suffix += kLetters[random() % kLetters.size()];
  return suffix;
}

Expected<Value> ParameterObject(const std::vector<std::string>& pairs) {
  Value parameters{codec::Object{}};
  for (const std::string& pair : pairs) {
    const size_t equal = pair.find('=');
    if (equal == std::string::npos || equal == 0)
      return MakeError(Code::kBadRequest, "--param takes NAME=VALUE, not \"" + pair + "\"");
    parameters.Set(pair.substr(0, equal), pair.substr(equal + 1));
  }
  return parameters;
}

// Where an application is found: in the own namespace, else in the catalog.
Expected<std::string> FindApplication(Session& session, client::Client& client,
                                      const std::string& name) {
  ZOE_ASSIGN(const Resource applications, FindResource("applications"));
  constexpr const char* kCatalog = "catalog";
  Error last;
  for (const std::string& ns : {session.ns(), std::string(kCatalog)}) {
    const auto found = client.Get(applications.Path(ns, name));
    if (found.ok()) return ns;
    if (found.error().code != Code::kNotFound) return found.error();
    last = found.error();
  }
  last.message = "no application \"" + name + "\" in namespace " + session.ns() +
                 " or in the catalog: see \"zoe get applications -n catalog\"";
  return last;
}

}  // namespace

int Suspend(Session& session) {
  return PatchExecutions(session, Nested({"spec", "suspend"}, Value(true)), "suspended");
}
int Resume(Session& session) {
  return PatchExecutions(session, Nested({"spec", "suspend"}, Value(false)), "resumed");
}

int Restart(Session& session) {
  return PatchExecutions(
      session, Nested({"metadata", "annotations", v1::kRestartedAt}, Value(FormatTime(Now()))),
      "restarted");
}

int Label(Session& session) { return ChangePairs(session, "labels", "labeled"); }
int Annotate(Session& session) { return ChangePairs(session, "annotations", "annotated"); }

int Patch(Session& session) {
  const auto ones = ParseOnes(session.words());
  if (!ones.ok()) return session.Usage(ones.error().message);
  if (!session.args().Has("patch"))
    return session.Usage("patch needs -p PATCH, such as -p '{\"spec\":{\"priority\":5}}'");
  const auto documents = codec::ParseYaml(session.args().Get("patch"));
  if (!documents.ok() || documents->size() != 1 || !documents->front().is_object()) {
    return session.Usage("-p takes one JSON or YAML object" +
                         (documents.ok() ? "" : ": " + documents.error().ToString()));
  }
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);
  int code = kOk;
  for (const One& one : *ones) {
    const std::string path = one.resource.Path(session.ns(), one.name);
    const auto before = (*client)->Get(path);
    const auto result = before.ok()
                            ? (*client)->MergePatch(path, documents->front(), DryRunQuery(session))
                            : before;
    if (!result.ok()) {
      code = session.Fail(result.error());
      continue;
    }
    const bool same = before->StringAt("metadata.resourceVersion") ==
                      result->StringAt("metadata.resourceVersion");
    const bool dry = session.args().Get("dry-run") != "none";
    session.out() << one.resource.Label(one.name) << " patched"
                  << (same && !dry ? " (no change)" : "") << DryRunNote(session) << '\n';
  }
  return code;
}

int Run(Session& session) {
  const Arguments& args = session.args();
  const auto output = ParseOutput(args.Get("output"));
  if (!output.ok()) return session.Usage(output.error().message);
  if (session.words().size() != 1)
    return session.Usage("run takes one application: zoe run APPLICATION [--param NAME=VALUE]…");
  const std::string& application = session.words()[0];
  auto parameters = ParameterObject(args.All("param"));
  if (!parameters.ok()) return session.Usage(parameters.error().message);
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);
  const auto from = FindApplication(session, **client, application);
  if (!from.ok()) return session.Fail(from.error());
  const auto resource = FindResource("executions");
  if (!resource.ok()) return session.Fail(resource.error().message);

  Value execution;
  execution.Set("apiVersion", std::string(v1::kApiVersion));
  execution.Set("kind", "Execution");
  Value meta;
  meta.Set("name",
           args.Has("name") ? args.Get("name") : application.substr(0, 57) + "-" + RandomSuffix());
  meta.Set("namespace", session.ns());
  execution.Set("metadata", std::move(meta));
  Value spec, reference;
  reference.Set("name", application);
  reference.Set("namespace", *from);
  spec.Set("applicationRef", std::move(reference));
  if (!parameters->as_object().empty()) spec.Set("parameters", std::move(*parameters));
  execution.Set("spec", std::move(spec));

  Expected<Value> created = execution;
  if (args.Get("dry-run") != "client")
    created = (*client)->Create(resource->Path(session.ns()), execution, DryRunQuery(session));
  if (!created.ok()) return session.Fail(created.error());
  if (output->format == Output::Format::kTable) {
    session.out() << resource->Label(created->StringAt("metadata.name")) << " created"
                  << DryRunNote(session) << std::endl;
  } else {
    PrintObject(session.out(), *output, *created);
  }
  if (!args.Is("wait") || args.Get("dry-run") != "none") return kOk;
  return AwaitObjects(session, {*created});
}

int Validate(Session& session) {
  if (!session.args().Has("filename")) return session.Usage("validate needs -f FILE");
  const Manifests manifests = ReadManifests(session.io(), FileOptions(session, true));
  if (!manifests.problems.empty()) return Complain(session, manifests.problems);
  if (manifests.objects.empty()) return session.Fail("no objects to validate");
  for (const Manifest& manifest : manifests.objects)
    session.out() << manifest.Label() << " valid\n";
  return kOk;
}

}  // namespace zoe::cli
