#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controller/ports/context.h"
#include "specs/meta/expected.h"
#include "specs/meta/key.h"
#include "specs/meta/meta.h"

namespace zoe {

// What a pass asks for when it went well.
struct Result {
  Duration requeue_after{0};  // 0: not until something changes
};

// An event to record: what happened, for people.
struct PendingEvent {
  bool warning = false;
  std::string reason, message;
};

// What a pass wants written about its object. The engine applies it once, after success and after
// failure: status, finalizers and deletion in one compare-and-swap against the revision that the
// pass saw, and not at all when nothing differs.
class StatusDraft {
 public:
  // The object as the cache has it, to be changed in place: status and meta.finalizers only. Null
  // if the object is gone. Its type is the kind's: static_cast to it.
  std::shared_ptr<ObjectBase> object;
  // Deletes the object from the store (its finalizers are empty and deletion_timestamp is set, or
  // its TTL passed).
  bool remove = false;
  // Sets deletion_timestamp as a user's DELETE would (TTL).
  bool request_deletion = false;
  std::vector<PendingEvent>
      events;  // recorded only if the write succeeded or nothing had to be written

  void Event(std::string reason, std::string message) {
    events.push_back({false, std::move(reason), std::move(message)});
  }
  void Warn(std::string reason, std::string message) {
    events.push_back({true, std::move(reason), std::move(message)});
  }
};

// Level-triggered: a key enters, the world is looked at, the difference is acted on. Called for
// different keys in parallel, for one key never twice at the same time. What an error means for the
// queue stands in classify.h; implementations never retry.
class Reconciler {
 public:
  virtual ~Reconciler() = default;
  virtual Expected<Result> Reconcile(const Context& ctx, const Key& key, StatusDraft& draft) = 0;
};

}  // namespace zoe
