// An operator's allow-lists: what containers may have that they don't have by themselves.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "specs/meta/expected.h"

namespace zoe::v1 {

struct Allowance {
  std::string what;        // an absolute path without "..", or a capability without CAP_
  bool read_only = false;  // paths: only for reading
  std::string role;        // empty: for every role
  bool operator==(const Allowance&) const = default;
};

// "PATH[:ro][@ROLE],...". What lies below a path is allowed too where the path is for reading only;
// one that can be written to is allowed as a whole: a container could put a symbolic link into it,
// which Docker would follow on the host for the next. kInvalid, also for paths that hold the Docker
// socket: whoever has that has the whole Swarm.
Expected<std::vector<Allowance>> ParseAllowedPaths(std::string_view text);
// "NAME[@ROLE],...".
Expected<std::vector<Allowance>> ParseAllowedCapabilities(std::string_view text);

// "" if `role` may mount `path`, else why not. Compares texts: where a path leads on a host by
// symlinks isn't known here.
std::string RefusePath(const std::vector<Allowance>& allowed, std::string_view path, bool read_only,
                       std::string_view role);
std::string RefuseCapability(const std::vector<Allowance>& allowed, std::string_view capability,
                             std::string_view role);

}  // namespace zoe::v1
