#include "apis/server/documents.h"

namespace zoe::server {
namespace {

using codec::Value;

Expected<Value> ParseOneYaml(const std::string& body) {
  ZOE_ASSIGN(std::vector<Value> documents, codec::ParseYaml(body));
  if (documents.size() != 1) {
    return MakeError(Code::kBadRequest,
                     "the body must hold one object, not " + std::to_string(documents.size()));
  }
  return std::move(documents.front());
}

// What is no JSON or YAML at all is a bad request; its causes say where.
Expected<Value> Unreadable(Expected<Value> parsed) {
  if (parsed.ok() || parsed.error().code != Code::kInvalid) return parsed;
  Error error = parsed.error();
  error.code = Code::kBadRequest;
  if (!error.causes.empty()) error.message = error.ToString();
  return error;
}

// Clients bound the headers of an answer, some at a hundred, some at 16 KiB.
constexpr size_t kMaxWarnings = 64, kMaxWarningBytes = 8 * 1024;
constexpr size_t kLastWarning = 64;  // bytes that tell how many are left out

std::string WarningOf(const std::string& text) {
  std::string warning = "299 - ";
  codec::AppendJsonString(warning, text);  // RFC 9110's quoted string, no control characters
  return warning;
}

}  // namespace

std::string_view MediaType(std::string_view content_type) {
  std::string_view media = content_type.substr(0, content_type.find(';'));
  while (media.ends_with(' ')) media.remove_suffix(1);
  return media;
}

Syntax SyntaxOf(std::string_view media) {
  if (media == "application/json" || media.ends_with("+json")) return Syntax::kJson;
  if (media == "application/yaml" || media == "application/x-yaml" || media == "text/yaml" ||
      media == "text/x-yaml" || media.ends_with("+yaml")) {
    return Syntax::kYaml;
  }
  return media.ends_with("protobuf") || media.ends_with("cbor") ? Syntax::kUnsupported
                                                                : Syntax::kEither;
}

Expected<Value> ParseBody(const std::string& body, Syntax syntax) {
  if (syntax == Syntax::kYaml) return Unreadable(ParseOneYaml(body));
  auto json = codec::ParseJson(body);
  if (json.ok() || syntax == Syntax::kJson) return Unreadable(std::move(json));
  return Unreadable(ParseOneYaml(body));
}

Response WrittenResponse(const Written& written) {
  Response response{.status = written.created ? 201 : 200, .body = written.json};
  size_t bytes = 0, left_out = 0;
  for (const std::string& warning : written.warnings) {
    std::string text = WarningOf(warning);
    const bool fits = response.headers.size() < kMaxWarnings - 1 &&
                      bytes + text.size() <= kMaxWarningBytes - kLastWarning;
    left_out += fits ? 0 : 1;
    if (!fits) continue;
    bytes += text.size();
    response.headers.emplace_back("Warning", std::move(text));
  }
  if (left_out > 0)
    response.headers.emplace_back(
        "Warning", WarningOf(std::to_string(left_out) + " more warnings are left out"));
  return response;
}

}  // namespace zoe::server
