// Where objects live. Implementations: apis/memory, apis/sqlite, apis/zookeeper; one conformance
// suite (test/conformance/store).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "specs/meta/expected.h"
#include "specs/meta/key.h"
#include "specs/meta/time.h"

namespace zoe {

// One object: spec and status together, as the canonical JSON of v1::EncodeJson without
// resourceVersion. Opaque to the store.
struct Record {
  Key key;
  Revision revision = 0;  // of the last write of this object
  std::string bytes;
};

struct Listing {
  std::vector<Record> records;  // ordered by key
  Revision revision = 0;        // what the store was at, or later than, when every record was read
};

// One entry of the change feed: a hint, no data.
struct Change {
  Key key;
  Revision revision = 0;
  bool deleted = false;
};

// Ends the subscription when destroyed: no callback runs after the destructor has returned.
class Watch {
 public:
  virtual ~Watch() = default;
};

struct Feed {
  // Every change committed after Subscribe returned, in order of revision, none twice. Runs on the
  // store's thread: must only post, never block, never call the store.
  std::function<void(const Change&)> on_change;
  // The feed may have a gap (session lost, log trimmed): everything must be listed again. Same
  // rules.
  std::function<void()> on_gap;
};

// Until when this process leads, by the steady clock: called when it begins to, each time that its
// lease is renewed, and with kNotLeading when it no longer does. Past `until` it must not act,
// whether it has been told or not: a process that was paused is told too late.
using LeaderCallback = std::function<void(SteadyTime until)>;
inline constexpr SteadyTime kNotLeading = SteadyTime::min();

// A controller that stands for election.
struct Candidate {
  std::string identity;  // as it said to Campaign
  bool leading = false;
};

// Largest record: ZooKeeper's packet limit, with room for the rest of the transaction.
inline constexpr size_t kMaxRecordBytes = 512 * 1024;

// Thread-safe. Every call has a bounded duration of its own (10 s) after which it is kUnavailable
// or, for writes whose fate is not known, kOutcomeUnknown. Writes are durable when they return. No
// call retries a write.
class Store {
 public:
  virtual ~Store() = default;

  // kNotFound.
  virtual Expected<Record> Get(const Key& key) = 0;
  // All objects of a kind; of every kind if empty.
  virtual Expected<Listing> List(std::string_view kind) = 0;
  // kAlreadyExists, kTooLarge (> kMaxRecordBytes). Returns the object's revision.
  virtual Expected<Revision> Create(const Key& key, std::string bytes) = 0;
  // Compare-and-swap: kConflict if the object is not at `expected`, kNotFound if it is gone.
  virtual Expected<Revision> Replace(const Key& key, Revision expected, std::string bytes) = 0;
  // kConflict, kNotFound. Returns the revision of the deletion.
  virtual Expected<Revision> Delete(const Key& key, Revision expected) = 0;

  // For writes that are right only beside all others like them (quotas): of each kind in each
  // namespace there is a turn, and only who has seen what the last one wrote may take the next.
  // Turn: the revision of the last write in turn there (or of a deletion), 0 without one; only the
  // kind and the namespace of `place` count. What was written in turns before it shows in whatever
  // is at that revision. Need not outlast the process where only one can open the store.
  virtual Expected<Revision> Turn(const Key& place) = 0;
  // Create (`expected` 0) or Replace, and takes the turn, all in one transaction. Errors as theirs;
  // kConflict (reason TurnTaken) if the turn is no longer `turn`: nothing was written.
  virtual Expected<Revision> WriteInTurn(const Key& key, Revision expected, std::string bytes,
                                         Revision turn) = 0;

  virtual Expected<std::unique_ptr<Watch>> Subscribe(Feed feed) = 0;
  // Takes part in the election of the one process that reconciles. Embedded stores lead at once,
  // for ever. Ends with the Watch.
  virtual Expected<std::unique_ptr<Watch>> Campaign(std::string identity,
                                                    LeaderCallback callback) = 0;
  // Everyone who stands for election now, of every process; in the order in which they would lead.
  virtual Expected<std::vector<Candidate>> Candidates() = 0;
  // The same store for the control loop. Its writes prove in the same transaction that this process
  // leads: else kUnavailable (reason NotLeading), and nothing was written. Lives as long as this.
  virtual Store& ForLeader() = 0;
  // kUnavailable with the reason, if the store can't be reached now. Never blocks longer than 1 s.
  virtual Expected<void> Ping() = 0;
};

}  // namespace zoe
