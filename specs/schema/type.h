// What a field is, declared once: decoding, encoding, defaults, validation and documentation all
// follow from these descriptors.
//
// A struct is described by specialising Describe next to its declaration's .cc:
//
//   template <>
//   const Type& Describe<v1::Port>() {
//     static const Type type = Struct<v1::Port>("Port", "A port that the service listens on.")
//         .Add("port", &v1::Port::port, "Port number in the container.").Required().Range(1, 65535)
//         .Add("protocol", &v1::Port::protocol, "Transport.").Enum({"tcp", "udp"})
//         .Build();
//     return type;
//   }
//
// The default of a field is what a default-constructed struct holds. Descriptors live for ever and
// are immutable: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "specs/meta/meta.h"
#include "specs/meta/quantity.h"
#include "specs/meta/time.h"

namespace zoe::schema {

enum class Shape {
  kString,
  kInteger,
  kBoolean,
  kQuantity,
  kTime,
  kRaw,  // any JSON object, kept as its compact text (RawJson)
  kOptional,
  kList,
  kMap,
  kStruct
};

struct Type;

// Empty when `text` is good, else what it must be ("must be a DNS label: ..."), to stand
// after the text itself.
using Check = std::string (*)(std::string_view text);

// Constraints stand on the field that holds a value; those on scalars also hold for each element of
// a list, each value of a map and the value of an optional.
struct Field {
  std::string_view name, doc;
  const Type* type = nullptr;
  size_t offset = 0;          // of the member in its struct
  std::string_view constant;  // not stored: always this text ("apiVersion"); offset means nothing
  std::string key_json;       // "\"name\":"
  std::string default_text;   // for people; empty: none
  std::string_view example;   // YAML, shown in docs and where something else was found
  std::vector<std::string_view>
      also_known_as;  // what people write by mistake; only for suggestions
  bool required = false;
  bool immutable = false;   // may not change after creation
  bool any_scalar = false;  // strings that take any scalar and keep it as it was written
  bool integer_as_string =
      false;               // integers that are strings on the wire (resourceVersion); 0 is left out
  bool omit_zero = false;  // integers: 0 is left out (they are written otherwise)
  bool always =
      false;  // booleans and strings: false and "" are written (they are left out otherwise)
  std::optional<int64_t> minimum, maximum;
  std::string_view least;                // quantities: the smallest that is accepted
  size_t max_length = 0;                 // strings, in bytes; 0: no bound
  size_t min_items = 0, max_items = 0;   // lists; 0: no bound
  std::vector<std::string_view> values;  // if not empty, the only ones
  Check check = nullptr;                 // strings
  Check key_check = nullptr;             // keys of maps
  // Lists, as x-kubernetes-list-type has them: of structs that these fields tell apart ("map"), of
  // scalars that stand in it once ("set"). Neither: one value that is replaced whole ("atomic").
  std::vector<std::string_view> list_keys;
  bool list_set = false;

  const void* At(const void* object) const { return static_cast<const char*>(object) + offset; }
  void* At(void* object) const { return static_cast<char*>(object) + offset; }
};

struct Type {
  Shape shape = Shape::kString;
  size_t bytes = 0;                       // sizeof
  int bits = 0;                           // integers: 32 or 64
  std::string_view name, doc;             // structs
  std::vector<Field> fields;              // structs, in the order in which they are written
  std::vector<std::string_view> ignored;  // structs: keys that are accepted and dropped
  std::string_view short_form;    // structs: the list field that may stand for the whole; or empty
  const Type* element = nullptr;  // optionals, lists, maps

  // Lists.
  size_t (*size)(const void* list) = nullptr;
  const void* (*at)(const void* list, size_t index) = nullptr;
  void* (*append)(void* list) = nullptr;  // a new element, valid until the next append
  void (*clear)(void* list) = nullptr;
  // Optionals.
  const void* (*get)(const void* optional) = nullptr;  // nullptr: absent
  void* (*emplace)(void* optional) = nullptr;
  void (*reset)(void* optional) = nullptr;

  const Field* Find(std::string_view field_name) const;
};

// The descriptor of a scalar or a struct. Specialise for structs; a missing one is a link error.
template <class T>
const Type& Describe();
template <>
const Type& Describe<std::string>();
template <>
const Type& Describe<int32_t>();
template <>
const Type& Describe<int64_t>();
template <>
const Type& Describe<bool>();
template <>
const Type& Describe<Quantity>();
template <>
const Type& Describe<WallTime>();
template <>
const Type& Describe<RawJson>();

template <class T>
struct TypeFor {
  static const Type& Get() { return Describe<T>(); }
};

template <class T>
struct TypeFor<std::optional<T>> {
  static const Type& Get() {
    static const Type type = [] {
      using Optional = std::optional<T>;
      Type t;
      t.bytes = sizeof(Optional);
      t.shape = Shape::kOptional;
      t.element = &TypeFor<T>::Get();
      t.get = [](const void* p) -> const void* {
        const auto& optional = *static_cast<const Optional*>(p);
        return optional ? &*optional : nullptr;
      };
      t.emplace = [](void* p) -> void* { return &static_cast<Optional*>(p)->emplace(); };
      t.reset = [](void* p) { static_cast<Optional*>(p)->reset(); };
      return t;
    }();
    return type;
  }
};

template <class T>
struct TypeFor<std::vector<T>> {
  static const Type& Get() {
    static const Type type = [] {
      using List = std::vector<T>;
      Type t;
      t.bytes = sizeof(List);
      t.shape = Shape::kList;
      t.element = &TypeFor<T>::Get();
      t.size = [](const void* p) { return static_cast<const List*>(p)->size(); };
      t.at = [](const void* p, size_t i) -> const void* {
        return &(*static_cast<const List*>(p))[i];
      };
      t.append = [](void* p) -> void* { return &static_cast<List*>(p)->emplace_back(); };
      t.clear = [](void* p) { static_cast<List*>(p)->clear(); };
      return t;
    }();
    return type;
  }
};

template <>
struct TypeFor<std::map<std::string, std::string>> {
  static const Type& Get();
};

// What does not depend on the struct's type. Each modifier speaks of the field added last.
class StructBuilder {
 protected:
  StructBuilder(std::string_view name, std::string_view doc);
  void AddField(std::string_view name, std::string_view doc, const Type& type, size_t offset);
  void AddConstant(std::string_view name, std::string_view doc, std::string_view value);
  // Writes each field's default from `sample`, a default-constructed struct.
  Type Finish(const void* sample);
  Field& last() { return type_.fields.back(); }
  Type type_;
};

template <class T>
class Struct : StructBuilder {
 public:
  Struct(std::string_view name, std::string_view doc) : StructBuilder(name, doc) {}

  template <class M, class C>
  Struct& Add(std::string_view name, M C::*member, std::string_view doc) {
    const auto offset =
        reinterpret_cast<const char*>(&(sample_.*member)) - reinterpret_cast<const char*>(&sample_);
    AddField(name, doc, TypeFor<M>::Get(), static_cast<size_t>(offset));
    return *this;
  }
  Struct& Constant(std::string_view name, std::string_view value, std::string_view doc) {
    AddConstant(name, doc, value);
    return *this;
  }
  // The list `name` may be written where the struct is meant: `exec: [a, b]` for `exec: {command:
  // [a, b]}`. It is always encoded in full.
  Struct& ShortForm(std::string_view name) { return type_.short_form = name, *this; }
  Struct& Ignore(std::string_view name) { return type_.ignored.push_back(name), *this; }

  Struct& Required() { return last().required = true, *this; }
  Struct& Immutable() { return last().immutable = true, *this; }
  Struct& AnyScalar() { return last().any_scalar = true, *this; }
  Struct& IntegerAsString() { return last().integer_as_string = true, *this; }
  Struct& OmitZero() { return last().omit_zero = true, *this; }
  Struct& Always() { return last().always = true, *this; }
  Struct& Range(int64_t low, int64_t high) {
    return last().minimum = low, last().maximum = high, *this;
  }
  Struct& AtLeast(int64_t low) { return last().minimum = low, *this; }
  Struct& Least(std::string_view quantity) { return last().least = quantity, *this; }
  Struct& MaxLength(size_t bytes) { return last().max_length = bytes, *this; }
  Struct& MaxItems(size_t count) { return last().max_items = count, *this; }
  Struct& NotEmpty() { return last().min_items = 1, *this; }
  Struct& Enum(std::initializer_list<std::string_view> values) {
    return last().values = values, *this;
  }
  Struct& Must(Check check) { return last().check = check, *this; }
  Struct& KeysMust(Check check) { return last().key_check = check, *this; }
  Struct& ListMap(std::initializer_list<std::string_view> keys) {
    return last().list_keys = keys, *this;
  }
  Struct& ListSet() { return last().list_set = true, *this; }
  Struct& Example(std::string_view yaml) { return last().example = yaml, *this; }
  // For a default that is computed from other fields.
  Struct& Default(std::string_view text) { return last().default_text = text, *this; }
  Struct& Aka(std::initializer_list<std::string_view> names) {
    return last().also_known_as = names, *this;
  }

  Type Build() {
    type_.bytes = sizeof(T);
    return Finish(&sample_);
  }

 private:
  T sample_{};
};

}  // namespace zoe::schema
