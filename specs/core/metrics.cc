#include "specs/core/metrics.h"

#include "specs/schema/meta.h"

namespace zoe::schema {
namespace {

constexpr const char* kWindow = "The time until then that the use of CPU is the mean of.";

}  // namespace

template <>
const Type& Describe<core::NodeMetrics>() {
  using core::NodeMetrics;
  static const Type type =
      Struct<NodeMetrics>("NodeMetrics",
                          "What containers of this deployment use on a node. Read only.")
          .Constant("apiVersion", "metrics.k8s.io/v1beta1", "Version of this format.")
          .Constant("kind", "NodeMetrics", "Kind of object.")
          .Add("metadata", &NodeMetrics::meta, "Name and labels of the node.")
          .Add("timestamp", &NodeMetrics::timestamp, "When it was measured.")
          .Add("window", &NodeMetrics::window, kWindow)
          .Always()
          .Add("usage", &NodeMetrics::usage, "cpu and memory, as quantities.")
          .Always()
          .Build();
  return type;
}

template <>
const Type& Describe<core::ContainerMetrics>() {
  using core::ContainerMetrics;
  static const Type type =
      Struct<ContainerMetrics>("ContainerMetrics", "What a container uses.")
          .Add("name", &ContainerMetrics::name, "Name of the container.")
          .Add("usage", &ContainerMetrics::usage, "cpu and memory, as quantities.")
          .Always()
          .Build();
  return type;
}

template <>
const Type& Describe<core::PodMetrics>() {
  using core::PodMetrics;
  static const Type type =
      Struct<PodMetrics>("PodMetrics", "What the containers of a pod use. Read only.")
          .Constant("apiVersion", "metrics.k8s.io/v1beta1", "Version of this format.")
          .Constant("kind", "PodMetrics", "Kind of object.")
          .Add("metadata", &PodMetrics::meta, "Name, namespace and labels of the pod.")
          .Add("timestamp", &PodMetrics::timestamp, "When it was measured.")
          .Add("window", &PodMetrics::window, kWindow)
          .Always()
          .Add("containers", &PodMetrics::containers, "What each of them uses.")
          .Always()
          .Build();
  return type;
}

}  // namespace zoe::schema
