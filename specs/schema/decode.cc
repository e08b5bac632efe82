#include "specs/schema/decode.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "specs/schema/encode.h"
#include "specs/schema/names.h"

namespace zoe::schema {
namespace {

using codec::Value;

// The way from the root to a value, on the stack: text is made of it only for an error.
struct Path {
  const Path* parent = nullptr;
  std::string_view name;  // a field or a key of a map
  size_t index = 0;       // of a list, where name is empty

  void AppendTo(std::string& out) const {
    if (parent != nullptr) parent->AppendTo(out);
    if (name.empty() && parent != nullptr) {
      out += '[' + std::to_string(index) + ']';
    } else if (name.find_first_of("./[] ") != std::string_view::npos && parent != nullptr) {
      out += '[' + std::string(name) + ']';
    } else {
      if (!out.empty() && !name.empty()) out += '.';
      out += name;
    }
  }
};

std::string_view Expectation(const Type& type, const Field& field) {
  switch (type.shape) {
    case Shape::kString:
      return field.any_scalar ? "a string, a number or a boolean" : "a string";
    case Shape::kInteger:
      return field.integer_as_string ? "an integer as a string" : "an integer";
    case Shape::kBoolean:
      return "true or false";
    case Shape::kQuantity:
      return "a quantity";
    case Shape::kTime:
      return "a time";
    case Shape::kOptional:
      return Expectation(*type.element, field);
    case Shape::kList:
      return "a list";
    case Shape::kRaw:
    case Shape::kMap:
    case Shape::kStruct:
      return "a mapping";
  }
  return "";
}

std::string Found(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNull:
      return "nothing";
    case Value::Kind::kBool:
      return "the boolean " + value.ScalarText();
    case Value::Kind::kInt:
      return "the integer " + value.ScalarText();
    case Value::Kind::kDouble:
      return "the number " + value.ScalarText();
    case Value::Kind::kString:
      return "the string " + Quote(value.as_string());
    case Value::Kind::kArray:
      return "a list";
    case Value::Kind::kObject:
      return "a mapping";
  }
  return "";
}

bool IsScalar(const Value& value) {
  return !value.is_null() && !value.is_array() && !value.is_object();
}

bool ParseInteger(std::string_view text, int64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

// What the person probably wanted to write, as the end of a message; may be empty.
std::string Advice(const Type& type, const Field& field, const Value& value) {
  int64_t number = 0;
  const Type& wanted = type.shape == Shape::kOptional ? *type.element : type;
  switch (wanted.shape) {
    case Shape::kString:
      if (IsScalar(value)) return ": write \"" + value.ScalarText() + "\"";
      break;
    case Shape::kInteger:
      if (value.is_string() && ParseInteger(value.as_string(), number)) {
        return ": write " + value.as_string() + " without quotes";
      }
      break;
    case Shape::kBoolean:
      if (value.is_string()) {
        const std::string& text = value.as_string();
        if (text == "true" || text == "false") return ": write " + text + " without quotes";
        if (Closest(text, {"yes", "on"}) == text) return ": write true";
        if (Closest(text, {"no", "off"}) == text) return ": write false";
      }
      break;
    case Shape::kList:
      if (wanted.element->shape == Shape::kString && IsScalar(value)) {
        return ": write [" +
               (value.is_string() ? Quote(value.as_string()) : '"' + value.ScalarText() + '"') +
               "]";
      }
      if (wanted.element->shape == Shape::kStruct && value.is_object() && field.example.empty()) {
        return ": put \"- \" before the first key";
      }
      break;
    default:
      break;
  }
  return field.example.empty() ? "" : ", for example " + std::string(field.example);
}

class Decoder {
 public:
  Decoder(Unknown unknown, Problems& problems) : unknown_(unknown), problems_(problems) {}

  void Struct(const Type& type, const Value& value, void* target, const Path& path);

 private:
  // False: a cause was added.
  bool Any(const Type& type, const Field& field, const Value& value, void* target,
           const Path& path);
  bool Text(const Field& field, const Value& value, std::string& target, const Path& path);
  bool Integer(const Type& type, const Field& field, const Value& value, void* target,
               const Path& path);
  bool Amount(const Field& field, const Value& value, Quantity& target, const Path& path);
  bool Time(const Value& value, WallTime& target, const Path& path);
  bool List(const Type& type, const Field& field, const Value& value, void* target,
            const Path& path);
  bool Map(const Field& field, const Value& value, std::map<std::string, std::string>& target,
           const Path& path);

  bool WrongType(const Type& type, const Field& field, const Value& value, const Path& path) {
    Add(path, "FieldValueTypeInvalid",
        "must be " + std::string(Expectation(type, field)) + ", found " + Found(value) +
            Advice(type, field, value),
        value.position);
    return false;
  }
  bool Invalid(const Path& path, std::string message, codec::Position position) {
    Add(path, "FieldValueInvalid", std::move(message), position);
    return false;
  }
  void Add(const Path& path, std::string reason, std::string message, codec::Position position) {
    if (problems_.causes.size() >= kMaxCauses) return;
    Cause& cause = problems_.causes.emplace_back();
    path.AppendTo(cause.field);
    cause.reason = std::move(reason);
    cause.message = std::move(message);
    cause.line = position.line;
    cause.column = position.column;
  }
  void UnknownField(const Type& type, const codec::Member& member, const Path& path);

  const Unknown unknown_;
  Problems& problems_;
};

void Decoder::UnknownField(const Type& type, const codec::Member& member, const Path& path) {
  if (unknown_ == Unknown::kIgnore) return;
  const Path here{&path, member.key};
  if (unknown_ == Unknown::kWarn) {
    std::string text;
    here.AppendTo(text);
    problems_.warnings.push_back("unknown field \"" + text + "\"");
    return;
  }
  std::vector<std::string_view> names;
  for (const Field& field : type.fields) {
    for (const std::string_view other : field.also_known_as) {
      if (other != member.key) continue;
      Add(here, "FieldValueInvalid",
          "unknown field " + Quote(member.key) + ", did you mean \"" + std::string(field.name) +
              "\"?",
          member.position);
      return;
    }
    names.push_back(field.name);
  }
  const std::string suggestion = DidYouMean(member.key, names);
  Add(here, "FieldValueInvalid",
      "unknown field " + Quote(member.key) +
          (suggestion.empty() ? ", known are: " + Join(names) : suggestion),
      member.position);
}

void Decoder::Struct(const Type& type, const Value& value, void* target, const Path& path) {
  size_t next = 0;  // documents mostly keep the order of the declaration
  std::vector<bool> seen(type.fields.size());
  for (const codec::Member& member : value.as_object()) {
    size_t index = type.fields.size();
    for (size_t step = 0; step < type.fields.size(); ++step) {
      const size_t candidate = (next + step) % type.fields.size();
      if (type.fields[candidate].name == member.key) {
        index = candidate;
        break;
      }
    }
    if (index == type.fields.size()) {
      if (std::find(type.ignored.begin(), type.ignored.end(), member.key) == type.ignored.end()) {
        UnknownField(type, member, path);
      }
      continue;
    }
    next = index + 1;
    const Field& field = type.fields[index];
    if (!field.constant.empty()) {
      seen[index] = true;  // apiVersion and kind: checked before the type was chosen
    } else if (!member.value.is_null()) {
      seen[index] = true;
      Any(*field.type, field, member.value, field.At(target), Path{&path, field.name});
    }
  }
  for (size_t i = 0; i < type.fields.size(); ++i) {
    const Field& field = type.fields[i];
    if (seen[i] || !field.required || !field.constant.empty()) continue;
    Add(Path{&path, field.name}, "FieldValueRequired",
        "is required" +
            (field.example.empty() ? "" : ", for example " + std::string(field.example)),
        value.position);
  }
}

bool Decoder::Any(const Type& type, const Field& field, const Value& value, void* target,
                  const Path& path) {
  switch (type.shape) {
    case Shape::kString:
      return Text(field, value, *static_cast<std::string*>(target), path);
    case Shape::kInteger:
      return Integer(type, field, value, target, path);
    case Shape::kBoolean:
      if (value.kind() != Value::Kind::kBool) return WrongType(type, field, value, path);
      *static_cast<bool*>(target) = value.as_bool();
      return true;
    case Shape::kQuantity:
      return Amount(field, value, *static_cast<Quantity*>(target), path);
    case Shape::kTime:
      if (!value.is_string()) return WrongType(type, field, value, path);
      return Time(value, *static_cast<WallTime*>(target), path);
    case Shape::kRaw:
      if (!value.is_object()) return WrongType(type, field, value, path);
      static_cast<RawJson*>(target)->text = codec::ToJson(value);
      return true;
    case Shape::kOptional:
      // A struct with errors stays present: checks across fields would wrongly miss it.
      if (Any(*type.element, field, value, type.emplace(target), path)) return true;
      type.reset(target);
      return false;
    case Shape::kList:
      return List(type, field, value, target, path);
    case Shape::kMap:
      return Map(field, value, *static_cast<std::map<std::string, std::string>*>(target), path);
    case Shape::kStruct:
      if (value.is_array() && !type.short_form.empty()) {
        const Field& list = *type.Find(type.short_form);
        Any(*list.type, list, value, list.At(target), Path{&path, list.name});
        return true;
      }
      if (!value.is_object()) return WrongType(type, field, value, path);
      Struct(type, value, target, path);
      return true;
  }
  return false;
}

bool Decoder::Text(const Field& field, const Value& value, std::string& target, const Path& path) {
  if (!value.is_string() && !(field.any_scalar && IsScalar(value))) {
    return WrongType(Describe<std::string>(), field, value, path);
  }
  std::string text = value.is_string() ? value.as_string() : value.ScalarText();
  if (text.find('\0') != std::string::npos)
    return Invalid(path, "must not contain a NUL character", value.position);
  if (field.max_length > 0 && text.size() > field.max_length) {
    Add(path, "FieldValueTooLong",
        "must have at most " + std::to_string(field.max_length) + " bytes, found " +
            std::to_string(text.size()),
        value.position);
    return false;
  }
  if (!field.values.empty() &&
      std::find(field.values.begin(), field.values.end(), text) == field.values.end()) {
    Add(path, "FieldValueNotSupported",
        "must be one of " + Join(field.values) + ", found " + Quote(text) +
            DidYouMean(text, field.values),
        value.position);
    return false;
  }
  if (field.check != nullptr) {
    const std::string problem = field.check(text);
    if (!problem.empty()) return Invalid(path, Quote(text) + " " + problem, value.position);
  }
  target = std::move(text);
  return true;
}

bool Decoder::Integer(const Type& type, const Field& field, const Value& value, void* target,
                      const Path& path) {
  int64_t number = 0;
  if (field.integer_as_string) {
    if (!value.is_string()) return WrongType(type, field, value, path);
    if (!value.as_string().empty() && (!ParseInteger(value.as_string(), number) || number < 0)) {
      return Invalid(path, "must be what the server gave, found " + Quote(value.as_string()),
                     value.position);
    }
  } else if (value.kind() == Value::Kind::kInt) {
    number = value.as_int();
  } else {
    return WrongType(type, field, value, path);
  }
  const bool small = type.bits == 32;
  const int64_t low =
      small ? std::numeric_limits<int32_t>::min() : std::numeric_limits<int64_t>::min();
  const int64_t high =
      small ? std::numeric_limits<int32_t>::max() : std::numeric_limits<int64_t>::max();
  const int64_t minimum = field.minimum.value_or(low), maximum = field.maximum.value_or(high);
  if (number < minimum || number > maximum) {
    const std::string bounds =
        field.minimum && !field.maximum
            ? "at least " + std::to_string(minimum) +
                  (number > maximum ? " and at most " + std::to_string(maximum) : "")
            : "between " + std::to_string(minimum) + " and " + std::to_string(maximum);
    return Invalid(path, "must be " + bounds + ", found " + std::to_string(number), value.position);
  }
  if (small) {
    *static_cast<int32_t*>(target) = static_cast<int32_t>(number);
  } else {
    *static_cast<int64_t*>(target) = number;
  }
  return true;
}

bool Decoder::Amount(const Field& field, const Value& value, Quantity& target, const Path& path) {
  if (!IsScalar(value) || value.kind() == Value::Kind::kBool) {
    return WrongType(Describe<Quantity>(), field, value, path);
  }
  auto quantity = Quantity::Parse(value.is_string() ? value.as_string() : value.ScalarText());
  if (!quantity.ok()) return Invalid(path, quantity.error().message, value.position);
  if (!field.least.empty() && *quantity < Quantity::Parse(field.least).value()) {
    return Invalid(path,
                   "must be at least " + std::string(field.least) + ", found " + quantity->text(),
                   value.position);
  }
  target = std::move(*quantity);
  return true;
}

bool Decoder::Time(const Value& value, WallTime& target, const Path& path) {
  const auto time = ParseTime(value.as_string());
  if (!time.ok()) {
    return Invalid(
        path,
        "must be a time such as 2026-01-31T12:00:00Z (RFC 3339), found " + Quote(value.as_string()),
        value.position);
  }
  target = *time;
  return true;
}

bool Decoder::List(const Type& type, const Field& field, const Value& value, void* target,
                   const Path& path) {
  if (!value.is_array()) return WrongType(type, field, value, path);
  type.clear(target);
  const codec::Array& array = value.as_array();
  if (field.max_items > 0 && array.size() > field.max_items) {
    Add(path, "FieldValueTooMany",
        "must have at most " + std::to_string(field.max_items) + " items, found " +
            std::to_string(array.size()),
        value.position);
    return false;
  }
  for (size_t i = 0; i < array.size(); ++i) {
    // An element with errors keeps its place, so that the indexes of later findings are right.
    Any(*type.element, field, array[i], type.append(target), Path{&path, "", i});
  }
  if (array.size() < field.min_items) {
    Add(path, "FieldValueRequired",
        "must not be empty" +
            (field.example.empty() ? "" : ", for example " + std::string(field.example)),
        value.position);
    return false;
  }
  return true;
}

bool Decoder::Map(const Field& field, const Value& value,
                  std::map<std::string, std::string>& target, const Path& path) {
  static const Type& kMapType = TypeFor<std::map<std::string, std::string>>::Get();
  if (!value.is_object()) return WrongType(kMapType, field, value, path);
  target.clear();
  for (const codec::Member& member : value.as_object()) {
    const Path here{&path, member.key};
    if (field.key_check != nullptr) {
      const std::string problem = field.key_check(member.key);
      if (!problem.empty()) {
        Invalid(here, "the key " + Quote(member.key) + " " + problem, member.position);
        continue;
      }
    }
    std::string text;
    if (Text(field, member.value, text, here)) target.emplace(member.key, std::move(text));
  }
  return true;  // the map keeps what was good
}

}  // namespace

void DecodeValue(const Type& type, const codec::Value& value, void* target, Unknown unknown,
                 Problems& problems, std::string_view path) {
  Decoder(unknown, problems).Struct(type, value, target, Path{nullptr, path});
}

codec::Position Locate(const codec::Value& document, std::string_view path) {
  const codec::Value* value = &document;
  codec::Position position = value->position;
  while (!path.empty()) {
    const codec::Value* next = nullptr;
    if (path[0] == '[') {
      const size_t end = std::min(path.find(']'), path.size() - 1);
      const std::string_view inside = path.substr(1, end - 1);
      int64_t index = 0;
      if (value->is_object()) {
        next = value->Find(inside);
      } else if (value->is_array() && ParseInteger(inside, index) && index >= 0 &&
                 static_cast<size_t>(index) < value->as_array().size()) {
        next = &value->as_array()[static_cast<size_t>(index)];
      }
      path.remove_prefix(end + 1);
    } else {
      if (path[0] == '.') path.remove_prefix(1);
      const size_t end = std::min(path.find_first_of(".["), path.size());
      if (value->is_object()) next = value->Find(path.substr(0, end));
      path.remove_prefix(end);
    }
    if (next == nullptr) break;
    value = next;
    if (value->position.line != 0) position = value->position;
  }
  return position;
}

}  // namespace zoe::schema
