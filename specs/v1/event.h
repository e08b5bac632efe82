// Event: what happened to an object; kept one hour. Unlike other kinds its fields stand at the top
// level, as in core/v1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "specs/meta/meta.h"

namespace zoe::v1 {

struct ObjectReference {
  std::string api_version, kind, ns, name, uid;  // YAML: apiVersion, kind, namespace, name, uid
  bool operator==(const ObjectReference&) const = default;
};

struct Event : ObjectBase {
  ObjectReference involved_object;
  std::string type;  // Normal | Warning
  std::string reason, message;
  std::string source;  // YAML: source.component
  int32_t count = 1;
  std::optional<WallTime> first_timestamp, last_timestamp;
  bool operator==(const Event&) const = default;
};

}  // namespace zoe::v1
