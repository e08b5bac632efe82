// Event of core/v1: what happened to an object, as Kubernetes' clients read it. Our own Event
// (specs/v1/event.h) says the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "specs/meta/meta.h"
#include "specs/schema/type.h"
#include "specs/v1/event.h"

namespace zoe::core {

struct EventSource {
  std::string component, host;
  bool operator==(const EventSource&) const = default;
};

struct Event : ObjectBase {
  v1::ObjectReference involved_object;
  std::string type;  // Normal | Warning
  std::string reason, message;
  EventSource source;
  int32_t count = 1;
  std::optional<WallTime> first_timestamp, last_timestamp;
  std::string event_time;  // MicroTime: "2026-01-31T12:00:00.000000Z"
  std::string reporting_component, reporting_instance;
  bool operator==(const Event&) const = default;
};

}  // namespace zoe::core

namespace zoe::schema {
template <>
const Type& Describe<core::Event>();
}
