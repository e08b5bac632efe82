#include <algorithm>

#include "apis/server/api.h"
#include "apis/server/documents.h"
#include "apis/server/json_patch.h"
#include "apis/server/status.h"
#include "specs/codec/value.h"

namespace zoe::server {
namespace {

using codec::Value;

// Kubernetes' words: clients tell them to their users.
Response UnsupportedPatch() {
  return StatusResponse(
      415, "UnsupportedMediaType",
      "the body of the request was in an unknown format - accepted media types include: "
      "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml");
}

constexpr size_t kMaxManager = 128;  // bytes; Kubernetes' bound

bool IsPrintable(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; }

}  // namespace

Expected<std::string> ManagerOf(const Exchange& exchange) {
  std::string manager(exchange.query.Get("fieldManager"));
  if (manager.size() > kMaxManager)
    return InvalidOption("PatchOptions", "fieldManager", "FieldValueTooLong",
                         "may not be more than 128 bytes");
  if (!std::all_of(manager.begin(), manager.end(), IsPrintable))
    return InvalidOption("PatchOptions", "fieldManager", "FieldValueInvalid",
                         "should only contain printable characters");
  if (!manager.empty()) return manager;
  const std::string& agent = exchange.request.user_agent;
  manager = agent.substr(0, std::min(agent.find('/'), kMaxManager));
  std::erase_if(manager, [](char c) { return !IsPrintable(c); });
  return manager.empty() ? "unknown" : manager;
}

namespace {

// One write request, on the pool.
class WriteRequest {
 public:
  WriteRequest(Writer& writer, const Auth& auth, const Exchange& exchange)
      : writer_(writer), auth_(auth), exchange_(exchange), route_(exchange.route) {}

  const Route& route() const { return route_; }

  Response Run() {
    auto response = exchange_.request.method == Method::kPatch ? Patch() : Put();
    return response.ok() ? std::move(response).value() : ErrorResponse(response.error(), &route_);
  }

 private:
  Part part() const { return route_.subresource == "status" ? Part::kStatus : Part::kObject; }

  Expected<WriteOptions> Options() const {
    ZOE_ASSIGN(WriteOptions options, ParseWriteOptions(exchange_.query));
    options.may_set_password = !auth_.enabled() || ProvesPassword(exchange_.user);
    ZOE_ASSIGN(options.field_manager, ManagerOf(exchange_));
    ZOE_ASSIGN(options.force, exchange_.query.Bool("force", false));
    options.subresource = route_.subresource;
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
    return WrittenResponse(*written);
  }

  Expected<Response> Patch() {
    const std::string_view media = MediaType(exchange_.request.content_type);
    if (media == "application/apply-patch+yaml") return Apply();
    const bool merge = media == "application/merge-patch+json";
    if (!merge && media != "application/json-patch+json") return UnsupportedPatch();
    ZOE_ASSIGN(const WriteOptions options, Options());
    if (exchange_.query.Find("force") != nullptr)
      return MakeError(Code::kBadRequest, "force may not be specified for non-apply patch");
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
    return WrittenResponse(*written);
  }

  Expected<Response> Apply() {
    if (exchange_.query.Get("fieldManager").empty())
      return MakeError(Code::kBadRequest,
                       "fieldManager: Required value: is required for apply patch");
    ZOE_ASSIGN(const WriteOptions options, Options());
    ZOE_ASSIGN(Value document, ParseBody(exchange_.request.body, Syntax::kEither));
    const auto may_create = [this] {
      return auth_.Authorize(exchange_.user, "create", route_, exchange_.request);
    };
    auto written = writer_.Apply(*route_.kind, route_.key(), part(), std::move(document), options,
                                 exchange_.user.caller(), may_create);
    if (!written.ok()) return written.error();
    return WrittenResponse(*written);
  }

  Writer& writer_;
  const Auth& auth_;
  const Exchange& exchange_;
  Route route_;  // with the name and namespace that a POST has in its body
};

}  // namespace

void Api::Write(const ExchangePtr& exchange) {
  RunBlocking(exchange, [this, exchange] {
    if (exchange->request.method == Method::kDelete) {
      auto deleted = Delete(*exchange);
      return deleted.ok() ? std::move(deleted).value()
                          : ErrorResponse(deleted.error(), &exchange->route);
    }
    WriteRequest request(writer_, auth_, *exchange);
    Response response = request.Run();
    exchange->route = request.route();
    return response;
  });
}

}  // namespace zoe::server
