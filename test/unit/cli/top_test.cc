// top: what is used, next to what is reserved.
#include "test/unit/cli/commands.h"

namespace zoe::cli {
namespace {

constexpr const char *kPods = "/api/v1/namespaces/default/pods/",
                     *kPodMetrics = "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/",
                     *kNodes = "/api/v1/nodes/",
                     *kNodeMetrics = "/apis/metrics.k8s.io/v1beta1/nodes/";

class Top : public Commands {
 protected:
  static codec::Value Json(const std::string& text) {
    auto value = codec::ParseJson(text);
    EXPECT_TRUE(value.ok()) << text;
    return *value;
  }
  // A pod of one CPU and 64Mi, and what it uses, if that is known.
  void Pod(const std::string& execution, const std::string& service, const std::string& node,
           const std::string& cpu, const std::string& phase = "Running") {
    const std::string name = execution + "-" + service;
    const std::string meta =
        R"({"name":")" + name + R"(","namespace":"default","labels":{"zoe.kind":"Execution",)" +
        R"("zoe.name":")" + execution + R"(","zoe.service":")" + service + R"("}})";
    api.Put(kPods + name, Json(R"({"metadata":)" + meta + R"(,"spec":{"nodeName":")" + node +
                               R"(","containers":[{"resources":{"requests":{"cpu":"1",)" +
                               R"("memory":"64Mi"}}}]},"status":{"phase":")" + phase + "\"}}"));
    if (cpu.empty()) return;
    api.Put(kPodMetrics + name,
            Json(R"({"metadata":)" + meta + R"(,"containers":[{"usage":{"cpu":")" + cpu +
                 R"(","memory":"16384Ki"}}]})"));
  }
  void Node(const std::string& name, const std::string& cpu, const std::string& ready = "True") {
    api.Put(kNodes + name,
            Json(R"({"metadata":{"name":")" + name +
                 R"("},"status":{"allocatable":{"cpu":"4","memory":"1Gi"},"allocated":{"cpu":"2",)"
                 R"("memory":"128Mi"},"conditions":[{"type":"Ready","status":")" +
                 ready + "\"}]}}"));
    if (cpu.empty()) return;
    api.Put(kNodeMetrics + name, Json(R"({"metadata":{"name":")" + name + R"("},"usage":{"cpu":")" +
                                      cpu + R"(","memory":"32768Ki"}})"));
  }
};

TEST_F(Top, ShowsUseNextToReservationByNodeAndByExecution) {
  Node("one", "500000000n");
  Pod("count", "master", "one", "250000000n");
  Pod("count", "worker", "one", "250000000n");
  Pod("old", "web", "one", "", "Succeeded");
  const Ran ran = Run({"top"});
  EXPECT_EQ(ran.code, kOk);
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(ran.out,
            "NODE   CPU USED    CPU RESERVED   CPUS   MEMORY USED   MEMORY RESERVED   MEMORY\n"
            "one    0.5 (12%)   2 (50%)        4      32Mi (3%)     128Mi (12%)       1Gi\n"
            "\n"
            "EXECUTION   CPU USED    CPU RESERVED   MEMORY USED   MEMORY RESERVED\n"
            "count       0.5 (25%)   2              32Mi (25%)    128Mi\n");
  EXPECT_EQ(Run({"top", "services"}).out,
            "EXECUTION   SERVICE   CPU USED     CPU RESERVED   MEMORY USED   MEMORY RESERVED\n"
            "count       master    0.25 (25%)   1              16Mi (25%)    64Mi\n"
            "count       worker    0.25 (25%)   1              16Mi (25%)    64Mi\n");
  EXPECT_EQ(Run({"top", "pods", "--no-headers"}).out,
            "count-master   one   0.25 (25%)   1     16Mi (25%)   64Mi\n"
            "count-worker   one   0.25 (25%)   1     16Mi (25%)   64Mi\n");
}

TEST_F(Top, SaysWhatIsNotKnownAndWhy) {
  Node("far", "");
  Node("gone", "", "False");
  Node("one", "250000000n");
  Pod("a", "web", "far", "");
  Pod("b", "web", "one", "250000000n");
  Pod("c", "web", "one", "");
  const Ran ran = Run({"top"});
  EXPECT_EQ(ran.code, kOk);
  EXPECT_NE(ran.out.find("far    <unknown>   2 (50%)"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("a           <unknown>    1"), std::string::npos) << ran.out;
  EXPECT_EQ(ran.err,
            "Warning: what is used on node far isn't known: its containers have just begun, or the "
            "controller can't reach its Engine (--node-engine)\n"
            "Warning: what is used on node gone isn't known: it is down\n"
            "Warning: what 1 of 2 containers on node one use isn't known yet: they have just "
            "begun\n");
  EXPECT_EQ(Run({"top", "nodes"}).err,
            "Warning: what is used on node far isn't known: its containers have just begun, or the "
            "controller can't reach its Engine (--node-engine)\n"
            "Warning: what is used on node gone isn't known: it is down\n");
}

TEST_F(Top, ShowsUsersTheirOwnWithoutNodes) {
  Pod("a", "web", "one", "100000000n");
  api.intercept = [](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!request.path.ends_with("/nodes")) return std::nullopt;
    return FakeReply{.status = 403, .body = test::StatusBody(403, "Forbidden", "no")};
  };
  const Ran ran = Run({"top"});
  EXPECT_EQ(ran.code, kOk);
  EXPECT_EQ(ran.err, "");
  EXPECT_TRUE(ran.out.starts_with("EXECUTION ")) << ran.out;
  EXPECT_EQ(Run({"top", "nodes"}).code, kFailed);
}

TEST_F(Top, TellsProgramsInQuantitiesAndSorts) {
  Pod("a", "web", "one", "100000000n");
  Pod("b", "web", "one", "900000000n");
  Pod("c", "web", "two", "");
  EXPECT_EQ(Run({"top", "executions", "--sort-by=cpu", "-o",
                 "jsonpath={range .executions[*]}{.execution} {.used.cpu} {.used.memory} "
                 "{.reserved.cpu};{end}"})
                .out,
            "b 900m 16777216 1000m;a 100m 16777216 1000m;c   1000m;");
  EXPECT_EQ(Run({"top", "pods", "--sort-by=memory", "-o", "json"}).code, kOk);
}

TEST_F(Top, NeedsAKnownWordAndSaysWhenNothingRuns) {
  EXPECT_EQ(Run({"top", "users"}).code, kUsage);
  EXPECT_EQ(Run({"top", "nodes", "one"}).code, kUsage);
  EXPECT_EQ(Run({"top", "--sort-by=name"}).code, kUsage);
  const Ran ran = Run({"top", "executions"});
  EXPECT_EQ(ran.code, kOk);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err, "Nothing runs in default namespace.\n");
}

}  // namespace
}  // namespace zoe::cli
