// What is said about a gateway: pure. Nothing in it changes with time alone, so that a settled pass
// compares equal and writes nothing.
//
// Condition Ready: True Running. False: Starting, NetworkNotReady, ImageNotFound, Unschedulable,
// TaskFailed, Disabled, Terminating, NameConflict, ... with Swarm's words. node, address, ports,
// ssh and socks are those of the task that runs; empty while none does. One that is said to run on
// a node that is down doesn't.
#pragma once

#include "controller/loop/reconciler.h"
#include "reconcilers/gateway/observe.h"

namespace zoe::gateway {

// Fills draft.object's status, keeps its finalizer, and drops it once nothing is left of a gateway
// that is deleted.
void Report(const v1::Gateway& before, const Observed& observed, const Options& options,
            WallTime now, StatusDraft& draft);
// What an error of this pass means for Ready, unless the gateway runs all the same.
void ReportFailure(const Error& error, WallTime now, StatusDraft& draft);

// Whether tasks are still on their way.
bool IsSettled(const Observed& observed, const v1::Gateway& reported);

}  // namespace zoe::gateway
