// apis/docker against a scripted engine: which killed tasks the kernel killed for their memory.
#include <gtest/gtest.h>

#include <atomic>

#include "test/unit/apis/fake_engine.h"

namespace zoe::docker {
namespace {

constexpr const char* kNodes =
    R"([{"ID":"n1","Description":{"Hostname":"one"},"Status":{"State":"ready","Addr":"127.0.0.1"},
         "Spec":{"Availability":"active"}}])";

string Task(const string& id, const string& state, int exit_code) {
  return R"({"ID":")" + id + R"(","ServiceID":"s","NodeID":"n1","Slot":1,"Status":{"State":")" +
         state + R"(","Err":"task: non-zero exit","ContainerStatus":{"ContainerID":"c-)" + id +
         R"(","ExitCode":)" + std::to_string(exit_code) + "}}}";
}

// An engine that is the only manager, and node n1 unless its id says otherwise. `containers`
// answers what is asked of containers.
FakeEngine Manager(const string& tasks, std::function<string(const string&)> containers,
                   const string& node = "n1") {
  return FakeEngine([=](const string& request, const string&) {
    if (request.find("/containers/") != string::npos) return containers(request);
    if (request.find("/info") != string::npos)
      return Reply(200, R"({"Swarm":{"NodeID":")" + node + "\"}}");
    if (request.find("/nodes") != string::npos) return Reply(200, kNodes);
    return Reply(200, request.find("/tasks") != string::npos ? "[" + tasks + "]" : "[]");
  });
}

std::optional<bool> OutOfMemory(Swarm& swarm, size_t task = 0) {
  const auto seen = swarm.Observe(Soon(), "uid");
  EXPECT_TRUE(seen.ok()) << seen.error().message;
  return seen.ok() && seen->tasks.size() > task ? seen->tasks[task].out_of_memory : std::nullopt;
}

TEST(DockerKills, AreAskedOfTheNodesEngineOnce) {
  FakeEngine engine = Manager(
      Task("a", "failed", 137) + "," + Task("b", "failed", 137) + "," + Task("c", "failed", 1) +
          "," + Task("d", "shutdown", 137),
      [](const string& request) {
        const bool out = request.find("c-a/json") != string::npos;
        return Reply(200, string(R"({"State":{"OOMKilled":)") + (out ? "true}}" : "false}}"));
      });
  const auto swarm = Open({engine.endpoint()});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(OutOfMemory(*swarm, 0), true);
    EXPECT_EQ(OutOfMemory(*swarm, 1), false);
    EXPECT_EQ(OutOfMemory(*swarm, 2), std::nullopt);
    EXPECT_EQ(OutOfMemory(*swarm, 3), std::nullopt);
  }
  EXPECT_EQ(engine.Count("GET /v1.41/containers/"), 2);
}

TEST(DockerKills, AreNotKnownOfAContainerThatIsForgotten) {
  FakeEngine engine = Manager(Task("a", "failed", 137), [](const string&) {
    return Reply(404, Message("No such container: c-a"));
  });
  const auto swarm = Open({engine.endpoint()});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(OutOfMemory(*swarm), std::nullopt);
  EXPECT_EQ(engine.Count("GET /v1.41/containers/"), 1) << "it will not come back";
}

TEST(DockerKills, AreAskedAgainOfAnEngineThatDidNotAnswer) {
  std::atomic<bool> well = false;
  FakeEngine engine = Manager(Task("a", "failed", 137), [&](const string&) {
    return well ? Reply(200, R"({"State":{"OOMKilled":true}})") : Reply(500, Message("busy"));
  });
  const auto swarm = Open({engine.endpoint()});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(OutOfMemory(*swarm), std::nullopt);
  EXPECT_EQ(engine.Count("GET /v1.41/containers/"), 1) << "but not at once";
  well = true;
  const SteadyTime until = kClock.Now() + std::chrono::seconds(10);
  while (OutOfMemory(*swarm) != true && kClock.Now() < until) std::this_thread::yield();
  EXPECT_EQ(OutOfMemory(*swarm), true);
}

TEST(DockerKills, AreNotKnownWhereTheNodesEngineCannotBeReached) {
  FakeEngine engine = Manager(
      Task("a", "failed", 137), [](const string&) { return Reply(200, "{}"); }, "n9");
  const auto swarm = Open({engine.endpoint()});
  EXPECT_EQ(OutOfMemory(*swarm), std::nullopt);
  EXPECT_EQ(engine.Count("GET /v1.41/containers/"), 0);
}

TEST(DockerKills, CostNoMoreThanASecond) {
  FakeEngine engine = Manager(Task("a", "failed", 137) + "," + Task("b", "failed", 137),
                              [](const string&) { return FakeEngine::kSilence; });
  const auto swarm = Open({engine.endpoint()});
  const SteadyTime begin = kClock.Now();
  EXPECT_EQ(OutOfMemory(*swarm), std::nullopt);
  EXPECT_LT(kClock.Now() - begin, std::chrono::milliseconds(2'500));
}

}  // namespace
}  // namespace zoe::docker
