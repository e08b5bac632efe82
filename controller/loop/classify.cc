#include "controller/loop/classify.h"

namespace zoe {

Verdict Classify(Code code) {
  switch (code) {
    case Code::kConflict:
      return {Requeue::kNow, false};
    case Code::kOutcomeUnknown:
      return {Requeue::kObserveFirst, true};
    case Code::kInvalid:
      return {Requeue::kWaitForSpec, true};
    case Code::kBadRequest:
      return {Requeue::kWaitForSpec, true};
    case Code::kTooLarge:
      return {Requeue::kWaitForSpec, true};
    case Code::kNotFound:
      return {Requeue::kBackoff, true};  // what was just seen vanished
    case Code::kAlreadyExists:
      return {Requeue::kBackoff, true};  // a name is taken, maybe not for long
    case Code::kUnauthorized:
      return {Requeue::kBackoff, true};
    case Code::kForbidden:
      return {Requeue::kBackoff, true};
    case Code::kExpired:
      return {Requeue::kBackoff, false};
    case Code::kTooManyRequests:
      return {Requeue::kBackoff, false};
    case Code::kUnavailable:
      return {Requeue::kBackoff, true};
    case Code::kCancelled:
      return {Requeue::kBackoff, false};  // the pass took too long
    case Code::kInternal:
      return {Requeue::kBackoff, true};
  }
  return {};
}

std::string ConditionReason(const Error& error) {
  return error.reason.empty() ? std::string(CodeName(error.code)) : error.reason;
}

}  // namespace zoe
