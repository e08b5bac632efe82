#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "specs/codec/value.h"

namespace zoe::codec {
namespace {

// All documents as compact JSON, separated by '|'; or "line:column: message" of the error.
std::string Read(std::string_view yaml, const Budget& budget = {}) {
  const Expected<std::vector<Value>> documents = ParseYaml(yaml, budget);
  if (!documents.ok()) return documents.error().ToString();
  std::string out;
  for (const Value& document : *documents) {
    if (!out.empty()) out += '|';
    out += ToJson(document);
  }
  return out;
}

struct Row {
  std::string text, result;
};

TEST(YamlReader, ReadsWhatYamlAllows) {
  const Row rows[] = {
      {"", ""},
      {"# only\n", ""},
      {"---\n---\na: 1\n---\n", R"({"a":1})"},
      {"--- a\n--- b", R"("a"|"b")"},
      {"a: 1\n...\nb: 2", R"({"a":1}|{"b":2})"},
      {"a: 1\n...\n---\nb: 2", R"({"a":1}|{"b":2})"},
      {"a: 1\n...", R"({"a":1})"},
      {"%YAML 1.2\n---\na: 1", R"({"a":1})"},
      {"\xef\xbb\xbf"
       "a: 1",
       R"({"a":1})"},
      {"\r\na: 1\r\nb: |\r\n  x\r\n", R"({"a":1,"b":"x\n"})"},
      {"a: |\n  x\n  y\n\nb: >-\n  p\n  q\nc: |-\n  z\n", R"({"a":"x\ny\n","b":"p q","c":"z"})"},
      {"a: #c\nb: 1", R"({"a":null,"b":1})"},
      {"a:\tb\t", R"({"a":"b"})"},
      {"a:b", R"("a:b")"},
      {"''", R"("")"},
      {"- ", "[null]"},
      {"- - - a\n    - b", R"([[["a","b"]]])"},
      {"{a: 1, }", R"({"a":1})"},
      {"{a, b: 1}", R"({"a":null,"b":1})"},
      {"? a\n: b", R"({"a":"b"})"},
      {"1: a\ntrue: b\n\"x y\": c", R"({"1":"a","true":"b","x y":"c"})"},
      {"a: \"\\N\\_\\L\\P\\e\"", "{\"a\":\"\u0085\u00a0\u2028\u2029\\u001b\"}"},
      {"a: \"\\0\\x41\\u00e9\\U0001f600\\n\"", R"({"a":"\u0000Aé😀\n"})"},
      {"a: 'it''s'", R"({"a":"it's"})"},
      {R"({"a": "\ud83d\ude00\/", "b": [1, 2.50, null]})", R"({"a":"😀/","b":[1,2.50,null]})"},
      {"{\"" + std::string(2000, 'k') + "\": 1}", "{\"" + std::string(2000, 'k') + "\":1}"},
  };
  for (const Row& row : rows) EXPECT_EQ(Read(row.text), row.result) << row.text;
}

TEST(YamlReader, TypesPlainTextByTheCoreSchema) {
  const Row rows[] = {{"true", "true"},
                      {"True", "true"},
                      {"FALSE", "false"},
                      {"yes", R"("yes")"},
                      {"no", R"("no")"},
                      {"on", R"("on")"},
                      {"off", R"("off")"},
                      {"y", R"("y")"},
                      {"\"true\"", R"("true")"},
                      {"'5'", R"("5")"},
                      {"5", "5"},
                      {"-5", "-5"},
                      {"+5", "5"},
                      {"012", "12"},
                      {"0o12", "10"},
                      {"0x1F", "31"},
                      {"0b11", R"("0b11")"},
                      {"1_000", R"("1_000")"},
                      {"1e3", "1e3"},
                      {"1.5", "1.5"},
                      {"1.50", "1.50"},
                      {".5", "0.5"},
                      {"5.", "5.0"},
                      {"-.5e-3", "-5.0e-04"},
                      {".", R"(".")"},
                      {"1.2.3", R"("1.2.3")"},
                      {"e3", R"("e3")"},
                      {"1e", R"("1e")"},
                      {"0x", R"("0x")"},
                      {"0xG", R"("0xG")"},
                      {"0o8", R"("0o8")"},
                      {"-0x1", R"("-0x1")"},
                      {"12:30:45", R"("12:30:45")"},
                      {"2026-01-31", R"("2026-01-31")"},
                      {"9223372036854775807", "9223372036854775807"},
                      {"-9223372036854775808", "-9223372036854775808"},
                      {"9223372036854775808", "9223372036854775808"},
                      {"1e-400", "1e-400"},
                      {"! 5", R"("5")"},
                      {"!!str 5", R"("5")"},
                      {"!!int 5", "5"},
                      {"!!int \"5\"", "5"},
                      {"!!float 5", "5.0"},
                      {"!!bool true", "true"},
                      {"!!str &a yes", R"("yes")"},
                      {"!!map {a: 1}", R"({"a":1})"},
                      {"!!seq [a]", R"(["a"])"}};
  for (const Row& row : rows) EXPECT_EQ(Read(row.text), row.result) << row.text;
  for (const char* text : {"~", "null", "Null", "NULL", "", "!!null ~"}) {
    EXPECT_EQ(Read("a: " + std::string(text)), R"({"a":null})") << text;
  }
}

TEST(YamlReader, KeepsHowAScalarWasWritten) {
  for (const char* text :
       {"012", "0x1F", "1e3", "3.10", "+5", "True", "18446744073709551616", "word", "7", "false"}) {
    EXPECT_EQ(ParseYaml(text)->front().ScalarText(), text);
  }
  EXPECT_EQ(ParseYaml("'012'")->front().ScalarText(), "012");
  EXPECT_EQ(ParseJson("3.10")->ScalarText(), "3.10");
  EXPECT_EQ(Value(0.1).ScalarText(), "0.1");
  EXPECT_EQ(Value(1e20).ScalarText(), "1.0e+20");
}

TEST(YamlReader, ExpandsAliasesAndMerges) {
  const Row rows[] = {
      {"a: &x [1, {b: 2}]\nc: *x", R"({"a":[1,{"b":2}],"c":[1,{"b":2}]})"},
      {"a: &x\nb: *x", R"({"a":null,"b":null})"},
      {"a: &x 1\nb: &x 2\nc: *x", R"({"a":1,"b":2,"c":2})"},
      {"base: &b {x: 1, y: 2}\nd: {<<: *b, y: 3}", R"({"base":{"x":1,"y":2},"d":{"y":3,"x":1}})"},
      {"d: {y: 3, <<: {x: 1, y: 2}}", R"({"d":{"y":3,"x":1}})"},
      {"a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc:\n  <<: [*a, *b]\n  z: 3",
       R"({"a":{"x":1},"b":{"x":2,"y":2},"c":{"z":3,"x":1,"y":2}})"},
      {"a: &a {<<: {p: 1}, q: 2}\nb: *a", R"({"a":{"q":2,"p":1},"b":{"q":2,"p":1}})"},
      {"\"<<\": 1", R"({"<<":1})"},
      {"<<: []", "{}"},
  };
  for (const Row& row : rows) EXPECT_EQ(Read(row.text), row.result) << row.text;
}

TEST(YamlReader, SaysWhereItIsBrokenAndWhatToDo) {
  const Row rows[] = {
      // What yaml-cpp reads for ever, or lets pass.
      {",", "1:1: this does not belong"},
      {",\n", "1:1: this does not belong"},
      {"[a], b", "1:4: this does not belong"},
      {"- a\n, b", "2:1: this does not belong"},
      {"a\n---\n,", "3:1: this does not belong"},
      {"a: 1\n---\n,", "3:1: this does not belong"},
      {"- a\nb: 1", "2:1: this does not belong"},
      {"\"a\" b", "1:5: nothing can follow the closing quote"},
      {"a: 1\na", R"(2:1: key "a" appears twice: first at line 1, column 1)"},
      {"a: 1\nb", "2:1: there is no ':' after this key"},
      {"? a", "1:3: there is no ':' after this key"},
      {"\"", "1:1: this quote is never closed"},
      {"'", "1:1: this quote is never closed"},
      {"- \"", "1:3: this quote is never closed"},
      {"a: '", "1:4: this quote is never closed"},
      {"k: \"\n", "1:4: this quote is never closed"},
      {"k: &a \"  \n\n", "1:7: this quote is never closed"},
      {"x: it's\na: \"b\nc: d", "2:4: this quote is never closed"},
      {"x: # \"\na: 'b", "2:4: this quote is never closed"},
      {"'it''s", "1:1: this quote is never closed"},
      // Duplicates, keys, cycles.
      {"a: 1\nb: 2\n\"a\": 3", R"(3:1: key "a" appears twice: first at line 1, column 1)"},
      {"é: {é: 1, é: 2}", R"(1:11: key "é" appears twice: first at line 1, column 5)"},
      {"1: a\n\"1\": b", R"(2:1: key "1" appears twice)"},
      {"<<: {a: 1}\n<<: {b: 1}", R"(2:1: key "<<" appears twice)"},
      {"{\"a\":1,\"a\":2}", R"(1:8: key "a" appears twice)"},
      {"[a]: b", "1:1: a key must be text"},
      {"{a: 1}: b", "1:1: a key must be text"},
      {"? {a: 1}\n: b", "1:3: a key must be text"},
      {"a: &x b\n*x : y", "2:1: an alias can't be a key"},
      {": x", "1:1: a key is missing before ':'"},
      {"null: x", "1:1: a key can't be null: quote it"},
      {"~: x", "1:1: a key can't be null: quote it"},
      {"&x [*x]", "1:5: this alias stands within what it names"},
      {"k: &x {y: *x}", "1:11: this alias stands within what it names"},
      {"<<: &x {y: {<<: *x}}", "1:17: this alias stands within what it names"},
      {"b: *x", "1:4: there is no anchor of this name"},
      {"a: &x 1\n---\nb: *x", "3:4: there is no anchor of this name"},
      {"<<: 1", R"(1:1: "<<" takes a mapping)"},
      {"<<: [1]", R"(1:1: "<<" takes a mapping)"},
      // Indentation, brackets, characters.
      {"a:\n\t- b", "2:1: a tab can't indent"},
      {"a:\n\tb: 1", "2:1: a tab can't indent"},
      {"a:\n  b: 1\n c: 2", "3:2: this does not fit the mapping above it"},
      {"a:\n  - b\n - c", "3:2: this does not fit the mapping above it"},
      {"a: 1\n  b: 2", "2:4: a ':' can't stand here"},
      {"a: b: c", "1:5: a ':' can't stand here"},
      {"a: [1, 2", "1:4: this '[' is never closed"},
      {"a: [\n  b,\n  c: d\n", "1:4: this '[' is never closed"},
      {"a: {b: 1", "1:4: this '{' is never closed"},
      {"a: {b: 1\nc: 2\n", "2:2: a ',' or '}' is missing"},
      {"a: }", "1:4: this bracket closes nothing"},
      {"key: [a, b]]", "1:12: this bracket closes nothing"},
      {"a: 'x' y", "1:8: nothing can follow the closing quote"},
      {"a: \"x\"y", "1:7: nothing can follow the closing quote"},
      {"a: @b", "1:4: text can't begin with this character"},
      {"a: `b`", "1:4: text can't begin with this character"},
      {"a: %b", "1:4: text can't begin with this character"},
      {"a: *", "1:5: after '*' comes the name"},
      {"a: \"b\\q\"", "1:8: double quotes don't know this escape"},
      {"a: \"\\xZZ\"", "1:9: an escape such as"},
      {"a: \"\\ud800\"", "1:11: this escape names no Unicode character"},
      {"\"a\n---\nb\"", "2:1: a line \"---\""},
      {"a: |x\n  b", "1:5: after '|' or '>'"},
      {"a: !foo b", "1:4: the tag \"!foo\" isn't understood"},
      {"a: !!binary aGk=", "1:4: the tag"},
      {"a: !foo {b: 1}", "1:4: the tag \"!foo\" isn't understood"},
      {"a: !!int x", "1:4: \"x\" isn't of the type"},
      {"a: 1e400", "1:4: \"1e400\" is a number that can't be held"},
      {"a: .inf", "1:4: \".inf\" is a number that can't be held"},
      {"a: [.NaN]", "1:5: \".NaN\" is a number that can't be held"},
      {"a: 0xFFFFFFFFFFFFFFFFFF", "1:4: \"0xFFFFFFFFFFFFFFFFFF\" is a number that can't be held"},
      {"a: \x01", "1:4: control character 0x01"},
      {"a: \x7f", "1:4: control character 0x7f"},
      {"é: \xc2\x80", "1:4: control character 0x80"},
      {std::string("a\0b", 3), "1:2: control character 0x00"},
      {"a: 1\rb: 2", "1:5: a carriage return without a line feed"},
      {"a: \xff", "1:4: this byte is no UTF-8"},
      {"a: \xc0\xaf", "1:4: this byte is no UTF-8"},
      {"a: \xed\xa0\x80", "1:4: this byte is no UTF-8"},
      {"a: \xf4\x90\x80\x80", "1:4: this byte is no UTF-8"},
      {"a: \xe2\x82", "1:4: this byte is no UTF-8"},
      {"\xff\xfe"
       "a",
       "1:1: this byte is no UTF-8"},
      {"%YAML 9.0\n---\na: 1", "1:"},
      // All or nothing: the second document is broken.
      {"a: 1\n---\nb: [", "3:4: this '[' is never closed"},
  };
  for (const Row& row : rows) {
    const auto documents = ParseYaml(row.text);
    ASSERT_FALSE(documents.ok()) << row.text << " -> " << Read(row.text);
    EXPECT_EQ(documents.error().code, Code::kInvalid);
    EXPECT_EQ(documents.error().causes.size(), 1U);
    const std::string said = documents.error().ToString();
    EXPECT_TRUE(said.starts_with(row.result))
        << row.text << "\n  said " << said << "\n  want " << row.result;
  }
}

TEST(YamlReader, PutsAPositionOnEveryValueAndKey) {
  const Value v = ParseYaml("# c\nspec:\n  items:\n  - name: é\n    n: [1, 'x']\n")->front();
  const auto expect = [](Position p, uint32_t line, uint32_t column) {
    EXPECT_EQ(p.line, line);
    EXPECT_EQ(p.column, column);
  };
  expect(v.position, 2, 1);
  expect(v.as_object()[0].position, 2, 1);
  expect(v.At("spec")->position, 3, 3);
  const Value& items = *v.At("spec.items");
  expect(items.position, 4, 3);
  expect(items.as_array()[0].position, 4, 5);
  expect(items.as_array()[0].as_object()[1].position, 5, 5);
  expect(items.as_array()[0].Find("n")->position, 5, 8);
  expect(items.as_array()[0].Find("n")->as_array()[1].position, 5, 12);
}

std::string Repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(YamlReader, KeepsToItsBudgets) {
  const Expected<std::vector<Value>> large = ParseYaml(std::string((1 << 20) + 1, 'a'));
  ASSERT_FALSE(large.ok());
  EXPECT_EQ(large.error().code, Code::kTooLarge);
  const std::pair<std::string, const char*> deep[] = {
      {Repeat("[", 100'000), "1:"},
      {Repeat("- ", 100'000), "1:129: nested deeper than 64 levels"},
      {Repeat("{a: ", 100'000), "1:"},
      {Repeat("? ", 100'000), "1:3: a key must be text"},
      {Repeat("[", 65) + Repeat("]", 65), "1:65: nested deeper than 64 levels"}};
  for (const auto& [text, says] : deep)
    EXPECT_EQ(Read(text).substr(0, std::string(says).size()), says);
  EXPECT_EQ(Read(Repeat("[", 64) + Repeat("]", 64)), Repeat("[", 64) + Repeat("]", 64));
  EXPECT_NE(Read("[" + Repeat("1,", 100'001) + "1]").find("more than 100000 values"),
            std::string::npos);
}

TEST(YamlReader, BoundsWhatAliasesMake) {
  std::string bomb = "a0: &a0 [x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string n = std::to_string(i);
    bomb += "a" + n + ": &a" + n + " [" + Repeat("*a" + std::to_string(i - 1) + ",", 9) + "]\n";
  }
  EXPECT_NE(Read(bomb).find("aliases expand to more than 10000 values"), std::string::npos);
  std::string large = "a: &a " + std::string(100'000, 'x') + "\nb: [" + Repeat("*a,", 1000) + "]";
  EXPECT_NE(Read(large).find("aliases expand to more than 10000 values"), std::string::npos);
  std::string tower = "a: &a0 " + Repeat("[", 60) + "x" + Repeat("]", 60) + "\nb: &a1 " +
                      Repeat("[", 40) + "*a0" + Repeat("]", 40);
  EXPECT_EQ(Read(tower), "2:48: nested deeper than 64 levels");
  std::string nested;
  for (int i = 0; i < 60; ++i) nested += "[&a" + std::to_string(i) + " ";
  nested += "[" + Repeat("1,", 5000) + "]" + Repeat("]", 60);
  EXPECT_NE(Read(nested).find("anchors name more than 100000 values"), std::string::npos);
}

TEST(YamlReader, ManyKeysAreNoMoreThanLinearWork) {
  std::string text;
  for (int i = 0; i < 30'000; ++i) text += "k" + std::to_string(i) + ":\n";
  const auto documents = ParseYaml(text);
  ASSERT_TRUE(documents.ok()) << documents.error().ToString();
  EXPECT_EQ(documents->front().as_object().size(), 30'000U);
  EXPECT_NE(
      Read(text + "k17777:\n").find("30001:1: key \"k17777\" appears twice: first at line 17778"),
      std::string::npos);
  Value copy = documents->front();
  std::reverse(copy.as_object().begin(), copy.as_object().end());
  EXPECT_TRUE(copy == documents->front());
  MergePatch(copy, documents->front());
  EXPECT_EQ(copy.as_object().size(), 0U);  // all were null
}

}  // namespace
}  // namespace zoe::codec
