#include "specs/core/event.h"

#include "specs/schema/meta.h"

namespace zoe::schema {

template <>
const Type& Describe<v1::ObjectReference>();

template <>
const Type& Describe<core::EventSource>() {
  using core::EventSource;
  static const Type type =
      Struct<EventSource>("EventSource", "Who reports.")
          .Add("component", &EventSource::component, "Name of the program or reconciler.")
          .Add("host", &EventSource::host, "The node where it happened.")
          .Build();
  return type;
}

template <>
const Type& Describe<core::Event>() {
  using core::Event;
  static const Type type =
      Struct<Event>("Event", "Something that happened to an object. Kept one hour. Read only.")
          .Constant("apiVersion", "v1", "Version of this format.")
          .Constant("kind", "Event", "Kind of object.")
          .Add("metadata", &Event::meta, "Name, labels and history.")
          .Add("involvedObject", &Event::involved_object, "The object to which it happened.")
          .Add("reason", &Event::reason, "What happened, as one CamelCase word.")
          .Add("message", &Event::message, "What happened, for people.")
          .Add("source", &Event::source, "Who reports.")
          .Add("firstTimestamp", &Event::first_timestamp, "When it happened first.")
          .Add("lastTimestamp", &Event::last_timestamp, "When it happened last.")
          .Add("count", &Event::count, "How often it happened.")
          .Add("type", &Event::type, "Whether somebody should look at it.")
          .Enum({"Normal", "Warning"})
          .Add("eventTime", &Event::event_time, "When it happened first, in microseconds.")
          .Add("reportingComponent", &Event::reporting_component,
               "Name of the program or reconciler, as source.component.")
          .Always()
          .Add("reportingInstance", &Event::reporting_instance, "Always empty.")
          .Always()
          .Build();
  return type;
}

}  // namespace zoe::schema
