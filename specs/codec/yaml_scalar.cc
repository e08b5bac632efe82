#include "specs/codec/yaml_scalar.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>

#include "specs/codec/text.h"

namespace zoe::codec {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsSpace(char c) { return c == ' ' || c == '\t'; }

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

template <size_t N>
bool IsOneOf(std::string_view text, const std::string_view (&words)[N]) {
  return std::find(std::begin(words), std::end(words), text) != std::end(words);
}

enum class Shape { kText, kDecimal, kHex, kOctal, kFloat };

// [-+]?[0-9]+ | 0x[0-9a-fA-F]+ | 0o[0-7]+ | [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
Shape ShapeOf(std::string_view text) {
  const auto all = [](std::string_view digits, std::string_view set) {
    return !digits.empty() && digits.find_first_not_of(set) == digits.npos;
  };
  if (text.starts_with("0x")) {
    return all(text.substr(2), "0123456789abcdefABCDEF") ? Shape::kHex : Shape::kText;
  }
  if (text.starts_with("0o")) {
    return all(text.substr(2), "01234567") ? Shape::kOctal : Shape::kText;
  }
  size_t i = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  const auto digits = [&] {
    const size_t start = i;
    while (i < text.size() && IsDigit(text[i])) ++i;
    return i - start;
  };
  const size_t whole = digits();
  if (i == text.size()) return whole > 0 ? Shape::kDecimal : Shape::kText;
  if (text[i] == '.') {
    ++i;
    if (digits() + whole == 0) return Shape::kText;
  } else if (whole == 0) {
    return Shape::kText;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (digits() == 0) return Shape::kText;
  }
  return i == text.size() ? Shape::kFloat : Shape::kText;
}

std::optional<Value> ToDouble(std::string_view text) {
  const std::string_view number = text.substr(text.starts_with('+') ? 1 : 0);
  double d = 0;
  const auto result = std::from_chars(number.data(), number.data() + number.size(), d);
  if (result.ec == std::errc::result_out_of_range) {
    // Too small is zero; too large is nothing.
    const size_t e = number.find_first_of("eE");
    if (e == number.npos || number[e + 1] != '-') return std::nullopt;
    d = 0;
  }
  Value value(d);
  value.set_text(std::string(text));
  return value;
}

std::optional<Value> ToInt(std::string_view text, std::string_view digits, int base) {
  int64_t i = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), i, base);
  if (result.ec == std::errc::result_out_of_range) {
    if (base == 10) return ToDouble(text);
    return std::nullopt;
  }
  Value value(i);
  if (base != 10 || Value(i).ScalarText() != text) value.set_text(std::string(text));
  return value;
}

// Numbers, dates and times of day of YAML 1.1 begin with one of these and are made of those: a
// little more than the grammars allow is quoted, which does no harm.
bool LooksLikeNumber(std::string_view text) {
  if (!IsDigit(text[0]) && text[0] != '+' && text[0] != '-' && text[0] != '.') return false;
  if (text.find_first_of("0123456789") != text.npos &&
      text.find_first_not_of("0123456789abcdefABCDEFxXoO_+-.:TtZz ") == text.npos) {
    return true;
  }
  const std::string word = Lower(text.substr(text[0] == '+' || text[0] == '-' ? 1 : 0));
  return word == ".inf" || word == ".nan";
}

// C1 controls, line ends of YAML 1.1, the byte order mark and non-characters.
bool NeedsEscape(uint32_t point) {
  return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029 ||
         point == 0xfeff || (point & 0xfffe) == 0xfffe;
}

}  // namespace

std::optional<Value> ResolvePlain(std::string_view text) {
  static constexpr std::string_view kTrue[] = {"true", "True", "TRUE"};
  static constexpr std::string_view kFalse[] = {"false", "False", "FALSE"};
  static constexpr std::string_view kNull[] = {"", "~", "null", "Null", "NULL"};
  static constexpr std::string_view kNotFinite[] = {".inf",  ".Inf",  ".INF",  "+.inf",
                                                    "+.Inf", "+.INF", "-.inf", "-.Inf",
                                                    "-.INF", ".nan",  ".NaN",  ".NAN"};
  const bool is_true = IsOneOf(text, kTrue);
  if (is_true || IsOneOf(text, kFalse)) {
    Value value(is_true);
    if (text[0] < 'a') value.set_text(std::string(text));
    return value;
  }
  if (IsOneOf(text, kNull)) return Value();
  if (IsOneOf(text, kNotFinite)) return std::nullopt;
  switch (ShapeOf(text)) {
    case Shape::kText:
      return Value(std::string(text));
    case Shape::kDecimal:
      return ToInt(text, text.substr(text.starts_with('+') ? 1 : 0), 10);
    case Shape::kHex:
      return ToInt(text, text.substr(2), 16);
    case Shape::kOctal:
      return ToInt(text, text.substr(2), 8);
    case Shape::kFloat:
      return ToDouble(text);
  }
  return std::nullopt;
}

bool IsSafePlain(std::string_view text) {
  if (text.empty() || IsSpace(text.front()) || IsSpace(text.back())) return false;
  static constexpr std::string_view kIndicators = "?:,[]{}#&*!|>'\"%@`=<";
  if (kIndicators.find(text.front()) != kIndicators.npos) return false;
  if (text.front() == '-' && (text.size() == 1 || IsSpace(text[1]))) return false;
  if (text.starts_with("---") || text.starts_with("...")) return false;
  static constexpr std::string_view kWords[] = {"null", "~",  "true", "false", "yes",
                                                "no",   "on", "off",  "y",     "n"};
  if (text.size() <= 5 && IsOneOf(Lower(text), kWords)) return false;
  if (LooksLikeNumber(text)) return false;
  if (text.back() == ':') return false;
  for (size_t i = 0; i < text.size();) {
    if ((text[i] == ':' && IsSpace(text[i + 1])) || (text[i] == '#' && IsSpace(text[i - 1]))) {
      return false;
    }
    const size_t length = Utf8Length(text, i);
    if (length == 0 || NeedsEscape(Utf8Decode(text, i, length))) return false;
    i += length;
  }
  return true;
}

}  // namespace zoe::codec
