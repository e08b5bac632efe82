#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace zoe {

// Grows with every change of the store: metadata.resourceVersion. 0: none.
using Revision = int64_t;

// Names one object for ever: "Execution", "alice", "wordcount". `ns` is empty for cluster-scoped
// kinds.
struct Key {
  std::string kind, ns, name;

  auto operator<=>(const Key&) const = default;
  std::string ToString() const { return kind + "/" + (ns.empty() ? "" : ns + "/") + name; }
};

}  // namespace zoe

template <>
struct std::hash<zoe::Key> {
  size_t operator()(const zoe::Key& k) const noexcept {
    const std::hash<std::string> h;
    return (h(k.kind) * 31 + h(k.ns)) * 31 + h(k.name);
  }
};
