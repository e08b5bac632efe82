// What the cluster remembers, shared by its two sources; nobody else includes it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "apis/sim/sim_cluster.h"

namespace zoe::sim {

struct Cluster::Node {
  NodeOptions options;
  std::string id, address;
  // kCut: its tasks run on, but nobody hears of them. kUnknown: the same, and nobody acts on it.
  enum class State { kReady, kUnknown, kCut, kDown } state = State::kReady;
  bool ready() const { return state == State::kReady; }
  uint64_t losses = 0;                         // counts changes of `state`
  std::vector<std::function<void()>> unheard;  // to be done when it is heard of again
  std::set<std::string> images;
  std::string availability = "active";
  int64_t cpu_used = 0, memory_used = 0;
  int tasks = 0;
  std::map<std::string, int> tasks_by_service;
  std::set<int32_t> host_ports;
  int32_t last_port = 0;  // chosen for a container; the next one gets a higher number
};

struct Cluster::Task {
  SwarmTask view;
  std::shared_ptr<const SwarmServiceSpec> spec;
  Program program;
  std::string uid;
  Node* node = nullptr;    // holds its reservation while set
  bool addressed = false;  // holds an address in each of its networks
};

struct Cluster::Network {
  SwarmNetworkSpec wanted;
  std::string subnet;  // empty: not allocated
  int64_t addresses = 0;
};

struct Cluster::Secret {
  SwarmSecret view;
  std::string data;
};

struct Cluster::Slot {
  std::vector<std::string> history;  // oldest first; the last is the current one
  uint64_t restarts = 0;             // of the present spec
  // Start-first: the tasks that the current one replaces; more than one where an update came in
  // before the one before had rolled.
  std::vector<std::string> stop_when_running;
};

struct Cluster::Service {
  SwarmService view;
  std::shared_ptr<const SwarmServiceSpec> spec;
  std::shared_ptr<const SwarmServiceSpec> previous;
  std::map<int32_t, Slot> slots;
  uint64_t update = 0;            // counts roll-outs: a step of an older one does nothing
  std::vector<std::string> vips;  // networks in which it holds an address of its own
};

}  // namespace zoe::sim
