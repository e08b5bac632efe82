// OpenAPI of both versions. Documents are made when they are asked for first, and kept.
#include <map>

#include "apis/server/api.h"
#include "apis/server/discovery.h"
#include "apis/server/openapi_document.h"
#include "apis/server/openapi_proto.h"
#include "apis/server/status.h"
#include "specs/codec/value.h"

namespace zoe::server {
namespace {

using codec::Value;

// What clients ask for in its three spellings. "@" is none of a media type's characters, and they
// parse the one of the answer.
constexpr std::string_view kProto = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
constexpr std::string_view kProtoSpellings[] = {
    kProto, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
    "application/com.github.googleapis.gnostic.OpenAPIv2@68f4ded+protobuf"};

const Document& Json2() {
  static const Document document = MakeDocument(codec::ToJson(OpenApi2Document()) + "\n");
  return document;
}

const Document& Proto2() {
  static const Document document = MakeDocument(EncodeOpenApi2(OpenApi2Document()));
  return document;
}

// By path: "apis/zoe/v1".
const std::map<std::string, Document, std::less<>>& All3() {
  static const auto documents = [] {
    std::map<std::string, Document, std::less<>> all;
    for (const ServedGroup& group : ServedGroups()) {
      for (const std::string_view version : group.versions) {
        std::string path = GroupPath(group.name, version);
        const Value document = OpenApi3Document(path);
        if (!document.is_null())
          all.emplace(std::move(path), MakeDocument(codec::ToJson(document) + "\n"));
      }
    }
    return all;
  }();
  return documents;
}

std::string_view HashOf(const Document& document) {
  return std::string_view(document.tag).substr(1, document.tag.size() - 2);
}

std::string UrlOf(std::string_view path, const Document& document) {
  std::string url = "/openapi/v3/";
  return url.append(path).append("?hash=").append(HashOf(document));
}

const Document& Index3() {
  static const Document document = [] {
    Value paths = codec::Object{}, index;
    for (const auto& [path, of_path] : All3()) {
      Value item;
      item.Set("serverRelativeURL", UrlOf(path, of_path));
      paths.Set(path, std::move(item));
    }
    index.Set("paths", std::move(paths));
    return MakeDocument(codec::ToJson(index) + "\n");
  }();
  return document;
}

Response NotAcceptable(std::string_view what) {
  return StatusResponse(406, "NotAcceptable", "only " + std::string(what) + " can be written");
}

Response Version2(const Exchange& exchange) {
  const std::string_view accept = exchange.request.accept;
  const size_t json =
      std::min(AcceptPlace(accept, "application/json"), AcceptPlace(accept, "application/yaml"));
  for (const std::string_view media : kProtoSpellings) {
    // A wildcard means JSON, which people can read.
    if (accept.find(media) != std::string_view::npos && AcceptPlace(accept, media) < json)
      return DocumentResponse(exchange, Proto2(), kProto);
  }
  if (json == std::string_view::npos)
    return NotAcceptable("application/json and " + std::string(kProto));
  return DocumentResponse(exchange, Json2(), "application/json");
}

// A document's URL holds its hash, so it is good for ever; one with another hash leads to the right
// one.
Response Version3(const Exchange& exchange) {
  const std::string_view accept = exchange.request.accept;
  if (AcceptPlace(accept, "application/json") == std::string_view::npos &&
      AcceptPlace(accept, "application/yaml") == std::string_view::npos)
    return NotAcceptable("application/json");
  const std::string& path = exchange.route.rest;
  if (path.empty()) return DocumentResponse(exchange, Index3(), "application/json");
  const auto it = All3().find(path);
  if (it == All3().end())
    return ErrorResponse(
        MakeError(Code::kNotFound, "the server could not find the requested resource"));
  const std::string* hash = exchange.query.Find("hash");
  if (hash != nullptr && *hash != HashOf(it->second)) {
    Response moved{.status = 301, .content_type = {}};
    moved.headers.emplace_back("Location", UrlOf(path, it->second));
    return moved;
  }
  Response response = DocumentResponse(exchange, it->second, "application/json");
  if (hash != nullptr)
    response.headers.emplace_back("Cache-Control", "private, immutable, max-age=31536000");
  return response;
}

}  // namespace

Response Api::OpenApi(const Exchange& exchange) const {
  return exchange.route.endpoint == Endpoint::kOpenApi2 ? Version2(exchange) : Version3(exchange);
}

}  // namespace zoe::server
