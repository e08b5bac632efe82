#include "cli/merge.h"

#include <algorithm>

#include "specs/meta/time.h"
#include "specs/schema/field_merge.h"

namespace zoe::cli {
namespace {

using codec::Value;

const Value* Child(const Value* value, std::string_view key) {
  return value == nullptr ? nullptr : value->Find(key);
}

// Fields of `written` that `live` doesn't have so.
void Change(Value& patch, const Value& written, const Value* complete, const Value& live) {
  for (const codec::Member& member : written.as_object()) {
    const Value* now = live.Find(member.key);
    const Value* meant = Child(complete, member.key);
    if (now == nullptr) {
      const bool means_nothing = complete != nullptr && meant == nullptr;
      if (!means_nothing) patch.Set(member.key, member.value);
      continue;
    }
    if (member.value.is_object() && now->is_object()) {
      Value inner{codec::Object{}};
      Change(inner, member.value, meant, *now);
      if (!inner.as_object().empty()) patch.Set(member.key, std::move(inner));
      continue;
    }
    if (*now == member.value || (meant != nullptr && *now == *meant)) continue;
    patch.Set(member.key, member.value);
  }
}

// Fields that the last apply wrote and this one doesn't mention.
void Drop(Value& patch, const Value& last, const Value& written, const Value* complete,
          const Value& live) {
  for (const codec::Member& member : last.as_object()) {
    const Value* now = live.Find(member.key);
    if (now == nullptr) continue;
    const Value* again = written.Find(member.key);
    const Value* meant = Child(complete, member.key);
    if (again == nullptr) {
      const bool is_default = meant != nullptr && *meant == *now;
      if (!is_default) patch.Set(member.key, Value());
    } else if (member.value.is_object() && again->is_object() && now->is_object()) {
      const Value* begun = patch.Find(member.key);
      Value inner = begun != nullptr ? *begun : Value(codec::Object{});
      Drop(inner, member.value, *again, meant, *now);
      if (!inner.as_object().empty()) patch.Set(member.key, std::move(inner));
    }
  }
}

bool IsEntryOf(const Value& entry, std::string_view manager, std::string_view operation) {
  return entry.StringAt("manager") == manager && entry.StringAt("operation") == operation &&
         entry.StringAt("subresource").empty();
}

// The fields that `manager` has applied (FieldsV1); nullptr if it hasn't.
const Value* Owned(const Value& live, std::string_view manager) {
  const Value* entries = live.At("metadata.managedFields");
  if (entries == nullptr || !entries->is_array()) return nullptr;
  for (const Value& entry : entries->as_array()) {
    static const Value none{codec::Object{}};
    const Value* fields = entry.Find("fieldsV1");
    if (IsEntryOf(entry, manager, "Apply")) return fields != nullptr ? fields : &none;
  }
  return nullptr;
}

// What stands in the object at those fields; lists whole.
Value Part(const Value& object, const Value& fields) {
  constexpr std::string_view kField = "f:";
  Value part{codec::Object{}};
  for (const codec::Member& member : fields.as_object()) {
    if (!member.key.starts_with(kField)) continue;
    const std::string_view name = std::string_view(member.key).substr(kField.size());
    const Value* there = object.Find(name);
    if (there == nullptr) continue;
    const bool deeper =
        there->is_object() && member.value.is_object() && !member.value.as_object().empty();
    part.Set(name, deeper ? Part(*there, member.value) : *there);
  }
  return part;
}

}  // namespace

Value Configuration(const Value& object) {
  Value result = object;
  result.Remove("status");
  if (Value* meta = result.Find("metadata"); meta != nullptr && meta->is_object()) {
    for (const char* key : {"creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
                            "generation", "managedFields", "selfLink"}) {
      meta->Remove(key);
    }
    Value* annotations = meta->Find("annotations");
    if (annotations != nullptr && annotations->is_object()) {
      const bool ours = annotations->Remove(kLastApplied),
                 theirs = annotations->Remove(kKubectlApplied);
      if ((ours || theirs) && annotations->as_object().empty()) meta->Remove("annotations");
    }
  }
  return result;
}

bool RemoveSecrets(Value& object) {
  Value* spec = object.StringAt("kind") == "User" ? object.Find("spec") : nullptr;
  if (spec == nullptr || !spec->is_object()) return false;
  const bool password = spec->Remove("password");
  const bool hash = spec->Remove("passwordHash");
  return password || hash;
}

Value LastApplied(const Value& live) {
  const Value* annotations = live.At("metadata.annotations");
  const Value* text = Child(annotations, kLastApplied);
  if (text == nullptr) text = Child(annotations, kKubectlApplied);
  if (text == nullptr || !text->is_string()) return Value();
  auto value = codec::ParseJson(text->as_string());
  if (!value.ok() || !value->is_object()) return Value();
  Value last = Configuration(*value);
  RemoveSecrets(last);
  return last;
}

bool WasApplied(const Value& live, std::string_view manager) {
  return Owned(live, manager) != nullptr || !LastApplied(live).is_null();
}

bool NeedsAdoption(const Value& live) {
  const Value* entries = live.At("metadata.managedFields");
  return entries == nullptr || !entries->is_array() || entries->as_array().empty() ||
         !LastApplied(live).is_null();
}

Value AdoptionPatch(const v1::Kind& kind, const Value& written, const Value& live,
                    std::string_view manager) {
  const Value last = LastApplied(live);
  Value owned = last.is_null() ? Configuration(written) : last;
  std::vector<Cause> ignored;
  schema::Normalize(*kind.type, owned, ignored);
  schema::FieldSet fields = schema::FieldsOf(*kind.type, owned);
  if (const Value* before = Owned(live, manager); before != nullptr) {
    const auto known = schema::ReadFieldsV1(*before);
    if (known.ok()) fields = schema::Union(fields, *known);
  }
  codec::Array entries;
  if (const Value* others = live.At("metadata.managedFields");
      others != nullptr && others->is_array()) {
    std::ranges::copy_if(others->as_array(), std::back_inserter(entries), [&](const Value& entry) {
      return !IsEntryOf(entry, manager, "Apply") &&
             !IsEntryOf(entry, "kubectl-client-side-apply", "Update") &&
             !IsEntryOf(entry, "zoe", "Update");  // an apply that wrote the annotation
    });
  }
  Value entry;
  entry.Set("manager", std::string(manager));
  entry.Set("operation", "Apply");
  entry.Set("apiVersion", std::string(v1::kApiVersion));
  entry.Set("time",
            FormatTime(std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now())));
  entry.Set("fieldsType", "FieldsV1");
  entry.Set("fieldsV1", codec::ParseJson(schema::WriteFieldsV1(fields)).value());
  entries.push_back(std::move(entry));
  Value meta, patch;
  if (!last.is_null()) {
    Value forgotten;
    forgotten.Set(kLastApplied, Value());
    forgotten.Set(kKubectlApplied, Value());
    meta.Set("annotations", std::move(forgotten));
  }
  meta.Set("managedFields", std::move(entries));
  meta.Set("resourceVersion", live.StringAt("metadata.resourceVersion"));
  patch.Set("metadata", std::move(meta));
  return patch;
}

Value ThreeWayPatch(const Value& written, const Value& complete, const Value& live,
                    std::string_view manager) {
  const Value configuration = Configuration(written);
  const Value* meant = complete.is_object() ? &complete : nullptr;
  Value last = LastApplied(live);
  if (const Value* owned = Owned(live, manager); last.is_null() && owned != nullptr)
    last = Part(live, *owned);
  Value patch{codec::Object{}};
  Change(patch, configuration, meant, live);
  if (last.is_object()) Drop(patch, last, configuration, meant, live);
  return patch;
}

}  // namespace zoe::cli
