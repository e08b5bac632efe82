#include "apis/sqlite/committer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "apis/memory/store_errors.h"
#include "controller/runtime/log.h"

namespace zoe::sqlite {
namespace {

constexpr Duration kCallTimeout{10'000};
// Bounds the memory of one transaction and the wait of its first writer.
constexpr size_t kMaxBatchWrites = 512, kMaxBatchBytes = 16 * 1024 * 1024;

}  // namespace

Expected<std::unique_ptr<Committer>> Committer::Start(std::unique_ptr<Database> db,
                                                      ChangeFeed& feed) {
  // The greater of both: a file that was repaired by hand must not reuse a revision either.
  ZOE_ASSIGN(const int64_t revision,
             db->QueryInt("SELECT max((SELECT revision FROM counter), (SELECT "
                          "ifnull(max(revision), 0) FROM objects))"));
  ZOE_ASSIGN(
      auto find,
      db->Prepare("SELECT rowid, revision FROM objects WHERE kind = ?1 AND ns = ?2 AND name = ?3"));
  ZOE_ASSIGN(
      auto insert,
      db->Prepare(
          "INSERT INTO objects(kind, ns, name, revision, bytes) VALUES (?1, ?2, ?3, ?4, ?5)"));
  ZOE_ASSIGN(auto update,
             db->Prepare("UPDATE objects SET revision = ?2, bytes = ?3 WHERE rowid = ?1"));
  ZOE_ASSIGN(auto remove, db->Prepare("DELETE FROM objects WHERE rowid = ?1"));
  ZOE_ASSIGN(auto count, db->Prepare("UPDATE counter SET revision = ?1"));
  return std::unique_ptr<Committer>(new Committer(
      std::move(db),
      {std::move(find), std::move(insert), std::move(update), std::move(remove), std::move(count)},
      revision, feed));
}

Committer::Committer(std::unique_ptr<Database> db, Statements statements, Revision revision,
                     ChangeFeed& feed)
    : db_(std::move(db)), statements_(std::move(statements)), feed_(feed), committed_(revision) {
  thread_ = std::thread([this] { Run(); });
}

Committer::~Committer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.notify_one();
  thread_.join();
}

Expected<Revision> Committer::Submit(Write write) {
  const auto pending = std::make_shared<Pending>();
  pending->write = std::move(write);
  std::unique_lock lock(mutex_);
  queue_.push_back(pending);
  work_.notify_one();
  if (pending->done.wait_for(lock, kCallTimeout, [&] { return pending->result.has_value(); }))
    return *pending->result;
  if (const auto it = std::find(queue_.begin(), queue_.end(), pending); it != queue_.end()) {
    queue_.erase(it);
    return MakeError(Code::kUnavailable, "DiskError",
                     "the disk of the store has not answered for 10 s");
  }
  return MakeError(Code::kOutcomeUnknown, "DiskError",
                   "the disk of the store has not confirmed a write for 10 s");
}

Duration Committer::Busy() const {
  const SteadyTime::rep since = busy_since_.load();
  if (since == 0) return Duration{0};
  return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() -
                                              SteadyTime(SteadyTime::duration(since)));
}

Revision Committer::Turn(const Key& place) const {
  const std::lock_guard lock(turns_mutex_);
  const auto turn = turns_.find({place.kind, place.ns});
  return turn == turns_.end() ? 0 : turn->second;
}

void Committer::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [this] { return stop_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const Batch batch = TakeBatch();
    lock.unlock();
    busy_since_ = std::chrono::steady_clock::now().time_since_epoch().count();
    std::vector<Expected<Revision>> results = Commit(batch);
    busy_since_ = 0;
    lock.lock();
    for (size_t i = 0; i < batch.size(); ++i) {
      batch[i]->result = std::move(results[i]);
      batch[i]->done.notify_one();
    }
  }
}

Committer::Batch Committer::TakeBatch() {
  Batch batch;
  for (size_t bytes = 0;
       !queue_.empty() && batch.size() < kMaxBatchWrites && bytes < kMaxBatchBytes;
       queue_.pop_front()) {
    bytes += queue_.front()->write.bytes.size();
    batch.push_back(std::move(queue_.front()));
  }
  return batch;
}

std::vector<Expected<Revision>> Committer::Commit(const Batch& batch) {
  std::vector<Expected<Revision>> results;
  std::vector<Change> changes;
  if (const Expected<void> done = Transact(batch, results, changes); !done.ok()) {
    // SQLite ends some failed transactions by itself. A ROLLBACK that fails leaves nothing that a
    // later BEGIN would not report.
    if (db_->InTransaction()) (void)db_->Execute("ROLLBACK");
    if (!std::exchange(refused_, true))
      log::Warn("the store can't be written", {{"reason", done.error().message}});
    return std::vector<Expected<Revision>>(batch.size(), done.error());
  }
  if (!changes.empty()) {
    committed_ = changes.back().revision;
    if (std::exchange(refused_, false)) log::Info("the store can be written again");
  }
  for (Change& change : changes) feed_.Publish(std::move(change));
  return results;
}

Expected<void> Committer::Transact(const Batch& batch, std::vector<Expected<Revision>>& results,
                                   std::vector<Change>& changes) {
  ZOE_TRY(db_->Execute("BEGIN IMMEDIATE"));
  Revision revision = committed_;
  Turns taken;
  for (const auto& pending : batch) {
    const Write& write = pending->write;
    ZOE_ASSIGN(Expected<Revision> result, Apply(write, revision + 1, taken));
    if (result.ok()) changes.push_back({write.key, ++revision, write.kind == WriteKind::kDelete});
    results.push_back(std::move(result));
  }
  if (changes.empty()) return db_->Execute("ROLLBACK");
  ZOE_TRY(statements_.count.Int(1, revision).Run());
  Expected<void> committed = db_->Execute("COMMIT");
  if (!committed.ok() && db_->SyncFailed()) {
    return MakeError(Code::kOutcomeUnknown, "DiskError", committed.error().message);
  }
  if (committed.ok() && !taken.empty()) {
    const std::lock_guard lock(turns_mutex_);
    for (const auto& [place, turn] : taken) turns_[place] = turn;
  }
  return committed;
}

// The outer error is the disk's, the inner one the caller's.
Expected<Expected<Revision>> Committer::Apply(const Write& write, Revision revision, Turns& taken) {
  if (write.turn) {
    const auto last = taken.find({write.key.kind, write.key.ns});
    if (*write.turn != (last == taken.end() ? Turn(write.key) : last->second))
      return Expected<Revision>(TurnTakenError(write.key));
    ZOE_ASSIGN(Expected<Revision> written,
               Apply({write.kind, write.key, write.expected, write.bytes}, revision, taken));
    if (written.ok()) taken[{write.key.kind, write.key.ns}] = revision;
    return written;
  }
  const Key& key = write.key;
  ZOE_ASSIGN(const bool found,
             statements_.find.Text(1, key.kind).Text(2, key.ns).Text(3, key.name).Step());
  const int64_t row = found ? statements_.find.Int(0) : 0;
  const Revision current = found ? statements_.find.Int(1) : 0;
  statements_.find.Reset();
  if (write.kind == WriteKind::kCreate) {
    if (found) return Expected<Revision>(AlreadyExistsError(key));
    ZOE_TRY(statements_.insert.Text(1, key.kind)
                .Text(2, key.ns)
                .Text(3, key.name)
                .Int(4, revision)
                .Blob(5, write.bytes)
                .Run());
    return Expected<Revision>(revision);
  }
  if (!found) return Expected<Revision>(NotFoundError(key));
  if (current != write.expected)
    return Expected<Revision>(ConflictError(key, write.expected, current));
  if (write.kind == WriteKind::kReplace) {
    ZOE_TRY(statements_.update.Int(1, row).Int(2, revision).Blob(3, write.bytes).Run());
  } else {
    ZOE_TRY(statements_.remove.Int(1, row).Run());
  }
  return Expected<Revision>(revision);
}

}  // namespace zoe::sqlite
