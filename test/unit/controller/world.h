// A store, its cache and the clock, for tests of the engine: real classes, one thread, and faults
// on demand.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "apis/memory/memory_store.h"
#include "controller/cache/cache.h"
#include "controller/cache/informer.h"
#include "controller/ports/store.h"
#include "controller/runtime/manual_clock.h"
#include "controller/runtime/metrics.h"
#include "specs/v1/event.h"
#include "specs/v1/execution.h"
#include "specs/v1/kinds.h"

namespace zoe {

// A memory store with a hook before each call. Counts writes that were attempted.
class FaultStore : public Store {
 public:
  explicit FaultStore(bool threaded = false) : inner_(MakeMemoryStore({.threaded = threaded})) {}

  // Asked with the call's name; an error is returned instead of calling. May itself use `inner()`.
  std::function<Expected<void>(const std::string& call, const Key& key)> before;
  Feed feed;  // as subscribed: to open gaps by hand
  // An empty store takes its place, in which revisions begin anew; whose changes nobody is told.
  void Remake() { former_ = std::exchange(inner_, MakeMemoryStore({.threaded = false})); }
  std::atomic<int> writes{0};
  Store& inner() { return *inner_; }

  Expected<Record> Get(const Key& key) override {
    ZOE_TRY(Ask("Get", key));
    return inner_->Get(key);
  }
  Expected<Listing> List(std::string_view kind) override {
    ZOE_TRY(Ask("List", {}));
    return inner_->List(kind);
  }
  Expected<Revision> Create(const Key& key, std::string bytes) override {
    ++writes;
    ZOE_TRY(Ask("Create", key));
    return inner_->Create(key, std::move(bytes));
  }
  Expected<Revision> Replace(const Key& key, Revision expected, std::string bytes) override {
    ++writes;
    ZOE_TRY(Ask("Replace", key));
    return inner_->Replace(key, expected, std::move(bytes));
  }
  Expected<Revision> Delete(const Key& key, Revision expected) override {
    ++writes;
    ZOE_TRY(Ask("Delete", key));
    return inner_->Delete(key, expected);
  }
  Expected<Revision> Turn(const Key& place) override { return inner_->Turn(place); }
  Expected<Revision> WriteInTurn(const Key& key, Revision expected, std::string bytes,
                                 Revision turn) override {
    ++writes;
    ZOE_TRY(Ask(expected == 0 ? "Create" : "Replace", key));
    return inner_->WriteInTurn(key, expected, std::move(bytes), turn);
  }
  Expected<std::unique_ptr<zoe::Watch>> Subscribe(Feed f) override {
    ZOE_TRY(Ask("Subscribe", {}));
    feed = f;
    return inner_->Subscribe(std::move(f));
  }
  Expected<std::unique_ptr<zoe::Watch>> Campaign(std::string id, LeaderCallback callback) override {
    ZOE_TRY(Ask("Campaign", {}));
    return inner_->Campaign(std::move(id), std::move(callback));
  }
  Expected<std::vector<Candidate>> Candidates() override { return inner_->Candidates(); }
  Store& ForLeader() override { return *this; }
  Expected<void> Ping() override { return Ask("Ping", {}); }

 private:
  Expected<void> Ask(const std::string& call, const Key& key) {
    return before ? before(call, key) : Expected<void>();
  }
  std::unique_ptr<Store> former_, inner_;
};

inline Key ExecutionKey(const std::string& name, const std::string& ns = "alice") {
  return {"Execution", ns, name};
}

inline const v1::Kind& ExecutionKind() { return *v1::FindKind("Execution"); }

inline v1::Execution MakeExecution(const Key& key, int priority = 0) {
  v1::Execution execution;
  execution.meta.name = key.name;
  execution.meta.ns = key.ns;
  execution.meta.uid = "uid-" + key.name;
  execution.meta.generation = 1;
  execution.spec.priority = priority;
  return execution;
}

inline std::string Bytes(const v1::Execution& execution) {
  return v1::EncodeJson(ExecutionKind(), execution);
}

inline Revision CreateExecution(Store& store, const Key& key, int priority = 0) {
  return store.Create(key, Bytes(MakeExecution(key, priority))).value();
}

// Changes the stored object in place, whatever revision it is at.
inline Revision Edit(Store& store, const Key& key,
                     const std::function<void(v1::Execution&)>& edit) {
  const Record record = store.Get(key).value();
  auto object = v1::DecodeStored(ExecutionKind(), record.bytes).value();
  edit(static_cast<v1::Execution&>(*object));
  return store.Replace(key, record.revision, Bytes(static_cast<v1::Execution&>(*object))).value();
}

struct World {
  ManualClock clock;
  Metrics metrics;
  FaultStore store;
  Cache cache;
  Informer informer{store, cache, clock, metrics};

  explicit World(size_t history = 8192) : cache(history) {}
  void Pump() {
    while (informer.PumpOnce()) {
    }
  }
};

}  // namespace zoe
