#include "apis/server/status.h"

#include <boost/beast/http/status.hpp>

#include "specs/codec/value.h"

namespace zoe::server {
namespace {

using codec::Value;

// `executions.zoe "wordcount"`
std::string Quoted(const Key& key) {
  const v1::Kind* kind = v1::FindKind(key.kind);
  return std::string(kind == nullptr ? std::string_view(key.kind) : kind->plural) + ".zoe \"" +
         key.name + "\"";
}

// Too old, too many, away: worth another try. Seconds; 0: not.
int RetryAfter(Code code) {
  return code == Code::kUnavailable || code == Code::kTooManyRequests ? 1 : 0;
}

Value Details(const Route& route) {
  Value details;
  details.Set("name", route.name);
  if (route.endpoint == Endpoint::kResource) details.Set("group", "zoe");
  details.Set("kind", std::string(route.plural()));
  return details;
}

Value Failure(int http_status, std::string_view reason, std::string_view message) {
  Value status;
  status.Set("kind", "Status");
  status.Set("apiVersion", "v1");
  status.Set("metadata", codec::Object{});
  status.Set("status", "Failure");
  status.Set("message", std::string(message));
  status.Set("reason", std::string(reason));
  status.Set("code", http_status);
  return status;
}

Value Success() {
  Value status;
  status.Set("kind", "Status");
  status.Set("apiVersion", "v1");
  status.Set("metadata", codec::Object{});
  status.Set("status", "Success");
  return status;
}

// Invalid objects name every field in the message too: many clients print nothing else.
std::string MessageOf(const Error& error, const Route* route) {
  if (error.code != Code::kInvalid || error.causes.empty()) {
    return error.message.empty() ? std::string(CodeName(error.code)) : error.message;
  }
  std::string message;
  if (route != nullptr && route->kind != nullptr) {
    message = std::string(route->kind->name) + ".zoe \"" + route->name + "\" is invalid: ";
  }
  const bool many = error.causes.size() > 1;
  if (many) message += '[';
  for (size_t i = 0; i < error.causes.size(); ++i) {
    const Cause& cause = error.causes[i];
    if (i > 0) message += ", ";
    if (!cause.field.empty()) message += cause.field + ": ";
    message += cause.message;
  }
  if (many) message += ']';
  return message;
}

Value StatusValue(const Error& error, const Route* route) {
  Value status = Failure(HttpStatus(error.code), CodeName(error.code), MessageOf(error, route));
  Value details;
  if (route != nullptr && !route->name.empty()) details = Details(*route);
  // Kubernetes names the kind here, where other errors name the resource; kubectl prints it.
  if (error.code == Code::kInvalid && details.Find("kind") != nullptr && route->kind != nullptr) {
    details.Set("kind", std::string(route->kind->name));
  }
  if (!error.causes.empty()) {
    codec::Array causes;
    for (const Cause& cause : error.causes) {
      Value item;
      item.Set("reason", cause.reason);
      item.Set("message", cause.message);
      if (!cause.field.empty()) item.Set("field", cause.field);
      if (cause.line != 0) {
        item.Set("line", int64_t{cause.line});
        item.Set("column", int64_t{cause.column});
      }
      causes.push_back(std::move(item));
    }
    details.Set("causes", std::move(causes));
  }
  if (RetryAfter(error.code) != 0) details.Set("retryAfterSeconds", RetryAfter(error.code));
  if (!details.is_null()) status.Set("details", std::move(details));
  return status;
}

Response Answer(int http_status, std::string json) {
  Response response;
  response.status = http_status;
  response.prefix = std::move(json);
  response.prefix += '\n';
  return response;
}

}  // namespace

Response ErrorResponse(const Error& error, const Route* route) {
  Response response = Answer(HttpStatus(error.code), StatusJson(error, route));
  if (RetryAfter(error.code) != 0)
    response.headers.emplace_back("Retry-After", std::to_string(RetryAfter(error.code)));
  return response;
}

Response StatusResponse(int http_status, std::string_view reason, std::string_view message) {
  return Answer(http_status, codec::ToJson(Failure(http_status, reason, message)));
}

Response StatusSuccess() { return Answer(200, codec::ToJson(Success())); }

Response DeletedResponse(const Route& route, std::string_view uid) {
  Value status = Success();
  Value details = Details(route);
  if (!uid.empty()) details.Set("uid", std::string(uid));
  status.Set("details", std::move(details));
  return Answer(200, codec::ToJson(status));
}

std::string StatusJson(const Error& error, const Route* route) {
  return codec::ToJson(StatusValue(error, route));
}

std::string_view StatusText(int http_status) {
  const auto text =
      boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(http_status));
  return {text.data(), text.size()};
}

Error NotFound(const Key& key) { return MakeError(Code::kNotFound, Quoted(key) + " not found"); }
Error AlreadyExists(const Key& key) {
  return MakeError(Code::kAlreadyExists, Quoted(key) + " already exists");
}
Error Conflict(const Key& key) {
  return MakeError(Code::kConflict, "Operation cannot be fulfilled on " + Quoted(key) +
                                        ": the object has been modified; please apply your changes "
                                        "to the latest version and try again");
}

}  // namespace zoe::server
