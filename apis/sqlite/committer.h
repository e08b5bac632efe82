// Group commit: one thread turns the writes that are waiting into one transaction.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "apis/memory/change_feed.h"
#include "apis/sqlite/database.h"
#include "controller/ports/store.h"
#include "specs/meta/time.h"

namespace zoe::sqlite {

enum class WriteKind { kCreate, kReplace, kDelete };

struct Write {
  WriteKind kind;
  Key key;
  Revision expected = 0;
  std::string bytes;
  std::optional<Revision> turn = {};  // it must still be this one, and is taken
};
// The last write in turn, by kind and namespace.
using Turns = std::map<std::pair<std::string, std::string>, Revision>;

class Committer {
 public:
  // `db` is used by the committer's thread alone from now on.
  static Expected<std::unique_ptr<Committer>> Start(std::unique_ptr<Database> db, ChangeFeed& feed);
  // Writes that wait are still committed.
  ~Committer();

  // Returns when the write is durable, refused, or 10 s old. Thread-safe.
  Expected<Revision> Submit(Write write);
  // Of the newest transaction. Thread-safe.
  Revision committed() const { return committed_.load(); }
  // How long the transaction that is being written has taken so far; 0 if there is none.
  // Thread-safe.
  Duration Busy() const;
  // Thread-safe. Of this process's writes: nobody else writes.
  Revision Turn(const Key& place) const;

 private:
  struct Pending {
    Write write;
    std::optional<Expected<Revision>> result;
    std::condition_variable done;
  };
  using Batch = std::vector<std::shared_ptr<Pending>>;
  struct Statements {
    Statement find, insert, update, remove, count;
  };

  Committer(std::unique_ptr<Database> db, Statements statements, Revision revision,
            ChangeFeed& feed);
  void Run();
  Batch TakeBatch();
  // One result per write. A refused write (conflict, ...) doesn't touch the others; a failing disk
  // fails all of them.
  std::vector<Expected<Revision>> Commit(const Batch& batch);
  Expected<void> Transact(const Batch& batch, std::vector<Expected<Revision>>& results,
                          std::vector<Change>& changes);
  // `taken`: in this transaction, so far.
  Expected<Expected<Revision>> Apply(const Write& write, Revision revision, Turns& taken);

  const std::unique_ptr<Database> db_;
  Statements statements_;
  ChangeFeed& feed_;
  std::atomic<Revision> committed_;
  bool refused_ = false;  // the last write, by the disk; the thread's own
  std::atomic<SteadyTime::rep> busy_since_{0};

  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<std::shared_ptr<Pending>> queue_;
  mutable std::mutex turns_mutex_;
  Turns turns_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace zoe::sqlite
