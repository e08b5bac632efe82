// What admission asks of users, guests and containers.
#include <gtest/gtest.h>

#include <string>

#include "apis/memory/memory_store.h"
#include "controller/cache/informer.h"
#include "controller/runtime/system_clock.h"
#include "specs/codec/value.h"
#include "webhooks/admission/admission.h"

namespace zoe {
namespace {

using v1::Execution;
using v1::User;

std::shared_ptr<ObjectBase> Decode(const std::string& yaml) {
  const auto documents = codec::ParseYaml(yaml);
  auto decoded = v1::Decode(documents->front());
  EXPECT_TRUE(decoded.ok()) << (decoded.ok() ? "" : decoded.error().ToString());
  return decoded.ok() ? decoded->object : nullptr;
}

std::shared_ptr<ObjectBase> MakeUser(const std::string& name, const std::string& spec = "{}") {
  return Decode("{apiVersion: zoe/v1, kind: User, metadata: {name: " + name + "}, spec: " + spec +
                "}");
}

std::shared_ptr<ObjectBase> MakeExecution(const std::string& spec, const std::string& name = "run",
                                          const std::string& ns = "alice") {
  return Decode("{apiVersion: zoe/v1, kind: Execution, metadata: {name: " + name +
                ", namespace: " + ns + "}, spec: " + spec + "}");
}

std::string Inline(const std::string& service) {
  return "{application: {services: [{name: s, image: zoe/mini, " + service + "}]}}";
}

class PeopleTest : public ::testing::Test {
 protected:
  PeopleTest() {
    AdmissionOptions options;
    options.users_make_namespaces = true;
    options.host_paths = v1::ParseAllowedPaths("/data:ro,/scratch@admin").value();
    options.capabilities = v1::ParseAllowedCapabilities("SYS_PTRACE,NET_ADMIN@admin").value();
    options.guest_idle_seconds = 600;
    admission_.emplace(cache_, options);
  }

  void Put(const std::shared_ptr<ObjectBase>& object, const std::string& kind_name) {
    const v1::Kind& kind = *v1::FindKind(kind_name);
    const Key key{kind_name, object->meta.ns, object->meta.name};
    ASSERT_TRUE(store_->Create(key, v1::EncodeJson(kind, *object)).ok());
    while (informer_.PumpOnce()) {
    }
  }
  Expected<AdmissionRequest> Admit(const std::shared_ptr<ObjectBase>& object,
                                   const std::string& kind, const Caller& caller = {"root"},
                                   std::shared_ptr<const ObjectBase> old = nullptr) {
    using enum AdmissionRequest::Operation;
    AdmissionRequest request{
        old ? kUpdate : kCreate, v1::FindKind(kind), caller, object, std::move(old), "", ""};
    ZOE_TRY(admission_->Admit(request));
    return request;
  }
  // "" if it was admitted; else the message, or the causes' fields and messages.
  static std::string Text(const Expected<AdmissionRequest>& result) {
    if (result.ok()) return "";
    if (result.error().causes.empty()) return result.error().message;
    std::string text;
    for (const Cause& cause : result.error().causes)
      text += cause.field + ": " + cause.message + "\n";
    return text;
  }

  SystemClock clock_;
  Metrics metrics_;
  std::unique_ptr<Store> store_ = MakeMemoryStore({.threaded = false});
  Cache cache_;
  Informer informer_{*store_, cache_, clock_, metrics_};
  std::optional<Admission> admission_;
};

TEST_F(PeopleTest, AUserGetsIdsThatFollowFromTheName) {
  const auto first = MakeUser("alice"), again = MakeUser("alice"), other = MakeUser("bob");
  ASSERT_EQ(Text(Admit(first, "User")), "");
  ASSERT_EQ(Text(Admit(again, "User")), "");
  ASSERT_EQ(Text(Admit(other, "User")), "");
  const auto& spec = static_cast<User&>(*first).spec;
  ASSERT_TRUE(spec.uid && spec.gid);
  EXPECT_GE(*spec.uid, 200'000);
  EXPECT_EQ(*spec.gid, *spec.uid);
  EXPECT_EQ(spec, static_cast<User&>(*again).spec);
  EXPECT_NE(*spec.uid, *static_cast<User&>(*other).spec.uid);
  EXPECT_EQ(first->meta.finalizers, std::vector<std::string>{"zoe/user"});
}

TEST_F(PeopleTest, AnIdThatIsTakenIsRefusedOrSteppedOver) {
  const auto alice = MakeUser("alice");
  ASSERT_EQ(Text(Admit(alice, "User")), "");
  const int64_t uid = *static_cast<User&>(*alice).spec.uid;
  // Somebody else has the id that alice's name leads to.
  Put(MakeUser("bob", "{uid: " + std::to_string(uid) + "}"), "User");
  const auto again = MakeUser("alice");
  ASSERT_EQ(Text(Admit(again, "User")), "");
  EXPECT_EQ(*static_cast<User&>(*again).spec.uid, uid + 1);
  EXPECT_EQ(Text(Admit(MakeUser("carol", "{uid: " + std::to_string(uid) + "}"), "User")),
            "spec.uid: " + std::to_string(uid) + " is that of user \"bob\" already\n");
}

TEST_F(PeopleTest, IdsStayWhatTheyAre) {
  const auto old = MakeUser("alice", "{uid: 1001, gid: 100}");
  const auto silent = MakeUser("alice");
  ASSERT_EQ(Text(Admit(silent, "User", {"root"}, old)), "");
  EXPECT_EQ(*static_cast<User&>(*silent).spec.uid, 1001);
  EXPECT_EQ(*static_cast<User&>(*silent).spec.gid, 100);
  EXPECT_EQ(Text(Admit(MakeUser("alice", "{uid: 1002}"), "User", {"root"}, old)),
            "spec.uid: can't be changed: the user's files belong to 1001\n");
}

TEST_F(PeopleTest, APasswordLeavesTheObjectAndItsCopies) {
  const auto user = MakeUser("alice", "{password: correct horse}");
  user->meta.annotations["kubectl.kubernetes.io/last-applied-configuration"] =
      R"({"kind":"User","spec":{"password":"correct horse","role":"user"}})";
  user->meta.annotations["zoe/last-applied-configuration"] =
      R"({"kind":"User","spec":{"passwordHash":"$argon2id$"}})";
  user->meta.annotations["note"] = "kept";
  const auto admitted = Admit(user, "User");
  ASSERT_EQ(Text(admitted), "");
  EXPECT_EQ(admitted->password, "correct horse");
  const std::string json = v1::EncodeJson(*v1::FindKind("User"), *user);
  EXPECT_EQ(json.find("correct horse"), std::string::npos) << json;
  EXPECT_EQ(json.find("argon2id"), std::string::npos) << json;
  EXPECT_EQ(json.find("password"), std::string::npos) << json;
  EXPECT_NE(json.find("\\\"role\\\":\\\"user\\\""), std::string::npos) << json;
  EXPECT_EQ(user->meta.annotations["note"], "kept");
}

TEST_F(PeopleTest, ACopyThatCannotBeReadIsNotKept) {
  const auto user = MakeUser("alice");
  user->meta.annotations["zoe/last-applied-configuration"] = "spec: {password: correct horse}";
  user->meta.annotations["kubectl.kubernetes.io/last-applied-configuration"] =
      R"({"spec":{"password":"correct horse"},"spec":{}})";
  user->meta.annotations["note"] = "kept";
  ASSERT_EQ(Text(Admit(user, "User")), "");
  EXPECT_EQ(user->meta.annotations, (std::map<std::string, std::string>{{"note", "kept"}}));
}

TEST_F(PeopleTest, BadPasswordsAndNamesAreTold) {
  EXPECT_EQ(Text(Admit(MakeUser("alice", "{password: short}"), "User")),
            "spec.password: must be at least 8 bytes long\n");
  EXPECT_EQ(Text(Admit(MakeUser("catalog"), "User")),
            "metadata.name: must not be catalog: that namespace is everybody's\n");
  EXPECT_EQ(Text(Admit(MakeUser("root"), "User")),
            "metadata.name: \"root\" is an account of the system\n");
  EXPECT_EQ(Text(Admit(MakeUser("\"1000\""), "User")),
            "metadata.name: must not be a number: it would be taken for an uid\n");
  EXPECT_EQ(Text(Admit(MakeUser(std::string(33, 'a')), "User")),
            "metadata.name: must be at most 32 long, as accounts of Linux are\n");
}

TEST_F(PeopleTest, UsersChangeOnlyWhatIsTheirs) {
  const auto old = MakeUser("alice", "{uid: 1001, gid: 1001}");
  old->meta.finalizers = {"zoe/user"};
  const Caller alice{"alice", "user"};
  EXPECT_EQ(
      Text(Admit(MakeUser("alice", "{fullName: A, email: a@b, uid: 1001, password: long enough}"),
                 "User", alice, old)),
      "");
  for (const char* spec :
       {"{role: admin}", "{enabled: false}", "{quota: large}", "{network: {addresses: 60000}}"}) {
    EXPECT_EQ(Text(Admit(MakeUser("alice", spec), "User", alice, old)),
              "users may change their own sshKeys, fullName, email and password; the rest is for "
              "admins")
        << spec;
  }
  EXPECT_EQ(Text(Admit(MakeUser("alice", "{role: admin}"), "User", {"root"}, old)), "");
  const auto free = MakeUser("alice", "{uid: 1001, gid: 1001}");
  old->meta.deletion_timestamp = free->meta.deletion_timestamp = WallTime{};
  EXPECT_NE(Text(Admit(free, "User", alice, old)), "");
  EXPECT_EQ(Text(Admit(free, "User", {"root"}, old)), "");
}

TEST_F(PeopleTest, TheLastAdminStays) {
  const auto old = MakeUser("boss", "{role: admin, uid: 1, gid: 1}");
  Put(old, "User");
  const std::string refused = "\"boss\" is the only admin who is enabled: make another one first";
  EXPECT_EQ(Text(Admit(MakeUser("boss", "{role: user}"), "User", {"boss"}, old)), refused);
  EXPECT_EQ(Text(Admit(MakeUser("boss", "{role: admin, enabled: false}"), "User", {"boss"}, old)),
            refused);
  Put(MakeUser("other", "{role: admin, uid: 2, gid: 2}"), "User");
  EXPECT_EQ(Text(Admit(MakeUser("boss", "{role: user}"), "User", {"boss"}, old)), "");
}

TEST_F(PeopleTest, OnlyAUserMakesANamespace) {
  EXPECT_EQ(Text(Admit(MakeExecution(Inline("command: [a]")), "Execution")),
            "namespaces \"alice\" not found: a User of that name makes it");
  const auto alice = MakeUser("alice");
  alice->meta.uid = "u";
  Put(alice, "User");
  EXPECT_EQ(Text(Admit(MakeExecution(Inline("command: [a]")), "Execution")), "");
  const auto going = MakeUser("bob");
  going->meta.deletion_timestamp = WallTime{};
  Put(going, "User");
  EXPECT_EQ(Text(Admit(MakeExecution(Inline("command: [a]"), "run", "bob"), "Execution")),
            "nothing can be made in namespace \"bob\": it is being deleted with its User");
  EXPECT_EQ(Text(Admit(MakeExecution(Inline("command: [a]"), "run", "catalog"), "Execution")),
            "namespace catalog holds Applications only");
}

TEST_F(PeopleTest, ANamespaceHasOneGatewayNamedAsIt) {
  Put(MakeUser("alice"), "User");
  const auto gateway = [](const std::string& name) {
    return Decode("{apiVersion: zoe/v1, kind: Gateway, metadata: {name: " + name +
                  ", namespace: alice}}");
  };
  const auto good = gateway("alice");
  EXPECT_EQ(Text(Admit(good, "Gateway")), "");
  EXPECT_EQ(good->meta.finalizers, std::vector<std::string>{"zoe/gateway"});
  EXPECT_EQ(Text(Admit(gateway("second"), "Gateway")),
            "metadata.name: must be \"alice\": a namespace has one Gateway, named as the "
            "namespace\n");
}

TEST_F(PeopleTest, HostPathsAreOpenByTheAllowListOnly) {
  Put(MakeUser("alice"), "User");
  const Caller alice{"alice", "user"};
  const auto mount = [](const std::string& rest) {
    return Inline("mounts: [{path: /x, hostPath: " + rest + "}]");
  };
  const auto admit = [&](const std::string& rest, const Caller& caller) {
    return Text(Admit(MakeExecution(mount(rest)), "Execution", caller));
  };
  const std::string field = "spec.application.services[0].mounts[0].hostPath: ";
  EXPECT_EQ(admit("/data/books, readOnly: true", alice), "");
  EXPECT_EQ(admit("/data//./books, readOnly: true", alice), "");
  EXPECT_EQ(admit("/data", alice),
            field + "\"/data\" is allowed for reading only: add readOnly: true\n");
  for (const char* path : {"/database", "/scratch", "/", "/etc/passwd"})
    EXPECT_NE(admit(std::string(path) + ", readOnly: true", alice), "") << path;
  EXPECT_EQ(admit("/scratch/", {"boss", "admin"}), "");
  EXPECT_EQ(
      admit("/scratch/a", {"boss", "admin"}),
      field + "\"/scratch/a\" lies below a path that is allowed as a whole only: mount /scratch\n");
  for (const char* path : {"/var/run/docker.sock", "/run/docker.sock", "/run", "/var//run/", "/"}) {
    EXPECT_EQ(admit(path, {"boss", "admin"}),
              field + "\"" + path + "\" holds Docker's socket: that is never allowed\n");
  }
}

TEST_F(PeopleTest, CapabilitiesAreOpenByTheAllowListOnly) {
  Put(MakeUser("alice"), "User");
  const auto admit = [&](const std::string& list, const Caller& caller) {
    return Text(Admit(MakeExecution(Inline("capabilities: " + list)), "Execution", caller));
  };
  EXPECT_EQ(admit("[SYS_PTRACE]", {"alice", "user"}), "");
  EXPECT_EQ(admit("[SYS_PTRACE, NET_ADMIN]", {"alice", "user"}),
            "spec.application.services[0].capabilities[1]: \"NET_ADMIN\" is not allowed for role "
            "user: the operator allows capabilities by --allow-capabilities\n");
  EXPECT_EQ(admit("[NET_ADMIN]", {"boss", "admin"}), "");
  EXPECT_NE(admit("[SYS_ADMIN]", {"boss", "admin"}), "");
}

TEST_F(PeopleTest, WhatAnAdminGaveStaysWhenItsUserChangesTheRest) {
  Put(MakeUser("alice"), "User");
  const auto old = MakeExecution(Inline("capabilities: [NET_ADMIN]"));
  const auto suspended = MakeExecution(Inline("capabilities: [NET_ADMIN]"));
  static_cast<Execution&>(*suspended).spec.suspend = true;
  EXPECT_EQ(Text(Admit(suspended, "Execution", {"alice", "user"}, old)), "");
  const auto more = MakeExecution(Inline("capabilities: [NET_ADMIN], command: [other]"));
  EXPECT_NE(Text(Admit(more, "Execution", {"alice", "user"}, old)), "");
}

TEST_F(PeopleTest, ParametersOfWhatAnAdminGaveAreNotItsUsersToChange) {
  Put(MakeUser("alice"), "User");
  Put(Decode("{apiVersion: zoe/v1, kind: Application, metadata: {name: tool, namespace: catalog}, "
             "spec: {parameters: [{name: run, type: string, default: a}], services: [{name: s, "
             "image: zoe/mini, capabilities: [NET_ADMIN], command: ['{{param.run}}']}]}}"),
      "Application");
  const std::string ref = "applicationRef: {name: tool, namespace: catalog}";
  const auto given = MakeExecution("{" + ref + "}");
  ASSERT_EQ(Text(Admit(given, "Execution", {"boss", "admin"})), "");
  const auto suspended = MakeExecution("{" + ref + ", suspend: true}");
  EXPECT_EQ(Text(Admit(suspended, "Execution", {"alice", "user"}, given)), "");
  const auto changed = MakeExecution("{" + ref + ", parameters: {run: other}}");
  EXPECT_NE(Text(Admit(changed, "Execution", {"alice", "user"}, given)), "");
}

TEST_F(PeopleTest, ApplicationsOfOthersAreNotCopiedOutOfTheirNamespace) {
  Put(MakeUser("alice"), "User");
  Put(MakeUser("bob"), "User");
  Put(Decode("{apiVersion: zoe/v1, kind: Application, metadata: {name: own, namespace: bob}, spec: "
             "{services: [{name: s, image: zoe/mini, env: [{name: SECRET, value: bobs}]}]}}"),
      "Application");
  const std::string refused =
      "spec.applicationRef: user \"alice\" cannot get applications in the namespace \"bob\"";
  const std::string ref = "{applicationRef: {name: own, namespace: bob}";
  EXPECT_EQ(Text(Admit(MakeExecution(ref + "}"), "Execution", {"alice", "user"})), refused);
  EXPECT_EQ(Text(Admit(MakeExecution("{applicationRef: {name: none, namespace: bob}}"), "Execution",
                       {"alice", "user"})),
            refused)
      << "nor are their names told";
  const auto given = MakeExecution(ref + "}");
  ASSERT_EQ(Text(Admit(given, "Execution", {"boss", "admin"})), "");
  const auto suspended = MakeExecution(ref + ", suspend: true}");
  EXPECT_EQ(Text(Admit(suspended, "Execution", {"alice", "user"}, given)), "");
}

class GuestTest : public PeopleTest {
 protected:
  void SetUp() override {
    Put(MakeUser("alice", "{role: guest}"), "User");
    Put(Decode("{apiVersion: zoe/v1, kind: Application, metadata: {name: note, namespace: catalog},"
               " spec: {services: [{name: s, image: zoe/mini}]}}"),
        "Application");
  }
  static constexpr const char* kFromCatalog = "{applicationRef: {name: note, namespace: catalog}}";
  const Caller guest_{"alice", "guest"};
};

TEST_F(GuestTest, RunsOnlyWhatTheCatalogOffers) {
  EXPECT_EQ(Text(Admit(MakeExecution(kFromCatalog), "Execution", guest_)), "");
  const std::string refused =
      "a guest may only run applications of the catalog: spec.applicationRef: {name: NAME, "
      "namespace: catalog}";
  EXPECT_EQ(Text(Admit(MakeExecution(Inline("command: [a]")), "Execution", guest_)), refused);
  EXPECT_EQ(Text(Admit(MakeExecution("{applicationRef: {name: note}}"), "Execution", guest_)),
            refused);
}

TEST_F(GuestTest, RunsTheApplicationAsItIs) {
  const auto first = MakeExecution(kFromCatalog);
  ASSERT_EQ(Text(Admit(first, "Execution", guest_)), "");
  const auto edited = v1::FindKind("Execution")->clone(*first);
  EXPECT_EQ(Text(Admit(edited, "Execution", guest_, first)), "");
  static_cast<Execution&>(*edited).spec.application->services[0].image = "other/image";
  EXPECT_EQ(Text(Admit(edited, "Execution", guest_, first)),
            "a guest may not change what an application of the catalog is");
  EXPECT_EQ(Text(Admit(edited, "Execution", {"boss"}, first)), "");
}

TEST_F(GuestTest, RunsOneAtATime) {
  const auto first = MakeExecution(kFromCatalog, "first");
  Put(first, "Execution");
  EXPECT_EQ(Text(Admit(MakeExecution(kFromCatalog, "second"), "Execution", guest_)),
            "a guest may run one execution at a time: \"first\" has to end, be deleted or be "
            "suspended first");
  EXPECT_EQ(Text(Admit(MakeExecution(kFromCatalog, "first"), "Execution", guest_, first)), "");
  EXPECT_EQ(Text(Admit(MakeExecution(kFromCatalog, "second"), "Execution", {"boss"})), "");
}

TEST_F(GuestTest, IsEndedWhenIdle) {
  const auto silent = MakeExecution(kFromCatalog);
  ASSERT_EQ(Text(Admit(silent, "Execution", guest_)), "");
  EXPECT_EQ(static_cast<Execution&>(*silent).spec.idle->timeout_seconds, 600);
  const auto longer = MakeExecution(
      "{applicationRef: {name: note, namespace: catalog}, idle: {timeoutSeconds: 601}}");
  ASSERT_EQ(Text(Admit(longer, "Execution", guest_)), "");
  EXPECT_EQ(static_cast<Execution&>(*longer).spec.idle->timeout_seconds, 600);
  const auto shorter = MakeExecution(
      "{applicationRef: {name: note, namespace: catalog}, idle: {timeoutSeconds: 5}}");
  ASSERT_EQ(Text(Admit(shorter, "Execution", guest_)), "");
  EXPECT_EQ(static_cast<Execution&>(*shorter).spec.idle->timeout_seconds, 5);
}

TEST(AllowList, SaysWhatIsWrongWithIt) {
  EXPECT_TRUE(v1::ParseAllowedPaths("").value().empty());
  const auto paths = v1::ParseAllowedPaths("/a/:ro@user,/b");
  ASSERT_TRUE(paths.ok());
  EXPECT_EQ((*paths)[0], (v1::Allowance{"/a", true, "user"}));
  EXPECT_EQ((*paths)[1], (v1::Allowance{"/b", false, ""}));
  for (const char* wrong :
       {"a", "/a@root", "/a/../b", ",", "/", "/var", "/var/run", "/run:ro@admin"})
    EXPECT_FALSE(v1::ParseAllowedPaths(wrong).ok()) << wrong;
  for (const char* wrong : {"CAP_NET_RAW", "net_raw", "NET_RAW@", "NET RAW"})
    EXPECT_FALSE(v1::ParseAllowedCapabilities(wrong).ok()) << wrong;
}

}  // namespace
}  // namespace zoe
