// A scheduler, and the Swarm that does what it says. Not the Cluster of the product.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "controller/scheduler/scheduler.h"
#include "test/unit/scheduler/world.h"

namespace zoe::scheduler {

class TestCluster {
 public:
  explicit TestCluster(Options options = {}) : scheduler(options), swarm(1) {}

  void Add(const Node& node) {
    swarm.Set(node);
    scheduler.SetNode(node);
  }
  void Add(const Job& job) {
    swarm.Set(job);
    scheduler.SetJob(job);
  }
  void End(const std::string& id) {
    swarm.End(id);
    scheduler.RemoveJob(id);
  }
  void Remove(const std::string& node) {
    swarm.Remove(node);
    scheduler.RemoveNode(node);
    swarm.Tell(scheduler);
  }
  // One decision, carried out.
  Decision Step() {
    Decision decision = scheduler.Decide(now);
    for (const Grant& grant : decision.grants) swarm.Apply(grant);
    swarm.Work();
    swarm.Tell(scheduler);
    return decision;
  }
  // Decisions, carried out, until there is nothing to change.
  int Settle() {
    for (int steps = 0; steps < 100; ++steps) {
      if (Step().grants.empty()) return steps;
    }
    ADD_FAILURE() << "it never comes to rest";
    return 100;
  }
  int32_t Granted(const std::string& id, size_t service = 0) const {
    return swarm.jobs().at(id).services.at(service).granted;
  }
  bool Runs(const std::string& id) const { return swarm.jobs().at(id).started; }

  Scheduler scheduler;
  FakeSwarm swarm;
  WallTime now = kStart;
};

}  // namespace zoe::scheduler
