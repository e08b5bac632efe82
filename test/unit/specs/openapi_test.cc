#include "specs/schema/openapi.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace zoe::schema {
namespace {

struct Probe {
  std::vector<std::string> command;
};
struct Item {
  std::string name;
};
struct Thing {
  std::string color = "red", file, word;
  int32_t count = 3;
  std::optional<int64_t> seconds;
  std::optional<Quantity> memory;
  std::optional<WallTime> at;
  std::map<std::string, std::string> values;
  std::vector<Item> items;
  std::vector<std::string> tags;
  Probe probe;
  RawJson raw;
};

}  // namespace

template <>
const Type& Describe<Probe>() {
  static const Type type = Struct<Probe>("Probe", "A command.")
                               .Add("command", &Probe::command, "Its words.")
                               .Required()
                               .NotEmpty()
                               .ShortForm("command")
                               .Build();
  return type;
}

template <>
const Type& Describe<Item>() {
  static const Type type =
      Struct<Item>("Item", "One.").Add("name", &Item::name, "Its name.").Required().Build();
  return type;
}

template <>
const Type& Describe<Thing>() {
  static const Type type = Struct<Thing>("Thing", "A thing.")
                               .Constant("kind", "Thing", "Kind.")
                               .Add("color", &Thing::color, "Its color.")
                               .Enum({"red", "blue"})
                               .Add("file", &Thing::file, "Its file.")
                               .Default("that of its owner")
                               .MaxLength(10)
                               .Add("word", &Thing::word, "Any word.")
                               .AnyScalar()
                               .Add("count", &Thing::count, "How many.")
                               .Range(1, 9)
                               .Add("seconds", &Thing::seconds, "How long.")
                               .AtLeast(0)
                               .Add("memory", &Thing::memory, "How large.")
                               .Least("4Mi")
                               .Add("at", &Thing::at, "When.")
                               .Add("values", &Thing::values, "Values.")
                               .AnyScalar()
                               .Add("items", &Thing::items, "Items.")
                               .ListMap({"name"})
                               .MaxItems(5)
                               .Add("tags", &Thing::tags, "Tags.")
                               .ListSet()
                               .Add("probe", &Thing::probe, "How to look.")
                               .Add("raw", &Thing::raw, "Anything.")
                               .Ignore("selfLink")
                               .Build();
  return type;
}

namespace {

codec::Value Schemas(Dialect dialect) {
  SchemaWriter writer(
      dialect,
      [](const Type& type) {
        if (type.shape == Shape::kQuantity) return std::string("Quantity");
        if (type.shape == Shape::kTime) return std::string("Time");
        return "x." + std::string(type.name);
      },
      "Scalar");
  EXPECT_EQ(writer.Define(Describe<Thing>()), "x.Thing");
  return writer.Take();
}

// The schema of a field of Thing, without its description.
std::string Field(const codec::Value& schemas, std::string_view name) {
  const codec::Value* field = schemas.Find("x.Thing")->Find("properties")->Find(name);
  if (field == nullptr) return "";
  codec::Value bare = *field;
  bare.Remove("description");
  return codec::ToJson(bare);
}

TEST(SchemaWriter, SaysWhatTheDecoderTakes) {
  const codec::Value two = Schemas(Dialect::kOpenApi2), three = Schemas(Dialect::kOpenApi3);
  const struct {
    const char *field, *in_two, *in_three;  // in_three: nullptr is the same
  } rows[] = {
      {"kind", R"({"type":"string"})", nullptr},
      {"color", R"({"type":"string","enum":["red","blue"],"default":"red"})", nullptr},
      {"file", R"({"type":"string","maxLength":10})", nullptr},
      {"word", R"({"$ref":"#/definitions/Scalar"})",
       R"({"allOf":[{"$ref":"#/components/schemas/Scalar"}]})"},
      {"count", R"({"type":"integer","format":"int32","minimum":1,"maximum":9,"default":3})",
       nullptr},
      {"seconds", R"({"type":"integer","format":"int64","minimum":0})", nullptr},
      {"memory", R"({"$ref":"#/definitions/Quantity"})",
       R"({"allOf":[{"$ref":"#/components/schemas/Quantity"}]})"},
      {"at", R"({"$ref":"#/definitions/Time"})",
       R"({"allOf":[{"$ref":"#/components/schemas/Time"}]})"},
      {"values", R"({"type":"object","additionalProperties":{"$ref":"#/definitions/Scalar"}})",
       R"({"type":"object","additionalProperties":{"$ref":"#/components/schemas/Scalar"}})"},
      {"items",
       R"({"type":"array","items":{"$ref":"#/definitions/x.Item"},"maxItems":5,)"
       R"("x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"]})",
       R"({"type":"array","items":{"$ref":"#/components/schemas/x.Item"},"maxItems":5,)"
       R"("x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"]})"},
      {"tags", R"({"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"set"})",
       nullptr},
      {"probe", "{}", R"({"allOf":[{"$ref":"#/components/schemas/x.Probe"}]})"},
      {"raw", R"({"type":"object","x-kubernetes-preserve-unknown-fields":true})", nullptr},
      {"selfLink", "{}", ""},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(Field(two, row.field), row.in_two) << row.field;
    EXPECT_EQ(Field(three, row.field), row.in_three == nullptr ? row.in_two : row.in_three)
        << row.field;
  }
}

TEST(SchemaWriter, LetsAListStandForTheStructThatHasAShortForm) {
  const codec::Value three = Schemas(Dialect::kOpenApi3);
  const codec::Value& probe = *three.Find("x.Probe");
  EXPECT_EQ(probe.Find("type"), nullptr);
  EXPECT_EQ(codec::ToJson(*probe.Find("anyOf")),
            R"([{"type":"object"},{"type":"array","items":{"type":"string"},"minItems":1,)"
            R"("x-kubernetes-list-type":"atomic"}])");
  EXPECT_EQ(codec::ToJson(*probe.Find("required")), R"(["command"])");
}

TEST(SchemaWriter, TellsInWordsWhatASchemaCantSay) {
  const codec::Value two = Schemas(Dialect::kOpenApi2);
  const codec::Value& fields = *two.Find("x.Thing")->Find("properties");
  EXPECT_EQ(fields.Find("file")->StringAt("description"), "Its file. Default: that of its owner.");
  EXPECT_EQ(fields.Find("memory")->StringAt("description"), "How large. At least 4Mi.");
}

}  // namespace
}  // namespace zoe::schema
