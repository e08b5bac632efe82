// Kubernetes' core/v1 kinds that the API shows: nodes, namespaces, pods and events, as far as a
// Swarm has what they tell. Views: made by the server, read by clients, never stored.
#pragma once

#include <string_view>
#include <vector>

#include "specs/v1/kinds.h"

namespace zoe::core {

// Of group "" and apiVersion "v1".
const std::vector<v1::Kind>& Kinds();
// Exact: "Pod"; nullptr if there is none.
const v1::Kind* FindKind(std::string_view name);

// Of metrics.k8s.io/v1beta1: what nodes and pods use. Measured when asked for: nothing to watch.
const std::vector<v1::Kind>& MetricsKinds();
const v1::Kind* FindMetricsKind(std::string_view name);  // "PodMetrics"

}  // namespace zoe::core
