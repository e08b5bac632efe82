// What stands in requests and answers beside the kinds, described for OpenAPI: Status, list
// metadata, options of a deletion, scales, reviews.
#pragma once

#include <string_view>

#include "specs/schema/type.h"

namespace zoe::server {

const schema::Type& ListMetaType();
const schema::Type& StatusType();
const schema::Type& DeleteOptionsType();
// By group and kind, such as "autoscaling" and "Scale"; nullptr: nothing is known of it.
const schema::Type* OtherType(std::string_view group, std::string_view kind);

}  // namespace zoe::server
