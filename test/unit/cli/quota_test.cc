// describe quota, describe user: what is used of each limit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/unit/cli/commands.h"

namespace zoe::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class QuotaCommands : public Commands {
 protected:
  void Put(const std::string& path, const std::string& kind, const std::string& metadata,
           const std::string& rest) {
    api.Put("/apis/zoe/v1/" + path,
            *codec::ParseJson(R"({"apiVersion":"zoe/v1","kind":")" + kind + R"(","metadata":{)" +
                              metadata + "}," + rest + "}"));
  }
  void PutQuota(const std::string& name, const std::string& spec) {
    Put("quotas/" + name, "Quota", R"("name":")" + name + '"', R"("spec":)" + spec);
  }
  void PutUser(const std::string& name, const std::string& spec) {
    Put("users/" + name, "User", R"("name":")" + name + '"', R"("spec":)" + spec);
  }
  void PutExecution(const std::string& ns, const std::string& name, const std::string& phase) {
    Put("namespaces/" + ns + "/executions/" + name, "Execution",
        R"("name":")" + name + R"(","namespace":")" + ns + '"',
        R"("spec":{"application":{"services":[{"name":"s","image":"i","resources":{"requests":)"
        R"({"cpu":"1500m"}}}]}},"status":{"phase":")" +
            phase + "\"}");
  }
  void SetUp() override {
    PutQuota("students", R"({"executions":5,"cpu":"4","runtime":"8h","roles":["user"]})");
    PutUser("alice", R"({"role":"user"})");
    PutUser("bob", R"({"role":"user","quota":"students"})");
    PutUser("carol", R"({"role":"admin"})");
    PutExecution("alice", "a", "Running");
    PutExecution("alice", "b", "Queued");
    PutExecution("alice", "c", "Failed");
    PutExecution("bob", "d", "Running");
  }
};

TEST_F(QuotaCommands, DescribeCountsWhatEachUserHas) {
  const Ran ran = Run({"describe", "quota", "students"});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.err, "");
  EXPECT_THAT(ran.out, HasSubstr("  alice  students  2/5         3/4      -       -         8h\n"
                                 "  bob    students  1/5         1500m/4  -       -         8h\n"));
  EXPECT_THAT(ran.out, Not(HasSubstr("carol")));
  PutQuota("unused", R"({"cpu":"1"})");
  EXPECT_THAT(Run({"describe", "quota", "unused"}).out, HasSubstr("Used:  <nobody has it>\n"));
}

TEST_F(QuotaCommands, AUserIsDescribedWithWhatItHasOfItsQuota) {
  EXPECT_THAT(Run({"describe", "user", "alice"}).out, HasSubstr("  alice  students  2/5 "));
  EXPECT_THAT(Run({"describe", "user", "carol"}).out, Not(HasSubstr("Used:")));
}

TEST_F(QuotaCommands, WhoMayNotListUsersSeesOneself) {
  api.intercept = [&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.path != "/apis/zoe/v1/users") return std::nullopt;
    return FakeReply{.status = 403, .body = test::StatusBody(403, "Forbidden", "no")};
  };
  console.environment["ZOE_USER"] = "bob";
  console.environment["ZOE_PASS"] = "through the looking glass";
  const Ran ran = Run({"describe", "quota", "students"});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("  bob "));
  EXPECT_THAT(ran.out, Not(HasSubstr("alice")));
}

}  // namespace
}  // namespace zoe::cli
