// The model of a replicated store, as ZooKeeper and apis/zookeeper are together: one truth with the
// history of its versions, and clients that each look at it through a session of their own. One
// thread; nothing happens but in calls and in Pump.
//
//   reads      of a client never go back in time. While it lags they stand still; a write of its
//              own, and a new connection, bring it up to what is true then
//   writes     happen in the truth, one after the other, each with a greater revision
//   feed       in order, none twice; a gap after a new session and when the log was cut
//   sessions   end when the store has heard nothing of them for the timeout; the client learns of
//              it when it next reaches the store, and begins another one
//   election   candidates stand in line as nodes that go with their session; each sees the line as
//              its reads see everything. A lease lasts 2/3 of the timeout from when the last
//              answered question was asked; one is asked each 1/6 of it
//   ForLeader  writes prove, in the truth and at their time, that the candidate's node stands
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/ports/clock.h"
#include "controller/ports/store.h"

namespace zoe::sim_test {

class SimStore;

// The servers.
class Ensemble {
 public:
  // The clock outlives it, and it outlives its clients.
  Ensemble(const Clock& clock, Duration session_timeout)
      : clock_(clock), timeout_(session_timeout) {}
  Ensemble(const Ensemble&) = delete;
  Ensemble& operator=(const Ensemble&) = delete;

  // A process with a new session. `feed_delay`: from a change to when it hears of it.
  std::unique_ptr<SimStore> Connect(Duration feed_delay);
  // Ends the sessions that have been silent for too long. Returns when the next one would be.
  SteadyTime RunDue();

  // While there is no quorum nobody is answered and no session ends.
  void SetQuorum(bool quorum);
  bool quorum() const { return quorum_; }
  // Who hasn't heard of every change until now has a gap.
  void TrimLog();
  // At once, as the servers would after its timeout.
  void EndSession(int session);
  // The session whose candidate is the first in line; 0: nobody's.
  int Leader() const;

  // As it is, at once, whatever the faults.
  Revision head() const { return head_; }
  // Of the last change of an object up to there; elections have revisions too, and no feed.
  Revision LastChange(Revision at) const;
  Expected<Record> Get(const Key& key, Revision at) const;
  // Calls `see(key, revision, bytes)` for each object of the kind; of every kind if empty.
  template <class F>
  void Each(std::string_view kind, Revision at, F see) const;
  Expected<Revision> Create(const Key& key, std::string bytes);
  Expected<Revision> Replace(const Key& key, Revision expected, std::string bytes);
  Expected<Revision> Delete(const Key& key, Revision expected);
  Revision Turn(const Key& place, Revision at) const;
  Expected<Revision> WriteInTurn(const Key& key, Revision expected, std::string bytes,
                                 Revision turn);

 private:
  friend class SimStore;
  struct Version {
    Revision revision = 0;
    std::shared_ptr<const std::string> bytes;  // null: deleted
  };
  using Versions = std::vector<Version>;  // oldest first
  struct Change {
    zoe::Change change;
    SteadyTime at;
  };
  struct Session {
    bool over = false;
    std::optional<SteadyTime> silent_since;
  };
  struct Node {
    int session = 0;
    std::string identity;
    Revision created = 0, deleted = 0;  // 0: it stands
  };

  static const Version* At(const Versions& versions, Revision at);
  Revision Commit(const Key& key, Versions& versions, std::shared_ptr<const std::string> bytes);
  void DeleteNodes(int session);
  bool Stands(const Node& node, Revision at) const {
    return node.created <= at && (node.deleted == 0 || node.deleted > at);
  }

  const Clock& clock_;
  const Duration timeout_;
  bool quorum_ = true;
  Revision head_ = 1;
  int lagging_ = 0;  // clients that read from the past: only then is history kept
  std::map<Key, Versions> objects_;
  std::map<Key, std::vector<Revision>> turns_;  // taken, by kind and namespace
  std::deque<Change> log_;
  std::vector<Revision> changes_ = {1};  // of all objects, ever
  size_t trimmed_ = 0;                   // entries that stood before log_[0]
  Revision trimmed_at_ = 0;
  std::vector<Session> sessions_;  // session n is sessions_[n - 1]
  std::vector<Node> line_;         // by sequence
};

// One process's connection.
class SimStore : public Store {
 public:
  ~SimStore() override;  // as an orderly end: the session is closed, if that can be told

  Expected<Record> Get(const Key& key) override;
  Expected<Listing> List(std::string_view kind) override;
  Expected<Revision> Create(const Key& key, std::string bytes) override;
  Expected<Revision> Replace(const Key& key, Revision expected, std::string bytes) override;
  Expected<Revision> Delete(const Key& key, Revision expected) override;
  Expected<Revision> Turn(const Key& place) override;
  Expected<Revision> WriteInTurn(const Key& key, Revision expected, std::string bytes,
                                 Revision turn) override;
  Expected<std::unique_ptr<Watch>> Subscribe(Feed feed) override;
  Expected<std::unique_ptr<Watch>> Campaign(std::string identity, LeaderCallback callback) override;
  Expected<std::vector<Candidate>> Candidates() override;
  Store& ForLeader() override;
  Expected<void> Ping() override;

  // What the adapter's own thread does: keeps the session, stands for election, tells of changes
  // and of the lease. A process that stands still doesn't. True if it told something.
  bool Pump();
  // When Pump has something to do by time alone.
  SteadyTime NextDue() const;

  // The wire is cut, or whole.
  void SetCut(bool cut);
  // The process stands still, or goes on.
  void SetPaused(bool paused);
  void SetLagging(bool lagging);
  void SetListsEmpty(bool empty) { lists_empty_ = empty; }
  // Its server is alone: as lagging; writes are not done and nobody knows of the session.
  void SetAlone(bool alone);
  // The process was killed: the destructor tells nobody.
  void Abandon() { abandoned_ = true; }

  int session() const { return session_; }
  bool paused() const { return paused_; }
  // The store and the process hear each other.
  bool Heard() const { return answered() && !paused_ && !alone_; }
  bool leading() const { return leading_; }
  // Changes and elections up to here are what it may see.
  Revision view() const { return view_ ? *view_ : ensemble_.head_; }

 private:
  friend class Ensemble;
  class Fenced;
  class Ended;
  struct Subscriber {
    Feed feed;
    Revision after = 0;
  };
  using Write = std::function<Expected<Revision>()>;

  SimStore(Ensemble& ensemble, Duration feed_delay);
  bool answered() const;
  void UpdateSilence();
  void UpdateView();
  void CatchUp();
  void Begin();
  void AskAgain();
  bool Evaluate();
  bool SetLease(SteadyTime until);
  bool TellChanges();
  bool TellGap();
  Expected<Revision> Commit(bool fenced, const Write& write);
  Expected<Revision> WriteInTurn(const Key& key, Revision expected, std::string bytes,
                                 Revision turn, bool fenced);
  Expected<Revision> Swap(const Key& key, Revision expected, bool fenced, const Write& write);
  Error Away() const;

  Ensemble& ensemble_;
  const Duration feed_delay_;
  int session_ = 0;
  bool cut_ = false, paused_ = false, lagging_ = false, alone_ = false, abandoned_ = false,
       lists_empty_ = false;
  bool connected_ = false;        // as far as the process knows
  std::optional<Revision> view_;  // of a server that stands still
  size_t heard_ = 0;              // entries of the log, trimmed ones included
  bool gap_ = false;              // to be told
  std::vector<std::shared_ptr<Subscriber>> subscribers_;

  std::string identity_;
  std::shared_ptr<LeaderCallback> callback_;  // null: it doesn't stand for election
  std::optional<size_t> node_;                // in the line
  bool leading_ = false;
  SteadyTime asked_{}, beat_{};  // the last answered question; the first one since it connected
  SteadyTime told_ = kNotLeading;
  std::unique_ptr<Fenced> fenced_;
};

template <class F>
void Ensemble::Each(std::string_view kind, Revision at, F see) const {
  auto it = kind.empty() ? objects_.begin() : objects_.lower_bound(Key{std::string(kind), "", ""});
  for (; it != objects_.end() && (kind.empty() || it->first.kind == kind); ++it) {
    const Version* version = At(it->second, at);
    if (version != nullptr && version->bytes) see(it->first, version->revision, *version->bytes);
  }
}

}  // namespace zoe::sim_test
