#include "test/fuzz/decode_check.h"

#include <algorithm>

#include "specs/codec/value.h"

namespace zoe::fuzz {
namespace {

using codec::Budget;
using codec::Value;

std::string CheckError(std::string_view text, const Error& error) {
  if (error.message.empty()) return "an error without a message";
  if (error.code == Code::kTooLarge) return {};
  if (error.code != Code::kInvalid)
    return "an error of the code " + std::string(CodeName(error.code));
  if (error.causes.size() != 1) return "a syntax error without a cause";
  const auto lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  const Cause& cause = error.causes.front();
  if (cause.line == 0 || cause.column == 0 || cause.line > lines ||
      cause.column > text.size() + 1) {
    return "a place outside of the text: " + error.ToString();
  }
  return {};
}

std::string CheckRoundTrip(const Value& value) {
  // Written text may be longer than what was read: escapes, and a line per value.
  const Budget budget{.bytes = 1 << 28, .depth = 64, .nodes = 10'000'000, .alias_nodes = 0};
  const std::string json = ToJson(value);
  const Expected<Value> from_json = codec::ParseJson(json, budget);
  if (!from_json.ok())
    return "written JSON can't be read: " + from_json.error().ToString() + "\n" + json;
  if (!(*from_json == value)) return "JSON does not survive: " + json;
  if (value.is_null()) return {};  // As a YAML document it counts as empty.
  const std::string yaml = ToYaml(value);
  const Expected<std::vector<Value>> from_yaml = codec::ParseYaml(yaml, budget);
  if (!from_yaml.ok())
    return "written YAML can't be read: " + from_yaml.error().ToString() + "\n" + yaml;
  if (from_yaml->size() != 1 || !(from_yaml->front() == value))
    return "YAML does not survive: " + yaml;
  return {};
}

}  // namespace

std::string CheckYaml(std::string_view text) {
  const Expected<std::vector<Value>> documents = codec::ParseYaml(text);
  if (!documents.ok()) return CheckError(text, documents.error());
  for (const Value& document : *documents) {
    std::string problem = CheckRoundTrip(document);
    if (!problem.empty()) return problem;
  }
  return {};
}

std::string CheckJson(std::string_view text) {
  const Expected<Value> value = codec::ParseJson(text);
  return value.ok() ? CheckRoundTrip(*value) : CheckError(text, value.error());
}

}  // namespace zoe::fuzz
