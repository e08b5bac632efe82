// DELETE with its options, the scale subresource, and the words of errors.
#include <gtest/gtest.h>

#include <string>

#include "specs/codec/value.h"
#include "test/unit/apis/peer.h"
#include "test/unit/apis/served.h"

namespace zoe {
namespace {

using codec::Value;

const std::string kApplications = "/apis/zoe/v1/namespaces/alice/applications";
const std::string kExecutions = "/apis/zoe/v1/namespaces/alice/executions";
constexpr std::string_view kJson = "Content-Type: application/json\r\n";
constexpr std::string_view kMerge = "Content-Type: application/merge-patch+json\r\n";

Value Json(const Answer& answer) {
  auto value = codec::ParseJson(answer.body);
  EXPECT_TRUE(value.ok()) << answer.body;
  return value.ok() ? std::move(value).value() : Value();
}

class ServerDelete : public ::testing::Test {
 protected:
  explicit ServerDelete(ServerOptions options = TestOptions()) : served_(std::move(options)) {}
  void SetUp() override { ASSERT_TRUE(served_.server->Start().ok()); }

  Answer Call(std::string_view method, const std::string& target, std::string_view body = {},
              std::string_view headers = kJson) {
    return Peer(served_.port()).Call(method, target, body, headers);
  }
  Value Create(const std::string& name, const std::string& metadata = "") {
    const Answer answer =
        Call("POST", kApplications,
             R"({"kind":"Application","metadata":{"name":")" + name + "\"" + metadata +
                 R"(},"spec":{"services":[{"name":"a","image":"x"}]}})");
    EXPECT_EQ(answer.status, 201) << answer.body;
    return Json(answer);
  }
  Value Execute(const std::string& name, const std::string& services,
                const std::string& metadata = "") {
    const Answer answer =
        Call("POST", kExecutions,
             R"({"kind":"Execution","metadata":{"name":")" + name + "\"" + metadata +
                 R"(},"spec":{"application":{"services":[)" + services + "]}}}");
    EXPECT_EQ(answer.status, 201) << answer.body;
    return Json(answer);
  }
  Answer Delete(const std::string& name, const std::string& query = "",
                std::string_view body = {}) {
    return Call("DELETE", kApplications + "/" + name + query, body);
  }
  std::string Finalizers(const std::string& name) {
    const Value object = Json(Call("GET", kApplications + "/" + name));
    const Value* list = object.At("metadata.finalizers");
    return list == nullptr ? "" : codec::ToJson(*list);
  }

  Served served_;
};

TEST_F(ServerDelete, PropagationBecomesAFinalizerThatTheLastWordDecides) {
  Create("a");
  EXPECT_EQ(Json(Delete("a", "?propagationPolicy=Foreground")).StringAt("kind"), "Application");
  EXPECT_EQ(Finalizers("a"), R"(["foregroundDeletion"])");
  EXPECT_EQ(Delete("a", "", R"({"propagationPolicy":"Orphan"})").status, 200);
  EXPECT_EQ(Finalizers("a"), R"(["orphan"])");
  const Value status = Json(Delete("a", "?propagationPolicy=Background"));
  EXPECT_EQ(status.StringAt("status"), "Success");
  EXPECT_EQ(status.StringAt("details.kind"), "applications");
  EXPECT_FALSE(status.StringAt("details.uid").empty());
}

TEST_F(ServerDelete, LegacyOptionMeansTheSame) {
  Create("a");
  Create("b", R"(,"finalizers":["test/hold"])");
  EXPECT_EQ(Delete("a", "?orphanDependents=true").status, 200);
  EXPECT_EQ(Finalizers("a"), R"(["orphan"])");
  EXPECT_EQ(Delete("b", "", R"({"orphanDependents":false})").status, 202);
}

TEST_F(ServerDelete, OptionsThatMakeNoSenseAreRefused) {
  Create("a");
  EXPECT_EQ(Delete("a", "?propagationPolicy=Sometimes").status, 422);
  EXPECT_EQ(Delete("a", "?propagationPolicy=Orphan&orphanDependents=true").status, 422);
  for (const char* body : {R"({"kind":"Application"})", R"({"gracePeriodSeconds":"soon"})",
                           R"({"preconditions":{"uid":5}})", R"({"preconditions":[]})",
                           R"({"dryRun":["Some"]})", R"({"orphanDependents":1})", "[]"})
    EXPECT_EQ(Delete("a", "", body).status, 400) << body;
  EXPECT_EQ(Finalizers("a"), "");
  EXPECT_EQ(Delete("a", "", R"({"gracePeriodSeconds":0,"propagationPolicy":null})").status, 200);
}

TEST_F(ServerDelete, PreconditionsThatDoNotHoldSayWhatDiffers) {
  const Value made = Create("a");
  const Answer other = Delete("a", "", R"({"preconditions":{"uid":"other"}})");
  EXPECT_EQ(other.status, 409);
  EXPECT_EQ(Json(other).StringAt("message"),
            "Operation cannot be fulfilled on applications.zoe \"a\": the UID in the precondition "
            "(other) does not match the UID in record (" +
                made.StringAt("metadata.uid") +
                "). The object might have been deleted and then recreated");
  const Answer old = Delete("a", "", R"({"preconditions":{"resourceVersion":"1"}})");
  EXPECT_EQ(old.status, 409);
  EXPECT_NE(Json(old).StringAt("message").find("the ResourceVersion in the precondition (1)"),
            std::string::npos);
  EXPECT_EQ(Delete("a", "",
                   R"({"preconditions":{"resourceVersion":")" +
                       made.StringAt("metadata.resourceVersion") + "\"}}")
                .status,
            200);
}

TEST_F(ServerDelete, DryRunChangesNothing) {
  Create("a");
  EXPECT_EQ(Json(Delete("a", "?dryRun=All")).StringAt("status"), "Success");
  EXPECT_EQ(Json(Delete("a", "?dryRun=All&propagationPolicy=Foreground")).StringAt("kind"),
            "Application");
  EXPECT_EQ(Finalizers("a"), "");
  EXPECT_EQ(Call("DELETE", kApplications + "?dryRun=All").status, 200);
  EXPECT_EQ(Call("GET", kApplications + "/a").status, 200);
}

TEST_F(ServerDelete, CollectionAnswersWithTheListOfWhatGoes) {
  Create("a", R"(,"labels":{"l":"x"})");
  Create("b");
  Create("c", R"(,"labels":{"l":"x"},"finalizers":["test/hold"])");
  const Value list = Json(Call("DELETE", kApplications + "?labelSelector=l%3Dx"));
  EXPECT_EQ(list.StringAt("kind"), "ApplicationList");
  EXPECT_EQ(list.At("items")->as_array().size(), 2U);
  EXPECT_EQ(Call("GET", kApplications + "/a").status, 404);
  EXPECT_EQ(Call("GET", kApplications + "/b").status, 200);
  EXPECT_NE(Json(Call("GET", kApplications + "/c")).At("metadata.deletionTimestamp"), nullptr);
}

constexpr char kMaster[] = R"({"name":"master","image":"x"})";
constexpr char kWorker[] = R"({"name":"worker","image":"x","replicas":{"total":3,"essential":1}})";

TEST_F(ServerDelete, ScaleChangesTheOneElasticServiceAndFindsItAgain) {
  Execute("e", std::string(kMaster) + "," + kWorker);
  const Value scale = Json(Call("GET", kExecutions + "/e/scale"));
  EXPECT_EQ(scale.StringAt("kind") + scale.StringAt("apiVersion"), "Scaleautoscaling/v1");
  EXPECT_EQ(scale.At("spec.replicas")->as_int(), 3);
  EXPECT_EQ(scale.At("status.replicas")->as_int(), 0);
  EXPECT_NE(scale.StringAt("status.selector").find("zoe.service=worker"), std::string::npos);
  for (const int count : {1, 4}) {
    const Answer scaled = Call("PATCH", kExecutions + "/e/scale",
                               R"({"spec":{"replicas":)" + std::to_string(count) + "}}", kMerge);
    EXPECT_EQ(scaled.status, 200) << scaled.body;
    EXPECT_EQ(Json(scaled).At("spec.replicas")->as_int(), count);
  }
  const Value execution = Json(Call("GET", kExecutions + "/e"));
  const Value& worker = execution.At("spec.application.services")->as_array()[1];
  EXPECT_EQ(worker.At("replicas.total")->as_int(), 4);
  EXPECT_EQ(worker.At("replicas.essential")->as_int(), 1);
}

TEST_F(ServerDelete, ScaleIsReplacedIfItsRevisionIsTheObjects) {
  Execute("e", kMaster);
  const std::string path = kExecutions + "/e/scale";
  Value scale = Json(Call("GET", path));
  scale.Find("spec")->Set("replicas", 2);
  EXPECT_EQ(Call("PUT", path, codec::ToJson(scale)).status, 200);
  EXPECT_EQ(Call("PUT", path, codec::ToJson(scale)).status, 409) << "its resourceVersion is old";
  for (const char* count : {"-1", "\"two\"", "100000"})
    EXPECT_EQ(
        Call("PATCH", path, R"({"spec":{"replicas":)" + std::string(count) + "}}", kMerge).status,
        422)
        << count;
  EXPECT_EQ(
      Call("PATCH", path, "{}", "Content-Type: application/strategic-merge-patch+json\r\n").status,
      415);
  EXPECT_EQ(Call("DELETE", path).status, 405);
  EXPECT_EQ(Call("GET", kExecutions + "/nope/scale").status, 404);
}

TEST_F(ServerDelete, ScaleOfWhatCouldMeanSeveralServicesSaysWhichAndWhatToDo) {
  Execute("e", std::string(kMaster) + R"(,{"name":"web","image":"x"})");
  const Answer answer = Call("GET", kExecutions + "/e/scale");
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("(master, web)"), std::string::npos);
  EXPECT_NE(answer.body.find("zoe/scale"), std::string::npos);
  Execute("f", std::string(kMaster) + R"(,{"name":"web","image":"x"})",
          R"(,"annotations":{"zoe/scale":"web"})");
  EXPECT_EQ(Call("PATCH", kExecutions + "/f/scale", R"({"spec":{"replicas":2}})", kMerge).status,
            200);
}

TEST_F(ServerDelete, ErrorsSpeakAsKubectlsUsersKnowIt) {
  const auto message = [](const Answer& answer) { return Json(answer).StringAt("message"); };
  EXPECT_EQ(message(Call("GET", kExecutions + "/nope")), "executions.zoe \"nope\" not found");
  EXPECT_EQ(message(Call("DELETE", kExecutions + "/nope")), "executions.zoe \"nope\" not found");
  EXPECT_EQ(message(Call("GET", kExecutions + "/Bad_Name")),
            "executions.zoe \"Bad_Name\" not found");
  const Value invalid = Json(Call(
      "POST", kExecutions,
      R"({"kind":"Execution","metadata":{"name":"x"},"spec":{"application":{"services":[{"name":"a"},{"name":"A","image":"x"}]}}})"));
  const std::string text = invalid.StringAt("message");
  EXPECT_EQ(text.find("Execution.zoe \"x\" is invalid: [spec.application.services[0].image: "
                      "Required value: "),
            0U)
      << text;
  EXPECT_NE(text.find("spec.application.services[1].name: Invalid value: "), std::string::npos)
      << text;
  EXPECT_EQ(invalid.StringAt("details.kind"), "Execution");
  EXPECT_EQ(
      invalid.At("details.causes")->as_array().front().StringAt("message").find("Required value: "),
      0U);
}

class ServerDeleteWithUsers : public ServerDelete {
 protected:
  static ServerOptions Options() {
    ServerOptions options = TestOptions();
    options.auth = AuthMode::kPassword;
    return options;
  }
  ServerDeleteWithUsers() : ServerDelete(Options()) {}
};

TEST_F(ServerDeleteWithUsers, MissingNamespaceIsWhatIsNotFound) {
  served_.AddUser("boss", "secret word", "admin");
  const Value status = Json(Call(
      "POST", kApplications,
      R"({"kind":"Application","metadata":{"name":"a"},"spec":{"services":[{"name":"a","image":"x"}]}})",
      "Content-Type: application/json\r\nAuthorization: Basic Ym9zczpzZWNyZXQgd29yZA==\r\n"));
  EXPECT_EQ(status.At("code")->as_int(), 404);
  EXPECT_EQ(status.StringAt("details.kind"), "namespaces");
  EXPECT_EQ(status.StringAt("details.name"), "alice");
}

}  // namespace
}  // namespace zoe
