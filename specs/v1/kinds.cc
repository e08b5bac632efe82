#include "specs/v1/kinds.h"

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <iterator>
#include <utility>

#include "specs/schema/encode.h"
#include "specs/v1/describe.h"
#include "specs/v1/kind_builder.h"
#include "specs/v1/validate.h"

namespace zoe::v1 {
namespace {

template <class T>
void AddSpecAndStatus(Kind& kind) {
  kind.copy_status = [](const ObjectBase& from, ObjectBase& to) {
    As<T>(to).status = As<T>(from).status;
  };
  kind.copy_spec = [](const ObjectBase& from, ObjectBase& to) {
    As<T>(to).spec = As<T>(from).spec;
  };
  kind.spec_equal = [](const ObjectBase& a, const ObjectBase& b) {
    return As<T>(a).spec == As<T>(b).spec;
  };
  kind.status_equal = [](const ObjectBase& a, const ObjectBase& b) {
    return As<T>(a).status == As<T>(b).status;
  };
}

std::string ServicesCell(const ObjectBase& object) {
  std::string out;
  for (const Service& service : As<Application>(object).spec.services) {
    if (!out.empty()) out += ',';
    out += service.name;
  }
  return out;
}

std::string ParametersCell(const ObjectBase& object) {
  std::string out;
  for (const Parameter& parameter : As<Application>(object).spec.parameters) {
    if (!out.empty()) out += ',';
    out += parameter.name;
    if (parameter.default_value) out += '=' + *parameter.default_value;
  }
  return out;
}

Kind ApplicationKind() {
  Kind kind = MakeKind<Application>("Application", "applications", "application", "app");
  AddSpecAndStatus<Application>(kind);
  kind.validate = ValidateApplication;
  kind.columns = {
      kName,
      {"TITLE", "string", "Title, for people.", 0,
       [](const ObjectBase& o) { return As<Application>(o).spec.title; }},
      {"SERVICES", "string", "Names of its services.", 0, ServicesCell},
      kAge,
      {"PARAMETERS", "string", "Its parameters and their defaults.", 1, ParametersCell}};
  return kind;
}

std::string PhaseCell(const ObjectBase& object) {
  const std::string& phase = As<Execution>(object).status.phase;
  return phase.empty() ? std::string(kPending) : phase;
}

std::string ReadyCell(const ObjectBase& object) {
  const auto& execution = As<Execution>(object);
  int64_t ready = 0, total = 0;
  for (const ServiceStatus& service : execution.status.services) {
    ready += service.ready;
    total += service.total;
  }
  if (execution.status.services.empty() && execution.spec.application) {
    for (const Service& service : execution.spec.application->services)
      total += service.replicas.total;
  }
  return std::to_string(ready) + "/" + std::to_string(total);
}

std::string RestartsCell(const ObjectBase& object) {
  int64_t restarts = 0;
  for (const ServiceStatus& service : As<Execution>(object).status.services)
    restarts += service.restarts;
  return std::to_string(restarts);
}

std::string EndpointCell(const ObjectBase& object) {
  const auto& endpoints = As<Execution>(object).status.endpoints;
  return endpoints.empty() ? "" : endpoints.front().url;
}

std::string QueueCell(const ObjectBase& object) {
  const int32_t position = As<Execution>(object).status.queue_position;
  return position > 0 ? std::to_string(position) : "";
}

// "worker 3/8"
std::string GrantedCell(const ObjectBase& object) {
  std::string cell;
  for (const ServiceStatus& service : As<Execution>(object).status.services) {
    if (!service.granted || *service.granted == service.total) continue;
    cell += (cell.empty() ? "" : ", ") + service.name + " " + std::to_string(*service.granted) +
            "/" + std::to_string(service.total);
  }
  return cell;
}

// Why it is not ready; of one in the queue, why it is there.
std::string MessageCell(const ObjectBase& object) {
  const ExecutionStatus& status = As<Execution>(object).status;
  const Condition* why =
      FindCondition(status.conditions, status.phase == kQueued ? "Admitted" : "Ready");
  return why == nullptr ? "" : why->message;
}

Kind ExecutionKind() {
  Kind kind = MakeKind<Execution>("Execution", "executions", "execution", "exec");
  AddSpecAndStatus<Execution>(kind);
  kind.validate = ValidateExecution;
  kind.field = [](const ObjectBase& object, std::string_view path) {
    return path == "status.phase" ? &As<Execution>(object).status.phase : MetaField(object, path);
  };
  kind.columns = {
      kName,
      {"PHASE", "string", "Where it stands.", 0, PhaseCell},
      {"READY", "string", "Replicas that are ready, of those wanted.", 0, ReadyCell},
      {"RESTARTS", "integer", "Restarts after a failure.", 0, RestartsCell},
      kAge,
      {"STARTED", "date", "When its first container was asked for.", 1,
       [](const ObjectBase& o) { return TimeCell(As<Execution>(o).status.started_at); }},
      {"PRIORITY", "integer", "Higher is started first.", 1,
       [](const ObjectBase& o) { return std::to_string(As<Execution>(o).spec.priority); }},
      {"QUEUE", "string", "Its place in the queue.", 1, QueueCell},
      {"GRANTED", "string", "Replicas that may run, of those declared, where some may not.", 1,
       GrantedCell},
      {"ENDPOINT", "string", "Its first address.", 1, EndpointCell},
      {"MESSAGE", "string", "What it waits for.", 1, MessageCell}};
  return kind;
}

std::string ObjectCell(const ObjectBase& object) {
  const ObjectReference& reference = As<Event>(object).involved_object;
  std::string kind = reference.kind;
  std::transform(kind.begin(), kind.end(), kind.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return kind + "/" + reference.name;
}

const std::string* EventField(const ObjectBase& object, std::string_view path) {
  const auto& event = As<Event>(object);
  if (path == "involvedObject.kind") return &event.involved_object.kind;
  if (path == "involvedObject.namespace") return &event.involved_object.ns;
  if (path == "involvedObject.name") return &event.involved_object.name;
  if (path == "involvedObject.uid") return &event.involved_object.uid;
  if (path == "type") return &event.type;
  if (path == "reason") return &event.reason;
  return MetaField(object, path);
}

// An Event has neither spec nor status: its fields but metadata count as its spec.
Kind EventKind() {
  Kind kind = MakeKind<Event>("Event", "events", "event", "ev");
  kind.categories.clear();  // `get all` is what somebody runs, not what was said about it
  kind.has_status = false;
  kind.copy_status = [](const ObjectBase&, ObjectBase&) {};
  kind.copy_spec = [](const ObjectBase& from, ObjectBase& to) {
    Event event = As<Event>(from);
    event.meta = to.meta;
    As<Event>(to) = std::move(event);
  };
  kind.spec_equal = [](const ObjectBase& a, const ObjectBase& b) {
    Event other = As<Event>(b);
    other.meta = a.meta;
    return As<Event>(a) == other;
  };
  kind.status_equal = [](const ObjectBase&, const ObjectBase&) { return true; };
  kind.validate = ValidateEvent;
  kind.field = EventField;
  kind.columns = {{"LAST SEEN", "date", "When it happened last.", 0,
                   [](const ObjectBase& o) { return TimeCell(As<Event>(o).last_timestamp); }},
                  {"TYPE", "string", "Normal or Warning.", 0,
                   [](const ObjectBase& o) { return As<Event>(o).type; }},
                  {"REASON", "string", "What happened, in one word.", 0,
                   [](const ObjectBase& o) { return As<Event>(o).reason; }},
                  {"OBJECT", "string", "The object to which it happened.", 0, ObjectCell},
                  {"SOURCE", "string", "Who reports.", 1,
                   [](const ObjectBase& o) { return As<Event>(o).source; }},
                  {"MESSAGE", "string", "What happened.", 0,
                   [](const ObjectBase& o) { return As<Event>(o).message; }},
                  {"FIRST SEEN", "date", "When it happened first.", 1,
                   [](const ObjectBase& o) { return TimeCell(As<Event>(o).first_timestamp); }},
                  {"COUNT", "integer", "How often it happened.", 1,
                   [](const ObjectBase& o) { return std::to_string(As<Event>(o).count); }},
                  {"NAME", "string", "Name of the event.", 1, NameCell}};
  return kind;
}

// "True", or the reason why not.
std::string ConditionCell(const std::vector<Condition>& conditions, std::string_view type) {
  const Condition* condition = FindCondition(conditions, type);
  if (condition == nullptr) return "Unknown";
  return condition->status == "True" || condition->reason.empty() ? condition->status
                                                                  : condition->reason;
}

std::string RolesCell(const ObjectBase& object) {
  std::string out;
  for (const std::string& role : As<Quota>(object).spec.roles)
    out += (out.empty() ? "" : ",") + role;
  return out;
}

template <class T>
std::string NumberCell(const std::optional<T>& number) {
  return number ? std::to_string(*number) : "";
}

std::string QuantityCell(const std::optional<Quantity>& quantity) {
  return quantity ? quantity->text() : "";
}

Kind QuotaKind() {
  Kind kind = MakeKind<Quota>("Quota", "quotas", "quota", "");
  kind.categories.clear();  // as Users
  kind.namespaced = false;
  AddSpecAndStatus<Quota>(kind);
  kind.columns = {kName,
                  {"EXECUTIONS", "string", "How many at one time.", 0,
                   [](const ObjectBase& o) { return NumberCell(As<Quota>(o).spec.executions); }},
                  {"CPU", "string", "CPUs that they request together.", 0,
                   [](const ObjectBase& o) { return QuantityCell(As<Quota>(o).spec.cpu); }},
                  {"MEMORY", "string", "Memory that they request together.", 0,
                   [](const ObjectBase& o) { return QuantityCell(As<Quota>(o).spec.memory); }},
                  {"SERVICES", "string", "How many services they have together.", 0,
                   [](const ObjectBase& o) { return NumberCell(As<Quota>(o).spec.services); }},
                  {"RUNTIME", "string", "How long each may run.", 0,
                   [](const ObjectBase& o) { return As<Quota>(o).spec.runtime; }},
                  {"ROLES", "string", "Whose users have it if they name none.", 0, RolesCell},
                  kAge,
                  {"MAX PRIORITY", "string", "The highest priority that they take.", 1,
                   [](const ObjectBase& o) { return NumberCell(As<Quota>(o).spec.max_priority); }}};
  return kind;
}

Kind UserKind() {
  Kind kind = MakeKind<User>("User", "users", "user", "");
  kind.categories.clear();  // nobody but admins may list them: `get all` is for everybody
  kind.namespaced = false;
  AddSpecAndStatus<User>(kind);
  kind.columns = {
      kName,
      {"ROLE", "string", "admin, user or guest.", 0,
       [](const ObjectBase& o) { return As<User>(o).spec.role; }},
      {"ENABLED", "boolean", "False: no login.", 0,
       [](const ObjectBase& o) {
         return std::string(As<User>(o).spec.enabled ? "true" : "false");
       }},
      {"READY", "string", "Whether network, Workspace and Gateway stand.", 0,
       [](const ObjectBase& o) { return ConditionCell(As<User>(o).status.conditions, "Ready"); }},
      kAge,
      {"UID", "string", "Numeric user on files.", 1,
       [](const ObjectBase& o) { return NumberCell(As<User>(o).spec.uid); }},
      {"SUBNET", "string", "Of the private network.", 1,
       [](const ObjectBase& o) { return As<User>(o).status.subnet; }},
      {"FULL NAME", "string", "Name, for people.", 1,
       [](const ObjectBase& o) { return As<User>(o).spec.full_name; }}};
  return kind;
}

// "1.5Gi".
std::string BytesCell(const std::optional<int64_t>& bytes) {
  if (!bytes) return "";
  constexpr std::string_view kUnits[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi"};
  double value = static_cast<double>(*bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, unit > 0 && value < 10 ? "%.1f" : "%.0f", value);
  return text + std::string(kUnits[unit]);
}

Kind WorkspaceKind() {
  Kind kind = MakeKind<Workspace>("Workspace", "workspaces", "workspace", "ws");
  AddSpecAndStatus<Workspace>(kind);
  kind.columns = {
      kName,
      {"READY", "string", "Whether containers can use it.", 0,
       [](const ObjectBase& o) {
         return ConditionCell(As<Workspace>(o).status.conditions, "Ready");
       }},
      {"USED", "string", "Bytes that its files take.", 0,
       [](const ObjectBase& o) { return BytesCell(As<Workspace>(o).status.used_bytes); }},
      {"QUOTA", "string", "Bytes above which it is over quota.", 0,
       [](const ObjectBase& o) { return QuantityCell(As<Workspace>(o).spec.quota); }},
      {"RECLAIM", "string", "Retain: the files stay when it is deleted.", 0,
       [](const ObjectBase& o) { return As<Workspace>(o).spec.reclaim_policy; }},
      kAge,
      {"PATH", "string", "The directory on every host.", 1, [](const ObjectBase& o) {
         const WorkspaceStatus& status = As<Workspace>(o).status;
         return status.path.empty() ? status.volume : status.path;
       }}};
  return kind;
}

std::string AddressCell(const std::string& host, int32_t port) {
  return host.empty() || port == 0 ? "" : host + ":" + std::to_string(port);
}

Kind GatewayKind() {
  Kind kind = MakeKind<Gateway>("Gateway", "gateways", "gateway", "gw");
  AddSpecAndStatus<Gateway>(kind);
  kind.validate = ValidateGateway;
  kind.columns = {kName,
                  {"READY", "string", "Whether it can be reached.", 0,
                   [](const ObjectBase& o) {
                     return ConditionCell(As<Gateway>(o).status.conditions, "Ready");
                   }},
                  {"SSH", "string", "Address of SSH.", 0,
                   [](const ObjectBase& o) {
                     const GatewayStatus& status = As<Gateway>(o).status;
                     return AddressCell(status.address, status.ssh_port);
                   }},
                  {"SOCKS", "string", "Address of the SOCKS5 proxy.", 0,
                   [](const ObjectBase& o) {
                     const GatewayStatus& status = As<Gateway>(o).status;
                     return AddressCell(status.address, status.socks_port);
                   }},
                  kAge,
                  {"NODE", "string", "Where it runs.", 1,
                   [](const ObjectBase& o) { return As<Gateway>(o).status.node; }},
                  {"FINGERPRINT", "string", "Of its SSH host key.", 1,
                   [](const ObjectBase& o) { return As<Gateway>(o).status.host_key_fingerprint; }}};
  return kind;
}

Kind CredentialKind() {
  Kind kind = MakeKind<Credential>("Credential", "credentials", "credential", "");
  kind.internal = true;
  AddSpecAndStatus<Credential>(kind);
  kind.columns = {kName, kAge};
  return kind;
}

Kind StoreInfoKind() {
  Kind kind = MakeKind<StoreInfo>(kStoreInfo, "storeinfos", "storeinfo", "");
  kind.internal = true;
  kind.namespaced = false;
  AddSpecAndStatus<StoreInfo>(kind);
  kind.columns = {kName, kAge};
  return kind;
}

std::string Lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

}  // namespace

const std::vector<Kind>& Kinds() {
  static const std::vector<Kind> kinds = {QuotaKind(),   UserKind(),        WorkspaceKind(),
                                          GatewayKind(), ApplicationKind(), ExecutionKind(),
                                          EventKind()};
  return kinds;
}

const std::vector<Kind>& InternalKinds() {
  static const std::vector<Kind> kinds = {CredentialKind(), StoreInfoKind()};
  return kinds;
}

const Kind* FindKind(std::string_view name) {
  for (const Kind& kind : Kinds()) {
    if (kind.name == name) return &kind;
  }
  for (const Kind& kind : InternalKinds()) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

const Kind* FindResource(std::string_view name_or_short_name) {
  std::string name = Lowered(name_or_short_name);
  if (name.ends_with(".zoe")) name.resize(name.size() - 4);
  if (name.ends_with(".v1")) name.resize(name.size() - 3);
  for (const Kind& kind : Kinds()) {
    if (name == kind.plural || name == kind.singular) return &kind;
    if (std::find(kind.short_names.begin(), kind.short_names.end(), name) != kind.short_names.end())
      return &kind;
  }
  return nullptr;
}

std::vector<std::string_view> KnownResourceNames() {
  std::vector<std::string_view> names;
  for (const Kind& kind : Kinds()) {
    names.push_back(kind.plural);
    names.push_back(kind.singular);
    names.insert(names.end(), kind.short_names.begin(), kind.short_names.end());
  }
  return names;
}

}  // namespace zoe::v1
