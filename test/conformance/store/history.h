// What many clients did to a Store and what they were told, for a checker to judge.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/ports/store.h"

namespace zoe::conformance {

enum class Act { kGet, kList, kCreate, kReplace, kDelete };

// One call. `error` is empty if it did what it was asked to; then `revision` is what it returned
// (of a list: the listing's). A write that never returned, because its process was killed, has
// kOutcomeUnknown and returns never.
struct Operation {
  int64_t id = 0;  // within its history
  int store = 0;   // the Store object that it went through: one session
  Act act = Act::kGet;
  Key key = {};            // of a list: the kind
  Revision expected = 0;   // Replace, Delete
  std::string bytes = {};  // as written, or as read; no two writes of a history write the same
  SteadyTime invoked{};
  SteadyTime returned = SteadyTime::max();
  SteadyTime latest =
      SteadyTime::max();  // kOutcomeUnknown: when it may have happened at the latest
  std::optional<Code> error = {};
  Revision revision = 0;
  std::vector<Record> records = {};  // of a list
  // Through ForLeader: which term of which process; 0: not so, or the term changed during the call.
  int64_t term = 0;

  bool write() const { return act != Act::kGet && act != Act::kList; }
  bool done() const { return !error; }
  bool unknown() const { return error == Code::kOutcomeUnknown; }
  std::string ToString() const;
};

// Thread-safe.
class History {
 public:
  // Values are named after `prefix`: different in histories that are put together. Each call is
  // written to the file descriptor `journal` before it is made and when it has returned, one line
  // in one piece, for ReadJournal; -1: not so.
  explicit History(std::string prefix = "v", int journal = -1)
      : prefix_(std::move(prefix)), journal_(journal) {}

  void Begin(Operation& operation);  // gives it its id
  void Add(Operation operation);
  std::vector<Operation> Operations() const;
  // Bytes that nobody else writes.
  std::string NextBytes();

 private:
  const std::string prefix_;
  const int journal_;
  std::atomic<int64_t> next_{0};
  mutable std::mutex mutex_;
  std::vector<Operation> operations_;
};

// The operations of a process that was killed. Those that had not returned are unknown writes that
// happened at `latest` at the latest, if at all. Lists are left out.
std::vector<Operation> ReadJournal(const std::string& lines, SteadyTime latest);

// A Store whose calls are written down. Thread-safe; the history and the store outlive it.
class RecordedStore {
 public:
  RecordedStore(Store& store, History& history, int id)
      : store_(store), history_(history), id_(id) {}
  // The same session, its writes through ForLeader. `term` says in which term the process leads.
  RecordedStore ForLeader(const std::atomic<int64_t>& term) const;

  Store& plain() { return store_; }
  Expected<Record> Get(const Key& key);
  Expected<Listing> List(std::string_view kind);
  Expected<Revision> Create(const Key& key);  // writes NextBytes
  Expected<Revision> Replace(const Key& key, Revision expected);
  Expected<Revision> Delete(const Key& key, Revision expected);

 private:
  template <class F>
  Expected<Revision> Write(Operation operation, F call);

  Store& store_;
  History& history_;
  const int id_;
  const std::atomic<int64_t>* term_ = nullptr;
};

// What a subscriber heard, with the gaps at their places. Must outlive the Watch that it feeds.
class FeedLog {
 public:
  struct Event {
    bool gap = false;
    Change change = {};
  };
  Feed feed();
  // To be called when Subscribe has returned: from then on nothing may be missing.
  void Subscribed() { SubscribedAt(Clock()); }
  void SubscribedAt(SteadyTime time) { subscribed_ = time; }
  SteadyTime subscribed() const { return subscribed_; }
  std::vector<Event> events() const;
  int gaps() const;
  // Waits until a change of that revision or a later one has come, or a gap after which none need
  // come. False after `timeout`.
  bool WaitFor(Revision revision, Duration timeout = Duration(30'000)) const;

 private:
  static SteadyTime Clock();

  mutable std::mutex mutex_;
  std::vector<Event> events_;
  SteadyTime subscribed_ = SteadyTime::max();
};

}  // namespace zoe::conformance
