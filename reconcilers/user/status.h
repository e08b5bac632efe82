// What is said about a User: pure. Everything comes from what was seen or from the status before,
// and nothing changes with time alone, so that a settled pass compares equal and writes nothing.
//
// Conditions:
//   NetworkReady    True: it stands; the message tells its subnet, and which settings take effect
//                   when it is made again. False: Creating, NotAllocated, NetworkBusy,
//                   PoolExhausted, SubnetTaken
//   WorkspaceReady  what the Workspace's Ready says; False Creating, Terminating
//   GatewayReady    what the Gateway's Ready says; False Disabled while the user is disabled
//   Ready           True: all of them, but not the gateway of a disabled user. False: the reason of
//                   the first that isn't; Terminating with what is waited for
#pragma once

#include "controller/loop/reconciler.h"
#include "reconcilers/user/plan.h"

namespace zoe::user {

// Fills draft.object's status from what was seen; drops the finalizer of a User that is being
// deleted when nothing of it is left.
void Report(const v1::User& before, const Observed& observed, const NetworkOptions& options,
            WallTime now, StatusDraft& draft);

// Making or removing the network failed. After Report.
void ReportNetwork(const v1::User& before, const Error& error, WallTime now, StatusDraft& draft);

}  // namespace zoe::user
