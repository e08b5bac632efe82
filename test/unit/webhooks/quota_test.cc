// Which Quota holds, and what admission makes of it. Whether it holds however many come at once is
// tried in test/conformance/quota.
#include "controller/quota/quota.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "apis/memory/memory_store.h"
#include "controller/cache/informer.h"
#include "controller/runtime/system_clock.h"
#include "specs/codec/value.h"
#include "webhooks/admission/admission.h"

namespace zoe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class QuotaTest : public testing::Test {
 protected:
  static std::shared_ptr<ObjectBase> Decode(const std::string& kind, const std::string& fields) {
    const auto documents =
        codec::ParseYaml("{apiVersion: zoe/v1, kind: " + kind + ", " + fields + "}");
    auto decoded = v1::Decode(documents->front());
    EXPECT_TRUE(decoded.ok()) << decoded.error().ToString();
    return decoded->object;
  }
  void Put(const std::string& kind, const std::string& fields) {
    const auto object = Decode(kind, fields);
    const Key key{kind, object->meta.ns, object->meta.name};
    const std::string bytes = v1::EncodeJson(*v1::FindKind(kind), *object);
    const auto old = store_->Get(key);
    const auto put =
        old.ok() ? store_->Replace(key, old->revision, bytes) : store_->Create(key, bytes);
    ASSERT_TRUE(put.ok());
    while (informer_.PumpOnce()) {
    }
  }
  void PutUser(const std::string& name, const std::string& spec) {
    Put("User", "metadata: {name: " + name + "}, spec: {" + spec + "}");
  }
  void PutQuota(const std::string& name, const std::string& spec) {
    Put("Quota", "metadata: {name: " + name + "}, spec: {" + spec + "}");
  }
  std::string QuotaNameOf(const std::string& ns) const {
    const auto quota = QuotaOf(cache_, ns);
    return quota ? quota->meta.name : "";
  }
  static std::shared_ptr<v1::Execution> Execution(const std::string& name,
                                                  const std::string& more) {
    return std::static_pointer_cast<v1::Execution>(
        Decode("Execution", "metadata: {name: " + name +
                                ", namespace: alice}, spec: {application: {services: [{name: s, "
                                "image: i, resources: {requests: {cpu: 1}}}]}, " +
                                more + "}"));
  }
  AdmissionRequest Request(const std::string& kind, std::shared_ptr<ObjectBase> object,
                           std::shared_ptr<const ObjectBase> old = nullptr) const {
    return {.operation =
                old ? AdmissionRequest::Operation::kUpdate : AdmissionRequest::Operation::kCreate,
            .kind = v1::FindKind(kind),
            .caller = {.name = "admin"},
            .object = std::move(object),
            .old_object = std::move(old)};
  }

  SystemClock clock_;
  Metrics metrics_;
  std::unique_ptr<Store> store_ = MakeMemoryStore({.threaded = false});
  Cache cache_;
  Informer informer_{*store_, cache_, clock_, metrics_};
  const Admission admission_{cache_, {}};
};

TEST_F(QuotaTest, IsTheOneThatTheUserNamesElseThatOfTheRole) {
  EXPECT_EQ(QuotaNameOf("alice"), "");
  PutUser("alice", "role: user");
  EXPECT_EQ(QuotaNameOf("alice"), "");
  PutQuota("everybody", "roles: [guest, user]");
  EXPECT_EQ(QuotaNameOf("alice"), "everybody");
  PutUser("alice", "role: user, quota: large");
  EXPECT_EQ(QuotaNameOf("alice"), "everybody");
  PutQuota("large", "cpu: 100");
  EXPECT_EQ(QuotaNameOf("alice"), "large");
  PutUser("alice", "role: admin");
  EXPECT_EQ(QuotaNameOf("alice"), "");
  EXPECT_EQ(QuotaNameOf("bob"), "");
}

TEST_F(QuotaTest, TellsTheSchedulerItsNumbers) {
  PutUser("alice", "quota: q");
  EXPECT_EQ(LimitsOf(cache_, "alice"), scheduler::Limits{});
  PutQuota("q", "executions: 3, cpu: 1500m, memory: 1Ki, services: 7, runtime: 60");
  const scheduler::Limits limits{.quota = "q",
                                 .executions = 3,
                                 .cpu_nano = 1'500'000'000,
                                 .memory_bytes = 1024,
                                 .services = 7};
  EXPECT_EQ(LimitsOf(cache_, "alice"), limits);
  PutQuota("q", "cpu: 9000000000000000");
  EXPECT_EQ(LimitsOf(cache_, "alice").cpu_nano, std::numeric_limits<int64_t>::max());
}

TEST_F(QuotaTest, CountsWhatStandsInTheNamespace) {
  const auto put = [&](const std::string& name, const std::string& more) {
    Put("Execution", "metadata: {name: " + name + ", namespace: alice}, spec: {" + more +
                         " application: {services: [{name: s, image: i, resources: {requests: "
                         "{cpu: 250m}}}]}}");
  };
  put("a", "");
  put("b", "");
  put("c", "suspend: true,");
  EXPECT_EQ(UsageOf(cache_, "alice"), (v1::Usage{2, 2, 500, 0}));
  EXPECT_EQ(UsageOf(cache_, "alice", "a"), (v1::Usage{1, 1, 250, 0}));
  EXPECT_EQ(UsageOf(cache_, "bob"), v1::Usage{});
}

TEST_F(QuotaTest, OnlyWhatWantsMoreIsToBeWrittenInTurn) {
  const v1::Kind& kind = *v1::FindKind("Execution");
  const Caller user{.name = "alice", .role = "user"}, guest{.name = "alice", .role = "guest"};
  EXPECT_FALSE(admission_.CountsOthers(kind, "alice", user));
  EXPECT_TRUE(admission_.CountsOthers(kind, "alice", guest));
  PutUser("alice", "quota: q");
  PutQuota("q", "executions: 1");
  EXPECT_TRUE(admission_.CountsOthers(kind, "alice", user));
  EXPECT_FALSE(admission_.CountsOthers(*v1::FindKind("Application"), "alice", user));
  const auto in_turn = [&](std::shared_ptr<v1::Execution> now,
                           std::shared_ptr<v1::Execution> before) {
    AdmissionRequest request = Request("Execution", std::move(now), std::move(before));
    EXPECT_TRUE(admission_.Admit(request).ok());
    return request.in_turn;
  };
  EXPECT_TRUE(in_turn(Execution("a", "priority: 0"), nullptr));
  EXPECT_FALSE(in_turn(Execution("a", "suspend: true"), nullptr));
  EXPECT_FALSE(in_turn(Execution("a", "priority: 1"), Execution("a", "priority: 0")));
  EXPECT_TRUE(in_turn(Execution("a", "suspend: false"), Execution("a", "suspend: true")));
  EXPECT_FALSE(in_turn(Execution("a", "suspend: true"), Execution("a", "suspend: false")));
}

TEST_F(QuotaTest, WhatIsGrantedCountsWhereItsRequestsGrow) {
  PutUser("alice", "quota: q");
  PutQuota("q", "cpu: 8");
  const auto elastic = [](const std::string& name, const std::string& cpu) {
    return "metadata: {name: " + name +
           ", namespace: alice}, spec: {application: {services: [{name: s, image: i, replicas: "
           "{total: 9, essential: 0}, resources: {requests: {cpu: " +
           cpu + "}}}]}}, status: {services: [{name: s, granted: 2}]}";
  };
  const auto admitted = [&](const std::string& cpu) {
    AdmissionRequest request = Request("Execution", Decode("Execution", elastic("a", cpu)),
                                       Decode("Execution", elastic("a", "1")));
    return admission_.Admit(request).ok();
  };
  EXPECT_TRUE(admitted("4"));
  Put("Execution", elastic("b", "1"));
  EXPECT_TRUE(admitted("3"));
  EXPECT_FALSE(admitted("4"));
}

TEST_F(QuotaTest, AQuotaThatIsNotThereIsAWarningOnce) {
  const auto warnings = [&](const std::string& spec, const std::string& old) {
    AdmissionRequest request = Request(
        "User", Decode("User", "metadata: {name: alice}, spec: {uid: 7, " + spec + "}"),
        old.empty()
            ? nullptr
            : Decode("User", "metadata: {name: alice}, spec: {uid: 7, gid: 7, " + old + "}"));
    EXPECT_TRUE(admission_.Admit(request).ok());
    return request.warnings;
  };
  EXPECT_THAT(warnings("quota: q", ""),
              ElementsAre("spec.quota: there is no Quota \"q\" yet: until then nothing limits the "
                          "user"));
  EXPECT_THAT(warnings("quota: q, fullName: A", "quota: q"), IsEmpty());
  PutQuota("everybody", "roles: [user]");
  EXPECT_THAT(warnings("quota: q", "quota: p"),
              ElementsAre("spec.quota: there is no Quota \"q\" yet: until then that of role user, "
                          "\"everybody\", limits the user"));
  EXPECT_THAT(warnings("quota: everybody", ""), IsEmpty());
}

}  // namespace
}  // namespace zoe
