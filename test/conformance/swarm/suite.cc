#include "test/conformance/swarm/suite.h"

#include <algorithm>
#include <condition_variable>

namespace zoe::testing {
namespace {

// Made by the first test, ended after the last.
Expected<std::unique_ptr<World>>* shared_world = nullptr;

class EndWorld : public ::testing::Environment {
 public:
  void TearDown() override {
    delete shared_world;
    shared_world = nullptr;
  }
};
const auto* const kEndWorld = ::testing::AddGlobalTestEnvironment(new EndWorld);

}  // namespace

void SwarmConformance::SetUp() {
  if (!shared_world) shared_world = new Expected<std::unique_ptr<World>>(MakeWorld());
  if (!shared_world->ok()) GTEST_SKIP() << shared_world->error().message;
  static int tests = 0;
  uid_ = "t" + std::to_string(++tests);
}

void SwarmConformance::TearDown() {
  if (!shared_world->ok()) return;
  std::vector<std::string> ids;
  for (const SwarmService& service : Observe().services) ids.push_back(service.id);
  for (const auto& removed : swarm().RemoveServices(Ctx(), ids)) EXPECT_TRUE(removed.ok());
  for (const std::string& id : networks_) {
    Until("network removed", [&] { return swarm().RemoveNetwork(Ctx(), id).ok(); });
  }
  for (const std::string& id : secrets_) EXPECT_TRUE(swarm().RemoveSecret(Ctx(), id).ok());
}

World& SwarmConformance::world() { return *shared_world->value(); }

Context SwarmConformance::Ctx(Duration limit) {
  return Context{world().clock()}.WithTimeout(limit);
}

SwarmServiceSpec SwarmConformance::Spec(const std::string& name, const std::string& script) {
  SwarmServiceSpec spec;
  spec.name = Named(name);
  spec.labels = {{"zoe.deployment", "conf"}, {"zoe.namespace", "alice"}, {"zoe.kind", "Execution"},
                 {"zoe.name", uid_},         {"zoe.uid", uid_},          {"zoe.service", name}};
  spec.replicas = 1;
  spec.image = world().image();
  spec.command = {"sh", "-c", script};
  spec.stop_grace_period = Duration(100);
  spec.restart_delay = Duration(100);
  return spec;
}

std::string SwarmConformance::Create(const SwarmServiceSpec& spec) {
  const auto ids = swarm().CreateServices(Ctx(), {&spec, 1});
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_TRUE(ids[0].ok()) << ids[0].error().message;
  return ids[0].value_or("");
}

Observation SwarmConformance::Observe() {
  auto seen = swarm().Observe(Ctx(), uid_);
  EXPECT_TRUE(seen.ok()) << seen.error().message;
  return seen.ok() ? *std::move(seen) : Observation{};
}

SwarmService SwarmConformance::Service(const std::string& id) {
  const Observation seen = Observe();
  const auto it = std::ranges::find(seen.services, id, &SwarmService::id);
  EXPECT_NE(it, seen.services.end()) << id;
  return it == seen.services.end() ? SwarmService{} : *it;
}

std::vector<SwarmTask> SwarmConformance::Tasks(const std::string& service_id) {
  std::vector<SwarmTask> tasks = Observe().tasks;
  std::erase_if(tasks, [&](const SwarmTask& t) { return t.service_id != service_id; });
  return tasks;
}

std::vector<SwarmTask> SwarmConformance::Tasks(const std::string& service_id, TaskState state) {
  std::vector<SwarmTask> tasks = Tasks(service_id);
  std::erase_if(tasks, [&](const SwarmTask& t) { return t.state != state; });
  return tasks;
}

void SwarmConformance::Remove(const std::string& id) {
  const auto removed = swarm().RemoveServices(Ctx(), {&id, 1});
  ASSERT_EQ(removed.size(), 1u);
  EXPECT_TRUE(removed[0].ok()) << removed[0].error().message;
}

bool SwarmConformance::Until(const std::string& what, const std::function<bool()>& holds,
                             Duration limit) {
  const Clock& clock = world().clock();
  const SteadyTime end = clock.Now() + limit;
  std::mutex mutex;
  std::condition_variable never;
  while (!holds()) {
    const SteadyTime now = clock.Now();
    if (now >= end) {
      ADD_FAILURE() << "not reached in time: " << what;
      return false;
    }
    std::unique_lock lock(mutex);
    clock.WaitUntil(never, lock, now + Duration(10));
  }
  return true;
}

bool SwarmConformance::UntilRunning(const std::string& service_id, size_t tasks) {
  return Until(std::to_string(tasks) + " running",
               [&] { return Tasks(service_id, TaskState::kRunning).size() == tasks; });
}

std::string SwarmConformance::Network(const std::string& name) {
  SwarmNetworkSpec spec;
  spec.name = Named(name);
  spec.labels = {{"zoe.deployment", "conf"}};
  const auto id = swarm().CreateNetwork(Ctx(), spec);
  EXPECT_TRUE(id.ok()) << id.error().message;
  if (id) networks_.push_back(*id);
  return id.value_or("");
}

std::string SwarmConformance::Secret(const std::string& name, const std::string& data,
                                     const std::string& kind) {
  const Labels labels = {{"zoe.deployment", "conf"},
                         {"zoe.kind", kind},
                         {"zoe.namespace", "alice"},
                         {"zoe.name", uid_}};
  const auto id = swarm().CreateSecret(Ctx(), Named(name), labels, data);
  EXPECT_TRUE(id.ok()) << id.error().message;
  if (id) secrets_.push_back(*id);
  return id.value_or("");
}

bool SwarmConformance::Hints::Has(const std::string& kind, const std::string& name) {
  const std::lock_guard lock(mutex);
  return std::ranges::any_of(seen,
                             [&](const SwarmHint& h) { return h.kind == kind && h.name == name; });
}

void SwarmConformance::Hints::Clear() {
  const std::lock_guard lock(mutex);
  seen.clear();
}

std::unique_ptr<SwarmConformance::Hints> SwarmConformance::Subscribe() {
  auto hints = std::make_unique<Hints>();
  auto watch = swarm().Subscribe([h = hints.get()](const SwarmHint& hint) {
    const std::lock_guard lock(h->mutex);
    h->seen.push_back(hint);
  });
  EXPECT_TRUE(watch.ok());
  if (watch) hints->watch = *std::move(watch);
  return hints;
}

}  // namespace zoe::testing
