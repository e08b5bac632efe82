#include "cli/jsonpath.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace zoe::cli {
namespace {

using codec::Value;
using Node = JsonPath::Node;

Error Wrong(std::string_view text, size_t at, const std::string& message) {
  return MakeError(Code::kBadRequest, "jsonpath \"" + std::string(text) + "\", character " +
                                          std::to_string(at + 1) + ": " + message);
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Expected<std::vector<Node>> Template(int depth) {
    std::vector<Node> nodes;
    while (at_ < text_.size()) {
      if (text_[at_] != '{') {
        const size_t end = std::min(text_.find('{', at_), text_.size());
        nodes.push_back({.kind = Node::Kind::kText,
                         .text = std::string(text_.substr(at_, end - at_)),
                         .path = {},
                         .body = {}});
        at_ = end;
        continue;
      }
      ++at_;
      Skip();
      if (Word("end")) {
        if (depth == 0) return Wrong(text_, at_, "\"end\" without \"range\"");
        ZOE_TRY(Close());
        closed_ = true;
        return nodes;
      }
      if (Word("range")) {
        if (depth > 16) return Wrong(text_, at_, "too many ranges in each other");
        Skip();
        Node range{.kind = Node::Kind::kRange, .text = {}, .path = {}, .body = {}};
        ZOE_ASSIGN(range.path, Steps());
        ZOE_TRY(Close());
        ZOE_ASSIGN(range.body, Template(depth + 1));
        if (!closed_) return Wrong(text_, at_, "\"range\" without \"end\"");
        closed_ = false;
        nodes.push_back(std::move(range));
        continue;
      }
      if (Peek() == '"' || Peek() == '\'') {
        ZOE_ASSIGN(std::string literal, Quoted());
        nodes.push_back(
            {.kind = Node::Kind::kText, .text = std::move(literal), .path = {}, .body = {}});
      } else {
        ZOE_ASSIGN(Path path, Steps());
        nodes.push_back(
            {.kind = Node::Kind::kPath, .text = {}, .path = std::move(path), .body = {}});
      }
      ZOE_TRY(Close());
    }
    return nodes;
  }

 private:
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  void Skip() {
    while (Peek() == ' ' || Peek() == '\t') ++at_;
  }
  bool Eat(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  bool Word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    const char next = Peek(word.size());
    if (std::isalnum(static_cast<unsigned char>(next)) != 0 || next == '_') return false;
    at_ += word.size();
    return true;
  }
  Expected<void> Close() {
    Skip();
    if (!Eat("}")) return Wrong(text_, at_, "expected \"}\"");
    return {};
  }

  Expected<std::string> Quoted() {
    const char quote = text_[at_++];
    std::string result;
    while (at_ < text_.size() && text_[at_] != quote) {
      char c = text_[at_++];
      if (c == '\\' && at_ < text_.size()) {
        c = text_[at_++];
        if (c == 'n') c = '\n';
        if (c == 't') c = '\t';
        if (c == 'r') c = '\r';
      }
      result += c;
    }
    if (at_ == text_.size()) return Wrong(text_, at_, "the quote is not closed");
    ++at_;
    return result;
  }

  std::string Name() {
    std::string name;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\\' && at_ + 1 < text_.size()) {  // {.metadata.annotations.a\.b}
        name += text_[at_ + 1];
        at_ += 2;
        continue;
      }
      if (std::string_view(".[](){}<>=!,'\"?@*$ \t").find(c) != std::string_view::npos) break;
      name += c;
      ++at_;
    }
    return name;
  }

  Expected<Path> Steps() {
    Path path;
    Skip();
    const size_t begin = at_;
    if (Peek() == '$' || Peek() == '@') ++at_;
    for (;;) {
      if (Eat("..")) {
        path.push_back({.kind = PathStep::Kind::kRecursive});
        if (Peek() == '[') continue;
        ZOE_TRY(Field(path));
      } else if (Eat(".")) {
        if (Peek() == '[') continue;
        if (path.empty() && std::string_view("} \t)").find(Peek()) != std::string_view::npos)
          continue;  // {.}
        ZOE_TRY(Field(path));
      } else if (Eat("[")) {
        ZOE_ASSIGN(PathStep step, Bracket());
        path.push_back(std::move(step));
      } else {
        break;
      }
    }
    if (at_ == begin) return Wrong(text_, at_, "expected a path, such as .metadata.name");
    return path;
  }

  Expected<void> Field(Path& path) {
    if (Eat("*")) {
      path.push_back({.kind = PathStep::Kind::kWildcard});
      return {};
    }
    PathStep step{.kind = PathStep::Kind::kField, .field = Name()};
    if (step.field.empty()) return Wrong(text_, at_, "expected a field's name");
    path.push_back(std::move(step));
    return {};
  }

  std::optional<int64_t> Number() {
    int64_t number = 0;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), number);
    if (error != std::errc()) return std::nullopt;
    at_ += static_cast<size_t>(end - begin);
    return number;
  }

  Expected<PathStep> Bracket() {
    Skip();
    PathStep step;
    if (Eat("?")) {
      ZOE_ASSIGN(step, Filter());
    } else if (Eat("*")) {
      step.kind = PathStep::Kind::kWildcard;
    } else {
      step.kind = PathStep::Kind::kUnion;
      do {
        ZOE_ASSIGN(PathStep part, Part());
        step.parts.push_back(std::move(part));
        Skip();
      } while (Eat(","));
      if (step.parts.size() == 1) {
        PathStep only = std::move(step.parts[0]);
        step = std::move(only);
      }
    }
    Skip();
    if (!Eat("]")) return Wrong(text_, at_, "expected \"]\"");
    return step;
  }

  Expected<PathStep> Part() {
    Skip();
    PathStep part;
    if (Peek() == '\'' || Peek() == '"') {
      ZOE_ASSIGN(part.field, Quoted());
      return part;
    }
    part.kind = PathStep::Kind::kIndex;
    if (const auto number = Number()) {
      part.begin = *number;
      part.has_begin = true;
    }
    if (Eat(":")) {
      part.kind = PathStep::Kind::kSlice;
      if (const auto number = Number()) {
        part.end = *number;
        part.has_end = true;
      }
      if (Eat(":")) {
        const auto number = Number();
        if (!number || *number <= 0) return Wrong(text_, at_, "a slice's step must be at least 1");
        part.stride = *number;
      }
    } else if (!part.has_begin) {
      return Wrong(text_, at_, "expected an index, a quoted name, * or ?( )");
    }
    return part;
  }

  Expected<PathStep> Filter() {
    PathStep step{.kind = PathStep::Kind::kFilter};
    Skip();
    if (!Eat("(")) return Wrong(text_, at_, "expected \"(\"");
    ZOE_ASSIGN(step.parts, Steps());
    Skip();
    for (const std::string_view op : {"==", "!=", "<=", ">=", "<", ">", "="}) {
      if (!Eat(op)) continue;
      step.op = op == "=" ? "==" : op;
      Skip();
      if (Peek() == '\'' || Peek() == '"') {
        ZOE_ASSIGN(std::string literal, Quoted());
        step.literal = Value(std::move(literal));
      } else if (Peek() == '@' || Peek() == '$' || Peek() == '.') {
        step.right_is_path = true;
        ZOE_ASSIGN(step.right, Steps());
      } else {
        const size_t end = std::min(text_.find_first_of(") \t", at_), text_.size());
        auto literal = codec::ParseJson(text_.substr(at_, end - at_));
        if (!literal.ok())
          return Wrong(text_, at_, "expected a number, true, false or a quoted text");
        step.literal = std::move(*literal);
        at_ = end;
      }
      break;
    }
    Skip();
    if (!Eat(")")) return Wrong(text_, at_, "expected \")\"");
    return step;
  }

  std::string_view text_;
  size_t at_ = 0;
  bool closed_ = false;
};

using Values = std::vector<const Value*>;
Values Walk(const Path& path, Values current, const Value& root);

std::optional<double> AsNumber(const Value& value) {
  if (value.kind() == Value::Kind::kInt) return static_cast<double>(value.as_int());
  if (value.kind() == Value::Kind::kDouble) return value.as_double();
  return std::nullopt;
}

bool Compare(const Value& left, const std::string& op, const Value& right) {
  const auto decide = [&](const auto& a, const auto& b) {
    if (op == "==") return a == b;
    if (op == "!=") return a != b;
    if (op == "<") return a < b;
    if (op == "<=") return a <= b;
    if (op == ">") return a > b;
    return a >= b;
  };
  const auto a = AsNumber(left), b = AsNumber(right);
  if (a && b) return decide(*a, *b);
  if (left.is_string() && right.is_string()) return decide(left.as_string(), right.as_string());
  return op == "!=" ? !(left == right) : op == "==" && left == right;
}

bool Passes(const PathStep& filter, const Value& item, const Value& root) {
  const Values left = Walk(filter.parts, {&item}, root);
  if (left.empty()) return false;
  if (filter.op.empty()) return true;
  if (!filter.right_is_path) return Compare(*left[0], filter.op, filter.literal);
  const Values right = Walk(filter.right, {&item}, root);
  return !right.empty() && Compare(*left[0], filter.op, *right[0]);
}

Values Children(const Value& value) {
  Values children;
  if (value.is_array()) {
    for (const Value& item : value.as_array()) children.push_back(&item);
  } else if (value.is_object()) {
    for (const codec::Member& member : value.as_object()) children.push_back(&member.value);
  }
  return children;
}

void Descend(const Value& value, Values& all) {
  all.push_back(&value);
  for (const Value* child : Children(value)) Descend(*child, all);
}

void Slice(const PathStep& step, const codec::Array& items, Values& next) {
  const auto size = static_cast<int64_t>(items.size());
  const auto place = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + size : i, 0, size); };
  const int64_t end = step.has_end ? place(step.end) : size;
  for (int64_t i = step.has_begin ? place(step.begin) : 0; i < end; i += step.stride) {
    next.push_back(&items[static_cast<size_t>(i)]);
  }
}

void Take(const PathStep& step, const Value& value, const Value& root, Values& next) {
  switch (step.kind) {
    case PathStep::Kind::kField:
      if (const Value* found = value.Find(step.field)) next.push_back(found);
      return;
    case PathStep::Kind::kIndex: {
      if (!value.is_array()) return;
      const auto size = static_cast<int64_t>(value.as_array().size());
      const int64_t index = step.begin < 0 ? step.begin + size : step.begin;
      if (index >= 0 && index < size) next.push_back(&value.as_array()[static_cast<size_t>(index)]);
      return;
    }
    case PathStep::Kind::kSlice:
      if (value.is_array()) Slice(step, value.as_array(), next);
      return;
    case PathStep::Kind::kWildcard: {
      const Values children = Children(value);
      next.insert(next.end(), children.begin(), children.end());
      return;
    }
    case PathStep::Kind::kRecursive:
      Descend(value, next);
      return;
    case PathStep::Kind::kUnion:
      for (const PathStep& part : step.parts) Take(part, value, root, next);
      return;
    case PathStep::Kind::kFilter:
      for (const Value* child : Children(value)) {
        if (Passes(step, *child, root)) next.push_back(child);
      }
      return;
  }
}

Values Walk(const Path& path, Values current, const Value& root) {
  for (const PathStep& step : path) {
    Values next;
    for (const Value* value : current) Take(step, *value, root, next);
    current = std::move(next);
  }
  return current;
}

void Render(const std::vector<Node>& nodes, const Value& current, const Value& root,
            std::string& out) {
  for (const Node& node : nodes) {
    if (node.kind == Node::Kind::kText) {
      out += node.text;
      continue;
    }
    bool first = true;
    for (const Value* value : Walk(node.path, {&current}, root)) {
      if (node.kind == Node::Kind::kRange) {
        Render(node.body, *value, root, out);
        continue;
      }
      if (!first) out += ' ';
      first = false;
      out += PathText(*value);
    }
  }
}

}  // namespace

std::string PathText(const Value& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.as_string() : codec::ToJson(value);
}

Expected<JsonPath> JsonPath::Parse(std::string_view text) {
  JsonPath result;
  ZOE_ASSIGN(result.nodes_, Parser(text).Template(0));
  return result;
}

Expected<JsonPath> JsonPath::ParseRelaxed(std::string_view text) {
  std::string_view inner = text;
  if (inner.starts_with('{') && inner.ends_with('}')) inner = inner.substr(1, inner.size() - 2);
  std::string full = "{";
  if (!inner.starts_with('.') && !inner.starts_with('[') && !inner.starts_with('$')) full += '.';
  ZOE_ASSIGN(JsonPath result, Parse(full + std::string(inner) + "}"));
  if (result.nodes_.size() != 1 || result.nodes_[0].kind != Node::Kind::kPath) {
    return Wrong(text, 0, "expected one path, such as {.status.phase}");
  }
  return result;
}

std::string JsonPath::Print(const Value& root) const {
  std::string out;
  Render(nodes_, root, root, out);
  return out;
}

std::vector<const Value*> JsonPath::Select(const Value& root) const {
  for (const Node& node : nodes_) {
    if (node.kind == Node::Kind::kPath) return Walk(node.path, {&root}, root);
  }
  return {};
}

}  // namespace zoe::cli
