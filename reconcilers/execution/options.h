#pragma once

#include <string>

namespace zoe {

struct ExecutionOptions {
  std::string deployment = "zoe";
  std::string workspace_root = "/var/lib/zoe/workspaces";
  std::string gelf_address = {};  // empty: the engines' default log driver
};

}  // namespace zoe
