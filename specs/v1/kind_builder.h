// What the declarations of kinds have in common: pieces of the table in kinds.cc and of the core
// kinds (specs/core/kinds.cc). Internal to specs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "specs/schema/type.h"
#include "specs/v1/kinds.h"

namespace zoe::v1 {

template <class T>
const T& As(const ObjectBase& object) {
  return static_cast<const T&>(object);
}
template <class T>
T& As(ObjectBase& object) {
  return static_cast<T&>(object);
}

inline std::string TimeCell(const std::optional<WallTime>& time) {
  return time ? FormatTime(*time) : "";
}
inline std::string NameCell(const ObjectBase& object) { return object.meta.name; }
inline std::string AgeCell(const ObjectBase& object) {
  return TimeCell(object.meta.creation_timestamp);
}

inline constexpr Column kName = {"NAME", "string", "Name, unique within the namespace.", 0,
                                 NameCell};
inline constexpr Column kAge = {"AGE", "date", "When it was created.", 0, AgeCell};

// The field selectors of every kind.
inline const std::string* MetaField(const ObjectBase& object, std::string_view path) {
  if (path == "metadata.name") return &object.meta.name;
  if (path == "metadata.namespace") return &object.meta.ns;
  return nullptr;
}

// What every kind has. An empty short name: none.
template <class T>
Kind MakeKind(std::string_view name, std::string_view plural, std::string_view singular,
              std::string_view short_name) {
  Kind kind;
  kind.name = name;
  kind.plural = plural;
  kind.singular = singular;
  if (!short_name.empty()) kind.short_names = {short_name};
  kind.type = &schema::Describe<T>();
  kind.make = []() -> std::shared_ptr<ObjectBase> { return std::make_shared<T>(); };
  kind.clone = [](const ObjectBase& object) -> std::shared_ptr<ObjectBase> {
    return std::make_shared<T>(As<T>(object));
  };
  kind.field = MetaField;
  return kind;
}

}  // namespace zoe::v1
