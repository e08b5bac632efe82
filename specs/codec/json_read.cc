#include <nlohmann/json.hpp>

#include "specs/codec/builder.h"
#include "specs/codec/text.h"
#include "specs/codec/value.h"

namespace zoe::codec {
namespace {

// Reads through a cursor that is shared by all copies, so that the event handler knows where the
// parser is.
class CursorIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  explicit CursorIterator(const char** cursor) : cursor_(cursor) {}
  reference operator*() const { return **cursor_; }
  CursorIterator& operator++() {
    ++*cursor_;
    return *this;
  }
  CursorIterator operator++(int) {
    ++*cursor_;
    return *this;
  }
  bool operator==(const CursorIterator& other) const { return *cursor_ == *other.cursor_; }

 private:
  const char** cursor_;
};

std::string_view RemovePrefix(std::string_view text, std::string_view up_to) {
  const size_t at = text.find(up_to);
  return at == text.npos ? text : text.substr(at + up_to.size());
}

// nlohmann: "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while
// parsing object key - invalid literal; last read: '{x'; expected string literal". What people need
// begins after the dash; what was read last may be large, and the position says it.
std::string PlainWords(std::string_view what) {
  what = RemovePrefix(what, "] ");
  const size_t dash = what.find(" - ");
  if (what.starts_with("number overflow")) return "this number is too large";
  if (dash == what.npos) return Excerpt(what);
  const std::string_view place = RemovePrefix(what.substr(0, dash), "while parsing ");
  std::string out = "broken JSON (" + std::string(place.substr(0, 32)) + "): ";
  const std::string_view complaint = what.substr(dash + 3);
  const size_t read = std::min(complaint.find("; last read: '"), complaint.size());
  out += complaint.substr(0, read);
  const size_t read_end = complaint.rfind("'; expected ");
  if (read < complaint.size() && read_end != complaint.npos) out += complaint.substr(read_end + 1);
  return out;
}

class Handler {
 public:
  Handler(std::string_view text, const char** cursor, const Budget& budget)
      : text_(text), cursor_(cursor), builder_(budget) {}

  bool null() { return Add(Value()); }
  bool boolean(bool v) { return Add(Value(v)); }
  bool number_integer(int64_t v) { return Add(Value(v)); }
  bool number_unsigned(uint64_t v) {
    if (v <= static_cast<uint64_t>(INT64_MAX)) return Add(Value(static_cast<int64_t>(v)));
    return number_float(static_cast<double>(v), std::to_string(v));
  }
  bool number_float(double v, const std::string& written) {
    Value value(v);
    value.set_text(written);
    return Add(std::move(value));
  }
  // The parser's buffer is copied, not taken: the copy has no spare capacity, and short ones need
  // no memory.
  bool string(const std::string& v) { return Add(Value(v)); }
  bool binary(std::vector<uint8_t>&) { return false; }
  bool key(const std::string& v) {
    if (builder_.FindKey(v) != nullptr) {
      error_ = SyntaxError(KeyStart(), "key " + Excerpt(v) + " appears twice: remove one",
                           "FieldValueDuplicate");
      return false;
    }
    builder_.AddKey(v, {});
    return true;
  }
  bool start_object(size_t) { return Open(Value(Object())); }
  bool start_array(size_t) { return Open(Value(Array())); }
  bool end_object() { return Close(); }
  bool end_array() { return Close(); }
  // `read` counts the characters up to and including the one that is wrong; the cursor may be one
  // ahead.
  bool parse_error(size_t read, const std::string&, const std::exception& e) {
    error_ = SyntaxError(Locator(text_).At(read == 0 ? 0 : read - 1), PlainWords(e.what()));
    return false;
  }

  Value TakeRoot() { return builder_.TakeRoot(); }
  Error TakeError() { return std::move(error_); }

 private:
  size_t Offset() const { return static_cast<size_t>(*cursor_ - text_.data()); }
  // The character that was read last.
  Position Here() const { return Locator(text_).At(Offset() == 0 ? 0 : Offset() - 1); }
  // The opening quote of the key that was read just now: the last quote but one that no backslash
  // precedes.
  Position KeyStart() const {
    size_t at = Offset() - 1;
    while (at > 0 && (text_[at - 1] != '"' || (at > 1 && text_[at - 2] == '\\'))) --at;
    return Locator(text_).At(at == 0 ? 0 : at - 1);
  }
  bool Add(Value value) { return builder_.Add(std::move(value)) != nullptr || Refuse(); }
  bool Open(Value value) { return builder_.Open(std::move(value)) != nullptr || Refuse(); }
  bool Close() {
    builder_.Close();
    return true;
  }
  bool Refuse() {
    error_ = SyntaxError(Here(), builder_.problem());
    return false;
  }

  std::string_view text_;
  const char** cursor_;
  Builder builder_;
  Error error_;
};

}  // namespace

Expected<Value> ParseJson(std::string_view text, const Budget& budget) {
  if (text.size() > budget.bytes) {
    return MakeError(Code::kTooLarge, "the text has " + std::to_string(text.size()) +
                                          " bytes; at most " + std::to_string(budget.bytes) +
                                          " are read");
  }
  if (text.find_first_not_of(" \t\r\n") == text.npos) {
    return SyntaxError({.line = 1, .column = 1}, "the text is empty: JSON was expected");
  }
  const char* cursor = text.data();
  const char* end = text.data() + text.size();
  Handler handler(text, &cursor, budget);
  try {
    if (!nlohmann::json::sax_parse(CursorIterator(&cursor), CursorIterator(&end), &handler)) {
      return handler.TakeError();
    }
  } catch (const std::exception& e) {  // Out of memory: all else is reported through the handler.
    return MakeError(Code::kInternal, std::string("JSON can't be read: ") + e.what());
  }
  return handler.TakeRoot();
}

}  // namespace zoe::codec
