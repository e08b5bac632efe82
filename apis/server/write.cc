#include "apis/server/api.h"
#include "apis/server/json_patch.h"
#include "apis/server/status.h"
#include "specs/codec/value.h"

namespace zoe::server {
namespace {

using codec::Value;

enum class Syntax { kJson, kYaml, kEither, kUnsupported };

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

Expected<Value> ParseBody(const std::string& body, Syntax syntax) {
  if (syntax == Syntax::kYaml) return Unreadable(ParseOneYaml(body));
  auto json = codec::ParseJson(body);
  if (json.ok() || syntax == Syntax::kJson) return Unreadable(std::move(json));
  return Unreadable(ParseOneYaml(body));
}

struct DeleteOptions {
  Preconditions preconditions;
  bool dry_run = false;
};

// DeleteOptions come in the body, in the query, or not at all.
Expected<DeleteOptions> ParseDeleteOptions(const Exchange& exchange) {
  DeleteOptions options;
  ZOE_ASSIGN(const WriteOptions query, ParseWriteOptions(exchange.query));
  options.dry_run = query.dry_run;
  if (exchange.request.body.find_first_not_of(" \t\r\n") == std::string::npos) return options;
  ZOE_ASSIGN(const Value body, ParseBody(exchange.request.body, Syntax::kEither));
  if (body.is_null()) return options;
  if (!body.is_object())
    return MakeError(Code::kBadRequest, "the body of a DELETE is a DeleteOptions object, or empty");
  const std::string kind = body.StringAt("kind");
  if (!kind.empty() && kind != "DeleteOptions")
    return MakeError(Code::kBadRequest,
                     "the body of a DELETE is a DeleteOptions object, not " + kind);
  options.preconditions.uid = body.StringAt("preconditions.uid");
  const std::string revision = body.StringAt("preconditions.resourceVersion");
  if (!revision.empty()) {
    ZOE_ASSIGN(const Query number, Query::Parse("resourceVersion=" + revision));
    ZOE_ASSIGN(options.preconditions.revision, number.Int("resourceVersion", 0));
  }
  if (const Value* dry_run = body.Find("dryRun"); dry_run != nullptr && !dry_run->is_null()) {
    if (!dry_run->is_array() || dry_run->as_array().size() > 1 ||
        (dry_run->as_array().size() == 1 && !(dry_run->as_array()[0] == Value("All")))) {
      return MakeError(Code::kBadRequest, "dryRun is [All], or empty");
    }
    options.dry_run = options.dry_run || !dry_run->as_array().empty();
  }
  return options;
}

Response Answer(const Written& written) {
  Response response{.status = written.created ? 201 : 200, .body = written.json};
  for (const std::string& warning : written.warnings) {
    std::string text;
    codec::AppendJsonString(text,
                            warning);  // a quoted string of RFC 9110 without control characters
    response.headers.emplace_back("Warning", "299 - " + text);
  }
  return response;
}

Response UnsupportedPatch(std::string_view media) {
  return StatusResponse(
      415, "UnsupportedMediaType",
      "the body of the request was in an unknown format: \"" + std::string(media) +
          "\"; a PATCH is application/merge-patch+json or application/json-patch+json");
}

// One write request, on the pool.
class WriteRequest {
 public:
  WriteRequest(Writer& writer, const Auth& auth, const Exchange& exchange)
      : writer_(writer), auth_(auth), exchange_(exchange), route_(exchange.route) {}

  const Route& route() const { return route_; }

  Response Run() {
    auto response = exchange_.request.method == Method::kDelete  ? Delete()
                    : exchange_.request.method == Method::kPatch ? Patch()
                                                                 : Put();
    return response.ok() ? std::move(response).value() : ErrorResponse(response.error(), &route_);
  }

 private:
  Part part() const { return route_.subresource == "status" ? Part::kStatus : Part::kObject; }

  Expected<WriteOptions> Options() const {
    ZOE_ASSIGN(WriteOptions options, ParseWriteOptions(exchange_.query));
    options.may_set_password = !auth_.enabled() || ProvesPassword(exchange_.user);
    return options;
  }

  // POST and PUT.
  Expected<Response> Put() {
    const std::string_view media = MediaType(exchange_.request.content_type);
    const Syntax syntax = SyntaxOf(media);
    if (syntax == Syntax::kUnsupported) {
      return StatusResponse(415, "UnsupportedMediaType",
                            "the body must be JSON or YAML, not \"" + std::string(media) + "\"");
    }
    ZOE_ASSIGN(const WriteOptions options, Options());
    ZOE_ASSIGN(Value document, ParseBody(exchange_.request.body, syntax));
    if (route_.kind->namespaced && route_.ns.empty()) {  // a POST to the path of all namespaces
      route_.ns = document.StringAt("metadata.namespace");
      if (route_.ns.empty()) route_.ns = auth_.HomeOf(exchange_.user);
      ZOE_TRY(auth_.Authorize(exchange_.user, "create", route_, exchange_.request));
    }
    const Key place = route_.key();
    if (route_.name.empty()) route_.name = document.StringAt("metadata.name");
    auto written = exchange_.request.method == Method::kPost
                       ? writer_.Create(*route_.kind, place, std::move(document), options,
                                        exchange_.user.caller())
                       : writer_.Replace(*route_.kind, place, part(), std::move(document), options,
                                         exchange_.user.caller());
    if (!written.ok()) return written.error();
    route_.name = written->name;
    return Answer(*written);
  }

  Expected<Response> Patch() {
    const std::string_view media = MediaType(exchange_.request.content_type);
    const bool merge = media == "application/merge-patch+json";
    if (!merge && media != "application/json-patch+json") return UnsupportedPatch(media);
    ZOE_ASSIGN(const WriteOptions options, Options());
    // A merge patch may be written in YAML, as any body.
    ZOE_ASSIGN(const Value patch, ParseBody(exchange_.request.body, Syntax::kEither));
    if (merge && !patch.is_object())
      return MakeError(Code::kBadRequest, "a merge patch is an object");
    const Transform transform = [&](Value& document) -> Expected<void> {
      if (!merge) return ApplyJsonPatch(document, patch);
      codec::MergePatch(document, patch);
      return {};
    };
    auto written = writer_.Patch(*route_.kind, route_.key(), part(), transform, options,
                                 exchange_.user.caller());
    if (!written.ok()) return written.error();
    return Answer(*written);
  }

  Expected<Response> Delete() {
    ZOE_ASSIGN(const DeleteOptions options, ParseDeleteOptions(exchange_));
    ZOE_ASSIGN(const Written written,
               writer_.Delete(*route_.kind, route_.key(), options.preconditions, options.dry_run));
    if (written.removed) return DeletedResponse(route_, written.uid);
    return Answer(written);
  }

  Writer& writer_;
  const Auth& auth_;
  const Exchange& exchange_;
  Route route_;  // with the name and namespace that a POST has in its body
};

}  // namespace

void Api::Write(const ExchangePtr& exchange) {
  RunBlocking(exchange, [this, exchange] {
    if (exchange->request.method == Method::kDelete && exchange->route.name.empty()) {
      auto deleted = DeleteCollection(*exchange);
      return deleted.ok() ? std::move(deleted).value()
                          : ErrorResponse(deleted.error(), &exchange->route);
    }
    WriteRequest request(writer_, auth_, *exchange);
    Response response = request.Run();
    exchange->route = request.route();
    return response;
  });
}

Expected<Response> Api::DeleteCollection(const Exchange& exchange) {
  const Route& route = exchange.route;
  ZOE_ASSIGN(const ListOptions list, ParseListOptions(exchange.query, *route.kind, route.ns));
  ZOE_ASSIGN(const DeleteOptions options, ParseDeleteOptions(exchange));
  for (const EntryPtr& entry : deps_.cache.List(route.kind->name, route.ns).entries) {
    if (!list.selection.Matches(*entry)) continue;
    // By one name it would be forbidden.
    if (auth_.enabled() && entry->key == Key{"User", "", exchange.user.name}) continue;
    // Bound to what was selected: an object of the same name that was made meanwhile stays.
    const auto deleted =
        writer_.Delete(*route.kind, entry->key, {.uid = entry->object->meta.uid}, options.dry_run);
    if (deleted.ok() || deleted.error().code == Code::kNotFound ||
        deleted.error().code == Code::kConflict)
      continue;
    return deleted.error();
  }
  return DeletedResponse(route, "");
}

}  // namespace zoe::server
