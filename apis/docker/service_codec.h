// SwarmServiceSpec <-> the Engine's ServiceSpec. Everything that we set is written out, so that
// what is read back equals what was sent: Engine defaults never show as a difference.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/ports/swarm.h"

namespace zoe::docker {

// The body of POST /services/create and of an update. kInvalid: text that isn't UTF-8.
Expected<std::string> EncodeService(const SwarmServiceSpec& spec);

// The answer to GET /services. Settings that no SwarmServiceSpec has show as `altered`.
// kInternal: not such a list.
Expected<std::vector<SwarmService>> DecodeServices(std::string_view json);

}  // namespace zoe::docker
