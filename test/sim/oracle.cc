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

namespace {

void DescribeConditions(std::ostream& out, const std::vector<Condition>& conditions) {
  for (const Condition& c : conditions)
    out << "  " << c.type << "=" << c.status << " " << c.reason << "\n";
}

template <class T>
void DescribeStatus(std::ostream& out, const ObjectBase& object) {
  const auto& status = static_cast<const T&>(object).status;
  out << " observed " << status.observed_generation << "\n";
  DescribeConditions(out, status.conditions);
}

void DescribeExecution(std::ostream& out, const v1::Execution& e) {
  out << " " << e.status.phase << " observed " << e.status.observed_generation << "\n";
  DescribeConditions(out, e.status.conditions);
  for (const v1::ServiceStatus& s : e.status.services) {
    out << "  " << s.name << " " << s.ready << "/" << s.total
        << (s.exit_code ? " exit " + std::to_string(*s.exit_code) : "") << "\n";
  }
}

void DescribeObject(std::ostream& out, const Key& key, const ObjectBase& object) {
  out << key.ToString() << " generation " << object.meta.generation
      << (object.meta.deletion_timestamp ? " is being deleted" : "");
  if (key.kind == "Execution")
    return DescribeExecution(out, static_cast<const v1::Execution&>(object));
  if (key.kind == "User") return DescribeStatus<v1::User>(out, object);
  if (key.kind == "Workspace") return DescribeStatus<v1::Workspace>(out, object);
  if (key.kind == "Gateway") return DescribeStatus<v1::Gateway>(out, object);
  out << "\n";
}

}  // namespace

std::string World::Describe() {
  std::ostringstream out;
  const auto everything = truth().List("");
  for (const Record& record : everything->records) {
    const v1::Kind& kind = *v1::FindKind(record.key.kind);
    if (kind.name == "Event" || kind.name == v1::kStoreInfo) continue;
    DescribeObject(out, record.key, **v1::DecodeStored(kind, record.bytes));
  }
  std::vector<std::string> lines;
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
    for (const SwarmSecret& s : cluster.Secrets())
      lines.push_back("secret of " + zoe::LabelOf(s.labels, kLabelNamespace));
  });
  std::ranges::sort(lines);
  for (const std::string& line : lines) out << line << "\n";
  return out.str();
}

// Each namespace has one network, no two networks of anybody overlap, and a stranger's stands.
void World::CheckNetworks() {
  std::vector<SwarmNetwork> networks;
  swarm_->With([&](sim::Cluster& cluster) { networks = cluster.Networks(); });
  EXPECT_TRUE(
      std::ranges::any_of(networks, [](const SwarmNetwork& n) { return n.spec.name == "theirs"; }));
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

// No container of a user's starts before there is a place for it, none of what has ended, and no
// monitor that has done its work does it again.
void World::CheckStart(const SwarmService& service) {
  const SwarmServiceSpec& spec = service.spec;
  if (LabelOf(spec, kLabelKind) != "Execution") return;
  const std::string ns = LabelOf(spec, kLabelNamespace), uid = LabelOf(spec, kLabelUid);
  const auto end = ends_.find(uid);
  EXPECT_TRUE(end == ends_.end() || end->second.empty())
      << NameOfService(spec) << " starts, although it has " << end->second;
  EXPECT_TRUE(may_rerun_.contains(uid) || !done_.contains({uid, LabelOf(spec, kLabelService)}))
      << NameOfService(spec) << " starts, although it has done its work";
  const auto user = Load<v1::User>(truth(), {"User", "", ns});
  if (user == nullptr) return;
  EXPECT_TRUE(IsTrue(user->status.conditions, "NetworkReady")) << NameOfService(spec);
  const auto workspace = Load<v1::Workspace>(truth(), {"Workspace", ns, ns});
  EXPECT_TRUE(workspace && IsTrue(workspace->status.conditions, "Ready")) << NameOfService(spec);
}

// One Swarm service per name; and nothing of a stranger's was touched.
void World::CheckServices() {
  std::vector<SwarmService> services;
  std::vector<SwarmTask> tasks;
  swarm_->With([&](sim::Cluster& cluster) {
    const SwarmService* stranger = cluster.GetService(stranger_id_);
    ASSERT_NE(stranger, nullptr) << "a stranger's service was removed";
    EXPECT_EQ(stranger->spec.image, "their/image");
    EXPECT_EQ(stranger->spec.replicas, 0u);
    services =
        cluster.Services([](const auto& spec) { return LabelOf(spec, kLabelDeployment) == "zoe"; });
    tasks = cluster.Tasks();
  });
  std::set<std::pair<std::string, std::string>> seen;
  for (const SwarmService& s : services) {
    const std::pair identity(LabelOf(s.spec, kLabelUid), LabelOf(s.spec, kLabelService));
    EXPECT_TRUE(seen.insert(identity).second) << "two Swarm services for " << NameOfService(s.spec);
    if (started_.insert(s.id).second) CheckStart(s);
  }
  for (const SwarmTask& t : tasks) {
    if (t.state != TaskState::kComplete || t.exit_code != 0) continue;
    const auto service = std::ranges::find(services, t.service_id, &SwarmService::id);
    if (service == services.end()) continue;
    const std::pair identity(LabelOf(service->spec, kLabelUid),
                             LabelOf(service->spec, kLabelService));
    if (monitors_.contains(identity)) done_.insert(identity);
  }
}

void World::CheckExecution(const v1::Execution& e) {
  std::map<std::string, int> restarts;
  for (const v1::ServiceStatus& s : e.status.services) {
    const auto before = restarts_[e.meta.uid].find(s.name);
    EXPECT_TRUE(before == restarts_[e.meta.uid].end() || s.restarts >= before->second)
        << "restarts fell";
    restarts[s.name] = s.restarts;
  }
  restarts_[e.meta.uid] = std::move(restarts);
  std::string& end = ends_[e.meta.uid];
  if (!end.empty() && !e.meta.deletion_timestamp) {
    EXPECT_EQ(e.status.phase, end) << "a finished execution came back";
  }
  if (v1::IsFinished(e.status)) end = e.status.phase;
  if (e.spec.suspend || e.meta.generation > 1) may_rerun_.insert(e.meta.uid);
  if (!e.spec.application) return;
  for (const v1::Service& service : e.spec.application->services) {
    if (service.monitor) monitors_.insert({e.meta.uid, service.name});
  }
}

// Looks at what has changed since the last time.
void World::CheckInvariants() {
  if (checked_writes_ == writes_) return;
  checked_writes_ = writes_;
  if (std::exchange(checked_swarm_, swarm_->writes()) != swarm_->writes()) {
    CheckNetworks();
    CheckServices();
  }
  const v1::Kind& kind = *v1::FindKind("Execution");
  ensemble_.Each("Execution", ensemble_.head(),
                 [&](const Key&, Revision revision, const std::string& bytes) {
                   if (revision <= checked_) return;
                   const auto object = v1::DecodeStored(kind, bytes);
                   CheckExecution(static_cast<const v1::Execution&>(**object));
                 });
  checked_ = ensemble_.head();
}

}  // namespace zoe::sim_test
