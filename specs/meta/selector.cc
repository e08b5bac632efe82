#include "specs/meta/selector.h"

#include <algorithm>
#include <utility>

namespace zoe {
namespace {

Error Bad(std::string_view what, std::string_view text, std::string why) {
  return MakeError(Code::kBadRequest, std::string(what) + " \"" + std::string(text.substr(0, 256)) +
                                          "\": " + std::move(why));
}

bool IsWordChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '/';
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : rest_(text) { SkipSpace(); }
  bool done() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }
  bool Take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    SkipSpace();
    return true;
  }
  std::string TakeWord() {
    size_t n = 0;
    while (n < rest_.size() && IsWordChar(rest_[n])) ++n;
    std::string word(rest_.substr(0, n));
    rest_.remove_prefix(n);
    SkipSpace();
    return word;
  }

 private:
  void SkipSpace() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t'))
      rest_.remove_prefix(1);
  }
  std::string_view rest_;
};

// "(a, b)"
bool TakeSet(Lexer& in, std::vector<std::string>& values) {
  if (!in.Take("(")) return false;
  do values.push_back(in.TakeWord());
  while (in.Take(","));
  return in.Take(")");
}

}  // namespace

Expected<Selector> Selector::Parse(std::string_view text) {
  const auto bad = [&](std::string why) { return Bad("label selector", text, std::move(why)); };
  Selector selector;
  Lexer in(text);
  if (in.done()) return selector;
  do {
    Requirement r{.key = {}, .op = Op::kExists, .values = {}};
    const bool negated = in.Take("!");
    r.key = in.TakeWord();
    if (r.key.empty()) {
      return bad(in.done() ? "a key is missing at the end"
                           : "a key is missing before \"" + std::string(in.rest()) + "\"");
    }
    if (negated) {
      r.op = Op::kNotExists;
    } else if (in.Take("!=")) {
      r = {.key = std::move(r.key), .op = Op::kNotIn, .values = {in.TakeWord()}};
    } else if (in.Take("==") || in.Take("=")) {
      r = {.key = std::move(r.key), .op = Op::kIn, .values = {in.TakeWord()}};
    } else if (!in.done() && !in.rest().starts_with(',')) {
      const std::string word = in.TakeWord();
      if (word != "in" && word != "notin") {
        return bad("after \"" + r.key + "\" comes =, ==, !=, in (…) or notin (…)");
      }
      r.op = word == "in" ? Op::kIn : Op::kNotIn;
      if (!TakeSet(in, r.values)) {
        return bad("after \"" + word + "\" comes a list such as (a, b)");
      }
    }
    selector.requirements_.push_back(std::move(r));
  } while (in.Take(","));
  if (!in.done())
    return bad("\"" + std::string(in.rest()) +
               "\" doesn't belong there; put a comma between requirements");
  return selector;
}

bool Selector::Matches(const std::map<std::string, std::string>& labels) const {
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& r) {
    const auto at = labels.find(r.key);
    const bool present = at != labels.end();
    const auto listed = [&] {
      return std::find(r.values.begin(), r.values.end(), at->second) != r.values.end();
    };
    switch (r.op) {
      case Op::kIn:
        return present && listed();
      case Op::kNotIn:  // An object without the label matches, as in Kubernetes.
        return !present || !listed();
      case Op::kExists:
        return present;
      case Op::kNotExists:
        return !present;
    }
    return false;
  });
}

Expected<std::vector<FieldRequirement>> ParseFieldSelector(std::string_view text) {
  const auto bad = [&](std::string why) { return Bad("field selector", text, std::move(why)); };
  std::vector<FieldRequirement> out;
  size_t i = 0;
  while (i < text.size()) {
    FieldRequirement r;
    while (i < text.size() && text[i] != '=' && text[i] != '!' && text[i] != ',')
      r.path += text[i++];
    const std::string_view rest = text.substr(i);
    r.equal = !rest.starts_with("!=");
    if (!rest.starts_with("=") && r.equal) return bad("write field=value or field!=value");
    if (r.path.empty()) return bad("a field is missing before \"" + std::string(rest) + "\"");
    i += rest.starts_with("==") || !r.equal ? 2 : 1;
    for (; i < text.size() && text[i] != ','; ++i) {
      if (text[i] == '\\' && i + 1 < text.size()) {
        ++i;
      } else if (text[i] == '=') {
        return bad("write \\= for a = within a value");
      }
      r.value += text[i];
    }
    out.push_back(std::move(r));
    if (i < text.size() && ++i == text.size()) return bad("a field is missing at the end");
  }
  return out;
}

}  // namespace zoe
