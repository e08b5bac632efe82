#pragma once

#include <string>
#include <vector>

#include "specs/schema/type.h"

namespace zoe::schema {

// A reference in Markdown: one section per struct with a table of its fields (type, default,
// meaning and bounds), first `type`, then every struct that it leads to, in the order of the
// fields. Structs in `described` are linked to only; those written are added to it.
std::string Markdown(const Type& type, std::vector<const Type*>& described);

// "string", "list of Port", "integer": the type as people call it. Structs by name.
std::string TypeName(const Field& field);
// The bounds of a field as sentences: "One of `a`, `b`. At most 63 bytes." Empty: none.
std::string Bounds(const Field& field);

}  // namespace zoe::schema
