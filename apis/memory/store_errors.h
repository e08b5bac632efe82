// The answers that every Store words alike.
#pragma once

#include <cstddef>

#include "controller/ports/store.h"

namespace zoe {

Error NotFoundError(const Key& key);
Error AlreadyExistsError(const Key& key);
Error ConflictError(const Key& key, Revision expected, Revision found);
Error TurnTakenError(const Key& key);
Error TooLargeError(const Key& key, size_t bytes);

}  // namespace zoe
