#include "specs/codec/text.h"
#include "specs/codec/value.h"
#include "specs/codec/yaml_scalar.h"

namespace zoe::codec {
namespace {

// YAML readers give up on a key without "? " when its colon comes later than this (the
// specification says 1024 characters).
constexpr size_t kLongKey = 500;

void AppendHex(std::string& out, char kind, int digits, uint32_t point) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '\\';
  out += kind;
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += kHex[(point >> shift) & 15];
}

void AppendDoubleQuoted(std::string& out, std::string_view text) {
  out += '"';
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8Length(text, i);
    const uint32_t point = length == 0 ? 0xfffd : Utf8Decode(text, i, length);
    if (point == '"' || point == '\\') {
      out += '\\';
      out += static_cast<char>(point);
    } else if (point == '\n') {
      out += "\\n";
    } else if (point == '\t') {
      out += "\\t";
    } else if (point == '\r') {
      out += "\\r";
    } else if (point < 0x20 || (point >= 0x7f && point < 0xa0)) {
      AppendHex(out, 'x', 2, point);
    } else if (point == 0x2028 || point == 0x2029 || point == 0xfeff || point == 0xfffe ||
               point == 0xffff) {
      AppendHex(out, 'u', 4, point);
    } else if ((point & 0xfffe) == 0xfffe) {
      AppendHex(out, 'U', 8, point);
    } else if (length == 0) {
      out += "\xef\xbf\xbd";
    } else {
      out.append(text, i, length);
    }
    i += length == 0 ? 1 : length;
  }
  out += '"';
}

void AppendSingleQuoted(std::string& out, std::string_view text) {
  out += '\'';
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  out += '\'';
}

// Text of one line: plain, or in the quotes that need fewer escapes.
void AppendLine(std::string& out, std::string_view text) {
  if (IsSafePlain(text)) {
    out += text;
    return;
  }
  bool printable_ascii = true;
  for (const char c : text) printable_ascii = printable_ascii && c >= 0x20 && c < 0x7f;
  if (printable_ascii && text.find_first_of("\"\\") != text.npos) {
    AppendSingleQuoted(out, text);
  } else {
    AppendDoubleQuoted(out, text);
  }
}

// True if a literal block gives back exactly this text with every reader: lines of ordinary
// characters without space at their ends, the first not indented, and at most one line end after
// the last.
bool FitsLiteralBlock(std::string_view text) {
  const size_t first_end = text.find('\n');
  if (first_end == text.npos || first_end == 0 || text[0] == ' ' || text[0] == '\t') return false;
  if (text.ends_with("\n\n")) return false;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '\n' || c == '\t') {
      if (c == '\n' && (text[i - 1] == ' ' || text[i - 1] == '\t')) return false;
      ++i;
      continue;
    }
    const size_t length = Utf8Length(text, i);
    if (length == 0) return false;
    const uint32_t point = Utf8Decode(text, i, length);
    if (point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029 ||
        point == 0xfeff || (point & 0xfffe) == 0xfffe) {
      return false;
    }
    i += length;
  }
  return text.back() != ' ' && text.back() != '\t';
}

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void WriteRoot(const Value& value) {
    if (IsBlock(value)) {
      WriteBlock(value, 0);
    } else {
      WriteScalar(value, 0);
    }
  }

 private:
  static bool IsBlock(const Value& value) {
    return (value.is_object() && !value.as_object().empty()) ||
           (value.is_array() && !value.as_array().empty());
  }
  void Pad(size_t indent) { out_.append(indent, ' '); }

  // The first line is written where the text is, the others at `indent`.
  void WriteBlock(const Value& value, size_t indent) {
    bool first = true;
    if (value.is_array()) {
      for (const Value& item : value.as_array()) {
        if (!first) Pad(indent);
        first = false;
        out_ += "- ";
        if (IsBlock(item)) {
          WriteBlock(item, indent + 2);
        } else {
          WriteScalar(item, indent + 2);
        }
      }
      return;
    }
    for (const Member& member : value.as_object()) {
      if (!first) Pad(indent);
      first = false;
      WriteMember(member, indent);
    }
  }

  void WriteMember(const Member& member, size_t indent) {
    const bool long_key = member.key.size() > kLongKey;
    if (long_key) out_ += "? ";
    AppendLine(out_, member.key);
    if (long_key) {
      out_ += '\n';
      Pad(indent);
    }
    out_ += ':';
    if (!IsBlock(member.value)) {
      out_ += ' ';
      WriteScalar(member.value, indent + 2);
      return;
    }
    out_ += '\n';
    // Lists stand at the indentation of their key, as kubectl prints them.
    const size_t inner = member.value.is_array() && !long_key ? indent : indent + 2;
    Pad(inner);
    WriteBlock(member.value, inner);
  }

  // Ends the line. `indent` is that of further lines.
  void WriteScalar(const Value& value, size_t indent) {
    switch (value.kind()) {
      case Value::Kind::kArray:
        out_ += "[]";
        break;
      case Value::Kind::kObject:
        out_ += "{}";
        break;
      case Value::Kind::kString:
        if (FitsLiteralBlock(value.as_string())) {
          WriteLiteralBlock(value.as_string(), indent == 0 ? 2 : indent);
          return;
        }
        AppendLine(out_, value.as_string());
        break;
      case Value::Kind::kDouble:
        WriteDouble(value);
        break;
      case Value::Kind::kInt:
        AppendInt(out_, value.as_int());
        break;
      case Value::Kind::kBool:
        out_ += value.as_bool() ? "true" : "false";
        break;
      case Value::Kind::kNull:
        out_ += "null";
        break;
    }
    out_ += '\n';
  }

  // As it was written, but with an exponent: YAML 1.1 wants a point and a sign there.
  void WriteDouble(const Value& value) {
    const std::string text = value.ScalarText();
    if (IsJsonNumber(text) && text.find_first_of("eE") == text.npos) {
      out_ += text;
    } else {
      AppendDouble(out_, value.as_double());
    }
  }

  void WriteLiteralBlock(std::string_view text, size_t indent) {
    out_ += text.ends_with('\n') ? "|\n" : "|-\n";
    if (text.ends_with('\n')) text.remove_suffix(1);
    for (;;) {
      const size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      if (!line.empty()) {
        Pad(indent);
        out_ += line;
      }
      out_ += '\n';
      if (end == text.npos) return;
      text.remove_prefix(end + 1);
    }
  }

  std::string& out_;
};

}  // namespace

std::string ToYaml(const Value& value) {
  std::string out;
  Writer(out).WriteRoot(value);
  return out;
}

}  // namespace zoe::codec
