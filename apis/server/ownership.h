// Who has set which fields of an object: metadata.managedFields, kept by Kubernetes' rules (its
// fieldmanager): https://kubernetes.io/docs/reference/using-api/server-side-apply/. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "specs/codec/value.h"
#include "specs/meta/expected.h"
#include "specs/meta/meta.h"
#include "specs/schema/field_merge.h"
#include "specs/schema/field_set.h"

namespace zoe::server {

// Whoever owned all that stood before anybody applied.
inline constexpr std::string_view kBeforeFirstApply = "before-first-apply";
inline constexpr std::string_view kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

// An owner. Who applies is one for ever; who updates is one for each apiVersion, too.
struct Manager {
  std::string name;
  bool applies = false;
  std::string subresource;  // "", "status", "scale"
};

// Takes out of a set what nobody owns: what identifies the object and what the server gives; also
// the status, or all but it (`status`).
void KeepOwnable(schema::FieldSet& fields, bool status);
void KeepOwnable(schema::Changes& changes, bool status);

class Ownership {
 public:
  // kInvalid: an entry that can't be read.
  static Expected<Ownership> Read(const std::vector<ManagedFields>& entries);
  // Of an object that is being replaced: what the request says, for that is how clients change it;
  // what stands where it says nothing or nothing readable; none at all where it holds just one
  // empty entry, [{}].
  static Ownership OfUpdate(const std::vector<ManagedFields>& live,
                            const std::vector<ManagedFields>& given);
  // In Kubernetes' order: appliers first, then by time. kTooLarge: more than an object should
  // carry.
  Expected<std::vector<ManagedFields>> Write() const;

  bool empty() const { return entries_.empty(); }
  schema::FieldSet Of(const Manager& manager) const;
  schema::FieldSet OfAllBut(const Manager& manager) const;

  // `fields` are now as `manager` wants them, who applies: whose they are as well. Nothing if that
  // is so of no other. Else kConflict with a cause for each field and owner; those of `own` are
  // none.
  Expected<void> CheckConflicts(const Manager& manager, const schema::FieldSet& fields,
                                const schema::FieldSet& own) const;

  // After a write: nobody owns what has changed or gone but who changed it. Who updates gets
  // `fields` beside what it has; who applies has just them.
  void Settle(const Manager& manager, const schema::FieldSet& fields,
              const schema::Changes& changes, WallTime now);

 private:
  struct Entry {
    ManagedFields head;  // without fields
    schema::FieldSet fields;
  };
  static bool Is(const Entry& entry, const Manager& manager);
  Entry& Obtain(const Manager& manager);
  void CapUpdaters();

  std::vector<Entry> entries_;
};

}  // namespace zoe::server
