// The HTTP API of zoe-controller: Kubernetes' REST conventions over the cache (reads, watches) and
// the store (writes).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/cache/cache.h"
#include "controller/ports/clock.h"
#include "controller/ports/files.h"
#include "controller/ports/store.h"
#include "controller/ports/swarm.h"
#include "controller/runtime/metrics.h"
#include "specs/meta/expected.h"
#include "webhooks/admission/admission.h"

namespace zoe {

enum class AuthMode {
  kPassword,  // Users log in: HTTP Basic, bearer tokens, sessions of browsers
  kNone,      // everyone is admin; Start() refuses it on an address that is not a loopback
};

// Bounds of what a stranger may cost us.
struct ServerLimits {
  size_t header_bytes = 16 * 1024;  // request line and header fields, each
  size_t body_bytes = 1 << 20;
  size_t connections = 4096;  // more wait in the kernel's queue
  size_t log_streams = 64;    // each holds a thread
  size_t transfers = 64;      // of files, up and down: each holds a thread
  size_t execs = 64;          // commands in containers, and attached to: each holds two threads
  size_t proxied = 1024;      // requests and WebSockets to endpoints of executions
  Duration proxy_connect{5'000}, proxy_head{300'000};  // to reach one; until it begins to answer
  Duration exec_idle{4 * 3'600'000};  // a command that says nothing and is told nothing is ended
  Duration read_deadline{
      10'000};            // from the first byte to the end of the header; again for the body
  Duration idle{60'000};  // between two requests of a connection
  Duration write_deadline{30'000};  // a client that takes nothing for so long is cut
  Duration bookmark_interval{30'000};
};

struct ServerOptions {
  std::string listen = "127.0.0.1:4850";  // ADDRESS:PORT or [IPv6]:PORT; port 0 picks one
  std::string tls_cert, tls_key;          // PEM files; both: HTTPS, TLS 1.2 and later
  AuthMode auth = AuthMode::kPassword;
  std::string version = "0.1.0";
  ServerLimits limits;
};

// All outlive the server.
struct ServerDeps {
  Store& store;
  Cache& cache;
  Swarm& swarm;
  const Admission& admission;
  Metrics& metrics;
  const Clock& clock;
  // One more check of /readyz, and of what is read (a warning): an error's message, without quotes,
  // is the reason. May be empty; cheap.
  std::function<Expected<void>()> ready = {};
  // Workspaces; nullptr: their files are not served.
  Files* files = nullptr;
  std::string workspace_root = {}, deployment = {};
  // What a change of an object (`before` null: its creation) would do to what runs, a sentence each
  // ("service worker: 3 containers would be restarted"); asked for dry runs. May be empty; pure.
  std::function<std::vector<std::string>(const ObjectBase* before, const ObjectBase& after)>
      effects = {};
};

// Reads are answered from the cache on the io threads, one connection staying on one thread;
// whatever may block (store, Swarm, logs) runs on a pool of its own. Start and Stop once each, from
// one thread.
class Server {
 public:
  Server(ServerOptions options, ServerDeps deps);
  ~Server();  // Stop()

  // Binds and serves. kInvalid: address, certificate, options; kUnavailable: the address is taken.
  Expected<void> Start();
  // Ends accepting, ends streams, lets running requests finish, joins: within 1 s, longer only
  // while a call into the store does not return.
  void Stop();

  std::string address() const;  // "127.0.0.1:4850", with the port that was picked
  std::string url() const;      // "http://127.0.0.1:4850", or https

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace zoe
