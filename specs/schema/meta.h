// The descriptors of what every object carries (specs/meta/meta.h).
#pragma once

#include "specs/meta/meta.h"
#include "specs/schema/type.h"

namespace zoe::schema {

template <>
const Type& Describe<OwnerReference>();
template <>
const Type& Describe<Meta>();
template <>
const Type& Describe<Condition>();

}  // namespace zoe::schema
