// The parsed form of YAML and JSON: a tree with positions. The schema decodes it into typed values;
// the command line, which must handle kinds that it doesn't know, works on it directly.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "specs/meta/expected.h"

namespace zoe::codec {

// 1-based; 0: unknown (JSON of our own wire, values made by code).
struct Position {
  uint32_t line = 0, column = 0;
};

class Value;
struct Member;
using Array = std::vector<Value>;
using Object = std::vector<Member>;  // in the order of the text; keys unique

class Value {
 public:
  enum class Kind { kNull, kBool, kInt, kDouble, kString, kArray, kObject };

  // Defined below, where Member is complete.
  Value();
  Value(bool v);         // NOLINT(google-explicit-constructor), also below
  Value(int v);          // NOLINT
  Value(int64_t v);      // NOLINT
  Value(double v);       // NOLINT
  Value(std::string v);  // NOLINT
  Value(const char* v);  // NOLINT
  Value(Array v);        // NOLINT
  Value(Object v);       // NOLINT
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool is_null() const { return kind() == Kind::kNull; }
  bool is_string() const { return kind() == Kind::kString; }
  bool is_array() const { return kind() == Kind::kArray; }
  bool is_object() const { return kind() == Kind::kObject; }

  // Preconditions: kind() is the one asked for.
  bool as_bool() const { return std::get<bool>(data_); }
  int64_t as_int() const { return std::get<int64_t>(data_); }
  double as_double() const { return std::get<double>(data_); }
  const std::string& as_string() const { return std::get<std::string>(data_); }
  const Array& as_array() const { return std::get<Array>(data_); }
  Array& as_array() { return std::get<Array>(data_); }
  const Object& as_object() const;
  Object& as_object();

  // Objects: nullptr if this is no object or has no such key. Linear: objects are small, and built
  // unique.
  const Value* Find(std::string_view key) const;
  Value* Find(std::string_view key);
  // Follows "metadata.name" through objects; nullptr where it ends. No escapes: keys with dots are
  // reached by Find.
  const Value* At(std::string_view dotted_path) const;
  // Makes this an object if null; adds or replaces.
  Value& Set(std::string_view key, Value value);
  bool Remove(std::string_view key);
  // The string at a dotted path, or "".
  std::string StringAt(std::string_view dotted_path) const;

  // How a scalar was written ("0x10", "1e3", "012"), for fields that keep any scalar as text; else
  // its canonical text.
  std::string ScalarText() const;
  void set_text(std::string text) { text_ = std::move(text); }

  Position position;
  // Equality ignores positions, order of keys and spelling.
  bool operator==(const Value& other) const;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> data_;
  std::string text_;
};

struct Member {
  std::string key;
  Value value;
  Position position;  // of the key
};

inline Value::Value() = default;
inline Value::Value(bool v) : data_(v) {}
inline Value::Value(int v) : data_(int64_t{v}) {}
inline Value::Value(int64_t v) : data_(v) {}
inline Value::Value(double v) : data_(v) {}
inline Value::Value(std::string v) : data_(std::move(v)) {}
inline Value::Value(const char* v) : data_(std::string(v)) {}
inline Value::Value(Array v) : data_(std::move(v)) {}
inline Value::Value(Object v) : data_(std::move(v)) {}
inline Value::Value(const Value&) = default;
inline Value::Value(Value&&) noexcept = default;
inline Value& Value::operator=(const Value&) = default;
inline Value& Value::operator=(Value&&) noexcept = default;
inline Value::~Value() = default;
inline const Object& Value::as_object() const { return std::get<Object>(data_); }
inline Object& Value::as_object() { return std::get<Object>(data_); }

// Bounds of what is read from outside. Passing one is kTooLarge (bytes) or kInvalid, with the
// position.
struct Budget {
  size_t bytes = 1 << 20;
  int depth = 64;
  size_t nodes = 100'000;
  size_t alias_nodes = 10'000;  // nodes made by expanding aliases
};

// All documents of a YAML stream (JSON included), empty ones left out; `---` separated. Core schema
// of YAML 1.2: only true/false are booleans. Duplicate keys, cyclic aliases, non-scalar keys,
// invalid UTF-8, control characters and broken syntax are kInvalid with line and column in the
// cause; all or nothing. `<<` merges. Never throws, never hangs.
Expected<std::vector<Value>> ParseYaml(std::string_view text, const Budget& budget = {});
// One JSON document, strict RFC 8259. Positions are set where the syntax is broken (in the error),
// not on values.
Expected<Value> ParseJson(std::string_view text, const Budget& budget = {});

std::string ToJson(const Value& value);                    // compact
std::string ToPrettyJson(const Value& value, int indent);  // as kubectl -o json prints (indent 4)
std::string ToYaml(
    const Value& value);  // block style, strings quoted where another reader would mistake them

// Appends `text` as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD.
void AppendJsonString(std::string& out, std::string_view text);

// RFC 7396. Null removes.
void MergePatch(Value& target, const Value& patch);
// The merge patch that turns `from` into `to` (arrays are replaced whole).
Value CreateMergePatch(const Value& from, const Value& to);

}  // namespace zoe::codec
