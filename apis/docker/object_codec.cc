#include "apis/docker/object_codec.h"

#include "apis/docker/engine_client.h"
#include "apis/docker/engine_error.h"
#include "apis/docker/json.h"

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
  return task;
}

SwarmNode DecodeNode(const Json& item) {
  SwarmNode node;
  const Json& spec = Child(item, "Spec");
  const Json& description = Child(item, "Description");
  const Json& resources = Child(description, "Resources");
  node.id = Text(item, "ID");
  node.name = Text(description, "Hostname");
  node.address = Text(Child(item, "Status"), "Addr");
  node.engine_version = Text(Child(description, "Engine"), "EngineVersion");
  node.manager = Text(spec, "Role") == "manager";
  node.leader = Flag(Child(item, "ManagerStatus"), "Leader");
  node.ready = Text(Child(item, "Status"), "State") == "ready";
  node.availability = Text(spec, "Availability");
  node.cpu_nano = Number(resources, "NanoCPUs");
  node.memory_bytes = Number(resources, "MemoryBytes");
  node.labels = ReadLabels(spec, "Labels");
  return node;
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
  return network;
}

}  // namespace

Expected<std::vector<SwarmTask>> DecodeTasks(std::string_view json) {
  ZOE_ASSIGN(const Json list, ParseList(json, "GET /tasks", "ID"));
  std::vector<SwarmTask> tasks;
  for (const Json& item : list) tasks.push_back(DecodeTask(item));
  return tasks;
}

Expected<std::vector<SwarmNode>> DecodeNodes(std::string_view json) {
  ZOE_ASSIGN(const Json list, ParseList(json, "GET /nodes", "ID"));
  std::vector<SwarmNode> nodes;
  for (const Json& item : list) nodes.push_back(DecodeNode(item));
  return nodes;
}

Expected<std::vector<SwarmNetwork>> DecodeNetworks(std::string_view json) {
  ZOE_ASSIGN(const Json list, ParseList(json, "GET /networks", "Id"));
  std::vector<SwarmNetwork> networks;
  for (const Json& item : list) {
    // A network that was removed is listed until this engine's last task of it has gone: by the
    // engine, which knows its peers, no longer by Swarm.
    const bool ghost = !Empty(Child(item, "Peers"));
    if (Text(item, "Scope") == "swarm" && !ghost) networks.push_back(DecodeNetwork(item));
  }
  return networks;
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
  for (const Json& item : list)
    marks.push_back({Text(item, "ID"), Text(item, "ServiceID"), VersionOf(item)});
  return marks;
}

Expected<std::vector<ServiceMark>> DecodeServiceMarks(std::string_view json) {
  ZOE_ASSIGN(const Json list, ParseList(json, "GET /services", "ID"));
  std::vector<ServiceMark> marks;
  for (const Json& item : list) {
    const Json& labels = Child(Child(item, "Spec"), "Labels");
    marks.push_back(
        {Text(item, "ID"),
         VersionOf(item),
         {Text(labels, kLabelKind), Text(labels, kLabelNamespace), Text(labels, kLabelName)}});
  }
  return marks;
}

EngineEvent DecodeEvent(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  return {Text(json, "Type"),
          Text(Child(Child(json, "Actor"), "Attributes"), "com.docker.swarm.service.id")};
}

}  // namespace zoe::docker
