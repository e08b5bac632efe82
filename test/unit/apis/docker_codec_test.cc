// apis/docker against a scripted engine: the port, the Engine's JSON, its log frames, its hints.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "apis/docker/logs.h"
#include "apis/docker/object_codec.h"
#include "apis/docker/service_codec.h"
#include "test/unit/apis/fake_engine.h"

namespace zoe::docker {
namespace {

TEST(DockerSwarmPort, NetworksOfALeaderlessManagerAreNotBelieved) {
  FakeEngine engine([](const string& request, const string&) {
    if (request.find("/networks") != string::npos) return Reply(200, "[]");
    return Reply(500,
                 Message("rpc error: code = Unknown desc = The swarm does not have a leader."));
  });
  const auto networks = Open({engine.endpoint()})->ListNetworks(Soon());
  ASSERT_FALSE(networks.ok());
  EXPECT_EQ(networks.error().code, Code::kUnavailable);
}

// An isolated manager answers for networks alone; the next one, for nodes.
TEST(DockerSwarmPort, NetworksAndNodesAreOfOneManager) {
  FakeEngine leaderless([](const string& request, const string&) {
    if (request.find("/networks") != string::npos) return Reply(200, "[]");
    return Reply(500,
                 Message("rpc error: code = Unknown desc = The swarm does not have a leader."));
  });
  FakeEngine manager([](const string& request, const string&) {
    if (request.find("/networks") == string::npos) return Reply(200, "[]");
    return Reply(200, R"([{"Id":"n","Name":"net","Scope":"swarm","Driver":"overlay",
      "IPAM":{"Config":[{"Subnet":"10.1.0.0/24"}]}}])");
  });
  const std::vector<string> both = {leaderless.endpoint(), manager.endpoint()};
  const auto networks = Open(both)->ListNetworks(Soon());
  ASSERT_TRUE(networks.ok()) << networks.error().message;
  ASSERT_EQ(networks->size(), 1u);
  EXPECT_TRUE(networks->front().allocated);
  const auto subnets = Open(both)->ListSubnets(Soon());
  ASSERT_TRUE(subnets.ok()) << subnets.error().message;
  EXPECT_EQ(*subnets, std::vector<string>{"10.1.0.0/24"});
  const auto none = Open({leaderless.endpoint()})->ListSubnets(Soon());
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, Code::kUnavailable);
}

TEST(DockerSwarmPort, SecretsGoOutEncodedAndAreNeverCited) {
  string sent;
  FakeEngine engine([&](const string& request, const string& body) {
    if (request.starts_with("POST")) sent = body;
    return Reply(400, Message("rpc error: code = InvalidArgument desc = no"));
  });
  const auto made =
      Open({engine.endpoint()})->CreateSecret(Soon(), "s", {{"a", "b"}}, "geheim\xff");
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, Code::kInvalid);
  EXPECT_EQ(made.error().message.find("geheim"), string::npos);
  EXPECT_EQ(made.error().message.find("Z2VoZWlt"), string::npos);
  EXPECT_EQ(sent, R"({"Data":"Z2VoZWlt/w==","Labels":{"a":"b"},"Name":"s"})");
}

TEST(DockerSwarmPort, TasksOfDownNodesAreMarked) {
  FakeEngine engine([](const string& request, const string&) {
    if (request.find("/nodes") != string::npos) {
      return Reply(200, R"([{"ID":"up","Description":{"Hostname":"a"},"Status":{"State":"ready"}},
        {"ID":"down","Description":{"Hostname":"b"},"Status":{"State":"down"}}])");
    }
    return Reply(200, R"([{"ID":"1","NodeID":"up"},{"ID":"2","NodeID":"down"},{"ID":"3"}])");
  });
  const auto tasks = Open({engine.endpoint()})->ListTasks(Soon());
  ASSERT_TRUE(tasks.ok());
  EXPECT_EQ((*tasks)[0].node_name, "a");
  EXPECT_FALSE((*tasks)[0].node_down);
  EXPECT_TRUE((*tasks)[1].node_down);
  EXPECT_FALSE((*tasks)[2].node_down);
}

TEST(DockerCodec, ExitCodesAreThoseOfContainersThatRan) {
  const auto tasks = DecodeTasks(R"([
    {"ID":"1","Status":{"State":"running","ContainerStatus":{"ContainerID":"c","ExitCode":0}}},
    {"ID":"2","Status":{"State":"complete","ContainerStatus":{"ContainerID":"c","ExitCode":0}}},
    {"ID":"3","Status":{"State":"failed","ContainerStatus":{"ContainerID":"c","ExitCode":137}}},
    {"ID":"4","Status":{"State":"rejected"}},
    {"ID":"5","Status":{"State":"shutdown","ContainerStatus":{"ContainerID":"","ExitCode":0}}},
    {"ID":"6","Status":{"State":"whatever","Timestamp":5}}])");
  ASSERT_TRUE(tasks.ok());
  EXPECT_FALSE((*tasks)[0].exit_code);
  EXPECT_EQ((*tasks)[1].exit_code, 0);
  EXPECT_EQ((*tasks)[2].exit_code, 137);
  EXPECT_FALSE((*tasks)[3].exit_code);
  EXPECT_FALSE((*tasks)[4].exit_code);
  EXPECT_EQ((*tasks)[5].state, TaskState::kNew);
}

TEST(DockerCodec, WhatWeNeverSetShowsAsAltered) {
  const SwarmServiceSpec spec{.name = "a", .replicas = 1, .image = "i"};
  const string sent = *EncodeService(spec);
  const auto read = [](const string& json) {
    return DecodeServices("[{\"ID\":\"x\",\"Spec\":" + json + "}]")->front().spec;
  };
  EXPECT_TRUE(read(sent) == spec);
  const auto with = [&](const string& before, const string& extra) {
    string json = sent;
    return json.insert(json.find(before) + before.size(), extra);
  };
  for (const string& json :
       {with("\"ContainerSpec\":{", "\"Configs\":[{\"ConfigID\":\"s\"}],"),
        with("\"Mounts\":[", "{\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/v\"}"),
        with("\"Placement\":{", "\"MaxReplicas\":1,"),
        with("\"TaskTemplate\":{", "\"LogDriver\":{\"Name\":\"none\"},")}) {
    EXPECT_TRUE(read(json).altered) << json;
    EXPECT_FALSE(read(json) == spec);
  }
  // What an engine adds by itself does not.
  EXPECT_TRUE(read(with("\"ContainerSpec\":{", "\"Isolation\":\"default\",\"Privileges\":null,")) ==
              spec);
}

TEST(DockerCodec, SubnetsAreOfIpv4AndNoneTwice) {
  const auto subnets = DecodeSubnets(R"([
    {"Id":"1","Scope":"local","IPAM":{"Config":[{"Subnet":"172.17.0.0/16"},{"Subnet":"fd00::/64"}]}},
    {"Id":"2","Scope":"swarm","Peers":[{"IP":"1.2.3.4"}],"IPAM":{"Config":[{"Subnet":"10.9.0.7/24"}]}},
    {"Id":"3","Scope":"swarm","IPAM":{"Config":[{"Subnet":"10.9.0.0/24"},{"Subnet":"nonsense"}]}},
    {"Id":"4","IPAM":{"Config":null}}, {"Id":"5","IPAM":7}])",
                                     R"([
    {"ID":"a","Status":{"Addr":"192.0.2.1"},"ManagerStatus":{"Addr":"192.0.2.2:2377"}},
    {"ID":"b","Status":{"Addr":"fe80::1"},"ManagerStatus":{"Addr":"[fe80::1]:2377"}}])");
  ASSERT_TRUE(subnets.ok());
  EXPECT_EQ(*subnets,
            (std::vector<string>{"10.9.0.0/24", "172.17.0.0/16", "192.0.2.1/32", "192.0.2.2/32"}));
}

TEST(DockerCodec, AManagerThatListensEverywhereHasTheAddressThatOthersUse) {
  const auto nodes = DecodeNodes(R"([
    {"ID":"a","Status":{"Addr":"0.0.0.0"},"ManagerStatus":{"Addr":"192.0.2.2:2377"}},
    {"ID":"b","Status":{"Addr":"192.0.2.3"},"ManagerStatus":{"Addr":"192.0.2.2:2377"}}])");
  ASSERT_TRUE(nodes.ok());
  EXPECT_EQ((*nodes)[0].address, "192.0.2.2");
  EXPECT_EQ((*nodes)[1].address, "192.0.2.3");
}

TEST(DockerCodec, ATaskHasTheAddressesOfItsNetworksButNotOfTheRoutingMesh) {
  const auto tasks = DecodeTasks(R"([{"ID":"1","NetworksAttachments":[
    {"Network":{"Spec":{"Ingress":true}},"Addresses":["10.0.0.9/24"]},
    {"Network":{"Spec":{}},"Addresses":["10.0.1.5/24"]}, {"Addresses":7}, 5]},
    {"ID":"2","NetworksAttachments":null}])");
  ASSERT_TRUE(tasks.ok());
  EXPECT_EQ((*tasks)[0].addresses, std::vector<string>{"10.0.1.5"});
  EXPECT_TRUE((*tasks)[1].addresses.empty());
}

TEST(DockerCodec, ANodesArchitectureHasTheNameThatImagesUse) {
  const auto nodes = DecodeNodes(R"([
    {"ID":"a","Description":{"Platform":{"Architecture":"x86_64","OS":"linux"}}},
    {"ID":"b","Description":{"Platform":{"Architecture":"aarch64","OS":"linux"}}},
    {"ID":"c","CreatedAt":"2026-01-31T12:00:00Z"}])");
  ASSERT_TRUE(nodes.ok());
  EXPECT_EQ((*nodes)[0].architecture, "amd64");
  EXPECT_EQ((*nodes)[1].architecture, "arm64");
  EXPECT_EQ((*nodes)[2].architecture, "");
  EXPECT_EQ((*nodes)[2].os, "linux");
  EXPECT_EQ(FormatTime((*nodes)[2].created_at), "2026-01-31T12:00:00Z");
}

TEST(DockerCodec, WhatTasksReserveAndEnginesAreLabelledWithIsRead) {
  const auto tasks = DecodeTasks(R"([
    {"ID":"1","Spec":{"Resources":{"Reservations":{"NanoCPUs":500000000,"MemoryBytes":1048576}}}},
    {"ID":"2","Spec":{"Resources":{"Limits":{"NanoCPUs":1},"Reservations":null}}}, {"ID":"3"}])");
  ASSERT_TRUE(tasks.ok());
  EXPECT_EQ((*tasks)[0].cpu_request_nano, 500'000'000);
  EXPECT_EQ((*tasks)[0].memory_request_bytes, 1 << 20);
  EXPECT_EQ((*tasks)[1].cpu_request_nano + (*tasks)[2].memory_request_bytes, 0);
  const auto nodes = DecodeNodes(R"([{"ID":"a","Spec":{"Labels":{"gpu":"true"}},
    "Description":{"Engine":{"Labels":{"rack":"r1"}}}}])");
  ASSERT_TRUE(nodes.ok());
  EXPECT_EQ((*nodes)[0].labels, (Labels{{"gpu", "true"}}));
  EXPECT_EQ((*nodes)[0].engine_labels, (Labels{{"rack", "r1"}}));
}

TEST(DockerCodec, PortsOfATaskAreSortedAndNoneTwice) {
  const auto tasks = DecodeTasks(R"([{"ID":"1","Status":{"PortStatus":{"Ports":[
    {"Protocol":"tcp","TargetPort":80,"PublishedPort":32769,"PublishMode":"host"},
    {"Protocol":"tcp","TargetPort":22,"PublishedPort":32768,"PublishMode":"host"},
    {"Protocol":"udp","TargetPort":22,"PublishedPort":32768,"PublishMode":"host"},
    {"Protocol":"tcp","TargetPort":80,"PublishedPort":32769,"PublishMode":"host"}]}}}])");
  ASSERT_TRUE(tasks.ok());
  EXPECT_EQ((*tasks)[0].ports, (std::vector<SwarmPort>{{22, 32'768, true}, {80, 32'769, true}}));
}

TEST(DockerCodec, WhatOthersSetWhereWeSetSomethingShowsAsAltered) {
  SwarmServiceSpec spec{.name = "a", .replicas = 1, .image = "i"};
  spec.mounts = {{"v", "/v", false, "local", {{"o", "bind"}}}};
  spec.secrets = {{"id", "name", "file"}};
  spec.ports = {{80, 0, true}};
  const string sent = *EncodeService(spec);
  const auto read = [](const string& json) {
    return DecodeServices("[{\"ID\":\"x\",\"Spec\":" + json + "}]")->front().spec;
  };
  EXPECT_TRUE(read(sent) == spec);
  for (const auto& [from, to] : std::vector<std::pair<string, string>>{
           {"\"Mode\":256", "\"Mode\":292"},
           {"\"UID\":\"0\"", "\"UID\":\"1\""},
           {"\"Protocol\":\"tcp\"", "\"Protocol\":\"udp\""},
           {"\"Protocol\":\"tcp\"", "\"Name\":\"web\",\"Protocol\":\"tcp\""},
           {"\"DriverConfig\":", "\"NoCopy\":true,\"DriverConfig\":"},
           {"\"DriverConfig\":", "\"Labels\":{\"a\":\"b\"},\"DriverConfig\":"}}) {
    string json = sent;
    ASSERT_NE(json.find(from), string::npos) << from << " in " << json;
    json.replace(json.find(from), from.size(), to);
    EXPECT_TRUE(read(json).altered) << json;
  }
}

TEST(DockerLogFrames, AreReadHoweverTheyAreCut) {
  const auto frame = [](char stream, const string& text) {
    return string{stream,
                  0,
                  0,
                  0,
                  0,
                  0,
                  static_cast<char>(text.size() >> 8),
                  static_cast<char>(text.size())} +
           text;
  };
  const string longer = string(20'000, 'x') + "\n";
  const string all = frame(1, "one\n") + frame(2, "") + frame(2, longer) + frame(1, "three");
  for (const size_t piece : {size_t{1}, size_t{3}, size_t{7}, size_t{8}, size_t{9}, all.size()}) {
    LogFrames frames;
    std::vector<string> lines;
    for (size_t at = 0; at < all.size(); at += piece) {
      EXPECT_TRUE(frames.Feed(std::string_view(all).substr(at, piece), [&](std::string_view line) {
        lines.emplace_back(line);
        return true;
      }));
    }
    EXPECT_FALSE(frames.error());
    EXPECT_EQ(lines, (std::vector<string>{"one\n", "", longer, "three"}));
  }
}

TEST(DockerLogFrames, EndWithTheSinkWithNonsenseAndWithTheEnginesError) {
  const string good("\1\0\0\0\0\0\0\2a\n", 10);
  LogFrames ended;
  int lines = 0;
  EXPECT_FALSE(ended.Feed(good + good, [&](std::string_view) { return ++lines < 1; }));
  EXPECT_EQ(lines, 1);
  EXPECT_FALSE(ended.error());
  LogFrames nonsense;
  EXPECT_FALSE(nonsense.Feed("plain text, no frames", [](std::string_view) { return true; }));
  EXPECT_EQ(nonsense.error()->code, Code::kInternal);
  LogFrames huge;
  EXPECT_FALSE(huge.Feed(string("\1\0\0\0\x7f\0\0\0", 8), [](std::string_view) { return true; }));
  LogFrames failed;
  EXPECT_FALSE(
      failed.Feed(string("\3\0\0\0\0\0\0\4oops", 12), [](std::string_view) { return true; }));
  EXPECT_EQ(failed.error()->code, Code::kUnavailable);
  EXPECT_EQ(failed.error()->message, "oops");
}

TEST(DockerWatch, AsksLittleAtRestAndOftenWhenChangesAreExpected) {
  std::atomic<int> version = 1;
  FakeEngine engine([&](const string& request, const string&) {
    if (request.find("/events") != string::npos)
      return string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    if (request.find("/tasks") != string::npos) {
      return Reply(200, "[{\"ID\":\"t\",\"ServiceID\":\"s\",\"Version\":{\"Index\":" +
                            std::to_string(version) + "}}]");
    }
    if (request.find("/networks") != string::npos || request.find("/secrets") != string::npos)
      return Reply(200, "[]");
    return Reply(200, R"([{"ID":"s","Version":{"Index":1},"Spec":{"Labels":{"zoe.kind":"Execution",
      "zoe.namespace":"alice","zoe.name":"wordcount"}}}])");
  });
  const auto swarm = Open({engine.endpoint()});
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<SwarmHint> hints;
  const auto watch = swarm->Subscribe([&](const SwarmHint& hint) {
    const std::lock_guard lock(mutex);
    hints.push_back(hint);
    changed.notify_all();
  });
  ASSERT_TRUE(watch.ok());
  std::unique_lock lock(mutex);
  const auto until = [&](const auto& holds) {
    return changed.wait_for(lock, std::chrono::seconds(5), holds);
  };
  ASSERT_TRUE(until([&] { return hints.size() == 1; }));
  EXPECT_EQ(hints[0].kind, "");  // begun: look at everything
  // Nobody expects anything: no poll for a while.
  EXPECT_FALSE(
      changed.wait_for(lock, std::chrono::milliseconds(400), [&] { return hints.size() > 1; }));
  EXPECT_LE(engine.Count("GET /v1.41/tasks"), 2);
  swarm->ExpectChanges(Duration(5'000));
  version = 2;
  ASSERT_TRUE(until([&] { return hints.size() == 2; }));
  EXPECT_EQ(hints[1].kind, "Execution");
  EXPECT_EQ(hints[1].ns, "alice");
  EXPECT_EQ(hints[1].name, "wordcount");
  EXPECT_GE(engine.Count("GET /v1.41/tasks"), 2);
}

// Somebody else has removed the service, so that this observer never sees it.
TEST(DockerWatch, TellsWhenTheLastTaskOfAServiceThatItNeverSawIsGone) {
  std::atomic<bool> ending = true;
  FakeEngine engine([&](const string& request, const string&) {
    if (request.find("/events") != string::npos)
      return string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    if (request.find("/tasks") == string::npos || !ending) return Reply(200, "[]");
    return Reply(200, R"([{"ID":"t","ServiceID":"s","Version":{"Index":1},"DesiredState":"remove",
      "Spec":{"ContainerSpec":{"Labels":{"zoe.kind":"Execution","zoe.namespace":"alice",
      "zoe.name":"wordcount"}}}}])");
  });
  const auto swarm = Open({engine.endpoint()});
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<SwarmHint> hints;
  const auto watch = swarm->Subscribe([&](const SwarmHint& hint) {
    const std::lock_guard lock(mutex);
    hints.push_back(hint);
    changed.notify_all();
  });
  ASSERT_TRUE(watch.ok());
  std::unique_lock lock(mutex);
  const auto said = [&](const string& name) {
    return changed.wait_for(lock, std::chrono::seconds(5), [&] {
      return std::ranges::any_of(hints, [&](const SwarmHint& hint) { return hint.name == name; });
    });
  };
  ASSERT_TRUE(said(""));
  hints.clear();
  ending = false;
  swarm->ExpectChanges(Duration(5'000));
  EXPECT_TRUE(said("wordcount"));
}

}  // namespace
}  // namespace zoe::docker
