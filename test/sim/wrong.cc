#include "test/sim/wrong.h"

#include <limits>
#include <utility>

#include "specs/meta/quantity.h"

namespace zoe::sim_test {
namespace {

using codec::Value;
using schema::Field;
using schema::Shape;
using schema::Type;

// Values that some schema refuses.
std::vector<std::string> Nonsense() {
  return {"", " ", "-", "no such", "A=B", "../x", "CAP_X", "99", "a b: c", std::string(300, 'x')};
}

class WrongMaker {
 public:
  WrongMaker(const Value& document, const Leaf& leaf)
      : document_(document), leaf_(leaf), place_(FirstPlace(document, leaf.path)) {}

  std::vector<Wrong> Make() {
    const Type& type = Inner(*leaf_.field->type);
    WrongType(type);
    Scalar(type.shape == Shape::kList ? Inner(*type.element) : type, type.shape);
    if (type.shape == Shape::kList) Sizes();
    if (type.shape == Shape::kMap && leaf_.field->key_check != nullptr) Keys();
    Neighbours();
    return std::move(wrongs_);
  }

 private:
  // `value` at the place, or as the only item of the list or map that stands there.
  void Put(std::string name, Value value, Shape shape = Shape::kString) {
    std::string path = place_;
    if (shape == Shape::kList) {
      value = codec::Array{std::move(value)};
      path += "[0]";
    } else if (shape == Shape::kMap) {
      Value map = codec::Object{};
      map.Set("workers", std::move(value));
      value = std::move(map);
      path += ".workers";
    }
    Value document = document_;
    *ValuesAt(document, leaf_.path)[0] = std::move(value);
    wrongs_.push_back({std::move(name), codec::ToJson(document), std::move(path)});
  }
  void WrongType(const Type& type) {
    Value object = codec::Object{};
    object.Set("x", 1);
    Put("a mapping", type.shape == Shape::kMap ? Value("x") : object);
    if (type.shape == Shape::kList) Put("a mapping in the list", object, Shape::kList);
    if (type.shape == Shape::kString && !leaf_.field->any_scalar) Put("a number", 7);
    if (type.shape == Shape::kInteger) Put("a text", "x");
    if (type.shape == Shape::kInteger) Put("a fraction", 1.5);
    if (type.shape == Shape::kBoolean) Put("a word", "yes");
    if (type.shape == Shape::kQuantity) Put("no amount", "many");
    if (type.shape == Shape::kQuantity) Put("less than nothing", "-1");
  }
  void Scalar(const Type& type, Shape outer) {
    const Field& field = *leaf_.field;
    if (type.shape == Shape::kInteger) {
      const bool small = type.bits == 32;
      if (field.minimum || small)
        Put("too low", field.minimum.value_or(std::numeric_limits<int32_t>::min()) - 1, outer);
      if (field.maximum || small)
        Put("too high", field.maximum.value_or(std::numeric_limits<int32_t>::max()) + 1, outer);
    }
    if (type.shape == Shape::kQuantity && !field.least.empty())
      Put("too little", Quantity::Milli(Quantity::Parse(field.least)->milli() - 1).text(), outer);
    if (!field.values.empty()) Put("not one of", "no-such-value", outer);
    if (field.max_length > 0) Put("too long", std::string(field.max_length + 1, 'x'), outer);
    if (field.check == nullptr) return;
    for (const std::string& text : Nonsense()) {
      if (!field.check(text).empty()) return Put("refused by its check", text, outer);
    }
    wrongs_.push_back({"", "", place_});
  }
  void Sizes() {
    const Field& field = *leaf_.field;
    if (field.min_items > 0) Put("empty", codec::Array{});
    if (field.max_items == 0) return;
    Value document = document_;
    auto& items = ValuesAt(document, leaf_.path)[0]->as_array();
    items.resize(field.max_items + 1, items.at(0));
    wrongs_.push_back({"too many", codec::ToJson(document), place_});
  }
  void Keys() {
    for (const std::string& text : Nonsense()) {
      if (leaf_.field->key_check(text).empty() || text.find_first_of("./[] ") != text.npos)
        continue;
      if (text.empty()) continue;
      Value map = codec::Object{};
      map.Set(text, "x");
      Put("a bad key", map);
      wrongs_.back().path += "." + text;
      return;
    }
  }
  // The struct that holds the field.
  void Neighbours() {
    const std::string_view name = leaf_.field->name;
    const std::string around = ItemAround(leaf_.path), place = ItemAround(place_);
    const auto holder = [&](Value& document) -> Value& {
      for (Value* value : ValuesAt(document, around)) {
        if (value->Find(name) != nullptr) return *value;
      }
      return *ValuesAt(document, around)[0];
    };
    Value unknown = document_, twice = document_, without = document_;
    holder(unknown).Set("noSuchField", 1);
    wrongs_.push_back({"an unknown neighbour", codec::ToJson(unknown), place + ".noSuchField"});
    Value& object = holder(twice);
    object.as_object().push_back({std::string(name), *object.Find(name), {}});
    wrongs_.push_back({"twice", codec::ToJson(twice), place_});
    if (!leaf_.field->required) return;
    holder(without).Remove(name);
    wrongs_.push_back({"left out", codec::ToJson(without), place_});
  }

  const Value& document_;
  const Leaf& leaf_;
  const std::string place_;
  std::vector<Wrong> wrongs_;
};

}  // namespace

std::vector<Wrong> WrongsOf(const Value& document, const Leaf& leaf) {
  return WrongMaker(document, leaf).Make();
}

}  // namespace zoe::sim_test
