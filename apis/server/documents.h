// Documents in the bodies of writes and of their answers.
#pragma once

#include <string>
#include <string_view>

#include "apis/server/exchange.h"
#include "apis/server/writer.h"
#include "specs/codec/value.h"

namespace zoe::server {

enum class Syntax { kJson, kYaml, kEither, kUnsupported };

// Of a Content-Type, without its parameters.
std::string_view MediaType(std::string_view content_type);
// kEither: of a media type that says nothing about it.
Syntax SyntaxOf(std::string_view media);
// One document. kBadRequest with its place for what is neither.
Expected<codec::Value> ParseBody(const std::string& body, Syntax syntax);

// Who writes, for managedFields: as it says (fieldManager), else by the first word of its
// User-Agent, as Kubernetes does. kInvalid.
Expected<std::string> ManagerOf(const Exchange& exchange);

Response WrittenResponse(const Written& written);

}  // namespace zoe::server
