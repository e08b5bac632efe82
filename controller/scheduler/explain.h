// Why a job waits, in words.
#pragma once

#include "controller/scheduler/round.h"

namespace zoe::scheduler {

// Of one that waits, as the outcome left it. The position is the caller's to add.
Explanation WhyItWaits(const World& world, Outcome& outcome, JobNumber job);

}  // namespace zoe::scheduler
