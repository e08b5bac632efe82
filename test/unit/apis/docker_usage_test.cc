// What containers use: the engine's counters, and how often engines are asked for them.
#include <atomic>

#include "apis/docker/usage.h"
#include "test/unit/apis/fake_engine.h"

namespace zoe::docker {
namespace {

string Stats(const string& read, int64_t cpu_ns) {
  return "{\"read\":\"" + read +
         "\",\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":" + std::to_string(cpu_ns) +
         "}},\"memory_stats\":{\"usage\":5000,\"stats\":{\"total_inactive_file\":1000}}}";
}

TEST(DockerUsage, CountersOfBothVersionsOfCgroupsAreRead) {
  const auto v1 = DecodeStats(R"({"read":"2026-01-31T12:00:00.5Z",
    "cpu_stats":{"cpu_usage":{"total_usage":7}},
    "memory_stats":{"usage":5000,"stats":{"inactive_file":1,"total_inactive_file":1000}}})");
  ASSERT_TRUE(v1.has_value());
  EXPECT_EQ(v1->cpu_ns, 7);
  EXPECT_EQ(v1->memory_bytes, 4000);
  EXPECT_EQ(FormatTime(v1->at), "2026-01-31T12:00:00.500Z");
  const auto v2 = DecodeStats(R"({"read":"2026-01-31T12:00:00Z",
    "memory_stats":{"usage":5000,"stats":{"inactive_file":2000}}})");
  EXPECT_EQ(v2->memory_bytes, 3000);
  for (const char* nothing :
       {"", "[]", "{}", R"({"read":"0001-01-01T00:00:00Z","memory_stats":{}})",
        R"({"read":"2026-01-31T12:00:00Z","memory_stats":{}})", R"({"read":7,"memory_stats":7})"})
    EXPECT_FALSE(DecodeStats(nothing).has_value()) << nothing;
}

// Two nodes: the engine that is asked is n1's, nobody knows where n2's is.
class TwoNodes {
 public:
  string Answer(const string& request) {
    if (request.find("/info") != string::npos) return Reply(200, R"({"Swarm":{"NodeID":"n1"}})");
    if (request.find("/nodes") != string::npos)
      return Reply(200, R"([{"ID":"n1","Status":{"State":"ready"}},
        {"ID":"n2","Description":{"Hostname":"two"},"Status":{"State":"ready"}}])");
    if (request.find("/tasks") != string::npos) {
      const auto task = [](const string& id, const string& node, const string& state) {
        return "{\"ID\":\"" + id + "\",\"NodeID\":\"" + node + "\",\"Status\":{\"State\":\"" +
               state + "\",\"ContainerStatus\":{\"ContainerID\":\"c" + id + "\"}}}";
      };
      return Reply(200, "[" + task("a", "n1", "running") + "," + task("b", "n1", "running") + "," +
                            task("c", "n2", "running") + "," + task("d", "n1", "failed") + "]");
    }
    if (request.find("/containers/ca/stats") != string::npos) {
      // Two readings, two seconds apart by the engine's clock: half a CPU.
      return ++readings_ == 1 ? Reply(200, Stats("2026-01-31T12:00:00Z", 5'000'000'000))
                              : Reply(200, Stats("2026-01-31T12:00:02Z", 6'000'000'000));
    }
    return Reply(404, Message("No such container"));
  }

 private:
  std::atomic<int> readings_ = 0;
};

TEST(DockerUsage, IsMeasuredOnceForAllThatAskWithinSecondsAndOnlyThen) {
  TwoNodes world;
  FakeEngine engine([&](const string& request, const string&) { return world.Answer(request); });
  const auto swarm = Open({engine.endpoint()});
  EXPECT_TRUE(engine.requests().empty()) << "at rest";
  Expected<std::vector<SwarmUsage>> other = std::vector<SwarmUsage>{};
  std::thread asks([&] { other = swarm->Usage(Soon()); });
  const auto usage = swarm->Usage(Soon());
  asks.join();
  for (const auto& each : {usage, other}) {
    ASSERT_TRUE(each.ok());
    ASSERT_EQ(each->size(), 1U) << "b is gone, c's engine isn't known, d has ended";
    const SwarmUsage& a = each->front();
    EXPECT_EQ(a.task_id, "a");
    EXPECT_EQ(a.node_id, "n1");
    EXPECT_EQ(a.cpu_nano, 500'000'000);
    EXPECT_EQ(a.memory_bytes, 4000);
    EXPECT_EQ(a.window, Duration(2'000));
  }
  EXPECT_EQ(engine.Count("GET /v1.41/containers/ca/stats?stream=false&one-shot=true"), 2);
  EXPECT_EQ(engine.Count("GET /v1.41/containers/cc/"), 0);
  const size_t before = engine.requests().size();
  EXPECT_EQ(swarm->Usage(Soon())->size(), 1U);
  EXPECT_EQ(engine.requests().size(), before);
}

TEST(DockerUsage, EndsWithItsCaller) {
  TwoNodes world;
  FakeEngine engine([&](const string& request, const string&) { return world.Answer(request); });
  const auto swarm = Open({engine.endpoint()});
  const auto usage = swarm->Usage(Soon(300));
  ASSERT_FALSE(usage.ok());
  EXPECT_EQ(usage.error().code, Code::kCancelled);
}

}  // namespace
}  // namespace zoe::docker
