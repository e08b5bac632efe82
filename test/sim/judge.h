// What the API would say of a document, without a World: decoding, validation, admission.
#pragma once

#include <string>
#include <vector>

#include "specs/codec/value.h"
#include "test/sim/generate.h"

namespace zoe::sim_test {

// Applications that generated executions refer to, in namespaces alice and catalog; apply them
// before these.
const std::vector<codec::Value>& KnownApplications();

// The refusal of a creation; none: accepted. Where the applications above stand, and nothing else.
Judge ApiJudge();
// The same, and the listed leaves may not be there at all.
Judge Without(Judge judge, std::vector<std::string> paths);

// {name, namespace}; the namespace is left out if empty.
codec::Value Named(const std::string& name, const std::string& ns = "");

}  // namespace zoe::sim_test
