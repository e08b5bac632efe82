// What differs between two states of one object, as far as people who declare it care.
#pragma once

#include <string>
#include <vector>

#include "specs/codec/value.h"

namespace zoe::cli {

// Without status, without what every write moves (resourceVersion, generation, managedFields) or
// the server makes (uid, creationTimestamp), without what older applies remembered in annotations,
// and without secrets.
codec::Value Declared(const codec::Value& object);

// A line for each field in which the declared parts differ, such as `spec.priority: 0 -> 5` and
// `spec.application.services[name="web"].image: nginx:1 -> (none)`. A null value stands for an
// object that isn't there. Empty: they are the same.
std::vector<std::string> Differences(const codec::Value& before, const codec::Value& after);

}  // namespace zoe::cli
