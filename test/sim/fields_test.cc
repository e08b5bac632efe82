// Fields in a living world: T28, any sequence of specs ends as the last one alone; T29, every field
// of the schema changed, put back and taken out converges, and putting it back at once touches
// nothing (T15); T30, what is refused leaves everything as it is.
#include <gtest/gtest.h>

#include <map>

#include "controller/runtime/log.h"
#include "reconcilers/execution/service_spec.h"
#include "test/sim/allowed.h"
#include "test/sim/generate.h"
#include "test/sim/judge.h"
#include "test/sim/world.h"
#include "test/sim/wrong.h"

namespace zoe::sim_test {
namespace {

using namespace std::chrono_literals;
using codec::Value;
using Services = std::map<std::string, SwarmServiceSpec>;

// Of every service of ours, without what differs from world to world.
Services ServicesOf(World& world) {
  Services services;
  world.WithCluster([&](sim::Cluster& cluster) {
    std::map<std::string, std::string> networks, secrets;
    for (const SwarmNetwork& n : cluster.Networks()) networks[n.id] = n.spec.name;
    for (const SwarmService& s : cluster.Services([](const auto& spec) {
           return zoe::LabelOf(spec.labels, kLabelDeployment) == "zoe";
         })) {
      SwarmServiceSpec spec = s.spec;
      const std::string name = zoe::LabelOf(spec.labels, kLabelKind) + "/" +
                               zoe::LabelOf(spec.labels, kLabelNamespace) + "/" +
                               zoe::LabelOf(spec.labels, kLabelName) + "/" +
                               zoe::LabelOf(spec.labels, kLabelService);
      spec.name.clear();
      for (Labels* labels : {&spec.labels, &spec.container_labels})
        std::erase_if(*labels, [](const auto& label) {
          return label.first == kLabelUid || label.first == "zoe.declared";
        });
      for (auto& network : spec.networks) network.network_id = networks[network.network_id];
      for (auto& secret : spec.secrets) secret.secret_id = secret.secret_name = "";
      // Names of a random uid, or of keys that are made at random.
      if (name.starts_with("Gateway")) spec.env.clear(), spec.networks.clear();
      services[name] = std::move(spec);
    }
  });
  return services;
}

// What stands, without how often it was changed.
std::string StateOf(World& world) {
  std::string text = world.Describe();
  for (const std::string_view word : {" generation ", " observed "}) {
    for (size_t at = 0; (at = text.find(word, at)) != text.npos;)
      text.erase(at, text.find_first_not_of("0123456789", at + word.size()) - at);
  }
  return text;
}

std::unique_ptr<World> NewWorld() {
  WorldOptions options;
  options.admission = Allowed();
  auto world = std::make_unique<World>(options);
  for (const Value& application : KnownApplications()) EXPECT_TRUE(world->Put(application).ok());
  return world;
}

bool IsSuspended(const Value& document) {
  const Value* suspend = document.At("spec.suspend");
  return suspend != nullptr && *suspend == Value(true);
}

class Fields : public testing::Test {
 protected:
  static void SetUpTestSuite() { log::Configure(log::Level::kError, false); }

  void Put(World& world, const Value& document) {
    const auto put = world.Put(document);
    ASSERT_TRUE(put.ok()) << put.error().ToString() << "\n" << codec::ToJson(document);
  }
  void ExpectSameServices(World& world, World& fresh) {
    const Services services = ServicesOf(world), expected = ServicesOf(fresh);
    for (const auto& [name, spec] : expected) {
      const auto found = services.find(name);
      ASSERT_NE(found, services.end()) << name;
      EXPECT_TRUE(found->second == spec)
          << name << ": " << execution::DescribeChange(spec, found->second);
    }
    EXPECT_EQ(services.size(), expected.size());
  }
  // `world` is as one in which only `document` was ever applied. Which services a suspended
  // execution had is its past's affair.
  void ExpectAsFresh(World& world, const Value& document) {
    auto fresh = NewWorld();
    Put(*fresh, document);
    fresh->Run(2min);
    world.Run(2min);
    if (!IsSuspended(document)) {
      EXPECT_EQ(StateOf(world), StateOf(*fresh));
    }
    ExpectSameServices(world, *fresh);
    EXPECT_EQ(log::ErrorCount(), 0);
  }
  int SwarmWrites(World& world) {
    int writes = 0;
    for (const auto& [line, times] : world.ledger())
      writes += line.starts_with("Swarm.") ? times : 0;
    return writes;
  }

  const v1::Kind& kind_ = *v1::FindKind("Execution");
  const Judge judge_ = ApiJudge();
};

// Nothing that may end it: how far that came would depend on time.
std::vector<std::string> Endings() {
  const std::string service = "spec.application.services[].";
  return {service + "monitor", service + "restart.policy", service + "restart.maxAttempts",
          "spec.activeDeadlineSeconds"};
}

TEST_F(Fields, AnySequenceOfSpecsEndsAsTheLastOneAlone) {  // T28
  for (uint64_t seed = 1; seed <= 120 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Generator troubled(seed, Without(judge_, Endings()), Programs::kTroubled);
    Generator good(seed + 1'000, Without(judge_, Endings()));
    auto world = NewWorld();
    for (uint64_t n = 2 + troubled.Below(4); n > 0; --n) {
      Put(*world, *troubled.Make(kind_, Named("x", "alice")));
      world->Run(Duration(static_cast<int64_t>(troubled.Below(2) == 0 ? troubled.Below(300)
                                                                      : troubled.Below(20'000))));
    }
    const Value last = *good.Make(kind_, Named("x", "alice"));
    SCOPED_TRACE(codec::ToJson(last));
    Put(*world, last);
    ExpectAsFresh(*world, last);
    if (!IsSuspended(last)) world->ExpectAtRest();
  }
}

TEST_F(Fields, EveryFieldChangedPutBackAndTakenOutConverges) {  // T29, T15
  Generator generator(1, judge_);
  for (const Leaf& leaf : LeavesOf(kind_)) {
    // Not true any more, they need something else instead: a hostPath, another cause.
    if (leaf.path.ends_with(".mounts[].workspace") || leaf.path.ends_with(".onOutOfMemory") ||
        leaf.path.ends_with(".onNodeLost"))
      continue;
    SCOPED_TRACE(leaf.path);
    std::optional<Value> base, changed;
    for (int tries = 0; !changed; ++tries) {
      ASSERT_LT(tries, 200) << "it has one value only";
      base = generator.Make(kind_, Named("x", "alice"), leaf.path);
      ASSERT_TRUE(base);
      changed = generator.Change(*base, leaf);
    }
    std::optional<Value> without;
    for (std::string path = leaf.path; !without && path != "spec"; path = ItemAround(path)) {
      Value candidate = *base;
      if (Erase(candidate, path) && judge_(candidate).empty()) without = candidate;
    }
    SCOPED_TRACE(codec::ToJson(*base));
    auto world = NewWorld();
    Put(*world, *base);
    ExpectAsFresh(*world, *base);
    const int before = SwarmWrites(*world);
    Put(*world, *changed);
    Put(*world, *base);
    world->Run(2min);
    EXPECT_EQ(SwarmWrites(*world), before) << "changed and put back at once";
    Put(*world, *changed);
    ExpectAsFresh(*world, *changed);
    Put(*world, *base);
    ExpectAsFresh(*world, *base);
    // A reference can't be taken away from what has nothing else to run, nor its only service.
    if (!without) continue;
    Put(*world, *without);
    ExpectAsFresh(*world, *without);
    world->ExpectAtRest();
    if (HasFailure()) return;
  }
}

// The same of people and their places, beside a run in that namespace.
class PlaceFields : public Fields, public testing::WithParamInterface<const char*> {
 protected:
  std::unique_ptr<World> Inhabited() {
    auto world = NewWorld();
    const auto run = codec::ParseYaml(
        "{apiVersion: zoe/v1, kind: Execution, metadata: {name: x, namespace: ann}, spec: "
        "{application: {services: [{name: web, image: w:1, mounts: [{workspace: true, path: "
        "/w}]}]}}}");
    world->ApplyUser("ann");
    world->Run(1min);
    Put(*world, run->at(0));
    world->Run(1min);
    return world;
  }
  void ExpectAsIn(World& world, const Value& document) {
    SCOPED_TRACE("now " + codec::ToJson(document));
    auto fresh = Inhabited();
    Put(*fresh, document);
    fresh->Run(2min);
    world.Run(2min);
    EXPECT_EQ(StateOf(world), StateOf(*fresh));
    ExpectSameServices(world, *fresh);
  }
};

TEST_P(PlaceFields, EachChangedPutBackAndTakenOutConverges) {  // T29
  const v1::Kind& kind = *v1::FindKind(GetParam());
  const Value metadata = kind.namespaced ? Named("ann", "ann") : Named("ann");
  // Fixed for ever, never kept, or for the next network alone.
  const std::set<std::string> fixed = {"spec.uid", "spec.gid", "spec.password", "spec.passwordHash",
                                       "spec.network.subnet"};
  const bool user = kind.name == "User";
  const Judge judge = user ? Without(judge_, {fixed.begin(), fixed.end()}) : judge_;
  Generator generator(3, judge);
  for (const Leaf& leaf : LeavesOf(kind)) {
    if (user && fixed.contains(leaf.path)) continue;
    SCOPED_TRACE(leaf.path);
    std::optional<Value> base, changed;
    for (int tries = 0; !changed; ++tries) {
      ASSERT_LT(tries, 200) << "it has one value only";
      base = generator.Make(kind, metadata, leaf.path);
      ASSERT_TRUE(base);
      changed = generator.Change(*base, leaf);
    }
    SCOPED_TRACE(codec::ToJson(*base));
    auto world = Inhabited();
    Put(*world, *base);
    ExpectAsIn(*world, *base);
    Put(*world, *changed);
    ExpectAsIn(*world, *changed);
    Put(*world, *base);
    ExpectAsIn(*world, *base);
    Value without = *base;
    ASSERT_TRUE(Erase(without, leaf.path));
    if (!judge(without).empty()) continue;
    Put(*world, without);
    ExpectAsIn(*world, without);
    world->ExpectAtRest();
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, PlaceFields, testing::Values("User", "Workspace", "Gateway"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST_F(Fields, WhatIsRefusedLeavesEverythingAsItIs) {  // T30
  Generator generator(2, judge_);
  auto world = NewWorld();
  const Value live = *generator.Make(kind_, Named("x", "alice"));
  Put(*world, live);
  world->Run(1min);
  const std::string state = world->Describe();
  const Revision revision = world->truth().Get({"Execution", "alice", "x"})->revision;
  const int writes = world->writes();
  for (const Leaf& leaf : LeavesOf(kind_)) {
    const auto document = generator.Make(kind_, Named("x", "alice"), leaf.path);
    for (const Wrong& wrong : WrongsOf(*document, leaf)) {
      const auto put = world->Put(wrong.json);
      ASSERT_FALSE(put.ok()) << wrong.path << " " << wrong.name;
    }
  }
  world->Run(1min);
  EXPECT_EQ(world->Describe(), state);
  EXPECT_EQ(world->truth().Get({"Execution", "alice", "x"})->revision, revision);
  EXPECT_EQ(world->writes(), writes);
}

}  // namespace
}  // namespace zoe::sim_test
