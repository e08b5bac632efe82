// What users and operators do.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "reconcilers/execution/service_spec.h"
#include "specs/meta/finalizers.h"
#include "specs/v1/kinds.h"
#include "specs/v1/user.h"
#include "test/sim/process.h"
#include "test/sim/read.h"
#include "test/sim/users.h"
#include "test/sim/world.h"

namespace zoe::sim_test {
namespace {

// `spec` as what stands under `spec:`.
codec::Value Document(const Key& key, const std::string& spec, const Meta& meta) {
  std::ostringstream text;
  text << "apiVersion: zoe/v1\nkind: " << key.kind << "\nmetadata: {name: " << key.name;
  if (!key.ns.empty()) text << ", namespace: " << key.ns;
  text << "}\nspec:\n";
  std::istringstream lines(spec);
  for (std::string line; std::getline(lines, line);) text << "  " << line << "\n";
  auto parsed = codec::ParseYaml(text.str());
  if (!parsed.ok()) throw std::runtime_error(parsed.error().ToString());
  codec::Value document = std::move(parsed->at(0));
  codec::Object annotations;
  for (const auto& [name, value] : meta.annotations) annotations.push_back({name, value});
  if (!annotations.empty()) document.Find("metadata")->Set("annotations", std::move(annotations));
  return document;
}

}  // namespace

Store& World::truth() { return people_->truth; }

// Through the API of whoever serves. Whose process dies meanwhile answers nothing.
Expected<void> World::Serve(const Key& key, const std::function<Expected<Api::Done>(Api&)>& act) {
  if (api == kAny) return Acknowledge(key, act(people_->api()));
  Machine* machine = Up(api);
  if (machine == nullptr || machine->stepping || clock.Now() < machine->paused_until)
    return MakeError(Code::kUnavailable, "nobody serves this API (simulated)");
  SetWires(*machine);
  machine->stepping = true;
  Expected<Api::Done> done = act(*machine->api);
  machine->stepping = false;
  if (machine->process->dead) done = MakeError(Code::kOutcomeUnknown, "the connection broke");
  if (machine->process->dead || machine->stopping) Bury(*machine, machine->process->dead);
  return Acknowledge(key, done);
}

Expected<void> World::Acknowledge(const Key& key, const Expected<Api::Done>& done) {
  if (!done.ok()) {
    if (done.error().code == Code::kOutcomeUnknown) acknowledged_.erase(key);
    return done.error();
  }
  if (done->written) acknowledged_.insert_or_assign(key, *done);
  if (key.kind == "User") users_.insert(key.name);
  return {};
}

Expected<void> World::Put(const std::string& document) {
  ZOE_ASSIGN(const std::vector<codec::Value> parsed, codec::ParseYaml(document));
  if (parsed.size() != 1) return MakeError(Code::kBadRequest, "not one document");
  return Put(parsed[0]);
}

Expected<void> World::Put(const codec::Value& document) {
  const Key key{document.StringAt("kind"), document.StringAt("metadata.namespace"),
                document.StringAt("metadata.name")};
  if (key.kind == "User") users_.insert(key.name);
  return Serve(key, [&](Api& serving) { return serving.Put(document); });
}

Expected<void> World::Remove(const Key& key, Propagation propagation) {
  static constexpr std::string_view kFinalizers[] = {"", kForegroundFinalizer, kOrphanFinalizer};
  if (key.kind == "User") emptied_.insert(key.name);
  return Serve(key, [&](Api& serving) {
    return serving.Remove(key, kFinalizers[static_cast<int>(propagation)]);
  });
}

void World::Apply(const std::string& name, const std::string& spec) {
  const auto before = Load<v1::Execution>(truth(), KeyOf(name));
  const auto done = Put(Document(KeyOf(name), spec, before ? before->meta : Meta()));
  ASSERT_TRUE(done.ok()) << done.error().ToString();
}

void World::ApplyUser(const std::string& name, const std::string& spec) {
  const auto done = Put(Document({"User", "", name}, spec, {}));
  ASSERT_TRUE(done.ok()) << done.error().ToString();
}

void World::Annotate(const std::string& name, std::string_view annotation,
                     const std::string& value) {
  const Key key = KeyOf(name);
  const auto record = truth().Get(key);
  ASSERT_TRUE(record.ok());
  v1::Execution execution = *Load<v1::Execution>(truth(), key);
  execution.meta.annotations[std::string(annotation)] = value;
  const std::string bytes = v1::EncodeJson(*v1::FindKind("Execution"), execution);
  ASSERT_TRUE(truth().Replace(key, record->revision, bytes).ok());
}

void World::Delete(const std::string& name) { Delete(KeyOf(name)); }

void World::Delete(const Key& key) {
  const auto done = Remove(key);
  ASSERT_TRUE(done.ok() || done.error().code == Code::kNotFound) << done.error().ToString();
}

void World::Forget(const std::string& name) {
  const auto record = truth().Get(KeyOf(name));
  ASSERT_TRUE(record.ok());
  ASSERT_TRUE(truth().Delete(KeyOf(name), record->revision).ok());
  acknowledged_.erase(KeyOf(name));
}

void World::WithCluster(const std::function<void(sim::Cluster&)>& act) { swarm_->With(act); }

std::string World::SwarmName(const std::string& name, const std::string& service) {
  const auto execution = Get(name);
  return execution ? execution::SwarmServiceName("zoe", execution->meta.uid, service) : "";
}

void World::RemoveByHand(const std::string& name, const std::string& service) {
  swarm_->With([&, swarm_name = SwarmName(name, service)](sim::Cluster& cluster) {
    const SwarmService* s = cluster.FindService(swarm_name);
    if (s == nullptr) return;
    may_rerun_.insert(LabelOf(s->spec, kLabelUid));
    (void)cluster.RemoveService(std::string(s->id));
  });
}

void World::ChangeByHand(const std::string& name, const std::string& service,
                         const std::function<void(SwarmServiceSpec&)>& change) {
  swarm_->With([&, swarm_name = SwarmName(name, service)](sim::Cluster& cluster) {
    const SwarmService* found = cluster.FindService(swarm_name);
    if (found == nullptr) return;
    const SwarmService s = *found;
    SwarmServiceSpec spec = s.spec;
    change(spec);
    (void)cluster.UpdateService(s.id, s.version, spec);
  });
}

void World::RemoveNetworkByHand(const std::string& ns) {
  swarm_->With([&](sim::Cluster& cluster) {
    for (const SwarmService& s : cluster.Services([&](const auto& spec) {
           return LabelOf(spec, kLabelKind) == "Gateway" && LabelOf(spec, kLabelNamespace) == ns;
         }))
      (void)cluster.RemoveService(s.id);
    for (const SwarmNetwork& n : cluster.Networks()) {
      if (n.spec.name == NetworkName("zoe", ns)) (void)cluster.RemoveNetwork(std::string(n.id));
    }
  });
}

void World::EndTask(const std::string& name, const std::string& service, int slot, int exit_code) {
  swarm_->With([&, swarm_name = SwarmName(name, service)](sim::Cluster& cluster) {
    (void)cluster.EndTask(swarm_name, slot, exit_code);
  });
}

void World::NodeUp(const std::string& node, bool up) {
  swarm_->With([&](sim::Cluster& cluster) { cluster.SetNodeUp(node, up); });
}

void World::NodeAvailability(const std::string& node, const std::string& availability) {
  swarm_->With([&](sim::Cluster& cluster) { cluster.SetNodeAvailability(node, availability); });
}

}  // namespace zoe::sim_test
