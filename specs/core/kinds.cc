#include "specs/core/kinds.h"

#include <algorithm>

#include "specs/core/event.h"
#include "specs/core/metrics.h"
#include "specs/core/namespace.h"
#include "specs/core/node.h"
#include "specs/core/pod.h"
#include "specs/v1/kind_builder.h"

namespace zoe::core {
namespace {

using v1::As;
using v1::Kind;

// Of what nobody knows when it began, as Kubernetes says it.
const v1::Column kAge = {"AGE", "date", "When it was created.", 0, [](const ObjectBase& object) {
                           return object.meta.creation_timestamp ? v1::AgeCell(object)
                                                                 : std::string("<unknown>");
                         }};

template <class T>
Kind MakeView(std::string_view name, std::string_view plural, std::string_view singular,
              std::string_view short_name) {
  Kind kind = v1::MakeKind<T>(name, plural, singular, short_name);
  kind.group = "";
  kind.api_version = "v1";
  kind.view = true;
  kind.categories.clear();
  return kind;
}

std::string OrNone(std::string text) { return text.empty() ? "<none>" : std::move(text); }

Kind NamespaceKind() {
  Kind kind = MakeView<Namespace>("Namespace", "namespaces", "namespace", "ns");
  kind.namespaced = false;
  kind.field = [](const ObjectBase& object, std::string_view path) {
    return path == "status.phase" ? &As<Namespace>(object).status.phase
                                  : v1::MetaField(object, path);
  };
  kind.columns = {v1::kName,
                  {"STATUS", "string", "Active, or Terminating with its user.", 0,
                   [](const ObjectBase& o) { return As<Namespace>(o).status.phase; }},
                  kAge};
  return kind;
}

std::string NodeStatusCell(const ObjectBase& object) {
  const auto& node = As<Node>(object);
  std::string cell = "Unknown";
  for (const NodeCondition& condition : node.status.conditions) {
    if (condition.type == "Ready") cell = condition.status == "True" ? "Ready" : "NotReady";
  }
  return node.spec.unschedulable ? cell + ",SchedulingDisabled" : cell;
}

std::string RolesCell(const ObjectBase& object) {
  constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
  std::string cell;
  for (const auto& [label, value] : object.meta.labels) {
    if (!label.starts_with(kPrefix)) continue;
    cell += (cell.empty() ? "" : ",") + label.substr(kPrefix.size());
  }
  return OrNone(std::move(cell));
}

std::string InternalIpCell(const ObjectBase& object) {
  for (const NodeAddress& address : As<Node>(object).status.addresses) {
    if (address.type == "InternalIP") return OrNone(address.address);
  }
  return "<none>";
}

std::string OrUnknown(const std::string& text) { return text.empty() ? "<unknown>" : text; }

Kind NodeKind() {
  Kind kind = MakeView<Node>("Node", "nodes", "node", "no");
  kind.namespaced = false;
  kind.columns = {
      v1::kName,
      {"STATUS", "string", "Whether the Swarm's managers hear from it.", 0, NodeStatusCell},
      {"ROLES", "string", "manager or worker; the leader among managers.", 0, RolesCell},
      kAge,
      {"VERSION", "string", "Of the Engine.", 0,
       [](const ObjectBase& o) { return As<Node>(o).status.node_info.kubelet_version; }},
      {"INTERNAL-IP", "string", "What the Swarm's managers use.", 1, InternalIpCell},
      {"EXTERNAL-IP", "string", "Not known to the Swarm.", 1,
       [](const ObjectBase&) { return std::string("<none>"); }},
      {"OS-IMAGE", "string", "Not known to the Swarm.", 1,
       [](const ObjectBase& o) { return OrUnknown(As<Node>(o).status.node_info.os_image); }},
      {"KERNEL-VERSION", "string", "Not known to the Swarm.", 1,
       [](const ObjectBase& o) { return OrUnknown(As<Node>(o).status.node_info.kernel_version); }},
      {"CONTAINER-RUNTIME", "string", "docker:// and the Engine's version.", 1,
       [](const ObjectBase& o) {
         return OrUnknown(As<Node>(o).status.node_info.container_runtime_version);
       }}};
  return kind;
}

std::string PodReadyCell(const ObjectBase& object) {
  const auto& pod = As<Pod>(object);
  const auto ready =
      std::count_if(pod.status.container_statuses.begin(), pod.status.container_statuses.end(),
                    [](const ContainerStatus& c) { return c.ready; });
  return std::to_string(ready) + "/" + std::to_string(pod.spec.containers.size());
}

// The word that says most: why the container waits or has ended, before the phase.
std::string PodStatusCell(const ObjectBase& object) {
  const auto& pod = As<Pod>(object);
  std::string cell = pod.status.reason.empty() ? pod.status.phase : pod.status.reason;
  for (const ContainerStatus& container : pod.status.container_statuses) {
    if (container.state.waiting && !container.state.waiting->reason.empty())
      cell = container.state.waiting->reason;
    if (container.state.terminated && !container.state.terminated->reason.empty())
      cell = container.state.terminated->reason;
  }
  if (pod.meta.deletion_timestamp) return pod.status.phase == "Unknown" ? "Unknown" : "Terminating";
  return cell;
}

std::string PodRestartsCell(const ObjectBase& object) {
  int64_t restarts = 0;
  for (const ContainerStatus& container : As<Pod>(object).status.container_statuses)
    restarts += container.restart_count;
  return std::to_string(restarts);
}

const std::string* PodField(const ObjectBase& object, std::string_view path) {
  const auto& pod = As<Pod>(object);
  if (path == "spec.nodeName") return &pod.spec.node_name;
  if (path == "spec.restartPolicy") return &pod.spec.restart_policy;
  if (path == "status.phase") return &pod.status.phase;
  if (path == "status.podIP") return &pod.status.pod_ip;
  return v1::MetaField(object, path);
}

std::string None(const ObjectBase&) { return "<none>"; }

Kind PodKind() {
  Kind kind = MakeView<Pod>("Pod", "pods", "pod", "po");
  kind.categories = {"all"};
  kind.field = PodField;
  kind.columns = {v1::kName,
                  {"READY", "string", "Containers that are ready, of all.", 0, PodReadyCell},
                  {"STATUS", "string", "How it is, in one word.", 0, PodStatusCell},
                  {"RESTARTS", "string", "Containers before it that the Swarm still remembers.", 0,
                   PodRestartsCell},
                  kAge,
                  {"IP", "string", "Its address in the network of its namespace.", 1,
                   [](const ObjectBase& o) { return OrNone(As<Pod>(o).status.pod_ip); }},
                  {"NODE", "string", "Where it runs.", 1,
                   [](const ObjectBase& o) { return OrNone(As<Pod>(o).spec.node_name); }},
                  {"NOMINATED NODE", "string", "Always none.", 1, None},
                  {"READINESS GATES", "string", "Always none.", 1, None}};
  return kind;
}

std::string ObjectCell(const ObjectBase& object) {
  const v1::ObjectReference& reference = As<Event>(object).involved_object;
  std::string kind = reference.kind;
  std::transform(kind.begin(), kind.end(), kind.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return kind + "/" + reference.name;
}

const std::string* EventField(const ObjectBase& object, std::string_view path) {
  const auto& event = As<Event>(object);
  static const std::string empty;
  if (path == "involvedObject.kind") return &event.involved_object.kind;
  if (path == "involvedObject.namespace") return &event.involved_object.ns;
  if (path == "involvedObject.name") return &event.involved_object.name;
  if (path == "involvedObject.uid") return &event.involved_object.uid;
  if (path == "involvedObject.apiVersion") return &event.involved_object.api_version;
  if (path == "involvedObject.resourceVersion" || path == "involvedObject.fieldPath") return &empty;
  if (path == "type") return &event.type;
  if (path == "reason") return &event.reason;
  if (path == "source") return &event.source.component;
  if (path == "reportingComponent") return &event.reporting_component;
  return v1::MetaField(object, path);
}

Kind EventKind() {
  Kind kind = MakeView<Event>("Event", "events", "event", "ev");
  kind.has_status = false;
  kind.field = EventField;
  kind.columns = {
      {"LAST SEEN", "date", "When it happened last.", 0,
       [](const ObjectBase& o) { return v1::TimeCell(As<Event>(o).last_timestamp); }},
      {"TYPE", "string", "Normal or Warning.", 0,
       [](const ObjectBase& o) { return As<Event>(o).type; }},
      {"REASON", "string", "What happened, in one word.", 0,
       [](const ObjectBase& o) { return As<Event>(o).reason; }},
      {"OBJECT", "string", "The object to which it happened.", 0, ObjectCell},
      {"SUBOBJECT", "string", "Always empty.", 1, [](const ObjectBase&) { return std::string(); }},
      {"SOURCE", "string", "Who reports.", 1,
       [](const ObjectBase& o) { return As<Event>(o).source.component; }},
      {"MESSAGE", "string", "What happened.", 0,
       [](const ObjectBase& o) { return As<Event>(o).message; }},
      {"FIRST SEEN", "date", "When it happened first.", 1,
       [](const ObjectBase& o) { return v1::TimeCell(As<Event>(o).first_timestamp); }},
      {"COUNT", "integer", "How often it happened.", 1,
       [](const ObjectBase& o) { return std::to_string(As<Event>(o).count); }},
      {"NAME", "string", "Name of the event.", 1, v1::NameCell}};
  return kind;
}

std::string UsageCell(const Usage& usage, const char* name) {
  const auto it = usage.find(name);
  return it == usage.end() ? "<unknown>" : it->second;
}

template <class T>
Kind MetricsKind(std::string_view name, std::string_view plural) {
  Kind kind = MakeView<T>(name, plural, "", "");
  kind.group = kMetricsGroup;
  kind.api_version = "metrics.k8s.io/v1beta1";
  kind.has_status = false;
  return kind;
}

Kind NodeMetricsKind() {
  Kind kind = MetricsKind<NodeMetrics>("NodeMetrics", "nodes");
  kind.namespaced = false;
  kind.columns = {
      v1::kName,
      {"CPU", "string", "That its containers use.", 0,
       [](const ObjectBase& o) { return UsageCell(As<NodeMetrics>(o).usage, "cpu"); }},
      {"MEMORY", "string", "That its containers use.", 0,
       [](const ObjectBase& o) { return UsageCell(As<NodeMetrics>(o).usage, "memory"); }},
      {"WINDOW", "string", "That CPU is the mean of.", 0,
       [](const ObjectBase& o) { return As<NodeMetrics>(o).window; }}};
  return kind;
}

// A pod has one container.
const Usage& UsageOf(const ObjectBase& object) {
  static const Usage none;
  const auto& containers = As<PodMetrics>(object).containers;
  return containers.empty() ? none : containers.front().usage;
}

Kind PodMetricsKind() {
  Kind kind = MetricsKind<PodMetrics>("PodMetrics", "pods");
  kind.columns = {v1::kName,
                  {"CPU", "string", "That it uses.", 0,
                   [](const ObjectBase& o) { return UsageCell(UsageOf(o), "cpu"); }},
                  {"MEMORY", "string", "That it uses.", 0,
                   [](const ObjectBase& o) { return UsageCell(UsageOf(o), "memory"); }},
                  {"WINDOW", "string", "That CPU is the mean of.", 0,
                   [](const ObjectBase& o) { return As<PodMetrics>(o).window; }}};
  return kind;
}

const Kind* Find(const std::vector<Kind>& kinds, std::string_view name) {
  const auto it =
      std::find_if(kinds.begin(), kinds.end(), [&](const Kind& kind) { return kind.name == name; });
  return it == kinds.end() ? nullptr : &*it;
}

}  // namespace

const std::vector<Kind>& Kinds() {
  static const std::vector<Kind> kinds = {NamespaceKind(), NodeKind(), PodKind(), EventKind()};
  return kinds;
}

const Kind* FindKind(std::string_view name) { return Find(Kinds(), name); }

const std::vector<Kind>& MetricsKinds() {
  static const std::vector<Kind> kinds = {NodeMetricsKind(), PodMetricsKind()};
  return kinds;
}

const Kind* FindMetricsKind(std::string_view name) { return Find(MetricsKinds(), name); }

}  // namespace zoe::core
