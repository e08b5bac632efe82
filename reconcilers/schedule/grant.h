// What the scheduler says, as an Execution's status tells it: pure. Of a status only services[].
// granted and .nodes, queuePosition, phase Queued and condition Admitted are written here.
#pragma once

#include <optional>
#include <string>

#include "controller/loop/reconciler.h"
#include "controller/scheduler/scheduler.h"
#include "specs/v1/execution.h"

namespace zoe::schedule {

// Positions up to this one, and why these wait, are exact.
inline constexpr int32_t kExact = 20;

// `job` is what the grant was decided on. Returns what happened, for people.
PendingEvent Carry(const scheduler::Grant& grant, const scheduler::Job& job, WallTime now,
                   v1::Execution& execution);

// What is granted without being decided: what ran before anything was, and no more than is
// declared. False: there is nothing to put right.
bool PutRight(WallTime now, v1::Execution& execution);

// Whether an execution that waits at `position` says so closely enough: beyond kExact, to a tenth.
bool SaysPosition(const v1::ExecutionStatus& status, int32_t position);

// Returns the event of its having entered the queue, if that is news.
std::optional<PendingEvent> Wait(const scheduler::Explanation& why, WallTime now,
                                 v1::Execution& execution);

}  // namespace zoe::schedule
