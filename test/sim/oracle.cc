// What is seen of the world, what must always hold of it, and what must hold at rest.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "reconcilers/execution/service_spec.h"
#include "specs/meta/subnet.h"
#include "specs/v1/event.h"
#include "specs/v1/gateway.h"
#include "specs/v1/kinds.h"
#include "specs/v1/template.h"
#include "specs/v1/user.h"
#include "specs/v1/workspace.h"
#include "test/sim/fickle_swarm.h"
#include "test/sim/guarded.h"
#include "test/sim/process.h"
#include "test/sim/read.h"
#include "test/sim/world.h"

namespace zoe::sim_test {
namespace {

bool IsTrue(const std::vector<Condition>& conditions, std::string_view type) {
  const Condition* condition = FindCondition(conditions, type);
  return condition != nullptr && condition->status == "True";
}

}  // namespace

// ---- what is seen

std::optional<v1::Execution> World::Get(const std::string& name) {
  const auto execution = Load<v1::Execution>(truth(), KeyOf(name));
  return execution ? std::optional(*execution) : std::nullopt;
}

std::string World::Phase(const std::string& name) {
  const auto execution = Get(name);
  return execution ? execution->status.phase : "gone";
}

bool World::Stands(const Key& key) { return truth().Get(key).ok(); }

std::string World::UserReady(const std::string& name) {
  const auto user = Load<v1::User>(truth(), {"User", "", name});
  if (!user) return "gone";
  const Condition* ready = FindCondition(user->status.conditions, "Ready");
  return ready == nullptr ? "" : ready->status + " " + ready->reason;
}

std::vector<std::string> World::Events() {
  std::vector<std::string> events;
  const auto listing = truth().List("Event");
  for (const Record& record : listing->records) {
    const auto object = v1::DecodeStored(*v1::FindKind("Event"), record.bytes);
    const auto& event = static_cast<const v1::Event&>(**object);
    events.push_back(event.reason + ": " + event.message);
  }
  return events;
}

std::string World::Describe() {
  std::ostringstream out;
  const auto listing = truth().List("Execution");
  for (const Record& record : listing->records) {
    const v1::Execution e = *Load<v1::Execution>(truth(), record.key);
    out << "execution " << e.meta.name << " " << e.status.phase << " generation "
        << e.status.observed_generation << "\n";
    for (const Condition& c : e.status.conditions)
      out << "  " << c.type << "=" << c.status << " " << c.reason << "\n";
    for (const v1::ServiceStatus& s : e.status.services) {
      out << "  " << s.name << " " << s.ready << "/" << s.total
          << (s.exit_code ? " exit " + std::to_string(*s.exit_code) : "") << "\n";
    }
  }
  std::vector<std::string> lines;
  for (const std::string& name : users_) {
    const auto user = Load<v1::User>(truth(), {"User", "", name});
    if (user == nullptr) continue;
    out << "user " << name << " generation " << user->status.observed_generation << "\n";
    for (const Condition& c : user->status.conditions)
      out << "  " << c.type << "=" << c.status << " " << c.reason << "\n";
  }
  swarm_->With([&](sim::Cluster& cluster) {
    const std::vector<SwarmTask> tasks = cluster.Tasks();
    for (const SwarmService& s : cluster.Services([](const auto&) { return true; })) {
      const auto running = std::ranges::count_if(tasks, [&](const SwarmTask& t) {
        return t.service_id == s.id && t.state == TaskState::kRunning && !t.node_down;
      });
      lines.push_back("service " + NameOfService(s.spec) + " " + s.spec.image + " " +
                      std::to_string(running) + "/" + std::to_string(s.spec.replicas));
    }
    for (const SwarmNetwork& n : cluster.Networks()) lines.push_back("network " + n.spec.name);
  });
  std::ranges::sort(lines);
  for (const std::string& line : lines) out << line << "\n";
  return out.str();
}

// Each namespace has one network, and no two networks of anybody overlap.
void World::CheckNetworks() {
  std::vector<SwarmNetwork> networks;
  swarm_->With([&](sim::Cluster& cluster) { networks = cluster.Networks(); });
  std::set<std::string> namespaces;
  for (const SwarmNetwork& a : networks) {
    const std::string ns = zoe::LabelOf(a.spec.labels, kLabelNamespace);
    EXPECT_TRUE(ns.empty() || namespaces.insert(ns).second) << "two networks of " << ns;
    for (const SwarmNetwork& b : networks) {
      const auto left = ParseSubnet(a.spec.subnet), right = ParseSubnet(b.spec.subnet);
      EXPECT_TRUE(a.id >= b.id || !left || !right || !left->Overlaps(*right))
          << a.spec.name << " " << a.spec.subnet << ", " << b.spec.name << " " << b.spec.subnet;
    }
  }
}

// No container of a user's starts before there is a place for it.
void World::CheckStarted() {
  std::vector<SwarmService> services;
  swarm_->With([&](sim::Cluster& cluster) {
    services =
        cluster.Services([](const auto& spec) { return LabelOf(spec, kLabelKind) == "Execution"; });
  });
  for (const SwarmService& s : services) {
    if (!started_.insert(s.id).second) continue;
    const std::string ns = LabelOf(s.spec, kLabelNamespace);
    const auto user = Load<v1::User>(truth(), {"User", "", ns});
    if (user == nullptr) continue;
    EXPECT_TRUE(IsTrue(user->status.conditions, "NetworkReady")) << s.spec.name << " in " << ns;
    const auto workspace = Load<v1::Workspace>(truth(), {"Workspace", ns, ns});
    EXPECT_TRUE(workspace && IsTrue(workspace->status.conditions, "Ready"))
        << s.spec.name << " in " << ns;
  }
}

void World::CheckInvariants() {
  if (checked_writes_ == writes_) return;
  checked_writes_ = writes_;
  CheckNetworks();
  CheckStarted();
  std::set<std::pair<std::string, std::string>> seen;
  swarm_->With([&](sim::Cluster& cluster) {
    const SwarmService* stranger = cluster.GetService(stranger_id_);
    ASSERT_NE(stranger, nullptr) << "a stranger's service was removed";
    EXPECT_EQ(stranger->spec.image, "their/image");
    EXPECT_EQ(stranger->spec.replicas, 0u);
    EXPECT_TRUE(std::ranges::any_of(cluster.Networks(),
                                    [](const SwarmNetwork& n) { return n.spec.name == "theirs"; }));
    for (const SwarmService& s : cluster.Services(
             [](const auto& spec) { return LabelOf(spec, kLabelDeployment) == "zoe"; })) {
      const std::pair identity(LabelOf(s.spec, kLabelUid), LabelOf(s.spec, kLabelService));
      EXPECT_TRUE(seen.insert(identity).second)
          << "two Swarm services for " << identity.first << "/" << identity.second;
    }
  });
  const auto listing = truth().List("Execution");
  for (const Record& record : listing->records) {
    const v1::Execution e = *Load<v1::Execution>(truth(), record.key);
    int restarts = 0;
    for (const v1::ServiceStatus& s : e.status.services) restarts += s.restarts;
    EXPECT_GE(restarts, restarts_[e.meta.uid]) << "restarts fell";
    restarts_[e.meta.uid] = restarts;
    std::string& end = ends_[e.meta.uid];
    if (!end.empty() && !e.meta.deletion_timestamp) {
      EXPECT_EQ(e.status.phase, end) << "a finished execution came back";
    }
    if (v1::IsFinished(e.status)) end = e.status.phase;
  }
}

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
    if (!status->update_failed) {
      EXPECT_EQ(it->spec,
                execution::ToSwarmService(e, declared, {network, PlaceIn(e.meta.ns)}, {}));
    }
    EXPECT_EQ(it->spec.replicas, static_cast<uint64_t>(declared.replicas.total));
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

void World::ExpectAtRest() {
  ExpectUsersAtRest();
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

  const int before = writes_;
  for (int i = 0; i < 10; ++i) {
    EnqueueAll();
    while (Step()) {
    }
  }
  EXPECT_EQ(writes_, before) << "passes over a settled world wrote something";
}

}  // namespace zoe::sim_test
