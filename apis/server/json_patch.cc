#include "apis/server/json_patch.h"

#include <charconv>
#include <string>
#include <vector>

namespace zoe::server {
namespace {

using codec::Value;

constexpr size_t kMaxOperations = 10'000;
constexpr size_t kMaxDocumentBytes = 1 << 20;

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

// The value that the first `count` tokens lead to; nullptr if there is none.
Value* Walk(Value& document, const std::vector<std::string>& tokens, size_t count) {
  Value* at = &document;
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

Expected<void> Add(Value& document, const std::string& path, Value value, bool replace) {
  ZOE_ASSIGN(const auto tokens, ParsePointer(path));
  if (replace && Walk(document, tokens, tokens.size()) == nullptr)
    return DoesNotFit(path, "there is nothing to replace");
  if (tokens.empty()) {
    document = std::move(value);
    return {};
  }
  Value* parent = Walk(document, tokens, tokens.size() - 1);
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
    array.insert(array.begin() + index, std::move(value));
  }
  return {};
}

Expected<Value> Remove(Value& document, const std::string& path) {
  ZOE_ASSIGN(const auto tokens, ParsePointer(path));
  Value* target = Walk(document, tokens, tokens.size());
  if (target == nullptr || tokens.empty()) return DoesNotFit(path, "there is nothing to remove");
  Value removed = *target;
  Value* parent = Walk(document, tokens, tokens.size() - 1);
  if (parent->is_array()) {
    parent->as_array().erase(parent->as_array().begin() +
                             Index(tokens.back(), parent->as_array().size(), false));
  } else {
    parent->Remove(tokens.back());
  }
  return removed;
}

Expected<Value> Read(Value& document, const std::string& path) {
  ZOE_ASSIGN(const auto tokens, ParsePointer(path));
  const Value* value = Walk(document, tokens, tokens.size());
  if (value == nullptr) return DoesNotFit(path, "there is nothing here");
  return *value;
}

Expected<void> Apply(Value& document, const Value& step) {
  const std::string op = step.StringAt("op"), path = step.StringAt("path"),
                    from = step.StringAt("from");
  const Value* value = step.Find("value");
  if (value == nullptr && (op == "add" || op == "replace" || op == "test")) {
    return MakeError(Code::kBadRequest, "JSON patch: \"" + op + "\" of " + path + " needs a value");
  }
  if (op == "add") return Add(document, path, *value, false);
  if (op == "replace") return Add(document, path, *value, true);
  if (op == "remove") {
    ZOE_TRY(Remove(document, path));
    return {};
  }
  if (op == "move") {
    if (path.starts_with(from + "/")) return DoesNotFit(path, "a value can't be moved into itself");
    ZOE_ASSIGN(Value moved, Remove(document, from));
    return Add(document, path, std::move(moved), false);
  }
  if (op == "copy") {
    ZOE_ASSIGN(Value copied, Read(document, from));
    return Add(document, path, std::move(copied), false);
  }
  if (op == "test") {
    ZOE_ASSIGN(const Value found, Read(document, path));
    if (found == *value) return {};
    return DoesNotFit(path, "the test fails: it is " + codec::ToJson(found));
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
  for (const Value& step : patch.as_array()) {
    ZOE_TRY(Apply(document, step));
    // Each "copy" can double the document.
    if (step.StringAt("op") == "copy" && codec::ToJson(document).size() > kMaxDocumentBytes) {
      return MakeError(Code::kTooLarge, "the patched object is too large");
    }
  }
  return {};
}

}  // namespace zoe::server
