// apis/docker against scripted engines: managers that change while it runs, and fail over.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <vector>

#include "apis/docker/observer.h"
#include "test/unit/apis/fake_engine.h"

namespace zoe::docker {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);

const char kNoLeader[] = "rpc error: code = Unknown desc = The swarm does not have a leader.";
const string kEventStream = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

// A manager of an empty Swarm whose only node has its name.
FakeEngine::Script ManagerNamed(const string& name) {
  return [name](const string& request, const string&) {
    if (request.find("/events") != string::npos) return kEventStream;
    if (request.find("/nodes") == string::npos) return Reply(200, "[]");
    return Reply(200, "[{\"ID\":\"" + name + "\",\"Description\":{\"Hostname\":\"" + name +
                          "\"},\"Status\":{\"State\":\"ready\"}}]");
  };
}

// Tells endpoints as a znode would.
class Source {
 public:
  EndpointSource Get() {
    return {"node /docker of ZooKeeper at h:2181", [this](auto on_value) {
              tell_ = on_value;
              return Expected<std::unique_ptr<Watch>>(std::make_unique<Watch>());
            }};
  }
  void Tell(const Expected<string>& told) { tell_(told); }

 private:
  std::function<void(const Expected<string>&)> tell_;
};

std::unique_ptr<Swarm> Follow(Source& source) {
  auto swarm = OpenDockerSwarm({.source = source.Get()}, kClock);
  EXPECT_TRUE(swarm.ok());
  return *std::move(swarm);
}

string NodeOf(Swarm& swarm) {
  const auto nodes = swarm.ListNodes(Soon());
  return nodes.ok() ? nodes->at(0).name : nodes.error().message;
}

class Hints {
 public:
  auto Callback() {
    return [this](const SwarmHint& hint) {
      const std::lock_guard lock(mutex_);
      resyncs_ += hint.kind.empty();
      changed_.notify_all();
    };
  }
  int resyncs() {
    const std::lock_guard lock(mutex_);
    return resyncs_;
  }
  bool WaitForResync(int more_than) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return resyncs_ > more_than; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int resyncs_ = 0;
};

bool Eventually(const std::function<bool()>& holds) {
  const SteadyTime deadline = kClock.Now() + kPatience;
  while (!holds() && kClock.Now() < deadline) std::this_thread::yield();
  return holds();
}

TEST(DockerManagers, AreFollowedWhereverTheSourceSaysTheyAre) {
  FakeEngine first(ManagerNamed("first")), second(ManagerNamed("second"));
  Source source;
  const auto swarm = Follow(source);
  const auto before = swarm->Ping(Soon());
  ASSERT_FALSE(before.ok());
  EXPECT_EQ(before.error().code, Code::kUnavailable);
  EXPECT_EQ(before.error().message,
            "no Swarm manager answers: node /docker of ZooKeeper at h:2181 has not been read yet");
  source.Tell(first.endpoint() + "\n");
  EXPECT_EQ(NodeOf(*swarm), "first");
  source.Tell(" " + second.endpoint() + " , " + first.endpoint());
  EXPECT_EQ(NodeOf(*swarm), "second");
  EXPECT_TRUE(swarm->Ping(Soon()).ok());
}

TEST(DockerManagers, ThatWereKnownLastStayInUseWhileTheSourceTellsNothingOfUse) {
  auto manager = std::make_unique<FakeEngine>(ManagerNamed("first"));
  Source source;
  const auto swarm = Follow(source);
  source.Tell(manager->endpoint());
  for (const Expected<string>& useless :
       {Expected<string>(MakeError(Code::kNotFound, "there is no such node")),
        Expected<string>(string("")), Expected<string>(string("docker.example")),
        Expected<string>(manager->endpoint() + ",tcp://me:secret@h:1")}) {
    source.Tell(useless);
    EXPECT_EQ(NodeOf(*swarm), "first");
  }
  manager.reset();
  const auto ping = swarm->Ping(Soon());
  ASSERT_FALSE(ping.ok());
  EXPECT_EQ(ping.error().code, Code::kUnavailable);
  for (const char* said : {"there is no such socket", "node /docker of ZooKeeper at h:2181",
                           "is to hold the endpoints", "tcp://10.0.0.1:2375"})
    EXPECT_NE(ping.error().message.find(said), string::npos) << ping.error().message;
}

TEST(DockerManagers, AWriteUnderWayGoesOnWhereItWasSent) {
  std::promise<void> arrived, go_on;
  FakeEngine first([&](const string& request, const string&) {
    if (!request.starts_with("POST")) return Reply(200, "[]");
    arrived.set_value();
    go_on.get_future().wait();
    return Reply(201, "{\"ID\":\"made by the first\"}");
  });
  FakeEngine second([](const string&, const string&) { return Reply(201, "{\"ID\":\"x\"}"); });
  Source source;
  const auto swarm = Follow(source);
  source.Tell(first.endpoint());
  auto write = std::async(std::launch::async, [&] {
    const SwarmServiceSpec spec;
    return swarm->CreateServices(Soon(), {&spec, 1}).front();
  });
  arrived.get_future().wait();
  source.Tell(second.endpoint());
  go_on.set_value();
  const auto made = write.get();
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ(*made, "made by the first");
  EXPECT_EQ(first.Count("POST"), 1);
  EXPECT_EQ(second.Count("POST"), 0);
}

TEST(DockerManagers, EventsAreReadWhereCallsGo) {
  FakeEngine first(ManagerNamed("first")), second(ManagerNamed("second"));
  Source source;
  const auto swarm = Follow(source);
  source.Tell(first.endpoint());
  Hints hints;
  const auto watch = swarm->Subscribe(hints.Callback());
  ASSERT_TRUE(watch.ok());
  ASSERT_TRUE(hints.WaitForResync(0));
  ASSERT_TRUE(Eventually([&] { return first.Count("GET /v1.41/events") == 1; }));
  const int before = hints.resyncs();
  source.Tell(second.endpoint());
  EXPECT_TRUE(Eventually([&] { return second.Count("GET /v1.41/events") == 1; }));
  EXPECT_TRUE(hints.WaitForResync(before));
  EXPECT_EQ(first.Count("GET /v1.41/events"), 1);
}

// Its machine is gone: the connection of the events stays open and says nothing any more.
TEST(DockerFailover, T20EventsGoOnAtTheManagerThatAnswersAndTheGapIsClosedByAResync) {
  std::atomic<bool> gone = false;
  const auto alive = ManagerNamed("first");
  FakeEngine first([&](const string& request, const string& body) {
    return gone ? FakeEngine::kSilence : alive(request, body);
  });
  FakeEngine second(ManagerNamed("second"));
  const auto swarm = Open({first.endpoint(), second.endpoint()});
  Hints hints;
  const auto watch = swarm->Subscribe(hints.Callback());
  ASSERT_TRUE(watch.ok());
  ASSERT_TRUE(hints.WaitForResync(0));
  ASSERT_TRUE(Eventually([&] { return first.Count("GET /v1.41/events") == 1; }));
  const int before = hints.resyncs();
  gone = true;
  const auto nodes = swarm->ListNodes(Soon(2'000));
  ASSERT_TRUE(nodes.ok()) << nodes.error().message;
  EXPECT_EQ(nodes->at(0).name, "second");
  EXPECT_TRUE(Eventually([&] { return second.Count("GET /v1.41/events") == 1; }));
  EXPECT_TRUE(hints.WaitForResync(before));
}

TEST(DockerFailover, ThatTheEventsHaveEndedIsSaidOnceHoweverManyWatch) {
  std::atomic<bool> gone = false;
  const auto alive = ManagerNamed("first");
  FakeEngine first([&](const string& request, const string& body) {
    if (request.find("/events") != string::npos && gone) return Reply(503, Message("not now"));
    return alive(request, body);
  });
  const auto swarm = Open({first.endpoint()});
  Hints hints;
  testing::internal::CaptureStderr();
  {
    std::vector<Expected<std::unique_ptr<SwarmWatch>>> watches;
    gone = true;
    for (int i = 0; i < 4; ++i) watches.push_back(swarm->Subscribe(hints.Callback()));
    EXPECT_TRUE(Eventually([&] { return first.Count("GET /v1.41/events") >= 8; }));
    gone = false;
    const int before = first.Count("GET /v1.41/events");
    EXPECT_TRUE(Eventually([&] { return first.Count("GET /v1.41/events") >= before + 4; }));
    EXPECT_TRUE(hints.WaitForResync(4));
  }
  const string log = testing::internal::GetCapturedStderr();
  const auto count = [&](const string& words) {
    int n = 0;
    for (size_t at = 0; (at = log.find(words, at)) != string::npos; ++at) ++n;
    return n;
  };
  EXPECT_EQ(count("the Swarm's events have ended"), 1) << log;
  EXPECT_LE(count("the Swarm's events are read again"), 1) << log;
}

// A manager that hangs while the Swarm elects: the probe's second is shared among the managers.
TEST(DockerFailover, APingReachesTheManagerThatAnswers) {
  FakeEngine hanging([](const string&, const string&) { return FakeEngine::kSilence; });
  FakeEngine second(ManagerNamed("second"));
  const auto swarm = Open({hanging.endpoint(), second.endpoint()});
  const auto ping = swarm->Ping(Soon());
  EXPECT_TRUE(ping.ok()) << ping.error().message;
}

// With one of the two requests answered by each, services without their tasks would be seen.
TEST(DockerFailover, WhatIsObservedIsOfOneManager) {
  FakeEngine half([](const string& request, const string&) {
    if (request.find("/services") != string::npos)
      return Reply(200, R"([{"ID":"s","Version":{"Index":1},"Spec":{"Name":"half"}}])");
    return Reply(500, Message(kNoLeader));
  });
  FakeEngine whole(ManagerNamed("whole"));
  const auto seen = Open({half.endpoint(), whole.endpoint()})->Observe(Soon(), "uid");
  ASSERT_TRUE(seen.ok()) << seen.error().message;
  EXPECT_TRUE(seen->services.empty());
}

// ---- nodes

SwarmNode Node(bool ready) {
  SwarmNode node;
  node.id = "n1";
  node.name = "sw1";
  node.ready = ready;
  return node;
}

bool IsDown(const NodeCache& cache, SteadyTime now) {
  std::vector<SwarmTask> tasks(1);
  tasks[0].node_id = "n1";
  EXPECT_TRUE(cache.Describe(tasks, now));
  EXPECT_EQ(cache.Nodes(now).at(0).ready, !tasks[0].node_down);
  EXPECT_EQ(cache.Down(now).contains("n1"), tasks[0].node_down);
  return tasks[0].node_down;
}

TEST(DockerNodes, UnknownToANewLeaderIsNotDownForAMinute) {
  using std::chrono::seconds;
  const SteadyTime start{seconds(1'000)};
  NodeCache cache;
  cache.Set({Node(true)}, {}, start);
  EXPECT_FALSE(IsDown(cache, start));
  cache.Set({Node(false)}, {"n1"}, start + seconds(10));
  EXPECT_FALSE(IsDown(cache, start + seconds(10)));
  cache.Set({Node(false)}, {"n1"}, start + seconds(50));
  EXPECT_FALSE(IsDown(cache, start + seconds(69)));
  EXPECT_TRUE(IsDown(cache, start + seconds(70)));  // without another look
  cache.Set({Node(false)}, {"n1"}, start + seconds(80));
  EXPECT_TRUE(IsDown(cache, start + seconds(80)));
  cache.Set({Node(true)}, {}, start + seconds(90));
  cache.Set({Node(false)}, {"n1"}, start + seconds(95));
  EXPECT_FALSE(IsDown(cache, start + seconds(95)));  // another election
  cache.Set({Node(false)}, {}, start + seconds(96));
  EXPECT_TRUE(IsDown(cache, start + seconds(96)));  // Swarm says down
  cache.Set({Node(false)}, {"n1"}, start + seconds(97));
  EXPECT_TRUE(IsDown(cache, start + seconds(97)));  // it was down before the election
}

TEST(DockerNodes, RunningTasksStayRunningThroughALeaderChange) {
  std::atomic<const char*> state = "ready";
  FakeEngine engine([&](const string& request, const string&) {
    if (request.find("/nodes") != string::npos)
      return Reply(200, string(R"([{"ID":"n1","Status":{"State":")") + state.load() + "\"}}]");
    if (request.find("/tasks") == string::npos) return Reply(200, "[]");
    return Reply(200, R"([{"ID":"t","ServiceID":"s","NodeID":"n1","DesiredState":"running",
      "Status":{"State":"running"}}])");
  });
  const auto swarm = Open({engine.endpoint()});
  for (const auto& [now, down] : std::vector<std::pair<const char*, bool>>{
           {"ready", false}, {"unknown", false}, {"ready", false}, {"down", true}}) {
    state = now;
    ASSERT_TRUE(swarm->Ping(Soon()).ok());
    const auto seen = swarm->Observe(Soon(), "uid");
    ASSERT_TRUE(seen.ok()) << seen.error().message;
    EXPECT_EQ(seen->tasks.at(0).node_down, down) << now;
  }
}

TEST(DockerNodes, T19ATaskOnANodeThatHasLeftIsOnANodeThatIsDown) {
  std::atomic<bool> removed = false;
  FakeEngine engine([&](const string& request, const string&) {
    if (request.find("/nodes") != string::npos)
      return Reply(200, removed ? R"([{"ID":"n2","Status":{"State":"ready"}}])"
                                : R"([{"ID":"n1","Status":{"State":"ready"}},
                                      {"ID":"n2","Status":{"State":"ready"}}])");
    if (request.find("/tasks") == string::npos) return Reply(200, "[]");
    const string old = R"({"ID":"a","ServiceID":"s","NodeID":"n1","DesiredState":")" +
                       string(removed ? "shutdown" : "running") +
                       R"(","Status":{"State":"running"}})";
    if (!removed) return Reply(200, "[" + old + "]");
    return Reply(200, "[" + old + R"(,{"ID":"b","ServiceID":"s","NodeID":"n3",
      "DesiredState":"running","Status":{"State":"running"}}])");
  });
  const auto swarm = Open({engine.endpoint()});
  ASSERT_FALSE(swarm->Observe(Soon(), "uid")->tasks.at(0).node_down);
  removed = true;  // and the node event was missed
  const int asked = engine.Count("GET /v1.41/nodes");
  const auto seen = swarm->Observe(Soon(), "uid");
  ASSERT_TRUE(seen.ok());
  // n3 isn't among the nodes last read: they are read again, and n1 is found missing.
  EXPECT_EQ(engine.Count("GET /v1.41/nodes"), asked + 1);
  EXPECT_TRUE(seen->tasks.at(0).node_down);
}

TEST(DockerNodes, T42TwoTasksOfOneSlotAreBothToldWhileTheOldOnesNodeIsCutOff) {
  std::atomic<bool> day_later = false;
  FakeEngine engine([&](const string& request, const string&) {
    if (request.find("/nodes") != string::npos)
      return Reply(200, R"([{"ID":"n1","Status":{"State":"down"}},
                            {"ID":"n2","Status":{"State":"ready"}}])");
    if (request.find("/tasks") == string::npos) return Reply(200, "[]");
    return Reply(200, R"([{"ID":"old","ServiceID":"s","Slot":1,"NodeID":"n1",
      "DesiredState":"shutdown","Status":{"State":")" +
                          string(day_later ? "orphaned" : "running") + R"("}},
      {"ID":"new","ServiceID":"s","Slot":1,"NodeID":"n2","DesiredState":"running",
      "Status":{"State":"running"}}])");
  });
  const auto swarm = Open({engine.endpoint()});
  const auto cut = swarm->Observe(Soon(), "uid");
  ASSERT_TRUE(cut.ok()) << cut.error().message;
  EXPECT_TRUE(cut->tasks.at(0).node_down);
  EXPECT_EQ(cut->tasks.at(0).state, TaskState::kRunning);
  EXPECT_FALSE(cut->tasks.at(1).node_down);
  day_later = true;
  const auto orphaned = swarm->Observe(Soon(), "uid");
  ASSERT_TRUE(orphaned.ok());
  EXPECT_EQ(orphaned->tasks.at(0).state, TaskState::kOrphaned);
  EXPECT_TRUE(IsTerminal(orphaned->tasks.at(0).state));
}

}  // namespace
}  // namespace zoe::docker
