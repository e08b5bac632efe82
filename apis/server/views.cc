// Read-only views in core/v1's terms: the Swarm's nodes, the namespaces in use.
#include <algorithm>
#include <map>
#include <optional>

#include "apis/server/api.h"
#include "apis/server/status.h"
#include "specs/codec/value.h"
#include "specs/meta/quantity.h"
#include "specs/v1/user.h"

namespace zoe::server {
namespace {

using codec::Array;
using codec::Value;

constexpr int64_t kNanoPerMilli = 1'000'000;

struct Reserved {
  int64_t cpu_nano = 0, memory_bytes = 0, tasks = 0;
};

Value Amounts(int64_t cpu_nano, int64_t memory_bytes, int64_t tasks) {
  Value amounts;
  amounts.Set("cpu", Quantity::Milli(cpu_nano / kNanoPerMilli).text());
  amounts.Set("memory", Quantity::Whole(memory_bytes).text());
  if (tasks >= 0) amounts.Set("pods", std::to_string(tasks));
  return amounts;
}

Value Pair(const char* name, std::string value, const char* value_name) {
  Value pair;
  pair.Set("type", name);
  pair.Set(value_name, std::move(value));
  return pair;
}

Value NodeSpec(const SwarmNode& node) {
  Value spec = codec::Object{};
  if (node.availability == "active") return spec;
  spec.Set("unschedulable", true);
  Value taint;
  taint.Set("key", "node.kubernetes.io/unschedulable");
  taint.Set("effect", node.availability == "drain" ? "NoExecute" : "NoSchedule");
  spec.Set("taints", Array{std::move(taint)});
  return spec;
}

Value NodeStatus(const SwarmNode& node, const Reserved& reserved) {
  Value status;
  status.Set("capacity", Amounts(node.cpu_nano, node.memory_bytes, -1));
  status.Set("allocatable", Amounts(node.cpu_nano, node.memory_bytes, -1));
  status.Set("allocated", Amounts(reserved.cpu_nano, reserved.memory_bytes, reserved.tasks));
  Value ready = Pair("Ready", node.ready ? "True" : "False", "status");
  ready.Set("reason", node.ready ? "NodeReady" : "NodeDown");
  ready.Set("message",
            node.ready ? "the node answers" : "the Swarm's managers don't hear from the node");
  status.Set("conditions", Array{std::move(ready)});
  status.Set("addresses", Array{Pair("InternalIP", node.address, "address"),
                                Pair("Hostname", node.name, "address")});
  Value about;
  about.Set("containerRuntimeVersion", "docker://" + node.engine_version);
  about.Set("kubeletVersion", node.engine_version);
  about.Set("operatingSystem", "linux");
  status.Set("nodeInfo", std::move(about));
  return status;
}

Value NodeValue(const SwarmNode& node, const Reserved& reserved) {
  Value labels = codec::Object{};
  labels.Set("kubernetes.io/hostname", node.name);
  labels.Set(node.manager ? "node-role.kubernetes.io/manager" : "node-role.kubernetes.io/worker",
             "");
  if (node.leader) labels.Set("node-role.kubernetes.io/leader", "");
  for (const auto& [name, value] : node.labels) labels.Set(name, value);
  Value metadata;
  metadata.Set("name", node.name);
  metadata.Set("uid", node.id);
  metadata.Set("labels", std::move(labels));
  Value value;
  value.Set("kind", "Node");
  value.Set("apiVersion", "v1");
  value.Set("metadata", std::move(metadata));
  value.Set("spec", NodeSpec(node));
  value.Set("status", NodeStatus(node, reserved));
  return value;
}

Value ListValue(const char* kind, Revision revision, Array items) {
  Value metadata;
  metadata.Set("resourceVersion", std::to_string(revision));
  Value list;
  list.Set("kind", kind);
  list.Set("apiVersion", "v1");
  list.Set("metadata", std::move(metadata));
  list.Set("items", std::move(items));
  return list;
}

struct Namespace {
  std::optional<WallTime> created_at;
  bool going = false;
};

Value NamespaceValue(const std::string& name, const Namespace& place) {
  Value metadata;
  metadata.Set("name", name);
  if (place.created_at) metadata.Set("creationTimestamp", FormatTime(*place.created_at));
  Value status;
  status.Set("phase", place.going ? "Terminating" : "Active");
  Value value;
  value.Set("kind", "Namespace");
  value.Set("apiVersion", "v1");
  value.Set("metadata", std::move(metadata));
  value.Set("spec", codec::Object{});
  value.Set("status", std::move(status));
  return value;
}

// What tasks of this deployment's services reserve, by node id.
Expected<std::map<std::string, Reserved>> ReservedByNode(Swarm& swarm, const Context& ctx) {
  ZOE_ASSIGN(const std::vector<SwarmService> services, swarm.ListServices(ctx));
  ZOE_ASSIGN(const std::vector<SwarmTask> tasks, swarm.ListTasks(ctx));
  std::map<std::string_view, const SwarmServiceSpec*> specs;
  for (const SwarmService& service : services) specs[service.id] = &service.spec;
  std::map<std::string, Reserved> reserved;
  for (const SwarmTask& task : tasks) {
    if (IsTerminal(task.state) || task.node_id.empty()) continue;
    Reserved& node = reserved[task.node_id];
    ++node.tasks;
    const auto spec = specs.find(task.service_id);
    if (spec == specs.end()) continue;
    node.cpu_nano += spec->second->cpu_request_nano;
    node.memory_bytes += spec->second->memory_request_bytes;
  }
  return reserved;
}

Response Json(const Value& value) { return {.prefix = codec::ToJson(value) + "\n"}; }

Error NoSuch(std::string_view plural, const std::string& name) {
  return MakeError(Code::kNotFound, std::string(plural) + " \"" + name + "\" not found");
}

}  // namespace

void Api::View(const ExchangePtr& exchange) {
  const Route& route = exchange->route;
  if (route.subresource == "exec" || route.subresource == "attach") return Exec(exchange);
  if (route.subresource == "portforward") return PortForward(exchange);
  RunBlocking(exchange, [this, exchange] {
    const Route& asked = exchange->route;
    if (asked.kind->name != "Node" && asked.kind->name != "Namespace")
      return StatusResponse(501, "NotImplemented", "not served yet");
    auto response = asked.kind->name == "Node" ? Nodes(*exchange) : Namespaces(*exchange);
    return response.ok() ? std::move(response).value() : ErrorResponse(response.error(), &asked);
  });
}

Expected<Response> Api::Nodes(const Exchange& exchange) {
  const Context ctx = Context{deps_.clock, exchange.stop()}.WithTimeout(Duration(10'000));
  ZOE_ASSIGN(std::vector<SwarmNode> nodes, deps_.swarm.ListNodes(ctx));
  ZOE_ASSIGN(auto reserved, ReservedByNode(deps_.swarm, ctx));
  std::sort(nodes.begin(), nodes.end(),
            [](const SwarmNode& a, const SwarmNode& b) { return a.name < b.name; });
  const std::string& name = exchange.route.name;
  Array items;
  for (const SwarmNode& node : nodes) {
    if (!name.empty() && node.name != name) continue;
    Value value = NodeValue(node, reserved[node.id]);
    if (!name.empty()) return Json(value);
    items.push_back(std::move(value));
  }
  if (!name.empty()) return NoSuch("nodes", name);
  return Json(ListValue("NodeList", deps_.cache.revision(), std::move(items)));
}

// Those of Users, and the catalog; where nobody logs in, also those that their first object has
// made. As old as the User, else as the oldest object.
Expected<Response> Api::Namespaces(const Exchange& exchange) const {
  std::map<std::string, Namespace> all;
  all[std::string(v1::kCatalog)];
  const std::string_view only =
      auth_.enabled() ? v1::kCatalog : std::string_view();  // empty: all namespaces
  for (const v1::Kind& kind : v1::Kinds()) {
    if (!kind.namespaced) continue;
    for (const EntryPtr& entry : deps_.cache.List(kind.name, only).entries) {
      auto& created_at = all[entry->key.ns].created_at;
      const auto& own = entry->object->meta.creation_timestamp;
      if (own && (!created_at || *own < *created_at)) created_at = own;
    }
  }
  for (const EntryPtr& entry : deps_.cache.List("User").entries) {
    const Meta& user = entry->object->meta;
    all[user.name] = {user.creation_timestamp, user.deletion_timestamp.has_value()};
  }
  const std::string& name = exchange.route.name;
  if (!name.empty()) {
    if (!all.contains(name)) return NoSuch("namespaces", name);
    return Json(NamespaceValue(name, all[name]));
  }
  Array items;
  for (const auto& [each, place] : all) {
    Route one = exchange.route;
    one.name = each;
    if (auth_.Authorize(exchange.user, "get", one, exchange.request).ok())
      items.push_back(NamespaceValue(each, place));
  }
  return Json(ListValue("NamespaceList", deps_.cache.revision(), std::move(items)));
}

}  // namespace zoe::server
