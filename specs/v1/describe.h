// The descriptors of this folder's structs that others use: the schema of each kind.
#pragma once

#include "specs/schema/meta.h"
#include "specs/schema/type.h"
#include "specs/v1/application.h"
#include "specs/v1/event.h"
#include "specs/v1/execution.h"

namespace zoe::schema {

template <>
const Type& Describe<v1::ApplicationSpec>();
template <>
const Type& Describe<v1::Application>();
template <>
const Type& Describe<v1::Execution>();
template <>
const Type& Describe<v1::Event>();

}  // namespace zoe::schema
