// How the simulation's own code reads what stands in the store and in the Swarm.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "controller/ports/store.h"
#include "controller/ports/swarm.h"
#include "specs/v1/kinds.h"

namespace zoe::sim_test {

// Of an execution: NAME in namespace alice, or NAMESPACE/NAME.
inline Key KeyOf(const std::string& name) {
  const size_t slash = name.find('/');
  if (slash == std::string::npos) return {"Execution", "alice", name};
  return {"Execution", name.substr(0, slash), name.substr(slash + 1)};
}

// nullptr if it isn't there.
template <class T>
std::shared_ptr<const T> Load(Store& store, const Key& key) {
  const auto record = store.Get(key);
  if (!record.ok()) return nullptr;
  const auto object = v1::DecodeStored(*v1::FindKind(key.kind), record->bytes);
  if (!object.ok()) throw std::runtime_error(object.error().ToString());
  return std::static_pointer_cast<const T>(*object);
}

inline std::string LabelOf(const SwarmServiceSpec& spec, std::string_view label) {
  return zoe::LabelOf(spec.labels, label);
}

}  // namespace zoe::sim_test
