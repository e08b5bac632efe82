#include "apis/server/status.h"

#include <algorithm>
#include <boost/beast/http/status.hpp>

#include "specs/codec/value.h"

namespace zoe::server {
namespace {

using codec::Value;

// "executions.zoe", "pods"
std::string Qualified(const v1::Kind& kind, std::string_view name) {
  return std::string(name) + (kind.group.empty() ? "" : "." + std::string(kind.group));
}

// `executions.zoe "wordcount"`
std::string Quoted(const Key& key) {
  const v1::Kind* kind = v1::FindKind(key.kind);
  return (kind == nullptr ? key.kind : Qualified(*kind, kind->plural)) + " \"" + key.name + "\"";
}

// Too old, too many, away: worth another try. Seconds; 0: not.
int RetryAfter(Code code) {
  return code == Code::kUnavailable || code == Code::kTooManyRequests ? 1 : 0;
}

Value Details(const Route& route) {
  Value details;
  details.Set("name", route.name);
  if (route.endpoint == Endpoint::kResource && !route.kind->group.empty())
    details.Set("group", std::string(route.kind->group));
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

// Kubernetes' words for a cause's reason (field.Error), which clients print before its message.
std::string_view TypeText(std::string_view reason) {
  static constexpr std::pair<std::string_view, std::string_view> kTexts[] = {
      {"FieldValueRequired", "Required value"},   {"FieldValueInvalid", "Invalid value"},
      {"FieldValueTypeInvalid", "Invalid value"}, {"FieldValueNotFound", "Not found"},
      {"FieldValueDuplicate", "Duplicate value"}, {"FieldValueNotSupported", "Unsupported value"},
      {"FieldValueForbidden", "Forbidden"},       {"FieldValueTooLong", "Too long"},
      {"FieldValueTooMany", "Too many"},
  };
  for (const auto& [name, text] : kTexts) {
    if (name == reason) return text;
  }
  return {};
}

std::string MessageOf(const Cause& cause) {
  const std::string_view type = TypeText(cause.reason);
  if (type.empty()) return cause.message;
  // Said once.
  std::string_view message = cause.message;
  constexpr std::string_view kRequired = "is required";
  if (cause.reason == "FieldValueRequired" && message.starts_with(kRequired)) {
    message.remove_prefix(kRequired.size());
    message.remove_prefix(std::min(message.find_first_not_of(",:; "), message.size()));
  }
  return std::string(type) + (message.empty() ? "" : ": ") + std::string(message);
}

// "ListOptions.meta.k8s.io", "Scale.autoscaling": said by the error itself; else the object.
std::string WhatIsInvalid(const Error& error, const Route* route) {
  const bool says_itself =
      error.message.ends_with(" is invalid") && error.message.find('.') < error.message.find(' ');
  if (says_itself) return error.message + ": ";
  if (route == nullptr || route->kind == nullptr) return {};
  return Qualified(*route->kind, route->kind->name) + " \"" + route->name + "\" is invalid: ";
}

// Invalid objects name every field in the message too: many clients print nothing else.
std::string MessageOf(const Error& error, const Route* route) {
  if (error.code != Code::kInvalid || error.causes.empty()) {
    return error.message.empty() ? std::string(CodeName(error.code)) : error.message;
  }
  std::string message = WhatIsInvalid(error, route);
  const bool many = error.causes.size() > 1;
  if (many) message += '[';
  for (size_t i = 0; i < error.causes.size(); ++i) {
    const Cause& cause = error.causes[i];
    if (i > 0) message += ", ";
    if (!cause.field.empty()) message += cause.field + ": ";
    message += MessageOf(cause);
  }
  if (many) message += ']';
  return message;
}

// What an error is about: the object of the request, or the namespace that it lacks.
Value DetailsOf(const Error& error, const Route* route) {
  Value details;
  if (route == nullptr) return details;
  const std::string lacks = "namespaces \"" + route->ns + "\" not found";
  if (error.code == Code::kNotFound && error.message.starts_with(lacks)) {
    details.Set("name", route->ns);
    details.Set("kind", "namespaces");
    return details;
  }
  if (!route->name.empty()) details = Details(*route);
  // Kubernetes names the kind here, where other errors name the resource; kubectl prints it.
  if (error.code == Code::kInvalid && !details.is_null() && route->kind != nullptr)
    details.Set("kind", std::string(route->kind->name));
  return details;
}

Value StatusValue(const Error& error, const Route* route) {
  Value status = Failure(HttpStatus(error.code), CodeName(error.code), MessageOf(error, route));
  Value details = DetailsOf(error, route);
  if (!error.causes.empty()) {
    codec::Array causes;
    for (const Cause& cause : error.causes) {
      Value item;
      item.Set("reason", cause.reason);
      item.Set("message", MessageOf(cause));
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

Response TooLargeRevision(Revision wanted, Revision current) {
  Value status = Failure(504, "Timeout",
                         "Timeout: Too large resource version: " + std::to_string(wanted) +
                             ", current: " + std::to_string(current));
  Value cause, details;
  cause.Set("reason", "ResourceVersionTooLarge");
  cause.Set("message", "Too large resource version");
  details.Set("causes", codec::Array{std::move(cause)});
  details.Set("retryAfterSeconds", 1);
  status.Set("details", std::move(details));
  Response response = Answer(504, codec::ToJson(status));
  response.headers.emplace_back("Retry-After", "1");
  return response;
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
Error NotFound(const Route& route) {
  return MakeError(Code::kNotFound, Qualified(*route.kind, route.kind->plural) + " \"" +
                                        route.name + "\" not found");
}
Error AlreadyExists(const Key& key) {
  return MakeError(Code::kAlreadyExists, Quoted(key) + " already exists");
}
Error Conflict(const Key& key, const std::string& why) {
  return MakeError(Code::kConflict, "Operation cannot be fulfilled on " + Quoted(key) + ": " + why);
}
Error Conflict(const Key& key) {
  return Conflict(key,
                  "the object has been modified; please apply your changes to the latest version "
                  "and try again");
}

}  // namespace zoe::server
