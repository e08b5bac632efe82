#include "webhooks/admission/admission.h"

#include <gtest/gtest.h>

#include <string>

#include "apis/memory/memory_store.h"
#include "controller/cache/informer.h"
#include "controller/runtime/system_clock.h"
#include "specs/codec/value.h"

namespace zoe {
namespace {

using v1::Execution;

constexpr char kSpark[] = R"(
apiVersion: zoe/v1
kind: Application
metadata: {name: spark, namespace: catalog}
spec:
  parameters:
  - {name: workers, type: integer, default: 2, minimum: 1, maximum: 9}
  services:
  - name: master
    image: zoe/spark
    env: [{name: WORKERS, value: "{{param.workers}}"}]
)";

std::shared_ptr<ObjectBase> Decode(const std::string& yaml) {
  const auto documents = codec::ParseYaml(yaml);
  auto decoded = v1::Decode(documents->front());
  EXPECT_TRUE(decoded.ok()) << (decoded.ok() ? "" : decoded.error().ToString());
  return decoded.ok() ? decoded->object : nullptr;
}

std::shared_ptr<ObjectBase> ByReference(const std::string& spec) {
  return Decode(
      "{apiVersion: zoe/v1, kind: Execution, metadata: {name: run, namespace: alice}, spec: " +
      spec + "}");
}

class AdmissionTest : public ::testing::Test {
 protected:
  void SetUp() override { Put(kSpark); }

  void Put(const std::string& yaml) {
    const auto object = Decode(yaml);
    const v1::Kind& kind = *v1::FindKind("Application");
    const Key key{"Application", object->meta.ns, object->meta.name};
    const auto old = store_->Get(key);
    const auto written = old.ok()
                             ? store_->Replace(key, old->revision, v1::EncodeJson(kind, *object))
                             : store_->Create(key, v1::EncodeJson(kind, *object));
    ASSERT_TRUE(written.ok());
    while (informer_.PumpOnce()) {
    }
  }
  // The causes of the refusal, one a line; empty if it was admitted.
  std::string Admit(const std::shared_ptr<ObjectBase>& object,
                    std::shared_ptr<const ObjectBase> old = nullptr) {
    AdmissionRequest request{
        old ? AdmissionRequest::Operation::kUpdate : AdmissionRequest::Operation::kCreate,
        v1::FindKind("Execution"), Caller{"admin"}, object, std::move(old)};
    const auto admitted = admission_.Admit(request);
    if (admitted.ok()) return "";
    EXPECT_EQ(admitted.error().code, Code::kInvalid);
    std::string text;
    for (const Cause& cause : admitted.error().causes)
      text += cause.field + ": " + cause.message + "\n";
    return text;
  }
  static Execution& As(const std::shared_ptr<ObjectBase>& object) {
    return static_cast<Execution&>(*object);
  }

  SystemClock clock_;
  Metrics metrics_;
  std::unique_ptr<Store> store_ = MakeMemoryStore({.threaded = false});
  Cache cache_;
  Informer informer_{*store_, cache_, clock_, metrics_};
  const Admission admission_{cache_, {}};
};

TEST_F(AdmissionTest, ReferenceIsResolvedFromTheCatalogAndTheFinalizerSet) {
  const auto object =
      ByReference("{applicationRef: {name: spark, namespace: catalog}, parameters: {workers: 3}}");
  EXPECT_EQ(Admit(object), "");
  ASSERT_TRUE(As(object).spec.application);
  EXPECT_EQ(As(object).spec.application->services.front().image, "zoe/spark");
  EXPECT_EQ(object->meta.finalizers, std::vector<std::string>{"zoe/execution"});
}

TEST_F(AdmissionTest, NewExecutionIsPendingBeforeAnyoneHasLookedAtIt) {
  const auto object = ByReference("{applicationRef: {name: spark, namespace: catalog}}");
  EXPECT_EQ(Admit(object), "");
  EXPECT_EQ(As(object).status.phase, "Pending");
  const auto old = std::make_shared<Execution>(As(object));
  As(object).status.phase = "Running";
  EXPECT_EQ(Admit(object, old), "");
  EXPECT_EQ(As(object).status.phase, "Running");
}

TEST_F(AdmissionTest, MissingApplicationIsNamedWithWhatIsNear) {
  EXPECT_EQ(Admit(ByReference("{applicationRef: {name: sprak, namespace: catalog}}")),
            "spec.applicationRef.name: there is no Application \"sprak\" in namespace \"catalog\", "
            "did you mean \"spark\"?\n");
  EXPECT_EQ(Admit(ByReference("{applicationRef: {name: spark}}")),
            "spec.applicationRef.name: there is no Application \"spark\" in namespace \"alice\"; "
            "the catalog has one: add namespace: catalog\n");
  EXPECT_EQ(Admit(ByReference("{applicationRef: {name: zeppelin, namespace: catalog}}")),
            "spec.applicationRef.name: there is no Application \"zeppelin\" in namespace "
            "\"catalog\"; there are: spark\n");
}

TEST_F(AdmissionTest, ParametersAreHeldAgainstTheApplication) {
  const std::string causes =
      Admit(ByReference("{applicationRef: {name: spark, namespace: catalog}, parameters: {workers: "
                        "99, wrokers: 1}}"));
  EXPECT_NE(causes.find("spec.parameters.workers: must be at most 9"), std::string::npos) << causes;
  EXPECT_NE(causes.find("spec.parameters.wrokers: unknown parameter"), std::string::npos) << causes;
}

TEST_F(AdmissionTest, LaterEditOfTheApplicationChangesNoExecution) {
  const auto old = ByReference("{applicationRef: {name: spark, namespace: catalog}}");
  ASSERT_EQ(Admit(old), "");
  std::string edited = kSpark;
  edited.replace(edited.find("zoe/spark"), 9, "zoe/other");
  Put(edited);
  const auto same = ByReference("{applicationRef: {name: spark, namespace: catalog}, priority: 5}");
  EXPECT_EQ(Admit(same, old), "");
  EXPECT_EQ(As(same).spec.application->services.front().image, "zoe/spark");
  const auto other =
      ByReference("{applicationRef: {name: spark, namespace: catalog}, parameters: {workers: 4}}");
  EXPECT_EQ(Admit(other, old), "");
  EXPECT_EQ(As(other).spec.application->services.front().image, "zoe/other");
}

TEST_F(AdmissionTest, EditOfTheResolvedApplicationIsKept) {
  const auto old = ByReference("{applicationRef: {name: spark, namespace: catalog}}");
  ASSERT_EQ(Admit(old), "");
  const auto scaled = v1::FindKind("Execution")->clone(*old);
  As(scaled).spec.application->services.front().replicas.total = 4;
  EXPECT_EQ(Admit(scaled, old), "");
  EXPECT_EQ(As(scaled).spec.application->services.front().replicas.total, 4);
}

TEST_F(AdmissionTest, FinalizerComesBackUntilTheObjectIsBeingDeleted) {
  const auto old = ByReference("{applicationRef: {name: spark, namespace: catalog}}");
  ASSERT_EQ(Admit(old), "");
  const auto update = ByReference("{applicationRef: {name: spark, namespace: catalog}}");
  EXPECT_EQ(Admit(update, old), "");
  EXPECT_EQ(update->meta.finalizers.size(), 1U);
  const auto going = ByReference("{applicationRef: {name: spark, namespace: catalog}}");
  going->meta.deletion_timestamp = clock_.WallNow();
  EXPECT_EQ(Admit(going, old), "");
  EXPECT_TRUE(going->meta.finalizers.empty());
}

TEST_F(AdmissionTest, NamesTooLongForAHostnameAreRefusedForReferencesToo) {
  const std::string name(60, 'n');
  const auto object =
      Decode("{apiVersion: zoe/v1, kind: Execution, metadata: {name: " + name +
             ", namespace: alice}, spec: {applicationRef: {name: spark, namespace: catalog}}}");
  EXPECT_NE(Admit(object), "");
}

TEST_F(AdmissionTest, PrepareDropsAResolvedApplicationThatIsNoLongerAskedFor) {
  const auto old =
      ByReference("{applicationRef: {name: spark, namespace: catalog}, parameters: {workers: 3}}");
  ASSERT_EQ(Admit(old), "");
  const v1::Kind& kind = *v1::FindKind("Execution");
  const auto has_application = [&](const char* path, const codec::Value& value,
                                   const ObjectBase* before) {
    codec::Value document = *codec::ParseJson(v1::EncodeJson(kind, *old));
    if (*path != '\0')
      document.Find("spec")->Find(path)->Set(
          std::string_view(path) == "parameters" ? "workers" : "name", value);
    Admission::Prepare(kind, document, before);
    return document.At("spec.application") != nullptr;
  };
  EXPECT_TRUE(has_application("", {}, old.get()));
  EXPECT_TRUE(has_application("parameters", 3, old.get()));
  EXPECT_FALSE(has_application("parameters", 4, old.get()));
  EXPECT_FALSE(has_application("applicationRef", "other", old.get()));
  EXPECT_FALSE(has_application("", {}, nullptr));
}

}  // namespace
}  // namespace zoe
