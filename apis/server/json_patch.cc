#include "apis/server/json_patch.h"

#include <charconv>
#include <string>
#include <vector>

namespace zoe::server {
namespace {

using codec::Value;

constexpr size_t kMaxOperations = 10'000;
constexpr size_t kMaxCopied = 1 << 20;     // bytes, by all copies together
constexpr size_t kMaxTouched = 5'000'000;  // items of arrays, moved aside by all steps together

Error DoesNotFit(const std::string& path, std::string why) {
  Error error = MakeError(Code::kInvalid, "the patch does not fit the object");
  error.causes = {{.field = path, .reason = "FieldValueInvalid", .message = std::move(why)}};
  return error;
}

// RFC 6901.
Expected<std::vector<std::string>> ParsePointer(const std::string& text) {
  std::vector<std::string> tokens;
  if (text.empty()) return tokens;
  if (text.front() != '/')
    return MakeError(Code::kBadRequest, "JSON patch: path \"" + text + "\" must begin with /");
  for (const char c : text) {
    if (c == '/') {
      tokens.emplace_back();
    } else if (!tokens.back().empty() && tokens.back().back() == '~' && (c == '0' || c == '1')) {
      tokens.back().back() = c == '0' ? '\x01' : '/';  // marked, so that "~01" is not read twice
    } else {
      tokens.back() += c;
    }
  }
  for (std::string& token : tokens) {
    for (char& c : token) {
      if (c == '\x01') c = '~';
    }
  }
  return tokens;
}

// An index of an array; `end` is allowed for insertion, also as "-". -1 if it is none.
int64_t Index(const std::string& token, size_t size, bool insertion) {
  if (insertion && token == "-") return static_cast<int64_t>(size);
  size_t index = 0;
  const auto [stop, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  if (error != std::errc() || stop != token.data() + token.size() ||
      index >= size + (insertion ? 1 : 0))
    return -1;
  return static_cast<int64_t>(index);
}

// Applies one step after the other. What all of them touch together is bounded: each can go through
// a whole document.
class Patcher {
 public:
  explicit Patcher(Value& document) : document_(document) {}
  Expected<void> Apply(const Value& step);

 private:
  Value* Walk(const std::vector<std::string>& tokens, size_t count);
  Expected<void> Add(const std::string& path, Value value, bool replace);
  Expected<Value> Remove(const std::string& path);
  Expected<const Value*> Read(const std::string& path);
  Expected<Value> Copy(const std::string& path);
  Expected<void> Touch(size_t items);

  Value& document_;
  size_t touched_ = 0, copied_ = 0;
};

Expected<void> Patcher::Touch(size_t items) {
  touched_ += items;
  if (touched_ <= kMaxTouched) return {};
  return MakeError(Code::kTooLarge, "the JSON patch moves too many items of arrays");
}

// The value that the first `count` tokens lead to; nullptr if there is none.
Value* Patcher::Walk(const std::vector<std::string>& tokens, size_t count) {
  Value* at = &document_;
  for (size_t i = 0; i < count && at != nullptr; ++i) {
    if (at->is_array()) {
      const int64_t index = Index(tokens[i], at->as_array().size(), false);
      at = index < 0 ? nullptr : &at->as_array()[static_cast<size_t>(index)];
    } else {
      at = at->Find(tokens[i]);
    }
  }
  return at;
}

Expected<void> Patcher::Add(const std::string& path, Value value, bool replace) {
  ZOE_ASSIGN(const auto tokens, ParsePointer(path));
  if (replace && Walk(tokens, tokens.size()) == nullptr)
    return DoesNotFit(path, "there is nothing to replace");
  if (tokens.empty()) {
    document_ = std::move(value);
    return {};
  }
  Value* parent = Walk(tokens, tokens.size() - 1);
  if (parent == nullptr || (!parent->is_array() && !parent->is_object()))
    return DoesNotFit(path, "there is nothing to add to");
  if (parent->is_object()) {
    parent->Set(tokens.back(), std::move(value));
    return {};
  }
  codec::Array& array = parent->as_array();
  const int64_t index = Index(tokens.back(), array.size(), !replace);
  if (index < 0) return DoesNotFit(path, "\"" + tokens.back() + "\" is no index of this array");
  if (replace) {
    array[static_cast<size_t>(index)] = std::move(value);
  } else {
    ZOE_TRY(Touch(array.size() - static_cast<size_t>(index)));
    array.insert(array.begin() + index, std::move(value));
  }
  return {};
}

Expected<Value> Patcher::Remove(const std::string& path) {
  ZOE_ASSIGN(const auto tokens, ParsePointer(path));
  Value* target = Walk(tokens, tokens.size());
  if (target == nullptr || tokens.empty()) return DoesNotFit(path, "there is nothing to remove");
  Value removed = std::move(*target);
  Value* parent = Walk(tokens, tokens.size() - 1);
  if (parent->is_array()) {
    codec::Array& array = parent->as_array();
    const int64_t index = Index(tokens.back(), array.size(), false);
    ZOE_TRY(Touch(array.size() - static_cast<size_t>(index)));
    array.erase(array.begin() + index);
  } else {
    parent->Remove(tokens.back());
  }
  return removed;
}

Expected<const Value*> Patcher::Read(const std::string& path) {
  ZOE_ASSIGN(const auto tokens, ParsePointer(path));
  const Value* value = Walk(tokens, tokens.size());
  if (value == nullptr) return DoesNotFit(path, "there is nothing here");
  return value;
}

// Each copy can double the document.
Expected<Value> Patcher::Copy(const std::string& path) {
  ZOE_ASSIGN(const Value* value, Read(path));
  copied_ += codec::ToJson(*value).size();
  if (copied_ > kMaxCopied) return MakeError(Code::kTooLarge, "the JSON patch copies too much");
  return *value;
}

Expected<void> Patcher::Apply(const Value& step) {
  const std::string op = step.StringAt("op"), path = step.StringAt("path"),
                    from = step.StringAt("from");
  const Value* value = step.Find("value");
  if (value == nullptr && (op == "add" || op == "replace" || op == "test")) {
    return MakeError(Code::kBadRequest, "JSON patch: \"" + op + "\" of " + path + " needs a value");
  }
  if (op == "add") return Add(path, *value, false);
  if (op == "replace") return Add(path, *value, true);
  if (op == "remove") {
    ZOE_TRY(Remove(path));
    return {};
  }
  if (op == "move") {
    if (path.starts_with(from + "/")) return DoesNotFit(path, "a value can't be moved into itself");
    ZOE_ASSIGN(Value moved, Remove(from));
    return Add(path, std::move(moved), false);
  }
  if (op == "copy") {
    ZOE_ASSIGN(Value copied, Copy(from));
    return Add(path, std::move(copied), false);
  }
  if (op == "test") {
    ZOE_ASSIGN(const Value* found, Read(path));
    if (*found == *value) return {};
    return DoesNotFit(path, "the test fails: it is " + codec::ToJson(*found));
  }
  return MakeError(
      Code::kBadRequest,
      "JSON patch: \"" + op + "\" is no operation; add, remove, replace, move, copy and test are");
}

}  // namespace

Expected<void> ApplyJsonPatch(Value& document, const Value& patch) {
  if (!patch.is_array())
    return MakeError(Code::kBadRequest, "a JSON patch is an array of operations");
  if (patch.as_array().size() > kMaxOperations)
    return MakeError(Code::kTooLarge, "the JSON patch has too many operations");
  Patcher patcher(document);
  for (const Value& step : patch.as_array()) ZOE_TRY(patcher.Apply(step));
  return {};
}

}  // namespace zoe::server
