// The descriptors of this folder's structs that others use: the schema of each kind.
#pragma once

#include "specs/schema/meta.h"
#include "specs/schema/type.h"
#include "specs/v1/application.h"
#include "specs/v1/credential.h"
#include "specs/v1/event.h"
#include "specs/v1/execution.h"
#include "specs/v1/gateway.h"
#include "specs/v1/quota.h"
#include "specs/v1/store_info.h"
#include "specs/v1/user.h"
#include "specs/v1/workspace.h"

namespace zoe::schema {

template <>
const Type& Describe<v1::ApplicationSpec>();
template <>
const Type& Describe<v1::Application>();
template <>
const Type& Describe<v1::Execution>();
template <>
const Type& Describe<v1::Event>();
template <>
const Type& Describe<v1::Quota>();
template <>
const Type& Describe<v1::User>();
template <>
const Type& Describe<v1::Workspace>();
template <>
const Type& Describe<v1::Gateway>();
template <>
const Type& Describe<v1::Credential>();
template <>
const Type& Describe<v1::StoreInfo>();

}  // namespace zoe::schema
