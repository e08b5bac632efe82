// From a rendered service to the Swarm service that runs it: pure. Names and labels are the
// contract's.
#pragma once

#include <string>
#include <string_view>

#include "controller/ports/swarm.h"
#include "reconcilers/execution/options.h"
#include "reconcilers/namespace/place.h"
#include "specs/v1/execution.h"

namespace zoe::execution {

// "<service>-<hash of deployment, uid and service>", at most 63 characters. Another object's
// service never gets the same name, and a create that is repeated always does: it meets its own
// ghost and adopts it.
std::string SwarmServiceName(std::string_view deployment, std::string_view uid,
                             std::string_view service);

// On services: which attempt (v1::ExecutionStatus::attempts) they belong to; absent: the first.
inline constexpr std::string_view kLabelAttempt = "zoe.attempt";
std::string AttemptLabel(int attempts);  // "" for the first

// Where {workspace: true} mounts come from, unless the Workspace is a volume. Always the whole: who
// can write there could put a symbolic link in the place of a part, which Docker would follow on
// the host.
std::string WorkspacePath(const ExecutionOptions& options, std::string_view ns);

// Where containers go.
struct Site {
  std::string network_id;  // of the namespace's network
  Place place;
  std::string store_id = {};  // kLabelStore; empty: no such label
};

// `service` comes from v1::RenderServices.
//
// Containers run as the User of the namespace, with HOME (the first workspace mount, else /tmp),
// USER and LOGNAME unless the service sets them, and without any capability. Where the service says
// `user`, and in a namespace without a User, they run as what the service or the image says, with
// Docker's own capabilities but MKNOD, NET_RAW and SETFCAP. What service.capabilities names they
// have in any case.
//
// Only what is needed inside a container is part of its template, so that labels or any other
// metadata of an Execution restart nothing. A request that isn't given is its limit, as in
// Kubernetes. Annotation zoe/restartedAt becomes force_update.
SwarmServiceSpec ToSwarmService(const v1::Execution& execution, const v1::Service& service,
                                const Site& site, const ExecutionOptions& options);

// Tells two container templates apart (what SameTasks compares), for v1::ServiceStatus::update.
// Stable across restarts of the controller.
std::string TemplateHash(const SwarmServiceSpec& spec);

// The names of the differing fields, "image a:1 -> a:2, replicas 5 -> 3, env", for events. Empty if
// equal.
std::string DescribeChange(const SwarmServiceSpec& from, const SwarmServiceSpec& to);

}  // namespace zoe::execution
