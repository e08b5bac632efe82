// The OpenAPI documents as trees, made of the kinds' schemas and the table in resources.cc.
#pragma once

#include <string_view>

#include "specs/codec/value.h"

namespace zoe::server {

// Version 2.0: everything in one document.
codec::Value OpenApi2Document();
// Version 3.0: one document for each group and version ("api/v1", "apis/zoe/v1"). Null: nothing is
// served under that path.
codec::Value OpenApi3Document(std::string_view path);

}  // namespace zoe::server
