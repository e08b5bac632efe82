// Namespace: the place of a user's objects.
#pragma once

#include <string>

#include "specs/meta/meta.h"
#include "specs/schema/type.h"

namespace zoe::core {

struct NamespaceSpec {
  bool operator==(const NamespaceSpec&) const = default;
};

struct NamespaceStatus {
  std::string phase;  // Active | Terminating
  bool operator==(const NamespaceStatus&) const = default;
};

struct Namespace : Object<NamespaceSpec, NamespaceStatus> {};

}  // namespace zoe::core

namespace zoe::schema {
template <>
const Type& Describe<core::Namespace>();
}
