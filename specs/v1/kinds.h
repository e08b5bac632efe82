// The table of kinds: all that the engine and the wires need to handle an object whose type they
// don't know.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "specs/codec/value.h"
#include "specs/meta/expected.h"
#include "specs/meta/meta.h"

namespace zoe::schema {
struct Type;
}

namespace zoe::v1 {

inline constexpr std::string_view kApiVersion = "zoe/v1";

// A column of `get` and of Table answers. Cells are text; Kubernetes' column types: string,
// integer, date (RFC 3339 text).
struct Column {
  std::string_view name, type, description;
  int priority = 0;  // 0: always shown; 1: only with -o wide
  std::string (*cell)(const ObjectBase& object) = nullptr;
};

struct Kind {
  std::string_view name;      // "Execution"
  std::string_view plural;    // "executions"
  std::string_view singular;  // "execution"
  std::vector<std::string_view> short_names;
  std::string_view group = "zoe", api_version = kApiVersion;  // "" and "v1": Kubernetes' core
  std::vector<std::string_view> categories = {"all"};
  bool namespaced = true;
  // Made of what others tell (the Swarm, other kinds) and only read: never stored.
  bool view = false;
  bool internal = false;               // see InternalKinds
  bool has_status = true;              // false: no status subresource (Event)
  const schema::Type* type = nullptr;  // of the whole object
  std::shared_ptr<ObjectBase> (*make)() = nullptr;
  std::shared_ptr<ObjectBase> (*clone)(const ObjectBase& object) = nullptr;
  void (*copy_status)(const ObjectBase& from, ObjectBase& to) = nullptr;  // to.status = from.status
  void (*copy_spec)(const ObjectBase& from, ObjectBase& to) = nullptr;    // to.spec = from.spec
  bool (*spec_equal)(const ObjectBase& a, const ObjectBase& b) = nullptr;
  bool (*status_equal)(const ObjectBase& a, const ObjectBase& b) = nullptr;
  std::vector<Column> columns;  // NAME and AGE included
  // Checks that need several fields at once; field-level ones are in the schema. Appends
  // causes. May be null.
  void (*validate)(const ObjectBase& object, std::vector<Cause>& causes) = nullptr;
  // The value of a field-selector path such as "status.phase"; nullptr if the kind has no such
  // selector.
  const std::string* (*field)(const ObjectBase& object, std::string_view path) = nullptr;
};

// All kinds that the API serves, in the order in which `apply` and `get all` take them.
const std::vector<Kind>& Kinds();
// Those that stand in the store and that nobody outside may see or name.
const std::vector<Kind>& InternalKinds();
const Kind* FindKind(std::string_view name);  // exact: "Execution"; internal ones included
// Plural, singular, short name or kind, any case, as kubectl takes them ("exec", "executions.zoe",
// "execution.v1.zoe").
const Kind* FindResource(std::string_view name_or_short_name);
// Every name that FindResource takes, for suggestions.
std::vector<std::string_view> KnownResourceNames();

enum class Strictness { kStrict, kWarn, kIgnore };  // for unknown and duplicate fields

struct DecodeResult {
  const Kind* kind = nullptr;
  std::shared_ptr<ObjectBase> object;  // defaults filled, validated
  std::vector<std::string> warnings;   // with kWarn
};
// Turns a parsed document into an object: checks apiVersion and kind, refuses unknown fields ("did
// you mean"), fills defaults, validates. All errors at once, each with field path and position:
// kInvalid (kBadRequest without a kind).
Expected<DecodeResult> Decode(const codec::Value& document,
                              Strictness strictness = Strictness::kStrict);

// For records of our own store: nothing is validated. kInternal if it can't be read: damaged, or
// with a field that this version doesn't know (reason UnknownField), which EncodeJson would drop.
Expected<std::shared_ptr<ObjectBase>> DecodeStored(const Kind& kind, std::string_view json);

// Canonical JSON: apiVersion, kind, metadata, spec, status; absent optionals and empty values left
// out. `metadata.resourceVersion` is written when meta.resource_version is not 0.
std::string EncodeJson(const Kind& kind, const ObjectBase& object);

}  // namespace zoe::v1
