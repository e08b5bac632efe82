#pragma once

#include "specs/codec/value.h"
#include "specs/meta/expected.h"

namespace zoe::server {

// Applies an RFC 6902 patch in place. kBadRequest if it is none; kInvalid if it does not fit the
// document (a path that is not there, a test that fails). On an error `document` may be half
// changed.
Expected<void> ApplyJsonPatch(codec::Value& document, const codec::Value& patch);

}  // namespace zoe::server
