#include <algorithm>

#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/output.h"
#include "cli/table.h"

namespace zoe::cli {
namespace {

using codec::Value;

// What one target brought: its objects, and the errors of names that aren't there.
struct Found {
  const Target* target = nullptr;
  std::vector<Value> objects;
};

struct Getter {
  Session& session;
  client::Client& client;
  const Output& output;
  bool failed = false;

  Expected<Found> Fetch(const Target& target) {
    Found found{.target = &target};
    if (target.names.empty()) {
      ZOE_ASSIGN(Value list,
                 client.List(target.resource.Path(session.ListNamespace()), Selectors(session)));
      found.objects = std::move(list.Find("items")->as_array());
      for (Value& object : found.objects) Complete(target.resource, object);
      return found;
    }
    for (const std::string& name : target.names) {
      auto object = client.Get(target.resource.Path(session.ns(), name));
      if (object.ok()) {
        found.objects.push_back(std::move(*object));
      } else if (object.error().code != Code::kNotFound) {
        return object.error();
      } else if (!session.args().Is("ignore-not-found")) {
        failed = true;
        session.Fail(object.error());
      }
    }
    return found;
  }

  // Items of a list may leave out what the list says of all of them.
  static void Complete(const Resource& resource, Value& object) {
    if (object.Find("kind") != nullptr) return;
    object.Set("kind", resource.kind);
    object.Set("apiVersion", resource.group.empty() ? "v1" : std::string(v1::kApiVersion));
  }

  RowStyle Style(bool with_kind) const {
    return {.with_namespace = session.args().Is("all-namespaces"),
            .with_kind = with_kind || session.args().Is("show-kind"),
            .with_labels = session.args().Is("show-labels")};
  }

  void PrintTable(const Found& found, bool with_kind) const {
    const Resource& resource = found.target->resource;
    RowStyle style = Style(with_kind);
    style.with_namespace = style.with_namespace && resource.namespaced;
    const WallTime now = Now();
    Table table(session.args().Is("no-headers") ? std::vector<std::string>{}
                                                : Headers(resource, output, style));
    for (const Value& object : found.objects) table.Add(Row(resource, object, output, style, now));
    table.Flush(session.out());
  }
};

Expected<void> Sort(const std::string& by, std::vector<Value>& objects) {
  if (by.empty()) return {};
  ZOE_ASSIGN(const JsonPath path, JsonPath::ParseRelaxed(by));
  const auto key = [&](const Value& object) {
    const auto values = path.Select(object);
    return values.empty() ? Value() : *values[0];
  };
  const auto number = [](const Value& v) {
    return v.kind() == Value::Kind::kInt ? static_cast<double>(v.as_int()) : v.as_double();
  };
  const auto is_number = [](const Value& v) {
    return v.kind() == Value::Kind::kInt || v.kind() == Value::Kind::kDouble;
  };
  std::stable_sort(objects.begin(), objects.end(), [&](const Value& a, const Value& b) {
    const Value x = key(a), y = key(b);
    if (is_number(x) && is_number(y)) return number(x) < number(y);
    return PathText(x) < PathText(y);
  });
  return {};
}

int Watch(Getter& getter, const Target& target) {
  Session& session = getter.session;
  client::Query selectors = Selectors(session);
  if (target.names.size() > 1) return session.Usage("--watch takes one name, or none");
  if (!target.names.empty()) {
    const auto object = getter.client.Get(target.resource.Path(session.ns(), target.names[0]));
    if (!object.ok()) return session.Fail(object.error());
    selectors.emplace_back("fieldSelector", "metadata.name=" + target.names[0]);
  }
  const RowStyle style = getter.Style(false);
  Table table(session.args().Is("no-headers") ? std::vector<std::string>{}
                                              : Headers(target.resource, getter.output, style));
  bool listed = false;
  const Follower follower{
      .on_object =
          [&](Seen, const Value& object) {
            if (getter.output.IsTable()) {
              table.Add(Row(target.resource, object, getter.output, style, Now()));
              if (listed) table.Flush(session.out());
            } else {
              PrintObject(session.out(), getter.output, object);
              if (getter.output.format == Output::Format::kYaml) session.out() << "---\n";
            }
            if (listed) session.out().flush();
            return session.out().good();
          },
      .on_listed =
          [&] {
            listed = true;
            table.Flush(session.out());
            session.out().flush();
            return true;
          },
      .on_trouble =
          [&](const Error& error) {
            session.err() << "watch: " << error.message << "; trying again" << std::endl;
          }};
  const std::string ns = target.names.empty() ? session.ListNamespace() : session.ns();
  const auto result = Follow(getter.client, target.resource.Path(ns), selectors, {}, follower);
  return result.ok() ? kOk : session.Fail(result.error());
}

Expected<std::vector<Target>> Targets(Session& session) {
  if (!session.args().Has("filename")) return ParseTargets(session.words(), true);
  std::vector<Target> targets;
  const Manifests manifests = ReadManifests(session.io(), FileOptions(session, false));
  if (!manifests.problems.empty()) return MakeError(Code::kInvalid, manifests.problems[0]);
  for (const Manifest& manifest : manifests.objects) {
    if (manifest.resource.namespaced && manifest.ns != session.ns()) {
      return MakeError(Code::kInvalid, manifest.Label() + " is in namespace " + manifest.ns +
                                           ": say -n " + manifest.ns);
    }
    targets.push_back({manifest.resource, {manifest.name}});
  }
  return targets;
}

int PrintAll(Getter& getter, std::vector<Found>& all, bool by_name) {
  Session& session = getter.session;
  const bool several = all.size() > 1;
  size_t total = 0;
  for (const Found& found : all) total += found.objects.size();
  if (!getter.output.IsTable()) {
    std::vector<Value> objects;
    for (Found& found : all)
      std::move(found.objects.begin(), found.objects.end(), std::back_inserter(objects));
    if (by_name && objects.size() == 1 && !several) {
      PrintObject(session.out(), getter.output, objects[0]);
    } else if (!by_name || !objects.empty()) {
      PrintList(session.out(), getter.output, std::move(objects));
    }
    return getter.failed ? kFailed : kOk;
  }
  bool first = true;
  for (const Found& found : all) {
    if (found.objects.empty()) continue;
    if (!first) session.out() << '\n';
    first = false;
    getter.PrintTable(found, several);
  }
  if (total == 0 && !getter.failed && !session.args().Is("ignore-not-found")) {
    const bool everywhere =
        session.args().Is("all-namespaces") || (!several && !all[0].target->resource.namespaced);
    session.err() << "No resources found"
                  << (everywhere ? "\n" : " in " + session.ns() + " namespace.\n");
  }
  return getter.failed ? kFailed : kOk;
}

}  // namespace

int Get(Session& session) {
  const Arguments& args = session.args();
  auto output = ParseOutput(args.Get("output"));
  if (!output.ok()) return session.Usage(output.error().message);
  output->managed_fields = args.Is("show-managed-fields");
  const auto targets = Targets(session);
  if (!targets.ok()) {
    return targets.error().code == Code::kInvalid ? session.Fail(targets.error())  // a file's fault
                                                  : session.Usage(targets.error().message);
  }
  const bool by_name = std::any_of(targets->begin(), targets->end(),
                                   [](const Target& t) { return !t.names.empty(); });
  if (by_name && args.Is("all-namespaces"))
    return session.Usage("a resource can't be got by name across all namespaces");
  if (by_name && (args.Has("selector") || args.Has("field-selector")))
    return session.Usage("names and selectors don't mix");
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);
  Getter getter{.session = session, .client = **client, .output = *output};
  if (args.Is("watch")) {
    if (targets->size() != 1) return session.Usage("--watch takes one kind");
    return Watch(getter, targets->front());
  }
  std::vector<Found> all;
  for (const Target& target : *targets) {
    auto found = getter.Fetch(target);
    if (!found.ok()) return session.Fail(found.error());
    if (const auto sorted = Sort(args.Get("sort-by"), found->objects); !sorted.ok())
      return session.Usage(sorted.error().message);
    all.push_back(std::move(*found));
  }
  return PrintAll(getter, all, by_name);
}

}  // namespace zoe::cli
