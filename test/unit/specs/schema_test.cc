#include <gtest/gtest.h>

#include "specs/codec/value.h"
#include "specs/schema/decode.h"
#include "specs/schema/encode.h"
#include "specs/schema/markdown.h"
#include "specs/schema/meta.h"
#include "specs/schema/names.h"

namespace zoe::schema {

struct Wheel {
  std::string name;
  int32_t size = 16;
  bool operator==(const Wheel&) const = default;
};

struct Car {
  std::string name, color = "red", plate;
  bool fast = false, insured = true;
  int32_t doors = 4;
  int64_t serial = 0;
  std::optional<int32_t> seats;
  std::optional<Wheel> spare;
  std::optional<Quantity> tank;
  std::optional<WallTime> built;
  std::vector<std::string> owners;
  std::vector<Wheel> wheels;
  std::map<std::string, std::string> tags, options;
  Wheel steering;
  bool operator==(const Car&) const = default;
};

template <>
const Type& Describe<Wheel>() {
  static const Type type = Struct<Wheel>("Wheel", "Turns.")
                               .Add("name", &Wheel::name, "Name.")
                               .Required()
                               .Must(MustBeDnsLabel)
                               .Add("size", &Wheel::size, "Inches.")
                               .Range(10, 24)
                               .Build();
  return type;
}

template <>
const Type& Describe<Car>() {
  static const Type type = Struct<Car>("Car", "Drives.")
                               .Add("name", &Car::name, "Name.")
                               .Required()
                               .Example("herbie")
                               .Add("color", &Car::color, "Color.")
                               .Enum({"red", "green"})
                               .Aka({"paint"})
                               .Add("plate", &Car::plate, "Plate.")
                               .MaxLength(8)
                               .Add("fast", &Car::fast, "Whether.")
                               .Add("insured", &Car::insured, "Whether.")
                               .Add("doors", &Car::doors, "Count.")
                               .AtLeast(0)
                               .Add("serial", &Car::serial, "Number.")
                               .IntegerAsString()
                               .Add("seats", &Car::seats, "Count.")
                               .Add("spare", &Car::spare, "Another one.")
                               .Add("tank", &Car::tank, "Liters.")
                               .Least("1")
                               .Add("built", &Car::built, "When.")
                               .Add("owners", &Car::owners, "Names.")
                               .MaxItems(2)
                               .Add("wheels", &Car::wheels, "Wheels.")
                               .NotEmpty()
                               .Add("tags", &Car::tags, "Tags.")
                               .KeysMust(MustBeLabelKey)
                               .Must(MustBeLabelValue)
                               .Add("options", &Car::options, "Options.")
                               .AnyScalar()
                               .Add("steering", &Car::steering, "The one inside.")
                               .Ignore("smell")
                               .Build();
  return type;
}

namespace {

std::string Text(const Car& car) {
  std::string out;
  AppendJson(Describe<Car>(), &car, out);
  return out;
}

struct Read {
  Car car;
  Problems problems;
  std::string text() const {
    std::string out;
    for (const Cause& cause : problems.causes) {
      out += std::to_string(cause.line) + ":" + std::to_string(cause.column) + ": " + cause.field +
             ": " + cause.message + "\n";
    }
    return out;
  }
};

Read FromYaml(std::string_view yaml, Unknown unknown = Unknown::kError) {
  const auto documents = codec::ParseYaml(yaml);
  EXPECT_TRUE(documents.ok() && documents->size() == 1) << yaml;
  Read read;
  DecodeValue(Describe<Car>(), documents->front(), &read.car, unknown, read.problems, "car");
  return read;
}

// What one line of YAML beside a name is answered with.
std::string Answer(const std::string& line) { return FromYaml("name: x\n" + line + "\n").text(); }

TEST(SchemaEncode, WritesDefaultsAndLeavesOutWhatIsEmpty) {
  Car car;
  car.name = "a";
  car.steering.name = "s";
  EXPECT_EQ(
      Text(car),
      R"({"name":"a","color":"red","insured":true,"doors":4,"steering":{"name":"s","size":16}})");
}

TEST(SchemaEncode, WritesWhatDiffersFromADefaultThatIsNotEmpty) {
  Car car;
  car.insured = false;
  car.color = "";
  car.doors = 0;
  EXPECT_EQ(Text(car), R"({"color":"","insured":false,"doors":0,"steering":{"size":16}})");
  Car back;
  ASSERT_TRUE(DecodeTrusted(Describe<Car>(), Text(car), &back).ok());
  EXPECT_EQ(back, car);
}

TEST(SchemaEncode, WritesScalarsBareOnlyWhereReadingGivesTheSameText) {
  Car car;
  for (const char* text :
       {"3", "-17", "0", "-0", "007", "1.5", "true", "yes", "", "-", "1234567890123456"})
    car.options[text] = text;
  const std::string json = Text(car);
  EXPECT_NE(json.find(R"("3":3,)"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("-17":-17,)"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("-0":"-0",)"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("007":"007",)"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("true":true,)"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("1234567890123456":"1234567890123456")"), std::string::npos) << json;
  Car back;
  const auto value = codec::ParseJson(json);
  ASSERT_TRUE(value.ok());
  Problems problems;
  DecodeValue(Describe<Car>(), *value, &back, Unknown::kError, problems);
  EXPECT_EQ(back.options, car.options);
}

TEST(SchemaEncode, WritesStringsSoThatAnyReaderOfJsonTakesThem) {
  Car car;
  car.name = "quote\" back\\ line\n bell\x07 umlaut\xc3\xa4 broken\xff del\x7f";
  const auto value = codec::ParseJson(Text(car));
  ASSERT_TRUE(value.ok()) << value.error().ToString();
  EXPECT_EQ(value->StringAt("name"),
            "quote\" back\\ line\n bell\x07 umlaut\xc3\xa4 broken\xef\xbf\xbd del\x7f");
}

TEST(SchemaDecode, ReadsEveryShape) {
  const Read read = FromYaml(R"(
name: herbie
color: green
fast: true
doors: 2
serial: "12"
seats: 0
spare: {name: s}
tank: 1.5
built: 2026-01-31T12:00:00Z
owners: [a, b]
wheels: [{name: w, size: 20}]
tags: {a: b}
options: {n: 0x10, t: true, s: "text"}
steering: null
smell: [of, pine]
)");
  EXPECT_EQ(read.text(), "");
  EXPECT_EQ(read.car.color, "green");
  EXPECT_TRUE(read.car.fast);
  EXPECT_TRUE(read.car.insured);
  EXPECT_EQ(read.car.doors, 2);
  EXPECT_EQ(read.car.serial, 12);
  EXPECT_EQ(read.car.seats, 0);
  EXPECT_EQ(read.car.spare, (Wheel{"s", 16}));
  EXPECT_EQ(read.car.tank->milli(), 1500);
  EXPECT_EQ(FormatTime(*read.car.built), "2026-01-31T12:00:00Z");
  EXPECT_EQ(read.car.owners, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(read.car.wheels, (std::vector<Wheel>{{"w", 20}}));
  EXPECT_EQ(read.car.options.at("n"), "0x10");
  EXPECT_EQ(read.car.options.at("t"), "true");
}

TEST(SchemaDecode, SaysWhatWasExpectedWhatWasFoundAndWhatToWrite) {
  EXPECT_EQ(Answer("plate: 3"),
            "2:8: car.plate: must be a string, found the integer 3: write \"3\"\n");
  EXPECT_EQ(Answer("doors: \"3\""),
            "2:8: car.doors: must be an integer, found the string \"3\": write 3 without quotes\n");
  EXPECT_EQ(Answer("doors: three"),
            "2:8: car.doors: must be an integer, found the string \"three\"\n");
  EXPECT_EQ(Answer("doors: 3.5"), "2:8: car.doors: must be an integer, found the number 3.5\n");
  EXPECT_EQ(Answer("fast: yes"),
            "2:7: car.fast: must be true or false, found the string \"yes\": write true\n");
  EXPECT_EQ(Answer("fast: off"),
            "2:7: car.fast: must be true or false, found the string \"off\": write false\n");
  EXPECT_EQ(Answer("fast: \"true\""),
            "2:7: car.fast: must be true or false, found the string \"true\": write true without "
            "quotes\n");
  EXPECT_EQ(Answer("owners: me"),
            "2:9: car.owners: must be a list, found the string \"me\": write [\"me\"]\n");
  EXPECT_EQ(Answer("wheels: {name: a}"),
            "2:9: car.wheels: must be a list, found a mapping: put \"- \" before the first key\n");
  EXPECT_EQ(Answer("spare: [a]"), "2:8: car.spare: must be a mapping, found a list\n");
  EXPECT_EQ(Answer("tags: {a: {b: c}}"), "2:11: car.tags.a: must be a string, found a mapping\n");
  EXPECT_EQ(Answer("options: {a: [b]}"),
            "2:14: car.options.a: must be a string, a number or a boolean, found a list\n");
  EXPECT_EQ(Answer("owners: [a, null]"), "2:13: car.owners[1]: must be a string, found nothing\n");
  EXPECT_EQ(Answer("tank: true"), "2:7: car.tank: must be a quantity, found the boolean true\n");
  EXPECT_EQ(Answer("serial: 12"),
            "2:9: car.serial: must be an integer as a string, found the integer 12\n");
}

TEST(SchemaDecode, ChecksBounds) {
  EXPECT_EQ(Answer("doors: -1"), "2:8: car.doors: must be at least 0, found -1\n");
  EXPECT_EQ(Answer("doors: 3000000000"),
            "2:8: car.doors: must be at least 0 and at most 2147483647, found 3000000000\n");
  EXPECT_EQ(Answer("steering: {name: a, size: 9}"),
            "2:27: car.steering.size: must be between 10 and 24, found 9\n");
  EXPECT_EQ(Answer("color: gren"),
            "2:8: car.color: must be one of red, green, found \"gren\", did you mean \"green\"?\n");
  EXPECT_EQ(Answer("plate: ABCDEFGHI"), "2:8: car.plate: must have at most 8 bytes, found 9\n");
  EXPECT_EQ(Answer("owners: [a, b, c]"), "2:9: car.owners: must have at most 2 items, found 3\n");
  EXPECT_EQ(Answer("wheels: []"), "2:9: car.wheels: must not be empty\n");
  EXPECT_EQ(Answer("tank: 500m"), "2:7: car.tank: must be at least 1, found 500m\n");
  EXPECT_EQ(Answer("built: yesterday"),
            "2:8: car.built: must be a time such as 2026-01-31T12:00:00Z (RFC 3339), found "
            "\"yesterday\"\n");
  EXPECT_EQ(Answer("serial: \"-1\""),
            "2:9: car.serial: must be what the server gave, found \"-1\"\n");
  EXPECT_EQ(Answer("plate: \"a\\0b\""), "2:8: car.plate: must not contain a NUL character\n");
  EXPECT_EQ(Answer("tags: {\"a b\": c}"),
            "2:8: car.tags[a b]: the key \"a b\" must be a name of at most 63 letters, digits, "
            "\"-\", \"_\" and \".\", with a letter or digit "
            "at both ends, optionally after a DNS name and \"/\"\n");
}

TEST(SchemaDecode, FindsEveryErrorAtOnceAndKeepsWhatIsGood) {
  const Read read = FromYaml("colour: red\nfast: 1\nwheels: [{size: 1}, {name: b, size: 12}]\n");
  EXPECT_EQ(read.text(),
            "1:1: car.colour: unknown field \"colour\", did you mean \"color\"?\n"
            "2:7: car.fast: must be true or false, found the integer 1\n"
            "3:17: car.wheels[0].size: must be between 10 and 24, found 1\n"
            "3:10: car.wheels[0].name: is required\n"
            "1:1: car.name: is required, for example herbie\n");
  EXPECT_EQ(read.car.wheels, (std::vector<Wheel>{{"", 16}, {"b", 12}}));
}

TEST(SchemaDecode, SuggestsFieldsForUnknownOnes) {
  EXPECT_EQ(Answer("paint: red"),
            "2:1: car.paint: unknown field \"paint\", did you mean \"color\"?\n");
  EXPECT_EQ(Answer("DOORS: 4"),
            "2:1: car.DOORS: unknown field \"DOORS\", did you mean \"doors\"?\n");
  EXPECT_EQ(Answer("steering: {name: a, radius: 3}"),
            "2:21: car.steering.radius: unknown field \"radius\", known are: name, size\n");
}

TEST(SchemaDecode, WarnsOfUnknownFieldsOrIgnoresThem) {
  const Read warned = FromYaml("name: a\nspare: {name: b, x: 1}", Unknown::kWarn);
  EXPECT_EQ(warned.text(), "");
  EXPECT_EQ(warned.problems.warnings, std::vector<std::string>{"unknown field \"car.spare.x\""});
  const Read ignored = FromYaml("name: a\nx: 1", Unknown::kIgnore);
  EXPECT_EQ(ignored.text(), "");
  EXPECT_TRUE(ignored.problems.warnings.empty());
}

TEST(SchemaDecode, StopsCountingAfterManyErrors) {
  std::string yaml = "name: x\nwheels:\n";
  for (int i = 0; i < 5000; ++i) yaml += "- {size: 1}\n";
  EXPECT_EQ(FromYaml(yaml).problems.causes.size(), kMaxCauses);
}

TEST(SchemaTrusted, ReadsWhatWasWrittenAndSkipsWhatNobodyKnows) {
  Car car;
  ASSERT_TRUE(
      DecodeTrusted(
          Describe<Car>(),
          R"( {"future" : {"a":[1,{"b":null}],"c":"}"}, "name":"\u00e4\ud83d\ude00\n", "spare":null, "doors" : 2 ,"options":{"x":7,"y":"z"}} )",
          &car)
          .ok());
  EXPECT_EQ(car.name, "\xc3\xa4\xf0\x9f\x98\x80\n");
  EXPECT_EQ(car.doors, 2);
  EXPECT_EQ(car.options, (std::map<std::string, std::string>{{"x", "7"}, {"y", "z"}}));
  EXPECT_FALSE(car.spare);
}

TEST(SchemaTrusted, RefusesEveryCutAndEveryWrongType) {
  Car full;
  full.name = "a\"b";
  full.tags["k"] = "v";
  full.wheels = {{"w", 17}};
  full.seats = 5;
  full.tank = Quantity::Milli(1500);
  full.built = WallTime(Duration(1'700'000'000'123));
  const std::string json = Text(full);
  for (size_t length = 0; length < json.size(); ++length) {
    Car car;
    EXPECT_FALSE(DecodeTrusted(Describe<Car>(), json.substr(0, length), &car).ok())
        << json.substr(0, length);
  }
  for (const char* wrong :
       {R"({"name":3})", R"({"doors":"3"})", R"({"doors":3x})", R"({"fast":1})", R"({"wheels":{}})",
        R"({"tags":[]})", R"({"tank":"x"})", R"({"built":"x"})", R"({"name":"\x"})",
        R"({"name":"\ud800"})", R"({} {})", R"([])", R"(nul)"}) {
    Car car;
    const auto result = DecodeTrusted(Describe<Car>(), wrong, &car);
    ASSERT_FALSE(result.ok()) << wrong;
    EXPECT_EQ(result.error().code, Code::kInternal);
  }
  Car car;
  EXPECT_FALSE(DecodeTrusted(Describe<Car>(), "{\"x\":" + std::string(100'000, '['), &car).ok());
}

TEST(SchemaLocate, GoesAsFarAsThePathExists) {
  const auto documents = codec::ParseYaml("a:\n  b:\n  - c: 1\n    d.e: 2\n");
  const codec::Value& document = documents->front();
  EXPECT_EQ(Locate(document, "a.b[0].c").line, 3u);
  EXPECT_EQ(Locate(document, "a.b[0][d.e]").line, 4u);
  EXPECT_EQ(Locate(document, "a.b[0].missing.more").line, Locate(document, "a.b[0]").line);
  EXPECT_EQ(Locate(document, "a.b[7].c").line, Locate(document, "a.b").line);
  EXPECT_EQ(Locate(document, "").line, 1u);
  EXPECT_EQ(Locate(document, "a[").line, Locate(document, "a").line);
}

TEST(SchemaNames, FollowKubernetesRules) {
  for (const char* good : {"a", "a-b", "0", "x9-8"}) EXPECT_EQ(MustBeDnsLabel(good), "") << good;
  for (const char* bad : {"", "-a", "a-", "A", "a.b", "a_b", "\xc3\xa4"})
    EXPECT_NE(MustBeDnsLabel(bad), "") << bad;
  EXPECT_EQ(MustBeDnsLabel(std::string(63, 'a')), "");
  EXPECT_EQ(MustBeDnsLabel(std::string(64, 'a')), "must have at most 63 characters (it has 64)");
  for (const char* good : {"a.b", "a", "x-1.y"}) EXPECT_EQ(MustBeDnsSubdomain(good), "") << good;
  for (const char* bad : {"", ".", "a.", ".a", "a..b", "A.b"})
    EXPECT_NE(MustBeDnsSubdomain(bad), "") << bad;
  for (const char* good :
       {"a", "A_b.c", "x.y/Z", "kubectl.kubernetes.io/last-applied-configuration"})
    EXPECT_EQ(MustBeLabelKey(good), "") << good;
  for (const char* bad : {"", "/a", "a/", "a/b/c", "X.y/z", "-a", "a b"})
    EXPECT_NE(MustBeLabelKey(bad), "") << bad;
  for (const char* good : {"", "a", "A-b_c.9"}) EXPECT_EQ(MustBeLabelValue(good), "") << good;
  for (const char* bad : {"-", "a/", "a b"}) EXPECT_NE(MustBeLabelValue(bad), "") << bad;
  EXPECT_NE(MustBeLabelValue(std::string(64, 'a')), "");
  for (const char* good : {"/", "/a/b", "/a..b", "/..a"})
    EXPECT_EQ(MustBeAbsolutePath(good), "") << good;
  for (const char* bad : {"", "a", "/..", "/a/../b", "/a/.."})
    EXPECT_NE(MustBeAbsolutePath(bad), "") << bad;
  for (const char* good : {"", "a/b", "..a"}) EXPECT_EQ(MustBeRelativePath(good), "") << good;
  for (const char* bad : {"/a", "..", "a/../b"}) EXPECT_NE(MustBeRelativePath(bad), "") << bad;
}

TEST(SchemaNames, SuggestWhatIsCloseAndNothingElse) {
  const std::vector<std::string_view> names = {"replicas", "readiness", "restart", "env", "image"};
  EXPECT_EQ(Closest("replica", names), "replicas");
  EXPECT_EQ(Closest("REPLICAS", names), "replicas");
  EXPECT_EQ(Closest("raediness", names), "readiness");
  EXPECT_EQ(Closest("imgae", names), "image");
  EXPECT_EQ(Closest("evn", names), "env");
  EXPECT_EQ(Closest("xyz", names), "");
  EXPECT_EQ(Closest("", names), "");
  EXPECT_EQ(DidYouMean("zzzzzz", names), "");
}

TEST(SchemaNames, QuoteCutsLongTextAtACharacter) {
  EXPECT_EQ(Quote("a\nb"), "\"a?b\"");
  const std::string text = std::string(59, 'x') + "\xc3\xa4 tail";
  EXPECT_EQ(Quote(text), "\"" + std::string(59, 'x') + "...\"");
}

TEST(SchemaMarkdown, DescribesEachStructOnce) {
  std::vector<const Type*> described;
  const std::string text = Markdown(Describe<Car>(), described);
  EXPECT_NE(text.find("| `name` (required) | string |  | Name. Example: `herbie` |\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("| `color` | string | `red` | Color. One of `red`, `green`. |\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("| `wheels` | list of [Wheel](#wheel) |  | Wheels. At least 1. |\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("| `size` | integer | `16` | Inches. From 10 to 24. |\n"), std::string::npos)
      << text;
  EXPECT_EQ(text.find("### Wheel"), text.rfind("### Wheel"));
  EXPECT_EQ(described.size(), 2u);
}

}  // namespace
}  // namespace zoe::schema
