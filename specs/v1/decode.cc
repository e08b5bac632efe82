#include "specs/schema/decode.h"

#include <algorithm>
#include <utility>

#include "specs/schema/encode.h"
#include "specs/schema/names.h"
#include "specs/schema/type.h"
#include "specs/v1/kinds.h"
#include "specs/v1/store_info.h"

namespace zoe::v1 {
namespace {

using codec::Value;

constexpr size_t kMaxAnnotations = 256 * 1024;  // Kubernetes' bound for keys and values together

std::vector<std::string_view> KindNames() {
  std::vector<std::string_view> names;
  for (const Kind& kind : Kinds()) names.push_back(kind.name);
  return names;
}

Cause At(const Value& value, std::string field, std::string reason, std::string message) {
  return {std::move(field), std::move(reason), std::move(message), value.position.line,
          value.position.column};
}

Error BadDocument(Cause cause) {
  Error error = MakeError(Code::kBadRequest, "BadRequest",
                          cause.field + (cause.field.empty() ? "" : ": ") + cause.message);
  error.causes.push_back(std::move(cause));
  return error;
}

// The kind that the document names, or what is wrong with what it names. A wrong apiVersion beside
// a known kind is a cause among others.
Expected<const Kind*> ReadKind(const Value& document, std::vector<Cause>& causes) {
  if (!document.is_object()) {
    return BadDocument(At(document, "", "FieldValueTypeInvalid",
                          "a document must be a mapping with apiVersion, kind, metadata and spec"));
  }
  const std::string known =
      "kinds of " + std::string(kApiVersion) + " are " + schema::Join(KindNames());
  const Value* kind_value = document.Find("kind");
  const Value* version = document.Find("apiVersion");
  if (kind_value == nullptr || kind_value->is_null()) {
    return BadDocument(At(document, "kind", "FieldValueRequired", "is required; " + known));
  }
  if (!kind_value->is_string())
    return BadDocument(
        At(*kind_value, "kind", "FieldValueTypeInvalid", "must be a string; " + known));
  const Kind* kind = FindKind(kind_value->as_string());
  if (kind != nullptr && kind->internal) kind = nullptr;
  if (kind == nullptr) {
    const std::string& name = kind_value->as_string();
    std::string message = "unknown kind " + schema::Quote(name);
    const Kind* resource = FindResource(name);  // "execution", "Executions"
    const std::string suggestion = resource != nullptr
                                       ? ", did you mean \"" + std::string(resource->name) + "\"?"
                                       : schema::DidYouMean(name, KindNames());
    if (name == "List") {
      message += ": the items of a List are read one by one";
    } else {
      message += suggestion.empty() ? "; " + known : suggestion;
    }
    return BadDocument(At(*kind_value, "kind", "FieldValueNotSupported", std::move(message)));
  }
  if (version == nullptr || version->is_null()) {
    causes.push_back(At(document, "apiVersion", "FieldValueRequired",
                        "is required: write " + std::string(kApiVersion)));
  } else if (!version->is_string() || version->as_string() != kApiVersion) {
    causes.push_back(At(
        *version, "apiVersion", "FieldValueNotSupported",
        "must be " + std::string(kApiVersion) + ", found " + schema::Quote(version->ScalarText())));
  }
  return kind;
}

void ValidateMeta(const Kind& kind, const Meta& meta, std::vector<Cause>& causes) {
  const auto add = [&](const char* field, const char* reason, std::string message) {
    causes.push_back({.field = field, .reason = reason, .message = std::move(message)});
  };
  const auto check = kind.name == "Event" ? schema::MustBeDnsSubdomain : schema::MustBeDnsLabel;
  if (meta.name.empty() && meta.generate_name.empty()) {
    add("metadata.name", "FieldValueRequired",
        "is required, for example my-" + std::string(kind.singular));
  } else if (!meta.name.empty()) {
    const std::string problem = check(meta.name);
    if (!problem.empty()) {
      add("metadata.name", "FieldValueInvalid", schema::Quote(meta.name) + " " + problem);
    }
  }
  if (!meta.generate_name.empty()) {
    const std::string problem = check(meta.generate_name + "00000");
    if (!problem.empty()) {
      add("metadata.generateName", "FieldValueInvalid",
          schema::Quote(meta.generate_name) + " with five characters appended " + problem);
    }
  }
  if (!kind.namespaced && !meta.ns.empty()) {
    add("metadata.namespace", "FieldValueForbidden",
        "must be left out: a " + std::string(kind.name) + " belongs to no namespace");
  }
  size_t bytes = 0;
  for (const auto& [key, value] : meta.annotations) bytes += key.size() + value.size();
  if (bytes > kMaxAnnotations) {
    add("metadata.annotations", "FieldValueTooLong",
        "must have at most 262144 bytes together, found " + std::to_string(bytes));
  }
}

// Whether what a check across fields says about `field` follows from an error of the schema: the
// field itself, one within which the field stands, or a direct member of it has no good value.
bool FollowsFrom(std::string_view field, const std::vector<Cause>& causes, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const std::string_view bad = causes[i].field;
    const std::string_view shorter = bad.size() < field.size() ? bad : field;
    const std::string_view longer = bad.size() < field.size() ? field : bad;
    if (!longer.starts_with(shorter)) continue;
    if (longer.size() == shorter.size()) return true;
    const std::string_view rest = longer.substr(shorter.size());
    if (rest[0] != '.' && rest[0] != '[') continue;
    const bool direct_member = rest.find_first_of(".[", 1) == std::string_view::npos;
    if (shorter == bad || direct_member) return true;
  }
  return false;
}

void Validate(const Kind& kind, const ObjectBase& object, const Value& document,
              std::vector<Cause>& causes) {
  const size_t from_schema = causes.size();
  std::vector<Cause> found;
  ValidateMeta(kind, object.meta, found);
  if (kind.validate != nullptr) kind.validate(object, found);
  for (Cause& cause : found) {
    if (FollowsFrom(cause.field, causes, from_schema)) continue;
    const codec::Position position = schema::Locate(document, cause.field);
    cause.line = position.line;
    cause.column = position.column;
    causes.push_back(std::move(cause));
  }
}

Error InvalidObject(const Kind& kind, const Meta& meta, std::vector<Cause> causes) {
  std::stable_sort(causes.begin(), causes.end(), [](const Cause& a, const Cause& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  if (causes.size() > schema::kMaxCauses) causes.resize(schema::kMaxCauses);
  const std::string name = meta.name.empty() ? "" : " \"" + meta.name + "\"";
  Error error = MakeError(Code::kInvalid, "Invalid", std::string(kind.name) + name + " is invalid");
  error.causes = std::move(causes);
  return error;
}

schema::Unknown ForUnknown(Strictness strictness) {
  switch (strictness) {
    case Strictness::kStrict:
      return schema::Unknown::kError;
    case Strictness::kWarn:
      return schema::Unknown::kWarn;
    case Strictness::kIgnore:
      return schema::Unknown::kIgnore;
  }
  return schema::Unknown::kError;
}

// The descriptors' offsets are those of the whole object; the base stands at its beginning (single
// inheritance).
void* Address(ObjectBase& object) { return dynamic_cast<void*>(&object); }
const void* Address(const ObjectBase& object) { return dynamic_cast<const void*>(&object); }

}  // namespace

Expected<DecodeResult> Decode(const Value& document, Strictness strictness) {
  schema::Problems problems;
  ZOE_ASSIGN(const Kind* kind, ReadKind(document, problems.causes));
  DecodeResult result;
  result.kind = kind;
  result.object = kind->make();
  schema::DecodeValue(*kind->type, document, Address(*result.object), ForUnknown(strictness),
                      problems);
  Validate(*kind, *result.object, document, problems.causes);
  if (!problems.causes.empty())
    return InvalidObject(*kind, result.object->meta, std::move(problems.causes));
  result.warnings = std::move(problems.warnings);
  return result;
}

Expected<std::shared_ptr<ObjectBase>> DecodeStored(const Kind& kind, std::string_view json) {
  std::shared_ptr<ObjectBase> object = kind.make();
  const auto unknown = kind.name == kStoreInfo ? schema::Unknown::kIgnore : schema::Unknown::kError;
  ZOE_TRY(schema::DecodeTrusted(*kind.type, json, Address(*object), unknown));
  return object;
}

std::string EncodeJson(const Kind& kind, const ObjectBase& object) {
  std::string out;
  out.reserve(4096);
  schema::AppendJson(*kind.type, Address(object), out);
  return out;
}

}  // namespace zoe::v1
