// What a change of an object would do to a gateway's container, in words, before it is made: pure
// but for reading the cache.
#pragma once

#include <string>
#include <vector>

#include "controller/cache/cache.h"
#include "reconcilers/gateway/service_spec.h"
#include "specs/meta/meta.h"

namespace zoe::gateway {

// "gateway alice: 1 container would be restarted (keys or accounts)", for the change of a Gateway
// or of the User whose gateway it is, from `before` (null: creation) to `after`; empty if no
// container is touched. Of a User's new password only admission knows: it is not told here.
std::vector<std::string> EffectsOn(const Cache& cache, const Options& options,
                                   const ObjectBase* before, const ObjectBase& after);

}  // namespace zoe::gateway
