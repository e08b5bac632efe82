#include "specs/schema/type.h"

#include "specs/schema/encode.h"

namespace zoe::schema {
namespace {

template <class T>
Type Scalar(Shape shape, int bits = 0) {
  Type type;
  type.bytes = sizeof(T);
  type.shape = shape;
  type.bits = bits;
  return type;
}

// The default as people write it; empty for what is absent, empty, 0 or false.
std::string DefaultText(const Field& field, const void* sample) {
  const void* value = field.At(sample);
  switch (field.type->shape) {
    case Shape::kString:
      return *static_cast<const std::string*>(value);
    case Shape::kInteger: {
      const int64_t number = IntegerAt(*field.type, value);
      return field.omit_zero || field.integer_as_string ? "" : std::to_string(number);
    }
    case Shape::kBoolean:
      return *static_cast<const bool*>(value) ? "true" : "false";
    default:
      return "";
  }
}

}  // namespace

const Field* Type::Find(std::string_view field_name) const {
  for (const Field& field : fields) {
    if (field.name == field_name) return &field;
  }
  return nullptr;
}

template <>
const Type& Describe<std::string>() {
  static const Type type = Scalar<std::string>(Shape::kString);
  return type;
}
template <>
const Type& Describe<int32_t>() {
  static const Type type = Scalar<int32_t>(Shape::kInteger, 32);
  return type;
}
template <>
const Type& Describe<int64_t>() {
  static const Type type = Scalar<int64_t>(Shape::kInteger, 64);
  return type;
}
template <>
const Type& Describe<bool>() {
  static const Type type = Scalar<bool>(Shape::kBoolean);
  return type;
}
template <>
const Type& Describe<Quantity>() {
  static const Type type = Scalar<Quantity>(Shape::kQuantity);
  return type;
}
template <>
const Type& Describe<WallTime>() {
  static const Type type = Scalar<WallTime>(Shape::kTime);
  return type;
}
template <>
const Type& Describe<RawJson>() {
  static const Type type = Scalar<RawJson>(Shape::kRaw);
  return type;
}

const Type& TypeFor<std::map<std::string, std::string>>::Get() {
  static const Type type = [] {
    Type t = Scalar<std::map<std::string, std::string>>(Shape::kMap);
    t.element = &Describe<std::string>();
    return t;
  }();
  return type;
}

StructBuilder::StructBuilder(std::string_view name, std::string_view doc) {
  type_.shape = Shape::kStruct;
  type_.name = name;
  type_.doc = doc;
}

void StructBuilder::AddField(std::string_view name, std::string_view doc, const Type& type,
                             size_t offset) {
  Field& field = type_.fields.emplace_back();
  field.name = name;
  field.doc = doc;
  field.type = &type;
  field.offset = offset;
  field.key_json = "\"" + std::string(name) + "\":";
}

void StructBuilder::AddConstant(std::string_view name, std::string_view doc,
                                std::string_view value) {
  AddField(name, doc, Describe<std::string>(), 0);
  last().constant = value;
  last().values = {value};
  last().required = true;
}

Type StructBuilder::Finish(const void* sample) {
  for (Field& field : type_.fields) {
    if (!field.constant.empty() || field.required || !field.default_text.empty()) continue;
    field.default_text = DefaultText(field, sample);
    // A default that is not "" or false must be told apart from a value that is.
    if (field.type->shape == Shape::kString || field.type->shape == Shape::kBoolean) {
      field.always = field.always || (field.default_text != "" && field.default_text != "false");
    }
  }
  return std::move(type_);
}

}  // namespace zoe::schema
