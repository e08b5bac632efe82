#pragma once

#include <string>

namespace zoe {

struct ExecutionOptions {
  std::string deployment = "zoe";
  std::string workspace_root = "/var/lib/zoe/workspaces";
  std::string gelf_address = {};  // empty: the engines' default log driver
  // Of our API as browsers reach it, "https://zoe.example.org"; empty: an endpoint's url is its
  // path there.
  std::string public_url = {};
  // True: as many replicas run as the scheduler has granted (v1::ServiceStatus::granted), none
  // before that. False: all.
  bool queued = false;
};

}  // namespace zoe
