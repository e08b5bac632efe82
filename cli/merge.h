// What apply makes of the written and the live object: what is written, whose it becomes, and,
// where the server isn't asked, a three-way patch: what the last apply wrote, what is written now,
// what the server has.
//
// Until objects knew who owns their fields, apply remembered what it had written in an annotation;
// such objects are adopted.
#pragma once

#include <string>
#include <string_view>

#include "specs/codec/value.h"
#include "specs/v1/kinds.h"

namespace zoe::cli {

inline constexpr std::string_view kLastApplied = "zoe/last-applied-configuration";
inline constexpr std::string_view kKubectlApplied =
    "kubectl.kubernetes.io/last-applied-configuration";

// What apply sends of a written object: without status, what the server sets, and the annotations.
codec::Value Configuration(const codec::Value& object);

// Takes out what only the server keeps, and never shows again: a User's password and passwordHash.
// True if there was any.
bool RemoveSecrets(codec::Value& object);

// What the last apply wrote, without secrets, as an annotation remembers it; null if none does.
codec::Value LastApplied(const codec::Value& live);

// True if `manager` has applied the object, or what kubectl or we did before says so.
bool WasApplied(const codec::Value& live, std::string_view manager);
// True if apply must take the object over first: an annotation remembers what was applied, or
// nobody owns anything, so that the server would count every field as somebody else's.
bool NeedsAdoption(const codec::Value& live);
// The merge patch that makes `manager` the owner of what the annotation remembers, else of what is
// `written`. It changes nothing else and fits this very resourceVersion of the live object.
codec::Value AdoptionPatch(const v1::Kind& kind, const codec::Value& written,
                           const codec::Value& live, std::string_view manager);

// The merge patch to send; an empty object if there is nothing to do. `complete` is the written
// object with its defaults (null if unknown): a field that already is as it was meant, and one that
// was left out and has its default, is no difference. What the last apply wrote is what an
// annotation remembers, or what `manager` owns by managedFields.
codec::Value ThreeWayPatch(const codec::Value& written, const codec::Value& complete,
                           const codec::Value& live, std::string_view manager);

}  // namespace zoe::cli
