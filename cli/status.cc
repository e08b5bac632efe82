// status: the platform at a glance.
#include <algorithm>
#include <map>

#include "cli/capacity.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/workspace.h"

namespace zoe::cli {
namespace {

using codec::Value;

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
      const Capacity one = CapacityAt(service, "resources.requests");
      sum += {IntAt(status, "running") * one.cpu, IntAt(status, "running") * one.memory};
    }
  }
  return sum;
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
    allocated += CapacityAt(node, "status.allocated");
    total += CapacityOfNode(node);
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
  Table table({"POSITION", "NAMESPACE", "NAME", "PRIORITY", "WAITING", "REASON", "MESSAGE"});
  constexpr size_t kShown = 10;
  for (size_t i = 0; i < std::min(queue.size(), kShown); ++i) {
    const Value& execution = *queue[i];
    const std::string queued = execution.StringAt("status.queuedAt");
    const Value* admitted = Condition(execution, "Admitted");
    table.Add(
        {std::to_string(IntAt(execution, "status.queuePosition")),
         execution.StringAt("metadata.namespace"), execution.StringAt("metadata.name"),
         std::to_string(IntAt(execution, "spec.priority")),
         Age(queued.empty() ? execution.StringAt("metadata.creationTimestamp") : queued, Now()),
         admitted == nullptr ? "" : admitted->StringAt("reason"), WhyQueued(execution)});
  }
  table.Flush(session.out(), "  ");
  if (queue.size() > kShown) session.out() << "  and " << queue.size() - kShown << " more\n";
}

}  // namespace

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
    used += Reserved(execution);
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

}  // namespace zoe::cli
