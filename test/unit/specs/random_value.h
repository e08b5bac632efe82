// Random trees with nasty text, the same for the same seed.
#pragma once

#include <random>
#include <string>

#include "specs/codec/value.h"

namespace zoe::codec {

// Strings that YAML readers are known to mistake.
inline const std::vector<std::string>& NastyStrings() {
  static const std::vector<std::string> strings = {
      "",
      " ",
      "  a",
      "a ",
      "a\n",
      "a\nb",
      "a\nb\n",
      "a\nb\n\n",
      "\na",
      "\n",
      "\n\n",
      "a\n\nb",
      "a\n  b\nc",
      "a\n\tb",
      "\ta\nb",
      " a\nb",
      "a \nb",
      "a\n ",
      "a\n \nb",
      "\t",
      "a\tb",
      "a\rb",
      "a\r\nb",
      "yes",
      "no",
      "on",
      "off",
      "y",
      "n",
      "Y",
      "NO",
      "true",
      "True",
      "TRUE",
      "false",
      "null",
      "Null",
      "NULL",
      "~",
      "012",
      "0o12",
      "0x1F",
      "0b11",
      "1_000",
      "1e3",
      "1E3",
      "1.5",
      ".5",
      "5.",
      "-1",
      "+1",
      "-",
      "--",
      "---",
      "--- a",
      "-a",
      "- a",
      "--flag",
      "...",
      "....",
      ".inf",
      "-.inf",
      ".nan",
      ".NaN",
      "2026-01-31",
      "2026-01-31T12:00:00Z",
      "2026-01-31 12:00:00",
      "12:30:45",
      "190:20:30",
      "1.2.3",
      "10.0.0.1",
      "500m",
      "512Mi",
      "<<",
      "=",
      "<",
      "a: b",
      "a:b",
      "a:",
      ":a",
      ":",
      "::",
      "a #b",
      "a#b",
      "#a",
      "?",
      "? a",
      "?a",
      ",",
      "a,b",
      "a, b",
      "[",
      "]",
      "[a]",
      "a]",
      "{",
      "}",
      "{{x}}",
      "{a: b}",
      "a}",
      "&a",
      "*a",
      "!a",
      "!!str a",
      "|",
      ">",
      "|-",
      "%a",
      "@a",
      "`a`",
      "'",
      "''",
      "'a'",
      "a'b",
      "\"",
      "\"a\"",
      "a\"b",
      "\\",
      "a\\b",
      "\\n",
      "C:\\dir",
      "#!/bin/sh\nset -e\necho \"a: b\" # c\n",
      "é",
      "日本語",
      "😀",
      "\u00a0",
      "\u0085",
      "\u2028",
      "\u2029",
      "\ufeff",
      "\ufffd",
      "\uffff",
      "a\u2028b\nc",
      std::string("\0", 1),
      std::string("a\0b", 3),
      "\x01",
      "\x1b[0m",
      "\x7f",
      "key: |\n  a\n",
      "- a\n- b\n",
      "a\n---\nb",
      "a\n...\n",
      "a\n# c\n",
      "# c\na",
      "%YAML 1.2\n---\n",
      "a\n\n\n  b\n\n c",
      std::string(600, 'k'),
      std::string(2000, 'x') + ": " + std::string(2000, 'y'),
      "a" + std::string(300, '\n') + "b"};
  return strings;
}

class RandomValue {
 public:
  explicit RandomValue(uint64_t seed) : random_(seed) {}

  size_t Below(size_t n) { return n == 0 ? 0 : random_() % n; }

  std::string Text() {
    if (Below(3) != 0) return NastyStrings()[Below(NastyStrings().size())];
    static constexpr std::string_view kPieces[] = {
        "a", "Z", "0", " ", "\n", "\n  ", "\t", ":", ": ", "#", " #", "- ", "'",    "\"", "\\",
        "[", "}", ",", "&", "*",  "!",    "|",  ">", "%",  "é", "😀",  "\r", "\x02", "~",  "<<"};
    std::string out;
    for (size_t i = Below(12); i > 0; --i) out += kPieces[Below(std::size(kPieces))];
    return out;
  }

  Value Make(int depth) {
    switch (Below(depth > 0 ? 8 : 5)) {
      case 0:
        return Value();
      case 1:
        return Value(Below(2) == 0);
      case 2:
        return Value(static_cast<int64_t>(random_()) >> Below(64));
      case 3:
        return Number();
      case 4:
        return Value(Text());
      case 5: {
        Array items(Below(5));
        for (Value& item : items) item = Make(depth - 1);
        return items;
      }
      default: {
        Value object{Object()};
        for (size_t i = Below(6); i > 0; --i) object.Set(Text(), Make(depth - 1));
        return object;
      }
    }
  }

 private:
  Value Number() {
    const double scale[] = {1, 1e-3, 1e-12, 1e20, 1e280, 1e-300, 0};
    return Value(static_cast<double>(static_cast<int64_t>(random_())) *
                 scale[Below(std::size(scale))]);
  }
  std::mt19937_64 random_;
};

}  // namespace zoe::codec
