// Sets of fields of a document: what an entry of metadata.managedFields owns. The tree is that of
// FieldsV1 (Kubernetes' structured-merge-diff):
//
//   f:NAME         a field of a struct, a key of a map
//   k:{"name":..}  an item of a list that has keys, by the JSON of its keys in order of their names
//   v:JSON         an item of a list that is a set
//   i:NUMBER       an item by its place; only read, never made here
//
// Values of their own: copyable, no thread-safety beyond that.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "specs/codec/value.h"
#include "specs/meta/expected.h"

namespace zoe::schema {

struct FieldSet {
  using Children = std::map<std::string, FieldSet, std::less<>>;

  bool member = false;  // what stands at this place is in the set: "." where it has children
  Children children;    // by element; none of them is empty

  bool empty() const { return !member && children.empty(); }
  const FieldSet* Find(std::string_view element) const;
  // Drops `set` if it is empty.
  void Put(std::string element, FieldSet set);
  // Puts in what `other` has.
  void Add(const FieldSet& other);
  // Takes out the whole of what stands at these elements.
  void Remove(std::initializer_list<std::string_view> path);
  // How many members.
  size_t size() const;
  bool operator==(const FieldSet&) const = default;
};

FieldSet Union(const FieldSet& a, const FieldSet& b);
FieldSet Intersection(const FieldSet& a, const FieldSet& b);
FieldSet Difference(const FieldSet& a, const FieldSet& b);
// As Difference, and a member of `gone` takes all with it that stands below it.
FieldSet Without(const FieldSet& a, const FieldSet& gone);

// FieldsV1. Keys and values of list items are written anew, so that equal ones are equal. kInvalid:
// an element that is none of the above, or twice at one place. As deep as the tree that it reads.
Expected<FieldSet> ReadFieldsV1(const codec::Value& fields);
std::string WriteFieldsV1(const FieldSet& set);

std::string FieldElement(std::string_view name);
// `keys` in any order.
std::string KeyElement(std::vector<std::pair<std::string_view, codec::Value>> keys);
std::string ValueElement(const codec::Value& value);

// Each member as Kubernetes writes it for people: `.spec.services[name="web"].image`.
std::vector<std::string> PathsOf(const FieldSet& set);

}  // namespace zoe::schema
