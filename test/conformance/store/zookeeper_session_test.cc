// What is kept of sessions on disk, and what happens when the servers' data are lost.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "apis/zookeeper/saved_session.h"
#include "test/conformance/store/backend.h"
#include "test/conformance/store/zookeeper_fixture.h"

namespace zoe::conformance {
namespace {

namespace fs = std::filesystem;
using zookeeper::SavedSession;
using zookeeper::SessionPlace;

class ZooKeeperSessionTest : public ZooKeeperTest {
 protected:
  void SetUp() override {
    ZooKeeperTest::SetUp();
    options_.state_dir = dir_.path() + "/state";
    options_.session_timeout = Duration(60'000);  // too long for anyone to be thought dead
  }
  std::vector<fs::path> Files() const {
    std::vector<fs::path> files;
    if (!fs::exists(options_.state_dir)) return files;
    for (const auto& entry : fs::directory_iterator(options_.state_dir))
      files.push_back(entry.path());
    return files;
  }
  static std::string Read(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::vector<std::string> Nodes() {
    return Shell(server().hosts()).Children(base() + "/election");
  }

  TempDir dir_;
};

// Another controller of this host: stands for election and leads, until it is killed.
class OtherProcess {
 public:
  explicit OtherProcess(const ZooKeeperOptions& options) {
    int ready[2];
    if (pipe(ready) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const auto store = OpenZooKeeperStore(options);
      Leadership leadership;
      const auto campaign = (*store)->Campaign("other", leadership.callback());
      if (leadership.WaitFor(true) && write(ready[1], "x", 1) == 1) pause();
      _exit(1);
    }
    close(ready[1]);
    char byte = 0;
    leads_ = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
  }
  ~OtherProcess() { Kill(); }
  bool leads() const { return leads_; }
  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  bool leads_ = false;
};

TEST_F(ZooKeeperSessionTest, WhoIsStartedAfterACrashLeadsAtOnce) {
  OtherProcess other(options_);
  ASSERT_TRUE(other.leads());
  ASSERT_EQ(Files().size(), 1u);
  other.Kill();
  const auto start = steady_clock::now();
  const auto store = MustOpen();
  Leadership leadership;
  const auto campaign = store->Campaign("me", leadership.callback());
  EXPECT_TRUE(leadership.WaitFor(true, std::chrono::seconds(5)));
  EXPECT_LT(steady_clock::now() - start, Duration(2'500));
  EXPECT_TRUE(Eventually([&] { return Files().size() == 1; }));  // our own
}

TEST_F(ZooKeeperSessionTest, TheSessionOfALivingProcessIsNeverTouched) {
  OtherProcess other(options_);
  ASSERT_TRUE(other.leads());
  const std::vector<std::string> nodes = Nodes();
  {
    // Destroyed when all that it had to end is ended.
    const auto store = MustOpen();
    Leadership leadership;
    const auto campaign = store->Campaign("me", leadership.callback());
    EXPECT_TRUE(Eventually([&] { return store->Candidates()->size() == 2; }));
    EXPECT_FALSE(leadership.leading());
    EXPECT_EQ(Files().size(), 2u);
    const auto again = MustOpen();  // nor that of its own process
  }
  EXPECT_EQ(Nodes(), nodes);
  EXPECT_EQ(Files().size(), 1u);
}

TEST_F(ZooKeeperSessionTest, TheFileIsSecretAndGoesWithTheSession) {
  auto store = MustOpen();
  ASSERT_TRUE(Eventually([&] { return Files().size() == 1; }));
  EXPECT_EQ(fs::status(Files()[0]).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  store.reset();
  EXPECT_TRUE(Files().empty());
}

TEST_F(ZooKeeperSessionTest, ASessionThatReplacesAnotherIsSavedInItsPlace) {
  options_.session_timeout = Duration(1'500);
  TcpProxy proxy(server().port());
  const auto store = MustOpen(Through(proxy));
  ASSERT_TRUE(Eventually([&] { return Files().size() == 1; }));
  const std::string first = Read(Files()[0]);
  Leadership leadership;
  const auto campaign = store->Campaign("me", leadership.callback());
  ASSERT_TRUE(leadership.WaitFor(true));
  proxy.Block();
  ASSERT_TRUE(leadership.WaitFor(false));
  ASSERT_TRUE(Eventually([&] { return Nodes().empty(); }));
  proxy.Unblock();
  EXPECT_TRUE(leadership.WaitFor(true));
  ASSERT_EQ(Files().size(), 1u);
  EXPECT_NE(Read(Files()[0]), first);
}

TEST_F(ZooKeeperSessionTest, WhatElseLiesThereIsLeftAlone) {
  // A session that lives, of another deployment; and everything that is no file of ours.
  ZooKeeperOptions elsewhere = options_;
  elsewhere.deployment = "elsewhere";
  OtherProcess other(elsewhere);
  ASSERT_TRUE(other.leads());
  const std::string living = Read(Files().at(0));
  const std::string prefix = options_.state_dir + "/zookeeper-session-";
  std::ofstream(prefix + "unlocked") << living;  // that place's, so nobody here may use it
  std::ofstream(prefix + "empty");
  std::ofstream(prefix + "garbage") << "\x00\xff{{{{[[[[\"";
  std::ofstream(prefix + "huge") << std::string(8 << 20, '[');
  std::ofstream(prefix + "wrong") << R"({"hosts":")" << options_.hosts << R"(","path":")" << base()
                                  << R"(","session":"99999999999999999999","secret":"zz"})";
  std::ofstream(prefix + "short") << R"({"hosts":")" << options_.hosts << R"(","path":")" << base()
                                  << R"(","session":"17","secret":"00"})";
  ASSERT_EQ(mkfifo((prefix + "pipe").c_str(), 0600), 0);
  fs::create_directory(prefix + "directory");
  fs::create_symlink("/dev/zero", prefix + "link");
  std::ofstream(options_.state_dir + "/state.db") << living;
  const size_t before = Files().size();
  {
    const auto store = MustOpen();
    EXPECT_TRUE(store->Create(Exec("a"), "{}").ok());
  }
  EXPECT_EQ(Files().size(), before);
  EXPECT_EQ(Shell(server().hosts()).Children(options_.chroot + "/elsewhere/election").size(), 1u);
}

TEST_F(ZooKeeperSessionTest, ASessionThatNoServerKnowsIsForgotten) {
  {
    SavedSession saved(options_.state_dir, SessionPlace{options_.hosts, base()});
    ASSERT_TRUE(saved.Save({.id = 17, .secret = std::string(16, 'x')}).ok());
  }
  ASSERT_EQ(Files().size(), 1u);
  const auto store = MustOpen();
  EXPECT_TRUE(Eventually(
      [&] { return Files().size() == 1 && Read(Files()[0]).find("\"17\"") == std::string::npos; }));
}

TEST_F(ZooKeeperSessionTest, AServerThatIsAwayHoldsNobodyUp) {
  {
    SavedSession saved(options_.state_dir, SessionPlace{options_.hosts, base()});
    ASSERT_TRUE(saved.Save({.id = 17, .secret = std::string(16, 'x')}).ok());
  }
  options_.connect_timeout = Duration(300);
  server().Freeze();
  const auto start = steady_clock::now();
  const auto refused = OpenZooKeeperStore(options_);
  server().Thaw();
  EXPECT_FALSE(refused.ok());
  EXPECT_LT(steady_clock::now() - start, Duration(3'000));
  EXPECT_EQ(Files().size(), 1u);  // for the next time
}

TEST_F(ZooKeeperSessionTest, ADirectoryThatCantBeWrittenIsNoReasonToStop) {
  options_.state_dir = "/proc/none";
  const auto store = MustOpen();
  EXPECT_TRUE(store->Create(Exec("a"), "{}").ok());
}

class ZooKeeperLossTest : public ZooKeeperTest {};

TEST_F(ZooKeeperLossTest, AStoreWhoseNodesAreMissingIsAwayAndNotEmpty) {
  const auto store = MustOpen();
  ASSERT_TRUE(store->Create(Exec("a"), "{}").ok());
  Recorder recorder;
  const auto watch = store->Subscribe(recorder.feed());
  Shell shell(server().hosts());
  for (const char* node : {"/objects/Execution/alice/a", "/objects/Execution/alice",
                           "/objects/Execution", "/objects", "/changes/c-0000000000", "/changes"})
    ASSERT_EQ(shell.Delete(base() + node), Rc::kOk) << node;
  for (const Error& error : {store->List("").error(), store->List("User").error(),
                             store->Get(Exec("a")).error(), store->Create(Exec("b"), "{}").error(),
                             store->Delete(Exec("a"), 1).error(), store->Ping().error()}) {
    EXPECT_EQ(error.code, Code::kUnavailable);
    EXPECT_EQ(error.reason, "StoreMissing") << error.message;
  }
  EXPECT_EQ(recorder.gaps(), 0);
  // Somebody puts them back: everything must be looked at again.
  const auto restored = MustOpen();
  ASSERT_TRUE(restored->Create(Exec("a"), "restored").ok());
  ASSERT_TRUE(recorder.WaitForGaps(1));
  ASSERT_TRUE(Eventually([&] { return store->Ping().ok(); }));
  EXPECT_EQ(store->List("")->records.size(), 1u);
  const auto written = store->Create(Exec("b"), "{}");
  ASSERT_TRUE(written.ok());
  EXPECT_TRUE(Eventually([&] {
    return !recorder.changes().empty() && recorder.changes().back().revision == *written;
  }));
}

// Two servers that know nothing of each other: what is asked of the second one is what is asked of
// servers whose disks were replaced. It is behind what the client has seen, so it refuses it.
TEST_F(ZooKeeperLossTest, ServersThatHaveLostTheirDataAreConnectedToAgain) {
  auto first = ZooKeeperServer::Start(), second = ZooKeeperServer::Start();
  ASSERT_TRUE(first.ok() && second.ok());
  (*second)->Kill();
  options_.hosts = (*first)->hosts() + "," + (*second)->hosts();
  const auto store = MustOpen();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(store->Create(Exec(std::to_string(i)), "{}").ok());
  Recorder recorder;
  const auto watch = store->Subscribe(recorder.feed());
  Leadership leadership;
  const auto campaign = store->Campaign("me", leadership.callback());
  ASSERT_TRUE(leadership.WaitFor(true));
  (*first)->Kill();
  ASSERT_TRUE((*second)->Restart().ok());
  ASSERT_TRUE(leadership.WaitFor(false));
  ASSERT_TRUE(Eventually([&] {
    const auto ping = store->Ping();
    return !ping.ok() && ping.error().reason == "StoreMissing";
  }));
  EXPECT_EQ(store->List("").error().reason, "StoreMissing");
  EXPECT_EQ(recorder.gaps(), 0);
  EXPECT_FALSE(leadership.leading());
  ZooKeeperOptions restored_at = options_;
  restored_at.hosts = (*second)->hosts();
  const auto restored = MustOpen(restored_at);
  ASSERT_TRUE(restored->Create(Exec("restored"), "{}").ok());
  ASSERT_TRUE(recorder.WaitForGaps(1));
  EXPECT_TRUE(leadership.WaitFor(true));
  EXPECT_TRUE(Eventually([&] { return store->ForLeader().Create(Exec("a"), "{}").ok(); }));
  EXPECT_EQ(store->List("")->records.size(), 2u);
}

}  // namespace
}  // namespace zoe::conformance
