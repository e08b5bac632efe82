// Server-side apply, and who owns what after any write.
#include <algorithm>

#include "apis/server/status.h"
#include "apis/server/writer.h"
#include "specs/schema/field_merge.h"

namespace zoe::server {
namespace {

using codec::Value;
using schema::Changes;
using schema::FieldSet;

constexpr size_t kMaxLastApplied = 256 * 1024;  // of all annotations together

FieldSet AllOf(const Changes& changes) {
  return schema::Union(schema::Union(changes.added, changes.modified), changes.removed);
}

// What the path, the format and the lists demand of an applied document, before anything is known
// of the object.
Expected<void> CheckApplied(const v1::Kind& kind, const Key& key, Part part, Value& document) {
  if (const Value* version = document.Find("apiVersion");
      version != nullptr && !(*version == Value(std::string(v1::kApiVersion)))) {
    return MakeError(Code::kBadRequest, "the applied document is of version " +
                                            version->ScalarText() + ", the path is for " +
                                            std::string(v1::kApiVersion));
  }
  ZOE_TRY(MatchPath(kind, key, document));
  if (const Value* managed = document.At("metadata.managedFields");
      managed != nullptr && !managed->is_null())
    return MakeError(Code::kBadRequest, "metadata.managedFields must be nil");
  std::vector<Cause> causes;
  schema::Normalize(*kind.type, document, causes);
  if (!causes.empty()) {
    Error error = MakeError(Code::kInvalid, "Invalid", "the applied document is invalid");
    error.causes = std::move(causes);
    return error;
  }
  if (part == Part::kObject) {
    document.Remove("status");
  } else {
    std::erase_if(document.as_object(), [](const codec::Member& member) {
      return member.key != "apiVersion" && member.key != "kind" && member.key != "metadata" &&
             member.key != "status";
    });
  }
  return {};
}

const Value* LastApplied(const Value& document) {
  const Value* annotations = document.At("metadata.annotations");
  const Value* text = annotations == nullptr ? nullptr : annotations->Find(kLastApplied);
  return text != nullptr && text->is_string() && !text->as_string().empty() ? text : nullptr;
}

// Kubernetes' rule: a client-side `kubectl apply` after this one must find what this one applied.
bool SyncLastApplied(Value& document, Value applied) {
  if (LastApplied(document) == nullptr) return false;
  if (Value* metadata = applied.Find("metadata"); metadata != nullptr) {
    if (Value* annotations = metadata->Find("annotations"); annotations != nullptr)
      annotations->Remove(kLastApplied);
  }
  std::string text = codec::ToJson(applied) + "\n";
  Value& annotations = *document.Find("metadata")->Find("annotations");
  if (text.size() > kMaxLastApplied) {
    annotations.Remove(kLastApplied);
  } else {
    annotations.Set(kLastApplied, std::move(text));
  }
  return true;
}

// What kubectl applied from its side and nobody has changed since: its own, whoever the entries
// name, so that it can go over to applying on this side.
FieldSet OwnByLastApplied(const v1::Kind& kind, const Value& live) {
  const Value* text = LastApplied(live);
  if (text == nullptr) return {};
  auto document = codec::ParseJson(text->as_string());
  if (!document.ok() || !document->is_object()) return {};
  std::vector<Cause> causes;
  schema::Normalize(*kind.type, *document, causes);
  return schema::Without(schema::FieldsOf(*kind.type, *document),
                         AllOf(schema::Compare(*kind.type, *document, live)));
}

}  // namespace

Expected<Written> Writer::Apply(const v1::Kind& kind, const Key& key, Part part, Value document,
                                const WriteOptions& options, const Caller& caller,
                                const std::function<Expected<void>()>& may_create) {
  ZOE_TRY(CheckApplied(kind, key, part, document));
  const auto change = [&](const Current& current) {
    return Overlay(kind, key, part, current, document, options);
  };
  for (int attempt = 1;; ++attempt) {
    auto written = Update(kind, key, part, change, options, caller);
    const bool absent = !written.ok() && written.error().code == Code::kNotFound;
    if (!absent || part == Part::kStatus) return written;
    ZOE_TRY(may_create());
    for (const char* precondition : {"uid", "resourceVersion"}) {
      const std::string value = document.Find("metadata")->StringAt(precondition);
      if (value.empty()) continue;
      return Conflict(key, std::string("metadata.") + precondition + " is \"" + value +
                               "\", and no existing object was found");
    }
    written = Make(kind, key, document, options, caller, true);
    const bool made_meanwhile = !written.ok() && written.error().code == Code::kAlreadyExists;
    if (!made_meanwhile || attempt == kAttempts) return written;
  }
}

Expected<Writer::Wanted> Writer::Overlay(const v1::Kind& kind, const Key& key, Part part,
                                         const Current& current, const Value& applied,
                                         const WriteOptions& options) const {
  const schema::Type& type = *kind.type;
  const bool status = part == Part::kStatus;
  const Manager manager{options.field_manager, true, options.subresource};
  const bool is_kubectl = manager.name == "kubectl" && !status;
  ZOE_ASSIGN(const Value live, DocumentOf(kind, *current.object));
  Ownership ownership = Ownership::OfUpdate(current.object->meta.managed_fields, {});
  if (ownership.empty()) {
    FieldSet standing = schema::FieldsOf(type, live);
    KeepOwnable(standing, false);
    ownership.Settle({.name = std::string(kBeforeFirstApply)}, standing, {}, clock_.WallNow());
  }
  FieldSet fields = schema::FieldsOf(type, applied), last = ownership.Of(manager);
  KeepOwnable(fields, status);
  KeepOwnable(last, status);

  Value document = live;
  schema::Merge(type, document, applied);
  schema::Prune(type, document, last, schema::Union(fields, ownership.OfAllBut(manager)));
  const bool synced = is_kubectl && SyncLastApplied(document, applied);
  // What admission fills in anew isn't the applier's, although it may stand in its document.
  Admission::Prepare(kind, document, current.object.get());
  fields = schema::Intersection(fields, schema::FieldsOf(type, document));

  ZOE_ASSIGN(Wanted wanted, Decode(kind, key, std::move(document), options, current));
  if (!options.force) {
    ZOE_ASSIGN(const Value asked, DocumentOf(kind, *wanted.object));
    const FieldSet changed =
        schema::Intersection(fields, AllOf(schema::Compare(type, live, asked)));
    ZOE_TRY(ownership.CheckConflicts(manager, changed,
                                     is_kubectl ? OwnByLastApplied(kind, live) : FieldSet()));
  }
  wanted.applied = std::move(fields);
  wanted.ownership = std::move(ownership);
  wanted.synced = synced;
  return wanted;
}

Expected<void> Writer::Track(const v1::Kind& kind, Part part, const Current& current,
                             Wanted& wanted, const FieldSet& asked,
                             const WriteOptions& options) const {
  Meta& meta = wanted.object->meta;
  const bool applies = wanted.applied.has_value();
  Ownership ownership =
      applies ? std::move(wanted.ownership)
              : Ownership::OfUpdate(current.object->meta.managed_fields, meta.managed_fields);
  if (!applies && ownership.empty()) {  // kept only once somebody has applied
    meta.managed_fields.clear();
    return {};
  }
  ZOE_ASSIGN(const Value before, DocumentOf(kind, *current.object));
  ZOE_ASSIGN(const Value after, DocumentOf(kind, *wanted.object));
  Changes changes = schema::Compare(*kind.type, before, after);
  KeepOwnable(changes, part == Part::kStatus);
  if (wanted.synced) {
    // Whose it was it stays: by that kubectl sees who applied from its side.
    for (FieldSet* set : {&changes.added, &changes.modified, &changes.removed})
      set->Remove({"f:metadata", "f:annotations", schema::FieldElement(kLastApplied)});
  }
  const FieldSet fields =
      applies ? *wanted.applied
              : schema::Intersection(schema::Union(changes.added, changes.modified), asked);
  ownership.Settle({options.field_manager, applies, options.subresource}, fields, changes,
                   clock_.WallNow());
  ZOE_ASSIGN(meta.managed_fields, ownership.Write());
  return {};
}

}  // namespace zoe::server
