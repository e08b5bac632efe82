// The fast way in for records of our own: from JSON text straight into structs, no tree between.
#include <charconv>
#include <cstring>

#include "specs/schema/decode.h"
#include "specs/schema/names.h"

namespace zoe::schema {
namespace {

constexpr int kMaxDepth = 64;

class Reader {
 public:
  Reader(std::string_view json, Unknown unknown)
      : begin_(json.data()), at_(begin_), end_(begin_ + json.size()), unknown_(unknown) {}

  Expected<void> Document(const Type& type, void* target) {
    static const Field kPlain{};
    if (Any(type, kPlain, target, 0) && (Space(), at_ != end_))
      Fail("text after the end of the record");
    if (problem_ == nullptr) return {};
    if (!unknown_field_.empty()) {
      return MakeError(
          Code::kInternal, "UnknownField",
          "stored record has a field that this version does not know: " + Quote(unknown_field_));
    }
    return MakeError(Code::kInternal, "CorruptRecord",
                     std::string("stored record can't be read: ") + problem_ + " at byte " +
                         std::to_string(at_ - begin_));
  }

 private:
  bool Fail(const char* problem) {
    if (problem_ == nullptr) problem_ = problem;
    return false;
  }
  void Space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }
  bool Take(char c) {
    Space();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool Expect(char c, const char* problem) { return Take(c) || Fail(problem); }
  bool TakeWord(std::string_view word) {
    Space();
    if (static_cast<size_t>(end_ - at_) < word.size() ||
        std::memcmp(at_, word.data(), word.size()) != 0)
      return false;
    at_ += word.size();
    return true;
  }
  std::string_view Token() {
    Space();
    const char* start = at_;
    while (at_ != end_ && std::strchr(",]} \n\r\t:\"[{", *at_) == nullptr) ++at_;
    return {start, static_cast<size_t>(at_ - start)};
  }

  bool Hex4(uint32_t& code);
  bool Escape(std::string& out);
  bool String(std::string& out);
  bool Text(const Field& field, std::string& out);
  bool Integer(const Type& type, const Field& field, void* target);
  bool Boolean(bool& target);
  bool Skip(int depth);
  bool Struct(const Type& type, void* target, int depth);
  bool List(const Type& type, const Field& field, void* target, int depth);
  bool Map(const Field& field, std::map<std::string, std::string>& target);
  bool Any(const Type& type, const Field& field, void* target, int depth);

  const char* const begin_;
  const char* at_;
  const char* const end_;
  const Unknown unknown_;
  const char* problem_ = nullptr;
  std::string unknown_field_;
  std::string scratch_;
};

bool Reader::Hex4(uint32_t& code) {
  if (end_ - at_ < 4) return Fail("broken escape");
  const auto [rest, error] = std::from_chars(at_, at_ + 4, code, 16);
  if (error != std::errc() || rest != at_ + 4) return Fail("broken escape");
  at_ += 4;
  return true;
}

bool Reader::Escape(std::string& out) {
  if (at_ == end_) return Fail("broken escape");
  const char c = *at_++;
  constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
  if (const size_t i = kFrom.find(c); i != std::string_view::npos) {
    out += kTo[i];
    return true;
  }
  uint32_t code = 0;
  if (c != 'u' || !Hex4(code)) return Fail("broken escape");
  if (code >= 0xD800 && code < 0xDC00) {
    uint32_t low = 0;
    if (end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') return Fail("broken escape");
    at_ += 2;
    if (!Hex4(low) || low < 0xDC00 || low > 0xDFFF) return Fail("broken escape");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  } else if (code >= 0xDC00 && code < 0xE000) {
    return Fail("broken escape");
  }
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
  } else if (code < 0x10000) {
    out += {static_cast<char>(0xE0 | (code >> 12)), static_cast<char>(0x80 | ((code >> 6) & 0x3F)),
            static_cast<char>(0x80 | (code & 0x3F))};
  } else {
    out +=
        {static_cast<char>(0xF0 | (code >> 18)), static_cast<char>(0x80 | ((code >> 12) & 0x3F)),
         static_cast<char>(0x80 | ((code >> 6) & 0x3F)), static_cast<char>(0x80 | (code & 0x3F))};
  }
  return true;
}

bool Reader::String(std::string& out) {
  out.clear();
  if (!Expect('"', "a string was expected")) return false;
  while (true) {
    const char* start = at_;
    while (at_ != end_ && *at_ != '"' && *at_ != '\\') ++at_;
    out.append(start, static_cast<size_t>(at_ - start));
    if (at_ == end_) return Fail("unfinished string");
    if (*at_++ == '"') return true;
    if (!Escape(out)) return false;
  }
}

bool Reader::Text(const Field& field, std::string& out) {
  Space();
  if (field.any_scalar && at_ != end_ && *at_ != '"') {
    out = Token();
    return !out.empty() || Fail("a scalar was expected");
  }
  return String(out);
}

bool Reader::Integer(const Type& type, const Field& field, void* target) {
  std::string_view token;
  if (field.integer_as_string) {
    if (!String(scratch_)) return false;
    token = scratch_;
  } else {
    token = Token();
  }
  const auto parse = [token](auto& number) {
    const auto [rest, error] = std::from_chars(token.data(), token.data() + token.size(), number);
    return error == std::errc() && rest == token.data() + token.size();
  };
  const bool good = type.bits == 32 ? parse(*static_cast<int32_t*>(target))
                                    : parse(*static_cast<int64_t*>(target));
  return good || Fail("an integer was expected");
}

bool Reader::Boolean(bool& target) {
  target = TakeWord("true");
  return target || TakeWord("false") || Fail("true or false was expected");
}

bool Reader::Skip(int depth) {
  if (depth > kMaxDepth) return Fail("nested too deeply");
  Space();
  if (at_ == end_) return Fail("unfinished record");
  if (*at_ == '"') return String(scratch_);
  const bool object = *at_ == '{';
  if (!object && *at_ != '[') return !Token().empty() || Fail("a value was expected");
  ++at_;
  const char close = object ? '}' : ']';
  if (Take(close)) return true;
  do {
    if (object && (!String(scratch_) || !Expect(':', "a colon was expected"))) return false;
    if (!Skip(depth + 1)) return false;
  } while (Take(','));
  return Expect(close, "a comma was expected");
}

bool Reader::Struct(const Type& type, void* target, int depth) {
  if (depth > kMaxDepth) return Fail("nested too deeply");
  if (!Expect('{', "an object was expected")) return false;
  if (Take('}')) return true;
  size_t next = 0;  // records keep the order of the declaration
  do {
    if (!String(scratch_) || !Expect(':', "a colon was expected")) return false;
    const Field* field = nullptr;
    for (size_t step = 0; step < type.fields.size(); ++step) {
      size_t i = next + step;
      if (i >= type.fields.size()) i -= type.fields.size();
      if (type.fields[i].name != scratch_) continue;
      field = &type.fields[i];
      next = i + 1;
      break;
    }
    if (field == nullptr && unknown_ == Unknown::kError) {
      unknown_field_ = std::string(type.name) + "." + scratch_;
      return Fail("unknown field");
    }
    if (field == nullptr || !field->constant.empty()) {
      if (!Skip(depth)) return false;
    } else if (!TakeWord("null") && !Any(*field->type, *field, field->At(target), depth + 1)) {
      return false;
    }
  } while (Take(','));
  return Expect('}', "a comma was expected");
}

bool Reader::List(const Type& type, const Field& field, void* target, int depth) {
  type.clear(target);
  if (!Expect('[', "a list was expected")) return false;
  if (Take(']')) return true;
  do {
    if (!Any(*type.element, field, type.append(target), depth + 1)) return false;
  } while (Take(','));
  return Expect(']', "a comma was expected");
}

bool Reader::Map(const Field& field, std::map<std::string, std::string>& target) {
  target.clear();
  if (!Expect('{', "an object was expected")) return false;
  if (Take('}')) return true;
  std::string key;
  do {
    if (!String(key) || !Expect(':', "a colon was expected")) return false;
    if (!Text(field, target.emplace_hint(target.end(), std::move(key), std::string())->second))
      return false;
  } while (Take(','));
  return Expect('}', "a comma was expected");
}

bool Reader::Any(const Type& type, const Field& field, void* target, int depth) {
  switch (type.shape) {
    case Shape::kString:
      return Text(field, *static_cast<std::string*>(target));
    case Shape::kInteger:
      return Integer(type, field, target);
    case Shape::kBoolean:
      return Boolean(*static_cast<bool*>(target));
    case Shape::kQuantity: {
      if (!String(scratch_)) return false;
      auto quantity = Quantity::Parse(scratch_);
      if (!quantity.ok()) return Fail("a quantity was expected");
      *static_cast<Quantity*>(target) = std::move(*quantity);
      return true;
    }
    case Shape::kTime: {
      if (!String(scratch_)) return false;
      const auto time = ParseTime(scratch_);
      if (!time.ok()) return Fail("a time was expected");
      *static_cast<WallTime*>(target) = *time;
      return true;
    }
    case Shape::kRaw: {
      Space();
      const char* start = at_;
      if (!Skip(depth)) return false;
      static_cast<RawJson*>(target)->text.assign(start, at_);
      return true;
    }
    case Shape::kOptional:
      return Any(*type.element, field, type.emplace(target), depth);
    case Shape::kList:
      return List(type, field, target, depth);
    case Shape::kMap:
      return Map(field, *static_cast<std::map<std::string, std::string>*>(target));
    case Shape::kStruct:
      return Struct(type, target, depth);
  }
  return false;
}

}  // namespace

Expected<void> DecodeTrusted(const Type& type, std::string_view json, void* target,
                             Unknown unknown) {
  return Reader(json, unknown).Document(type, target);
}

}  // namespace zoe::schema
