#pragma once

#include "webhooks/admission/admission.h"

namespace zoe::sim_test {

// What containers may have in these tests: a few host paths and capabilities.
inline AdmissionOptions Allowed() {
  AdmissionOptions options;
  options.host_paths = {{"/data", false, ""}, {"/srv/shared", false, ""}};
  for (const char* name : {"NET_RAW", "SYS_PTRACE", "IPC_LOCK"})
    options.capabilities.push_back({name, false, ""});
  return options;
}

}  // namespace zoe::sim_test
