// What is used, of metrics.k8s.io/v1beta1: NodeMetrics and PodMetrics, as `kubectl top` reads them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "specs/meta/meta.h"
#include "specs/schema/type.h"

namespace zoe::core {

inline constexpr std::string_view kMetricsGroup = "metrics.k8s.io";

// "cpu" (in nanos: "26492213n") and "memory" ("1200Ki").
using Usage = std::map<std::string, std::string>;

struct NodeMetrics : ObjectBase {
  std::optional<WallTime> timestamp;
  std::string window;  // "10.5s": that the use of cpu is the mean of
  Usage usage;
  bool operator==(const NodeMetrics&) const = default;
};

struct ContainerMetrics {
  std::string name;
  Usage usage;
  bool operator==(const ContainerMetrics&) const = default;
};

struct PodMetrics : ObjectBase {
  std::optional<WallTime> timestamp;
  std::string window;
  std::vector<ContainerMetrics> containers;
  bool operator==(const PodMetrics&) const = default;
};

}  // namespace zoe::core

namespace zoe::schema {
template <>
const Type& Describe<core::NodeMetrics>();
template <>
const Type& Describe<core::PodMetrics>();
}  // namespace zoe::schema
