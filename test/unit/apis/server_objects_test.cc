// Reads and writes of objects over HTTP.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "specs/codec/value.h"
#include "test/unit/apis/peer.h"
#include "test/unit/apis/served.h"

namespace zoe {
namespace {

using codec::Value;

constexpr std::string_view kExecutions = "/apis/zoe/v1/namespaces/alice/executions";
constexpr std::string_view kJson = "Content-Type: application/json\r\n";
constexpr std::string_view kYaml = "Content-Type: application/yaml\r\n";
constexpr std::string_view kMerge = "Content-Type: application/merge-patch+json\r\n";

std::string Manifest(const std::string& name, const std::string& metadata = "",
                     const std::string& spec = "") {
  return R"({"apiVersion":"zoe/v1","kind":"Execution","metadata":{)" +
         (name.empty() ? "" : R"("name":")" + name + R"(",)") + metadata +
         R"("labels":{"project":"books"}},"spec":{)" + spec +
         R"("application":{"services":[{"name":"web","image":"zoe/mini:latest"}]}}})";
}

Value Json(const Answer& answer) {
  auto value = codec::ParseJson(answer.body);
  EXPECT_TRUE(value.ok()) << answer.body;
  return value.ok() ? std::move(value).value() : Value();
}

std::string At(const std::string& name, const std::string& rest = "") {
  return std::string(kExecutions) + "/" + name + rest;
}

class ServerObjects : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(served_.server->Start().ok()); }
  Answer Call(std::string_view method, std::string_view target, std::string_view body = {},
              std::string_view headers = kJson) {
    return Peer(served_.port()).Call(method, target, body, headers);
  }
  Value Create(const std::string& name) {
    const Answer answer = Call("POST", kExecutions, Manifest(name));
    EXPECT_EQ(answer.status, 201) << answer.body;
    return Json(answer);
  }
  Served served_;
};

// Else one could be made that nobody can delete, and whose status nobody can write.
TEST_F(ServerObjects, LargestThatIsTakenHasRoomForItsStatusAndItsDeletion) {
  Create("large");
  const auto grow = [&](size_t bytes) {
    return Call("PATCH", At("large"),
                R"({"metadata":{"managedFields":[{"manager":"m","operation":"Apply",)"
                R"("apiVersion":"zoe/v1","fieldsType":"FieldsV1","fieldsV1":{"f:)" +
                    std::string(bytes, 'x') + R"(":{}}}]}})",
                kMerge);
  };
  size_t fits = 400'000, most = kMaxRecordBytes;
  while (most - fits > 16) {
    const size_t bytes = (fits + most) / 2;
    const Answer answer = grow(bytes);
    if (answer.status == 200) {
      fits = bytes;
    } else {
      EXPECT_EQ(answer.status, 413) << answer.body;
      most = bytes;
    }
  }
  const std::string room(32 * 1024, 'x');
  const Answer told = Call(
      "PATCH", At("large", "/status"),
      R"({"status":{"conditions":[{"type":"Told","status":"True","message":")" + room + R"("}]}})",
      kMerge);
  EXPECT_EQ(told.status, 200) << told.body.substr(0, 300);
  EXPECT_EQ(grow(most + 1'000).status, 413);
  EXPECT_EQ(grow(fits - 1).status, 200) << "what is too large may shrink";
  const Answer gone = Call("DELETE", At("large"));
  EXPECT_EQ(gone.status, 200) << gone.body.substr(0, 300);
}

TEST_F(ServerObjects, CreatedObjectHasIdentityAndIsReadAtOnce) {
  const Value created = Create("wordcount");
  EXPECT_FALSE(created.StringAt("metadata.uid").empty());
  EXPECT_FALSE(created.StringAt("metadata.creationTimestamp").empty());
  EXPECT_EQ(created.At("metadata.generation")->as_int(), 1);
  EXPECT_EQ(created.At("metadata.finalizers")->as_array().front().as_string(), "zoe/execution");
  const Answer read = Call("GET", At("wordcount"));
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(Json(read), created);
  EXPECT_EQ(read.headers.at("content-type"), "application/json");
}

TEST_F(ServerObjects, YamlBodiesAreTakenAndFillTheNamespaceFromThePath) {
  const Answer answer = Call("POST", kExecutions,
                             "kind: Execution\nmetadata: {name: y}\nspec:\n  application:\n    "
                             "services: [{name: a, image: x}]\n",
                             kYaml);
  EXPECT_EQ(answer.status, 201) << answer.body;
  EXPECT_EQ(Json(answer).StringAt("metadata.namespace"), "alice");
}

TEST_F(ServerObjects, BodyOfUnknownTypeIsTriedAsJsonThenYaml) {
  EXPECT_EQ(Call("POST", kExecutions, Manifest("a"), "").status, 201);
  EXPECT_EQ(Call("POST", kExecutions,
                 "kind: Execution\nmetadata: {name: b}\nspec: {application: {services: [{name: a, "
                 "image: x}]}}\n",
                 "Content-Type: application/x-www-form-urlencoded\r\n")
                .status,
            201);
  EXPECT_EQ(Call("POST", kExecutions, Manifest("c"),
                 "Content-Type: application/vnd.kubernetes.protobuf\r\n")
                .status,
            415);
}

TEST_F(ServerObjects, GenerateNameMakesDifferentNames) {
  const std::string manifest = Manifest("", R"("generateName":"run-",)");
  const std::string first = Json(Call("POST", kExecutions, manifest)).StringAt("metadata.name");
  const std::string second = Json(Call("POST", kExecutions, manifest)).StringAt("metadata.name");
  EXPECT_TRUE(first.starts_with("run-"));
  EXPECT_EQ(first.size(), 9U);
  EXPECT_NE(first, second);
}

TEST_F(ServerObjects, SecondCreateIsRefusedAsAlreadyExisting) {
  Create("a");
  const Answer again = Call("POST", kExecutions, Manifest("a"));
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(Json(again).StringAt("reason"), "AlreadyExists");
  EXPECT_EQ(Json(again).StringAt("message"), "executions.zoe \"a\" already exists");
}

TEST_F(ServerObjects, InvalidObjectIsRefusedWithTheFieldsOfAllErrors) {
  const Answer answer = Call(
      "POST", kExecutions,
      R"({"kind":"Execution","metadata":{"name":"a"},"spec":{"priorty":1,"application":{"services":[{"name":"A","image":"x"}]}}})");
  EXPECT_EQ(answer.status, 422);
  const Value status = Json(answer);
  EXPECT_EQ(status.StringAt("kind"), "Status");
  EXPECT_EQ(status.StringAt("reason"), "Invalid");
  EXPECT_EQ(status.StringAt("details.kind") + "/" + status.StringAt("details.name"), "Execution/a");
  std::string fields;
  for (const Value& cause : status.At("details.causes")->as_array())
    fields += cause.StringAt("field") + " ";
  EXPECT_NE(fields.find("spec.priorty"), std::string::npos) << fields;
  EXPECT_NE(fields.find("spec.application.services[0].name"), std::string::npos) << fields;
  EXPECT_EQ(Call("GET", At("a")).status, 404);
}

TEST_F(ServerObjects, UnknownFieldsAreWarnedOfOrIgnoredWhenAskedFor) {
  const std::string manifest = Manifest("a", "", R"("priorty":1,)");
  EXPECT_EQ(Call("POST", kExecutions, manifest).status, 422);
  const Answer warned =
      Call("POST", std::string(kExecutions) + "?fieldValidation=Warn&dryRun=All", manifest);
  EXPECT_EQ(warned.status, 201);
  EXPECT_TRUE(warned.headers.contains("warning") &&
              warned.headers.at("warning").find("priorty") != std::string::npos);
  const Answer ignored =
      Call("POST", std::string(kExecutions) + "?fieldValidation=Ignore", manifest);
  EXPECT_EQ(ignored.status, 201);
  EXPECT_FALSE(ignored.headers.contains("warning"));
  EXPECT_EQ(Call("POST", std::string(kExecutions) + "?fieldValidation=Maybe", manifest).status,
            400);
}

TEST_F(ServerObjects, BodyThatContradictsThePathIsRefused) {
  EXPECT_EQ(Call("POST", kExecutions, Manifest("a", R"("namespace":"bob",)")).status, 400);
  EXPECT_EQ(Call("POST", "/apis/zoe/v1/namespaces/alice/applications", Manifest("a")).status, 400);
  Create("a");
  EXPECT_EQ(Call("PUT", At("a"), Manifest("b")).status, 400);
  EXPECT_EQ(Call("POST", kExecutions, "{\"a\":").status, 400);
  EXPECT_EQ(Call("POST", kExecutions, "[]").status, 400);
}

TEST_F(ServerObjects, DryRunAnswersAsIfAndStoresNothing) {
  const Answer answer = Call("POST", std::string(kExecutions) + "?dryRun=All", Manifest("a"));
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(Call("GET", At("a")).status, 404);
  Create("a");
  EXPECT_EQ(Json(Call("PATCH", At("a", "?dryRun=All"), R"({"spec":{"priority":9}})", kMerge))
                .At("spec.priority")
                ->as_int(),
            9);
  EXPECT_EQ(Json(Call("GET", At("a"))).At("spec.priority")->as_int(), 0);
  EXPECT_EQ(Call("DELETE", At("a", "?dryRun=All")).status, 200);
  EXPECT_EQ(Json(Call("GET", At("a"))).At("metadata.deletionTimestamp"), nullptr);
}

TEST_F(ServerObjects, PutReplacesSpecKeepsIdentityAndCountsGenerations) {
  const Value created = Create("a");
  const Value replaced =
      Json(Call("PUT", At("a"),
                Manifest("a", R"("uid":")" + created.StringAt("metadata.uid") + R"(",)",
                         R"("priority":3,)")));
  EXPECT_EQ(replaced.At("metadata.generation")->as_int(), 2);
  EXPECT_EQ(replaced.StringAt("metadata.uid"), created.StringAt("metadata.uid"));
  EXPECT_EQ(replaced.StringAt("metadata.creationTimestamp"),
            created.StringAt("metadata.creationTimestamp"));
  EXPECT_EQ(replaced.At("metadata.finalizers")->as_array().size(), 1U);
  EXPECT_EQ(Call("PUT", At("a"), Manifest("a", R"("uid":"other",)")).status, 409);
  EXPECT_EQ(Call("PUT", At("missing"), Manifest("missing")).status, 404);
}

TEST_F(ServerObjects, WriteThatChangesNothingWritesNothing) {
  const Value created = Create("a");
  EXPECT_EQ(Json(Call("PUT", At("a"), Manifest("a"))).StringAt("metadata.resourceVersion"),
            created.StringAt("metadata.resourceVersion"));
  EXPECT_EQ(Json(Call("PATCH", At("a"), R"({"spec":{"priority":0}})", kMerge)), created);
  EXPECT_EQ(Json(Call("GET", At("a"))), created);
}

TEST_F(ServerObjects, StaleResourceVersionIsAConflict) {
  const Value created = Create("a");
  const std::string stale =
      R"("resourceVersion":")" + created.StringAt("metadata.resourceVersion") + R"(",)";
  EXPECT_EQ(Call("PUT", At("a"), Manifest("a", stale, R"("priority":1,)")).status, 200);
  const Answer late = Call("PUT", At("a"), Manifest("a", stale, R"("priority":2,)"));
  EXPECT_EQ(late.status, 409);
  EXPECT_EQ(Json(late).StringAt("reason"), "Conflict");
  const std::string patch = R"({"metadata":{"resourceVersion":")" +
                            created.StringAt("metadata.resourceVersion") +
                            R"("},"spec":{"priority":7}})";
  EXPECT_EQ(Call("PATCH", At("a"), patch, kMerge).status, 409);
}

TEST_F(ServerObjects, MergePatchChangesRemovesAndValidates) {
  Create("a");
  const Value patched = Json(Call(
      "PATCH", At("a"),
      R"({"metadata":{"labels":{"project":null,"tier":"gold"}},"spec":{"priority":5}})", kMerge));
  EXPECT_EQ(patched.At("metadata.labels.project"), nullptr);
  EXPECT_EQ(patched.StringAt("metadata.labels.tier"), "gold");
  EXPECT_EQ(patched.At("spec.priority")->as_int(), 5);
  EXPECT_EQ(Call("PATCH", At("a"), R"({"spec":{"priority":"high"}})", kMerge).status, 422);
  EXPECT_EQ(Call("PATCH", At("a"), R"({"spec":null})", kMerge).status, 422);
  EXPECT_EQ(Call("PATCH", At("a"), R"([1])", kMerge).status, 400);
  EXPECT_EQ(Call("PATCH", At("a"), R"({"metadata":{"name":"b"}})", kMerge).status, 400);
  EXPECT_EQ(Call("PATCH", At("missing"), "{}", kMerge).status, 404);
}

TEST_F(ServerObjects, PatchesOfOtherTypesAreRefused) {
  Create("a");
  for (const std::string type :
       {"application/strategic-merge-patch+json", "application/apply-patch+cbor", "text/plain"}) {
    EXPECT_EQ(Call("PATCH", At("a"), "{}", "Content-Type: " + type + "\r\n").status, 415) << type;
  }
}

TEST_F(ServerObjects, JsonPatchTestsAndChanges) {
  Create("a");
  const std::string type = "Content-Type: application/json-patch+json\r\n";
  const Value patched = Json(Call(
      "PATCH", At("a"),
      R"([{"op":"test","path":"/spec/priority","value":0},{"op":"replace","path":"/spec/priority","value":2}])",
      type));
  EXPECT_EQ(patched.At("spec.priority")->as_int(), 2);
  EXPECT_EQ(
      Call("PATCH", At("a"), R"([{"op":"test","path":"/spec/priority","value":0}])", type).status,
      422);
  EXPECT_EQ(Call("PATCH", At("a"), R"([{"op":"fly","path":"/spec"}])", type).status, 400);
}

TEST_F(ServerObjects, StatusIsWrittenByItsSubresourceOnly) {
  Create("a");
  const std::string body = R"({"status":{"phase":"Running"},"spec":{"priority":8}})";
  const Value main = Json(Call("PATCH", At("a"), body, kMerge));
  EXPECT_EQ(main.StringAt("status.phase"), "Pending");
  EXPECT_EQ(main.At("spec.priority")->as_int(), 8);
  const Value status =
      Json(Call("PATCH", At("a", "/status"),
                R"({"status":{"phase":"Running"},"spec":{"priority":1}})", kMerge));
  EXPECT_EQ(status.StringAt("status.phase"), "Running");
  EXPECT_EQ(status.At("spec.priority")->as_int(), 8);
  EXPECT_EQ(status.At("metadata.generation")->as_int(), 2);
  EXPECT_EQ(Call("GET", At("a", "/status")).status, 200);
  EXPECT_EQ(Call("DELETE", At("a", "/status")).status, 405);
  EXPECT_EQ(Call("PUT", At("a", "/status"), Manifest("a")).status, 200);
  EXPECT_EQ(Json(Call("GET", At("a"))).StringAt("status.phase"), "");
}

TEST_F(ServerObjects, DeletionWaitsForFinalizersThenTheObjectGoes) {
  const Value created = Create("a");
  const Answer deleted = Call("DELETE", At("a"));
  EXPECT_EQ(deleted.status, 200);
  EXPECT_FALSE(Json(deleted).StringAt("metadata.deletionTimestamp").empty());
  const Value again = Json(Call("DELETE", At("a")));
  EXPECT_EQ(again.StringAt("metadata.resourceVersion"),
            Json(deleted).StringAt("metadata.resourceVersion"));
  EXPECT_EQ(
      Call("PATCH", At("a"), R"({"metadata":{"finalizers":["zoe/execution","other/one"]}})", kMerge)
          .status,
      422);
  EXPECT_EQ(Call("PATCH", At("a"), R"({"metadata":{"finalizers":null}})", kMerge).status, 200);
  EXPECT_EQ(Call("GET", At("a")).status, 404);
  EXPECT_EQ(Call("DELETE", At("a")).status, 404);
}

TEST_F(ServerObjects, ObjectWithoutFinalizersIsDeletedAtOnceIfPreconditionsHold) {
  const std::string path = "/apis/zoe/v1/namespaces/alice/applications";
  const Answer created = Call(
      "POST", path,
      R"({"kind":"Application","metadata":{"name":"web"},"spec":{"services":[{"name":"a","image":"x"}]}})");
  ASSERT_EQ(created.status, 201) << created.body;
  EXPECT_EQ(
      Call("DELETE", path + "/web", R"({"kind":"DeleteOptions","preconditions":{"uid":"other"}})")
          .status,
      409);
  EXPECT_EQ(Call("DELETE", path + "/web?propagationPolicy=Sometimes").status, 422);
  const Answer deleted = Call(
      "DELETE", path + "/web",
      R"({"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Background","preconditions":{"uid":")" +
          Json(created).StringAt("metadata.uid") + R"("}})");
  EXPECT_EQ(deleted.status, 200);
  EXPECT_EQ(Json(deleted).StringAt("status"), "Success");
  EXPECT_EQ(Call("GET", path + "/web").status, 404);
}

TEST_F(ServerObjects, CollectionIsDeletedBySelector) {
  Create("a");
  Create("b");
  ASSERT_EQ(Call("PATCH", At("b"), R"({"metadata":{"labels":{"project":"films"}}})", kMerge).status,
            200);
  EXPECT_EQ(Call("DELETE", std::string(kExecutions) + "?labelSelector=project%3Dfilms").status,
            200);
  EXPECT_EQ(Json(Call("GET", At("a"))).At("metadata.deletionTimestamp"), nullptr);
  EXPECT_NE(Json(Call("GET", At("b"))).At("metadata.deletionTimestamp"), nullptr);
}

TEST_F(ServerObjects, PathOfAllNamespacesCreatesWhereTheBodySaysAndDeletesEverywhere) {
  constexpr std::string_view kEverywhere = "/apis/zoe/v1/executions";
  const Answer said = Call("POST", kEverywhere, Manifest("a", R"("namespace":"bob",)"));
  EXPECT_EQ(said.status, 201) << said.body;
  EXPECT_EQ(Json(said).StringAt("metadata.namespace"), "bob");
  const Answer unsaid = Call("POST", kEverywhere, Manifest("a"));
  EXPECT_EQ(unsaid.status, 201) << unsaid.body;
  EXPECT_EQ(Json(unsaid).StringAt("metadata.namespace"), "default");
  EXPECT_EQ(Call("POST", kEverywhere, Manifest("a", R"("namespace":"Bob",)")).status, 422);
  Create("b");
  EXPECT_EQ(Call("DELETE", std::string(kEverywhere) + "?fieldSelector=metadata.name%3Da").status,
            200);
  for (const std::string ns : {"bob", "default"}) {
    const Value gone = Json(Call("GET", "/apis/zoe/v1/namespaces/" + ns + "/executions/a"));
    EXPECT_NE(gone.At("metadata.deletionTimestamp"), nullptr) << ns;
  }
  EXPECT_EQ(Json(Call("GET", At("b"))).At("metadata.deletionTimestamp"), nullptr);
}

TEST_F(ServerObjects, ListSelectsByNamespaceLabelAndField) {
  Create("a");
  Create("b");
  ASSERT_EQ(Call("PATCH", At("b", "/status"), R"({"status":{"phase":"Failed"}})", kMerge).status,
            200);
  const auto count = [&](const std::string& target) {
    return Json(Call("GET", target)).At("items")->as_array().size();
  };
  EXPECT_EQ(count("/apis/zoe/v1/executions"), 2U);
  EXPECT_EQ(count("/apis/zoe/v1/namespaces/bob/executions"), 0U);
  EXPECT_EQ(count("/apis/zoe/v1/executions?labelSelector=project+in+(books)"), 2U);
  EXPECT_EQ(count("/apis/zoe/v1/executions?fieldSelector=status.phase%3DFailed"), 1U);
  EXPECT_EQ(
      count("/apis/zoe/v1/executions?fieldSelector=metadata.name!%3Db,metadata.namespace%3Dalice"),
      1U);
  EXPECT_EQ(Call("GET", "/apis/zoe/v1/executions?fieldSelector=spec.priority%3D1").status, 400);
  EXPECT_EQ(Call("GET", "/apis/zoe/v1/executions?labelSelector=%3D%3D").status, 400);
}

TEST_F(ServerObjects, KeptListBodyFollowsEveryChange) {
  for (int i = 0; i < 5; ++i) {
    const Value created = Create("a" + std::to_string(i));
    const Value list = Json(Call("GET", kExecutions));
    EXPECT_EQ(list.At("items")->as_array().size(), static_cast<size_t>(i) + 1);
    EXPECT_EQ(list.StringAt("metadata.resourceVersion"),
              created.StringAt("metadata.resourceVersion"));
    EXPECT_EQ(Call("GET", kExecutions).body, Call("GET", kExecutions).body);
  }
}

TEST_F(ServerObjects, PagesTellOfOneMoment) {
  for (const char* name : {"a", "b", "c", "d", "e"}) Create(name);
  const Value first = Json(Call("GET", std::string(kExecutions) + "?limit=2"));
  EXPECT_EQ(first.At("metadata.remainingItemCount")->as_int(), 3);
  ASSERT_EQ(Call("PATCH", At("d"), R"({"spec":{"priority":9}})", kMerge).status, 200);
  const Value second = Json(Call("GET", std::string(kExecutions) + "?limit=2&continue=" +
                                            first.StringAt("metadata.continue")));
  EXPECT_EQ(second.At("items")->as_array()[1].StringAt("metadata.name"), "d");
  EXPECT_EQ(second.At("items")->as_array()[1].At("spec.priority")->as_int(), 0);
  EXPECT_EQ(second.StringAt("metadata.resourceVersion"),
            first.StringAt("metadata.resourceVersion"));
  const Value third = Json(Call("GET", std::string(kExecutions) + "?limit=2&continue=" +
                                           second.StringAt("metadata.continue")));
  EXPECT_EQ(third.At("items")->as_array().size(), 1U);
  EXPECT_EQ(third.StringAt("metadata.continue"), "");
  // A moment whose list nobody has begun here.
  const Value past = Json(Call("GET", std::string(kExecutions) + "?limit=2&continue=1~alice~a"));
  EXPECT_EQ(past.At("items")->as_array().size(), 0U);
  EXPECT_EQ(past.StringAt("metadata.resourceVersion"), "1");
  EXPECT_EQ(Call("GET", std::string(kExecutions) + "?limit=2&continue=nonsense").status, 400);
}

TEST_F(ServerObjects, TableShowsTheKindsColumns) {
  Create("a");
  const Answer answer =
      Call("GET", kExecutions, {},
           "Accept: application/json;as=Table;v=v1;g=meta.k8s.io,application/json\r\n");
  const Value table = Json(answer);
  EXPECT_EQ(table.StringAt("kind"), "Table");
  const Value& row = table.At("rows")->as_array().front();
  EXPECT_EQ(row.At("cells")->as_array().size(), table.At("columnDefinitions")->as_array().size());
  EXPECT_EQ(row.At("cells")->as_array().front().as_string(), "a");
  EXPECT_EQ(row.At("cells")->as_array()[4].as_string().back(), 's');
  EXPECT_EQ(row.StringAt("object.kind"), "PartialObjectMetadata");
  EXPECT_EQ(row.StringAt("object.metadata.name"), "a");
}

TEST_F(ServerObjects, AnswersAreYamlOrPrettyWhenAskedFor) {
  Create("a");
  EXPECT_TRUE(Call("GET", At("a"), {}, "Accept: application/yaml\r\n")
                  .body.starts_with("apiVersion: zoe/v1\n"));
  EXPECT_NE(Call("GET", At("a", "?pretty")).body.find("\n  \"kind\": \"Execution\""),
            std::string::npos);
  EXPECT_EQ(Call("GET", At("a"), {}, "Accept: application/vnd.kubernetes.protobuf\r\n").status,
            406);
}

// One linear history: of all who write against the same version one wins, and every version has one
// parent.
TEST_F(ServerObjects, FiftyClientsThatPutTheSameObjectMakeOneHistory) {
  Create("a");
  constexpr int kClients = 50, kWins = 4;
  std::vector<std::thread> clients;
  std::atomic<int> conflicts{0}, others{0};
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&] {
      Peer peer(served_.port());
      for (int wins = 0; wins < kWins;) {
        const auto read = codec::ParseJson(peer.Call("GET", At("a")).body);
        Value object = *read;
        object.Find("spec")->Set("priority", object.At("spec.priority")->as_int() + 1);
        const Answer put = peer.Call("PUT", At("a"), codec::ToJson(object), kJson);
        if (put.status == 200) {
          ++wins;
        } else if (put.status == 409 &&
                   put.body.find("\"reason\":\"Conflict\"") != std::string::npos) {
          ++conflicts;
        } else {
          ++others;
          return;
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(others, 0);
  const Value object = Json(Call("GET", At("a")));
  EXPECT_EQ(object.At("spec.priority")->as_int(), kClients * kWins);
  EXPECT_EQ(object.At("metadata.generation")->as_int(), kClients * kWins + 1);
}

TEST_F(ServerObjects, PatchesWithoutResourceVersionAreAppliedToTheNewestObject) {
  Create("a");
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&, i] {
      Peer peer(served_.port());
      const std::string patch = R"({"metadata":{"labels":{"l)" + std::to_string(i) + R"(":"x"}}})";
      EXPECT_EQ(peer.Call("PATCH", At("a"), patch, kMerge).status, 200);
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(Json(Call("GET", At("a"))).At("metadata.labels")->as_object().size(), 5U);
}

TEST_F(ServerObjects, UnknownPathsAndMethodsAreToldApart) {
  EXPECT_EQ(Call("GET", "/apis/zoe/v1/gadgets").status, 404);
  EXPECT_EQ(Call("GET", "/apis/zoe/v2/executions").status, 404);
  EXPECT_EQ(Call("GET", "/a/b/c/d/e/f/g/h/i/j").status, 404);
  EXPECT_EQ(Call("GET", At("a", "/%zz")).status, 400);
  EXPECT_EQ(Call("GET", At("..%2f..%2fetc")).status, 404);
  EXPECT_EQ(Call("DELETE", At("..%2f..%2fetc")).status, 404);
  const Answer post = Call("POST", At("a"), Manifest("a"));
  EXPECT_EQ(post.status, 405);
  EXPECT_EQ(post.headers.at("allow"), "GET, HEAD, PUT, PATCH, DELETE");
  EXPECT_EQ(Call("OPTIONS", At("a")).status, 405);
  EXPECT_EQ(Call("TRACE", At("a")).status, 405);
  EXPECT_EQ(Call("FROBNICATE", At("a")).status, 405);
}

TEST_F(ServerObjects, DiscoveryNamesEveryKind) {
  const Value list = Json(Call("GET", "/apis/zoe/v1"));
  EXPECT_EQ(list.StringAt("kind"), "APIResourceList");
  std::string names;
  for (const Value& resource : list.At("resources")->as_array())
    names += resource.StringAt("name") + " ";
  for (const v1::Kind& kind : v1::Kinds())
    EXPECT_NE(names.find(std::string(kind.plural) + " "), std::string::npos) << kind.plural;
  EXPECT_EQ(Json(Call("GET", "/apis")).StringAt("kind"), "APIGroupList");
  EXPECT_EQ(Json(Call("GET", "/apis/zoe")).StringAt("kind"), "APIGroup");
  EXPECT_EQ(Json(Call("GET", "/api")).StringAt("kind"), "APIVersions");
  EXPECT_EQ(Json(Call("GET", "/api/v1")).StringAt("groupVersion"), "v1");
  EXPECT_EQ(Json(Call("GET", "/version")).StringAt("zoeVersion"), "0.1.0");
  EXPECT_EQ(Call("GET", "/").headers.at("content-type"), "text/html; charset=utf-8");
}

TEST_F(ServerObjects, ViewsShowNodesWithWhatIsReservedAndNamespaces) {
  Create("a");
  const Value namespaces = Json(Call("GET", "/api/v1/namespaces"));
  EXPECT_EQ(namespaces.At("items")->as_array().front().StringAt("metadata.name"), "alice");
  EXPECT_EQ(Call("GET", "/api/v1/namespaces/alice").status, 200);
  EXPECT_EQ(Call("GET", "/api/v1/namespaces/bob").status, 404);
  SwarmServiceSpec spec;
  spec.name = "a-1";
  spec.labels = {{"zoe.deployment", "zoe"}, {"zoe.uid", "u"}};
  spec.image = "zoe/mini";
  spec.replicas = 1;
  spec.cpu_request_nano = 1'500'000'000;
  spec.memory_request_bytes = int64_t{512} << 20;
  const Context ctx{served_.clock};
  ASSERT_TRUE(served_.swarm->CreateServices(ctx, {&spec, 1}).front().ok());
  std::string cpu;
  while (cpu.empty()) {  // until the task is placed; the test's own deadline ends a hang
    const Value nodes = Json(Call("GET", "/api/v1/nodes"));
    ASSERT_EQ(nodes.At("items")->as_array().size(), 3U);
    for (const Value& node : nodes.At("items")->as_array()) {
      EXPECT_EQ(node.At("status.conditions")->as_array().front().StringAt("status"), "True");
      EXPECT_EQ(node.StringAt("status.capacity.cpu"), "8");
      if (node.StringAt("status.allocated.pods") == "1")
        cpu =
            node.StringAt("status.allocated.cpu") + " " + node.StringAt("status.allocated.memory");
    }
  }
  EXPECT_EQ(cpu, "1500m 512Mi");
  EXPECT_EQ(Call("GET", "/api/v1/nodes/sim1").status, 200);
  EXPECT_EQ(Call("GET", "/api/v1/nodes/none").status, 404);
}

TEST_F(ServerObjects, ProbesAndMetricsAnswerInText) {
  EXPECT_EQ(Call("GET", "/healthz").body, "ok");
  EXPECT_EQ(Call("GET", "/livez").body, "ok");
  EXPECT_EQ(Call("GET", "/readyz").body, "ok");
  EXPECT_NE(Call("GET", "/readyz?verbose").body.find("[+]swarm ok"), std::string::npos);
  Call("GET", At("missing"));
  EXPECT_NE(
      Call("GET", "/metrics")
          .body.find(R"(zoe_http_requests_total{verb="get",resource="executions",code="404"} 1)"),
      std::string::npos);
}

}  // namespace
}  // namespace zoe
