// What only ZooKeeper's store promises: sessions, access, elections, and a network that fails.
#include <atomic>
#include <thread>

#include "test/conformance/store/zookeeper_fixture.h"

namespace zoe::conformance {
namespace {

TEST_F(ZooKeeperTest, TheLayoutIsTheDocumentedOne) {
  const auto store = MustOpen();
  ASSERT_TRUE(store->Create(Exec("wordcount"), "{}").ok());
  ASSERT_TRUE(store->Create({"User", "", "alice"}, "{}").ok());
  Shell shell(server().hosts());
  EXPECT_EQ(shell.Children(base() + "/objects/Execution/alice"),
            std::vector<std::string>{"wordcount"});
  EXPECT_EQ(shell.Children(base() + "/objects/User/_"), std::vector<std::string>{"alice"});
  EXPECT_EQ(shell.Children(base() + "/changes").size(), 2u);
}

TEST_F(ZooKeeperTest, ADeepChrootIsMadeAndDeploymentsDontMeet) {
  options_.chroot += "/a/b/c";
  ZooKeeperOptions other = options_;
  other.deployment = "other";
  const auto one = MustOpen(), two = MustOpen(other);
  Recorder recorder;
  const auto watch = two->Subscribe(recorder.feed());
  ASSERT_TRUE(one->Create(Exec("a"), "{}").ok());
  EXPECT_EQ(two->Get(Exec("a")).error().code, Code::kNotFound);
  ASSERT_TRUE(two->Create(Exec("b"), "{}").ok());
  ASSERT_TRUE(recorder.WaitForChanges(1));
  EXPECT_EQ(recorder.changes().at(0).key, Exec("b"));
}

TEST_F(ZooKeeperTest, TwoControllersSeeEachOthersChanges) {
  const auto one = MustOpen(), two = MustOpen();
  Recorder recorder;
  const auto watch = two->Subscribe(recorder.feed());
  const Expected<Revision> created = one->Create(Exec("a"), "{}");
  ASSERT_TRUE(recorder.WaitForChanges(1));
  EXPECT_EQ(recorder.changes()[0].revision, *created);
  EXPECT_TRUE(two->Replace(Exec("a"), *created, "2").ok());
  EXPECT_EQ(one->Replace(Exec("a"), *created, "3").error().code, Code::kConflict);
}

// The swap's write is held up after it has looked at the object; meanwhile the object is deleted
// and created anew, so that its version is the same again.
TEST_F(ZooKeeperTest, ASwapMeetsNoObjectThatWasRecreatedBehindItsBack) {
  options_.session_timeout = options_.call_timeout = Duration(60'000);  // no heartbeats in between
  TcpProxy proxy(server().port());
  const auto slow = MustOpen(Through(proxy)), other = MustOpen();
  const Expected<Revision> first = slow->Create(Exec("a"), "first");
  ASSERT_TRUE(first.ok());
  Recorder recorder;  // its feed is at rest when the first change has come
  const auto watch = slow->Subscribe(recorder.feed());
  ASSERT_TRUE(slow->Create(Exec("b"), "{}").ok());
  ASSERT_TRUE(recorder.WaitForChanges(1));
  EXPECT_TRUE(slow->Ping().ok());

  constexpr int64_t kTwoStats =
      2 * 88;  // length, header and Stat of the replies to the swap's two questions
  proxy.HoldRequestsAfter(kTwoStats);
  Expected<Revision> swapped = Revision{0};
  std::thread swapper([&] { swapped = slow->Replace(Exec("a"), *first, "swapped"); });
  EXPECT_TRUE(Eventually([&] { return proxy.Held(); }));
  EXPECT_TRUE(other->Delete(Exec("a"), *first).ok());
  EXPECT_TRUE(other->Create(Exec("a"), "second").ok());
  proxy.Unblock();
  swapper.join();
  ASSERT_FALSE(swapped.ok());
  EXPECT_EQ(swapped.error().code, Code::kConflict);
  EXPECT_EQ(other->Get(Exec("a"))->bytes, "second");
}

TEST_F(ZooKeeperTest, WithCredentialsNobodyElseComesNear) {
  ZooKeeperOptions ours = options_, wrong = options_;
  ours.credentials = "zoe:secret";
  wrong.credentials = "zoe:guess";
  const auto store = MustOpen(ours);
  ASSERT_TRUE(store->Create(Exec("a"), "{}").ok());
  for (const ZooKeeperOptions& options : {options_, wrong}) {
    const auto refused = OpenZooKeeperStore(options);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, Code::kForbidden) << refused.error().message;
    EXPECT_EQ(refused.error().message.find("secret"), std::string::npos);
  }
  EXPECT_TRUE(MustOpen(ours)->Get(Exec("a")).ok());
}

TEST_F(ZooKeeperTest, NoServerIsSaidSoInTime) {
  options_.hosts = "127.0.0.1:1";
  options_.connect_timeout = Duration(300);
  const auto refused = OpenZooKeeperStore(options_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  EXPECT_NE(refused.error().message.find("127.0.0.1:1"), std::string::npos)
      << refused.error().message;
  options_.hosts = "no-such-host.invalid:2181";
  EXPECT_EQ(OpenZooKeeperStore(options_).error().code, Code::kUnavailable);
}

TEST_F(ZooKeeperTest, LeadershipPassesOnWhenTheLeaderLeaves) {
  options_.session_timeout = Duration(20'000);  // too long for anyone to be thought dead
  auto store_a = MustOpen(), store_b = MustOpen(), store_c = MustOpen();
  Leadership a, b, c;
  auto campaign_a = store_a->Campaign("a", a.callback());
  ASSERT_TRUE(a.WaitFor(true));
  auto campaign_b = store_b->Campaign("b", b.callback());
  ASSERT_TRUE(Eventually(
      [&] { return Shell(server().hosts()).Children(base() + "/election").size() == 2; }));
  auto campaign_c = store_c->Campaign("c", c.callback());
  ASSERT_TRUE(Eventually(
      [&] { return Shell(server().hosts()).Children(base() + "/election").size() == 3; }));
  campaign_b->reset();  // a follower leaves: nothing changes
  EXPECT_FALSE(c.leading());
  campaign_a->reset();
  EXPECT_TRUE(c.WaitFor(true, std::chrono::seconds(5)));
  campaign_a = store_a->Campaign("a", a.callback());
  store_c.reset();  // the session's end is as good
  EXPECT_TRUE(Eventually([&] { return a.calls() == 2; }, std::chrono::seconds(5)));
  EXPECT_EQ(b.calls(), 0);
}

// It hears nothing, so only the transaction itself can tell.
TEST_F(ZooKeeperTest, AWriteOfALeaderWhoseNodeIsGoneIsRefused) {
  options_.session_timeout = options_.call_timeout = Duration(60'000);  // no heartbeat finds out
  TcpProxy proxy(server().port());
  const auto store = MustOpen(Through(proxy)), witness = MustOpen();
  Leadership leadership;
  const auto campaign = store->Campaign("me", leadership.callback());
  ASSERT_TRUE(leadership.WaitFor(true));
  ASSERT_TRUE(store->ForLeader().Create(Exec("before"), "{}").ok());
  Shell shell(server().hosts());
  const std::vector<std::string> nodes = shell.Children(base() + "/election");
  ASSERT_EQ(nodes.size(), 1u);
  proxy.BlockReplies();
  ASSERT_EQ(shell.Delete(base() + "/election/" + nodes[0]), Rc::kOk);
  Expected<Revision> refused = Revision{0};
  std::thread writer([&] { refused = store->ForLeader().Create(Exec("a"), "{}"); });
  // A refused transaction takes a number, too.
  Revision last = *witness->Create(Exec("count"), "{}");
  EXPECT_TRUE(Eventually([&] {
    const Revision before = last;
    last = *witness->Replace(Exec("count"), last, "{}");
    return last > before + 1;
  }));
  EXPECT_TRUE(leadership.leading());
  proxy.Unblock();
  writer.join();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  EXPECT_EQ(refused.error().reason, "NotLeading");
  EXPECT_EQ(store->Get(Exec("a")).error().code, Code::kNotFound);
  // It stands again by itself.
  EXPECT_TRUE(Eventually([&] { return store->ForLeader().Create(Exec("b"), "{}").ok(); }));
}

TEST_F(ZooKeeperTest, WhoDoesNotLeadWritesAsTheLeaderNothingAndAsAnyoneAll) {
  const auto store = MustOpen(), other = MustOpen();
  const auto refused = store->ForLeader().Create(Exec("a"), "{}");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "NotLeading");
  Leadership first, second;
  const auto campaign = other->Campaign("first", first.callback());
  ASSERT_TRUE(first.WaitFor(true));
  const auto rival = store->Campaign("second", second.callback());
  const auto created = store->Create(Exec("a"), "{}");
  ASSERT_TRUE(created.ok()) << created.error().message;
  EXPECT_EQ(store->ForLeader().Replace(Exec("a"), *created, "2").error().reason, "NotLeading");
  EXPECT_EQ(store->ForLeader().Delete(Exec("a"), *created).error().reason, "NotLeading");
  EXPECT_EQ(store->ForLeader().Get(Exec("a"))->bytes, "{}");
  const auto replaced = other->ForLeader().Replace(Exec("a"), *created, "2");
  EXPECT_TRUE(replaced.ok());
  EXPECT_TRUE(other->ForLeader().Delete(Exec("a"), *replaced).ok());
}

TEST_F(ZooKeeperTest, ALeaseThatHasPassedRefusesWritesWithoutARequest) {
  options_.session_timeout = Duration(3'000);
  TcpProxy proxy(server().port());
  const auto store = MustOpen(Through(proxy));
  Leadership leadership;
  const auto campaign = store->Campaign("me", leadership.callback());
  ASSERT_TRUE(leadership.WaitFor(true));
  proxy.Block();
  ASSERT_TRUE(leadership.WaitFor(false));
  const auto start = steady_clock::now();
  EXPECT_EQ(store->ForLeader().Create(Exec("a"), "{}").error().reason, "NotLeading");
  EXPECT_LT(steady_clock::now() - start, Duration(500));
  proxy.Unblock();
}

TEST_F(ZooKeeperTest, CandidatesAreToldInTheOrderOfLeading) {
  const auto one = MustOpen(), two = MustOpen(), three = MustOpen();
  EXPECT_TRUE(one->Candidates()->empty());
  Leadership a, b, c;
  auto first = one->Campaign("first", a.callback());
  ASSERT_TRUE(a.WaitFor(true));
  const auto count = [&] { return one->Candidates()->size(); };
  const auto second = two->Campaign("second", b.callback());
  ASSERT_TRUE(Eventually([&] { return count() == 2; }));
  const auto third = three->Campaign("third", c.callback());
  ASSERT_TRUE(Eventually([&] { return count() == 3; }));
  Shell(server().hosts()).Create(base() + "/election/notes");  // nobody's
  auto candidates = *three->Candidates();
  ASSERT_EQ(candidates.size(), 3u);
  EXPECT_EQ(candidates[0].identity, "first");
  EXPECT_EQ(candidates[1].identity, "second");
  EXPECT_EQ(candidates[2].identity, "third");
  EXPECT_TRUE(candidates[0].leading);
  EXPECT_FALSE(candidates[1].leading);
  first->reset();
  ASSERT_TRUE(b.WaitFor(true));
  candidates = *one->Candidates();
  ASSERT_EQ(candidates.size(), 2u);
  EXPECT_EQ(candidates[0].identity, "second");
  EXPECT_TRUE(candidates[0].leading);
}

TEST_F(ZooKeeperTest, ALeaderWhoseNodeIsRemovedByHandHearsOfItAndStandsAgain) {
  options_.session_timeout = Duration(60'000);  // no heartbeat tells
  const auto store = MustOpen(), other = MustOpen();
  Leadership first, second;
  const auto campaign = store->Campaign("first", first.callback());
  ASSERT_TRUE(first.WaitFor(true));
  Shell shell(server().hosts());
  const std::string node = shell.Children(base() + "/election").at(0);
  const auto rival = other->Campaign("second", second.callback());
  ASSERT_TRUE(Eventually([&] { return store->Candidates()->size() == 2; }));
  ASSERT_EQ(shell.Delete(base() + "/election/" + node), Rc::kOk);
  EXPECT_TRUE(first.WaitFor(false));
  EXPECT_TRUE(second.WaitFor(true));
  EXPECT_TRUE(Eventually([&] { return store->Candidates()->size() == 2; }));
}

TEST_F(ZooKeeperTest, AnElectionWhoseNodeIsRemovedByHandIsHeldAnew) {
  const auto store = MustOpen();
  Leadership leadership;
  const auto campaign = store->Campaign("me", leadership.callback());
  ASSERT_TRUE(leadership.WaitFor(true));
  Shell shell(server().hosts());
  ASSERT_EQ(shell.Delete(base() + "/election/" + shell.Children(base() + "/election").at(0)),
            Rc::kOk);
  // It may have entered again.
  ASSERT_TRUE(Eventually([&] {
    for (const std::string& node : shell.Children(base() + "/election"))
      shell.Delete(base() + "/election/" + node);
    return shell.Delete(base() + "/election") == Rc::kOk;
  }));
  EXPECT_TRUE(Eventually([&] { return store->ForLeader().Create(Exec("a"), "{}").ok(); }));
}

TEST_F(ZooKeeperTest, TheLeaderTrimsTheChangeLogAndTheFeedGoesOn) {
  options_.keep_changes = 20;
  const auto store = MustOpen();
  Leadership leadership;
  const auto campaign = store->Campaign("me", leadership.callback());
  ASSERT_TRUE(leadership.WaitFor(true));
  Recorder recorder;
  const auto watch = store->Subscribe(recorder.feed());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(store->Create(Exec(std::to_string(i)), "{}").ok());
  Shell shell(server().hosts());
  EXPECT_TRUE(Eventually([&] { return shell.Children(base() + "/changes").size() <= 30; }));
  EXPECT_GE(shell.Children(base() + "/changes").size(), 20u);
  ASSERT_TRUE(recorder.WaitForChanges(100));
  EXPECT_EQ(recorder.gaps(), 0);
}

TEST_F(ZooKeeperTest, AFeedThatFellBehindTheTrimmedLogHearsOfAGap) {
  options_.session_timeout = Duration(20'000);
  options_.keep_changes = 10;
  TcpProxy proxy(server().port());
  const auto slow = MustOpen(Through(proxy)), leader = MustOpen();
  Leadership leadership;
  const auto campaign = leader->Campaign("leader", leadership.callback());
  ASSERT_TRUE(leadership.WaitFor(true));
  Recorder recorder;
  const auto watch = slow->Subscribe(recorder.feed());
  proxy.Block();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(leader->Create(Exec(std::to_string(i)), "{}").ok());
  Shell shell(server().hosts());
  ASSERT_TRUE(Eventually([&] { return shell.Children(base() + "/changes").size() <= 18; }));
  proxy.Unblock();
  ASSERT_TRUE(recorder.WaitForGaps(1));
  EXPECT_EQ(slow->List("")->records.size(), 60u);
  const size_t before = recorder.changes().size();
  const Expected<Revision> last = leader->Create(Exec("last"), "{}");
  ASSERT_TRUE(recorder.WaitForChanges(before + 1));
  EXPECT_EQ(recorder.changes().back().revision, *last);
}

TEST_F(ZooKeeperTest, AForeignNodeInTheChangeLogDoesNoHarm) {
  const auto store = MustOpen();
  Recorder recorder;
  const auto watch = store->Subscribe(recorder.feed());
  Shell shell(server().hosts());
  ASSERT_EQ(shell.Create(base() + "/changes/notes"), Rc::kOk);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(store->Create(Exec(std::to_string(i)), "{}").ok());
  // It took a number of the sequence: a gap is announced, nothing is lost.
  ASSERT_TRUE(recorder.WaitForGaps(1));
  ASSERT_TRUE(store->Create(Exec("last"), "{}").ok());
  EXPECT_TRUE(Eventually([&] {
    return !recorder.changes().empty() && recorder.changes().back().key == Exec("last");
  }));
}

TEST_F(ZooKeeperTest, ALeaderThatIsCutOffStopsLeadingBeforeAnotherLeads) {
  options_.session_timeout =
      Duration(3'000);  // the margin, a third of it, must outlast a busy machine
  TcpProxy proxy(server().port());
  const auto cut_off = MustOpen(Through(proxy)), other = MustOpen();
  Leadership first, second;
  std::atomic<bool> overlap = false;
  const auto campaign = cut_off->Campaign("first", first.callback());
  ASSERT_TRUE(first.WaitFor(true));
  const auto rival = other->Campaign("second", [&](SteadyTime until) {
    if (until != kNotLeading && first.leading()) overlap = true;
    second.callback()(until);
  });
  Recorder recorder;
  const auto watch = cut_off->Subscribe(recorder.feed());
  proxy.Block();
  ASSERT_TRUE(first.WaitFor(false));
  ASSERT_TRUE(second.WaitFor(true));  // so the first one's session has expired
  EXPECT_FALSE(overlap);
  ASSERT_TRUE(other->Create(Exec("meanwhile"), "{}").ok());
  proxy.Unblock();

  // A new session: a gap, then a feed again, and a candidate behind the leader.
  ASSERT_TRUE(recorder.WaitForGaps(1));
  EXPECT_TRUE(cut_off->Get(Exec("meanwhile")).ok());
  const Expected<Revision> later = other->Create(Exec("later"), "{}");
  ASSERT_TRUE(Eventually(
      [&] { return !recorder.changes().empty() && recorder.changes().back().revision == *later; }));
  EXPECT_TRUE(Eventually(
      [&] { return Shell(server().hosts()).Children(base() + "/election").size() == 2; }));
  EXPECT_FALSE(first.leading());
  EXPECT_TRUE(second.leading());
}

TEST_F(ZooKeeperTest, AWriteWhoseReplyIsLostHasAnUnknownOutcome) {
  TcpProxy proxy(server().port());
  const auto store = MustOpen(Through(proxy)), witness = MustOpen();
  ASSERT_TRUE(store->Create(Exec("first"), "{}").ok());
  proxy.BlockReplies();
  Expected<Revision> result = Revision{0};
  std::thread writer([&] { result = store->Create(Exec("a"), "{}"); });
  EXPECT_TRUE(Eventually([&] { return witness->Get(Exec("a")).ok(); }));
  proxy.Cut();
  writer.join();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::kOutcomeUnknown);
  proxy.Unblock();
  EXPECT_TRUE(store->Get(Exec("a")).ok());  // waits for the connection
}

TEST_F(ZooKeeperTest, AReadSurvivesABrokenConnection) {
  TcpProxy proxy(server().port());
  const auto store = MustOpen(Through(proxy));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(store->Create(Exec(std::to_string(i)), "{}").ok());
  std::atomic<bool> done = false;
  std::thread reader([&] {
    for (int i = 0; i < 300; ++i) {
      const Expected<Record> record = store->Get(Exec("7"));
      EXPECT_TRUE(record.ok()) << record.error().message;
      const Expected<Listing> listing = store->List("Execution");
      EXPECT_TRUE(listing.ok()) << listing.error().message;
      EXPECT_EQ(listing->records.size(), 20u);
    }
    done = true;
  });
  for (int i = 0; i < 3; ++i) {
    proxy.Cut();
    EXPECT_TRUE(Eventually([&] { return done || store->Ping().ok(); }));
  }
  reader.join();
}

TEST_F(ZooKeeperTest, ASessionSurvivesAServerThatIsKilledAndStartedAgain) {
  options_.session_timeout = options_.call_timeout = options_.write_patience = Duration(60'000);
  const auto store = MustOpen();
  ASSERT_TRUE(store->Create(Exec("before"), "{}").ok());
  Recorder recorder;
  const auto watch = store->Subscribe(recorder.feed());
  server().Kill();
  EXPECT_TRUE(Eventually([&] { return !store->Ping().ok(); }));
  EXPECT_EQ(store->Ping().error().code, Code::kUnavailable);
  Expected<Revision> waiting = Revision{0};
  std::thread writer([&] {
    waiting = store->Create(Exec("waited"), "{}");
  });  // not sent yet: waits for the server
  ASSERT_TRUE(server().Restart().ok());
  writer.join();
  EXPECT_TRUE(waiting.ok()) << waiting.error().message;
  EXPECT_TRUE(store->Get(Exec("before")).ok());
  ASSERT_TRUE(recorder.WaitForChanges(1));
  EXPECT_EQ(recorder.changes().at(0).key, Exec("waited"));
  EXPECT_EQ(recorder.gaps(), 0);
}

TEST_F(ZooKeeperTest, CallsEndInTimeWhileTheServerIsAway) {
  options_.call_timeout = Duration(400);
  const auto store = MustOpen();
  server().Freeze();
  const auto start = steady_clock::now();
  EXPECT_EQ(store->Ping().error().code, Code::kUnavailable);
  EXPECT_LT(steady_clock::now() - start, Duration(3'000));
  EXPECT_EQ(store->Get(Exec("a")).error().code, Code::kUnavailable);
  const Code write = store->Create(Exec("a"), "{}").error().code;
  EXPECT_TRUE(write == Code::kOutcomeUnknown || write == Code::kUnavailable);
  EXPECT_LT(steady_clock::now() - start, Duration(8'000));
  server().Thaw();
  EXPECT_TRUE(Eventually([&] { return store->Ping().ok(); }));
  EXPECT_TRUE(store->Create(Exec("b"), "{}").ok());
}

}  // namespace
}  // namespace zoe::conformance
