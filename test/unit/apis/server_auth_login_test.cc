// Logging in over HTTP: passwords, tokens, sessions of browsers; and what each of them opens.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <string>
#include <thread>
#include <vector>

#include "controller/crypto/crypto.h"
#include "specs/codec/value.h"
#include "specs/v1/gateway.h"
#include "test/unit/apis/peer.h"
#include "test/unit/apis/served.h"

namespace zoe {
namespace {

using codec::Value;

constexpr std::string_view kOwn = "/apis/zoe/v1/namespaces/alice/executions";
constexpr std::string_view kProxy =
    "/apis/zoe/v1/namespaces/alice/executions/run/endpoints/web/proxy/";
constexpr char kBrowser[] = "User-Agent: Mozilla/5.0\r\nAccept: text/html\r\n";

std::string Basic(const std::string& user, const std::string& password) {
  return "Authorization: Basic " + crypto::EncodeBase64(user + ":" + password) + "\r\n";
}
std::string Bearer(const std::string& token) { return "Authorization: Bearer " + token + "\r\n"; }
Value Json(const Answer& answer) {
  auto value = codec::ParseJson(answer.body);
  return value.ok() ? *value : Value();
}

class LoginTest : public ::testing::Test {
 protected:
  static ServerOptions Options() {
    ServerOptions options = TestOptions();
    options.auth = AuthMode::kPassword;
    return options;
  }
  void SetUp() override {
    served_.AddUser("admin", "the one ring", "admin");
    served_.AddUser("alice", "wonderland");
    served_.AddUser("bob", "builder's yard");
    served_.AddUser("gina", "guest of honour", "guest");
    ASSERT_TRUE(served_.server->Start().ok());
  }
  Answer Call(std::string_view method, std::string_view target, const std::string& headers,
              std::string_view body = {}) {
    Answer answer = Peer(served_.port()).Call(method, target, body, headers);
    said_ += answer.body;
    for (const auto& [name, value] : answer.headers) said_ += name + value;
    return answer;
  }
  int Status(std::string_view method, std::string_view target, const std::string& headers,
             std::string_view body = {}) {
    return Call(method, target, headers, body).status;
  }
  // Cookie header and CSRF header of a new session.
  std::pair<std::string, std::string> Session(const std::string& user,
                                              const std::string& password) {
    const Answer answer = Call("POST", "/login", "Content-Type: application/json\r\n",
                               R"({"username":")" + user + R"(","password":")" + password + "\"}");
    EXPECT_EQ(answer.status, 200) << answer.body;
    const std::string cookie = answer.headers.at("set-cookie");
    return {"Cookie: a=b; " + cookie.substr(0, cookie.find(';')) + "\r\n",
            "X-CSRF-Token: " + Json(answer).StringAt("csrfToken") + "\r\n"};
  }
  std::string Token(const std::string& user, const std::string& password) {
    const Answer answer = Call("POST", "/apis/zoe/v1/users/" + user + "/tokens",
                               Basic(user, password), R"({"name":"ci"})");
    EXPECT_EQ(answer.status, 201) << answer.body;
    return Json(answer).StringAt("token");
  }
  int Patch(const std::string& user, const std::string& headers, const std::string& spec) {
    return Status("PATCH", "/apis/zoe/v1/users/" + user,
                  headers + "Content-Type: application/merge-patch+json\r\n",
                  R"({"spec":)" + spec + "}");
  }

  const std::string admin_ = Basic("admin", "the one ring");
  const std::string alice_ = Basic("alice", "wonderland");
  std::string said_;  // everything that was answered
  Served served_{Options()};
};

TEST_F(LoginTest, PasswordsAndTokensOpenWhatTheRoleAllows) {
  const std::string token = Bearer(Token("alice", "wonderland"));
  for (const std::string& alice : {alice_, token}) {
    EXPECT_EQ(Status("GET", kOwn, alice), 200);
    EXPECT_EQ(Status("GET", "/apis/zoe/v1/users/alice", alice), 200);
    EXPECT_EQ(Status("GET", "/apis/zoe/v1/namespaces/catalog/applications", alice), 200);
    for (const char* closed :
         {"/apis/zoe/v1/namespaces/bob/executions", "/apis/zoe/v1/executions", "/apis/zoe/v1/users",
          "/apis/zoe/v1/users/bob", "/api/v1/nodes", "/metrics"}) {
      EXPECT_EQ(Status("GET", closed, alice), 403) << closed;
      EXPECT_EQ(Status("GET", closed, ""), 401) << closed;
      EXPECT_NE(Status("GET", closed, admin_), 403) << closed;
    }
  }
  EXPECT_EQ(Status("GET", kOwn, Basic("gina", "guest of honour")), 403);
  EXPECT_EQ(Status("GET", kOwn, Bearer("zoe_alice_" + std::string(43, 'A'))), 401);
  EXPECT_EQ(Status("GET", kOwn, Bearer("")), 401);
  EXPECT_EQ(Status("GET", kOwn, "Authorization: Digest x\r\n"), 401);
}

TEST_F(LoginTest, WhatNamesNoNamespaceIsMadeInTheCallersOwn) {
  const std::string body = R"({"kind":"Application","metadata":{"name":"a"NS},)"
                           R"("spec":{"services":[{"name":"w","image":"x"}]}})";
  const auto post = [&](const std::string& ns) {
    std::string text = body;
    text.replace(text.find("NS"), 2, ns.empty() ? "" : R"(,"namespace":")" + ns + '"');
    return Call("POST", "/apis/zoe/v1/applications", alice_, text);
  };
  const Answer own = post("");
  EXPECT_EQ(own.status, 201) << own.body;
  EXPECT_EQ(Json(own).StringAt("metadata.namespace"), "alice");
  EXPECT_EQ(post("bob").status, 403);
  EXPECT_EQ(post("catalog").status, 403);
  EXPECT_EQ(Status("POST", "/apis/zoe/v1/applications", Basic("gina", "guest of honour"), body),
            403);
}

TEST_F(LoginTest, NamespacesAreFilteredByRights) {
  const auto names = [&](const std::string& headers) {
    std::string text;
    const Value list = Json(Call("GET", "/api/v1/namespaces", headers));
    const Value* items = list.Find("items");
    if (items == nullptr) return codec::ToJson(list);
    for (const Value& item : items->as_array()) text += item.StringAt("metadata.name") + " ";
    return text;
  };
  EXPECT_EQ(names(admin_), "admin alice bob catalog gina ");
  EXPECT_EQ(names(alice_), "alice catalog ");
  const Answer own = Call("GET", "/api/v1/namespaces/alice", alice_);
  EXPECT_FALSE(Json(own).StringAt("metadata.creationTimestamp").empty());
  EXPECT_EQ(Status("GET", "/api/v1/namespaces/bob", alice_), 403);
  EXPECT_EQ(Status("GET", "/api/v1/namespaces/nobody", admin_), 404);
}

TEST_F(LoginTest, WhoIsDisabledOrDeletedIsOutAtOnceWithWhateverSecret) {
  const std::string token = Bearer(Token("alice", "wonderland"));
  const auto [cookie, csrf] = Session("alice", "wonderland");
  const std::vector<std::string> ways = {alice_, token, cookie + csrf};
  const auto each = [&](int status) {
    for (const std::string& way : ways) EXPECT_EQ(Status("GET", kOwn, way), status) << way;
  };
  each(200);
  ASSERT_EQ(Patch("alice", admin_, R"({"enabled":false})"), 200);
  each(401);
  ASSERT_EQ(Patch("alice", admin_, R"({"enabled":true})"), 200);
  each(200);
  ASSERT_EQ(Status("DELETE", "/apis/zoe/v1/users/alice", admin_), 200);
  each(401);
}

TEST_F(LoginTest, AnotherPasswordCountsAtOnce) {
  EXPECT_EQ(Status("GET", kOwn, alice_), 200);  // remembered now
  ASSERT_EQ(Patch("alice", admin_, R"({"password":"looking glass"})"), 200);
  EXPECT_EQ(Status("GET", kOwn, alice_), 401);
  EXPECT_EQ(Status("GET", kOwn, Basic("alice", "looking glass")), 200);
}

TEST_F(LoginTest, ASessionsCookieAloneOpensOnlyProgramsOfTheOwnNamespace) {
  const auto [cookie, csrf] = Session("alice", "wonderland");
  EXPECT_EQ(Status("GET", kOwn, cookie), 403);
  EXPECT_EQ(Status("GET", kOwn, cookie + "X-CSRF-Token: x\r\n"), 403);
  EXPECT_EQ(Status("GET", kOwn, cookie + csrf), 200);
  EXPECT_EQ(Status("GET", kOwn, csrf), 401);
  const auto proxy = [&](std::string_view ns, const std::string& headers) {
    return Status(
        "GET",
        "/apis/zoe/v1/namespaces/" + std::string(ns) + "/executions/run/endpoints/web/proxy/",
        headers);
  };
  EXPECT_EQ(proxy("alice", cookie), 404) << "there is no such execution";
  EXPECT_EQ(proxy("bob", cookie), 403);
  const auto [root, root_csrf] = Session("admin", "the one ring");
  EXPECT_EQ(proxy("alice", root), 403) << "a user's program must not run with the admin's login";
  EXPECT_EQ(proxy("alice", root + root_csrf), 403);
  EXPECT_EQ(proxy("alice", admin_ + kBrowser), 403);
  EXPECT_EQ(proxy("alice", admin_ + "Sec-Fetch-Site: same-origin\r\n"), 403);
  EXPECT_EQ(proxy("alice", admin_), 404) << "no browser";
  EXPECT_EQ(proxy("alice", cookie + "Origin: http://evil.example\r\n"), 403) << "a WebSocket";
  const std::string session = cookie.substr(cookie.find('=', 12) + 1);
  EXPECT_EQ(Status("GET", kOwn, Bearer(session.substr(0, session.size() - 2))), 401)
      << "a session is no token";
}

TEST_F(LoginTest, LogoutEndsTheSessionForGood) {
  const auto [cookie, csrf] = Session("alice", "wonderland");
  EXPECT_EQ(Status("POST", "/logout", cookie + "Origin: http://evil.example\r\n"), 403);
  EXPECT_EQ(Status("GET", kOwn, cookie + csrf), 200);
  const Answer out = Call("POST", "/logout", cookie);
  EXPECT_EQ(out.status, 200);
  EXPECT_NE(out.headers.at("set-cookie").find("Max-Age=0"), std::string::npos);
  EXPECT_EQ(Status("GET", kOwn, cookie + csrf), 401);
  EXPECT_EQ(Status("POST", "/logout", cookie), 200) << "out is out";
  EXPECT_EQ(Status("GET", "/logout", cookie), 405);
}

TEST_F(LoginTest, BrowsersAreLedToTheFormAndBack) {
  const Answer led = Call("GET", std::string(kProxy) + "lab?x=1&y=%0d", kBrowser);
  EXPECT_EQ(led.status, 303);
  EXPECT_EQ(led.headers.count("www-authenticate"), 0U);
  const std::string where = led.headers.at("location");
  EXPECT_EQ(where, "/login?next=" + std::string(kProxy) + "lab%3Fx%3D1%26y%3D%250d");
  const Answer page = Call("GET", where, kBrowser);
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("value=\"" + std::string(kProxy) + "lab?x=1&amp;y=%0d\""),
            std::string::npos)
      << page.body;
  EXPECT_NE(page.headers.at("content-security-policy").find("default-src 'none'"),
            std::string::npos);
  EXPECT_EQ(page.body.find("<script"), std::string::npos);
  const std::string form = "Content-Type: application/x-www-form-urlencoded\r\n";
  const Answer in = Call("POST", "/login", form + kBrowser,
                         "username=alice&password=wonderland&next=%2Fapis%2Fzoe%3Fa%3D1");
  EXPECT_EQ(in.status, 303);
  EXPECT_EQ(in.headers.at("location"), "/apis/zoe?a=1");
  const std::string cookie = in.headers.at("set-cookie");
  for (const char* part : {"zoe-session=zoe_alice_", "; HttpOnly", "; SameSite=Lax", "; Path=/"})
    EXPECT_NE(cookie.find(part), std::string::npos) << cookie;
  for (const char* next : {"https://evil.example/", "//evil.example/", "/%5Cevil.example", "evil",
                           "/%09/evil.example", "/%0d%0aSet-Cookie:x"}) {
    EXPECT_EQ(Call("POST", "/login", form + kBrowser,
                   "username=alice&password=wonderland&next=" + std::string(next))
                  .headers.at("location"),
              "/")
        << next;
  }
  const Answer wrong = Call("POST", "/login", form + kBrowser,
                            "username=%3Cb%3E%22&password=x&next=%22%3E%3Cscript%3E");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(wrong.headers.count("www-authenticate"), 0U);
  EXPECT_NE(wrong.body.find("role=\"alert\""), std::string::npos);
  EXPECT_EQ(wrong.body.find("<b>"), std::string::npos);
  EXPECT_EQ(wrong.body.find("<script"), std::string::npos);
  EXPECT_EQ(Status("POST", "/login", form + "Origin: http://evil.example\r\n",
                   "username=alice&password=wonderland"),
            403)
      << "nobody is logged in by another site";
  EXPECT_EQ(Call("GET", kOwn, "").headers.count("www-authenticate"), 1U);
}

TEST_F(LoginTest, BrokenLoginsAreRefused) {
  const std::string json = "Content-Type: application/json\r\n";
  for (const char* body : {"", "[]", "{}", R"({"username":"alice"})", "x",
                           R"({"username":1,"password":2})", R"({"password":"wonderland"})"}) {
    const Answer answer = Call("POST", "/login", json, body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_EQ(answer.body.find("wonderland"), std::string::npos);
  }
  const std::string longest(100'000, 'a');
  EXPECT_EQ(Status("POST", "/login", json, R"({"username":")" + longest + R"(","password":"x"})"),
            401);
}

TEST_F(LoginTest, ATokenOrASessionAloneDoesNotChangeThePassword) {
  const std::string token = Bearer(Token("alice", "wonderland"));
  const std::string password = "/apis/zoe/v1/users/alice/password";
  EXPECT_EQ(Status("PUT", password, token, R"({"password":"stolen goods"})"), 403);
  EXPECT_EQ(
      Status("PUT", password, token, R"({"password":"stolen goods","currentPassword":"guess"})"),
      403);
  EXPECT_EQ(Patch("alice", token, R"({"password":"stolen goods"})"), 403);
  EXPECT_EQ(Patch("alice", token, R"({"email":"alice@example.org"})"), 200);
  EXPECT_EQ(Status("GET", kOwn, Basic("alice", "stolen goods")), 401);
  EXPECT_EQ(Status("PUT", password, token,
                   R"({"password":"looking glass","currentPassword":"wonderland"})"),
            200);
  EXPECT_EQ(Status("PUT", password, Basic("alice", "looking glass"), R"({"password":"short"})"),
            422);
  EXPECT_EQ(
      Status("PUT", password, Basic("alice", "looking glass"), R"({"password":"white rabbit"})"),
      200);
  EXPECT_EQ(Status("PUT", password, Basic("bob", "builder's yard"), R"({"password":"bob's now"})"),
            403);
  EXPECT_EQ(Status("PUT", password, admin_, R"({"password":"by the admin"})"), 200);
  EXPECT_EQ(Status("GET", kOwn, Basic("alice", "by the admin")), 200);
  EXPECT_EQ(
      Status("PUT", "/apis/zoe/v1/users/nobody/password", admin_, R"({"password":"by the admin"})"),
      404);
}

TEST_F(LoginTest, TokensAreMadeListedAndRevokedByTheirOwnerAndAdmins) {
  const std::string tokens = "/apis/zoe/v1/users/alice/tokens";
  const Answer made = Call("POST", tokens, alice_,
                           R"({"name":"ci","expirationSeconds":60,"description":"of the build"})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_FALSE(Json(made).StringAt("expiresAt").empty());
  const std::string secret = Json(made).StringAt("token");
  EXPECT_EQ(Status("GET", kOwn, Bearer(secret)), 200);
  const Answer heir = Call("POST", tokens, Bearer(secret), R"({"name":"heir"})");
  EXPECT_EQ(Json(heir).StringAt("expiresAt"), Json(made).StringAt("expiresAt"));
  const Answer list = Call("GET", tokens, alice_);
  EXPECT_NE(list.body.find("of the build"), std::string::npos);
  EXPECT_EQ(list.body.find("digest"), std::string::npos);
  EXPECT_EQ(list.body.find(secret), std::string::npos);
  EXPECT_EQ(Status("GET", tokens + "/ci", admin_), 200);
  EXPECT_EQ(Status("GET", tokens, Basic("bob", "builder's yard")), 403);
  EXPECT_EQ(Status("DELETE", tokens + "/ci", Basic("bob", "builder's yard")), 403);
  EXPECT_EQ(Status("POST", tokens, alice_, R"({"name":"ci"})"), 409);
  for (const char* body : {R"({"name":"No"})", R"({"name":"a","expirationSeconds":0})",
                           R"({"name":"a","expirationSeconds":99999999999})", R"({})"}) {
    EXPECT_EQ(Status("POST", tokens, alice_, body), 422) << body;
  }
  EXPECT_EQ(Status("POST", tokens, alice_, R"({"name":"a","expiresIn":5})"), 400);
  EXPECT_EQ(Status("DELETE", tokens + "/ci", alice_), 200);
  EXPECT_EQ(Status("GET", kOwn, Bearer(secret)), 401);
  EXPECT_EQ(Status("DELETE", tokens + "/ci", alice_), 404);
}

TEST_F(LoginTest, WhoeverAdministersCanNotDeleteThemselves) {
  EXPECT_EQ(Status("DELETE", "/apis/zoe/v1/users/admin", admin_), 403);
  EXPECT_EQ(Status("DELETE", "/apis/zoe/v1/users", admin_), 200);
  EXPECT_EQ(Status("GET", "/apis/zoe/v1/users/admin", admin_), 200);
  EXPECT_EQ(Status("GET", kOwn, alice_), 401);
}

TEST_F(LoginTest, TheGatewaysAccountIsShownToItsOwnerAndAdmins) {
  const auto put = [&](const char* kind, ObjectBase& object, const std::string& name) {
    object.meta.name = name;
    object.meta.ns = "alice";
    object.meta.uid = NewUid();
    const auto revision =
        served_.store->Create({kind, "alice", name}, v1::EncodeJson(*v1::FindKind(kind), object));
    ASSERT_TRUE(served_.cache.WaitFor(*revision, Duration(5'000)));
  };
  const std::string path = "/apis/zoe/v1/namespaces/alice/gateways/alice/credentials";
  EXPECT_EQ(Status("GET", path, alice_), 404);
  v1::Gateway gateway;
  put("Gateway", gateway, "alice");
  EXPECT_EQ(Status("GET", path, alice_), 503);
  v1::Credential credential;
  credential.spec.socks_password = "knock knock";
  put("Credential", credential, "gateway");
  for (const std::string& headers : {alice_, admin_}) {
    const Answer answer = Call("GET", path, headers);
    EXPECT_EQ(answer.body, "{\"username\":\"_gateway\",\"password\":\"knock knock\"}\n");
    EXPECT_NE(answer.headers.at("cache-control").find("no-"), std::string::npos);
  }
  EXPECT_EQ(Status("GET", path, Basic("bob", "builder's yard")), 403);
}

TEST_F(LoginTest, PasswordsAreFoundNowhereAfterwards) {
  testing::internal::CaptureStderr();
  const std::string password = "jabberwocky-" + crypto::RandomText(8);
  const std::string user = R"({"kind":"User","metadata":{"name":"carol","annotations":{)"
                           R"("zoe/last-applied-configuration":"{\"spec\":{\"password\":\")" +
                           password + R"(\"}}"}},"spec":{"password":")" + password + "\"}}";
  said_.clear();
  EXPECT_EQ(Status("POST", "/apis/zoe/v1/users?dryRun=All", admin_, user), 201);
  EXPECT_EQ(Status("POST", "/apis/zoe/v1/users", admin_, user), 201);
  EXPECT_EQ(Status("GET", "/apis/zoe/v1/users/carol", Basic("carol", password)), 200);
  EXPECT_EQ(Patch("carol", admin_, R"({"password":")" + password + "\"}"), 200);
  EXPECT_EQ(Patch("carol", admin_, R"({"password":[")" + password + "\"]}"), 422);
  EXPECT_EQ(Patch("carol", admin_, R"({"passwordHash":")" + password + "\"}"), 422);
  EXPECT_EQ(Patch("carol", admin_, R"({"pasword":")" + password + "\"}"), 422);
  EXPECT_EQ(Status("PUT", "/apis/zoe/v1/users/carol/password", admin_,
                   R"({"passwd":")" + password + "\"}"),
            400);
  EXPECT_EQ(Status("PUT", "/apis/zoe/v1/users/carol/password", admin_, password), 400);
  EXPECT_EQ(Status("GET", "/apis/zoe/v1/users/carol", Basic("carol", password + "x")), 401);
  EXPECT_EQ(Status("GET", "/apis/zoe/v1/users", admin_), 200);
  EXPECT_EQ(Status("GET", "/apis/zoe/v1/credentials", admin_), 404);
  EXPECT_EQ(Status("GET", "/apis/zoe/v1/namespaces/carol/credentials/login", admin_), 404);
  const auto listing = served_.store->List("");
  for (const Record& record : listing->records) {
    EXPECT_EQ(record.bytes.find(password), std::string::npos) << record.bytes;
    EXPECT_EQ(record.bytes.find("jabberwocky"), std::string::npos) << record.bytes;
  }
  const size_t said = said_.find("jabberwocky");
  EXPECT_EQ(said, std::string::npos) << said_.substr(said < 200 ? 0 : said - 200, 400);
  const std::string logged = testing::internal::GetCapturedStderr();
  EXPECT_EQ(logged.find("jabberwocky"), std::string::npos) << logged;
  EXPECT_NE(logged.find("audit"), std::string::npos);
}

TEST_F(LoginTest, GuestsRunOneExecutionHoweverManyTheyAskForAtOnce) {
  ASSERT_EQ(
      Status("POST", "/apis/zoe/v1/namespaces/catalog/applications", admin_,
             R"({"metadata":{"name":"note"},"spec":{"services":[{"name":"s","image":"i"}]}})"),
      201);
  const std::string gina = Bearer(Token("gina", "guest of honour"));
  constexpr int kAtOnce = 8;
  for (int round = 0; round < 4; ++round) {
    std::atomic<int> made = 0;
    std::barrier together(kAtOnce);
    std::vector<std::jthread> threads;
    for (int i = 0; i < kAtOnce; ++i) {
      threads.emplace_back([&, i] {
        const std::string body = R"({"metadata":{"name":"e)" + std::to_string(i) +
                                 R"("},"spec":{"applicationRef":{"name":"note","namespace":)"
                                 R"("catalog"}}})";
        together.arrive_and_wait();
        const auto answer =
            Peer(served_.port())
                .Call("POST", "/apis/zoe/v1/namespaces/gina/executions", body, gina);
        made += answer.status == 201 ? 1 : 0;
      });
    }
    threads.clear();
    EXPECT_EQ(made, 1);
    const std::string path = "/apis/zoe/v1/namespaces/gina/executions";
    const Value list = Json(Call("GET", path, gina));
    for (const Value& item : list.Find("items")->as_array()) {
      const std::string one = path + "/" + item.StringAt("metadata.name");
      Status("DELETE", one, gina);
      Status("PATCH", one, gina + "Content-Type: application/merge-patch+json\r\n",
             R"({"metadata":{"finalizers":null}})");
    }
  }
}

TEST_F(LoginTest, EveryWriteAndLoginLeavesALine) {
  testing::internal::CaptureStderr();
  const auto [cookie, csrf] = Session("alice", "wonderland");
  Status("POST", "/login", "", R"({"username":"alice","password":"wrong"})");
  Status("GET", kOwn, Basic("mallory", "wrong"));
  Status("DELETE", "/apis/zoe/v1/namespaces/bob/executions/a", alice_);
  Status("POST", "/apis/zoe/v1/users/alice/tokens", alice_, R"({"name":"ci"})");
  Status("DELETE", "/apis/zoe/v1/namespaces/bob/executions/b?dryRun=", alice_);
  Status("DELETE", "/apis/zoe/v1/namespaces/bob/executions/c?dryRun=All", alice_);
  Status("POST", "/logout", cookie);
  const std::string log = testing::internal::GetCapturedStderr();
  for (const char* line :
       {"user=alice from=127.0.0.1 verb=login object=\"\" code=200",
        "user=alice from=127.0.0.1 verb=login object=\"\" code=401",
        "user=mallory from=127.0.0.1 verb=login object=Execution/alice/ code=401",
        "user=alice from=127.0.0.1 verb=delete object=Execution/bob/a code=403",
        "user=alice from=127.0.0.1 verb=delete object=Execution/bob/b code=403",
        "user=alice from=127.0.0.1 verb=\"delete (dry run)\" object=Execution/bob/c code=403",
        "user=alice from=127.0.0.1 verb=create object=User/alice/tokens code=201",
        "user=alice from=127.0.0.1 verb=logout object=\"\" code=200"}) {
    EXPECT_NE(log.find(line), std::string::npos) << line << "\nnot in\n" << log;
  }
}

TEST_F(LoginTest, GuessersAreSlowedDownAndTheirVictimsGoOn) {
  EXPECT_EQ(Status("GET", kOwn, alice_), 200);
  const std::string token = Bearer(Token("alice", "wonderland"));
  int refused = 0;
  for (int i = 0; i < 40; ++i)
    refused += Status("GET", kOwn, Basic("alice", "guess" + std::to_string(i))) == 429 ? 1 : 0;
  EXPECT_GT(refused, 20);
  EXPECT_EQ(Status("GET", kOwn, alice_), 200) << "a password that was right just now";
  EXPECT_EQ(Status("GET", kOwn, token), 200);
  EXPECT_EQ(Status("GET", kOwn, admin_), 200) << "another user at the same address";
}

}  // namespace
}  // namespace zoe
