#include "specs/schema/field_set.h"

#include <algorithm>

namespace zoe::schema {
namespace {

using codec::Value;

bool IsScalar(const Value& value) { return !value.is_array() && !value.is_object(); }

Error BadElement(std::string_view element) {
  return MakeError(Code::kInvalid, "fieldsV1: \"" + std::string(element.substr(0, 100)) +
                                       "\" is no field, key, value or place of a list");
}

// The element as it would be made here.
Expected<std::string> ReadElement(std::string_view element) {
  if (element.starts_with("f:")) return std::string(element);
  if (element.starts_with("i:") && element.size() > 2 && element.size() < 12 &&
      element.find_first_not_of("0123456789", 2) == std::string_view::npos)
    return std::string(element);
  if (!element.starts_with("k:") && !element.starts_with("v:")) return BadElement(element);
  auto value = codec::ParseJson(element.substr(2));
  if (!value.ok()) return BadElement(element);
  if (element.starts_with("v:"))
    return IsScalar(*value) ? Expected<std::string>(ValueElement(*value)) : BadElement(element);
  if (!value->is_object() || value->as_object().empty()) return BadElement(element);
  std::vector<std::pair<std::string_view, Value>> keys;
  for (const codec::Member& member : value->as_object()) {
    if (!IsScalar(member.value)) return BadElement(element);
    keys.emplace_back(member.key, member.value);
  }
  return KeyElement(std::move(keys));
}

Expected<FieldSet> Read(const Value& fields) {
  if (!fields.is_object()) return MakeError(Code::kInvalid, "fieldsV1 must be a tree of objects");
  FieldSet set;
  set.member = fields.as_object().empty();
  for (const codec::Member& member : fields.as_object()) {
    if (member.key == ".") {
      set.member = true;
      continue;
    }
    ZOE_ASSIGN(std::string element, ReadElement(member.key));
    ZOE_ASSIGN(FieldSet child, Read(member.value));
    if (set.Find(element) != nullptr) return BadElement(element);
    set.Put(std::move(element), std::move(child));
  }
  return set;
}

void Write(const FieldSet& set, std::string& out) {
  out += '{';
  char separator = 0;
  if (set.member && !set.children.empty()) {
    out += "\".\":{}";
    separator = ',';
  }
  for (const auto& [element, child] : set.children) {
    if (separator != 0) out += separator;
    separator = ',';
    codec::AppendJsonString(out, element);
    out += ':';
    Write(child, out);
  }
  out += '}';
}

// `[name="web"]`, `[="value"]`, `[3]`, `.name`
std::string PathElement(const std::string& element) {
  const std::string rest = element.substr(2);
  if (element[0] == 'f') return "." + rest;
  if (element[0] == 'i') return "[" + rest + "]";
  if (element[0] == 'v') return "[=" + rest + "]";
  std::string out = "[";
  const auto keys = codec::ParseJson(rest);
  if (!keys.ok() || !keys->is_object()) return out + rest + "]";
  for (const codec::Member& key : keys->as_object()) {
    if (out.size() > 1) out += ',';
    out += key.key + "=" + codec::ToJson(key.value);
  }
  return out + "]";
}

void AddPaths(const FieldSet& set, const std::string& path, std::vector<std::string>& out) {
  if (set.member) out.push_back(path);
  for (const auto& [element, child] : set.children)
    AddPaths(child, path + PathElement(element), out);
}

// Both sets' trees at once; `keep` says which members stay.
FieldSet Combine(const FieldSet& a, const FieldSet* b, bool (*keep)(bool in_a, bool in_b)) {
  FieldSet out;
  out.member = keep(a.member, b != nullptr && b->member);
  for (const auto& [element, child] : a.children)
    out.Put(element, Combine(child, b == nullptr ? nullptr : b->Find(element), keep));
  return out;
}

}  // namespace

const FieldSet* FieldSet::Find(std::string_view element) const {
  const auto it = children.find(element);
  return it == children.end() ? nullptr : &it->second;
}

void FieldSet::Put(std::string element, FieldSet set) {
  if (!set.empty()) children.insert_or_assign(std::move(element), std::move(set));
}

void FieldSet::Add(const FieldSet& other) {
  member = member || other.member;
  for (const auto& [element, child] : other.children) children[element].Add(child);
}

void FieldSet::Remove(std::initializer_list<std::string_view> path) {
  std::vector<std::pair<FieldSet*, Children::iterator>> way;
  FieldSet* at = this;
  for (const std::string_view element : path) {
    const auto it = at->children.find(element);
    if (it == at->children.end()) return;
    way.emplace_back(at, it);
    at = &it->second;
  }
  if (way.empty()) return;
  way.back().first->children.erase(way.back().second);
  for (size_t i = way.size() - 1; i-- > 0;) {
    if (way[i].second->second.empty()) way[i].first->children.erase(way[i].second);
  }
}

size_t FieldSet::size() const {
  size_t count = member ? 1 : 0;
  for (const auto& [element, child] : children) count += child.size();
  return count;
}

FieldSet Union(const FieldSet& a, const FieldSet& b) {
  FieldSet out = a;
  out.Add(b);
  return out;
}

FieldSet Intersection(const FieldSet& a, const FieldSet& b) {
  return Combine(a, &b, [](bool in_a, bool in_b) { return in_a && in_b; });
}

FieldSet Difference(const FieldSet& a, const FieldSet& b) {
  return Combine(a, &b, [](bool in_a, bool in_b) { return in_a && !in_b; });
}

FieldSet Without(const FieldSet& a, const FieldSet& gone) {
  FieldSet out;
  if (gone.member) return out;
  out.member = a.member;
  for (const auto& [element, child] : a.children) {
    const FieldSet* other = gone.Find(element);
    out.Put(element, other == nullptr ? child : Without(child, *other));
  }
  return out;
}

Expected<FieldSet> ReadFieldsV1(const Value& fields) {
  ZOE_ASSIGN(FieldSet set, Read(fields));
  set.member = false;  // nobody owns an object as such
  return set;
}

std::string WriteFieldsV1(const FieldSet& set) {
  std::string out;
  Write(set, out);
  return out;
}

std::string FieldElement(std::string_view name) { return "f:" + std::string(name); }

std::string KeyElement(std::vector<std::pair<std::string_view, Value>> keys) {
  std::sort(keys.begin(), keys.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string out = "k:{";
  for (const auto& [name, value] : keys) {
    if (out.size() > 3) out += ',';
    codec::AppendJsonString(out, name);
    out += ':' + codec::ToJson(value);
  }
  return out + "}";
}

std::string ValueElement(const Value& value) { return "v:" + codec::ToJson(value); }

std::vector<std::string> PathsOf(const FieldSet& set) {
  std::vector<std::string> paths;
  AddPaths(set, "", paths);
  return paths;
}

}  // namespace zoe::schema
