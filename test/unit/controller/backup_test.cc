#include "controller/backup/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stop_token>
#include <thread>

#include "apis/memory/memory_store.h"
#include "apis/sqlite/sqlite_store.h"
#include "controller/backup/cut.h"
#include "controller/backup/restore.h"
#include "controller/identity/store_identity.h"

namespace zoe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr WallTime kNow{};

Key ExecutionKey(const std::string& name) { return {"Execution", "alice", name}; }

// Passes everything on to another store.
class PassingStore : public Store {
 public:
  explicit PassingStore(Store& store) : store_(store) {}
  Expected<Record> Get(const Key& key) override { return store_.Get(key); }
  Expected<Listing> List(std::string_view kind) override { return store_.List(kind); }
  Expected<Revision> Create(const Key& key, std::string bytes) override {
    return store_.Create(key, std::move(bytes));
  }
  Expected<Revision> Replace(const Key& key, Revision expected, std::string bytes) override {
    return store_.Replace(key, expected, std::move(bytes));
  }
  Expected<Revision> Delete(const Key& key, Revision expected) override {
    return store_.Delete(key, expected);
  }
  Expected<Revision> Turn(const Key& place) override { return store_.Turn(place); }
  Expected<Revision> WriteInTurn(const Key& key, Revision expected, std::string bytes,
                                 Revision turn) override {
    return store_.WriteInTurn(key, expected, std::move(bytes), turn);
  }
  Expected<std::unique_ptr<Watch>> Subscribe(Feed feed) override {
    return store_.Subscribe(std::move(feed));
  }
  Expected<std::unique_ptr<Watch>> Campaign(std::string identity,
                                            LeaderCallback callback) override {
    return store_.Campaign(std::move(identity), std::move(callback));
  }
  Expected<std::vector<Candidate>> Candidates() override { return store_.Candidates(); }
  Store& ForLeader() override { return *this; }
  Expected<void> Ping() override { return store_.Ping(); }

 protected:
  Store& store_;
};

// Lists as ZooKeeper does: the revision first, then the names, then each object by itself.
class PiecewiseStore : public PassingStore {
 public:
  using PassingStore::PassingStore;
  Expected<Listing> List(std::string_view kind) override {
    ZOE_ASSIGN(const Listing names, store_.List(kind));
    Listing listing{.revision = names.revision};
    for (const Record& record : names.records) {
      std::this_thread::sleep_for(std::chrono::microseconds(700));  // longer than writers do
      auto now = store_.Get(record.key);
      if (now.ok()) listing.records.push_back(std::move(now).value());
    }
    return listing;
  }
};

// One object comes and another goes while the first listing is read, which shows neither; the feed
// tells of both, late.
class LateStore : public PassingStore {
 public:
  LateStore(Store& store, Key comes, Key goes)
      : PassingStore(store), comes_(std::move(comes)), goes_(std::move(goes)) {}
  Expected<Listing> List(std::string_view kind) override {
    ZOE_ASSIGN(Listing listing, store_.List(kind));
    if (std::exchange(listed_, true)) return listing;
    ZOE_TRY(store_.Create(comes_, "{}"));
    const auto gone = std::ranges::find(listing.records, goes_, &Record::key);
    ZOE_TRY(store_.Delete(goes_, gone->revision));
    listing.records.erase(gone);
    return listing;
  }
  Expected<std::unique_ptr<Watch>> Subscribe(Feed feed) override {
    return store_.Subscribe({.on_change =
                                 [feed](const Change& change) {
                                   std::this_thread::sleep_for(std::chrono::milliseconds(50));
                                   feed.on_change(change);
                                 },
                             .on_gap = [] {}});
  }

 private:
  const Key comes_, goes_;
  bool listed_ = false;
};

// Fails every write from the n-th on.
class DyingStore : public PassingStore {
 public:
  DyingStore(Store& store, int writes) : PassingStore(store), left_(writes) {}
  Expected<Revision> Create(const Key& key, std::string bytes) override {
    ZOE_TRY(Spend());
    return store_.Create(key, std::move(bytes));
  }
  Expected<Revision> Replace(const Key& key, Revision expected, std::string bytes) override {
    ZOE_TRY(Spend());
    return store_.Replace(key, expected, std::move(bytes));
  }

 private:
  Expected<void> Spend() {
    if (left_-- > 0) return {};
    return MakeError(Code::kUnavailable, "the store is away");
  }
  int left_;
};

std::map<Key, std::string> Contents(Store& store) {
  std::map<Key, std::string> contents;
  const auto listing = store.List("");
  for (const Record& record : listing->records) contents[record.key] = record.bytes;
  return contents;
}

class Backups : public testing::Test {
 protected:
  Backups() {
    info = EnsureStoreInfo(*store, kNow).value();
    Put({"User", "", "alice"}, R"({"kind":"User"})");
    Put({"Credential", "alice", "login"}, R"({"kind":"Credential"})");
    Put(ExecutionKey("run"), R"({"kind":"Execution","spec":{"text":"\u00e4\n\"}{"}})");
    Put({"Later", "alice", "thing"}, R"({"unknown":[1,2,{"x":1.50}]})");
    Put(ExecutionKey("damaged"), std::string("\0\xff{\n", 4));
    Put(ExecutionKey("pretty"), "{\n \"a\": 1}");
  }

  void Put(const Key& key, const std::string& bytes) {
    ASSERT_TRUE(store->Create(key, bytes).ok());
  }
  std::string Text() { return EncodeBackup(TakeBackup(*store, "zoe", kNow).value()).value(); }
  Backup Parsed() { return ParseBackup(Text(), "b").value(); }
  static Error Failure(const Expected<Restored>& restored) {
    return restored.ok() ? Error{} : restored.error();
  }

  std::unique_ptr<Store> store = MakeMemoryStore();
  std::unique_ptr<Store> target = MakeMemoryStore();
  v1::StoreInfo info;
  RestoreOptions options{.deployment = "zoe"};
};

TEST_F(Backups, BringBackEveryByte) {
  const Backup backup = Parsed();
  EXPECT_EQ(backup.store_id, info.spec.id);
  EXPECT_EQ(backup.records.size(), 7u);
  const auto restored = Restore(*target, backup, options, kNow);
  ASSERT_TRUE(restored.ok()) << restored.error().ToString();
  EXPECT_EQ(restored->written, 6);
  EXPECT_EQ(Contents(*target), Contents(*store));
}

TEST_F(Backups, GoThroughSqliteUnchangedAlsoWhileAControllerHasItOpen) {
  const std::filesystem::path dir =
      std::filesystem::temp_directory_path() / ("zoe-backup-" + NewUid());
  const std::string path = dir / "state.db";
  {
    auto sqlite = OpenSqliteStore(path);
    ASSERT_TRUE(sqlite.ok());
    ASSERT_TRUE(Restore(**sqlite, Parsed(), options, kNow).ok());
    auto reading = OpenSqliteStoreForReading(path);
    ASSERT_TRUE(reading.ok()) << reading.error().ToString();
    EXPECT_EQ((*reading)->Create(ExecutionKey("x"), "{}").error().code, Code::kForbidden);
    const Revision moment = (*reading)->List("")->revision;
    ASSERT_TRUE((*sqlite)->Create(ExecutionKey("meanwhile"), "{}").ok());
    EXPECT_EQ((*reading)->List("User")->revision, moment);
    const auto backup = TakeBackup(**reading, "zoe", kNow);
    ASSERT_TRUE(backup.ok()) << backup.error().ToString();
    ASSERT_TRUE(
        Restore(*target, ParseBackup(EncodeBackup(*backup).value(), "b").value(), options, kNow)
            .ok());
    ASSERT_TRUE((*sqlite)->Create(ExecutionKey("later"), "{}").ok());
  }
  EXPECT_EQ(Contents(*target), Contents(*store));
  EXPECT_EQ(OpenSqliteStoreForReading(path + "x").error().reason, "StoreMissing");
  std::filesystem::remove_all(dir);
}

TEST_F(Backups, NoTruncationOrChangeGoesUnnoticed) {
  const std::string text = Text();
  for (size_t length = 0; length < text.size(); ++length) {
    const auto parsed = ParseBackup(text.substr(0, length), "b");
    ASSERT_FALSE(parsed.ok()) << length;
    ASSERT_THAT(parsed.error().message, StartsWith("b:")) << length;
  }
  for (size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(ParseBackup(changed, "b").ok()) << at;
  }
  const size_t second = text.find('\n') + 1, third = text.find('\n', second) + 1;
  const auto lacking = ParseBackup(text.substr(0, second) + text.substr(third), "f");
  EXPECT_THAT(lacking.error().message,
              HasSubstr("counts 7 objects, the header 7, but there are 6"));
  EXPECT_THAT(ParseBackup(text + "{}\n", "f").error().message,
              HasSubstr("f:9: is followed by something else"));
  EXPECT_THAT(ParseBackup("{\"a\":1}\n", "f").error().message,
              HasSubstr("f:1: is no header of a backup"));
}

TEST_F(Backups, AFileIsThereCompletelyOrNotAtAllAndOnlyForItsOwner) {
  const std::filesystem::path dir =
      std::filesystem::temp_directory_path() / ("zoe-backup-" + NewUid());
  std::filesystem::create_directory(dir);
  const std::string path = dir / "b.jsonl";
  ASSERT_TRUE(WriteBackupFile(path, "old").ok());
  ASSERT_TRUE(WriteBackupFile(path, Text()).ok());
  EXPECT_EQ(ReadBackupFile(path).value(), Text());
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir), {}), 1);
  EXPECT_FALSE(WriteBackupFile(dir / "no" / "b", "x").ok());
  const std::filesystem::path link = dir / "link";
  std::filesystem::create_symlink(path, link);
  EXPECT_THAT(WriteBackupFile(link, "x").error().message, HasSubstr("is no regular file"));
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(ReadBackupFile(path).value(), Text());
  EXPECT_FALSE(ReadBackupFile(dir / "none").ok());
  std::filesystem::remove_all(dir);
}

TEST_F(Backups, AreOneMomentOfTheStoreWhileOthersWrite) {
  PiecewiseStore piecewise(*store);
  constexpr int kPairs = 4;
  const auto key = [](int pair, char half) {
    return ExecutionKey("p" + std::to_string(pair) + half);
  };
  std::vector<std::jthread> writers;
  for (int pair = 0; pair < kPairs; ++pair) {
    Revision a = *store->Create(key(pair, 'a'), "{\"n\":0}");
    Revision b = *store->Create(key(pair, 'b'), "{\"n\":0}");
    writers.emplace_back([&, pair, a, b](const std::stop_token& stop) mutable {
      // Half a is always written first; then an object of this number, and the one before goes.
      for (int n = 1; !stop.stop_requested(); ++n) {
        const std::string bytes = "{\"n\":" + std::to_string(n) + "}";
        a = *store->Replace(key(pair, 'a'), a, bytes);
        std::this_thread::sleep_for(std::chrono::microseconds(500));
        b = *store->Replace(key(pair, 'b'), b, bytes);
        const Key young = ExecutionKey("y" + std::to_string(pair) + "-" + std::to_string(n));
        const Revision made = *store->Create(young, bytes);
        std::this_thread::sleep_for(std::chrono::microseconds(500));
        ASSERT_TRUE(store->Delete(young, made).ok());
      }
    });
  }
  const auto number = [](const std::string& bytes) { return std::stoi(bytes.substr(5)); };
  int mixed = 0;
  for (int i = 0; i < 60; ++i) {
    const auto torn = piecewise.List("");
    const auto cut = TakeCut(piecewise);
    ASSERT_TRUE(cut.ok()) << cut.error().ToString();
    for (const bool is_cut : {false, true}) {
      std::map<Key, std::string> seen;
      for (const Record& record : (is_cut ? *cut : *torn).records) {
        seen[record.key] = record.bytes;
        if (is_cut) {
          ASSERT_LE(record.revision, cut->revision);
        }
      }
      for (int pair = 0; pair < kPairs; ++pair) {
        const int a = number(seen[key(pair, 'a')]), b = number(seen[key(pair, 'b')]);
        int young = 0;
        for (const auto& [k, bytes] : seen)
          young += k.name.starts_with("y" + std::to_string(pair)) ? 1 : 0;
        const bool fits = (a == b || a == b + 1) && young <= (a == b ? 1 : 0);
        if (is_cut) {
          ASSERT_TRUE(fits) << a << " " << b << " " << young;
        }
        if (!fits) ++mixed;
      }
    }
  }
  EXPECT_GT(mixed, 0) << "the listing was never torn: this proved nothing";
}

TEST_F(Backups, DoNotLackWhatWentOnlyAfterWhatTheyLackCame) {
  LateStore late(*store, ExecutionKey("comes"), ExecutionKey("run"));
  const auto cut = TakeCut(late);
  ASSERT_TRUE(cut.ok()) << cut.error().ToString();
  std::map<Key, std::string> seen;
  for (const Record& record : cut->records) seen[record.key] = record.bytes;
  EXPECT_EQ(seen, Contents(*store));
}

TEST_F(Backups, AreRestoredOnlyIntoAStoreWithoutObjects) {
  ASSERT_TRUE(target->Create(ExecutionKey("there"), "{}").ok());
  const auto before = Contents(*target);
  const Error error = Failure(Restore(*target, Parsed(), options, kNow));
  EXPECT_EQ(error.reason, "StoreNotEmpty");
  EXPECT_THAT(error.message, HasSubstr("has 1 objects (Execution/alice/there)"));
  EXPECT_EQ(Contents(*target), before);
}

TEST_F(Backups, ReplaceWhatAFirstStartMakes) {
  const std::string young = EnsureStoreInfo(*target, kNow)->spec.id;
  for (const Key& key : {Key{"User", "", "admin"}, Key{"Credential", "admin", "login"},
                         Key{"Credential", "admin", "gateway"}, Key{"Workspace", "admin", "admin"},
                         Key{"Gateway", "admin", "admin"}, Key{"Event", "default", "e"}})
    ASSERT_TRUE(target->Create(key, "{}").ok());
  const auto restored = Restore(*target, Parsed(), options, kNow);
  ASSERT_TRUE(restored.ok()) << restored.error().ToString();
  EXPECT_EQ(restored->removed, 6);
  auto contents = Contents(*target), wanted = Contents(*store);
  const auto now = DecodeStoreInfo({v1::StoreInfoKey(), 0, contents[v1::StoreInfoKey()]});
  EXPECT_EQ(now->spec.id, info.spec.id);
  EXPECT_THAT(now->spec.replaced, ElementsAre(young));
  EXPECT_FALSE(now->spec.restoring);
  contents.erase(v1::StoreInfoKey());
  wanted.erase(v1::StoreInfoKey());
  EXPECT_EQ(contents, wanted);
}

TEST_F(Backups, ARestoreThatWasInterruptedAnywhereGoesOnAndIsMarkedUntilThen) {
  const Backup backup = Parsed();
  for (int writes = 0; writes < 9; ++writes) {
    target = MakeMemoryStore();
    DyingStore dying(*target, writes);
    const auto cut_short = Restore(dying, backup, options, kNow);
    if (cut_short.ok()) {
      EXPECT_EQ(writes, 8);  // mark, six objects, unmark
      break;
    }
    if (writes > 0) {
      EXPECT_TRUE(DecodeStoreInfo(target->Get(v1::StoreInfoKey()).value())->spec.restoring);
      EXPECT_EQ(TakeBackup(*target, "zoe", kNow).error().reason, "StoreRestoring");
      Backup other = backup;
      other.sha256 = "other";
      EXPECT_EQ(Failure(Restore(*target, other, options, kNow)).reason, "OtherRestore");
    }
    const auto restored = Restore(*target, backup, options, kNow);
    ASSERT_TRUE(restored.ok()) << writes << restored.error().ToString();
    EXPECT_EQ(Contents(*target), Contents(*store)) << writes;
  }
}

TEST_F(Backups, OfALaterVersionOrAnotherDeploymentAreRefused) {
  Backup backup = Parsed();
  EXPECT_EQ(Failure(Restore(*target, backup, {.deployment = "other"}, kNow)).reason,
            "OtherDeployment");
  EXPECT_TRUE(
      Restore(*target, backup, {.deployment = "other", .from_deployment = "zoe"}, kNow).ok());
  target = MakeMemoryStore();
  backup.schema_version = v1::kSchemaVersion + 1;
  EXPECT_EQ(Failure(Restore(*target, backup, options, kNow)).reason, "StoreTooNew");
  EXPECT_TRUE(Contents(*target).empty());
}

TEST_F(Backups, OfAStoreFromBeforeIdentitiesGetOne) {
  store = MakeMemoryStore();
  Put(ExecutionKey("run"), "{}");
  const Backup backup = Parsed();
  EXPECT_EQ(backup.store_id, "");
  EXPECT_EQ(backup.schema_version, 0);
  ASSERT_TRUE(Restore(*target, backup, options, kNow).ok());
  EXPECT_EQ(DecodeStoreInfo(target->Get(v1::StoreInfoKey()).value())->spec.schema_version,
            v1::kSchemaVersion);
  EXPECT_EQ(TakeBackup(*MakeMemoryStore(), "zoe", kNow).error().reason, "StoreEmpty");
}

}  // namespace
}  // namespace zoe
