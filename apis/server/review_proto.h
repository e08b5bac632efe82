#pragma once

#include <string_view>

#include "specs/codec/value.h"
#include "specs/meta/expected.h"

namespace zoe::server {

// A review as newer kubectl sends it, in protocol buffers: Kubernetes' envelope ("k8s", a NUL, the
// message runtime.Unknown) around the message of authorization.k8s.io/v1. The same as the JSON
// form, as far as reviews are answered here: `spec`. kBadRequest.
Expected<codec::Value> ReviewFromProto(std::string_view body, std::string_view kind);

}  // namespace zoe::server
