// Kubernetes' finalizers of objects whose dependents are waited for. A DELETE sets them
// (propagationPolicy), who collects garbage takes them off.
#pragma once

#include <string_view>

namespace zoe {

// The object stays until those of its dependents that block its deletion have gone.
inline constexpr std::string_view kForegroundFinalizer = "foregroundDeletion";
// The object stays until no other object names it as its owner.
inline constexpr std::string_view kOrphanFinalizer = "orphan";

}  // namespace zoe
