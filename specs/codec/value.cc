#include "specs/codec/value.h"

#include <algorithm>
#include <unordered_map>

#include "specs/codec/text.h"

namespace zoe::codec {
namespace {

template <class ObjectT>
auto FindIn(ObjectT& members, std::string_view key) -> decltype(&members.front().value) {
  for (auto& member : members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

// Looks up many keys of one object that doesn't change meanwhile: linear in total, however large
// the object.
class Lookup {
 public:
  explicit Lookup(const Object& members) : members_(members) {
    if (members.size() < 16) return;
    for (size_t i = 0; i < members.size(); ++i) index_.emplace(members[i].key, i);
  }
  static constexpr size_t npos = static_cast<size_t>(-1);
  // `guess` is looked at first: equal objects mostly have their keys in the same order.
  size_t Find(std::string_view key, size_t guess) const {
    if (guess < members_.size() && members_[guess].key == key) return guess;
    if (!index_.empty()) {
      const auto at = index_.find(key);
      return at == index_.end() ? npos : at->second;
    }
    for (size_t i = 0; i < members_.size(); ++i) {
      if (members_[i].key == key) return i;
    }
    return npos;
  }

 private:
  const Object& members_;
  std::unordered_map<std::string_view, size_t> index_;
};

bool ObjectsEqual(const Object& a, const Object& b) {
  if (a.size() != b.size()) return false;
  size_t i = 0;
  while (i < a.size() && a[i].key == b[i].key) {
    if (!(a[i].value == b[i].value)) return false;
    ++i;
  }
  if (i == a.size()) return true;
  const Lookup in_b(b);
  for (; i < a.size(); ++i) {
    const size_t at = in_b.Find(a[i].key, i);
    if (at == Lookup::npos || !(a[i].value == b[at].value)) return false;
  }
  return true;
}

// 1 and 1.0 are two spellings of one number.
bool SameNumber(int64_t i, double d) {
  return d >= -0x1p63 && d < 0x1p63 && static_cast<int64_t>(d) == i &&
         static_cast<double>(static_cast<int64_t>(d)) == d;
}

}  // namespace

const Value* Value::Find(std::string_view key) const {
  return is_object() ? FindIn(as_object(), key) : nullptr;
}

Value* Value::Find(std::string_view key) {
  return is_object() ? FindIn(as_object(), key) : nullptr;
}

const Value* Value::At(std::string_view dotted_path) const {
  const Value* at = this;
  while (at != nullptr) {
    const size_t dot = dotted_path.find('.');
    at = at->Find(dotted_path.substr(0, dot));
    if (dot == dotted_path.npos) return at;
    dotted_path.remove_prefix(dot + 1);
  }
  return nullptr;
}

Value& Value::Set(std::string_view key, Value value) {
  if (is_null()) *this = Value(Object());
  if (Value* found = Find(key)) {
    *found = std::move(value);
    return *found;
  }
  Object& members = as_object();
  return members
      .emplace_back(Member{.key = std::string(key), .value = std::move(value), .position = {}})
      .value;
}

bool Value::Remove(std::string_view key) {
  if (!is_object()) return false;
  return std::erase_if(as_object(), [&](const Member& m) { return m.key == key; }) != 0;
}

std::string Value::StringAt(std::string_view dotted_path) const {
  const Value* at = At(dotted_path);
  return at != nullptr && at->is_string() ? at->as_string() : std::string();
}

std::string Value::ScalarText() const {
  if (!text_.empty()) return text_;
  std::string out;
  switch (kind()) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return as_bool() ? "true" : "false";
    case Kind::kInt:
      AppendInt(out, as_int());
      return out;
    case Kind::kDouble:
      AppendDouble(out, as_double());
      return out;
    case Kind::kString:
      return as_string();
    case Kind::kArray:
    case Kind::kObject:
      break;
  }
  return out;
}

bool Value::operator==(const Value& other) const {
  if (kind() != other.kind()) {
    if (kind() == Kind::kInt && other.kind() == Kind::kDouble) {
      return SameNumber(as_int(), other.as_double());
    }
    if (kind() == Kind::kDouble && other.kind() == Kind::kInt) return other == *this;
    return false;
  }
  switch (kind()) {
    case Kind::kNull:
      return true;
    case Kind::kBool:
      return as_bool() == other.as_bool();
    case Kind::kInt:
      return as_int() == other.as_int();
    case Kind::kDouble:
      return as_double() == other.as_double();
    case Kind::kString:
      return as_string() == other.as_string();
    case Kind::kArray:
      return as_array() == other.as_array();
    case Kind::kObject:
      return ObjectsEqual(as_object(), other.as_object());
  }
  return false;
}

void MergePatch(Value& target, const Value& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = Value(Object());
  // Members are changed in place, removed ones marked, new ones appended at the end: one index
  // serves for all.
  Object& members = target.as_object();
  std::vector<bool> removed(members.size(), false);
  Object added;
  {
    const Lookup in_target(members);
    for (const Member& change : patch.as_object()) {
      const size_t at = in_target.Find(change.key, Lookup::npos);
      if (at == Lookup::npos) {
        if (change.value.is_null()) continue;
        Value value;
        MergePatch(value, change.value);
        added.push_back({.key = change.key, .value = std::move(value), .position = {}});
      } else if (change.value.is_null()) {
        removed[at] = true;
      } else {
        MergePatch(members[at].value, change.value);
      }
    }
  }
  size_t kept = 0;
  for (size_t i = 0; i < members.size(); ++i) {
    if (removed[i]) continue;
    if (kept != i) members[kept] = std::move(members[i]);
    ++kept;
  }
  members.resize(kept);
  std::move(added.begin(), added.end(), std::back_inserter(members));
}

Value CreateMergePatch(const Value& from, const Value& to) {
  if (!from.is_object() || !to.is_object()) return to;
  Object patch;
  const Lookup in_from(from.as_object()), in_to(to.as_object());
  for (size_t i = 0; i < from.as_object().size(); ++i) {
    const Member& member = from.as_object()[i];
    if (in_to.Find(member.key, i) == Lookup::npos) {
      patch.push_back({.key = member.key, .value = Value(), .position = {}});
    }
  }
  for (size_t i = 0; i < to.as_object().size(); ++i) {
    const Member& member = to.as_object()[i];
    const size_t at = in_from.Find(member.key, i);
    if (at == Lookup::npos) {
      patch.push_back({.key = member.key, .value = member.value, .position = {}});
    } else if (!(from.as_object()[at].value == member.value)) {
      patch.push_back({.key = member.key,
                       .value = CreateMergePatch(from.as_object()[at].value, member.value),
                       .position = {}});
    }
  }
  return patch;
}

}  // namespace zoe::codec
