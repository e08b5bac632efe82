// What services use: secrets, ports, capabilities, volumes, networks and their addresses.
#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "test/conformance/swarm/suite.h"

namespace zoe::testing {
namespace {

class Places : public SwarmConformance {
 protected:
  // All that the tasks of a service have printed.
  std::string Printed(const std::string& service_id) {
    std::string text;
    const auto read = swarm().Logs(Ctx(), {.service_id = service_id}, [&](std::string_view line) {
      text += line;
      return true;
    });
    EXPECT_TRUE(read.ok()) << read.error().message;
    return text;
  }
  bool UntilPrinted(const std::string& service_id, const std::string& text) {
    return Until("\"" + text + "\" printed",
                 [&] { return Printed(service_id).find(text) != std::string::npos; });
  }

  SwarmPort PortOf(const std::string& service_id) {
    std::vector<SwarmPort> ports;
    Until("a port", [&] {
      const auto running = Tasks(service_id, TaskState::kRunning);
      if (running.size() != 1) return false;
      ports = running[0].ports;
      return !ports.empty();
    });
    return ports.empty() ? SwarmPort{} : ports[0];
  }

  Code Refusal(const SwarmServiceSpec& spec) {
    const auto ids = swarm().CreateServices(Ctx(), {&spec, 1});
    EXPECT_FALSE(ids[0].ok());
    return ids[0].ok() ? Code::kInternal : ids[0].error().code;
  }

  Expected<std::string> MakeNetwork(const std::string& name, const std::string& subnet,
                                    Labels labels = {{"zoe.deployment", "conf"}}) {
    SwarmNetworkSpec spec;
    spec.name = Named(name);
    spec.labels = std::move(labels);
    spec.subnet = subnet;
    return swarm().CreateNetwork(Ctx(), spec);
  }

  SwarmNetwork NetworkOf(const std::string& id) {
    const auto networks = swarm().ListNetworks(Ctx());
    EXPECT_TRUE(networks.ok());
    const auto it = std::ranges::find(*networks, id, &SwarmNetwork::id);
    EXPECT_NE(it, networks->end());
    return it == networks->end() ? SwarmNetwork{} : *it;
  }

  void RemoveNetwork(const std::string& id) {
    Until("network removed", [&] { return swarm().RemoveNetwork(Ctx(), id).ok(); });
  }

  std::set<std::string> Subnets() {
    const auto listed = swarm().ListSubnets(Ctx());
    EXPECT_TRUE(listed.ok()) << listed.error().message;
    if (!listed) return {};
    std::set<std::string> subnets(listed->begin(), listed->end());
    EXPECT_EQ(subnets.size(), listed->size()) << "none twice";
    return subnets;
  }
};

TEST_F(Places, SecretsAreListedKeptWhileUsedAndRemoved) {
  const Labels labels = {{"zoe.deployment", "conf"}, {"zoe.kind", "Gateway"}};
  const auto id = swarm().CreateSecret(Ctx(), Named("s"), labels, "geheim");
  ASSERT_TRUE(id.ok()) << id.error().message;
  const auto again = swarm().CreateSecret(Ctx(), Named("s"), labels, "other");
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, Code::kAlreadyExists);
  const auto theirs =
      swarm().CreateSecret(Ctx(), Named("theirs"), {{"zoe.deployment", "other"}}, "x");
  ASSERT_TRUE(theirs.ok());

  const auto secrets = swarm().ListSecrets(Ctx());
  ASSERT_TRUE(secrets.ok());
  const auto it = std::ranges::find(*secrets, *id, &SwarmSecret::id);
  ASSERT_NE(it, secrets->end());
  EXPECT_EQ(it->name, Named("s"));
  EXPECT_EQ(it->labels, labels);
  EXPECT_EQ(std::ranges::find(*secrets, *theirs, &SwarmSecret::id), secrets->end());

  SwarmServiceSpec user = Spec("user");
  user.secrets = {{*id, Named("s"), "s"}};
  const std::string service = Create(user);
  const auto in_use = swarm().RemoveSecret(Ctx(), *id);
  ASSERT_FALSE(in_use.ok());
  EXPECT_EQ(in_use.error().code, Code::kConflict);
  Remove(service);
  EXPECT_TRUE(swarm().RemoveSecret(Ctx(), *id).ok());
  EXPECT_TRUE(swarm().RemoveSecret(Ctx(), *id).ok());
  EXPECT_TRUE(swarm().RemoveSecret(Ctx(), *theirs).ok());
}

TEST_F(Places, SecretThatDockerCanNotKeepIsInvalid) {
  const Labels labels = {{"zoe.deployment", "conf"}};
  for (const auto& [name, data] :
       std::map<std::string, std::string>{{"with space", "x"},
                                          {std::string(65, 'a'), "x"},
                                          {"", "x"},
                                          {Named("empty"), ""},
                                          {Named("big"), std::string(512'000, 'x')}}) {
    const auto made = swarm().CreateSecret(Ctx(), name, labels, data);
    ASSERT_FALSE(made.ok()) << name;
    EXPECT_EQ(made.error().code, Code::kInvalid) << name;
  }
  Secret("bytes", std::string("\0\xff\n", 3) + std::string(499'997, 'x'));
}

TEST_F(Places, ServiceOfASecretThatIsNotThereIsRefused) {
  const std::string id = Secret("s", "x");
  SwarmServiceSpec spec = Spec("web");
  spec.secrets = {{"nosuchsecret", Named("s"), "s"}};
  EXPECT_EQ(Refusal(spec), Code::kInvalid);
  spec.secrets = {{id, Named("another"), "s"}};
  EXPECT_EQ(Refusal(spec), Code::kInvalid);
  EXPECT_TRUE(Observe().services.empty());
}

TEST_F(Places, SecretIsFreeOnceItsServiceUsesAnother) {
  SwarmServiceSpec spec = Spec("web");
  const std::string first = Secret("first", "1"), second = Secret("second", "2");
  spec.secrets = {{first, Named("first"), "s"}};
  const std::string id = Create(spec);
  ASSERT_TRUE(UntilRunning(id, 1));
  spec.secrets = {{second, Named("second"), "s"}};
  ASSERT_TRUE(Until(
      "updated", [&] { return swarm().UpdateService(Ctx(), id, Service(id).version, spec).ok(); }));
  EXPECT_TRUE(swarm().RemoveSecret(Ctx(), first).ok());
  EXPECT_TRUE(
      Until("completed", [&] { return Service(id).update_state == UpdateState::kCompleted; }));
}

TEST_F(Places, TaskReadsItsSecretAsRootAlone) {
  if (!world().docker()) GTEST_SKIP() << "the simulator runs no programs";
  SwarmServiceSpec spec =
      Spec("web", "cat /run/secrets/key; stat -c 'is %a of %u:%g' /run/secrets/key; sleep 1000");
  spec.secrets = {{Secret("s", "open sesame\n"), Named("s"), "key"}};
  const std::string root = Create(spec);
  ASSERT_TRUE(UntilPrinted(root, "is 400 of 0:0"));
  EXPECT_NE(Printed(root).find("open sesame\n"), std::string::npos);
  spec.name = Named("nobody");
  spec.user = "65534:65534";
  ASSERT_TRUE(UntilPrinted(Create(spec), "Permission denied"));
}

TEST_F(Places, HostPortThatIsLeftOpenIsChosenAndShownOnTheTask) {
  std::set<int32_t> chosen;
  for (const char* name : {"one", "two"}) {
    SwarmServiceSpec spec = Spec(name);
    spec.ports = {{8080, 0, true}};
    const std::string id = Create(spec);
    const SwarmPort port = PortOf(id);
    EXPECT_EQ(port.target, 8080);
    EXPECT_GE(port.published, 32'768);
    EXPECT_TRUE(port.host_mode);
    chosen.insert(port.published);
    EXPECT_TRUE(Service(id).spec == spec);
    EXPECT_TRUE(Service(id).published.empty());
  }
  EXPECT_EQ(chosen.size(), 2u);
}

TEST_F(Places, TaskWaitsForAHostPortThatIsTaken) {
  SwarmServiceSpec first = Spec("first"), second = Spec("second");
  first.ports = second.ports = {{80, 18'080, true}, {22, 0, true}};
  const std::string first_id = Create(first);
  ASSERT_TRUE(UntilRunning(first_id, 1));
  ASSERT_TRUE(Until("both ports", [&] {
    const auto running = Tasks(first_id, TaskState::kRunning);
    return running.size() == 1 && running[0].ports.size() == 2 &&
           running[0].ports[0].target == 22 && running[0].ports[1] == (SwarmPort{80, 18'080, true});
  }));
  const std::string second_id = Create(second);
  ASSERT_TRUE(Until("told to wait", [&] {
    const auto tasks = Tasks(second_id, TaskState::kPending);
    return tasks.size() == 1 &&
           tasks[0].error == "no suitable node (host-mode port already in use on 1 node)";
  }));
  Remove(first_id);
  EXPECT_TRUE(UntilRunning(second_id, 1));
}

TEST_F(Places, PortsOfTheRoutingMeshAreChosenAndKept) {
  SwarmServiceSpec spec = Spec("web");
  spec.endpoint_mode = EndpointMode::kVip;
  spec.ports = {{80, 0, false}, {22, 0, true}, {81, 18'081, false}};
  const std::string id = Create(spec);
  std::vector<SwarmPort> published;
  ASSERT_TRUE(Until("published", [&] {
    published = Service(id).published;
    return published.size() == 2 && published[0].published != 0;
  }));
  EXPECT_EQ(published[0].target, 80);
  EXPECT_GE(published[0].published, 30'000);
  EXPECT_FALSE(published[0].host_mode);
  EXPECT_EQ(published[1], (SwarmPort{81, 18'081, false}));
  EXPECT_TRUE(Service(id).spec == spec);
  spec.labels["color"] = "blue";
  ASSERT_TRUE(Until(
      "updated", [&] { return swarm().UpdateService(Ctx(), id, Service(id).version, spec).ok(); }));
  EXPECT_EQ(Service(id).published, published);

  SwarmServiceSpec other = Spec("other");
  other.endpoint_mode = EndpointMode::kVip;
  for (const SwarmPort& taken : {SwarmPort{80, 18'081, false}, SwarmPort{80, 18'081, true}}) {
    other.ports = {taken};
    EXPECT_EQ(Refusal(other), Code::kInvalid);
  }
}

TEST_F(Places, PortsThatCanNotBeAreInvalid) {
  SwarmServiceSpec spec = Spec("web");
  spec.ports = {{80, 0, false}};
  spec.endpoint_mode = EndpointMode::kDnsrr;
  EXPECT_EQ(Refusal(spec), Code::kInvalid);
  spec.ports = {{80, 18'082, true}, {81, 18'082, true}};
  EXPECT_EQ(Refusal(spec), Code::kInvalid);
}

TEST_F(Places, HostPortLeadsToTheContainer) {
  if (!world().docker()) GTEST_SKIP() << "the simulator runs no programs";
  SwarmServiceSpec spec = Spec(
      "web",
      "export LD_LIBRARY_PATH=$(echo /usr/lib/*-linux-gnu); exec /usr/bin/perl -MIO::Socket::INET "
      "-e 'my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 5, ReuseAddr => 1) or die; "
      "while (my $c = $s->accept) { print $c \"hello\\n\"; close $c }'");
  spec.mounts = {{"/usr", "/usr", true}};
  spec.ports = {{8080, 0, true}};
  const std::string id = Create(spec);
  const std::string address = "/dev/tcp/127.0.0.1/" + std::to_string(PortOf(id).published);
  EXPECT_TRUE(Until("an answer", [&] {
    const auto answer = world().OnNode("bash -c 'exec 3<>" + address + "; cat <&3'");
    return answer.ok() && answer->ends_with("hello");
  })) << Printed(id);
}

TEST_F(Places, DroppedCapabilitiesAreGone) {
  if (!world().docker()) GTEST_SKIP() << "the simulator runs no programs";
  struct Case {
    std::vector<std::string> add, drop;
    std::string bound;
  };
  int n = 0;
  // Docker's own set is a80425fb: bit 27 is MKNOD, 13 NET_RAW, 31 SETFCAP, 10 NET_BIND_SERVICE.
  for (const Case& c : {Case{{}, {"ALL"}, "0000000000000000"},
                        Case{{"CAP_NET_BIND_SERVICE"}, {"ALL"}, "0000000000000400"},
                        Case{{}, {"CAP_MKNOD", "CAP_NET_RAW", "CAP_SETFCAP"}, "00000000200405fb"},
                        Case{{}, {}, "00000000a80425fb"}}) {
    SwarmServiceSpec spec =
        Spec("caps" + std::to_string(++n), "grep CapBnd /proc/self/status; sleep 1000");
    spec.capability_add = c.add;
    spec.capability_drop = c.drop;
    EXPECT_TRUE(UntilPrinted(Create(spec), "CapBnd:\t" + c.bound + "\n"));
  }
}

TEST_F(Places, VolumeOfADriverIsMountedAndReadBackAsItWasSent) {
  SwarmServiceSpec spec = Spec("web", "echo from the task > /v/" + uid() + "; sleep 1000");
  spec.mounts = {{Named("volume"),
                  "/v",
                  false,
                  "local",
                  {{"type", "none"}, {"o", "bind"}, {"device", world().directory()}}}};
  const std::string id = Create(spec);
  EXPECT_TRUE(Service(id).spec == spec);
  ASSERT_TRUE(UntilRunning(id, 1));
  EXPECT_TRUE(Service(id).spec == spec);
  if (!world().docker()) return;
  EXPECT_TRUE(Until("written", [&] {
    std::ostringstream text;
    text << std::ifstream(world().directory() + "/" + uid()).rdbuf();
    return text.str() == "from the task\n";
  }));
}

TEST_F(Places, SubnetsAreThoseOfEverybodyAndTheNodesAddresses) {
  const auto ours = MakeNetwork("ours", "10.124.1.0/24");
  const auto theirs = MakeNetwork("theirs", "10.124.2.16/28", {{"zoe.deployment", "other"}});
  const auto open = MakeNetwork("open", "");
  ASSERT_TRUE(ours.ok() && theirs.ok() && open.ok());
  ASSERT_TRUE(Until("a subnet is chosen", [&] {
    return NetworkOf(*open).allocated && !NetworkOf(*open).spec.subnet.empty();
  }));
  const std::set<std::string> subnets = Subnets();
  const auto nodes = swarm().ListNodes(Ctx());
  ASSERT_TRUE(nodes.ok());
  for (const std::string& subnet :
       {std::string("10.124.1.0/24"), std::string("10.124.2.16/28"), NetworkOf(*open).spec.subnet,
        (*nodes)[0].address + "/32", std::string("172.17.0.0/16"), std::string("172.18.0.0/16"),
        std::string("10.0.0.0/24")})
    EXPECT_TRUE(subnets.contains(subnet)) << subnet;
  for (const auto& id : {ours, theirs, open}) RemoveNetwork(*id);
  EXPECT_FALSE(Subnets().contains("10.124.1.0/24"));
}

TEST_F(Places, NetworkWhoseSubnetOverlapsWaitsForTheOtherToGo) {
  const auto first = MakeNetwork("first", "10.125.0.0/24");
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(Until("allocated", [&] { return NetworkOf(*first).allocated; }));
  const auto second = MakeNetwork("second", "10.125.0.0/25");
  ASSERT_TRUE(second.ok()) << second.error().message;
  SwarmServiceSpec spec = Spec("web");
  spec.networks = {{*second, {}}};
  const std::string id = Create(spec);
  SwarmServiceSpec other = Spec("other");  // later, and runs: Swarm had its time for the first
  ASSERT_TRUE(UntilRunning(Create(other), 1));
  ASSERT_EQ(Tasks(id).size(), 1u);
  EXPECT_EQ(Tasks(id)[0].state, TaskState::kNew);
  EXPECT_EQ(Tasks(id)[0].error, "");
  EXPECT_FALSE(NetworkOf(*second).allocated);
  EXPECT_EQ(NetworkOf(*second).spec.subnet, "");
  RemoveNetwork(*first);
  EXPECT_TRUE(Until("allocated", [&] { return NetworkOf(*second).allocated; }));
  EXPECT_EQ(NetworkOf(*second).spec.subnet, "10.125.0.0/25");
  EXPECT_TRUE(UntilRunning(id, 1));
  Remove(id);
  RemoveNetwork(*second);
}

TEST_F(Places, FullNetworkKeepsTasksNewWithoutAWord) {
  const auto network = MakeNetwork("small", "10.126.0.0/29");
  ASSERT_TRUE(network.ok());
  SwarmServiceSpec first = Spec("first"), second = Spec("second");
  first.networks = second.networks = {{*network, {}}};
  first.replicas = 4;  // eight addresses: itself, the gateway, the broadcast, the node's
  const std::string first_id = Create(first);
  ASSERT_TRUE(UntilRunning(first_id, 4));
  const std::string second_id = Create(second);
  ASSERT_TRUE(UntilRunning(Create(Spec("third")), 1));
  ASSERT_EQ(Tasks(second_id).size(), 1u);
  EXPECT_EQ(Tasks(second_id)[0].state, TaskState::kNew);
  EXPECT_EQ(Tasks(second_id)[0].error, "");
  Remove(first_id);
  EXPECT_TRUE(UntilRunning(second_id, 1));
  Remove(second_id);
  RemoveNetwork(*network);
}

TEST_F(Places, AServiceWithAVipTakesAnAddressMore) {
  const auto network = MakeNetwork("vip", "10.127.0.0/29");
  ASSERT_TRUE(network.ok());
  SwarmServiceSpec spec = Spec("web");
  spec.networks = {{*network, {}}};
  spec.endpoint_mode = EndpointMode::kVip;
  spec.replicas = 3;  // of four addresses, as in the test before
  const std::string id = Create(spec);
  ASSERT_TRUE(UntilRunning(id, 3));
  SwarmServiceSpec late = Spec("late");
  late.networks = {{*network, {}}};
  const std::string late_id = Create(late);
  ASSERT_TRUE(UntilRunning(Create(Spec("other")), 1));
  ASSERT_EQ(Tasks(late_id).size(), 1u);
  EXPECT_EQ(Tasks(late_id)[0].state, TaskState::kNew);
  Remove(id);
  EXPECT_TRUE(UntilRunning(late_id, 1));
  Remove(late_id);
  RemoveNetwork(*network);
}

TEST_F(Places, HintsTellOfServicesNetworksAndSecretsOfEveryKind) {
  const auto hints = Subscribe();
  if (world().docker()) {
    ASSERT_TRUE(Until("begun", [&] { return hints->Has("", ""); }));
  }
  hints->Clear();
  const auto expect = [&](const std::string& kind) {
    EXPECT_TRUE(Until(
        kind + " told", [&] { return hints->Has(kind, uid()); }, Duration(5'000)));
    hints->Clear();
  };
  const auto network = MakeNetwork(
      "net", "", {{"zoe.deployment", "conf"}, {"zoe.kind", "User"}, {"zoe.name", uid()}});
  ASSERT_TRUE(network.ok());
  expect("User");
  const std::string secret = Secret("s", "x", "Credential");
  expect("Credential");
  SwarmServiceSpec gateway = Spec("gateway");
  gateway.labels["zoe.kind"] = "Gateway";
  const std::string id = Create(gateway);
  expect("Gateway");
  ASSERT_TRUE(UntilRunning(id, 1));
  hints->Clear();
  Remove(id);
  expect("Gateway");
  ASSERT_TRUE(swarm().RemoveSecret(Ctx(), secret).ok());
  expect("Credential");
  RemoveNetwork(*network);
  expect("User");
  const auto nobodys = MakeNetwork("nobodys", "");
  ASSERT_TRUE(nobodys.ok());
  RemoveNetwork(*nobodys);
  Secret("last", "x", "User");
  ASSERT_TRUE(Until(
      "User told", [&] { return hints->Has("User", uid()); }, Duration(5'000)));
  EXPECT_FALSE(hints->Has("", "")) << "would mean that anything may have changed";
}

}  // namespace
}  // namespace zoe::testing
