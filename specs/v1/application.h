// Application: a reusable description of services and parameters. Field docs, defaults and bounds
// stand in application.cc, where each field is declared once.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "specs/meta/meta.h"
#include "specs/meta/quantity.h"

namespace zoe::v1 {

struct EnvVar {
  std::string name, value;
  bool operator==(const EnvVar&) const = default;
};

struct Port {
  std::string name;
  int32_t port = 0;
  std::string protocol = "tcp";  // tcp | udp
  std::string scheme;            // http | https | ...; empty: not a URL
  std::string path = "/";
  bool endpoint = false;             // shown in status.endpoints
  std::string proxy_path = "strip";  // strip | keep
  bool operator==(const Port&) const = default;
};

struct ResourceList {
  std::optional<Quantity> cpu, memory;
  bool operator==(const ResourceList&) const = default;
};
struct Resources {
  ResourceList requests, limits;
  bool operator==(const Resources&) const = default;
};

struct Replicas {
  int32_t total = 1;
  std::optional<int32_t> essential;  // defaults to total
  bool operator==(const Replicas&) const = default;
};

struct HttpProbe {
  int32_t port = 0;
  std::string path = "/";
  bool operator==(const HttpProbe&) const = default;
};
struct TcpProbe {
  int32_t port = 0;
  bool operator==(const TcpProbe&) const = default;
};
struct ExecProbe {
  std::vector<std::string> command;
  bool operator==(const ExecProbe&) const = default;
};
struct Readiness {  // exactly one of http, tcp, exec
  std::optional<HttpProbe> http;
  std::optional<TcpProbe> tcp;
  std::optional<ExecProbe> exec;
  int32_t period_seconds = 2;
  int32_t timeout_seconds = 5;
  int32_t failure_threshold = 15;
  int32_t initial_delay_seconds = 0;
  bool operator==(const Readiness&) const = default;
};

struct Mount {
  bool workspace = false;  // the namespace's workspace directory
  std::string host_path;   // or a directory of the node, where the operator allows it
  std::string path;        // in the container, absolute
  bool read_only = false;
  bool operator==(const Mount&) const = default;
};

// What the end of a task by one cause means, instead of what the policy says.
struct RestartRule {  // exactly one of on_exit_codes (not empty), on_out_of_memory, on_node_lost
  std::vector<int32_t> on_exit_codes;
  bool on_out_of_memory = false;
  bool on_node_lost = false;
  std::string action;  // fail: the replica is lost at once | ignore: restarted, and not counted
                       // | count: restarted while maxAttempts lasts
  bool operator==(const RestartRule&) const = default;
};

struct Restart {
  std::string policy;  // never | on-failure | always; empty: see Service::restart_policy
  std::optional<int32_t> max_attempts;  // per replica; absent: no limit
  std::vector<RestartRule> rules;       // the first that fits counts
  bool operator==(const Restart&) const = default;
};

struct Update {
  int32_t parallelism = 1;               // 0: all at once
  std::string order = "stop-first";      // stop-first | start-first
  std::string failure_action = "pause";  // pause | rollback
  bool operator==(const Update&) const = default;
};

struct Service {
  std::string name, image;
  std::vector<std::string> command, args;  // command overrides ENTRYPOINT, args CMD
  std::vector<EnvVar> env;
  std::vector<Port> ports;
  Resources resources;
  Replicas replicas;
  int32_t startup_order = 0;
  bool monitor = false;
  std::optional<Readiness> readiness;
  std::vector<std::string> constraints;
  std::vector<Mount> mounts;
  Restart restart;
  std::string work_dir, user;
  std::vector<std::string> capabilities;  // beyond those that every container has
  std::optional<Quantity> shm_size;
  int32_t stop_grace_period_seconds = 10;
  Update update;
  std::string endpoint_mode = "dnsrr";  // dnsrr | vip
  bool operator==(const Service&) const = default;

  // Defaults that depend on other fields stay open in the object, so that changing the other field
  // later means what it says.
  int32_t essential() const { return replicas.essential.value_or(replicas.total); }
  std::string_view restart_policy() const {
    if (!restart.policy.empty()) return restart.policy;
    return monitor ? "never" : "always";
  }
};

struct Parameter {
  std::string name;
  std::string type = "string";  // integer | string | boolean | quantity
  std::optional<std::string> default_value, minimum,
      maximum;  // YAML: default, minimum, maximum; any scalar, kept as text
  std::vector<std::string> enum_values;  // YAML: enum
  std::string description;
  bool operator==(const Parameter&) const = default;
};

struct ApplicationSpec {
  std::string title, description, logo;
  std::vector<Parameter> parameters;
  std::vector<Service> services;
  bool operator==(const ApplicationSpec&) const = default;
};

struct ApplicationStatus {
  bool operator==(const ApplicationStatus&) const = default;
};

using Application = Object<ApplicationSpec, ApplicationStatus>;

}  // namespace zoe::v1
