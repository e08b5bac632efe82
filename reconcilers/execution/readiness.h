#pragma once

#include "controller/ports/swarm.h"
#include "specs/v1/application.h"

namespace zoe::execution {

// The healthcheck that stands for `readiness`; Swarm says `running` only of a task that has passed
// it.
//
// It runs inside the container: `http` needs curl, wget, python3 or bash in the image (status 200
// to 399 is ready, as for Kubernetes' probes), `tcp` bash, python3, nc or curl; without any of them
// the replica never gets ready, and the healthcheck's output says why. Both try 127.0.0.1, then the
// container's own name. `exec` runs as it is. A replica that fails failureThreshold times in a row
// is restarted, also after it once was ready.
SwarmHealthcheck ToHealthcheck(const v1::Readiness& readiness);

}  // namespace zoe::execution
