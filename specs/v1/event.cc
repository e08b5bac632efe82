#include "specs/v1/event.h"

#include "specs/v1/describe.h"
#include "specs/v1/kinds.h"

namespace zoe::schema {
namespace {

// The event as it stands on the wire has `source: {component: ...}`; the struct keeps the component
// alone.
struct EventSource {
  std::string component;
};

}  // namespace

template <>
const Type& Describe<v1::ObjectReference>() {
  using v1::ObjectReference;
  static const Type type = Struct<ObjectReference>("ObjectReference", "Names an object.")
                               .Add("apiVersion", &ObjectReference::api_version, "Its apiVersion.")
                               .Add("kind", &ObjectReference::kind, "Its kind.")
                               .Add("namespace", &ObjectReference::ns, "Its namespace.")
                               .Add("name", &ObjectReference::name, "Its name.")
                               .Add("uid", &ObjectReference::uid, "Its uid.")
                               .Ignore("resourceVersion")
                               .Ignore("fieldPath")
                               .Build();
  return type;
}

// A std::string, described as the only member of a struct: EventSource is laid out as one.
template <>
const Type& Describe<EventSource>() {
  static const Type type =
      Struct<EventSource>("EventSource", "Who reports.")
          .Add("component", &EventSource::component, "Name of the program or reconciler.")
          .Ignore("host")
          .Build();
  return type;
}

template <>
const Type& Describe<v1::Event>() {
  using v1::Event;
  static_assert(sizeof(EventSource) == sizeof(std::string));
  static const Type type = [] {
    Type t = Struct<Event>("Event", "Something that happened to an object. Kept one hour.")
                 .Constant("apiVersion", v1::kApiVersion, "Version of this format.")
                 .Constant("kind", "Event", "Kind of object.")
                 .Add("metadata", &Event::meta, "Name, labels and history.")
                 .Required()
                 .Add("involvedObject", &Event::involved_object, "The object to which it happened.")
                 .Add("type", &Event::type, "Whether somebody should look at it.")
                 .Enum({"Normal", "Warning"})
                 .Add("reason", &Event::reason, "What happened, as one CamelCase word.")
                 .Add("message", &Event::message, "What happened, for people.")
                 .Add("source", &Event::source, "Who reports.")
                 .Add("count", &Event::count, "How often it happened.")
                 .AtLeast(0)
                 .Add("firstTimestamp", &Event::first_timestamp, "When it happened first.")
                 .Add("lastTimestamp", &Event::last_timestamp, "When it happened last.")
                 .Ignore("eventTime")
                 .Ignore("reportingComponent")
                 .Ignore("reportingInstance")
                 .Build();
    for (Field& field : t.fields) {
      if (field.name == "source") field.type = &Describe<EventSource>();
    }
    return t;
  }();
  return type;
}

}  // namespace zoe::schema
