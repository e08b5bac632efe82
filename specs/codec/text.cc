#include "specs/codec/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace zoe::codec {
namespace {

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

size_t Utf8Length(std::string_view text, size_t offset) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[offset + i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() - offset < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // The second byte's range excludes overlong forms, surrogates and what lies past U+10FFFF:
  // Unicode, table 3-7.
  const unsigned char second = byte(1);
  if (lead == 0xe0 && second < 0xa0) return 0;
  if (lead == 0xed && second > 0x9f) return 0;
  if (lead == 0xf0 && second < 0x90) return 0;
  if (lead == 0xf4 && second > 0x8f) return 0;
  return length;
}

uint32_t Utf8Decode(std::string_view text, size_t offset, size_t length) {
  const auto byte = [&](size_t i) {
    return uint32_t{static_cast<unsigned char>(text[offset + i])};
  };
  if (length == 1) return byte(0);
  uint32_t point = byte(0) & (0xffU >> (length + 1));
  for (size_t i = 1; i < length; ++i) point = (point << 6) | (byte(i) & 0x3f);
  return point;
}

void AppendDouble(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char buffer[32];
  const char* end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  const std::string_view text(buffer, static_cast<size_t>(end - buffer));
  const size_t exponent = std::min(text.find('e'), text.size());
  out += text.substr(0, exponent);
  if (text.find('.') == text.npos) out += ".0";
  out += text.substr(exponent);
}

void AppendInt(std::string& out, int64_t value) {
  char buffer[24];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

bool IsJsonNumber(std::string_view text) {
  size_t i = text.starts_with('-') ? 1 : 0;
  const auto digits = [&] {
    const size_t start = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    return i - start;
  };
  const size_t start = i;
  const size_t whole = digits();
  if (whole == 0 || (whole > 1 && text[start] == '0')) return false;
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (digits() == 0) return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

std::string Excerpt(std::string_view text) {
  constexpr size_t kMost = 100;
  if (text.size() <= kMost) return "\"" + std::string(text) + "\"";
  size_t end = kMost;
  while (end > 0 && IsContinuation(text[end])) --end;
  return "\"" + std::string(text.substr(0, end)) + "…\"";
}

Error SyntaxError(Position position, std::string message, std::string reason) {
  std::string text = message;
  if (position.line != 0) {
    text = "line " + std::to_string(position.line) + ", column " + std::to_string(position.column) +
           ": " + message;
  }
  Error error = MakeError(Code::kInvalid, std::move(text));
  error.causes.push_back({.field = {},
                          .reason = std::move(reason),
                          .message = std::move(message),
                          .line = position.line,
                          .column = position.column});
  return error;
}

Position Locator::At(size_t offset) {
  offset = std::min(offset, text_.size());
  for (; offset_ < offset; ++offset_) {
    if (text_[offset_] == '\n') {
      ++position_.line;
      position_.column = 1;
    } else if (!IsContinuation(text_[offset_])) {
      ++position_.column;
    }
  }
  bool line_changed = false;
  while (offset_ > offset) {
    --offset_;
    if (text_[offset_] == '\n') {
      --position_.line;
      line_changed = true;
    } else if (!line_changed && !IsContinuation(text_[offset_])) {
      --position_.column;
    }
  }
  if (line_changed) {
    position_.column = 1;
    for (size_t i = offset_; i > 0 && text_[i - 1] != '\n'; --i) {
      if (!IsContinuation(text_[i - 1])) ++position_.column;
    }
  }
  return position_;
}

}  // namespace zoe::codec
