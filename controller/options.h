// What zoe-controller can be told: on the command line, in the environment (ZOE_ + upper case, '-'
// as '_'), in a file of `name = value` lines, in that order of precedence; else the default.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "specs/meta/expected.h"

namespace zoe {

struct Options {
  std::string store, swarm;
  std::string swarm_tls_ca, swarm_tls_cert, swarm_tls_key;
  std::string node_engine;  // an endpoint with {{address}} or {{name}}; empty: none
  std::string deployment, listen, tls_cert, tls_key;
  std::string workspace_root, state_dir, gateway_image, gelf_address;
  std::string auth, log_format, log_level;
  std::string network_pool;        // CIDR[,CIDR...]
  std::string network_encrypted;   // true | false
  std::string public_url;          // empty: that of --listen
  std::string allow_host_paths;    // PATH[:ro][@ROLE],...
  std::string allow_capabilities;  // NAME[@ROLE],...
  std::string guest_idle_timeout;  // seconds
  std::string scheduler_policy, placement_policy;
  std::string queue_patience, queue_backfill;  // seconds
  std::string elastic_reclaim;                 // true | false
  std::string preemption;                      // never | priority
};

// What the command line asks for.
struct Invocation {
  enum class Action { kRun, kHelp, kVersion, kWriteConfig, kBackup, kRestore };
  Action action = Action::kRun;
  Options options;
  std::string config_to_write;  // kWriteConfig
  std::string backup;           // kBackup, kRestore: the file; "-": stdout, stdin
  std::string from_deployment;  // kRestore: of the backup; empty: the same
};

// nullptr: not set.
using Environment = std::function<const char*(const char* name)>;

// Reads and checks everything. `arguments` without the program's name; `default_config` is read if
// it exists and --config isn't given. kInvalid: one line for each thing that is wrong, each naming
// the option, where it was set, its value and what is accepted.
Expected<Invocation> ReadOptions(const std::vector<std::string>& arguments,
                                 const Environment& environment, const std::string& default_config);

std::string HelpText();
// A file with every option, its default and its help as comments: what --write-config writes.
std::string ConfigText();

// A Swarm of `--swarm`, told apart by its scheme.
struct SwarmUrl {
  bool simulated = false;
  std::string simulation;              // what follows `sim:`
  std::string zookeeper;               // else: zk://..., the node that tells the endpoints
  std::vector<std::string> endpoints;  // else: unix://..., tcp://..., https://...
};
// `url` has been checked by ReadOptions.
SwarmUrl SplitSwarmUrl(std::string_view url);

// True if nobody but this machine can reach the address of ADDRESS:PORT: 127.0.0.0/8, [::1],
// localhost.
bool IsLoopback(std::string_view listen);

}  // namespace zoe
