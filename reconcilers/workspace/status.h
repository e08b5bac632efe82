#pragma once

#include "controller/loop/reconciler.h"
#include "reconcilers/workspace/execute.h"

namespace zoe::workspace {

// What the pass has to say, into the draft: status, finalizer, removal, events of what was done and
// of a trouble that is new. Nothing in it changes while the world doesn't.
void Report(const Observed& observed, const Plan& plan, const Done& done, WallTime now,
            StatusDraft& draft);

}  // namespace zoe::workspace
