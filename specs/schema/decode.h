#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "specs/codec/value.h"
#include "specs/meta/error.h"
#include "specs/schema/type.h"

namespace zoe::schema {

enum class Unknown { kError, kWarn, kIgnore };  // what a field that nobody declared is

// More causes than these help nobody and are left out.
inline constexpr size_t kMaxCauses = 200;

// What was wrong, in the order in which it was met.
struct Problems {
  std::vector<Cause> causes;
  std::vector<std::string> warnings;  // with kWarn: `unknown field "spec.x"`
};

// Reads `value` into `target`, which `type` describes and which is default-constructed (that is
// where defaults come from), and checks every constraint of the schema. Goes on after an error, so
// that all are found; a field with an error keeps its default. null is the same as absent. `path`
// stands before every field path ("spec").
void DecodeValue(const Type& type, const codec::Value& value, void* target, Unknown unknown,
                 Problems& problems, std::string_view path = "");

// Reads JSON of our own, written by AppendJson: types must fit, unknown fields are skipped
// (kIgnore) or an error (kError), nothing else is checked. On an error (kInternal, with the offset;
// reason UnknownField, with its name) `target` is partly filled.
Expected<void> DecodeTrusted(const Type& type, std::string_view json, void* target,
                             Unknown unknown = Unknown::kIgnore);

// The position of the value at a field path ("spec.services[0].name"), or of the deepest one on the
// way to it that exists.
codec::Position Locate(const codec::Value& document, std::string_view path);

}  // namespace zoe::schema
