#include "apis/memory/store_errors.h"

#include <string>

namespace zoe {

Error NotFoundError(const Key& key) {
  return MakeError(Code::kNotFound, key.ToString() + " doesn't exist");
}

Error AlreadyExistsError(const Key& key) {
  return MakeError(Code::kAlreadyExists, key.ToString() + " already exists");
}

Error ConflictError(const Key& key, Revision expected, Revision found) {
  return MakeError(Code::kConflict, key.ToString() + " has changed: it is at revision " +
                                        std::to_string(found) + ", not " +
                                        std::to_string(expected));
}

Error TurnTakenError(const Key& key) {
  return MakeError(Code::kConflict, "TurnTaken",
                   "another " + key.kind + " was written in namespace \"" + key.ns +
                       "\" at the same time as " + key.ToString());
}

Error TooLargeError(const Key& key, size_t bytes) {
  return MakeError(Code::kTooLarge, key.ToString() + " takes " + std::to_string(bytes) +
                                        " bytes; the store keeps at most " +
                                        std::to_string(kMaxRecordBytes) + " per object");
}

}  // namespace zoe
