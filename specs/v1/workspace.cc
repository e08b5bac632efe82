#include "specs/v1/workspace.h"

#include "specs/v1/checks.h"
#include "specs/v1/describe.h"
#include "specs/v1/kinds.h"

namespace zoe::schema {

using v1::Workspace, v1::WorkspaceSpec, v1::WorkspaceStatus, v1::WorkspaceVolume;

template <>
const Type& Describe<WorkspaceVolume>() {
  static const Type type =
      Struct<WorkspaceVolume>("WorkspaceVolume",
                              "A Docker volume, made by the engine of each node that runs a "
                              "container with it.")
          .Add("driver", &WorkspaceVolume::driver, "Volume driver.")
          .MaxLength(128)
          .Add("options", &WorkspaceVolume::options, "What the driver is told.")
          .AnyScalar()
          .Example("{type: nfs, o: \"addr=10.0.0.2,rw\", device: \":/export/alice\"}")
          .Build();
  return type;
}

template <>
const Type& Describe<WorkspaceSpec>() {
  static const Type type =
      Struct<WorkspaceSpec>("WorkspaceSpec", "Whose directory, and what becomes of it.")
          .Add("uid", &WorkspaceSpec::uid, "Numeric owner of the directory.")
          .Range(0, 2'147'483'647)
          .Default("the User's; without one the controller's")
          .Add("gid", &WorkspaceSpec::gid, "Numeric group of the directory.")
          .Range(0, 2'147'483'647)
          .Default("the User's; without one the controller's")
          .Add("mode", &WorkspaceSpec::mode, "Permissions of the directory, octal.")
          .Must(v1::MustBeMode)
          .Example("\"0750\"")
          .Add("reclaimPolicy", &WorkspaceSpec::reclaim_policy,
               "Whether the files stay when the Workspace is deleted.")
          .Enum({v1::kRetain, v1::kDelete})
          .Add("quota", &WorkspaceSpec::quota,
               "Bytes above which condition OverQuota is True; nothing is refused. Absent: none.")
          .Least("1")
          .Example("100Gi")
          .Add("volume", &WorkspaceSpec::volume,
               "A Docker volume instead of a directory under the controller's --workspace-root.")
          .Example(
              "{driver: local, options: {type: nfs, o: \"addr=10.0.0.2\", device: \":/export\"}}")
          .Build();
  return type;
}

template <>
const Type& Describe<WorkspaceStatus>() {
  static const Type type =
      Struct<WorkspaceStatus>("WorkspaceStatus", "What is seen of the directory.")
          .Add("observedGeneration", &WorkspaceStatus::observed_generation,
               "The metadata.generation that was looked at.")
          .OmitZero()
          .Add("path", &WorkspaceStatus::path, "The directory, the same on every Docker host.")
          .Add("volume", &WorkspaceStatus::volume, "Name of the Docker volume, if it is one.")
          .Add("usedBytes", &WorkspaceStatus::used_bytes,
               "Bytes that its files took on disk when they were last counted.")
          .Add("usedFiles", &WorkspaceStatus::used_files,
               "How many files and directories that were.")
          .Add("measuredAt", &WorkspaceStatus::measured_at, "When they were last counted.")
          .Add("conditions", &WorkspaceStatus::conditions, "Ready, OverQuota.")
          .ListMap({"type"})
          .Build();
  return type;
}

template <>
const Type& Describe<Workspace>() {
  static const Type type =
      Struct<Workspace>(
          "Workspace",
          "A user's directory on the shared filesystem. Named as its namespace, which "
          "has one only.")
          .Constant("apiVersion", v1::kApiVersion, "Version of this format.")
          .Constant("kind", "Workspace", "Kind of object.")
          .Add("metadata", &Workspace::meta, "Name, labels and history.")
          .Required()
          .Example("{name: alice, namespace: alice}")
          .Add("spec", &Workspace::spec, "Whose directory, and what becomes of it.")
          .Add("status", &Workspace::status, "What is seen; written by the controller.")
          .Build();
  return type;
}

}  // namespace zoe::schema
