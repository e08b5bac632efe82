// Checks that need several fields at once; those of one field stand in its declaration. Each
// appends causes without positions.
#pragma once

#include <vector>

#include "specs/meta/error.h"
#include "specs/meta/meta.h"

namespace zoe::v1 {

void ValidateApplication(const ObjectBase& object, std::vector<Cause>& causes);
void ValidateExecution(const ObjectBase& object, std::vector<Cause>& causes);
void ValidateGateway(const ObjectBase& object, std::vector<Cause>& causes);
void ValidateEvent(const ObjectBase& object, std::vector<Cause>& causes);

}  // namespace zoe::v1
