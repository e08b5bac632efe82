// Errors are values. One Error travels from the adapter that met it to the table that decides what
// it means (controller/loop/classify.h) and to the wire, where it is a Kubernetes Status object.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zoe {

// What went wrong, as far as a caller can act on it.
enum class Code {
  kBadRequest,    // The request can't be read at all (syntax, unknown query value).
  kUnauthorized,  // Who are you?
  kForbidden,     // You may not.
  kNotFound,
  kAlreadyExists,  // Something else has that name.
  kConflict,       // The object changed since it was read: read again, decide again.
  kExpired,        // A watch or continue token is too old: list again.
  kInvalid,        // Well-formed, but not acceptable: waits for a new spec. Carries causes.
  kTooLarge,       // A size limit was passed.
  kTooManyRequests,
  kUnavailable,     // A backend is away or slow; nothing was done. Try again later.
  kOutcomeUnknown,  // A write was sent and its reply lost: observe before acting again.
  kCancelled,       // A stop or a deadline ended the call.
  kInternal,        // A defect, or an answer that makes no sense.
};

// One reason within an error, tied to a field. `line` and `column` are 1-based; 0 where there is no
// text.
struct Cause {
  std::string field;    // "spec.application.services[0].image"; empty for the whole object
  std::string reason;   // "FieldValueInvalid", "FieldValueRequired", "FieldValueNotFound",
                        // "FieldValueDuplicate", ...
  std::string message;  // for people: what, and what to do
  uint32_t line = 0;
  uint32_t column = 0;

  bool operator==(const Cause&) const = default;
};

struct Error {
  Code code = Code::kInternal;
  std::string reason;   // CamelCase word, becomes a condition's reason; may be empty (then
                        // CodeName(code) is used)
  std::string message;  // for people
  std::vector<Cause> causes = {};

  // "message" or, with causes, one line each: "line:column: field: message".
  std::string ToString() const;
  bool operator==(const Error&) const = default;
};

// "NotFound", "Conflict", ...: the Kubernetes Status reason of the code.
std::string_view CodeName(Code code);
// The HTTP status of the code: 404, 409, 422, ...
int HttpStatus(Code code);
// The inverse, for clients: reason first, then the HTTP status.
Code CodeFromHttp(int http_status, std::string_view reason);

Error MakeError(Code code, std::string message);
Error MakeError(Code code, std::string reason, std::string message);

}  // namespace zoe
