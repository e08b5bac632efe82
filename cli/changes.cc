#include "cli/changes.h"

#include "cli/merge.h"
#include "cli/table.h"

namespace zoe::cli {
namespace {

using codec::Value;

constexpr size_t kLongest = 80;  // of a value on a line

std::string Text(const Value* value) {
  if (value == nullptr) return "(none)";
  const bool scalar = !value->is_object() && !value->is_array();
  std::string text = OneLine(scalar ? value->ScalarText() : codec::ToJson(*value));
  if (text.empty()) return "\"\"";
  if (text.size() <= kLongest) return text;
  size_t end = kLongest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

bool HasNames(const Value& list) {
  for (const Value& item : list.as_array()) {
    if (item.StringAt("name").empty()) return false;
  }
  return !list.as_array().empty();
}

const Value* Named(const Value& list, const std::string& name) {
  for (const Value& item : list.as_array()) {
    if (item.StringAt("name") == name) return &item;
  }
  return nullptr;
}

class Comparison {
 public:
  std::vector<std::string> lines;

  void Compare(const std::string& path, const Value* from, const Value* to) {
    if (from != nullptr && to != nullptr && *from == *to) return;
    const bool objects = from != nullptr && to != nullptr && from->is_object() && to->is_object();
    const bool lists = from != nullptr && to != nullptr && from->is_array() && to->is_array() &&
                       HasNames(*from) && HasNames(*to);
    if (objects) return Members(path, *from, *to);
    const size_t before = lines.size();
    if (lists) Items(path, *from, *to);
    // Items of the same names in another order differ, too.
    if (lines.size() == before) lines.push_back(path + ": " + Text(from) + " -> " + Text(to));
  }

 private:
  void Members(const std::string& path, const Value& from, const Value& to) {
    const std::string prefix = path.empty() ? "" : path + ".";
    for (const codec::Member& member : from.as_object())
      Compare(prefix + member.key, &member.value, to.Find(member.key));
    for (const codec::Member& member : to.as_object()) {
      if (from.Find(member.key) == nullptr) Compare(prefix + member.key, nullptr, &member.value);
    }
  }

  void Items(const std::string& path, const Value& from, const Value& to) {
    const auto at = [&](const std::string& name) { return path + "[name=\"" + name + "\"]"; };
    for (const Value& item : from.as_array()) {
      const std::string name = item.StringAt("name");
      Compare(at(name), &item, Named(to, name));
    }
    for (const Value& item : to.as_array()) {
      const std::string name = item.StringAt("name");
      if (Named(from, name) == nullptr) Compare(at(name), nullptr, &item);
    }
  }
};

}  // namespace

Value Declared(const Value& object) {
  Value declared = Configuration(object);
  RemoveSecrets(declared);
  if (Value* meta = declared.Find("metadata"); meta != nullptr && meta->is_object()) {
    meta->Remove("resourceVersion");
    meta->Remove("uid");
  }
  return declared;
}

std::vector<std::string> Differences(const Value& before, const Value& after) {
  Comparison comparison;
  const Value none{codec::Object{}};
  const Value from = before.is_null() ? none : Declared(before);
  const Value to = after.is_null() ? none : Declared(after);
  comparison.Compare("", &from, &to);
  return std::move(comparison.lines);
}

}  // namespace zoe::cli
