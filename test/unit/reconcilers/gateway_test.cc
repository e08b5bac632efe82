#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "apis/memory/memory_store.h"
#include "apis/sim/sim_swarm.h"
#include "controller/cache/informer.h"
#include "controller/loop/controller.h"
#include "controller/runtime/manual_clock.h"
#include "reconcilers/gateway/effects.h"
#include "reconcilers/gateway/gateway_reconciler.h"
#include "reconcilers/gateway/plan.h"
#include "reconcilers/gateway/status.h"
#include "specs/v1/event.h"
#include "specs/v1/user.h"

namespace zoe {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr const char* kAliceKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1e alice";
constexpr const char* kOtherKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOOOOO3aLq454yWBdwLWbieU1e other";
const Key kGateway{"Gateway", "alice", "alice"}, kUser{"User", "", "alice"};
const Key kOwn{"Credential", "alice", "gateway"}, kLogin{"Credential", "alice", "login"};

// One gateway's control loop in one thread, over a simulated Swarm.
class World {
 public:
  explicit World(std::function<SimFault(std::string_view)> fault = {})
      : swarm(Simulated(std::move(fault)), clock),
        networks(swarm, {.deployment = "zoe", .pool = {*ParseSubnet("10.192.0.0/16")}}),
        reconciler(swarm, *store, cache, networks, {}) {
    controller.SetLease(SteadyTime::max());
  }

  template <class T>
  void Put(const Key& key, const T& object) {
    const v1::Kind& kind = *v1::FindKind(key.kind);
    T stored = object;
    stored.meta.name = key.name;
    stored.meta.ns = key.ns;
    const auto old = store->Get(key);
    if (stored.meta.uid.empty()) stored.meta.uid = key.kind + std::to_string(++uids);
    const auto done = old.ok() ? store->Replace(key, old->revision, v1::EncodeJson(kind, stored))
                               : store->Create(key, v1::EncodeJson(kind, stored));
    ASSERT_TRUE(done.ok()) << done.error().ToString();
  }
  template <class T>
  T Get(const Key& key) {
    const auto record = store->Get(key);
    if (!record.ok()) return T();
    return static_cast<const T&>(**v1::DecodeStored(*v1::FindKind(key.kind), record->bytes));
  }
  template <class T>
  void Change(const Key& key, const std::function<void(T&)>& change) {
    T object = Get<T>(key);
    change(object);
    ++object.meta.generation;
    Put(key, object);
  }
  bool Has(const Key& key) { return store->Get(key).ok(); }

  void PutUser() {
    v1::User user;
    user.spec.uid = user.spec.gid = 1001;
    user.spec.ssh_keys = {kAliceKey};
    user.meta.generation = 1;
    Put(kUser, user);
    v1::Credential login;
    login.spec.password_crypt = "$6$alice";
    Put(kLogin, login);
    MakeNetwork();
  }
  void PutGateway(const std::function<void(v1::GatewaySpec&)>& set = {}) {
    v1::Gateway gateway;
    gateway.meta.generation = 1;
    if (set) set(gateway.spec);
    Put(kGateway, gateway);
  }
  void MakeNetwork() {
    const auto made = networks.Ensure(ctx, {.ns = "alice", .has_user = true});
    ASSERT_TRUE(made.ok()) << made.error().ToString();
  }
  void RequestDeletion(const Key& key) {
    Change<v1::Gateway>(key,
                        [this](v1::Gateway& g) { g.meta.deletion_timestamp = clock.WallNow(); });
  }

  void Run(Duration time) {
    for (const SteadyTime end = clock.Now() + time; clock.Now() < end;
         clock.Advance(Duration{10})) {
      for (bool moved = true; moved;) {
        moved = informer.PumpOnce();
        swarm.RunDue();
        moved |= controller.Step();
      }
      events.Flush();
    }
  }
  v1::GatewayStatus Status() { return Get<v1::Gateway>(kGateway).status; }
  std::string Ready() {
    const v1::GatewayStatus status = Status();
    const Condition* ready = FindCondition(status.conditions, "Ready");
    return ready == nullptr ? "" : ready->status + " " + ready->reason;
  }
  std::vector<std::string> Events() {
    std::vector<std::string> told;
    const auto listing = store->List("Event");
    for (const Record& record : listing->records) {
      const auto object = v1::DecodeStored(*v1::FindKind("Event"), record.bytes);
      const auto& event = static_cast<const v1::Event&>(**object);
      told.push_back(event.reason + ": " + event.message);
    }
    return told;
  }
  std::vector<SwarmService> Services() { return *swarm.ListServices(ctx); }
  std::vector<std::string> SecretNames() {
    std::vector<std::string> names;
    const auto secrets = swarm.ListSecrets(ctx);
    for (const SwarmSecret& secret : *secrets) names.push_back(secret.name);
    return names;
  }
  std::vector<std::string> UsedSecrets() {
    std::vector<std::string> names;
    const SwarmService service = Services().at(0);
    for (const auto& secret : service.spec.secrets) names.push_back(secret.secret_name);
    return names;
  }

  ManualClock clock;
  Context ctx{clock};
  Metrics metrics;
  std::unique_ptr<Store> store = MakeMemoryStore({.threaded = false});
  Cache cache;
  SimSwarm swarm;
  Informer informer{*store, cache, clock, metrics};
  EventRecorder events{*store, clock, metrics};
  Networks networks;
  GatewayReconciler reconciler;
  Controller controller{{.name = "gateway",
                         .kind = "Gateway",
                         .related =
                             [this](const CacheEvent& event, std::vector<Key>& keys) {
                               GatewayReconciler::Related(cache, event, keys);
                             }},
                        reconciler,
                        {*store, cache, swarm, clock, metrics, events}};
  int uids = 0;

 private:
  static SimOptions Simulated(std::function<SimFault(std::string_view)> fault) {
    SimOptions options;
    options.threaded = false;
    options.fault = std::move(fault);
    return options;
  }
};

TEST(GatewayLoop, TellsWhereItIs) {
  World world;
  world.PutUser();
  world.PutGateway();
  world.Run(Duration{3'000});
  EXPECT_EQ(world.Ready(), "True Running");
  const v1::GatewayStatus status = world.Status();
  EXPECT_EQ(status.user, "alice");
  EXPECT_FALSE(status.node.empty());
  EXPECT_FALSE(status.address.empty());
  EXPECT_GT(status.ssh_port, 0);
  EXPECT_NE(status.ssh_port, status.socks_port);
  EXPECT_THAT(status.host_key, StartsWith("ssh-ed25519 AAAA"));
  EXPECT_THAT(status.host_key_fingerprint, StartsWith("SHA256:"));
  EXPECT_EQ(status.socks, "socks5h://" + status.address + ":" + std::to_string(status.socks_port));
  EXPECT_EQ(status.ssh, "ssh -N -p " + std::to_string(status.ssh_port) +
                            " -o HostKeyAlias=zoe-zoe-alice alice@" + status.address);
  EXPECT_EQ(world.Get<v1::Gateway>(kGateway).meta.finalizers,
            std::vector<std::string>{std::string(v1::kGatewayFinalizer)});
}

TEST(GatewayLoop, WritesNothingAtRest) {
  World world;
  world.PutUser();
  world.PutGateway();
  world.Run(Duration{5'000});
  const int writes = world.swarm.writes();
  const Revision revision = world.store->List("Gateway")->revision;
  for (int i = 0; i < 10; ++i) {
    world.controller.EnqueueAll();
    world.Run(Duration{1'000});
  }
  EXPECT_EQ(world.swarm.writes(), writes);
  EXPECT_EQ(world.store->List("Gateway")->revision, revision);
}

TEST(GatewayLoop, ReplacesTheSecretsOfWhatChanged) {
  World world;
  world.PutUser();
  world.PutGateway();
  world.Run(Duration{3'000});
  const std::vector<std::string> before = world.SecretNames();
  EXPECT_THAT(before, SizeIs(3));
  world.Change<v1::User>(kUser, [](v1::User& user) { user.spec.ssh_keys = {kOtherKey}; });
  world.Run(Duration{5'000});
  EXPECT_THAT(world.SecretNames(), SizeIs(3));
  EXPECT_THAT(world.UsedSecrets(), testing::UnorderedElementsAreArray(world.SecretNames()));
  int same = 0;
  for (const std::string& name : world.SecretNames()) same += std::ranges::count(before, name);
  EXPECT_EQ(same, 2);  // accounts and host key
  world.Change<v1::Credential>(kLogin, [](v1::Credential& c) { c.spec.password_crypt = "$6$new"; });
  world.Run(Duration{5'000});
  EXPECT_THAT(world.SecretNames(), SizeIs(3));
  EXPECT_THAT(world.SecretNames(), Not(Contains(before[0])));
  EXPECT_EQ(world.Ready(), "True Running");
}

TEST(GatewayLoop, TellsBeforehandWhatAChangeWouldDo) {
  World world;
  const auto of = [&world](const ObjectBase* before, const ObjectBase& after) {
    return gateway::EffectsOn(world.cache, {}, before, after);
  };
  v1::User user;
  user.meta.name = "alice";
  EXPECT_THAT(of(nullptr, user), ElementsAre("gateway alice: 1 container would be started"));
  world.PutUser();
  world.PutGateway();
  world.Run(Duration{3'000});
  user = world.Get<v1::User>(kUser);
  v1::User changed = user;
  changed.spec.email = "alice@example.org";
  EXPECT_THAT(of(&user, changed), IsEmpty());
  changed.spec.ssh_keys = {kOtherKey};
  EXPECT_THAT(of(&user, changed),
              ElementsAre("gateway alice: 1 container would be restarted (keys or accounts)"));
  changed.spec.enabled = false;
  EXPECT_THAT(of(&user, changed), ElementsAre("gateway alice: 1 container would be removed"));
  const auto gateway = world.Get<v1::Gateway>(kGateway);
  v1::Gateway other = gateway;
  other.meta.labels["a"] = "b";
  EXPECT_THAT(of(&gateway, other), IsEmpty());
  other.spec.image = "mine:1";
  other.spec.ports.ssh = 2222;
  EXPECT_THAT(of(&gateway, other),
              ElementsAre("gateway alice: 1 container would be restarted (image "
                          "zoe/gateway:latest -> mine:1, ports)"));
}

TEST(GatewayLoop, LetsNobodyInByThePasswordOfAnEarlierUser) {
  World world;
  world.PutUser();
  world.PutGateway();
  const auto give = [&world](const std::string& owner, const std::string& crypt) {
    world.Change<v1::Credential>(kLogin, [&](v1::Credential& login) {
      login.meta.owner_references = {{"zoe/v1", "User", "alice", owner}};
      login.spec.password_crypt = crypt;
    });
    world.Run(Duration{5'000});
    return world.UsedSecrets();
  };
  const std::vector<std::string> without = give("somebody", "");
  EXPECT_EQ(give("somebody", "$6$old"), without);
  EXPECT_NE(give(world.Get<v1::User>(kUser).meta.uid, "$6$new"), without);
}

TEST(GatewayLoop, KeepsItsHostKeyWhenTheGatewayIsMadeAgain) {
  World world;
  world.PutUser();
  world.PutGateway();
  world.Run(Duration{3'000});
  const v1::GatewayStatus before = world.Status();
  const std::string password = world.Get<v1::Credential>(kOwn).spec.socks_password;
  EXPECT_GE(password.size(), 24u);
  world.RequestDeletion(kGateway);
  world.Run(Duration{3'000});
  EXPECT_FALSE(world.Has(kGateway));
  EXPECT_THAT(world.Services(), IsEmpty());
  EXPECT_THAT(world.SecretNames(), IsEmpty());
  world.PutGateway();
  world.Run(Duration{3'000});
  EXPECT_EQ(world.Ready(), "True Running");
  EXPECT_EQ(world.Status().host_key, before.host_key);
  EXPECT_EQ(world.Get<v1::Credential>(kOwn).spec.socks_password, password);
}

TEST(GatewayLoop, FollowsTheMoveToAnotherNode) {
  World world;
  world.PutUser();
  world.PutGateway();
  world.Run(Duration{3'000});
  const v1::GatewayStatus before = world.Status();
  world.swarm.With([&](sim::Cluster& cluster) { cluster.SetNodeUp(before.node, false); });
  world.Run(Duration{100});
  EXPECT_EQ(world.Ready(), "False Starting");
  EXPECT_EQ(world.Status().address, "");
  EXPECT_EQ(world.Status().socks, "");
  EXPECT_EQ(world.Status().host_key, before.host_key);
  world.Run(Duration{5'000});
  EXPECT_EQ(world.Ready(), "True Running");
  EXPECT_NE(world.Status().node, before.node);
  EXPECT_NE(world.Status().address, before.address);
  EXPECT_EQ(world.Status().host_key, before.host_key);
  const v1::GatewayStatus moved = world.Status();
  world.swarm.With([&](sim::Cluster& cluster) { cluster.SetNodeUp(before.node, true); });
  world.Run(Duration{5'000});
  EXPECT_EQ(world.Status().node, moved.node);
}

TEST(GatewayLoop, ClosesForADisabledUserAndOpensAgain) {
  World world;
  world.PutUser();
  world.PutGateway();
  world.Run(Duration{3'000});
  world.Change<v1::User>(kUser, [](v1::User& user) { user.spec.enabled = false; });
  world.Run(Duration{3'000});
  EXPECT_EQ(world.Ready(), "False Disabled");
  EXPECT_EQ(world.Status().ssh, "");
  EXPECT_THAT(world.Services(), IsEmpty());
  EXPECT_THAT(world.SecretNames(), IsEmpty());
  world.Change<v1::User>(kUser, [](v1::User& user) { user.spec.enabled = true; });
  world.Run(Duration{3'000});
  EXPECT_EQ(world.Ready(), "True Running");
}

TEST(GatewayLoop, PutsBackWhatSomebodyChangedByHand) {
  World world;
  world.PutUser();
  world.PutGateway();
  world.Run(Duration{3'000});
  world.swarm.With([&](sim::Cluster& cluster) {
    SwarmService service = cluster.Services([](const auto&) { return true; }).at(0);
    service.spec.replicas = 0;
    ASSERT_TRUE(cluster.UpdateService(service.id, service.version, service.spec).ok());
  });
  world.Run(Duration{3'000});
  EXPECT_EQ(world.Services().at(0).spec.replicas, 1u);
  EXPECT_THAT(world.Events(), Contains("DriftMended: changed by hand, put back: replicas 0 -> 1"));
  world.swarm.With([&](sim::Cluster& cluster) {
    ASSERT_TRUE(
        cluster.RemoveService(cluster.Services([](const auto&) { return true; })[0].id).ok());
  });
  world.Run(Duration{3'000});
  EXPECT_EQ(world.Ready(), "True Running");
  EXPECT_THAT(world.Events(), Contains("DriftMended: the service was removed by hand: made again"));
}

TEST(GatewayLoop, SaysWhyItIsNotReady) {
  World world;
  v1::User user;
  user.meta.generation = 1;
  world.Put(kUser, user);
  world.PutGateway([](v1::GatewaySpec& spec) { spec.image = "zoe/missing:1"; });
  world.Run(Duration{1'000});
  EXPECT_EQ(world.Ready(), "False NetworkNotReady");
  world.MakeNetwork();
  world.Run(Duration{1'000});
  EXPECT_EQ(world.Ready(), "False ImageNotFound");
  world.Change<v1::Gateway>(kGateway, [](v1::Gateway& gateway) {
    gateway.spec.image.clear();
    gateway.spec.constraints = {"node.labels.public == true"};
  });
  world.Run(Duration{5'000});
  EXPECT_EQ(world.Ready(), "False Unschedulable");
  world.Change<v1::Gateway>(kGateway, [](v1::Gateway& gateway) { gateway.spec.constraints = {}; });
  world.Run(Duration{5'000});
  EXPECT_EQ(world.Ready(), "True Running");
  EXPECT_EQ(world.Status().observed_generation, 3);
}

TEST(GatewayLoop, OpensTheNamespaceOfNobody) {
  World world;
  world.PutGateway([](v1::GatewaySpec& spec) { spec.ssh_keys = {kOtherKey}; });
  world.Run(Duration{3'000});
  EXPECT_EQ(world.Ready(), "True Running");
  EXPECT_EQ(world.Status().user, "alice");
}

TEST(GatewayLoop, ShowsNoSecret) {
  World world;
  world.PutUser();
  world.PutGateway();
  world.Run(Duration{3'000});
  const v1::CredentialSpec secret = world.Get<v1::Credential>(kOwn).spec;
  const std::string shown =
      world.store->Get(kGateway)->bytes + testing::PrintToString(world.Events());
  EXPECT_THAT(shown, Not(HasSubstr(secret.socks_password)));
  EXPECT_THAT(shown, Not(HasSubstr(secret.password_crypt)));
  EXPECT_THAT(shown, Not(HasSubstr("PRIVATE KEY")));
  for (const SwarmService& service : world.Services()) {
    for (const std::string& env : service.spec.env) {
      EXPECT_THAT(env, Not(HasSubstr(secret.socks_password)));
    }
  }
}

// What the world comes to must not depend on which call failed, or whose reply was lost.
TEST(GatewayLoop, ArrivesWhateverCallFails) {
  for (const SimFault kind : {SimFault::kBefore, SimFault::kAfter}) {
    for (int at = 1; at <= 40; ++at) {
      int calls = 0;
      bool armed = false;  // the test's own calls go through
      World world(
          [&](std::string_view) { return armed && ++calls == at ? kind : SimFault::kNone; });
      world.PutUser();
      world.PutGateway();
      armed = true;
      world.Run(Duration{30'000});
      armed = false;
      ASSERT_EQ(world.Ready(), "True Running") << "call " << at;
      ASSERT_THAT(world.Services(), SizeIs(1)) << "call " << at;
      ASSERT_THAT(world.SecretNames(), SizeIs(3)) << "call " << at;
      armed = true;
      world.RequestDeletion(kGateway);
      world.Run(Duration{30'000});
      armed = false;
      ASSERT_FALSE(world.Has(kGateway)) << "call " << at;
      ASSERT_THAT(world.SecretNames(), IsEmpty()) << "call " << at;
    }
  }
}

// ---- the plan, by rows

struct PlanRow {
  std::string name;
  std::function<void(v1::Gateway&, gateway::Observed&)> set;
  std::vector<std::string> actions;  // their beginnings
};

gateway::Observed Empty() {
  gateway::Observed observed;
  observed.network = SwarmNetwork{"net", {.name = "n", .subnet = "10.192.0.0/24"}};
  observed.access = {.account = "alice", .ssh_keys = {kAliceKey}};
  observed.access.credential.host_key = "the host key";
  return observed;
}

// The world as a plan has asked for it.
void Fill(const v1::Gateway& gateway, gateway::Observed& observed) {
  const auto secrets = gateway::SecretsOf(gateway, observed.access, {});
  for (const auto& secret : secrets) {
    observed.secrets.push_back({"id-" + secret.name, secret.name, gateway::LabelsOf(gateway, {})});
  }
  SwarmServiceSpec spec = gateway::ToSwarmService(gateway, secrets, *observed.network, {});
  for (SwarmSecretFile& file : spec.secrets) file.secret_id = "id-" + file.secret_name;
  observed.services.push_back({.id = "s1", .version = 7, .spec = spec});
}

TEST(GatewayPlan, Rows) {
  using Gateway = v1::Gateway;
  using Observed = gateway::Observed;
  const std::vector<PlanRow> rows = {
      {"nothing stands: secrets, then the service",
       [](Gateway&, Observed&) {},
       {"create secret gateway-", "create secret gateway-", "create secret gateway-",
        "create service"}},
      {"everything stands", [](Gateway& g, Observed& o) { Fill(g, o); }, {}},
      {"no network yet", [](Gateway&, Observed& o) { o.network.reset(); }, {}},
      {"another key: its secret, then the service",
       [](Gateway& g, Observed& o) {
         Fill(g, o);
         o.access.ssh_keys.push_back(kOtherKey);
       },
       {"create secret gateway-", "update service"}},
      {"the service has the new secret: the old one goes",
       [](Gateway& g, Observed& o) {
         Fill(g, o);
         o.secrets.push_back({"old", "gateway-old", {}});
       },
       {"remove 1 secrets"}},
      {"but not while the update runs",
       [](Gateway& g, Observed& o) {
         Fill(g, o);
         o.secrets.push_back({"old", "gateway-old", {}});
         o.services[0].update_state = UpdateState::kUpdating;
       },
       {}},
      {"the network was made again",
       [](Gateway& g, Observed& o) {
         Fill(g, o);
         o.network->id = "net2";
       },
       {"update service"}},
      {"changed by hand",
       [](Gateway& g, Observed& o) {
         Fill(g, o);
         o.services[0].spec.altered = true;
       },
       {"update service"}},
      {"made from another store, or before stores had identities",
       [](Gateway& g, Observed& o) {
         Fill(g, o);
         o.store_id = "this";
       },
       {"update service"}},
      {"a second service with its labels",
       [](Gateway& g, Observed& o) {
         Fill(g, o);
         o.services.push_back(o.services[0]);
         o.services[1].spec.name = "copy";
       },
       {"remove service"}},
      {"disabled",
       [](Gateway& g, Observed& o) {
         Fill(g, o);
         o.mode = gateway::Mode::kDisabled;
       },
       {"remove service", "remove 3 secrets"}},
      {"deleted, the service has gone",
       [](Gateway& g, Observed& o) {
         Fill(g, o);
         o.services.clear();
         o.mode = gateway::Mode::kDeleting;
       },
       {"remove 3 secrets"}},
      {"deleted, nothing is left",
       [](Gateway&, Observed& o) { o.mode = gateway::Mode::kDeleting; },
       {}},
  };
  for (const PlanRow& row : rows) {
    SCOPED_TRACE(row.name);
    Gateway gateway;
    gateway.meta.name = gateway.meta.ns = "alice";
    gateway.meta.uid = "uid";
    Observed observed = Empty();
    row.set(gateway, observed);
    const auto actions = gateway::Plan(gateway, observed, {});
    ASSERT_THAT(actions, SizeIs(row.actions.size()));
    for (size_t i = 0; i < actions.size(); ++i) {
      EXPECT_THAT(ToString(actions[i]), StartsWith(row.actions[i]));
    }
  }
}

TEST(GatewayStatus, CountsNoTaskOfALostNode) {
  auto gateway = std::make_shared<v1::Gateway>();
  gateway->meta.name = gateway->meta.ns = "alice";
  gateway::Observed observed = Empty();
  Fill(*gateway, observed);
  observed.nodes = {{.id = "n1", .name = "node-1", .address = "10.0.0.1", .ready = true}};
  observed.tasks = {{.id = "t1", .node_id = "n1", .state = TaskState::kRunning}};
  observed.tasks[0].ports = {{2222, 32001, true}, {1080, 32002, true}};
  StatusDraft draft;
  draft.object = gateway;
  gateway::Report(*gateway, observed, {}, WallTime{}, draft);
  EXPECT_EQ(gateway->status.socks, "socks5h://10.0.0.1:32002");
  EXPECT_EQ(gateway->status.conditions.at(0).status, "True");
  observed.tasks[0].node_down = true;  // Swarm's state of it may be stale
  gateway::Report(*gateway, observed, {}, WallTime{}, draft);
  EXPECT_EQ(gateway->status.socks, "");
  EXPECT_EQ(gateway->status.conditions.at(0).status, "False");
}

SwarmServiceSpec SpecOf(const std::function<void(v1::GatewaySpec&)>& set) {
  v1::Gateway gateway;
  gateway.meta.name = gateway.meta.ns = "alice";
  gateway.meta.uid = "uid";
  set(gateway.spec);
  const gateway::Observed observed = Empty();
  return gateway::ToSwarmService(gateway, gateway::SecretsOf(gateway, observed.access, {}),
                                 *observed.network, {});
}

TEST(GatewayService, ReplacesAFixedHostPortOnlyAfterItIsFree) {
  EXPECT_EQ(SpecOf([](auto&) {}).update_order, UpdateOrder::kStartFirst);
  const auto fixed = SpecOf([](v1::GatewaySpec& spec) { spec.ports = {"host", 30022, 30080}; });
  EXPECT_EQ(fixed.update_order, UpdateOrder::kStopFirst);
  EXPECT_EQ(fixed.endpoint_mode, EndpointMode::kDnsrr);
  EXPECT_THAT(fixed.ports, ElementsAre(SwarmPort{2222, 30022, true}, SwarmPort{1080, 30080, true}));
  const auto mesh = SpecOf([](v1::GatewaySpec& spec) { spec.ports = {"ingress", 30022, 0}; });
  EXPECT_EQ(mesh.update_order, UpdateOrder::kStartFirst);
  EXPECT_EQ(mesh.endpoint_mode, EndpointMode::kVip);
  EXPECT_THAT(mesh.ports, ElementsAre(SwarmPort{2222, 30022, false}, SwarmPort{1080, 0, false}));
}

TEST(GatewayService, HasFewCapabilities) {
  const auto plain = SpecOf([](auto&) {});
  EXPECT_THAT(plain.capability_drop, ElementsAre("ALL"));
  EXPECT_THAT(plain.capability_add,
              ElementsAre("CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SYS_CHROOT"));
  EXPECT_THAT(plain.env, ElementsAre("ZOE_SUBNET=10.192.0.0/24", "ZOE_SHELL=0"));
  const auto shell = SpecOf([](v1::GatewaySpec& spec) { spec.shell = true; });
  EXPECT_THAT(shell.capability_add, Contains("CAP_CHOWN"));
  EXPECT_THAT(shell.env, Contains("ZOE_SHELL=1"));
}

TEST(GatewayService, NamesSecretsByWhatTheyHold) {
  v1::Gateway gateway;
  gateway.meta.uid = "uid";
  gateway::Access access = Empty().access;
  const auto before = gateway::SecretsOf(gateway, access, {});
  access.ssh_keys = {"a\nb"};
  const auto after = gateway::SecretsOf(gateway, access, {});
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_LE(before[i].name.size(), 64u);
    EXPECT_EQ(before[i].name == after[i].name, before[i].data == after[i].data);
  }
  EXPECT_EQ(after[1].file, "authorized_keys");
  EXPECT_EQ(after[1].data, "# alice\na b\n");  // a line each
}

}  // namespace
}  // namespace zoe
