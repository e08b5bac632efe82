// Tasks, nodes, networks and events from the Engine's JSON.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "controller/ports/swarm.h"

namespace zoe::docker {

// All: kInternal if the answer isn't what it should be.
// node_name and node_down are left for the caller, who knows the nodes.
Expected<std::vector<SwarmTask>> DecodeTasks(std::string_view json);
// `unknown` gets the ids of those that a new leader has not heard of yet; they aren't `ready`.
Expected<std::vector<SwarmNode>> DecodeNodes(std::string_view json,
                                             std::set<std::string>* unknown = nullptr);
// Swarm's overlay networks; engines list their local ones too, which are left out.
Expected<std::vector<SwarmNetwork>> DecodeNetworks(std::string_view json);
// IPv4, none twice, of whatever networks and nodes are listed.
Expected<std::vector<std::string>> DecodeSubnets(std::string_view networks, std::string_view nodes);
Expected<std::vector<SwarmSecret>> DecodeSecrets(std::string_view json);
// "ID" or "Id" of a create's answer.
Expected<std::string> DecodeId(std::string_view json);

Expected<std::string> EncodeNetwork(const SwarmNetworkSpec& spec);
Expected<std::string> EncodeSecret(const std::string& name, const Labels& labels,
                                   std::string_view data);
// The value of ?filters=: {"label":["a=b"],...}, escaped.
std::string Filters(const std::vector<std::pair<std::string, std::vector<std::string>>>& filters);

// What the observer compares between two polls.
struct ObjectMark {
  std::string id;
  uint64_t version = 0;
  SwarmHint owner;
};
struct TaskMark {
  std::string id, service_id;
  uint64_t version = 0;
  SwarmHint owner;  // as its container's labels say
};
Expected<std::vector<TaskMark>> DecodeTaskMarks(std::string_view json);
Expected<std::vector<ObjectMark>> DecodeServiceMarks(std::string_view json);
// Networks and secrets together: an id names one of either.
Expected<std::vector<ObjectMark>> DecodeOtherMarks(std::string_view networks,
                                                   std::string_view secrets);

// One line of GET /events. `service_id`: which service, or, of a container event, whose task it is.
struct EngineEvent {
  std::string type, action, service_id;
};
EngineEvent DecodeEvent(std::string_view json);

}  // namespace zoe::docker
