#include "test/sim/generate.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "specs/meta/quantity.h"

namespace zoe::sim_test {
namespace {

using codec::Value;
using schema::Field;
using schema::Shape;
using schema::Type;

bool IsListOfStructs(const Type& type) {
  return type.shape == Shape::kList && Inner(*type.element).shape == Shape::kStruct;
}

void AddLeaves(const Type& type, const std::string& path, std::vector<Leaf>& leaves) {
  for (const Field& field : type.fields) {
    if (!field.constant.empty()) continue;
    const Type& inner = Inner(*field.type);
    const std::string here = path + "." + std::string(field.name);
    if (inner.shape == Shape::kStruct) {
      AddLeaves(inner, here, leaves);
    } else if (IsListOfStructs(inner)) {
      AddLeaves(Inner(*inner.element), here + "[]", leaves);
    } else {
      leaves.push_back({here, &field});
    }
  }
}

void AddLeavesIn(const Type& type, const Value& value, const std::string& path,
                 std::set<std::string>& leaves) {
  if (!value.is_object()) return;
  for (const codec::Member& member : value.as_object()) {
    const Field* field = type.Find(member.key);
    if (field == nullptr || !field->constant.empty()) continue;
    const Type& inner = Inner(*field->type);
    const std::string here = path + "." + member.key;
    if (inner.shape == Shape::kStruct) {
      AddLeavesIn(inner, member.value, here, leaves);
    } else if (IsListOfStructs(inner)) {
      if (!member.value.is_array()) continue;
      for (const Value& item : member.value.as_array())
        AddLeavesIn(Inner(*inner.element), item, here + "[]", leaves);
    } else {
      leaves.insert(here);
    }
  }
}

// The first part of a path and what follows it: "spec", "[]", "[3]".
std::pair<std::string_view, std::string_view> Cut(std::string_view path) {
  if (path.starts_with(".")) path.remove_prefix(1);
  size_t end = path.starts_with("[") ? path.find(']') + 1 : path.find_first_of(".[");
  end = std::min(end, path.size());
  return {path.substr(0, end), path.substr(end)};
}

void Collect(Value& value, std::string_view path, std::vector<Value*>& found) {
  const auto [first, rest] = Cut(path);
  if (first.empty()) return found.push_back(&value);
  if (first == "[]") {
    if (!value.is_array()) return;
    for (Value& item : value.as_array()) Collect(item, rest, found);
  } else if (Value* member = value.Find(first)) {
    Collect(*member, rest, found);
  }
}

bool EraseAt(Value& value, std::string_view path) {
  const auto [first, rest] = Cut(path);
  if (first.starts_with("[")) {
    if (!value.is_array()) return false;
    auto& items = value.as_array();
    for (size_t i = 0; i < items.size(); ++i) {
      if (first != "[]" && first != "[" + std::to_string(i) + "]") continue;
      if (!rest.empty() && !EraseAt(items[i], rest)) continue;
      if (rest.empty()) items.erase(items.begin() + static_cast<std::ptrdiff_t>(i));
      return true;
    }
    return false;
  }
  if (rest.empty()) return value.Remove(first);
  Value* member = value.Find(first);
  return member != nullptr && EraseAt(*member, rest);
}

std::string PlaceBelow(const Value& value, std::string_view path) {
  const auto [first, rest] = Cut(path);
  if (first == "[]") {
    for (size_t i = 0; value.is_array() && i < value.as_array().size(); ++i) {
      const Value& item = value.as_array()[i];
      const std::string here = "[" + std::to_string(i) + "]";
      if (rest.empty()) return here;
      if (const std::string below = PlaceBelow(item, rest); !below.empty()) return here + below;
    }
    return "";
  }
  const Value* member = value.Find(first);
  if (member == nullptr) return "";
  if (rest.empty()) return "." + std::string(first);
  const std::string below = PlaceBelow(*member, rest);
  return below.empty() ? "" : "." + std::string(first) + below;
}

// ---- values that mean something

constexpr const char* kSsh =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ a@b";

constexpr const char* kHash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b";
constexpr const char* kHash2 = "$argon2id$v=19$m=65536,t=2,p=1$b3RoZXJzYWx0$RdescudvJCsgt3ub+b";

// What may stand in some field; its own check decides in which.
const std::vector<std::string_view>& Words() {
  static const std::vector<std::string_view> words = {"a",
                                                      "b",
                                                      "web",
                                                      "db",
                                                      "worker",
                                                      "/a",
                                                      "/data/x",
                                                      "/srv",
                                                      "1000:1000",
                                                      "2000",
                                                      "http",
                                                      "NET_RAW",
                                                      "SYS_PTRACE",
                                                      "node.platform.os == linux",
                                                      "node.role != nobody",
                                                      "10.77.0.0/24",
                                                      "10.78.0.0/24",
                                                      "0700",
                                                      "0755",
                                                      kSsh,
                                                      kHash,
                                                      kHash2,
                                                      "some longer words"};
  return words;
}

struct Meaning {
  std::string_view path_end;
  std::vector<std::string_view> steady, troubled;  // each a YAML value
};
// Fields whose values the simulated Swarm, or an application of the tests, gives a meaning.
const std::vector<Meaning>& Meanings() {
  static const std::vector<Meaning> meanings = {
      {".image", {"w:1", "w:2", "site:5000/app:3"}, {"missing:1", "missing:2"}},
      {".command",
       {"[sleep, \"100000\"]", "[serve]", "[sh, -c, sleep 100000]", "[serve, \"{{user.name}}\"]"},
       {"[sleep, \"3\"]", "[sh, -c, \"sleep 1; exit 3\"]", "[\"false\"]", "[missing-program]"}},
      {".args", {"[x, \"8080\"]", "[\"{{execution.name}}\"]", "[\"{{deployment}}\"]"}, {}},
      {".value",
       {"v", "\"{{replica}}\"", "\"{{dns.self}}\"", "\"{{param.workers}}\"", "\"{{workspace}}\""},
       {}},
      {".constraints",
       {"[node.platform.os == linux]", "[node.role != nobody, node.hostname != sim9]"},
       {"[node.labels.gpu == true]"}},
      {".activeDeadlineSeconds", {"100000", "200000"}, {"30"}},
      {".applicationRef.name", {"web", "tuned"}, {}},
      {".applicationRef.namespace", {"catalog", "alice"}, {}},
      {".hostPath", {"/data", "/srv/shared"}, {}},
      {".capabilities", {"[NET_RAW]", "[SYS_PTRACE, NET_RAW]", "[IPC_LOCK]"}, {}},
      {".parameters[].name", {"workers", "color"}, {}},
      {".parameters",
       {"{workers: 2}", "{workers: 3}", "{workers: 4, color: red}", "{color: \"5\"}"},
       {}},
      {".user", {"\"1000:1000\"", "\"2000\""}, {}},
  };
  return meanings;
}

Value Parsed(std::string_view yaml) { return codec::ParseYaml(yaml)->at(0); }

}  // namespace

std::vector<Leaf> LeavesOf(const v1::Kind& kind) {
  std::vector<Leaf> leaves;
  AddLeaves(Inner(*kind.type->Find("spec")->type), "spec", leaves);
  return leaves;
}

std::set<std::string> LeavesIn(const v1::Kind& kind, const Value& document) {
  std::set<std::string> leaves;
  if (const Value* spec = document.Find("spec"))
    AddLeavesIn(Inner(*kind.type->Find("spec")->type), *spec, "spec", leaves);
  return leaves;
}

std::vector<Value*> ValuesAt(Value& document, std::string_view path) {
  std::vector<Value*> found;
  Collect(document, path, found);
  return found;
}

std::string FirstPlace(const Value& document, std::string_view path) {
  const std::string place = PlaceBelow(document, path);
  return place.empty() ? "" : place.substr(1);
}

bool Erase(Value& document, std::string_view path) { return EraseAt(document, path); }
std::string ItemAround(std::string_view path) {
  return std::string(path.substr(0, path.rfind(path.ends_with("]") ? '[' : '.')));
}

const Type& Inner(const Type& type) {
  return type.shape == Shape::kOptional ? *type.element : type;
}

// ---- Generator

Value Generator::Keep(const Field& field, const std::vector<std::string_view>& candidates) {
  std::vector<std::string_view> good;
  for (const std::string_view text : candidates) {
    const bool fits = (field.max_length == 0 || text.size() <= field.max_length) &&
                      (field.values.empty() || std::ranges::count(field.values, text) > 0) &&
                      (field.check == nullptr || field.check(text).empty());
    if (fits) good.push_back(text);
  }
  if (!good.empty()) return std::string(good[Below(good.size())]);
  // What its own documentation shows; a list's first item.
  if (field.example.empty()) return Value();
  const Value example = Parsed(field.example);
  if (example.is_array()) return example.as_array().empty() ? Value() : example.as_array()[0];
  return example;
}

Value Generator::Text(const Field& field) {
  if (!field.values.empty()) return std::string(field.values[Below(field.values.size())]);
  if (field.any_scalar && field.check == nullptr && Chance(0.7))
    return Chance(0.2) ? Value(Chance(0.5)) : Value(static_cast<int64_t>(1 + Below(5)));
  return Keep(field, Words());
}

Value Generator::Integer(const Field& field) {
  const int64_t low = std::max<int64_t>(field.minimum.value_or(-2), -2);
  const int64_t high = std::min<int64_t>(field.maximum.value_or(low + 4), low + 4);
  const int64_t number = low + static_cast<int64_t>(Below(static_cast<uint64_t>(high - low + 1)));
  return field.integer_as_string ? Value(std::to_string(number)) : Value(number);
}

Value Generator::Amount(const Field& field) {
  static constexpr int64_t kTimes[] = {1, 2, 8, 100};
  int64_t milli = field.least.empty() ? 1000 : Quantity::Parse(field.least)->milli();
  milli *= kTimes[Below(4)];
  if (programs_ == Programs::kTroubled && Chance(0.05)) milli *= 100'000;  // no node is so large
  return (milli % 1000 == 0 ? Quantity::Whole(milli / 1000) : Quantity::Milli(milli)).text();
}

Value Generator::Of(const Type& type, const Field& field, const std::string& path,
                    std::string_view wanted) {
  for (const Meaning& meaning : Meanings()) {
    if (!path.ends_with(meaning.path_end) || IsListOfStructs(type)) continue;
    const bool trouble =
        programs_ == Programs::kTroubled && !meaning.troubled.empty() && Chance(0.25);
    const auto& from = trouble ? meaning.troubled : meaning.steady;
    return Parsed(from[Below(from.size())]);
  }
  switch (type.shape) {
    case Shape::kString:
      return Text(field);
    case Shape::kInteger:
      return Integer(field);
    case Shape::kBoolean:
      return Chance(0.5);
    case Shape::kQuantity:
      return Amount(field);
    case Shape::kTime:
      return "2026-01-31T12:00:0" + std::to_string(Below(10)) + "Z";
    case Shape::kRaw:
      return Value(codec::Object{});
    case Shape::kOptional:
      return Of(*type.element, field, path, wanted);
    case Shape::kMap: {
      Value map = codec::Object{};
      Field key;
      key.check = field.key_check;
      for (uint64_t n = 1 + Below(2); n > 0; --n)
        map.Set(Keep(key, Words()).ScalarText(), Text(field));
      return map;
    }
    case Shape::kList: {
      Value list = codec::Array{};
      const bool structs = IsListOfStructs(type);
      const uint64_t least = std::max<uint64_t>(field.min_items, 1);
      for (uint64_t n = least + Below(structs ? 3 : 2); n > 0; --n) {
        const std::string_view first = list.as_array().empty() ? wanted : std::string_view();
        list.as_array().push_back(Of(*type.element, field, path + (structs ? "[]" : ""), first));
      }
      return list;
    }
    case Shape::kStruct:
      return Struct(type, path, wanted);
  }
  return Value();
}

Value Generator::Struct(const Type& type, const std::string& path, std::string_view wanted) {
  Value made = codec::Object{};
  for (const Field& field : type.fields) {
    if (!field.constant.empty()) continue;
    const std::string here = path + "." + std::string(field.name);
    const bool on_the_way =
        wanted.starts_with(here) &&
        (wanted.size() == here.size() || wanted[here.size()] == '.' || wanted[here.size()] == '[');
    if (!field.required && !on_the_way && !Chance(0.2)) continue;
    made.Set(field.name, Of(*field.type, field, here, on_the_way ? wanted : std::string_view()));
  }
  return made;
}

bool Generator::Repair(Value& document, const v1::Kind& kind, const Cause& cause) {
  const Type* type = kind.type;
  const Field* field = nullptr;
  Value* value = &document;
  std::string path, pattern, item;  // item: the innermost that may go as a whole
  std::string_view left = cause.field;
  while (!left.empty()) {
    const auto [first, rest] = Cut(left);
    left = rest;
    const bool index = first.starts_with("[");
    path += (index || path.empty() ? "" : ".") + std::string(first);
    if (index) item = path;
    pattern += index ? "[]" : (pattern.empty() ? "" : ".") + std::string(first);
    if (!index)
      field = type == nullptr || type->shape != Shape::kStruct ? field : type->Find(first);
    if (field == nullptr) return false;
    if (!index) type = type->shape == Shape::kStruct ? &Inner(*field->type) : type;
    if (index && type->shape == Shape::kList) type = &Inner(*type->element);
    Value* next = index ? nullptr : value->Find(first);
    if (index && value->is_array()) {
      const size_t i = std::strtoull(std::string(first.substr(1)).c_str(), nullptr, 10);
      if (i < value->as_array().size()) next = &value->as_array()[i];
    }
    if (next == nullptr) {
      if (!left.empty() || index || !value->is_object()) return false;
      if (cause.reason != "FieldValueRequired") return !item.empty() && EraseAt(document, item);
      value->Set(first, type->shape == Shape::kMap ? Value("3") : Of(*type, *field, pattern, ""));
      return true;
    }
    value = next;
    if (!index && !field->required && type->shape == Shape::kStruct && path != "spec") item = path;
  }
  if (field == nullptr || path == "spec") return false;
  if (!field->required && Chance(0.7)) return EraseAt(document, path);
  if (Chance(0.5)) {
    *value = Of(*type, *field, pattern, "");
    return true;
  }
  return !item.empty() && EraseAt(document, item);
}

std::optional<Value> Generator::Make(const v1::Kind& kind, const Value& metadata,
                                     std::string_view wanted) {
  for (int attempt = 0; attempt < 3'000; ++attempt) {
    Value document = codec::Object{};
    document.Set("apiVersion", std::string(kind.api_version));
    document.Set("kind", std::string(kind.name));
    document.Set("metadata", metadata);
    document.Set("spec", Struct(Inner(*kind.type->Find("spec")->type), "spec", wanted));
    // What refers to an application has it from there.
    const bool inline_wanted = wanted.starts_with("spec.application.");
    Value& spec = *document.Find("spec");
    if (spec.Find("application") && spec.Find("applicationRef"))
      spec.Remove(!inline_wanted && (wanted.starts_with("spec.applicationRef") || Chance(0.3))
                      ? "application"
                      : "applicationRef");
    if (kind.name == "Execution" && !spec.Find("application") && !spec.Find("applicationRef")) {
      const Field& application = *Inner(*kind.type->Find("spec")->type).Find("application");
      spec.Set("application", Of(*application.type, application, "spec.application", ""));
    }
    for (int repairs = 0; repairs < 60; ++repairs) {
      const std::vector<Cause> causes = judge_(document);
      if (causes.empty()) {
        if (wanted.empty() || !ValuesAt(document, wanted).empty()) return document;
        break;
      }
      if (!Repair(document, kind, causes[Below(causes.size())])) break;
    }
  }
  return std::nullopt;
}

std::optional<Value> Generator::Change(const Value& document, const Leaf& leaf) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    Value changed = document;
    const auto places = ValuesAt(changed, leaf.path);
    if (places.empty()) return std::nullopt;
    Value other = Of(*leaf.field->type, *leaf.field, leaf.path, "");
    if (other == *places[0]) continue;
    *places[0] = std::move(other);
    if (judge_(changed).empty()) return changed;
  }
  return std::nullopt;
}

}  // namespace zoe::sim_test
