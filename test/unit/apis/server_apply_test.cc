// Server-side apply and managedFields over HTTP.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controller/crypto/crypto.h"
#include "specs/codec/value.h"
#include "test/unit/apis/peer.h"
#include "test/unit/apis/served.h"

namespace zoe {
namespace {

using codec::Value;

constexpr std::string_view kExecutions = "/apis/zoe/v1/namespaces/alice/executions";
constexpr std::string_view kApply = "Content-Type: application/apply-patch+yaml\r\n";
constexpr std::string_view kMerge = "Content-Type: application/merge-patch+json\r\n";
constexpr std::string_view kJsonPatch = "Content-Type: application/json-patch+json\r\n";
constexpr std::string_view kJson = "Content-Type: application/json\r\n";

Value Json(const Answer& answer) {
  auto value = codec::ParseJson(answer.body);
  EXPECT_TRUE(value.ok()) << answer.body;
  return value.ok() ? std::move(value).value() : Value();
}

std::string Manifest(const std::string& spec = "") {
  return R"({"apiVersion":"zoe/v1","kind":"Execution","metadata":{"name":"a"},"spec":{)" + spec +
         R"("application":{"services":[{"name":"web","image":"zoe/mini:latest"}]}}})";
}

// Another manager's part of it.
std::string Part(const std::string& spec) {
  return R"({"apiVersion":"zoe/v1","kind":"Execution","metadata":{"name":"a"},"spec":{)" + spec +
         "}}";
}

// "kubectl Apply {fieldsV1}", a line for each entry.
std::string Managers(const Value& object) {
  std::string text;
  const Value* entries = object.At("metadata.managedFields");
  if (entries == nullptr) return text;
  for (const Value& entry : entries->as_array()) {
    text += entry.StringAt("manager") + " " + entry.StringAt("operation");
    if (entry.Find("subresource") != nullptr) text += " " + entry.StringAt("subresource");
    text += " " + codec::ToJson(*entry.Find("fieldsV1")) + "\n";
    EXPECT_EQ(entry.StringAt("apiVersion"), "zoe/v1");
    EXPECT_EQ(entry.StringAt("fieldsType"), "FieldsV1");
    EXPECT_FALSE(entry.StringAt("time").empty());
  }
  return text;
}

std::vector<std::string> WarningsOf(const Answer& answer) {
  std::vector<std::string> warnings;
  for (auto [it, end] = answer.headers.equal_range("warning"); it != end; ++it)
    warnings.push_back(it->second);
  return warnings;
}

class ServerApply : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(served_.server->Start().ok()); }
  Answer Call(std::string_view method, const std::string& target, std::string_view body = {},
              std::string_view headers = kJson) {
    return Peer(served_.port()).Call(method, target, body, headers);
  }
  Answer Apply(const std::string& manager, const std::string& document,
               const std::string& query = "") {
    return Call("PATCH", At("?fieldManager=" + manager + query), document, kApply);
  }
  static std::string At(const std::string& rest = "") {
    return std::string(kExecutions) + "/a" + rest;
  }
  Value Read() { return Json(Call("GET", At())); }
  Served served_;
};

TEST_F(ServerApply, CreatesWhatIsNotThereAndOwnsWhatItSays) {
  const Answer made = Apply("kubectl", Manifest());
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(Managers(Json(made)),
            R"(kubectl Apply {"f:spec":{"f:application":{"f:services":{"k:{\"name\":\"web\"}":)"
            R"({".":{},"f:image":{},"f:name":{}}}}}})"
            "\n");
  EXPECT_EQ(Read(), Json(made));
}

TEST_F(ServerApply, TwiceWritesOnce) {
  const Value first = Json(Apply("kubectl", Manifest()));
  const Answer again = Apply("kubectl", Manifest());
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(Json(again), first);
}

TEST_F(ServerApply, RemovesWhatItNoLongerSaysAndNobodyElseOwns) {
  Apply("one", Manifest(R"("priority":3,"activeDeadlineSeconds":60,)"));
  EXPECT_EQ(Apply("two", Part(R"("activeDeadlineSeconds":60)")).status, 200);
  const Value after = Json(Apply("one", Manifest()));
  EXPECT_EQ(after.At("spec.priority")->as_int(), 0);  // the default again
  EXPECT_EQ(after.At("spec.activeDeadlineSeconds")->as_int(), 60);
  EXPECT_EQ(Json(Apply("two", Part(""))).At("spec.activeDeadlineSeconds"), nullptr);
}

TEST_F(ServerApply, MergesServicesByName) {
  Apply("one", Manifest());
  const Answer merged = Apply(
      "two",
      Part(
          R"("application":{"services":[{"name":"web","replicas":{"total":2}},{"name":"db","image":"db"}]})"));
  ASSERT_EQ(merged.status, 200) << merged.body;
  const Value after = Json(merged);
  const auto& services = after.At("spec.application.services")->as_array();
  ASSERT_EQ(services.size(), 2U);
  EXPECT_EQ(services[0].StringAt("image"), "zoe/mini:latest");
  EXPECT_EQ(services[0].At("replicas.total")->as_int(), 2);
  EXPECT_EQ(services[1].StringAt("name"), "db");
  const Value back = Json(Apply("two", Part("")));
  EXPECT_EQ(back.At("spec.application.services")->as_array().size(), 1U);
  EXPECT_EQ(back.At("spec.application.services")->as_array()[0].At("replicas.total")->as_int(), 1);
}

TEST_F(ServerApply, ConflictsAreNamedByFieldAndManagerAllAtOnce) {
  Apply("one", Manifest(R"("priority":3,"suspend":true,)"));
  Call("PATCH", At("?fieldManager=kubectl-edit"), R"({"spec":{"priority":4}})", kMerge);
  const Answer refused = Apply("two", Part(R"("priority":5,"suspend":false)"));
  EXPECT_EQ(refused.status, 409);
  const Value status = Json(refused);
  EXPECT_EQ(status.StringAt("reason"), "Conflict");
  EXPECT_EQ(status.StringAt("message"),
            "Apply failed with 2 conflicts: conflicts with \"kubectl-edit\" using zoe/v1:\n"
            "- .spec.priority\nconflicts with \"one\":\n- .spec.suspend");
  const auto& causes = status.At("details.causes")->as_array();
  ASSERT_EQ(causes.size(), 2U);
  EXPECT_EQ(causes[1].StringAt("reason"), "FieldManagerConflict");
  EXPECT_EQ(causes[1].StringAt("field"), ".spec.priority");
  EXPECT_EQ(causes[1].StringAt("message"), "conflict with \"kubectl-edit\" using zoe/v1");
  EXPECT_EQ(Read().At("spec.priority")->as_int(), 4);
}

TEST_F(ServerApply, ForceTakesTheFieldsFromTheOthers) {
  Apply("one", Manifest(R"("priority":3,)"));
  const Answer taken = Apply("two", Part(R"("priority":5)"), "&force=true");
  EXPECT_EQ(taken.status, 200) << taken.body;
  EXPECT_EQ(Json(taken).At("spec.priority")->as_int(), 5);
  EXPECT_EQ(Managers(Json(taken)).find("f:priority"), Managers(Json(taken)).rfind("f:priority"));
  EXPECT_EQ(Apply("one", Manifest(R"("priority":3,)")).status, 409);
}

TEST_F(ServerApply, TheSameValueIsSharedHoweverItIsWritten) {
  const auto spec = [](const std::string& size) {
    return Part(R"("application":{"services":[{"name":"web","shmSize":")" + size + R"("}]})");
  };
  Apply("zero", Manifest());
  EXPECT_EQ(Apply("one", spec("1Gi")).status, 200);
  EXPECT_EQ(Apply("two", spec("1024Mi")).status, 200);
  EXPECT_EQ(Apply("two", spec("2Gi")).status, 409);
}

TEST_F(ServerApply, WhatAPostOrPutOrPatchChangesIsItsManagersOwn) {
  Call("POST", std::string(kExecutions) + "?fieldManager=maker", Manifest());
  EXPECT_NE(Managers(Read()).find("maker Update "), std::string::npos);
  EXPECT_NE(Managers(Read()).find("\"f:priority\""), std::string::npos) << "a default";
  Call("PATCH", At(), R"({"spec":{"priority":4},"metadata":{"labels":{"x":"y"}}})",
       "User-Agent: edit/v1 (linux)\r\nContent-Type: application/merge-patch+json\r\n");
  EXPECT_NE(Managers(Read()).find(
                R"(edit Update {"f:metadata":{"f:labels":{"f:x":{}}},"f:spec":{"f:priority":{}}})"),
            std::string::npos)
      << Managers(Read());
  Value object = Read();
  object.Find("metadata")->Remove("labels");
  Call("PUT", At("?fieldManager=putter"), codec::ToJson(object));
  EXPECT_EQ(Managers(Read()).find("f:labels"), std::string::npos);
  EXPECT_EQ(Managers(Read()).find("putter"), std::string::npos) << "it owns nothing";
}

TEST_F(ServerApply, AWriteThatChangesNothingLeavesTheEntriesAlone) {
  Call("POST", std::string(kExecutions) + "?fieldManager=maker", Manifest());
  const Value before = Read();
  Call("PUT", At("?fieldManager=other"), codec::ToJson(before));
  EXPECT_EQ(Read(), before);
}

TEST_F(ServerApply, ManagedFieldsAreKeptWhenLeftOutAndResetByOneEmptyEntry) {
  Apply("one", Manifest());
  const std::string before = Managers(Read());
  Value object = Read();
  object.Find("metadata")->Remove("managedFields");
  Call("PUT", At(), codec::ToJson(object));
  EXPECT_EQ(Managers(Read()), before);
  Call("PATCH", At(), R"({"metadata":{"managedFields":[]}})", kMerge);
  EXPECT_EQ(Managers(Read()), before);
  Call("PATCH", At(), R"([{"op":"replace","path":"/metadata/managedFields","value":[{}]}])",
       kJsonPatch);
  EXPECT_EQ(Managers(Read()), "");
  Call("PATCH", At(), R"({"spec":{"priority":4}})", kMerge);
  EXPECT_EQ(Managers(Read()), "") << "kept again only once somebody applies";
  EXPECT_EQ(Apply("two", Part(R"("priority":5)")).status, 409);
  EXPECT_EQ(Apply("two", Part(R"("priority":4)")).status, 200);
  EXPECT_NE(Managers(Read()).find("before-first-apply Update "), std::string::npos);
}

TEST_F(ServerApply, JsonPatchMayTestAndReplaceTheResourceVersion) {
  Apply("one", Manifest());
  const std::string revision = Read().StringAt("metadata.resourceVersion");
  const auto patch = [&](const std::string& version) {
    return Call("PATCH", At(),
                R"([{"op":"replace","path":"/metadata/resourceVersion","value":")" + version +
                    R"("},{"op":"replace","path":"/spec/priority","value":7}])",
                kJsonPatch);
  };
  EXPECT_EQ(patch("1" + revision).status, 409);
  EXPECT_EQ(patch(revision).status, 200);
  EXPECT_EQ(patch(revision).status, 409);
}

TEST_F(ServerApply, WhatAdmissionFillsInIsNobodysAndNoConflict) {
  const std::string app =
      R"({"apiVersion":"zoe/v1","kind":"Application","metadata":{"name":"app"},"spec":{"parameters":[{"name":"n","type":"integer","default":1}],"services":[{"name":"web","image":"i","args":["{{param.n}}"]}]}})";
  EXPECT_EQ(Call("POST", "/apis/zoe/v1/namespaces/alice/applications", app).status, 201);
  const auto part = [](const std::string& n) {
    return Part(R"("applicationRef":{"name":"app"},"parameters":{"n":)" + n + "}");
  };
  const Answer made = Apply("one", part("1"));
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_NE(Json(made).At("spec.application"), nullptr);
  EXPECT_EQ(
      Managers(Json(made)),
      "one Apply {\"f:spec\":{\"f:applicationRef\":{\"f:name\":{}},\"f:parameters\":{\"f:n\":{}}}}"
      "\n");
  EXPECT_EQ(Apply("one", part("2")).status, 200);
  EXPECT_EQ(Apply("two", part("2")).status, 200);
  EXPECT_EQ(Apply("two", part("3")).status, 409);
  EXPECT_EQ(Apply("two", part("3"), "&force=true").status, 200);
  EXPECT_EQ(Managers(Read()).find("f:application\""), std::string::npos);
  EXPECT_NE(Read().At("spec.application"), nullptr);
  // Nor where the document has it: a copy of what stands.
  EXPECT_EQ(Apply("two", Manifest(R"("applicationRef":{"name":"app"},"parameters":{"n":4},)"),
                  "&force=true")
                .status,
            200);
  EXPECT_EQ(Managers(Read()).find("f:application\""), std::string::npos);
}

TEST_F(ServerApply, StatusHasOwnersOfItsOwn) {
  Apply("one", Manifest());
  const std::string status =
      R"({"apiVersion":"zoe/v1","kind":"Execution","metadata":{"name":"a"},"spec":{"priority":9},"status":{"phase":"Running"}})";
  const Answer applied = Call("PATCH", At("/status?fieldManager=observer"), status, kApply);
  ASSERT_EQ(applied.status, 200) << applied.body;
  EXPECT_EQ(Json(applied).StringAt("status.phase"), "Running");
  EXPECT_EQ(Json(applied).At("spec.priority")->as_int(), 0);
  EXPECT_NE(Managers(Json(applied)).find("observer Apply status {\"f:status\":{\"f:phase\":{}}}"),
            std::string::npos);
  Call("PATCH", At("/status?fieldManager=edit"), R"({"status":{"phase":"Failed"}})", kMerge);
  EXPECT_NE(Managers(Read()).find("edit Update status {\"f:status\":{\"f:phase\":{}}}"),
            std::string::npos);
  EXPECT_EQ(Call("PATCH", At("/status?fieldManager=observer"), status, kApply).status, 409);
  EXPECT_EQ(Json(Apply("one", Manifest(R"("priority":1,)"))).StringAt("status.phase"), "Failed");
  EXPECT_EQ(
      Call("PATCH", std::string(kExecutions) + "/b/status?fieldManager=x", status, kApply).status,
      400);  // another name
}

TEST_F(ServerApply, KubectlTakesOverWhatItAppliedFromItsSide) {
  Value object = codec::ParseJson(Manifest(R"("priority":1,)")).value();
  Value annotations, metadata = *object.Find("metadata");
  annotations.Set("kubectl.kubernetes.io/last-applied-configuration", codec::ToJson(object));
  metadata.Set("annotations", std::move(annotations));
  object.Set("metadata", std::move(metadata));
  Call("POST", std::string(kExecutions) + "?fieldManager=kubectl-client-side-apply",
       codec::ToJson(object));
  EXPECT_EQ(Apply("other", Manifest(R"("priority":2,)")).status, 409);
  const Answer taken = Apply("kubectl", Manifest(R"("priority":2,)"));
  ASSERT_EQ(taken.status, 200) << taken.body;
  const Value after = Json(taken);
  const Value* last = after.At("metadata.annotations");
  ASSERT_NE(last, nullptr);
  EXPECT_NE(codec::ToJson(*last).find(R"(\"priority\":2)"), std::string::npos);
  // The client-side entry goes on owning the annotation: by that kubectl sees that it was there.
  EXPECT_NE(Managers(Json(taken)).find("last-applied-configuration"), std::string::npos);
  Call("PATCH", At("?fieldManager=edit"), R"({"spec":{"priority":3}})", kMerge);
  EXPECT_EQ(Apply("kubectl", Manifest(R"("priority":4,)")).status, 409) << "edited since";
}

TEST_F(ServerApply, DryRunTellsWhatItWouldBeAndDoes) {
  EXPECT_EQ(Apply("one", Manifest(), "&dryRun=All").status, 201);
  EXPECT_EQ(Call("GET", At()).status, 404);
  Apply("one", Manifest());
  const Value before = Read();
  const Answer tried = Apply("two", Part(R"("priority":8)"), "&dryRun=All&force=true");
  EXPECT_EQ(Json(tried).At("spec.priority")->as_int(), 8);
  EXPECT_NE(Managers(Json(tried)).find("two Apply"), std::string::npos);
  EXPECT_EQ(Read(), before);
}

TEST_F(ServerApply, BadRequestsSayWhy) {
  Apply("one", Manifest());
  const std::string version = Read().StringAt("metadata.resourceVersion");
  const struct {
    std::string query, document;
    int status;
    const char* message;
  } kRows[] = {
      {"", Manifest(), 400, "fieldManager"},
      {"?fieldManager=", Manifest(), 400, "fieldManager"},
      {"?fieldManager=" + std::string(129, 'x'), Manifest(), 422, "fieldManager"},
      {"?fieldManager=a%0Ab", Manifest(), 422, "fieldManager"},
      {"?fieldManager=a&force=maybe", Manifest(), 400, "force"},
      {"?fieldManager=a", R"({"metadata":{"name":"b"}})", 400, "metadata.name"},
      {"?fieldManager=a", R"({"metadata":{"name":"a","namespace":"bob"}})", 400,
       "metadata.namespace"},
      {"?fieldManager=a", R"({"kind":"User","metadata":{"name":"a"}})", 400, "kind"},
      {"?fieldManager=a", R"({"apiVersion":"zoe/v9","metadata":{"name":"a"}})", 400, "zoe/v9"},
      {"?fieldManager=a", R"({"metadata":{"name":"a","managedFields":[{}]}})", 400,
       "metadata.managedFields must be nil"},
      {"?fieldManager=a", R"({"metadata":{"name":"a","uid":"x"}})", 409, "uid"},
      {"?fieldManager=a", R"({"metadata":{"name":"a","resourceVersion":"1)" + version + "\"}}", 409,
       "modified"},
      {"?fieldManager=a", "[]", 400, "object"},
      {"?fieldManager=a", "a: b: c", 400, ""},
      {"?fieldManager=a", Part(R"("nobody":"knows")"), 422, "spec.nobody"},
      {"?fieldManager=a",
       Part(R"("application":{"services":[{"name":"x","image":"i"},{"name":"x"}]})"), 422,
       "spec.application.services[1]"},
      {"?fieldManager=a", Part(R"("application":{"services":[{"image":"i"}]})"), 422,
       "spec.application.services[0].name"},
      {"?fieldManager=a", Part(R"("application":{"services":[{"name":"x"}]})"), 422, "image"},
  };
  for (const auto& row : kRows) {
    const Answer answer = Call("PATCH", At(row.query), row.document, kApply);
    EXPECT_EQ(answer.status, row.status) << row.query << row.document << answer.body;
    EXPECT_NE(Json(answer).StringAt("message").find(row.message), std::string::npos) << answer.body;
  }
  EXPECT_EQ(Call("PATCH", At("?force=true"), "{}", kMerge).status, 400);
  const std::string absent = std::string(kExecutions) + "/b?fieldManager=a";
  EXPECT_EQ(Call("PATCH", absent, R"({"metadata":{"uid":"x"}})", kApply).status, 409);
  EXPECT_EQ(Call("PATCH", absent, R"({"metadata":{"resourceVersion":"3"}})", kApply).status, 409);
  EXPECT_EQ(
      Call("PATCH", std::string(kExecutions) + "/b/status?fieldManager=a", "{}", kApply).status,
      404);
}

TEST_F(ServerApply, WarnsOfUnknownFieldsWhereAskedTo) {
  Apply("one", Manifest());
  const Answer warned = Apply("a", Part(R"("nobody":"knows")"), "&fieldValidation=Warn");
  EXPECT_EQ(warned.status, 200) << warned.body;
  ASSERT_EQ(WarningsOf(warned).size(), 1U);
  EXPECT_NE(WarningsOf(warned)[0].find("spec.nobody"), std::string::npos);
  EXPECT_EQ(Managers(Read()).find("nobody"), std::string::npos);
}

TEST_F(ServerApply, APasswordIsNeitherShownNorRepeatedInAnError) {
  const std::string user =
      R"({"apiVersion":"zoe/v1","kind":"User","metadata":{"name":"bob"},"spec":{"password":"hunter22","role":"user"}})";
  const std::string at = "/apis/zoe/v1/users/bob?fieldManager=one";
  const Answer made = Call("PATCH", at, user, kApply);
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.body.find("hunter22"), std::string::npos);
  EXPECT_EQ(Call("PATCH", at, user, kApply).status, 200);
  const Answer refused =
      Call("PATCH", at, R"({"spec":{"password":{"hunter22":"x"},"sshKeys":["a","a"]}})", kApply);
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.body.find("hunter22"), std::string::npos) << refused.body;
}

TEST_F(ServerApply, ReplacesOneProbeByAnotherThoughDefaultsStandBesideThem) {
  const auto part = [](const std::string& readiness) {
    return R"({"apiVersion":"zoe/v1","kind":"Execution","metadata":{"name":"a"},"spec":{"application":{"services":[{"name":"web","image":"i")" +
           readiness + "}]}}}";
  };
  EXPECT_EQ(Apply("one", part(R"(,"readiness":{"tcp":{"port":1}})")).status, 201);
  const Answer second = Apply("one", part(R"(,"readiness":{"exec":["true"]})"));
  ASSERT_EQ(second.status, 200) << second.body;
  const Answer none = Apply("one", part(""));
  ASSERT_EQ(none.status, 200) << none.body;
  EXPECT_EQ(Json(none).At("spec.application.services")->as_array()[0].Find("readiness"), nullptr);
}

// What people may not do by PUT they may not do by applying.
TEST(ServerApplyRights, HoldGuestsToTheCatalogAndUsersToTheirNamespace) {
  ServerOptions options = TestOptions();
  options.auth = AuthMode::kPassword;
  Served served(options);
  ASSERT_TRUE(served.server->Start().ok());
  served.AddUser("alice", "looking glass", "guest");
  served.AddUser("bob", "builder's yard", "user");
  const auto apply = [&](const std::string& user, const std::string& password) {
    const std::string login =
        "Authorization: Basic " + crypto::EncodeBase64(user + ":" + password) + "\r\n";
    return Peer(served.port())
        .Call("PATCH", std::string(kExecutions) + "/a?fieldManager=x", Manifest(),
              login + std::string(kApply));
  };
  const Answer guest = apply("alice", "looking glass");
  EXPECT_EQ(guest.status, 403);
  EXPECT_NE(guest.body.find("catalog"), std::string::npos) << guest.body;
  EXPECT_EQ(apply("bob", "builder's yard").status, 403);
}

// Whoever asks for a dry run learns what would happen to containers.
TEST(ServerEffects, OfADryRunComeAsWarnings) {
  Served served;
  served.server = std::make_unique<Server>(
      TestOptions(), ServerDeps{*served.store,
                                served.cache,
                                *served.swarm,
                                served.admission,
                                served.metrics,
                                served.clock,
                                {},
                                nullptr,
                                {},
                                {},
                                [](const ObjectBase* before, const ObjectBase& after) {
                                  return std::vector<std::string>{
                                      (before == nullptr ? "made " : "changed ") + after.meta.name};
                                }});
  ASSERT_TRUE(served.server->Start().ok());
  const auto call = [&](const char* method, const std::string& rest, std::string_view headers) {
    return Peer(served.port()).Call(method, std::string(kExecutions) + rest, Manifest(), headers);
  };
  using Warnings = std::vector<std::string>;
  EXPECT_EQ(WarningsOf(call("POST", "?dryRun=All", kJson)), Warnings{"299 - \"made a\""});
  EXPECT_EQ(WarningsOf(call("PATCH", "/a?dryRun=All&fieldManager=x", kApply)),
            Warnings{"299 - \"made a\""});
  EXPECT_EQ(WarningsOf(call("POST", "", kJson)), Warnings{});
  EXPECT_EQ(WarningsOf(call("PUT", "/a?dryRun=All", kJson)), Warnings{"299 - \"changed a\""});
  EXPECT_EQ(WarningsOf(call("PATCH", "/a?fieldManager=x", kApply)), Warnings{});
}

}  // namespace
}  // namespace zoe
