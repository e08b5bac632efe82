// What server-side apply does with documents: which fields one has, what differs between two, and
// how one is laid over another. By the descriptors: structs and maps field by field, lists item by
// item where they have keys (Field::list_keys) or are sets, everything else as one value.
//
// "Canonical" is a document as EncodeJson writes it: no nulls, no short forms. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "specs/codec/value.h"
#include "specs/meta/error.h"
#include "specs/schema/field_set.h"
#include "specs/schema/type.h"

namespace zoe::schema {

// Brings what somebody wrote nearer to the canonical form: takes out nulls, writes short forms in
// full and keys of list items that have a default. Adds a cause for each item of a list that has no
// key, or the same one as another before it; `path` stands before each field's path.
void Normalize(const Type& type, codec::Value& value, std::vector<Cause>& causes);

// The fields that a normalized or canonical document says something about, constants (apiVersion,
// kind) and what nobody has declared left out. An item of a list is a member beside its fields.
FieldSet FieldsOf(const Type& type, const codec::Value& value);

struct Changes {
  FieldSet added, modified, removed;
  bool empty() const { return added.empty() && modified.empty() && removed.empty(); }
};
// From `before` to `after`, both canonical. Values are compared as what they mean (1Gi is 1024Mi),
// the order of lists that have keys or are sets is no difference.
Changes Compare(const Type& type, const codec::Value& before, const codec::Value& after);

// Lays `applied` (normalized) over `target` (canonical). Items that both have keep the order of
// `applied`, those that only `target` has stay before what followed them. What doesn't fit its type
// replaces what is there, for decoding to complain about.
void Merge(const Type& type, codec::Value& target, const codec::Value& applied);

// Takes out of `target` what stands at places of `last` that `keep` doesn't have: a field whole
// with all that somebody else's defaults have put there, of lists that have items and of maps only
// the items named. The document's own parts (metadata, spec, status), and the keys of an item that
// stays, stay.
void Prune(const Type& type, codec::Value& target, const FieldSet& last, const FieldSet& keep);

}  // namespace zoe::schema
