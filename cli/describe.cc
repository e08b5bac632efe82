#include <algorithm>
#include <sstream>

#include "cli/commands.h"
#include "cli/merge.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/quota.h"
#include "cli/table.h"

namespace zoe::cli {
namespace {

using codec::Value;

const codec::Array& ArrayAt(const Value& value, std::string_view path) {
  static const codec::Array none;
  const Value* found = value.At(path);
  return found != nullptr && found->is_array() ? found->as_array() : none;
}

std::string NumberAt(const Value& value, std::string_view key) {
  const Value* found = value.Find(key);
  return found == nullptr ? "" : found->ScalarText();
}

class Description {
 public:
  Description(std::ostream& out, const Value& object, WallTime now)
      : out_(out), object_(object), now_(now) {}

  void Head() {
    Line("Name", object_.StringAt("metadata.name"));
    if (const std::string ns = object_.StringAt("metadata.namespace"); !ns.empty())
      Line("Namespace", ns);
    Pairs("Labels", object_.At("metadata.labels"));
    Pairs("Annotations", object_.At("metadata.annotations"), ": ");
    Line("API Version", object_.StringAt("apiVersion"));
    Line("Kind", object_.StringAt("kind"));
    Time("Created", "metadata.creationTimestamp");
    Time("Deleting since", "metadata.deletionTimestamp");
  }

  void Execution() {
    Line("Phase", object_.StringAt("status.phase").empty() ? "<none>" : PhaseLine(object_));
    if (const std::string name = object_.StringAt("spec.applicationRef.name"); !name.empty()) {
      const std::string ns = object_.StringAt("spec.applicationRef.namespace");
      Line("Application", ns.empty() ? name : ns + "/" + name);
    }
    if (object_.At("spec.parameters") != nullptr)
      Pairs("Parameters", object_.At("spec.parameters"));
    Line("Priority", std::to_string(IntAt(object_, "spec.priority")));
    const Value* suspend = object_.At("spec.suspend");
    if (suspend != nullptr && *suspend == Value(true)) Line("Suspend", "true");
    Queue();
    Attempt();
    Time("Queued", "status.queuedAt");
    Time("Started", "status.startedAt");
    Time("Finished", "status.finishedAt");
    Services();
    Endpoints();
    Conditions();
  }

  // Users, workspaces and gateways: their spec as it is, their status in words.
  void Place() {
    for (const char* part : {"spec", "status"}) {
      const Value* fields = object_.Find(part);
      if (fields == nullptr || !fields->is_object()) continue;
      for (const codec::Member& field : fields->as_object()) {
        if (field.key != "conditions" && field.key != "observedGeneration") Field(field);
      }
    }
    Conditions();
  }

  // Kinds that this program knows nothing special about are shown as they are.
  void Rest() {
    for (const codec::Member& member : object_.as_object()) {
      if (member.key == "apiVersion" || member.key == "kind" || member.key == "metadata") continue;
      Field(member);
    }
  }

  void EventTable(const Expected<std::vector<Value>>& events) {
    if (!events.ok()) {
      out_ << "Events:  <unknown> (" << OneLine(events.error().message) << ")\n";
      return;
    }
    if (events->empty()) {
      out_ << "Events:  <none>\n";
      return;
    }
    Table table({"Type", "Reason", "Age", "From", "Message"}, 2, 0);
    table.Add({"----", "------", "----", "----", "-------"});
    for (const Value& event : *events) {
      std::string age = Age(event.StringAt("lastTimestamp"), now_);
      if (const int64_t count = IntAt(event, "count"); count > 1) {
        age += " (x" + std::to_string(count) + " over " +
               Age(event.StringAt("firstTimestamp"), now_) + ")";
      }
      table.Add({event.StringAt("type"), event.StringAt("reason"), age,
                 event.StringAt("source.component"), event.StringAt("message")});
    }
    out_ << "Events:\n";
    table.Flush(out_, "  ");
  }

 private:
  static constexpr size_t kWidth = 16;

  // Without a name it goes on with the line before.
  void Line(std::string_view name, const std::string& value) {
    std::string label = name.empty() ? "" : std::string(name) + ":";
    label.resize(std::max(kWidth, label.size() + 2), ' ');
    out_ << label << OneLine(value) << '\n';
  }

  // "hostKeyFingerprint" as "Host Key Fingerprint: …", trees as YAML.
  void Field(const codec::Member& member) {
    std::string title;
    for (const char c : member.key) {
      const bool upper = std::isupper(static_cast<unsigned char>(c)) != 0;
      if (upper && !title.empty()) title += ' ';
      title += title.empty() ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    }
    if (!member.value.is_object() && !member.value.is_array()) {
      Line(title, member.value.ScalarText());
      return;
    }
    out_ << title << ":\n";
    std::stringstream text(codec::ToYaml(member.value));
    for (std::string line; std::getline(text, line);) out_ << "  " << OneLine(line) << '\n';
  }

  void Time(std::string_view name, std::string_view path) {
    const std::string time = object_.StringAt(path);
    if (!time.empty()) Line(name, time + " (" + Age(time, now_) + " ago)");
  }

  void Pairs(std::string_view name, const Value* pairs, std::string_view separator = "=") {
    bool first = true;
    if (pairs != nullptr && pairs->is_object()) {
      for (const codec::Member& pair : pairs->as_object()) {
        if (pair.key == kLastApplied) continue;
        Line(first ? name : "", pair.key + std::string(separator) + pair.value.ScalarText());
        first = false;
      }
    }
    if (first) Line(name, "<none>");
  }

  void Attempt() {
    const int64_t limit = IntAt(object_, "spec.backoffLimit");
    if (limit > 0)
      Line("Attempt", std::to_string(IntAt(object_, "status.attempts") + 1) + " of " +
                          std::to_string(limit + 1));
  }

  // Its place, why it waits and what would let it run.
  void Queue() {
    if (object_.StringAt("status.phase") != "Queued") return;
    const Value* admitted = Condition(object_, "Admitted");
    const int64_t position = IntAt(object_, "status.queuePosition");
    std::string line =
        position > 0 ? "position " + std::to_string(position) : "waits for its place";
    if (admitted != nullptr && !admitted->StringAt("reason").empty())
      line += " (" + admitted->StringAt("reason") + ")";
    Line("Queue", line);
    Line("Waits for", WhyQueued(object_));
  }

  // "3/8": granted of those declared; "-" where nothing has been decided.
  static std::string Granted(const Value& status) {
    if (status.Find("granted") == nullptr) return "-";
    return std::to_string(IntAt(status, "granted")) + "/" + std::to_string(IntAt(status, "total"));
  }

  void Services() {
    const codec::Array& statuses = ArrayAt(object_, "status.services");
    const codec::Array& specs = ArrayAt(object_, "spec.application.services");
    if (statuses.empty() && specs.empty()) return;
    Table table({"Name", "Image", "Ready", "Running", "Granted", "Essential", "Restarts", "Exit",
                 "Message"},
                2, 0);
    table.Add({"----", "-----", "-----", "-------", "-------", "---------", "--------", "----",
               "-------"});
    for (const Value& status : statuses.empty() ? specs : statuses) {
      const std::string name = status.StringAt("name");
      const auto spec = std::find_if(specs.begin(), specs.end(),
                                     [&](const Value& s) { return s.StringAt("name") == name; });
      const std::string exit = NumberAt(status, "exitCode");
      table.Add(
          {name, spec == specs.end() ? "<none>" : spec->StringAt("image"),
           std::to_string(IntAt(status, "ready")) + "/" + std::to_string(IntAt(status, "total")),
           std::to_string(IntAt(status, "running")), Granted(status),
           std::to_string(IntAt(status, "essential")), std::to_string(IntAt(status, "restarts")),
           exit.empty() ? "-" : exit, status.StringAt("message")});
    }
    out_ << "Services:\n";
    table.Flush(out_, "  ");
  }

  void Endpoints() {
    const codec::Array& endpoints = ArrayAt(object_, "status.endpoints");
    if (endpoints.empty()) return;
    Table table({"Service", "Name", "URL", "Via"}, 2, 0);
    table.Add({"-------", "----", "---", "---"});
    for (const Value& e : endpoints) {
      table.Add({e.StringAt("service"), e.StringAt("name"), e.StringAt("url"),
                 e.StringAt("via").empty() ? "<none>" : e.StringAt("via")});
    }
    out_ << "Endpoints:\n";
    table.Flush(out_, "  ");
  }

  void Conditions() {
    const codec::Array& conditions = ArrayAt(object_, "status.conditions");
    if (conditions.empty()) return;
    Table table({"Type", "Status", "Since", "Reason", "Message"}, 2, 0);
    table.Add({"----", "------", "-----", "------", "-------"});
    for (const Value& c : conditions) {
      table.Add({c.StringAt("type"), c.StringAt("status"),
                 Age(c.StringAt("lastTransitionTime"), now_), c.StringAt("reason"),
                 c.StringAt("message")});
    }
    out_ << "Conditions:\n";
    table.Flush(out_, "  ");
  }

  std::ostream& out_;
  const Value& object_;
  WallTime now_;
};

void DescribeObject(Session& session, client::Client& client, const Value& object) {
  Description description(session.out(), object, Now());
  const std::string kind = object.StringAt("kind");
  description.Head();
  if (kind == "Execution") {
    description.Execution();
  } else if (kind == "User" || kind == "Workspace" || kind == "Gateway" || kind == "Quota") {
    description.Place();
  } else {
    description.Rest();
  }
  if (kind == "Quota" || kind == "User") {
    const auto told = DescribeQuotas(client, object, session.user(), session.out());
    if (!told.ok()) session.Warn("what is used is not known: " + told.error().message);
  }
  if (kind != "Event" && object.StringAt("apiVersion") == v1::kApiVersion)
    description.EventTable(EventsOf(client, object));
}

}  // namespace

Expected<std::vector<Value>> EventsOf(client::Client& client, const Value& object) {
  ZOE_ASSIGN(const Resource resource, FindResource("events"));
  const std::string about = "involvedObject.kind=" + object.StringAt("kind") +
                            ",involvedObject.name=" + object.StringAt("metadata.name");
  ZOE_ASSIGN(Value list, client.List(resource.Path(object.StringAt("metadata.namespace")),
                                     {{"fieldSelector", about}}));
  std::vector<Value> events = std::move(list.Find("items")->as_array());
  std::erase_if(events, [&](const Value& event) {
    const std::string uid = event.StringAt("involvedObject.uid"),
                      own = object.StringAt("metadata.uid");
    return event.StringAt("involvedObject.kind") != object.StringAt("kind") ||
           event.StringAt("involvedObject.name") != object.StringAt("metadata.name") ||
           (!uid.empty() && !own.empty() && uid != own);
  });
  std::stable_sort(events.begin(), events.end(), [](const Value& a, const Value& b) {
    return a.StringAt("lastTimestamp") < b.StringAt("lastTimestamp");
  });
  return events;
}

int Describe(Session& session) {
  const auto targets = session.args().Has("filename")
                           ? Expected<std::vector<Target>>(std::vector<Target>{})
                           : ParseTargets(session.words());
  if (!targets.ok()) return session.Usage(targets.error().message);
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);
  std::vector<Value> objects;
  bool failed = false;
  const auto fetch = [&](const std::string& path) {
    auto object = (*client)->Get(path);
    if (object.ok()) {
      objects.push_back(std::move(*object));
    } else {
      session.Fail(object.error());
      failed = true;
    }
  };
  if (session.args().Has("filename")) {
    const Manifests manifests = ReadManifests(session.io(), FileOptions(session, false));
    if (!manifests.problems.empty()) return Complain(session, manifests.problems);
    for (const Manifest& m : manifests.objects) fetch(m.Path());
  }
  for (const Target& target : *targets) {
    for (const std::string& name : target.names) fetch(target.resource.Path(session.ns(), name));
    if (!target.names.empty()) continue;
    auto list = (*client)->List(target.resource.Path(session.ListNamespace()), Selectors(session));
    if (!list.ok()) return session.Fail(list.error());
    for (Value& item : list->Find("items")->as_array()) {
      if (item.Find("kind") == nullptr) {
        item.Set("kind", target.resource.kind);
        item.Set("apiVersion", target.resource.group.empty() ? "v1" : std::string(v1::kApiVersion));
      }
      objects.push_back(std::move(item));
    }
  }
  for (size_t i = 0; i < objects.size(); ++i) {
    if (i > 0) session.out() << "\n\n";
    DescribeObject(session, **client, objects[i]);
  }
  if (objects.empty() && !failed) {
    session.err() << "No resources found"
                  << (session.args().Is("all-namespaces")
                          ? "\n"
                          : " in " + session.ns() + " namespace.\n");
  }
  return failed ? kFailed : kOk;
}

}  // namespace zoe::cli
