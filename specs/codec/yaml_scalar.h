// How YAML's core schema (1.2) reads plain text, and which text other readers would take for
// something else. Private to this folder.
#pragma once

#include <optional>
#include <string_view>

#include "specs/codec/value.h"

namespace zoe::codec {

// The value of a plain (unquoted) scalar, with its spelling kept. nullopt: a number that neither
// int64 nor double can hold, or .inf and .nan, for which JSON has no text.
std::optional<Value> ResolvePlain(std::string_view text);

// True if `text`, written plain, reads as this very string by YAML 1.1 and 1.2 alike, and in block
// context.
bool IsSafePlain(std::string_view text);

}  // namespace zoe::codec
