// Field numbers are those of gnostic's openapiv2/OpenAPIv2.proto.
#include "apis/server/openapi_proto.h"

#include <bit>
#include <cstdint>
#include <utility>

namespace zoe::server {
namespace {

using codec::Value;

// A message as it is written: fields in the order in which they are put. What is absent in the
// document (nullptr) is not written.
class Message {
 public:
  void Put(int number, std::string_view bytes) {
    Tag(number, 2);
    Varint(bytes.size());
    bytes_ += bytes;
  }
  void Put(int number, const Message& message) { Put(number, message.bytes_); }
  void Text(int number, const Value* value) {
    if (value != nullptr && value->is_string()) Put(number, value->as_string());
  }
  void Texts(int number, const Value* value) {
    if (value == nullptr) return;
    for (const Value& item : value->as_array()) Text(number, &item);
  }
  void Bool(int number, const Value* value) {
    if (value == nullptr || !value->as_bool()) return;
    Tag(number, 0);
    Varint(1);
  }
  void Integer(int number, const Value* value) {
    if (value == nullptr) return;
    Tag(number, 0);
    Varint(static_cast<uint64_t>(value->as_int()));
  }
  void Double(int number, const Value* value) {
    if (value == nullptr) return;
    Tag(number, 1);
    auto bits = std::bit_cast<uint64_t>(static_cast<double>(value->as_int()));
    for (int i = 0; i < 8; ++i, bits >>= 8) bytes_ += static_cast<char>(bits & 0xff);
  }

  std::string Take() && { return std::move(bytes_); }

 private:
  void Tag(int number, int wire) {
    Varint((static_cast<uint64_t>(number) << 3) | static_cast<uint64_t>(wire));
  }
  void Varint(uint64_t number) {
    for (; number >= 0x80; number >>= 7) bytes_ += static_cast<char>((number & 0x7f) | 0x80);
    bytes_ += static_cast<char>(number);
  }

  std::string bytes_;
};

// Any: its YAML, of which JSON is a part.
Message AnyOf(const Value& value) {
  Message any;
  any.Put(2, codec::ToJson(value));
  return any;
}

Message Named(const std::string& name, const Message& value) {
  Message named;
  named.Put(1, name);
  named.Put(2, value);
  return named;
}

// What begins with "x-".
void Extensions(Message& message, int number, const Value& object) {
  for (const codec::Member& member : object.as_object()) {
    if (member.key.starts_with("x-")) message.Put(number, Named(member.key, AnyOf(member.value)));
  }
}

Message Schema(const Value& schema);

Message Schemas(const Value& by_name) {
  Message schemas;
  for (const codec::Member& member : by_name.as_object())
    schemas.Put(1, Named(member.key, Schema(member.value)));
  return schemas;
}

// In a message of its own, as its field 1.
Message Wrapped(const Message& inner) {
  Message outer;
  outer.Put(1, inner);
  return outer;
}

Message Schema(const Value& schema) {
  Message out;
  out.Text(1, schema.Find("$ref"));
  out.Text(2, schema.Find("format"));
  out.Text(4, schema.Find("description"));
  if (const Value* standard = schema.Find("default")) out.Put(5, AnyOf(*standard));
  out.Double(7, schema.Find("maximum"));
  out.Double(9, schema.Find("minimum"));
  out.Integer(11, schema.Find("maxLength"));
  out.Integer(14, schema.Find("maxItems"));
  out.Integer(15, schema.Find("minItems"));
  out.Texts(19, schema.Find("required"));
  if (const Value* values = schema.Find("enum")) {
    for (const Value& value : values->as_array()) out.Put(20, AnyOf(value));
  }
  if (const Value* others = schema.Find("additionalProperties"))
    out.Put(21, Wrapped(Schema(*others)));
  if (const Value* type = schema.Find("type")) {
    Message types;
    types.Text(1, type);
    out.Put(22, types);
  }
  if (const Value* items = schema.Find("items")) out.Put(23, Wrapped(Schema(*items)));
  if (const Value* properties = schema.Find("properties")) out.Put(25, Schemas(*properties));
  Extensions(out, 31, schema);
  return out;
}

// ParametersItem of Parameter of one of both.
Message Parameter(const Value& parameter) {
  const std::string in = parameter.StringAt("in");
  if (in == "body") {
    Message body;
    body.Text(2, parameter.Find("name"));
    body.Text(3, parameter.Find("in"));
    body.Bool(4, parameter.Find("required"));
    body.Put(5, Schema(*parameter.Find("schema")));
    return Wrapped(Wrapped(body));
  }
  const bool query = in == "query";
  Message plain;
  plain.Bool(1, parameter.Find("required"));
  plain.Text(2, parameter.Find("in"));
  plain.Text(3, parameter.Find("description"));
  plain.Text(4, parameter.Find("name"));
  plain.Text(query ? 6 : 5, parameter.Find("type"));
  plain.Bool(query ? 20 : 19, parameter.Find("uniqueItems"));
  Message not_body, either;
  not_body.Put(query ? 3 : 4, plain);
  either.Put(2, not_body);
  return Wrapped(either);
}

void Parameters(Message& message, int number, const Value& owner) {
  const Value* parameters = owner.Find("parameters");
  if (parameters == nullptr) return;
  for (const Value& parameter : parameters->as_array()) message.Put(number, Parameter(parameter));
}

Message Responses(const Value& responses) {
  Message out;
  for (const codec::Member& member : responses.as_object()) {
    Message response;
    response.Text(1, member.value.Find("description"));
    if (const Value* schema = member.value.Find("schema"))
      response.Put(2, Wrapped(Schema(*schema)));
    out.Put(1, Named(member.key, Wrapped(response)));
  }
  return out;
}

Message Operation(const Value& operation) {
  Message out;
  out.Texts(1, operation.Find("tags"));
  out.Text(3, operation.Find("description"));
  out.Text(5, operation.Find("operationId"));
  out.Texts(6, operation.Find("produces"));
  out.Texts(7, operation.Find("consumes"));
  Parameters(out, 8, operation);
  out.Put(9, Responses(*operation.Find("responses")));
  Extensions(out, 13, operation);
  return out;
}

Message PathItem(const Value& path) {
  static constexpr std::pair<int, std::string_view> kMethods[] = {
      {2, "get"}, {3, "put"}, {4, "post"}, {5, "delete"}, {8, "patch"}};
  Message out;
  for (const auto& [number, method] : kMethods) {
    if (const Value* operation = path.Find(method)) out.Put(number, Operation(*operation));
  }
  Parameters(out, 9, path);
  return out;
}

}  // namespace

std::string EncodeOpenApi2(const Value& document) {
  Message out, info, paths;
  out.Text(1, document.Find("swagger"));
  info.Text(1, document.Find("info")->Find("title"));
  info.Text(2, document.Find("info")->Find("version"));
  out.Put(2, info);
  for (const codec::Member& member : document.Find("paths")->as_object())
    paths.Put(2, Named(member.key, PathItem(member.value)));
  out.Put(8, paths);
  out.Put(9, Schemas(*document.Find("definitions")));
  return std::move(out).Take();
}

}  // namespace zoe::server
