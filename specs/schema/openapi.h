// What OpenAPI says of a type: its JSON schema, in the dialects of both versions.
#pragma once

#include <functional>
#include <string>

#include "specs/codec/value.h"
#include "specs/schema/type.h"

namespace zoe::schema {

enum class Dialect {
  kOpenApi2,  // schemas in "#/definitions/"; references may have neighbours, as Kubernetes' have
  kOpenApi3,  // schemas in "#/components/schemas/"; references stand in allOf
};

// Collects the schemas of types by name. Whatever the decoder takes, a schema takes too: null for
// what is absent aside. Not thread-safe.
class SchemaWriter {
 public:
  // The name of a type's schema: asked for structs, quantities and times; what gets an empty one
  // stands where it is used. `any_scalar` names the schema of fields that take any scalar.
  SchemaWriter(Dialect dialect, std::function<std::string(const Type&)> name_of,
               std::string any_scalar);

  Dialect dialect() const { return dialect_; }
  // Defines a struct and every one that it leads to, and gives its name.
  std::string Define(const Type& type);
  // Adds or replaces a schema.
  void Define(const std::string& name, codec::Value schema);
  bool Has(const std::string& name) const { return schemas_.Find(name) != nullptr; }
  codec::Value* Find(const std::string& name) { return schemas_.Find(name); }
  // {"$ref": ...}
  codec::Value Reference(const std::string& name) const;
  // A field whose schema is another one, described.
  codec::Value Described(const std::string& name, std::string description) const;
  // By name, in alphabetical order.
  codec::Value Take();

 private:
  codec::Value StructSchema(const Type& type);
  codec::Value FieldSchema(const Field& field);
  // Without description and default.
  codec::Value ValueSchema(const Type& type, const Field& field);
  codec::Value Named(const Type& type, codec::Value schema);
  codec::Value ScalarSchema();

  const Dialect dialect_;
  const std::function<std::string(const Type&)> name_of_;
  const std::string any_scalar_;
  codec::Value schemas_ = codec::Object{};
};

// A field's documentation with what a schema can't say: defaults that are computed, least
// quantities.
std::string Description(const Field& field);

}  // namespace zoe::schema
