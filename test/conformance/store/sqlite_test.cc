// What only the embedded store promises: its file.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "apis/sqlite/database.h"
#include "apis/sqlite/sqlite_store.h"
#include "test/conformance/store/backend.h"

namespace zoe::conformance {
namespace {

namespace fs = std::filesystem;

class SqliteTest : public testing::Test {
 protected:
  std::unique_ptr<Store> MustOpen() {
    Expected<std::unique_ptr<Store>> store = OpenSqliteStore(path_);
    EXPECT_TRUE(store.ok()) << store.error().message;
    return store.ok() ? std::move(store).value() : nullptr;
  }
  Error MustNotOpen(const std::string& path) {
    const Expected<std::unique_ptr<Store>> store = OpenSqliteStore(path);
    EXPECT_FALSE(store.ok());
    return store.ok() ? Error{} : store.error();
  }
  void Fill(int count) {
    const auto store = MustOpen();
    for (int i = 0; i < count; ++i)
      ASSERT_TRUE(store->Create(KeyOf(i), std::string(2000, 'x')).ok());
  }
  static Key KeyOf(int i) { return {"Execution", "alice", "e-" + std::to_string(i)}; }
  static std::string BytesOf(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream bytes;
    bytes << in.rdbuf();
    return bytes.str();
  }
  // A database that the store did not make.
  void MakeDatabase(const char* sql) {
    std::ofstream(path_).close();
    auto db = sqlite::Database::Open(path_);
    ASSERT_TRUE(db.ok());
    ASSERT_TRUE((*db)->Execute(sql).ok());
  }
  static mode_t ModeOf(const std::string& path) {
    struct stat status = {};
    return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
  }

  TempDir dir_;
  const std::string path_ = dir_.path() + "/state.db";
};

TEST_F(SqliteTest, FilesAndDirectoriesAreForTheirOwnerOnly) {
  const std::string path = dir_.path() + "/one/two/state.db";
  const auto store = OpenSqliteStore(path);
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE((*store)->Create(KeyOf(1), "{}").ok());
  EXPECT_EQ(ModeOf(dir_.path() + "/one"), 0700u);
  EXPECT_EQ(ModeOf(dir_.path() + "/one/two"), 0700u);
  for (const char* suffix : {"", "-wal", "-shm", ".lock"})
    EXPECT_EQ(ModeOf(path + suffix), 0600u) << suffix;
}

TEST_F(SqliteTest, ASecondControllerIsToldWhoHasTheFile) {
  auto store = MustOpen();
  const Error error = MustNotOpen(path_);
  EXPECT_EQ(error.code, Code::kUnavailable);
  EXPECT_EQ(error.reason, "StoreInUse");
  EXPECT_NE(error.message.find(path_ + " is in use by process " + std::to_string(getpid())),
            std::string::npos)
      << error.message;
  ASSERT_TRUE(store->Create(KeyOf(1), "{}").ok());
  store.reset();
  MustOpen();
}

TEST_F(SqliteTest, ADamagedFileIsRefusedAndLeftAsItIs) {
  Fill(50);
  const std::string sound = BytesOf(path_);
  const auto damage = [&](const char* what, const std::string& bytes) {
    SCOPED_TRACE(what);
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
    const Error error = MustNotOpen(path_);
    EXPECT_EQ(error.reason, "StoreDamaged");
    EXPECT_NE(error.message.find("save what can be read"), std::string::npos) << error.message;
    EXPECT_TRUE(BytesOf(path_) == bytes);
  };
  std::string bytes = sound;
  bytes.replace(0, 16, "not a database!!");
  damage("header", bytes);
  bytes = sound;
  bytes.replace(sound.size() / 2, 4096, std::string(4096, '\xa5'));
  damage("a page in the middle", bytes);
  damage("cut short", sound.substr(0, sound.size() / 2));
  damage("a text file",
         "once upon a time there was a file of more than a few bytes, but without any pages in it");

  std::ofstream(path_, std::ios::binary | std::ios::trunc) << sound;
  EXPECT_EQ(MustOpen()->List("")->records.size(), 50u);
}

// The log holds committed writes that the damaged file lacks: a recovery needs it.
TEST_F(SqliteTest, ADamagedFileKeepsItsWriteAheadLog) {
  Fill(200);
  const pid_t child = fork();
  if (child == 0) {
    auto store = MustOpen();
    for (int i = 200; i < 210; ++i) (void)store->Create(KeyOf(i), "{}");
    kill(getpid(), SIGKILL);
  }
  waitpid(child, nullptr, 0);
  const std::string wal = BytesOf(path_ + "-wal");
  ASSERT_FALSE(wal.empty());
  std::string bytes = BytesOf(path_);
  bytes.replace(bytes.size() / 2, 4096, std::string(4096, '\xa5'));
  std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  EXPECT_EQ(MustNotOpen(path_).reason, "StoreDamaged");
  EXPECT_TRUE(BytesOf(path_ + "-wal") == wal);
  EXPECT_TRUE(BytesOf(path_) == bytes);
}

TEST_F(SqliteTest, TheCommandThatSavesWhatCanBeReadDoesSo) {
  if (!fs::exists("/usr/bin/sqlite3")) GTEST_SKIP() << "the sqlite3 shell is missing";
  Fill(200);
  std::string bytes = BytesOf(path_);
  bytes.replace(bytes.size() / 2 / 4096 * 4096, 4096, std::string(4096, '\xa5'));
  std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  const std::string message = MustNotOpen(path_).message;
  const size_t from = message.find("new file: ") + 10, to = message.find(". Then");
  ASSERT_EQ(system((message.substr(from, to - from) + " 2> /dev/null").c_str()), 0) << message;
  const auto saved = OpenSqliteStore(path_ + ".recovered");
  ASSERT_TRUE(saved.ok()) << saved.error().message;
  const Expected<Listing> listing = (*saved)->List("");
  EXPECT_GE(listing->records.size(), 190u);
  EXPECT_GT((*saved)->Create({"Execution", "alice", "new"}, "{}").value_or(0), listing->revision);
}

TEST_F(SqliteTest, AFileOfALaterVersionIsRefused) {
  Fill(3);
  {
    auto db = sqlite::Database::Open(path_);
    ASSERT_TRUE(db.ok() && (*db)->Execute("PRAGMA user_version = 2").ok());
    (*db)->AllowCheckpoint();
  }
  const Error error = MustNotOpen(path_);
  EXPECT_EQ(error.code, Code::kInvalid);
  EXPECT_EQ(error.reason, "StoreTooNew");
  EXPECT_NE(error.message.find("schema 2"), std::string::npos) << error.message;
}

TEST_F(SqliteTest, ADatabaseOfSomethingElseIsRefused) {
  MakeDatabase("CREATE TABLE recipes(name TEXT); INSERT INTO recipes VALUES ('soup')");
  const std::string before = BytesOf(path_);
  EXPECT_EQ(MustNotOpen(path_).reason, "StoreNotOurs");
  EXPECT_TRUE(BytesOf(path_) == before);
}

TEST_F(SqliteTest, AnEmptyFileBecomesAStore) {
  std::ofstream(path_).close();
  ASSERT_TRUE(MustOpen()->Create(KeyOf(1), "{}").ok());
}

TEST_F(SqliteTest, ADirectoryIsNoStore) {
  ASSERT_EQ(mkdir(path_.c_str(), 0700), 0);
  EXPECT_EQ(MustNotOpen(path_).reason, "StoreNotWritable");
}

TEST_F(SqliteTest, ADirectoryThatCantBeWrittenIsNamed) {
  const std::string closed = dir_.path() + "/closed";
  ASSERT_EQ(mkdir(closed.c_str(), 0555), 0);
  ASSERT_EQ(chmod(dir_.path().c_str(), 0755), 0);
  const pid_t child = fork();
  if (child == 0) {  // root may write everywhere
    if (getuid() == 0 && setuid(65534) != 0) _exit(2);
    const Expected<std::unique_ptr<Store>> store = OpenSqliteStore(closed + "/state.db");
    const bool named = !store.ok() && store.error().reason == "StoreNotWritable" &&
                       store.error().message.find(closed) != std::string::npos &&
                       store.error().message.find("Permission denied") != std::string::npos;
    const Expected<std::unique_ptr<Store>> deeper = OpenSqliteStore(closed + "/deeper/state.db");
    _exit(named && !deeper.ok() && deeper.error().reason == "StoreNotWritable" ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// Writes until `full` refuses, makes room, and finds everything that was acknowledged.
void FillTheDisk(const std::string& path, const std::function<void()>& make_room) {
  auto opened = OpenSqliteStore(path);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  std::unique_ptr<Store> store = std::move(opened).value();
  const auto key = [](int i) { return Key{"Execution", "alice", "e-" + std::to_string(i)}; };
  int acknowledged = 0;
  testing::internal::CaptureStderr();
  while (acknowledged < 1000) {
    const Expected<Revision> revision = store->Create(key(acknowledged), std::string(30'000, 'x'));
    if (!revision.ok()) {
      EXPECT_EQ(revision.error().code, Code::kUnavailable);
      EXPECT_EQ(revision.error().reason, "DiskFull");
      EXPECT_NE(revision.error().message.find("no room to write"), std::string::npos)
          << revision.error().message;
      break;
    }
    ++acknowledged;
  }
  ASSERT_GT(acknowledged, 0);
  ASSERT_LT(acknowledged, 1000);
  EXPECT_TRUE(store->Get(key(0)).ok()) << "reads go on";
  EXPECT_FALSE(store->Create({"Execution", "alice", "more"}, std::string(30'000, 'x')).ok());
  make_room();
  const Expected<Revision> again =
      store->Create({"Execution", "alice", "more"}, std::string(30'000, 'x'));
  EXPECT_TRUE(again.ok()) << again.error().message;
  store.reset();
  // Once each, however many writes were refused.
  const std::string log = testing::internal::GetCapturedStderr();
  const size_t told = log.find("the store can't be written reason=\"no room to write");
  ASSERT_NE(told, std::string::npos) << log;
  EXPECT_EQ(log.find("the store can't be written", told + 1), std::string::npos);
  EXPECT_NE(log.find("the store can be written again"), std::string::npos) << log;
  opened = OpenSqliteStore(path);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ((*opened)->List("")->records.size(), static_cast<size_t>(acknowledged) + 1);
}

TEST_F(SqliteTest, AFullDiskRefusesWritesUntilThereIsRoom) {
  struct SmallDisk {
    const std::string path;
    ~SmallDisk() { umount2(path.c_str(), MNT_DETACH); }
  } disk{dir_.path() + "/small"};
  mkdir(disk.path.c_str(), 0700);
  if (mount("tmpfs", disk.path.c_str(), "tmpfs", 0, "size=2m") != 0)
    GTEST_SKIP() << "can't mount a small disk: not root";
  FillTheDisk(disk.path + "/state.db", [&] {
    ASSERT_EQ(mount("tmpfs", disk.path.c_str(), "tmpfs", MS_REMOUNT, "size=20m"), 0);
  });
}

TEST_F(SqliteTest, AFileSizeLimitRefusesWritesUntilItIsLifted) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit low = before;
  low.rlim_cur = 1 << 20;
  setrlimit(RLIMIT_FSIZE, &low);
  FillTheDisk(path_, [&] { setrlimit(RLIMIT_FSIZE, &before); });
  setrlimit(RLIMIT_FSIZE, &before);
}

struct Ack {
  int thread, count;
  Revision revision;
};

// Four threads write what nobody reads; each write that returned is told to the pipe.
[[noreturn]] void WriteUntilKilled(const std::string& path, int round, int pipe) {
  auto store = OpenSqliteStore(path);
  if (!store.ok()) _exit(1);
  for (int thread = 0; thread < 4; ++thread) {
    std::thread([&, thread] {
      for (int i = 0;; ++i) {
        const Key key{"Execution", "round-" + std::to_string(round),
                      std::to_string(thread) + "-" + std::to_string(i)};
        const Expected<Revision> revision = (*store)->Create(key, std::string(500, 'x'));
        const Ack ack{thread, i, revision.value_or(-1)};
        if (write(pipe, &ack, sizeof(ack)) != sizeof(ack)) _exit(1);
      }
    }).detach();
  }
  while (true) pause();
}

TEST_F(SqliteTest, NothingAcknowledgedIsLostWhenTheWriterIsKilled) {
  size_t expected = 0;
  Revision newest = 0;
  for (int round = 0; round < 6; ++round) {
    int pipe_fds[2];
    ASSERT_EQ(pipe(pipe_fds), 0);
    const pid_t child = fork();
    if (child == 0) WriteUntilKilled(path_, round, pipe_fds[1]);
    close(pipe_fds[1]);
    std::vector<Ack> acks;
    Ack ack{};
    while (acks.size() < 150 && read(pipe_fds[0], &ack, sizeof(ack)) == sizeof(ack))
      acks.push_back(ack);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    while (read(pipe_fds[0], &ack, sizeof(ack)) == sizeof(ack)) acks.push_back(ack);
    close(pipe_fds[0]);
    ASSERT_GE(acks.size(), 150u);

    const auto store = MustOpen();
    for (const Ack& a : acks) {
      const Expected<Record> record =
          store->Get({"Execution", "round-" + std::to_string(round),
                      std::to_string(a.thread) + "-" + std::to_string(a.count)});
      ASSERT_TRUE(record.ok());
      EXPECT_EQ(record->revision, a.revision);
      EXPECT_GT(a.revision, newest);
    }
    const Expected<Listing> listing = store->List("");
    newest = listing->revision;
    expected += acks.size();
    // At most the four writes that were under way may be there without having been acknowledged.
    EXPECT_GE(listing->records.size(), expected);
    EXPECT_LE(listing->records.size(), expected + 4);
    expected = listing->records.size();
  }
}

}  // namespace
}  // namespace zoe::conformance
