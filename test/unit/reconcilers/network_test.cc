#include "reconcilers/namespace/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "apis/sim/sim_swarm.h"
#include "controller/runtime/manual_clock.h"

namespace zoe {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

Subnet S(std::string_view text) { return *ParseSubnet(text); }

std::vector<Subnet> Pool(std::initializer_list<std::string_view> texts) {
  std::vector<Subnet> pool;
  for (const std::string_view text : texts) pool.push_back(S(text));
  return pool;
}

std::string Planned(const std::vector<Subnet>& pool, int prefix, const std::vector<Subnet>& taken) {
  const auto subnet = PlanSubnet(pool, prefix, taken);
  return subnet.ok() ? subnet->ToString() : subnet.error().reason;
}

TEST(PrefixFor, HasRoomForContainersNodesGatewayAndBothEnds) {
  EXPECT_EQ(PrefixFor(0, 0), 28);
  EXPECT_EQ(PrefixFor(8, 3), 28);
  EXPECT_EQ(PrefixFor(10, 3), 28);  // 16 addresses, none left
  EXPECT_EQ(PrefixFor(11, 3), 27);
  EXPECT_EQ(PrefixFor(200, 3), 24);
  EXPECT_EQ(PrefixFor(250, 3), 24);
  EXPECT_EQ(PrefixFor(251, 3), 23);
  EXPECT_EQ(PrefixFor(60'000, 1'000), 16);
  EXPECT_EQ(PrefixFor(int64_t{1} << 62, int64_t{1} << 62), 0);
  EXPECT_EQ(PrefixFor(-5, -5), 28);
}

TEST(PlanSubnet, TakesTheFirstThatIsFree) {
  const std::vector<Subnet> pool = Pool({"10.192.0.0/11"});
  EXPECT_EQ(Planned(pool, 24, {}), "10.192.0.0/24");
  EXPECT_EQ(Planned(pool, 24, Pool({"10.192.0.0/24"})), "10.192.1.0/24");
  EXPECT_EQ(Planned(pool, 24, Pool({"10.192.1.0/24"})), "10.192.0.0/24");
  EXPECT_EQ(Planned(pool, 24, Pool({"10.192.0.77/32"})), "10.192.1.0/24") << "a node's address";
  EXPECT_EQ(Planned(pool, 23, Pool({"10.192.0.0/28", "10.192.2.16/28"})), "10.192.4.0/23");
  EXPECT_EQ(Planned(pool, 24, Pool({"10.0.0.0/8"})), "PoolExhausted");
  EXPECT_EQ(Planned(pool, 24, Pool({"192.168.0.0/16", "10.191.255.0/24"})), "10.192.0.0/24");
}

TEST(PlanSubnet, UsesThePoolUpToItsEdges) {
  EXPECT_EQ(Planned(Pool({"10.1.2.0/29"}), 29, {}), "10.1.2.0/29");
  EXPECT_EQ(Planned(Pool({"10.1.2.0/29"}), 28, {}), "PoolExhausted");
  EXPECT_EQ(Planned(Pool({"10.1.2.0/27"}), 28, Pool({"10.1.2.0/28"})), "10.1.2.16/28");
  EXPECT_EQ(Planned(Pool({"10.1.2.0/27"}), 28, Pool({"10.1.2.0/28", "10.1.2.31/32"})),
            "PoolExhausted");
  EXPECT_EQ(Planned(Pool({"255.255.255.0/24"}), 25, Pool({"255.255.255.0/25"})),
            "255.255.255.128/25");
  EXPECT_EQ(
      Planned(Pool({"255.255.255.0/24"}), 25, Pool({"255.255.255.255/32", "255.255.255.0/32"})),
      "PoolExhausted");
  EXPECT_EQ(Planned(Pool({"0.0.0.0/0"}), 0, {}), "0.0.0.0/0");
  EXPECT_EQ(Planned(Pool({"10.0.0.0/12"}), 12, {}), "10.0.0.0/12");
  EXPECT_EQ(Planned({}, 24, {}), "PoolExhausted");
}

TEST(PlanSubnet, GoesOnInTheNextPool) {
  const std::vector<Subnet> pool = Pool({"10.1.0.0/28", "172.20.0.0/24", "10.2.0.0/24"});
  EXPECT_EQ(Planned(pool, 28, {}), "10.1.0.0/28");
  EXPECT_EQ(Planned(pool, 25, {}), "172.20.0.0/25");
  EXPECT_EQ(Planned(pool, 25, Pool({"172.20.0.0/24"})), "10.2.0.0/25");
  const auto full = PlanSubnet(pool, 20, {});
  EXPECT_THAT(full.error().message,
              AllOf(HasSubstr("/20"), HasSubstr("10.1.0.0/28,172.20.0.0/24,10.2.0.0/24")));
}

// Whatever the pools and what stands in them: what is planned overlaps nothing, lies in a pool, and
// is refused only if there is no room.
TEST(PlanSubnet, NeverOverlapsAndNeverGivesUpEarly) {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    const auto number = [&](int low, int high) {
      return std::uniform_int_distribution<int>(low, high)(random);
    };
    std::vector<Subnet> pool, taken;
    for (int i = number(1, 3); i > 0; --i)
      pool.push_back(S("10." + std::to_string(i * 16) + ".0.0/" + std::to_string(number(12, 29))));
    for (int i = number(0, 6); i > 0; --i) {
      const Subnet& in = pool[static_cast<size_t>(number(0, static_cast<int>(pool.size()) - 1))];
      const auto address = static_cast<uint32_t>(in.first() + random() % in.size());
      taken.push_back(
          S(Subnet{address, 32}.ToString().substr(0, Subnet{address, 32}.ToString().find('/')) +
            "/" + std::to_string(number(20, 32))));
    }
    for (int round = 0; round < 40; ++round) {
      const int prefix = number(20, 29);
      const auto planned = PlanSubnet(pool, prefix, taken);
      const auto overlaps = [&](const Subnet& subnet) {
        return std::ranges::any_of(taken, [&](const Subnet& t) { return t.Overlaps(subnet); });
      };
      if (!planned.ok()) {
        const uint64_t size = Subnet{0, prefix}.size();
        for (const Subnet& range : pool) {
          for (uint64_t at = range.first(); at + size - 1 <= range.last(); at += size)
            ASSERT_TRUE(overlaps({static_cast<uint32_t>(at), prefix}))
                << "seed " << seed << ": " << Subnet{static_cast<uint32_t>(at), prefix}.ToString();
        }
        continue;
      }
      ASSERT_EQ(planned->prefix, prefix) << "seed " << seed;
      ASSERT_EQ(planned->first() % planned->size(), 0u) << "seed " << seed;
      ASSERT_FALSE(overlaps(*planned)) << "seed " << seed << ": " << planned->ToString();
      ASSERT_TRUE(std::ranges::any_of(pool,
                                      [&](const Subnet& range) {
                                        return range.first() <= planned->first() &&
                                               planned->last() <= range.last();
                                      }))
          << "seed " << seed;
      taken.push_back(*planned);
    }
  }
}

// A Swarm at which something can happen between two of its calls.
class Interrupted : public SimSwarm {
 public:
  using SimSwarm::SimSwarm;
  Expected<std::vector<std::string>> ListSubnets(const Context& ctx) override {
    auto listed = SimSwarm::ListSubnets(ctx);
    if (after_listing) std::exchange(after_listing, nullptr)();
    return listed;
  }
  std::function<void()> after_listing;
};

class NetworksTest : public testing::Test {
 protected:
  SimOptions Sim() {
    SimOptions options;
    options.threaded = false;
    options.fault = [this](std::string_view call) {
      return call == failing ? fault : SimFault::kNone;
    };
    return options;
  }

  NetworkNeed Need(const std::string& ns, const std::string& subnet = "") {
    NetworkNeed need;
    need.network.addresses = 200;
    need.ns = ns;
    need.has_user = true;
    need.network.subnet = subnet;
    return need;
  }
  std::string Ensure(const NetworkNeed& need) {
    const auto network = networks.Ensure(ctx, need);
    return network.ok() ? network->spec.subnet : network.error().reason;
  }
  void Put(SwarmNetworkSpec spec) {
    swarm.With([&](sim::Cluster& cluster) { ASSERT_TRUE(cluster.CreateNetwork(spec).ok()); });
  }
  void Remove(const std::string& ns) {
    const auto network = networks.Find(ctx, ns);
    ASSERT_TRUE(network.ok());
    ASSERT_TRUE(swarm.RemoveNetwork(ctx, network->id).ok());
  }

  ManualClock clock;
  std::string failing;
  SimFault fault = SimFault::kNone;
  Interrupted swarm{Sim(), clock};
  Networks networks{swarm, {.deployment = "zoe", .pool = Pool({"10.192.0.0/11"})}};
  Context ctx{clock};
};

TEST_F(NetworksTest, MakesOneAndFindsItAgain) {
  EXPECT_EQ(networks.Find(ctx, "alice").error().code, Code::kNotFound);
  EXPECT_EQ(Ensure(Need("alice")), "10.192.0.0/24");
  EXPECT_EQ(Ensure(Need("alice")), "10.192.0.0/24");
  const auto found = networks.Find(ctx, "alice");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->spec.name, "zoe-zoe-alice");
  EXPECT_THAT(found->spec.labels,
              UnorderedElementsAre(Pair("zoe.deployment", "zoe"), Pair("zoe.namespace", "alice"),
                                   Pair("zoe.kind", "User"), Pair("zoe.name", "alice")));
  NetworkNeed without;
  without.network.addresses = 200;
  without.ns = "bob";
  EXPECT_EQ(Ensure(without), "10.192.1.0/24");
  EXPECT_EQ(LabelOf(networks.Find(ctx, "bob")->spec.labels, kLabelKind), "Namespace");
}

TEST_F(NetworksTest, OneThatIsOursIsTakenAsItIs) {
  SwarmNetworkSpec spec;
  spec.name = "zoe-zoe-alice";
  spec.labels = {{"zoe.deployment", "zoe"}, {"zoe.namespace", "alice"}};
  spec.subnet = "192.168.9.0/24";
  Put(spec);
  EXPECT_EQ(Ensure(Need("alice", "10.9.0.0/24")), "192.168.9.0/24");
}

TEST_F(NetworksTest, AStrangersIsNamed) {
  SwarmNetworkSpec spec;
  spec.name = "zoe-zoe-alice";
  Put(spec);
  spec.name = "zoe-zoe-b-c";
  spec.labels = {{"zoe.deployment", "zoe"}, {"zoe.namespace", "c"}};
  Put(spec);
  for (const std::string ns : {"alice", "b-c"}) {
    const auto refused = networks.Ensure(ctx, Need(ns));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, Code::kAlreadyExists);
    EXPECT_EQ(refused.error().reason, "NetworkBusy");
    EXPECT_THAT(refused.error().message, HasSubstr("zoe-zoe-" + ns));
  }
}

TEST_F(NetworksTest, ARemovedNetworksNameIsWaitedForAndItsSubnetTakenAgain) {
  NetworkNeed alice = Need("alice");
  EXPECT_EQ(Ensure(Need("first")), "10.192.0.0/24");
  alice.preferred = Ensure(alice);
  EXPECT_EQ(alice.preferred, "10.192.1.0/24");
  (void)networks.Find(ctx, "first");
  Remove("first");
  Remove("alice");
  EXPECT_EQ(Ensure(alice), "NetworkBusy");
  clock.Advance(std::chrono::seconds(10));
  swarm.RunDue();
  EXPECT_EQ(Ensure(alice), "10.192.1.0/24");
}

TEST_F(NetworksTest, WhatItHadBeforeIsNotTakenAgainIfItDoesNotFit) {
  NetworkNeed need = Need("alice");
  need.preferred = "10.192.9.0/25";
  EXPECT_EQ(Ensure(need), "10.192.0.0/24") << "too small";
  need = Need("bob");
  need.preferred = "10.9.9.0/24";
  EXPECT_EQ(Ensure(need), "10.192.1.0/24") << "not in the pool";
  need = Need("carol");
  need.preferred = "10.192.1.0/24";
  EXPECT_EQ(Ensure(need), "10.192.2.0/24") << "not free";
  need = Need("dave");
  need.preferred = "nonsense";
  EXPECT_EQ(Ensure(need), "10.192.3.0/24");
}

TEST_F(NetworksTest, AFixedSubnetMustBeFree) {
  EXPECT_EQ(Ensure(Need("alice", "10.50.7.9/24")), "10.50.7.0/24");
  const auto refused = networks.Ensure(ctx, Need("bob", "10.50.0.0/16"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kInvalid);
  EXPECT_EQ(refused.error().reason, "SubnetTaken");
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("10.50.0.0/16"), HasSubstr("10.50.7.0/24")));
  EXPECT_EQ(Ensure(Need("bob", "10.51.0.0/16")), "10.51.0.0/16") << "corrected";
}

TEST_F(NetworksTest, AnotherMakerMeanwhileGetsAnotherSubnet) {
  std::string other;
  swarm.after_listing = [&] { other = Ensure(Need("bob")); };
  EXPECT_EQ(Ensure(Need("alice")), "10.192.1.0/24");
  EXPECT_EQ(other, "10.192.0.0/24");
}

TEST_F(NetworksTest, ASubnetSeenMeanwhileIsRememberedForThoseWhoLookedBefore) {
  swarm.after_listing = [&] {
    (void)Ensure(Need("bob"));
    (void)networks.Find(ctx, "bob");  // it stands, so that new lists show it
  };
  EXPECT_EQ(Ensure(Need("alice")), "10.192.1.0/24");
  EXPECT_EQ(networks.Find(ctx, "bob")->spec.subnet, "10.192.0.0/24");
}

TEST_F(NetworksTest, TwoMakersOfOneNetworkMakeOne) {
  std::string other;
  swarm.after_listing = [&] { other = Ensure(Need("alice")); };
  EXPECT_EQ(Ensure(Need("alice")), other);
  EXPECT_EQ(swarm.ListNetworks(ctx)->size(), 1u);
}

TEST_F(NetworksTest, ALostReplyIsMetAgainAndItsSubnetIsNotGivenAway) {
  failing = "CreateNetwork";
  fault = SimFault::kAfter;
  EXPECT_EQ(networks.Ensure(ctx, Need("alice")).error().code, Code::kOutcomeUnknown);
  fault = SimFault::kBefore;
  EXPECT_EQ(networks.Ensure(ctx, Need("bob")).error().code, Code::kUnavailable);
  failing.clear();
  EXPECT_EQ(Ensure(Need("carol")), "10.192.2.0/24");
  EXPECT_EQ(Ensure(Need("alice")), "10.192.0.0/24");
  EXPECT_EQ(Ensure(Need("bob")), "10.192.1.0/24");
}

TEST_F(NetworksTest, WhatIsGivenBackCanBeHadAgain) {
  Networks small(swarm, {.deployment = "zoe", .pool = Pool({"10.1.0.0/24"})});
  ASSERT_TRUE(small.Ensure(ctx, Need("alice")).ok());
  EXPECT_EQ(small.Ensure(ctx, Need("bob")).error().reason, "PoolExhausted");
  (void)small.Find(ctx, "alice");
  Remove("alice");
  EXPECT_TRUE(small.Ensure(ctx, Need("bob")).ok());
}

TEST_F(NetworksTest, ACreationThatNeverHappenedIsForgottenInTheEnd) {
  Networks small(swarm, {.deployment = "zoe", .pool = Pool({"10.1.0.0/24"})});
  failing = "CreateNetwork";
  fault = SimFault::kBefore;
  EXPECT_EQ(small.Ensure(ctx, Need("alice")).error().code, Code::kUnavailable);
  failing.clear();
  EXPECT_EQ(small.Ensure(ctx, Need("bob")).error().reason, "PoolExhausted");
  clock.Advance(std::chrono::minutes(3));
  EXPECT_TRUE(small.Ensure(ctx, Need("bob")).ok());
}

TEST_F(NetworksTest, EncryptionIsAskedForByTheUserOrForAll) {
  NetworkNeed need = Need("alice");
  need.network.encrypted = true;
  ASSERT_TRUE(networks.Ensure(ctx, need).ok());
  EXPECT_TRUE(networks.Find(ctx, "alice")->spec.encrypted);
  ASSERT_TRUE(networks.Ensure(ctx, Need("bob")).ok());
  EXPECT_FALSE(networks.Find(ctx, "bob")->spec.encrypted);
  Networks secret(swarm, {.deployment = "zoe", .pool = Pool({"10.9.0.0/16"}), .encrypted = true});
  ASSERT_TRUE(secret.Ensure(ctx, Need("carol")).ok());
  EXPECT_TRUE(secret.Find(ctx, "carol")->spec.encrypted);
}

TEST_F(NetworksTest, ManyInParallelNeverOverlap) {
  constexpr int kThreads = 8, kEach = 20;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < kEach; ++i) {
        NetworkNeed need = Need("u" + std::to_string(t) + "-" + std::to_string(i));
        need.network.addresses = 8 + 100 * (i % 5);
        EXPECT_TRUE(networks.Ensure(ctx, need).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto made = swarm.ListNetworks(ctx);
  ASSERT_EQ(made->size(), static_cast<size_t>(kThreads * kEach));
  for (size_t a = 0; a < made->size(); ++a) {
    for (size_t b = a + 1; b < made->size(); ++b)
      ASSERT_FALSE(S((*made)[a].spec.subnet).Overlaps(S((*made)[b].spec.subnet)))
          << (*made)[a].spec.subnet << " " << (*made)[b].spec.subnet;
  }
}

}  // namespace
}  // namespace zoe
