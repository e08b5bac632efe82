// UTF-8 and number text, shared by the readers and writers of this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "specs/codec/value.h"

namespace zoe::codec {

// Length of the well-formed UTF-8 sequence at `offset` (1..4), or 0. No overlong forms, no
// surrogates. Precondition: offset < size.
size_t Utf8Length(std::string_view text, size_t offset);
// The code point of a well-formed sequence of that length.
uint32_t Utf8Decode(std::string_view text, size_t offset, size_t length);

// Shortest text that reads back as the same double, always with a point: so it is a float for every
// reader of YAML and JSON. "null" if not finite: JSON has no text for it.
void AppendDouble(std::string& out, double value);
void AppendInt(std::string& out, int64_t value);

// True if `text` is a number by JSON's grammar.
bool IsJsonNumber(std::string_view text);

// `text` in double quotes for a message: cut after about a hundred bytes.
std::string Excerpt(std::string_view text);

// kInvalid with one cause at `position`.
Error SyntaxError(Position position, std::string message, std::string reason = "FieldValueInvalid");

// Turns byte offsets into lines and columns (in characters). Cheap for offsets that lie close to
// the one before.
class Locator {
 public:
  explicit Locator(std::string_view text) : text_(text) {}
  Position At(size_t offset);

 private:
  std::string_view text_;
  size_t offset_ = 0;
  Position position_{.line = 1, .column = 1};
};

}  // namespace zoe::codec
