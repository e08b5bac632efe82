#pragma once

#include <condition_variable>
#include <list>
#include <string>
#include <thread>
#include <unordered_map>

#include "controller/loop/reconciler.h"
#include "controller/ports/clock.h"
#include "controller/ports/store.h"
#include "controller/runtime/metrics.h"
#include "controller/runtime/mutex.h"
#include "specs/v1/event.h"
#include "specs/v1/kinds.h"

namespace zoe {

// Writes Event objects about other objects, later and elsewhere: a reconcile never waits for them.
// Equal ones (same object, type, reason and message) become one Event whose count and lastTimestamp
// grow, for as long as that Event is kept; its name is `<object>.<hash of these>`, so that this
// holds across restarts. Of more than `queue` different ones that wait the oldest are dropped
// (zoe_events_dropped_total). Events are best effort: one may be lost with the process.
// Thread-safe.
class EventRecorder {
 public:
  struct Options {
    std::string component = "zoe-controller";
    size_t queue = 4096;
    int per_second = 200;  // written by the thread: objects go before what is told about them
  };

  EventRecorder(Store& store, const Clock& clock, Metrics& metrics)
      : EventRecorder(store, clock, metrics, Options()) {}
  EventRecorder(Store& store, const Clock& clock, Metrics& metrics, Options options);
  ~EventRecorder();  // Stop()

  // Never blocks.
  void Record(const v1::Kind& kind, const ObjectBase& about, const PendingEvent& event);

  // Writes on a thread of its own until Stop, which writes what waits, for at most 200 ms.
  void Start();
  void Stop();
  // Writes what waits, on the caller's thread. False if the store is away; then the rest still
  // waits. Instead of Start.
  bool Flush();

 private:
  // What is known of an Event in the store.
  struct Written {
    Revision revision = 0;
    v1::Event event;
  };

  void Run();
  bool PopAndWrite();
  Expected<void> Write(const v1::Event& news);
  Expected<void> Merge(const Key& key, const v1::Event& news);
  Expected<void> Replace(const Key& key, Written written, const v1::Event& news);
  void Remember(const Key& key, Revision revision, v1::Event event);

  Store& store_;
  const Clock& clock_;
  const Options options_;
  const v1::Kind& kind_;
  Counter& recorded_;
  Counter& dropped_;

  // The writing thread only.
  std::unordered_map<Key, Written> written_;

  Mutex mutex_;
  std::condition_variable wake_;
  std::list<v1::Event> waiting_ ZOE_GUARDED_BY(mutex_);  // oldest first
  std::unordered_map<Key, std::list<v1::Event>::iterator> index_ ZOE_GUARDED_BY(mutex_);
  bool stopping_ ZOE_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace zoe
