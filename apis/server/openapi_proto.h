#pragma once

#include <string>

#include "specs/codec/value.h"

namespace zoe::server {

// An OpenAPI 2.0 document, as apis/server/openapi_paths.cc makes it, as the protocol buffers of
// gnostic's openapi.v2.Document: kubectl reads version 2 in no other form. What kubectl never looks
// at (security) is left out.
std::string EncodeOpenApi2(const codec::Value& document);

}  // namespace zoe::server
