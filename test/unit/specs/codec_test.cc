#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "specs/codec/value.h"
#include "test/unit/specs/random_value.h"

namespace zoe::codec {
namespace {

using Kind = Value::Kind;

std::string ReadJson(std::string_view json, const Budget& budget = {}) {
  const Expected<Value> value = ParseJson(json, budget);
  return value.ok() ? ToJson(*value) : value.error().ToString();
}

struct Row {
  std::string text, result;
};

std::string Repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(JsonReader, ReadsStrictJson) {
  for (const char* same :
       {"null", "true", "[]", "{}", "-1", "0", "[1,2,[3]]", R"({"a":{"b":null}})",
        R"("é\u0000\n\"\\/")", "1.5", "1e3", "-0.0", "9223372036854775807", "18446744073709551615",
        "123456789012345678901234567890"}) {
    EXPECT_EQ(ReadJson(same), same);
  }
  EXPECT_EQ(ReadJson(" \r\n\t[ 1 , 2 ] "), "[1,2]");
  EXPECT_EQ(ReadJson(R"("\ud83d\ude00\/")"), R"("😀/")");
  EXPECT_EQ(ParseJson("1")->kind(), Kind::kInt);
  EXPECT_EQ(ParseJson("1.0")->kind(), Kind::kDouble);
  EXPECT_EQ(ParseJson(R"({"a":1})")->Find("a")->position.line, 0U);
}

TEST(JsonReader, SaysWhereItIsBroken) {
  const Row rows[] = {{"", "1:1: the text is empty"},
                      {" \n", "1:1: the text is empty"},
                      {"{", "1:2: broken JSON"},
                      {"{\"a\":1,}", "1:8: broken JSON"},
                      {"[1,2", "1:5: broken JSON"},
                      {"{\n \"a\" 1}", "2:6: broken JSON"},
                      {"{a:1}", "1:2: broken JSON"},
                      {"01", "1:2: broken JSON"},
                      {"1 2", "1:3: broken JSON"},
                      {"tru", "1:4: broken JSON"},
                      {"'a'", "1:1: broken JSON"},
                      {"{\"a\":1e400}", "1:10: this number is too large"},
                      {"[1] // c", "1:5: broken JSON"},
                      {"NaN", "1:1: broken JSON"},
                      {"\"a\tb\"", "1:3: broken JSON"},
                      {"\"\xff\"", "1:2: broken JSON"},
                      {"\"\\ud800\"", "1:8: broken JSON"},
                      {"\"\xed\xa0\x80\"", "1:3: broken JSON"},
                      {"\"a", "1:3: broken JSON"},
                      {std::string("[\0]", 3), "1:2: broken JSON"},
                      {"{\"k\":{\"a\":1,\n \"é\":1, \"a\":2}}", "2:9: key \"a\" appears twice"},
                      {R"({"a\"b":1,"a\"b":2})", R"(1:11: key "a"b" appears twice)"}};
  for (const Row& row : rows) {
    const auto value = ParseJson(row.text);
    ASSERT_FALSE(value.ok()) << row.text;
    EXPECT_EQ(value.error().code, Code::kInvalid);
    EXPECT_TRUE(value.error().ToString().starts_with(row.result))
        << row.text << ": " << value.error().ToString();
  }
  // What was read is not repeated at length.
  EXPECT_LT(ReadJson("\"" + std::string(100'000, 'x')).size(), 200U);
}

TEST(JsonReader, KeepsToItsBudgets) {
  EXPECT_EQ(ParseJson(std::string((1 << 20) + 1, ' ')).error().code, Code::kTooLarge);
  EXPECT_EQ(ReadJson(Repeat("[", 100'000)), "1:65: nested deeper than 64 levels");
  EXPECT_NE(ReadJson("[" + Repeat("1,", 100'001) + "1]").find("more than 100000 values"),
            std::string::npos);
  std::string object = "{";
  for (int i = 0; i < 60'000; ++i) object += "\"k" + std::to_string(i) + "\":1,";
  EXPECT_EQ(ParseJson(object + "\"z\":1}")->as_object().size(), 60'001U);
  EXPECT_NE(ReadJson(object + "\"k50000\":1}").find("key \"k50000\" appears twice"),
            std::string::npos);
}

TEST(JsonWriter, EscapesAndReplacesWhatJsonCannotHold) {
  const auto quoted = [](std::string_view text) {
    std::string out;
    AppendJsonString(out, text);
    return out;
  };
  EXPECT_EQ(quoted(""), R"("")");
  EXPECT_EQ(quoted("a\"b\\c/\n\r\t\b\f\x01\x1f\x7f"),
            "\"a\\\"b\\\\c/\\n\\r\\t\\b\\f\\u0001\\u001f\x7f\"");
  EXPECT_EQ(quoted("é日😀"), "\"é日😀\"");
  EXPECT_EQ(quoted("a\xff"
                   "b\xc3"),
            "\"a\uFFFDb\uFFFD\"");
  EXPECT_EQ(quoted("\xed\xa0\x80"), "\"\uFFFD\uFFFD\uFFFD\"");
  EXPECT_EQ(ToJson(Value(std::numeric_limits<double>::infinity())), "null");
  EXPECT_EQ(ToJson(Value(0.1)), "0.1");
  EXPECT_EQ(ToJson(Value(1.0)), "1.0");
  EXPECT_EQ(ToJson(Value(std::numeric_limits<int64_t>::min())), "-9223372036854775808");
}

TEST(JsonWriter, IndentsAsKubectlDoes) {
  EXPECT_EQ(ToPrettyJson(*ParseJson(R"({"a":[1,{"b":[]}],"c":{}})"), 4),
            "{\n    \"a\": [\n        1,\n        {\n            \"b\": []\n        }\n    ],\n    "
            "\"c\": {}\n}");
}

TEST(YamlWriter, WritesAsKubectlDoes) {
  const Value v = *ParseJson(
      R"({"a":[1,{"b":[],"c":{"d":null}},[2,[3]]],"e":{},"f":"x\ny\n","g":["p\nq",{"h":"1"}],"i":1.5})");
  EXPECT_EQ(ToYaml(v), R"(a:
- 1
- b: []
  c:
    d: null
- - 2
  - - 3
e: {}
f: |
  x
  y
g:
- |-
  p
  q
- h: "1"
i: 1.5
)");
  EXPECT_EQ(ToYaml(Value()), "null\n");
  EXPECT_EQ(ToYaml(Value("a\nb")), "|-\n  a\n  b\n");
}

TEST(YamlWriter, QuotesWhatAnotherReaderWouldMistake) {
  for (const char* plain : {"a", "a b", "a:b", "a#b", "-c", "--flag", "ubuntu:22.04", "500m",
                            "512Mi", "/mnt/x", "$HOME", "node.labels.gpu == true", "é", "a, b",
                            "key=value", "v1", "1.2.3-rc", "yesterday"}) {
    EXPECT_EQ(ToYaml(Value(plain)), std::string(plain) + "\n");
  }
  for (const char* quoted : {"",
                             "yes",
                             "NO",
                             "On",
                             "off",
                             "y",
                             "true",
                             "null",
                             "~",
                             "012",
                             "0x1F",
                             "1e3",
                             "1.5",
                             "1_000",
                             "12:30:45",
                             "2026-01-31",
                             "2026-01-31T12:00:00Z",
                             ".inf",
                             "-",
                             "- a",
                             "? a",
                             ": a",
                             "a: b",
                             "a #b",
                             "a:",
                             " a",
                             "a ",
                             "[a",
                             "{{x}}",
                             "&a",
                             "*a",
                             "!a",
                             "|",
                             ">",
                             "%a",
                             "@a",
                             "`a",
                             "#a",
                             "=",
                             "<<",
                             "---",
                             "..."}) {
    EXPECT_EQ(ToYaml(Value(quoted)), "\"" + std::string(quoted) + "\"\n");
  }
  EXPECT_EQ(ToYaml(Value("\"a\": b")), "'\"a\": b'\n");
  EXPECT_EQ(ToYaml(Value("it's: \\")), "'it''s: \\'\n");
  EXPECT_EQ(ToYaml(Value("\x1b[0m\u2028\ufeff")), "\"\\x1b[0m\\u2028\\ufeff\"\n");
}

void ExpectRoundTrip(const Value& value) {
  const std::string yaml = ToYaml(value);
  const auto documents = ParseYaml(yaml);
  ASSERT_TRUE(documents.ok()) << documents.error().ToString() << "\n" << yaml;
  // A document that is null counts as empty.
  if (value.is_null()) return;
  ASSERT_EQ(documents->size(), 1U) << yaml;
  ASSERT_TRUE(documents->front() == value) << yaml << "\n"
                                           << ToJson(value) << "\n"
                                           << ToJson(documents->front());
  const std::string json = ToJson(value);
  const auto from_json = ParseJson(json);
  ASSERT_TRUE(from_json.ok()) << from_json.error().ToString() << "\n" << json;
  ASSERT_TRUE(*from_json == value) << json;
  ASSERT_TRUE(*ParseJson(ToPrettyJson(value, 2)) == value) << json;
}

TEST(RoundTrip, NastyStringsSurviveInEveryPlace) {
  for (const std::string& text : NastyStrings()) {
    ExpectRoundTrip(Value(text));
    ExpectRoundTrip(Array{Value(text), Value(Array{Value(text), Value(text)})});
    Value object;
    object.Set("k", Value(text)).position = {};
    object.Set(text, Value(text));
    object.Set("n", Value(Array{object}));
    object.Set("z", 1);
    ExpectRoundTrip(object);
  }
}

TEST(RoundTrip, RandomTreesSurvive) {
  for (uint64_t seed = 0; seed < 3000 && !testing::Test::HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ExpectRoundTrip(RandomValue(seed).Make(5));
  }
}

TEST(Value, IsEqualWhateverTheOrderAndSpelling) {
  EXPECT_TRUE(ParseYaml("{a: 1, b: [x, 0x10]}")->front() ==
              *ParseJson(R"({"b":["x",16],"a":1.0})"));
  EXPECT_FALSE(*ParseJson(R"({"a":1})") == *ParseJson(R"({"a":1,"b":2})"));
  EXPECT_FALSE(*ParseJson(R"({"a":1,"b":2})") == *ParseJson(R"({"a":1,"c":2})"));
  EXPECT_FALSE(*ParseJson("[1,2]") == *ParseJson("[2,1]"));
  EXPECT_FALSE(Value("1") == Value(1));
  EXPECT_FALSE(Value(1) == Value(true));
  EXPECT_FALSE(Value(std::numeric_limits<int64_t>::max()) == Value(0x1p63));
  EXPECT_TRUE(Value() == Value());
}

TEST(Value, FindsSetsAndRemoves) {
  Value v;
  v.Set("metadata", Value(Object())).Set("name", "x");
  v.Set("a.b", 1);
  EXPECT_EQ(v.StringAt("metadata.name"), "x");
  EXPECT_EQ(v.StringAt("metadata"), "");
  EXPECT_EQ(v.At("metadata.none"), nullptr);
  EXPECT_EQ(v.At("a.b"), nullptr);
  EXPECT_EQ(v.Find("a.b")->as_int(), 1);
  v.Set("a.b", 2);
  EXPECT_EQ(v.as_object().size(), 2U);
  EXPECT_TRUE(v.Remove("a.b"));
  EXPECT_FALSE(v.Remove("a.b"));
  EXPECT_EQ(Value(1).Find("a"), nullptr);
}

TEST(MergePatch, PassesTheExamplesOfRfc7396) {
  const std::string rows[][3] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", "null", "null"},
      {R"({"a":"foo"})", R"("bar")", R"("bar")"},
      {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"}};
  for (const auto& [target, patch, result] : rows) {
    Value v = *ParseJson(target);
    MergePatch(v, *ParseJson(patch));
    EXPECT_EQ(ToJson(v), result) << target << " + " << patch;
  }
}

// A merge patch can't say null.
void DropNulls(Value& value) {
  if (value.is_array()) {
    for (Value& item : value.as_array()) DropNulls(item);
  } else if (value.is_object()) {
    std::erase_if(value.as_object(), [](const Member& m) { return m.value.is_null(); });
    for (Member& m : value.as_object()) DropNulls(m.value);
  }
}

TEST(MergePatch, CreatedOnesTurnOneValueIntoTheOther) {
  EXPECT_EQ(ToJson(CreateMergePatch(*ParseJson(R"({"a":1,"b":{"c":1,"d":2},"e":[1]})"),
                                    *ParseJson(R"({"b":{"c":1,"d":3},"e":[1],"f":0})"))),
            R"({"a":null,"b":{"d":3},"f":0})");
  for (uint64_t seed = 0; seed < 500; ++seed) {
    RandomValue random(seed);
    Value from = random.Make(4), to = random.Make(4);
    DropNulls(to);
    const Value patch = CreateMergePatch(from, to);
    MergePatch(from, patch);
    ASSERT_TRUE(from == to) << "seed " << seed;
    ASSERT_TRUE(!to.is_object() || CreateMergePatch(from, to).as_object().empty())
        << "seed " << seed;
  }
}

}  // namespace
}  // namespace zoe::codec
