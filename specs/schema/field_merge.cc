#include "specs/schema/field_merge.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "specs/meta/quantity.h"
#include "specs/schema/decode.h"
#include "specs/schema/names.h"

namespace zoe::schema {
namespace {

using codec::Array;
using codec::Member;
using codec::Object;
using codec::Value;

const Field kRoot{};

bool IsScalar(const Value& value) { return !value.is_array() && !value.is_object(); }

// What a field holds if it is there at all.
const Type& Solid(const Type& type) {
  return type.shape == Shape::kOptional ? Solid(*type.element) : type;
}

bool HasItems(const Type& type, const Field& field) {
  return type.shape == Shape::kList && (field.list_set || !field.list_keys.empty());
}

// The place of an item in its list; empty if the list can't tell it.
std::string ItemElement(const Field& field, const Value& item) {
  if (field.list_set) return IsScalar(item) ? ValueElement(item) : std::string();
  if (!item.is_object()) return {};
  std::vector<std::pair<std::string_view, Value>> keys;
  for (const std::string_view name : field.list_keys) {
    const Value* key = item.Find(name);
    if (key == nullptr || !IsScalar(*key) || key->is_null()) return {};
    keys.emplace_back(name, *key);
  }
  return KeyElement(std::move(keys));
}

// Objects may be as large as a request: looked up by an index.
using Index = std::unordered_map<std::string, size_t>;

Index IndexOf(const Object& object) {
  Index index;
  for (size_t i = 0; i < object.size(); ++i) index.emplace(object[i].key, i);
  return index;
}

Index IndexOf(const Field& field, const Array& items) {
  Index index;
  for (size_t i = 0; i < items.size(); ++i) {
    std::string element = ItemElement(field, items[i]);
    if (!element.empty()) index.emplace(std::move(element), i);
  }
  return index;
}

size_t FindIn(const Index& index, const std::string& key) {
  const auto it = index.find(key);
  return it == index.end() ? static_cast<size_t>(-1) : it->second;
}
constexpr size_t kAbsent = static_cast<size_t>(-1);

bool SameLeaf(const Type& type, const Field& field, const Value& a, const Value& b) {
  if (a == b) return true;
  if (!IsScalar(a) || !IsScalar(b)) return false;
  if (type.shape == Shape::kQuantity) {
    const auto one = Quantity::Parse(a.ScalarText()), other = Quantity::Parse(b.ScalarText());
    return one.ok() && other.ok() && *one == *other;
  }
  return field.any_scalar && a.ScalarText() == b.ScalarText();
}

class Normalizer {
 public:
  explicit Normalizer(std::vector<Cause>& causes) : causes_(causes) {}

  void Any(const Type& declared, const Field& field, Value& value, const std::string& path) {
    const Type& type = Solid(declared);
    if (type.shape == Shape::kMap && value.is_object()) DropNulls(value.as_object());
    if (type.shape == Shape::kStruct) Struct(type, value, path);
    if (type.shape == Shape::kList && value.is_array()) List(type, field, value.as_array(), path);
  }

 private:
  static void DropNulls(Object& object) {
    std::erase_if(object, [](const Member& member) { return member.value.is_null(); });
  }

  void Struct(const Type& type, Value& value, const std::string& path) {
    if (value.is_array() && !type.short_form.empty()) {
      Value whole;
      whole.position = value.position;
      whole.Set(type.short_form, std::move(value));
      value = std::move(whole);
    }
    if (!value.is_object()) return;
    DropNulls(value.as_object());
    for (Member& member : value.as_object()) {
      const Field* field = type.Find(member.key);
      if (field == nullptr) continue;
      Any(*field->type, *field, member.value, path.empty() ? member.key : path + "." + member.key);
    }
  }

  void List(const Type& type, const Field& field, Array& items, const std::string& path) {
    std::set<std::string> elements;
    for (size_t i = 0; i < items.size(); ++i) {
      Value& item = items[i];
      const std::string here = path + "[" + std::to_string(i) + "]";
      if (item.is_object() && !FillKeys(Solid(*type.element), field, item, here)) continue;
      Any(*type.element, kRoot, item, here);
      if (!HasItems(type, field)) continue;
      const std::string element = ItemElement(field, item);
      if (!element.empty() && !elements.insert(element).second) Duplicate(field, item, here);
    }
  }

  bool FillKeys(const Type& type, const Field& field, Value& item, const std::string& path) {
    bool complete = true;
    for (const std::string_view name : field.list_keys) {
      const Value* given = item.Find(name);
      if (given != nullptr && !given->is_null()) continue;
      const Field* key = type.Find(name);
      if (key != nullptr && key->type->shape == Shape::kString && !key->default_text.empty()) {
        item.Set(name, key->default_text);
        continue;
      }
      complete = false;
      Add(path + "." + std::string(name), "FieldValueRequired",
          "is required: it tells the items of this list apart", item);
    }
    return complete;
  }

  void Duplicate(const Field& field, const Value& item, const std::string& path) {
    if (field.list_set) {
      Add(path, "FieldValueDuplicate", Quote(item.ScalarText()) + " stands in the list already",
          item);
      return;
    }
    std::string keys;
    for (const std::string_view name : field.list_keys) {
      if (!keys.empty()) keys += ", ";
      keys += std::string(name) + " " + Quote(item.Find(name)->ScalarText());
    }
    Add(path, "FieldValueDuplicate", "an item with " + keys + " stands in the list already", item);
  }

  void Add(std::string path, std::string reason, std::string message, const Value& at) {
    if (causes_.size() >= kMaxCauses) return;
    causes_.push_back({std::move(path), std::move(reason), std::move(message), at.position.line,
                       at.position.column});
  }

  std::vector<Cause>& causes_;
};

// `set` gets what belongs to the fields below this place.
void Collect(const Type& declared, const Field& field, const Value& value, FieldSet& set) {
  const Type& type = Solid(declared);
  if (type.shape == Shape::kStruct && value.is_object()) {
    for (const Member& member : value.as_object()) {
      const Field* inner = type.Find(member.key);
      if (inner == nullptr || !inner->constant.empty() || member.value.is_null()) continue;
      FieldSet child;
      Collect(*inner->type, *inner, member.value, child);
      set.Put(FieldElement(member.key), std::move(child));
    }
  } else if (type.shape == Shape::kMap && value.is_object()) {
    for (const Member& member : value.as_object())
      set.Put(FieldElement(member.key), {.member = true, .children = {}});
  } else if (HasItems(type, field) && value.is_array()) {
    for (const Value& item : value.as_array()) {
      std::string element = ItemElement(field, item);
      if (element.empty()) continue;
      FieldSet child;
      child.member = true;
      Collect(*type.element, kRoot, item, child);
      if (Solid(*type.element).shape != Shape::kStruct) child.children.clear();
      set.Put(std::move(element), std::move(child));
    }
  } else {
    set.member = true;
  }
}

class Comparer {
 public:
  // Either may be null, not both.
  static void Any(const Type& declared, const Field& field, const Value* before, const Value* after,
                  Changes& out) {
    if (before == nullptr) return Collect(declared, field, *after, out.added);
    if (after == nullptr) return Collect(declared, field, *before, out.removed);
    const Type& type = Solid(declared);
    if (type.shape == Shape::kStruct && before->is_object() && after->is_object()) {
      for (const Field& inner : type.fields) {
        if (!inner.constant.empty()) continue;
        Descend(*inner.type, inner, FieldElement(inner.name), before->Find(inner.name),
                after->Find(inner.name), out);
      }
    } else if (type.shape == Shape::kMap && before->is_object() && after->is_object()) {
      Map(*type.element, field, before->as_object(), after->as_object(), out);
    } else if (HasItems(type, field) && before->is_array() && after->is_array()) {
      Items(*type.element, field, before->as_array(), after->as_array(), out);
    } else {
      out.modified.member = !SameLeaf(type, field, *before, *after);
    }
  }

 private:
  static void Descend(const Type& type, const Field& field, const std::string& element,
                      const Value* before, const Value* after, Changes& out, bool item = false) {
    if (before == nullptr && after == nullptr) return;
    Changes below;
    below.added.member = item && before == nullptr;
    below.removed.member = item && after == nullptr;
    Any(type, field, before, after, below);
    out.added.Put(element, std::move(below.added));
    out.modified.Put(element, std::move(below.modified));
    out.removed.Put(element, std::move(below.removed));
  }

  static void Map(const Type& type, const Field& field, const Object& before, const Object& after,
                  Changes& out) {
    const Index in_before = IndexOf(before), in_after = IndexOf(after);
    for (const Member& member : before) {
      const size_t at = FindIn(in_after, member.key);
      Descend(type, field, FieldElement(member.key), &member.value,
              at == kAbsent ? nullptr : &after[at].value, out);
    }
    for (const Member& member : after) {
      if (FindIn(in_before, member.key) != kAbsent) continue;
      Descend(type, field, FieldElement(member.key), nullptr, &member.value, out);
    }
  }

  static void Items(const Type& type, const Field& field, const Array& before, const Array& after,
                    Changes& out) {
    const Index in_before = IndexOf(field, before), in_after = IndexOf(field, after);
    for (const auto& [element, index] : in_before) {
      const size_t at = FindIn(in_after, element);
      if (field.list_set && at != kAbsent) continue;
      Descend(type, kRoot, element, &before[index], at == kAbsent ? nullptr : &after[at], out,
              true);
    }
    for (const auto& [element, index] : in_after) {
      if (FindIn(in_before, element) != kAbsent) continue;
      Descend(type, kRoot, element, nullptr, &after[index], out, true);
    }
  }
};

class Merger {
 public:
  static void Any(const Type& declared, const Field& field, Value& target, const Value& applied) {
    const Type& type = Solid(declared);
    const bool objects = target.is_object() && applied.is_object();
    if (objects && (type.shape == Shape::kStruct || type.shape == Shape::kMap)) {
      Members(type, target.as_object(), applied.as_object());
    } else if (HasItems(type, field) && target.is_array() && applied.is_array() &&
               AllTold(field, applied.as_array())) {
      Items(*type.element, field, target.as_array(), applied.as_array());
    } else {
      target = applied;
    }
  }

 private:
  static bool AllTold(const Field& field, const Array& items) {
    return std::all_of(items.begin(), items.end(),
                       [&](const Value& item) { return !ItemElement(field, item).empty(); });
  }

  static void Members(const Type& type, Object& target, const Object& applied) {
    const Index index = IndexOf(target);
    for (const Member& member : applied) {
      const size_t at = FindIn(index, member.key);
      const Field* field = type.shape == Shape::kStruct ? type.Find(member.key) : nullptr;
      if (at == kAbsent) {
        target.push_back(member);
      } else if (field == nullptr) {
        target[at].value = member.value;
      } else {
        Any(*field->type, *field, target[at].value, member.value);
      }
    }
  }

  static void Items(const Type& type, const Field& field, Array& target, const Array& applied) {
    const Index in_target = IndexOf(field, target), in_applied = IndexOf(field, applied);
    std::vector<bool> is_applied(target.size());
    for (const auto& [element, at] : in_target)
      is_applied[at] = FindIn(in_applied, element) != kAbsent;
    Array merged;
    size_t next = 0;  // of target: what stands before it is in `merged` or comes with `applied`
    for (const Value& item : applied) {
      const size_t at = FindIn(in_target, ItemElement(field, item));
      if (at == kAbsent) {
        merged.push_back(item);
        continue;
      }
      for (; next < at; ++next) {
        if (!is_applied[next]) merged.push_back(std::move(target[next]));
      }
      merged.push_back(std::move(target[at]));
      if (!field.list_set) Any(type, kRoot, merged.back(), item);
    }
    for (; next < target.size(); ++next) {
      if (!is_applied[next]) merged.push_back(std::move(target[next]));
    }
    target = std::move(merged);
  }
};

class Pruner {
 public:
  // `parts`: what stands directly in `target` is a part of the document. `keys` stay.
  static void Any(const Type& declared, const Field& field, Value& target, const FieldSet& last,
                  const FieldSet& keep, bool parts,
                  const std::vector<std::string_view>& keys = {}) {
    const Type& type = Solid(declared);
    if (type.shape == Shape::kStruct && target.is_object()) {
      Struct(type, target, last, keep, parts, keys);
    } else if (type.shape == Shape::kMap && target.is_object()) {
      std::erase_if(target.as_object(), [&](const Member& member) {
        const std::string element = FieldElement(member.key);
        return last.Find(element) != nullptr && keep.Find(element) == nullptr;
      });
    } else if (HasItems(type, field) && target.is_array()) {
      Items(*type.element, field, target.as_array(), last, keep);
    }
  }

 private:
  static void Struct(const Type& type, Value& target, const FieldSet& last, const FieldSet& keep,
                     bool parts, const std::vector<std::string_view>& keys) {
    static const FieldSet kNone;
    for (const auto& [element, below] : last.children) {
      const std::string_view name = std::string_view(element).substr(2);
      const Field* field = element[0] == 'f' ? type.Find(name) : nullptr;
      Value* value = target.Find(name);
      if (field == nullptr || value == nullptr || !field->constant.empty()) continue;
      if (std::find(keys.begin(), keys.end(), name) != keys.end()) continue;
      const FieldSet* kept = keep.Find(element);
      const Type& solid = Solid(*field->type);
      const bool granular = parts || solid.shape == Shape::kMap || HasItems(solid, *field);
      if (kept == nullptr && !granular) {
        target.Remove(name);
      } else {
        Any(*field->type, *field, *value, below, kept == nullptr ? kNone : *kept, false);
      }
    }
  }

  static void Items(const Type& type, const Field& field, Array& target, const FieldSet& last,
                    const FieldSet& keep) {
    std::erase_if(target, [&](const Value& item) {
      const std::string element = ItemElement(field, item);
      return !element.empty() && last.Find(element) != nullptr && keep.Find(element) == nullptr;
    });
    if (field.list_set) return;
    for (Value& item : target) {
      const std::string element = ItemElement(field, item);
      const FieldSet* below = last.Find(element);
      const FieldSet* kept = keep.Find(element);
      if (below != nullptr && kept != nullptr)
        Any(type, kRoot, item, *below, *kept, false, field.list_keys);
    }
  }
};

}  // namespace

void Normalize(const Type& type, Value& value, std::vector<Cause>& causes) {
  Normalizer(causes).Any(type, kRoot, value, "");
}

FieldSet FieldsOf(const Type& type, const Value& value) {
  FieldSet set;
  Collect(type, kRoot, value, set);
  set.member = false;
  return set;
}

Changes Compare(const Type& type, const Value& before, const Value& after) {
  Changes changes;
  Comparer::Any(type, kRoot, &before, &after, changes);
  changes.modified.member = false;
  return changes;
}

void Merge(const Type& type, Value& target, const Value& applied) {
  Merger::Any(type, kRoot, target, applied);
}

void Prune(const Type& type, Value& target, const FieldSet& last, const FieldSet& keep) {
  Pruner::Any(type, kRoot, target, last, keep, true);
}

}  // namespace zoe::schema
