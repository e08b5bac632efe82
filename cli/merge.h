// Client-side apply, as kubectl's: what the user wrote last time, what is there, what the user
// writes now.
#pragma once

#include <string>
#include <string_view>

#include "specs/codec/value.h"

namespace zoe::cli {

inline constexpr std::string_view kLastApplied = "zoe/last-applied-configuration";

// The part of a written object that is sent and compared: without status, server-owned metadata and
// our own annotation.
codec::Value Configuration(const codec::Value& object);

// Fields of a kind that are sent and never given back: they are not remembered either.
bool RemoveSecrets(codec::Value& object);

// `object` as it is sent at first: its configuration, and the annotation that remembers it.
codec::Value WithLastApplied(const codec::Value& object);

// What the annotation of `live` remembers; null if there is none, or it can't be read.
codec::Value LastApplied(const codec::Value& live);

// The merge patch that brings `live` to `written`; an empty object if nothing is to be done. Fields
// that `written` doesn't mention are left alone, unless the last apply wrote them: then they are
// removed. Arrays are replaced whole. `complete` is `written` with all defaults (or null): a field
// that differs only by a default of the server's is equal.
codec::Value ThreeWayPatch(const codec::Value& written, const codec::Value& complete,
                           const codec::Value& live);

}  // namespace zoe::cli
