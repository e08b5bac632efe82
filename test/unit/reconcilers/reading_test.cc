// What the scheduler is told of nodes, against the constraints that Swarm itself would meet there
// (test/conformance/swarm holds those against a real one).
#include "reconcilers/schedule/reading.h"

#include <gtest/gtest.h>

#include "controller/scheduler/constraint.h"

namespace zoe::schedule {
namespace {

TEST(Reading, ANodeMeetsTheConstraintsThatSwarmSaysItDoes) {
  SwarmNode node{.id = "n1", .name = "Big", .address = "10.1.2.3"};
  node.architecture = "amd64";
  node.manager = node.ready = true;
  node.availability = "active";
  node.labels["gpu"] = "true";
  node.engine_labels["rack"] = "r1";
  const Reading reading = Read({node}, {}, {});
  const scheduler::Node& read = reading.nodes.at("n1");
  EXPECT_TRUE(read.schedulable);
  for (const char* met :
       {"node.platform.arch == x86_64", "node.platform.arch != amd64", "node.ip == 10.1.2.3",
        "node.ip==10.1.0.0/16", "node.ip != 10.2.0.0/16", "node.ip != 10.1.2.4",
        "engine.labels.rack == R1", "node.labels.gpu==true", "node.hostname == big",
        "node.platform.os == linux", "node.role == manager"})
    EXPECT_TRUE(scheduler::Meets(read, met)) << met;
  for (const char* unmet :
       {"node.platform.arch == amd64", "node.ip == 10.1.2.4", "node.ip != 10.1.2.0/24",
        "engine.labels.Rack == r1", "node.color != red"})
    EXPECT_FALSE(scheduler::Meets(read, unmet)) << unmet;
}

}  // namespace
}  // namespace zoe::schedule
