// What logs people in, apart from HTTP: passwords, tokens, sessions, the brake on guessing, and the
// first admin.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "apis/server/credentials.h"
#include "apis/server/first_admin.h"
#include "apis/server/limiter.h"
#include "controller/runtime/manual_clock.h"
#include "test/unit/apis/served.h"

namespace zoe::server {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class CredentialsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    served_.AddUser("alice", "wonderland");
    served_.AddUser("bob", "builder's yard");
  }
  const v1::User& User(const std::string& name) {
    kept_.push_back(served_.cache.Get<v1::User>({"User", "", name}));
    return *kept_.back();
  }
  // All bytes that the store has.
  std::string Stored() {
    std::string bytes;
    const auto listing = served_.store->List("");
    for (const Record& record : listing->records) bytes += record.bytes;
    return bytes;
  }
  Revision Changes() { return served_.store->List("")->revision; }

  Served served_;
  ManualClock clock_;
  Credentials credentials_{*served_.store, served_.cache, clock_};
  std::vector<std::shared_ptr<const v1::User>> kept_;
};

TEST_F(CredentialsTest, OnlyTheUsersOwnPasswordVerifies) {
  EXPECT_TRUE(credentials_.VerifyPassword("alice", "wonderland"));
  EXPECT_FALSE(credentials_.VerifyPassword("alice", "builder's yard"));
  EXPECT_FALSE(credentials_.VerifyPassword("bob", "wonderland"));
  EXPECT_FALSE(credentials_.VerifyPassword("nobody", "wonderland"));
  EXPECT_FALSE(credentials_.VerifyPassword("alice", ""));
}

TEST_F(CredentialsTest, TheSamePasswordAgainWritesNothing) {
  ASSERT_TRUE(credentials_.SetPassword(User("alice"), "through the looking glass").ok());
  const Revision before = Changes();
  ASSERT_TRUE(credentials_.SetPassword(User("alice"), "through the looking glass").ok());
  EXPECT_EQ(Changes(), before);
  EXPECT_EQ(Stored().find("looking glass"), std::string::npos);
  const auto credential = served_.cache.Get<v1::Credential>({"Credential", "alice", "login"});
  EXPECT_TRUE(credential->spec.password_hash.starts_with("$argon2id$"));
  EXPECT_TRUE(credential->spec.password_crypt.starts_with("$y$"));
}

TEST_F(CredentialsTest, AnotherPasswordEndsSessionsAndLeavesTokens) {
  const auto session = credentials_.StartSession(User("alice"));
  const auto token = credentials_.CreateToken(User("alice"), {.name = "ci"});
  ASSERT_TRUE(credentials_.SetPasswordHash(User("alice"), Served::CheapHash("wonderland2")).ok());
  EXPECT_FALSE(credentials_.FindSecret(session->secret, kSessionKind).ok());
  EXPECT_TRUE(credentials_.FindSecret(token->secret, kTokenKind).ok());
}

TEST_F(CredentialsTest, TokensWorkUntilTheyExpireOrAreRevoked) {
  const WallTime soon = clock_.WallNow() + seconds(60);
  const auto token = credentials_.CreateToken(User("alice"), {.name = "ci", .expires_at = soon});
  const auto other = credentials_.CreateToken(User("alice"), {.name = "laptop"});
  ASSERT_TRUE(token.ok() && other.ok());
  EXPECT_TRUE(token->secret.starts_with("zoe_alice_"));
  EXPECT_EQ(Stored().find(token->secret), std::string::npos);
  EXPECT_EQ(Stored().find(token->secret.substr(10)), std::string::npos);
  EXPECT_TRUE(credentials_.FindSecret(token->secret, kTokenKind).ok());
  EXPECT_FALSE(credentials_.FindSecret(token->secret, kSessionKind).ok());
  EXPECT_FALSE(credentials_.FindSecret("zoe_bob_" + token->secret.substr(10), kTokenKind).ok());
  clock_.Advance(seconds(60));
  EXPECT_FALSE(credentials_.FindSecret(token->secret, kTokenKind).ok());
  EXPECT_TRUE(credentials_.FindSecret(other->secret, kTokenKind).ok());
  ASSERT_TRUE(credentials_.Revoke(User("alice"), "laptop").ok());
  EXPECT_FALSE(credentials_.FindSecret(other->secret, kTokenKind).ok());
  EXPECT_TRUE(credentials_.List(User("alice")).empty()) << "a write drops what has expired";
  EXPECT_EQ(credentials_.Revoke(User("alice"), "laptop").error().code, Code::kNotFound);
}

TEST_F(CredentialsTest, NamesOfTokensAreTakenOnceAndTheirNumberIsBounded) {
  ASSERT_TRUE(credentials_.CreateToken(User("alice"), {.name = "ci"}).ok());
  EXPECT_EQ(credentials_.CreateToken(User("alice"), {.name = "ci"}).error().code,
            Code::kAlreadyExists);
  EXPECT_TRUE(credentials_.CreateToken(User("bob"), {.name = "ci"}).ok());
  for (size_t i = 1; i < Credentials::kMaxTokens; ++i)
    ASSERT_TRUE(credentials_.CreateToken(User("alice"), {.name = "t" + std::to_string(i)}).ok());
  EXPECT_EQ(credentials_.CreateToken(User("alice"), {.name = "more"}).error().code,
            Code::kForbidden);
  EXPECT_TRUE(credentials_.StartSession(User("alice")).ok()) << "sessions are counted apart";
}

TEST_F(CredentialsTest, TheOldestSessionGoesAndAllEndAfterHours) {
  std::vector<std::string> secrets;
  for (size_t i = 0; i < Credentials::kMaxSessions + 1; ++i)
    secrets.push_back(credentials_.StartSession(User("alice"))->secret);
  EXPECT_FALSE(credentials_.FindSecret(secrets[0], kSessionKind).ok());
  EXPECT_TRUE(credentials_.FindSecret(secrets[1], kSessionKind).ok());
  clock_.Advance(kSessionLifetime);
  EXPECT_FALSE(credentials_.FindSecret(secrets.back(), kSessionKind).ok());
}

TEST_F(CredentialsTest, WritersAtTheSameTimeLoseNothing) {
  std::atomic<int> made = 0;
  std::vector<std::thread> threads;
  const v1::User& alice = User("alice");
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      made += credentials_.CreateToken(alice, {.name = "t" + std::to_string(i)}).ok() ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(made, 4);
  EXPECT_EQ(credentials_.List(alice).size(), 4U);
  EXPECT_TRUE(credentials_.VerifyPassword("alice", "wonderland"));
}

TEST_F(CredentialsTest, WhoeverIsMadeAgainGetsNothingOfTheFormer) {
  const auto token = credentials_.CreateToken(User("alice"), {.name = "ci"});
  v1::User other = User("alice");
  other.meta.uid = NewUid();
  const Key key{"User", "", "alice"};
  const auto record = served_.store->Get(key);
  const auto revision =
      served_.store->Replace(key, record->revision, v1::EncodeJson(*v1::FindKind("User"), other));
  ASSERT_TRUE(revision.ok());
  ASSERT_TRUE(served_.cache.WaitFor(*revision, Duration(5'000)));
  EXPECT_FALSE(credentials_.VerifyPassword("alice", "wonderland"));
  EXPECT_FALSE(credentials_.FindSecret(token->secret, kTokenKind).ok());
  ASSERT_TRUE(credentials_.StartSession(other).ok());
  EXPECT_EQ(credentials_.List(other).size(), 1U) << "the former's tokens are dropped";
}

TEST_F(CredentialsTest, UsersWhoAreDisabledOrGoingAreNotActive) {
  EXPECT_TRUE(credentials_.FindActive("alice"));
  EXPECT_FALSE(credentials_.FindActive("nobody"));
  v1::User disabled = User("alice");
  disabled.spec.enabled = false;
  v1::User going = User("bob");
  going.meta.deletion_timestamp = clock_.WallNow();
  for (const v1::User* user : {&disabled, &going}) {
    const Key key{"User", "", user->meta.name};
    const auto revision = served_.store->Replace(key, served_.store->Get(key)->revision,
                                                 v1::EncodeJson(*v1::FindKind("User"), *user));
    ASSERT_TRUE(served_.cache.WaitFor(*revision, Duration(5'000)));
    EXPECT_FALSE(credentials_.FindActive(user->meta.name));
  }
}

// ---- the brake

TEST(FailureLimiter, SlowsOneAddressDownAndLetsItsNeighboursGoOn) {
  ManualClock clock;
  FailureLimiter limiter(clock);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(limiter.Take("10.0.0.1", "alice"));
  EXPECT_FALSE(limiter.Take("10.0.0.1", "alice"));
  EXPECT_TRUE(limiter.Take("10.0.0.1", "bob")) << "another user at the same address";
  EXPECT_TRUE(limiter.Take("10.0.0.2", "alice")) << "the same user elsewhere";
  clock.Advance(seconds(2));
  EXPECT_TRUE(limiter.Take("10.0.0.1", "alice"));
  EXPECT_FALSE(limiter.Take("10.0.0.1", "alice"));
  clock.Advance(seconds(20));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(limiter.Take("10.0.0.1", "alice"));
}

TEST(FailureLimiter, RightPasswordsCostNothing) {
  ManualClock clock;
  FailureLimiter limiter(clock);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(limiter.Take("10.0.0.1", "alice"));
    limiter.Succeeded("10.0.0.1", "alice");
  }
}

TEST(FailureLimiter, OneAddressCanNotTryManyNames) {
  ManualClock clock;
  FailureLimiter limiter(clock);
  int taken = 0;
  for (int i = 0; i < 1000; ++i) taken += limiter.Take("10.0.0.1", "u" + std::to_string(i)) ? 1 : 0;
  EXPECT_EQ(taken, 100);
  taken = 0;
  for (int i = 0; i < 1000; ++i)
    taken += limiter.Take("fd00::" + std::to_string(i), "v" + std::to_string(i)) ? 1 : 0;
  EXPECT_EQ(taken, 100) << "a /64 is one address";
}

TEST(FailureLimiter, ManyStrangersNeitherGuessQuicklyNorLockTheUserOut) {
  ManualClock clock;
  FailureLimiter limiter(clock);
  ASSERT_TRUE(limiter.Take("10.0.0.1", "alice"));
  limiter.Succeeded("10.0.0.1", "alice");
  int taken = 0;
  for (int i = 0; i < 5000; ++i)
    taken +=
        limiter.Take("10.1." + std::to_string(i % 250) + "." + std::to_string(i / 250), "alice")
            ? 1
            : 0;
  EXPECT_EQ(taken, 60);
  EXPECT_TRUE(limiter.Take("10.0.0.1", "alice")) << "from where the user has logged in before";
  EXPECT_FALSE(limiter.Take("10.9.9.9", "alice"));
  clock.Advance(seconds(60));
  EXPECT_TRUE(limiter.Take("10.9.9.9", "alice")) << "not for long";
}

TEST(FailureLimiter, AFlushOfNamesDoesNotEmptyTheFullBuckets) {
  ManualClock clock;
  FailureLimiter limiter(clock);
  for (int i = 0; i < 10; ++i) limiter.Take("10.0.0.1", "alice");
  for (int i = 0; i < 20'000; ++i)
    limiter.Take("10." + std::to_string(1 + i / 65536) + "." + std::to_string(i / 256 % 256) + "." +
                     std::to_string(i % 256),
                 "u" + std::to_string(i));
  EXPECT_FALSE(limiter.Take("10.0.0.1", "alice"));
}

// ---- the first admin

class FirstAdminTest : public ::testing::Test {
 protected:
  static ServerOptions Options() {
    ServerOptions options = TestOptions();
    options.auth = AuthMode::kPassword;
    return options;
  }
  Expected<bool> Make(const std::string& password) {
    return MakeFirstAdmin(*served_.store, served_.cache, served_.admission, served_.clock,
                          password);
  }
  bool LogsIn(const std::string& password) {
    const auto revision = served_.store->List("")->revision;
    served_.cache.WaitFor(revision, Duration(5'000));
    Credentials credentials(*served_.store, served_.cache, served_.clock);
    return credentials.FindActive("admin") && credentials.VerifyPassword("admin", password);
  }
  Served served_{Options()};
};

TEST_F(FirstAdminTest, IsMadeOnceWithTheFirstPassword) {
  EXPECT_TRUE(*Make("first"));
  EXPECT_FALSE(*Make("second"));
  EXPECT_TRUE(LogsIn("first"));
  EXPECT_FALSE(LogsIn("second"));
  const auto admin = served_.cache.Get<v1::User>({"User", "", "admin"});
  EXPECT_EQ(admin->spec.role, "admin");
  EXPECT_TRUE(admin->spec.uid.has_value());
}

TEST_F(FirstAdminTest, OfManyAtTheSameTimeOneWinsAndItsPasswordIsTheRightOne) {
  std::vector<std::thread> threads;
  std::atomic<int> winner = -1, winners = 0;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      const auto made = Make("password" + std::to_string(i));
      if (!made.ok() || !*made) return;
      winner = i;
      ++winners;
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(winners, 1);
  EXPECT_TRUE(LogsIn("password" + std::to_string(winner)));
}

TEST_F(FirstAdminTest, ACrashBeforeThePasswordLocksNobodyOut) {
  ASSERT_TRUE(*Make("lost"));
  const Key key{"Credential", "admin", "login"};
  ASSERT_TRUE(served_.store->Delete(key, served_.store->Get(key)->revision).ok());
  EXPECT_TRUE(*Make("found"));
  EXPECT_TRUE(LogsIn("found"));
}

TEST_F(FirstAdminTest, WhereThereAreOtherUsersNobodyIsMade) {
  served_.AddUser("alice", "wonderland", "admin");
  EXPECT_FALSE(*Make("x"));
  EXPECT_EQ(served_.store->Get({"User", "", "admin"}).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace zoe::server
