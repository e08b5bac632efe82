// What a change of an object would do to the containers of executions, in words, before it is made:
// pure but for reading the cache.
#pragma once

#include <string>
#include <vector>

#include "controller/cache/cache.h"
#include "reconcilers/execution/options.h"
#include "specs/meta/meta.h"

namespace zoe::execution {

// A sentence for each service whose containers the change from `before` (null: creation) to `after`
// starts, restarts or removes, and why: "service worker: 3 containers would be restarted (image a:1
// -> a:2)". Drawn from the Swarm services that both would be, so that it says what Plan will do;
// counts are those declared. Empty where no container is touched, also because none stands yet or
// any more.
//
//  - An Execution's own change, `before` and `after` being both as admission leaves them.
//  - A User's or Workspace's, where it changes what containers of that namespace run as or mount.
//
// What can't be foreseen: that Swarm rolls the change back, and what drift this pass mends as well.
std::vector<std::string> EffectsOn(const Cache& cache, const ExecutionOptions& options,
                                   const ObjectBase* before, const ObjectBase& after);

}  // namespace zoe::execution
