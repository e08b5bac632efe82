// The scale subresource of executions: autoscaling/v1 Scale, for `kubectl scale` and autoscalers.
#include <algorithm>

#include "apis/server/api.h"
#include "apis/server/documents.h"
#include "apis/server/json_patch.h"
#include "apis/server/status.h"
#include "specs/v1/execution.h"

namespace zoe::server {
namespace {

using codec::Value;

// Names the service that is scaled, where several could be.
constexpr std::string_view kScaledService = "zoe/scale";

Error Unscalable(const v1::Execution& execution, const std::vector<v1::Service>& services) {
  std::string names;
  for (const v1::Service& service : services) names += (names.empty() ? "" : ", ") + service.name;
  return MakeError(Code::kBadRequest,
                   "execution \"" + execution.meta.name + "\" has " +
                       std::to_string(services.size()) + " services (" + names +
                       ") and not exactly one of them is elastic (replicas.total above "
                       "replicas.essential): name "
                       "the one to scale in the annotation " +
                       std::string(kScaledService) +
                       ", or set spec.application.services[].replicas.total itself");
}

// The service that is scaled: the one that the annotation names, the only one, or the only elastic
// one.
Expected<size_t> ScaledService(const v1::Execution& execution) {
  static const std::vector<v1::Service> none;
  const std::vector<v1::Service>& services =
      execution.spec.application ? execution.spec.application->services : none;
  const auto named = execution.meta.annotations.find(std::string(kScaledService));
  std::vector<size_t> fitting;
  for (size_t i = 0; i < services.size(); ++i) {
    const bool fits =
        named != execution.meta.annotations.end()
            ? services[i].name == named->second
            : services.size() == 1 || services[i].replicas.total > services[i].essential();
    if (fits) fitting.push_back(i);
  }
  if (fitting.size() != 1) return Unscalable(execution, services);
  return fitting.front();
}

Expected<std::shared_ptr<const v1::Execution>> ExecutionOf(const v1::Kind& kind,
                                                           const std::string& json) {
  ZOE_ASSIGN(const std::shared_ptr<ObjectBase> object, v1::DecodeStored(kind, json));
  return std::static_pointer_cast<const v1::Execution>(object);
}

Value MakeScale(const Value& document, const v1::Execution& execution, size_t index) {
  const v1::Service& service = execution.spec.application->services[index];
  Value metadata, spec, status, scale;
  for (const char* field : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    const std::string value = document.StringAt(std::string("metadata.") + field);
    if (!value.empty()) metadata.Set(field, value);
  }
  spec.Set("replicas", int64_t{service.replicas.total});
  int64_t running = 0;
  for (const v1::ServiceStatus& seen : execution.status.services) {
    if (seen.name == service.name) running = seen.running;
  }
  status.Set("replicas", running);
  status.Set("selector",
             "zoe.kind=Execution,zoe.name=" + execution.meta.name + ",zoe.service=" + service.name);
  scale.Set("kind", "Scale");
  scale.Set("apiVersion", "autoscaling/v1");
  scale.Set("metadata", std::move(metadata));
  scale.Set("spec", std::move(spec));
  scale.Set("status", std::move(status));
  return scale;
}

Error InvalidScale(const std::string& name, Cause cause) {
  Error error = MakeError(Code::kInvalid, "Scale.autoscaling \"" + name + "\" is invalid");
  error.causes = {std::move(cause)};
  return error;
}

// An absent count is none at all: a Scale without one can't be told from one that says zero.
Expected<int64_t> ReplicasOf(const Value& scale, const std::string& name) {
  const Value* replicas = scale.At("spec.replicas");
  if (replicas == nullptr || replicas->is_null()) return 0;
  if (replicas->kind() != Value::Kind::kInt)
    return InvalidScale(name, {"spec.replicas", "FieldValueTypeInvalid", "must be a whole number"});
  if (replicas->as_int() < 0)
    return InvalidScale(
        name, {"spec.replicas", "FieldValueInvalid",
               std::to_string(replicas->as_int()) + ": must be greater than or equal to 0"});
  return replicas->as_int();
}

// Makes a Scale's wish the document's; what it says of identity and revision is checked as a PUT's
// is.
Expected<void> TakeScale(const v1::Execution& execution, size_t index, const Value& scale,
                         Value& document) {
  if (!scale.is_object()) return MakeError(Code::kBadRequest, "the body is a Scale object");
  ZOE_ASSIGN(const int64_t replicas, ReplicasOf(scale, execution.meta.name));
  const v1::Service& service = execution.spec.application->services[index];
  Value* metadata = document.Find("metadata");
  for (const char* field : {"name", "namespace", "uid", "resourceVersion"}) {
    const std::string value = scale.StringAt(std::string("metadata.") + field);
    if (!value.empty()) metadata->Set(field, value);
  }
  if (replicas == service.replicas.total) return {};
  Value& changed = document.Find("spec")->Find("application")->Find("services")->as_array()[index];
  Value counts;
  counts.Set("total", replicas);
  counts.Set("essential", std::min<int64_t>(service.essential(), replicas));
  changed.Set("replicas", std::move(counts));
  if (execution.spec.application->services.size() == 1) return {};
  // With all of its replicas essential it could not be found again.
  Value* annotations = metadata->Find("annotations");
  if (annotations == nullptr) annotations = &metadata->Set("annotations", codec::Object{});
  annotations->Set(kScaledService, service.name);
  return {};
}

Expected<Response> AnswerScale(const v1::Kind& kind, const std::string& json, Response response) {
  ZOE_ASSIGN(const auto execution, ExecutionOf(kind, json));
  ZOE_ASSIGN(const size_t index, ScaledService(*execution));
  ZOE_ASSIGN(const Value document,
             codec::ParseJson(json, {.bytes = json.size() + 1, .nodes = json.size() + 1}));
  response.body = nullptr;
  response.prefix = codec::ToJson(MakeScale(document, *execution, index)) + "\n";
  return response;
}

}  // namespace

void Api::Scale(const ExchangePtr& exchange) {
  const Route& route = exchange->route;
  if (exchange->request.method == Method::kPut || exchange->request.method == Method::kPatch) {
    return RunBlocking(exchange, [this, exchange] {
      auto response = WriteScale(*exchange);
      return response.ok() ? std::move(response).value()
                           : ErrorResponse(response.error(), &exchange->route);
    });
  }
  const EntryPtr entry = deps_.cache.Get(route.key());
  auto response =
      entry ? AnswerScale(*route.kind, entry->json, {}) : Expected<Response>(NotFound(route.key()));
  Reply(exchange,
        response.ok() ? std::move(response).value() : ErrorResponse(response.error(), &route));
}

Expected<Response> Api::WriteScale(const Exchange& exchange) {
  const Route& route = exchange.route;
  const bool put = exchange.request.method == Method::kPut;
  const std::string_view media = MediaType(exchange.request.content_type);
  const bool merge = media == "application/merge-patch+json";
  if (!put && !merge && media != "application/json-patch+json") {
    return StatusResponse(415, "UnsupportedMediaType",
                          "the body of the request was in an unknown format - accepted media types "
                          "include: application/json-patch+json, application/merge-patch+json");
  }
  ZOE_ASSIGN(WriteOptions options, ParseWriteOptions(exchange.query));
  ZOE_ASSIGN(options.field_manager, ManagerOf(exchange));
  options.subresource = route.subresource;
  ZOE_ASSIGN(const Value body,
             ParseBody(exchange.request.body, put ? SyntaxOf(media) : Syntax::kEither));
  const Transform transform = [&](Value& document) -> Expected<void> {
    ZOE_ASSIGN(const auto execution, ExecutionOf(*route.kind, codec::ToJson(document)));
    ZOE_ASSIGN(const size_t index, ScaledService(*execution));
    Value scale = body;
    if (!put) {
      scale = MakeScale(document, *execution, index);
      if (merge) {
        codec::MergePatch(scale, body);
      } else {
        ZOE_TRY(ApplyJsonPatch(scale, body));
      }
    }
    return TakeScale(*execution, index, scale, document);
  };
  ZOE_ASSIGN(const Written written, writer_.Patch(*route.kind, route.key(), Part::kObject,
                                                  transform, options, exchange.user.caller()));
  return AnswerScale(*route.kind, *written.json, WrittenResponse(written));
}

}  // namespace zoe::server
