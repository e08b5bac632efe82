// logs, events, status, version: what is going on.
#include <algorithm>
#include <map>

#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/workspace.h"
#include "specs/meta/quantity.h"

#ifndef ZOE_VERSION
#define ZOE_VERSION "0.0.0"
#endif

namespace zoe::cli {
namespace {

using codec::Value;

std::string EventSeen(const Value& event, WallTime now) {
  const std::string last = Age(event.StringAt("lastTimestamp"), now);
  const int64_t count = IntAt(event, "count");
  if (count <= 1) return last;
  return last + " (x" + std::to_string(count) + " over " +
         Age(event.StringAt("firstTimestamp"), now) + ")";
}

std::vector<std::string> EventRow(const Value& event, bool with_namespace, WallTime now) {
  std::vector<std::string> row{
      EventSeen(event, now), event.StringAt("type"), event.StringAt("reason"),
      event.StringAt("involvedObject.kind") + "/" + event.StringAt("involvedObject.name"),
      event.StringAt("message")};
  if (with_namespace) row.insert(row.begin(), event.StringAt("metadata.namespace"));
  return row;
}

// Sums in millicores and bytes.
struct Capacity {
  int64_t cpu = 0, memory = 0;
};

int64_t QuantityAt(const Value& value, std::string_view path, bool milli) {
  const Value* found = value.At(path);
  if (found == nullptr) return 0;
  const auto quantity = Quantity::Parse(found->ScalarText());
  if (!quantity.ok()) return 0;
  return milli ? quantity->milli() : quantity->whole();
}

// What the running replicas of an execution have reserved.
Capacity Reserved(const Value& execution) {
  Capacity sum;
  const Value* services = execution.At("spec.application.services");
  const Value* statuses = execution.At("status.services");
  if (services == nullptr || statuses == nullptr || !services->is_array() || !statuses->is_array())
    return sum;
  for (const Value& service : services->as_array()) {
    for (const Value& status : statuses->as_array()) {
      if (status.StringAt("name") != service.StringAt("name")) continue;
      sum.cpu += IntAt(status, "running") * QuantityAt(service, "resources.requests.cpu", true);
      sum.memory +=
          IntAt(status, "running") * QuantityAt(service, "resources.requests.memory", false);
    }
  }
  return sum;
}

std::string Cores(int64_t milli) {
  std::string text = std::to_string(milli / 1000);
  if (milli % 1000 != 0) {
    std::string rest = std::to_string(1000 + milli % 1000).substr(1);
    while (rest.ends_with('0')) rest.pop_back();
    text += "." + rest;
  }
  return text;
}

std::string Percent(int64_t part, int64_t whole) {
  return whole == 0 ? "-" : std::to_string(part * 100 / whole) + "%";
}

void ShowNodes(Session& session, const Value& nodes, const Capacity& reserved) {
  Capacity total, allocated;
  bool told = false;  // A server that doesn't tell what is allocated leaves us our own sum.
  size_t ready = 0;
  const codec::Array& items = nodes.Find("items")->as_array();
  for (const Value& node : items) {
    const Value* condition = Condition(node, "Ready");
    if (condition == nullptr || condition->StringAt("status") != "True") continue;
    ++ready;
    told = told || node.At("status.allocated") != nullptr;
    allocated.cpu += QuantityAt(node, "status.allocated.cpu", true);
    allocated.memory += QuantityAt(node, "status.allocated.memory", false);
    const std::string from =
        node.At("status.allocatable") != nullptr ? "status.allocatable" : "status.capacity";
    total.cpu += QuantityAt(node, from + ".cpu", true);
    total.memory += QuantityAt(node, from + ".memory", false);
  }
  session.out() << "Nodes:       " << ready << " ready of " << items.size() << "\n\n";
  const Capacity& used = told ? allocated : reserved;
  Table table({"RESOURCE", "CAPACITY", "USED", "FREE", "USE"});
  const Capacity free{std::max<int64_t>(0, total.cpu - used.cpu),
                      std::max<int64_t>(0, total.memory - used.memory)};
  table.Add(
      {"cpu", Cores(total.cpu), Cores(used.cpu), Cores(free.cpu), Percent(used.cpu, total.cpu)});
  table.Add({"memory", Bytes(total.memory), Bytes(used.memory), Bytes(free.memory),
             Percent(used.memory, total.memory)});
  table.Flush(session.out());
  session.out() << '\n';
}

// Older servers don't tell.
void ShowControllers(Session& session, client::Client& client) {
  const auto answer = client.Get("/controllers");
  if (!answer.ok()) {
    if (answer.error().code != Code::kNotFound)
      session.err() << "controllers: " << Explain(answer.error()) << '\n';
    return;
  }
  const Value* controllers = answer->Find("controllers");
  if (controllers == nullptr || !controllers->is_array()) return;
  std::string leader = "none leads";
  Table table({"CONTROLLER", "LEADS", "URL", "AGE"});
  for (const Value& controller : controllers->as_array()) {
    const Value* leading = controller.Find("leading");
    const bool leads = leading != nullptr && leading->ScalarText() == "true";
    if (leads) leader = controller.StringAt("id") + " leads";
    const std::string since = controller.StringAt("since");
    table.Add({controller.StringAt("id"), leads ? "yes" : "no", controller.StringAt("url"),
               since.empty() ? "<unknown>" : Age(since, Now())});
  }
  const size_t count = controllers->as_array().size();
  session.out() << "Controllers: " << count << ", " << leader << '\n';
  if (count > 1) table.Flush(session.out(), "  ");
}

void ShowQueue(Session& session, std::vector<const Value*> queue) {
  if (queue.empty()) {
    session.out() << "Queue:       empty\n";
    return;
  }
  std::stable_sort(queue.begin(), queue.end(), [](const Value* a, const Value* b) {
    return IntAt(*a, "status.queuePosition") < IntAt(*b, "status.queuePosition");
  });
  session.out() << "Queue:\n";
  Table table({"POSITION", "NAMESPACE", "NAME", "PRIORITY", "AGE"});
  constexpr size_t kShown = 10;
  for (size_t i = 0; i < std::min(queue.size(), kShown); ++i) {
    const Value& execution = *queue[i];
    table.Add({std::to_string(IntAt(execution, "status.queuePosition")),
               execution.StringAt("metadata.namespace"), execution.StringAt("metadata.name"),
               std::to_string(IntAt(execution, "spec.priority")),
               Age(execution.StringAt("metadata.creationTimestamp"), Now())});
  }
  table.Flush(session.out(), "  ");
  if (queue.size() > kShown) session.out() << "  and " << queue.size() - kShown << " more\n";
}

}  // namespace

int Logs(Session& session) {
  const Arguments& args = session.args();
  const auto ones = ParseOnes(session.words(), "executions");
  if (!ones.ok()) return session.Usage(ones.error().message);
  if (ones->size() != 1)
    return session.Usage("logs takes one execution: zoe logs EXECUTION [-s SERVICE]");
  if (ones->front().resource.kind != "Execution" && ones->front().resource.kind != "Pod") {
    return session.Usage("only executions have logs");
  }
  client::Query query;
  if (args.Has("service")) query.emplace_back("service", args.Get("service"));
  if (args.Has("replica")) query.emplace_back("replica", args.Get("replica"));
  if (args.Is("follow")) query.emplace_back("follow", "true");
  if (args.Is("timestamps")) query.emplace_back("timestamps", "true");
  if (args.Has("tail") && args.Get("tail") != "-1") {
    const std::string& tail = args.Get("tail");
    if (tail.empty() || tail.size() > 9 ||
        tail.find_first_not_of("0123456789") != std::string::npos) {
      return session.Usage("--tail takes a number of lines");
    }
    query.emplace_back("tailLines", tail);
  }
  if (args.Has("since")) {
    const auto since = ParseDuration(args.Get("since"));
    if (!since.ok()) return session.Usage("--since: " + since.error().message);
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*since).count();
    query.emplace_back("sinceSeconds", std::to_string(std::max<int64_t>(1, seconds)));
  }
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);
  const One& one = ones->front();
  // A container may be silent for as long as it likes.
  constexpr std::chrono::hours kAnyTime{24 * 300};
  const auto result =
      (*client)->Stream(one.resource.Path(session.ns(), one.name) + "/log", query, {},
                        args.Is("follow") ? Duration(kAnyTime) : Duration(std::chrono::minutes(2)),
                        [&](std::string_view bytes) {
                          session.out() << bytes << std::flush;
                          return session.out().good();
                        });
  return result.ok() ? kOk : session.Fail(result.error());
}

int Events(Session& session) {
  const Arguments& args = session.args();
  const auto output = ParseOutput(args.Get("output"));
  if (!output.ok()) return session.Usage(output.error().message);
  if (!session.words().empty())
    return session.Usage("events takes no words; for one object: --for KIND/NAME");
  std::optional<One> about;
  if (args.Has("for")) {
    const auto ones = ParseOnes({args.Get("for")});
    if (!ones.ok() || ones->size() != 1)
      return session.Usage("--for takes KIND/NAME" +
                           (ones.ok() ? "" : ": " + ones.error().message));
    about = ones->front();
  }
  const auto resource = FindResource("events");
  if (!resource.ok()) return session.Fail(resource.error().message);
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);
  const auto wanted = [&](const Value& event) {
    if (args.Has("types") && event.StringAt("type") != args.Get("types")) return false;
    return !about || (event.StringAt("involvedObject.kind") == about->resource.kind &&
                      event.StringAt("involvedObject.name") == about->name);
  };
  const bool everywhere = args.Is("all-namespaces");
  std::vector<std::string> headers{"LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"};
  if (everywhere) headers.insert(headers.begin(), "NAMESPACE");
  if (args.Is("no-headers")) headers.clear();
  Table table(headers);
  std::vector<Value> events;
  const auto show = [&] {
    std::stable_sort(events.begin(), events.end(), [](const Value& a, const Value& b) {
      return a.StringAt("lastTimestamp") < b.StringAt("lastTimestamp");
    });
    for (const Value& event : events) {
      if (output->IsTable()) {
        table.Add(EventRow(event, everywhere, Now()));
      } else if (args.Is("watch")) {
        PrintObject(session.out(), *output, event);
      }
    }
    if (!output->IsTable() && !args.Is("watch")) PrintList(session.out(), *output, events);
    if (output->IsTable()) table.Flush(session.out());
    session.out().flush();
    events.clear();
  };
  const std::string path = resource->Path(session.ListNamespace());
  if (!args.Is("watch")) {
    auto list = (*client)->List(path);
    if (!list.ok()) return session.Fail(list.error());
    for (Value& item : list->Find("items")->as_array()) {
      if (wanted(item)) events.push_back(std::move(item));
    }
    if (events.empty() && output->IsTable()) {
      session.err() << "No events found" << (everywhere ? "" : " in " + session.ns() + " namespace")
                    << ".\n";
    } else {
      show();
    }
    return kOk;
  }
  bool listed = false;
  const Follower follower{.on_object =
                              [&](Seen seen, const Value& event) {
                                if (seen == Seen::kDeleted || !wanted(event)) return true;
                                events.push_back(event);
                                if (listed) show();
                                return session.out().good();
                              },
                          .on_listed =
                              [&] {
                                listed = true;
                                show();
                                return true;
                              },
                          .on_trouble =
                              [&](const Error& error) {
                                session.err()
                                    << "watch: " << error.message << "; trying again" << std::endl;
                              }};
  const auto result = Follow(**client, path, {}, {}, follower);
  return result.ok() ? kOk : session.Fail(result.error());
}

int Status(Session& session) {
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);
  const auto resource = FindResource("executions");
  if (!resource.ok()) return session.Fail(resource.error().message);
  auto executions = (*client)->List(resource->Path(""));
  const bool own = !executions.ok() && executions.error().code == Code::kForbidden;
  if (own) executions = (*client)->List(resource->Path(session.ns()));
  if (!executions.ok()) return session.Fail(executions.error());
  Capacity used;
  std::map<std::string, size_t> phases;
  std::vector<const Value*> queue;
  for (const Value& execution : executions->Find("items")->as_array()) {
    std::string phase = execution.StringAt("status.phase");
    if (phase.empty()) phase = "Pending";
    ++phases[phase];
    if (phase == "Queued") queue.push_back(&execution);
    const Capacity reserved = Reserved(execution);
    used.cpu += reserved.cpu;
    used.memory += reserved.memory;
  }
  session.out() << "Server:      " << session.server() << '\n';
  ShowControllers(session, **client);
  const auto nodes = (*client)->List("/api/v1/nodes");
  if (nodes.ok()) {
    ShowNodes(session, *nodes, used);
  } else if (nodes.error().code == Code::kForbidden) {
    session.out() << "Nodes:       not shown: they are for admins to see\n\n";
  } else {
    session.err() << "nodes: " << Explain(nodes.error()) << '\n';
  }
  if (own) session.out() << "Namespace:   " << session.ns() << ", others are not shown\n";
  session.out() << "Executions:  " << executions->Find("items")->as_array().size();
  for (const char* phase : {"Running", "Starting", "Pending", "Queued", "Suspended", "Succeeded",
                            "Failed", "Terminating"}) {
    if (phases.contains(phase)) session.out() << "  " << phase << " " << phases[phase];
  }
  session.out() << '\n';
  ShowQueue(session, std::move(queue));
  return nodes.ok() || nodes.error().code == Code::kForbidden ? kOk : kFailed;
}

int Version(Session& session) {
  const auto output = ParseOutput(session.args().Get("output"));
  if (!output.ok() ||
      (output->format != Output::Format::kTable && output->format != Output::Format::kJson &&
       output->format != Output::Format::kYaml)) {
    return session.Usage("version takes -o json or -o yaml");
  }
  Value versions, own;
  own.Set("gitVersion", std::string("v") + ZOE_VERSION);
  versions.Set("clientVersion", std::move(own));
  Expected<Value> server = MakeError(Code::kCancelled, "");
  if (!session.args().Is("client")) {
    const auto client = session.Connect();
    server = client.ok() ? (*client)->Get("/version") : Expected<Value>(client.error());
    if (server.ok()) versions.Set("serverVersion", *server);
  }
  if (output->format == Output::Format::kTable) {
    session.out() << "Client Version: v" << ZOE_VERSION << '\n';
    if (server.ok()) session.out() << "Server Version: " << server->StringAt("gitVersion") << '\n';
  } else {
    PrintObject(session.out(), *output, versions);
  }
  if (server.ok() || session.args().Is("client")) return kOk;
  return session.Fail(server.error());
}

}  // namespace zoe::cli
