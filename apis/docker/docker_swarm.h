// The Swarm port over the Docker Engine API (1.41, which is Docker 20.10, or later).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/ports/store.h"
#include "controller/ports/swarm.h"

namespace zoe {

// Where the managers' endpoints are told, and told anew when they change.
struct EndpointSource {
  std::string name;  // for messages: "node /docker of ZooKeeper at h1:2181"
  // Calls back with the endpoints, separated by commas, or with why they aren't known; until the
  // Watch ends.
  std::function<Expected<std::unique_ptr<Watch>>(std::function<void(const Expected<std::string>&)>)>
      follow;
};

struct DockerOptions {
  // Managers of one Swarm: "unix:///path", "tcp://host:port", "https://host:port". The first that
  // answers is used, the next when it no longer does.
  std::vector<std::string> endpoints;
  // Instead of them. What it told last stays in use while it tells nothing that can be used.
  EndpointSource source = {};
  // Files (PEM) for TLS towards Docker; with any of them set tcp:// means TLS too, as for `docker`.
  std::string tls_ca, tls_cert, tls_key;
  std::string deployment = "zoe";
  // The Engine of a node that is none of `endpoints`, for what happens in containers there:
  // "https://{{address}}:2376", of the node's address and {{name}}. Empty: those can't be reached.
  std::string node_engine;
};

// Doesn't connect: a Docker that is away is kUnavailable of the calls. kInvalid: an endpoint that
// can't be read, and why. `clock` outlives the result, the result outlives its watches.
//
// Beyond the port's contract:
// - Reads go to another manager when one fails; a write does so only if nothing of it was sent.
// - Logs of one slot come from the slot's tasks one after the other; of all slots (slot 0) as the
//   tasks write them. `tail` counts lines of the whole, when following those of each task.
//   A follow ends when the service is gone or nothing of it runs or will run any more.
// - A node that a new leader of the Swarm has not heard of yet (`unknown`) stays ready for a
// minute.
// - Hints: of service events within 20 ms; of tasks within a poll (ExpectChanges), or, for
//   containers on the manager that we talk to, about 0.1 s after they start, die or get healthy.
Expected<std::unique_ptr<Swarm>> OpenDockerSwarm(const DockerOptions& options, const Clock& clock);

}  // namespace zoe
