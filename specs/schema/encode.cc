#include "specs/schema/encode.h"

#include <charconv>

#include "specs/codec/value.h"

namespace zoe::schema {
namespace {

void AppendString(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\') {
      codec::AppendJsonString(out, text);
      return;
    }
  }
  out += '"';
  out += text;
  out += '"';
}

void AppendInteger(std::string& out, int64_t number) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  out.append(buffer, end);
}

// An integer in canonical spelling that every reader of JSON keeps exactly, or a boolean: reading
// it back gives the same text.
bool IsBareScalar(std::string_view text) {
  if (text == "true" || text == "false" || text == "0") return true;
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || text.size() > 15 || text[0] == '0') return false;
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool AppendField(const Field& field, const Type& type, const void* value, std::string& out);

void AppendText(const Field& field, std::string_view text, std::string& out) {
  if (field.any_scalar && IsBareScalar(text)) {
    out += text;
  } else {
    AppendString(out, text);
  }
}

void AppendMap(const Field& field, const std::map<std::string, std::string>& map,
               std::string& out) {
  char separator = '{';
  for (const auto& [key, value] : map) {
    out += separator;
    AppendString(out, key);
    out += ':';
    AppendText(field, value, out);
    separator = ',';
  }
  if (map.empty()) out += '{';
  out += '}';
}

void AppendStruct(const Type& type, const void* object, std::string& out) {
  const size_t start = out.size();
  out += '{';
  for (const Field& field : type.fields) {
    const size_t mark = out.size();
    if (mark != start + 1) out += ',';
    out += field.key_json;
    if (!field.constant.empty()) {
      AppendString(out, field.constant);
    } else if (!AppendField(field, *field.type, field.At(object), out)) {
      out.resize(mark);
    }
  }
  out += '}';
}

void AppendList(const Field& field, const Type& type, const void* list, std::string& out) {
  const size_t size = type.size(list);
  out += '[';
  for (size_t i = 0; i < size; ++i) {
    if (i > 0) out += ',';
    const void* element = type.at(list, i);
    switch (type.element->shape) {
      case Shape::kStruct:
        AppendStruct(*type.element, element, out);
        break;
      case Shape::kString:
        AppendText(field, *static_cast<const std::string*>(element), out);
        break;
      default:
        AppendJson(*type.element, element, out);
    }
  }
  out += ']';
}

bool AppendIntegerField(const Field& field, int64_t number, std::string& out) {
  if (number == 0 && (field.omit_zero || field.integer_as_string)) return false;
  if (field.integer_as_string) out += '"';
  AppendInteger(out, number);
  if (field.integer_as_string) out += '"';
  return true;
}

// False: nothing was appended, the field is left out.
bool AppendField(const Field& field, const Type& type, const void* value, std::string& out) {
  switch (type.shape) {
    case Shape::kString: {
      const auto& text = *static_cast<const std::string*>(value);
      if (text.empty() && !field.always) return false;
      AppendText(field, text, out);
      return true;
    }
    case Shape::kInteger:
      return AppendIntegerField(field, IntegerAt(type, value), out);
    case Shape::kBoolean: {
      const bool on = *static_cast<const bool*>(value);
      if (!on && !field.always) return false;
      out += on ? "true" : "false";
      return true;
    }
    case Shape::kOptional: {
      const void* inner = type.get(value);
      if (inner == nullptr) return false;
      if (type.element->shape == Shape::kString) {
        AppendText(field, *static_cast<const std::string*>(inner), out);
      } else {
        AppendJson(*type.element, inner, out);
      }
      return true;
    }
    case Shape::kList:
      if (type.size(value) == 0) return false;
      AppendList(field, type, value, out);
      return true;
    case Shape::kMap: {
      const auto& map = *static_cast<const std::map<std::string, std::string>*>(value);
      if (map.empty()) return false;
      AppendMap(field, map, out);
      return true;
    }
    case Shape::kRaw:
      if (static_cast<const RawJson*>(value)->text.empty()) return false;
      AppendJson(type, value, out);
      return true;
    case Shape::kStruct: {
      const size_t mark = out.size();
      AppendStruct(type, value, out);
      return out.size() - mark > 2;
    }
    default:
      AppendJson(type, value, out);
      return true;
  }
}

}  // namespace

int64_t IntegerAt(const Type& type, const void* value) {
  return type.bits == 32 ? *static_cast<const int32_t*>(value)
                         : *static_cast<const int64_t*>(value);
}

void AppendJson(const Type& type, const void* value, std::string& out) {
  static const Field kPlain{};
  switch (type.shape) {
    case Shape::kString:
      return AppendString(out, *static_cast<const std::string*>(value));
    case Shape::kInteger:
      return AppendInteger(out, IntegerAt(type, value));
    case Shape::kBoolean:
      out += *static_cast<const bool*>(value) ? "true" : "false";
      return;
    case Shape::kQuantity:
      return AppendString(out, static_cast<const Quantity*>(value)->text());
    case Shape::kTime:
      return AppendString(out, FormatTime(*static_cast<const WallTime*>(value)));
    case Shape::kRaw: {
      const std::string& text = static_cast<const RawJson*>(value)->text;
      out += text.empty() ? "null" : text;
      return;
    }
    case Shape::kOptional:
      if (const void* inner = type.get(value)) return AppendJson(*type.element, inner, out);
      out += "null";
      return;
    case Shape::kList:
      return AppendList(kPlain, type, value, out);
    case Shape::kMap:
      return AppendMap(kPlain, *static_cast<const std::map<std::string, std::string>*>(value), out);
    case Shape::kStruct:
      return AppendStruct(type, value, out);
  }
}

}  // namespace zoe::schema
