#include <array>

#include "specs/codec/text.h"
#include "specs/codec/value.h"

namespace zoe::codec {
namespace {

// 0: copy; 1: escape or check.
constexpr std::array<bool, 256> kSpecial = [] {
  std::array<bool, 256> special{};
  for (size_t c = 0; c < 0x20; ++c) special[c] = true;
  for (size_t c = 0x80; c < 0x100; ++c) special[c] = true;
  special['"'] = special['\\'] = true;
  return special;
}();

// Escapes the ASCII character at hand.
void AppendEscape(std::string& out, char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    default:
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
  }
}

class Writer {
 public:
  // indent < 0: compact
  Writer(std::string& out, int indent) : out_(out), indent_(indent) {}

  void Write(const Value& value) {
    switch (value.kind()) {
      case Value::Kind::kNull:
        out_ += "null";
        return;
      case Value::Kind::kBool:
        out_ += value.as_bool() ? "true" : "false";
        return;
      case Value::Kind::kInt:
        AppendInt(out_, value.as_int());
        return;
      case Value::Kind::kDouble:
        WriteDouble(value);
        return;
      case Value::Kind::kString:
        AppendJsonString(out_, value.as_string());
        return;
      case Value::Kind::kArray:
        WriteArray(value.as_array());
        return;
      case Value::Kind::kObject:
        WriteObject(value.as_object());
        return;
    }
  }

 private:
  void WriteArray(const Array& items) {
    if (items.empty()) {
      out_ += "[]";
      return;
    }
    char separator = '[';
    ++depth_;
    for (const Value& item : items) {
      out_ += separator;
      separator = ',';
      NewLine();
      Write(item);
    }
    --depth_;
    NewLine();
    out_ += ']';
  }
  void WriteObject(const Object& members) {
    if (members.empty()) {
      out_ += "{}";
      return;
    }
    char separator = '{';
    ++depth_;
    for (const Member& member : members) {
      out_ += separator;
      separator = ',';
      NewLine();
      AppendJsonString(out_, member.key);
      out_ += indent_ < 0 ? ":" : ": ";
      Write(member.value);
    }
    --depth_;
    NewLine();
    out_ += '}';
  }
  // As it was written, if JSON can write it so: 3.10 may be a version that some field keeps as
  // text.
  void WriteDouble(const Value& value) {
    const std::string text = value.ScalarText();
    if (IsJsonNumber(text)) {
      out_ += text;
    } else {
      AppendDouble(out_, value.as_double());
    }
  }
  void NewLine() {
    if (indent_ < 0) return;
    out_ += '\n';
    out_.append(static_cast<size_t>(indent_) * depth_, ' ');
  }

  std::string& out_;
  const int indent_;
  size_t depth_ = 0;
};

}  // namespace

void AppendJsonString(std::string& out, std::string_view text) {
  out += '"';
  size_t copied = 0;
  size_t i = 0;
  while (i < text.size()) {
    if (!kSpecial[static_cast<unsigned char>(text[i])]) {
      ++i;
      continue;
    }
    const size_t length = Utf8Length(text, i);
    if (length > 1) {
      i += length;
      continue;
    }
    out.append(text, copied, i - copied);
    if (length == 1) {
      AppendEscape(out, text[i]);
    } else {
      out += "\xef\xbf\xbd";
    }
    copied = ++i;
  }
  out.append(text, copied, text.size() - copied);
  out += '"';
}

std::string ToJson(const Value& value) {
  std::string out;
  Writer(out, -1).Write(value);
  return out;
}

std::string ToPrettyJson(const Value& value, int indent) {
  std::string out;
  Writer(out, indent).Write(value);
  return out;
}

}  // namespace zoe::codec
