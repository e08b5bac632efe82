// What is said about an execution: pure. Everything in a status comes from the picture or from the
// status before, and nothing in it changes with time alone, so that a settled pass compares equal
// and writes nothing.
//
// Phases: Queued (it waits for the scheduler), Pending (no task has been given to a node yet),
// Starting (not every essential replica is ready), Running (all are), Succeeded, Failed, Suspended,
// Terminating. startedAt is when it left Pending; suspending it and putting it back into the queue
// clear it. queuedAt is when it entered the queue: who is put back keeps the place, who is resumed
// enters anew. An execution that has finished is never started again: a later change of its spec
// moves observedGeneration and nothing else.
//
// What runs counts against what is granted (grant.h). What the scheduler's loop writes (granted,
// nodes, queuePosition, and Admitted while the execution waits) stays as it is, until the execution
// is suspended, ends or is put back because it has failed: then nothing is granted any more.
//
// Conditions, all five from the first pass on:
//
// - Admitted. True: it may run. False: Queued or a better reason of the scheduler's, Suspended, or
//   the reason why its spec can't be rendered.
//
// - EssentialReady. False: Queued, NamespaceNotReady (what of its namespace is waited for),
// Unschedulable,
//   ImageNotFound, NoAddress, OutOfMemory, TaskFailed, NameConflict, Starting, Suspended, Finished,
//   Terminating.
//
// - Ready. True: AllReplicasReady, "4/4 replicas ready"; replicas that have done their work count.
//   False NamespaceNotReady also while a change waits that would replace what runs. Elastic
//   replicas that aren't granted are told of, not waited for.
//
// - Complete. True: it ended well. False with the reason and Swarm's words once it has failed, as a
//   Kubernetes Job never gets Complete then; while it is tried again, with those of the last
//   attempt.
//
// - Degraded. True: NameConflict, UpdateRolledBack, UpdatePaused, ReplicasLost, or an action that
//   was refused.
#pragma once

#include "controller/loop/reconciler.h"
#include "reconcilers/execution/assess.h"
#include "reconcilers/execution/plan.h"

namespace zoe::execution {

// Fills draft.object's status from what was seen, asks for deletion when the TTL has passed, drops
// the finalizer when nothing is left, and adds events for what differs from the status before.
void Report(const Picture& picture, StatusDraft& draft);

// The spec can't be rendered.
void ReportInvalid(const v1::Execution& before, const Error& error, WallTime now,
                   StatusDraft& draft);

// An action was refused: Degraded says so, and EssentialReady if that isn't True. After Report. The
// engine tells the event.
void ReportRefusal(const v1::Execution& before, const Error& error, WallTime now,
                   StatusDraft& draft);

// An action failed before anybody could say whether what was refused is still refused: it is not
// said to be well now. After Report.
void ReportUnfinished(const v1::Execution& before, StatusDraft& draft);

// A new template was sent to this service; see docs/decisions/0004.
void ReportUpdateSent(const UpdateService& update, StatusDraft& draft);

// When the next pass must come, even if nothing happens: deadline, TTL, patience. 0: never.
Duration NextDeadline(const Picture& picture, const v1::ExecutionStatus& status);

// Nothing moves, as far as can be seen.
bool IsSettled(const Picture& picture, const std::vector<Action>& actions);

}  // namespace zoe::execution
