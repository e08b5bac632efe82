// The Swarm in the words of Kubernetes' core: tasks as Pods, members as Nodes. Pure.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controller/ports/swarm.h"
#include "specs/core/node.h"
#include "specs/core/pod.h"

namespace zoe::server {

// A pod's label, beside those of its service: which replica it is, 1...N.
inline constexpr std::string_view kLabelReplica = "zoe.replica";

// What was read of the Swarm.
struct SwarmPicture {
  std::vector<SwarmService> services;  // of this deployment
  std::vector<SwarmTask> tasks;        // of the whole Swarm
  std::vector<SwarmNode> nodes;
};

// OBJECT-SERVICE-SLOT-TASK, of the task the last five letters: "wordcount-worker-2-x1y2z".
std::string PodNameOf(const SwarmService& service, const SwarmTask& task);
// The name of a pod's one container: that of the service; of a Gateway "gateway".
std::string ContainerNameOf(const SwarmService& service);
// The host name in small letters; of two nodes with the same one, the later has a part of its id
// behind it. By node id.
std::map<std::string, std::string> NodeNames(const std::vector<SwarmNode>& nodes);

// A container that the Swarm still remembers, by the pod that it belongs to.
struct PodTasks {
  const SwarmService* service = nullptr;
  std::vector<const SwarmTask*> tasks;  // of one slot, oldest first; the last is the pod
};
// Those slots that have a pod: its newest task runs, is to run, or has ended by itself.
std::vector<PodTasks> SlotsOf(const SwarmPicture& picture);

// `labels_of` tells the labels of the object that a service belongs to.
using LabelsOf = std::function<Labels(const Labels& service_labels)>;
// Name, namespace, labels and history of a pod.
Meta PodMetaOf(const PodTasks& slot, const LabelsOf& labels_of);
std::vector<std::shared_ptr<ObjectBase>> MakePods(const SwarmPicture& picture,
                                                  const LabelsOf& labels_of);
// Those that it was given, and what Kubernetes' clients look for; `name` is NodeNames'.
Labels NodeLabelsOf(const SwarmNode& node, const std::string& name);
std::vector<std::shared_ptr<ObjectBase>> MakeNodes(const SwarmPicture& picture);

}  // namespace zoe::server
