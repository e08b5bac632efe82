// top: what is used, next to what is reserved.
#include <algorithm>
#include <map>
#include <set>

#include "cli/capacity.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/workspace.h"

namespace zoe::cli {
namespace {

using codec::Value;

constexpr const char* kMetrics = "/apis/metrics.k8s.io/v1beta1";

struct Line {
  std::vector<std::string> names;  // the cells before the amounts
  Capacity used, reserved, capacity;
  size_t running = 0, measured = 0;  // pods

  bool known() const { return measured > 0 || running == 0; }
};

// What is shown of one kind of thing.
struct Sheet {
  std::string key;  // in JSON: "nodes"
  std::vector<std::string> headers;
  std::vector<std::string> fields;  // of the headers, in JSON
  bool with_capacity = false;
  std::vector<Line> lines;
};

struct Seen {
  std::vector<Value> pods, nodes;
  std::map<std::pair<std::string, std::string>, Capacity> of_pod;  // namespace, name
  std::map<std::string, Capacity> of_node;
};

std::string Label(const Value& object, const std::string& name) {
  const Value* labels = object.At("metadata.labels");
  const Value* label = labels == nullptr ? nullptr : labels->Find(name);
  return label == nullptr ? "" : label->ScalarText();
}

const codec::Array& Array(const Value* value) {
  static const codec::Array none;
  return value != nullptr && value->is_array() ? value->as_array() : none;
}

// Its containers are there, or are to come: they hold their room on a node.
bool HoldsRoom(const Value& pod) {
  const std::string phase = pod.StringAt("status.phase");
  return phase != "Succeeded" && phase != "Failed" && !pod.StringAt("spec.nodeName").empty();
}

void AddPod(const Seen& seen, const Value& pod, Line& line) {
  if (!HoldsRoom(pod)) return;
  for (const Value& container : Array(pod.At("spec.containers")))
    line.reserved += CapacityAt(container, "resources.requests");
  if (pod.StringAt("status.phase") != "Running") return;
  ++line.running;
  const auto used =
      seen.of_pod.find({pod.StringAt("metadata.namespace"), pod.StringAt("metadata.name")});
  if (used == seen.of_pod.end()) return;
  ++line.measured;
  line.used += used->second;
}

Sheet Nodes(const Seen& seen) {
  Sheet sheet{.key = "nodes", .headers = {"NODE"}, .fields = {"name"}, .with_capacity = true};
  for (const Value& node : seen.nodes) {
    const std::string name = node.StringAt("metadata.name");
    Line line{.names = {name},
              .reserved = CapacityAt(node, "status.allocated"),
              .capacity = CapacityOfNode(node),
              .running = 1};
    if (const auto used = seen.of_node.find(name); used != seen.of_node.end()) {
      line.measured = 1;
      line.used = used->second;
    }
    sheet.lines.push_back(std::move(line));
  }
  return sheet;
}

// By execution, or by each of its services.
Sheet Executions(const Seen& seen, bool by_service) {
  Sheet sheet{.key = by_service ? "services" : "executions",
              .headers = {"NAMESPACE", "EXECUTION"},
              .fields = {"namespace", "execution"}};
  if (by_service) {
    sheet.headers.push_back("SERVICE");
    sheet.fields.push_back("service");
  }
  std::map<std::vector<std::string>, Line> lines;
  for (const Value& pod : seen.pods) {
    if (Label(pod, "zoe.kind") != "Execution" || !HoldsRoom(pod)) continue;
    std::vector<std::string> names{pod.StringAt("metadata.namespace"), Label(pod, "zoe.name")};
    if (by_service) names.push_back(Label(pod, "zoe.service"));
    Line& line = lines[names];
    line.names = names;
    AddPod(seen, pod, line);
  }
  for (auto& [names, line] : lines) sheet.lines.push_back(std::move(line));
  return sheet;
}

Sheet Pods(const Seen& seen) {
  Sheet sheet{.key = "pods",
              .headers = {"NAMESPACE", "POD", "NODE"},
              .fields = {"namespace", "name", "node"}};
  for (const Value& pod : seen.pods) {
    if (!HoldsRoom(pod)) continue;
    Line line{.names = {pod.StringAt("metadata.namespace"), pod.StringAt("metadata.name"),
                        pod.StringAt("spec.nodeName")}};
    AddPod(seen, pod, line);
    sheet.lines.push_back(std::move(line));
  }
  return sheet;
}

void Sort(const std::string& by, Sheet& sheet) {
  if (by.empty()) return;
  std::ranges::stable_sort(sheet.lines, std::greater(), [&](const Line& line) {
    return by == "cpu" ? line.used.cpu : line.used.memory;
  });
}

void Show(const Sheet& sheet, bool with_namespace, bool no_headers, std::ostream& out) {
  const bool drops = sheet.headers.front() == "NAMESPACE" && !with_namespace;
  const auto shown = [&](std::vector<std::string> cells) {
    if (drops) cells.erase(cells.begin());
    return cells;
  };
  std::vector<std::string> headers = shown(sheet.headers);
  headers.insert(headers.end(), {"CPU USED", "CPU RESERVED"});
  if (sheet.with_capacity) headers.push_back("CPUS");
  headers.insert(headers.end(), {"MEMORY USED", "MEMORY RESERVED"});
  if (sheet.with_capacity) headers.push_back("MEMORY");
  Table table(no_headers ? std::vector<std::string>{} : headers);
  for (const Line& line : sheet.lines) {
    std::vector<std::string> row = shown(line.names);
    // Against what there is of a node, else against what is reserved.
    const auto amounts = [&](int64_t used, int64_t reserved, int64_t capacity, auto text) {
      const int64_t whole = sheet.with_capacity ? capacity : reserved;
      const auto part = [&](int64_t amount) {
        return text(amount) + (whole == 0 ? "" : " (" + Percent(amount, whole) + ")");
      };
      row.push_back(line.known() ? part(used) : "<unknown>");
      row.push_back(sheet.with_capacity ? part(reserved) : text(reserved));
      if (sheet.with_capacity) row.push_back(text(capacity));
    };
    amounts(line.used.cpu, line.reserved.cpu, line.capacity.cpu, Cores);
    amounts(line.used.memory, line.reserved.memory, line.capacity.memory, Bytes);
    table.Add(std::move(row));
  }
  table.Flush(out);
}

Value ToValue(const Capacity& amount) {
  Value value;
  value.Set("cpu", std::to_string(amount.cpu) + "m");
  value.Set("memory", std::to_string(amount.memory));
  return value;
}

Value ToValue(const Sheet& sheet) {
  codec::Array items;
  for (const Line& line : sheet.lines) {
    Value item;
    for (size_t i = 0; i < sheet.fields.size(); ++i) item.Set(sheet.fields[i], line.names[i]);
    if (line.known()) item.Set("used", ToValue(line.used));
    item.Set("reserved", ToValue(line.reserved));
    if (sheet.with_capacity) item.Set("capacity", ToValue(line.capacity));
    items.push_back(std::move(item));
  }
  return items;
}

// What is missing is said, with what can be done about it.
void SayWhatIsUnknown(Session& session, const Seen& seen) {
  std::map<std::string, std::pair<size_t, size_t>> nodes;  // running, measured
  for (const Value& pod : seen.pods) {
    Line line;
    AddPod(seen, pod, line);
    auto& [running, measured] = nodes[pod.StringAt("spec.nodeName")];
    running += line.running;
    measured += line.measured;
  }
  std::set<std::string> down;
  for (const Value& node : seen.nodes) {
    const Value* ready = Condition(node, "Ready");
    const std::string name = node.StringAt("metadata.name");
    if (ready != nullptr && ready->StringAt("status") != "True") down.insert(name);
    if (!seen.of_node.contains(name)) nodes[name].first += 1;
  }
  for (const auto& [name, pods] : nodes) {
    const auto& [running, measured] = pods;
    if (measured >= running) continue;
    if (down.contains(name)) {
      session.Warn("what is used on node " + name + " isn't known: it is down");
    } else if (measured == 0) {
      session.Warn("what is used on node " + name +
                   " isn't known: its containers have just begun, or the controller can't reach "
                   "its Engine (--node-engine)");
    } else {
      session.Warn("what " + std::to_string(running - measured) + " of " + std::to_string(running) +
                   " containers on node " + name + " use isn't known yet: they have just begun");
    }
  }
}

Expected<Seen> Look(Session& session, client::Client& client, const std::string& what) {
  Seen seen;
  const bool pods = what != "nodes", nodes = what.empty() || what == "nodes";
  const auto list = [&](const std::string& path) -> Expected<std::vector<Value>> {
    ZOE_ASSIGN(Value found,
               client.List(path, nodes && !pods ? client::Query{} : Selectors(session)));
    return std::move(found.Find("items")->as_array());
  };
  if (pods) {
    const std::string ns = session.ListNamespace();
    const std::string place = (ns.empty() ? "" : "/namespaces/" + ns) + "/pods";
    ZOE_ASSIGN(seen.pods, list("/api/v1" + place));
    ZOE_ASSIGN(const auto metrics, list(kMetrics + place));
    for (const Value& pod : metrics) {
      Capacity& sum =
          seen.of_pod[{pod.StringAt("metadata.namespace"), pod.StringAt("metadata.name")}];
      for (const Value& container : Array(pod.Find("containers")))
        sum += CapacityAt(container, "usage");
    }
  }
  if (!nodes) return seen;
  auto members = client.List("/api/v1/nodes");
  // Who asks for everything and may not see nodes, sees the rest.
  if (!members.ok() && what.empty() && members.error().code == Code::kForbidden) return seen;
  ZOE_ASSIGN(Value found, std::move(members));
  seen.nodes = std::move(found.Find("items")->as_array());
  ZOE_ASSIGN(const Value metrics, client.List(kMetrics + std::string("/nodes")));
  for (const Value& node : Array(metrics.Find("items")))
    seen.of_node[node.StringAt("metadata.name")] = CapacityAt(node, "usage");
  return seen;
}

// "" for everything; nullopt: there is no such thing.
std::optional<std::string> Meant(const std::string& word) {
  constexpr std::pair<const char*, const char*> kWords[] = {{"nodes", "node no"},
                                                            {"executions", "execution exec"},
                                                            {"services", "service svc"},
                                                            {"pods", "pod po"}};
  for (const auto& [name, others] : kWords) {
    const std::string known = std::string(" ") + name + " " + others + " ";
    if (word.find(' ') == word.npos && known.find(" " + word + " ") != known.npos) return name;
  }
  return std::nullopt;
}

}  // namespace

int Top(Session& session) {
  const Arguments& args = session.args();
  const auto output = ParseOutput(args.Get("output"));
  if (!output.ok()) return session.Usage(output.error().message);
  const auto& words = session.words();
  std::string what;
  if (!words.empty()) {
    const auto meant = Meant(words[0]);
    if (!meant || words.size() > 1)
      return session.Usage("top takes one of nodes, executions, services, pods");
    what = *meant;
  }
  const std::string by = args.Get("sort-by");
  if (!by.empty() && by != "cpu" && by != "memory")
    return session.Usage("--sort-by takes cpu or memory");
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);
  const auto seen = Look(session, **client, what);
  if (!seen.ok()) return session.Fail(seen.error());
  std::vector<Sheet> sheets;
  if (what == "nodes" || (what.empty() && !seen->nodes.empty())) sheets.push_back(Nodes(*seen));
  if (what.empty() || what == "executions") sheets.push_back(Executions(*seen, false));
  if (what == "services") sheets.push_back(Executions(*seen, true));
  if (what == "pods") sheets.push_back(Pods(*seen));
  Value all;
  bool first = true;
  for (Sheet& sheet : sheets) {
    Sort(by, sheet);
    all.Set(sheet.key, ToValue(sheet));
    if (!output->IsTable() || sheet.lines.empty()) continue;
    if (!std::exchange(first, false)) session.out() << '\n';
    Show(sheet, args.Is("all-namespaces"), args.Is("no-headers"), session.out());
  }
  if (!output->IsTable()) {
    PrintObject(session.out(), *output, all);
  } else if (first) {
    session.err() << "Nothing runs"
                  << (args.Is("all-namespaces") ? "" : " in " + session.ns() + " namespace")
                  << ".\n";
  }
  SayWhatIsUnknown(session, *seen);
  return kOk;
}

}  // namespace zoe::cli
