#include "cli/merge.h"

namespace zoe::cli {
namespace {

using codec::Value;

Value& Annotations(Value& object) {
  if (object.Find("metadata") == nullptr) object.Set("metadata", codec::Object{});
  Value& meta = *object.Find("metadata");
  if (meta.Find("annotations") == nullptr) meta.Set("annotations", codec::Object{});
  return *meta.Find("annotations");
}

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
    if (annotations != nullptr && annotations->is_object() && annotations->Remove(kLastApplied) &&
        annotations->as_object().empty()) {
      meta->Remove("annotations");
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

Value WithLastApplied(const Value& object) {
  Value result = Configuration(object);
  Value remembered = result;
  RemoveSecrets(remembered);
  Annotations(result).Set(kLastApplied, codec::ToJson(remembered));
  return result;
}

Value LastApplied(const Value& live) {
  const Value* annotations = live.At("metadata.annotations");
  const Value* text = Child(annotations, kLastApplied);
  if (text == nullptr || !text->is_string()) return Value();
  auto value = codec::ParseJson(text->as_string());
  return value.ok() && value->is_object() ? std::move(*value) : Value();
}

Value ThreeWayPatch(const Value& written, const Value& complete, const Value& live) {
  const Value configuration = Configuration(written);
  const Value* meant = complete.is_object() ? &complete : nullptr;
  const Value last = LastApplied(live);
  Value patch{codec::Object{}};
  Change(patch, configuration, meant, live);
  if (last.is_object()) Drop(patch, last, configuration, meant, live);
  Value remembered = configuration;
  RemoveSecrets(remembered);
  if (!(last == remembered)) Annotations(patch).Set(kLastApplied, codec::ToJson(remembered));
  return patch;
}

}  // namespace zoe::cli
