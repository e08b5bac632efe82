// The Swarm's placement constraints: "node.labels.gpu == true", "node.role != manager".
#pragma once

#include <string>
#include <string_view>

#include "controller/scheduler/scheduler.h"

namespace zoe::scheduler {

// As the Swarm judges: without regard to case; a label that is absent equals "". A key that the
// Swarm doesn't know is met by no node.
bool Meets(const Node& node, std::string_view constraint);

}  // namespace zoe::scheduler
