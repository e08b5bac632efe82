#include "apis/sqlite/sqlite_store.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "apis/memory/change_feed.h"
#include "apis/memory/sole_candidate.h"
#include "apis/memory/store_errors.h"
#include "apis/sqlite/committer.h"
#include "apis/sqlite/database.h"
#include "apis/sqlite/open.h"

namespace zoe {
namespace {

using sqlite::Committer;
using sqlite::Database;
using sqlite::LockFile;
using sqlite::Statement;
using sqlite::WriteKind;

constexpr Duration kPingTimeout{1'000}, kReadTimeout{10'000};

// The reading half: a connection and its statements under one lock.
struct Reader {
  std::unique_ptr<Database> db;  // before its statements, so that they are finalized first
  Statement get, list, list_kind, revision;

  // One read at a time.
  std::mutex mutex = {};
  std::condition_variable freed = {};
  bool taken = false;

  static Expected<std::unique_ptr<Reader>> Open(const std::string& path) {
    ZOE_ASSIGN(auto db, Database::Open(path));
    ZOE_TRY(db->Execute("PRAGMA query_only = ON"));
    ZOE_ASSIGN(
        auto get,
        db->Prepare(
            "SELECT revision, bytes FROM objects WHERE kind = ?1 AND ns = ?2 AND name = ?3"));
    ZOE_ASSIGN(
        auto list,
        db->Prepare("SELECT kind, ns, name, revision, bytes FROM objects ORDER BY kind, ns, name"));
    ZOE_ASSIGN(auto list_kind, db->Prepare("SELECT kind, ns, name, revision, bytes FROM objects "
                                           "WHERE kind = ?1 ORDER BY kind, ns, name"));
    ZOE_ASSIGN(auto revision, db->Prepare("SELECT revision FROM counter"));
    return std::unique_ptr<Reader>(new Reader{std::move(db), std::move(get), std::move(list),
                                              std::move(list_kind), std::move(revision)});
  }
};

// The right to read, for as long as it lives.
class ReadTurn {
 public:
  static Expected<ReadTurn> Take(Reader& reader, Duration timeout) {
    std::unique_lock lock(reader.mutex);
    if (!reader.freed.wait_for(lock, timeout, [&] { return !reader.taken; }))
      return MakeError(Code::kUnavailable, "DiskError", "reading the store takes too long");
    reader.taken = true;
    return ReadTurn(reader);
  }
  ReadTurn(ReadTurn&& other) noexcept : reader_(std::exchange(other.reader_, nullptr)) {}
  ~ReadTurn() {
    if (reader_ == nullptr) return;
    const std::lock_guard lock(reader_->mutex);
    reader_->taken = false;
    reader_->freed.notify_one();
  }

 private:
  explicit ReadTurn(Reader& reader) : reader_(&reader) {}
  Reader* reader_;
};

// Ends the reading transaction on every way out.
class Snapshot {
 public:
  explicit Snapshot(Database& db) : db_(db) {}
  ~Snapshot() {
    if (db_.InTransaction()) (void)db_.Execute("ROLLBACK");
  }

 private:
  Database& db_;
};

class SqliteStore : public Store {
 public:
  static Expected<std::unique_ptr<Store>> Open(const std::string& path) {
    ZOE_TRY(sqlite::MakeParents(path));
    std::unique_ptr<SqliteStore> store(new SqliteStore);
    ZOE_ASSIGN(store->lock_, LockFile::Acquire(path));
    ZOE_TRY(sqlite::MakeFile(path));
    ZOE_ASSIGN(std::unique_ptr<Database> writer, sqlite::OpenChecked(path));
    ZOE_ASSIGN(store->committer_, Committer::Start(std::move(writer), store->feed_));
    ZOE_ASSIGN(store->reader_, Reader::Open(path));
    return std::unique_ptr<Store>(std::move(store));
  }

  static Expected<std::unique_ptr<Store>> OpenForReading(const std::string& path) {
    std::unique_ptr<SqliteStore> store(new SqliteStore);
    ZOE_TRY(sqlite::CheckForReading(path));
    ZOE_ASSIGN(store->reader_, Reader::Open(path));
    ZOE_TRY(store->reader_->db->Execute("BEGIN"));
    return std::unique_ptr<Store>(std::move(store));
  }

  Expected<Record> Get(const Key& key) override {
    ZOE_ASSIGN(const ReadTurn turn, ReadTurn::Take(*reader_, kReadTimeout));
    Statement& get = reader_->get;
    ZOE_ASSIGN(const bool found, get.Text(1, key.kind).Text(2, key.ns).Text(3, key.name).Step());
    if (!found) return NotFoundError(key);
    Record record{key, get.Int(0), get.Bytes(1)};
    get.Reset();
    return record;
  }

  // One reading transaction: the records are exactly those of the listing's revision.
  Expected<Listing> List(std::string_view kind) override {
    ZOE_ASSIGN(const ReadTurn turn, ReadTurn::Take(*reader_, kReadTimeout));
    std::optional<Snapshot> snapshot;
    if (committer_) {  // else one transaction is open all the time
      snapshot.emplace(*reader_->db);
      ZOE_TRY(reader_->db->Execute("BEGIN"));
    }
    ZOE_ASSIGN([[maybe_unused]] const bool counted, reader_->revision.Step());
    Listing listing{.revision = reader_->revision.Int(0)};
    reader_->revision.Reset();
    Statement& list = kind.empty() ? reader_->list : reader_->list_kind;
    if (!kind.empty()) list.Text(1, kind);
    while (true) {
      ZOE_ASSIGN(const bool row, list.Step());
      if (!row) return listing;
      listing.records.push_back(
          {{list.Bytes(0), list.Bytes(1), list.Bytes(2)}, list.Int(3), list.Bytes(4)});
    }
  }

  Expected<Revision> Create(const Key& key, std::string bytes) override {
    if (bytes.size() > kMaxRecordBytes) return TooLargeError(key, bytes.size());
    return Submit({WriteKind::kCreate, key, 0, std::move(bytes)});
  }

  Expected<Revision> Replace(const Key& key, Revision expected, std::string bytes) override {
    if (bytes.size() > kMaxRecordBytes) return TooLargeError(key, bytes.size());
    return Submit({WriteKind::kReplace, key, expected, std::move(bytes)});
  }

  Expected<Revision> Delete(const Key& key, Revision expected) override {
    return Submit({WriteKind::kDelete, key, expected, {}});
  }

  Expected<Revision> Turn(const Key& place) override {
    return committer_ ? committer_->Turn(place) : 0;
  }

  Expected<Revision> WriteInTurn(const Key& key, Revision expected, std::string bytes,
                                 Revision turn) override {
    if (bytes.size() > kMaxRecordBytes) return TooLargeError(key, bytes.size());
    const WriteKind kind = expected == 0 ? WriteKind::kCreate : WriteKind::kReplace;
    return Submit({kind, key, expected, std::move(bytes), turn});
  }

  Expected<std::unique_ptr<Watch>> Subscribe(Feed feed) override {
    return feed_.Subscribe(std::move(feed), committer_ ? committer_->committed() : 0);
  }

  Expected<std::unique_ptr<Watch>> Campaign(std::string identity,
                                            LeaderCallback callback) override {
    return candidate_.Campaign(std::move(identity), callback);
  }

  Expected<std::vector<Candidate>> Candidates() override { return candidate_.List(); }

  Store& ForLeader() override { return *this; }

  Expected<void> Ping() override {
    if (const Duration busy = committer_ ? committer_->Busy() : Duration{0}; busy > kPingTimeout) {
      return MakeError(
          Code::kUnavailable, "DiskError",
          "the disk of the store has not answered for " + std::to_string(busy.count()) + " ms");
    }
    ZOE_ASSIGN(const ReadTurn turn, ReadTurn::Take(*reader_, kPingTimeout));
    ZOE_ASSIGN([[maybe_unused]] const bool row, reader_->revision.Step());
    reader_->revision.Reset();
    return {};
  }

 private:
  SqliteStore() = default;

  Expected<Revision> Submit(sqlite::Write write) {
    if (committer_) return committer_->Submit(std::move(write));
    return MakeError(Code::kForbidden, "the store was opened for reading");
  }

  // In the order in which they may go: reader, committer, feed, lock.
  std::unique_ptr<LockFile> lock_;
  ChangeFeed feed_{true};
  std::unique_ptr<Committer> committer_;  // null: for reading
  std::unique_ptr<Reader> reader_;
  SoleCandidate candidate_;
};

}  // namespace

Expected<std::unique_ptr<Store>> OpenSqliteStore(const std::string& path) {
  return SqliteStore::Open(path);
}

Expected<std::unique_ptr<Store>> OpenSqliteStoreForReading(const std::string& path) {
  return SqliteStore::OpenForReading(path);
}

}  // namespace zoe
