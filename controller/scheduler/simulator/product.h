// Zoe's own scheduler at play: the class that zoe-controller runs, told of the simulated machines
// and jobs as it is told of real ones. The Swarm's part, which node gets a replica and which loses
// one, is played here.
#pragma once

#include "controller/scheduler/simulator/player.h"

namespace zoe::scheduler::simulator {

struct Product {
  Options options;
  bool durations = true;  // they are declared
  bool elastic = true;    // otherwise all replicas of a job are essential
};

// "zoe-size", "zoe-size-blind" (no durations are declared), "zoe-size-rigid" (nothing is elastic);
// `options` but for the policy, which the name says. nullopt: none of these.
std::optional<Product> ParseProduct(std::string_view name, const Options& options);
// Every policy; then those that make use of durations without them, then all but one rigid.
std::vector<std::string> ProductNames();

std::unique_ptr<Player> MakeProduct(const Product& product);

}  // namespace zoe::scheduler::simulator
