// What every object carries, by Kubernetes' API conventions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "specs/meta/key.h"
#include "specs/meta/time.h"

namespace zoe {

struct OwnerReference {
  std::string api_version, kind, name, uid;
  bool controller = false;
  bool block_owner_deletion = false;
  bool operator==(const OwnerReference&) const = default;
};

// A JSON object as compact text. Empty: absent.
struct RawJson {
  std::string text;
  bool operator==(const RawJson&) const = default;
};

// Which fields somebody has set: an entry of metadata.managedFields.
struct ManagedFields {
  std::string manager, operation;  // operation: Apply | Update
  std::string api_version;
  std::optional<WallTime> time;
  std::string fields_type;  // FieldsV1
  RawJson fields;           // YAML: fieldsV1
  std::string subresource;  // "", "status", "scale"
  bool operator==(const ManagedFields&) const = default;
};

struct Meta {
  std::string name, ns, uid, generate_name;
  std::map<std::string, std::string> labels, annotations;
  int64_t generation = 0;         // grows when spec changes
  Revision resource_version = 0;  // set by whoever read the record; not part of stored bytes
  std::optional<WallTime> creation_timestamp, deletion_timestamp;
  std::optional<int64_t> deletion_grace_period_seconds;
  std::vector<std::string> finalizers;
  std::vector<OwnerReference> owner_references;
  std::vector<ManagedFields> managed_fields;
  bool operator==(const Meta&) const = default;
};

// status: "True", "False" or "Unknown".
struct Condition {
  std::string type, status, reason, message;
  std::optional<WallTime> last_transition_time;
  int64_t observed_generation = 0;
  bool operator==(const Condition&) const = default;
};

// Sets or replaces the condition of that type; last_transition_time changes only with status. Keeps
// the list's order.
void SetCondition(std::vector<Condition>& conditions, Condition condition, WallTime now);
const Condition* FindCondition(const std::vector<Condition>& conditions, std::string_view type);

// Base of every object, so that the engine and the wires can handle kinds that they don't know.
struct ObjectBase {
  Meta meta;
  ObjectBase() = default;
  ObjectBase(const ObjectBase&) = default;
  ObjectBase& operator=(const ObjectBase&) = default;
  virtual ~ObjectBase() = default;
  bool operator==(const ObjectBase&) const = default;
};

template <class SpecT, class StatusT>
struct Object : ObjectBase {
  using Spec = SpecT;
  using Status = StatusT;
  SpecT spec;
  StatusT status;
  bool operator==(const Object&) const = default;
};

// A random (version 4) UUID, lower case. The one place where identity is made.
std::string NewUid();

}  // namespace zoe
