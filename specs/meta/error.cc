#include "specs/meta/error.h"

#include <array>
#include <utility>

namespace zoe {
namespace {

struct CodeRow {
  Code code;
  std::string_view name;
  int http_status;
};

// Reasons and statuses are those of Kubernetes' metav1.Status. It has none for the outcome of a
// write that is not known: "Timeout" (504) is the one of which it says that the request may have
// been carried out.
constexpr std::array kCodes = {
    CodeRow{Code::kBadRequest, "BadRequest", 400},
    CodeRow{Code::kUnauthorized, "Unauthorized", 401},
    CodeRow{Code::kForbidden, "Forbidden", 403},
    CodeRow{Code::kNotFound, "NotFound", 404},
    CodeRow{Code::kAlreadyExists, "AlreadyExists", 409},
    CodeRow{Code::kConflict, "Conflict", 409},
    CodeRow{Code::kExpired, "Expired", 410},
    CodeRow{Code::kInvalid, "Invalid", 422},
    CodeRow{Code::kTooLarge, "RequestEntityTooLarge", 413},
    CodeRow{Code::kTooManyRequests, "TooManyRequests", 429},
    CodeRow{Code::kUnavailable, "ServiceUnavailable", 503},
    CodeRow{Code::kOutcomeUnknown, "Timeout", 504},
    CodeRow{Code::kCancelled, "Cancelled", 499},
    CodeRow{Code::kInternal, "InternalError", 500},
};

const CodeRow& Row(Code code) {
  for (const CodeRow& row : kCodes) {
    if (row.code == code) return row;
  }
  return kCodes.back();
}

}  // namespace

std::string_view CodeName(Code code) { return Row(code).name; }

int HttpStatus(Code code) { return Row(code).http_status; }

Code CodeFromHttp(int http_status, std::string_view reason) {
  for (const CodeRow& row : kCodes) {
    if (row.name == reason) return row.code;
  }
  if (http_status == 409) return Code::kConflict;
  for (const CodeRow& row : kCodes) {
    if (row.http_status == http_status) return row.code;
  }
  if (http_status == 502) return Code::kUnavailable;
  if (http_status == 408) return Code::kOutcomeUnknown;
  return http_status >= 400 && http_status < 500 ? Code::kBadRequest : Code::kInternal;
}

std::string Error::ToString() const {
  if (causes.empty()) return message.empty() ? std::string(CodeName(code)) : message;
  std::string out;
  for (const Cause& cause : causes) {
    if (!out.empty()) out += '\n';
    if (cause.line != 0) {
      out += std::to_string(cause.line) + ":" + std::to_string(cause.column) + ": ";
    }
    if (!cause.field.empty()) out += cause.field + ": ";
    out += cause.message;
  }
  return out;
}

Error MakeError(Code code, std::string message) {
  return Error{.code = code, .reason = {}, .message = std::move(message)};
}

Error MakeError(Code code, std::string reason, std::string message) {
  return Error{.code = code, .reason = std::move(reason), .message = std::move(message)};
}

}  // namespace zoe
