// What must hold at rest.
#include <gtest/gtest.h>

#include <algorithm>

#include "reconcilers/execution/grant.h"
#include "reconcilers/execution/service_spec.h"
#include "reconcilers/execution/supervise.h"
#include "specs/v1/gateway.h"
#include "specs/v1/kinds.h"
#include "specs/v1/template.h"
#include "specs/v1/user.h"
#include "specs/v1/workspace.h"
#include "test/sim/process.h"
#include "test/sim/read.h"
#include "test/sim/users.h"
#include "test/sim/world.h"

namespace zoe::sim_test {

void World::ExpectAsDeclared(const v1::Execution& e, const std::vector<SwarmService>& services,
                             const std::vector<SwarmTask>& tasks) {
  if (e.meta.deletion_timestamp || e.spec.suspend) {
    EXPECT_TRUE(services.empty()) << e.meta.name;
    return;
  }
  if (v1::IsFinished(e.status)) {
    for (const SwarmService& s : services) {
      for (const SwarmTask& t : tasks)
        EXPECT_TRUE(t.service_id != s.id || IsTerminal(t.state))
            << e.meta.name << " has ended, a task has not";
    }
    return;
  }
  const auto rendered = v1::RenderServices(e, "zoe");
  ASSERT_TRUE(rendered.ok());
  EXPECT_EQ(e.status.observed_generation, e.meta.generation);
  if (e.status.phase != v1::kRunning) return;
  EXPECT_EQ(services.size(), rendered->size()) << e.meta.name;
  for (const v1::Service& declared : *rendered) {
    const auto it = std::ranges::find_if(services, [&](const SwarmService& s) {
      return LabelOf(s.spec, kLabelService) == declared.name;
    });
    ASSERT_NE(it, services.end()) << e.meta.name << "/" << declared.name;
    const auto status = std::ranges::find_if(
        e.status.services, [&](const v1::ServiceStatus& s) { return s.name == declared.name; });
    ASSERT_NE(status, e.status.services.end());
    const std::string network = it->spec.networks.empty() ? "" : it->spec.networks[0].network_id;
    // What is replaced keeps its slot, beside those that are wanted.
    SwarmServiceSpec stands = it->spec;
    stands.labels.erase(std::string(execution::kLabelReplaced));
    stands.replicas -=
        execution::ReadReplacements(LabelOf(it->spec, execution::kLabelReplaced)).size();
    const int granted = execution::Granted(e, declared);
    EXPECT_GE(granted, declared.essential()) << e.meta.name << "/" << declared.name;
    if (!status->update_failed) {
      SwarmServiceSpec wanted = execution::ToSwarmService(
          e, declared, {network, PlaceIn(e.meta.ns), LabelOf(it->spec, kLabelStore)}, {});
      wanted.replicas = static_cast<uint64_t>(granted);
      swarm_->With([&](sim::Cluster& cluster) {
        std::ranges::move(execution::Confine(status->nodes, cluster.Nodes()),
                          std::back_inserter(wanted.constraints));
      });
      EXPECT_EQ(stands, wanted) << execution::DescribeChange(stands, wanted);
    }
    EXPECT_EQ(stands.replicas, static_cast<uint64_t>(granted));
    const auto running = std::ranges::count_if(tasks, [&](const SwarmTask& t) {
      return t.service_id == it->id && t.state == TaskState::kRunning &&
             t.desired_state == TaskState::kRunning && !t.node_down;
    });
    EXPECT_EQ(status->ready, running) << e.meta.name << "/" << declared.name;
  }
}

void World::ExpectNothingLeftOf(const std::string& ns) {
  const auto everything = truth().List("");
  for (const Record& record : everything->records)
    EXPECT_TRUE(record.key.ns != ns || record.key.kind == "Event") << record.key.ToString();
  swarm_->With([&](sim::Cluster& cluster) {
    for (const SwarmService& s : cluster.Services([](const auto&) { return true; }))
      EXPECT_NE(LabelOf(s.spec, kLabelNamespace), ns) << s.spec.name;
    for (const SwarmNetwork& n : cluster.Networks())
      EXPECT_NE(zoe::LabelOf(n.spec.labels, kLabelNamespace), ns) << n.spec.name;
    for (const SwarmSecret& s : cluster.Secrets())
      EXPECT_NE(zoe::LabelOf(s.labels, kLabelNamespace), ns) << s.name;
  });
}

void World::ExpectUsersAtRest() {
  for (const std::string& name : users_) {
    const auto user = Load<v1::User>(truth(), {"User", "", name});
    if (user == nullptr) {
      ExpectNothingLeftOf(name);
      continue;
    }
    EXPECT_FALSE(user->meta.deletion_timestamp) << name << " " << UserReady(name);
    EXPECT_EQ(UserReady(name), "True Ready") << name;
    EXPECT_EQ(user->status.observed_generation, user->meta.generation);
    EXPECT_TRUE(Stands({"Workspace", name, name}));
    EXPECT_TRUE(Stands({"Gateway", name, name}));
    int networks = 0;
    swarm_->With([&](sim::Cluster& cluster) {
      for (const SwarmNetwork& n : cluster.Networks()) {
        if (zoe::LabelOf(n.spec.labels, kLabelNamespace) != name) continue;
        ++networks;
        EXPECT_EQ(n.spec.subnet, user->status.subnet);
        EXPECT_EQ(n.spec.name, user->status.network);
      }
    });
    EXPECT_EQ(networks, 1) << name;
  }
}

// Of the controller that leads.
Place World::PlaceIn(const std::string& ns) const {
  const int leader = Leader();
  return leader < 0 ? Place()
                    : PlaceOf(machines_[static_cast<size_t>(leader)]->process->cache(), ns);
}

// What was acknowledged last for each object stands, or has gone for a reason.
void World::ExpectAcknowledged() {
  for (const auto& [key, last] : acknowledged_) {
    const v1::Kind& kind = *v1::FindKind(key.kind);
    const auto record = truth().Get(key);
    const auto object = record.ok() ? *v1::DecodeStored(kind, record->bytes) : nullptr;
    const bool same = object && object->meta.uid == last.uid;
    if (last.object == nullptr || last.object->meta.deletion_timestamp) {
      EXPECT_FALSE(same && object->meta.deletion_timestamp == std::nullopt)
          << key.ToString() << " was deleted and stands";
      continue;
    }
    const bool owned = !last.object->meta.owner_references.empty();
    const bool ttl =
        key.kind == "Execution" &&
        static_cast<const v1::Execution&>(*last.object).spec.ttl_seconds_after_finished;
    if (!same) {
      EXPECT_TRUE(emptied_.contains(key.ns) || owned || ttl)
          << key.ToString() << " was acknowledged and is gone";
      continue;
    }
    if (key.kind == "Workspace" || key.kind == "Gateway") continue;  // the User's reconciler may
    EXPECT_TRUE(kind.spec_equal(*object, *last.object))
        << key.ToString() << " is not as it was acknowledged";
    EXPECT_EQ(object->meta.generation, last.object->meta.generation) << key.ToString();
  }
}

void World::ExpectNothingWritten(int before) const {
  EXPECT_EQ(writes_ - event_writes_, before) << "something was written at rest: " << last_write_;
}

void World::ExpectAtRest(Duration quiet) {
  ExpectUsersAtRest();
  ExpectAcknowledged();
  std::vector<SwarmService> services;
  std::vector<SwarmTask> tasks;
  swarm_->With([&](sim::Cluster& cluster) {
    services =
        cluster.Services([](const auto& spec) { return LabelOf(spec, kLabelDeployment) == "zoe"; });
    tasks = cluster.Tasks();
  });
  const auto listing = truth().List("Execution");
  std::set<std::string> uids;
  for (const Record& record : listing->records) {
    const v1::Execution e = *Load<v1::Execution>(truth(), record.key);
    uids.insert(e.meta.uid);
    std::vector<SwarmService> own;
    std::ranges::copy_if(services, std::back_inserter(own), [&](const SwarmService& s) {
      return LabelOf(s.spec, kLabelUid) == e.meta.uid;
    });
    ExpectAsDeclared(e, own, tasks);
  }
  const auto gateways = truth().List("Gateway");
  for (const Record& record : gateways->records)
    uids.insert(Load<v1::Gateway>(truth(), record.key)->meta.uid);
  for (const SwarmService& s : services)
    EXPECT_TRUE(uids.contains(LabelOf(s.spec, kLabelUid))) << s.spec.name << " belongs to nobody";

  const int before = writes_ - event_writes_;
  for (int i = 0; i < 10; ++i) {
    EnqueueAll();
    while (Step()) {
    }
  }
  ExpectNothingWritten(before);
  if (quiet == Duration(0)) return;
  const std::string text = Describe();
  Run(quiet);
  if (Describe() == text) ExpectNothingWritten(before);
}

}  // namespace zoe::sim_test
