#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "specs/schema/type.h"

namespace zoe::schema {

// Appends `value`, which `type` describes, as compact JSON, fields in the order of their
// declaration. Left out: absent optionals, empty strings, lists, maps and structs, and false,
// unless the default differs from that. So reading what was written gives an equal value, and
// defaults are written out. Scalars kept as text are written bare where they are an integer, true
// or false.
void AppendJson(const Type& type, const void* value, std::string& out);

// Reads the integer of 32 or 64 bits. Precondition: type.shape is kInteger.
int64_t IntegerAt(const Type& type, const void* value);

}  // namespace zoe::schema
