#include "apis/docker/object_codec.h"

#include <algorithm>
#include <set>

#include "apis/docker/engine_client.h"
#include "apis/docker/engine_error.h"
#include "apis/docker/json.h"
#include "controller/crypto/crypto.h"
#include "specs/meta/subnet.h"

namespace zoe::docker {
namespace {

TaskState ReadState(const std::string& name) {
  if (name == "allocated") return TaskState::kPending;
  for (int i = 0; i <= static_cast<int>(TaskState::kOrphaned); ++i) {
    if (TaskStateName(static_cast<TaskState>(i)) == name) return static_cast<TaskState>(i);
  }
  return TaskState::kNew;
}

// The Engine writes an exit code of 0 for containers that never ran or still run.
std::optional<int> ReadExitCode(const Json& status, TaskState state) {
  const Json& container = Child(status, "ContainerStatus");
  if (!container.is_object()) return std::nullopt;
  const int code = static_cast<int>(Number(container, "ExitCode"));
  if (state == TaskState::kComplete) return code;
  if (IsTerminal(state) && code != 0) return code;
  return std::nullopt;
}

// An engine lists them in no order, and once for each family of addresses.
std::vector<SwarmPort> ReadTaskPorts(const Json& status) {
  std::vector<SwarmPort> ports = ReadPorts(Child(Child(status, "PortStatus"), "Ports"));
  const auto key = [](const SwarmPort& p) { return std::pair(p.target, p.published); };
  std::ranges::sort(ports, {}, key);
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
  return ports;
}

// "10.0.1.5/24" without its prefix; the routing mesh's network is nobody's.
std::vector<std::string> ReadAddresses(const Json& item) {
  std::vector<std::string> addresses;
  for (const Json& attachment : Child(item, "NetworksAttachments")) {
    if (Flag(Child(Child(attachment, "Network"), "Spec"), "Ingress")) continue;
    for (const Json& address : Child(attachment, "Addresses")) {
      if (!address.is_string()) continue;
      const auto& text = address.get_ref<const std::string&>();
      addresses.push_back(text.substr(0, text.find('/')));
    }
  }
  return addresses;
}

SwarmTask DecodeTask(const Json& item) {
  SwarmTask task;
  const Json& status = Child(item, "Status");
  task.id = Text(item, "ID");
  task.service_id = Text(item, "ServiceID");
  task.node_id = Text(item, "NodeID");
  task.slot = static_cast<int32_t>(Number(item, "Slot"));
  task.state = ReadState(Text(status, "State"));
  task.desired_state = ReadState(Text(item, "DesiredState"));
  task.message = Text(status, "Message");
  task.error = Text(status, "Err");
  task.exit_code = ReadExitCode(status, task.state);
  task.created_at = ReadTime(item, "CreatedAt");
  task.timestamp = ReadTime(status, "Timestamp");
  task.container_id = Text(Child(status, "ContainerStatus"), "ContainerID");
  task.addresses = ReadAddresses(item);
  task.ports = ReadTaskPorts(status);
  const Json& reserved = Child(Child(Child(item, "Spec"), "Resources"), "Reservations");
  task.cpu_request_nano = Number(reserved, "NanoCPUs");
  task.memory_request_bytes = Number(reserved, "MemoryBytes");
  return task;
}

// "10.0.0.1:2377": of a manager, as the others know it.
std::string ManagerAddress(const Json& node) {
  const std::string address = Text(Child(node, "ManagerStatus"), "Addr");
  return address.substr(0, address.rfind(':'));
}

// What uname calls a machine is another name than Go's.
std::string GoArchitecture(const std::string& machine) {
  if (machine == "x86_64") return "amd64";
  return machine == "aarch64" ? "arm64" : machine;
}

SwarmNode DecodeNode(const Json& item) {
  SwarmNode node;
  const Json& spec = Child(item, "Spec");
  const Json& description = Child(item, "Description");
  const Json& resources = Child(description, "Resources");
  node.id = Text(item, "ID");
  node.name = Text(description, "Hostname");
  node.address = Text(Child(item, "Status"), "Addr");
  // A manager that listens on all its addresses reports this one of itself.
  if (node.address == "0.0.0.0") node.address = ManagerAddress(item);
  node.engine_version = Text(Child(description, "Engine"), "EngineVersion");
  const Json& platform = Child(description, "Platform");
  if (const std::string os = Text(platform, "OS"); !os.empty()) node.os = os;
  node.architecture = GoArchitecture(Text(platform, "Architecture"));
  node.created_at = ReadTime(item, "CreatedAt");
  node.manager = Text(spec, "Role") == "manager";
  node.leader = Flag(Child(item, "ManagerStatus"), "Leader");
  node.ready = Text(Child(item, "Status"), "State") == "ready";
  node.availability = Text(spec, "Availability");
  node.cpu_nano = Number(resources, "NanoCPUs");
  node.memory_bytes = Number(resources, "MemoryBytes");
  node.labels = ReadLabels(spec, "Labels");
  node.engine_labels = ReadLabels(Child(description, "Engine"), "Labels");
  return node;
}

// A network that was removed is listed until this engine's last task of it has gone: by the engine,
// which knows its peers, no longer by Swarm.
bool IsSwarms(const Json& network) {
  return Text(network, "Scope") == "swarm" && Empty(Child(network, "Peers"));
}

SwarmNetwork DecodeNetwork(const Json& item) {
  SwarmNetwork network;
  network.id = Text(item, "Id");
  network.spec.name = Text(item, "Name");
  network.spec.labels = ReadLabels(item, "Labels");
  const Json& ranges = Child(Child(item, "IPAM"), "Config");
  if (ranges.is_array() && !ranges.empty()) network.spec.subnet = Text(ranges.front(), "Subnet");
  const Json& options = Child(item, "Options");
  network.spec.encrypted = options.is_object() && options.contains("encrypted");
  network.spec.internal = Flag(item, "Internal");
  network.spec.attachable = Flag(item, "Attachable");
  network.allocated = !Text(item, "Driver").empty();
  return network;
}

SwarmSecret DecodeSecret(const Json& item) {
  const Json& spec = Child(item, "Spec");
  return {Text(item, "ID"), Text(spec, "Name"), ReadLabels(spec, "Labels")};
}

ObjectMark MarkOf(const Json& item, std::string_view id, const Json& labels) {
  return {Text(item, id),
          VersionOf(item),
          {Text(labels, kLabelKind), Text(labels, kLabelNamespace), Text(labels, kLabelName)}};
}

}  // namespace

Expected<std::vector<SwarmTask>> DecodeTasks(std::string_view json) {
  ZOE_ASSIGN(const Json list, ParseList(json, "GET /tasks", "ID"));
  std::vector<SwarmTask> tasks;
  for (const Json& item : list) tasks.push_back(DecodeTask(item));
  return tasks;
}

Expected<std::vector<SwarmNode>> DecodeNodes(std::string_view json,
                                             std::set<std::string>* unknown) {
  ZOE_ASSIGN(const Json list, ParseList(json, "GET /nodes", "ID"));
  std::vector<SwarmNode> nodes;
  for (const Json& item : list) {
    nodes.push_back(DecodeNode(item));
    if (unknown != nullptr && Text(Child(item, "Status"), "State") == "unknown")
      unknown->insert(nodes.back().id);
  }
  return nodes;
}

Expected<std::vector<SwarmNetwork>> DecodeNetworks(std::string_view json) {
  ZOE_ASSIGN(const Json list, ParseList(json, "GET /networks", "Id"));
  std::vector<SwarmNetwork> networks;
  for (const Json& item : list) {
    if (IsSwarms(item)) networks.push_back(DecodeNetwork(item));
  }
  return networks;
}

Expected<std::vector<std::string>> DecodeSubnets(std::string_view networks,
                                                 std::string_view nodes) {
  ZOE_ASSIGN(const Json network_list, ParseList(networks, "GET /networks", "Id"));
  ZOE_ASSIGN(const Json node_list, ParseList(nodes, "GET /nodes", "ID"));
  std::set<std::string> subnets;
  const auto add = [&](const std::string& text) {
    if (const auto subnet = ParseSubnet(text)) subnets.insert(subnet->ToString());
  };
  for (const Json& item : network_list) {
    for (const Json& range : Child(Child(item, "IPAM"), "Config")) add(Text(range, "Subnet"));
  }
  for (const Json& item : node_list) {
    add(Text(Child(item, "Status"), "Addr"));
    add(ManagerAddress(item));
  }
  return std::vector<std::string>(subnets.begin(), subnets.end());
}

Expected<std::vector<SwarmSecret>> DecodeSecrets(std::string_view json) {
  ZOE_ASSIGN(const Json list, ParseList(json, "GET /secrets", "ID"));
  std::vector<SwarmSecret> secrets;
  for (const Json& item : list) secrets.push_back(DecodeSecret(item));
  return secrets;
}

Expected<std::string> EncodeSecret(const std::string& name, const Labels& labels,
                                   std::string_view data) {
  return Dump({{"Name", name}, {"Labels", labels}, {"Data", crypto::EncodeBase64(data)}});
}

Expected<std::string> DecodeId(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  std::string id = Text(json, "ID");
  if (id.empty()) id = Text(json, "Id");
  if (id.empty()) return Nonsense("a create", text);
  return id;
}

Expected<std::string> EncodeNetwork(const SwarmNetworkSpec& spec) {
  Json network = {{"Name", spec.name},
                  {"CheckDuplicate", true},
                  {"Driver", "overlay"},
                  {"Scope", "swarm"},
                  {"Labels", spec.labels},
                  {"Internal", spec.internal},
                  {"Attachable", spec.attachable},
                  {"Options", Json::object()}};
  if (!spec.subnet.empty()) {
    network["IPAM"] = {{"Driver", "default"},
                       {"Config", Json::array({Json{{"Subnet", spec.subnet}}})}};
  }
  if (spec.encrypted) network["Options"]["encrypted"] = "";
  return Dump(network);
}

std::string Filters(const std::vector<std::pair<std::string, std::vector<std::string>>>& filters) {
  Json json = Json::object();
  for (const auto& [name, values] : filters) json[name] = values;
  return Escape(json.dump(-1, ' ', true, Json::error_handler_t::replace));
}

Expected<std::vector<TaskMark>> DecodeTaskMarks(std::string_view json) {
  ZOE_ASSIGN(const Json list, ParseList(json, "GET /tasks", "ID"));
  std::vector<TaskMark> marks;
  for (const Json& item : list) {
    const Json& container = Child(Child(item, "Spec"), "ContainerSpec");
    ObjectMark mark = MarkOf(item, "ID", Child(container, "Labels"));
    marks.push_back(
        {std::move(mark.id), Text(item, "ServiceID"), mark.version, std::move(mark.owner)});
  }
  return marks;
}

Expected<std::vector<ObjectMark>> DecodeServiceMarks(std::string_view json) {
  ZOE_ASSIGN(const Json list, ParseList(json, "GET /services", "ID"));
  std::vector<ObjectMark> marks;
  for (const Json& item : list)
    marks.push_back(MarkOf(item, "ID", Child(Child(item, "Spec"), "Labels")));
  return marks;
}

Expected<std::vector<ObjectMark>> DecodeOtherMarks(std::string_view networks,
                                                   std::string_view secrets) {
  ZOE_ASSIGN(const Json network_list, ParseList(networks, "GET /networks", "Id"));
  ZOE_ASSIGN(const Json secret_list, ParseList(secrets, "GET /secrets", "ID"));
  std::vector<ObjectMark> marks;
  for (const Json& item : network_list) {
    if (IsSwarms(item)) marks.push_back(MarkOf(item, "Id", Child(item, "Labels")));
  }
  for (const Json& item : secret_list)
    marks.push_back(MarkOf(item, "ID", Child(Child(item, "Spec"), "Labels")));
  return marks;
}

EngineEvent DecodeEvent(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  const Json& actor = Child(json, "Actor");
  EngineEvent event{.type = Text(json, "Type"), .action = Text(json, "Action")};
  event.service_id = event.type == "service"
                         ? Text(actor, "ID")
                         : Text(Child(actor, "Attributes"), "com.docker.swarm.service.id");
  return event;
}

}  // namespace zoe::docker
