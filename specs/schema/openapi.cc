#include "specs/schema/openapi.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace zoe::schema {
namespace {

using codec::Array;
using codec::Value;

Value Words(const std::vector<std::string_view>& words) {
  Array array;
  for (const std::string_view word : words) array.emplace_back(std::string(word));
  return array;
}

Value OfType(const char* type, const char* format = nullptr) {
  Value schema;
  schema.Set("type", type);
  if (format != nullptr) schema.Set("format", format);
  return schema;
}

bool ParseInteger(std::string_view text, int64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// The default as a value of the field; null: there is none, or it is told in words.
Value DefaultOf(const Field& field) {
  const std::string& text = field.default_text;
  int64_t number = 0;
  switch (field.type->shape) {
    case Shape::kInteger:
      if (!field.integer_as_string && !text.empty() && ParseInteger(text, number)) return number;
      return {};
    case Shape::kBoolean:
      if (text == "true" || text == "false") return text == "true";
      return {};
    case Shape::kString:
      // Defaults told in words are of strings that are left out when empty.
      if (!text.empty() && field.always) return text;
      return {};
    default:
      return {};
  }
}

// What bounds the text of a string, or of each string in a list or map.
void BoundText(const Field& field, Value& schema) {
  if (!field.values.empty()) schema.Set("enum", Words(field.values));
  if (field.max_length > 0) schema.Set("maxLength", static_cast<int64_t>(field.max_length));
}

Value IntegerSchema(const Type& type, const Field& field) {
  if (field.integer_as_string) return OfType("string");
  Value schema = OfType("integer", type.bits == 32 ? "int32" : "int64");
  if (field.minimum) schema.Set("minimum", *field.minimum);
  if (field.maximum) schema.Set("maximum", *field.maximum);
  return schema;
}

std::string ListType(const Field& field) {
  if (!field.list_keys.empty()) return "map";
  return field.list_set ? "set" : "atomic";
}

}  // namespace

std::string Description(const Field& field) {
  std::string text(field.doc);
  const bool told = field.default_text.empty() || field.default_text == "false";
  if (!told) text += " Default: " + field.default_text + ".";
  if (!field.least.empty()) text += " At least " + std::string(field.least) + ".";
  return text;
}

SchemaWriter::SchemaWriter(Dialect dialect, std::function<std::string(const Type&)> name_of,
                           std::string any_scalar)
    : dialect_(dialect), name_of_(std::move(name_of)), any_scalar_(std::move(any_scalar)) {}

void SchemaWriter::Define(const std::string& name, Value schema) {
  schemas_.Set(name, std::move(schema));
}

std::string SchemaWriter::Define(const Type& type) {
  std::string name = name_of_(type);
  if (!Has(name)) {
    Define(name, codec::Object{});  // structs may lead back to themselves
    Define(name, StructSchema(type));
  }
  return name;
}

Value SchemaWriter::Reference(const std::string& name) const {
  Value reference;
  reference.Set(
      "$ref", (dialect_ == Dialect::kOpenApi2 ? "#/definitions/" : "#/components/schemas/") + name);
  return reference;
}

Value SchemaWriter::Described(const std::string& name, std::string description) const {
  Value schema;
  schema.Set("description", std::move(description));
  if (dialect_ == Dialect::kOpenApi2) {
    schema.Set("$ref", *Reference(name).Find("$ref"));
  } else {
    schema.Set("allOf", Array{Reference(name)});
  }
  return schema;
}

Value SchemaWriter::Take() {
  codec::Object object = std::move(schemas_.as_object());
  std::sort(object.begin(), object.end(),
            [](const codec::Member& a, const codec::Member& b) { return a.key < b.key; });
  schemas_ = codec::Object{};
  return object;
}

Value SchemaWriter::StructSchema(const Type& type) {
  Value properties = codec::Object{};
  Array required;
  for (const Field& field : type.fields) {
    properties.Set(field.name, FieldSchema(field));
    // apiVersion and kind are on every object; Kubernetes' schemas don't ask for them either.
    if (field.required && field.constant.empty()) required.emplace_back(std::string(field.name));
  }
  if (dialect_ == Dialect::kOpenApi2) {
    // Old clients refuse what has no property here.
    for (const std::string_view name : type.ignored) {
      Value dropped;
      dropped.Set("description", "Taken and dropped.");
      properties.Set(name, std::move(dropped));
    }
  }
  Value schema;
  schema.Set("description", std::string(type.doc));
  if (dialect_ == Dialect::kOpenApi3 && !type.short_form.empty()) {
    // Without a type of its own, properties bind only what is an object.
    const Field& list = *type.Find(type.short_form);
    schema.Set("anyOf", Array{OfType("object"), ValueSchema(*list.type, list)});
  } else {
    schema.Set("type", "object");
  }
  if (!required.empty()) schema.Set("required", std::move(required));
  // An object without properties would be read as a map of anything.
  schema.Set("properties", std::move(properties));
  return schema;
}

Value SchemaWriter::FieldSchema(const Field& field) {
  Value schema;
  schema.Set("description", Description(field));
  Value value = ValueSchema(*field.type, field);
  const bool reference = value.Find("$ref") != nullptr;
  if (reference && dialect_ == Dialect::kOpenApi3) {
    schema.Set("allOf", Array{std::move(value)});
  } else {
    for (codec::Member& member : value.as_object()) schema.Set(member.key, std::move(member.value));
  }
  if (!field.constant.empty()) schema.Remove("enum");  // several versions may share a schema
  if (Value standard = DefaultOf(field); !standard.is_null())
    schema.Set("default", std::move(standard));
  return schema;
}

Value SchemaWriter::Named(const Type& type, Value schema) {
  const std::string name = name_of_(type);
  if (name.empty()) return schema;
  if (!Has(name)) Define(name, std::move(schema));
  return Reference(name);
}

Value SchemaWriter::ScalarSchema() {
  if (!Has(any_scalar_)) {
    Value schema;
    schema.Set("description", "A string, a number or a boolean, kept as it was written.");
    if (dialect_ == Dialect::kOpenApi3) {
      schema.Set("anyOf", Array{OfType("string"), OfType("number"), OfType("boolean")});
    } else {
      schema.Set("type", "string");  // clients of this version let any scalar pass for a string
    }
    Define(any_scalar_, std::move(schema));
  }
  return Reference(any_scalar_);
}

Value SchemaWriter::ValueSchema(const Type& type, const Field& field) {
  Value schema;
  switch (type.shape) {
    case Shape::kString:
      if (field.any_scalar && field.values.empty()) return ScalarSchema();
      schema = OfType("string");
      BoundText(field, schema);
      return schema;
    case Shape::kInteger:
      return IntegerSchema(type, field);
    case Shape::kBoolean:
      return OfType("boolean");
    case Shape::kQuantity: {
      schema.Set("description",
                 "A number with an optional suffix: 500m is a half, 2, 1.5, 512Mi, 1G.");
      if (dialect_ == Dialect::kOpenApi3) {
        schema.Set("oneOf", Array{OfType("string"), OfType("number")});
      } else {
        schema.Set("type", "string");
      }
      return Named(type, std::move(schema));
    }
    case Shape::kTime:
      schema = OfType("string", "date-time");
      schema.Set("description", "A time of RFC 3339: 2026-01-31T12:00:00Z.");
      return Named(type, std::move(schema));
    case Shape::kRaw:
      schema = OfType("object");
      schema.Set("x-kubernetes-preserve-unknown-fields", true);
      return schema;
    case Shape::kOptional:
      return ValueSchema(*type.element, field);
    case Shape::kList:
      schema = OfType("array");
      schema.Set("items", ValueSchema(*type.element, field));
      if (field.min_items > 0) schema.Set("minItems", static_cast<int64_t>(field.min_items));
      if (field.max_items > 0) schema.Set("maxItems", static_cast<int64_t>(field.max_items));
      schema.Set("x-kubernetes-list-type", ListType(field));
      if (!field.list_keys.empty())
        schema.Set("x-kubernetes-list-map-keys", Words(field.list_keys));
      return schema;
    case Shape::kMap:
      schema = OfType("object");
      schema.Set("additionalProperties", ValueSchema(*type.element, field));
      return schema;
    case Shape::kStruct: {
      const std::string name = Define(type);
      // Clients of version 2 take a reference to an object for nothing else.
      if (dialect_ == Dialect::kOpenApi2 && !type.short_form.empty()) return codec::Object{};
      return Reference(name);
    }
  }
  return schema;
}

}  // namespace zoe::schema
